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
    /// What an answer waits for, by its number, ought to have come by now.
    Due { job: JobId, wait: u32 },
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
            ChatEvent::Due { job, wait } => self.answer_due(job, wait),
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

    /// A document was opened, perhaps under another spelling of its uri than its chat was asked by: what it
    /// says may have become another text meanwhile.
    pub(super) fn chats_opened(&mut self, uri: &str) {
        if self.chats.asked.is_empty() {
            return;
        }
        let name = self.snapshot().name_of(uri).ok();
        for question in self.chats.asked.values_mut() {
            if question.uri == uri || name.as_ref() == Some(&question.path) {
                uri.clone_into(&mut question.uri);
                question.end = None;
            }
        }
    }

    /// A document was closed: nobody follows its text any longer.
    pub(super) fn chats_closed(&mut self, uri: &str) {
        for question in self.chats.asked.values_mut().filter(|it| it.uri == uri) {
            question.end = None;
        }
        self.chat_moved(uri);
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
        let writing = question.and_then(|question| question.writing.as_ref());
        writing.is_some_and(Writing::is_under_way)
    }

    /// A job has ended, whatever came of it.
    pub(super) fn chat_job_ended(&mut self, job: JobId) {
        self.chats.asked.remove(&job);
    }
}
