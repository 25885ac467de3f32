use std::fs;

use expect_test::expect;

use crate::Place;

const REPLY: &str = "\
*** Begin Patch
*** Update File: a.txt
@@
-one
+ONE
*** Add File: new/b.txt
+fresh
*** Delete File: gone.txt
*** End Patch
";

fn place() -> Place {
    Place::new(&[("a.txt", "one\n"), ("gone.txt", "bye\n"), ("reply", REPLY)])
}

/// As a landing leaves its journal that was killed when `a.txt` had its new text already.
fn interrupted() -> Place {
    let place = place();
    place.write("a.txt", "ONE\n");
    place.write(".pleach-1-0.tmp", "one\n");
    let print = |text: &str| {
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        serde_json::json!({"bytes": text.len(), "hash": hash})
    };
    let step = |name: &str, beside: &str, deed: serde_json::Value| {
        let place = serde_json::json!({"folder": place.dir.as_str(), "path": name});
        serde_json::json!({"name": name, "place": place, "beside": beside, "deed": deed})
    };
    let plan = serde_json::json!({
        "form": 1,
        "steps": [
            step("a.txt", ".pleach-1-0.tmp", serde_json::json!({
                "replace": {"before": print("one\n"), "after": print("ONE\n")}
            })),
            step("gone.txt", ".pleach-1-1.tmp", serde_json::json!({
                "delete": {"before": print("bye\n")}
            })),
        ],
        "folders": [],
    });
    let journal = place.home.join(".local/state/pleach/landing");
    fs::create_dir_all(&journal).unwrap();
    fs::write(journal.join("1.plan"), plan.to_string()).unwrap();
    place
}

#[test]
fn a_landing_that_was_killed_is_taken_back() {
    let place = interrupted();
    expect![[r#"
        ✓ an interrupted landing of 2 files was taken back
            a.txt as it was before
            gone.txt as it was before
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["recover"]).all());
    assert_eq!(place.read("a.txt"), "one\n");
    assert_eq!(fs::read_dir(&place.dir).unwrap().count(), 3);
    expect![[r#"
        nothing to recover: no landing was interrupted here
        --- on standard error ---
        --- code 0 ---
    "#]]
    .assert_eq(&place.run(&["recover"]).all());
}

#[test]
fn what_needs_a_look_is_said_and_the_code_tells() {
    let place = interrupted();
    place.write("a.txt", "ONE\nand more\n");
    place.write("gone.txt", "bye, bye\n");
    let ran = place.run(&["recover", place.dir.as_str()]);
    expect![[r#"
        ✗ an interrupted landing of 2 files could be neither finished nor taken back as a whole; look at the files
            a.txt was changed by someone else after it had its new text, and left as it is; what was there before is kept in HOME/.local/state/pleach/kept/pleach-1-0-a.txt
            gone.txt was changed by someone else and left as it is
        --- on standard error ---
        --- code 1 ---
    "#]].assert_eq(&ran.all());
    assert_eq!(place.read("a.txt"), "ONE\nand more\n");
}

#[test]
fn applying_a_reply_brings_the_last_one_to_an_end_first() {
    let place = interrupted();
    expect![[r#"
        --- on standard error ---
        ✓ an interrupted landing of 2 files was taken back
            a.txt as it was before
            gone.txt as it was before
        ✓ a.txt changed
            hunk 1: line 1, match: exact
        ✓ new/b.txt created
            hunk 2: line 1, match: whole_file
        ✓ gone.txt deleted
            hunk 3: line 1, match: whole_file
        ✓ a.txt: syntax not checked: no grammar for this file; new/b.txt: syntax not checked: no grammar for this file
        3 files written
        --- code 0 ---
    "#]].assert_eq(&place.run(&["apply", "--write", "reply"]).all());
    assert_eq!(place.read("a.txt"), "ONE\n");
    assert_eq!(place.read("new/b.txt"), "fresh\n");
    assert!(!place.dir.join("gone.txt").exists());
}

#[test]
fn without_a_state_folder_nothing_is_written() {
    let place = place();
    fs::write(place.home.join(".local"), "a file in the way").unwrap();
    let ran = place.run(&["apply", "--write", "reply"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("no file was changed"), "{}", ran.err);
    assert_eq!(place.read("a.txt"), "one\n");
}
