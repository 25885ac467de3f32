//! What the server writes into a plan: as little as can be.

use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement};

use crate::parse::Plan;
use crate::step::Status;

/// The plan has no such step (any more).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plan has no step {0}")]
pub struct NoSuchStep(
    /// What was asked for.
    pub String,
);

impl NoSuchStep {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        "no-such-step"
    }
}

/// The longest result that is written into a plan, in characters.
const MAX_RESULT: usize = 300;

impl Plan {
    /// The change that sets the box of the step at a place of [`Plan::steps`], and what became of it: a
    /// result is written as the step's `result:`, and without one that line is taken out. Nothing else is
    /// touched.
    pub fn mark(
        &self,
        at: usize,
        status: Status,
        result: Option<&str>,
    ) -> Result<ChangeSet, NoSuchStep> {
        let missing = || NoSuchStep(format!("at place {}", at + 1));
        let step = self.steps().get(at).ok_or_else(missing)?;
        let mut changes = Vec::new();
        let is_there = step.status == status && step.status_is_known;
        if !is_there {
            changes.push(Replacement::new(
                step.status_range,
                status.mark().to_string(),
            ));
        }
        let result = result.map(one_line).filter(|result| !result.is_empty());
        match (&result, &step.result, step.result_line) {
            (Some(new), Some(old), _) if *new == old.value => {}
            (Some(new), Some(old), _) => changes.push(Replacement::new(old.range, new.clone())),
            (Some(new), None, _) => {
                let (place, lead) = &step.next_field;
                let end = self.line_ending;
                // The last line of the text may have no line break to stand behind.
                let is_unended =
                    *place == step.head.end.0 || *place == self.len && !self.ends_line(at);
                let line = if is_unended {
                    format!("{end}{lead}result: {new}")
                } else {
                    format!("{lead}result: {new}{end}")
                };
                let place = ByteRange::empty(ByteOffset(*place));
                changes.push(Replacement::new(place, line));
            }
            (None, _, Some(line)) => changes.push(Replacement::new(line, "")),
            (None, _, None) => {}
        }
        ChangeSet::new(changes, ByteOffset(self.len)).map_err(|_overlap| missing())
    }

    /// Whether the line that a further field of a step would follow ends with a line break.
    fn ends_line(&self, at: usize) -> bool {
        let step = self.steps().get(at);
        step.is_some_and(|step| step.next_field.0 > step.range.end.0)
    }

    /// The change that puts `steps`, the text of a list, in the place of every step from the one with
    /// this number on that is not done. Steps that are done stay, and so does what stands before, between
    /// and behind the steps that go.
    pub fn revise(&self, from: u32, steps: &str) -> Result<ChangeSet, NoSuchStep> {
        let missing = || NoSuchStep(from.to_string());
        let first = self.index_of(from).ok_or_else(missing)?;
        let mut going = self
            .steps()
            .iter()
            .skip(first)
            .filter(|step| step.status != Status::Done);
        let place = going.next().ok_or_else(missing)?;
        let text = steps.trim_end_matches(['\n', '\r']);
        let mut changes = vec![Replacement::new(place.range, text)];
        changes.extend(going.map(|step| Replacement::new(step.range, "")));
        ChangeSet::new(changes, ByteOffset(self.len)).map_err(|_overlap| missing())
    }
}

/// `text` as one line that is not too long.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= MAX_RESULT {
        return line;
    }
    let kept: String = line.chars().take(MAX_RESULT).collect();
    format!("{}…", kept.trim_end())
}
