//! Messages over pipes, as the Language Server Protocol frames them.

use std::io::{self, BufRead, Write};

use serde_json::Value;

/// The server writes nothing near this size in a demonstration.
const LARGEST: usize = 16 << 20;

pub(super) fn write(to: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    to.flush()
}

/// The next message; `None` at the end.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    let mut line = String::new();
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length: usize = length
        .filter(|length| *length <= LARGEST)
        .ok_or_else(|| broken("no usable length"))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    serde_json::from_slice(&body)
        .map(Some)
        .map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the server wrote no message: {why}"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let message = serde_json::json!({"method": "grüß", "params": [1]});
        let mut pipe = Vec::new();
        write(&mut pipe, &message).unwrap();
        write(&mut pipe, &Value::Null).unwrap();
        let mut pipe = pipe.as_slice();
        assert_eq!(read(&mut pipe).unwrap(), Some(message));
        assert_eq!(read(&mut pipe).unwrap(), Some(Value::Null));
        assert_eq!(read(&mut pipe).unwrap(), None);
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for bytes in [
            "hello\r\n\r\n",
            "Content-Length: 99999999999\r\n\r\n",
            "Content-Length: 3\r\n\r\nabc",
        ] {
            assert!(read(&mut bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
