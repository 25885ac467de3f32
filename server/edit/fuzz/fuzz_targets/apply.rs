//! Any reply on any file: an answer, and what changes can be taken back exactly.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use pleach_edit::{EditRequest, FileChange, propose};

fuzz_target!(|input: (&str, &str)| {
    let (file, reply) = input;
    let files = BTreeMap::from([("src/a.js".to_owned(), file.to_owned())]);
    if let Ok(proposal) = propose(&EditRequest::new(reply, &files)) {
        for file in proposal.inverse().files() {
            if let (FileChange::Edit { path, .. }, Some(after)) = (file, file.after()) {
                assert_eq!(Some(&after), files.get(path));
            }
        }
    }
});
