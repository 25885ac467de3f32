//! What a person does with documents, and what the server holds of them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Client;
use super::editor::{self, language_of};
use super::mirror::{Document, range};

/// Documents.
impl Client {
    /// The folder of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The user's `pleach.toml`.
    pub fn user_settings_path(&self) -> PathBuf {
        self.base.join("config/pleach/pleach.toml")
    }

    /// Where the server keeps what it wants to keep.
    pub fn state_folder(&self) -> PathBuf {
        self.base.join("state")
    }

    /// The URI of a path in the workspace. What is a URI already stays as it is.
    pub fn uri(&self, path: &str) -> String {
        if path.contains(':') {
            return path.to_owned();
        }
        format!("file://{}", self.root.join(path).display())
    }

    /// Opens a file of the workspace.
    pub fn open(&mut self, path: &str) {
        let text = self.on_disk(path);
        self.open_as(&self.uri(path), language_of(path), &text);
    }

    /// Opens a document with this text.
    pub fn open_as(&mut self, uri: &str, language: &str, text: &str) {
        let document = Document {
            uri: uri.to_owned(),
            language: language.to_owned(),
            version: self.personality.first_version(),
            text: text.to_owned(),
        };
        self.notify("textDocument/didOpen", editor::did_open(&document));
        self.documents.insert(uri.to_owned(), document);
    }

    /// Closes a document.
    pub fn close(&mut self, path: &str) {
        let uri = self.uri(path);
        self.documents.remove(&uri).expect("the document is open");
        self.notify(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        );
    }

    /// Writes an open document to disk.
    pub fn save(&mut self, path: &str) {
        let uri = self.uri(path);
        let text = self.text(path);
        std::fs::write(self.root.join(path), &text).expect("the file is written");
        let mut params = json!({"textDocument": {"uri": uri}});
        let synchronized = &self.server["capabilities"]["textDocumentSync"];
        if synchronized["save"]["includeText"] == true {
            params["text"] = json!(text);
        }
        self.notify("textDocument/didSave", params);
    }

    /// Whether a document is open.
    pub fn is_open(&self, path: &str) -> bool {
        self.documents.contains_key(&self.uri(path))
    }

    /// An open document.
    pub fn document(&self, path: &str) -> &Document {
        let uri = self.uri(path);
        self.documents
            .get(&uri)
            .unwrap_or_else(|| panic!("{uri} is not open"))
    }

    /// The text that the person sees.
    pub fn text(&self, path: &str) -> String {
        self.document(path).text.clone()
    }

    /// The text on disk.
    pub fn on_disk(&self, path: &str) -> String {
        let path = self.root.join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The text that the server has: `{text, version, suspect}`.
    pub fn server_document(&mut self, path: &str) -> Value {
        let uri = self.uri(path);
        self.request("pleach/documentText", json!({"uri": uri}))
            .expect("the server has it")
    }

    /// The text that the server has.
    pub fn server_text(&mut self, path: &str) -> String {
        self.server_document(path)["text"]
            .as_str()
            .expect("text")
            .to_owned()
    }

    /// Fails unless both sides have the same text, and the server knows it.
    pub fn assert_in_step(&mut self, path: &str) {
        let held = self.server_document(path);
        assert_eq!(held["text"], self.text(path));
        assert_eq!(held["suspect"], Value::Null);
    }

    /// Replaces the only occurrence of `old` as one keystroke.
    pub fn replace(&mut self, path: &str, old: &str, new: &str) {
        let (from, to) = self.find(path, old);
        self.edit(path, from, to, new);
    }

    /// Replaces a range of bytes as one keystroke.
    pub fn edit(&mut self, path: &str, from: usize, to: usize, new: &str) {
        let (uri, unit, step) = (self.uri(path), self.unit, self.personality.version_step());
        let document = self.documents.get_mut(&uri).expect("the document is open");
        let change = json!({"range": range(&document.text, from, to, unit), "text": new});
        document.text.replace_range(from..to, new);
        document.version += step;
        let params = editor::did_change(document, vec![change]);
        self.notify("textDocument/didChange", params);
    }

    /// Replaces the whole text as one keystroke.
    pub fn set_text(&mut self, path: &str, text: &str) {
        let (uri, step) = (self.uri(path), self.personality.version_step());
        let document = self.documents.get_mut(&uri).expect("the document is open");
        text.clone_into(&mut document.text);
        document.version += step;
        let params = editor::did_change(document, vec![json!({ "text": text })]);
        self.notify("textDocument/didChange", params);
    }

    fn find(&self, path: &str, needle: &str) -> (usize, usize) {
        let text = &self.document(path).text;
        let mut found = text.match_indices(needle);
        let (from, _) = found
            .next()
            .unwrap_or_else(|| panic!("no {needle:?} in {text:?}"));
        assert!(
            found.next().is_none(),
            "more than one {needle:?} in {text:?}"
        );
        (from, from + needle.len())
    }

    /// The diagnostics of a document as they were published last.
    pub fn published(&self, uri: &str) -> Vec<Value> {
        let all = self.said("textDocument/publishDiagnostics");
        let last = all.into_iter().rev().find(|it| it["uri"] == uri);
        last.map_or_else(Vec::new, |it| it["diagnostics"].as_array().unwrap().clone())
    }

    /// The range of the only occurrence of `needle`, as the protocol says it.
    pub fn range_of(&self, path: &str, needle: &str) -> Value {
        let (from, to) = self.find(path, needle);
        range(&self.document(path).text, from, to, self.unit)
    }

    /// The empty range just before the only occurrence of `needle`: a cursor.
    pub fn cursor_at(&self, path: &str, needle: &str) -> Value {
        let (from, _) = self.find(path, needle);
        range(&self.document(path).text, from, from, self.unit)
    }
}
