//! A model server that says what the test tells it to, in the format of any provider.
//!
//! It listens on a free port of the loopback address. Each request takes the next [`Script`]; what
//! the server sees is told as [`Seen`], in order, so that a test waits for what happens and never
//! for time.
//!
//! ```
//! use pleach_tests::fake_model::{FakeModel, Script};
//!
//! let model = FakeModel::start();
//! model.say(Script::text("Hello"));
//! assert!(model.base_url().starts_with("http://127.0.0.1:"));
//! ```

mod cassette;
mod embeddings;
mod flavour;
mod tls;

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use self::embeddings::{Embedder, texts_of};
pub use self::flavour::Flavour;
pub use self::tls::TlsFront;

/// How long a test may wait for the server to see something before it fails.
const GUARD: Duration = Duration::from_mins(1);

/// What the server does with one request.
#[derive(Debug, Default)]
pub struct Script {
    /// The status; 200 when `None`.
    status: Option<u16>,
    headers: Vec<(String, String)>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// Sends bytes as they are.
    Send(Vec<u8>),
    /// Lets time pass, as it did when the answer was recorded.
    Pause(Duration),
    /// Waits until the test opens the gate.
    Wait(Receiver<()>),
    /// Says nothing until the client leaves.
    Hang,
    /// Closes the connection in the middle of the answer.
    Cut,
}

impl Script {
    /// A whole answer in one piece.
    pub fn text(text: &str) -> Self {
        Self::default().piece(text).end("stop")
    }

    /// A whole answer in pieces of at most `bytes` bytes.
    pub fn pieces(text: &str, bytes: usize) -> Self {
        let mut script = Self::default();
        let mut piece = String::new();
        for c in text.chars() {
            if !piece.is_empty() && piece.len() + c.len_utf8() > bytes {
                script = script.piece(&piece);
                piece.clear();
            }
            piece.push(c);
        }
        script.piece(&piece).end("stop")
    }

    /// An error response.
    pub fn error(status: u16, body: &Value) -> Self {
        Self {
            status: Some(status),
            headers: vec![("content-type".into(), "application/json".into())],
            steps: vec![Step::Send(body.to_string().into())],
        }
    }

    /// A JSON document as the whole answer.
    pub fn json(body: &Value) -> Self {
        Self::error(200, body)
    }

    /// A JSON answer that is not streamed.
    pub fn unstreamed(text: &str) -> Self {
        let body = json!({
            "model": "fake",
            "choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        });
        Self {
            status: Some(200),
            ..Self::error(200, &body)
        }
    }

    /// A header to send along.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A piece of the answer's text.
    #[must_use]
    pub fn piece(self, text: &str) -> Self {
        self.event(&json!({
            "model": "fake", "choices": [{"index": 0, "delta": {"content": text}}],
        }))
    }

    /// An event with any data.
    #[must_use]
    pub fn event(self, data: &Value) -> Self {
        self.raw(&format!("data: {data}\n\n"))
    }

    /// Bytes that are sent as they are.
    #[must_use]
    pub fn raw(self, bytes: &str) -> Self {
        self.bytes(bytes.as_bytes())
    }

    /// Bytes that need not be text.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.steps.push(Step::Send(bytes.into()));
        self
    }

    /// The end of the answer, with its reason, the counts, and the mark of the end.
    #[must_use]
    pub fn end(self, reason: &str) -> Self {
        self.event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
            .event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))
            .raw("data: [DONE]\n\n")
    }

    /// A gate at this point of the answer: it goes on when the sender is used or dropped.
    #[must_use]
    pub fn gate(mut self) -> (Self, Sender<()>) {
        let (open, gate) = mpsc::channel();
        self.steps.push(Step::Wait(gate));
        (self, open)
    }

    /// Silence from here on.
    #[must_use]
    pub fn hang(mut self) -> Self {
        self.steps.push(Step::Hang);
        self
    }

    /// The connection is closed here, without an end.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.steps.push(Step::Cut);
        self
    }
}

/// What the server saw.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// A request, whole.
    Request {
        /// `POST /v1/chat/completions`
        line: String,
        /// Names in lower case.
        headers: Vec<(String, String)>,
        /// The body, `null` without one.
        body: Value,
    },
    /// The script was played to its end.
    Answered,
    /// The client closed the connection before that.
    ClientClosed,
}

impl Seen {
    /// The first line of the request; fails the test when it is none.
    #[track_caller]
    pub fn line(&self) -> &str {
        match self {
            Self::Request { line, .. } => line,
            other => panic!("{other:?} is no request"),
        }
    }
}

/// A running server. Dropping it lets its port go.
pub struct FakeModel {
    address: SocketAddr,
    queues: Arc<Queues>,
    seen: Mutex<Receiver<(Instant, Seen)>>,
    listening: Option<thread::JoinHandle<()>>,
}

/// What is still to be said.
#[derive(Default)]
struct Queues {
    answers: Mutex<VecDeque<Script>>,
    /// To requests for the list of models.
    lists: Mutex<VecDeque<Script>>,
    /// To requests for embeddings, before the embedder answers.
    embeddings: Mutex<VecDeque<Script>>,
    embedder: Mutex<Option<Embedder>>,
    is_over: AtomicBool,
}

impl FakeModel {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        Self::on(0)
    }

    /// Starts a server on `port`, 0 for a free one.
    pub fn on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the loopback is there");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let queues = Arc::new(Queues::default());
        let (tell, seen) = mpsc::channel();
        let theirs = Arc::clone(&queues);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (queues, tell) = (Arc::clone(&theirs), tell.clone());
                thread::spawn(move || serve(stream, &queues, &tell));
            }
        });
        Self {
            address,
            queues,
            seen: Mutex::new(seen),
            listening: Some(listening),
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A key for a provider that wants one. Whatever the server says, it must not be in it.
    pub const KEY: &'static str = "sk-secret-1234";

    /// Settings that make this server the engine, called `fake`, with its key in `FAKE_KEY`. Nothing is
    /// answered from the cache, so that each question is seen here.
    pub fn settings(&self) -> String {
        format!(
            "engine = \"fake\"\ncache.enabled = false\n[providers.fake]\nbase_url = \"{}\"\nmodel = \"fake-1\"\nkey_env = \"FAKE_KEY\"\n",
            self.base_url()
        )
    }

    /// What belongs into `base_url`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.root())
    }

    /// The address before what the formats add to it.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Queues the answer to the next request that has none yet.
    pub fn say(&self, script: Script) {
        push(&self.queues.answers, script);
    }

    /// Queues the answer to the next request for the list of models. Without one it is `fake` and
    /// `other`.
    pub fn list(&self, script: Script) {
        push(&self.queues.lists, script);
    }

    /// Answers requests for embeddings with what this makes of their texts.
    pub fn embeds(&self, embed: Embedder) {
        *self.queues.embedder.lock().expect("no holder panics") = Some(embed);
    }

    /// Queues the answer to the next request for embeddings.
    pub fn embedding(&self, script: Script) {
        push(&self.queues.embeddings, script);
    }

    /// The next thing the server sees.
    pub fn next(&self) -> Seen {
        self.next_at().1
    }

    /// The next thing the server sees, however long it takes. `None` when it has ended.
    pub fn wait(&self) -> Option<Seen> {
        let seen = self.seen.lock().expect("no holder panics");
        seen.recv().ok().map(|(_, seen)| seen)
    }

    /// The next thing the server sees, and when.
    pub fn next_at(&self) -> (Instant, Seen) {
        let seen = self.seen.lock().expect("no holder panics");
        let next = seen.recv_timeout(GUARD);
        next.expect("the fake model saw nothing more")
    }

    /// Whether everything that the server saw has been taken.
    pub fn saw_nothing_more(&self) -> bool {
        let seen = self.seen.lock().expect("no holder panics");
        seen.try_recv().is_err()
    }

    /// How many requests came since this was last asked. Takes everything that the server saw.
    pub fn requests_seen(&self) -> usize {
        let seen = self.seen.lock().expect("no holder panics");
        seen.try_iter()
            .filter(|(_, seen)| matches!(seen, Seen::Request { .. }))
            .count()
    }

    /// The bodies of the requests that came by now. Takes everything that the server saw.
    pub fn requests_by_now(&self) -> Vec<Value> {
        let seen = self.seen.lock().expect("no holder panics");
        let bodies = seen.try_iter().filter_map(|(_, seen)| match seen {
            Seen::Request { body, .. } => Some(body),
            Seen::Answered | Seen::ClientClosed => None,
        });
        bodies.collect()
    }

    /// Waits for the next request and returns its body.
    pub fn request(&self) -> Value {
        loop {
            if let Seen::Request { body, .. } = self.next() {
                return body;
            }
        }
    }

    /// Waits until the client closes a connection early, and says when that was.
    pub fn closed(&self) -> Instant {
        loop {
            let (when, seen) = self.next_at();
            assert_ne!(seen, Seen::Answered, "the answer went through to its end");
            if seen == Seen::ClientClosed {
                return when;
            }
        }
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.queues.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(self.address);
        // Only then is the port free.
        let _ended = self.listening.take().map(thread::JoinHandle::join);
    }
}

fn push(queue: &Mutex<VecDeque<Script>>, script: Script) {
    queue.lock().expect("no holder panics").push_back(script);
}

fn pop(queue: &Mutex<VecDeque<Script>>) -> Option<Script> {
    queue.lock().expect("no holder panics").pop_front()
}

/// Serves one request of one connection.
fn serve(stream: TcpStream, queues: &Queues, tell: &Sender<(Instant, Seen)>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let Some(request) = read_request(&mut reader) else {
        return;
    };
    let Seen::Request { line, body, .. } = &request else {
        return;
    };
    let wants_models = line.starts_with("GET");
    let embedded = embeddings::is_asked_by(line).then(|| {
        pop(&queues.embeddings).or_else(|| {
            let embedder = *queues.embedder.lock().expect("no holder panics");
            embedder.map(|embed| embeddings::answer(line, body, embed))
        })
    });
    let tell = |seen| tell.send((Instant::now(), seen)).is_ok();
    if !tell(request) {
        return;
    }
    let script = if wants_models {
        let two = json!({"data": [{"id": "fake"}, {"id": "other"}]});
        pop(&queues.lists).unwrap_or_else(|| Script::error(200, &two))
    } else if let Some(Some(embedded)) = embedded {
        embedded
    } else {
        pop(&queues.answers).unwrap_or_else(|| {
            let error = json!({"error": {"message": "the test has no more answers"}});
            Script::error(400, &error)
        })
    };

    // Whoever leaves is noticed by a read that ends, also while nothing is sent.
    let (wake, wakes) = mpsc::channel();
    let left = wake.clone();
    thread::spawn(move || {
        let mut rest = Vec::new();
        let _end = reader.read_to_end(&mut rest);
        let _nobody_waits = left.send(Wake::ClientLeft);
    });
    let watch = Watch {
        wakes,
        opened: BTreeSet::new(),
        has_left: false,
    };
    let answered = play(stream, script, &wake, watch).is_ok();
    tell(if answered {
        Seen::Answered
    } else {
        Seen::ClientClosed
    });
}

/// What a script that waits can be woken by.
enum Wake {
    ClientLeft,
    /// The gate at this step was opened.
    Opened(usize),
}

struct Watch {
    wakes: Receiver<Wake>,
    opened: BTreeSet<usize>,
    has_left: bool,
}

impl Watch {
    fn take(&mut self, wake: Wake) {
        match wake {
            Wake::ClientLeft => self.has_left = true,
            Wake::Opened(step) => {
                self.opened.insert(step);
            }
        }
    }

    /// Fails when the client has left by now.
    fn client_is_there(&mut self) -> Result<(), std::io::Error> {
        while let Ok(wake) = self.wakes.try_recv() {
            self.take(wake);
        }
        if self.has_left {
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Waits until the gate at `step` is open; forever for a step without one. Fails when the client
    /// leaves.
    fn open(&mut self, step: usize) -> Result<(), std::io::Error> {
        loop {
            self.client_is_there()?;
            if self.opened.contains(&step) {
                return Ok(());
            }
            let wake = self.wakes.recv();
            self.take(wake.map_err(|_| std::io::ErrorKind::ConnectionAborted)?);
        }
    }
}

/// Plays a script. Fails when the client leaves first.
fn play(
    mut stream: TcpStream,
    script: Script,
    wake: &Sender<Wake>,
    mut watch: Watch,
) -> Result<(), std::io::Error> {
    let status = script.status.unwrap_or(200);
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\n");
    if !script
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        head.push_str("content-type: text/event-stream\r\n");
    }
    for (name, value) in &script.headers {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    head.push_str("transfer-encoding: chunked\r\n\r\n");
    // A script that begins with silence has not even a head.
    if !matches!(script.steps.first(), Some(Step::Hang | Step::Cut)) {
        stream.write_all(head.as_bytes())?;
    }
    for (number, step) in script.steps.into_iter().enumerate() {
        match step {
            Step::Send(bytes) => {
                watch.client_is_there()?;
                // An empty chunk would be the end.
                if !bytes.is_empty() {
                    write!(stream, "{:x}\r\n", bytes.len())?;
                    stream.write_all(&bytes)?;
                    stream.write_all(b"\r\n")?;
                    stream.flush()?;
                }
            }
            Step::Pause(pause) => thread::sleep(pause),
            Step::Wait(gate) => {
                let wake = wake.clone();
                thread::spawn(move || {
                    // Opened or dropped, it is the same.
                    let _opened = gate.recv();
                    let _nobody_waits = wake.send(Wake::Opened(number));
                });
                watch.open(number)?;
            }
            Step::Hang => watch.open(number)?,
            Step::Cut => {
                stream.shutdown(std::net::Shutdown::Both)?;
                return Ok(());
            }
        }
    }
    stream.write_all(b"0\r\n\r\n")?;
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader
            .read_line(&mut header)
            .ok()
            .filter(|read| *read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Seen::Request {
        line,
        headers,
        body,
    })
}
