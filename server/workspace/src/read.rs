//! Reading one file: regular, of bounded size, UTF-8.

use std::fs::File;
use std::io::{ErrorKind, Read};

use camino::Utf8Path;

use crate::error::ReadError;

/// Files above this many bytes are not read. A source file of this size has some 200 000 lines.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// The text at `path`, exactly as it is: a byte order mark and every line ending are kept. `named` is
/// what errors call it.
pub(crate) fn read(path: &Utf8Path, named: &str, limit: u64) -> Result<String, ReadError> {
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ReadError::NotFound {
            path: named.to_owned(),
        },
        _ => ReadError::Unreadable {
            path: named.to_owned(),
            cause: error.to_string(),
        },
    };
    // Asked before it is opened: opening a named pipe would wait for a writer.
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(ReadError::NotRegular {
            path: named.to_owned(),
        });
    }
    let too_large = |bytes| ReadError::TooLarge {
        path: named.to_owned(),
        bytes,
        limit,
    };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // It may grow while it is read.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limit {
        return Err(too_large(size));
    }
    let text = String::from_utf8(bytes);
    // Text has no NUL; UTF-16 without a mark and many binary formats would pass as UTF-8 else.
    let text = text.ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| ReadError::NotText {
        path: named.to_owned(),
    })
}
