//! Commands: what their arguments mean, and the job that each one starts.

mod failure;

use std::sync::Arc;

use camino::Utf8Path;
use pleach_agent::{Action, JobRequest, OwnAction, Scope, TargetDocument};
use pleach_text::{ByteOffset, ByteRange};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Id;

pub(crate) use self::failure::CommandFailure;
use crate::event::JobId;
use crate::from_proto;
use crate::session::arguments::{Given, no_number};
use crate::session::chats::{ChatArguments, ChatCommand};
use crate::session::findings::{FindingArguments, FindingCommand};
use crate::session::plans::{PlanArguments, PlanCommand};
use crate::session::reviews::{Decision, ReviewArguments};
use crate::session::{LastPlace, Session};

/// `pleach.status`: what the server is and does, as JSON. Not an action on a place.
pub(crate) const STATUS: &str = "pleach.status";
/// `pleach.history`: what landed, newest first.
pub(crate) const HISTORY: &str = "pleach.history";
/// `pleach.usage`: what models were asked and what it has cost.
pub(crate) const USAGE: &str = "pleach.usage";
/// `pleach.rules`: which of the project's rules for agents hold for a document.
pub(crate) const RULES: &str = "pleach.rules";
/// `pleach.action`: an action that the person or the workspace has added, by its name.
pub(crate) const ACTION: &str = "pleach.action";
/// `pleach.pipeline`: a coder's change, tested and reviewed before it is shown.
pub(crate) const PIPELINE: &str = "pleach.pipeline";
/// `pleach.previewPrompt`: what another command would send.
pub(crate) const PREVIEW: &str = "pleach.previewPrompt";

/// `pleach.search`: places of the workspace, by words.
pub(crate) const SEARCH: &str = "pleach.search";
/// `pleach.whatWasSent`: what the last request to a model was made of.
pub(crate) const SENT: &str = "pleach.whatWasSent";
/// `pleach.templates`: what new files can be made from.
pub(crate) const TEMPLATES: &str = "pleach.templates";
/// `pleach.new`: new files from a template.
pub(crate) const NEW: &str = "pleach.new";
/// `pleach.index`: makes the index of the workspace anew.
pub(crate) const INDEX: &str = "pleach.index";

/// The arguments of every command: one object, all of whose fields may be left out, or a bare
/// string, which is the instruction (for `pleach.land`: the reply).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Arguments {
    uri: Option<String>,
    /// Relative to a workspace folder, or absolute. A way to name a document for people who type.
    path: Option<String>,
    range: Option<lsp_types::Range>,
    /// 1-based. Another way for people who type.
    line: Option<u32>,
    /// The version that `range` and `bytes` are of.
    version: Option<i32>,
    /// The range in bytes of that version.
    bytes: Option<(usize, usize)>,
    instruction: Option<String>,
    reply: Option<String>,
    job: Option<JobId>,
    /// Every job.
    all: bool,
    /// Which landed edit to undo, by its number in the history.
    entry: Option<u64>,
    /// What the entry that was picked is called.
    title: Option<String>,
    /// An action that the person or the workspace has added, by its name.
    pub(super) action: Option<String>,
    /// For `pleach.previewPrompt`: the command whose request is shown.
    command: Option<String>,
    pub(super) diagnostics: Vec<lsp_types::Diagnostic>,
    /// A tester and a reviewer go on with what comes of it.
    pipeline: bool,
    /// For `pleach.review`: what is looked at.
    scope: Option<ReviewScope>,
}

/// What a review looks at, as it is written in arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReviewScope {
    Selection,
    File,
    Changes,
}

/// A document and a range of its present text.
pub(super) struct Place {
    pub(super) uri: String,
    range: ByteRange,
}

impl Session {
    /// Carries a command out: at once what is a matter of memory, as a job what is not.
    pub(super) fn carry_out(
        &mut self,
        request: Option<Id>,
        command: &str,
        arguments: Vec<Value>,
    ) -> Result<Value, CommandFailure> {
        if command == STATUS {
            return Ok(self.status());
        }
        if command == HISTORY {
            return Ok(self.show_history());
        }
        if command == INDEX {
            return self.rebuild_index();
        }
        if command == SENT {
            return self.show_sent();
        }
        if command == NEW {
            return self.new_from_template(arguments);
        }
        if command == USAGE {
            return Ok(self.show_usage());
        }
        let unreadable = |cause| CommandFailure::Arguments {
            command: command.to_owned(),
            cause,
        };
        if let Some(decision) = Decision::from_command(command) {
            let arguments = ReviewArguments::read(decision, arguments).map_err(unreadable)?;
            return self.decide(decision, &arguments);
        }
        if matches!(command, RULES | ACTION | PREVIEW | PIPELINE) {
            let arguments = Arguments::read(Action::Explain, arguments).map_err(unreadable)?;
            return match command {
                ACTION => self.begin_own(request, arguments),
                PIPELINE if !self.configuration.settings().actions.enabled => {
                    Err(CommandFailure::TurnedOff)
                }
                PIPELINE => {
                    let pipeline = true;
                    let arguments = Arguments {
                        pipeline,
                        ..arguments
                    };
                    self.begin(request, Action::Rewrite, arguments, None)
                }
                PREVIEW => self.preview(arguments),
                _ => {
                    let place = self.place_of(&arguments)?;
                    self.show_rules_of(&place)
                }
            };
        }
        if let Some(plan) = PlanCommand::from_command(command) {
            let arguments = PlanArguments::read(plan, arguments).map_err(unreadable)?;
            return self.plan_command(plan, arguments);
        }
        if let Some(chat) = ChatCommand::from_command(command) {
            let arguments = ChatArguments::read(chat, arguments).map_err(unreadable)?;
            return self.chat_command(request, chat, arguments);
        }
        if let Some(finding) = FindingCommand::from_command(command) {
            let arguments = FindingArguments::read(arguments).map_err(unreadable)?;
            return self.finding_command(finding, arguments);
        }
        let action = Action::from_command(command)
            .ok_or_else(|| CommandFailure::Unknown(command.to_owned()))?;
        let arguments = Arguments::read(action, arguments).map_err(unreadable)?;
        match action {
            Action::Cancel => self.cancel(&arguments),
            Action::Undo => {
                let uri = arguments
                    .uri
                    .or_else(|| arguments.path.and_then(|path| self.document_named(&path)));
                self.undo(arguments.entry, uri.as_deref())
            }
            _ if !self.configuration.settings().actions.enabled => Err(CommandFailure::TurnedOff),
            _ => self.begin(request, action, arguments, None),
        }
    }

    /// Cancels one job, every job, or the newest.
    fn cancel(&mut self, arguments: &Arguments) -> Result<Value, CommandFailure> {
        let running = self.jobs.values().filter(|job| !job.has_ended());
        let named: Vec<&super::jobs::Job> = match arguments.job {
            Some(id) => running.filter(|job| job.id == id).collect(),
            None => running.collect(),
        };
        let in_time = named.iter().filter(|job| self.can_be_cancelled(job));
        let mut in_time: Vec<JobId> = in_time.map(|job| job.id).collect();
        if in_time.is_empty() {
            return Err(if named.is_empty() {
                CommandFailure::NothingRuns
            } else {
                CommandFailure::Landing
            });
        }
        if !arguments.all {
            in_time.drain(..in_time.len() - 1);
        }
        for job in in_time {
            self.cancel_job(job);
        }
        Ok(Value::Null)
    }

    /// Starts the job of an action that the person or the workspace has added.
    fn begin_own(
        &mut self,
        request: Option<Id>,
        mut arguments: Arguments,
    ) -> Result<Value, CommandFailure> {
        // A bare word is the name.
        if arguments.action.is_none() {
            arguments.action = arguments.instruction.take();
        }
        let action = self.own_action(&arguments)?.map(|own| own.basis());
        let action = action.ok_or_else(|| CommandFailure::NoAction(String::new()))?;
        let settings = self.configuration.settings();
        if !settings.actions.enabled {
            return Err(CommandFailure::TurnedOff);
        }
        if !self.configuration.has_model(action) {
            return Err(CommandFailure::NeedsModel("an action of one's own"));
        }
        self.begin(request, action, arguments, None)
    }

    /// The added action that the arguments name, if they name one.
    fn own_action(&self, arguments: &Arguments) -> Result<Option<Arc<OwnAction>>, CommandFailure> {
        let Some(name) = &arguments.action else {
            return Ok(None);
        };
        let own = self.configuration.roster().action(name).cloned();
        own.map(Some)
            .ok_or_else(|| CommandFailure::NoAction(name.clone()))
    }

    /// Shows what a command would send.
    fn preview(&mut self, arguments: Arguments) -> Result<Value, CommandFailure> {
        let action = match (self.own_action(&arguments)?, &arguments.command) {
            (Some(own), _) => own.basis(),
            (None, Some(command)) => Action::from_command(command)
                .filter(|action| action.asks_about_a_place())
                .ok_or_else(|| CommandFailure::NoPreview(command.clone()))?,
            (None, None) if arguments.instruction.is_some() => Action::Rewrite,
            (None, None) => Action::Explain,
        };
        let (_, _, asked) = self.asked(action, arguments, None)?;
        if action == Action::Review && asked.scope == Scope::Changes {
            return Err(CommandFailure::NoPreview("a review of changes".to_owned()));
        }
        self.show_prompt_of(asked);
        Ok(Value::Null)
    }

    /// Starts the job of an action on a place; for a second try of one with another instruction, under
    /// the title of the first.
    fn begin(
        &mut self,
        request: Option<Id>,
        action: Action,
        arguments: Arguments,
        again: Option<(String, String)>,
    ) -> Result<Value, CommandFailure> {
        let wants_pipeline = arguments.pipeline;
        // What is asked once more is asked of the coder.
        let is_first = again.is_none();
        let (place, title, asked) = self.asked(action, arguments, again)?;
        let own = asked.own.as_ref().is_some_and(|own| own.pipeline);
        let title = title.unwrap_or_else(|| super::jobs::title(&asked));
        let uri = place.as_ref().map(|place| place.uri.as_str());
        let job = if wants_pipeline || own && is_first {
            if !asked.action.is_coders() {
                return Err(CommandFailure::NoPipeline(asked.action.title()));
            }
            if !self.configuration.has_model(asked.action) {
                return Err(CommandFailure::NeedsModel("a pipeline"));
            }
            self.start_pipeline(request, uri, title, asked)
        } else {
            self.start_job(request, uri, title, asked)
        };
        Ok(json!({ "job": job }))
    }

    /// What arguments ask for: where, what the entry that was picked is called, and the request.
    fn asked(
        &mut self,
        action: Action,
        mut arguments: Arguments,
        again: Option<(String, String)>,
    ) -> Result<(Option<Place>, Option<String>, JobRequest), CommandFailure> {
        if action == Action::Review && arguments.scope.is_none() {
            // `:Pleach review changes`, `:lsp-workspace-command pleach.review changes`.
            arguments.scope = arguments.instruction.as_deref().and_then(scope_named);
            arguments.instruction.take_if(|_| arguments.scope.is_some());
        }
        let own = self.own_action(&arguments)?;
        let of_changes = action == Action::Review && arguments.scope == Some(ReviewScope::Changes);
        let place = match self.place_of(&arguments) {
            _ if of_changes => None,
            Err(CommandFailure::NoDocument)
                if matches!(action, Action::Land | Action::RunTests) =>
            {
                None
            }
            place => Some(place?),
        };
        let workspace = self.snapshot();
        let reply = match action {
            Action::Land => Some(
                self.reply_to_land(&arguments, place.as_ref())
                    .ok_or(CommandFailure::NoReply)?,
            ),
            _ => None,
        };
        // A reply that was read out of a document is not meant for that document.
        let place = place.filter(|_| action != Action::Land || arguments.reply.is_some());
        let (instruction, title) = if let Some((instruction, title)) = again {
            (Some(instruction), Some(title))
        } else {
            let instruction = arguments.instruction.filter(|text| !text.trim().is_empty());
            let title = arguments.title.filter(|_| instruction.is_none());
            (instruction, title)
        };
        if action == Action::Rewrite && instruction.is_none() && own.is_none() {
            return Err(CommandFailure::NoInstruction(action.title()));
        }
        let (document, range, diagnostics) = match &place {
            Some(place) => {
                let document = self
                    .documents
                    .get(&place.uri)
                    .ok_or(CommandFailure::NoDocument)?;
                if let Some(why) = &document.suspect {
                    return Err(CommandFailure::Suspect(why.clone()));
                }
                let named = if action.edits() {
                    workspace.name_of(&place.uri)
                } else {
                    workspace.name_to_read(&place.uri)
                };
                let path = named.map_err(CommandFailure::Denied)?;
                let diagnostics = arguments
                    .diagnostics
                    .iter()
                    .map(|it| from_proto::diagnostic(&document.text, it, self.client.encoding))
                    .collect();
                let target = TargetDocument {
                    path,
                    language: document.language,
                    text: document.text.to_string().into(),
                };
                (target, place.range, diagnostics)
            }
            None => (
                TargetDocument::none(),
                ByteRange::empty(ByteOffset(0)),
                Vec::new(),
            ),
        };
        let scope = match arguments.scope {
            Some(ReviewScope::Changes) => Scope::Changes,
            Some(ReviewScope::Selection) => Scope::Selection,
            None if !range.is_empty() => Scope::Selection,
            Some(ReviewScope::File) | None => Scope::File,
        };
        let range = match scope {
            Scope::File if action == Action::Review => {
                ByteRange::new(ByteOffset(0), ByteOffset(document.text.len()))
            }
            _ => range,
        };
        let job_request = JobRequest {
            action,
            document,
            range,
            instruction,
            reply,
            own,
            diagnostics,
            scope,
            workspace,
        };
        Ok((place, title, job_request))
    }

    /// Starts a job at a range of the present text of an open document, with an instruction of ours and
    /// under a title of its own; `more` says what else is given.
    pub(super) fn begin_at(
        &mut self,
        uri: &str,
        range: ByteRange,
        action: Action,
        // The instruction is long: it is not what the job is called.
        instruction_and_title: (String, String),
        more: impl FnOnce(&mut Arguments),
    ) -> Result<JobId, CommandFailure> {
        let document = self
            .documents
            .get(uri)
            .ok_or_else(|| CommandFailure::NotOpen(uri.to_owned()))?;
        let mut arguments = Arguments {
            uri: Some(uri.to_owned()),
            version: Some(document.version),
            bytes: Some((range.start.0, range.end.0)),
            ..Arguments::default()
        };
        more(&mut arguments);
        self.begin(None, action, arguments, Some(instruction_and_title))?;
        Ok(self.last_job)
    }

    /// The document and the range that arguments name; what they leave out is where the editor asked
    /// last.
    fn place_of(&mut self, arguments: &Arguments) -> Result<Place, CommandFailure> {
        let named = match (&arguments.uri, &arguments.path) {
            (Some(uri), _) => Some(uri.clone()),
            (None, Some(path)) => Some(
                self.document_named(path)
                    .ok_or_else(|| CommandFailure::NotOpen(path.clone()))?,
            ),
            (None, None) => None,
        };
        let last = self.last_place.clone();
        let uri = named
            .or_else(|| last.as_ref().map(|last| last.uri.clone()))
            .ok_or(CommandFailure::NoDocument)?;
        let document = self
            .documents
            .get(&uri)
            .ok_or_else(|| CommandFailure::NotOpen(uri.clone()))?;
        let range =
            if let (Some((start, end)), Some(version)) = (arguments.bytes, arguments.version) {
                let range = ByteRange::new(ByteOffset(start), ByteOffset(end));
                document
                    .moved(range, version)
                    .ok_or(CommandFailure::Outdated(version))?
            } else if let Some(range) = arguments.range {
                from_proto::range(&document.text, range, self.client.encoding)
            } else if let Some(line) = arguments.line {
                document.start_of_line(line)
            } else {
                last.filter(|last| last.uri == uri)
                    .and_then(|last| document.moved(last.range, last.version))
                    .unwrap_or(ByteRange::empty(ByteOffset(0)))
            };
        let version = document.version;
        self.last_place = Some(LastPlace {
            uri: uri.clone(),
            range,
            version,
        });
        Ok(Place { uri, range })
    }

    /// The uri of the open document that a person calls `path`.
    pub(super) fn document_named(&self, path: &str) -> Option<String> {
        let path = Utf8Path::new(path);
        if path.is_absolute() {
            return self
                .documents
                .at_path(path)
                .map(|document| document.uri.clone());
        }
        self.configuration
            .roots()
            .iter()
            .find_map(|root| self.documents.at_path(&root.join(path)))
            .map(|document| document.uri.clone())
    }

    /// The reply that *Land this reply* means: the argument, else the selection, else the document.
    fn reply_to_land(&self, arguments: &Arguments, place: Option<&Place>) -> Option<String> {
        if let Some(reply) = &arguments.reply {
            return Some(reply.clone()).filter(|reply| !reply.trim().is_empty());
        }
        let place = place?;
        let text = self.documents.get(&place.uri)?.text.to_string();
        let selected = text
            .get(place.range.as_usize())
            .filter(|part| !part.trim().is_empty());
        Some(selected.map_or(text.clone(), str::to_owned)).filter(|reply| !reply.trim().is_empty())
    }
}

impl Arguments {
    fn read(action: Action, given: Vec<Value>) -> Result<Self, String> {
        let words = |text| {
            let mut read = Self::default();
            match action {
                Action::Land => read.reply = Some(text),
                _ => read.instruction = Some(text),
            }
            Ok(read)
        };
        Given::of(given).read(words, no_number)
    }
}

/// The scope of a review that a bare word names.
fn scope_named(word: &str) -> Option<ReviewScope> {
    serde_json::from_value(json!(word.trim())).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_may_be_an_object_a_string_or_words() {
        let read = |given: Value| {
            let given: Vec<Value> = serde_json::from_value(given).unwrap();
            Arguments::read(Action::Rewrite, given).unwrap().instruction
        };
        assert_eq!(
            read(json!([{"instruction": "sort it"}])).as_deref(),
            Some("sort it")
        );
        assert_eq!(read(json!(["sort it"])).as_deref(), Some("sort it"));
        assert_eq!(read(json!(["sort", "it"])).as_deref(), Some("sort it"));
        assert_eq!(
            read(json!(["{\"instruction\": \"sort it\"}"])).as_deref(),
            Some("sort it")
        );
        assert_eq!(read(json!([])), None);
        let land = Arguments::read(Action::Land, vec![json!("text")]).unwrap();
        assert_eq!(land.reply.as_deref(), Some("text"));
    }

    #[test]
    fn a_wrong_type_is_named() {
        let wrong = Arguments::read(Action::Fix, vec![json!({"line": "three"})]).unwrap_err();
        assert!(wrong.contains("three"), "{wrong}");
    }
}
