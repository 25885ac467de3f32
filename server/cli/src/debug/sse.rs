//! `pleach debug sse`: how a stream of server-sent events is read.

use std::io::{self, BufReader, Read, Write};

use pleach_model::{SseDecoder, SseEvent};
use serde_json::{Value, json};

#[derive(clap::Args)]
#[command(after_help = "\
Standard input is a row of frames: a length (4 bytes, big-endian), then so many bytes, which are one
piece of a stream as a network delivers it. A length of 0 ends the stream; another may follow. Without
it, the end of the input ends the stream.

For each stream one line is printed, a JSON list of its events as the HTML standard dispatches them:

  [{\"event\": \"message\", \"data\": \"a\\nb\", \"id\": \"7\"}]

`event` is `message` where the stream names none, `id` the last one that the stream has set, or empty.
An event that the end of the stream cuts off is none. Bytes that are no UTF-8 become U+FFFD.

Exit code: 0 all was read, 2 the input ended inside a frame (what came of it was read).")]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments) -> anyhow::Result<u8> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut out = io::stdout().lock();
    let is_whole = read(&mut input, &mut out)?;
    if !is_whole {
        anyhow::bail!("the input ended inside a frame; give each its length in 4 bytes");
    }
    Ok(crate::DONE)
}

/// Reads all streams. Whether the input ended between two frames.
fn read(input: &mut impl Read, out: &mut impl Write) -> io::Result<bool> {
    let mut stream: Option<(SseDecoder, Vec<SseEvent>)> = None;
    loop {
        let mut length = Vec::with_capacity(4);
        input.by_ref().take(4).read_to_end(&mut length)?;
        let Ok(length) = <[u8; 4]>::try_from(length.as_slice()) else {
            if let Some((_, events)) = stream {
                tell(&events, out)?;
            }
            return Ok(length.is_empty());
        };
        let length = u32::from_be_bytes(length);
        let (decoder, events) = stream.get_or_insert_default();
        if length == 0 {
            tell(events, out)?;
            stream = None;
            continue;
        }
        // As it comes: what a length claims is not believed before it is there.
        let mut piece = Vec::new();
        input.by_ref().take(length.into()).read_to_end(&mut piece)?;
        decoder.push(&piece, events);
    }
}

fn tell(events: &[SseEvent], out: &mut impl Write) -> io::Result<()> {
    let events: Vec<Value> = events
        .iter()
        .map(|event| json!({"event": event.event, "data": event.data, "id": event.id}))
        .collect();
    writeln!(out, "{}", Value::Array(events))?;
    out.flush()
}
