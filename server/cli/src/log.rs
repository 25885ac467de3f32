//! The log: to standard error, or to a file; never to standard output, which belongs to the protocol.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Mutex;

use anyhow::Context as _;
use camino::Utf8Path;
use pleach_policy::LogLevel;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

use pleach_policy::redact;

/// How much is logged, which may change while the server runs.
pub(crate) struct Level {
    handle: reload::Handle<LevelFilter, Registry>,
    /// Given on the command line or by the environment, which then has the last word.
    fixed: bool,
}

impl Level {
    /// Changes the level to what the settings say.
    pub(crate) fn set(&self, level: LogLevel) {
        let level = match level {
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        if !self.fixed
            && let Err(error) = self.handle.modify(|now| *now = level)
        {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// Begins to log messages of `level` and above, to `file` or else to standard error. Without a level
/// it is `info` until the settings say otherwise.
pub(crate) fn start(level: Option<&str>, file: Option<&Utf8Path>) -> anyhow::Result<Level> {
    let fixed = level.is_some();
    let level = level.unwrap_or("info");
    let level = LevelFilter::from_str(level).ok().with_context(|| {
        format!("`{level}` is no log level; use error, warn, info, debug or trace")
    })?;
    let target = match file {
        None => Target::Stderr,
        Some(path) => {
            let open = OpenOptions::new().create(true).append(true).open(path);
            Target::File(open.with_context(|| format!("cannot write the log {path}"))?)
        }
    };
    let (filter, handle) = reload::Layer::new(level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Log(Mutex::new(target)));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    Ok(Level { handle, fixed })
}

enum Target {
    Stderr,
    File(File),
}

/// Writes each message at once and without keys.
struct Log(Mutex<Target>);

impl<'a> MakeWriter<'a> for Log {
    type Writer = Message<'a>;

    fn make_writer(&'a self) -> Message<'a> {
        Message {
            log: self,
            text: Vec::new(),
        }
    }
}

/// One message while it is put together.
struct Message<'a> {
    log: &'a Log,
    text: Vec<u8>,
}

impl Write for Message<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let text = redact(&text);
        let mut target = self
            .log
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // A full disk or a closed pipe must not stop the server, and there is nobody to tell.
        let _ = match &mut *target {
            Target::Stderr => io::stderr().write_all(text.as_bytes()),
            Target::File(file) => file.write_all(text.as_bytes()),
        };
    }
}
