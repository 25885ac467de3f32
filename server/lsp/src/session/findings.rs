//! Findings: shown at their lines, moved with what is typed, mended, explained or dismissed.
//!
//! A finding is shown for as long as the text holds the lines that it quotes. Where these are gone it waits,
//! unseen, at the place where they were: undoing brings it back. Elsewhere they are looked for only if they
//! were there once, since another line like it may be innocent. What was found in a text that has not landed
//! yet appears when it does.
//! What is dismissed is remembered by file, rule and a print of the lines, also for later sessions.

mod commands;
mod display;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use pleach_agent::{Finder, Finding, FindingReport, QuotableText, is_quote};
use pleach_store::Dismissal;
use pleach_text::{ByteRange, ChangeSet};
use ropey::Rope;

pub(crate) use self::commands::{FindingArguments, FindingCommand};
pub(crate) use self::display::PlacedFinding;
use crate::event::Event;
use crate::session::Session;
use crate::session::documents::WORTH_COMPARING;

/// How long the places may differ from what is shown while somebody types. Editors move what they show by
/// themselves meanwhile.
const SHOWN_AFTER: Duration = Duration::from_millis(200);
/// Findings that are kept at a time; the oldest go first.
const MOST: usize = 2_000;

/// Number of a finding, from 1, for the life of the server.
pub(crate) type FindingId = u64;

/// Everything that was found and is not settled.
#[derive(Default)]
pub(crate) struct Findings {
    known: BTreeMap<FindingId, Known>,
    last: FindingId,
    /// The texts of files that are not open, by their uris.
    closed: BTreeMap<String, Rope>,
    /// What is not to be shown again.
    dismissed: BTreeSet<Dismissal>,
    /// The documents whose findings are to be looked at anew.
    due: BTreeSet<String>,
}

/// A finding and where it is now.
struct Known {
    uri: String,
    finding: Finding,
    finder: Finder,
    /// Who says so.
    engine: String,
    /// Where it was placed, moved along with what was typed since; `None` while it never was, or its place
    /// is lost.
    at: Option<ByteRange>,
    /// Whether its lines are there.
    is_there: bool,
    /// Whether its lines may be looked for anew.
    search: Search,
}

/// Where the lines of a finding may be looked for, when they are not where it was placed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    /// It has not been placed: at the line that was told, or where they are once.
    First,
    /// They were in the text once when it was placed: where they are once.
    Only,
    /// Another place with the same lines may be innocent.
    No,
}

impl Known {
    /// Its place in the present text; `None` while that does not hold its lines.
    fn shown(&self) -> Option<ByteRange> {
        self.at.filter(|_| self.is_there)
    }

    /// Places it where the text holds its lines, if it may be looked for.
    fn look_for(&mut self, lines: &QuotableText<'_>) {
        let quote = &self.finding.quote;
        let only = lines.find_only(quote);
        let found = match self.search {
            Search::First => lines.find(self.finding.line, quote),
            Search::Only => only,
            Search::No => None,
        };
        self.is_there = found.is_some();
        if found.is_some() {
            self.at = found;
            self.search = Search::after(found, only);
        }
    }

    fn dismissal(&self) -> Dismissal {
        Dismissal {
            path: self.finding.path.clone(),
            rule: self.finding.rule.clone(),
            fingerprint: self.finding.fingerprint(),
        }
    }
}

impl Session {
    /// Takes over what a job has found, in the place of what was found there before. Answers what is told of
    /// it.
    pub(in crate::session) fn take_findings(
        &mut self,
        report: &FindingReport,
        here: Option<&str>,
        engine: &str,
    ) -> String {
        let snapshot = self.snapshot();
        let mut concerned = BTreeSet::new();
        let mut files = BTreeMap::new();
        let paths = report.findings.iter().map(|it| &it.path);
        for path in report.looked_at.keys().chain(paths) {
            if files.contains_key(path.as_str()) {
                continue;
            }
            let named = snapshot.uri_to_read(path).ok();
            let is_here = |uri: &&str| snapshot.name_to_read(uri).is_ok_and(|name| name == *path);
            let uri = named.or_else(|| here.filter(is_here).map(str::to_owned));
            if let Some(uri) = uri.map(|uri| self.uri_with_findings(path, uri)) {
                let text = report.texts.get(path).map(|text| &**text);
                files.insert(path.as_str(), self.file_looked_at(uri, text));
            }
        }
        if report.finder == Finder::Tests {
            // A run of the tests says something about all of them.
            concerned.extend(self.forget_findings(|known| known.finder == Finder::Tests));
        }
        for (path, part) in &report.looked_at {
            let Some(file) = files.get(path.as_str()) else {
                continue;
            };
            let part = part.map(|part| file.moved(part));
            concerned.extend(self.forget_findings(|known| {
                known.uri == file.uri
                    && known.finder == report.finder
                    && match (part, known.at) {
                        (Some(part), Some(at)) => part.touches(at),
                        _ => true,
                    }
            }));
        }
        let mut dismissed = 0;
        for finding in &report.findings {
            let Some(file) = files.get(finding.path.as_str()) else {
                continue;
            };
            if self.documents.get(&file.uri).is_none()
                && let Some(text) = report.texts.get(&finding.path)
            {
                self.findings
                    .closed
                    .insert(file.uri.clone(), Rope::from_str(text));
            }
            let only = file.lines.as_ref();
            let only = only.and_then(|lines| lines.find_only(&finding.quote));
            let known = Known {
                uri: file.uri.clone(),
                finding: finding.clone(),
                finder: report.finder,
                engine: engine.to_owned(),
                at: finding.range.map(|range| file.moved(range)),
                is_there: false,
                search: Search::after(finding.range, only),
            };
            if self.findings.dismissed.contains(&known.dismissal()) {
                dismissed += 1;
                continue;
            }
            self.findings.last += 1;
            let id = self.findings.last;
            self.findings.known.insert(id, known);
            concerned.insert(file.uri.clone());
        }
        while self.findings.known.len() > MOST {
            if let Some((_, gone)) = self.findings.known.pop_first() {
                concerned.insert(gone.uri);
            }
        }
        for uri in concerned {
            self.look_for_findings(&uri);
        }
        match dismissed {
            0 => report.outcome(),
            count => format!("{}; {count} dismissed before", report.outcome()),
        }
    }

    /// The uri that the findings of a file are at: `uri`, as Pleach spells it, unless it is not open and was
    /// open under another spelling when they were found.
    fn uri_with_findings(&self, name: &str, uri: String) -> String {
        if self.documents.get(&uri).is_some() {
            return uri;
        }
        let mut known = self.findings.known.values();
        let here = known.find(|known| known.finding.path == name);
        here.map_or(uri, |known| known.uri.clone())
    }

    /// A file as it was looked at, `text`, and what has become of that since.
    fn file_looked_at<'t>(&self, uri: String, text: Option<&'t str>) -> LookedAt<'t> {
        let document = self.documents.get(&uri);
        let since = document
            .zip(text)
            .and_then(|(document, text)| between(&Rope::from_str(text), &document.text));
        LookedAt {
            uri,
            lines: text.map(QuotableText::of),
            since,
        }
    }

    /// Forgets findings, and answers in which documents they were.
    fn forget_findings(&mut self, unwanted: impl Fn(&Known) -> bool) -> Vec<String> {
        let gone = self
            .findings
            .known
            .extract_if(.., |_, known| unwanted(known));
        gone.map(|(_, known)| known.uri).collect()
    }

    /// The document `uri` went on from the text that had `revision`: what was found in it moves along.
    pub(in crate::session) fn findings_follow(&mut self, uri: &str, revision: u64) {
        let known = self.findings.known.values_mut();
        let mut here = known.filter(|known| known.uri == uri).peekable();
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        if here.peek().is_none() {
            return;
        }
        let changes = document.changes_since(revision);
        for known in here {
            let moved = known.at.zip(changes.as_ref()).map(|(at, changes)| {
                changes
                    .iter()
                    .fold(at, |range, change| change.map_range(range))
            });
            known.at = moved;
        }
        self.look_for_findings_soon(uri);
    }

    /// The document `uri` was opened, perhaps under another spelling of its uri than before, and perhaps
    /// with another text than its file had.
    pub(in crate::session) fn findings_opened(&mut self, uri: &str) {
        if self.findings.known.is_empty() {
            return;
        }
        let name = self.snapshot().name_to_read(uri).ok();
        let is_here =
            |known: &Known| known.uri == uri || name.as_ref() == Some(&known.finding.path);
        let here = self.findings.known.values().filter(|known| is_here(known));
        let spelt: BTreeSet<String> = here.map(|known| known.uri.clone()).collect();
        let Some(document) = self.documents.get(uri).filter(|_| !spelt.is_empty()) else {
            return;
        };
        let mut since = BTreeMap::new();
        for spelling in &spelt {
            let closed = self.findings.closed.remove(spelling);
            let change = closed.and_then(|closed| between(&closed, &document.text));
            since.extend(change.map(|change| (spelling.as_str(), change)));
        }
        for known in self.findings.known.values_mut().filter(|it| is_here(it)) {
            if let Some(since) = since.get(known.uri.as_str()) {
                known.at = known.at.map(|at| since.map_range(at));
            }
            uri.clone_into(&mut known.uri);
        }
        for spelling in spelt.iter().filter(|spelling| *spelling != uri) {
            // What is shown at another spelling is shown at this one.
            self.show_findings(spelling);
        }
        self.look_for_findings_soon(uri);
    }

    /// The document `uri` was closed: what was found stays where it was in its last text.
    pub(in crate::session) fn findings_closed(&mut self, uri: &str, text: Rope) {
        if self.findings.known.values().any(|known| known.uri == uri) {
            self.findings.closed.insert(uri.to_owned(), text);
        }
    }

    fn look_for_findings_soon(&mut self, uri: &str) {
        if self.findings.due.insert(uri.to_owned()) {
            let uri = uri.to_owned();
            self.later(SHOWN_AFTER, Event::FindingsDue { uri });
        }
    }

    /// Finds out which findings the present text of a document holds, and shows them.
    pub(in crate::session) fn look_for_findings(&mut self, uri: &str) {
        self.findings.due.remove(uri);
        if let Some(text) = self.text_with_findings(uri) {
            let mut sought = Vec::new();
            for known in self.findings.known.values_mut().filter(|it| it.uri == uri) {
                let quote = &known.finding.quote;
                known.is_there = known
                    .at
                    .and_then(|at| text.get_byte_slice(at.as_usize()))
                    .is_some_and(|part| is_quote(&part.to_string(), quote));
                if !known.is_there && known.search != Search::No {
                    sought.push(known);
                }
            }
            // Put together only where something has to be looked for.
            if !sought.is_empty() {
                let text = text.to_string();
                let lines = QuotableText::of(&text);
                for known in sought {
                    known.look_for(&lines);
                }
            }
        }
        self.show_findings(uri);
    }

    /// The text that the findings in `uri` are shown in.
    fn text_with_findings(&self, uri: &str) -> Option<Rope> {
        let document = self.documents.get(uri).map(|document| &document.text);
        document.or_else(|| self.findings.closed.get(uri)).cloned()
    }

    /// A finding is not to be shown again, in this session and later ones; nor its like in that file.
    fn dismiss_finding(&mut self, id: FindingId) {
        let Some(known) = self.findings.known.get(&id) else {
            return;
        };
        let (what, uri) = (known.dismissal(), known.uri.clone());
        self.forget_findings(|known| known.dismissal() == what);
        self.findings.dismissed.insert(what.clone());
        self.show_findings(&uri);
        let Some(folder) = self.kept_folder() else {
            return;
        };
        let now = SystemTime::now();
        self.keeper
            .put(move |shelf| shelf.store.dismiss(&folder, &what, now).map(|()| None));
    }

    /// What was dismissed may be found again, with `path` in that file only. Answers how many it were.
    fn take_dismissals_back(&mut self, path: Option<&str>) -> usize {
        let before = self.findings.dismissed.len();
        self.findings
            .dismissed
            .retain(|it| path.is_some_and(|path| it.path != path));
        if let Some(folder) = self.kept_folder() {
            let path = path.map(str::to_owned);
            self.keeper.put(move |shelf| {
                let gone = shelf.store.take_dismissals_back(&folder, path.as_deref())?;
                tracing::debug!(gone, "dismissals were taken back");
                Ok(None)
            });
        }
        before - self.findings.dismissed.len()
    }

    /// What was dismissed in earlier sessions.
    pub(in crate::session) fn dismissals_loaded(&mut self, dismissed: Vec<Dismissal>) {
        self.findings.dismissed.extend(dismissed);
    }

    /// What mends a finding has landed.
    pub(in crate::session) fn finding_mended(&mut self, id: FindingId) {
        if let Some(known) = self.findings.known.remove(&id) {
            self.show_findings(&known.uri);
        }
    }
}

impl Search {
    /// How a finding that was placed `at` is looked for later, when `only` is where its lines are if that is
    /// one place.
    fn after(at: Option<ByteRange>, only: Option<ByteRange>) -> Self {
        match (at, only) {
            (None, _) => Self::First,
            (Some(_), Some(_)) => Self::Only,
            (Some(_), None) => Self::No,
        }
    }
}

/// What was changed between two texts of a file, if anything was and they are short enough to tell.
fn between(then: &Rope, now: &Rope) -> Option<ChangeSet> {
    let is_short = then.len_bytes().max(now.len_bytes()) <= WORTH_COMPARING;
    (is_short && then != now).then(|| ChangeSet::between(&then.to_string(), &now.to_string()))
}

/// A file as it was when something was found in it.
struct LookedAt<'t> {
    uri: String,
    /// The text's lines; `None` where it is not told.
    lines: Option<QuotableText<'t>>,
    /// What was changed in it since, if anything was and that can be told.
    since: Option<ChangeSet>,
}

impl LookedAt<'_> {
    /// Where a range of its text is in the present one.
    fn moved(&self, range: ByteRange) -> ByteRange {
        let since = self.since.as_ref();
        since.map_or(range, |since| since.map_range(range))
    }
}
