//! How jobs end: well, with an answer to read, with a failure, or cancelled. What a model has answered is
//! kept whenever it does not come into the files.

use pleach_agent::{Finder, FindingReport, JobFailure, JobOutcome};
use serde_json::json;

use super::{Job, Looked};
use crate::actions::shortened;
use crate::event::{Ended, Event, JobId};
use crate::session::Session;
use crate::session::landing::{Landing, LandingFailure};
use crate::session::messages::Severity;
use crate::session::plans::JobEnd;

/// The code of the failure that is none.
const CANCELLED: &str = "cancelled";

/// A failure as the person is told it.
pub(crate) struct Failure {
    pub(in crate::session) code: String,
    pub(in crate::session) message: String,
    pub(in crate::session) next: String,
}

impl From<&JobFailure> for Failure {
    fn from(failure: &JobFailure) -> Self {
        Self {
            code: failure.code().to_owned(),
            message: failure.to_string(),
            next: failure.next_step(),
        }
    }
}

impl From<&LandingFailure> for Failure {
    fn from(failure: &LandingFailure) -> Self {
        Self {
            code: failure.code().to_owned(),
            message: failure.to_string(),
            next: failure.next_step().to_owned(),
        }
    }
}

impl Session {
    /// Cancels a job: the engine's work is dropped, and with it its connection. What is landing
    /// already is seen through, because half an edit would be worse.
    pub(in crate::session) fn cancel_job(&mut self, job: JobId) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        if !self.can_be_cancelled(it) {
            tracing::info!(job, "a job that is landing is not cancelled");
            return;
        }
        it.cancel.cancel();
        if let Some(landing) = self.landings.remove(&job) {
            // Nothing of it has been sent, and its task has ended.
            self.cancelled(job, landing.into_reply());
        } else if let Some(answer) = self.take_back_answer(job) {
            self.cancelled(job, Some(answer));
        }
        self.cancel_run(job);
    }

    /// Whether cancelling a job can still keep the text as it is.
    pub(in crate::session) fn can_be_cancelled(&self, job: &Job) -> bool {
        let landing = self.landings.get(&job.id);
        let is_free = landing.is_none_or(Landing::has_sent_nothing);
        !job.has_ended() && is_free && !self.is_written_down(job.id)
    }

    pub(in crate::session) fn job_ended(&mut self, job: JobId, outcome: Ended) {
        let is_cancelled = self
            .jobs
            .get(&job)
            .is_some_and(|job| job.cancel.is_cancelled());
        match outcome {
            Ended::Cancelled => self.cancelled(job, None),
            // It ended by itself in the moment before it was cancelled.
            Ended::Outcome(outcome) if is_cancelled => self.cancelled(job, reply_of(*outcome)),
            _ if is_cancelled => self.cancelled(job, None),
            Ended::Panicked => {
                let failure = JobFailure::Internal {
                    doing: "carrying out the job",
                };
                let written = self.jobs.get_mut(&job).map(Job::take_written);
                self.fail(job, (&failure).into(), written);
            }
            Ended::Outcome(outcome) => match *outcome {
                JobOutcome::Proposal {
                    proposal,
                    summary,
                    reply,
                } => {
                    self.plan_proposed(job, &proposal);
                    let file = proposal.files().first().map(|file| file.path().to_owned());
                    if let Some(it) = self.jobs.get_mut(&job) {
                        it.made = file.filter(|_| it.shows_file);
                    }
                    self.proposed(job, *proposal, summary, reply);
                }
                JobOutcome::Answer(markdown) => self.answered(job, markdown),
                JobOutcome::Findings(report) => self.found(job, &report),
                JobOutcome::Failed { failure, reply } => {
                    self.fail(job, (&failure).into(), reply);
                }
            },
        }
    }

    /// Ends a job that was cancelled. What it had answered, or begun to, is paid for, and kept.
    pub(in crate::session) fn cancelled(&mut self, job: JobId, reply: Option<String>) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        let written = it.take_written();
        let reply = reply.unwrap_or(written);
        let failure = Failure {
            code: CANCELLED.to_owned(),
            message: "cancelled".to_owned(),
            next: "nothing was changed".to_owned(),
        };
        self.fail(job, failure, Some(reply));
    }

    /// Ends a job whose edit landed.
    pub(in crate::session) fn succeed(&mut self, job: JobId, summary: &str) {
        self.end_well(job, true, summary);
    }

    /// Ends a job that had no text to change.
    pub(in crate::session) fn end_unchanged(&mut self, job: JobId, summary: &str) {
        self.end_well(job, false, summary);
    }

    fn end_well(&mut self, job: JobId, landed: bool, summary: &str) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let (engine, title) = (it.engine.clone(), it.title.clone());
        let summary = it.summary(summary);
        let mended = it.mends.filter(|_| landed);
        let shows = it.made.clone().filter(|_| landed);
        self.tell_job(
            job,
            "finished",
            json!({"landed": landed, "summary": summary, "engine": engine}),
        );
        let by = if engine.is_empty() {
            String::new()
        } else {
            format!(" ({engine})")
        };
        if !self.client.job_events {
            self.show(Severity::Info, &format!("Pleach: {title}: {summary}{by}"));
        }
        if let Some(finding) = mended {
            self.finding_mended(finding);
        }
        let located = shows.and_then(|path| self.snapshot().locate(&path).ok());
        if let Some(located) = located {
            self.open_file(located.path.as_str(), &title);
        }
        let word = if landed { "landed: " } else { "" };
        self.last_word(job, format!("{word}{summary}{by}"));
        self.plan_job_ended(job, JobEnd::Well);
    }

    /// Ends a job with an answer to read. It is kept as a file, which the editor is asked to show.
    fn answered(&mut self, job: JobId, markdown: String) {
        if let Some(markdown) = self.take_answer(job, markdown) {
            self.keep(job, markdown, "an answer to read".into());
        }
    }

    /// Ends a job that looked for something. What it found is shown at its places, and kept as a file.
    fn found(&mut self, job: JobId, report: &FindingReport) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let (engine, uri) = (
            it.engine.clone(),
            it.asked.as_ref().map(|it| it.uri.clone()),
        );
        let outcome = self.take_findings(report, uri.as_deref(), &engine);
        if report.findings.is_empty() && report.reply.trim().is_empty() {
            self.end_unchanged(job, &outcome);
            return;
        }
        if let Some(it) = self.jobs.get_mut(&job) {
            it.looked = Some(Looked {
                told: outcome,
                only_page_tells: report.findings.is_empty() && report.finder == Finder::Tests,
            });
        }
        self.keep(job, report.page(), "a review".into());
    }

    /// Ends a job that failed. What was received is kept on disk first.
    pub(in crate::session) fn fail(&mut self, job: JobId, failure: Failure, reply: Option<String>) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        let reason = failure.message.clone();
        it.failure = Some(failure);
        match reply.filter(|reply| !reply.trim().is_empty()) {
            Some(reply) => self.keep(job, reply, reason),
            None => self.tell_failure(job, None),
        }
    }

    /// Writes what an engine said to disk, off the loop.
    fn keep(&mut self, job: JobId, reply: String, reason: String) {
        self.keep_and(job, reply, reason, move |kept| Event::AnswerKept {
            job,
            kept,
        });
    }

    /// Writes an answer to disk that came to nothing, while the job goes on.
    pub(super) fn keep_unused(&self, job: JobId, reply: String) {
        let reason = "an answer that was given before is used in its place".to_owned();
        self.keep_and(job, reply, reason, move |kept| Event::UnusedKept {
            job,
            kept,
        });
    }

    fn keep_and(
        &self,
        job: JobId,
        reply: String,
        reason: String,
        event: impl Fn(Result<String, String>) -> Event + Send + 'static,
    ) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let answer = pleach_store::KeptAnswer {
            job,
            action: it.action.title().to_owned(),
            instruction: it.instruction.clone(),
            engine: it.engine.clone(),
            reply,
            reason,
        };
        let directory = self.environment.state_dir.clone();
        let lost = event(Err("writing it failed".into()));
        let kept = move || {
            let kept = pleach_store::AnswerStore::open(&directory)
                .and_then(|store| store.keep(&answer, std::time::SystemTime::now()));
            let kept = kept
                .map(camino::Utf8PathBuf::into_string)
                .map_err(|it| it.to_string());
            event(kept)
        };
        self.aside(kept, lost);
    }

    /// Tells where an answer is that came to nothing.
    pub(in crate::session) fn unused_kept(&mut self, job: JobId, kept: Result<String, String>) {
        match kept {
            Ok(path) => {
                tracing::info!(job, path, "an answer that came to nothing is kept");
                // Its end is its last message.
                if self.jobs.get(&job).is_some_and(|it| !it.has_ended()) {
                    self.tell_job(job, "kept", json!({"answer": path}));
                }
            }
            Err(error) => {
                tracing::error!(job, error, "an answer could not be kept");
                self.show(
                    Severity::Warning,
                    &format!("Pleach: an answer that was paid for could not be kept: {error}."),
                );
            }
        }
    }

    pub(in crate::session) fn answer_kept(&mut self, job: JobId, kept: Result<String, String>) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        if let Err(error) = &kept {
            tracing::error!(job, error, "an answer could not be kept");
        }
        if it.failure.is_some() {
            self.tell_failure(job, kept.ok().as_deref());
            return;
        }
        let (engine, title) = (it.engine.clone(), it.title.clone());
        if let Some(looked) = it.looked.take() {
            let path = kept.ok().filter(|_| looked.only_page_tells);
            let more = path.map_or_else(String::new, |path| format!("; see {path}"));
            self.end_unchanged(job, &format!("{}{more}", looked.told));
            return;
        }
        match kept {
            Ok(path) => {
                self.show_file(&path, &format!("{title}: the answer"));
                let summary = format!("the answer is in {path}");
                self.tell_job(
                    job,
                    "finished",
                    json!({
                        "landed": false, "summary": summary, "engine": engine, "answer": path,
                    }),
                );
                self.last_word(job, format!("answered ({engine})"));
                self.plan_job_ended(job, JobEnd::Well);
            }
            Err(error) => {
                let failure = Failure {
                    code: "answer-not-kept".into(),
                    message: format!("the answer could not be written to a file: {error}"),
                    next: "mend what the message names, and ask again".into(),
                };
                self.fail(job, failure, None);
            }
        }
    }

    fn tell_failure(&mut self, job: JobId, kept: Option<&str>) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        let Some(Failure {
            code,
            message,
            next,
        }) = it.failure.take()
        else {
            return;
        };
        let title = it.title.clone();
        let keeping = kept.map_or_else(String::new, |path| {
            format!(" What was answered is kept in {path}.")
        });
        let fields = json!({"code": code, "message": message, "next": next, "kept": kept});
        if code == CANCELLED {
            let keeping = kept.map(|path| format!("; what had come is kept in {path}"));
            let word = format!("cancelled, {next}{}", keeping.unwrap_or_default());
            self.tell_job(job, "failed", fields);
            self.last_word(job, word);
            self.plan_job_ended(job, JobEnd::Cancelled);
            return;
        }
        self.show(
            Severity::Error,
            &format!(
                "Pleach: {title}: {}. Next: {next}.{keeping}",
                message.trim_end_matches('.')
            ),
        );
        self.tell_job(job, "failed", fields);
        self.last_word(job, format!("failed: {}", shortened(&message, 80)));
        self.plan_job_ended(job, JobEnd::Failed(message));
    }

    /// The end of a job, whatever it was: said exactly once.
    pub(in crate::session) fn last_word(&mut self, job: JobId, word: String) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        it.last_word.get_or_insert(word);
        // Whatever became of it is written down elsewhere by now.
        self.forget_intent(job);
        self.chat_job_ended(job);
        self.end_progress(job);
        self.forget_job(job);
    }
}

/// What an engine said in the end.
fn reply_of(outcome: JobOutcome) -> Option<String> {
    match outcome {
        JobOutcome::Proposal { reply, .. } => Some(reply),
        JobOutcome::Answer(markdown) => Some(markdown),
        JobOutcome::Findings(report) => Some(report.reply),
        JobOutcome::Failed { reply, .. } => reply,
    }
}
