//! Whole files: written, created, deleted.

use std::collections::HashMap;
use std::sync::Arc;

use pleach_grammars::{Language, Symbol, SymbolKind};
use pleach_text::ByteRange;

use super::{Boxed, Change, Edits, File, Fixed, Member, Stage};
use crate::diff::diff;
use crate::fold::{Form, likeness};
use crate::hunk::{Hunk, Op};
use crate::indent::Reindent;
use crate::lazy::{Merge, Unmerged, has_elisions, merge};
use crate::lines::{FileLines, block_lines, indent_of, is_blank, margin_of};
use crate::place::{LineChange, trimmed};
use crate::proposal::language_of;
use crate::snippet::{drops_most, has_elision};
use crate::{HunkRefusal, PlacedHunk, RefusalCode, Rung};

pub(super) fn delete(
    path: &str,
    text: Option<&Arc<str>>,
    members: &[Member<'_>],
) -> Result<Edits, Vec<HunkRefusal>> {
    let number = members.first().map_or(0, |(number, _)| *number);
    let refuse =
        |code, message: String| Err(vec![HunkRefusal::new(number, Some(path), code, message)]);
    let Some(text) = text else {
        return refuse(
            RefusalCode::UnknownFile,
            format!("There is no file {path} to delete."),
        );
    };
    if members
        .iter()
        .any(|(_, hunk)| !matches!(hunk.op, Op::Delete))
    {
        return refuse(
            RefusalCode::Overlap,
            format!("The reply both deletes {path} and edits it."),
        );
    }
    let lines = (1, text.lines().count().max(1));
    Ok(Edits {
        delete: true,
        placed: placed(path, members, lines),
        ..Edits::default()
    })
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
        let refuse =
            |code, message: String| Err(vec![HunkRefusal::new(*number, Some(path), code, message)]);
        let new = match &hunk.op {
            Op::Write { text, .. } | Op::Snippet { text } => text.as_str(),
            Op::Replace { old, new, .. } if old.trim().is_empty() => new.as_str(),
            _ => {
                let message = format!("There is no file {path}. Name a file that exists.");
                return refuse(RefusalCode::UnknownFile, message);
            }
        };
        if has_elision(new, &FileLines::new("")) {
            let message = format!(
                "The text for the new file {path} has a placeholder. Write it out in full."
            );
            return refuse(RefusalCode::Placeholder, message);
        }
        if text.is_some_and(|text| text != new) {
            return refuse(
                RefusalCode::Overlap,
                format!("The reply creates {path} twice."),
            );
        }
        text = Some(new);
    }
    let create = text.map(str::to_owned);
    Ok(Edits {
        create,
        placed: placed(path, members, (1, 1)),
        ..Edits::default()
    })
}

/// With fewer lines that a reply keeps at another indentation, or with blanks at their ends, it is no
/// other style.
const MANY_LINES: usize = 4;

/// What stands in a line behind a name.
fn behind<'l>(line: &'l str, name: &str) -> &'l str {
    line.split_once(name).map_or("", |(_, rest)| rest)
}

/// Whether a line is the file's with blanks at its end that the file does not have.
fn adds_blanks(own: &str, line: &str) -> bool {
    own != line && own == line.trim_end()
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
            let message =
                format!("{path} is to be created but exists. Edit it, or name another file.");
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
        let own_unit = self.in_own_unit(new);
        let respelt: Vec<&str> = own_unit.iter().flatten().map(String::as_str).collect();
        let new = if own_unit.is_some() { &respelt } else { new };
        let mut fixed = self.whole_as_it_is(number, new)?;
        if own_unit.is_some() {
            let repair = format!("the indentation of {} is kept in its own unit", self.path);
            fixed.repairs.push(repair);
        }
        Ok(fixed)
    }

    /// The new text with the file's unit of indentation, when the reply writes nearly every line that
    /// it keeps in another one. Nobody asks for that by the way.
    fn in_own_unit(&self, new: &[&str]) -> Option<Vec<String>> {
        let file = &self.index.file;
        let old: Vec<&str> = file.iter().collect();
        let bare = |lines: &[&'_ str]| -> Vec<u64> {
            lines.iter().map(|line| Form::Trim.key(line)).collect()
        };
        let mut pairs = Vec::new();
        for part in diff(&bare(&old), &bare(new))
            .into_iter()
            .filter(|part| part.equal)
        {
            for (at, to) in part.old.zip(part.new) {
                let (own, line) = (file.line(at), new.get(to).copied().unwrap_or(""));
                let flush = margin_of(own).is_empty() && margin_of(line).is_empty();
                if !flush && !is_blank(own) {
                    pairs.push((to, indent_of(line), indent_of(own)));
                }
            }
        }
        // Lines at the margin are there in every unit: those that are not have moved into a block or out.
        if pairs
            .iter()
            .any(|(_, reply, own)| reply.is_empty() != own.is_empty())
        {
            return None;
        }
        let other = pairs.iter().filter(|(_, reply, own)| reply != own).count();
        if other < MANY_LINES || other * 10 < pairs.len() * 9 {
            return None;
        }
        let explained = |rule: &Reindent| {
            let fits =
                |(_, reply, own): &&(usize, &str, &str)| rule.apply(reply).as_deref() == Some(*own);
            pairs.iter().filter(fits).count()
        };
        let (rule, count) =
            Reindent::units_between(pairs.iter().map(|(_, reply, own)| (*reply, *own)))
                .into_iter()
                .map(|rule| (explained(&rule), rule))
                .map(|(count, rule)| (rule, count))
                .max_by_key(|(_, count)| *count)?;
        if count * 10 < pairs.len() * 9 {
            return None;
        }
        let kept: HashMap<usize, &str> = pairs.iter().map(|(to, _, own)| (*to, *own)).collect();
        // New lines between two levels show that the reply's levels are narrower: the lines that it
        // keeps are deeper because they are in a new block.
        let between = |(to, line): (usize, &&str)| {
            !kept.contains_key(&to) && !is_blank(line) && rule.splits(margin_of(line))
        };
        if new.iter().enumerate().any(between) {
            return None;
        }
        let lines = new.iter().enumerate().map(|(to, line)| {
            let indent = indent_of(line);
            let body = line.get(indent.len()..).unwrap_or("");
            match kept.get(&to) {
                _ if is_blank(line) => (*line).to_owned(),
                Some(own) => format!("{own}{body}"),
                None => format!(
                    "{}{body}",
                    rule.apply(indent).unwrap_or_else(|| indent.to_owned())
                ),
            }
        });
        Some(lines.collect())
    }

    fn whole_as_it_is(&self, number: usize, new: &[&str]) -> Result<Fixed, Boxed> {
        let file = &self.index.file;
        let old: Vec<&str> = file.iter().collect();
        let mut kept = 0;
        let mut changes = Vec::new();
        let parts = diff(&old, new);
        // Blanks at the end of a line are a change; at the ends of many lines they are noise.
        let blanks = parts
            .iter()
            .filter(|part| part.old.len() == part.new.len())
            .flat_map(|part| part.old.clone().zip(part.new.clone()))
            .filter(|&(at, to)| {
                new.get(to)
                    .is_some_and(|line| adds_blanks(file.line(at), line))
            })
            .count();
        for part in parts {
            if part.equal {
                kept += part.old.filter(|&at| !is_blank(file.line(at))).count();
                continue;
            }
            let lines = new.get(part.new.clone()).unwrap_or(&[]);
            let pairs = part.old.len() == lines.len() && blanks >= MANY_LINES;
            let new = lines.iter().enumerate().map(|(step, line)| {
                let own = file.line(part.old.start + step);
                let noise = pairs && adds_blanks(own, line);
                if noise { own } else { line }.to_owned()
            });
            let new = new.collect();
            let change = LineChange {
                first: part.old.start,
                last: part.old.end,
                new,
            };
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
        Ok(Fixed {
            rung: Some(Rung::WholeFile),
            changes,
            region,
            ..Fixed::default()
        })
    }

    /// Code without a word on where it belongs: a part with elisions, a selection, the whole file,
    /// or a part that names itself.
    pub(super) fn snippet(
        &self,
        number: usize,
        hunk: &Hunk,
        text: &str,
        count: usize,
    ) -> Result<Stage<'static>, Boxed> {
        let piece = block_lines(text);
        let python = matches!(
            language_of(self.path, self.index.file.text()),
            Some(Language::Python)
        );
        if has_elisions(self.index, &piece, python) {
            return self.merge(number, &piece, python);
        }
        if let Some(selection) = self.selection.filter(|selection| !selection.is_empty()) {
            return Ok(Stage::Placed(self.selected(selection, &piece)));
        }
        match self.write(number, text, true, count) {
            // What cannot be the whole file may be a part of it.
            Err(refusal) if refusal.code == RefusalCode::WouldEmptyFile => {
                self.merge(number, &piece, python).map_err(|_| refusal)
            }
            done => {
                let _ = hunk;
                done
            }
        }
    }

    fn merge(&self, number: usize, piece: &[&str], python: bool) -> Result<Stage<'static>, Boxed> {
        let path = self.path;
        let merge = merge(self.index, piece, python);
        let merge = merge.or_else(|problem| self.with_imports(piece, python).ok_or(problem));
        let merge = merge.map_err(|problem| {
            let (code, message) = match problem {
                Unmerged::NotFound(line) => (
                    RefusalCode::NotFound,
                    format!("The part with the line `{line}` has nothing in common with {path}. Copy the lines around the change exactly."),
                ),
                Unmerged::Ambiguous(line) => (
                    RefusalCode::Ambiguous,
                    format!("The part with the line `{line}` fits in several places of {path}. Add lines around it that tell which is meant."),
                ),
                Unmerged::Unaccounted(line) => (
                    RefusalCode::Placeholder,
                    format!("It is not certain what becomes of `{line}` in {path}: the placeholder beside it may hide it. Write out the lines around it."),
                ),
                Unmerged::TooLarge => (
                    RefusalCode::TooLarge,
                    format!("The part and {path} are too large to be merged. Send search/replace blocks."),
                ),
            };
            self.refuse(number, code, message)
        })?;
        if let Some(name) = self.unnamed_loss(&merge, piece) {
            let message = format!(
                "The merge would delete `{name}` from {path}, and the reply does not name it. Write out the lines around the change."
            );
            return Err(self.refuse(number, RefusalCode::Placeholder, message));
        }
        let mut changes = merge.changes;
        changes.extend(self.removed(number, &merge.removals, &changes)?);
        Ok(Stage::Placed(Fixed {
            rung: Some(Rung::Merge),
            changes: changes.into_iter().map(Change::Lines).collect(),
            region: merge.region,
            ..Fixed::default()
        }))
    }

    /// A symbol with a body that a merge deletes although the piece never names it. Where the bounds of a
    /// change are beyond doubt, only one of several symbols of a name counts.
    fn unnamed_loss(&self, merge: &Merge, piece: &[&str]) -> Option<String> {
        let (changes, doubtful) = (&merge.changes, &merge.doubtful);
        let file = &self.index.file;
        let goes = |changes: &[LineChange], at: usize| {
            changes
                .iter()
                .any(|change| (change.first..change.last).contains(&at))
        };
        if changes.iter().all(|change| change.first == change.last) {
            return None;
        }
        let symbols = self.symbols();
        let heading = |symbol: &Symbol| file.line_at(symbol.name_range.start.0);
        let bodies: Vec<&Symbol> = symbols
            .iter()
            .filter(|symbol| {
                symbol.body.is_some()
                    && matches!(
                        symbol.kind,
                        SymbolKind::Function
                            | SymbolKind::Method
                            | SymbolKind::Class
                            | SymbolKind::Struct
                            | SymbolKind::Test
                    )
            })
            .collect();
        let lost = bodies.iter().find(|symbol| {
            let lines = file.line_at(symbol.range.start.0)
                ..file.line_at(symbol.range.end.0.saturating_sub(1)) + 1;
            let gone = lines
                .filter(|&at| !is_blank(file.line(at)) && goes(changes, at))
                .count();
            let own = file.line(heading(symbol));
            // Of several things of one name a line names the one that it is most like.
            let mut named = piece
                .iter()
                .filter(|line| line.contains(symbol.name.as_str()) && likeness(line, own) >= 0.5)
                .peekable();
            let others = bodies
                .iter()
                .filter(|other| other.name == symbol.name && other.parent == symbol.parent);
            // What stands before a name changes sooner than what it takes.
            let likeness_to = |line: &str, at: usize| {
                let name = symbol.name.as_str();
                likeness(behind(line, name), behind(file.line(at), name))
            };
            let is_meant = |line: &&str| {
                let own = likeness_to(line, heading(symbol));
                let mut others = others.clone();
                others.all(|other| likeness_to(line, heading(other)) <= own)
            };
            let sure = !goes(doubtful, heading(symbol)) && named.peek().is_none();
            goes(changes, heading(symbol)) && gone > 1 && !sure && !named.any(is_meant)
        })?;
        Some(lost.name.clone())
    }

    /// The lines of a selection replaced, at the selection's indentation.
    fn selected(&self, selection: ByteRange, piece: &[&str]) -> Fixed {
        let file = &self.index.file;
        let first = file.line_at(selection.start.0);
        let last = file.line_at(selection.end.0.saturating_sub(1).max(selection.start.0)) + 1;
        let indent = |mut lines: Box<dyn Iterator<Item = &str> + '_>| {
            lines
                .find(|line| !is_blank(line))
                .map_or(String::new(), |line| indent_of(line).to_owned())
        };
        let own = indent(Box::new((first..last).map(|at| file.line(at))));
        let theirs = indent(Box::new(piece.iter().copied()));
        let new = piece
            .iter()
            .map(|line| match line.strip_prefix(theirs.as_str()) {
                Some(rest) if !is_blank(line) => format!("{own}{rest}"),
                _ => (*line).to_owned(),
            })
            .collect();
        let change = trimmed(self.index, LineChange { first, last, new });
        Fixed {
            rung: Some(Rung::LineNumbers),
            changes: change.map(Change::Lines).into_iter().collect(),
            region: (first, last),
            ..Fixed::default()
        }
    }
}
