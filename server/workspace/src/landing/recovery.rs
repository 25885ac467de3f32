//! Bringing the files of a landing to one side: all as they were, or all new.
//!
//! What is where is read from the files themselves, by their prints: a landing may have ended between
//! any two operations, and so may an earlier recovery of it. Nothing is ever written over; files only
//! change names, and after each change the text that was taken away is looked at: if it is somebody
//! else's, it is put back.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::disk::{Content, Disk, Kind, Place};
use super::journal::Entry;
use super::kept;
use super::plan::{Deed, Plan, Step};
use super::report::{FileOutcome, Outcome, RecoveredFile};

/// Where a step stands, by what its two names hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is in place yet. `ready`: it can still be done.
    Open { ready: bool },
    /// It is done and can be taken back.
    Done,
    /// It is done, and somebody has changed the file since.
    Overtaken,
}

/// What is at the two names of a step.
struct Found {
    target: Content,
    side: Content,
}

fn find(disk: &Disk, step: &Step) -> io::Result<Found> {
    let side = step.side();
    disk.mend_exchange(&side, &step.spare())?;
    let mut found = Found {
        target: disk.read(&step.place)?,
        side: disk.read(&side)?,
    };
    // A move on a system without one: two names of one file. The one beside goes.
    let moves = !matches!(step.deed, Deed::Replace { .. });
    if moves && found.target == found.side && is_same_file(disk, &step.place, &side)? {
        disk.remove(&side)?;
        found.side = Content::Missing;
    }
    Ok(found)
}

/// Where the system does not tell files apart, their contents are all there is to go by.
fn is_same_file(disk: &Disk, one: &Place, other: &Place) -> io::Result<bool> {
    Ok(match (disk.look(one)?, disk.look(other)?) {
        (Kind::File { id: one, .. }, Kind::File { id: other, .. }) => one == other,
        _ => false,
    })
}

fn state(deed: &Deed, found: &Found) -> State {
    let Found { target, side } = found;
    let has_target = *target != Content::Missing;
    let has_side = *side != Content::Missing;
    match deed {
        Deed::Replace { before, after } => match () {
            () if before.is_of(target) => State::Open {
                ready: after.is_of(side),
            },
            () if before.is_of(side) && !after.is_of(target) => State::Overtaken,
            () if after.is_of(target) && !has_side => State::Overtaken,
            () if after.is_of(target) && !after.is_of(side) => State::Done,
            () => State::Open { ready: false },
        },
        Deed::Create { after } => match () {
            () if after.is_of(target) && !has_side => State::Done,
            () => State::Open {
                ready: !has_target && after.is_of(side),
            },
        },
        Deed::Delete { before } => match () {
            () if has_side && has_target => State::Overtaken,
            () if has_side => State::Done,
            () => State::Open {
                ready: !has_target || before.is_of(target),
            },
        },
    }
}

/// What a step of a landing that could not be done means.
pub(super) enum Obstacle {
    /// The file is not what the landing was made for. It is as it was found.
    Changed,
    /// A file to be created exists.
    Exists,
    Io(io::Error),
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Puts one file in place, and looks at what was there.
pub(super) fn put_in_place(disk: &Disk, step: &Step) -> Result<(), Obstacle> {
    let side = step.side();
    let took_away = |before: &super::plan::Print| -> Result<bool, Obstacle> {
        Ok(before.is_of(&disk.read(&side)?))
    };
    match &step.deed {
        Deed::Replace { before, .. } => {
            // What is known not to fit is not even touched.
            if !before.is_of(&disk.read(&step.place)?) {
                return Err(Obstacle::Changed);
            }
            disk.exchange(&step.place, &side, &step.spare())?;
            if !took_away(before)? {
                disk.exchange(&step.place, &side, &step.spare())?;
                return Err(Obstacle::Changed);
            }
        }
        Deed::Create { .. } => {
            disk.move_to_free(&side, &step.place).map_err(exists)?;
        }
        Deed::Delete { before } => {
            if !before.is_of(&disk.read(&step.place)?) {
                return Err(Obstacle::Changed);
            }
            disk.move_to_free(&step.place, &side)?;
            if !took_away(before)? {
                disk.move_to_free(&side, &step.place)?;
                return Err(Obstacle::Changed);
            }
        }
    }
    Ok(())
}

fn exists(error: io::Error) -> Obstacle {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Obstacle::Exists,
        _ => Obstacle::Io(error),
    }
}

/// Has the names in all folders of the landing reach the medium.
pub(super) fn sync_folders(disk: &Disk, plan: &Plan) -> io::Result<()> {
    for folder in plan.changed_folders() {
        match disk.sync_folder(&folder) {
            // A folder that was to be made and was not, or is gone with all that was in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
    }
    Ok(())
}

/// Removes what lies beside the files of a landing that stays. What was there is in the history.
pub(super) fn clean_up(disk: &Disk, plan: &Plan) -> io::Result<()> {
    for step in &plan.steps {
        disk.mend_exchange(&step.side(), &step.spare())?;
        disk.clear(&step.side())?;
    }
    sync_folders(disk, plan)
}

/// What is to become of a landing that did not come to its end.
pub(super) struct Settlement<'a> {
    pub(super) disk: &'a Disk,
    pub(super) state_dir: &'a Utf8Path,
    pub(super) plan: &'a Plan,
    /// Whether the new texts are lost with what lies beside the files: who landed them is gone.
    pub(super) is_orphaned: bool,
}

impl Settlement<'_> {
    /// Finishes a landing or takes it back, whichever leaves the files whole.
    pub(super) fn settle(&self, entry: Entry) -> (Outcome, Vec<RecoveredFile>) {
        if entry.is_done() {
            return self.finish_done(entry);
        }
        match self.states() {
            // Somebody went on with one of the new texts: that cannot be taken back, the rest can follow.
            Ok(states)
                if states.contains(&State::Overtaken)
                    && states.iter().all(|state| match state {
                        State::Open { ready } => *ready,
                        State::Done | State::Overtaken => true,
                    }) =>
            {
                self.finish(entry)
            }
            _ => self.take_back(entry),
        }
    }

    fn states(&self) -> io::Result<Vec<State>> {
        let steps = self.plan.steps.iter();
        steps
            .map(|step| Ok(state(&step.deed, &find(self.disk, step)?)))
            .collect()
    }

    fn files(&self, outcomes: Vec<FileOutcome>) -> Vec<RecoveredFile> {
        let steps = self.plan.steps.iter().zip(outcomes);
        steps
            .map(|(step, outcome)| RecoveredFile {
                name: step.name.clone(),
                path: step.place.absolute(),
                outcome,
            })
            .collect()
    }

    fn finish_done(&self, entry: Entry) -> (Outcome, Vec<RecoveredFile>) {
        let cleaned = clean_up(self.disk, self.plan).and_then(|()| entry.end(self.disk));
        if let Err(error) = cleaned {
            tracing::warn!(%error, "old texts beside the files could not be removed; the next start tries again");
        }
        let outcomes = self.plan.steps.iter().map(|_| FileOutcome::New).collect();
        (Outcome::Finished, self.files(outcomes))
    }

    fn finish(&self, mut entry: Entry) -> (Outcome, Vec<RecoveredFile>) {
        let mut outcomes = Vec::new();
        for step in &self.plan.steps {
            outcomes.push(self.finish_step(step));
        }
        let stuck = outcomes.iter().any(FileOutcome::is_stuck);
        if !stuck {
            let ended = sync_folders(self.disk, self.plan)
                .and_then(|()| entry.decide(self.disk))
                .and_then(|()| clean_up(self.disk, self.plan))
                .and_then(|()| entry.end(self.disk));
            if let Err(error) = ended {
                tracing::warn!(%error, "a landing was finished but not put away; the next start tries again");
            }
        }
        (Outcome::Finished, self.files(outcomes))
    }

    fn finish_step(&self, step: &Step) -> FileOutcome {
        let finish = || -> Result<FileOutcome, Obstacle> {
            let found = find(self.disk, step)?;
            match state(&step.deed, &found) {
                State::Done | State::Overtaken => {}
                // To be deleted, and gone.
                State::Open { .. }
                    if found.target == Content::Missing
                        && matches!(step.deed, Deed::Delete { .. }) => {}
                State::Open { .. } => put_in_place(self.disk, step)?,
            }
            Ok(FileOutcome::New)
        };
        match finish() {
            Ok(outcome) => outcome,
            Err(Obstacle::Io(error)) => FileOutcome::Stuck {
                cause: error.to_string(),
            },
            Err(Obstacle::Changed | Obstacle::Exists) => match self.keep(step) {
                Ok(kept) => FileOutcome::Theirs { kept },
                Err(error) => FileOutcome::Stuck {
                    cause: error.to_string(),
                },
            },
        }
    }

    /// Takes everything back that is in place.
    pub(super) fn take_back(&self, entry: Entry) -> (Outcome, Vec<RecoveredFile>) {
        let mut outcomes: Vec<FileOutcome> = self
            .plan
            .steps
            .iter()
            .rev()
            .map(|step| {
                self.take_back_step(step)
                    .unwrap_or_else(|error| FileOutcome::Stuck {
                        cause: error.to_string(),
                    })
            })
            .collect();
        outcomes.reverse();
        // Until every file is settled, what lies beside them tells where each stands.
        if !outcomes.iter().any(FileOutcome::is_stuck)
            && let Err(error) = self.put_away(entry)
        {
            tracing::warn!(%error, "new texts beside the files could not be removed; the next start tries again");
        }
        (Outcome::RolledBack, self.files(outcomes))
    }

    /// Removes what is left beside the files, and the folders that were made.
    fn put_away(&self, entry: Entry) -> io::Result<()> {
        for step in &self.plan.steps {
            self.disk.clear(&step.side())?;
        }
        for folder in self.plan.folders.iter().rev() {
            // Somebody may have put something into it, or it was never made.
            if let Err(error) = self.disk.remove_folder(folder) {
                tracing::debug!(folder = %folder.absolute(), %error, "a new folder stays");
            }
        }
        sync_folders(self.disk, self.plan)?;
        entry.end(self.disk)
    }

    fn take_back_step(&self, step: &Step) -> io::Result<FileOutcome> {
        let found = find(self.disk, step)?;
        let side = step.side();
        let has_side = found.side != Content::Missing;
        match (&step.deed, state(&step.deed, &found)) {
            (Deed::Replace { before, after }, State::Done) => {
                self.disk.exchange(&step.place, &side, &step.spare())?;
                if !after.is_of(&self.disk.read(&side)?) {
                    // Somebody wrote just now.
                    self.disk.exchange(&step.place, &side, &step.spare())?;
                    let kept = self.keep(step)?;
                    return Ok(FileOutcome::Both { kept });
                }
                // It may be what somebody wrote just before the landing took it away.
                Ok(if before.is_of(&self.disk.read(&step.place)?) {
                    FileOutcome::Old
                } else {
                    FileOutcome::Theirs { kept: None }
                })
            }
            (Deed::Create { after }, State::Done) => {
                self.disk.move_to_free(&step.place, &side)?;
                if !after.is_of(&self.disk.read(&side)?) {
                    self.disk.move_to_free(&side, &step.place)?;
                    return Ok(FileOutcome::Both { kept: None });
                }
                Ok(FileOutcome::Old)
            }
            (Deed::Delete { before }, State::Done) => {
                match self.disk.move_to_free(&side, &step.place) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        let kept = self.keep(step)?;
                        Ok(FileOutcome::Theirs { kept })
                    }
                    done => {
                        done?;
                        Ok(if before.is_of(&self.disk.read(&step.place)?) {
                            FileOutcome::Old
                        } else {
                            FileOutcome::Theirs { kept: None }
                        })
                    }
                }
            }
            (Deed::Delete { before }, State::Overtaken) if before.is_of(&found.target) => {
                Ok(FileOutcome::Old)
            }
            (Deed::Delete { .. }, State::Overtaken) => {
                let kept = self.keep(step)?;
                Ok(FileOutcome::Theirs { kept })
            }
            (_, State::Overtaken) => {
                let kept = if has_side { self.keep(step)? } else { None };
                Ok(FileOutcome::Both { kept })
            }
            (Deed::Replace { before, .. } | Deed::Delete { before }, State::Open { .. })
                if before.is_of(&found.target) =>
            {
                Ok(FileOutcome::Old)
            }
            (Deed::Create { .. }, State::Open { .. }) if found.target == Content::Missing => {
                Ok(FileOutcome::Old)
            }
            (_, State::Open { .. }) => {
                let kept = if has_side && self.is_orphaned {
                    self.keep(step)?
                } else {
                    None
                };
                Ok(FileOutcome::Theirs { kept })
            }
        }
    }

    /// Copies what lies beside a file to where the user can find it.
    fn keep(&self, step: &Step) -> io::Result<Option<Utf8PathBuf>> {
        let Content::Bytes(bytes) = self.disk.read(&step.side())? else {
            return Ok(None);
        };
        let folder = self.state_dir.join(kept::FOLDER);
        self.disk.make_own_folder(&folder)?;
        // It begins as all our files beside others do.
        let number = step.beside.trim_start_matches('.').trim_end_matches(".tmp");
        let name = step.place.path.file_name().unwrap_or("file");
        let path = folder.join(format!("{number}-{}", shortened(name)));
        match self.disk.create_own(&path) {
            Ok(file) => {
                let written = self.disk.write_own(&path, &file, &bytes);
                if written.is_err() {
                    let _ = self.disk.remove_own(&path);
                }
                written?;
                self.disk.sync_own_folder(&folder)?;
            }
            // An earlier recovery came as far as this.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && std::fs::read(&path).is_ok_and(|kept| kept == bytes) => {}
            Err(error) => return Err(error),
        }
        Ok(Some(path))
    }
}

/// The end of a long name: the extension tells what it is.
fn shortened(name: &str) -> &str {
    const MOST: usize = 100;
    let mut from = name.len().saturating_sub(MOST);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    name.get(from..).unwrap_or(name)
}
