//! A change as it is written down and read again.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ChangeSet, ChangeSetError, Replacement};
use crate::ByteOffset;

/// The same two facts, without the promise that they fit together.
#[derive(Serialize, Deserialize)]
#[serde(rename = "ChangeSet", deny_unknown_fields)]
struct Stored<R> {
    len_before: ByteOffset,
    replacements: R,
}

impl TryFrom<Stored<Vec<Replacement>>> for ChangeSet {
    type Error = ChangeSetError;

    fn try_from(stored: Stored<Vec<Replacement>>) -> Result<Self, ChangeSetError> {
        Self::new(stored.replacements, stored.len_before)
    }
}

/// Written as `{"len_before": bytes, "replacements": [{"delete": {"start", "end"}, "insert"}]}`.
impl Serialize for ChangeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored {
            len_before: self.len_before,
            replacements: &self.replacements,
        }
        .serialize(serializer)
    }
}

/// Checked as [`ChangeSet::new`] checks: what overlaps or reaches outside the text is an error.
impl<'de> Deserialize<'de> for ChangeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Stored::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
