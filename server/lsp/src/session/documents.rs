//! The open documents: their text, their version, and the syntax tree of the few that need one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8PathBuf;
use lsp_types::{DidChangeTextDocumentParams, TextDocumentContentChangeEvent, TextDocumentItem};
use pleach_grammars::{Language, Symbol, Syntax};
use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement};
use ropey::Rope;

use crate::client::Client;
use crate::event::Parsed;
use crate::from_proto;

#[cfg(test)]
mod random;
mod reading;

/// Bytes of text whose trees are kept at most: a tree takes 22 to 30 times its text.
const TREES_BYTES: usize = 4 << 20;
/// How many trees are kept at most.
const TREES_COUNT: usize = 8;
/// How many changes of a document are remembered, so that a place named at an older version can be
/// moved to the present one.
const CHANGES_REMEMBERED: usize = 256;

/// How much of a place is looked at for what is left open, or for a reply.
pub(crate) const GLANCE: usize = 16 << 10;
/// Bytes up to which a text that came whole is compared with the one it replaces.
pub(crate) const WORTH_COMPARING: usize = 1 << 20;

/// Every open document, by the uri exactly as the client writes it.
#[derive(Default)]
pub(crate) struct Documents {
    open: BTreeMap<String, Document>,
    /// Counts uses, to find the tree that was not needed for the longest time.
    clock: u64,
}

/// One open document.
pub(crate) struct Document {
    /// The uri as the client writes it: its identity.
    pub(crate) uri: String,
    /// The file behind it, when the uri names one.
    pub(crate) path: Option<Utf8PathBuf>,
    pub(crate) language: Option<Language>,
    /// The version that the client gave the present text.
    pub(crate) version: i32,
    pub(crate) text: Rope,
    /// Why the text may differ from the editor's, if it may. Nothing lands in such a document.
    pub(crate) suspect: Option<String>,
    /// What may be done with the file, once that is known.
    pub(crate) access: Option<Access>,
    /// Counts the texts of this document, from its opening on.
    pub(crate) revision: u64,
    changes: VecDeque<(i32, ChangeSet)>,
    tree: Tree,
    used: u64,
}

/// What the settings and the workspace's bounds allow to do with a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub(crate) edit: bool,
    pub(crate) read: bool,
}

/// Until it is known: each command asks again before anything is done.
impl Default for Access {
    fn default() -> Self {
        Self {
            edit: true,
            read: true,
        }
    }
}

/// What is known of a document's syntax.
#[derive(Default)]
struct Tree {
    last_good: Option<LastGood>,
    /// The parse that runs, if one does.
    parsing: Option<Parsing>,
    /// Whether a parse is put off to a moment that is already fixed.
    soon: bool,
}

struct LastGood {
    /// The tree, moved along with every change since it was parsed.
    syntax: Syntax,
    /// Symbols at the revision of the parse.
    symbols: Arc<Vec<Symbol>>,
    /// Changes since then, oldest first, to translate a present place into that revision.
    since: Vec<ChangeSet>,
    /// The revision it was parsed from.
    revision: u64,
}

struct Parsing {
    cancelled: Arc<AtomicBool>,
    revision: u64,
    /// Changes that came since it began, with the text that each applies to.
    since: Vec<(Replacement, Rope)>,
}

/// A parse to run in the background.
pub(crate) struct ParseTask {
    pub(crate) uri: String,
    pub(crate) revision: u64,
    pub(crate) language: Language,
    pub(crate) text: Rope,
    pub(crate) old: Option<Syntax>,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// What a wish for a document's tree leads to.
pub(crate) enum Want {
    /// It is fresh, or on its way, or there can be none.
    Nothing,
    /// There is none: parse now.
    Parse(ParseTask),
    /// The last good one serves; parse when some typing has gathered.
    ParseSoon,
}

/// What the tree says of a place, as of the last good parse.
pub(crate) enum Place {
    /// There is no tree yet.
    Unknown,
    /// The innermost symbol around the place, if any.
    Known(Option<Symbol>),
}

impl Documents {
    pub(crate) fn get(&self, uri: &str) -> Option<&Document> {
        self.open.get(uri)
    }

    pub(crate) fn get_mut(&mut self, uri: &str) -> Option<&mut Document> {
        self.open.get_mut(uri)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.open.values()
    }

    /// The open document of the file at `path`.
    pub(crate) fn at_path(&self, path: &camino::Utf8Path) -> Option<&Document> {
        self.open
            .values()
            .find(|document| document.path.as_deref() == Some(path))
    }

    /// Takes a document over from the client. One that is open already is replaced.
    pub(crate) fn open(&mut self, item: TextDocumentItem, path: Option<Utf8PathBuf>) {
        let uri = item.uri.0;
        let first_line = item.text.lines().next().unwrap_or_default();
        let name = path.as_ref().map_or(uri.as_str(), |path| path.as_str());
        let language_id = from_proto::language_id(&item.language_id);
        let language = Language::detect(Some(&language_id), name, first_line);
        let revision = match self.open.remove(&uri) {
            Some(old) => {
                tracing::warn!(
                    uri,
                    "opened twice without being closed; the newer text counts"
                );
                old.forget_parse();
                old.revision + 1
            }
            None => 0,
        };
        let document = Document {
            path,
            language,
            version: item.version,
            text: Rope::from_str(&item.text),
            suspect: None,
            access: None,
            revision,
            changes: VecDeque::new(),
            tree: Tree::default(),
            used: 0,
            uri: uri.clone(),
        };
        self.open.insert(uri, document);
    }

    pub(crate) fn close(&mut self, uri: &str) -> Option<Document> {
        let document = self.open.remove(uri)?;
        document.forget_parse();
        Some(document)
    }

    /// Notes that the tree of `uri` is wanted, drops the trees that have not been for the longest
    /// time, and says what there is to do about it.
    pub(crate) fn want_tree(&mut self, uri: &str) -> Want {
        self.clock += 1;
        let Some(document) = self.open.get_mut(uri) else {
            return Want::Nothing;
        };
        document.used = self.clock;
        let Some(tree) = &document.tree.last_good else {
            let task = document.parse_task();
            self.drop_old_trees();
            return task.map_or(Want::Nothing, Want::Parse);
        };
        if tree.revision == document.revision || document.tree.soon {
            return Want::Nothing;
        }
        document.tree.soon = true;
        Want::ParseSoon
    }

    /// The parse that was put off, if it is still of use.
    pub(crate) fn parse_due(&mut self, uri: &str) -> Option<ParseTask> {
        let document = self.open.get_mut(uri)?;
        document.tree.soon = false;
        document.parse_task()
    }

    fn drop_old_trees(&mut self) {
        let mut kept: Vec<(u64, usize, String)> = self
            .open
            .values()
            .filter(|document| document.tree.last_good.is_some())
            .map(|document| {
                (
                    document.used,
                    document.text.len_bytes(),
                    document.uri.clone(),
                )
            })
            .collect();
        kept.sort_unstable_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        for (place, (_, len, uri)) in kept.into_iter().enumerate() {
            bytes += len;
            if (place >= TREES_COUNT || bytes > TREES_BYTES)
                && let Some(document) = self.open.get_mut(&uri)
                && document.used != self.clock
            {
                document.tree.last_good = None;
            }
        }
    }
}

impl Document {
    /// Applies the client's changes, in their order. Positions behind the end of a line or of the text
    /// mean that end, as the protocol says. What cannot be understood is logged and marks the text as
    /// suspect, until the client sends it whole.
    pub(crate) fn change(&mut self, params: DidChangeTextDocumentParams, client: &Client) {
        let version = params.text_document.version;
        if version <= self.version {
            self.suspect(format!(
                "its version went from {} to {version}",
                self.version
            ));
        }
        for change in params.content_changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let read = reading::read(&self.text, part, client);
                    if let Some(doubt) = read.doubt {
                        self.suspect(doubt.to_owned());
                    }
                    self.replace(&read.replacement);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    self.replace_all(&whole.text);
                }
            }
        }
        self.version = version;
    }

    /// Takes over the whole text as it was saved. It is a text of the present version, and what may
    /// have been misunderstood before is mended by it.
    pub(crate) fn saved(&mut self, text: &str) {
        if self.text != *text {
            tracing::warn!(
                uri = self.uri,
                "the saved text is not the text that was typed: the saved one counts"
            );
            self.replace_all(text);
        }
        self.suspect = None;
    }

    /// Marks the text as possibly different from the editor's.
    pub(crate) fn suspect(&mut self, why: String) {
        tracing::warn!(
            uri = self.uri,
            why,
            "this document may be out of step with the editor"
        );
        self.suspect.get_or_insert(why);
    }

    /// The whole text anew. What it shares with the old one is found, so that places stay where they
    /// are; only in texts that are too long to compare they are lost.
    fn replace_all(&mut self, text: &str) {
        self.forget_parse();
        self.tree = Tree::default();
        if text.len().max(self.text.len_bytes()) <= WORTH_COMPARING {
            let change = ChangeSet::between(&self.text.to_string(), text);
            self.remember(change);
        } else {
            self.changes.clear();
        }
        self.text = Rope::from_str(text);
        self.suspect = None;
        self.revision += 1;
    }

    fn remember(&mut self, change: ChangeSet) {
        self.changes.push_back((self.version, change));
        if self.changes.len() > CHANGES_REMEMBERED {
            self.changes.pop_front();
        }
    }

    /// One replacement of the client's: the keystroke's path. The tree is told, not parsed.
    fn replace(&mut self, replacement: &Replacement) {
        let len = ByteOffset(self.text.len_bytes());
        let Ok(change) = ChangeSet::new(vec![replacement.clone()], len) else {
            self.suspect("a change could not be applied".to_owned());
            return;
        };
        if let Some(parsing) = &mut self.tree.parsing {
            // It goes on: what it finds is moved through the typing. Were it stopped by each keystroke,
            // somebody who types faster than it parses would never get a fresh tree. A second owner of the
            // text costs a copy of what is changed in it, so there is one only here.
            parsing.since.push((replacement.clone(), self.text.clone()));
        }
        if let Some(tree) = &mut self.tree.last_good {
            tree.syntax.edit(replacement, &self.text);
        }
        if change.apply(&mut self.text).is_err() {
            // What knows of the change is of no use any more.
            self.forget_parse();
            self.tree = Tree::default();
            self.suspect("a change could not be applied".to_owned());
            return;
        }
        self.revision += 1;
        if let Some(tree) = &mut self.tree.last_good {
            tree.since.push(change.clone());
            if tree.since.len() > CHANGES_REMEMBERED {
                self.tree.last_good = None;
            }
        }
        self.remember(change);
    }

    /// Where a range of an earlier version is now. `None` when that version is too long ago.
    pub(crate) fn moved(&self, range: ByteRange, version: i32) -> Option<ByteRange> {
        if version == self.version {
            return Some(range);
        }
        // A remembered change carries the version that it was applied to.
        let first = self
            .changes
            .iter()
            .position(|(before, _)| *before >= version)?;
        let (before, _) = self.changes.get(first)?;
        if *before != version {
            return None;
        }
        let moved = self
            .changes
            .iter()
            .skip(first)
            .fold(range, |range, (_, change)| change.map_range(range));
        Some(moved)
    }

    /// The changes that led from the text with `revision` to the present one, oldest first. `None` when
    /// they are not remembered.
    pub(crate) fn changes_since(&self, revision: u64) -> Option<Vec<ChangeSet>> {
        let count = usize::try_from(self.revision.checked_sub(revision)?).ok()?;
        let first = self.changes.len().checked_sub(count)?;
        let since = self.changes.iter().skip(first);
        Some(since.map(|(_, change)| change.clone()).collect())
    }

    /// What the last good tree says of the place `at`: the symbol with its range and its body in the
    /// present text.
    pub(crate) fn place(&self, at: ByteOffset) -> Place {
        let Some(tree) = &self.tree.last_good else {
            return Place::Unknown;
        };
        let at = tree
            .since
            .iter()
            .rev()
            .fold(at, |at, change| map_back(change, at));
        let symbol = pleach_grammars::symbol_at(&tree.symbols, at);
        Place::Known(symbol.cloned().map(|mut symbol| {
            for change in &tree.since {
                symbol.range = change.map_range(symbol.range);
                symbol.body = symbol.body.map(|body| change.map_range(body));
            }
            symbol
        }))
    }

    /// The last tree, moved along with what was typed since.
    pub(crate) fn syntax(&self) -> Option<&Syntax> {
        self.tree.last_good.as_ref().map(|tree| &tree.syntax)
    }

    /// The text of a range, at most its first [`GLANCE`] bytes.
    pub(crate) fn text_of(&self, range: ByteRange) -> String {
        let end = range.end.0.min(self.text.len_bytes());
        let start = range.start.0.min(end);
        let start = self.text.byte_to_char(start);
        let end = self.text.byte_to_char(end).min(start + GLANCE);
        let part = self.text.get_slice(start..end);
        part.map(String::from).unwrap_or_default()
    }

    /// Whether a parse of this document runs.
    pub(crate) fn is_being_parsed(&self) -> bool {
        self.tree.parsing.is_some()
    }

    /// Whether a tree may be kept for this document at all.
    pub(crate) fn wants_tree(&self) -> bool {
        self.language.is_some() && self.text.len_bytes() <= TREES_BYTES
    }

    fn parse_task(&mut self) -> Option<ParseTask> {
        let language = self.language?;
        if !self.wants_tree() || self.tree.parsing.is_some() {
            return None;
        }
        if self
            .tree
            .last_good
            .as_ref()
            .is_some_and(|tree| tree.revision == self.revision)
        {
            return None;
        }
        let cancelled = Arc::new(AtomicBool::new(false));
        self.tree.parsing = Some(Parsing {
            cancelled: Arc::clone(&cancelled),
            revision: self.revision,
            since: Vec::new(),
        });
        Some(ParseTask {
            uri: self.uri.clone(),
            revision: self.revision,
            language,
            text: self.text.clone(),
            old: self.tree.last_good.as_ref().map(|tree| tree.syntax.clone()),
            cancelled,
        })
    }

    /// Takes over what a background parse found, moved through what was typed meanwhile.
    pub(crate) fn parsed(&mut self, revision: u64, parsed: Option<Parsed>) {
        if self
            .tree
            .parsing
            .as_ref()
            .is_none_or(|parsing| parsing.revision != revision)
        {
            return;
        }
        let Some(parsing) = self.tree.parsing.take() else {
            return;
        };
        let Some(Parsed {
            mut syntax,
            symbols,
        }) = parsed
        else {
            return;
        };
        let mut since = Vec::with_capacity(parsing.since.len());
        for (replacement, before) in parsing.since {
            syntax.edit(&replacement, &before);
            let len = ByteOffset(before.len_bytes());
            since.extend(ChangeSet::new(vec![replacement], len));
        }
        self.tree.last_good = Some(LastGood {
            syntax,
            symbols,
            since,
            revision,
        });
    }

    fn forget_parse(&self) {
        if let Some(parsing) = &self.tree.parsing {
            parsing.cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// The first character of line `number` (from 1) that is no blank; past the end, the end.
    pub(crate) fn start_of_line(&self, number: u32) -> ByteRange {
        start_of_line(&self.text, number)
    }

    /// The line that holds `at`, without its line break, and where it begins.
    pub(crate) fn line_at(&self, at: ByteOffset) -> (String, ByteOffset) {
        line_at(&self.text, at)
    }
}

/// As [`Document::start_of_line`], in any text.
pub(crate) fn start_of_line(text: &Rope, number: u32) -> ByteRange {
    let line = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = line.min(text.len_lines().saturating_sub(1));
    let (bare, start) = line_at(text, ByteOffset(text.line_to_byte(line)));
    ByteRange::empty(ByteOffset(start.0 + bare.len() - bare.trim_start().len()))
}

/// The lines that a range touches, without the last line break.
pub(crate) fn lines_of(text: &Rope, range: ByteRange) -> ByteRange {
    let (_, start) = line_at(text, range.start);
    let (last, last_start) = line_at(text, range.end);
    ByteRange::new(start, last_start + last.len())
}

fn line_at(text: &Rope, at: ByteOffset) -> (String, ByteOffset) {
    let at = at.0.min(text.len_bytes());
    let line = text.byte_to_line(at);
    let start = text.line_to_byte(line);
    let bare = text.get_line(line).map(String::from).unwrap_or_default();
    (
        bare.trim_end_matches(['\n', '\r']).to_owned(),
        ByteOffset(start),
    )
}

/// Where the place `at` of the text after `change` was in the text before it.
fn map_back(change: &ChangeSet, at: ByteOffset) -> ByteOffset {
    let mut shift = 0_usize;
    let mut gone = 0_usize;
    for replacement in change.replacements() {
        let start_after = (replacement.delete.start.0 + shift).saturating_sub(gone);
        if at.0 < start_after {
            break;
        }
        if at.0 < start_after + replacement.insert.len() {
            return replacement.delete.start;
        }
        shift += replacement.insert.len();
        gone += replacement.delete.len();
    }
    ByteOffset((at.0 + gone).saturating_sub(shift))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use lsp_types::{LanguageKind, Uri};
    use pleach_text::PositionEncoding;

    fn opened(text: &str) -> Documents {
        let mut documents = Documents::default();
        let item = TextDocumentItem {
            uri: Uri("file:///a.rs".into()),
            language_id: LanguageKind::Rust,
            version: 1,
            text: text.into(),
        };
        documents.open(item, Some("/a.rs".into()));
        documents
    }

    /// A client that counts columns in bytes.
    fn bytes() -> Client {
        Client {
            encoding: PositionEncoding::Utf8,
            ..Client::default()
        }
    }

    fn typed(
        version: i32,
        line: u32,
        from: u32,
        to: u32,
        text: &str,
    ) -> DidChangeTextDocumentParams {
        serde_json::from_value(serde_json::json!({
            "textDocument": {"uri": "file:///a.rs", "version": version},
            "contentChanges": [{
                "range": {"start": {"line": line, "character": from}, "end": {"line": line, "character": to}},
                "text": text,
            }],
        }))
        .unwrap()
    }

    #[test]
    fn a_place_of_an_older_version_moves_with_the_typing() {
        let mut documents = opened("let a = 1;\nlet b = 2;\n");
        let document = documents.get_mut("file:///a.rs").unwrap();
        document.change(typed(2, 0, 0, 0, "// one\n"), &bytes());
        document.change(typed(3, 1, 4, 5, "long"), &bytes());
        let b = ByteRange::new(ByteOffset(15), ByteOffset(16));
        let moved = document.moved(b, 1).unwrap();
        assert_eq!(document.text.to_string().get(moved.as_usize()), Some("b"));
        assert_eq!(document.moved(b, 0), None);
    }

    #[test]
    fn a_version_that_goes_back_makes_the_text_suspect_until_it_comes_whole() {
        let mut documents = opened("a\n");
        let document = documents.get_mut("file:///a.rs").unwrap();
        document.change(typed(1, 0, 0, 0, "b"), &bytes());
        assert!(document.suspect.is_some());
        let whole = serde_json::json!({
            "textDocument": {"uri": "file:///a.rs", "version": 5},
            "contentChanges": [{"text": "fresh\n"}],
        });
        document.change(serde_json::from_value(whole).unwrap(), &bytes());
        assert_eq!(document.suspect, None);
        assert_eq!(document.text.to_string(), "fresh\n");
    }
}
