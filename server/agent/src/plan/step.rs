//! A step as a job.

use pleach_grammars::Language;
use pleach_plan::{Plan, Role, Step};
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::WorkspaceSnapshot;

use super::{PlanFailure, find};
use crate::action::Action;
use crate::builtin::DiagnosticNote;
use crate::job::{JobRequest, TargetDocument};
use crate::review::Scope;
use crate::shield::Shield;

/// Bytes of the other files of a step that go into its instruction.
const MOST_OF_OTHERS: usize = 64 << 10;

/// The job that carries out a step: at the place and in the first file that it names. For a model the
/// instruction says what the whole plan is about; the built-in engine reads the title alone.
pub fn request(
    plan: &Plan,
    step: &Step,
    workspace: &WorkspaceSnapshot,
    with_model: bool,
) -> Result<JobRequest, PlanFailure> {
    let action = match step.role() {
        Role::Documenter => Action::Document,
        Role::Tester => Action::Tests,
        Role::Reviewer => Action::Review,
        Role::Coder if step.reported.is_some() => Action::Fix,
        Role::Coder => Action::Rewrite,
        role @ (Role::Planner | Role::Other(_)) => {
            return Err(PlanFailure::Role(role.name().to_owned()));
        }
    };
    let file = step.files.first().ok_or(PlanFailure::NoFile)?;
    let text = match workspace.read_text(&file.path) {
        Ok(text) => text,
        Err(_) if file.is_new || !workspace.exists(&file.path) => "".into(),
        Err(error) => return Err(PlanFailure::Unreadable(error.to_string())),
    };
    let first_line = text.lines().next().unwrap_or_default();
    let language = Language::detect(None, &file.path, first_line);
    let range = match &step.at {
        Some(at) => find::place(&file.path, language, &text, &at.value)?,
        // A documenter or tester of a whole file is to look at all of it.
        None if matches!(action, Action::Document | Action::Tests | Action::Review) => {
            ByteRange::from(0..text.len())
        }
        None => ByteRange::empty(ByteOffset(0)),
    };
    let diagnostics = step.reported.iter().map(|reported| DiagnosticNote {
        range: narrowed(&text, range, &reported.value),
        message: reported.value.clone(),
        code: None,
        source: None,
    });
    let instruction = if with_model {
        Some(instruction(plan, step, workspace))
    } else {
        (action == Action::Rewrite).then(|| step.title.clone())
    };
    let diagnostics = diagnostics.collect();
    let document = TargetDocument {
        path: file.path.clone(),
        language,
        text,
    };
    Ok(JobRequest {
        range,
        instruction,
        diagnostics,
        scope: match step.at {
            Some(_) => Scope::Selection,
            None => Scope::File,
        },
        ..JobRequest::new(action, document, workspace.clone())
    })
}

/// Where in a line a message points to: the first name that it quotes, if the line has it.
fn narrowed(text: &str, range: ByteRange, message: &str) -> ByteRange {
    let line = text.get(range.as_usize()).unwrap_or_default();
    let mut quoted = message.split(['`', '\'', '"']).skip(1).step_by(2);
    let found = quoted.find_map(|name| {
        let name = name.trim();
        let at = line.find(name).filter(|_| !name.is_empty())?;
        let start = range.start.0 + at;
        Some(ByteRange::from(start..start + name.len()))
    });
    found.unwrap_or(range)
}

fn instruction(plan: &Plan, step: &Step, workspace: &WorkspaceSnapshot) -> String {
    let mut parts = Vec::new();
    if let Some(goal) = plan.goal() {
        parts.push(format!(
            "This is one step of a plan. The goal of the whole plan, for your understanding only:\n{}",
            goal.value
        ));
    }
    parts.push(format!(
        "Carry out this step and nothing else: {}",
        step.title
    ));
    if !step.prose.is_empty() {
        parts.push(step.prose.clone());
    }
    if let Some(check) = &step.check {
        parts.push(format!("Afterwards this must hold: {}", check.text()));
    }
    let mut left = MOST_OF_OTHERS;
    let shield = Shield::of(workspace);
    for file in step.files.iter().skip(1) {
        if let Some(why) = shield.keeps_text_of(&file.path) {
            parts.push(format!(
                "The step is also about {}, which is not sent: {why}.",
                file.path
            ));
            continue;
        }
        let Ok(text) = workspace.read_text(&file.path) else {
            parts.push(format!("The step also makes the file {}.", file.path));
            continue;
        };
        if text.len() > left {
            parts.push(format!(
                "The step is also about {}, which is too long to be shown.",
                file.path
            ));
            continue;
        }
        left -= text.len();
        let marks = text
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or(0)
            .max(2)
            + 1;
        let fence = "`".repeat(marks);
        parts.push(format!(
            "The step is also about {}:\n{fence}\n{text}\n{fence}",
            file.path
        ));
    }
    parts.join("\n\n")
}
