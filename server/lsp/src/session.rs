//! The session: one owner of all state, one loop, one event at a time.
//!
//! Nothing in here waits. Work that takes time (parsing, models, disk, rebasing) runs elsewhere on
//! immutable values and comes back as an [`Event`].

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use lsp_types::{DidChangeTextDocumentParams, DidOpenTextDocumentParams, ProgressToken};
use pleach_agent::Books;
use pleach_policy::NewModel;
use pleach_text::ByteRange;
use pleach_workspace::{OpenDocument, WorkspaceSnapshot, path_from_uri};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::task::TaskTracker;
use tower_lsp::jsonrpc::{Error, ErrorCode};

use crate::Environment;
use crate::client::Client;
use crate::event::{Event, Inbox, JobId, Reply};
use crate::transport::{Outbox, Signal};
use chats::{ChatLook, Chats};
use commands::CommandFailure;
use configuration::Configuration;
use diagnostics::Diagnostics;
use documents::Documents;
use findings::Findings;
use history::History;
use index::Indexing;
use jobs::Job;
use keeping::Keeper;
use landing::Landing;
use listing::Listings;
use plans::{PlanAnswer, Plans};
use reviews::Reviews;

mod arguments;
pub(crate) mod chats;
pub(crate) mod commands;
pub(crate) mod configuration;
mod delivery;
mod diagnostics;
pub(crate) mod documents;
pub(crate) mod findings;
mod handshake;
mod history;
pub(crate) mod index;
mod jobs;
pub(crate) mod keeping;
pub(crate) mod landing;
mod listing;
mod meaning;
mod meeting;
mod messages;
mod money;
mod permission;
pub(crate) mod plans;
pub(crate) mod reviews;
mod roster;
mod rules;
mod status;
mod templates;

/// Everything the server knows, owned by its loop.
pub(crate) struct Session {
    inbox: Inbox,
    outbox: Outbox,
    environment: Environment,
    /// The work of the running jobs.
    tasks: TaskTracker,
    /// What was spent, and what was sent where.
    books: Books,
    client: Client,
    configuration: Configuration,
    documents: Documents,
    jobs: BTreeMap<JobId, Job>,
    landings: BTreeMap<JobId, Landing>,
    history: History,
    reviews: Reviews,
    diagnostics: Diagnostics,
    findings: Findings,
    plans: Plans,
    chats: Chats,
    indexing: Indexing,
    /// What was sent last.
    sent: Vec<index::Sent>,
    keeper: Keeper,
    /// Whether it was looked at whether this is a first meeting.
    met: bool,
    /// Whether it was said that things are not kept.
    said_not_kept: bool,
    /// Commands of models that need no further question.
    allowed: permission::Allowed,
    listings: Listings,
    /// Requests of ours that the client has not answered yet.
    awaited: BTreeMap<i64, Awaited>,
    /// The place the editor asked about last: what a command without a place means.
    last_place: Option<LastPlace>,
    last_job: JobId,
}

/// What an answer of the client is for.
enum Awaited {
    /// `window/workDoneProgress/create` of a job.
    Progress(JobId),
    /// `window/workDoneProgress/create` of the index.
    IndexProgress,
    /// `window/workDoneProgress/create` of embedding.
    MeaningProgress,
    /// `workspace/applyEdit` of a job's landing.
    ApplyEdit(JobId),
    /// `window/showDocument` of an answer, and what is said when it is not shown.
    Shown { told: String },
    /// `window/showMessageRequest` with the models that were found, by the titles of their buttons.
    LocalModel(Vec<(String, NewModel)>),
    /// Something about a plan.
    Plan(PlanAnswer),
    /// `workspace/applyEdit` of the answer of a job to a chat.
    ChatEdit(JobId),
    /// `window/showMessageRequest` about a command that a model wants to run.
    Allowed(permission::Question),
    /// Only an error would be worth a line in the log.
    Nothing(&'static str),
}

/// A document and a range in it, in bytes of its version `version`.
#[derive(Debug, Clone)]
struct LastPlace {
    uri: String,
    range: ByteRange,
    version: i32,
}

impl Session {
    /// A session that sends through `outbox`, runs its jobs under `tasks`, and keeps with `keeper` what
    /// is to outlive it.
    pub(crate) fn new(
        inbox: Inbox,
        outbox: Outbox,
        environment: Environment,
        tasks: TaskTracker,
        keeper: Keeper,
        books: Books,
    ) -> Self {
        Self {
            inbox,
            outbox,
            environment,
            tasks,
            books,
            client: Client::default(),
            configuration: Configuration::default(),
            documents: Documents::default(),
            jobs: BTreeMap::new(),
            landings: BTreeMap::new(),
            history: History::default(),
            reviews: Reviews::default(),
            diagnostics: Diagnostics::default(),
            findings: Findings::default(),
            plans: Plans::default(),
            chats: Chats::default(),
            indexing: Indexing::default(),
            sent: Vec::new(),
            allowed: permission::Allowed::default(),
            keeper,
            met: false,
            said_not_kept: false,
            listings: Listings::default(),
            awaited: BTreeMap::new(),
            last_place: None,
            last_job: 0,
        }
    }

    /// Reacts to one event after the other until nobody can send any more.
    pub(crate) async fn run(mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            // A mistake of ours costs the one event that met it; replies answer themselves on drop.
            if catch_unwind(AssertUnwindSafe(|| self.react(event))).is_err() {
                tracing::error!("an event was given up after a panic");
            }
        }
    }

    fn react(&mut self, event: Event) {
        match event {
            Event::Initialize { params, reply } => self.initialize(&params, reply),
            Event::Initialized => self.initialized(),
            Event::Opened(params) => self.opened(*params),
            Event::Changed(params) => self.changed(*params),
            Event::Closed { uri } => self.closed(&uri),
            Event::Saved { uri, text } => self.document_saved(&uri, text.as_deref()),
            Event::FoldersChanged { added, removed } => self.change_folders(added, &removed),
            Event::ConfigurationChanged(settings) => self.client_settings_changed(&settings),
            Event::WatchedFilesChanged(uris) => self.watched_files_changed(&uris),
            Event::ListActions { params, reply } => self.list_actions(params, reply),
            Event::Execute {
                request,
                command,
                arguments,
                reply,
            } => {
                self.execute(request, command, arguments, reply);
            }
            Event::Lenses { uri, reply } => {
                let mut lenses = self.lenses(&uri);
                lenses.extend(self.plan_lenses(&uri));
                reply.send(Ok(Value::Array(lenses)));
            }
            Event::PlanAsked {
                uri,
                question,
                reply,
            } => self.plan_asked(&uri, question, reply),
            Event::Plan(event) => self.plan_event(event),
            Event::Chat(event) => self.chat_event(event),
            Event::Offered { job, offer } => self.offered(job, offer),
            Event::HunksTaken {
                job,
                review,
                hunks,
                taken,
            } => self.hunks_taken(job, review, &hunks, taken),
            Event::ReviewedRead { uri, text } => self.reread(&uri, text.as_deref()),
            Event::FormattingSeen {
                review,
                moves,
                hunks,
            } => self.formatting_seen(review, moves, hunks),
            Event::HunksDue { uri } => self.hunks_due(&uri),
            Event::FindingsDue { uri } => self.look_for_findings(&uri),
            Event::PageWritten { what, path } => self.page_written(what, path),
            Event::DocumentText { uri, reply } => self.document_text(&uri, reply),
            Event::CancelProgress { token } => self.cancel_by_token(&token),
            Event::Signal(signal) => self.signal(signal),
            Event::IndexMoved { number, state } => self.index_moved(number, state),
            Event::MeaningMoved => self.meaning_moved(),
            Event::Searched(searched) => self.searched(*searched),
            Event::SettingsLoaded(loaded) => self.settings_loaded(*loaded),
            Event::Parsed {
                uri,
                revision,
                parsed,
            } => self.parsed(&uri, revision, parsed),
            Event::ParseDue { uri } => self.parse_due(&uri),
            Event::AccessKnown { settings, known } => self.access_known(settings, known),
            Event::ListingDue { listing } => self.listing_due(listing),
            Event::JobEngine { job, label } => self.job_engine(job, label),
            Event::JobReport { job, event } => self.job_report(job, event),
            Event::JobEnded { job, outcome } => self.job_ended(job, outcome),
            Event::ProgressDue { job } => self.progress_due(job),
            Event::ProgressBeat { job } => self.progress_beat(job),
            Event::StepReady { job, step, ready } => self.step_ready(job, step, ready),
            Event::ClosedWritten { job, step, written } => self.closed_written(job, step, written),
            Event::Recovered(recovered) => self.recovered(recovered),
            Event::IntentKept { job, failed } => self.intent_kept(job, failed.as_deref()),
            Event::LandingDue { job, attempt } => self.landing_due(job, attempt),
            Event::FileRead { job, step, text } => self.file_read(job, step, text.as_deref()),
            Event::AskLeave { job, wish, answer } => self.ask_leave(job, wish, answer),
            Event::AnswerKept { job, kept } => self.answer_kept(job, kept),
            Event::UnusedKept { job, kept } => self.unused_kept(job, kept),
            Event::KeptDue => self.load_kept(),
            Event::KeptLoaded(kept) => self.kept_loaded(*kept),
            Event::UndoRead {
                job,
                number,
                summary,
                undo,
            } => self.undo_read(job, number, summary, undo),
            Event::StoreNotice(text) => {
                self.show(messages::Severity::Warning, &format!("Pleach: {text}"));
            }
            Event::NotKept(error) => self.not_kept(&error),
            Event::Met(servers) => self.met(&servers),
            Event::ModelAdded(added) => self.model_added(added),
        }
    }

    fn opened(&mut self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let uri = item.uri.0.clone();
        let path = path_from_uri(&uri);
        self.documents.open(item, path);
        self.reviews_opened(&uri);
        self.findings_opened(&uri);
        self.chats_opened(&uri);
        self.check_open_settings(&uri);
        self.check_open_roster(&uri);
        self.document_moved(&uri);
        self.look_up_access(vec![uri]);
        self.index_if_useful();
    }

    /// A document was saved; `text` is what the editor says that it is now.
    fn document_saved(&mut self, uri: &str, text: Option<&str>) {
        if let (Some(text), Some(document)) = (text, self.documents.get_mut(uri)) {
            let revision = document.revision;
            document.saved(text);
            self.chats_follow(uri, revision);
        }
        self.document_moved(uri);
        self.saved(uri);
        self.index_hears_of(&[uri.to_owned()]);
        self.keep_reviews_in(uri);
    }

    fn closed(&mut self, uri: &str) {
        if let Some(document) = self.documents.close(uri) {
            self.findings_closed(uri, document.text);
        } else {
            tracing::warn!(uri, "a document that is not open was closed");
        }
        self.listings_of_closed(uri);
        self.rules_closed(uri);
        self.plan_closed(uri);
        self.chats_closed(uri);
        self.closed_while_landing(uri);
        self.reviews_closed(uri);
    }

    fn changed(&mut self, params: DidChangeTextDocumentParams) {
        let uri = params.text_document.text_document_identifier.uri.0.clone();
        let Some(document) = self.documents.get_mut(&uri) else {
            tracing::warn!(uri, "a change of a document that is not open was ignored");
            return;
        };
        let revision = document.revision;
        document.change(params, &self.client);
        self.reviews_follow(&uri, revision);
        self.findings_follow(&uri, revision);
        self.chats_follow(&uri, revision);
        self.check_open_settings(&uri);
        self.check_open_roster(&uri);
        self.document_moved(&uri);
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Response { id, answer } => {
                let failed = answer.as_ref().err().map(|error| error.message.clone());
                match self.awaited.remove(&id) {
                    Some(Awaited::Progress(job)) => self.progress_created(job, failed.is_none()),
                    Some(Awaited::IndexProgress) => {
                        self.index_progress_created(failed.is_none());
                    }
                    Some(Awaited::MeaningProgress) => {
                        self.meaning_progress_created(failed.is_none());
                    }
                    Some(Awaited::ApplyEdit(job)) => {
                        let applied = answer
                            .as_ref()
                            .ok()
                            .and_then(|answer| answer.get("applied"));
                        let applied = applied.and_then(Value::as_bool).unwrap_or(false);
                        let reason = answer
                            .as_ref()
                            .ok()
                            .and_then(|answer| answer.get("failureReason"))
                            .and_then(Value::as_str)
                            .map(str::to_owned)
                            .or(failed);
                        self.edit_answered(job, applied, reason);
                    }
                    Some(Awaited::Allowed(question)) => {
                        self.leave_answered(question, answer.as_ref().ok());
                    }
                    Some(Awaited::LocalModel(choices)) => {
                        self.local_model_chosen(choices, answer.as_ref().ok());
                    }
                    Some(Awaited::ChatEdit(job)) => {
                        self.chat_edit_answered(job, answer.as_ref().ok());
                    }
                    Some(Awaited::Plan(about)) => self.plan_answer(about, answer.as_ref().ok()),
                    Some(Awaited::Shown { told }) => {
                        let shown = answer.ok().and_then(|it| it.get("success")?.as_bool());
                        if shown != Some(true) {
                            self.show(messages::Severity::Info, &told);
                        }
                    }
                    Some(Awaited::Nothing(method)) => {
                        if let Some(error) = failed {
                            tracing::warn!(method, error, "the client refused a request");
                        }
                    }
                    None => tracing::debug!(id, "an answer to a request that is not awaited"),
                }
            }
            Signal::CancelRequest { id } => {
                let job = self
                    .jobs
                    .values()
                    .find(|job| job.request.as_ref() == Some(&id));
                if let Some(job) = job.map(|job| job.id) {
                    self.cancel_job(job);
                }
            }
            Signal::SuspectDocument { uri } => {
                if let Some(document) = self.documents.get_mut(&uri) {
                    document.suspect("a character arrived broken".to_owned());
                }
            }
            Signal::Closing => {
                for job in self.jobs.values() {
                    job.cancel.cancel();
                }
            }
        }
    }

    /// Sends a request to the client and remembers what its answer is for.
    fn request(&mut self, method: &'static str, params: &impl Serialize, awaited: Awaited) {
        let id = self.outbox.request(method, params);
        self.awaited.insert(id, awaited);
    }

    /// Puts `event` into the inbox after `delay`.
    fn later(&self, delay: Duration, event: Event) {
        let inbox = self.inbox.clone();
        // The handle is not needed: a timer that fires late or never is harmless, its event carries
        // what it is for.
        drop(tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            inbox.put(event);
        }));
    }

    /// Runs `work` off the loop and puts the event that it returns into the inbox. When it panics,
    /// `otherwise` is put instead.
    fn aside(&self, work: impl FnOnce() -> Event + Send + 'static, otherwise: Event) {
        let inbox = self.inbox.clone();
        drop(tokio::task::spawn_blocking(move || {
            inbox.put(catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise));
        }));
    }

    /// The workspace as it is now: cheap, and unmoved by what is typed later.
    fn snapshot(&self) -> WorkspaceSnapshot {
        self.snapshot_without("")
    }

    /// The workspace as if the document `uri` were not open.
    fn snapshot_without(&self, uri: &str) -> WorkspaceSnapshot {
        let open = self.documents.iter().filter(|document| document.uri != uri);
        let open = open.map(|document| OpenDocument {
            uri: document.uri.clone(),
            path: document.path.clone(),
            text: document.text.clone(),
            language: document.language,
            version: document.version,
        });
        WorkspaceSnapshot::new(
            self.configuration.roots(),
            open,
            self.configuration.path_rules(),
        )
    }

    fn document_text(&self, uri: &str, reply: Reply<Value>) {
        reply.send(match self.documents.get(uri) {
            Some(document) => Ok(json!({
                "text": document.text.to_string(),
                "version": document.version,
                "suspect": document.suspect,
            })),
            None => Err(Error::invalid_params("this document is not open")),
        });
    }

    /// A document has a new text: a file of rules, or what a landing waits for.
    fn document_moved(&mut self, uri: &str) {
        self.check_open_rules(uri);
        if !self.landings.is_empty() {
            self.check_landings(uri);
        }
        self.plan_moved(uri);
        self.chat_moved(uri);
    }

    fn cancel_by_token(&mut self, token: &ProgressToken) {
        let ProgressToken::String(token) = token else {
            return;
        };
        if token == index::TOKEN {
            self.stop_index();
            return;
        }
        if token == meaning::TOKEN {
            self.stop_meaning();
            return;
        }
        let job = self
            .jobs
            .values()
            .find(|job| job.progress_token() == *token);
        if let Some(job) = job.map(|job| job.id) {
            self.cancel_job(job);
        }
    }

    fn execute(
        &mut self,
        request: Option<tower_lsp::jsonrpc::Id>,
        command: String,
        arguments: Vec<Value>,
        reply: Reply<Value>,
    ) {
        if !self.configuration.is_loaded() {
            // Settings are read once, right after the handshake; a command that overtakes them waits.
            let event = Event::Execute {
                request,
                command,
                arguments,
                reply,
            };
            self.configuration.defer(event);
            return;
        }
        if command == commands::SEARCH {
            return self.search(arguments, reply);
        }
        if command == commands::TEMPLATES {
            return self.list_templates(reply);
        }
        if let Some(look) = ChatLook::from_command(&command) {
            return self.look_at_chats(look, arguments, reply);
        }
        match self.carry_out(request, &command, arguments) {
            Ok(answer) => reply.send(Ok(answer)),
            Err(failure) => self.refuse(&failure, reply),
        }
    }

    /// Answers a command that was not carried out.
    fn refuse(&self, failure: &CommandFailure, reply: Reply<Value>) {
        self.show_failed_command(failure);
        reply.send(Err(Error {
            code: ErrorCode::InvalidParams,
            message: failure.to_string().into(),
            data: Some(json!({"code": CommandFailure::code(failure), "next": failure.next_step()})),
        }));
    }
}
