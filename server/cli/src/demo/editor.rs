//! A small editor: enough of one to be served by `pleach lsp`.
//!
//! It starts the server as any editor does, keeps the text of what it has opened, and applies the
//! server's edits the way a careful editor would: only to the version that they were made for.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use camino::Utf8Path;
use pleach_text::{EncodedPosition, Line, PositionEncoding, byte_of};
use pleach_workspace::uri_from_path;
use ropey::Rope;
use serde_json::{Value, json};

use super::project::Project;
use super::wire;

/// How long the server may take for any one thing. Far more than it needs on a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Editor {
    server: Child,
    to_server: Option<ChildStdin>,
    from_server: Receiver<Value>,
    log: Option<JoinHandle<String>>,
    last_id: i64,
    documents: BTreeMap<String, Document>,
    /// How many edits of the server were applied.
    pub(super) applied: usize,
}

/// An open buffer.
struct Document {
    version: i32,
    text: Rope,
    /// Changes that the server has not been told of yet.
    untold: Vec<Value>,
}

/// Something that the server said.
pub(super) enum Happening {
    /// The answer to a request of ours.
    Answer {
        id: i64,
        answer: Result<Value, String>,
    },
    /// `pleach/job`: what a job does.
    Job(Value),
    /// `$/progress`: what any editor shows.
    Progress(Value),
    /// `workspace/applyEdit` came and was carried out.
    Edited,
    /// Anything else; it is of no matter here.
    Other,
}

impl Editor {
    /// Starts `program lsp` in the project, with the project's own settings and state.
    pub(super) fn start(program: &Utf8Path, project: &Project) -> anyhow::Result<Self> {
        let mut server = Command::new(program)
            .arg("lsp")
            .env(crate::environment::CONFIG_DIR, &project.config_dir)
            .env(crate::environment::STATE_DIR, &project.state_dir)
            .env(crate::environment::LOG, "warn")
            .current_dir(&project.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let to_server = server.stdin.take();
        let (send, from_server) = channel();
        let output = server.stdout.take().context("the server has no output")?;
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(Some(message)) = wire::read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let log = server.stderr.take().map(|mut log| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                // What has come until it broke off is shown.
                let _ = log.read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        let documents = BTreeMap::new();
        Ok(Self {
            server,
            to_server,
            from_server,
            log,
            last_id: 0,
            documents,
            applied: 0,
        })
    }

    /// Sends a request, and gives its number.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<i64> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn request(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let id = self.ask(method, params)?;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Happening::Answer {
                id: answered,
                answer,
            } = self.next(until, method)?
                && answered == id
            {
                return answer
                    .map_err(anyhow::Error::msg)
                    .with_context(|| method.to_owned());
            }
        }
    }

    pub(super) fn notify(&mut self, method: &str, params: &Value) -> anyhow::Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// Waits for what the server says next. Its requests are answered here.
    pub(super) fn next(&mut self, until: Instant, doing: &str) -> anyhow::Result<Happening> {
        let left = until.saturating_duration_since(Instant::now());
        let mut message = match self.from_server.recv_timeout(left) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the server said nothing for {} s ({doing})",
                    PATIENCE.as_secs()
                )
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the server ended ({doing})"),
        };
        let method = message
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let id = message.get("id").cloned();
        let mut take = |field: &str| message.get_mut(field).map(Value::take).unwrap_or_default();
        match (method.as_deref(), id) {
            (None, Some(id)) => {
                let id = id.as_i64().context("an answer to no request of ours")?;
                let answer = match take("error") {
                    Value::Null => Ok(take("result")),
                    error => Err(text(&error, "message").to_owned()),
                };
                Ok(Happening::Answer { id, answer })
            }
            (Some(method), Some(id)) => {
                let (result, happening) = match method {
                    "workspace/applyEdit" => (self.apply(&take("params"))?, Happening::Edited),
                    _ => (Value::Null, Happening::Other),
                };
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))?;
                if matches!(happening, Happening::Edited) {
                    self.tell_changes()?;
                }
                Ok(happening)
            }
            (Some("pleach/job"), None) => Ok(Happening::Job(take("params"))),
            (Some("$/progress"), None) => Ok(Happening::Progress(take("params"))),
            _ => Ok(Happening::Other),
        }
    }

    /// A moment from now by which the server must have done what is asked next.
    pub(super) fn deadline() -> Instant {
        Instant::now() + PATIENCE
    }

    pub(super) fn open(
        &mut self,
        path: &Utf8Path,
        language: &str,
        text: &str,
    ) -> anyhow::Result<String> {
        let uri = uri_from_path(path);
        self.documents.insert(
            uri.clone(),
            Document {
                version: 1,
                text: text.into(),
                untold: Vec::new(),
            },
        );
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", &json!({"textDocument": document}))?;
        Ok(uri)
    }

    /// Types: replaces the first `old` in a buffer by `new`, and tells the server. Gives the line and
    /// the column where it stands, both from 0, the column in bytes.
    pub(super) fn replace(
        &mut self,
        uri: &str,
        old: &str,
        new: &str,
    ) -> anyhow::Result<(usize, usize)> {
        let document = self
            .documents
            .get_mut(uri)
            .context("the document is not open")?;
        let text = document.text.to_string();
        let start = text
            .find(old)
            .context("the text is not the one that was expected")?;
        let line = document.text.byte_to_line(start);
        let column = start - document.text.line_to_byte(line);
        let place = |column: usize| json!({"line": line, "character": column});
        let range = json!({"start": place(column), "end": place(column + old.len())});
        document.edit(&[json!({"range": range, "newText": new})])?;
        self.tell_changes()?;
        Ok((line, column))
    }

    /// The text of a buffer.
    pub(super) fn text(&self, uri: &str) -> anyhow::Result<String> {
        let document = self
            .documents
            .get(uri)
            .context("the document is not open")?;
        Ok(document.text.to_string())
    }

    pub(super) fn version(&self, uri: &str) -> i32 {
        self.documents
            .get(uri)
            .map_or(0, |document| document.version)
    }

    /// Writes a buffer to its file, as an editor does on save.
    pub(super) fn save(&mut self, uri: &str, path: &Utf8Path) -> anyhow::Result<()> {
        std::fs::write(path, self.text(uri)?)?;
        self.notify(
            "textDocument/didSave",
            &json!({"textDocument": {"uri": uri}}),
        )
    }

    /// Carries out `workspace/applyEdit`.
    fn apply(&mut self, params: &Value) -> anyhow::Result<Value> {
        let changes = params
            .pointer("/edit/documentChanges")
            .and_then(Value::as_array);
        let changes = changes.context("an edit without documentChanges")?;
        for change in changes {
            let uri = change.pointer("/textDocument/uri").and_then(Value::as_str);
            let uri = uri.context("an edit without a document")?;
            let document = self
                .documents
                .get_mut(uri)
                .context("an edit of a closed document")?;
            let made_for = change
                .pointer("/textDocument/version")
                .and_then(Value::as_i64);
            if made_for != Some(i64::from(document.version)) {
                return Ok(json!({"applied": false, "failureReason": "the text has moved on"}));
            }
            let edits = change.get("edits").and_then(Value::as_array);
            document.edit(edits.context("an edit without edits")?)?;
        }
        self.applied += 1;
        Ok(json!({"applied": true}))
    }

    /// Tells the server the texts that its edit has made, as every editor does.
    fn tell_changes(&mut self) -> anyhow::Result<()> {
        let changed: Vec<Value> = self
            .documents
            .iter_mut()
            .filter_map(|(uri, document)| {
                let changes = std::mem::take(&mut document.untold);
                let id = json!({"uri": uri, "version": document.version});
                (!changes.is_empty())
                    .then(|| json!({"textDocument": id, "contentChanges": changes}))
            })
            .collect();
        for params in changed {
            self.notify("textDocument/didChange", &params)?;
        }
        Ok(())
    }

    /// Says goodbye and waits for the server to end.
    pub(super) fn leave(mut self) -> anyhow::Result<ExitStatus> {
        self.request("shutdown", &Value::Null)?;
        self.notify("exit", &Value::Null)?;
        self.to_server = None;
        let until = Self::deadline();
        loop {
            if let Some(status) = self.server.try_wait()? {
                return Ok(status);
            }
            ensure!(
                Instant::now() < until,
                "the server does not end after `exit`"
            );
            // There is no wait with a limit in the standard library.
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the server, whatever it does, and gives what it wrote to its log.
    pub(super) fn give_up(mut self) -> String {
        self.to_server = None;
        // It may have ended already.
        let _ = self.server.kill();
        self.log
            .take()
            .and_then(|log| log.join().ok())
            .unwrap_or_default()
    }

    fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let pipe = self.to_server.as_mut().context("the server was left")?;
        // As text, so that it is not taken for the end of our own reader.
        wire::write(pipe, message)
            .map_err(|error| anyhow!("the server does not listen any more: {error}"))
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // Reaped, so that no process stays behind when a step has failed.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Document {
    /// Applies edits that all speak of the present text, from the last to the first.
    fn edit(&mut self, edits: &[Value]) -> anyhow::Result<()> {
        let mut placed = Vec::with_capacity(edits.len());
        for edit in edits {
            let (start, end) = (
                self.byte(edit, "/range/start")?,
                self.byte(edit, "/range/end")?,
            );
            ensure!(start <= end, "an edit that ends before it begins");
            placed.push((start, end, edit));
        }
        placed.sort_by_key(|(start, end, _)| (*start, *end));
        for (start, end, edit) in placed.into_iter().rev() {
            let chars = self.text.byte_to_char(start)..self.text.byte_to_char(end);
            let new = text(edit, "newText");
            self.text.remove(chars.clone());
            self.text.insert(chars.start, new);
            let range = edit.get("range").cloned().unwrap_or_default();
            self.untold.push(json!({"range": range, "text": new}));
        }
        self.version += 1;
        Ok(())
    }

    fn byte(&self, edit: &Value, pointer: &str) -> anyhow::Result<usize> {
        let place = edit.pointer(pointer).context("an edit without a range")?;
        let number = |field: &str| place.get(field).and_then(Value::as_u64);
        let number = |field: &str| number(field).and_then(|number| u32::try_from(number).ok());
        let line = number("line").context("a place without a line")?;
        let column = number("character").context("a place without a column")?;
        let place = EncodedPosition {
            line: Line(line),
            column,
        };
        Ok(byte_of(&self.text, place, PositionEncoding::Utf8).0)
    }
}

/// A field that is text, or nothing.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
