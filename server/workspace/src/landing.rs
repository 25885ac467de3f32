//! Landing on closed files: many files are changed as one, whatever happens in between.
//!
//! 1. Every file is checked: it is what the change was made for, may be written, and leads nowhere else.
//! 2. What will be done is written down ([`journal`]), so that the next start knows.
//! 3. New texts are written beside their files, with the owner, attributes and permissions of the old,
//!    and reach the medium. A full disk is met here, before anything has changed.
//! 4. File by file, the old and the new text change names in one step. Then the old text, which nobody
//!    can reach by its name any more, is compared once more: whatever somebody wrote at the last moment is
//!    put back, and the whole landing with it.
//! 5. When all names have reached the medium the landing is decided, by renaming its journal, and the
//!    old texts are removed.
//!
//! A landing that ends before it is decided is taken back, by itself if the system refused something, by
//! [`Journal::recover`] if the process was killed ([`recovery`]).

mod disk;
mod journal;
mod kept;
mod links;
mod plan;
mod recovery;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

pub(crate) use self::disk::Place;
use self::disk::{Content, Disk, FileId, Kind, Lost};
pub use self::disk::{Operation, Watch};
use self::plan::{Deed, FORM, Plan, Print, Step};
use self::recovery::{Obstacle, Settlement, clean_up, put_in_place, sync_folders};
pub use self::report::{FileOutcome, Outcome, Recovered, RecoveredFile};
use crate::error::{ReadError, WriteError};
use crate::snapshot::WorkspaceSnapshot;

/// Where landings are written down, so that one that was interrupted can be brought to an end.
///
/// It lives in the state folder: `landing/` holds a file for each landing that runs (names, lengths and
/// hashes, no text), `kept/` texts that found no place. Both are the user's alone. Any number of
/// processes may share a state folder.
#[derive(Debug, Clone)]
pub struct Journal {
    state_dir: Utf8PathBuf,
    disk: Disk,
}

/// What is to be done to one file.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) act: Act,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Replace {
        before: Arc<str>,
        after: String,
    },
    /// `like`: the file whose owner, attributes and permissions the new one gets.
    Create {
        text: String,
        like: Option<Place>,
    },
    Delete {
        before: Arc<str>,
        /// It is not gone but elsewhere, under a new name.
        is_moved: bool,
    },
}

impl Act {
    /// Whether both leave the same text in a file that is there.
    fn writes_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Replace { after, .. }, Self::Replace { after: other, .. }) => after == other,
            _ => false,
        }
    }
}

/// A landing that is complete and safe on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Landed {
    /// What could not be kept of a file.
    pub notes: Vec<Note>,
}

/// Something about a written file that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The file belongs to who runs Pleach now; only the superuser can give files away.
    OwnerNotKept {
        /// What the file is called.
        name: String,
    },
    /// An extended attribute was lost.
    AttributeNotKept {
        /// What the file is called.
        name: String,
        /// The attribute.
        attribute: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnerNotKept { name } => {
                write!(f, "`{name}` belonged to somebody else and is yours now")
            }
            Self::AttributeNotKept { name, attribute } => {
                write!(f, "`{name}` has lost its extended attribute {attribute}")
            }
        }
    }
}

/// A task that fits the disk, and how its new text comes about.
struct Checked {
    task: Task,
    staging: Staging,
    /// Nobody asked for it: it is another name of a file that is written.
    is_implied: bool,
}

enum Staging {
    /// Nothing is written.
    None,
    Text,
    /// Another name of the file that the step of this number writes.
    LinkTo(usize),
}

impl Journal {
    /// The journal in this state folder, which is made when something lands.
    pub fn new(state_dir: &Utf8Path) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            disk: Disk::default(),
        }
    }

    /// Like [`Journal::new`], with every operation on the disk under the eyes of `watch`. For tests.
    pub fn watched(state_dir: &Utf8Path, watch: Arc<Watch>) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            disk: Disk::watched(watch),
        }
    }

    /// Brings every landing to an end that was interrupted, and tells what became of each file. With
    /// `folder`, only those that have a file in it.
    ///
    /// A landing that was decided is finished. Any other is taken back, unless somebody went on with one
    /// of its new texts and the rest can follow. What somebody else wrote is never written over: it is
    /// left, and the text that finds no place is kept in the state folder. A landing that another process
    /// is at is left alone. Asking again after an interruption, or after [`FileOutcome::Stuck`], is safe.
    ///
    /// # Errors
    ///
    /// When the journal's folder is there and cannot be listed.
    pub fn recover(&self, folder: Option<&Utf8Path>) -> Result<Vec<Recovered>, WriteError> {
        kept::prune(
            &self.state_dir,
            &self.disk,
            kept::Bounds::default(),
            SystemTime::now(),
        );
        let wanted = |plan: &Plan| folder.is_none_or(|folder| plan.touches(folder));
        let left = journal::left_behind(&self.state_dir, &self.disk, wanted);
        let left = left.map_err(|error| self.unusable(&error))?;
        Ok(left
            .into_iter()
            .map(|left| match left {
                journal::Left::Landing(entry, plan) => {
                    let settlement = self.settlement(&plan, true);
                    let (outcome, files) = settlement.settle(entry);
                    Recovered { outcome, files }
                }
                journal::Left::Unreadable(path, cause) => Recovered {
                    outcome: Outcome::Unreadable { path, cause },
                    files: Vec::new(),
                },
            })
            .collect())
    }

    /// The folders with files of landings that were interrupted and wait to be
    /// [recovered](Journal::recover), each once. Nothing is changed.
    ///
    /// # Errors
    ///
    /// When the journal's folder is there and cannot be listed.
    pub fn interrupted(&self) -> Result<Vec<Utf8PathBuf>, WriteError> {
        let left = journal::left_behind(&self.state_dir, &self.disk, |_| true);
        let mut folders = BTreeSet::new();
        for left in left.map_err(|error| self.unusable(&error))? {
            match left {
                journal::Left::Landing(_, plan) => {
                    folders.extend(plan.steps.into_iter().map(|step| step.place.folder));
                }
                journal::Left::Unreadable(path, _) => {
                    folders.insert(path);
                }
            }
        }
        Ok(folders.into_iter().collect())
    }

    fn unusable(&self, error: &io::Error) -> WriteError {
        WriteError::Journal {
            folder: journal::folder(&self.state_dir).to_string(),
            cause: error.to_string(),
        }
    }

    fn settlement<'a>(&'a self, plan: &'a Plan, is_orphaned: bool) -> Settlement<'a> {
        Settlement {
            disk: &self.disk,
            state_dir: &self.state_dir,
            plan,
            is_orphaned,
        }
    }

    /// Carries out the tasks, all or none.
    pub(crate) fn land(
        &self,
        workspace: &WorkspaceSnapshot,
        tasks: Vec<Task>,
    ) -> Result<Landed, WriteError> {
        let checked = self.check_all(workspace, tasks)?;
        if checked.is_empty() {
            return Ok(Landed::default());
        }
        let id = journal::new_id();
        let plan = self.plan(&checked, &id)?;
        let begun = journal::begin(&self.state_dir, &self.disk, &plan, &id);
        let mut entry = begun.map_err(|error| self.unusable(&error))?;
        let mut notes = Vec::new();
        let failed = match self.put_all_in_place(&plan, &checked, &mut notes) {
            Ok(()) => match entry.decide(&self.disk) {
                Ok(()) => None,
                Err(error) if entry.is_done() => {
                    return Err(WriteError::Unconfirmed {
                        cause: error.to_string(),
                    });
                }
                Err(error) => Some((0, Obstacle::Io(error))),
            },
            Err(failed) => Some(failed),
        };
        match failed {
            None => {
                let cleaned = clean_up(&self.disk, &plan).and_then(|()| entry.end(&self.disk));
                if let Err(error) = cleaned {
                    tracing::warn!(%error, "old texts beside the files could not be removed; the next start tries again");
                }
                Ok(Landed { notes })
            }
            Some((number, obstacle)) => {
                let (_, files) = self.settlement(&plan, false).take_back(entry);
                let name = plan.steps.get(number).map(|step| step.name.clone());
                Err(refusal(name.unwrap_or_default(), obstacle, &files))
            }
        }
    }

    fn put_all_in_place(
        &self,
        plan: &Plan,
        checked: &[Checked],
        notes: &mut Vec<Note>,
    ) -> Result<(), (usize, Obstacle)> {
        for folder in &plan.folders {
            match self.disk.make_folder(folder) {
                // Somebody was faster, which is as good.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.map_err(|error| (first_in(plan, folder), error.into()))?,
            }
        }
        for (number, (step, checked)) in plan.steps.iter().zip(checked).enumerate() {
            let lost = self
                .stage(plan, step, checked)
                .map_err(|error| (number, error.into()))?;
            notes.extend(lost.into_iter().map(|lost| match lost {
                Lost::Owner => Note::OwnerNotKept {
                    name: step.name.clone(),
                },
                Lost::Attribute(attribute) => Note::AttributeNotKept {
                    name: step.name.clone(),
                    attribute,
                },
            }));
        }
        for (number, step) in plan.steps.iter().enumerate() {
            put_in_place(&self.disk, step).map_err(|obstacle| (number, obstacle))?;
        }
        sync_folders(&self.disk, plan).map_err(|error| (0, error.into()))
    }

    /// Writes the new text of a file beside it.
    fn stage(&self, plan: &Plan, step: &Step, checked: &Checked) -> io::Result<Vec<Lost>> {
        let side = step.side();
        match (&checked.staging, &checked.task.act) {
            (Staging::None, _) | (_, Act::Delete { .. }) => Ok(Vec::new()),
            (Staging::LinkTo(number), _) => {
                let first = plan.steps.get(*number).map(Step::side);
                let first = first.ok_or(io::ErrorKind::InvalidInput)?;
                self.disk.link(&first, &side).map(|()| Vec::new())
            }
            (Staging::Text, Act::Replace { after, .. }) => {
                let like = Some(&step.place);
                self.disk.write_new(&side, after.as_bytes(), like)
            }
            (Staging::Text, Act::Create { text, like }) => {
                self.disk.write_new(&side, text.as_bytes(), like.as_ref())
            }
        }
    }

    fn plan(&self, checked: &[Checked], id: &str) -> Result<Plan, WriteError> {
        let mut folders = BTreeSet::new();
        let mut steps = Vec::with_capacity(checked.len());
        for (number, Checked { task, .. }) in checked.iter().enumerate() {
            let deed = match &task.act {
                Act::Replace { before, after } => Deed::Replace {
                    before: Print::of(before.as_bytes()),
                    after: Print::of(after.as_bytes()),
                },
                Act::Create { text, .. } => {
                    self.find_missing_folders(task, &mut folders)?;
                    Deed::Create {
                        after: Print::of(text.as_bytes()),
                    }
                }
                Act::Delete { before, .. } => Deed::Delete {
                    before: Print::of(before.as_bytes()),
                },
            };
            steps.push(Step {
                name: task.name.clone(),
                place: task.place.clone(),
                beside: format!(".pleach-{id}-{number}.tmp"),
                deed,
            });
        }
        Ok(Plan {
            form: FORM,
            steps,
            // By their letters a folder comes before what is in it.
            folders: folders.into_iter().collect(),
        })
    }

    fn find_missing_folders(
        &self,
        task: &Task,
        folders: &mut BTreeSet<Place>,
    ) -> Result<(), WriteError> {
        let mut folder = task.place.parent();
        while !folder.path.as_str().is_empty() {
            let found = self.disk.look(&folder);
            match found.map_err(|error| failed(&task.name, &error))? {
                Kind::Missing => {}
                Kind::Other | Kind::File { .. } => break,
            }
            let above = folder.parent();
            folders.insert(folder);
            folder = above;
        }
        Ok(())
    }

    /// Holds the tasks against the disk. Other names of a file that is written become tasks as well.
    fn check_all(
        &self,
        workspace: &WorkspaceSnapshot,
        tasks: Vec<Task>,
    ) -> Result<Vec<Checked>, WriteError> {
        let mut checked: Vec<Checked> = Vec::with_capacity(tasks.len());
        // Which step is about a place, and which writes the file of a number.
        let mut places: BTreeMap<Place, usize> = BTreeMap::new();
        let mut written: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for task in tasks {
            if let Some(earlier) = places.get(&task.place).and_then(|at| checked.get_mut(*at)) {
                // It came as another name of a file, and is named by itself now.
                if earlier.is_implied && earlier.task.act.writes_as(&task.act) {
                    earlier.is_implied = false;
                    continue;
                }
                return Err(WriteError::Twice { path: task.name });
            }
            let found = self.check(&task)?;
            let number = checked.len();
            let mut names = Vec::new();
            if let Kind::File { id, links } = found
                && !matches!(
                    task.act,
                    Act::Delete {
                        is_moved: false,
                        ..
                    }
                )
            {
                if links > 1 {
                    names = Self::other_names(workspace, &task, id, links)?;
                }
                // With other letters, where those make no other name.
                if let Some(id) = id
                    && written.insert(id, number).is_some()
                {
                    return Err(WriteError::Twice { path: task.name });
                }
            }
            let act = task.act.clone();
            places.insert(task.place.clone(), number);
            checked.push(Checked {
                staging: match act {
                    Act::Replace { .. } | Act::Create { .. } => Staging::Text,
                    Act::Delete { .. } => Staging::None,
                },
                task,
                is_implied: false,
            });
            for place in names {
                let name = workspace.name_of_place(&place);
                if places.insert(place.clone(), checked.len()).is_some() {
                    return Err(WriteError::Twice { path: name });
                }
                checked.push(Checked {
                    task: Task {
                        name,
                        place,
                        act: act.clone(),
                    },
                    staging: Staging::LinkTo(number),
                    is_implied: true,
                });
            }
        }
        Ok(checked)
    }

    /// The other names of a file that is to be replaced, all of which must be in the workspace: it is
    /// one file, and stays one.
    fn other_names(
        workspace: &WorkspaceSnapshot,
        task: &Task,
        id: FileId,
        links: u64,
    ) -> Result<Vec<Place>, WriteError> {
        let refused = |found: usize| WriteError::ManyNames {
            path: task.name.clone(),
            names: links,
            found: u64::try_from(found).unwrap_or(links),
        };
        if matches!(task.act, Act::Delete { .. }) {
            return Err(refused(1));
        }
        let names = id
            .map(|id| links::names_of(id, links, workspace))
            .unwrap_or_default();
        if u64::try_from(names.len()) != Ok(links) {
            return Err(refused(names.len()));
        }
        Ok(names
            .into_iter()
            .filter(|place| *place != task.place)
            .collect())
    }

    /// Whether the disk is as the task expects it; what is there.
    fn check(&self, task: &Task) -> Result<Kind, WriteError> {
        let name = &task.name;
        let refused = |error: io::Error| failed(name, &error);
        let found = self.disk.look(&task.place).map_err(refused)?;
        let before = match &task.act {
            Act::Create { .. } if found == Kind::Missing => return Ok(found),
            Act::Create { .. } => return Err(WriteError::Exists { path: name.clone() }),
            Act::Replace { before, .. } | Act::Delete { before, .. } => before,
        };
        match found {
            Kind::Missing => Err(ReadError::NotFound { path: name.clone() })?,
            Kind::Other => Err(ReadError::NotRegular { path: name.clone() })?,
            Kind::File { .. } => {}
        }
        if matches!(task.act, Act::Replace { .. })
            && !self.disk.is_writable(&task.place).map_err(refused)?
        {
            return Err(WriteError::ReadOnly { path: name.clone() });
        }
        match self.disk.read(&task.place).map_err(refused)? {
            Content::Bytes(bytes) if bytes == before.as_bytes() => Ok(found),
            _ => Err(WriteError::Changed { path: name.clone() }),
        }
    }
}

/// The step that a folder is made for.
fn first_in(plan: &Plan, folder: &Place) -> usize {
    let folder = folder.absolute();
    let mut steps = plan.steps.iter();
    steps
        .position(|step| step.place.absolute().starts_with(&folder))
        .unwrap_or_default()
}

fn failed(name: &str, error: &io::Error) -> WriteError {
    WriteError::Failed {
        path: name.to_owned(),
        cause: error.to_string(),
    }
}

/// Why nothing landed; or what is left half-way, if that could not be helped.
fn refusal(path: String, obstacle: Obstacle, files: &[RecoveredFile]) -> WriteError {
    let whole = |file: &&RecoveredFile| {
        !matches!(file.outcome, FileOutcome::Old | FileOutcome::Theirs { .. })
    };
    let changed: Vec<String> = files
        .iter()
        .filter(whole)
        .map(|file| file.name.clone())
        .collect();
    let error = match obstacle {
        Obstacle::Changed => WriteError::Changed { path },
        Obstacle::Exists => WriteError::Exists { path },
        Obstacle::Io(error) => failed(&path, &error),
    };
    if changed.is_empty() {
        return error;
    }
    match error {
        WriteError::Failed { path, cause } => WriteError::HalfWritten {
            path,
            cause,
            changed,
        },
        error => WriteError::HalfWritten {
            cause: error.to_string(),
            path: files
                .first()
                .map(|file| file.name.clone())
                .unwrap_or_default(),
            changed,
        },
    }
}
