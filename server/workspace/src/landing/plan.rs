//! What a landing will do, written down before it does anything.

use std::collections::BTreeSet;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::disk::{Content, Place};

/// The form of the journal. Another one is left alone, with a word about it.
pub(super) const FORM: u32 = 1;

/// Every file of a landing, and the folders that are made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) form: u32,
    pub(super) steps: Vec<Step>,
    /// Outer ones first.
    pub(super) folders: Vec<Place>,
}

/// One file's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// What the file is called to people.
    pub(super) name: String,
    pub(super) place: Place,
    /// The name beside it: of the new text until it is in place, then of the old one.
    pub(super) beside: String,
    pub(super) deed: Deed,
}

/// What is done to a file. Texts are known by their prints: the journal holds nobody's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// The file and the one beside it change names.
    Replace { before: Print, after: Print },
    /// The one beside it gets its name.
    Create { after: Print },
    /// It gets the name beside it.
    Delete { before: Print },
}

/// What tells one text from another: its length and its BLAKE3 hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    bytes: usize,
    hash: String,
}

impl Print {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len(),
            hash: blake3::hash(bytes).to_hex().to_string(),
        }
    }

    /// Whether it is this content's.
    pub(super) fn is_of(&self, content: &Content) -> bool {
        match content {
            Content::Bytes(bytes) => bytes.len() == self.bytes && Self::of(bytes) == *self,
            Content::Missing | Content::Other => false,
        }
    }
}

impl Step {
    /// Where the other text lies.
    pub(super) fn side(&self) -> Place {
        self.place.beside(&self.beside)
    }

    /// A third name, for systems that cannot exchange two files.
    pub(super) fn spare(&self) -> Place {
        self.place.beside(&format!("{}.old", self.beside))
    }
}

impl Plan {
    /// The folders whose names change.
    pub(super) fn changed_folders(&self) -> BTreeSet<Place> {
        let of_files = self.steps.iter().map(|step| step.place.parent());
        // A new folder is itself a name in another.
        let of_folders = self.folders.iter().map(Place::parent);
        of_files.chain(of_folders).collect()
    }

    /// Whether a file of it lies in `folder`.
    pub(super) fn touches(&self, folder: &Utf8Path) -> bool {
        self.steps
            .iter()
            .any(|step| step.place.absolute().starts_with(folder))
    }
}
