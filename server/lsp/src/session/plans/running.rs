//! Carrying plans out: each step a job of its own, in the order that the plan asks for.
//!
//! A run looks at the plan's text each time something has ended, and begins what may begin then. It
//! knows what it has tried; everything else stands in the text, so that a run that was interrupted is
//! simply begun again.

use std::collections::BTreeMap;

use pleach_agent::plan::{CheckCommand, PlanFailure, Verdict, judge, request};
use pleach_agent::{Action, Answer, JobRequest};
use pleach_plan::{Plan, Status, Step, StepKey};
use pleach_workspace::WorkspaceSnapshot;
use serde_json::Value;

use super::{JobEnd, PlanAnswer, PlanEvent, StepRef};
use crate::event::{Event, JobId};
use crate::session::jobs::Failure;
use crate::session::permission::Buttons;
use crate::session::{Awaited, Session};

/// Steps that run at the same time at most.
const TOGETHER: usize = 4;

/// A plan, or one step of it, that is being carried out.
pub(super) struct Run {
    path: String,
    /// The only step that is wanted; the whole plan without.
    only: Option<StepKey>,
    /// Whether the commands of checks may run without a question.
    allow: bool,
    /// What this run has begun, each at most once.
    tried: Vec<StepKey>,
    /// The steps that are under way, and their jobs where they have one.
    under_way: BTreeMap<StepKey, Option<JobId>>,
    /// The turn that is being prepared, if one is.
    turning: Option<Turning>,
    is_cancelled: bool,
    done: usize,
    failed: usize,
    waiting: usize,
}

/// A turn that is being prepared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turning {
    /// From what is known.
    Fresh,
    /// Something has changed since it began.
    Stale,
}

/// The job of a step.
#[derive(Debug, Clone)]
pub(crate) struct StepJob {
    pub(super) run: JobId,
    pub(super) step: StepRef,
    /// Whether hunks of it wait for review.
    in_review: bool,
}

/// What a run can begin, by the text of its plan.
pub(crate) struct Turn {
    begins: Vec<(StepKey, Begin)>,
    /// Steps that are settled, and steps in all.
    settled: usize,
    total: usize,
    /// Whether there is a plan to read at all.
    failure: Option<String>,
}

/// How a step begins.
enum Begin {
    /// As a job.
    Job(Box<JobRequest>),
    /// Its work was done before, by somebody: only its check is left.
    Check,
    /// Not at all.
    Cannot(PlanFailure),
}

impl Session {
    /// Begins to carry out a plan, or one step of it.
    pub(super) fn run_plan(&mut self, path: &str, only: Option<StepKey>, allow: bool) -> JobId {
        let name = path.rsplit('/').next().unwrap_or_default();
        let title = match &only {
            Some(key) => format!("Run step {} of {name}", key.number),
            None => format!("Run {name}"),
        };
        let uri = self.snapshot().uri_of(path).ok();
        let run = self.add_job(None, uri.as_deref(), Action::Plan, title, None);
        self.plans.runs.insert(
            run,
            Run {
                path: path.to_owned(),
                only,
                allow,
                tried: Vec::new(),
                under_way: BTreeMap::new(),
                turning: None,
                is_cancelled: false,
                done: 0,
                failed: 0,
                waiting: 0,
            },
        );
        self.turn(run);
        run
    }

    /// Whether a step of a plan is under way.
    pub(super) fn is_under_way(&self, path: &str, number: u32) -> bool {
        self.plans
            .runs
            .values()
            .any(|run| run.path == path && run.under_way.keys().any(|key| key.number == number))
    }

    /// Whether a plan is being carried out.
    pub(super) fn is_running(&self, path: &str) -> bool {
        self.plans.runs.values().any(|run| run.path == path)
    }

    /// Looks, off the loop, for what a run can begin.
    fn turn(&mut self, run: JobId) {
        let with_model = self.configuration.has_model(Action::Rewrite);
        let snapshot = self.snapshot();
        let Some(it) = self.plans.runs.get_mut(&run) else {
            return;
        };
        if it.turning.is_some() {
            it.turning = Some(Turning::Stale);
            return;
        }
        it.turning = Some(Turning::Fresh);
        let path = it.path.clone();
        let look = Look {
            path: path.clone(),
            only: it.only.clone(),
            tried: it.tried.clone(),
            under_way: it.under_way.keys().cloned().collect(),
            unwritten: Vec::new(),
            with_model,
        };
        let look = Look {
            unwritten: self.unwritten(&path),
            ..look
        };
        let lost = Event::Plan(PlanEvent::Turn {
            run,
            turn: Box::new(Turn::none("looking through the plan failed".to_owned())),
        });
        let work = move || {
            let turn = Box::new(look.turn(&snapshot));
            Event::Plan(PlanEvent::Turn { run, turn })
        };
        self.aside(work, lost);
    }

    pub(super) fn plan_turn(&mut self, run: JobId, turn: &Turn) {
        let Some(it) = self.plans.runs.get_mut(&run) else {
            return;
        };
        let turning = it.turning.take();
        if it.is_cancelled {
            self.end_run(run, turn);
            return;
        }
        if turning == Some(Turning::Stale) {
            self.turn(run);
            return;
        }
        let path = it.path.clone();
        let free = TOGETHER.saturating_sub(it.under_way.len());
        let mut begun = None;
        for (key, begin) in turn.begins.iter().take(free) {
            begun.get_or_insert(format!(
                "step {} of {}: {}",
                key.number, turn.total, key.title
            ));
            if let Some(it) = self.plans.runs.get_mut(&run) {
                it.tried.push(key.clone());
                it.under_way.insert(key.clone(), None);
            }
            let step = StepRef {
                path: path.clone(),
                key: key.clone(),
            };
            self.begin_step(run, step, begin);
        }
        if let Some(phase) = begun {
            self.job_phase(run, &phase);
        }
        let is_over = self
            .plans
            .runs
            .get(&run)
            .is_some_and(|it| it.under_way.is_empty());
        if is_over && turn.begins.is_empty() {
            self.end_run(run, turn);
        } else if is_over {
            // What was begun has ended in the same moment.
            self.turn(run);
        }
    }

    fn begin_step(&mut self, run: JobId, step: StepRef, begin: &Begin) {
        let job = StepJob {
            run,
            step,
            in_review: false,
        };
        match begin {
            Begin::Cannot(failure) => {
                let why = format!("{failure}; {}", failure.next_step());
                self.step_ended(&job, Status::Failed, Some(why));
            }
            Begin::Check => self.judge_step(job),
            Begin::Job(request) => {
                // Without a model a step takes no longer than writing its box twice.
                if self.configuration.has_model(Action::Rewrite) {
                    self.mark_step(&job.step.path, &job.step.key, Status::Running, None);
                }
                let uri = self.snapshot().uri_of(&request.document.path).ok();
                let title = job.step.title();
                let id = self.start_job(None, uri.as_deref(), title, (**request).clone());
                if let Some(it) = self.plans.runs.get_mut(&run) {
                    it.under_way.insert(job.step.key.clone(), Some(id));
                }
                self.plans.steps.insert(id, job);
            }
        }
    }

    /// A job ended: perhaps that of a step.
    pub(crate) fn plan_job_ended(&mut self, job: JobId, end: JobEnd) {
        if let Some(path) = self.plans.making.remove(&job) {
            self.plan_made(&path, &end);
            return;
        }
        if let Some(step) = self.plans.undoing.remove(&job) {
            self.step_taken_back(step, &end);
            return;
        }
        let Some(step) = self.plans.steps.remove(&job) else {
            return;
        };
        match end {
            JobEnd::Well => self.judge_step(step),
            JobEnd::Failed(why) => self.step_ended(&step, Status::Failed, Some(why)),
            JobEnd::Review => {
                let why = "it waits for your review, hunk by hunk".to_owned();
                let mut step = step;
                self.step_ended(&step, Status::Waiting, Some(why));
                step.in_review = true;
                self.plans.steps.insert(job, step);
            }
            JobEnd::Cancelled => {
                if let Some(run) = self.plans.runs.get_mut(&step.run) {
                    run.is_cancelled = true;
                }
                self.step_ended(&step, Status::Todo, None);
                self.cancel_run(step.run);
            }
        }
    }

    /// Every hunk of a review is decided: if it was a step's and something landed, its check is next.
    pub(crate) fn plan_review_closed(&mut self, review: JobId) {
        let Some(step) = self
            .plans
            .steps
            .remove(&review)
            .filter(|step| step.in_review)
        else {
            return;
        };
        if self.landed_by(&step.step).is_some() {
            self.judge_step(step);
        } else {
            let why = "you rejected what was proposed".to_owned();
            self.step_ended(&step, Status::Failed, Some(why));
        }
    }

    /// Looks, off the loop, at what the workspace says of a step's check.
    fn judge_step(&self, step: StepJob) {
        let snapshot = self.snapshot();
        let lost = Event::Plan(PlanEvent::Judged {
            step: Box::new(step.clone()),
            verdict: Verdict::Person("its check could not be looked at".to_owned()),
        });
        let work = move || {
            let verdict = judge_now(&step.step, &snapshot);
            let step = Box::new(step);
            Event::Plan(PlanEvent::Judged { step, verdict })
        };
        self.aside(work, lost);
    }

    pub(super) fn step_judged(&mut self, step: StepJob, verdict: Verdict) {
        match verdict {
            Verdict::Holds(_) => self.step_ended(&step, Status::Done, None),
            Verdict::Fails(why) => self.step_ended(&step, Status::Failed, Some(why)),
            Verdict::Person(what) => self.step_ended(&step, Status::Waiting, Some(what)),
            Verdict::Command(command) => {
                let settings = self.configuration.settings();
                let run = self.plans.runs.get(&step.run);
                let may_run = settings.commands.allows(&command.argv)
                    || self.plans.allowed.has(&command.argv)
                    || run.is_some_and(|run| run.allow);
                if may_run {
                    self.run_check(step, command);
                } else {
                    self.ask_for_check(step, command);
                }
            }
        }
    }

    /// Asks the person whether a command may run. Where the editor cannot ask, the step waits.
    fn ask_for_check(&mut self, step: StepJob, command: CheckCommand) {
        if !self.client.asks {
            self.step_ended(&step, Status::Waiting, Some(not_allowed(&command)));
            return;
        }
        let message = format!(
            "Pleach: may `{}` run in this workspace, to check step {} of {}?",
            command.text, step.step.key.number, step.step.path
        );
        let awaited = Awaited::Plan(PlanAnswer::MayRun(Box::new((step, command))));
        self.request("window/showMessageRequest", &BUTTONS.ask(&message), awaited);
    }

    pub(super) fn may_run_answered(
        &mut self,
        (step, command): (StepJob, CheckCommand),
        answer: Option<&Value>,
    ) {
        let answer = BUTTONS.pressed(answer);
        if answer == Answer::Always {
            self.plans.allowed.add(command.argv.clone());
        }
        if answer == Answer::Never {
            self.step_ended(&step, Status::Waiting, Some(not_allowed(&command)));
        } else {
            self.run_check(step, command);
        }
    }

    /// Runs the command of a check.
    fn run_check(&mut self, step: StepJob, command: CheckCommand) {
        self.job_phase(
            step.run,
            &format!("step {}: `{}`", step.step.key.number, command.text),
        );
        let cancel = self.jobs.get(&step.run).map(|job| job.cancel.clone());
        let cancel = cancel.unwrap_or_default();
        let variables = std::sync::Arc::clone(&self.environment.variables);
        let settings = std::sync::Arc::clone(self.configuration.settings());
        let inbox = self.inbox.clone();
        let work = async move {
            let result = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(CANCELLED.to_owned()),
                result = command.run(&variables, &settings.commands) => result,
            };
            let step = Box::new(step);
            inbox.put(Event::Plan(PlanEvent::Checked { step, result }));
        };
        drop(self.tasks.spawn(work));
    }

    pub(super) fn step_checked(&mut self, step: &StepJob, result: Result<(), String>) {
        match result {
            Ok(()) => self.step_ended(step, Status::Done, None),
            Err(why) if why == CANCELLED => {
                let why = "its check was cancelled: run the step again to check it".to_owned();
                self.step_ended(step, Status::Waiting, Some(why));
            }
            Err(why) => self.step_ended(step, Status::Failed, Some(why)),
        }
    }

    /// A step has come to its end, for now: its box says so, and its run goes on.
    fn step_ended(&mut self, step: &StepJob, status: Status, result: Option<String>) {
        if let Some(run) = self.plans.runs.get_mut(&step.run) {
            run.under_way.remove(&step.step.key);
            match status {
                Status::Done => run.done += 1,
                Status::Failed => run.failed += 1,
                Status::Waiting => run.waiting += 1,
                Status::Todo | Status::Running | Status::Skipped => {}
            }
        }
        self.mark_step(&step.step.path, &step.step.key, status, result);
        self.turn(step.run);
    }

    /// Stops a run: what is under way is cancelled, and its steps are to be done again.
    pub(crate) fn cancel_run(&mut self, run: JobId) {
        let Some(it) = self.plans.runs.get_mut(&run) else {
            return;
        };
        it.is_cancelled = true;
        if let Some(job) = self.jobs.get(&run) {
            job.cancel.cancel();
        }
        let jobs: Vec<JobId> = it.under_way.values().filter_map(|job| *job).collect();
        for job in jobs {
            self.cancel_job(job);
        }
        self.turn(run);
    }

    /// What was to be written into a plan is written.
    pub(super) fn look_again(&mut self, path: &str) {
        let runs = self.plans.runs.iter();
        let over = runs.filter(|(_, run)| run.path == path && run.under_way.is_empty());
        let over: Vec<JobId> = over.map(|(run, _)| *run).collect();
        for run in over {
            self.turn(run);
        }
    }

    /// Ends a run when nothing of it is under way any more.
    fn end_run(&mut self, run: JobId, turn: &Turn) {
        let Some(it) = self.plans.runs.get(&run) else {
            return;
        };
        // Who is told of the end may look at the boxes.
        if !it.under_way.is_empty() || self.plans.marks.contains_key(&it.path) {
            return;
        }
        let Some(it) = self.plans.runs.remove(&run) else {
            return;
        };
        if let Ok(uri) = self.snapshot().uri_of(&it.path) {
            self.look_for_problems_soon(&uri);
        }
        if it.is_cancelled {
            self.last_word(run, "cancelled; the next run goes on from here".into());
            return;
        }
        if let Some(why) = &turn.failure {
            let failure = Failure {
                code: "no-plan".to_owned(),
                message: why.clone(),
                next: "name a plan of the workspace, and a step that it has".to_owned(),
            };
            self.fail(run, failure, None);
            return;
        }
        self.end_unchanged(run, &it.summary(turn));
    }
}

impl Run {
    fn summary(&self, turn: &Turn) -> String {
        let mut parts = Vec::new();
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        add(self.done, "done");
        add(self.waiting, "waiting for you");
        add(self.failed, "failed");
        if parts.is_empty() {
            parts.push("nothing could be run".to_owned());
        }
        format!(
            "{}; {} of {} steps are settled",
            parts.join(", "),
            turn.settled,
            turn.total
        )
    }
}

/// What a turn is made from.
struct Look {
    path: String,
    only: Option<StepKey>,
    tried: Vec<StepKey>,
    under_way: Vec<StepKey>,
    unwritten: Vec<(StepKey, Status)>,
    with_model: bool,
}

impl Look {
    fn turn(&self, snapshot: &WorkspaceSnapshot) -> Turn {
        let text = match snapshot.read_text(&self.path) {
            Ok(text) => text,
            Err(error) => return Turn::none(error.to_string()),
        };
        let mut plan = Plan::parse(&text);
        for (key, status) in &self.unwritten {
            if let Some(at) = plan.find(key) {
                plan.assume(at, *status);
            }
        }
        let places = |keys: &[StepKey]| -> Vec<usize> {
            keys.iter().filter_map(|key| plan.find(key)).collect()
        };
        let (running, tried) = (places(&self.under_way), places(&self.tried));
        let wanted = match &self.only {
            None => plan.next(&running, &tried),
            Some(key) => match plan.find(key) {
                Some(at) if tried.contains(&at) || running.contains(&at) => Vec::new(),
                Some(at) if plan.may_begin(at) => vec![at],
                Some(at) => return Turn::none(blocked(&plan, at)),
                None => return Turn::none(format!("the plan has no step {}", key.number)),
            },
        };
        let steps = wanted.into_iter().filter_map(|at| plan.steps().get(at));
        let begins = steps
            .map(|step| (step.key(), self.begin(&plan, step, snapshot)))
            .collect();
        let settled = plan.steps().iter().filter(|step| step.status.is_settled());
        Turn {
            begins,
            settled: settled.count(),
            total: plan.steps().len(),
            failure: None,
        }
    }

    fn begin(&self, plan: &Plan, step: &Step, snapshot: &WorkspaceSnapshot) -> Begin {
        let holds = || matches!(judge(step, snapshot), Verdict::Holds(_));
        if step.status == Status::Waiting || holds() {
            return Begin::Check;
        }
        match request(plan, step, snapshot, self.with_model) {
            Ok(request) => Begin::Job(Box::new(request)),
            Err(failure) => Begin::Cannot(failure),
        }
    }
}

/// Why a step cannot begin yet.
fn blocked(plan: &Plan, at: usize) -> String {
    let first = plan.waits_for(at);
    let numbers: Vec<String> = first.iter().map(|it| it.number.to_string()).collect();
    match numbers.as_slice() {
        [] => "the step depends on one that the plan does not have".to_owned(),
        _ => format!(
            "the step comes after step {}, which is not done",
            numbers.join(", ")
        ),
    }
}

impl Turn {
    fn none(failure: String) -> Self {
        Self {
            begins: Vec::new(),
            settled: 0,
            total: 0,
            failure: Some(failure),
        }
    }
}

/// What the workspace says now of a step's check, as the plan has it now.
fn judge_now(step: &StepRef, snapshot: &WorkspaceSnapshot) -> Verdict {
    let gone = || Verdict::Person("the plan does not have this step any more".to_owned());
    let Ok(text) = snapshot.read_text(&step.path) else {
        return gone();
    };
    let plan = Plan::parse(&text);
    let found = plan.find(&step.key).and_then(|at| plan.steps().get(at));
    found.map_or_else(gone, |step| judge(step, snapshot))
}

const BUTTONS: Buttons = Buttons {
    once: "Run it",
    always: "Always in this session",
    never: "Do not run it",
};
const CANCELLED: &str = "cancelled";

fn not_allowed(command: &CheckCommand) -> String {
    format!(
        "its check `{}` was not allowed to run: allow it with commands.allow in your pleach.toml and run the step again, or mark it as done",
        command.text
    )
}
