//! Hunks that say what they replace by line numbers.

use super::{Boxed, Change, File, Fixed, Stage};
use crate::fold::{Form, likeness};
use crate::lines::{block_lines, is_blank};
use crate::place::{LineChange, trimmed};
use crate::{RefusalCode, Rung};

/// Lines this much alike are the same line before and after a change.
const ALIKE: f64 = 0.6;

impl File<'_, '_> {
    pub(super) fn by_numbers<'h>(
        &self,
        number: usize,
        first: usize,
        last: usize,
        new: &str,
        guard: Option<&str>,
    ) -> Result<Stage<'h>, Boxed> {
        let count = self.index.file.len();
        if first == 0 || last.saturating_add(1) < first || last > count || first > count + 1 {
            return Err(self.refuse(
                number,
                RefusalCode::OutOfRange,
                format!(
                    "Lines {first} to {last} are not in {}, which has {count} lines.",
                    self.path
                ),
            ));
        }
        let (mut from, mut to) = (first - 1, last);
        let mut rung = Rung::LineNumbers;
        if let Some(guard) = guard.filter(|guard| !guard.is_empty()) {
            let Some((place, found)) = self.guarded(from, to, guard) else {
                return Err(self.refuse(
                    number,
                    RefusalCode::Stale,
                    format!(
                        "Lines {first} to {last} of {} are not what the edit expects there.",
                        self.path
                    ),
                ));
            };
            (from, to) = (place, place + (to - from));
            rung = found;
        }
        let old: String = (from..to)
            .flat_map(|at| [self.index.file.line(at), "\n"])
            .collect();
        self.check_placeholder(number, &old, new)?;
        let new = block_lines(new).into_iter().map(str::to_owned).collect();
        let change = trimmed(
            self.index,
            LineChange {
                first: from,
                last: to,
                new,
            },
        );
        Ok(Stage::Placed(Fixed {
            rung: Some(rung),
            changes: change.map(Change::Lines).into_iter().collect(),
            region: (from, to),
            by_numbers: true,
            ..Fixed::default()
        }))
    }

    /// Where the lines that an edit by numbers expects really are: at their numbers, or, when they
    /// have moved, at the only place that has them.
    fn guarded(&self, from: usize, to: usize, guard: &str) -> Option<(usize, Rung)> {
        /// A guard with fewer characters is found by chance.
        const SOLID: usize = 2;
        let lines = block_lines(guard);
        if lines.len() != to - from {
            return None;
        }
        let is_there = |form: Form| {
            (from..to)
                .zip(&lines)
                .all(|(at, line)| form.same(self.index.file.line(at), line))
        };
        if is_there(Form::Exact) {
            return Some((from, Rung::LineNumbers));
        }
        if is_there(Form::Fold) {
            return Some((from, Rung::TrailingWhitespace));
        }
        if guard
            .chars()
            .filter(|character| !character.is_whitespace())
            .count()
            < SOLID
        {
            return None;
        }
        // What stands at the numbers is the expected text changed since: it has not moved.
        let own = |(at, line): (usize, &&str)| {
            !is_blank(line) && likeness(self.index.file.line(at), line) >= ALIKE
        };
        if (from..to).zip(&lines).any(own) {
            return None;
        }
        match self.index.find(&lines, Form::End).as_slice() {
            [only] => Some((*only, Rung::Exact)),
            _ => None,
        }
    }
}
