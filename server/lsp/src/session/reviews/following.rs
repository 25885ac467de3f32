//! Hunks follow the texts under them: what is typed, opened, closed without being saved.

use std::collections::BTreeSet;
use std::time::Duration;

use pleach_edit::{HunkId, HunkState, HunkView};

use crate::event::{Event, JobId};
use crate::session::Session;

/// How long the hunks' places may differ from what is shown while somebody types. Editors move what
/// they show by themselves meanwhile.
const SHOWN_AFTER: Duration = Duration::from_millis(200);

impl Session {
    /// The document `uri` went on from the text that had `revision`: the hunks in it move along.
    pub(in crate::session) fn reviews_follow(&mut self, uri: &str, revision: u64) {
        if self.reviews.is_empty() {
            return;
        }
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let changes = document.changes_since(revision);
        let mut concerned = false;
        for pending in self.reviews.open.values_mut() {
            for (path, _) in pending.uris.iter().filter(|(_, of)| *of == uri) {
                concerned = true;
                pending.moves += 1;
                let followed = changes.as_ref().is_some_and(|changes| {
                    changes
                        .iter()
                        .all(|change| pending.review.follow(path, change).is_ok())
                });
                if !followed {
                    let text = document.text.to_string();
                    pending.review.catch_up(path, Some(&text));
                }
            }
        }
        if concerned {
            self.show_hunks_soon(uri);
        }
    }

    /// The document `uri` was opened, perhaps under another spelling of its uri than before, and perhaps
    /// with another text than its file had.
    pub(in crate::session) fn reviews_opened(&mut self, uri: &str) {
        if self.reviews.is_empty() {
            return;
        }
        let snapshot = self.snapshot();
        let Ok(name) = snapshot.name_to_read(uri) else {
            return;
        };
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let text = document.text.to_string();
        let mut concerned = false;
        for pending in self.reviews.open.values_mut() {
            if let Some(known) = pending.uris.get_mut(&name) {
                concerned = true;
                uri.clone_into(known);
                pending.moves += 1;
                pending.review.catch_up(&name, Some(&text));
            }
        }
        if concerned {
            self.show_hunks_soon(uri);
        }
    }

    /// The document `uri` was closed: what its file holds is what counts now, and it may be another text.
    pub(in crate::session) fn reviews_closed(&self, uri: &str) {
        if self.reviews.in_document(uri).is_empty() {
            return;
        }
        let snapshot = self.snapshot_without(uri);
        let uri = uri.to_owned();
        let lost = Event::HunksDue { uri: uri.clone() };
        let work = move || {
            let name = snapshot.name_to_read(&uri).ok();
            let text = name.and_then(|name| snapshot.read_text(&name).ok());
            Event::ReviewedRead {
                uri,
                text: text.map(|text| text.to_string()),
            }
        };
        self.aside(work, lost);
    }

    /// A file under review was read, because nobody has it open any more; `None` when it cannot be read.
    pub(in crate::session) fn reread(&mut self, uri: &str, text: Option<&str>) {
        if self.documents.get(uri).is_some() {
            // Opened again meanwhile.
            return;
        }
        for pending in self.reviews.open.values_mut() {
            for (path, _) in pending.uris.iter().filter(|(_, of)| *of == uri) {
                pending.moves += 1;
                pending.review.catch_up(path, text);
            }
        }
        self.hunks_due(uri);
    }

    /// Shows the hunks in `uri` anew after a pause.
    fn show_hunks_soon(&mut self, uri: &str) {
        if self.reviews.due.iter().any(|due| due == uri) {
            return;
        }
        self.reviews.due.push(uri.to_owned());
        let event = Event::HunksDue {
            uri: uri.to_owned(),
        };
        self.later(SHOWN_AFTER, event);
    }

    pub(in crate::session) fn hunks_due(&mut self, uri: &str) {
        self.reviews.due.retain(|due| due != uri);
        let reviews = self.reviews.in_document(uri);
        // What lands may still be taken back.
        if self.landings.is_empty() {
            for review in &reviews {
                let pending = self.reviews.open.get_mut(review);
                let there = pending.map(|pending| pending.review.settle_there());
                let found = self.reviews.look_for_doubted(*review);
                if found || there.is_some_and(|there| !there.is_empty()) {
                    self.keep_review_up(*review);
                    self.show_review(*review);
                }
            }
        }
        self.show_hunks(uri);
        for review in reviews {
            self.tell_review(review);
            self.look_closer(review);
        }
    }

    /// Finds out, off the loop, which hunks in whose lines something was changed are in conflict, and where
    /// it was only formatting.
    pub(super) fn look_closer(&self, review: JobId) {
        let Some(pending) = self.reviews.get(review) else {
            return;
        };
        let is_touched = |view: &HunkView<'_>| view.state == HunkState::Touched;
        let views = pending.review.hunks().into_iter();
        let touched: Vec<HunkId> = views.filter(is_touched).map(|view| view.id).collect();
        if touched.is_empty() {
            return;
        }
        let (present, moves) = (pending.review.clone(), pending.moves);
        let work = move || {
            let conflicts = present.conflicts();
            let meets = |id: &HunkId| conflicts.iter().any(|it| it.hunks.contains(id));
            Event::FormattingSeen {
                review,
                moves,
                hunks: touched.into_iter().filter(|id| !meets(id)).collect(),
            }
        };
        let lost = Event::FormattingSeen {
            review,
            moves,
            hunks: BTreeSet::new(),
        };
        self.aside(work, lost);
    }

    /// In the lines of these hunks something was changed that was only formatting.
    pub(in crate::session) fn formatting_seen(
        &mut self,
        review: JobId,
        moves: u64,
        hunks: BTreeSet<HunkId>,
    ) {
        let Some(pending) = self.reviews.open.get_mut(&review) else {
            return;
        };
        let seen = (moves, hunks);
        if pending.moves != moves || pending.formatted == seen {
            return;
        }
        let is_news = !(seen.1.is_empty() && pending.formatted.1.is_empty());
        pending.formatted = seen;
        if is_news {
            self.show_review(review);
        }
    }
}
