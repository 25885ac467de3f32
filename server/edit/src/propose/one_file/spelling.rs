//! Replies that write signs of the file in another way.
//!
//! Chats and word processors turn quotes, dashes and blanks into typographic ones. Where the old text of a
//! reply has such signs and the file has none of their kind, they are how the reply spells the file's plain
//! ones. What it spells so in the old text it spells so in the new one.

use std::collections::BTreeSet;

use super::{Fixed, Stage};
use crate::Rung;
use crate::fold::look_alike;
use crate::hunk::{Hunk, Op};
use crate::propose::Member;

/// The plain signs that the hunks of one file spell in another way than the file.
pub(super) struct Spelling {
    plain: BTreeSet<&'static str>,
}

impl Spelling {
    pub(super) fn of(text: &str, members: &[Member<'_>]) -> Self {
        let mut plain: BTreeSet<&str> = members
            .iter()
            .filter_map(|(_, hunk)| match &hunk.op {
                Op::Replace { old, .. } if !old.is_ascii() => Some(old),
                _ => None,
            })
            .flat_map(|old| old.chars().filter_map(look_alike))
            .collect();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !plain.is_empty() && !text.is_ascii() {
            for sign in text.chars().filter_map(look_alike) {
                plain.remove(sign);
            }
        }
        Self { plain }
    }

    /// The hunk as the file spells it; `None` when that is how it is written.
    pub(super) fn corrected(&self, hunk: &Hunk) -> Option<Hunk> {
        let Op::Replace { old, new, .. } = &hunk.op else {
            return None;
        };
        if self.plain.is_empty() {
            return None;
        }
        let (plain_old, plain_new) = (self.plainly(old), self.plainly(new));
        if plain_old == *old && plain_new == *new {
            return None;
        }
        let mut hunk = hunk.clone();
        if let Op::Replace { old, new, .. } = &mut hunk.op {
            (*old, *new) = (plain_old, plain_new);
        }
        Some(hunk)
    }

    fn plainly(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            match look_alike(character).filter(|sign| self.plain.contains(sign)) {
                Some(sign) => out.push_str(sign),
                None => out.push(character),
            }
        }
        out
    }
}

impl Stage<'_> {
    /// Says of a hunk whose spelling was corrected that it was not found byte for byte.
    pub(super) fn found_in_another_spelling(&mut self) {
        let at_least_unicode = |rung: &mut Rung| *rung = (*rung).max(Rung::Unicode);
        match self {
            Self::Spots(_, spots) => spots
                .iter_mut()
                .for_each(|spot| at_least_unicode(&mut spot.rung)),
            Self::Placed(Fixed {
                rung: Some(rung), ..
            }) => at_least_unicode(rung),
            Self::Placed(_) | Self::Nothing => {}
        }
    }
}
