//! The progress display of a job: made by the client, told at most so often and at least so often, ended once.

use std::time::{Duration, Instant};

use pleach_policy::visible;
use serde_json::json;

use super::Progress;
use crate::event::{Event, JobId};
use crate::session::Session;

/// Progress is reported at most this often.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// Progress is reported at least this often while a job runs.
const REPORT_AT_LEAST: Duration = Duration::from_secs(1);

impl Session {
    pub(in crate::session) fn progress_created(&mut self, job: JobId, accepted: bool) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        if !accepted {
            it.progress = Progress::None;
        } else if matches!(it.progress, Progress::Asked) {
            it.progress = Progress::Shown {
                last: Instant::now(),
                due: false,
            };
            let begin = json!({
                "kind": "begin", "title": visible(&format!("Pleach: {}", it.title)),
                "message": visible(&it.progress_line()), "cancellable": true,
            });
            let token = it.progress_token();
            self.outbox
                .notify("$/progress", &json!({"token": token, "value": begin}));
            self.later(REPORT_AT_LEAST, Event::ProgressBeat { job });
        }
        self.end_progress(job);
        self.forget_job(job);
    }

    /// Ends the progress display if the job has said its last word.
    pub(super) fn end_progress(&mut self, job: JobId) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        if let (Progress::Shown { .. }, Some(word)) = (&it.progress, &it.last_word) {
            let value = json!({"kind": "end", "message": visible(word)});
            let token = it.progress_token();
            it.progress = Progress::Ended;
            self.outbox
                .notify("$/progress", &json!({"token": token, "value": value}));
        }
    }

    /// Reports progress now, or at the end of the present interval.
    pub(super) fn progress_changed(&mut self, job: JobId) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        let Progress::Shown { last, due } = &mut it.progress else {
            return;
        };
        if *due {
            return;
        }
        let since = last.elapsed();
        if since >= REPORT_EVERY {
            self.report_progress(job);
        } else {
            *due = true;
            self.later(
                REPORT_EVERY.saturating_sub(since),
                Event::ProgressDue { job },
            );
        }
    }

    pub(in crate::session) fn progress_due(&mut self, job: JobId) {
        self.report_progress(job);
    }

    /// Reports again when nothing has been reported for a while, so that the time that passes is seen
    /// while an engine is silent.
    pub(in crate::session) fn progress_beat(&mut self, job: JobId) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let Progress::Shown { last, .. } = it.progress else {
            return;
        };
        let silent = last.elapsed();
        if silent >= REPORT_AT_LEAST {
            self.report_progress(job);
        }
        let next = REPORT_AT_LEAST.saturating_sub(silent).max(REPORT_EVERY);
        self.later(next, Event::ProgressBeat { job });
    }

    pub(super) fn report_progress(&mut self, job: JobId) {
        let Some(it) = self.jobs.get_mut(&job) else {
            return;
        };
        let line = it.progress_line();
        let token = it.progress_token();
        let Progress::Shown { last, due } = &mut it.progress else {
            return;
        };
        *last = Instant::now();
        *due = false;
        let value = json!({"kind": "report", "message": visible(&line)});
        self.outbox
            .notify_droppable("$/progress", &json!({"token": token, "value": value}));
    }
}
