//! What an editor shows of a plan: problems, outline, folds, lenses, and what is said about a step.

use std::collections::BTreeSet;
use std::time::Duration;

use lsp_types::Position;
use pleach_agent::Action;
use pleach_agent::builtin;
use pleach_agent::plan::{self, CheckCommand, Verdict, judge};
use pleach_plan::{Known, Plan, Problem, Role, Severity, Status, Step};
use pleach_policy::tame_markdown;
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::WorkspaceSnapshot;
use ropey::Rope;
use serde_json::{Value, json};

use super::{PlanEvent, StepRef, is_plan_uri};
use crate::event::{Event, Reply};
use crate::session::Session;
use crate::to_proto;

/// How much typing is gathered before the problems are looked for anew.
const GATHER: Duration = Duration::from_millis(200);

/// What an editor asks about a document that may be a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PlanQuestion {
    Symbols,
    Folds,
    Hover(Position),
}

impl Session {
    /// Answers a question about a document. About one that is no plan there is nothing to say.
    pub(in crate::session) fn plan_asked(
        &mut self,
        uri: &str,
        question: PlanQuestion,
        reply: Reply<Value>,
    ) {
        let (Some(plan), Some(document)) = (self.plan_of(uri), self.documents.get(uri)) else {
            reply.send(Ok(Value::Null));
            return;
        };
        let text = document.text.clone();
        match question {
            PlanQuestion::Symbols => reply.send(Ok(self.symbols(uri, &plan, &text))),
            PlanQuestion::Folds => reply.send(Ok(folds(&plan, &text))),
            PlanQuestion::Hover(position) => {
                let at = self.byte_in(uri, position).unwrap_or_default();
                let Some(at) = plan.step_at(at.0) else {
                    reply.send(Ok(Value::Null));
                    return;
                };
                let (snapshot, engine) = (self.snapshot(), self.configuration.engine_label());
                let with_model = self.configuration.has_model(Action::Rewrite);
                let encoding = self.client.encoding;
                let range = plan.steps().get(at).map(|step| step.head);
                let range = range.map(|range| to_proto::range(&text, range, encoding));
                // It reads the files of the step, to say what they cost.
                drop(tokio::task::spawn_blocking(move || {
                    let about = about(&plan, at, &snapshot, &engine, with_model);
                    reply.send(Ok(json!({
                        "contents": {"kind": "markdown", "value": about}, "range": range,
                    })));
                }));
            }
        }
    }

    /// Says on a page what running a step would do.
    pub(super) fn explain_step(&self, step: StepRef) {
        let (snapshot, engine) = (self.snapshot(), self.configuration.engine_label());
        let with_model = self.configuration.has_model(Action::Rewrite);
        self.show_page("what the step would do", "step.md", move || {
            let text = snapshot.read_text(&step.path).unwrap_or_default();
            let plan = Plan::parse(&text);
            Ok(match plan.find(&step.key) {
                Some(at) => about(&plan, at, &snapshot, &engine, with_model),
                None => format!("The plan has no step {}.\n", step.key.number),
            })
        });
    }

    /// Looks for the problems of an open plan after a pause.
    pub(super) fn look_for_problems_soon(&mut self, uri: &str) {
        if self.documents.get(uri).is_some() && self.plans.due.insert(uri.to_owned()) {
            let uri = uri.to_owned();
            self.later(GATHER, Event::Plan(PlanEvent::Due { uri }));
        }
    }

    pub(super) fn plan_due(&mut self, uri: &str) {
        self.plans.due.remove(uri);
        let (Some(path), Some(document)) = (self.plan_path(uri), self.documents.get(uri)) else {
            return;
        };
        let revision = document.revision;
        let Some(plan) = self.plan_of(uri) else {
            return;
        };
        let snapshot = self.snapshot();
        let numbers = plan.steps().iter().map(|step| step.number);
        let running: BTreeSet<u32> = numbers.filter(|it| self.is_under_way(&path, *it)).collect();
        let uri = uri.to_owned();
        let found = move |uri: String, problems: Vec<Problem>| {
            Event::Plan(PlanEvent::Found {
                uri,
                revision,
                problems,
            })
        };
        let lost = found(uri.clone(), Vec::new());
        let work = move || {
            let problems = plan.problems(&Known {
                is_file: &|path| snapshot.locate(path).is_ok() && snapshot.exists(path),
                is_role: &|_| false,
                is_running: &|number| running.contains(&number),
                rules: &plan::rules_of(&snapshot),
            });
            found(uri, problems)
        };
        self.aside(work, lost);
    }

    pub(super) fn plan_problems(&mut self, uri: &str, revision: u64, problems: &[Problem]) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        if document.revision != revision {
            // Typed meanwhile: what is found then counts.
            return;
        }
        let shown = problems.iter().map(|problem| {
            json!({
                "range": to_proto::range(&document.text, problem.range, self.client.encoding),
                "severity": match problem.severity {
                    Severity::Error => 1, Severity::Warning => 2, Severity::Note => 3,
                },
                "code": problem.code,
                "source": to_proto::SOURCE,
                "message": problem.message,
            })
        });
        let shown: Vec<Value> = shown.collect();
        if self
            .plans
            .found
            .get(uri)
            .is_none_or(|before| *before != shown)
        {
            self.plans.found.insert(uri.to_owned(), shown);
            self.show_plan(uri);
        }
    }

    /// The problems of a plan, as they are shown beside hunks that wait in it.
    pub(in crate::session) fn shown_problems(&self, uri: &str) -> Option<&[Value]> {
        self.plans.found.get(uri).map(Vec::as_slice)
    }

    /// The code lenses of a plan.
    pub(in crate::session) fn plan_lenses(&mut self, uri: &str) -> Vec<Value> {
        let Some(plan) = self.plan_of(uri) else {
            return Vec::new();
        };
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        let text = &document.text;
        let encoding = self.client.encoding;
        let mut lenses = Vec::new();
        let mut add = |at: ByteOffset, title: &str, command: &str, more: Value| {
            let range = to_proto::range(text, ByteRange::empty(at), encoding);
            lenses.push(json!({
                "range": range,
                "command": {"title": title, "command": command, "arguments": [more]},
            }));
        };
        let next = plan.next(&[], &[]).len();
        if next > 0 {
            let top = plan
                .title()
                .map_or(ByteOffset(0), |title| title.range.start);
            let all = json!({"uri": uri, "all": true});
            add(top, "Run all that can run", "pleach.plan.run", all);
        }
        for (at, step) in plan.steps().iter().enumerate() {
            let step_of = json!({"uri": uri, "step": step.number});
            for (title, command) in offers(&plan, at, step) {
                add(step.head.start, title, command, step_of.clone());
            }
        }
        lenses
    }

    fn symbols(&self, uri: &str, plan: &Plan, text: &Rope) -> Value {
        let encoding = self.client.encoding;
        let range = |range: ByteRange| to_proto::range(text, range, encoding);
        let mut sections: Vec<(ByteRange, Value, Vec<Value>)> = plan
            .headings()
            .filter(|(level, ..)| *level > 1)
            .map(|(_, name, line, whole)| {
                let name = if name.is_empty() { "…" } else { name };
                let symbol = json!({
                    "name": name, "kind": 3, "range": range(whole), "selectionRange": range(line),
                });
                (whole, symbol, Vec::new())
            })
            .collect();
        let mut loose = Vec::new();
        for step in plan.steps() {
            let files: Vec<&str> = step.files.iter().map(|file| file.path.as_str()).collect();
            let detail = format!(
                "{} · {} · {}",
                step.status.word(),
                step.role(),
                files.join(", ")
            );
            let symbol = json!({
                "name": format!("{}. {}", step.number, step.title), "detail": detail, "kind": 24,
                "range": range(step.range), "selectionRange": range(step.head),
            });
            let holds = |(whole, ..): &&mut (ByteRange, Value, Vec<Value>)| {
                whole.contains_range(step.range)
            };
            match sections.iter_mut().rev().find(holds) {
                Some((.., children)) => children.push(symbol),
                None => loose.push(symbol),
            }
        }
        let nested = sections.into_iter().map(|(_, mut symbol, children)| {
            if let Some(fields) = symbol.as_object_mut() {
                fields.insert("children".to_owned(), Value::Array(children));
            }
            symbol
        });
        let all: Vec<Value> = nested.chain(loose).collect();
        if self.client.nests_symbols {
            return Value::Array(all);
        }
        let flat = all.into_iter().flat_map(|symbol| {
            let children = symbol.get("children").and_then(Value::as_array).cloned();
            std::iter::once(symbol).chain(children.unwrap_or_default())
        });
        flat.map(|symbol| {
            let of = |name: &str| symbol.get(name).cloned().unwrap_or_default();
            json!({
                "name": of("name"), "kind": of("kind"),
                "location": {"uri": uri, "range": of("range")},
            })
        })
        .collect()
    }
}

/// What is offered for a step, the most likely first.
pub(super) fn offers(plan: &Plan, at: usize, step: &Step) -> Vec<(&'static str, &'static str)> {
    let may_begin = plan.may_begin(at);
    let mut offers = Vec::new();
    match step.status {
        Status::Todo if may_begin => offers.push(("Run step", "pleach.plan.run")),
        Status::Running | Status::Failed if may_begin => {
            offers.push(("Run step again", "pleach.plan.run"));
        }
        Status::Waiting => offers.push(("Check again", "pleach.plan.run")),
        _ => {}
    }
    if step.status.is_settled() {
        offers.push(("Reopen", "pleach.plan.reopen"));
    } else {
        offers.push(("Mark done", "pleach.plan.done"));
        offers.push(("Skip", "pleach.plan.skip"));
    }
    offers
}

/// The folds of a plan: its sections and its steps.
fn folds(plan: &Plan, text: &Rope) -> Value {
    let sections = plan.headings().map(|(_, _, _, whole)| whole);
    let steps = plan.steps().iter().map(|step| step.range);
    let line = |at: ByteOffset| text.byte_to_line(at.0.min(text.len_bytes()));
    sections
        .chain(steps)
        .filter_map(|range| {
            let first = line(range.start);
            let mut last = line(range.end);
            // A section ends where the next begins; the blank lines before it are no part of either.
            while last > first
                && text
                    .get_line(last)
                    .is_none_or(|line| line.chars().all(char::is_whitespace))
            {
                last -= 1;
            }
            if last > first && text.line_to_byte(last) >= range.end.0 {
                last -= 1;
            }
            (last > first).then(|| json!({"startLine": first, "endLine": last}))
        })
        .collect()
}

/// What running a step would do, for a person.
fn about(
    plan: &Plan,
    at: usize,
    snapshot: &WorkspaceSnapshot,
    engine: &str,
    with_model: bool,
) -> String {
    let Some(step) = plan.steps().get(at) else {
        return String::new();
    };
    let mut lines = vec![
        format!("**Step {}: {}**", step.number, step.title),
        String::new(),
        format!("- status: {}", step.status.word()),
        format!("- role: {}", what(&step.role())),
    ];
    let first: Vec<String> = plan
        .waits_for(at)
        .iter()
        .map(|step| format!("{} ({})", step.number, step.status.word()))
        .collect();
    if !first.is_empty() {
        lines.push(format!("- waits for step {}", first.join(", ")));
    }
    for file in &step.files {
        let size = snapshot
            .read_text(&file.path)
            .map(|text| text.lines().count());
        let size = match size {
            Ok(count) => format!("{count} lines"),
            Err(_) if file.is_new => "new".to_owned(),
            Err(_) => "cannot be read".to_owned(),
        };
        lines.push(format!("- file: `{}` ({size})", file.path));
    }
    lines.push(format!("- check: {}", how(&judge(step, snapshot))));
    let cost = match plan::request(plan, step, snapshot, with_model) {
        Err(failure) => format!("cannot run yet: {failure}; {}", failure.next_step()),
        Ok(_) if !with_model => format!("costs nothing ({})", builtin::LABEL),
        Ok(request) => format!(
            "about {} tokens would be sent to {engine}",
            plan::tokens(&request)
        ),
    };
    lines.push(format!("- {cost}"));
    if let Some(estimate) = &step.estimate {
        lines.push(format!("- estimate in the plan: {}", estimate.value));
    }
    if let Some(result) = &step.result {
        lines.push(format!("- result: {}", result.value));
    }
    lines.push(String::new());
    // Titles, results and commands were written by a model or a stranger.
    tame_markdown(&lines.join("\n"))
}

fn what(role: &Role) -> String {
    let what = match role {
        Role::Coder => "changes code",
        Role::Tester => "writes tests",
        Role::Documenter => "writes documentation",
        Role::Reviewer => "looks for defects, changes nothing",
        Role::Planner | Role::Other(_) => "carries out no steps",
    };
    format!("{role} ({what})")
}

fn how(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds(proof) => format!("holds already: {proof}"),
        Verdict::Fails(why) => format!("{why} (proved from the text)"),
        Verdict::Person(what) => what.clone(),
        Verdict::Command(CheckCommand { text, .. }) => format!("`{text}` has to end well"),
    }
}

impl Session {
    /// Publishes what is known of a plan now.
    fn show_plan(&mut self, uri: &str) {
        if is_plan_uri(uri) {
            self.show_hunks(uri);
        }
    }
}
