//! Any reply on any file: an answer, and what changes can be taken back exactly.
//!
//! The input is written as the cases of `fixtures/edits`, which are its seeds: `==== file PATH` and
//! `==== reply` begin the parts.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use pleach_edit::{EditRequest, FileChange, Format, propose};

fuzz_target!(|input: &str| {
    let mut files = BTreeMap::new();
    let mut reply = "";
    for part in input.split("==== ").skip(1) {
        let (head, text) = part.split_once('\n').unwrap_or((part, ""));
        match head.split_once(' ').unwrap_or((head, "")) {
            ("file", path) => drop(files.insert(path.to_owned(), text.to_owned())),
            ("reply", _) => reply = text,
            _ => {}
        }
    }
    for format in [None].into_iter().chain(Format::ALL.map(Some)) {
        let request = EditRequest {
            format,
            ..EditRequest::new(reply, &files)
        };
        let Ok(proposal) = propose(&request) else {
            continue;
        };
        for file in proposal.inverse().files() {
            if let (FileChange::Edit { path, .. }, Some(after)) = (file, file.after()) {
                assert_eq!(Some(&after), files.get(path));
            }
        }
    }
});
