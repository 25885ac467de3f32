//! The log: to standard error, to a file that begins anew when it is full, and to the editor when the
//! settings ask for it; never to standard output, which belongs to the protocol.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use camino::Utf8PathBuf;
use pleach_lsp::LogSink;
use pleach_policy::{LogLevel, LogSettings, redact};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, reload};

mod file;

use self::file::LogFile;

/// What the transport says is not sent by the transport.
const NOT_FOR_THE_EDITOR: &str = "pleach_lsp::transport";

/// How much is logged and where to, which may change while the server runs.
pub(crate) struct Log {
    handle: reload::Handle<LevelFilter, Registry>,
    /// The level was given on the command line or by the environment, which then has the last word.
    fixed: bool,
    targets: &'static Targets,
}

/// Where the log goes.
struct Targets {
    stderr: bool,
    file: Mutex<LogFile>,
    editor: Mutex<Editor>,
}

#[derive(Default)]
struct Editor {
    sink: Option<LogSink>,
    wanted: bool,
}

impl pleach_lsp::Log for Log {
    fn set(&self, settings: &LogSettings) {
        let level = match settings.level {
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
        lock(&self.targets.file).set_wanted(settings.file);
        lock(&self.targets.editor).wanted = settings.editor;
    }

    fn show_in(&self, editor: LogSink) {
        lock(&self.targets.editor).sink = Some(editor);
    }
}

/// Begins to log messages of `level` and above. Without a level it is `info` until the settings say
/// otherwise. A `file` that was asked for takes the place of standard error; else `usual` is written
/// beside it.
pub(crate) fn start(
    level: Option<&str>,
    file: Option<Utf8PathBuf>,
    usual: Utf8PathBuf,
) -> anyhow::Result<Log> {
    let fixed = level.is_some();
    let level = level.unwrap_or("info");
    let level = LevelFilter::from_str(level).ok().with_context(|| {
        format!("`{level}` is no log level; use error, warn, info, debug or trace")
    })?;
    let stderr = file.is_none();
    let file = match file {
        None => LogFile::usual(usual),
        Some(path) => {
            let opened = LogFile::asked_for(path.clone());
            opened.with_context(|| format!("cannot write the log {path}"))?
        }
    };
    // For as long as the process: the subscriber holds it, and who sets it.
    let targets: &'static Targets = Box::leak(Box::new(Targets {
        stderr,
        file: Mutex::new(file),
        editor: Mutex::default(),
    }));
    let (filter, handle) = reload::Layer::new(level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Writer(targets));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    Ok(Log {
        handle,
        fixed,
        targets,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes each message at once and without keys.
struct Writer(&'static Targets);

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Message;

    fn make_writer(&'a self) -> Message {
        Message {
            targets: self.0,
            kind: None,
            text: Vec::new(),
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Message {
        let kind = match *meta.level() {
            tracing::Level::ERROR => 1,
            tracing::Level::WARN => 2,
            tracing::Level::INFO => 3,
            _ => 4,
        };
        let mut message = self.make_writer();
        message.kind = (!meta.target().starts_with(NOT_FOR_THE_EDITOR)).then_some(kind);
        message
    }
}

/// One message while it is put together.
struct Message {
    targets: &'static Targets,
    /// As the protocol of the editor numbers it; `None` when it is not for the editor.
    kind: Option<u8>,
    text: Vec<u8>,
}

impl Write for Message {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let text = redact(&text);
        // A full disk or a closed pipe must not stop the server, and there is nobody to tell.
        if self.targets.stderr {
            let _ = io::stderr().write_all(text.as_bytes());
        }
        let _ = lock(&self.targets.file).write(text.as_bytes());
        let editor = lock(&self.targets.editor);
        if let (true, Some(kind), Some(show)) = (editor.wanted, self.kind, &editor.sink) {
            show(kind, text.trim_end());
        }
    }
}
