//! The form of a review: a JSON object on each line, and one that closes it.

use serde::Deserialize;

use crate::findings::FindingSeverity;

/// Findings of one review that are read.
pub(super) const MOST: usize = 100;
/// Characters of a message, and of what explains it.
const MESSAGE: usize = 300;
const TEXT: usize = 2_000;
/// Characters of a rule's name.
const RULE: usize = 40;
/// What is wrong with an answer is told of so many lines.
const TOLD: usize = 5;

/// A finding as a model writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Said {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) quote: String,
    pub(super) severity: FindingSeverity,
    pub(super) rule: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) why: String,
    #[serde(default)]
    pub(super) fix: String,
}

#[derive(Deserialize)]
struct Closing {
    reviewed: bool,
    #[serde(default)]
    summary: String,
}

/// A review as it was read.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) said: Vec<Said>,
    /// What is wrong with lines that are neither a finding nor the closing one.
    pub(super) wrong: Vec<String>,
    /// The word on the whole; `None` when there is no closing line, so that it may be cut off.
    pub(super) summary: Option<String>,
}

impl Form {
    /// Reads an answer.
    pub(super) fn read(reply: &str) -> Self {
        let mut form = Self::default();
        for (at, line) in reply.lines().enumerate() {
            let line = line.trim();
            // Models put what is JSON into a code block.
            if line.is_empty() || line.starts_with("```") {
                continue;
            }
            if let Err(why) = form.take(line) {
                form.wrong.push(format!("line {}: {why}", at + 1));
            }
        }
        form
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        if let Ok(closing) = serde_json::from_str::<Closing>(line) {
            if !closing.reviewed {
                return Err("`reviewed` must be true".to_owned());
            }
            self.summary = Some(shown(&closing.summary, MESSAGE));
            return Ok(());
        }
        let said: Said = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if said.rule.is_empty() || said.rule.len() > RULE || !said.rule.chars().all(is_name) {
            return Err("`rule` must be a short name in kebab-case".to_owned());
        }
        if said.message.trim().is_empty() {
            return Err("`message` is empty".to_owned());
        }
        if said.quote.trim().is_empty() {
            return Err("`quote` is empty".to_owned());
        }
        if self.said.len() < MOST {
            self.said.push(Said {
                message: shown(&said.message, MESSAGE),
                why: shown(&said.why, TEXT),
                fix: shown(&said.fix, TEXT),
                ..said
            });
        }
        Ok(())
    }

    /// What the model is told to mend; `None` when the review is whole.
    pub(super) fn complaint(&self) -> Option<String> {
        let mut wrong: Vec<String> = self.wrong.iter().take(TOLD).cloned().collect();
        if self.wrong.len() > TOLD {
            wrong.push(format!("and {} lines more", self.wrong.len() - TOLD));
        }
        if self.summary.is_none() {
            wrong.push(
                "the closing line is missing: {\"reviewed\": true, \"summary\": \"…\"}".to_owned(),
            );
        }
        (!wrong.is_empty()).then(|| {
            format!(
                "This review cannot be used as it is: {}.\nAnswer with the whole review in the form that you were \
                 told: a JSON object on each line, and the closing line.",
                wrong.join("; ")
            )
        })
    }
}

/// A text of a model as it is shown: on one line, without what a terminal would obey, and bounded.
fn shown(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let mut plain: String = line
        .chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect();
    if plain.chars().count() == most {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const ONE: &str = r#"{"path": "a.rs", "line": 2, "quote": "x", "severity": "error", "rule": "bug", "message": "Wrong"}"#;

    #[test]
    fn a_review_is_findings_and_a_closing_line() {
        let form = Form::read(&format!(
            "```json\n{ONE}\n{{\"reviewed\": true, \"summary\": \"Good.\"}}\n```\n"
        ));
        assert_eq!(form.complaint(), None);
        assert_eq!(form.said.len(), 1);
        assert_eq!(form.summary.as_deref(), Some("Good."));
        let nothing = Form::read("{\"reviewed\": true}");
        assert!(nothing.said.is_empty() && nothing.complaint().is_none());
    }

    #[test]
    fn what_is_not_in_the_form_is_named() {
        let rule = ONE.replace("bug", "Some Thing");
        let severity = ONE.replace("error", "terrible");
        let form = Form::read(&format!(
            "Here is what I found:\n{rule}\n{severity}\n{ONE}\n"
        ));
        assert_eq!(form.said.len(), 1);
        let told = form.complaint().unwrap();
        for part in ["line 1: ", "line 2: `rule`", "line 3: ", "closing line"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(Form::read("").complaint().is_some(), "silence is no review");
    }

    #[test]
    fn what_is_shown_is_bounded_and_plain() {
        let long = ONE.replace("Wrong", &format!("a\\u001b[31m\\nb{}", "x".repeat(1000)));
        let form = Form::read(&long);
        assert!(form.said[0].message.starts_with("a[31m bxx"), "{form:?}");
        assert!(form.said[0].message.chars().count() <= MESSAGE + 1);
    }
}
