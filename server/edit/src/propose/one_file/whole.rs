//! Whole files: written, created, deleted.

use std::sync::Arc;

use pleach_text::ByteRange;

use super::{Boxed, Change, Edits, File, Fixed, Member, Stage};
use crate::diff::diff;
use crate::hunk::{Hunk, Op};
use crate::lines::{FileLines, block_lines, is_blank};
use crate::place::{LineChange, trimmed};
use crate::snippet::{drops_most, has_elision};
use crate::{HunkRefusal, PlacedHunk, RefusalCode, Rung};

pub(super) fn delete(
    path: &str,
    text: Option<&Arc<str>>,
    members: &[Member<'_>],
) -> Result<Edits, Vec<HunkRefusal>> {
    let number = members.first().map_or(0, |(number, _)| *number);
    let refuse = |code, message: String| Err(vec![HunkRefusal::new(number, Some(path), code, message)]);
    let Some(text) = text else {
        return refuse(RefusalCode::UnknownFile, format!("There is no file {path} to delete."));
    };
    if members.iter().any(|(_, hunk)| !matches!(hunk.op, Op::Delete)) {
        return refuse(RefusalCode::Overlap, format!("The reply both deletes {path} and edits it."));
    }
    let lines = (1, text.lines().count().max(1));
    Ok(Edits { delete: true, placed: placed(path, members, lines), ..Edits::default() })
}

fn placed(path: &str, members: &[Member<'_>], lines: (usize, usize)) -> Vec<PlacedHunk> {
    members
        .iter()
        .map(|(number, hunk)| PlacedHunk {
            index: *number,
            path: path.to_owned(),
            format: hunk.format,
            rung: Rung::WholeFile,
            range_before: ByteRange::default(),
            lines,
        })
        .collect()
}

pub(super) fn create(path: &str, members: &[Member<'_>]) -> Result<Edits, Vec<HunkRefusal>> {
    let mut text: Option<&str> = None;
    for (number, hunk) in members {
        let refuse = |code, message: String| Err(vec![HunkRefusal::new(*number, Some(path), code, message)]);
        let new = match &hunk.op {
            Op::Write { text, .. } | Op::Snippet { text } => text.as_str(),
            Op::Replace { old, new, .. } if old.trim().is_empty() => new.as_str(),
            _ => {
                let message = format!("There is no file {path}. Name a file that exists.");
                return refuse(RefusalCode::UnknownFile, message);
            }
        };
        if has_elision(new, &FileLines::new("")) {
            let message = format!("The text for the new file {path} has a placeholder. Write it out in full.");
            return refuse(RefusalCode::Placeholder, message);
        }
        if text.is_some_and(|text| text != new) {
            return refuse(RefusalCode::Overlap, format!("The reply creates {path} twice."));
        }
        text = Some(new);
    }
    let create = text.map(str::to_owned);
    Ok(Edits { create, placed: placed(path, members, (1, 1)), ..Edits::default() })
}

impl File<'_, '_> {
    pub(super) fn write(
        &self,
        number: usize,
        text: &str,
        may_exist: bool,
        count: usize,
    ) -> Result<Stage<'static>, Boxed> {
        let path = self.path;
        if count > 1 {
            let message = format!("The reply both edits {path} and gives it a whole new text.");
            return Err(self.refuse(number, RefusalCode::Overlap, message));
        }
        let file = &self.index.file;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let new = block_lines(text);
        if file.len() == new.len() && file.iter().zip(&new).all(|(one, other)| one == *other) {
            return Ok(Stage::Nothing);
        }
        if !may_exist && !file.text().trim().is_empty() {
            let message = format!("{path} is to be created but exists. Edit it, or name another file.");
            return Err(self.refuse(number, RefusalCode::FileExists, message));
        }
        if has_elision(text, file) {
            let message = format!(
                "The new text of {path} has a placeholder. Write the file out in full, or send only the part that changes."
            );
            return Err(self.refuse(number, RefusalCode::Placeholder, message));
        }
        Ok(Stage::Placed(self.whole(number, &new)?))
    }

    /// The new text of the whole file. Lines that it leaves as they are keep their bytes.
    pub(super) fn whole(&self, number: usize, new: &[&str]) -> Result<Fixed, Boxed> {
        let file = &self.index.file;
        let old: Vec<&str> = file.iter().collect();
        let mut kept = 0;
        let mut changes = Vec::new();
        for part in diff(&old, new) {
            if part.equal {
                kept += part.old.filter(|&at| !is_blank(file.line(at))).count();
                continue;
            }
            let lines = new.get(part.new.clone()).unwrap_or(&[]);
            let pairs = part.old.len() == lines.len();
            // Blanks that only the reply has at the end of a line are no change.
            let own = |step: usize, line: &str| {
                let own = file.line(part.old.start + step);
                if pairs && own == line.trim_end() { own.to_owned() } else { line.to_owned() }
            };
            let new = lines.iter().enumerate().map(|(step, line)| own(step, line)).collect();
            let change = LineChange { first: part.old.start, last: part.old.end, new };
            changes.extend(trimmed(self.index, change).map(Change::Lines));
        }
        if drops_most(file, new, kept) {
            let message = format!(
                "The new text would drop most of {} and does not say so. Send the whole file, or only the part that changes with the lines around it.",
                self.path
            );
            return Err(self.refuse(number, RefusalCode::WouldEmptyFile, message));
        }
        let region = (0, file.len());
        Ok(Fixed { rung: Some(Rung::WholeFile), changes, region, ..Fixed::default() })
    }

    pub(super) fn snippet(
        &self,
        number: usize,
        hunk: &Hunk,
        text: &str,
        count: usize,
    ) -> Result<Stage<'static>, Boxed> {
        let _ = (hunk, self.selection);
        self.write(number, text, true, count)
    }
}
