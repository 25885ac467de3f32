//! What is proven, and what only looks so.
#![allow(clippy::unwrap_used)]

use super::*;

/// The rules that speak, each with what it is about.
fn said(language: Language, text: &str) -> Vec<String> {
    let found = proven(language, text).into_iter();
    let said = found.map(|it| {
        let about = text.get(it.range.as_usize()).unwrap();
        format!("{} | {about}", it.rule)
    });
    said.collect()
}

#[track_caller]
fn check(table: &[(Language, &str, &[&str])]) {
    for (language, text, wanted) in table {
        assert_eq!(said(*language, text), *wanted, "{language}: {text}");
    }
}

use Language::{CSharp, Go, Java, JavaScript, Python, Rust, TypeScript};

#[test]
fn what_stands_behind_a_return_never_runs() {
    check(&[
        (
            Rust,
            "fn f() -> u8 {\n    return 1;\n    g();\n}\n",
            &["unreachable-code | g();"],
        ),
        (
            Rust,
            "fn f() { loop { break; g(); } }\n",
            &["unreachable-code | g();"],
        ),
        (Rust, "fn f() { return; fn g() {} use a::b; }\n", &[]),
        (
            Rust,
            "fn f() {\n    #[cfg(unix)]\n    return;\n    g();\n}\n",
            &[],
        ),
        (Rust, "fn f() { return; items! {} }\n", &[]),
        (Rust, "fn f() { if a { return; } g(); }\n", &[]),
        (
            Python,
            "def f():\n    return 1\n    g()\n",
            &["unreachable-code | g()"],
        ),
        (Python, "def f():\n    raise E\n    # why\n", &[]),
        (Python, "def f():\n    return\n    yield\n", &[]),
        (
            JavaScript,
            "function f() { return\n  a + b; }\n",
            &["unreachable-code | a + b;"],
        ),
        (
            JavaScript,
            "function f() { return g(); function g() {} var a; }\n",
            &[],
        ),
        (
            TypeScript,
            "switch (a) { case 1: throw b; c(); case 2: d(); }\n",
            &["unreachable-code | c();"],
        ),
        (
            Go,
            "package a\n\nfunc f() int {\n\treturn 1\n\tg()\n}\n",
            &["unreachable-code | g()"],
        ),
        (
            Go,
            "package a\n\nfunc f() {\n\tgoto b\n\treturn\nb:\n\tg()\n}\n",
            &[],
        ),
        (
            Java,
            "class A { int f() { return 1; g(); } }\n",
            &["unreachable-code | g();"],
        ),
        (
            Java,
            "class A { void f() { switch (a) { case 1: b(); break; case 2: c(); } } }\n",
            &[],
        ),
        (
            CSharp,
            "class A { int F() { return 1; G(); } }\n",
            &["unreachable-code | G();"],
        ),
        (
            CSharp,
            "class A { int F() { return G(); int G() => 1; } }\n",
            &[],
        ),
        (
            CSharp,
            "class A { I F() { yield return 1; G(); yield break; H(); } }\n",
            &["unreachable-code | H();"],
        ),
    ]);
}

#[test]
fn a_key_or_a_case_stands_once() {
    check(&[
        (
            JavaScript,
            "x = {a: 1, b: 2, 'a': 3};\n",
            &["duplicate-key | 'a'"],
        ),
        (JavaScript, "x = {a: 1, ...b, a: 3};\n", &[]),
        (
            JavaScript,
            "x = {[a]: 1, [a]: 3, get c() {}, set c(v) {}};\n",
            &[],
        ),
        (
            Python,
            "x = {'a': 1, \"a\": 2, b: 1, b: 2, 1: 3, 1: 4}\n",
            &["duplicate-key | \"a\"", "duplicate-key | 1"],
        ),
        (Python, "x = {'a': 1, **b, 'a': 2}\n", &[]),
        (
            TypeScript,
            "switch (a) { case 'x': b(); break; case 'x': c(); }\n",
            &["duplicate-case | 'x'"],
        ),
        (
            TypeScript,
            "switch (true) { case f(): b(); break; case f(): c(); }\n",
            &[],
        ),
        (
            Rust,
            "fn f() { match a { B::C => 1, B::D => 2, B::C => 3 } }\n",
            &["duplicate-case | B::C"],
        ),
        (
            Rust,
            "fn f() { match a { x if x > 1 => 1, x if x > 2 => 2, x => 3 } }\n",
            &[],
        ),
        (
            Rust,
            "fn f() { match a { #[cfg(a)] B => 1, #[cfg(b)] B => 2 } }\n",
            &[],
        ),
        (
            Python,
            "match a:\n    case 1:\n        b()\n    case 1:\n        c()\n",
            &["duplicate-case | 1"],
        ),
        (
            Python,
            "match a:\n    case 1 if d:\n        b()\n    case 1:\n        c()\n",
            &[],
        ),
        (
            Go,
            "package a\n\nfunc f() { switch a { case 1, b: g()\ncase b: h() } }\n",
            &["duplicate-case | b"],
        ),
        (
            Java,
            "class A { void f() { switch (a) { case B: g(); break; case B: h(); } } }\n",
            &["duplicate-case | B"],
        ),
    ]);
}

#[test]
fn a_failure_is_not_dropped_without_a_word() {
    check(&[
        (
            JavaScript,
            "try { a(); } catch (e) {}\n",
            &["empty-catch | catch (e) {}"],
        ),
        (
            JavaScript,
            "try { a(); } catch (e) { /* gone is well */ }\n",
            &[],
        ),
        (
            Java,
            "class A { void f() { try { a(); } catch (E e) { } } }\n",
            &["empty-catch | catch (E e) { }"],
        ),
        (
            Java,
            "class A { void f() { try { a(); } catch (E ignored) { } } }\n",
            &[],
        ),
        (JavaScript, "try { a(); } catch (_) {}\n", &[]),
        (
            CSharp,
            "class A { void F() { try { G(); } catch { } } }\n",
            &["empty-catch | catch { }"],
        ),
        (
            Python,
            "try:\n    a()\nexcept:\n    pass\n",
            &["empty-catch | except:"],
        ),
        (
            Python,
            "try:\n    a()\nexcept Exception as e:\n    pass\n",
            &["empty-catch | except Exception as e:"],
        ),
        (Python, "try:\n    a()\nexcept KeyError:\n    pass\n", &[]),
        (
            Python,
            "try:\n    a()\nexcept Exception:\n    pass  # gone is well\n",
            &[],
        ),
    ]);
}

#[test]
fn what_is_assigned_or_compared_with_itself_is_told() {
    check(&[
        (
            Rust,
            "fn f() { self.a = self.a; b = b; c[0] = c[0]; }\n",
            &[
                "self-assignment | self.a = self.a",
                "self-assignment | b = b",
            ],
        ),
        (Rust, "fn f() { a += a; }\n", &[]),
        (
            JavaScript,
            "a = a; b.c = b.c;\n",
            &["self-assignment | a = a"],
        ),
        (
            Python,
            "def f():\n    a = a\n",
            &["self-assignment | a = a"],
        ),
        (Python, "class A:\n    a = a\n", &[]),
        (
            Go,
            "package a\n\nfunc f() { a.b = a.b; c := c; _ = c }\n",
            &["self-assignment | a.b = a.b"],
        ),
        (
            Java,
            "class A { A(int b) { this.b = b; b = b; } }\n",
            &["self-assignment | b = b"],
        ),
        (
            Rust,
            "fn f() { if a && a {} if b == b {} }\n",
            &["same-operands | a && a"],
        ),
        (Python, "x = a or a\n", &["same-operands | a or a"]),
        (JavaScript, "x = a() || a();\n", &[]),
    ]);
}

#[test]
fn what_may_be_a_call_is_not_told() {
    check(&[
        (
            CSharp,
            "class A { void F() { B = B; if (C && C) {} if (D) { E(); } else if (D) { G(); } } }\n",
            &[],
        ),
        (
            TypeScript,
            "function f() { return g(1); function g(a: number): number; function g(a: any) { return a; } }\n",
            &[],
        ),
    ]);
}

#[test]
fn branches_differ_and_conditions_are_asked_once() {
    check(&[
        (
            Rust,
            "fn f() { if a { g(1) } else { g( 1 ) } }\n",
            &["identical-branches | if a { g(1) } else { g( 1 ) }"],
        ),
        (
            Rust,
            "fn f() { if let Some(x) = a { x } else { x } }\n",
            &[],
        ),
        (Rust, "fn f() { if a {} else {} }\n", &[]),
        (Python, "if a:\n    b('x  y')\nelse:\n    b('x y')\n", &[]),
        (
            Python,
            "if a:\n    b()\nelse:\n    b()  # too\n",
            &["identical-branches | if a:"],
        ),
        (Python, "if a:\n    b()\nelif c:\n    b()\n", &[]),
        (
            Python,
            "if a:\n    b()\nelif a:\n    c()\n",
            &["repeated-condition | a"],
        ),
        (
            Go,
            "package a\n\nfunc f() { if a { g() } else { g() } }\n",
            &["identical-branches | if a { g() } else { g() }"],
        ),
        (
            JavaScript,
            "if (a > 1) b(); else if (c) d(); else if (a > 1) e();\n",
            &["repeated-condition | (a > 1)"],
        ),
        (JavaScript, "if (a()) b(); else if (a()) c();\n", &[]),
        (
            JavaScript,
            "if (a > 1) b(); else if (next()) d(); else if (a > 1) e();\n",
            &[],
        ),
        (
            Go,
            "package a\n\nfunc f(x any) { if v, ok := x.(int); ok { g(v) } else if s, ok := x.(string); ok { h(s) } }\n",
            &[],
        ),
        (JavaScript, "if (a.b) b(); else if (a.b) c();\n", &[]),
        (
            Java,
            "class A { void f() { if (a) { g(); } else { g(); } } }\n",
            &["identical-branches | if (a) { g(); } else { g(); }"],
        ),
    ]);
}

#[test]
fn what_is_broken_or_unknown_is_left_alone() {
    check(&[
        (Rust, "fn f() { return; g( }\n", &[]),
        (Language::C, "int f(void) { return 1; g(); }\n", &[]),
        (Language::Markdown, "# a\n", &[]),
        (Rust, "", &[]),
    ]);
}
