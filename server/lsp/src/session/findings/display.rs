//! How findings are shown: as diagnostics, as entries of the menu, as a list for plugins, and as a page.

use pleach_agent::{Finder, FindingSeverity};
use pleach_text::ByteRange;
use serde_json::{Value, json};

use super::{FindingId, Known};
use crate::session::Session;
use crate::session::diagnostics::Speaker;
use crate::session::documents::lines_of;
use crate::to_proto;

/// A finding in one document, as the menu needs it.
#[derive(Debug, Clone)]
pub(crate) struct PlacedFinding {
    pub(crate) id: FindingId,
    pub(crate) message: String,
}

impl Session {
    /// Publishes what was found in `uri`, or takes the last of it away.
    pub(super) fn show_findings(&mut self, uri: &str) {
        let diagnostics = self.finding_diagnostics(uri);
        self.publish(uri, Speaker::Findings, diagnostics);
        if self.findings.known.values().all(|known| known.uri != uri) {
            self.findings.closed.remove(uri);
        }
    }

    fn finding_diagnostics(&self, uri: &str) -> Vec<Value> {
        let here = self.findings.known.iter().filter(|(_, it)| it.uri == uri);
        here.filter_map(|(id, known)| self.diagnostic_of(*id, known))
            .collect()
    }

    /// A finding as a diagnostic; `None` while the text does not hold its lines.
    pub(super) fn diagnostic_of(&self, id: FindingId, known: &Known) -> Option<Value> {
        let text = self.text_with_findings(&known.uri)?;
        let range = to_proto::range(&text, known.shown()?, self.client.encoding);
        let finding = &known.finding;
        let who = match known.finder {
            Finder::Review => "reviewer",
            Finder::Tests => "tests",
        };
        let by: Vec<&str> = [who, known.engine.as_str()]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let mut message = format!("{} ({})", finding.message, by.join(" · "));
        if !finding.why.is_empty() {
            message.push('\n');
            message.push_str(&finding.why);
        }
        Some(json!({
            "range": range, "severity": number(finding.severity), "source": to_proto::SOURCE,
            "code": finding.rule, "message": message, "data": {"finding": id},
        }))
    }

    /// What was found in the lines that `range` of a document touches.
    pub(crate) fn findings_at(&self, uri: &str, range: ByteRange) -> Vec<PlacedFinding> {
        let Some(text) = self.text_with_findings(uri) else {
            return Vec::new();
        };
        let wanted = lines_of(&text, range);
        let is_wanted = |at: ByteRange| lines_of(&text, at).touches(wanted);
        let here = self.findings.known.iter().filter(|(_, it)| it.uri == uri);
        here.filter(|(_, known)| known.shown().is_some_and(is_wanted))
            .map(|(id, known)| PlacedFinding {
                id: *id,
                message: known.finding.message.clone(),
            })
            .collect()
    }

    /// What `pleach.findings` answers, and shows on a page.
    pub(super) fn list_findings(&self) -> Value {
        let all = self.findings.known.iter();
        let list: Vec<Value> = all
            .map(|(id, known)| {
                let finding = &known.finding;
                let shown = self.diagnostic_of(*id, known);
                json!({
                    "finding": id, "uri": known.uri, "path": finding.path, "line": self.line_of(known),
                    "range": shown.and_then(|it| it.get("range").cloned()),
                    "severity": finding.severity.name(), "rule": finding.rule,
                    "message": finding.message, "why": finding.why, "fix": finding.fix,
                    "engine": known.engine,
                })
            })
            .collect();
        let mut page = "# Findings\n".to_owned();
        for known in self.findings.known.values() {
            page = format!("{page}\n{}", self.page_of(known));
        }
        if list.is_empty() {
            page.push_str("\nNone.\n");
        }
        self.show_page("what was found", "findings.md", || Ok(page));
        Value::Array(list)
    }

    /// The line that a finding is at now, counted from 1.
    fn line_of(&self, known: &Known) -> usize {
        let text = self.text_with_findings(&known.uri);
        let line = known.shown().zip(text).and_then(|(at, text)| {
            (at.start.0 <= text.len_bytes()).then(|| text.byte_to_line(at.start.0) + 1)
        });
        line.unwrap_or(known.finding.line)
    }

    fn page_of(&self, known: &Known) -> String {
        let mut finding = known.finding.clone();
        finding.line = self.line_of(known);
        finding.page()
    }

    /// Says on a page what is known of a finding.
    pub(super) fn explain_finding(&self, id: FindingId) {
        if let Some(known) = self.findings.known.get(&id) {
            let page = format!("# A finding of {}\n\n{}", known.engine, self.page_of(known));
            self.show_page("the finding", &format!("finding-{id}.md"), || Ok(page));
        }
    }
}

/// As the protocol numbers it.
fn number(severity: FindingSeverity) -> u8 {
    match severity {
        FindingSeverity::Error => 1,
        FindingSeverity::Warning => 2,
        FindingSeverity::Info => 3,
        FindingSeverity::Hint => 4,
    }
}
