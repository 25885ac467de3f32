//! The protocol face: LSP over stdio.
//!
//! Three parts. The [`transport`] moves bytes: it frames, repairs and orders messages, and never
//! waits for anything but the pipes. The service decodes a message and puts it into the session's
//! inbox before its first await, so that texts change in the order in which they arrive. The session
//! owns all state and reacts to one event at a time; what takes time runs elsewhere on snapshots and
//! comes back as an event.
//!
//! No other room knows JSON-RPC or an LSP type, and this one knows no HTTP and no process.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! let environment = pleach_lsp::Environment {
//!     variables: Arc::new(|name| std::env::var(name).ok()),
//!     user_settings: None,
//!     state_dir: "/tmp/pleach".into(),
//!     log: Arc::new(()),
//!     version: "0.1.0",
//! };
//! let code = pleach_lsp::run(std::io::stdin(), std::io::stdout(), environment);
//! ```

use std::io::{Read, Write};
use std::sync::Arc;

use camino::Utf8PathBuf;
use pleach_agent::{Books, Telemetry, Variables};
use pleach_policy::LogSettings;
use serde_json::json;
use tokio_util::task::TaskTracker;

mod actions;
mod client;
mod event;
mod from_proto;
mod service;
mod session;
mod to_proto;
pub mod transport;
mod user_settings;

use event::{Event, Inbox};
use session::Session;
use session::keeping::Keeper;
pub use user_settings::{UserSettingsError, add_model};

/// Takes a message for the editor, with its kind as the protocol numbers it.
pub type LogSink = Box<dyn Fn(u8, &str) + Send + Sync>;

/// The log. It is the command line's.
pub trait Log: Send + Sync {
    /// How much is logged and where to, whenever the settings change it.
    fn set(&self, settings: &LogSettings);

    /// Where messages go that the editor is to show, should the settings ask for that.
    fn show_in(&self, editor: LogSink);
}

/// No log.
impl Log for () {
    fn set(&self, _settings: &LogSettings) {}

    fn show_in(&self, _editor: LogSink) {}
}

/// What the server needs to know of the world. Only the command line reads the environment.
#[derive(Clone)]
pub struct Environment {
    /// Looks up environment variables, for keys.
    pub variables: Variables,
    /// The user's own `pleach.toml`, whether or not it exists.
    pub user_settings: Option<Utf8PathBuf>,
    /// Where answers are kept.
    pub state_dir: Utf8PathBuf,
    /// The log.
    pub log: Arc<dyn Log>,
    /// The version to announce.
    pub version: &'static str,
}

/// Serves one editor over `reader` and `writer` until it leaves. Returns the exit code of the
/// process: 0 after `shutdown` and `exit`, else 1.
///
/// Everything but blocking work runs on the calling thread. The process is meant to end with it:
/// threads and memory are left to the system.
pub fn run(
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    environment: Environment,
) -> i32 {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the server could not start");
            return 1;
        }
    };
    let jobs = TaskTracker::new();
    let (inbox, events) = Inbox::new();
    let keeper = Keeper::start(&environment.state_dir, inbox.clone());
    let variables = &environment.variables;
    let telemetry = Telemetry::from_variables(&|name| variables(name));
    let books = Books::open(&environment.state_dir).with_telemetry(telemetry);
    let code = runtime.block_on(async {
        let (outbox, drain) = transport::outbox();
        let shown = outbox.clone();
        environment.log.show_in(Box::new(move |kind, message| {
            let message = json!({"type": kind, "message": message});
            shown.notify_droppable("window/logMessage", &message);
        }));
        let session = Session::new(
            inbox.clone(),
            outbox.clone(),
            environment,
            jobs.clone(),
            keeper.clone(),
            books.clone(),
        );
        drop(tokio::spawn(session.run(events)));
        let (service, socket) = service::service(inbox.clone());
        let signals = move |signal| inbox.put(Event::Signal(signal));
        transport::serve(reader, writer, (outbox, drain), service, socket, signals).await
    });
    keeper.finish();
    if jobs.is_empty() {
        // The process ends now, and everything with it. To give back every document and thread first
        // would only keep the editor waiting.
        std::mem::forget(runtime);
    } else {
        // A job that is dropped takes the commands along that it has started. Blocking work that
        // still runs must not hold the process.
        runtime.shutdown_background();
    }
    // What a job that was dropped has cost is written down by now or in a moment.
    books.flush();
    code
}
