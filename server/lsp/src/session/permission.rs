//! Commands that are to run, and tools of servers: the person is asked about each, unless the settings allow it
//! or the person has allowed it for good. Here for what a model wants; plans ask in the same way about their
//! checks.

use std::collections::BTreeSet;
use std::sync::Arc;

use pleach_agent::{Action, Answer, Asker, Wish};
use pleach_policy::visible;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::event::{Event, Inbox, JobId};
use crate::session::{Awaited, Session};

/// What the person has allowed until the server ends.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    /// Every word of each.
    commands: BTreeSet<Vec<String>>,
    /// Those that may run as tests only.
    tests: BTreeSet<Vec<String>>,
    /// As models call them.
    tools: BTreeSet<String>,
}

impl Allowed {
    pub(super) fn has(&self, argv: &[String]) -> bool {
        self.commands.contains(argv)
    }

    pub(super) fn add(&mut self, argv: Vec<String>) {
        self.commands.insert(argv);
    }

    fn allows(&self, wish: &Wish) -> bool {
        match wish {
            Wish::Command(argv) => self.has(argv),
            Wish::Tests(argv) => self.has(argv) || self.tests.contains(argv),
            Wish::Tool { name, .. } => self.tools.contains(name),
        }
    }

    fn allow(&mut self, wish: Wish) {
        match wish {
            Wish::Command(argv) => self.add(argv),
            Wish::Tests(argv) => {
                self.tests.insert(argv);
            }
            Wish::Tool { name, .. } => {
                self.tools.insert(name);
            }
        }
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
        json!({"type": 3, "message": visible(message), "actions": actions})
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
    wish: Wish,
    answer: oneshot::Sender<Answer>,
}

/// Characters of a call's arguments that are shown.
const MOST_SHOWN: usize = 300;

fn buttons(wish: &Wish) -> Buttons {
    match wish {
        Wish::Command(_) | Wish::Tests(_) => Buttons {
            once: "Run once",
            always: "Always run this",
            never: "Do not run",
        },
        Wish::Tool { .. } => Buttons {
            once: "Use once",
            always: "Always use this",
            never: "Do not use",
        },
    }
}

/// Asks the person for leave, in the course of a job. Where the client cannot ask, nobody gives it.
pub(super) fn asker(inbox: &Inbox, job: JobId, asks: bool) -> Asker {
    let inbox = inbox.clone();
    Arc::new(move |wish| {
        let (answer, answered) = oneshot::channel();
        if asks {
            inbox.put(Event::AskLeave { job, wish, answer });
        }
        answered
    })
}

impl Session {
    /// Asks the person, unless they have said already that they always allow it.
    pub(super) fn ask_leave(&mut self, job: JobId, wish: Wish, answer: oneshot::Sender<Answer>) {
        if self.allowed.allows(&wish) {
            // Where nobody waits any more, the job was cancelled.
            let _nobody_waits = answer.send(Answer::Always).is_err();
            return;
        }
        let it = self.jobs.get(&job);
        let title = it.map_or("", |job| job.title.as_str());
        let who = match (it.map(|job| job.action), &wish) {
            (_, Wish::Tests(_)) => "before you are shown the edit, its tests are to run:",
            (Some(Action::RunTests), _) => "this is to run",
            _ => "the model wants to run",
        };
        let writes = match &wish {
            Wish::Tests(_) => "in a copy of the folder",
            _ => "to build folders only",
        };
        let message = match &wish {
            Wish::Command(argv) | Wish::Tests(argv) => {
                // Each word as it is: a blank in a word must not look like two words.
                let line: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
                format!(
                    "Pleach: {title}: {who}\n{}\nin the sandbox (no network; it writes {writes}).",
                    line.join(" ")
                )
            }
            Wish::Tool { name, about } => {
                let (shown, more) = match about.char_indices().nth(MOST_SHOWN) {
                    Some((end, _)) => (about.get(..end).unwrap_or_default(), "…"),
                    None => (about.as_str(), ""),
                };
                format!(
                    "Pleach: {title}: the model wants to use {name} with\n{shown}{more}\nIts server is not in the sandbox."
                )
            }
        };
        let params = buttons(&wish).ask(&message);
        let question = Question { wish, answer };
        self.request(
            "window/showMessageRequest",
            &params,
            Awaited::Allowed(question),
        );
    }

    /// The person has answered.
    pub(super) fn leave_answered(&mut self, question: Question, answer: Option<&Value>) {
        let Question { wish, answer: to } = question;
        let answer = buttons(&wish).pressed(answer);
        if answer == Answer::Always {
            self.allowed.allow(wish);
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
