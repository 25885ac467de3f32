//! A change that says no more than it has to.

use super::{ChangeSet, Replacement, WrongLength};
use crate::{ByteOffset, ByteRange};

impl ChangeSet {
    /// The same change with each replacement made as small as [`ChangeSet::between`] makes it.
    ///
    /// What was taken out and put back (the editor's undo), and what a formatter or an editor that
    /// sends whole documents wrote again although it is the same, leaves no trace. `before` is the
    /// text that the change applies to. Costs what the replaced stretches cost to compare, not what
    /// the text does.
    pub fn refine(&self, before: &str) -> Result<Self, WrongLength> {
        self.check_length(before.len())?;
        let mut refined = Vec::with_capacity(self.replacements.len());
        for replacement in &self.replacements {
            let Replacement { delete, insert } = replacement;
            let old = self.slice(before, *delete)?;
            if old.is_empty() || insert.is_empty() {
                refined.push(replacement.clone());
                continue;
            }
            let inner = Self::between(old, insert);
            refined.extend(inner.into_replacements().into_iter().map(|inner| {
                let place = |at: ByteOffset| delete.start + at.0;
                Replacement {
                    delete: ByteRange::new(place(inner.delete.start), place(inner.delete.end)),
                    insert: inner.insert,
                }
            }));
        }
        // Not `from_sorted`: two that bordered on each other can come to start at one point.
        Ok(Self::new(refined, self.len_before).unwrap_or_else(|_| self.clone()))
    }
}
