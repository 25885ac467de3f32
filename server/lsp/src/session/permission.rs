//! Commands that a model wants to run: the person is asked once for each, unless the settings allow it.

use std::collections::BTreeSet;
use std::sync::Arc;

use pleach_agent::{Answer, Asker};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::event::{Event, Inbox, JobId};
use crate::session::{Awaited, Session};

/// Commands that the person has allowed until the server ends: every word of each.
#[derive(Debug, Default)]
pub(super) struct Allowed(BTreeSet<Vec<String>>);

/// A question that the person has not answered yet.
pub(super) struct Question {
    argv: Vec<String>,
    answer: oneshot::Sender<Answer>,
}

const ONCE: &str = "Run once";
const ALWAYS: &str = "Always run this";
const NEVER: &str = "Do not run";

/// Asks the person about a command, in the course of a job. Where the client cannot ask, nobody allows it.
pub(super) fn asker(inbox: &Inbox, job: JobId, asks: bool) -> Asker {
    let inbox = inbox.clone();
    Arc::new(move |argv| {
        let (answer, answered) = oneshot::channel();
        if asks {
            inbox.put(Event::AskCommand { job, argv, answer });
        }
        answered
    })
}

impl Session {
    /// Asks the person, unless they have said already that this command may always run.
    pub(super) fn ask_command(
        &mut self,
        job: JobId,
        argv: Vec<String>,
        answer: oneshot::Sender<Answer>,
    ) {
        if self.allowed.0.contains(&argv) {
            // Where nobody waits any more, the job was cancelled.
            let _nobody_waits = answer.send(Answer::Always).is_err();
            return;
        }
        let title = self.jobs.get(&job).map_or("", |job| job.title.as_str());
        // Each word as it is: a blank in a word must not look like two words.
        let line: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
        let message = format!(
            "Pleach: {title}: the model wants to run\n{}\nin the sandbox (no network; it writes to build folders only).",
            line.join(" ")
        );
        let actions = [ONCE, ALWAYS, NEVER].map(|title| json!({"title": title}));
        let params = json!({"type": 3, "message": message, "actions": actions});
        let question = Question { argv, answer };
        self.request(
            "window/showMessageRequest",
            &params,
            Awaited::Allowed(question),
        );
    }

    /// The person has answered. No answer, or one that is not known, means no.
    pub(super) fn command_answered(&mut self, question: Question, answer: Option<&Value>) {
        let Question { argv, answer: to } = question;
        let chosen = answer.and_then(|answer| answer.get("title")?.as_str());
        let answer = match chosen {
            Some(ONCE) => Answer::Once,
            Some(ALWAYS) => Answer::Always,
            _ => Answer::Never,
        };
        if answer == Answer::Always {
            self.allowed.0.insert(argv);
        }
        let _nobody_waits = to.send(answer).is_err();
    }
}

/// A word of a command as a person can tell it from its neighbours; what cannot be seen is spelt out.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("{word:?}")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_shown_as_it_is() {
        assert_eq!(quoted("--lib=a/b.rs"), "--lib=a/b.rs");
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a\nb"), "\"a\\nb\"");
    }
}
