//! What landed, so that an edit can be undone later while what was typed since is kept.

use std::collections::{BTreeSet, VecDeque};

use pleach_edit::Proposal;

/// How many landed edits are remembered.
const REMEMBERED: usize = 50;
/// How many bytes of text the remembered edits may hold together.
const REMEMBERED_BYTES: usize = 64 << 20;

/// The landed edits, oldest first.
#[derive(Default)]
pub(crate) struct History {
    landed: VecDeque<Landed>,
    last: u64,
}

/// One landed edit.
pub(crate) struct Landed {
    /// Its number, for the life of the server.
    pub(crate) number: u64,
    /// What it was, as the person knows it.
    pub(crate) title: String,
    /// Exactly what landed.
    pub(crate) proposal: Proposal,
    /// The documents it touched, as the client writes their uris.
    pub(crate) uris: BTreeSet<String>,
}

impl History {
    /// Remembers an edit that landed.
    pub(crate) fn push(&mut self, title: String, proposal: Proposal, uris: BTreeSet<String>) {
        self.last += 1;
        self.landed.push_back(Landed {
            number: self.last,
            title,
            proposal,
            uris,
        });
        let size = |landed: &Landed| -> usize {
            landed
                .proposal
                .files()
                .iter()
                .map(pleach_edit::FileChange::size)
                .sum()
        };
        let mut bytes: usize = self.landed.iter().map(size).sum();
        // The newest always stays: it is the one that is undone.
        while self.landed.len() > 1 && (self.landed.len() > REMEMBERED || bytes > REMEMBERED_BYTES)
        {
            bytes -= self.landed.pop_front().as_ref().map_or(0, size);
        }
    }

    /// How many edits can be undone.
    pub(crate) fn len(&self) -> usize {
        self.landed.len()
    }

    /// The title of the last edit that touched `uri`.
    pub(crate) fn last_in(&self, uri: &str) -> Option<&str> {
        self.find(Some(uri)).map(|landed| landed.title.as_str())
    }

    /// The last edit, or the last that touched `uri`.
    pub(crate) fn find(&self, uri: Option<&str>) -> Option<&Landed> {
        self.landed
            .iter()
            .rev()
            .find(|landed| uri.is_none_or(|uri| landed.uris.contains(uri)))
    }

    /// Forgets an edit, because it was undone.
    pub(crate) fn remove(&mut self, number: u64) {
        self.landed.retain(|landed| landed.number != number);
    }
}
