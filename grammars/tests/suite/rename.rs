//! Renaming: what has to be written, and when it must be refused. `$` is the cursor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use pleach_grammars::Language::{Go, JavaScript, Python, Rust, Tsx, TypeScript};
use pleach_grammars::{Language, RenameRefusal, parse, rename};
use pleach_text::{ByteOffset, ChangeSet};

fn attempt(language: Language, fixture: &str, to: &str) -> Result<String, RenameRefusal> {
    let at = fixture.find('$').expect("a cursor");
    let text = fixture.replacen('$', "", 1);
    let (edits, _) = rename(&parse(language, &text), &text, ByteOffset(at), to)?;
    let changes = ChangeSet::new(edits, ByteOffset(text.len())).unwrap();
    Ok(changes.apply_to_str(&text).unwrap())
}

#[track_caller]
fn check(language: Language, fixture: &str, to: &str, expected: &str) {
    assert_eq!(
        attempt(language, fixture, to).as_deref(),
        Ok(expected),
        "{fixture}"
    );
}

#[track_caller]
fn refused(language: Language, fixture: &str, to: &str, code: &str) {
    assert_eq!(
        attempt(language, fixture, to).unwrap_err().code(),
        code,
        "{fixture}"
    );
}

#[test]
fn shorthands_are_written_out() {
    check(
        Rust,
        "fn f($x: u8) -> P { P { x, y: x } }",
        "n",
        "fn f(n: u8) -> P { P { x: n, y: n } }",
    );
    check(
        Rust,
        "fn f(p: P) { let P { ref mut x, y } = p; $x; y }",
        "n",
        "fn f(p: P) { let P { x: ref mut n, y } = p; n; y }",
    );
    check(
        Rust,
        "use a::{b, $c}; fn f() { c(); }",
        "n",
        "use a::{b, c as n}; fn f() { n(); }",
    );
    check(
        JavaScript,
        "function f({ $a = 1, b: [c] }) { return { a, b: a }; }",
        "n",
        "function f({ a: n = 1, b: [c] }) { return { a: n, b: n }; }",
    );
    check(
        JavaScript,
        "import { $a } from 'a'; a();",
        "n",
        "import { a as n } from 'a'; n();",
    );
    check(
        JavaScript,
        "const $a = 1; export { a };",
        "n",
        "const n = 1; export { n as a };",
    );
    check(
        JavaScript,
        "const $a = 1; export { a as b };",
        "n",
        "const n = 1; export { n as b };",
    );
    check(
        Tsx,
        "const A = ({ $text }: P) => <p text={text}>{text}</p>; export { A };",
        "label",
        "const A = ({ text: label }: P) => <p text={label}>{label}</p>; export { A };",
    );
    check(
        Python,
        "from a import $b\nb.b()\n",
        "n",
        "from a import b as n\nn.b()\n",
    );
    check(Python, "import $b\nb.b()\n", "n", "import b as n\nn.b()\n");
    check(
        Go,
        "package p\nimport $\"fmt\"\nfunc f() { fmt.Print() }",
        "n",
        "package p\nimport n \"fmt\"\nfunc f() { n.Print() }",
    );
    check(
        Rust,
        "fn f($x: u8) { println!(\"{x} {x:?} {}\", x); }",
        "count",
        "fn f(count: u8) { println!(\"{count} {count:?} {}\", count); }",
    );
    check(
        Rust,
        "fn $helper() {} mod tests { use super::helper; fn t() { helper() } }",
        "n",
        "fn n() {} mod tests { use super::n; fn t() { n() } }",
    );
}

#[test]
fn what_would_change_its_meaning_is_refused() {
    refused(Rust, "fn f($x: u8, y: u8) { x + y }", "y", "clash");
    refused(Rust, "fn f($x: u8) { let y = 1; x + y }", "y", "clash");
    refused(Rust, "fn f($x: u8) { g(y); x }", "y", "clash");
    refused(
        Rust,
        "fn f() { let y = 1; { let $x = 2; y; } }",
        "y",
        "clash",
    );
    check(
        Rust,
        "fn f() { let y = 1; y; { let $x = 2; x; } }",
        "y",
        "fn f() { let y = 1; y; { let y = 2; y; } }",
    );
    refused(
        Python,
        "def f(*a):\n    $x = 1\n    return y + x\n",
        "y",
        "clash",
    );
    refused(
        JavaScript,
        "export {}; let $x = 1; const f = (y) => x + y;",
        "y",
        "clash",
    );
    refused(
        TypeScript,
        "export {}; type $X = 1; type Y = X;",
        "Y",
        "clash",
    );
    refused(
        Go,
        "package p\nfunc f(x int) { $y := 1; _ = x + y }",
        "x",
        "clash",
    );
}

#[test]
fn what_is_no_name_is_refused() {
    for word in [
        "", "1x", "a b", "a-b", "fn", "self", "_", "x;", "match", "x y",
    ] {
        refused(Rust, "fn f($x: u8) { x }", word, "not_a_name");
    }
    refused(Python, "def f(*$x): return x\n", "lambda", "not_a_name");
    refused(
        JavaScript,
        "export {}; let $x = 1; x;",
        "class",
        "not_a_name",
    );
    check(
        JavaScript,
        "export {}; let $x = 1; x;",
        "$x",
        "export {}; let $x = 1; $x;",
    );
    refused(
        Go,
        "package p\nfunc f($x int) { _ = x }",
        "func",
        "not_a_name",
    );
}

#[test]
fn what_is_not_here_or_not_certain_is_refused() {
    refused(Rust, "fn f() { $g(); }", "h", "declared_elsewhere");
    refused(Rust, "fn f() { x.$g(); }", "h", "no_name");
    refused(Rust, "fn f() { \"$\"; }", "h", "no_name");
    refused(
        Rust,
        "fn f($x: u8) { html!(<p>{x}</p>); }",
        "y",
        "uncertain",
    );
    let message = attempt(Rust, "fn f($x: u8, y: u8) {\n x + y }", "y")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "with the name `y`, line 2 would mean something else; choose another name"
    );
}
