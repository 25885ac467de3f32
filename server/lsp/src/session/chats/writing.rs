//! How an answer comes into its chat: as one edit, behind the question, never against the person's typing.
//!
//! What is wanted is kept until the text shows it, in memory and on disk. Each try is made of the present
//! text; one that the editor does not take is made again for the text that comes next, or after a while. What
//! cannot be written is kept as a file.

use std::sync::Arc;
use std::time::Duration;

use pleach_edit::FileChange;
use pleach_plan::chat::{answered, count_of};
use pleach_workspace::{Journal, WorkspaceSnapshot, write_all};
use serde_json::{Value, json};

use super::ChatEvent;
use crate::event::{Event, JobId};
use crate::session::delivery::{Answer, CONFIRM_WITHIN, Delivery, SKIPPED_AFTER, Seen};
use crate::session::jobs::Failure;
use crate::session::{Awaited, Session};
use crate::to_proto;

/// How often the same answer is tried.
const TRIES: u32 = 10;
/// After so many tries the next text alone is no reason for another: somebody types faster than edits arrive.
const TRIES_AT_ONCE: u32 = 3;
/// How long an editor may take to answer: it may ask the person.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long after the first refusal the next try is made, where no other text comes. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest such pause. Editors that gather changes report them within half a second of rest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a code block or a comment that the answer would come into may stay open.
const CLOSED_WITHIN: Duration = Duration::from_mins(2);

/// An answer that is to be written.
pub(super) struct Writing {
    who: String,
    answer: String,
    /// How often the text showed the same answer before; `None` until it is looked at.
    before: Option<usize>,
    /// What is under way.
    sent: Option<Delivery>,
    tries: u32,
    /// Whether it waits until what it would come into is closed.
    is_held: bool,
    /// Whether the editor said once that it made the edit, and showed nothing for long.
    was_unseen: bool,
    /// Counts what is waited for, so that a timer knows whether it still matters.
    waits: u32,
}

impl Session {
    /// Takes an answer over if it is one to a chat's question; else gives it back.
    pub(in crate::session) fn take_answer(
        &mut self,
        job: JobId,
        markdown: String,
    ) -> Option<String> {
        let who = self.jobs.get(&job).map(|it| it.engine().to_owned());
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return Some(markdown);
        };
        let chat = question.path.clone();
        question.writing = Some(Writing {
            who: who.unwrap_or_default(),
            answer: markdown.clone(),
            before: None,
            sent: None,
            tries: 0,
            is_held: false,
            was_unseen: false,
            waits: 0,
        });
        self.keep_chat_answer(job, chat, markdown);
        self.job_phase(job, "writing it into the chat");
        self.write_answer(job);
        None
    }

    /// Looks whether the chat shows its answer, and writes it unless that is under way.
    pub(super) fn write_answer(&mut self, job: JobId) {
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return;
        };
        let Some(writing) = &mut question.writing else {
            return;
        };
        let Some(document) = self.documents.get(&question.uri) else {
            if writing.sent.is_none() {
                self.write_closed_chat(job);
            }
            return;
        };
        let text = document.text.to_string();
        let shown = count_of(&text, &writing.who, &writing.answer);
        if shown > *writing.before.get_or_insert(shown) {
            // Whatever the editor has answered, or not.
            let summary = format!("answered in {}", question.path);
            self.succeed(job, &summary);
            return;
        }
        if let Some(sent) = &mut writing.sent {
            match sent.sees(document.revision, |_| Some(false)) {
                Seen::Nothing | Seen::Landed => return,
                Seen::Again if writing.tries >= TRIES_AT_ONCE => return,
                Seen::Soon => return self.look_after_answer(job, SKIPPED_AFTER),
                Seen::Again => writing.sent = None,
            }
        }
        self.send_answer(job, &text);
    }

    /// Sends the editor the edit that brings an answer into `text`, which is the present one.
    fn send_answer(&mut self, job: JobId, text: &str) {
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return;
        };
        let (Some(writing), Some(document)) =
            (&mut question.writing, self.documents.get(&question.uri))
        else {
            return;
        };
        let obstacle = if !self.client.apply_edit {
            Some("the editor does not apply edits of a language server".to_owned())
        } else if let Some(why) = &document.suspect {
            Some(format!("it may be out of step with the editor: {why}"))
        } else if writing.tries >= TRIES {
            Some("the editor does not take the change".to_owned())
        } else {
            None
        };
        if let Some(why) = obstacle {
            self.give_up_answer(job, &why);
            return;
        }
        let end = question.end.map(|end| end.0);
        let Some(changes) = answered(text, end, &writing.who, &writing.answer) else {
            // What is typed next may close it.
            if !std::mem::replace(&mut writing.is_held, true) {
                self.look_after_answer(job, CLOSED_WITHIN);
            }
            return;
        };
        let edit = to_proto::text_edit(
            &question.uri,
            Some(document.version),
            &document.text,
            &changes,
            self.client.encoding,
        );
        writing.sent = Some(Delivery::sent(Some(document.revision)));
        writing.is_held = false;
        writing.tries += 1;
        let params = json!({"label": "Pleach: the answer", "edit": {"documentChanges": [edit]}});
        self.request("workspace/applyEdit", &params, Awaited::ChatEdit(job));
        self.look_after_answer(job, ANSWERED_WITHIN);
    }

    /// Comes back to an answer in a while, unless this is called again before.
    fn look_after_answer(&mut self, job: JobId, delay: Duration) {
        let question = self.chats.asked.get_mut(&job);
        if let Some(writing) = question.and_then(|question| question.writing.as_mut()) {
            writing.waits += 1;
            let wait = writing.waits;
            self.later(delay, Event::Chat(ChatEvent::Due { job, wait }));
        }
    }

    /// The editor answered. What it says proves nothing: the text does, now or when it comes.
    pub(in crate::session) fn chat_edit_answered(&mut self, job: JobId, answer: Option<&Value>) {
        let question = self.chats.asked.get_mut(&job);
        let Some(writing) = question.and_then(|question| question.writing.as_mut()) else {
            return;
        };
        let Some(sent) = &mut writing.sent else {
            return;
        };
        let applied = answer.and_then(|answer| answer.get("applied"));
        let within = if applied.and_then(Value::as_bool) == Some(true) {
            sent.answered(Answer::Applied);
            CONFIRM_WITHIN
        } else {
            sent.answered(Answer::Refused);
            pause_after(writing.tries)
        };
        self.look_after_answer(job, within);
        self.write_answer(job);
    }

    /// What was waited for has not come in time.
    pub(super) fn answer_due(&mut self, job: JobId, wait: u32) {
        let question = self.chats.asked.get_mut(&job);
        let Some(writing) = question.and_then(|question| question.writing.as_mut()) else {
            return;
        };
        if writing.waits != wait {
            return;
        }
        let Some(sent) = &writing.sent else {
            self.give_up_answer(job, "a code block or a comment in it is not closed");
            return;
        };
        let is_unseen = sent.answer() == Answer::Applied && !sent.is_missed();
        if sent.answer() == Answer::Open {
            self.give_up_answer(job, "the editor does not answer");
        } else if is_unseen && std::mem::replace(&mut writing.was_unseen, true) {
            self.give_up_answer(job, "the editor does not show the change");
        } else {
            writing.sent = None;
            self.write_answer(job);
        }
    }

    /// Writes into a chat that no editor has open, off the loop.
    fn write_closed_chat(&mut self, job: JobId) {
        let snapshot = self.snapshot();
        let journal = Journal::new(&self.environment.state_dir);
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return;
        };
        let Some(writing) = &mut question.writing else {
            return;
        };
        writing.sent = Some(Delivery::sent(None));
        writing.is_held = false;
        writing.tries += 1;
        // Nothing else is waited for.
        writing.waits += 1;
        let path = question.path.clone();
        let (who, answer, before) = (writing.who.clone(), writing.answer.clone(), writing.before);
        let told = move |written| Event::Chat(ChatEvent::Written { job, written });
        let work = move || told(write(&path, &who, &answer, before, &snapshot, &journal));
        self.aside(work, told(Err("writing it failed".to_owned())));
    }

    pub(super) fn answer_written(&mut self, job: JobId, written: Result<(), String>) {
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return;
        };
        let path = question.path.clone();
        let Some(writing) = &mut question.writing else {
            return;
        };
        writing.sent = None;
        let tries = writing.tries;
        match written {
            Ok(()) => self.succeed(job, &format!("answered in {path}")),
            Err(why) if tries >= TRIES => self.give_up_answer(job, &why),
            Err(_) => self.write_answer(job),
        }
    }

    /// The answer of a job that is to be written, and of which nothing is under way: the job has it back.
    pub(in crate::session) fn take_back_answer(&mut self, job: JobId) -> Option<String> {
        if self.is_written_down(job) {
            return None;
        }
        let question = self.chats.asked.get_mut(&job)?;
        question.writing.take().map(|writing| writing.answer)
    }

    fn give_up_answer(&mut self, job: JobId, why: &str) {
        let Some(question) = self.chats.asked.remove(&job) else {
            return;
        };
        let failure = Failure {
            code: "chat-not-written".to_owned(),
            message: format!(
                "the answer could not be written into {}, because {why}",
                question.path
            ),
            next: "take it from the file that it is kept in".to_owned(),
        };
        let answer = question.writing.map(|writing| writing.answer);
        self.fail(job, failure, answer);
    }
}

impl Writing {
    /// Whether an edit or a write of it is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.sent.is_some()
    }
}

/// How long a next try waits for another text, after so many.
fn pause_after(tries: u32) -> Duration {
    let doubled = 1_u32
        .checked_shl(tries.saturating_sub(1))
        .unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

fn write(
    path: &str,
    who: &str,
    answer: &str,
    before: Option<usize>,
    snapshot: &WorkspaceSnapshot,
    journal: &Journal,
) -> Result<(), String> {
    let text = snapshot
        .read_text(path)
        .map_err(|error| error.to_string())?;
    if before.is_some_and(|before| count_of(&text, who, answer) > before) {
        // It was saved before it was closed.
        return Ok(());
    }
    let changes = answered(&text, None, who, answer)
        .ok_or("a code block or a comment in it is not closed")?;
    let change = FileChange::Edit {
        path: path.to_owned(),
        before: Arc::clone(&text),
        changes,
    };
    let written = write_all(snapshot, [&change], journal);
    written.map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_without_another_text_wait_longer_and_longer() {
        let pauses = [1, 2, 3, 4, 40].map(|tries| pause_after(tries).as_millis());
        assert_eq!(pauses, [250, 500, 1000, 1000, 1000]);
    }
}
