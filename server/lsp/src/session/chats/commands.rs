//! The commands about chats: by path, so that an editor that shows no menu has all of it.

use std::fmt::Write as _;

use pleach_agent::chat::{is_chat, new_path};
use pleach_agent::{Action, JobFailure, JobOutcome, JobRequest, TargetDocument, builtin};
use pleach_edit::{EditRequest, propose};
use pleach_grammars::Language;
use pleach_plan::chat::{Chat, EditBlock, Speaker, Turn, edit_blocks};
use pleach_text::{ByteOffset, ByteRange};
use pleach_workspace::WorkspaceSnapshot;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Id;

use super::Question;
use crate::actions::shortened;
use crate::event::JobId;
use crate::session::Session;
use crate::session::arguments::{Given, no_number};
use crate::session::commands::CommandFailure;

/// What can be done with chats, by jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatCommand {
    /// Begin one.
    New,
    /// Have the question answered that it ends with.
    Continue,
    /// Land the edits of an answer.
    Land,
    /// Delete it.
    Delete,
}

impl ChatCommand {
    pub(crate) const ALL: [Self; 4] = [Self::New, Self::Continue, Self::Land, Self::Delete];

    /// The command's name as editors send it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::New => "pleach.chat.new",
            Self::Continue => "pleach.chat.continue",
            Self::Land => "pleach.chat.land",
            Self::Delete => "pleach.chat.delete",
        }
    }

    pub(crate) fn from_command(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.command() == command)
    }
}

/// Which chat is meant, and what of it. What is left out is taken from where the editor asked last.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ChatArguments {
    pub(super) uri: Option<String>,
    /// Relative to a workspace folder, or absolute.
    pub(super) path: Option<String>,
    /// 1-based: the edit block in this line.
    line: Option<u32>,
    /// All edit blocks of the answer.
    all: bool,
    /// Of a new chat.
    title: Option<String>,
    /// What a new chat begins with.
    question: Option<String>,
}

impl ChatArguments {
    pub(crate) fn read(command: ChatCommand, given: Vec<Value>) -> Result<Self, String> {
        let words = |line: String| {
            let mut read = Self::default();
            match command {
                ChatCommand::New => read.question = Some(line),
                _ => read.path = Some(line),
            }
            Ok(read)
        };
        Given::of(given).read(words, no_number)
    }

    /// A bare word is the path.
    pub(super) fn of_path(given: Vec<Value>) -> Result<Self, String> {
        Self::read(ChatCommand::Continue, given)
    }
}

impl Session {
    /// Carries a command about chats out, as a job.
    pub(in crate::session) fn chat_command(
        &mut self,
        request: Option<Id>,
        command: ChatCommand,
        arguments: ChatArguments,
    ) -> Result<Value, CommandFailure> {
        if !self.configuration.settings().actions.enabled {
            return Err(CommandFailure::TurnedOff);
        }
        let job = match command {
            ChatCommand::New => self.new_chat(arguments),
            ChatCommand::Continue => self.continue_chat(request, &arguments)?,
            ChatCommand::Land => self.land_block(request, &arguments)?,
            ChatCommand::Delete => self.delete_chat(&arguments)?,
        };
        Ok(json!({ "job": job }))
    }

    /// The chat that arguments mean: its uri and its name.
    pub(super) fn chat_meant(
        &self,
        arguments: &ChatArguments,
    ) -> Result<(String, String), CommandFailure> {
        let snapshot = self.snapshot();
        let uri = match (&arguments.uri, &arguments.path) {
            (Some(uri), _) => uri.clone(),
            (None, Some(path)) => match self.document_named(path) {
                Some(uri) => uri,
                None => snapshot.uri_of(path).map_err(CommandFailure::Denied)?,
            },
            (None, None) => {
                let last = self.last_place.as_ref().map(|last| last.uri.clone());
                last.ok_or(CommandFailure::NoChat)?
            }
        };
        let name = snapshot.name_of(&uri).map_err(CommandFailure::Denied)?;
        if is_chat(&name) {
            Ok((uri, name))
        } else {
            Err(CommandFailure::NoChat)
        }
    }

    fn continue_chat(
        &mut self,
        request: Option<Id>,
        arguments: &ChatArguments,
    ) -> Result<JobId, CommandFailure> {
        if !self.configuration.has_model(Action::Chat) {
            return Err(CommandFailure::NeedsModel("Answering in a chat"));
        }
        let (uri, path) = self.chat_meant(arguments)?;
        if self.chats.asked.values().any(|it| it.path == path) {
            return Err(CommandFailure::ChatRuns);
        }
        let document = self.documents.get(&uri);
        if let Some(why) = document.and_then(|document| document.suspect.clone()) {
            return Err(CommandFailure::Suspect(why));
        }
        let text = document.map_or_else(String::new, |document| document.text.to_string());
        // What is typed in the line break that ends the file stands below the question.
        let end = document.map(|_| ByteOffset(text.trim_end().len()));
        let chat = TargetDocument {
            path: path.clone(),
            language: Some(Language::Markdown),
            text: text.into(),
        };
        let asked = JobRequest::new(Action::Chat, chat, self.snapshot());
        let title = format!("Answer in {path}");
        let job = self.start_job(request, Some(&uri), title, asked);
        let question = Question {
            path,
            uri,
            end,
            writing: None,
        };
        self.chats.asked.insert(job, question);
        Ok(job)
    }

    /// Lands what an answer proposes: the block in the line that is named or where the editor asked last,
    /// else all of that answer, or of the last one.
    fn land_block(
        &mut self,
        request: Option<Id>,
        arguments: &ChatArguments,
    ) -> Result<JobId, CommandFailure> {
        let (uri, _) = self.chat_meant(arguments)?;
        let document = self.documents.get(&uri);
        let document = document.ok_or_else(|| CommandFailure::NotOpen(uri.clone()))?;
        let last = self.last_place.as_ref().filter(|last| last.uri == uri);
        let at = match arguments.line {
            Some(line) => Some(document.start_of_line(line)),
            None => last.and_then(|last| document.moved(last.range, last.version)),
        };
        let text = document.text.to_string();
        let (title, reply) =
            wanted(&text, at.map(|at| at.start.0), arguments.all).ok_or(CommandFailure::NoBlock)?;
        let asked = JobRequest {
            reply: Some(reply),
            ..JobRequest::new(Action::Land, TargetDocument::none(), self.snapshot())
        };
        Ok(self.start_job(request, None, title, asked))
    }

    fn new_chat(&mut self, arguments: ChatArguments) -> JobId {
        let question = arguments.question.unwrap_or_default();
        let title = arguments.title.filter(|title| !title.trim().is_empty());
        let title = title.unwrap_or_else(|| match question.trim() {
            "" => "Chat".to_owned(),
            asked => shortened(asked, 50),
        });
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let job = self.add_job(None, None, Action::Chat, format!("New chat: {title}"), None);
        self.job_engine(job, builtin::LABEL.to_owned());
        let snapshot = self.snapshot();
        if let Some(it) = self.jobs.get_mut(&job) {
            it.shows_file = true;
        }
        let work = move || begun(&title, &question, &snapshot);
        self.spawn_blocking_job(job, "beginning the chat", work);
        job
    }

    fn delete_chat(&mut self, arguments: &ChatArguments) -> Result<JobId, CommandFailure> {
        if arguments.uri.is_none() && arguments.path.is_none() {
            // What is deleted is said.
            return Err(CommandFailure::NoChat);
        }
        let (uri, path) = self.chat_meant(arguments)?;
        if self.chats.asked.values().any(|it| it.path == path) {
            return Err(CommandFailure::ChatRuns);
        }
        let title = format!("Delete {path}");
        let job = self.add_job(None, Some(&uri), Action::Chat, title, None);
        self.job_engine(job, builtin::LABEL.to_owned());
        let snapshot = self.snapshot();
        let work = move || {
            let reply = format!("*** Begin Patch\n*** Delete File: {path}\n*** End Patch\n");
            let summary = format!("{path} is deleted; pleach.undo brings it back");
            proposed(&reply, summary, &snapshot)
        };
        self.spawn_blocking_job(job, "deleting the chat", work);
        Ok(job)
    }
}

/// An answer and what of it can be landed.
pub(super) struct Landable<'t> {
    answer: &'t str,
    pub(super) blocks: Vec<EditBlock>,
    /// The one that holds the place that was asked about.
    here: Option<usize>,
}

impl<'t> Landable<'t> {
    /// Of a turn of the chat, if that is an answer; `at` is a byte of the chat's text.
    pub(super) fn of(chat: &Chat<'t>, turn: &Turn, at: Option<usize>) -> Option<Self> {
        if turn.speaker != Speaker::Pleach {
            return None;
        }
        let answer = chat.text_of(turn);
        let blocks = edit_blocks(answer);
        let inside = at.and_then(|at| at.checked_sub(turn.body.start.0));
        let here = inside.and_then(|at| {
            let holds = |range: ByteRange| range.start.0 <= at && at < range.end.0;
            blocks.iter().position(|block| holds(block.range))
        });
        Some(Self {
            answer,
            blocks,
            here,
        })
    }

    pub(super) fn here(&self) -> Option<&EditBlock> {
        self.blocks.get(self.here?)
    }
}

/// What is to be landed of a chat, and what that is called.
fn wanted(text: &str, at: Option<usize>, all: bool) -> Option<(String, String)> {
    let chat = Chat::parse(text);
    let here = at.and_then(|at| chat.turn_at(at));
    let here = here.and_then(|turn| Landable::of(&chat, turn, at));
    let landable = here.or_else(|| {
        let mut turns = chat.turns().iter().rev();
        turns.find_map(|turn| Landable::of(&chat, turn, at))
    })?;
    match (landable.here(), landable.blocks.as_slice()) {
        (_, []) => None,
        (Some(block), _) | (None, [block]) if !all => {
            let path = block.path.as_deref().unwrap_or("a patch");
            Some((format!("Land the edit of {path}"), block.reply.clone()))
        }
        (_, blocks) => {
            let title = format!("Land the answer's {} edits", blocks.len());
            Some((title, landable.answer.to_owned()))
        }
    }
}

/// A new chat, as a file that is to be made.
fn begun(title: &str, question: &str, workspace: &WorkspaceSnapshot) -> JobOutcome {
    let path = match new_path(title, workspace) {
        Ok(path) => path,
        Err(failure) => return failed(failure.into()),
    };
    let text = format!("# {title}\n\n## You\n\n{}\n", question.trim_end());
    let mut reply = format!("*** Begin Patch\n*** Add File: {path}\n");
    for line in text.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(reply, "+{line}");
    }
    reply.push_str("*** End Patch\n");
    proposed(&reply, format!("{path} is begun"), workspace)
}

fn proposed(edits: &str, summary: String, workspace: &WorkspaceSnapshot) -> JobOutcome {
    match propose(&EditRequest::new(edits, workspace)) {
        Ok(proposal) => JobOutcome::Proposal {
            proposal: Box::new(proposal),
            summary,
            reply: String::new(),
        },
        Err(refusal) => failed(JobFailure::Refused(Box::new(refusal))),
    }
}

fn failed(failure: JobFailure) -> JobOutcome {
    JobOutcome::Failed {
        failure,
        reply: None,
    }
}
