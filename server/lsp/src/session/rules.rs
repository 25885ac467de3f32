//! The rules that a project keeps for agents: what is wrong in such a file while it is written, and
//! which of them hold for a document.

use pleach_policy::{RuleFile, is_rule_file};
use serde_json::{Value, json};

use crate::session::Session;
use crate::session::commands::{CommandFailure, Place};
use crate::session::diagnostics::Speaker;
use crate::to_proto;

/// The head of a file of rules ends before this, in characters: what a keystroke costs is bounded.
const HEAD: usize = 8 * 1024;

impl Session {
    /// Shows what is wrong in the head of an open file of rules.
    pub(super) fn check_open_rules(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let Some(name) = self.rule_file(uri) else {
            return;
        };
        let head = document
            .text
            .get_slice(..document.text.len_chars().min(HEAD));
        let head = head.map(|head| head.to_string()).unwrap_or_default();
        let Some(rule) = RuleFile::read(&name, &head) else {
            return;
        };
        let diagnostics: Vec<Value> = rule
            .problems
            .iter()
            .map(|problem| {
                json!({
                    "range": to_proto::range(&document.text, problem.at, self.client.encoding),
                    "severity": if problem.fatal { 1 } else { 2 },
                    "code": "rules",
                    "source": to_proto::SOURCE,
                    "message": problem.message,
                })
            })
            .collect();
        self.publish(uri, Speaker::Rules, diagnostics);
    }

    /// Takes away what was shown in a file of rules that is no longer open: it may not have been saved.
    pub(super) fn rules_closed(&mut self, uri: &str) {
        self.publish(uri, Speaker::Rules, Vec::new());
    }

    /// What an open document is called in its workspace folder, if it is a file of rules.
    fn rule_file(&self, uri: &str) -> Option<String> {
        let path = self.documents.get(uri)?.path.as_ref()?;
        // Asked at each keystroke, in every file.
        if !matches!(path.extension(), Some("md" | "mdc")) {
            return None;
        }
        let roots = self.configuration.roots().iter();
        roots
            .filter_map(|root| path.strip_prefix(root).ok())
            .map(|name| name.as_str().to_owned())
            .find(|name| is_rule_file(name))
    }

    /// Shows which rules hold for the document at `place`, and why: a page to read.
    pub(super) fn show_rules_of(&self, place: &Place) -> Result<Value, CommandFailure> {
        let snapshot = self.snapshot();
        let path = snapshot
            .name_to_read(&place.uri)
            .map_err(CommandFailure::Denied)?;
        self.show_page("the rules", "rules.md", move || {
            let rules = pleach_agent::rules_for(&snapshot, &path);
            Ok(pleach_agent::rules_page(&rules, &path))
        });
        Ok(Value::Null)
    }
}
