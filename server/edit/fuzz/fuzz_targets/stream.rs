//! A reply in two pieces is the reply at once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pleach_edit::ReplyStream;

fuzz_target!(|input: (&str, &str)| {
    let (one, other) = input;
    let mut pieces = ReplyStream::new(None);
    let mut hunks = pieces.push(one);
    hunks.extend(pieces.push(other));
    let mut whole = ReplyStream::new(None);
    assert_eq!(hunks, whole.push(&format!("{one}{other}")));
    assert_eq!(pieces.finish(), whole.finish());
});
