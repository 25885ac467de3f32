//! The entries of the menu that are about plans.

use lsp_types::{CodeAction, CodeActionKind, CodeActionParams, Command};
use pleach_agent::Action;
use pleach_agent::builtin;
use pleach_grammars::Language;
use pleach_text::ByteRange;
use serde_json::{Value, json};

use super::StepRef;
use super::display::offers;
use crate::actions::{asked_for, shortened};
use crate::from_proto;
use crate::session::Session;

/// The kind of these entries.
const KIND: &str = "refactor.pleach.plan";
/// The mark of a comment that asks for a plan.
const COMMENT: &str = "ai-plan:";

impl Session {
    /// The entries for a place in a plan, or for making a plan from a place.
    pub(in crate::session) fn plan_entries(
        &mut self,
        params: &CodeActionParams,
        range: ByteRange,
        in_symbol: bool,
    ) -> Vec<CodeAction> {
        if !asked_for(params.context.only.as_deref(), KIND) {
            return Vec::new();
        }
        let uri = &params.text_document.uri.0;
        let entries = match self.plan_path(uri) {
            Some(path) => self.step_entries(uri, &path, range),
            None => self.making_entries(params, range, in_symbol),
        };
        entries
            .into_iter()
            .map(|(title, command, arguments)| CodeAction {
                title: title.clone(),
                kind: Some(CodeActionKind::Custom(KIND.into())),
                command: Some(Command {
                    title,
                    tooltip: None,
                    command: command.into(),
                    arguments: Some(vec![arguments]),
                }),
                ..CodeAction::default()
            })
            .collect()
    }

    fn step_entries(
        &mut self,
        uri: &str,
        path: &str,
        range: ByteRange,
    ) -> Vec<(String, &'static str, Value)> {
        let Some(plan) = self.plan_of(uri) else {
            return Vec::new();
        };
        let mut entries = Vec::new();
        let at = plan.step_at(range.start.0);
        if let Some((at, step)) = at.and_then(|at| Some((at, plan.steps().get(at)?))) {
            let number = step.number;
            let arguments = json!({"uri": uri, "step": number});
            let mut add = |title: &str, command: &'static str| {
                let title = format!("{title} {number}: {}", shortened(&step.title, 40));
                entries.push((title, command, arguments.clone()));
            };
            if !self.is_under_way(path, number) {
                for (title, command) in offers(&plan, at, step) {
                    let title = match title {
                        "Check again" => "Check step",
                        "Reopen" => "Reopen step",
                        "Mark done" => "Mark as done: step",
                        "Skip" => "Skip step",
                        other => other,
                    };
                    add(title, command);
                }
                let step_ref = StepRef {
                    path: path.to_owned(),
                    key: step.key(),
                };
                if self.landed_by(&step_ref).is_some() {
                    add("Undo step", "pleach.plan.undo");
                }
                if self.configuration.has_model(Action::Rewrite) {
                    add("Revise from step", "pleach.plan.revise");
                }
            }
            add("Explain step", "pleach.plan.explain");
        }
        if !self.is_running(path) && !plan.next(&[], &[]).is_empty() {
            let all = json!({"uri": uri, "all": true});
            entries.push(("Run all that can run".to_owned(), "pleach.plan.run", all));
        }
        entries
    }

    fn making_entries(
        &self,
        params: &CodeActionParams,
        range: ByteRange,
        in_symbol: bool,
    ) -> Vec<(String, &'static str, Value)> {
        let uri = &params.text_document.uri.0;
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        if document.suspect.is_some() || !document.access.unwrap_or_default().edit {
            return Vec::new();
        }
        let with_model = self.configuration.has_model(Action::Plan);
        let known = with_model || document.language.is_some_and(builtin::supports);
        let mut entries = Vec::new();
        let mut add = |title: String, arguments: Value| {
            entries.push((title, "pleach.plan", arguments));
        };
        let (line, _) = document.line_at(range.start);
        if let Some(goal) = wanted_in(&line) {
            add(
                format!("Plan: {}", shortened(&goal, 50)),
                json!({"uri": uri, "goal": goal}),
            );
        }
        let is_prose = matches!(document.language, None | Some(Language::Markdown));
        if with_model && is_prose && !range.is_empty() {
            let goal = document.text_of(range);
            let title = format!("Plan what is selected: {}", shortened(&goal, 40));
            add(title, json!({"uri": uri, "goal": goal}));
        }
        if ["TODO", "FIXME"].iter().any(|mark| line.contains(mark)) {
            add(
                "Plan from the TODO and FIXME comments of the workspace".to_owned(),
                json!({"from": "todos"}),
            );
        }
        let mendable = params.context.diagnostics.iter().filter(|diagnostic| {
            let message = from_proto::message(&diagnostic.message);
            let is_ours = diagnostic.source.as_deref() == Some(crate::to_proto::SOURCE);
            !is_ours && (with_model || builtin::can_fix(document.language, message))
        });
        let mendable: Vec<_> = mendable.collect();
        if mendable.len() > 1 {
            add(
                format!("Plan the fixes of {} problems here", mendable.len()),
                json!({"uri": uri, "from": "fixes", "diagnostics": mendable}),
            );
        }
        // Above the first symbol it is the file that is meant.
        if known && !in_symbol && !is_prose {
            let what = json!({"uri": uri, "from": "document"});
            add("Plan: document this file".to_owned(), what);
            let what = json!({"uri": uri, "from": "tests"});
            add("Plan: write tests for this file".to_owned(), what);
        }
        entries
    }
}

/// What a comment `ai-plan: …` in a line asks for.
fn wanted_in(line: &str) -> Option<String> {
    let (before, goal) = line.split_once(COMMENT)?;
    // Something has to make a comment of it.
    if before.trim().is_empty() || before.ends_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let goal = goal
        .trim()
        .trim_end_matches("*/")
        .trim_end_matches("-->")
        .trim();
    (!goal.is_empty()).then(|| goal.to_owned())
}

#[cfg(test)]
mod tests {
    use super::wanted_in;

    #[test]
    fn a_comment_asks_for_a_plan() {
        assert_eq!(
            wanted_in("  // ai-plan: lend books").as_deref(),
            Some("lend books")
        );
        assert_eq!(wanted_in("<!-- ai-plan: a -->").as_deref(), Some("a"));
        assert_eq!(wanted_in("// ai: rename x to y"), None);
        assert_eq!(wanted_in("ai-plan: prose"), None);
        assert_eq!(wanted_in("// ai-plan:"), None);
    }
}
