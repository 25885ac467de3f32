//! How hunks under review are shown: as diagnostics at their places, as entries of the menu, as code
//! lenses, as a list for plugins, and as a unified diff.

use std::fmt::Write as _;

use lsp_types::Range;
use pleach_edit::{HunkId, HunkState, HunkView, Impact, Review};
use pleach_text::ByteRange;
use ropey::Rope;
use serde_json::{Value, json};

use crate::event::JobId;
use crate::session::diagnostics::Speaker;
use crate::session::documents::lines_of;
use crate::session::reviews::Pending;
use crate::session::{Awaited, Session};
use crate::to_proto;

/// Lines of unchanged text around each change of a diff.
const CONTEXT: usize = 3;

/// A hunk in one document, as the menu needs it.
#[derive(Debug, Clone)]
pub(crate) struct PendingHunk {
    pub(crate) review: JobId,
    pub(crate) id: HunkId,
    /// What it does, in one line.
    pub(crate) summary: String,
    /// What was asked, as the person knows it.
    pub(crate) title: String,
    /// Whether something was typed where it is.
    pub(crate) conflict: bool,
    /// How many hunks come with it because it cannot be without them.
    pub(crate) needs: usize,
    /// How many hunks of its review wait in this document, and in all.
    pub(crate) in_file: usize,
    pub(crate) in_all: usize,
    /// Whether the same can be asked again.
    pub(crate) can_retry: bool,
    /// Its place in the present text.
    pub(crate) range: ByteRange,
}

impl Session {
    /// The hunks under review that the lines of `range` of an open document touch.
    pub(crate) fn pending_at(&self, uri: &str, range: ByteRange) -> Vec<PendingHunk> {
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        let lines = |range: ByteRange| lines_of(&document.text, range);
        let wanted = lines(range);
        self.pending_in(uri)
            .into_iter()
            .filter(|hunk| lines(hunk.range).touches(wanted))
            .collect()
    }

    /// The hunks under review in one document.
    pub(crate) fn pending_in(&self, uri: &str) -> Vec<PendingHunk> {
        let mut found = Vec::new();
        for (review, pending) in &self.reviews.open {
            if !pending.uris.values().any(|of| of == uri) {
                continue;
            }
            let views = pending.review.hunks();
            let here =
                |view: &HunkView<'_>| pending.uris.get(view.path).is_some_and(|it| it == uri);
            let in_file = views.iter().filter(|view| here(view)).count();
            for view in views.iter().filter(|view| here(view)) {
                found.push(PendingHunk {
                    review: *review,
                    id: view.id,
                    summary: view.summary.to_owned(),
                    title: pending.title.clone(),
                    conflict: pending.state(view) == HunkState::Touched,
                    needs: view.needs.len(),
                    in_file,
                    in_all: views.len(),
                    can_retry: pending.asked.is_some(),
                    range: view.range,
                });
            }
        }
        found
    }

    /// Publishes the hunks in `uri` as hints, or takes the last ones away.
    pub(in crate::session) fn show_hunks(&mut self, uri: &str) {
        let mut diagnostics = Vec::new();
        for (review, pending) in &self.reviews.open {
            let Some((path, _)) = pending.uris.iter().find(|(_, of)| *of == uri) else {
                continue;
            };
            let text = self.text_of(pending, path, uri);
            for view in pending.review.hunks() {
                if view.path == path {
                    let range = to_proto::range(&text, view.range, self.client.encoding);
                    diagnostics.push(diagnostic(*review, pending, &view, range));
                }
            }
        }
        diagnostics.extend(self.shown_problems(uri).unwrap_or_default().iter().cloned());
        if !self.publish(uri, Speaker::Review, diagnostics) {
            return;
        }
        if self.client.refreshes_lenses {
            let id = self.outbox.bare_request("workspace/codeLens/refresh");
            self.awaited
                .insert(id, Awaited::Nothing("workspace/codeLens/refresh"));
        }
    }

    fn text_of(&self, pending: &Pending, path: &str, uri: &str) -> Rope {
        match self.documents.get(uri) {
            Some(document) => document.text.clone(),
            None => Rope::from_str(&pending.review.text(path).unwrap_or_default()),
        }
    }

    /// What `pleach.reviews` answers: everything that waits.
    pub(super) fn list_reviews(&self) -> Value {
        let reviews = self.reviews.open.keys();
        json!(
            reviews
                .map(|review| self.review_json(*review))
                .collect::<Vec<_>>()
        )
    }

    /// Tells a client that follows jobs how a review stands now.
    pub(super) fn tell_review(&self, review: JobId) {
        if self.client.job_events {
            self.outbox
                .notify("pleach/review", &self.review_json(review));
        }
    }

    /// A review as plugins get it; without hunks when it is closed.
    fn review_json(&self, review: JobId) -> Value {
        let Some(pending) = self.reviews.get(review) else {
            return json!({"review": review, "hunks": []});
        };
        let views = pending.review.hunks_with_edits();
        let hunks: Vec<Value> = views
            .into_iter()
            .map(|(view, edits)| {
                let uri = pending.uris.get(view.path);
                let text = match uri {
                    Some(uri) => self.text_of(pending, view.path, uri),
                    None => Rope::new(),
                };
                let edits: Vec<Value> = edits
                    .into_iter()
                    .map(|it| {
                        let range = to_proto::range(&text, it.delete, self.client.encoding);
                        json!({"range": range, "newText": it.insert})
                    })
                    .collect();
                json!({
                    "hunk": view.id,
                    "kind": view.kind,
                    "path": view.path,
                    "uri": uri,
                    "range": to_proto::range(&text, view.range, self.client.encoding),
                    "summary": view.summary,
                    "state": state(pending.state(&view)),
                    "needs": view.needs,
                    "impact": told(view.impact),
                    "edits": edits,
                })
            })
            .collect();
        json!({
            "review": review, "title": pending.title, "engine": pending.engine,
            "role": pending.role(), "hunks": hunks,
        })
    }

    /// Writes hunks as a unified diff to a file of the state directory, for the editor to show.
    pub(super) fn show_diff(&self, review: JobId, hunks: &[HunkId]) {
        let Some(pending) = self.reviews.get(review) else {
            return;
        };
        let present = pending.review.clone();
        let hunks = hunks.to_vec();
        self.show_page("the diff", &format!("review-{review}.diff"), move || {
            Ok(diff_of(&present, &hunks))
        });
    }

    /// The code lenses of a document: Accept and Reject above each hunk.
    pub(in crate::session) fn lenses(&self, uri: &str) -> Vec<Value> {
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        let mut lenses = Vec::new();
        for hunk in self.pending_in(uri) {
            let at = ByteRange::empty(hunk.range.start);
            let range = to_proto::range(&document.text, at, self.client.encoding);
            let mut add = |title: String, command: &str| {
                let arguments = json!([{"review": hunk.review, "hunk": hunk.id}]);
                lenses.push(json!({
                    "range": range,
                    "command": {"title": title, "command": command, "arguments": arguments},
                }));
            };
            if !hunk.conflict {
                add(format!("Accept: {}", hunk.summary), "pleach.accept");
            }
            add("Reject".to_owned(), "pleach.reject");
            add("Show as diff".to_owned(), "pleach.diff");
        }
        lenses
    }
}

fn state(state: HunkState) -> &'static str {
    match state {
        HunkState::Clear => "pending",
        HunkState::Touched => "conflict",
        HunkState::There => "there",
    }
}

/// Which symbols come, go or change, and where those that go or change are used.
pub(in crate::session) fn told(impact: &Impact) -> Option<String> {
    /// The others are counted.
    const SHOWN: usize = 4;
    if impact.is_empty() {
        return None;
    }
    let mut told = impact.to_string();
    for change in impact.changes.iter().filter(|it| !it.used.is_empty()) {
        let places = change.used.iter().take(SHOWN);
        let places: Vec<String> = places
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        let more = match change.used.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = write!(
            told,
            "; {} is used: {}{more}",
            change.name,
            places.join(", ")
        );
    }
    Some(told)
}

/// A hunk as a hint at its place; a warning where something was typed there.
fn diagnostic(review: JobId, pending: &Pending, view: &HunkView<'_>, range: Range) -> Value {
    let mut message = format!("{} · {}", view.summary, pending.title);
    let role = pending.role();
    let by: Vec<&str> = role
        .into_iter()
        .chain([pending.engine.as_str()])
        .filter(|it| !it.is_empty())
        .collect();
    if !by.is_empty() {
        message = format!("{message} ({})", by.join(" · "));
    }
    if let Some(impact) = told(view.impact) {
        message.push('\n');
        message.push_str(&impact);
    }
    let (severity, code) = match pending.state(view) {
        HunkState::Touched => {
            message.push_str("\nyou changed the same place meanwhile");
            (2, "conflict")
        }
        HunkState::Clear | HunkState::There => (4, "pending"),
    };
    json!({
        "range": range, "severity": severity, "source": to_proto::SOURCE, "code": code,
        "message": message, "data": {"review": review, "hunk": view.id, "role": role},
    })
}

/// Hunks of a review as one unified diff against the present texts; where they cannot be had together,
/// one after the other.
fn diff_of(review: &Review, hunks: &[HunkId]) -> String {
    match review.accept(hunks) {
        Ok(proposal) => proposal.patch(CONTEXT),
        Err(_) => one_by_one(review, hunks),
    }
}

/// The diff of each hunk on its own. Nothing is parsed, but for hunks in conflict.
pub(super) fn one_by_one(review: &Review, hunks: &[HunkId]) -> String {
    hunks
        .iter()
        .map(|hunk| review.diff(*hunk, CONTEXT))
        .collect()
}
