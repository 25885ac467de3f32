//! Commands that are to run: the person is asked about each, unless the settings allow it or the person has
//! allowed it for good. Here for those that a model wants to run; plans ask in the same way about their checks.

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

impl Allowed {
    pub(super) fn has(&self, argv: &[String]) -> bool {
        self.0.contains(argv)
    }

    pub(super) fn add(&mut self, argv: Vec<String>) {
        self.0.insert(argv);
    }
}

/// What a person can press when a command is to run.
pub(super) struct Buttons {
    pub(super) once: &'static str,
    pub(super) always: &'static str,
    pub(super) never: &'static str,
}

impl Buttons {
    /// The parameters of `window/showMessageRequest`.
    pub(super) fn ask(&self, message: &str) -> Value {
        let actions = [self.once, self.always, self.never].map(|title| json!({"title": title}));
        json!({"type": 3, "message": message, "actions": actions})
    }

    /// What was pressed. No answer, or one that is not known, means no.
    pub(super) fn pressed(&self, answer: Option<&Value>) -> Answer {
        let title = answer.and_then(|answer| answer.get("title")?.as_str());
        match title {
            Some(title) if title == self.once => Answer::Once,
            Some(title) if title == self.always => Answer::Always,
            _ => Answer::Never,
        }
    }
}

/// A question that the person has not answered yet.
pub(super) struct Question {
    argv: Vec<String>,
    answer: oneshot::Sender<Answer>,
}

const BUTTONS: Buttons = Buttons {
    once: "Run once",
    always: "Always run this",
    never: "Do not run",
};

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
        if self.allowed.has(&argv) {
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
        let question = Question { argv, answer };
        self.request(
            "window/showMessageRequest",
            &BUTTONS.ask(&message),
            Awaited::Allowed(question),
        );
    }

    /// The person has answered.
    pub(super) fn command_answered(&mut self, question: Question, answer: Option<&Value>) {
        let Question { argv, answer: to } = question;
        let answer = BUTTONS.pressed(answer);
        if answer == Answer::Always {
            self.allowed.add(argv);
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
