//! An answer for several files, of which the editor has but one open.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use pleach_tests::client::{Client, EditPolicy};
use serde_json::json;

const FILE: &str = "src/lib.rs";

const CODE: &str = "pub fn first() -> u32 {\n    1\n}\n";

/// An answer that changes one file that is open and two that are not.
const THREE_FILES: &str = "\
src/lib.rs
<<<<<<< SEARCH
    1
=======
    100
>>>>>>> REPLACE
src/other.rs
<<<<<<< SEARCH
fn other() {}
=======
fn changed() {}
>>>>>>> REPLACE
src/third.rs
<<<<<<< SEARCH
fn third() {}
=======
fn changed() {}
>>>>>>> REPLACE
";

fn with_three_files() -> Client {
    let mut client = Client::builder()
        .user_settings("review = \"land\"\n")
        .file(FILE, CODE)
        .file("src/other.rs", "fn other() {}\n")
        .file("src/third.rs", "fn third() {}\n")
        .start();
    client.open(FILE);
    client
}

#[test]
fn files_that_are_not_open_are_written_on_disk_and_undone_there() {
    let mut client = with_three_files();
    let job = client.start_job("pleach.land", json!({"reply": THREE_FILES}));
    assert_eq!(client.job_end(job)["landed"], true);
    assert!(
        client.text(FILE).contains("    100\n"),
        "through the editor"
    );
    assert_eq!(client.on_disk(FILE), CODE, "not saved for the person");
    assert_eq!(client.on_disk("src/other.rs"), "fn changed() {}\n");
    assert_eq!(client.on_disk("src/third.rs"), "fn changed() {}\n");
    assert_eq!(client.said("workspace/applyEdit").len(), 1);

    let undo = client.start_job("pleach.undo", json!({}));
    assert_eq!(client.job_end(undo)["landed"], true);
    assert_eq!(client.text(FILE), CODE);
    assert_eq!(client.on_disk("src/other.rs"), "fn other() {}\n");
    assert_eq!(client.on_disk("src/third.rs"), "fn third() {}\n");
}

#[test]
fn where_the_editor_refuses_its_part_no_file_is_written() {
    let mut client = with_three_files();
    client.on_edits(EditPolicy::Refuse);
    let job = client.start_job("pleach.land", json!({"reply": THREE_FILES}));
    assert_eq!(client.job_end(job)["kind"], "failed");
    assert_eq!(client.on_disk("src/other.rs"), "fn other() {}\n");
}

#[test]
fn where_a_closed_file_cannot_be_written_the_open_one_is_taken_back() {
    let mut client = with_three_files();
    client.on_edits(EditPolicy::Hold);
    let job = client.start_job("pleach.land", json!({"reply": THREE_FILES}));
    let (id, params) = client.held();
    // Somebody else removes a file in the meantime.
    std::fs::remove_file(client.root().join("src/third.rs")).unwrap();
    client.on_edits(EditPolicy::Editor);
    client.apply(&id, &params);
    let end = client.job_end(job);
    assert_eq!(end["kind"], "failed", "{end}");
    assert_eq!(client.text(FILE), CODE);
    assert_eq!(client.on_disk("src/other.rs"), "fn other() {}\n");
    assert!(end["kept"].is_string(), "the answer is kept");
}
