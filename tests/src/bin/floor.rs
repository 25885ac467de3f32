//! The floor that Pleach's speed is measured against: a language server that does JSON-RPC, ropes and syntax
//! trees of the same grammars, and nothing else.
//!
//! `floor` keeps a tree of each document that was asked about, parsed when it is asked; `floor text` keeps the
//! text alone. `--provider ADDRESS` names a server of chat completions, whose stream each
//! `workspace/executeCommand` passes on, a notification for each piece. It counts columns in bytes, trusts its
//! client, and ends with it: it is no server for anybody.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::net::TcpStream;

use pleach_grammars::Language;
use ropey::Rope;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tree_sitter::{InputEdit, Parser, Point, Tree};

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    #[serde(default)]
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opening {
    text_document: Opened,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    uri: String,
    language_id: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changing<'a> {
    #[serde(borrow)]
    text_document: Named<'a>,
    content_changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Named<'a> {
    uri: &'a str,
}

#[derive(Deserialize)]
struct Change {
    range: Option<Range>,
    text: String,
}

#[derive(Deserialize, Clone, Copy)]
struct Range {
    start: Place,
    end: Place,
}

#[derive(Deserialize, Clone, Copy)]
struct Place {
    line: usize,
    character: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking<'a> {
    #[serde(borrow)]
    text_document: Named<'a>,
    range: Range,
}

struct Document {
    text: Rope,
    language: Option<Language>,
    tree: Option<Tree>,
}

impl Document {
    fn change(&mut self, change: &Change) {
        let Some(range) = change.range else {
            self.text = Rope::from_str(&change.text);
            self.tree = None;
            return;
        };
        let byte = |at: Place| self.text.line_to_byte(at.line) + at.character;
        let (start, end) = (byte(range.start), byte(range.end));
        let chars = self.text.byte_to_char(start)..self.text.byte_to_char(end);
        self.text.remove(chars.clone());
        self.text.insert(chars.start, &change.text);
        if let Some(tree) = &mut self.tree {
            let point = |at: Place| Point::new(at.line, at.character);
            let after = start + change.text.len();
            let line = self.text.byte_to_line(after);
            tree.edit(&InputEdit {
                start_byte: start,
                old_end_byte: end,
                new_end_byte: after,
                start_position: point(range.start),
                old_end_position: point(range.end),
                new_end_position: Point::new(line, after - self.text.line_to_byte(line)),
            });
        }
    }

    /// One entry, about the line or the node at the place.
    fn actions(&mut self, at: Place, with_tree: bool) -> Value {
        let line = at.line.min(self.text.len_lines().saturating_sub(1));
        let mut about = self.text.line(line).to_string();
        if with_tree && let Some(language) = self.language {
            let mut parser = Parser::new();
            parser
                .set_language(language.grammar())
                .expect("the grammar is linked");
            let text = &self.text;
            let mut read = |byte: usize, _| {
                let (chunk, start, ..) = text.chunk_at_byte(byte.min(text.len_bytes()));
                chunk.as_bytes().get(byte - start..).unwrap_or_default()
            };
            let tree = parser
                .parse_with_options(&mut read, self.tree.as_ref(), None)
                .expect("nothing stops it");
            let point = Point::new(at.line, at.character);
            let node = tree.root_node().descendant_for_point_range(point, point);
            about = node.map_or(about, |node| node.kind().to_owned());
            self.tree = Some(tree);
        }
        json!([{"title": format!("Do something about {}", about.trim()), "kind": "quickfix"}])
    }
}

fn send(message: &Value) {
    let body = message.to_string();
    let mut output = stdout().lock();
    let whole = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let _gone = output
        .write_all(whole.as_bytes())
        .and_then(|()| output.flush());
}

/// Asks the provider and passes on what it streams.
fn pass_on(provider: &str, job: u64) {
    let mut connection = TcpStream::connect(provider).expect("the provider listens");
    let body = json!({"model": "m", "stream": true, "messages": []}).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {provider}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection
        .write_all(format!("{head}{body}").as_bytes())
        .expect("the provider reads");
    for line in BufReader::new(connection).lines() {
        let line = line.unwrap_or_default();
        let Some(event) = line.strip_prefix("data: ").filter(|it| *it != "[DONE]") else {
            continue;
        };
        let event: Value = serde_json::from_str(event).expect("events are JSON");
        if let Some(text) = event["choices"][0]["delta"]["content"].as_str() {
            tell(job, "text", text);
        }
    }
    tell(job, "finished", "");
    // What a thread has cost can be read as long as it is there.
    loop {
        std::thread::park();
    }
}

fn tell(job: u64, kind: &str, text: &str) {
    send(&json!({
        "jsonrpc": "2.0", "method": "pleach/job", "params": {"job": job, "kind": kind, "text": text},
    }));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let with_trees = !arguments.iter().any(|it| it == "text");
    let provider = arguments.iter().skip_while(|it| *it != "--provider").nth(1);
    let mut documents: HashMap<String, Document> = HashMap::new();
    let mut input = BufReader::with_capacity(64 << 10, stdin().lock());
    let mut body = Vec::new();
    while read_body(&mut input, &mut body) {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(&body) else {
            continue;
        };
        let params = message.params.map_or("null", RawValue::get);
        let result = match message.method {
            "exit" => return,
            "textDocument/didOpen" => {
                let Opening { text_document: new } = serde_json::from_str(params).expect("typed");
                let document = Document {
                    text: Rope::from_str(&new.text),
                    language: Language::from_lsp_id(&new.language_id),
                    tree: None,
                };
                documents.insert(new.uri, document);
                continue;
            }
            "textDocument/didChange" => {
                let changing: Changing<'_> = serde_json::from_str(params).expect("typed");
                if let Some(document) = documents.get_mut(changing.text_document.uri) {
                    for change in &changing.content_changes {
                        document.change(change);
                    }
                }
                continue;
            }
            "textDocument/codeAction" => {
                let asking: Asking<'_> = serde_json::from_str(params).expect("typed");
                let document = documents.get_mut(asking.text_document.uri);
                document.map(|it| it.actions(asking.range.start, with_trees))
            }
            "pleach/documentText" => {
                let asking: Named<'_> = serde_json::from_str(params).expect("typed");
                let document = documents.get(asking.uri);
                document.map(|it| json!({"text": it.text.to_string()}))
            }
            "workspace/executeCommand" => {
                let (provider, job) = (provider.cloned().unwrap_or_default(), message.id);
                std::thread::spawn(move || pass_on(&provider, job.unwrap_or_default()));
                Some(json!({"job": message.id}))
            }
            "initialize" => Some(json!({"capabilities": {"positionEncoding": "utf-8"}})),
            _ => None,
        };
        if let Some(id) = message.id {
            send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
        }
    }
}

fn read_body(input: &mut impl BufRead, body: &mut Vec<u8>) -> bool {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.trim().parse().expect("a length");
        }
    }
    body.resize(length, 0);
    input.read_exact(body).is_ok()
}
