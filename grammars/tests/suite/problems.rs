//! What is broken, in words, in every language; and texts that are hard on a parser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_raw_string_hashes,
    clippy::too_many_lines,
    clippy::format_collect
)]

use expect_test::{Expect, expect};
use pleach_grammars::{Language, Unread, outline, parse, parse_until};

fn show(language: Language, text: &str) -> String {
    parse(language, text)
        .problems(text)
        .iter()
        .map(|problem| {
            let place = format!("{}:{}", problem.line.number(), problem.column + 1);
            format!("{place}: {problem} in {}\n", problem.within)
        })
        .collect()
}

#[track_caller]
fn check(language: Language, text: &str, expected: &Expect) {
    expected.assert_eq(&show(language, text));
}

#[test]
fn a_broken_text_in_every_language() {
    use Language::*;
    check(
        Rust,
        "fn f() {\n    let x = ;\n}\n",
        &expect![[r#"
        2:11: unexpected `=` in let_declaration
    "#]],
    );
    check(
        Rust,
        "fn f() {\n    g(1, 2\n}\n",
        &expect![[r#"
        2:11: missing `)` in arguments
    "#]],
    );
    check(
        Rust,
        "fn f() {\n    if x {\n}\nfn g() {}\n",
        &expect![[r#"
        1:8: unclosed `{` in ERROR
    "#]],
    );
    check(
        Python,
        "def f(:\n    return 1\n",
        &expect![[r#"
        1:7: missing `)` in parameters
    "#]],
    );
    check(
        Python,
        "def f():\n    return (1,\n\ndef g(): pass\n",
        &expect![[r#"
        2:12: unclosed `(` in function_definition
        4:1: unexpected `def` in function_definition
    "#]],
    );
    check(
        JavaScript,
        "function f() {\n  return [1, 2;\n}\n",
        &expect![[r#"
        2:15: missing `]` in array
    "#]],
    );
    check(
        TypeScript,
        "interface A { a: }\n",
        &expect![[r#"
        1:16: unexpected `:` in interface_body
    "#]],
    );
    check(
        Tsx,
        "const a = <div><p></div>;\n",
        &expect![[r#"
            1:11: unclosed `<div>` in program
        "#]],
    );
    check(
        Go,
        "package p\nfunc f() {\n\tx := \n}\n",
        &expect![[r#"
        3:6: missing `identifier` in expression_list
    "#]],
    );
    check(
        Java,
        "class A {\n  void f() { int x = 1 }\n}\n",
        &expect![[r#"
        2:23: missing `;` in local_variable_declaration
    "#]],
    );
    check(
        C,
        "int f(void) { return 1 }\n",
        &expect![[r#"
        1:23: missing `;` in return_statement
    "#]],
    );
    check(
        Cpp,
        "class A {\npublic:\n  int f(;\n};\n",
        &expect![[r#"
        3:9: missing `)` in parameter_list
    "#]],
    );
    check(
        CSharp,
        "class A { void F() { x = ; } }\n",
        &expect![[r#"
        1:25: missing `identifier` in assignment_expression
    "#]],
    );
    check(
        Ruby,
        "def f\n  foo(1, 2\nend\n",
        &expect![[r#"
        2:6: unclosed `(` in program
    "#]],
    );
    check(
        Php,
        "<?php\nfunction f() { return 1 }\n",
        &expect![[r#"
        2:24: missing `;` in return_statement
    "#]],
    );
    check(
        Lua,
        "function f()\n  local x =\nend\n",
        &expect![[r#"
            1:1: unclosed `function` in chunk
        "#]],
    );
    check(
        Bash,
        "if [ 1 ]; then\n  echo\n",
        &expect![[r#"
        3:1: missing `fi` in if_statement
    "#]],
    );
    check(
        Json,
        "{\n  \"a\": 1,\n  \"b\" 2\n}\n",
        &expect![[r#"
            3:7: unexpected `2` in object
        "#]],
    );
    check(
        Yaml,
        "a: [1, 2\nb: 3\n",
        &expect![[r#"
        1:4: unclosed `[` in block_mapping
    "#]],
    );
    check(
        Toml,
        "a = \n[b\n",
        &expect![[r#"
        1:1: unexpected `a =` in document
        2:1: unclosed `[` in document
    "#]],
    );
    check(
        Html,
        "<p><b>x</p></b>\n",
        &expect![[r#"
            1:14: unexpected `b>` in document
            1:14: unexpected `b` in document
        "#]],
    );
    check(
        Css,
        "a { color: red;\nb { }\n",
        &expect![[r#"
        2:6: missing `}` in block
    "#]],
    );
    check(Markdown, "# T\n```\nopen\n", &expect![[""]]);
    check(
        Kotlin,
        "fun f() {\n  val x = \n}\n",
        &expect![[r#"
        2:9: unexpected `=` in block
    "#]],
    );
    check(
        Swift,
        "func f() {\n  let x = (1\n}\n",
        &expect![[r#"
        2:13: missing `)` in tuple_expression
    "#]],
    );
    check(
        Zig,
        "fn f() void {\n  const x = ;\n}\n",
        &expect![[r#"
        2:12: missing `identifier` in variable_declaration
    "#]],
    );
    check(
        Scala,
        "object A {\n  def f = (1\n}\n",
        &expect![[r#"
        2:11: unclosed `(` in template_body
    "#]],
    );
}

#[test]
fn places_are_right_whatever_ends_the_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("// é{end}fn f() {{}}{end}  let{end}");
        let problems = parse(Language::Rust, &text).problems(&text);
        // Where only CR ends lines, the grammar takes all for one comment.
        if end != "\r" {
            assert_eq!(
                (problems[0].line.number(), problems[0].column),
                (3, 2),
                "{end:?}"
            );
        }
    }
    let text = "x = (\r\ry = 1";
    let problems = parse(Language::Python, text).problems(text);
    assert_eq!((problems[0].line.number(), problems[0].column), (1, 4));
}

#[test]
fn an_empty_text_and_a_byte_order_mark_are_whole() {
    for language in Language::ALL {
        assert_eq!(show(language, ""), "", "{language}");
        if language != Language::Bash {
            assert_eq!(show(language, "\u{feff}"), "", "{language}");
        }
    }
    assert_eq!(show(Language::Rust, "\u{feff}fn f() {}\r\n"), "");
}

#[test]
fn a_problem_is_known_again_after_an_edit_elsewhere() {
    let before = "fn f() { let x = ; }\n";
    let after = "// new\nfn f() { let x = ; }\n";
    let (old, new) = (parse(Language::Rust, before), parse(Language::Rust, after));
    let (old, new) = (old.problems(before), new.problems(after));
    assert_ne!(old[0].range, new[0].range);
    assert_eq!(old[0].identity(), new[0].identity());
}

#[test]
fn deep_nesting_neither_recurses_nor_hangs() {
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let json = deep("[", "]", 1_900);
    assert_eq!(show(Language::Json, &json), "");
    for language in Language::ALL {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("<a>", "</a>"),
            ("- ", ""),
            ("a<", ""),
        ] {
            let text = deep(open, close, 5_000);
            let syntax = parse(language, &text);
            outline(&syntax, &text);
            syntax.problems(&text);
        }
    }
}

#[test]
fn what_no_grammar_can_be_trusted_with_is_not_read() {
    let unread = |language, text: &str| {
        let syntax = parse(language, text);
        // What is not read is not whole, and has one problem that says why.
        assert_eq!(syntax.has_problems(), syntax.unread().is_some());
        assert_eq!(
            syntax.problem_count(),
            usize::from(syntax.unread().is_some())
        );
        assert_eq!(syntax.problems(text).len(), syntax.problem_count());
        syntax.unread()
    };
    assert_eq!(unread(Language::Rust, "fn f() {}\0"), Some(Unread::Binary));
    assert_eq!(
        unread(Language::Json, &"[".repeat(3_000)),
        Some(Unread::TooDeep)
    );
    assert_eq!(
        unread(Language::Java, &"a<".repeat(400)),
        Some(Unread::TooDeep)
    );
    assert_eq!(
        unread(Language::Yaml, &"- ".repeat(300)),
        Some(Unread::TooDeep)
    );
    let yaml: String = (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(unread(Language::Yaml, &yaml), Some(Unread::TooDeep));
    let python: String = (0..400)
        .map(|n| format!("{}if x:\n", " ".repeat(n)))
        .collect();
    assert_eq!(unread(Language::Python, &python), Some(Unread::TooDeep));
    let ruby = format!("x = <<{}\n", "A".repeat(300));
    assert_eq!(unread(Language::Ruby, &ruby), Some(Unread::TooDeep));
    assert_eq!(
        show(Language::Ruby, &ruby),
        "1:1: nested too deeply to be read in \n"
    );

    // Long, wide and repetitive is not deep.
    let long = format!("std::cout{}", " << a << \"b\"\n".repeat(400));
    assert_eq!(
        unread(Language::Cpp, &format!("void f() {{ {long}; }}")),
        None
    );
    assert_eq!(
        unread(Language::Ruby, &"a = <<~EOS\n  text\nEOS\n".repeat(500)),
        None
    );
    assert_eq!(
        unread(Language::Yaml, &"a:\n  - b: c\n    d: e\n".repeat(2_000)),
        None
    );
}

#[test]
fn parsing_can_be_stopped() {
    let text = "fn f() { g(1, 2, 3); }\n".repeat(5_000);
    let mut asked = 0;
    let stopped = parse_until(Language::Rust, &text, &mut || {
        asked += 1;
        asked == 3
    });
    assert!(stopped.is_none());
    assert_eq!(asked, 3);
}
