//! The books of a server: its ledger and its audit, on a thread of their own.
//!
//! Jobs wait for one word only: whether a call may be made. Everything else is noted in the order in
//! which it was told, and nobody waits for the disk.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_model::Telemetry;
use pleach_policy::{Breaker, BudgetSettings};
use pleach_store::{
    CacheBounds, CallFilter, CallId, Ledger, NewCall, NewRecord, Reserved, Settlement,
    SharedLedger, Store, StoreError, UsageReport,
};
use serde_json::Value;
use tokio::sync::oneshot;

/// How long the end of the process waits for what is still to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How many answers that were kept may wait for the gate's word, and one.
const RECENT: usize = 255;
/// How often reservations of dead processes are looked for.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The books. Cheap to clone; the thread ends with the last of them.
#[derive(Debug, Clone)]
pub struct Books {
    entries: Sender<Entry>,
    server: Arc<str>,
    state: Arc<Mutex<BooksState>>,
    telemetry: Option<Telemetry>,
}

/// How the books of a session stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BooksState {
    /// The ledger that calls are written into is shared with others.
    pub is_shared: bool,
    /// Calls that were written.
    pub calls: u64,
    /// What the last thing that was written failed with, if it did.
    pub trouble: Option<String>,
    /// Questions that were answered from the cache.
    pub from_cache: u64,
}

/// A call, and which of the ledgers of this session it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booked {
    pub(crate) ledger: usize,
    pub(crate) id: CallId,
}

impl Booked {
    /// Its number in its ledger.
    pub(crate) fn number(self) -> i64 {
        self.id.0
    }
}

/// Why a call may not be made.
#[derive(Debug)]
pub(crate) enum NotReserved {
    /// Too many calls within a minute; how long until one more is in order.
    TooOften(Duration),
    /// The ledger cannot be written.
    Store(StoreError),
    /// The thread of the books has ended.
    Closed,
}

/// What is written into the books.
enum Entry {
    Reserve {
        call: Box<NewCall>,
        budget: Box<BudgetSettings>,
        answer: oneshot::Sender<Result<(Reserved, usize), NotReserved>>,
    },
    Settle(Booked, Box<Settlement>),
    Judged(Booked, bool),
    /// Is there an answer to this question?
    Recall {
        question: String,
        bounds: CacheBounds,
        answer: oneshot::Sender<Option<String>>,
    },
    /// An answer to keep, and the call that brought it.
    Keep {
        question: String,
        kept: String,
        bounds: CacheBounds,
        call: Booked,
    },
    /// What a call brought is of no use.
    Forget(Booked),
    /// From now on calls are written into this ledger, in the name of this person; `None` is one's own.
    Share(Option<(SharedLedger, String)>),
    Record(Box<NewRecord>),
    Report(CallFilter, Sender<Result<UsageReport, StoreError>>),
    /// Everything before it is written.
    Flush(Sender<()>),
}

impl Books {
    /// The books in this state folder. Nothing is opened before the first entry.
    pub fn open(state_dir: &Utf8Path) -> Self {
        let (entries, told) = mpsc::channel();
        let state = Arc::default();
        let mut keeper = Keeper {
            ledgers: vec![Ledger::new(state_dir)],
            shared: None,
            audit: Store::new(state_dir),
            state_dir: state_dir.to_owned(),
            breaker: Breaker::default(),
            looked: None,
            recent: VecDeque::new(),
            state: Arc::clone(&state),
        };
        let started = thread::Builder::new()
            .name("books".to_owned())
            .spawn(move || keeper.keep(&told));
        if let Err(error) = started {
            // Without it no call is reserved, and each job says so.
            tracing::error!(%error, "the books cannot be kept");
        }
        Self {
            entries,
            server: server_name().into(),
            state,
            telemetry: None,
        }
    }

    /// The same books, whose calls are told there as well, if anywhere.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Option<Telemetry>) -> Self {
        Self { telemetry, ..self }
    }

    pub(crate) fn telemetry(&self) -> Option<&Telemetry> {
        self.telemetry.as_ref()
    }

    /// The name of this process in the books.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Adds to the audit what happened. `body` holds no key and no text of a file.
    pub fn record(&self, kind: &str, folder: &str, job: u64, body: Value) {
        self.tell(Entry::Record(Box::new(NewRecord {
            at: SystemTime::now(),
            server: self.server.to_string(),
            kind: kind.to_owned(),
            folder: folder.to_owned(),
            job,
            body,
        })));
    }

    /// Writes calls into a ledger that several people share, in this person's name; with `None` into one's
    /// own again. Calls that are on their way stay where they were written.
    pub fn share(&self, shared: Option<(SharedLedger, String)>) {
        self.tell(Entry::Share(shared));
    }

    /// What the calls of models came to. Waits for the disk.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read; `None` when the books are closed.
    pub fn report(&self, filter: CallFilter) -> Option<Result<UsageReport, StoreError>> {
        let (answer, report) = mpsc::channel();
        self.tell(Entry::Report(filter, answer));
        report.recv().ok()
    }

    /// Waits until everything is written, but not for long: for the end of the process.
    pub fn flush(&self) {
        let (done, is_done) = mpsc::channel();
        self.tell(Entry::Flush(done));
        if is_done.recv_timeout(LAST_WORDS).is_err() {
            tracing::warn!("the ledger could not be written to its end");
        }
        if let Some(telemetry) = &self.telemetry {
            telemetry.flush(LAST_WORDS);
        }
    }

    /// Sets aside what a call may cost.
    pub(crate) async fn reserve(
        &self,
        call: NewCall,
        budget: &BudgetSettings,
    ) -> Result<(Reserved, usize), NotReserved> {
        let (answer, reserved) = oneshot::channel();
        self.tell(Entry::Reserve {
            call: Box::new(call),
            budget: Box::new(budget.clone()),
            answer,
        });
        reserved.await.unwrap_or(Err(NotReserved::Closed))
    }

    pub(crate) fn settle(&self, call: Booked, settlement: Settlement) {
        self.tell(Entry::Settle(call, Box::new(settlement)));
    }

    pub(crate) fn judged(&self, call: Booked, is_clean: bool) {
        self.tell(Entry::Judged(call, is_clean));
    }

    /// The answer to a question that was asked before, if it is kept.
    pub(crate) async fn recall(&self, question: &str, bounds: CacheBounds) -> Option<String> {
        let (answer, recalled) = oneshot::channel();
        self.tell(Entry::Recall {
            question: question.to_owned(),
            bounds,
            answer,
        });
        recalled.await.ok().flatten()
    }

    /// Keeps an answer. Should the gate refuse it, it is forgotten.
    pub(crate) fn keep(&self, question: String, kept: String, bounds: CacheBounds, call: Booked) {
        self.tell(Entry::Keep {
            question,
            kept,
            bounds,
            call,
        });
    }

    /// Keeps nothing of what a call brought: it was of no use.
    pub(crate) fn forget(&self, call: Booked) {
        self.tell(Entry::Forget(call));
    }

    /// How the books stand, from memory.
    pub fn state(&self) -> BooksState {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn tell(&self, entry: Entry) {
        if self.entries.send(entry).is_err() {
            tracing::error!("the books are closed: something was not written");
        }
    }
}

/// A name that no other process has, on any machine.
fn server_name() -> String {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:x}-{:x}", std::process::id(), since.as_nanos())
}

/// Who writes the books.
struct Keeper {
    /// One's own, and those that were shared since; calls are written into the last.
    ledgers: Vec<Ledger>,
    /// What the last of them is, if it is shared, and in whose name calls are written.
    shared: Option<(SharedLedger, String)>,
    audit: Store,
    state_dir: Utf8PathBuf,
    breaker: Breaker,
    /// When reservations of dead processes were last looked for.
    looked: Option<SystemTime>,
    /// The last answers that were kept, whose edits the gate may not have looked at yet.
    recent: VecDeque<(Booked, String)>,
    /// For whoever asks how the books stand.
    state: Arc<Mutex<BooksState>>,
}

impl Keeper {
    fn keep(&mut self, told: &Receiver<Entry>) {
        while let Ok(entry) = told.recv() {
            // What has come meanwhile goes into one transaction of the audit.
            let mut records = Vec::new();
            for entry in std::iter::once(entry).chain(told.try_iter().take(64)) {
                match entry {
                    Entry::Record(record) => records.push(*record),
                    entry => self.enter(entry, &mut records),
                }
            }
            self.write(&mut records);
            for notice in self.ledgers.iter_mut().flat_map(Ledger::take_notices) {
                tracing::warn!("{notice}");
            }
        }
    }

    fn enter(&mut self, entry: Entry, records: &mut Vec<NewRecord>) {
        match entry {
            Entry::Reserve {
                call,
                budget,
                answer,
            } => {
                let now = call.at;
                let reserved = self.reserve(*call, &budget);
                let trouble = match &reserved {
                    Err(NotReserved::Store(cause)) => Some(cause.to_string()),
                    _ => None,
                };
                self.note(|state| {
                    state.calls += u64::from(trouble.is_none());
                    state.trouble = trouble;
                });
                if let Err(Ok((Reserved::Granted { id, .. }, ledger))) = answer.send(reserved) {
                    // Who asked was cancelled meanwhile: no call is made.
                    self.settle(Booked { ledger, id }, &Settlement::not_made());
                }
                self.look_for_lost(now);
            }
            Entry::Settle(call, settlement) => self.settle(call, &settlement),
            Entry::Judged(call, is_clean) => {
                if !is_clean {
                    self.forget(call);
                }
                let ledger = self.ledgers.get_mut(call.ledger);
                if let Some(Err(error)) = ledger.map(|it| it.judged(call.id, is_clean)) {
                    tracing::error!(%error, "the gate's word was not written into the ledger");
                }
            }
            Entry::Report(filter, answer) => {
                if let Some(ledger) = self.ledgers.last_mut() {
                    let calls = ledger.calls(&filter);
                    let report = calls.map(|calls| UsageReport::of(&calls));
                    let _nobody_waits = answer.send(report);
                }
            }
            Entry::Forget(call) => self.forget(call),
            Entry::Recall {
                question,
                bounds,
                answer,
            } => {
                let recalled = self.audit.cached(&question, SystemTime::now(), bounds);
                let recalled = recalled.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the cache could not be read");
                    None
                });
                self.note(|state| state.from_cache += u64::from(recalled.is_some()));
                let _nobody_waits = answer.send(recalled);
            }
            Entry::Keep {
                question,
                kept,
                bounds,
                call,
            } => {
                let now = SystemTime::now();
                if let Err(error) = self.audit.cache(&question, &kept, now, bounds) {
                    tracing::warn!(%error, "an answer was not kept in the cache");
                }
                self.recent.truncate(RECENT);
                self.recent.push_front((call, question));
            }
            Entry::Share(shared) => self.share(shared),
            Entry::Record(record) => records.push(*record),
            Entry::Flush(done) => {
                self.write(records);
                let _nobody_waits = done.send(());
            }
        }
    }

    fn reserve(
        &mut self,
        mut call: NewCall,
        budget: &BudgetSettings,
    ) -> Result<(Reserved, usize), NotReserved> {
        self.breaker
            .admit(budget.calls_per_minute, call.at)
            .map_err(NotReserved::TooOften)?;
        if let Some((_, person)) = &self.shared {
            // Where somebody keeps a folder is no business of the others.
            let name = call.workspace.rsplit(['/', '\\']).next();
            call.workspace = name.unwrap_or_default().to_owned();
            call.person.clone_from(person);
        }
        let number = self.ledgers.len().saturating_sub(1);
        let ledger = self.ledgers.last_mut().ok_or(NotReserved::Closed)?;
        let reserved = ledger.reserve(&call, budget);
        Ok((reserved.map_err(NotReserved::Store)?, number))
    }

    fn share(&mut self, shared: Option<(SharedLedger, String)>) {
        if shared == self.shared {
            return;
        }
        let ledger = match &shared {
            Some((place, _)) => Ledger::shared(place.clone()),
            None => Ledger::new(&self.state_dir),
        };
        self.ledgers.push(ledger);
        self.shared = shared;
        let is_shared = self.shared.is_some();
        self.note(|state| state.is_shared = is_shared);
    }

    fn note(&self, change: impl FnOnce(&mut BooksState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// An answer that the gate refused is not worth asking for again.
    fn forget(&mut self, call: Booked) {
        let Some((_, question)) = self.recent.iter().find(|(of, _)| *of == call) else {
            return;
        };
        if let Err(error) = self.audit.forget_cached(question) {
            tracing::warn!(%error, "an answer that was refused stays in the cache");
        }
    }

    fn settle(&mut self, call: Booked, settlement: &Settlement) {
        let ledger = self.ledgers.get_mut(call.ledger);
        if let Some(Err(error)) = ledger.map(|it| it.settle(call.id, settlement)) {
            tracing::error!(%error, call = call.number(), "a call was not settled in the ledger");
        }
    }

    fn write(&mut self, records: &mut Vec<NewRecord>) {
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.audit.audit(records) {
            tracing::error!(%error, "the audit could not be written");
        }
        records.clear();
    }

    fn look_for_lost(&mut self, now: SystemTime) {
        let is_due = self.looked.is_none_or(|looked| {
            now.duration_since(looked)
                .is_ok_and(|passed| passed >= LOOK_EVERY)
        });
        if !is_due {
            return;
        }
        self.looked = Some(now);
        let Some(ledger) = self.ledgers.last_mut() else {
            return;
        };
        match ledger.find_lost(now) {
            Ok(0) => {}
            Ok(found) => {
                tracing::warn!(found, "calls of a process that died are in the ledger");
            }
            Err(error) => tracing::warn!(%error, "lost calls could not be looked for"),
        }
    }
}
