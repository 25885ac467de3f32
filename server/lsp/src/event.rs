//! Everything the session can react to.

use std::collections::BTreeSet;
use std::sync::Arc;

use camino::Utf8PathBuf;
use lsp_types::{
    CodeActionParams, CodeActionResponse, DidChangeTextDocumentParams, DidOpenTextDocumentParams,
    InitializeParams, InitializeResult, ProgressToken,
};
use pleach_agent::{Answer, IndexState, JobEvent, JobOutcome, LocalServer, Wish};
use pleach_edit::{HunkId, Proposal, Refusal, Resolved};
use pleach_grammars::{Symbol, Syntax};
use pleach_workspace::Recovered;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tower_lsp::jsonrpc::{Error, ErrorCode, Id};

use crate::session::chats::ChatEvent;
use crate::session::configuration::LoadedSettings;
use crate::session::documents::Access;
use crate::session::index::Searched;
use crate::session::keeping::Kept;
use crate::session::landing::{LandingFailure, Written};
use crate::session::plans::{PlanEvent, PlanQuestion};
use crate::session::reviews::Offer;
use crate::transport::Signal;

/// Number of a job, from 1, for the life of the server.
pub(crate) type JobId = u64;

/// What the session reacts to: messages of the client in the order of their arrival, and results of
/// work that it started itself. To know what Pleach can be moved by is to read this list.
pub(crate) enum Event {
    /// The handshake.
    Initialize {
        params: Box<InitializeParams>,
        reply: Reply<InitializeResult>,
    },
    /// The client is ready to be asked.
    Initialized,
    /// A document was opened.
    Opened(Box<DidOpenTextDocumentParams>),
    /// A document's text changed.
    Changed(Box<DidChangeTextDocumentParams>),
    /// A document was closed.
    Closed { uri: String },
    /// A document was written to disk.
    Saved {
        uri: String,
        /// The whole text, when the client tells it.
        text: Option<String>,
    },
    /// The set of workspace folders changed: uris added, uris removed.
    FoldersChanged {
        added: Vec<String>,
        removed: Vec<String>,
    },
    /// The client's settings changed, as it sent them.
    ConfigurationChanged(Value),
    /// Files that the client watches for us changed on disk, by their uris.
    WatchedFilesChanged(Vec<String>),
    /// A request for the code actions of a place.
    ListActions {
        params: Box<CodeActionParams>,
        reply: Reply<Vec<CodeActionResponse>>,
    },
    /// A command to carry out. It is answered at once; the work is a job.
    Execute {
        request: Option<Id>,
        command: String,
        arguments: Vec<Value>,
        reply: Reply<Value>,
    },
    /// A request for the code lenses of a document.
    Lenses { uri: String, reply: Reply<Value> },
    /// A question about a document that may be a plan.
    PlanAsked {
        uri: String,
        question: PlanQuestion,
        reply: Reply<Value>,
    },
    /// What the server holds as a document's text, for tests and for troubleshooting.
    DocumentText { uri: String, reply: Reply<Value> },
    /// The person pressed cancel on a progress display.
    CancelProgress { token: ProgressToken },
    /// Something the transport noticed.
    Signal(Signal),

    /// The index of the workspace is somewhere else.
    IndexMoved { number: u64, state: IndexState },
    /// The embedding of the workspace is somewhere else.
    MeaningMoved,
    /// A search has its answer.
    Searched(Box<Searched>),
    /// Settings were read.
    SettingsLoaded(Box<LoadedSettings>),
    /// A document was parsed in the background; `None` when newer text made it pointless.
    Parsed {
        uri: String,
        revision: u64,
        parsed: Option<Parsed>,
    },
    /// A parse that was put off is due.
    ParseDue { uri: String },
    /// What may be done with documents, by their uris, by the settings of this generation.
    AccessKnown {
        settings: u64,
        known: Vec<(String, Access)>,
    },
    /// A listing has waited long enough for a tree.
    ListingDue { listing: u64 },
    /// The engine of a job is known.
    JobEngine { job: JobId, label: String },
    /// A running job reports.
    JobReport { job: JobId, event: JobEvent },
    /// A model wants to run a command, or to use a server's tool, that nobody has allowed yet.
    AskLeave {
        job: JobId,
        wish: Wish,
        answer: oneshot::Sender<Answer>,
    },
    /// A job ended.
    JobEnded { job: JobId, outcome: Ended },
    /// A progress display wants to be brought up to date.
    ProgressDue { job: JobId },
    /// A progress display may have been silent for long.
    ProgressBeat { job: JobId },
    /// A landing's next file was brought to the present text and gated again.
    StepReady {
        job: JobId,
        step: usize,
        ready: Result<Box<Proposal>, Box<Refusal>>,
    },
    /// The files of a landing that are not open were written, or why not.
    ClosedWritten {
        job: JobId,
        step: usize,
        written: Result<Written, Box<LandingFailure>>,
    },
    /// What became of landings that an earlier run of the server was killed in.
    Recovered(Result<Vec<Recovered>, String>),
    /// What is about to land is written down, or why it could not be; or that has taken too long.
    IntentKept { job: JobId, failed: Option<String> },
    /// A landing has waited long enough for the client.
    LandingDue { job: JobId, attempt: u32 },
    /// What a closed file holds now, asked because of a landing; `None` when there is no such file.
    FileRead {
        job: JobId,
        step: usize,
        text: Option<String>,
    },
    /// A job's proposal was cut into hunks; when that failed, the proposal, its summary and its reply.
    Offered {
        job: JobId,
        offer: Result<Box<Offer>, (Box<Proposal>, String, String)>,
    },
    /// Hunks of a review were made ready to land, or why they could not be (`None`: a defect of ours).
    HunksTaken {
        job: JobId,
        review: JobId,
        hunks: Vec<HunkId>,
        taken: Result<Resolved, Option<Box<Refusal>>>,
    },
    /// What a file under review holds now that it was closed; `None` when it cannot be read.
    ReviewedRead { uri: String, text: Option<String> },
    /// After so many changes of a review's files: in the lines of these hunks something was changed that
    /// was only formatting.
    FormattingSeen {
        review: JobId,
        moves: u64,
        hunks: BTreeSet<HunkId>,
    },
    /// The hunks in a document are to be shown at their present places.
    HunksDue { uri: String },
    /// What was found in a document is to be shown at its present places.
    FindingsDue { uri: String },
    /// A page to look at was written (its path), or why it could not be.
    PageWritten {
        what: &'static str,
        path: Result<String, String>,
    },
    /// Something about plans.
    Plan(PlanEvent),
    /// Something about a chat.
    Chat(ChatEvent),
    /// An answer was kept on disk (its path), or why it could not be.
    AnswerKept {
        job: JobId,
        kept: Result<String, String>,
    },
    /// An answer that came to nothing was kept on disk (its path) while its job goes on, or why it could not be.
    UnusedKept {
        job: JobId,
        kept: Result<String, String>,
    },
    /// What an earlier session left may be asked for: the settings are known.
    KeptDue,
    /// What an earlier session left.
    KeptLoaded(Box<Kept>),
    /// What takes a landing of an earlier session back, or why it cannot be had.
    UndoRead {
        job: JobId,
        number: u64,
        summary: String,
        undo: Result<Box<Proposal>, String>,
    },
    /// Something about the store that a person should know.
    StoreNotice(String),
    /// Something could not be kept in the store, and why.
    NotKept(String),
    /// Pleach meets somebody who has no model; the servers with models that run on this machine.
    Met(Vec<LocalServer>),
    /// A model was chosen in the user's own settings, and where these are; or why it was not.
    ModelAdded(Result<(String, Utf8PathBuf), String>),
}

/// How the task of a job ended.
pub(crate) enum Ended {
    /// By itself.
    Outcome(Box<JobOutcome>),
    /// It was cancelled.
    Cancelled,
    /// It panicked; a defect of ours.
    Panicked,
}

/// What a background parse found.
pub(crate) struct Parsed {
    pub(crate) syntax: Syntax,
    pub(crate) symbols: Arc<Vec<Symbol>>,
}

/// Where events are put. Never waits: the loop that drains it also feeds it.
#[derive(Clone)]
pub(crate) struct Inbox(mpsc::UnboundedSender<Event>);

impl Inbox {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Puts `event` at the end. After the session has ended this does nothing.
    pub(crate) fn put(&self, event: Event) {
        let _session_is_gone = self.0.send(event).is_err();
    }

    /// Puts the event that `make` builds around a reply, and waits for that reply.
    pub(crate) async fn ask<T>(
        &self,
        method: &'static str,
        make: impl FnOnce(Reply<T>) -> Event,
    ) -> Result<T, Error> {
        let (slot, answer) = oneshot::channel();
        self.put(make(Reply {
            slot: Some(slot),
            method,
        }));
        answer.await.unwrap_or_else(|_| Err(no_answer()))
    }
}

/// The right and the duty to answer one request. Dropped unanswered, it answers with an error.
pub(crate) struct Reply<T> {
    slot: Option<oneshot::Sender<Result<T, Error>>>,
    method: &'static str,
}

impl<T> Reply<T> {
    /// Answers the request.
    pub(crate) fn send(mut self, answer: Result<T, Error>) {
        if let Some(slot) = self.slot.take() {
            // A failed send means that the client has cancelled: there is nobody to tell.
            let _cancelled = slot.send(answer).is_err();
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            tracing::error!(
                method = self.method,
                "a request was dropped without an answer"
            );
            let _cancelled = slot.send(Err(no_answer())).is_err();
        }
    }
}

fn no_answer() -> Error {
    Error {
        code: ErrorCode::InternalError,
        message: "Pleach has no answer to this request: the server is closing".into(),
        data: None,
    }
}
