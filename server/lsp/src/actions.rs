//! Which code actions a place offers. Pure, from what is in memory; it never waits.
//!
//! Each entry is a command without an edit: VS Code applies an edit inside a code action even when
//! the text has moved on, and Helix freezes on an entry that has to be resolved.

use lsp_types::{CodeAction, CodeActionKind, Command, Diagnostic};
use pleach_agent::builtin;
use pleach_agent::{Action, MicroUsd, OwnAction, Roster};
use pleach_grammars::{Language, Symbol, SymbolKind};
use serde_json::{Value, json};

use crate::event::JobId;
use crate::from_proto;
use crate::session::commands::ACTION;
use crate::session::findings::PlacedFinding;
use crate::session::reviews::{Decision, PendingHunk};
use crate::to_proto::SOURCE;

mod findings;

/// How many diagnostics get a Fix entry of their own, those nearest to the place. More would bury
/// other servers' fixes, and one entry mends them all.
const FIXES: usize = 3;
/// How many added actions are listed.
const OWN: usize = 20;
/// How many running jobs get a Cancel entry of their own, the newest. One entry cancels them all.
const CANCELS: usize = 3;

/// What is known of a place when its actions are listed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the place"
)]
pub(crate) struct ActionContext<'a> {
    pub(crate) uri: &'a str,
    pub(crate) version: i32,
    /// The range as the client sent it, and in bytes of that version's text.
    pub(crate) range: lsp_types::Range,
    pub(crate) bytes: (usize, usize),
    pub(crate) language: Option<Language>,
    /// Whether this document may be edited, and whether it may be read.
    pub(crate) may_edit: bool,
    pub(crate) may_read: bool,
    /// The innermost symbol around the place; `None` when there is none or no tree.
    pub(crate) symbol: Option<&'a Symbol>,
    /// The identifier at the place.
    pub(crate) identifier: Option<&'a str>,
    /// The instruction of an `ai:` comment on the line.
    pub(crate) comment: Option<&'a str>,
    /// Whether the lines there hold something left open.
    pub(crate) open_end: bool,
    /// Without a model: whether a match, an implementation or a class there could lack a part.
    pub(crate) lacks_part: bool,
    /// Without a model: whether an `if` begins there that could be turned round.
    pub(crate) can_invert: bool,
    /// Whether the selection, or the whole document, is an answer that could be landed.
    pub(crate) holds_reply: bool,
    pub(crate) diagnostics: &'a [Diagnostic],
    /// What people have added.
    pub(crate) own: &'a Roster,
    pub(crate) only: Option<&'a [CodeActionKind]>,
    /// Whether a model is set up; else the built-in engine answers.
    pub(crate) model: bool,
    /// Whether a model explains and reviews.
    pub(crate) reader: bool,
    /// What asking the model costs at least, when that is worth a word.
    pub(crate) cost: Option<MicroUsd>,
    /// Whether the client asks for an instruction by itself.
    pub(crate) input_box: bool,
    pub(crate) running: &'a [(JobId, String)],
    /// The hunks that wait for review here.
    pub(crate) pending: &'a [PendingHunk],
    /// What was found here.
    pub(crate) findings: &'a [PlacedFinding],
    /// Whether a folder is open, which may have changes to review.
    pub(crate) has_folder: bool,
    /// The landed edit that the line of the history's page is about, and what undoing it is called.
    pub(crate) entry: Option<(u64, String)>,
    /// What the last landed edit was, when it can be undone here.
    pub(crate) undo: Option<&'a str>,
}

/// The kinds that are advertised; each entry's kind is one of these or below one.
pub(crate) const KINDS: [&str; 4] = [
    "quickfix.pleach",
    "refactor.pleach",
    "refactor.rewrite.pleach",
    "source.pleach",
];

fn kind(action: Action) -> &'static str {
    match action {
        Action::Fix => "quickfix.pleach.fix",
        Action::Rewrite => "refactor.rewrite.pleach",
        Action::Document => "refactor.rewrite.pleach.document",
        Action::Implement => "refactor.rewrite.pleach.implement",
        Action::Comment => "refactor.rewrite.pleach.comment",
        Action::Tests => "refactor.pleach.tests",
        Action::RunTests => "source.pleach.tests",
        Action::Cancel => "refactor.pleach.cancel",
        Action::Undo => "refactor.pleach.undo",
        Action::Chat => "refactor.pleach.chat",
        Action::Plan => "source.pleach.plan",
        Action::Explain | Action::Ask => "source.pleach.explain",
        Action::Review => "source.pleach.review",
        Action::Land => "source.pleach.land",
    }
}

/// The entries for a place, the most likely first.
pub(crate) fn list(context: &ActionContext<'_>) -> Vec<CodeAction> {
    let mut entries = Entries {
        context,
        listed: Vec::new(),
    };
    entries.cancels();
    for hunk in context.pending {
        entries.hunk(hunk);
    }
    if let Some(hunk) = context.pending.first() {
        entries.review(hunk);
    }
    entries.findings();
    if let Some((entry, title)) = &context.entry {
        entries.add(Action::Undo, title.clone(), json!({"entry": entry}), &[]);
        return entries.listed;
    }
    if context.holds_reply {
        entries.place(Action::Land, "Land this reply".into());
    }
    if context.may_edit {
        entries.edits();
    }
    if context.reader && context.may_read {
        entries.place(Action::Explain, "Explain this".into());
    }
    let can_review = context.reader || builtin::can_review(context.language);
    if can_review && context.may_read {
        entries.reviews();
    }
    let runs = context.language.is_some_and(has_runner);
    if runs && context.has_folder && context.may_read {
        let arguments = entries.place_arguments("Run the project's tests", json!({}));
        let title = "Run the project's tests".to_owned();
        entries.add(Action::RunTests, title, arguments, &[]);
    }
    entries.own();
    if let Some(what) = context.undo {
        let title = format!("Undo Pleach's last edit: {what}");
        entries.add(Action::Undo, title, json!({}), &[]);
    }
    entries.listed
}

struct Entries<'a> {
    context: &'a ActionContext<'a>,
    listed: Vec<CodeAction>,
}

impl Entries<'_> {
    fn cancels(&mut self) {
        let running = self.context.running;
        for (job, title) in running.iter().rev().take(CANCELS) {
            let title = format!("Cancel: {title}");
            self.add(Action::Cancel, title, json!({"job": job}), &[]);
        }
        if running.len() > CANCELS {
            let title = format!("Cancel all {} jobs", running.len());
            self.add(Action::Cancel, title, json!({"all": true}), &[]);
        }
    }

    /// What changes the document.
    fn edits(&mut self) {
        let context = self.context;
        if let Some(instruction) = context.comment
            && (context.model || builtin::can_follow(context.language, instruction))
        {
            let title = format!("Carry out this comment: {}", shortened(instruction, 40));
            self.place(Action::Comment, title);
        }
        self.fixes();
        let supported = context.model || context.language.is_some_and(builtin::supports);
        if context.input_box && supported && (context.model || context.identifier.is_some()) {
            self.place(Action::Rewrite, "Rewrite with an instruction…".into());
        }
        if context.lacks_part {
            let title = "Add the arms or members that are missing".to_owned();
            self.place(Action::Implement, title);
        }
        if context.can_invert {
            let title = "Turn this `if` round";
            let arguments = self.place_arguments(title, json!({"instruction": "invert this if"}));
            self.add(Action::Rewrite, title.to_owned(), arguments, &[]);
        }
        if supported && let Some(symbol) = context.symbol {
            let name = &symbol.name;
            // Prose has no comments that could document it.
            if context.language != Some(Language::Markdown) {
                self.place(Action::Document, format!("Document `{name}`"));
            }
            if is_testable(symbol.kind) {
                self.place(Action::Tests, format!("Write tests for `{name}`"));
            }
            if context.model && context.open_end {
                self.place(Action::Implement, format!("Implement `{name}`"));
            }
        }
    }

    fn fixes(&mut self) {
        let context = self.context;
        let mut mendable: Vec<&Diagnostic> = Vec::new();
        for diagnostic in context.diagnostics {
            let message = from_proto::message(&diagnostic.message);
            let can_mend = context.model || builtin::can_fix(context.language, message);
            // A hint of ours at a hunk that waits is no problem of the code.
            let is_ours = diagnostic.source.as_deref() == Some(SOURCE);
            if can_mend && !is_ours && !mendable.contains(&diagnostic) {
                mendable.push(diagnostic);
            }
        }
        let line = context.range.start.line;
        mendable.sort_by_key(|diagnostic| diagnostic.range.start.line.abs_diff(line));
        for diagnostic in mendable.iter().take(FIXES) {
            let message = shortened(from_proto::message(&diagnostic.message), 50);
            let title = format!("Fix with Pleach: {message}");
            self.fix(title, &[*diagnostic]);
        }
        if mendable.len() > 1 {
            let title = format!("Fix all {} problems here with Pleach", mendable.len());
            self.fix(title, &mendable);
        }
    }

    fn fix(&mut self, title: String, diagnostics: &[&Diagnostic]) {
        let arguments = self.place_arguments(&title, json!({"diagnostics": diagnostics}));
        self.add(Action::Fix, self.with_cost(title), arguments, diagnostics);
    }

    /// Reviews of the selection, the file, and what has changed.
    fn reviews(&mut self) {
        let context = self.context;
        let mut scopes = vec![("file", "Review this file")];
        if context.bytes.0 < context.bytes.1 {
            scopes.insert(0, ("selection", "Review this"));
        }
        if context.has_folder {
            scopes.push(("changes", "Review what has changed since the last commit"));
        }
        for (scope, title) in scopes {
            let arguments = self.place_arguments(title, json!({ "scope": scope }));
            let title = if context.reader {
                self.with_cost(title.into())
            } else {
                title.into()
            };
            self.add(Action::Review, title, arguments, &[]);
        }
    }

    /// Actions that people have added, in the order of their names.
    fn own(&mut self) {
        let context = self.context;
        let may = |own: &OwnAction| {
            if own.edits {
                context.model && context.may_edit
            } else {
                context.reader && context.may_read
            }
        };
        let fit = context.own.actions();
        let fit = fit.filter(|own| own.is_for(context.language) && may(own));
        for own in fit.take(OWN) {
            let title = shortened(&own.title, 60);
            let arguments = self.place_arguments(&title, json!({"action": own.name}));
            let title = self.with_cost(title);
            self.entry(kind(own.basis()), ACTION, title, arguments, &[]);
        }
    }

    /// Adds an entry about the place itself.
    fn place(&mut self, action: Action, title: String) {
        let arguments = self.place_arguments(&title, json!({}));
        let title = match action {
            // Nothing is asked for.
            Action::Land => title,
            _ => self.with_cost(title),
        };
        self.add(action, title, arguments, &[]);
    }

    /// A title that says what it costs, where that is worth a word.
    fn with_cost(&self, title: String) -> String {
        match self.context.cost {
            Some(cost) => format!("{title} (from {cost})"),
            None => title,
        }
    }

    /// `more`, and where: with the version, so that the place can be moved if text is typed before
    /// the entry is picked.
    fn place_arguments(&self, title: &str, mut more: Value) -> Value {
        let context = self.context;
        if let Some(fields) = more.as_object_mut() {
            fields.insert("title".into(), json!(title));
            fields.insert("uri".into(), json!(context.uri));
            fields.insert("version".into(), json!(context.version));
            fields.insert("range".into(), json!(context.range));
            fields.insert("bytes".into(), json!(context.bytes));
        }
        more
    }

    /// Adds the decisions on one hunk.
    fn hunk(&mut self, hunk: &PendingHunk) {
        let summary = shortened(&hunk.summary, 50);
        let one = json!({"review": hunk.review, "hunk": hunk.id});
        let with = match hunk.needs {
            0 => String::new(),
            1 => " and the hunk that it needs".to_owned(),
            needs => format!(" and the {needs} hunks that it needs"),
        };
        if hunk.conflict {
            let choices = [
                ("theirs", "Take what was proposed"),
                ("mine", "Keep what you typed"),
                ("both", "Keep both"),
                ("ask", "Ask again with both"),
            ];
            for (choice, title) in choices {
                if choice == "ask" && !hunk.can_retry {
                    continue;
                }
                let arguments = json!({"review": hunk.review, "hunk": hunk.id, "choice": choice});
                self.decision(Decision::Resolve, format!("{title}: {summary}"), arguments);
            }
        } else {
            let title = format!("Accept: {summary}{with}");
            self.decision(Decision::Accept, title, one.clone());
        }
        self.decision(Decision::Reject, format!("Reject: {summary}"), one.clone());
        self.decision(
            Decision::Diff,
            format!("Show as diff: {summary}"),
            one.clone(),
        );
        if hunk.can_retry && self.context.input_box {
            let title = format!("Retry with a note…: {summary}");
            self.decision(Decision::Retry, title, one);
        }
    }

    /// Adds the decisions on the whole review that a hunk belongs to.
    fn review(&mut self, hunk: &PendingHunk) {
        let title = shortened(&hunk.title, 40);
        let (here, all) = (hunk.in_file, hunk.in_all);
        if here > 1 && here < all {
            let arguments = json!({"review": hunk.review, "uri": self.context.uri});
            let what = format!("Accept the {here} hunks in this file: {title}");
            self.decision(Decision::Accept, what, arguments);
        }
        if all > 1 {
            let arguments = json!({"review": hunk.review, "all": true});
            let what = format!("Accept all {all} hunks: {title}");
            self.decision(Decision::Accept, what, arguments.clone());
            let what = format!("Reject all {all} hunks: {title}");
            self.decision(Decision::Reject, what, arguments.clone());
            let what = format!("Show all {all} hunks as diff: {title}");
            self.decision(Decision::Diff, what, arguments);
        }
    }

    fn decision(&mut self, decision: Decision, title: String, arguments: Value) {
        self.entry(
            "quickfix.pleach.review",
            decision.command(),
            title,
            arguments,
            &[],
        );
    }

    fn add(
        &mut self,
        action: Action,
        title: String,
        arguments: Value,
        diagnostics: &[&Diagnostic],
    ) {
        self.entry(
            kind(action),
            action.command(),
            title,
            arguments,
            diagnostics,
        );
    }

    fn entry(
        &mut self,
        kind: &'static str,
        command: &str,
        title: String,
        arguments: Value,
        diagnostics: &[&Diagnostic],
    ) {
        if !asked_for(self.context.only, kind) {
            return;
        }
        self.listed.push(CodeAction {
            title: title.clone(),
            kind: Some(CodeActionKind::Custom(kind.into())),
            diagnostics: (!diagnostics.is_empty())
                .then(|| diagnostics.iter().copied().cloned().collect()),
            command: Some(Command {
                title,
                tooltip: None,
                command: command.into(),
                arguments: Some(vec![arguments]),
            }),
            ..CodeAction::default()
        });
    }
}

/// Whether `kind` is one of the kinds asked for, or below one of them.
pub(crate) fn asked_for(only: Option<&[CodeActionKind]>, kind: &str) -> bool {
    let Some(only) = only else { return true };
    only.iter().any(|asked| {
        let asked = serde_json::to_value(asked).unwrap_or_default();
        let asked = asked.as_str().unwrap_or_default();
        asked.is_empty()
            || kind
                .strip_prefix(asked)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether projects in a language have tests that Pleach may know how to run.
fn has_runner(language: Language) -> bool {
    matches!(
        language,
        Language::Rust
            | Language::Python
            | Language::Go
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
    )
}

fn is_testable(kind: SymbolKind) -> bool {
    matches!(
        kind,
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Class
    )
}

/// The first line of `text`, at most `most` characters of it.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let kept: String = line.chars().take(most).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
