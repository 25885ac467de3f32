//! A reply in pieces of any length is the reply at once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pleach_edit::ReplyStream;

fuzz_target!(|reply: &str| {
    let mut whole = ReplyStream::new(None);
    let expected = (whole.push(reply), whole.finish());
    for length in [1, 7, 60] {
        let mut stream = ReplyStream::new(None);
        let mut hunks = Vec::new();
        let mut rest = reply;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .nth(length)
                .map_or(rest.len(), |(at, _)| at);
            let (piece, next) = rest.split_at(end);
            hunks.extend(stream.push(piece));
            rest = next;
        }
        assert_eq!((hunks, stream.finish()), expected);
    }
});
