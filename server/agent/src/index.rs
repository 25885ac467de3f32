//! The index of a workspace, kept up to date in the background.
//!
//! One thread owns it and does one thing after the other: it walks the workspace, reads what has changed
//! in batches, and answers searches between two batches. It gives way to everything else on the machine,
//! holds no more than a batch of texts at a time, and stops when it is told to. What it knows is never
//! older than what it was told of last; who takes a text from a file looks at the file as it is now.

mod digest;
mod pieces;
mod search;
mod state;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use pleach_store::{FileStamp, IndexedFile, StoreError};
use pleach_workspace::{WorkspaceSnapshot, give_way};
use ropey::Rope;
use tokio::sync::watch;

pub(crate) use self::digest::{Lines, container_of, is_own, says_something, symbols_of};
pub(crate) use self::pieces::MOST_BYTES;
pub use self::search::{SearchHit, SearchedSymbol};
pub use self::state::{IndexPhase, IndexState};
use crate::meaning::Meaning;
use crate::shield::Shield;

/// Files of a workspace that are taken up.
const MOST_FILES: usize = 400_000;
/// Larger files are data. Nobody writes a megabyte of source by hand.
const LARGEST: u64 = 1 << 20;
/// Files, and bytes of them, that are read before they are written into the index.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 4 << 20;
/// How long a walk holds where the editor does not tell what changes on disk.
const WALK_HOLDS: Duration = Duration::from_secs(20);
/// And where it tells of files that it knows to be sources: others have words that are searched too.
const WATCHED_HOLDS: Duration = Duration::from_mins(10);
/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(150);
/// How often an index that turns out to be damaged is begun anew.
const MOST_REBUILDS: u32 = 3;

/// What a search has found.
#[derive(Debug)]
pub struct SearchAnswer {
    /// The places, the best first.
    pub hits: Result<Vec<SearchHit>, StoreError>,
    /// Where the index was.
    pub state: IndexState,
    /// Whether texts were ranked by what they mean as well; `None` where nobody wants that.
    pub by_meaning: Option<bool>,
}

/// What is called when something is done.
type Told = Box<dyn FnOnce() + Send>;
/// What is called with the answer to a search.
type Answered = Box<dyn FnOnce(SearchAnswer) + Send>;

enum Order {
    /// Walk the workspace, and take up what has changed.
    Walk(WorkspaceSnapshot),
    /// These files may have changed, been made or gone.
    Look(WorkspaceSnapshot, Vec<Utf8PathBuf>),
    /// Take up what is open; walk if that was long ago. Then say so.
    Refresh(WorkspaceSnapshot, Instant, Told),
    /// Search.
    Search(WorkspaceSnapshot, Asked, Instant, Answered),
    /// Forget everything and begin anew.
    Rebuild(WorkspaceSnapshot),
}

/// What is searched for.
struct Asked {
    words: String,
    /// Places at most.
    most: usize,
    /// What knows texts by their meaning, where it is wanted.
    meaning: Option<Meaning>,
}

/// The index of one workspace. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Index {
    meaning: Option<Meaning>,
    orders: Sender<Order>,
    state: watch::Receiver<IndexState>,
    stop: Arc<AtomicBool>,
    path: Utf8PathBuf,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Begins to index a workspace. `watched` says that the editor tells which source files change on
    /// disk; `report` hears where the index is.
    pub fn start(
        state_dir: &Utf8Path,
        workspace: WorkspaceSnapshot,
        watched: bool,
        report: impl Fn(IndexState) + Send + 'static,
    ) -> Self {
        let path = pleach_store::Index::path_in(state_dir, workspace.roots());
        let (orders, received) = channel();
        let (told, state) = watch::channel(IndexState::default());
        let stop = Arc::new(AtomicBool::new(false));
        let indexer = Indexer {
            path: path.clone(),
            store: None,
            orders: received,
            told,
            report: Box::new(report),
            stop: Arc::clone(&stop),
            state: IndexState::default(),
            pending: VecDeque::new(),
            total: 0,
            workspace: workspace.clone(),
            walked: None,
            watched,
            open: BTreeMap::new(),
            waiting: Vec::new(),
            last_told: None,
            has_new: false,
            has_old_names: false,
        };
        let index = Self {
            meaning: None,
            orders,
            state,
            stop,
            path,
        };
        index.order(Order::Walk(workspace));
        let thread = std::thread::Builder::new().name("index".to_owned());
        if let Err(error) = thread.spawn(move || indexer.run()) {
            tracing::error!(%error, "nothing is indexed: there is no thread for it");
        }
        index
    }

    /// The same index, which also ranks by meaning where that is wanted.
    #[must_use]
    pub fn with_meaning(self, meaning: Option<Meaning>) -> Self {
        Self { meaning, ..self }
    }

    /// What ranks by meaning, where that is wanted. A search does so once [`Meaning::question`] knows what
    /// is asked.
    pub fn meaning(&self) -> Option<&Meaning> {
        self.meaning.as_ref()
    }

    /// Where it is.
    pub fn state(&self) -> IndexState {
        self.state.borrow().clone()
    }

    /// Walks the workspace again.
    pub fn walk(&self, workspace: WorkspaceSnapshot) {
        self.stop.store(false, Ordering::Relaxed);
        self.order(Order::Walk(workspace));
    }

    /// These files may have changed, been made or gone. They are looked at in the background.
    pub fn look(&self, workspace: WorkspaceSnapshot, paths: Vec<Utf8PathBuf>) {
        self.order(Order::Look(workspace, paths));
    }

    /// Forgets everything and begins anew.
    pub fn rebuild(&self, workspace: WorkspaceSnapshot) {
        self.stop.store(true, Ordering::Relaxed);
        self.order(Order::Rebuild(workspace));
    }

    /// Stops what it is doing. It keeps what it knows, and goes on at the next walk.
    pub fn stop(&self) {
        // What is at rest has nothing to stop, and must not take the next order for what was meant.
        if self.state.borrow().is_at_work() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Searches, and calls `answered` from the index's thread. While the index is not whole it waits for
    /// that, at most so long.
    pub fn search(
        &self,
        workspace: WorkspaceSnapshot,
        asked: String,
        most: usize,
        patience: Duration,
        answered: impl FnOnce(SearchAnswer) + Send + 'static,
    ) {
        let until = Instant::now() + patience;
        let asked = Asked {
            words: asked,
            most,
            meaning: self.meaning.clone(),
        };
        let answered = Box::new(answered);
        self.order(Order::Search(workspace, asked, until, answered));
    }

    /// Takes up what is open and what has changed, and calls `told` from the index's thread when that is
    /// done, or when so much time is over.
    pub(crate) fn refresh(
        &self,
        workspace: WorkspaceSnapshot,
        within: Duration,
        told: impl FnOnce() + Send + 'static,
    ) {
        let until = Instant::now() + within;
        self.order(Order::Refresh(workspace, until, Box::new(told)));
    }

    /// The index, to be read; `None` while there is none.
    pub(crate) fn reader(&self) -> Option<pleach_store::Index> {
        let opened = pleach_store::Index::read(&self.path);
        opened
            .inspect_err(|error| tracing::warn!(%error, "the index cannot be read"))
            .ok()
            .flatten()
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::warn!("the thread of the index is gone");
        }
    }
}

/// What waits until the index is whole, or until its time is over.
struct Waiting {
    until: Instant,
    wish: Wish,
}

enum Wish {
    Told(Told),
    Search(WorkspaceSnapshot, Asked, Answered),
}

/// The thread's side.
struct Indexer {
    path: Utf8PathBuf,
    store: Option<pleach_store::Index>,
    orders: Receiver<Order>,
    told: watch::Sender<IndexState>,
    report: Box<dyn Fn(IndexState) + Send>,
    stop: Arc<AtomicBool>,
    state: IndexState,
    /// Files to read.
    pending: VecDeque<(String, FileStamp)>,
    total: usize,
    workspace: WorkspaceSnapshot,
    /// When a walk last came to its end.
    walked: Option<Instant>,
    watched: bool,
    /// Files that were taken up as they are open in the editor: their texts, and what these are known by.
    open: BTreeMap<String, (Rope, FileStamp)>,
    waiting: Vec<Waiting>,
    last_told: Option<Instant>,
    /// Something was written since it was last counted.
    has_new: bool,
    /// A walk has found files gone or changed, whose names may be nobody's now.
    has_old_names: bool,
}

impl Indexer {
    fn run(mut self) {
        give_way();
        loop {
            let order = if self.pending.is_empty() {
                self.orders.recv().ok()
            } else {
                match self.orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            };
            let done = match order {
                Some(order) => self.carry_out(order),
                None if self.pending.is_empty() => return,
                None => self.read_batch(),
            };
            if let Err(error) = done {
                self.trouble(&error);
            }
            self.answer();
            // Who asked a damaged index asks the new one.
            if self.pending.is_empty() && !self.waiting.is_empty() {
                self.answer();
            }
        }
    }

    fn carry_out(&mut self, order: Order) -> Result<(), StoreError> {
        match order {
            Order::Walk(workspace) => {
                self.workspace = workspace;
                self.walk()
            }
            Order::Look(workspace, paths) => {
                self.workspace = workspace;
                self.look(&paths)
            }
            Order::Refresh(workspace, until, told) => {
                self.workspace = workspace;
                self.waiting.push(Waiting {
                    until,
                    wish: Wish::Told(told),
                });
                self.refresh()
            }
            Order::Search(workspace, asked, until, answered) => {
                self.workspace = workspace.clone();
                self.waiting.push(Waiting {
                    until,
                    wish: Wish::Search(workspace, asked, answered),
                });
                self.refresh()
            }
            Order::Rebuild(workspace) => {
                self.stop.store(false, Ordering::Relaxed);
                self.workspace = workspace;
                self.begin_anew();
                self.walk()
            }
        }
    }

    fn store(&mut self) -> Result<&mut pleach_store::Index, StoreError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => pleach_store::Index::open(&self.path, SystemTime::now())?,
        };
        Ok(self.store.insert(store))
    }

    fn begin_anew(&mut self) {
        self.pending.clear();
        self.open.clear();
        let store = self.store.take();
        let store = store.or_else(|| pleach_store::Index::open(&self.path, SystemTime::now()).ok());
        if let Some(store) = store {
            store.discard();
        }
        self.has_new = true;
    }

    /// What is open is taken up; the disk is walked where nobody tells of its changes.
    fn refresh(&mut self) -> Result<(), StoreError> {
        let holds = if self.watched {
            WATCHED_HOLDS
        } else {
            WALK_HOLDS
        };
        let is_recent = |walked: Instant| walked.elapsed() < holds;
        if self.pending.is_empty() && !self.walked.is_some_and(is_recent) {
            if self.state.phase == IndexPhase::Stopped {
                return self.take_open();
            }
            return self.walk();
        }
        self.take_open()
    }

    fn walk(&mut self) -> Result<(), StoreError> {
        self.pending.clear();
        self.tell(IndexPhase::Walking, true);
        let known = self.store()?.stamps()?;
        let workspace = self.workspace.clone();
        let shield = Shield::of(&workspace);
        let open: BTreeSet<String> = workspace.open_documents().map(|(name, _)| name).collect();
        let mut seen = BTreeSet::new();
        let (mut left_out, mut met) = (0, 0);
        let stop = Arc::clone(&self.stop);
        let pending = &mut self.pending;
        workspace.walk(|file| {
            if stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            met += 1;
            if met > MOST_FILES || file.size > LARGEST {
                left_out += 1;
                return ControlFlow::Continue(());
            }
            if shield.kept_back(&file.name).is_some() {
                return ControlFlow::Continue(());
            }
            let stamp = digest::stamp_of(&file);
            let known = known.get(&file.name);
            if known.is_some() {
                seen.insert(file.name.clone());
            }
            if known != Some(&stamp) && !open.contains(&file.name) {
                pending.push_back((file.name, stamp));
            }
            ControlFlow::Continue(())
        });
        self.total = self.pending.len();
        self.state.left_out = left_out;
        if self.stop.load(Ordering::Relaxed) {
            self.pending.clear();
            self.walked = None;
            self.rest(IndexPhase::Stopped);
            return Ok(());
        }
        let is_known = !known.is_empty();
        let gone: Vec<String> = known
            .into_keys()
            .filter(|name| !seen.contains(name) && !open.contains(name))
            .collect();
        drop(seen);
        self.has_new |= !gone.is_empty() || self.state.size.files == 0;
        self.has_old_names |= !gone.is_empty() || is_known && !self.pending.is_empty();
        for batch in gone.chunks(BATCH) {
            self.store()?.remove(batch)?;
        }
        self.walked = Some(Instant::now());
        self.take_open()
    }

    /// Takes up what is open in the editor as it is there, and what was closed as it is on disk.
    fn take_open(&mut self) -> Result<(), StoreError> {
        let workspace = self.workspace.clone();
        let shield = Shield::of(&workspace);
        let mut now_open = BTreeMap::new();
        for (name, document) in workspace.open_documents() {
            let size = u64::try_from(document.text.len_bytes()).unwrap_or(u64::MAX);
            if size > LARGEST || shield.kept_back(&name).is_some() {
                continue;
            }
            let known = self.open.get(&name);
            let known = known.filter(|(text, _)| text.is_instance(&document.text));
            let stamp = known.map_or_else(
                || digest::stamp_of_open(&document.text, size),
                |(_, it)| *it,
            );
            now_open.insert(name, (document.text.clone(), stamp));
        }
        let mut changed = Vec::new();
        if !now_open.is_empty() {
            let names: Vec<String> = now_open.keys().cloned().collect();
            // Another server of the same workspace may have taken up what is on disk.
            let known = self.store()?.stamps_of(&names)?;
            let fresh = now_open
                .iter()
                .filter(|(name, (_, stamp))| known.get(*name) != Some(stamp));
            changed
                .extend(fresh.map(|(name, (text, stamp))| read(name, &text.to_string(), *stamp)));
        }
        let closed: Vec<String> = self
            .open
            .keys()
            .filter(|name| !now_open.contains_key(*name))
            .cloned()
            .collect();
        self.open = now_open;
        if !changed.is_empty() {
            self.has_new = true;
            self.store()?.put(&changed)?;
        }
        self.look_at(closed)?;
        self.at_rest_if_done();
        Ok(())
    }

    fn look(&mut self, paths: &[Utf8PathBuf]) -> Result<(), StoreError> {
        let names = paths
            .iter()
            .filter_map(|it| self.workspace.name_at(it).ok());
        self.look_at(names.collect())?;
        self.take_open()
    }

    /// These files may have changed. What a walk would not have met is not met here either.
    fn look_at(&mut self, names: Vec<String>) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let known = self.store()?.stamps_of(&names)?;
        let workspace = self.workspace.clone();
        let shield = Shield::of(&workspace);
        let mut gone = Vec::new();
        for name in names {
            let now = workspace.walked(&name);
            match now.filter(|it| it.size <= LARGEST && shield.kept_back(&name).is_none()) {
                Some(file) => {
                    let stamp = digest::stamp_of(&file);
                    if known.get(&name) != Some(&stamp) {
                        self.pending.push_back((file.name, stamp));
                        self.total = self.total.max(self.pending.len());
                    }
                }
                None if known.contains_key(&name) => gone.push(name),
                None => {}
            }
        }
        if !gone.is_empty() {
            self.has_new = true;
            self.store()?.remove(&gone)?;
        }
        Ok(())
    }

    /// Reads some of the files that have changed.
    fn read_batch(&mut self) -> Result<(), StoreError> {
        if self.stop.load(Ordering::Relaxed) {
            self.pending.clear();
            self.walked = None;
            self.rest(IndexPhase::Stopped);
            return Ok(());
        }
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES && !self.stop.load(Ordering::Relaxed) {
            let Some((name, stamp)) = self.pending.pop_front() else {
                break;
            };
            if self.open.contains_key(&name) {
                continue;
            }
            let file = self.workspace.read_from_disk(&name, LARGEST);
            batch.push(match file {
                Ok(file) => {
                    bytes += file.text.len();
                    read(&name, &file.text, stamp)
                }
                // What is no text is not read at the next walk again.
                Err(_) => digest::nothing_of(&name, stamp),
            });
        }
        self.has_new = true;
        self.store()?.put(&batch)?;
        let done = self.total.saturating_sub(self.pending.len());
        let total = self.total;
        self.tell(IndexPhase::Reading { done, total }, false);
        self.at_rest_if_done();
        Ok(())
    }

    fn at_rest_if_done(&mut self) {
        if self.pending.is_empty() {
            self.total = 0;
            let phase = match self.walked {
                Some(_) => IndexPhase::Whole,
                None => IndexPhase::Stopped,
            };
            if phase == IndexPhase::Whole
                && std::mem::take(&mut self.has_old_names)
                && let Some(Err(error)) = self.store.as_mut().map(pleach_store::Index::prune)
            {
                tracing::debug!(%error, "names that nothing has any more stay in the index");
            }
            self.rest(phase);
        }
    }

    fn rest(&mut self, phase: IndexPhase) {
        // Whoever stopped it has stopped what it was doing, not what it is told to do next.
        self.stop.store(false, Ordering::Relaxed);
        // Counting goes through all of a large index.
        if std::mem::take(&mut self.has_new) {
            self.state.changes += 1;
            if let Some(Ok(size)) = self.store.as_mut().map(pleach_store::Index::size) {
                self.state.size = size;
            }
        }
        self.tell(phase, true);
    }

    /// Tells where the index is, at most so often.
    fn tell(&mut self, phase: IndexPhase, at_once: bool) {
        self.state.phase = phase;
        let is_early = self
            .last_told
            .is_some_and(|last| last.elapsed() < TOLD_EVERY);
        if is_early && !at_once || *self.told.borrow() == self.state {
            return;
        }
        self.last_told = Some(Instant::now());
        let _nobody_asks = self.told.send_replace(self.state.clone());
        (self.report)(self.state.clone());
    }

    /// A damaged index is begun anew; what else goes wrong ends the work until the next order.
    fn trouble(&mut self, error: &StoreError) {
        let is_spoilt = self
            .store
            .as_ref()
            .is_some_and(pleach_store::Index::is_spoilt);
        if is_spoilt && self.state.rebuilt < MOST_REBUILDS {
            tracing::warn!(%error, "the index is damaged, and begun anew");
            self.state.rebuilt += 1;
            self.begin_anew();
            if let Err(again) = self.walk() {
                self.give_up(&again);
            }
            return;
        }
        self.give_up(error);
    }

    fn give_up(&mut self, error: &StoreError) {
        tracing::warn!(%error, "the index cannot be kept");
        self.store = None;
        self.pending.clear();
        self.walked = None;
        self.tell(IndexPhase::Failed(error.to_string()), true);
    }

    /// Answers who has waited for the index, or long enough.
    fn answer(&mut self) {
        let now = Instant::now();
        let is_at_rest = self.pending.is_empty();
        let waiting = std::mem::take(&mut self.waiting);
        for waits in waiting {
            if !is_at_rest && now < waits.until {
                self.waiting.push(waits);
                continue;
            }
            match waits.wish {
                Wish::Told(told) => told(),
                Wish::Search(workspace, asked, answered) => {
                    let Asked {
                        words,
                        most,
                        meaning,
                    } = &asked;
                    let meant = meaning.as_ref().map(|it| it.meant(words));
                    let by_meaning = meant.as_ref().map(|meant| !meant.is_empty());
                    let meant = meant.unwrap_or_default();
                    let found = self.store();
                    let hits =
                        found.and_then(|it| search::search(it, &workspace, words, &meant, *most));
                    let before = self.state.rebuilt;
                    if let Err(error) = &hits {
                        self.trouble(error);
                    }
                    if self.state.rebuilt > before {
                        let wish = Wish::Search(workspace, asked, answered);
                        self.waiting.push(Waiting {
                            until: waits.until,
                            wish,
                        });
                        continue;
                    }
                    let state = self.state.clone();
                    answered(SearchAnswer {
                        hits,
                        state,
                        by_meaning,
                    });
                }
            }
        }
    }
}

/// Reads a text. A text that a mistake of ours falls over costs itself alone.
fn read(name: &str, text: &str, stamp: FileStamp) -> IndexedFile {
    let read = catch_unwind(AssertUnwindSafe(|| digest::digest(name, text, stamp)));
    read.unwrap_or_else(|_| {
        tracing::error!(name, "a file was left out of the index after a panic");
        digest::nothing_of(name, stamp)
    })
}
