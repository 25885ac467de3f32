use std::fs;

use expect_test::expect;

use crate::Place;

const CODE: &str = "fn one() -> u32 {\n    1\n}\nfn two() -> u32 {\n    2\n}\n";
const GOOD: &str = "Two is right as it is.\n\nsrc/a.rs\n```rust\n<<<<<<< SEARCH\n    1\n=======\n    1 + 0\n>>>>>>> REPLACE\n```\n";

fn place() -> Place {
    Place::new(&[("src/a.rs", CODE), ("answer.md", GOOD)])
}

fn block(path: &str, search: &str, replace: &str) -> String {
    format!("{path}\n```\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n")
}

#[test]
fn without_an_option_it_shows_what_would_change() {
    let place = place();
    expect![[r#"
        diff --git a/src/a.rs b/src/a.rs
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -1,5 +1,5 @@
         fn one() -> u32 {
        -    1
        +    1 + 0
         }
         fn two() -> u32 {
             2
        --- on standard error ---
        ✓ src/a.rs changed
            hunk 1: line 2, match: exact
        ✓ src/a.rs: syntax checked: no worse
        1 file would change; nothing was written; --write does it
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["apply", "answer.md"]).all());
    assert_eq!(place.read("src/a.rs"), CODE);
}

#[test]
fn the_diff_is_one_that_other_programs_take() {
    let place = Place::new(&[("a.txt", "one\r\ntwo \x1b[1m\r\n")]);
    let reply = block("a.txt", "one\n", "uno\n");
    let ran = place.run_with(&["apply", "--diff"], &reply);
    expect![[r#""diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\r\n+uno\r\n two \u{1b}[1m\r\n""#]]
        .assert_eq(&format!("{:?}", ran.out));
}

#[test]
fn write_changes_the_files() {
    let place = place();
    let ran = place.run(&["apply", "--write", "answer.md"]);
    expect![[r#"
        --- on standard error ---
        ✓ src/a.rs changed
            hunk 1: line 2, match: exact
        ✓ src/a.rs: syntax checked: no worse
        1 file written
        --- code 0 ---
    "#]]
    .assert_eq(&ran.all());
    assert_eq!(
        place.read("src/a.rs"),
        CODE.replace("    1\n", "    1 + 0\n")
    );
}

#[test]
fn writing_the_same_reply_again_is_no_failure() {
    let place = place();
    let reply = block(
        "src/a.rs",
        "fn two() -> u32 {\n    2\n}\n",
        "fn two() -> u32 {\n    let doubled = 1 + 1;\n    doubled\n}\n",
    );
    assert_eq!(place.run_with(&["apply", "--write", "-"], &reply).code, 0);
    let written = place.read("src/a.rs");
    let ran = place.run_with(&["apply", "--write", "-"], &reply);
    expect![[r#"
        --- on standard error ---
        ✓ already applied, nothing to write
        --- code 0 ---
    "#]]
    .assert_eq(&ran.all());
    assert_eq!(place.read("src/a.rs"), written);
}

#[test]
fn check_says_only_whether() {
    let place = place();
    let ran = place.run(&["apply", "--check", "answer.md"]);
    assert_eq!((ran.out.as_str(), ran.code), ("", 0));
    assert_eq!(place.read("src/a.rs"), CODE);
}

#[test]
fn a_reply_that_breaks_the_syntax_is_refused_unless_a_person_insists() {
    let place = place();
    let bad = block("src/a.rs", "    1\n", "    (1\n");
    let ran = place.run_with(&["apply", "--write", "-"], &bad);
    expect![[r#"
        --- on standard error ---
        refused: 1 hunk cannot be applied (syntax_worse)
          hunk 1 src/a.rs: The edit would add a syntax error to src/a.rs: line 2: missing `)`.
        nothing was written
        --- code 1 ---
    "#]]
    .assert_eq(&ran.all());
    assert_eq!(place.read("src/a.rs"), CODE);
    let ran = place.run_with(&["apply", "--write", "--allow-worse-syntax", "-"], &bad);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("src/a.rs"), CODE.replace("    1\n", "    (1\n"));
}

#[test]
fn an_uncertain_place_is_refused_with_the_candidates() {
    let twice = "def a():\n    return 0\n\ndef b():\n    return 0\n";
    let place = Place::new(&[("t.py", twice)]);
    let ran = place.run_with(
        &["apply", "--write"],
        &block("t.py", "    return 0\n", "    return 1\n"),
    );
    expect![[r#"
        --- on standard error ---
        refused: 1 hunk cannot be applied (ambiguous)
          hunk 1 t.py: The text to be replaced is in t.py more than once (lines 2, 5). Add lines around it that tell which is meant.
            fits at line 2
            │ def a():
            │     return 0
            │ 
            │ def b():
            fits at line 5
            │ def b():
            │     return 0
        nothing was written
        --- code 1 ---
    "#]].assert_eq(&ran.all());
    assert_eq!(place.read("t.py"), twice);
}

#[test]
fn a_text_that_is_not_there_is_refused_with_what_comes_closest() {
    let place = place();
    let reply = block(
        "src/a.rs",
        "fn two() -> u64 {\n    22\n}\n",
        "fn two() -> u64 {\n    3\n}\n",
    );
    expect![[r#"
        --- on standard error ---
        refused: 1 hunk cannot be applied (not_found)
          hunk 1 src/a.rs: The text to be replaced is not in src/a.rs; the closest lines start at line 1. Copy it exactly from the file.
            closest is line 1 (- the reply, + the file)
            │ -fn two() -> u64 {
            │ -    22
            │ +fn one() -> u32 {
            │ +    1
        nothing was written
        --- code 1 ---
    "#]].assert_eq(&place.run_with(&["apply", "--write"], &reply).all());
}

#[test]
fn all_files_or_none() {
    let place = Place::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let reply = block("a.txt", "one\n", "1\n") + "\n" + &block("b.txt", "three\n", "3\n");
    let ran = place.run_with(&["apply", "--write"], &reply);
    assert_eq!(ran.code, 1);
    assert_eq!(place.read("a.txt") + &place.read("b.txt"), "one\ntwo\n");
}

#[test]
fn files_are_created_where_a_patch_says_so() {
    let place = Place::new(&[]);
    let patch = "*** Begin Patch\n*** Add File: new/b.py\n+x = 1\n*** End Patch\n";
    let ran = place.run_with(&["apply", "--write"], patch);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("new/b.py"), "x = 1\n");
}

#[test]
fn a_reply_without_a_file_name_can_be_given_one() {
    let place = place();
    let reply = "<<<<<<< SEARCH\n    2\n=======\n    3\n>>>>>>> REPLACE\n";
    let ran = place.run_with(&["apply", "--write", "--file", "src/a.rs"], reply);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(place.read("src/a.rs").contains("    3\n"));
}

#[test]
fn nothing_outside_the_folder_and_nothing_denied_is_written() {
    let place = Place::new(&[("ws/a.txt", "one\n"), ("outside.txt", "mine\n")]);
    place.settings("[edits]\ndeny = ['*.sql']\n");
    place.write("ws/pleach.toml", "[edits]\ndeny = ['generated/']\n");
    let add = |path: &str| format!("*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n");
    for path in [
        "../new.txt",
        "/tmp/pleach-never.txt",
        ".git/hooks/pre-commit",
        ".env",
        ".vscode/tasks.json",
        "db/a.sql",
        "generated/x.txt",
    ] {
        let ran = place.run_with(&["apply", "--write", "--dir", "ws"], &add(path));
        assert_eq!(ran.code, 1, "{path}: {}", ran.err);
        assert!(
            ran.err.contains("nothing was written"),
            "{path}: {}",
            ran.err
        );
        assert!(!place.dir.join("ws").join(path).exists(), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let place = Place::new(&[("ws/a.txt", "one\n"), ("outside/secret.txt", "mine\n")]);
    std::os::unix::fs::symlink(place.dir.join("outside"), place.dir.join("ws/link")).unwrap();
    let change = block("link/secret.txt", "mine\n", "yours\n");
    let add = "*** Begin Patch\n*** Add File: link/new.txt\n+x\n*** End Patch\n".to_owned();
    for reply in [change, add] {
        let ran = place.run_with(&["apply", "--write", "--dir", "ws"], &reply);
        assert_eq!(ran.code, 1, "{}", ran.err);
    }
    assert_eq!(place.read("outside/secret.txt"), "mine\n");
    assert_eq!(fs::read_dir(place.dir.join("outside")).unwrap().count(), 1);
}

#[test]
fn wrong_usage_is_told_apart_from_a_refusal() {
    let place = place();
    for arguments in [
        &["apply", "none.md"][..],
        &["apply", "--dir", "none", "answer.md"],
        &["apply", "--dir", "answer.md", "answer.md"],
        &["apply", "--write", "--check", "answer.md"],
        &["apply", "--format", "poetry", "answer.md"],
    ] {
        assert_eq!(place.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn it_tells_who_uses_what_goes() {
    let place = Place::new(&[
        (
            "src/one.py",
            "def f(a):\n    return a\n\n\ndef g():\n    return f(1)\n",
        ),
        ("src/two.py", "from one import f\n\nprint(f(2))\n"),
    ]);
    let reply = block("src/one.py", "def f(a):\n", "def f(a, b):\n");
    let ran = place.run_with(&["apply", "--check"], &reply);
    expect![[r#"
        --- on standard error ---
        ✓ src/one.py changed
            hunk 1: line 1, match: exact
        ✓ src/one.py: syntax checked: no worse; changes the signature of f (used in 3 places)
            f is used: src/one.py:6, src/two.py:1, src/two.py:3
        1 file would change; nothing was written; --write does it
        --- code 0 ---
    "#]]
    .assert_eq(&ran.all());
}

#[test]
fn a_file_that_is_no_text_is_not_taken_for_missing() {
    let place = Place::new(&[]);
    let latin = b"caf\xe9 = 1\n";
    fs::write(place.dir.join("a.py"), latin).unwrap();
    for reply in [
        block("a.py", "caf = 1\n", "caf = 2\n"),
        "a.py\n```python\ncaf = 2\n```\n".to_owned(),
    ] {
        let ran = place.run_with(&["apply", "--write"], &reply);
        assert!(
            ran.all().contains("`a.py` is not UTF-8 text"),
            "{}",
            ran.all()
        );
        assert!(ran.all().contains("code 1"), "{}", ran.all());
        assert_eq!(fs::read(place.dir.join("a.py")).unwrap(), latin);
    }
}
