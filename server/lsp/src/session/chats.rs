//! Chats: documents of the workspace in which questions are answered.
//!
//! What a chat says is read from its text, each time anew. Nothing of it is kept but the questions that are
//! being answered, with the place where each ended, moved along with what is typed; and the answers that are
//! still to be written ([`writing`]).

mod commands;
mod looking;
mod menu;
mod writing;

use std::collections::BTreeMap;

use pleach_text::{Bias, ByteOffset};

pub(crate) use self::commands::{ChatArguments, ChatCommand};
pub(crate) use self::looking::{ChatLook, Looked};
use self::writing::Writing;
use crate::event::JobId;
use crate::session::Session;

/// The questions that are being answered, by their jobs.
#[derive(Default)]
pub(crate) struct Chats {
    asked: BTreeMap<JobId, Question>,
}

/// A question that is being answered.
struct Question {
    /// The chat, as the workspace names it.
    path: String,
    uri: String,
    /// Where the question ended, in bytes of the present text; `None` where that is not known.
    end: Option<ByteOffset>,
    /// What is to be written.
    writing: Option<Writing>,
}

/// What the session is told about chats.
pub(crate) enum ChatEvent {
    /// An answer that was sent to the editor ought to be seen by now.
    Due { job: JobId },
    /// So many tries were made, and the last one was not answered.
    Unanswered { job: JobId, tries: u32 },
    /// An answer was written into a chat that is not open, or why it was not.
    Written {
        job: JobId,
        written: Result<(), String>,
    },
    /// What was looked for in chats was found.
    Looked(Box<Looked>),
}

impl Session {
    pub(super) fn chat_event(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Due { job } => self.answer_due(job),
            ChatEvent::Unanswered { job, tries } => self.edit_unanswered(job, tries),
            ChatEvent::Written { job, written } => self.answer_written(job, written),
            ChatEvent::Looked(looked) => self.looked_at_chats(*looked),
        }
    }

    /// The document `uri` went on from the text that had `revision`.
    pub(super) fn chats_follow(&mut self, uri: &str, revision: u64) {
        let mut here = self
            .chats
            .asked
            .values_mut()
            .filter(|it| it.uri == uri)
            .peekable();
        if here.peek().is_none() {
            return;
        }
        let document = self.documents.get(uri);
        let changes = document.and_then(|document| document.changes_since(revision));
        for question in here {
            // What is typed where the question ends comes behind the answer.
            let moved = question.end.zip(changes.as_ref()).map(|(end, changes)| {
                changes
                    .iter()
                    .fold(end, |at, change| change.map_offset(at, Bias::Before))
            });
            question.end = moved;
        }
    }

    /// A document has a new text, or is closed.
    pub(super) fn chat_moved(&mut self, uri: &str) {
        let here = self.chats.asked.iter().filter(|(_, it)| it.uri == uri);
        let waiting = here.filter(|(_, it)| it.writing.is_some());
        let waiting: Vec<JobId> = waiting.map(|(job, _)| *job).collect();
        for job in waiting {
            self.write_answer(job);
        }
    }

    /// Whether the answer of a job is being written into its chat.
    pub(super) fn is_written_down(&self, job: JobId) -> bool {
        let question = self.chats.asked.get(&job);
        question.is_some_and(|question| question.writing.is_some())
    }

    /// A job has ended, whatever came of it.
    pub(super) fn chat_job_ended(&mut self, job: JobId) {
        self.chats.asked.remove(&job);
    }
}

/// Whether a uri looks like that of a chat.
fn is_chat_uri(uri: &str) -> bool {
    uri.strip_suffix(".md")
        .and_then(|stem| stem.rsplit_once('/'))
        .is_some_and(|(folder, _)| folder.ends_with(pleach_plan::chat::FOLDER))
}
