//! Reviews: proposals that wait for the person, hunk by hunk, while the texts under them change.
//!
//! A review begins where a job with several hunks ends. Its hunks are diagnostics at their places, and
//! each can be accepted or rejected from the menu there. What is accepted becomes a proposal again, for
//! the present texts and through the gate, and lands like any other.

mod commands;
pub(in crate::session) mod display;
mod following;

use std::collections::{BTreeMap, BTreeSet};

use pleach_agent::{Action, JobRequest};
use pleach_edit::{
    HunkId, HunkState, HunkView, Proposal, Refusal, RefusalCode, Resolution, Resolved, Review,
};
use pleach_text::ByteRange;
use pleach_workspace::WorkspaceSnapshot;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use self::commands::{Decision, ReviewArguments};
pub(crate) use self::display::PendingHunk;
use crate::event::{Event, JobId};
use crate::session::Session;
use crate::session::jobs::Failure;
use crate::session::keeping::KeptReview;
use crate::session::landing::LandingFailure;
use crate::session::messages::Severity;
use crate::session::plans::JobEnd;
use crate::session::templates::TEMPLATE_ENGINE;

/// How often a proposal is brought to texts that move on each time.
const CHASES: u32 = 8;

/// The reviews that are open, by the job that each came from.
#[derive(Default)]
pub(crate) struct Reviews {
    open: BTreeMap<JobId, Pending>,
    /// The documents whose hunks are to be shown anew.
    due: Vec<String>,
}

/// One proposal under review.
pub(crate) struct Pending {
    /// What the job was, as the person knows it.
    pub(super) title: String,
    /// What answered.
    pub(super) engine: String,
    pub(super) review: Review,
    /// Each file's uri, as the client writes it.
    uris: BTreeMap<String, String>,
    /// What was asked, to ask again.
    pub(super) asked: Option<Asked>,
    /// The landed edit that is taken back by this.
    pub(super) undoes: Option<u64>,
    /// Hunks that were sent to the editor without a word of how that ended, and as what.
    doubted: Vec<(Vec<HunkId>, Proposal)>,
    /// Counts the changes of its files, so that what was found out of one text is not said of another.
    moves: u64,
    /// Hunks in whose lines something was changed that was only formatting; and after which move.
    formatted: (u64, BTreeSet<HunkId>),
}

impl Pending {
    fn new(
        (title, engine): (String, String),
        review: Review,
        uris: BTreeMap<String, String>,
        asked: Option<Asked>,
        undoes: Option<u64>,
    ) -> Self {
        Self {
            title,
            engine,
            review,
            uris,
            asked,
            undoes,
            doubted: Vec::new(),
            moves: 0,
            formatted: (0, BTreeSet::new()),
        }
    }

    /// How a hunk stands: what was only formatted is no conflict.
    fn state(&self, view: &HunkView<'_>) -> HunkState {
        let (when, formatted) = &self.formatted;
        if *when == self.moves && formatted.contains(&view.id) {
            HunkState::Clear
        } else {
            view.state
        }
    }

    /// The role that the proposal comes from; none for an answer that was brought from elsewhere.
    fn role(&self) -> Option<&'static str> {
        self.asked.as_ref().map(|asked| asked.action.role())
    }
}

/// What a proposal was asked by.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) action: Action,
    /// The name of the added action that it is, if it is one.
    #[serde(default)]
    pub(crate) own: Option<String>,
    pub(crate) instruction: Option<String>,
    pub(crate) uri: String,
    pub(crate) range: ByteRange,
}

impl Asked {
    /// What `request`, made in the document `uri`, asks.
    pub(crate) fn of(request: &JobRequest, uri: &str) -> Self {
        Self {
            action: request.action,
            own: request.own.as_ref().map(|own| own.name.clone()),
            instruction: request.instruction.clone(),
            uri: uri.to_owned(),
            range: request.range,
        }
    }
}

/// What is to be taken of a review.
enum Wanted {
    /// These hunks, as they were proposed.
    Accepted(Vec<HunkId>),
    /// A hunk in conflict, as the person decided.
    Resolved(HunkId, Resolution),
}

/// A proposal that was cut into hunks off the loop.
pub(crate) struct Offer {
    pub(crate) review: Review,
    pub(crate) proposal: Proposal,
    pub(crate) summary: String,
    pub(crate) reply: String,
    /// How often the texts had moved on meanwhile.
    pub(crate) chased: u32,
    /// Why it is reviewed even if it has but one hunk.
    pub(crate) because: Because,
}

/// Why a proposal is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// It may have several hunks.
    SeveralHunks,
    /// It is reviewed whatever it holds: files from a template, which may be a stranger's, and what several
    /// hands have made.
    Always,
    /// Something was typed where it is; and the landed edit that it takes back, if it does.
    Clash { undoes: Option<u64> },
}

impl Reviews {
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn get(&self, review: JobId) -> Option<&Pending> {
        self.open.get(&review)
    }

    /// The reviews with a hunk in the document `uri`.
    pub(super) fn in_document(&self, uri: &str) -> Vec<JobId> {
        let here = |pending: &Pending| pending.uris.values().any(|of| of == uri);
        let open = self.open.iter().filter(|(_, pending)| here(pending));
        open.map(|(review, _)| *review).collect()
    }

    /// What a landing brought into the files is decided.
    pub(super) fn settle(&mut self, review: JobId, hunks: &[HunkId]) {
        if let Some(pending) = self.open.get_mut(&review) {
            pending.review.settle(hunks);
        }
    }

    /// Nobody knows whether these hunks have landed as they were sent.
    pub(super) fn doubt(&mut self, review: JobId, hunks: Vec<HunkId>, sent: Proposal) {
        if let Some(pending) = self.open.get_mut(&review) {
            pending.doubted.push((hunks, sent));
        }
    }

    /// Looks once more for what was sent without a word of how that ended. Whether something of it is
    /// known now.
    fn look_for_doubted(&mut self, review: JobId) -> bool {
        let Some(pending) = self.open.get_mut(&review) else {
            return false;
        };
        let before = pending.review.hunks().len();
        let Pending {
            review, doubted, ..
        } = pending;
        for (hunks, sent) in doubted.iter() {
            review.look_for(hunks, sent.files());
        }
        doubted.retain(|(hunks, _)| review.with_needs(hunks).len() >= hunks.len());
        review.hunks().len() < before
    }

    /// The landed edit that a review takes back.
    pub(crate) fn undoes(&self, review: JobId) -> Option<u64> {
        self.get(review)?.undoes
    }
}

impl Session {
    /// A job proposes an edit: what has one hunk lands, several wait for review unless the settings say
    /// otherwise.
    pub(super) fn proposed(
        &mut self,
        job: JobId,
        proposal: Proposal,
        summary: String,
        reply: String,
    ) {
        let wanted = self.configuration.settings().review == pleach_policy::Review::Hunks;
        let builtin = self.jobs.get(&job).is_none_or(super::jobs::Job::is_builtin);
        if !wanted || builtin {
            self.land(job, proposal, summary, Some(reply));
            return;
        }
        if let Some(failure) = self.out_of_reach(&proposal) {
            self.fail(job, (&failure).into(), Some(reply));
            return;
        }
        let always = self
            .jobs
            .get(&job)
            .is_some_and(|it| it.engine() == TEMPLATE_ENGINE || it.has_stages());
        let because = if always {
            Because::Always
        } else {
            Because::SeveralHunks
        };
        self.prepare(job, proposal, summary, reply, because);
    }

    /// What cannot be written whatever the person decides: said before it is asked about.
    fn out_of_reach(&self, proposal: &Proposal) -> Option<LandingFailure> {
        let snapshot = self.snapshot();
        let paths = proposal.files().iter();
        let paths = paths.flat_map(|file| [Some(file.path()), file.path_after()]);
        paths.flatten().find_map(|path| {
            let refused = snapshot.uri_of(path).err()?;
            Some(LandingFailure::Unreachable {
                path: path.to_owned(),
                why: refused.to_string(),
            })
        })
    }

    /// A landing met something that was typed in the same place: the person decides.
    pub(super) fn review_clash(
        &mut self,
        job: JobId,
        proposal: Proposal,
        reply: Option<String>,
        undoes: Option<u64>,
    ) {
        let reply = reply.unwrap_or_default();
        self.prepare(
            job,
            proposal,
            String::new(),
            reply,
            Because::Clash { undoes },
        );
    }

    /// Cuts a proposal into hunks, off the loop.
    fn prepare(
        &mut self,
        job: JobId,
        proposal: Proposal,
        summary: String,
        reply: String,
        because: Because,
    ) {
        self.job_phase(job, "preparing the review");
        // What cannot be cut can still land as a whole.
        let whole = Event::Offered {
            job,
            offer: Err((Box::new(proposal.clone()), summary.clone(), reply.clone())),
        };
        let snapshot = self.snapshot();
        let mut proposal = proposal;
        let work = move || {
            // Who uses what goes or changes, in unsaved documents too.
            let mut review = Review::with_impact(&mut proposal, &snapshot);
            bring_to_present(&mut review, &snapshot);
            Event::Offered {
                job,
                offer: Ok(Box::new(Offer {
                    review,
                    proposal,
                    summary,
                    reply,
                    chased: 0,
                    because,
                })),
            }
        };
        self.aside(work, whole);
    }

    pub(super) fn offered(
        &mut self,
        job: JobId,
        offer: Result<Box<Offer>, (Box<Proposal>, String, String)>,
    ) {
        let Some(it) = self.jobs.get(&job).filter(|job| !job.has_ended()) else {
            return;
        };
        if it.cancel.is_cancelled() {
            let reply = match offer {
                Ok(offer) => offer.reply,
                Err((_, _, reply)) => reply,
            };
            self.cancelled(job, Some(reply));
            return;
        }
        let mut offer = match offer {
            Ok(offer) => *offer,
            Err((proposal, summary, reply)) => {
                self.land(job, *proposal, summary, Some(reply));
                return;
            }
        };
        if offer.because == Because::SeveralHunks && offer.review.hunks().len() <= 1 {
            self.land(job, offer.proposal, offer.summary, Some(offer.reply));
            return;
        }
        let snapshot = self.snapshot();
        let uris = uris_of(&offer.review, &snapshot);
        let moved_on = |(path, uri): (&String, &String)| {
            let document = self.documents.get(uri);
            document.is_some_and(|document| {
                offer
                    .review
                    .text(path)
                    .is_none_or(|text| document.text != *text)
            })
        };
        if offer.chased < CHASES && uris.iter().any(moved_on) {
            offer.chased += 1;
            let lost = Event::Offered {
                job,
                offer: Err((
                    Box::new(offer.proposal.clone()),
                    offer.summary.clone(),
                    offer.reply.clone(),
                )),
            };
            let work = move || {
                bring_to_present(&mut offer.review, &snapshot);
                Event::Offered {
                    job,
                    offer: Ok(Box::new(offer)),
                }
            };
            self.aside(work, lost);
            return;
        }
        self.begin_review(job, offer, uris);
    }

    fn begin_review(&mut self, job: JobId, offer: Offer, uris: BTreeMap<String, String>) {
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let undoes = match offer.because {
            Because::Clash { undoes } => undoes,
            Because::SeveralHunks | Because::Always => None,
        };
        let names = (it.title.clone(), it.engine().to_owned());
        let pending = Pending::new(names, offer.review, uris, it.asked.clone(), undoes);
        let clash = matches!(offer.because, Because::Clash { .. });
        let replaced = it.replaces.clone();
        let (hunks, files) = (pending.review.hunks().len(), pending.review.paths().len());
        let (engine, title) = (pending.engine.clone(), pending.title.clone());
        self.reviews.open.insert(job, pending);
        self.keep_review(job, offer.reply);
        let waits = if clash {
            "you typed in the same place meanwhile; choose at its hint".to_owned()
        } else if hunks == 1 {
            "1 hunk waits for review".to_owned()
        } else if files == 1 {
            format!("{hunks} hunks in one file wait for review")
        } else {
            format!("{hunks} hunks in {files} files wait for review")
        };
        let Some(it) = self.jobs.get(&job) else {
            return;
        };
        let how = if clash {
            ""
        } else {
            ": accept or reject them from the menu of actions at the hints"
        };
        let (summary, told) = (it.summary(&waits), it.summary(&format!("{waits}{how}")));
        let fields = json!({
            "landed": false, "review": job, "hunks": hunks, "summary": summary, "engine": engine,
        });
        self.tell_job(job, "finished", fields);
        if !self.client.job_events {
            self.show(
                Severity::Info,
                &format!("Pleach: {title}: {told} ({engine})"),
            );
        }
        self.last_word(job, format!("{summary} ({engine})"));
        self.plan_job_ended(job, JobEnd::Review);
        if let Some((review, hunks)) = replaced {
            self.reject(review, &hunks);
        }
        self.show_review(job);
    }

    /// Takes up a review of an earlier session, in the texts that the files have now.
    pub(super) fn take_review_up(&mut self, job: JobId, kept: KeptReview, undoes: Option<u64>) {
        let names = (kept.title, kept.engine);
        let mut pending = Pending::new(names, kept.review, kept.uris, kept.asked, undoes);
        for (path, uri) in &mut pending.uris {
            let path_of = |uri: &str| pleach_workspace::path_from_uri(uri);
            let place = path_of(uri);
            let open = self.documents.get(uri).or_else(|| {
                // Opened meanwhile, under another spelling of its uri.
                self.documents.at_path(place.as_deref()?)
            });
            if let Some(document) = open {
                document.uri.clone_into(uri);
                let text = document.text.to_string();
                pending.review.catch_up(path, Some(&text));
            }
        }
        pending.review.settle_there();
        self.reviews.open.insert(job, pending);
        self.show_review(job);
        self.look_closer(job);
    }

    /// Rejects hunks, and those that cannot be without them. Answers how many went.
    pub(super) fn reject(&mut self, review: JobId, hunks: &[HunkId]) -> usize {
        let Some(pending) = self.reviews.open.get_mut(&review) else {
            return 0;
        };
        let gone = pending.review.reject(hunks).len();
        self.keep_review_up(review);
        self.show_review(review);
        gone
    }

    /// Begins to take hunks of a review, off the loop: those that they need come with them.
    fn take(&mut self, review: JobId, wanted: Wanted) -> Option<JobId> {
        if self.reviews.look_for_doubted(review) {
            self.keep_review_up(review);
            self.show_review(review);
        }
        let pending = self.reviews.open.get(&review)?;
        let mut present = pending.review.clone();
        let hunks = match &wanted {
            Wanted::Accepted(hunks) => present.with_needs(hunks),
            Wanted::Resolved(hunk, _) => vec![*hunk],
        };
        let title = format!("{} ({})", pending.title, count_of(hunks.len()));
        let engine = pending.engine.clone();
        let job = self.add_job(None, None, Action::Land, title, None);
        self.job_engine(job, engine);
        self.job_phase(job, "checking");
        let snapshot = self.snapshot();
        let lost = Event::HunksTaken {
            job,
            review,
            hunks: hunks.clone(),
            taken: Err(None),
        };
        let work = move || {
            bring_to_present(&mut present, &snapshot);
            let taken = match wanted {
                Wanted::Accepted(_) => present
                    .accept(&hunks)
                    .map(|proposal| Resolved::Land(Box::new(proposal), hunks.clone())),
                Wanted::Resolved(hunk, resolution) => present.resolve(hunk, resolution),
            };
            let taken = match taken {
                Err(refusal) if refusal.code == RefusalCode::AlreadyApplied => {
                    Ok(Resolved::Keep(hunks.clone()))
                }
                other => other.map_err(|refusal| Some(Box::new(refusal))),
            };
            Event::HunksTaken {
                job,
                review,
                hunks,
                taken,
            }
        };
        self.aside(work, lost);
        Some(job)
    }

    pub(super) fn hunks_taken(
        &mut self,
        job: JobId,
        review: JobId,
        hunks: &[HunkId],
        taken: Result<Resolved, Option<Box<Refusal>>>,
    ) {
        match taken {
            Ok(Resolved::Land(proposal, hunks)) => {
                let summary = count_of(hunks.len());
                self.land_hunks(job, *proposal, summary, (review, hunks));
            }
            Ok(Resolved::Keep(hunks)) => {
                self.reject(review, &hunks);
                self.end_unchanged(job, "the text stays as it is");
            }
            Ok(Resolved::Ask(question)) => {
                self.end_unchanged(job, "asked again");
                if let Err(failure) = self.ask_again(review, hunks, &question) {
                    self.show_failed_command(&failure);
                }
            }
            Err(refusal) => {
                let (code, message) = match refusal {
                    Some(refusal) => (refusal.code.code(), refusal.to_string()),
                    None => ("internal", "the hunk could not be checked".to_owned()),
                };
                let failure = Failure {
                    code: code.to_owned(),
                    message,
                    next: "it still waits for review: choose at its hint, or ask again".to_owned(),
                };
                self.fail(job, failure, None);
                self.show_review(review);
            }
        }
    }

    /// Shows where the hunks of one review are now, and forgets it when all are decided.
    pub(super) fn show_review(&mut self, review: JobId) {
        let Some(pending) = self.reviews.get(review) else {
            return;
        };
        let uris: Vec<String> = pending.uris.values().cloned().collect();
        if pending.review.is_empty() {
            self.reviews.open.remove(&review);
            self.forget_review(review);
        }
        for uri in uris {
            self.show_hunks(&uri);
        }
        self.tell_review(review);
        if self.reviews.get(review).is_none() {
            self.plan_review_closed(review);
        }
    }
}

/// Tells a review what its files hold now.
fn bring_to_present(review: &mut Review, snapshot: &WorkspaceSnapshot) {
    let paths: Vec<String> = review.paths().into_iter().map(str::to_owned).collect();
    for path in paths {
        let text = snapshot.read_text(&path).ok();
        review.catch_up(&path, text.as_deref());
    }
}

pub(super) fn count_of(hunks: usize) -> String {
    match hunks {
        1 => "one hunk".to_owned(),
        many => format!("{many} hunks"),
    }
}

fn uris_of(review: &Review, snapshot: &WorkspaceSnapshot) -> BTreeMap<String, String> {
    review
        .paths()
        .into_iter()
        .filter_map(|path| Some((path.to_owned(), snapshot.uri_of(path).ok()?)))
        .collect()
}
