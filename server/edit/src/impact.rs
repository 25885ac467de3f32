//! What a proposal does to the names of a program.

use std::fmt;

use serde::Serialize;

/// Which symbols come, go or change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// One entry for each symbol.
    pub changes: Vec<SymbolChange>,
}

/// What happens to one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SymbolChange {
    /// The file.
    pub path: String,
    /// The name, with the names of what it is in.
    pub name: String,
    /// What happens.
    pub kind: ChangeKind,
    /// Where it is used, as far as the files at hand tell: path and line number, from 1.
    pub used: Vec<(String, usize)>,
}

/// What happens to a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has this new name, and the same body.
    Renamed(String),
    /// Its signature is another one.
    Signature,
}

impl Impact {
    /// Whether no symbol comes, goes or changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, change) in self.changes.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match &change.kind {
                ChangeKind::Added => write!(f, "adds {}", change.name)?,
                ChangeKind::Removed => write!(f, "removes {}", change.name)?,
                ChangeKind::Renamed(to) => write!(f, "renames {} to {to}", change.name)?,
                ChangeKind::Signature => write!(f, "changes the signature of {}", change.name)?,
            }
            if !change.used.is_empty() {
                write!(f, " (used in {} places)", change.used.len())?;
            }
        }
        Ok(())
    }
}
