//! Entries for findings: what can be done about each that is at the place.

use lsp_types::Diagnostic;
use serde_json::json;

use super::{Entries, shortened};
use crate::session::findings::{FindingCommand, PlacedFinding};
use crate::to_proto::SOURCE;

/// How many findings get entries of their own.
const MOST: usize = 5;

impl Entries<'_> {
    pub(super) fn findings(&mut self) {
        let context = self.context;
        for found in context.findings.iter().take(MOST) {
            let message = shortened(&found.message, 50);
            let arguments = json!({"finding": found.id});
            let diagnostics: Vec<&Diagnostic> = context
                .diagnostics
                .iter()
                .filter(|it| is_of(it, found))
                .collect();
            let mut add = |command: FindingCommand, title: String| {
                let arguments = arguments.clone();
                let kind = "quickfix.pleach.finding";
                self.entry(kind, command.command(), title, arguments, &diagnostics);
            };
            if context.may_edit && context.model {
                add(FindingCommand::Fix, format!("Fix with Pleach: {message}"));
            }
            add(FindingCommand::Dismiss, format!("Dismiss: {message}"));
            add(FindingCommand::Explain, format!("Explain: {message}"));
        }
    }
}

/// Whether a diagnostic that the editor shows is this finding.
fn is_of(diagnostic: &Diagnostic, found: &PlacedFinding) -> bool {
    if diagnostic.source.as_deref() != Some(SOURCE) {
        return false;
    }
    let data = serde_json::to_value(&diagnostic.data).unwrap_or_default();
    match data.get("finding") {
        Some(id) => *id == json!(found.id),
        None => crate::from_proto::message(&diagnostic.message).starts_with(&found.message),
    }
}
