use expect_test::expect;

use crate::Place;

#[test]
fn problems_are_told_at_their_places() {
    let place = Place::new(&[
        ("a.rs", "fn größe( {\n    let é = );\n}\n"),
        ("b.py", "x = 1\n"),
        ("page.html", "<p>\n<script>let a = (;</script>\n"),
        ("run", "#!/bin/sh\nif true; then\n"),
        ("notes.txt", "no language\n"),
    ]);
    let ran = place.run(&["check", "a.rs", "b.py", "page.html", "run", "notes.txt"]);
    expect![[r#"
        a.rs:1:10: missing `)`
        a.rs:2:11: unexpected `= )`
        page.html:2:17: unclosed `(`
        run:2:14: missing `fi`
        notes.txt: not checked: there is no grammar for this file
        --- on standard error ---
        4 syntax errors in 4 files, 1 not checked
        --- code 1 ---
    "#]]
    .assert_eq(&ran.all());
}

#[test]
fn what_is_in_order_says_little() {
    let place = Place::new(&[("b.py", "x = 1\n")]);
    expect![[r#"
        --- on standard error ---
        no syntax error in 1 file
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["check", "b.py"]).all());
}

#[test]
fn a_file_that_cannot_be_read_is_not_passed_over() {
    let place = Place::new(&[("b.py", "x = 1\n"), ("dir/c.py", "")]);
    std::fs::write(place.dir.join("latin1.py"), b"# gr\xf6\xdfe\n").unwrap();
    let ran = place.run(&["check", "none.rs", "b.py", "dir", "latin1.py"]);
    expect![[r#"
        none.rs: cannot be read: No such file or directory (os error 2)
        dir: cannot be read: it is a folder; name the files in it
        latin1.py: cannot be read: it is not UTF-8 text
        --- on standard error ---
        no syntax error in 1 file, 3 not readable
        --- code 2 ---
    "#]]
    .assert_eq(&ran.all());
}

#[test]
fn as_json() {
    let place = Place::new(&[("a.rs", "fn a( {}\n"), ("notes.txt", "")]);
    let ran = place.run(&["check", "--json", "a.rs", "notes.txt", "none.rs"]);
    expect![[r#"
        {"files":[{"language":"rust","path":"a.rs","problems":[{"column":6,"line":1,"message":"missing `)`"}],"status":"syntax_errors"},{"path":"notes.txt","status":"not_checked"},{"message":"No such file or directory (os error 2)","path":"none.rs","status":"unreadable"}],"problems":1}
        --- on standard error ---
        --- code 2 ---
    "#]].assert_eq(&ran.all());
}

#[test]
fn no_file_is_wrong_usage() {
    assert_eq!(Place::new(&[]).run(&["check"]).code, 2);
}

#[test]
fn colours_are_for_terminals() {
    let place = Place::new(&[("a.rs", "fn a( {}\n")]);
    assert!(!place.run(&["check", "a.rs"]).all().contains('\x1b'));
    let mut forced = place.command(&["check", "a.rs"]);
    forced.env("CLICOLOR_FORCE", "1");
    assert!(place.finish(forced, b"").out.contains("\x1b[31m"));
    let mut refused = place.command(&["check", "a.rs"]);
    refused.env("NO_COLOR", "1");
    assert!(!place.finish(refused, b"").all().contains('\x1b'));
}
