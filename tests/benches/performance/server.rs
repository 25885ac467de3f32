//! A load generator for any server that speaks over its standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A program to be measured.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// A running one, with an empty home of its own.
pub(crate) struct Server {
    pub(crate) home: TempDir,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Subject {
    pub(crate) fn with(&self, arguments: &[&str]) -> Self {
        let mut subject = self.clone();
        let more = arguments.iter().copied().map(str::to_owned);
        subject.arguments.extend(more);
        subject
    }

    /// The floor is told of a provider by its arguments; Pleach reads its settings.
    pub(crate) fn with_provider(&self, address: &str) -> Self {
        if self.program.ends_with("floor") {
            self.with(&["--provider", address])
        } else {
            self.clone()
        }
    }

    pub(crate) fn start(&self) -> Server {
        self.start_in(tempfile::tempdir().unwrap())
    }

    pub(crate) fn start_in(&self, home: TempDir) -> Server {
        let mut process = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path())
            .env("XDG_STATE_HOME", home.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; see the head of main.rs",
                    self.program.display()
                )
            });
        let input = process.stdin.take().unwrap();
        let output = BufReader::with_capacity(64 << 10, process.stdout.take().unwrap());
        Server {
            home,
            process,
            input,
            output,
            last: 0,
        }
    }

    /// One that has been initialized, with columns counted in bytes.
    pub(crate) fn begin(&self) -> Server {
        let mut server = self.start();
        server.initialize();
        server.notify("initialized", &json!({}));
        server
    }
}

pub(crate) fn framed(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Server {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
    }

    /// Writes all of `bytes` while what comes back is taken by `hear`, until that is content.
    pub(crate) fn blast(&mut self, bytes: &[u8], mut hear: impl FnMut(&Value) -> bool) {
        let Self { input, output, .. } = self;
        std::thread::scope(|scope| {
            scope.spawn(|| input.write_all(bytes).unwrap());
            while !hear(&receive(output)) {}
        });
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.write(&framed(
            &json!({"jsonrpc": "2.0", "method": method, "params": params}),
        ));
    }

    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> u64 {
        self.last += 1;
        let id = self.last;
        self.write(&framed(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
        ));
        id
    }

    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        loop {
            let message = self.hear();
            if message.get("method").is_none() && message["id"] == id {
                return message["result"].clone();
            }
        }
    }

    /// The next message. The server's own requests are answered.
    pub(crate) fn hear(&mut self) -> Value {
        let message = receive(&mut self.output);
        if message.get("method").is_some() && message.get("id").is_some() {
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": null});
            self.write(&framed(&answer));
        }
        message
    }

    pub(crate) fn initialize(&mut self) {
        let answer = self.request(
            "initialize",
            &json!({
                "processId": std::process::id(),
                "rootUri": format!("file://{}", self.home.path().display()),
                "initializationOptions": {"pleach": {"jobEvents": true}},
                "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
            }),
        );
        assert!(answer["capabilities"].is_object());
    }

    pub(crate) fn open(&mut self, uri: &str, language: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            &json!({"textDocument": {
                "uri": uri, "languageId": language, "version": 1, "text": text,
            }}),
        );
    }

    /// A document in its folder: what lies outside has no actions.
    pub(crate) fn uri(&self, name: &str) -> String {
        format!("file://{}/{name}", self.home.path().display())
    }

    /// The list of actions at a place.
    pub(crate) fn actions(&mut self, uri: &str, line: usize, column: usize) -> Value {
        let place = json!({"line": line, "character": column});
        self.request(
            "textDocument/codeAction",
            &json!({
                "textDocument": {"uri": uri},
                "range": {"start": place, "end": place},
                "context": {"diagnostics": [], "triggerKind": 1},
            }),
        )
    }

    /// The server's text of a document: the proof that nothing was lost on the way.
    pub(crate) fn text(&mut self, uri: &str) -> String {
        let answer = self.request("pleach/documentText", &json!({"uri": uri}));
        answer["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) {
        self.process.wait().unwrap();
    }

    /// A line of `/proc/ID/status` as a number.
    fn status(&self, task: &str, name: &str) -> u64 {
        let path = format!("/proc/{}/{task}status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.map_or(0, |number| number.parse().unwrap())
    }

    fn tasks(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let names = tasks.map(|task| task.unwrap().file_name().into_string().unwrap());
        names.map(|name| format!("task/{name}/")).collect()
    }

    /// How often its threads have gone to sleep by themselves until now.
    pub(crate) fn wake_ups(&self) -> u64 {
        let count = |task: &String| self.status(task, "voluntary_ctxt_switches:");
        self.tasks().iter().map(count).sum()
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status("", "VmRSS:") << 10
    }

    /// What the processor has spent on its threads until now.
    pub(crate) fn processor(&self) -> Duration {
        let spent = |task: &String| {
            let path = format!("/proc/{}/{task}schedstat", self.process.id());
            let told = std::fs::read_to_string(path).unwrap_or_default();
            let first = told.split_whitespace().next().map(str::parse::<u64>);
            first.map_or(0, Result::unwrap)
        };
        Duration::from_nanos(self.tasks().iter().map(spent).sum())
    }
}

fn receive(output: &mut impl BufRead) -> Value {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the server ended");
        if let Some((_, value)) = line.split_once(':') {
            length = value.trim().parse().unwrap_or(length);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}
