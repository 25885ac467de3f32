//! A change by several hands in one job: a coder writes it, the gate judges it, a tester writes tests for it and
//! runs them in a copy of the workspace, and a reviewer reads all of it. A person is shown one proposal, and
//! nothing is in any file before that is accepted.
//!
//! A later stage that fails loses nothing: what the earlier ones made is proposed, and it is said who did not
//! finish. All stages are one job for its caps: calls, tokens and money are counted together.

use std::sync::{Arc, Mutex, PoisonError};

use pleach_edit::{FileChange, Proposal, Refusal, StoredProposal};
use pleach_grammars::Language;
use pleach_text::{ByteOffset, ByteRange, ChangeSet};

use crate::action::Action;
use crate::call::{Caller, Used, aside};
use crate::job::{
    JobEvent, JobLimits, JobOutcome, JobRequest, Phase, TargetDocument, ask_model, changed_files,
    said,
};
use crate::lineup::Lineup;
use crate::meter::Account;
use crate::review::{self, Scope};
use crate::testing::{not_yet, with_proposal};
use crate::tools::Kit;

/// How many stages there are.
const STAGES: u32 = 3;

/// Somebody who works in a pipeline: who answers, and with what tools.
pub struct Hand {
    /// Who answers.
    pub lineup: Lineup,
    /// With what.
    pub kit: Kit,
}

/// Who works in a pipeline.
pub struct Crew {
    /// Carries out what was asked for.
    pub coder: Hand,
    /// Writes tests for it.
    pub tester: Hand,
    /// Reads all of it.
    pub reviewer: Hand,
}

/// A stage of a pipeline that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Which one, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// The role that it is for.
    pub role: &'static str,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} of {})", self.role, self.number, self.of)
    }
}

/// What was made so far.
struct Made {
    proposal: Box<Proposal>,
    /// What was answered, stage by stage.
    replies: Vec<String>,
}

/// Carries out `request`, which is a coder's, and has what comes of it tested and reviewed. Dropping the
/// future cancels the job, whichever stage it is in.
pub async fn run_pipeline(
    request: JobRequest,
    crew: Crew,
    limits: JobLimits,
    account: &Account,
    report: impl Fn(JobEvent) + Send + Sync,
) -> JobOutcome {
    report(JobEvent::Phase(Phase::Reading));
    let mut pipeline = Pipeline {
        request: Arc::new(request),
        limits,
        account,
        report: &report,
        used: Used::default(),
    };
    let mut made = match pipeline.code(crew.coder).await {
        Ok(made) => made,
        Err(ended) => return *ended,
    };
    let rest = match pipeline.test(crew.tester, &mut made).await {
        Ok(()) => pipeline.review(crew.reviewer, &mut made).await,
        Err(why) => Err(why),
    };
    if let Err(why) = rest {
        say(&report, why);
    }
    let proposal = made.proposal;
    JobOutcome::Proposal {
        summary: changed_files(&proposal),
        reply: made.replies.join("\n\n"),
        proposal,
    }
}

/// A pipeline at work.
struct Pipeline<'a, R> {
    request: Arc<JobRequest>,
    limits: JobLimits,
    account: &'a Account,
    report: &'a R,
    /// By all stages together.
    used: Used,
}

/// Why a change cannot be looked at as if it had landed.
const TAKES_AWAY: &str = "files are removed or renamed by the change";

impl<R: Fn(JobEvent) + Send + Sync> Pipeline<'_, R> {
    /// The coder's stage; `Err` is how the job ends without it.
    async fn code(&mut self, hand: Hand) -> Result<Made, Box<JobOutcome>> {
        let Hand { lineup, kit } = hand;
        self.begin(1, "coder", &lineup);
        let request = Arc::clone(&self.request);
        let caller = caller(&request, &lineup, self.account, self.report);
        match ask_model(&request, &caller, self.limits, kit, &mut self.used).await {
            JobOutcome::Proposal {
                proposal, reply, ..
            } => {
                let mut made = Made {
                    proposal,
                    replies: Vec::new(),
                };
                self.answered(&mut made, reply);
                Ok(made)
            }
            ended => Err(Box::new(ended)),
        }
    }

    /// The tester's stage. `Err` says why there can be no further one.
    async fn test(&mut self, hand: Hand, made: &mut Made) -> Result<(), String> {
        let (asked, change) = (Arc::clone(&self.request), made.proposal.clone());
        let request = aside("writing what the tester is asked", move || {
            request_of_tester(&asked, &change)
        });
        let request = request.await.map_err(|failure| not_tested(&failure))?;
        let request = Arc::new(request.ok_or_else(|| not_tested(&TAKES_AWAY))?);
        let Hand { lineup, kit } = hand;
        self.begin(2, "tester", &lineup);
        // What is said of the tests counts if they do.
        let held = Mutex::new(Vec::new());
        let report = |event: JobEvent| match event {
            JobEvent::Said(_) | JobEvent::Found(_) => {
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                held.push(event);
            }
            event => (self.report)(event),
        };
        let caller = caller(&request, &lineup, self.account, &report);
        let kit = kit.without_own_commands();
        let ended = ask_model(&request, &caller, self.limits, kit, &mut self.used).await;
        let held = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        match ended {
            JobOutcome::Proposal {
                proposal, reply, ..
            } => {
                self.answered(made, reply);
                match both(&request, &made.proposal, proposal).await {
                    Ok(both) => {
                        *made.proposal = both;
                        for event in held {
                            (self.report)(event);
                        }
                    }
                    Err(why) => say(self.report, format!("the tests were left out: {why}")),
                }
            }
            JobOutcome::Failed { failure, reply } => {
                say(self.report, format!("the tester did not finish: {failure}"));
                self.answered(made, reply.unwrap_or_default());
            }
            JobOutcome::Answer(words) => self.answered(made, words),
            // A tester is asked for an edit.
            JobOutcome::Findings(found) => self.answered(made, found.reply),
        }
        Ok(())
    }

    /// The reviewer's stage. `Err` says why it came to nothing.
    async fn review(&mut self, hand: Hand, made: &mut Made) -> Result<(), String> {
        let (workspace, change) = (self.request.workspace.clone(), made.proposal.clone());
        let workspace = aside("putting the change in its place", move || {
            with_proposal(&workspace, &change)
        });
        let workspace = workspace.await.map_err(|failure| not_reviewed(&failure))?;
        let workspace = workspace.ok_or_else(|| not_reviewed(&TAKES_AWAY))?;
        let request = Arc::new(JobRequest {
            instruction: Some(format!(
                "The change was asked for so:\n\n{}",
                asked_of(&self.request)
            )),
            scope: Scope::Changes,
            ..JobRequest::new(Action::Review, TargetDocument::none(), workspace)
        });
        let Hand { lineup, kit } = hand;
        self.begin(3, "reviewer", &lineup);
        let caller = caller(&request, &lineup, self.account, self.report);
        let kit = kit.without_own_commands();
        let changes = made.proposal.files().to_vec();
        let (limits, used) = (self.limits, &mut self.used);
        match review::of_proposal(&request, &caller, limits, kit, used, changes).await {
            Ok(found) => {
                say(self.report, format!("reviewed: {}", found.outcome()));
                self.answered(made, found.reply.clone());
                (self.report)(JobEvent::Found(Box::new(not_yet(found))));
                Ok(())
            }
            Err((failure, reply)) => {
                self.answered(made, reply);
                Err(format!("the reviewer did not finish: {failure}"))
            }
        }
    }

    /// Keeps what somebody has answered.
    fn answered(&self, made: &mut Made, reply: String) {
        if let Some(reply) = said(reply) {
            (self.report)(JobEvent::Answered(reply.clone()));
            made.replies.push(reply);
        }
    }

    /// Tells that a stage begins.
    fn begin(&self, number: u32, role: &'static str, lineup: &Lineup) {
        (self.report)(JobEvent::Engine(lineup.label()));
        (self.report)(JobEvent::Stage(Stage {
            number,
            of: STAGES,
            role,
        }));
    }
}

fn caller<'c, R>(
    request: &'c JobRequest,
    lineup: &'c Lineup,
    account: &'c Account,
    report: &'c R,
) -> Caller<'c, R> {
    Caller {
        request,
        lineup,
        account,
        report,
    }
}

fn not_tested(why: &dyn std::fmt::Display) -> String {
    format!("not tested and not reviewed: {why}")
}

fn not_reviewed(why: &dyn std::fmt::Display) -> String {
    format!("not reviewed: {why}")
}

/// The change and the tests of it, as one proposal; or why they cannot be.
async fn both(
    request: &JobRequest,
    change: &Proposal,
    tests: Box<Proposal>,
) -> Result<Proposal, String> {
    let (workspace, change) = (request.workspace.clone(), change.clone());
    let both = aside("putting the tests to the change", move || {
        with_proposal(&workspace, &tests).ok_or_else(|| TAKES_AWAY.to_owned())?;
        together(&change, &tests).map_err(|refusal| refusal.to_string())
    });
    both.await.map_err(|failure| failure.to_string())?
}

fn say(report: &impl Fn(JobEvent), words: String) {
    report(JobEvent::Said(words));
}

/// What the coder was asked, in words.
fn asked_of(request: &JobRequest) -> String {
    match &request.instruction {
        Some(words) => words.clone(),
        None => request.title().to_owned(),
    }
}

/// What the tester is asked of a change: in the file that was asked about where that has changed, else in the
/// first that has. `None` where the change takes files away.
fn request_of_tester(request: &JobRequest, proposal: &Proposal) -> Option<JobRequest> {
    let workspace = with_proposal(&request.workspace, proposal)?;
    let paths: Vec<&str> = proposal.files().iter().map(FileChange::path).collect();
    let own = request.document.path.as_str();
    let path = *paths.iter().find(|path| **path == own).or(paths.first())?;
    let text = proposal.after(path)?;
    let first_line = text.lines().next().unwrap_or_default();
    let language = if path == own {
        request.document.language
    } else {
        Language::detect(None, path, first_line)
    };
    let changed = proposal.file(path).and_then(FileChange::changes);
    let places = changed.map(ChangeSet::inserted_ranges).unwrap_or_default();
    let whole = ByteRange::new(ByteOffset(0), ByteOffset(text.len()));
    let range = places.into_iter().reduce(ByteRange::cover).unwrap_or(whole);
    let instruction = format!(
        "The code at that place was changed just now, and the change stands in the files that you read as if it \
         had been accepted. It was asked for so:\n\n{}\n\nFiles of the change: {}.\nWrite tests that fail without \
         the change. Do not change the code that they test.",
        asked_of(request),
        paths.join(", ")
    );
    let document = TargetDocument {
        path: path.to_owned(),
        language,
        text: text.into(),
    };
    Some(JobRequest {
        range,
        instruction: Some(instruction),
        ..JobRequest::new(Action::Tests, document, workspace)
    })
}

/// One proposal of two, of which the second was made for what the first leaves. It passes the gate as a whole.
fn together(first: &Proposal, second: &Proposal) -> Result<Proposal, Refusal> {
    let mut files: Vec<FileChange> = Vec::new();
    for change in first.files() {
        let after = second.after(change.path());
        files.push(match (after, change) {
            (None, _) => change.clone(),
            (Some(after), FileChange::Create { path, .. }) => FileChange::Create {
                path: path.clone(),
                text: after,
            },
            (Some(after), _) => match change.before() {
                Some(before) => FileChange::Edit {
                    path: change.path().to_owned(),
                    before: Arc::clone(before),
                    changes: ChangeSet::between(before, &after),
                },
                None => change.clone(),
            },
        });
    }
    let is_new = |change: &&FileChange| first.file(change.path()).is_none();
    files.extend(second.files().iter().filter(is_new).cloned());
    StoredProposal::new(&files, false).restore()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use pleach_edit::{EditRequest, propose};

    use super::*;

    fn edit(files: &BTreeMap<String, String>, path: &str, search: &str, replace: &str) -> Proposal {
        let reply = format!("{path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n");
        propose(&EditRequest::new(&reply, files)).unwrap()
    }

    #[test]
    fn two_changes_become_one_of_what_was_there_at_first() {
        let mut files = BTreeMap::from([("a.rs".to_owned(), "fn a() {}\n".to_owned())]);
        let first = edit(&files, "a.rs", "fn a() {}\n", "fn a() { b() }\n");
        files.insert("a.rs".to_owned(), first.after("a.rs").unwrap());
        let second = edit(
            &files,
            "a.rs",
            "fn a() { b() }\n",
            "fn a() { b() }\nfn b() {}\n",
        );
        let both = together(&first, &second).unwrap();
        assert_eq!(
            both.after("a.rs").as_deref(),
            Some("fn a() { b() }\nfn b() {}\n")
        );
        assert_eq!(
            both.file("a.rs").unwrap().before().map(|it| &**it),
            Some("fn a() {}\n")
        );

        let third = edit(&files, "b.rs", "", "fn c() {}\n");
        let both = together(&first, &third).unwrap();
        let paths: Vec<&str> = both.files().iter().map(FileChange::path).collect();
        assert_eq!(paths, ["a.rs", "b.rs"]);
    }
}
