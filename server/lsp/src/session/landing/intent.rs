//! What is about to land is written down before the editor hears of it, so that a later start can tell
//! what became of it.

use std::time::Duration;

use super::Purpose;
use crate::event::{Event, JobId};
use crate::session::Session;
use crate::session::keeping::AboutToLand;

/// How long a landing waits until it is written down. A disk in trouble, or another program that holds
/// the database, delays no edit longer.
const WRITTEN_WITHIN: Duration = Duration::from_millis(250);

impl Session {
    /// Writes down what is about to land, and goes on with it when that is done, or has taken too long.
    pub(super) fn announce(&mut self, job: JobId) {
        let Some(landing) = self.landings.get(&job) else {
            return;
        };
        let about = match &landing.purpose {
            Purpose::Edit => AboutToLand::Edit {
                reply: landing.reply.clone().unwrap_or_default(),
                undoes: None,
            },
            Purpose::Undo(number) => AboutToLand::Edit {
                reply: String::new(),
                undoes: Some(*number),
            },
            Purpose::Hunks(review, hunks) => AboutToLand::Hunks(*review, hunks.clone()),
            Purpose::Rollback(_) => return self.next_step(job),
        };
        let is_written = self.keep_intent(job, landing.proposal.clone(), about);
        if is_written {
            let overdue = Event::IntentKept { job, failed: None };
            self.later(WRITTEN_WITHIN, overdue);
        } else {
            self.intent_kept(job, None);
        }
    }

    /// What is about to land is written down, or could not be; or nobody waits for it any longer.
    pub(in crate::session) fn intent_kept(&mut self, job: JobId, failed: Option<&str>) {
        if let Some(error) = failed {
            self.not_kept(error);
        }
        let Some(landing) = self.landings.get_mut(&job) else {
            return;
        };
        if !std::mem::replace(&mut landing.is_announced, true) {
            self.next_step(job);
        }
    }
}
