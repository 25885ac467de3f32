//! Any line of JSON gets an answer that is one line of JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let answer = pleach_edit::answer_line(line);
    assert!(!answer.contains('\n'));
    assert!(answer.starts_with('{') && answer.ends_with('}'));
});
