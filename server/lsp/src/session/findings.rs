//! Findings: shown at their lines, moved with what is typed, mended, explained or dismissed.
//!
//! A finding is shown for as long as the text holds the lines that it quotes. Where these are gone it waits,
//! unseen: undoing brings it back, and what was found in a text that has not landed yet appears when it does.
//! What is dismissed is remembered by file, rule and a print of the lines, also for later sessions.

mod commands;
mod display;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pleach_agent::{Finder, Finding, FindingReport, find_quote, is_quote};
use pleach_store::Dismissal;
use pleach_text::{ByteRange, ChangeSet};
use ropey::Rope;

pub(crate) use self::commands::{FindingArguments, FindingCommand};
pub(crate) use self::display::PlacedFinding;
use crate::event::{Event, JobId};
use crate::session::Session;

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
    /// The jobs that mend a finding.
    mending: BTreeMap<JobId, FindingId>,
    /// What came of the jobs that looked, in one line, until they end.
    pub(super) told: BTreeMap<JobId, String>,
    /// Those of them whose page alone says what is wrong.
    pub(super) untold: BTreeSet<JobId>,
}

/// A finding and where it is now.
struct Known {
    uri: String,
    finding: Finding,
    finder: Finder,
    /// Who says so.
    engine: String,
    /// Its place in the present text; `None` while that does not hold its lines.
    at: Option<ByteRange>,
}

impl Known {
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
        let uri_of = |path: &str| {
            let named = snapshot.uri_of(path).ok();
            let is_here = |uri: &&str| snapshot.name_to_read(uri).is_ok_and(|name| name == path);
            named.or_else(|| here.filter(is_here).map(str::to_owned))
        };
        if report.finder == Finder::Tests {
            // A run of the tests says something about all of them.
            concerned.extend(self.forget_findings(|known| known.finder == Finder::Tests));
        }
        for (path, part) in &report.looked_at {
            let Some(uri) = uri_of(path) else { continue };
            let part = part.map(|part| self.moved_since(&uri, report.texts.get(path), part));
            concerned.extend(self.forget_findings(|known| {
                known.uri == uri
                    && known.finder == report.finder
                    && match (part, known.at) {
                        (Some(part), Some(at)) => part.touches(at),
                        _ => true,
                    }
            }));
        }
        let mut dismissed = 0;
        for finding in &report.findings {
            let Some(uri) = uri_of(&finding.path) else {
                continue;
            };
            let text = report.texts.get(&finding.path);
            if self.documents.get(&uri).is_none()
                && let Some(text) = text
            {
                self.findings
                    .closed
                    .insert(uri.clone(), Rope::from_str(text));
            }
            let at = finding
                .range
                .map(|range| self.moved_since(&uri, text, range));
            let known = Known {
                uri: uri.clone(),
                finding: finding.clone(),
                finder: report.finder,
                engine: engine.to_owned(),
                at,
            };
            if self.findings.dismissed.contains(&known.dismissal()) {
                dismissed += 1;
                continue;
            }
            self.findings.last += 1;
            let id = self.findings.last;
            self.findings.known.insert(id, known);
            concerned.insert(uri);
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

    /// Where a range of `text`, an earlier text of `uri`, is in the present one.
    fn moved_since(&self, uri: &str, text: Option<&Arc<str>>, range: ByteRange) -> ByteRange {
        let (Some(document), Some(text)) = (self.documents.get(uri), text) else {
            return range;
        };
        if document.text == **text {
            return range;
        }
        ChangeSet::between(text, &document.text.to_string()).map_range(range)
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
        if self.findings.known.is_empty() {
            return;
        }
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let changes = document.changes_since(revision);
        let mut concerned = false;
        for known in self.findings.known.values_mut().filter(|it| it.uri == uri) {
            concerned = true;
            let moved = known.at.zip(changes.as_ref()).map(|(at, changes)| {
                changes
                    .iter()
                    .fold(at, |range, change| change.map_range(range))
            });
            known.at = moved;
        }
        if concerned {
            self.look_for_findings_soon(uri);
        }
    }

    /// The document `uri` was opened, perhaps with another text than its file had.
    pub(in crate::session) fn findings_opened(&mut self, uri: &str) {
        self.findings.closed.remove(uri);
        if self.findings.known.values().any(|known| known.uri == uri) {
            self.look_for_findings_soon(uri);
        }
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
            // Put together only where something has to be looked for.
            let mut whole = None;
            for known in self.findings.known.values_mut().filter(|it| it.uri == uri) {
                let quote = &known.finding.quote;
                let is_there = known
                    .at
                    .and_then(|at| text.get_byte_slice(at.as_usize()))
                    .is_some_and(|part| is_quote(&part.to_string(), quote));
                if !is_there {
                    let whole = whole.get_or_insert_with(|| text.to_string());
                    known.at = find_quote(whole, known.finding.line, quote);
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

    /// A job has ended: what it mended, it has mended.
    pub(in crate::session) fn mending_ended(&mut self, job: JobId, has_landed: bool) {
        let Some(id) = self.findings.mending.remove(&job) else {
            return;
        };
        if has_landed && let Some(known) = self.findings.known.remove(&id) {
            self.show_findings(&known.uri);
        }
    }
}
