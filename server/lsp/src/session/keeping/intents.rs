//! Landings that have begun: written down before the editor is asked, and taken back when they are
//! recorded or have failed. What a later start finds is what a server was killed in.

use pleach_edit::{Arrival, Files, HunkId, Proposal, StoredProposal};
use pleach_plan::chat::count_of;
use pleach_store::{LandingId, NewLanding, NewWaiting, Store, StoreError, WaitingId};
use serde::{Deserialize, Serialize};

use super::reviews::{self, Draft};
use super::{Shelf, landed_file};
use crate::event::{Event, JobId};
use crate::session::Session;

/// What is about to land.
pub(crate) enum AboutToLand {
    /// A whole edit: the reply that it came from, or the number of the landed edit that it takes back.
    Edit { reply: String, undoes: Option<u64> },
    /// Hunks of a review.
    Hunks(JobId, Vec<HunkId>),
}

/// What is written down of an edit that is about to land, and is under no review.
#[derive(Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) landing: StoredProposal,
    /// The landing that it takes back, by its number in the store.
    pub(super) undoes: Option<i64>,
}

/// What is written down of an answer that is about to come into its chat.
#[derive(Serialize, Deserialize)]
pub(super) struct ChatAnswer {
    /// The chat, as the workspace names it.
    chat: String,
}

impl Session {
    /// Writes down an answer that is to come into a chat, until its job has said its last word.
    pub(in crate::session) fn keep_chat_answer(&self, job: JobId, chat: String, reply: String) {
        let Some((it, folder)) = self.jobs.get(&job).zip(self.kept_folder()) else {
            return;
        };
        let Some(review) = reviews::written(&ChatAnswer { chat }) else {
            return;
        };
        let answer = NewWaiting {
            at: std::time::SystemTime::now(),
            folder,
            action: it.action.title().to_owned(),
            instruction: it.instruction().map(str::to_owned),
            engine: it.engine().to_owned(),
            title: it.title.clone(),
            reply,
            review,
        };
        self.keeper.put(move |shelf| {
            let id = shelf.store.keep_waiting(&answer)?;
            shelf.intents.insert(job, id);
            Ok(None)
        });
    }

    /// Writes down what is about to land; [`Event::IntentKept`] comes when that is done. Answers whether
    /// there is anything to wait for.
    pub(in crate::session) fn keep_intent(
        &self,
        job: JobId,
        landing: Proposal,
        about: AboutToLand,
    ) -> bool {
        let Some(folder) = self.kept_folder() else {
            return false;
        };
        match about {
            AboutToLand::Hunks(review, hunks) => {
                let Some(pending) = self.reviews.get(review) else {
                    return false;
                };
                let draft = Draft::of(pending).while_landing(hunks, landing);
                self.put_intent(job, move |shelf| shelf.set_review(review, draft));
            }
            AboutToLand::Edit { reply, undoes } => {
                let Some(it) = self.jobs.get(&job) else {
                    return false;
                };
                let mut answer = NewWaiting {
                    at: std::time::SystemTime::now(),
                    folder,
                    action: it.action.title().to_owned(),
                    instruction: it.instruction().map(str::to_owned),
                    engine: it.engine().to_owned(),
                    title: it.title.clone(),
                    reply,
                    review: String::new(),
                };
                self.put_intent(job, move |shelf| {
                    let undoes = undoes.and_then(|number| shelf.landings.get(&number));
                    let intent = Intent {
                        landing: landing.stored(),
                        undoes: undoes.map(|id| id.0),
                    };
                    let Some(written) = reviews::written(&intent) else {
                        return Ok(());
                    };
                    answer.review = written;
                    if let Some(id) = shelf.intents.get(&job) {
                        shelf.store.set_waiting(*id, &answer.review)?;
                    } else {
                        let id = shelf.store.keep_waiting(&answer)?;
                        shelf.intents.insert(job, id);
                    }
                    Ok(())
                });
            }
        }
        true
    }

    fn put_intent(
        &self,
        job: JobId,
        work: impl FnOnce(&mut Shelf) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.keeper.put(move |shelf| {
            let failed = work(shelf).err().map(|error| error.to_string());
            Ok(Some(Event::IntentKept { job, failed }))
        });
    }

    /// The edit of a job will not land any more, and its reply is safe elsewhere.
    pub(in crate::session) fn forget_intent(&self, job: JobId) {
        self.keeper.put(move |shelf| {
            if let Some(id) = shelf.intents.remove(&job) {
                shelf.store.forget_waiting(id)?;
            }
            Ok(None)
        });
    }
}

/// An edit that a server was killed in. What landed is recorded; of what did not, or may have, the answer
/// becomes a file, which is told.
pub(super) fn settle(
    store: &mut Store,
    id: WaitingId,
    answer: NewWaiting,
    intent: &Intent,
    files: &dyn Files,
) -> Result<Option<String>, StoreError> {
    let reason = match intent.landing.arrival(files) {
        Arrival::Landed => {
            let landing = landed(
                &answer,
                answer.title.clone(),
                &intent.landing,
                intent.undoes,
            );
            store.record_decided(&landing, id, None)?;
            return Ok(None);
        }
        Arrival::NotLanded => "The server ended before it had landed.",
        Arrival::Unsure => {
            "The server ended while it landed, and the files do not tell whether it did."
        }
    };
    reviews::set_aside(store, id, answer, reason).map(Some)
}

/// An answer to a chat that a server was ended in. Where the chat does not show it, it becomes a file, which
/// is told.
pub(super) fn settle_answer(
    store: &mut Store,
    id: WaitingId,
    answer: NewWaiting,
    ChatAnswer { chat }: &ChatAnswer,
    files: &dyn Files,
) -> Result<Option<String>, StoreError> {
    let text = files.read(chat);
    if text.is_some_and(|text| count_of(&text, &answer.engine, &answer.reply) > 0) {
        store.forget_waiting(id)?;
        return Ok(None);
    }
    let title = answer.title.clone();
    let reason = format!("the server ended before it was in {chat}");
    let kept = reviews::keep_as_file(store, id, answer, &reason)?;
    Ok(kept.map(|path| format!("Pleach: {title}: {reason}. The answer is kept in {path}")))
}

/// A landing that nobody lived to record.
pub(super) fn landed(
    answer: &NewWaiting,
    title: String,
    proposal: &StoredProposal,
    undoes: Option<i64>,
) -> NewLanding {
    NewLanding {
        at: answer.at,
        folder: answer.folder.clone(),
        job: 0,
        action: answer.action.clone(),
        instruction: answer.instruction.clone(),
        engine: answer.engine.clone(),
        title,
        undoes: undoes.map(LandingId),
        files: proposal.changes().iter().filter_map(landed_file).collect(),
    }
}
