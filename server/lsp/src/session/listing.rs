//! Listing code actions: from memory, in milliseconds, and never without an answer.

use std::sync::Arc;
use std::time::Duration;

use lsp_types::{CodeActionParams, CodeActionResponse, CodeActionTriggerKind};
use pleach_agent::Action;
use pleach_agent::builtin;
use pleach_grammars::{outline, parse_rope};
use pleach_text::{ByteOffset, ByteRange};

use crate::actions::{self, ActionContext};
use crate::event::{Event, Parsed, Reply};
use crate::from_proto;
use crate::session::documents::{Access, Document, GLANCE, ParseTask, Place, Want};
use crate::session::{LastPlace, Session};

/// How long the first listing in a document may wait for its tree, and for word of whether the file
/// may be edited. Later ones never wait: they use the last good tree.
const PATIENCE: Duration = Duration::from_millis(50);
/// How much typing is gathered before a tree that still serves is parsed anew.
const GATHER: Duration = Duration::from_millis(200);
/// Documents up to this many bytes are parsed well within that time.
const WORTH_WAITING: usize = 512 << 10;

/// Listings that wait for a tree.
#[derive(Default)]
pub(crate) struct Listings {
    waiting: Vec<Waiting>,
    last: u64,
}

struct Waiting {
    number: u64,
    params: Box<CodeActionParams>,
    reply: Reply<Vec<CodeActionResponse>>,
}

impl Session {
    pub(super) fn list_actions(
        &mut self,
        params: Box<CodeActionParams>,
        reply: Reply<Vec<CodeActionResponse>>,
    ) {
        if !self.configuration.is_loaded() {
            self.configuration
                .defer(Event::ListActions { params, reply });
            return;
        }
        let actions = &self.configuration.settings().actions;
        let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
        if !actions.enabled || (automatic && !actions.automatic) {
            reply.send(Ok(Vec::new()));
            return;
        }
        let uri = &params.text_document.uri.0;
        let Some(document) = self.documents.get(uri) else {
            tracing::warn!(uri, "actions were asked for in a document that is not open");
            reply.send(Ok(Vec::new()));
            return;
        };
        let waits = document.access.is_none()
            || (document.wants_tree()
                && document.text.len_bytes() <= WORTH_WAITING
                && matches!(document.place(ByteOffset(0)), Place::Unknown));
        match self.documents.want_tree(uri) {
            Want::Nothing => {}
            Want::Parse(task) => self.parse(task),
            Want::ParseSoon => self.later(GATHER, Event::ParseDue { uri: uri.clone() }),
        }
        if waits {
            self.listings.last += 1;
            let number = self.listings.last;
            self.listings.waiting.push(Waiting {
                number,
                params,
                reply,
            });
            self.later(PATIENCE, Event::ListingDue { listing: number });
        } else {
            let listed = self.actions_at(&params);
            reply.send(Ok(listed));
        }
    }

    /// Parses off the loop.
    fn parse(&self, task: ParseTask) {
        let ParseTask {
            uri,
            revision,
            language,
            text,
            old,
            cancelled,
        } = task;
        let failed = Event::Parsed {
            uri: uri.clone(),
            revision,
            parsed: None,
        };
        let work = move || {
            let syntax = parse_rope(language, &text, old.as_ref(), &cancelled);
            let parsed = syntax.map(|syntax| {
                let symbols = Arc::new(outline(&syntax, &text.to_string()));
                Parsed { syntax, symbols }
            });
            Event::Parsed {
                uri,
                revision,
                parsed,
            }
        };
        self.aside(work, failed);
    }

    pub(super) fn parsed(&mut self, uri: &str, revision: u64, parsed: Option<Parsed>) {
        let overtaken = parsed.is_none();
        let Some(document) = self.documents.get_mut(uri) else {
            return;
        };
        document.parsed(revision, parsed);
        // Newer text came while it ran, and there is nothing to answer from yet.
        if overtaken && let Want::Parse(task) = self.documents.want_tree(uri) {
            self.parse(task);
            return;
        }
        self.answer_ready(uri);
    }

    /// Looks up what may be done with documents, beside the loop: it may take a look at the disk.
    pub(super) fn look_up_access(&self, uris: Vec<String>) {
        if !self.configuration.is_loaded() || uris.is_empty() {
            return;
        }
        let snapshot = self.snapshot();
        let settings = self.configuration.generation();
        let nothing = Event::AccessKnown {
            settings,
            known: Vec::new(),
        };
        let work = move || {
            let access = |uri: String| {
                let access = Access {
                    edit: snapshot.name_of(&uri).is_ok(),
                    read: snapshot.name_to_read(&uri).is_ok(),
                };
                (uri, access)
            };
            Event::AccessKnown {
                settings,
                known: uris.into_iter().map(access).collect(),
            }
        };
        self.aside(work, nothing);
    }

    pub(super) fn access_known(&mut self, settings: u64, known: Vec<(String, Access)>) {
        if settings != self.configuration.generation() {
            // Looked up by rules that are not in force any more.
            return;
        }
        for (uri, access) in known {
            if let Some(document) = self.documents.get_mut(&uri) {
                document.access = Some(access);
                self.answer_ready(&uri);
            }
        }
    }

    /// Answers the listings in `uri` that wait for nothing more.
    fn answer_ready(&mut self, uri: &str) {
        let ready = self.documents.get(uri).is_none_or(|document| {
            let waits_for_tree = document.is_being_parsed()
                && matches!(document.place(ByteOffset(0)), Place::Unknown);
            document.access.is_some() && !waits_for_tree
        });
        if ready {
            self.answer_waiting(|waiting| waiting.params.text_document.uri.0 == uri);
        }
    }

    pub(super) fn parse_due(&mut self, uri: &str) {
        if let Some(task) = self.documents.parse_due(uri) {
            self.parse(task);
        }
    }

    pub(super) fn listing_due(&mut self, listing: u64) {
        self.answer_waiting(|waiting| waiting.number == listing);
    }

    pub(super) fn listings_of_closed(&mut self, uri: &str) {
        self.answer_waiting(|waiting| waiting.params.text_document.uri.0 == uri);
    }

    fn answer_waiting(&mut self, due: impl Fn(&Waiting) -> bool) {
        let all = std::mem::take(&mut self.listings.waiting);
        let (answered, waiting) = all.into_iter().partition(due);
        self.listings.waiting = waiting;
        for Waiting { params, reply, .. } in answered {
            let listed = self.actions_at(&params);
            reply.send(Ok(listed));
        }
    }

    /// The actions of a place, as things stand.
    fn actions_at(&mut self, params: &CodeActionParams) -> Vec<CodeActionResponse> {
        let uri = &params.text_document.uri.0;
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        let range = from_proto::range(&document.text, params.range, self.client.encoding);
        let place = LastPlace {
            uri: uri.clone(),
            range,
            version: document.version,
        };
        let running: Vec<_> = self
            .jobs
            .values()
            .filter(|job| self.can_be_cancelled(job))
            .map(|job| (job.id, job.title.clone()))
            .collect();
        let (line, line_start) = document.line_at(range.start);
        // Who stands in the indentation before `fn` means the function.
        let indent = line.len() - line.trim_start().len();
        let at = range.start.max(ByteOffset(line_start.0 + indent));
        let symbol = match document.place(at) {
            Place::Known(symbol) => symbol,
            Place::Unknown => None,
        };
        let comment = builtin::instruction_in_line(document.language, &line);
        let pending = if self.reviews.is_empty() {
            Vec::new()
        } else {
            self.pending_at(uri, range)
        };
        let findings = self.findings_at(uri, range);
        let open_end = match &symbol {
            Some(symbol) => {
                left_open(&document.text_of(symbol.range))
                    || symbol
                        .body
                        .is_some_and(|body| is_empty_body(&document.text_of(body)))
            }
            None => left_open(&glance(document, range)),
        };
        let model = self.configuration.has_model(Action::Rewrite);
        let tree = document.syntax().filter(|_| !model);
        let first_line = document
            .text
            .byte_to_line(at.0.min(document.text.len_bytes()));
        let lacks_part = tree.is_some_and(|it| builtin::can_complete(it, ByteRange::empty(at)));
        let can_invert = tree.is_some_and(|it| builtin::can_invert(it, at, first_line));
        // Nothing may be done with a text that may not be the editor's.
        let sound = document.suspect.is_none();
        let access = document.access.unwrap_or_default();
        let in_symbol = symbol.is_some();
        let own = self.configuration.roster();
        let listed = actions::list(&ActionContext {
            uri,
            version: document.version,
            range: params.range,
            bytes: (range.start.0, range.end.0),
            language: document.language,
            may_edit: sound && access.edit,
            may_read: sound && access.read,
            symbol: symbol.as_ref(),
            identifier: identifier_at(&line, range.start.0.saturating_sub(line_start.0)),
            comment: comment.as_deref(),
            open_end,
            lacks_part,
            can_invert,
            holds_reply: sound && holds_reply(document, range),
            diagnostics: &params.context.diagnostics,
            own: &own,
            only: params.context.only.as_deref(),
            model,
            reader: self.configuration.has_model(Action::Review),
            cost: self.cost_of_asking(document),
            input_box: self.client.input_box,
            running: &running,
            pending: &pending,
            findings: &findings,
            has_folder: !self.configuration.roots().is_empty(),
            entry: self.entry_at(document, &line),
            undo: self.history.last_in(uri).filter(|_| sound),
        });
        self.last_place = Some(place);
        let plans = self.plan_entries(params, range, in_symbol);
        let chats = self.chat_entries(params, range);
        chats
            .into_iter()
            .chain(listed)
            .chain(plans)
            .map(CodeActionResponse::CodeAction)
            .collect()
    }
}

/// The text of the selected lines, or of the cursor's line and some after it, at most
/// [`GLANCE`] bytes.
fn glance(document: &Document, range: ByteRange) -> String {
    let text = &document.text;
    let first = text.byte_to_line(range.start.0.min(text.len_bytes()));
    let last = text.byte_to_line(range.end.0.min(text.len_bytes()));
    let last = last.max(first + 20).min(text.len_lines());
    let start = text.line_to_char(first);
    let end = text.line_to_char(last).min(start + GLANCE);
    text.get_slice(start..end)
        .map(String::from)
        .unwrap_or_default()
}

/// Whether `text` has a mark of unfinished work in it.
fn left_open(text: &str) -> bool {
    const MARKS: [&str; 6] = [
        "TODO",
        "FIXME",
        "todo!(",
        "unimplemented!(",
        "NotImplementedError",
        "not implemented",
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Whether a body holds nothing but comments, a docstring, and what a language asks for.
fn is_empty_body(body: &str) -> bool {
    let inside = body.trim().trim_start_matches(['{', ':']);
    let mut inside = inside.trim_end_matches('}').trim();
    for quotes in ["\"\"\"", "'''"] {
        let docstring = inside.strip_prefix(quotes);
        if let Some((_, rest)) = docstring.and_then(|text| text.split_once(quotes)) {
            inside = rest;
        }
    }
    let is_comment = |line: &str| ["//", "#", "--"].iter().any(|mark| line.starts_with(mark));
    let mut code = inside
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_comment(line));
    match (code.next(), code.next()) {
        (None, _) => true,
        (Some(only), None) => matches!(only, "pass" | "..." | "end"),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the selection, or with none the beginning of a document, reads like an answer with edits.
fn holds_reply(document: &Document, range: ByteRange) -> bool {
    const MARKS: [&str; 5] = [
        "<<<<<<< SEARCH",
        "------- SEARCH",
        "*** Begin Patch",
        "--- a/",
        "\"old_string\"",
    ];
    let range = if range.is_empty() {
        // Code that merely holds such text is not an answer; notes and scratch buffers may be.
        let prose = matches!(
            document.language,
            None | Some(pleach_grammars::Language::Markdown)
        );
        if !prose {
            return false;
        }
        ByteRange::new(ByteOffset(0), ByteOffset(document.text.len_bytes()))
    } else {
        range
    };
    let part = document.text_of(range);
    MARKS.iter().any(|mark| part.contains(mark))
}

/// The identifier around byte `at` of `line`.
fn identifier_at(line: &str, at: usize) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = line.split_at_checked(at.min(line.len()))?;
    let start = before.len()
        - before
            .chars()
            .rev()
            .take_while(|c| is_part(*c))
            .map(char::len_utf8)
            .sum::<usize>();
    let end = at
        + after
            .chars()
            .take_while(|c| is_part(*c))
            .map(char::len_utf8)
            .sum::<usize>();
    let word = line.get(start..end)?;
    word.chars()
        .next()
        .is_some_and(|c| !c.is_numeric())
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_around_the_cursor_is_found() {
        assert_eq!(identifier_at("let größe = 1;", 6), Some("größe"));
        assert_eq!(identifier_at("let größe = 1;", 4), Some("größe"));
        assert_eq!(identifier_at("a + 12", 5), None);
        assert_eq!(identifier_at("", 9), None);
    }

    #[test]
    fn an_empty_body_is_recognised() {
        let docstring = "\"\"\"Adds.\n\n    Twice.\n    \"\"\"";
        let comment = "{\n    // Adds what is given.\n}";
        for empty in ["{}", "{\n}", " pass", "...", "{ }", docstring, comment] {
            assert!(is_empty_body(empty), "{empty}");
        }
        assert!(!is_empty_body("{ 1 }"));
        assert!(!is_empty_body("return None"));
        assert!(!is_empty_body(&format!("{docstring}\n    return 1")));
    }

    #[test]
    fn unfinished_work_is_recognised() {
        assert!(left_open("fn f() { todo!(\"later\") }"));
        assert!(!left_open("fn f() { 1 }"));
    }
}
