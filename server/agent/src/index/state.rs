//! Where the index of a workspace is.

use pleach_store::IndexSize;

/// Where the index is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IndexPhase {
    /// It looks for what has changed.
    #[default]
    Walking,
    /// It reads what has changed.
    Reading {
        /// Files that were read.
        done: usize,
        /// Files to read in all.
        total: usize,
    },
    /// It knows every file.
    Whole,
    /// It was told to stop before it knew every file.
    Stopped,
    /// It cannot be kept, and why.
    Failed(String),
}

/// Where the index is, and how much it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexState {
    /// Where it is.
    pub phase: IndexPhase,
    /// How much it held when it was last at rest.
    pub size: IndexSize,
    /// Files that are too large or too many.
    pub left_out: u64,
    /// How often it was damaged and begun anew.
    pub rebuilt: u32,
    /// How often it came to rest with something new.
    pub changes: u64,
}

impl IndexState {
    /// Whether it is at work.
    pub fn is_at_work(&self) -> bool {
        matches!(self.phase, IndexPhase::Walking | IndexPhase::Reading { .. })
    }

    /// In a few words: `reading 120 of 5000 files`.
    pub fn words(&self) -> String {
        match &self.phase {
            IndexPhase::Walking => "looking for what has changed".to_owned(),
            IndexPhase::Reading { done, total } => format!("reading: {done} of {total} files"),
            IndexPhase::Whole => {
                format!("{} files, {} symbols", self.size.files, self.size.symbols)
            }
            IndexPhase::Stopped => "stopped before it knew every file".to_owned(),
            IndexPhase::Failed(why) => format!("cannot be kept: {why}"),
        }
    }
}
