//! Reviews that outlive the session: written down when they begin and whenever something of them is
//! decided or their files are saved, and taken up by comparing what they knew with what is there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use camino::Utf8PathBuf;
use pleach_edit::{Files, HunkId, Proposal, Review, StoredReview};
use pleach_store::{AnswerStore, KeptAnswer, LandingId, NewWaiting, Store, StoreError, WaitingId};
use pleach_workspace::WorkspaceSnapshot;
use serde::{Deserialize, Serialize};

use super::intents::{self, ChatAnswer, Intent};
use super::{Shelf, uris_of};
use crate::event::JobId;
use crate::session::Session;
use crate::session::messages::Severity;
use crate::session::reviews::{Asked, Pending};

/// A review that an earlier session left.
pub(crate) struct KeptReview {
    id: WaitingId,
    pub(in crate::session) title: String,
    pub(in crate::session) engine: String,
    pub(in crate::session) review: Review,
    pub(in crate::session) uris: BTreeMap<String, String>,
    pub(in crate::session) asked: Option<Asked>,
    undoes: Option<i64>,
}

/// What is written down of a review.
#[derive(Serialize, Deserialize)]
struct Form {
    review: StoredReview,
    asked: Option<Asked>,
    /// The landing that it takes back, by its number in the store.
    undoes: Option<i64>,
}

/// What an answer that waits may be written down as.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Review(Box<Form>),
    Intent(Box<Intent>),
    Answer(ChatAnswer),
}

/// A review to be written down.
pub(super) struct Draft {
    review: Review,
    asked: Option<Asked>,
    undoes: Option<u64>,
    /// Hunks of it that are about to land.
    landing: Option<(Vec<HunkId>, Proposal)>,
}

impl Draft {
    pub(super) fn of(pending: &Pending) -> Self {
        Self {
            review: pending.review.clone(),
            asked: pending.asked.clone(),
            undoes: pending.undoes,
            landing: None,
        }
    }

    /// The same while these hunks are about to land.
    pub(super) fn while_landing(self, hunks: Vec<HunkId>, landing: Proposal) -> Self {
        Self {
            landing: Some((hunks, landing)),
            ..self
        }
    }

    pub(super) fn into_json(self, landings: &BTreeMap<u64, LandingId>) -> Option<String> {
        let known = |number: u64| landings.get(&number).map(|id| id.0);
        let review = match &self.landing {
            Some((hunks, landing)) => self.review.stored_while_landing(hunks, landing),
            None => self.review.stored(),
        };
        written(&Form {
            review,
            asked: self.asked,
            undoes: self.undoes.and_then(known),
        })
    }
}

/// What waits, as it is written down.
pub(super) fn written(what: &impl Serialize) -> Option<String> {
    let written = serde_json::to_string(what);
    written
        .inspect_err(|error| tracing::error!(%error, "what waits could not be written down"))
        .ok()
}

impl Shelf {
    /// Writes down how a review stands.
    pub(super) fn set_review(&mut self, job: JobId, draft: Draft) -> Result<(), StoreError> {
        if let Some(id) = self.reviews.get(&job).copied()
            && let Some(review) = draft.into_json(&self.landings)
        {
            self.store.set_waiting(id, &review)?;
        }
        Ok(())
    }
}

impl Session {
    /// Keeps a review that begins, and the reply that it came from.
    pub(in crate::session) fn keep_review(&self, job: JobId, reply: String) {
        let Some((pending, folder)) = self.reviews.get(job).zip(self.kept_folder()) else {
            return;
        };
        let it = self.jobs.get(&job);
        let mut answer = NewWaiting {
            at: SystemTime::now(),
            folder,
            action: it.map_or("", |job| job.action.title()).to_owned(),
            instruction: it.and_then(|job| job.instruction().map(str::to_owned)),
            engine: pending.engine.clone(),
            title: pending.title.clone(),
            reply,
            review: String::new(),
        };
        let draft = Draft::of(pending);
        self.keeper.put(move |shelf| {
            if let Some(review) = draft.into_json(&shelf.landings) {
                answer.review = review;
                let id = shelf.store.keep_waiting(&answer)?;
                shelf.reviews.insert(job, id);
            }
            Ok(None)
        });
    }

    /// Keeps how a review stands now.
    pub(in crate::session) fn keep_review_up(&self, job: JobId) {
        let Some(pending) = self.reviews.get(job) else {
            return;
        };
        let draft = Draft::of(pending);
        self.keeper
            .put(move |shelf| shelf.set_review(job, draft).map(|()| None));
    }

    /// Everything of a review is decided.
    pub(in crate::session) fn forget_review(&self, job: JobId) {
        self.keeper.put(move |shelf| {
            if let Some(id) = shelf.reviews.remove(&job) {
                shelf.store.forget_waiting(id)?;
            }
            Ok(None)
        });
    }

    /// The file behind `uri` was saved: what a later session will find is what the reviews know now.
    pub(in crate::session) fn keep_reviews_in(&self, uri: &str) {
        for review in self.reviews.in_document(uri) {
            self.keep_review_up(review);
        }
    }

    /// Shows the reviews of an earlier session again.
    pub(in crate::session) fn take_reviews_up(&mut self, kept: Vec<KeptReview>) {
        let (mut hunks, count) = (0, kept.len());
        for kept in kept {
            self.last_job += 1;
            let (job, id) = (self.last_job, kept.id);
            self.keeper.put(move |shelf| {
                shelf.reviews.insert(job, id);
                Ok(None)
            });
            hunks += kept.review.hunks().len();
            let undoes = kept.undoes.and_then(|id| self.history.number_of(id));
            self.take_review_up(job, kept, undoes);
        }
        if count > 0 {
            let hunks = crate::session::reviews::count_of(hunks);
            let text = format!(
                "Pleach: {hunks} of an earlier session still wait for review; `pleach.reviews` lists them"
            );
            self.show(Severity::Info, &text);
        }
    }
}

/// Reads the files of the workspace, as they are now.
struct Present<'a>(&'a WorkspaceSnapshot);

impl Files for Present<'_> {
    fn read(&self, path: &str) -> Option<Cow<'_, str>> {
        let text = self.0.read_text(path).ok()?;
        Some(Cow::Owned(text.to_string()))
    }

    fn paths(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The reviews that wait in `folder`, brought to the present texts, and what is to be said of those that
/// nobody can decide upon any more: their answers are kept as files.
pub(super) fn load(
    store: &mut Store,
    folder: &str,
    snapshot: &WorkspaceSnapshot,
) -> Result<(Vec<KeptReview>, Vec<String>), StoreError> {
    let (mut reviews, mut told) = (Vec::new(), Vec::new());
    let files = Present(snapshot);
    for (id, answer) in store.waiting(Some(folder))? {
        let read = serde_json::from_str(&answer.review)
            .map_err(|error| format!("What was written down of it cannot be read: {error}."));
        let form = match read {
            Ok(Written::Review(form)) => form,
            Ok(Written::Intent(intent)) => {
                told.extend(intents::settle(store, id, answer, &intent, &files)?);
                continue;
            }
            Ok(Written::Answer(into)) => {
                told.extend(intents::settle_answer(store, id, answer, &into, &files)?);
                continue;
            }
            Err(reason) => {
                told.push(set_aside(store, id, answer, &reason)?);
                continue;
            }
        };
        let landed = form.review.landed(&files).cloned();
        let restored = form.review.restore(&files);
        let mut review = match restored {
            Ok(review) => review,
            Err(refusal) => {
                told.push(set_aside(store, id, answer, &refusal.to_string())?);
                continue;
            }
        };
        review.settle_there();
        if let Some(landed) = landed {
            let left = written(&Form {
                review: review.stored(),
                asked: form.asked.clone(),
                undoes: form.undoes,
            });
            let title = answer.title.clone();
            let landing = intents::landed(&answer, title, &landed, form.undoes);
            store.record_decided(&landing, id, left.as_deref())?;
        }
        if review.is_empty() {
            // Everything was decided, or came into the files some other way.
            store.forget_waiting(id)?;
            continue;
        }
        reviews.push(KeptReview {
            id,
            uris: uris_of(review.paths().into_iter(), snapshot),
            title: answer.title,
            engine: answer.engine,
            review,
            asked: form.asked,
            undoes: form.undoes,
        });
    }
    Ok((reviews, told))
}

/// Makes an answer that waits for nothing any more a file to read, and says where.
pub(super) fn set_aside(
    store: &mut Store,
    id: WaitingId,
    answer: NewWaiting,
    reason: &str,
) -> Result<String, StoreError> {
    let title = answer.title.clone();
    let told = format!("Pleach: {title}: it cannot be offered any more. {reason}");
    let kept = keep_as_file(store, id, answer, reason)?;
    Ok(match kept {
        Some(path) => format!("{told} The answer is kept in {path}"),
        None => told,
    })
}

/// Makes an answer that waits for nothing any more a file, if it says anything.
pub(super) fn keep_as_file(
    store: &mut Store,
    id: WaitingId,
    answer: NewWaiting,
    reason: &str,
) -> Result<Option<Utf8PathBuf>, StoreError> {
    let path = if answer.reply.trim().is_empty() {
        None
    } else {
        let kept = KeptAnswer {
            job: 0,
            action: answer.action,
            instruction: answer.instruction,
            engine: answer.engine,
            reply: answer.reply,
            reason: reason.to_owned(),
        };
        Some(AnswerStore::open(store.state_dir())?.keep(&kept, SystemTime::now())?)
    };
    store.forget_waiting(id)?;
    Ok(path)
}
