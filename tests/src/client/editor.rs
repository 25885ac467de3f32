//! How the editors behave, as measured: what they do with an edit, and what they answer.
//!
//! None of this is what the protocol asks for. It is what VS Code, Neovim and Helix were seen to do,
//! and what the server has to live with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::mirror::{Document, Unit, range, resolve};

/// Which editor the client plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// VS Code with the language client 11.
    Vscode,
    /// VS Code with the language client 9.
    VscodeOld,
    /// Neovim 0.11.
    Neovim,
    /// Helix as it is developed.
    Helix,
    /// The released Helix 25.07.
    HelixRelease,
}

impl Personality {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Vscode,
        Self::VscodeOld,
        Self::Neovim,
        Self::Helix,
        Self::HelixRelease,
    ];

    /// The recorded `initialize` parameters.
    pub fn handshake(self) -> Value {
        let file = match self {
            Self::Vscode => "initialize-vscode.json",
            Self::VscodeOld => "initialize-vscode-languageclient-9.0.1.json",
            Self::Neovim => "initialize-neovim.json",
            Self::Helix => "initialize-helix.json",
            Self::HelixRelease => "initialize-helix-25.07.1.json",
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../fixtures/handshakes")
            .join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).expect("a recorded handshake")
    }

    /// The encoding of positions that the server is to choose: UTF-8 where it is offered.
    pub fn expected_encoding(self) -> &'static str {
        match self {
            Self::Vscode | Self::VscodeOld => "utf-16",
            Self::Neovim | Self::Helix | Self::HelixRelease => "utf-8",
        }
    }

    fn is_vscode(self) -> bool {
        matches!(self, Self::Vscode | Self::VscodeOld)
    }

    fn is_helix(self) -> bool {
        matches!(self, Self::Helix | Self::HelixRelease)
    }

    /// Whether `workspace/applyEdit` is answered before the change is reported.
    pub(super) fn answers_before_it_reports(self) -> bool {
        !self.is_helix()
    }

    /// The version of a document that has just been opened.
    pub(super) fn first_version(self) -> i32 {
        i32::from(self.is_vscode())
    }

    /// By how much a version grows. Neovim counts other things too, so its versions have gaps.
    pub(super) fn version_step(self) -> i32 {
        if self == Self::Neovim { 3 } else { 1 }
    }

    /// Whether a person can cancel from the progress display.
    pub fn cancels_progress(self) -> bool {
        !self.is_helix()
    }

    /// The answer to a request that asks for nothing but obedience. `None` if the editor does not
    /// know the method.
    pub(super) fn plain_answer(self, method: &str) -> Option<Value> {
        let known = match method {
            "client/registerCapability"
            | "client/unregisterCapability"
            | "window/workDoneProgress/create" => true,
            "workspace/inlayHint/refresh" | "workspace/semanticTokens/refresh" => !self.is_helix(),
            "workspace/diagnostic/refresh" => self != Self::Neovim && self != Self::HelixRelease,
            "workspace/codeLens/refresh" | "workspace/inlineValue/refresh" => self.is_vscode(),
            _ => false,
        };
        known.then_some(Value::Null)
    }

    /// Whether the editor shows a message with buttons.
    pub(super) fn asks_questions(self) -> bool {
        self != Self::HelixRelease
    }
}

/// What an edit led to.
pub(super) struct Applied {
    /// The answer to `workspace/applyEdit`.
    pub(super) answer: Value,
    /// What is to be sent.
    pub(super) reports: Vec<Report>,
}

/// `textDocument/didOpen`, `didChange` or `didClose`, and its parameters.
type Report = (&'static str, Value);

/// Applies an edit as the editor does.
pub(super) struct Application<'a> {
    pub(super) personality: Personality,
    pub(super) documents: &'a mut BTreeMap<String, Document>,
    pub(super) unit: Unit,
}

enum Stop {
    /// The rest is not applied; why, if the editor says so.
    Refused(Option<&'static str>),
    /// This entry is left out and nobody is told.
    Skipped,
}

impl Application<'_> {
    pub(super) fn apply(mut self, params: &Value) -> Applied {
        let mut reports = Vec::new();
        let changes = params["edit"]["documentChanges"]
            .as_array()
            .expect("documentChanges");
        if self.personality.is_vscode()
            && changes
                .iter()
                .any(|change| self.is_stale_or_overlapping(change))
        {
            return Applied {
                answer: json!({"applied": false}),
                reports,
            };
        }
        for (index, change) in changes.iter().enumerate() {
            let done = match change["kind"].as_str() {
                None => self.edit_document(change, index, &mut reports),
                Some("create") => self.create(change),
                Some("rename") => self.rename(change),
                Some("delete") => self.delete(change, &mut reports),
                Some(other) => panic!("an operation that no editor knows: {other}"),
            };
            if let Err(Stop::Refused(reason)) = done {
                let mut answer = json!({"applied": false});
                if self.personality.is_helix() {
                    answer["failedChange"] = json!(index);
                    answer["failureReason"] = json!(reason);
                }
                return Applied { answer, reports };
            }
        }
        Applied {
            answer: json!({"applied": true}),
            reports,
        }
    }

    fn is_stale_or_overlapping(&self, change: &Value) -> bool {
        let Some(document) = self
            .documents
            .get(change["textDocument"]["uri"].as_str().unwrap_or(""))
        else {
            return false;
        };
        let version = change["textDocument"]["version"].as_i64();
        let edits = change["edits"].as_array().expect("edits");
        version.is_some_and(|version| version != i64::from(document.version))
            || resolve(&document.text, edits, self.unit).is_err()
    }

    fn edit_document(
        &mut self,
        change: &Value,
        index: usize,
        reports: &mut Vec<Report>,
    ) -> Result<(), Stop> {
        let uri = change["textDocument"]["uri"]
            .as_str()
            .expect("uri")
            .to_owned();
        let (personality, unit) = (self.personality, self.unit);
        if !self.documents.contains_key(&uri) {
            let document = self.open_from_disk(&uri);
            reports.push(("textDocument/didOpen", did_open(&document)));
            self.documents.insert(uri.clone(), document);
        }
        let document = self.documents.get_mut(&uri).expect("it was opened");
        if let Some(version) = change["textDocument"]["version"].as_i64() {
            let present = i64::from(document.version);
            if personality.is_helix() && version != present {
                return Err(Stop::Refused(Some("document has changed")));
            }
            // Only the first entry is looked at, and only for an edit that is too old.
            if personality == Personality::Neovim && index == 0 && version < present {
                return Err(Stop::Skipped);
            }
        }
        let edits = change["edits"].as_array().expect("edits");
        let resolved = resolve(&document.text, edits, unit);
        let resolved =
            resolved.unwrap_or_else(|why| panic!("a careless editor would write garbage: {why}"));
        if resolved.is_empty() {
            return Ok(());
        }
        let before = document.text.clone();
        let changes = report(personality, &before, &resolved, unit);
        for (from, to, text) in resolved.iter().rev() {
            document.text.replace_range(*from..*to, text);
        }
        document.version += personality.version_step();
        reports.push(("textDocument/didChange", did_change(document, changes)));
        Ok(())
    }

    /// Editors open a closed file to edit it, and do not save it.
    fn open_from_disk(&self, uri: &str) -> Document {
        let path = path_of(uri);
        let mut text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if text.is_empty() && self.personality == Personality::Neovim {
            // Its buffers have a line, which ends.
            text.push('\n');
        }
        let version = self.personality.first_version();
        Document {
            uri: uri.to_owned(),
            language: language_of(uri).to_owned(),
            version,
            text,
        }
    }

    fn create(&mut self, change: &Value) -> Result<(), Stop> {
        let path = path_of(change["uri"].as_str().expect("uri"));
        let option = |name: &str| change["options"][name] == true;
        if path.exists() {
            if option("ignoreIfExists") {
                return Ok(());
            }
            if self.personality.is_vscode() && !option("overwrite") {
                return Err(Stop::Refused(None));
            }
        }
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, "").expect("the file is made");
        Ok(())
    }

    fn rename(&mut self, change: &Value) -> Result<(), Stop> {
        let [old, new] = ["oldUri", "newUri"].map(|name| change[name].as_str().expect(name));
        if path_of(new).exists() && !self.personality.is_helix() {
            let refused = Err(Stop::Refused(None));
            return if self.personality.is_vscode() {
                refused
            } else {
                Err(Stop::Skipped)
            };
        }
        std::fs::rename(path_of(old), path_of(new)).expect("the file is renamed");
        if let Some(mut document) = self.documents.remove(old) {
            new.clone_into(&mut document.uri);
            self.documents.insert(new.to_owned(), document);
        }
        Ok(())
    }

    /// Helix removes the file and leaves its document open.
    fn delete(&mut self, change: &Value, reports: &mut Vec<Report>) -> Result<(), Stop> {
        let uri = change["uri"].as_str().expect("uri");
        if std::fs::remove_file(path_of(uri)).is_err() {
            let ignored = change["options"]["ignoreIfNotExists"] == true;
            return if ignored {
                Ok(())
            } else {
                Err(Stop::Refused(None))
            };
        }
        if !self.personality.is_helix() && self.documents.remove(uri).is_some() {
            let closed = json!({"textDocument": {"uri": uri}});
            reports.push(("textDocument/didClose", closed));
        }
        Ok(())
    }
}

/// The content changes by which an editor reports what it has done to `before`.
fn report(
    personality: Personality,
    before: &str,
    edits: &[(usize, usize, String)],
    unit: Unit,
) -> Vec<Value> {
    if personality.is_vscode() {
        // From the end to the beginning, so that no change moves another.
        let change = |(from, to, text): &(usize, usize, String)| json!({"range": range(before, *from, *to, unit), "rangeLength": 0, "text": text});
        return edits.iter().rev().map(change).collect();
    }
    let mut text = before.to_owned();
    if personality.is_helix() {
        // From the beginning to the end, each in the text that the one before left.
        let mut changes = Vec::new();
        let mut grown = 0_isize;
        for (from, to, insert) in edits {
            let now = |at: usize| at.checked_add_signed(grown).expect("a place in the text");
            let (from, to) = (now(*from), now(*to));
            changes.push(json!({"range": range(&text, from, to, unit), "text": insert}));
            text.replace_range(from..to, insert);
            grown += insert.len().cast_signed() - (to - from).cast_signed();
        }
        return changes;
    }
    // Neovim compares the lines before and after, and reports one change.
    for (from, to, insert) in edits.iter().rev() {
        text.replace_range(*from..*to, insert);
    }
    vec![difference(before, &text, unit)]
}

/// The one change that turns `before` into `after`.
pub(super) fn difference(before: &str, after: &str, unit: Unit) -> Value {
    let is_cut = |at: usize| before.is_char_boundary(at) && splits_no_line_break(before, at);
    let mut from = before
        .bytes()
        .zip(after.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    while !is_cut(from) || !splits_no_line_break(after, from) {
        from -= 1;
    }
    let room = before.len().min(after.len()) - from;
    let same = before.bytes().rev().zip(after.bytes().rev());
    let mut tail = same
        .take_while(|(one, other)| one == other)
        .count()
        .min(room);
    while !is_cut(before.len() - tail) || !splits_no_line_break(after, after.len() - tail) {
        tail -= 1;
    }
    let to = before.len() - tail;
    let text = &after[from..after.len() - tail];
    json!({"range": range(before, from, to, unit), "text": text})
}

fn splits_no_line_break(text: &str, at: usize) -> bool {
    !(text.as_bytes().get(at) == Some(&b'\n') && at > 0 && text.as_bytes()[at - 1] == b'\r')
}

pub(super) fn did_open(document: &Document) -> Value {
    json!({"textDocument": {
        "uri": document.uri, "languageId": document.language,
        "version": document.version, "text": document.text,
    }})
}

pub(super) fn did_change(document: &Document, changes: Vec<Value>) -> Value {
    json!({
        "textDocument": {"uri": document.uri, "version": document.version},
        "contentChanges": changes,
    })
}

/// The file that a `file:` URI names, for the plain paths of temporary folders.
pub fn path_of(uri: &str) -> PathBuf {
    let path = uri
        .strip_prefix("file://")
        .unwrap_or_else(|| panic!("not a file: {uri}"));
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next(), rest.next()].map(|digit| digit.expect("two digits"));
            let digits = String::from_utf8_lossy(&digits).into_owned();
            bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
        } else {
            bytes.push(byte);
        }
    }
    PathBuf::from(String::from_utf8(bytes).expect("a path in UTF-8"))
}

/// The language identifier by which editors open a file.
pub fn language_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "rs" => "rust",
        "py" => "python",
        "ts" => "typescript",
        "tsx" => "typescriptreact",
        "js" => "javascript",
        "go" => "go",
        "md" => "markdown",
        "toml" => "toml",
        "json" => "json",
        _ => "plaintext",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::mirror::offset;

    /// Replays reported changes as a server has to.
    fn replayed(text: &str, changes: &[Value], unit: Unit) -> String {
        let mut text = text.to_owned();
        for change in changes {
            let from = offset(&text, &change["range"]["start"], unit);
            let to = offset(&text, &change["range"]["end"], unit);
            text.replace_range(from..to, change["text"].as_str().unwrap());
        }
        text
    }

    #[test]
    fn every_editor_reports_what_it_did() {
        let before = "one\r\ntwo é\nthree\n";
        let at = |needle: &str| before.find(needle).unwrap();
        let edits = [
            (at("one"), at("one") + 3, "1\r\n1".to_owned()),
            (at("two"), at("two"), "the ".to_owned()),
            (at("three"), at("three") + 5, String::new()),
        ];
        for personality in Personality::ALL {
            let changes = report(personality, before, &edits, Unit::Utf16);
            assert_eq!(
                replayed(before, &changes, Unit::Utf16),
                "1\r\n1\r\nthe two é\n\n"
            );
        }
    }

    #[test]
    fn a_difference_splits_no_character_and_no_line_break() {
        for (before, after) in [
            ("é", "è"),
            ("a\r\nb", "a\r\r\nb"),
            ("a\n", "a\r\n"),
            ("", "x"),
            ("aa", "a"),
        ] {
            let change = difference(before, after, Unit::Utf8);
            assert_eq!(replayed(before, &[change], Unit::Utf8), after);
        }
    }
}
