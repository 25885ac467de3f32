//! A scripted language client that drives the real server over real pipes.
//!
//! A test says what a person does; the client behaves like the editor it plays, keeps its own copy
//! of every document, answers the server's requests, and remembers everything that was said. It
//! waits for messages, never for time: the only time-out is the guard that makes a hanging test
//! fail.
//!
//! When a client is dropped it ends the session by the book, and fails the test if the server did
//! not exit with 0 or asked for something that the editor does not know.

mod answering;
mod documents;
mod editor;
mod jobs;
mod mirror;
mod recording;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_model::FakeModel;
use crate::frames::{framed, read_message};
pub use editor::{Personality, language_of, path_of};
pub use mirror::{Document, Unit, offset, position, range};

/// How long anything may take before the test fails. Nothing takes this long when all is well.
pub const GUARD: Duration = Duration::from_mins(1);

/// The binary under test: `PLEACH_BIN`, or the one beside the running test.
pub fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("PLEACH_BIN") {
        return named.into();
    }
    let test = std::env::current_exe().expect("the running test has a path");
    let target = test.ancestors().nth(2).expect("target/debug/deps/test");
    let binary = target.join(format!("pleach{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is missing: run `cargo build` first, or set PLEACH_BIN",
        binary.display()
    );
    binary
}

/// What the client does with `workspace/applyEdit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditPolicy {
    /// What the editor it plays does.
    Editor,
    /// Answers `applied: false`.
    Refuse,
    /// Answers `applied: true` and does nothing.
    Lie,
    /// Keeps the request for the test: [`Client::held`].
    Hold,
}

/// How a client is to be started.
pub struct Builder {
    personality: Personality,
    files: Vec<(String, String)>,
    opened: Vec<String>,
    user_settings: Option<String>,
    options: Option<Value>,
    changes: Vec<(String, Value)>,
    variables: Vec<(OsString, OsString)>,
    is_first_meeting: bool,
}

impl Builder {
    /// Lets the server take this for the first time that it is started. Otherwise it has said and asked
    /// already what it says and asks once.
    #[must_use]
    pub fn first_meeting(mut self) -> Self {
        self.is_first_meeting = true;
        self
    }

    /// Plays this editor, with the capabilities it really sends.
    #[must_use]
    pub fn editor(mut self, personality: Personality) -> Self {
        self.personality = personality;
        self
    }

    /// Puts a file into the workspace.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Puts a file into the workspace, and opens it when the session has begun.
    #[must_use]
    pub fn opened(mut self, path: &str, text: &str) -> Self {
        self.opened.push(path.to_owned());
        self.file(path, text)
    }

    /// Makes `model` the engine, with [`FakeModel::KEY`] as its key.
    #[must_use]
    pub fn model(self, model: &FakeModel) -> Self {
        self.user_settings(&model.settings())
            .variable("FAKE_KEY", FakeModel::KEY)
    }

    /// The user's own `pleach.toml`.
    #[must_use]
    pub fn user_settings(mut self, toml: &str) -> Self {
        self.user_settings = Some(toml.to_owned());
        self
    }

    /// `initializationOptions.pleach`. Without a word, job events are asked for, as the plugins do.
    #[must_use]
    pub fn options(mut self, pleach: Value) -> Self {
        self.options = Some(pleach);
        self
    }

    /// Replaces one member of the `initialize` parameters, named by its JSON pointer. Objects on
    /// the way are made.
    #[must_use]
    pub fn initialize_with(mut self, pointer: &str, value: Value) -> Self {
        self.changes.push((pointer.to_owned(), value));
        self
    }

    /// An environment variable of the server.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Starts the server and sends nothing.
    pub fn spawn(self) -> Client {
        let home = tempfile::Builder::new()
            .prefix("pleach")
            .tempdir()
            .expect("a temporary folder");
        // The folder's name as the system spells it, for servers that resolve links.
        let base = home
            .path()
            .canonicalize()
            .expect("the temporary folder exists");
        let root = base.join("workspace");
        let config = base.join("config").join("pleach");
        for folder in [&root, &config, &base.join("state"), &base.join("tmp")] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        for (path, text) in &self.files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file of the workspace");
        }
        if !self.is_first_meeting {
            let state = base.join("state").join("pleach");
            std::fs::create_dir_all(&state).expect("a folder");
            std::fs::write(state.join("told"), "welcome\noffer of local models\n").expect("a file");
        }
        if let Some(settings) = &self.user_settings {
            std::fs::write(config.join("pleach.toml"), settings).expect("the user's settings");
        }
        let options = self.options.unwrap_or_else(|| json!({"jobEvents": true}));
        let life = Life {
            personality: self.personality,
            base,
            options,
            changes: self.changes,
            variables: self.variables,
        };
        life.spawn(Some(home))
    }

    /// Starts the server and begins the session.
    pub fn start(self) -> Client {
        let opened = self.opened.clone();
        let mut client = self.spawn();
        client.begin();
        for path in opened {
            client.open(&path);
        }
        client
    }
}

/// What a server is started with, so that another can be started like it.
#[derive(Clone)]
struct Life {
    personality: Personality,
    /// The folder that holds the workspace, the settings and the state.
    base: PathBuf,
    options: Value,
    changes: Vec<(String, Value)>,
    variables: Vec<(OsString, OsString)>,
}

impl Life {
    fn spawn(&self, home: Option<TempDir>) -> Client {
        let base = self.base.clone();
        let root = base.join("workspace");
        let mut child = Command::new(binary())
            .arg("lsp")
            .current_dir(&root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &base)
            .env("TMPDIR", base.join("tmp"))
            .env("XDG_CONFIG_HOME", base.join("config"))
            .env("XDG_STATE_HOME", base.join("state"))
            .env("XDG_DATA_HOME", base.join("data"))
            .env("XDG_CACHE_HOME", base.join("cache"))
            .envs(self.variables.clone())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("a pipe");
        let mut errors = child.stderr.take().expect("a pipe");
        let stderr = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&stderr);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = errors.read(&mut piece) {
                heard
                    .lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let (read, incoming) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read_message(&mut output) {
                if read.send(message).is_err() {
                    return;
                }
            }
        });
        let mut initialize = self.personality.handshake();
        let folder = format!("file://{}", root.display());
        initialize["processId"] = json!(std::process::id());
        initialize["rootUri"] = json!(folder);
        initialize["rootPath"] = json!(root);
        initialize["workspaceFolders"] = json!([{"uri": folder, "name": "workspace"}]);
        initialize["initializationOptions"] = json!({ "pleach": self.options });
        for (pointer, value) in &self.changes {
            *make_way(&mut initialize, pointer) = value.clone();
        }
        Client {
            personality: self.personality,
            home,
            life: self.clone(),
            base,
            root,
            child,
            input,
            incoming,
            stderr,
            initialize,
            server: Value::Null,
            unit: Unit::Utf16,
            documents: BTreeMap::new(),
            policy: EditPolicy::Editor,
            replies: VecDeque::new(),
            held: VecDeque::new(),
            ignored: Vec::new(),
            refused: Vec::new(),
            last_id: 0,
            answers: BTreeMap::new(),
            notifications: VecDeque::new(),
            transcript: Vec::new(),
            unknown: Vec::new(),
            ended: false,
            ended_in_order: false,
            has_raw: false,
        }
    }
}

fn make_way<'a>(value: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(value, |value, name| {
        if !value.is_object() {
            *value = json!({});
        }
        &mut value[name]
    })
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The test's client.
    Client,
    /// The server.
    Server,
}

/// A session with the server, from the editor's side.
pub struct Client {
    personality: Personality,
    home: Option<TempDir>,
    life: Life,
    base: PathBuf,
    root: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    incoming: mpsc::Receiver<Value>,
    stderr: Arc<Mutex<String>>,
    initialize: Value,
    server: Value,
    unit: Unit,
    documents: BTreeMap<String, Document>,
    policy: EditPolicy,
    replies: VecDeque<Value>,
    held: VecDeque<Value>,
    ignored: Vec<&'static str>,
    refused: Vec<&'static str>,
    last_id: i64,
    answers: BTreeMap<i64, Value>,
    notifications: VecDeque<Value>,
    transcript: Vec<(Side, Value)>,
    unknown: Vec<Value>,
    ended: bool,
    /// By `shutdown` and `exit`.
    ended_in_order: bool,
    /// Bytes were sent that are in no transcript.
    has_raw: bool,
}

/// Starting and ending.
impl Client {
    /// A client that plays VS Code in an empty workspace, unless told otherwise.
    pub fn builder() -> Builder {
        Builder {
            personality: Personality::Vscode,
            files: Vec::new(),
            opened: Vec::new(),
            user_settings: None,
            options: None,
            changes: Vec::new(),
            variables: Vec::new(),
            is_first_meeting: false,
        }
    }

    /// Sends `initialize` and `initialized`.
    pub fn begin(&mut self) {
        let params = self.initialize.clone();
        self.server = self
            .request("initialize", params)
            .expect("initialize is answered");
        let chosen = self.server["capabilities"]["positionEncoding"].as_str();
        self.unit = Unit::named(chosen.unwrap_or("utf-16"));
        self.notify("initialized", json!({}));
    }

    /// The parameters of `initialize` that will be sent.
    pub fn initialize_params(&self) -> &Value {
        &self.initialize
    }

    /// The server's answer to `initialize`.
    pub fn server(&self) -> &Value {
        &self.server
    }

    /// Closes the server's input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The server's process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the server. `None` if a signal ended it.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.ended = true;
        while self.pump("the end of the server").is_some() {}
        self.child.wait().expect("the server is ours").code()
    }

    /// Ends the session by the book, and fails unless the server plays along.
    pub fn end(mut self) {
        self.finish();
    }

    /// Ends the session by the book and begins another one in the same place, with no document open.
    #[must_use]
    pub fn restart(mut self) -> Self {
        self.finish();
        self.again()
    }

    /// Ends the server with no time to do anything, and begins another session in the same place.
    #[must_use]
    pub fn restart_after_kill(mut self) -> Self {
        self.child.kill().expect("the server is ours");
        self.ended = true;
        self.child.wait().expect("the server is ours");
        self.again()
    }

    fn again(&mut self) -> Self {
        let mut next = self.life.spawn(self.home.take());
        next.begin();
        next
    }

    /// Begins another session in the same place beside this one.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut other = self.life.spawn(None);
        other.begin();
        other
    }

    fn finish(&mut self) {
        assert_eq!(self.request("shutdown", Value::Null), Ok(Value::Null));
        self.notify("exit", Value::Null);
        let code = self.exit_code();
        assert_eq!(
            code,
            Some(0),
            "exit code after shutdown; stderr: {}",
            self.stderr()
        );
        assert!(
            self.unknown.is_empty(),
            "the editor does not know {:#?}",
            self.unknown
        );
        self.ended_in_order = true;
    }

    /// What the server has said outside of the protocol.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test has failed already; what the server said may tell why.
            let _ = self.child.kill();
            let _ = self.child.wait();
            let heard = self.stderr();
            if !heard.is_empty() {
                eprintln!("--- the server's stderr ---\n{heard}");
            }
        } else {
            if !self.ended {
                self.finish();
            }
            if let Some(folder) = std::env::var_os("PLEACH_TRANSCRIPTS") {
                recording::write(
                    folder.as_ref(),
                    &self.transcript,
                    self.ended_in_order,
                    self.has_raw,
                );
            }
        }
        drop(self.home.take());
    }
}

/// Messages.
impl Client {
    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.has_raw = true;
        self.write(bytes.as_ref());
    }

    fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        input
            .write_all(bytes)
            .and_then(|()| input.flush())
            .expect("the server reads");
    }

    /// Sends a message.
    pub fn send(&mut self, message: Value) {
        self.write(framed(&message).as_bytes());
        self.transcript.push((Side::Client, message));
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message);
    }

    /// Sends a request and returns its id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let mut message = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message);
        self.last_id
    }

    /// The id of the request that was sent last.
    pub fn last_request(&self) -> i64 {
        self.last_id
    }

    /// Waits for the answer to a request: its result, or its error.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            if let Some(mut answer) = self.answers.remove(&id) {
                return match answer.get_mut("error") {
                    Some(error) => Err(error.take()),
                    None => Ok(answer["result"].take()),
                };
            }
            self.must_pump(&format!("the answer to request {id}"));
        }
    }

    /// Sends a request and waits for its answer.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Waits for the next notification of this method. Others are kept.
    pub fn notification(&mut self, method: &str) -> Value {
        self.notification_where(method, |_| true)
    }

    /// Waits for the next notification of this method whose parameters are wanted.
    pub fn notification_where(&mut self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let found = self
                .notifications
                .iter()
                .position(|message| message["method"] == method && wanted(&message["params"]));
            if let Some(mut message) = found.and_then(|at| self.notifications.remove(at)) {
                return message["params"].take();
            }
            self.must_pump(method);
        }
    }

    /// Waits until the test is content.
    pub fn wait_until(&mut self, what: &str, content: impl Fn(&Self) -> bool) {
        while !content(self) {
            self.must_pump(what);
        }
    }

    /// Everything that was said, in order of sending and arrival.
    pub fn transcript(&self) -> &[(Side, Value)] {
        &self.transcript
    }

    /// The parameters of every notification and request of this method that the server has sent.
    pub fn said(&self, method: &str) -> Vec<&Value> {
        let by_server = self
            .transcript
            .iter()
            .filter(|(side, _)| *side == Side::Server);
        by_server
            .filter(|(_, message)| message["method"] == method)
            .map(|(_, message)| &message["params"])
            .collect()
    }

    /// Sends back and forth once, after which everything that the server sent before has arrived.
    pub fn sync(&mut self) {
        let answer = self.request("pleach/documentText", json!({"uri": "none:"}));
        drop(answer);
    }

    fn must_pump(&mut self, what: &str) {
        assert!(
            self.pump(what).is_some(),
            "the server ended while waiting for {what}; stderr: {}",
            self.stderr()
        );
    }

    /// Takes one message, and does with it what the editor does. `None` at the end of the output.
    fn pump(&mut self, what: &str) -> Option<()> {
        let message = match self.incoming.recv_timeout(GUARD) {
            Ok(message) => message,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {
                panic!(
                    "no {what} within {GUARD:?}; the last messages:\n{}",
                    self.tail()
                )
            }
        };
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        self.transcript.push((Side::Server, message.clone()));
        match (message.get("method"), message.get("id")) {
            (Some(method), Some(_)) => {
                let method = method.as_str().expect("a method is a string").to_owned();
                self.serve(&method, message);
            }
            (Some(_), None) => self.notifications.push_back(message),
            (None, Some(id)) => {
                // Errors without an id are kept under 0, which no request has.
                let id = id.as_i64().unwrap_or(0);
                let earlier = self.answers.insert(id, message);
                assert!(
                    id == 0 || earlier.is_none(),
                    "request {id} was answered twice"
                );
            }
            (None, None) => panic!("neither request nor answer: {message}"),
        }
        Some(())
    }

    /// The last messages, shortened, for a test that has failed.
    fn tail(&self) -> String {
        let last = self.transcript.iter().rev().take(12).rev();
        let shown = last.map(|(side, message)| {
            let text: String = message.to_string().chars().take(300).collect();
            format!("{side:?}: {text}\n")
        });
        shown.collect()
    }
}
