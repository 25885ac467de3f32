//! A server of a few lines under the transport, and a client of a few lines above it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use lsp_types::{
    DidChangeTextDocumentParams, DidOpenTextDocumentParams, InitializeParams, InitializeResult,
    TextDocumentContentChangeEvent,
};
use pleach_lsp::transport::{Outbox, Signal, current_request, outbox, serve};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::Result;
use tower_lsp::{LanguageServer, LspService};

/// How long a test waits before it fails. Nothing waits this long when all is well.
pub(crate) const GUARD: Duration = Duration::from_secs(30);

/// The server under the transport.
pub(crate) struct Probe {
    outbox: Outbox,
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(crate) struct Shared {
    /// Texts by URI, kept by whole-document changes only.
    pub(crate) texts: Mutex<HashMap<String, (i32, String)>>,
    /// Requests of ours that wait for the client.
    pub(crate) asked: Mutex<HashMap<i64, oneshot::Sender<bool>>>,
    /// Answers that came before their request was noted.
    pub(crate) signals: Mutex<Vec<Signal>>,
    /// Handlers that were dropped before they had finished.
    pub(crate) dropped: AtomicUsize,
}

struct CountDrop(Arc<Shared>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl LanguageServer for Probe {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if params
            .client_info
            .is_some_and(|client| client.name == "slow")
        {
            std::future::pending::<()>().await;
        }
        Ok(InitializeResult::default())
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let text = (document.version, document.text);
        self.shared
            .texts
            .lock()
            .unwrap()
            .insert(document.uri.0, text);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        for change in params.content_changes {
            let TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) =
                change
            else {
                panic!("the probe takes whole documents only");
            };
            let text = (document.version, change.text);
            let uri = document.text_document_identifier.uri.0.clone();
            self.shared.texts.lock().unwrap().insert(uri, text);
        }
    }
}

impl Probe {
    async fn read(&self, params: Value) -> Result<Value> {
        let texts = self.shared.texts.lock().unwrap();
        let text = texts.get(params["uri"].as_str().unwrap_or_default());
        Ok(json!(text))
    }

    async fn wait(&self) -> Result<Value> {
        let _guard = CountDrop(Arc::clone(&self.shared));
        std::future::pending().await
    }

    /// Answers after `turns` turns of the runtime.
    async fn turns(&self, params: Value) -> Result<Value> {
        for _ in 0..params["turns"].as_u64().unwrap_or(0) {
            tokio::task::yield_now().await;
        }
        Ok(json!(format!("{}", current_request().is_none())))
    }

    async fn who(&self) -> Result<Value> {
        Ok(json!(current_request()))
    }

    async fn panic_now(&self) -> Result<Value> {
        panic!("at once")
    }

    async fn panic_later(&self) -> Result<Value> {
        tokio::task::yield_now().await;
        panic!("{}", "later")
    }

    async fn panic_note(&self) {
        panic!("in a notification")
    }

    /// Asks the client to apply an edit, and answers what it said.
    async fn ask(&self) -> Result<Value> {
        let (said, heard) = oneshot::channel();
        let id = self
            .outbox
            .request("workspace/applyEdit", &json!({"edit": {}}));
        self.shared.asked.lock().unwrap().insert(id, said);
        Ok(json!(heard.await.unwrap_or(false)))
    }

    async fn flood(&self, params: Value) -> Result<Value> {
        let line = "x".repeat(1000);
        let count = params["count"].as_u64().unwrap_or(0);
        for number in 0..count {
            self.outbox
                .notify("flood", &json!({"number": number, "line": line}));
        }
        Ok(json!(count))
    }
}

/// A session: the server on its own thread, the test as the client.
pub(crate) struct Session {
    pub(crate) input: Option<PipeWriter>,
    pub(crate) messages: mpsc::Receiver<Value>,
    pub(crate) code: JoinHandle<i32>,
    pub(crate) shared: Arc<Shared>,
    /// Messages read while another was looked for.
    pub(crate) seen: Vec<Value>,
}

/// The server on its own thread, between two pipes.
pub(crate) fn start() -> (PipeWriter, PipeReader, JoinHandle<i32>, Arc<Shared>) {
    let (server_input, input) = std::io::pipe().unwrap();
    let (output, server_output) = std::io::pipe().unwrap();
    let shared = Arc::new(Shared::default());
    let of_server = Arc::clone(&shared);
    let code = std::thread::spawn(move || {
        let (outbox, drain) = outbox();
        let probe = Probe {
            outbox: outbox.clone(),
            shared: Arc::clone(&of_server),
        };
        let (service, socket) = LspService::build_with_lifecycle_methods(|_| probe)
            .custom_method("probe/read", Probe::read)
            .custom_method("probe/wait", Probe::wait)
            .custom_method("probe/turns", Probe::turns)
            .custom_method("probe/who", Probe::who)
            .custom_method("probe/panicNow", Probe::panic_now)
            .custom_method("probe/panicLater", Probe::panic_later)
            .custom_method("probe/panicNote", Probe::panic_note)
            .custom_method("probe/ask", Probe::ask)
            .custom_method("probe/flood", Probe::flood)
            .finish();
        let signals = move |signal: Signal| {
            if let Signal::Response { id, answer } = &signal {
                let said = of_server.asked.lock().unwrap().remove(id).unwrap();
                let applied = answer
                    .as_ref()
                    .is_ok_and(|answer| answer["applied"] == true);
                let _ = said.send(applied);
            }
            of_server.signals.lock().unwrap().push(signal);
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let outbox = (outbox, drain);
        runtime.block_on(serve(
            server_input,
            server_output,
            outbox,
            service,
            socket,
            signals,
        ))
    });
    (input, output, code, shared)
}

pub(crate) fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length?];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

pub(crate) fn framed(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    frame.extend_from_slice(body);
    frame
}

impl Session {
    /// A server that has been started and nothing more.
    pub(crate) fn bare() -> Self {
        Self::with(start())
    }

    /// A client of any server between two pipes.
    pub(crate) fn with(
        (input, output, code, shared): (PipeWriter, PipeReader, JoinHandle<i32>, Arc<Shared>),
    ) -> Self {
        let (read, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read_message(&mut output) {
                if read.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input: Some(input),
            messages,
            code,
            shared,
            seen: Vec::new(),
        }
    }

    /// A session that has begun.
    pub(crate) fn new() -> Self {
        let mut session = Self::bare();
        session.request(0, "initialize", json!({"capabilities": {}}));
        assert!(session.answer(0)["result"].is_object());
        session.notify("initialized", json!({}));
        session
    }

    pub(crate) fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.input
            .as_mut()
            .unwrap()
            .write_all(bytes.as_ref())
            .unwrap();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.raw(framed(message.to_string()));
    }

    pub(crate) fn request(&mut self, id: i64, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    pub(crate) fn change(&mut self, version: i32, text: &str) {
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": "a", "version": version}, "contentChanges": [{"text": text}]}),
        );
    }

    /// The next message for which `wanted` holds. Others are kept.
    pub(crate) fn find(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at);
        }
        loop {
            let message = self.messages.recv_timeout(GUARD).unwrap_or_else(|error| {
                panic!("no {what} ({error}); seen: {:?}", self.seen);
            });
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    pub(crate) fn answer(&mut self, id: i64) -> Value {
        self.find(&format!("answer to {id}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(&mut self, id: i64, method: &str, params: Value) -> Value {
        self.request(id, method, params);
        self.answer(id)
    }

    pub(crate) fn error_without_id(&mut self) -> i64 {
        let message = self.find("error", |message| {
            message["id"].is_null() && message.get("error").is_some()
        });
        message["error"]["code"].as_i64().unwrap()
    }

    /// The server still does its work.
    pub(crate) fn assert_alive(&mut self, id: i64) {
        assert_eq!(self.ask(id, "probe/who", Value::Null)["result"], id);
    }

    /// Ends the session by the book. Returns what the client had not looked at.
    pub(crate) fn end(mut self) -> Vec<Value> {
        assert_eq!(self.ask(-1, "shutdown", Value::Null)["result"], Value::Null);
        self.notify("exit", Value::Null);
        // The input stays open: `exit` alone must do.
        assert_eq!(self.code.join().unwrap(), 0);
        self.seen.extend(self.messages.iter());
        self.seen
    }
}
