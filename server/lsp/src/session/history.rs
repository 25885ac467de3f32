//! What landed, so that an edit can be undone later while what was typed since is kept.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use jiff::tz::TimeZone;
use pleach_edit::{FileChange, Proposal};
use pleach_store::{LandingEntry, LandingId};
use pleach_workspace::{WorkspaceSnapshot, path_from_uri};
use serde_json::{Value, json};

use crate::event::JobId;
use crate::session::Session;
use crate::session::documents::Document;
use crate::session::messages::page_name;

/// How many landed edits are remembered.
pub(super) const REMEMBERED: usize = 50;
/// How many bytes of text the remembered edits may hold together.
const REMEMBERED_BYTES: usize = 64 << 20;

/// The landed edits, oldest first.
#[derive(Default)]
pub(crate) struct History {
    landed: VecDeque<Landed>,
    last: u64,
}

/// One landed edit.
pub(crate) struct Landed {
    /// Its number, for the life of the server.
    pub(crate) number: u64,
    /// What it was, as the person knows it.
    pub(crate) title: String,
    pub(crate) when: SystemTime,
    /// The files it touched, by their names before.
    files: Vec<String>,
    /// Where these files are.
    places: BTreeSet<String>,
    what: What,
    /// The edit that this one took back.
    pub(crate) undoes: Option<u64>,
    /// Whether it was taken back itself.
    pub(crate) undone: bool,
}

/// Exactly what landed.
enum What {
    /// In this session.
    Here(Proposal),
    /// In an earlier one: the store has it.
    Kept(LandingId),
}

/// An edit that landed in an earlier session, as the store lists it.
pub(crate) struct KeptLanding {
    entry: LandingEntry,
    places: BTreeSet<String>,
}

impl KeptLanding {
    /// An entry of the store with where its files are now.
    pub(super) fn of(entry: LandingEntry, snapshot: &WorkspaceSnapshot) -> Self {
        let uris = entry
            .paths
            .iter()
            .filter_map(|path| snapshot.uri_of(path).ok());
        let places = uris.map(|uri| place_of(&uri)).collect();
        Self { entry, places }
    }
}

/// The place of a document, however the client spells its uri.
fn place_of(uri: &str) -> String {
    path_from_uri(uri).map_or_else(|| uri.to_owned(), camino::Utf8PathBuf::into_string)
}

impl Landed {
    /// What landed, if it is in memory.
    pub(super) fn proposal(&self) -> Option<&Proposal> {
        match &self.what {
            What::Here(proposal) => Some(proposal),
            What::Kept(_) => None,
        }
    }

    /// What takes it back; for an edit of an earlier session, the number that the store has it under.
    pub(super) fn inverse(&self) -> Result<Proposal, LandingId> {
        match &self.what {
            What::Here(proposal) => Ok(proposal.inverse()),
            What::Kept(id) => Err(*id),
        }
    }

    /// What its inverse is called.
    pub(crate) fn undo_title(&self) -> String {
        match self.title.strip_prefix(UNDO) {
            Some(title) => format!("{REDO}{title}"),
            None => format!("{UNDO}{}", self.title.trim_start_matches(REDO)),
        }
    }
}

const UNDO: &str = "Undo: ";
const REDO: &str = "Redo: ";

impl History {
    /// Remembers an edit that landed in the documents `uris`, and gives its number; `undoes` is the one
    /// that it took back, if it did.
    pub(crate) fn push(
        &mut self,
        title: String,
        proposal: Proposal,
        uris: &BTreeSet<String>,
        undoes: Option<u64>,
    ) -> u64 {
        if let Some(taken_back) = undoes {
            self.mark_undone(taken_back);
        }
        self.last += 1;
        let files = proposal.files().iter();
        self.landed.push_back(Landed {
            number: self.last,
            title,
            when: SystemTime::now(),
            files: files.map(|file| file.path().to_owned()).collect(),
            places: uris.iter().map(|uri| place_of(uri)).collect(),
            what: What::Here(proposal),
            undoes,
            undone: false,
        });
        let mut bytes: usize = self.landed.iter().map(size).sum();
        // The newest always stays: it is the one that is undone.
        while self.landed.len() > 1 && (self.landed.len() > REMEMBERED || bytes > REMEMBERED_BYTES)
        {
            bytes -= self.landed.pop_front().as_ref().map_or(0, size);
        }
        self.last
    }

    /// Puts what landed in earlier sessions, newest first, before all that landed in this one. Answers
    /// under which number each of them goes here.
    pub(super) fn put_before(&mut self, kept: Vec<KeptLanding>) -> Vec<(u64, LandingId)> {
        let first = self.last + 1;
        let count = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        self.last = self.last.saturating_add(count);
        let ids = kept.iter().rev().map(|kept| kept.entry.id);
        let numbers: Vec<(u64, LandingId)> = (first..).zip(ids).collect();
        let number_of = |id: LandingId| {
            let found = numbers.iter().find(|(_, of)| *of == id);
            found.map(|(number, _)| *number)
        };
        for KeptLanding { entry, places } in kept {
            self.landed.push_front(Landed {
                number: number_of(entry.id).unwrap_or_default(),
                title: entry.title,
                when: entry.at,
                files: entry.paths,
                places,
                what: What::Kept(entry.id),
                undoes: entry.undoes.and_then(number_of),
                undone: entry.undone_at.is_some(),
            });
        }
        numbers
    }

    /// The number here of what the store keeps under the number `id`.
    pub(super) fn number_of(&self, id: i64) -> Option<u64> {
        let is_it = |landed: &&Landed| matches!(landed.what, What::Kept(kept) if kept.0 == id);
        self.landed.iter().find(is_it).map(|landed| landed.number)
    }

    fn mark_undone(&mut self, number: u64) {
        for landed in &mut self.landed {
            landed.undone |= landed.number == number;
        }
    }

    /// The landed edits, newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Landed> {
        self.landed.iter().rev()
    }

    /// The edit with this number, unless it was undone.
    pub(crate) fn get(&self, number: u64) -> Option<&Landed> {
        self.landed
            .iter()
            .find(|landed| landed.number == number && !landed.undone)
    }

    /// How many edits can be undone.
    pub(crate) fn len(&self) -> usize {
        self.landed.iter().filter(|landed| is_open(landed)).count()
    }

    /// The title of the last edit that touched `uri`.
    pub(crate) fn last_in(&self, uri: &str) -> Option<&str> {
        self.find(Some(uri)).map(|landed| landed.title.as_str())
    }

    /// The newest edit of a title that is wanted and that nobody has taken back.
    pub(crate) fn open_entry(&self, wanted: impl Fn(&str) -> bool) -> Option<u64> {
        self.entries()
            .filter(|landed| is_open(landed))
            .find(|landed| wanted(landed.title.trim_start_matches(REDO)))
            .map(|landed| landed.number)
    }

    /// The last edit, or the last that touched `uri`. What was undone, and the undoing itself, do not
    /// count: asked again, it is the edit before that is undone.
    pub(crate) fn find(&self, uri: Option<&str>) -> Option<&Landed> {
        let place = uri.map(place_of);
        self.entries()
            .filter(|landed| is_open(landed))
            .find(|landed| {
                place
                    .as_ref()
                    .is_none_or(|place| landed.places.contains(place))
            })
    }
}

/// Whether undoing one edit after the other comes to this one. An undo that was undone has brought the
/// edit back, under the number of that second undo.
fn is_open(landed: &Landed) -> bool {
    !landed.undone && !landed.title.starts_with(UNDO)
}

/// How much of memory its texts take.
fn size(landed: &Landed) -> usize {
    let files = landed.proposal().map_or(&[][..], Proposal::files);
    files.iter().map(FileChange::size).sum()
}

impl Session {
    /// Remembers what a job landed in the documents `uris`, here and for a later session; `review` is
    /// where its hunks come from, if they do.
    pub(super) fn remember(
        &mut self,
        job: JobId,
        title: String,
        landed: Proposal,
        uris: &BTreeSet<String>,
        undoes: Option<u64>,
        review: Option<JobId>,
    ) {
        let number = self.history.push(title, landed, uris, undoes);
        self.keep_landing(number, job, review);
    }

    /// What `pleach.history` answers. A client without a list of its own is shown a page, on whose lines
    /// the menu undoes.
    pub(super) fn show_history(&mut self) -> Value {
        let entries: Vec<Value> = self
            .history
            .entries()
            .map(|landed| {
                json!({
                    "entry": landed.number, "title": landed.title, "when": stamp(landed.when),
                    "files": landed.files, "undone": landed.undone, "undoes": landed.undoes,
                })
            })
            .collect();
        if !self.client.job_events {
            let page = page(&self.history);
            self.show_page("the history", PAGE, move || Ok(page));
        }
        Value::Array(entries)
    }

    /// The landed edit that a line of the history's page is about.
    pub(super) fn entry_at(&self, document: &Document, line: &str) -> Option<(u64, String)> {
        if document.path.as_ref()?.file_name()? != page_name(PAGE) {
            return None;
        }
        let (number, _) = line.strip_prefix("- [")?.split_once(']')?;
        let landed = self.history.get(number.parse().ok()?)?;
        Some((landed.number, landed.undo_title()))
    }
}

/// The page of the history.
const PAGE: &str = "history.md";

fn page(history: &History) -> String {
    let mut page = "# What Pleach landed\n\n\
                    The menu of actions on a line undoes that edit and keeps what was typed since.\n\n"
        .to_owned();
    for landed in history.entries() {
        let undone = if landed.undone { " (undone)" } else { "" };
        page = format!(
            "{page}- [{}] {} · {} · {}{undone}\n",
            landed.number,
            stamp(landed.when),
            landed.title,
            landed.files.join(", "),
        );
    }
    if history.landed.is_empty() {
        page.push_str("Nothing yet.\n");
    }
    page
}

fn stamp(when: SystemTime) -> String {
    match jiff::Timestamp::try_from(when) {
        Ok(when) => when
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use pleach_edit::{EditRequest, propose};

    use super::*;

    fn edit() -> Proposal {
        let files = BTreeMap::from([("a.txt".to_owned(), "a\n".to_owned())]);
        let reply = "a.txt\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n";
        propose(&EditRequest::new(reply, &files)).unwrap()
    }

    fn undo(history: &mut History, number: u64) {
        let landed = history.get(number).unwrap();
        let (title, proposal) = (landed.undo_title(), landed.proposal().unwrap().inverse());
        history.push(title, proposal, &BTreeSet::new(), Some(number));
    }

    #[test]
    fn undo_goes_back_step_by_step_and_can_be_undone_itself() {
        let mut history = History::default();
        history.push("one".into(), edit(), &BTreeSet::new(), None);
        history.push("two".into(), edit(), &BTreeSet::new(), None);
        undo(&mut history, 2);
        assert_eq!(history.find(None).unwrap().title, "one");
        assert!(history.get(2).is_none(), "undone once");
        // The undo has the number 3.
        undo(&mut history, 3);
        let back = history.find(None).unwrap();
        assert_eq!((back.title.as_str(), back.number), ("Redo: two", 4));
        undo(&mut history, 4);
        undo(&mut history, 1);
        assert!(history.find(None).is_none());
        assert_eq!(history.len(), 0);
    }
}
