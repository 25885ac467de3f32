//! How an answer comes into its chat: as one edit, behind the question, never against the person's typing.
//!
//! What is wanted is kept until the text shows it. Each try is made of the present text; one that comes too
//! late is refused by its version, and made again. What cannot be written is kept as a file.

use std::sync::Arc;
use std::time::Duration;

use pleach_edit::FileChange;
use pleach_plan::chat::{answered, count_of};
use pleach_workspace::{Journal, WorkspaceSnapshot, write_all};
use serde_json::{Value, json};

use super::ChatEvent;
use crate::event::{Event, JobId};
use crate::session::jobs::Failure;
use crate::session::{Awaited, Session};
use crate::to_proto;

/// How often the same answer is tried.
const TRIES: u32 = 10;
/// How long after the editor's answer the text may take to show what was sent.
const SHOWN_WITHIN: Duration = Duration::from_millis(250);
/// How long an editor may take to answer: it may ask the person.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// An answer that is to be written.
pub(super) struct Writing {
    who: String,
    answer: String,
    /// How often the text showed the same answer before; `None` until it is looked at.
    before: Option<usize>,
    sent: Option<Sent>,
    tries: u32,
}

/// An edit on its way.
#[derive(Clone, Copy)]
struct Sent {
    /// The document's revision then.
    revision: u64,
    answered: bool,
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
        question.writing = Some(Writing {
            who: who.unwrap_or_default(),
            answer: markdown,
            before: None,
            sent: None,
            tries: 0,
        });
        self.job_phase(job, "writing it into the chat");
        self.write_answer(job);
        None
    }

    /// Writes an answer into its chat, unless that is under way.
    pub(super) fn write_answer(&mut self, job: JobId) {
        let Some(question) = self.chats.asked.get_mut(&job) else {
            return;
        };
        let Some(writing) = &mut question.writing else {
            return;
        };
        let document = self.documents.get(&question.uri);
        if let (Some(before), Some(document)) = (writing.before, document)
            && count_of(&document.text.to_string(), &writing.who, &writing.answer) > before
        {
            // Some editors make the change and never answer.
            let summary = format!("answered in {}", question.path);
            self.succeed(job, &summary);
            return;
        }
        let is_under_way = |sent: Sent| {
            let seen = document.is_some_and(|document| document.revision != sent.revision);
            !(sent.answered && seen)
        };
        if writing.sent.is_some_and(is_under_way) {
            return;
        }
        let Some(document) = document else {
            self.write_closed_chat(job);
            return;
        };
        let text = document.text.to_string();
        let shown = || count_of(&text, &writing.who, &writing.answer);
        writing.before.get_or_insert_with(shown);
        if writing.tries >= TRIES || !self.client.apply_edit || document.suspect.is_some() {
            self.give_up_answer(job, "the editor does not take the change");
            return;
        }
        let end = question.end.map(|end| end.0);
        let changes = answered(&text, end, &writing.who, &writing.answer);
        let edit = to_proto::text_edit(
            &question.uri,
            Some(document.version),
            &document.text,
            &changes,
            self.client.encoding,
        );
        writing.sent = Some(Sent {
            revision: document.revision,
            answered: false,
        });
        writing.tries += 1;
        let tries = writing.tries;
        let params = json!({"label": "Pleach: the answer", "edit": {"documentChanges": [edit]}});
        self.request("workspace/applyEdit", &params, Awaited::ChatEdit(job));
        self.later(
            ANSWERED_WITHIN,
            Event::Chat(ChatEvent::Unanswered { job, tries }),
        );
    }

    /// The editor answered. What it says proves nothing: the text does, now or when it comes.
    pub(in crate::session) fn chat_edit_answered(&mut self, job: JobId, answer: Option<&Value>) {
        let question = self.chats.asked.get_mut(&job);
        let Some(writing) = question.and_then(|question| question.writing.as_mut()) else {
            return;
        };
        let applied = answer.and_then(|answer| answer.get("applied"));
        if applied.and_then(Value::as_bool) == Some(true) {
            if let Some(sent) = &mut writing.sent {
                sent.answered = true;
            }
            // The text that shows it may be on its way: to send again at once would write it twice.
            self.later(SHOWN_WITHIN, Event::Chat(ChatEvent::Due { job }));
        } else {
            writing.sent = None;
        }
        self.write_answer(job);
    }

    pub(super) fn answer_due(&mut self, job: JobId) {
        let question = self.chats.asked.get_mut(&job);
        let writing = question.and_then(|question| question.writing.as_mut());
        if let Some(writing) = writing
            && writing.sent.is_some_and(|sent| sent.answered)
        {
            writing.sent = None;
            self.write_answer(job);
        }
    }

    /// The editor has not answered for long: the answer must not wait with it.
    pub(super) fn edit_unanswered(&mut self, job: JobId, tries: u32) {
        let question = self.chats.asked.get(&job);
        let writing = question.and_then(|question| question.writing.as_ref());
        let waits = |writing: &Writing| {
            writing.tries == tries && writing.sent.is_some_and(|sent| !sent.answered)
        };
        if writing.is_some_and(waits) {
            self.give_up_answer(job, "the editor does not answer");
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
        writing.sent = Some(Sent {
            revision: 0,
            answered: false,
        });
        writing.tries += 1;
        let (path, who, answer) = (
            question.path.clone(),
            writing.who.clone(),
            writing.answer.clone(),
        );
        let told = move |written| Event::Chat(ChatEvent::Written { job, written });
        let work = move || told(write(&path, &who, &answer, &snapshot, &journal));
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

fn write(
    path: &str,
    who: &str,
    answer: &str,
    snapshot: &WorkspaceSnapshot,
    journal: &Journal,
) -> Result<(), String> {
    let before = snapshot
        .read_text(path)
        .map_err(|error| error.to_string())?;
    let changes = answered(&before, None, who, answer);
    let change = FileChange::Edit {
        path: path.to_owned(),
        before: Arc::clone(&before),
        changes,
    };
    let written = write_all(snapshot, [&change], journal);
    written.map(|_| ()).map_err(|error| error.to_string())
}
