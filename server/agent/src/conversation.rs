//! A conversation of a job with a model: its first request, the tools that it calls, its answer, and the
//! reasons with which an answer goes back.

use pleach_edit::ReplyStream;
use pleach_model::{Message, ModelRequest, ProviderError, StopReason};
use pleach_policy::Secrets;

use crate::action::Action;
use crate::books::Booked;
use crate::call::{Caller, Hearing, Used};
use crate::chat::with_secrets_in_edits;
use crate::context::Assembled;
use crate::failure::JobFailure;
use crate::job::{JobEvent, JobLimits, JobRequest, Phase};
use crate::resume::whole_hunks;
use crate::shield;
use crate::tools::{Talk, Turn};

/// How often an answer goes back at most, whatever the settings say: a further try costs more than it brings.
const MOST_AGAIN: u32 = 2;
/// How many characters of a provider's word for the end of an answer are shown.
const REASON_SHOWN: usize = 40;

/// A conversation that has begun.
pub(crate) struct Conversation<'a, R> {
    caller: &'a Caller<'a, R>,
    talk: Talk,
    used: &'a mut Used,
    system: String,
    messages: Vec<Message>,
    output_tokens: Option<u32>,
    /// How often an answer went back, and may.
    again: u32,
    most_again: u32,
    /// How often one that could be used was to be mended.
    mended: u32,
}

impl<'a, R: Fn(JobEvent) + Send + Sync> Conversation<'a, R> {
    /// Begins with a first request. Servers of tools are asked what they offer, now that it is certain that
    /// something will be sent.
    pub(crate) async fn begin(
        caller: &'a Caller<'a, R>,
        limits: JobLimits,
        mut talk: Talk,
        used: &'a mut Used,
        first: Assembled,
    ) -> Self {
        let report = caller.report;
        talk.prepare(report).await;
        let messages = first.messages();
        let Assembled {
            system,
            manifest,
            secrets,
            ..
        } = first;
        used.secrets = secrets;
        used.keeps_placeholders = caller.request.action == Action::Chat;
        caller.account.sent(&manifest);
        for note in &manifest.notes {
            report(JobEvent::Notice(note.clone()));
        }
        report(JobEvent::Sent(Box::new(manifest)));
        if used.secrets.count() > 0 {
            report(JobEvent::SecretsHidden(used.secrets.count()));
        }
        Self {
            caller,
            talk,
            used,
            system,
            messages,
            output_tokens: limits.output_tokens,
            again: 0,
            mended: 0,
            most_again: limits.attempts_after_refusal.min(MOST_AGAIN),
        }
    }

    /// Asks, carries out what the model calls, and asks on until it has answered. On failure what had come
    /// until then is handed back beside the reason.
    pub(crate) async fn answer(&mut self) -> Result<(Turn, Booked), (JobFailure, String)> {
        let Caller {
            request,
            lineup,
            report,
            ..
        } = self.caller;
        loop {
            let has_tools = self.talk.has_tools();
            let asked = ModelRequest {
                system: self.system.clone(),
                messages: self.messages.clone(),
                tools: self.talk.tools(),
                max_output_tokens: self.output_tokens,
                goes_on: has_tools,
                ..ModelRequest::default()
            };
            let keeps_placeholders = self.used.keeps_placeholders;
            let secrets = if keeps_placeholders {
                Secrets::default()
            } else {
                self.used.secrets.clone()
            };
            let through = |answer| shield::restored(answer, secrets.clone());
            let mut hearer = Hearer::new(request, has_tools, *report);
            let received = self.caller.receive(asked, self.used, through, &mut hearer);
            let (mut reply, call) = received.await?;
            let mut raw = String::new();
            if keeps_placeholders {
                raw = std::mem::take(&mut reply.text);
                reply.text = self.used.secrets.restore(&raw).into_owned();
            }
            let format = lineup.provider().config().format;
            let (secrets, messages) = (&mut self.used.secrets, &mut self.messages);
            let turn = self.talk.turn(reply, format, secrets, messages, *report);
            let Some(mut turn) = turn.await else {
                continue;
            };
            if let (true, Turn::Text(text) | Turn::Stopped(text)) = (keeps_placeholders, &mut turn)
            {
                *text = with_secrets_in_edits(&raw, &self.used.secrets);
            }
            return Ok((turn, call));
        }
    }

    /// Sends an answer back with the reasons why it cannot be used, to be asked again. `false` when that was
    /// done often enough.
    pub(crate) fn goes_back(&mut self, answer: &str, reasons: &str) -> bool {
        if self.again >= self.most_again {
            return false;
        }
        self.again += 1;
        self.send_back(answer, reasons);
        (self.caller.report)(JobEvent::Phase(Phase::AskingAgain(self.again)));
        true
    }

    /// Sends an answer back that could be used, to be mended. What comes then may be refused as often as the
    /// first.
    pub(crate) fn mends(&mut self, answer: &str, reasons: &str) {
        self.again = 0;
        self.mended += 1;
        self.send_back(answer, reasons);
        (self.caller.report)(JobEvent::Phase(Phase::Mending(self.mended)));
    }

    fn send_back(&mut self, answer: &str, reasons: &str) {
        let path = self.caller.request.document.named();
        let secrets = &mut self.used.secrets;
        let answer = secrets.hide(path, answer).into_owned();
        self.messages.push(Message::assistant(answer));
        let reasons = secrets.hide(path, reasons).into_owned();
        self.messages.push(Message::user(reasons));
    }
}

/// Reports a piece of a reply and the hunks that it completes.
pub(crate) fn tell_text(hunks: &mut ReplyStream, text: String, report: &impl Fn(JobEvent)) {
    let complete = hunks.push(&text);
    report(JobEvent::Text(text));
    for hunk in complete {
        report(JobEvent::Hunk {
            index: hunk.index,
            path: hunk.path,
        });
    }
}

/// Hears what lands or is read: hunks are told of as they are complete.
struct Hearer<'a, R> {
    request: &'a JobRequest,
    /// Of an edit; none where the answer is one to read.
    hunks: Option<ReplyStream>,
    is_silent: bool,
    has_tools: bool,
    report: &'a R,
}

impl<'a, R: Fn(JobEvent)> Hearer<'a, R> {
    fn new(request: &'a JobRequest, has_tools: bool, report: &'a R) -> Self {
        // A plan is a text of its own.
        let is_edit = request.action.edits() && request.action != Action::Plan;
        Self {
            request,
            hunks: is_edit.then(|| hunks_of(request)),
            is_silent: true,
            has_tools,
            report,
        }
    }
}

fn hunks_of(request: &JobRequest) -> ReplyStream {
    ReplyStream::new(request.document.named().map(str::to_owned))
}

impl<R: Fn(JobEvent)> Hearing for Hearer<'_, R> {
    fn text(&mut self, text: String) {
        if std::mem::take(&mut self.is_silent) {
            (self.report)(JobEvent::Phase(Phase::Writing));
        }
        match &mut self.hunks {
            Some(hunks) => tell_text(hunks, text, self.report),
            None => (self.report)(JobEvent::Text(text)),
        }
    }

    fn sound(&self, text: &str) -> usize {
        if self.hunks.is_some() {
            whole_hunks(self.request.document.named(), text)
        } else {
            // An answer to read goes on at the beginning of a line.
            text.rfind('\n').map_or(0, |end| end + 1)
        }
    }

    fn begin_again(&mut self, kept: &str) {
        if let Some(hunks) = &mut self.hunks {
            *hunks = hunks_of(self.request);
            let _told_before = hunks.push(kept);
        }
    }

    fn end(&self, reason: StopReason, bytes: usize) -> Result<(), JobFailure> {
        match reason {
            StopReason::EndTurn => Ok(()),
            StopReason::ToolUse if self.has_tools => Ok(()),
            StopReason::MaxTokens => Err(ProviderError::Truncated { bytes }.into()),
            StopReason::Refusal => Err(ProviderError::Refused.into()),
            // Half an edit could look like a whole one. An answer to read may end as it likes.
            StopReason::ToolUse | StopReason::Other(_) if self.hunks.is_none() => Ok(()),
            other => {
                let reason = match other {
                    StopReason::Other(reason) => reason,
                    _ => "a call of a tool".to_owned(),
                };
                let reason = reason.chars().take(REASON_SHOWN).collect();
                Err(JobFailure::UnknownStop { reason })
            }
        }
    }
}
