//! Carries messages between the client and the service: in order, without ever waiting for either.
//!
//! The framework's own server runs four handlers at a time and reads nothing more while they wait
//! (an agent waits on a model most of its time), ends on the first malformed message, dies with a
//! handler that panics, and lets responses overtake notifications. So only its router is used.
//!
//! - **Reading.** A thread of its own cuts the input into messages and decodes them. Nothing but
//!   the end of the input stops it.
//! - **Dispatch.** Every handler is polled once, at once, in order of arrival; what is left of it
//!   is spawned. So whatever a handler does before its first `await` happens in order of arrival,
//!   and a handler that waits holds up nothing. A panic is answered with −32603 and costs that
//!   request only.
//! - **Writing.** Everything leaves through one [`Outbox`], in order; a thread of its own writes.
//!
//! `textDocument/didOpen` and `textDocument/didChange` skip the router: their handlers are called
//! with parameters that were decoded in one pass, and must not wait for anything.

mod frames;
mod initialize;
mod messages;
mod outbox;
mod parent;

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tower::Service;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_lsp::{ClientSocket, LanguageServer, LspService};

use frames::{Frame, Frames};
use messages::{Incoming, explained};
pub use outbox::{Outbox, OutboxDrain, outbox};

/// How long the work in hand may take once the client is gone, and the last messages to be read.
const GRACE: Duration = Duration::from_secs(1);

/// Messages decoded ahead before they are handed over together. One hand-over wakes the other
/// thread, which costs more than a keystroke is worth.
const BATCH: usize = 256;

/// What the transport has to tell besides the calls to handlers. Signals and calls come in order
/// of arrival.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// The client has answered a request sent by [`Outbox::request`]. Comes at most once for an id.
    Response {
        /// What [`Outbox::request`] returned.
        id: i64,
        /// The result, or why there is none.
        answer: Result<Value, ClientError>,
    },
    /// The client takes a request back. Its handler is dropped in any case; this is for work that
    /// outlives its handler.
    CancelRequest {
        /// The client's id, as [`current_request`] told it to the handler.
        id: Id,
    },
    /// The server's text of a document may differ from the client's: a message about it had to be
    /// repaired or was lost. Comes after that message has been handled.
    SuspectDocument {
        /// As the client spelled it.
        uri: String,
    },
    /// The session ends now: cancel everything. The last signal.
    Closing,
}

/// The client's refusal of a request of ours.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("the editor refused: {message} ({code})")]
pub struct ClientError {
    /// A code of JSON-RPC or of the protocol; −32601 is a method the client does not have.
    #[serde(default)]
    pub code: i64,
    /// The client's words.
    #[serde(default)]
    pub message: String,
}

thread_local! {
    static CURRENT_REQUEST: RefCell<Option<Id>> = const { RefCell::new(None) };
}

/// The id of the request whose handler is running, while that handler has not waited yet.
pub fn current_request() -> Option<Id> {
    CURRENT_REQUEST.with_borrow(Clone::clone)
}

/// What the threads tell the dispatcher.
enum Event {
    Messages(Vec<Incoming>),
    Ended(&'static str),
}

/// Serves one client until it ends the session or is gone. Returns the exit code of the process:
/// 0 after an orderly `shutdown`, else 1.
///
/// Wants a single-threaded runtime of tokio with its timer. The process should end with it: the
/// thread that reads may be waiting for input that never comes.
pub async fn serve<S: LanguageServer>(
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    (outbox, drain): (Outbox, OutboxDrain),
    service: LspService<S>,
    socket: ClientSocket,
    signals: impl Fn(Signal) + Send + 'static,
) -> i32 {
    // Whatever is sent through the framework's client fails at once, instead of overtaking.
    drop(socket);
    outbox.hold();
    let (events, mut inbox) = mpsc::unbounded_channel();
    let lost = events.clone();
    let on_loss = move || drop(lost.send(Event::Ended("the client cannot be written to")));
    let input = events.clone();
    let read = move || read_messages(Frames::new(reader), &input);
    let reader = std::thread::Builder::new().name("pleach-reader".into());
    if let Err(error) = drain
        .start(writer, on_loss)
        .and_then(|()| reader.spawn(read).map(drop))
    {
        tracing::error!(%error, "no thread can be started");
        return 1;
    }

    let mut dispatcher = Dispatcher {
        service,
        outbox,
        signals,
        state: State::Waiting,
        handlers: TaskTracker::new(),
    };
    let mut messages = VecDeque::new();
    let mut ended = None;
    let why = loop {
        let Some(message) = messages.pop_front() else {
            match ended {
                Some(why) => break why,
                None => receive(inbox.recv().await, &mut messages, &mut ended),
            }
            continue;
        };
        match dispatcher.take(message).await {
            Next::Go => {}
            Next::Exit => return dispatcher.exit().await,
            Next::Initialize { answer, process } => {
                // Nothing else is handled before the answer. But if the client wants to leave, it
                // is not kept waiting for long.
                let mut answer = answer.fuse();
                let is_ok = loop {
                    let leaving = ended.is_some() || messages.iter().any(Incoming::is_exit);
                    tokio::select! {
                        biased;
                        is_ok = &mut answer => break is_ok,
                        () = tokio::time::sleep(GRACE), if leaving => break false,
                        event = inbox.recv(), if !leaving => {
                            receive(event, &mut messages, &mut ended);
                        }
                    }
                };
                if is_ok {
                    dispatcher.state = State::Running;
                    watch_parent(process, &events);
                }
            }
        }
    };
    tracing::info!(why, "the session ends");
    dispatcher.close().await
}

fn receive(
    event: Option<Event>,
    messages: &mut VecDeque<Incoming>,
    ended: &mut Option<&'static str>,
) {
    match event {
        Some(Event::Messages(more)) => messages.extend(more),
        Some(Event::Ended(why)) => *ended = Some(why),
        None => *ended = Some("nothing can arrive any more"),
    }
}

fn watch_parent(process: Option<i32>, events: &mpsc::UnboundedSender<Event>) {
    if let Some(id) = process.filter(|id| *id > 0) {
        let events = events.clone();
        parent::watch(id, move || {
            // Nobody listens any more if the session has ended first.
            let _ = events.send(Event::Ended("the editor's process is gone"));
        });
    }
}

/// Reads until the end. What has arrived together is handed over together.
fn read_messages(mut frames: Frames<impl Read>, events: &mpsc::UnboundedSender<Event>) {
    loop {
        let mut messages = Vec::new();
        let mut ended = !decode_frame(frames.wait(), &mut messages);
        while !ended && messages.len() < BATCH {
            let Some(frame) = frames.at_hand() else { break };
            ended = !decode_frame(frame, &mut messages);
        }
        // A failure to send means that the session has ended.
        let nobody_listens =
            !messages.is_empty() && events.send(Event::Messages(messages)).is_err();
        if ended {
            let _ = events.send(Event::Ended("the input has ended"));
        }
        if ended || nobody_listens {
            return;
        }
    }
}

/// Decodes what a frame holds. False at the end.
fn decode_frame(frame: Frame<'_>, into: &mut Vec<Incoming>) -> bool {
    match frame {
        Frame::Body(body) => messages::decode(body, into),
        Frame::BadHeader(why) => {
            tracing::warn!(why, "a message header cannot be used: looking for the next");
            let error = explained(ErrorCode::ParseError, why);
            into.push(Incoming::Unusable {
                id: Id::Null,
                error,
            });
        }
        Frame::Skipped(head) => {
            let uri = messages::document_in_pieces(&head);
            into.extend(uri.map(|uri| Incoming::Suspect { uri }));
        }
        Frame::End => return false,
    }
    true
}

/// Where the session stands. The framework's own state cannot be read from outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but `initialize` and `exit` is taken.
    Waiting,
    Running,
    /// Nothing but `exit` is taken.
    ShutDown,
}

struct Dispatcher<S, F> {
    service: LspService<S>,
    outbox: Outbox,
    signals: F,
    state: State,
    /// Handlers that wait for something.
    handlers: TaskTracker,
}

/// What is to be done after a message.
enum Next {
    Go,
    Exit,
    Initialize {
        /// Gives whether the session may begin.
        answer: BoxFuture<'static, bool>,
        /// The editor's process.
        process: Option<i32>,
    },
}

impl Incoming {
    fn is_exit(&self) -> bool {
        matches!(self, Incoming::Call { method, .. } if method == "exit")
    }
}

impl<S: LanguageServer, F: Fn(Signal)> Dispatcher<S, F> {
    async fn take(&mut self, message: Incoming) -> Next {
        match message {
            Incoming::Change(params) => {
                if self.state == State::Running {
                    at_once(
                        "textDocument/didChange",
                        self.service.inner().did_change(params),
                    )
                    .await;
                }
            }
            Incoming::Open(params) => {
                if self.state == State::Running {
                    at_once(
                        "textDocument/didOpen",
                        self.service.inner().did_open(*params),
                    )
                    .await;
                }
            }
            Incoming::Call { method, id, params } => return self.call(method, id, params),
            Incoming::Answer {
                id,
                answer,
                complete,
            } => self.answered(id, answer, complete),
            Incoming::Unusable { id, error } => {
                self.outbox.respond(&Response::from_error(id, error));
            }
            Incoming::Suspect { uri } => {
                tracing::warn!(uri, "the text of a document may differ from the editor's");
                (self.signals)(Signal::SuspectDocument { uri });
            }
        }
        Next::Go
    }

    fn call(&mut self, method: String, id: Option<Id>, params: Option<Value>) -> Next {
        match (self.state, method.as_str()) {
            (_, "exit") => return Next::Exit,
            (State::Waiting, "initialize") => return self.initialize(id, params),
            (State::Running, "$/cancelRequest") if id.is_none() => {
                let taken_back = params.as_ref().and_then(|params| params.get("id"));
                let taken_back = taken_back.and_then(|id| Id::deserialize(id).ok());
                self.start(method, None, params);
                if let Some(id) = taken_back {
                    (self.signals)(Signal::CancelRequest { id });
                }
            }
            (State::Running, "shutdown") => {
                self.state = State::ShutDown;
                // It has none, and some clients send empty ones.
                self.start(method, id, None);
            }
            // Notifications all of them: the router would leave such a request without an answer.
            (State::Running, method) if method.starts_with("$/") && id.is_some() => {
                self.refuse(id, Error::method_not_found());
            }
            (State::Running, _) => self.start(method, id, params),
            (State::Waiting, _) => self.refuse(id, not_initialized()),
            (State::ShutDown, _) => self.refuse(
                id,
                explained(ErrorCode::InvalidRequest, "the server has been shut down"),
            ),
        }
        Next::Go
    }

    /// Outside of a session requests are refused and notifications ignored, as the protocol says.
    fn refuse(&self, id: Option<Id>, error: Error) {
        if let Some(id) = id {
            self.outbox.respond(&Response::from_error(id, error));
        }
    }

    fn answered(&self, id: Id, answer: Result<Value, ClientError>, complete: bool) {
        match id {
            Id::Number(id) if self.outbox.settle(id) => {
                (self.signals)(Signal::Response { id, answer });
            }
            id if !complete && id != Id::Null => {
                let error = explained(ErrorCode::InvalidRequest, "the message names no method");
                self.refuse(Some(id), error);
            }
            id => tracing::warn!(%id, ?answer, "the client answers what it was not asked"),
        }
    }

    fn initialize(&mut self, id: Option<Id>, mut params: Option<Value>) -> Next {
        let mut process = None;
        if let Some(params) = &mut params {
            for removed in initialize::make_decodable(params) {
                tracing::warn!(
                    removed,
                    "a part of initialize cannot be read and is ignored"
                );
            }
            let named = params.get("processId").and_then(Value::as_i64);
            process = named.and_then(|id| i32::try_from(id).ok());
        }
        let Some(answer) = self.handler("initialize".into(), id, params) else {
            return Next::Go;
        };
        Next::Initialize { answer, process }
    }

    /// Runs a handler up to its first wait, and lets the rest of it run beside what follows.
    fn start(&mut self, method: String, id: Option<Id>, params: Option<Value>) {
        let current = id.clone();
        let Some(mut answer) = self.handler(method, id, params) else {
            return;
        };
        CURRENT_REQUEST.set(current);
        // The task that is spawned below wakes itself: nobody listens to this waker.
        let polled = answer
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        CURRENT_REQUEST.set(None);
        if polled.is_pending() {
            // Order ends here.
            self.handlers.spawn(answer.map(drop));
        }
    }

    /// The handler of a message, which sends its own response and gives whether it went well.
    /// None if there is nothing to be run.
    fn handler(
        &mut self,
        method: String,
        id: Option<Id>,
        params: Option<Value>,
    ) -> Option<BoxFuture<'static, bool>> {
        // Never waits, but the contract of services wants it asked.
        let ready = self
            .service
            .poll_ready(&mut Context::from_waker(Waker::noop()));
        if !matches!(ready, Poll::Ready(Ok(()))) {
            return None;
        }
        let outbox = self.outbox.clone();
        let name = method.clone();
        let mut request = Request::build(method);
        if let Some(params) = params {
            request = request.params(params);
        }
        if let Some(id) = id.clone() {
            request = request.id(id);
        }
        let service = &mut self.service;
        let called = catch_unwind(AssertUnwindSafe(|| service.call(request.finish())));
        Some(
            async move {
                let done = match called {
                    Ok(handler) => AssertUnwindSafe(handler).catch_unwind().await,
                    Err(panic) => Err(panic),
                };
                let response = match done {
                    Ok(done) => done.ok().flatten(),
                    Err(panic) => {
                        tracing::error!(method = name, panic = words(&*panic), "a handler failed");
                        id.map(|id| Response::from_error(id, broken(&name)))
                    }
                };
                let is_ok = response.as_ref().is_some_and(Response::is_ok);
                if let Some(response) = response {
                    outbox.respond(&response);
                }
                is_ok
            }
            .boxed(),
        )
    }

    /// The client says good-bye: nothing is waited for but that it reads what has been said.
    async fn exit(self) -> i32 {
        (self.signals)(Signal::Closing);
        self.outbox.flush(GRACE).await;
        self.outbox.close();
        i32::from(self.state != State::ShutDown)
    }

    /// The client is gone without a word. What is being done may end by itself, for a while.
    async fn close(self) -> i32 {
        (self.signals)(Signal::Closing);
        self.handlers.close();
        if tokio::time::timeout(GRACE, self.handlers.wait())
            .await
            .is_err()
        {
            tracing::warn!("unfinished requests are dropped");
        }
        self.outbox.flush(GRACE).await;
        self.outbox.close();
        i32::from(self.state != State::ShutDown)
    }
}

/// Runs a handler of changing text, which changes the text before it waits for anything.
async fn at_once(method: &'static str, handler: impl Future<Output = ()>) {
    let mut handler = std::pin::pin!(AssertUnwindSafe(handler).catch_unwind());
    let mut waited = false;
    let done = poll_fn(|cx| {
        let polled = handler.as_mut().poll(cx);
        if polled.is_pending() && !std::mem::replace(&mut waited, true) {
            tracing::error!(
                method,
                "this handler waits, and everything after it with it"
            );
        }
        polled
    });
    if let Err(panic) = done.await {
        tracing::error!(method, panic = words(&*panic), "a handler failed");
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

fn broken(method: &str) -> Error {
    Error {
        code: ErrorCode::InternalError,
        message: format!(
            "Pleach failed in {method}. This is a defect of Pleach: nothing was changed, and its log has the details."
        )
        .into(),
        data: Some(json!({ "method": method })),
    }
}

fn not_initialized() -> Error {
    // −32002 of the protocol, which the framework does not name.
    explained(
        ErrorCode::ServerError(-32002),
        "the server has not been initialized",
    )
}
