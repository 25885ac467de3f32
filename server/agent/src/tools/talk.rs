//! A conversation with tools: the model calls, is answered, and calls again, until it has come to an end or
//! may call no more.

use std::sync::Arc;

use pleach_edit::Proposal;
use pleach_model::{CallError, Message, Reply, Tool, ToolCall, WireFormat};
use pleach_policy::Secrets;
use serde_json::json;

use super::rounds::{Next, Rounds, answer};
use super::{Kit, ToolBox, ToolRecord, shortened, toolbox};
use crate::job::{JobEvent, JobRequest, Phase};
use crate::meter::Account;
use crate::roles::Roster;

/// The tools of a job and how far it has come with them.
pub(crate) struct Talk {
    tools: Option<ToolBox>,
    roster: Arc<Roster>,
    rounds: Rounds,
    /// The model was told to finish.
    is_last: bool,
    account: Account,
}

/// What became of one reply.
pub(crate) enum Turn {
    /// It ended with a text.
    Text(String),
    /// It ended, and had proposed edits that passed the gate. The text is that of the edits.
    Proposal(Box<Proposal>, String),
    /// It called on after it was told to finish. Its last text.
    Stopped(String),
}

impl Talk {
    /// The conversation of a job, with the tools of its role.
    pub(crate) fn of_job(request: &JobRequest, kit: Kit, account: &Account) -> Self {
        let roster = Arc::clone(&kit.roster);
        Self {
            tools: toolbox(request, kit),
            roster,
            rounds: Rounds::default(),
            is_last: false,
            account: account.clone(),
        }
    }

    /// Asks servers what they offer, where the role has their tools.
    pub(crate) async fn prepare(&mut self, report: &(impl Fn(JobEvent) + Send + Sync)) {
        let Some(tools) = self.tools.as_mut().filter(|tools| tools.has_servers()) else {
            return;
        };
        report(JobEvent::Phase(Phase::UsingTools(
            "what servers offer".to_owned(),
        )));
        for problem in tools.ask_servers().await {
            report(JobEvent::Notice(problem));
        }
    }

    /// Who there is.
    pub(crate) fn roster(&self) -> &Arc<Roster> {
        &self.roster
    }

    /// As models are told.
    pub(crate) fn tools(&self) -> Vec<Tool> {
        self.tools
            .as_ref()
            .map(ToolBox::offered)
            .unwrap_or_default()
    }

    pub(crate) fn has_tools(&self) -> bool {
        self.tools.is_some()
    }

    /// Carries out what a reply calls, and adds the reply and the results to `messages`: then it is `None`,
    /// and the next request goes on from there. The reply has its `secrets`; the messages have placeholders
    /// for them.
    pub(crate) async fn turn(
        &mut self,
        reply: Reply,
        format: WireFormat,
        secrets: &mut Secrets,
        messages: &mut Vec<Message>,
        report: &(impl Fn(JobEvent) + Send + Sync),
    ) -> Option<Turn> {
        let Some(tools) = &mut self.tools else {
            return Some(Turn::Text(reply.text));
        };
        let calls = reply.calls();
        let is_over = self.is_last || calls.as_ref().is_ok_and(Vec::is_empty);
        if is_over && let Some((proposal, edits)) = tools.take_proposal() {
            return Some(Turn::Proposal(proposal, edits));
        }
        match calls {
            Ok(calls) if calls.is_empty() => return Some(Turn::Text(reply.text)),
            // It ended in a way that says nothing of its calls.
            Err(CallError::CutOff) => return Some(Turn::Text(reply.text)),
            _ if self.is_last => return Some(Turn::Stopped(reply.text)),
            Ok(calls) => {
                report(JobEvent::Phase(Phase::UsingTools(in_words(&calls))));
                let account = &self.account;
                let record = |record: ToolRecord| write_down(account, &record);
                let hidden = secrets.count();
                let results = tools.carry_out(&calls, secrets, &record).await;
                if secrets.count() > hidden {
                    report(JobEvent::SecretsHidden(secrets.count()));
                }
                let next = self.rounds.add(&results);
                self.is_last = next != Next::Goes;
                let text = secrets.hide(None, &reply.text).into_owned();
                // It has calls that are whole.
                messages.push(match reply.into_message(format) {
                    Ok(message) => Message { text, ..message },
                    Err(_) => Message::assistant(text),
                });
                messages.push(answer(results, next));
            }
            Err(CallError::BadArguments { name, why, .. }) => {
                // What is no JSON cannot be sent back as a call, so it is told in words.
                let next = self.rounds.add(&[]);
                self.is_last = next != Next::Goes;
                let name = shortened(&name);
                let error = super::ToolError::NotJson { why };
                let text = secrets.hide(None, &reply.text);
                messages.push(Message::assistant(format!("{text}\n(called {name})")));
                messages.push(Message::user(error.for_model()));
            }
        }
        None
    }
}

/// `read_file src/lib.rs`, and how many more.
fn in_words(calls: &[ToolCall]) -> String {
    let first = calls.first().map_or_else(String::new, |call| {
        format!(
            "{} {}",
            shortened(&call.name),
            super::about(&call.arguments)
        )
    });
    match calls.len() {
        0 | 1 => first.trim_end().to_owned(),
        more => format!("{} and {} more", first.trim_end(), more - 1),
    }
}

/// Into the audit.
fn write_down(account: &Account, record: &ToolRecord) {
    let body = json!({
        "tool": record.tool,
        "about": record.about,
        "error": record.error,
        "bytes": record.bytes,
        "milliseconds": u64::try_from(record.took.as_millis()).unwrap_or(u64::MAX),
    });
    let folder = account.workspace.as_str();
    account.books.record("tool", folder, account.job, body);
}
