use expect_test::expect;

use crate::Place;

/// `text` with every time that was measured replaced.
fn timeless(text: &str) -> String {
    let line = |line: &str| match line.strip_suffix(" ms") {
        Some(rest) => {
            let rest = rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            format!("{} N ms\n", rest.trim_end())
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn everything_that_it_shows_happens() {
    let ran = Place::new(&[]).run(&["demo"]);
    expect![[r#"
        Pleach VERSION weaves agents' edits into a living program

        A real server is about to work on a throw-away copy of a small project,
        and this program plays the editor. No key, no network; nothing of yours
        is touched.

        1  Start the server and say hello
           ✓ pleach VERSION is ready; positions in UTF-8 N ms

        2  Open src/loans.rs and type what you want as a comment
           19 │     // ai: rename due to deadline
           20 │     pub fn lend(&mut self, reader: &str, title: &str, today: u32) -> R…

        3  Ask what can be done at the cursor
           · Carry out this comment: rename due to deadline
           · Document `Loans`
           · Review this file
           · Review what has changed since the last commit
           · Run the project's tests
           ✓ 5 actions listed N ms

        4  Run “Carry out this comment: rename due to deadline”
           → who answers: built-in syntax engine, no AI model
           → reading → asking → writing
           │ Renames `due` to `deadline`, in 3 places of `src/loans.rs`. Removes th…
           │ src/loans.rs
           │ <<<<<<< SEARCH
           │ impl Loans {
           │     // ai: rename due to deadline
           │     pub fn lend(&mut self, reader: &str, title: &str, today: u32) -> R…
           │ =======
           │ impl Loans {
           │     pub fn lend(&mut self, reader: &str, title: &str, today: u32) -> R…
           │ >>>>>>> REPLACE
           → a hunk is complete: src/loans.rs
           │ … 16 more lines
           → a hunk is complete: src/loans.rs
           → checking
           ✓ gate: src/loans.rs: syntax checked: no worse
           → landing
           → landed: Renames `due` to `deadline`, in 3 places of `src/loans.rs`.
             Removes the comment that asked for it. (built-in syntax engine, no AI
             model)

        5  What landed
           --- a/src/loans.rs
           +++ b/src/loans.rs
           @@ -18,3 +18,2 @@
            impl Loans {
           -    // ai: rename due to deadline
                pub fn lend(&mut self, reader: &str, title: &str, today: u32) -> …
           @@ -24,6 +23,6 @@
                    }
           -        let due = today + crate::LOAN_DAYS;
           +        let deadline = today + crate::LOAN_DAYS;
                    loans.push(Loan { title: title.to_owned(), borrowed_on: today…
           -        println!("{title} is due on day {due}");
           -        Ok(due)
           +        println!("{title} is due on day {deadline}");
           +        Ok(deadline)
                }
           ✓ version 3 of the buffer, confirmed and saved

        6  Land an answer pasted from a chat: one that would break the file
           → who answers: your reply, no AI model asked
           → reading → writing
           │ Here is the change, in `src/lib.rs`:
           │ ```
           │ <<<<<<< SEARCH
           │     let per_day = if is_child { 5 } else { 20 };
           │     (days_late * per_day).min(1_000)
           │ =======
           │     let per_day = if is_child { 5 } else { 20;
           │     (days_late * per_day).min(1_000
           │ >>>>>>> REPLACE
           │ ```
           → a hunk is complete: src/lib.rs
           → checking
           ✗ gate: refused: The edit would add a syntax error to src/lib.rs: line 16:
             unclosed `{` (and 1 more).
           ✓ src/lib.rs is untouched, byte for byte

        7  Undo the edit that landed
           → landing
           → landed: undid: Carry out this comment: rename due to deadline
           ✓ src/loans.rs is what you had typed, byte for byte

        All of this happened, and every step was checked.
        Next, in your own editor: pleach init neovim | helix | vscode
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&timeless(&ran.all()));
    for line in ran.out.lines() {
        assert!(
            line.chars().count() <= 80,
            "too long for a terminal: {line}"
        );
    }
}

#[test]
fn it_is_not_moved_by_the_user_s_own_settings() {
    let place = Place::new(&[]);
    place.settings("engine = 'none'\n[actions]\nenabled = false\n");
    let ran = place.run(&["demo", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(
        !place.home.join(".local").exists(),
        "it left something behind"
    );
}

#[test]
fn it_is_plain_in_a_pipe_and_coloured_on_a_terminal() {
    let place = Place::new(&[]);
    assert!(!place.run(&["demo"]).out.contains('\x1b'));
    let mut forced = place.command(&["demo"]);
    forced.env("CLICOLOR_FORCE", "1");
    let ran = place.finish(forced, b"");
    assert!(
        ran.out.contains("\x1b[32m+        let deadline"),
        "{}",
        ran.out
    );
}

#[test]
fn it_does_not_claim_what_did_not_happen() {
    let place = Place::new(&[("file", "")]);
    let mut command = place.command(&["demo"]);
    // No folder can be made below a file.
    command.env("TMPDIR", place.dir.join("file"));
    let ran = place.finish(command, b"");
    assert_eq!(ran.code, 2);
    assert!(!ran.out.contains("happened"), "{}", ran.out);
}

#[test]
fn who_stops_reading_is_not_told_that_all_of_it_happened() {
    let place = Place::new(&[]);
    let mut child = place
        .command(&["demo"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
