//! Hunks that say what they replace by its text.

use std::collections::HashSet;

use pleach_text::{ByteOffset, ByteRange, Replacement};

use super::{Boxed, Change, File, Fixed, Stage};
use crate::elision::{Elision, elision};
use crate::fold::Form;
use crate::hunk::{Hunk, Mark, Op, Unit};
use crate::indent::Reindent;
use crate::lines::{block_lines, is_blank};
use crate::locate::{
    ByteStretch, Pattern, Spot, every_stretch, find_dense, find_stretch, foreign_indent, locate,
    strict, unescaped,
};
use crate::place::LineChange;
use crate::{Format, RefusalCode, Rung};

/// How new text is to be indented.
enum Layout {
    /// As the reply has it.
    AsWritten,
    /// In the file's unit.
    ByLines,
    /// Like the line it stands beside or not at all: nothing says which.
    Unknown,
}

impl File<'_, '_> {
    pub(super) fn replace<'h>(&self, number: usize, hunk: &'h Hunk) -> Result<Stage<'h>, Boxed> {
        let Op::Replace {
            old,
            new,
            unit,
            all,
        } = &hunk.op
        else {
            return Ok(Stage::Nothing);
        };
        if old == new {
            return Ok(Stage::Nothing);
        }
        let marked = matches!(hunk.format, Format::UnifiedDiff | Format::CodexPatch);
        // A block of blank lines says nothing; blank lines that are marked as context are context.
        let stretch = old.lines().nth(1).is_some() && self.index.file.text().trim().is_empty();
        let says_nothing = old.trim().is_empty() && *unit == Unit::Lines && !marked && !stretch;
        if old.is_empty() || says_nothing {
            return self.without_old(number, hunk, new);
        }
        if *unit == Unit::Characters {
            if *all {
                return self.everywhere(number, old, new);
            }
            match find_stretch(self.index, old).as_slice() {
                [] => {}
                [hit] => {
                    self.check_placeholder(number, old, new)?;
                    match self.layout(*hit, old, new) {
                        Layout::AsWritten => {
                            return Ok(Stage::Placed(self.stretch(*hit, old, new)));
                        }
                        Layout::ByLines => {}
                        Layout::Unknown => {
                            let message = format!(
                                "The text to be replaced is indented in {}, and the reply indents neither it nor the new lines. Copy it with its indentation.",
                                self.path
                            );
                            return Err(self.refuse(number, RefusalCode::NotFound, message));
                        }
                    }
                }
                several => return self.one_of(number, hunk, several, old, new),
            }
        }
        self.by_lines(number, old, new, *unit, marked, &hunk.hints.marks)
    }

    /// How new text for a stretch of characters is to be indented.
    fn layout(&self, hit: ByteStretch, old: &str, new: &str) -> Layout {
        let file = &self.index.file;
        let (first, last) = (
            file.line_at(hit.start),
            file.line_at(hit.end.saturating_sub(1)),
        );
        let ends_lines = hit.end == file.end_of(last) || hit.end == file.start_of(last + 1);
        if !ends_lines || !new.trim_matches('\n').contains('\n') {
            return Layout::AsWritten;
        }
        if file.start_of(first) == hit.start {
            let pattern = Pattern::new(old, new);
            return match foreign_indent(self.index, &pattern) {
                Reindent::Same => Layout::AsWritten,
                _ => Layout::ByLines,
            };
        }
        // One line without its indentation, and further ones beside it that have none either.
        let solid = |text: &'_ str| text.lines().filter(|line| !is_blank(line)).count();
        let flush = |line: &str| !line.starts_with([' ', '\t']);
        let lead = file.text().get(file.start_of(first)..hit.start);
        let bare = lead.is_some_and(is_blank)
            && solid(old) == 1
            && solid(new) > 1
            && old.lines().next() == new.lines().next()
            && new.lines().all(flush);
        if bare {
            Layout::Unknown
        } else {
            Layout::AsWritten
        }
    }

    /// Old text as lines, on every rung of the ladder.
    fn by_lines<'h>(
        &self,
        number: usize,
        old: &'h str,
        new: &'h str,
        unit: Unit,
        marked: bool,
        marks: &[Mark],
    ) -> Result<Stage<'h>, Boxed> {
        // A line break at the front only says that a line starts here.
        let (old_lines, new_lines) = match (old.strip_prefix('\n'), new.strip_prefix('\n')) {
            (Some(old), Some(new)) if unit == Unit::Characters => (old, new),
            _ => (old, new),
        };
        let mut pattern = Pattern::new(old_lines, new_lines);
        pattern.marked = marked;
        if !marks.is_empty() {
            pattern.take_marks(marks);
        }
        let found = strict(self.index, &pattern);
        if !found.is_empty() {
            self.check_placeholder(number, old, new)?;
            return Ok(Stage::Spots(pattern, found));
        }
        if let Some(stage) = self.pieces(number, &pattern)? {
            return Ok(stage);
        }
        self.check_placeholder(number, old, new)?;
        // Without white space only one line is put in: there is no telling how further ones are indented.
        if unit == Unit::Characters && !new.trim_matches('\n').contains('\n') {
            match find_dense(self.index, old).as_slice() {
                [] => {}
                [hit] => return Ok(Stage::Placed(self.loose_stretch(*hit, new))),
                several => {
                    let line = |hit: &ByteStretch| self.index.file.line_at(hit.start);
                    return Err(
                        self.ambiguous_lines(number, &several.iter().map(line).collect::<Vec<_>>())
                    );
                }
            }
        }
        for (old, new) in unescaped(old, new) {
            let pattern = Pattern::new(&old, &new);
            match strict(self.index, &pattern).as_slice() {
                [] => {}
                [spot] => {
                    let spot = Spot {
                        rung: Rung::Escapes,
                        ..spot.clone()
                    };
                    return self.fix(number, &pattern, &spot).map(Stage::Placed);
                }
                several => return Err(self.ambiguous(number, several)),
            }
        }
        if self.has_already(&pattern) {
            return Ok(Stage::Nothing);
        }
        let spots = locate(self.index, &pattern);
        Ok(Stage::Spots(pattern, spots))
    }

    /// Whether the file has the new text, at one place, and enough of it to be no accident.
    fn has_already(&self, pattern: &Pattern<'_>) -> bool {
        const LETTERS: usize = 12;
        let letters: usize = pattern
            .added()
            .map(|line| {
                line.chars()
                    .filter(|letter| letter.is_alphanumeric())
                    .count()
            })
            .sum();
        if letters < LETTERS || pattern.new.len() < 2 {
            return false;
        }
        // Byte for byte: the hunk may be about nothing but blanks at the ends of lines.
        let places = self.index.find(&pattern.new, Form::Exact);
        let [place] = places.as_slice() else {
            return false;
        };
        // Where lines that are to go still stand beside it, it is the text before, misspelt.
        let reach = pattern.old.len();
        let around = place.saturating_sub(reach)..place + pattern.new.len() + reach;
        let file = &self.index.file;
        let around: HashSet<u64> = around.map(|at| Form::Trim.key(file.line(at))).collect();
        let new: HashSet<u64> = pattern
            .new
            .iter()
            .map(|line| Form::Trim.key(line))
            .collect();
        !pattern
            .old
            .iter()
            .filter(|line| !is_blank(line))
            .map(|line| Form::Trim.key(line))
            .any(|line| around.contains(&line) && !new.contains(&line))
    }

    /// An edit that does not say what it replaces.
    fn without_old<'h>(&self, number: usize, hunk: &Hunk, new: &str) -> Result<Stage<'h>, Boxed> {
        let file = &self.index.file;
        if file.text().trim().is_empty() {
            let all = ByteRange::new(ByteOffset(file.first_byte()), ByteOffset(file.text().len()));
            return Ok(Stage::Placed(Fixed {
                rung: Some(Rung::WholeFile),
                changes: vec![Change::Bytes(Replacement {
                    delete: all,
                    insert: match file.majority_ending() {
                        "\n" => new.to_owned(),
                        ending => new.replace('\n', ending),
                    },
                })],
                region: (0, file.len()),
                ..Fixed::default()
            }));
        }
        if let Some(line) = hunk
            .hints
            .line
            .filter(|&line| (1..=file.len() + 1).contains(&line))
        {
            let at = line - 1;
            let new = block_lines(new).into_iter().map(str::to_owned).collect();
            return Ok(Stage::Placed(Fixed {
                rung: Some(Rung::LineNumbers),
                changes: vec![Change::Lines(LineChange {
                    first: at,
                    last: at,
                    new,
                })],
                region: (at, at),
                by_numbers: true,
                ..Fixed::default()
            }));
        }
        let message = format!(
            "The hunk does not say which text of {} it replaces, and the file is not empty.",
            self.path
        );
        Err(self.refuse(number, RefusalCode::EmptySearch, message))
    }

    /// Refuses new text that stands for code it does not spell out.
    pub(super) fn check_placeholder(
        &self,
        number: usize,
        old: &str,
        new: &str,
    ) -> Result<(), Boxed> {
        let old_lines = block_lines(old);
        let new_lines = block_lines(new);
        let shrinks = new_lines.len() < old_lines.len();
        let stands = |line: &&&str| {
            let elided = match elision(line) {
                Some(Elision::Words) => true,
                Some(Elision::Dots) => shrinks && !line.trim().starts_with(['.', '…']),
                None => false,
            };
            let known = |text: &str| text.trim() == line.trim();
            elided
                && !old_lines.iter().any(|old| known(old))
                && self.index.like(line).next().is_none()
        };
        match new_lines.iter().find(stands) {
            Some(line) => Err(self.refuse(
                number,
                RefusalCode::Placeholder,
                format!(
                    "The new text has the placeholder `{}`. Write out the code that is meant.",
                    line.trim()
                ),
            )),
            None => Ok(()),
        }
    }

    /// Only what differs is replaced, so that neighbouring hunks do not get in each other's way.
    fn replacement(&self, hit: ByteStretch, old: &str, new: &str) -> Replacement {
        let ending = self.index.file.majority_ending();
        let (head, tail) = shared_ends(old, new);
        let extra = ending.len() - 1;
        let in_file = |text: Option<&str>| {
            text.map_or(0, |text| text.len() + extra * text.matches('\n').count())
        };
        let start = hit.start + in_file(old.get(..head));
        let end = hit.end - in_file(old.get(old.len() - tail..));
        let middle = new.get(head..new.len() - tail).unwrap_or(new);
        let insert = if ending == "\n" {
            middle.to_owned()
        } else {
            middle.replace('\n', ending)
        };
        let delete = ByteRange::new(ByteOffset(start), ByteOffset(end));
        Replacement { delete, insert }
    }

    fn stretch(&self, hit: ByteStretch, old: &str, new: &str) -> Fixed {
        let file = &self.index.file;
        Fixed {
            rung: Some(hit.rung),
            changes: vec![Change::Bytes(self.replacement(hit, old, new))],
            region: (
                file.line_at(hit.start),
                file.line_at(hit.end.saturating_sub(1)) + 1,
            ),
            known: Some(ByteRange::new(ByteOffset(hit.start), ByteOffset(hit.end))),
            ..Fixed::default()
        }
    }

    /// A stretch found without white space: the new text goes in without its own indentation.
    fn loose_stretch(&self, hit: ByteStretch, new: &str) -> Fixed {
        let file = &self.index.file;
        let delete = ByteRange::new(ByteOffset(hit.start), ByteOffset(hit.end));
        Fixed {
            rung: Some(hit.rung),
            changes: vec![Change::Bytes(Replacement {
                delete,
                insert: new.trim().to_owned(),
            })],
            region: (
                file.line_at(hit.start),
                file.line_at(hit.end.saturating_sub(1)) + 1,
            ),
            ..Fixed::default()
        }
    }

    fn one_of<'h>(
        &self,
        number: usize,
        hunk: &Hunk,
        hits: &[ByteStretch],
        old: &str,
        new: &str,
    ) -> Result<Stage<'h>, Boxed> {
        let line = |hit: &ByteStretch| self.index.file.line_at(hit.start);
        if let Some(wanted) = hunk.hints.line {
            let mut fitting = hits.iter().filter(|hit| line(hit) + 1 == wanted);
            if let (Some(hit), None) = (fitting.next(), fitting.next()) {
                self.check_placeholder(number, old, new)?;
                let fixed = self.stretch(*hit, old, new);
                return Ok(Stage::Placed(Fixed {
                    rung: Some(Rung::LineHint),
                    ..fixed
                }));
            }
        }
        Err(self.ambiguous_lines(number, &hits.iter().map(line).collect::<Vec<_>>()))
    }

    fn everywhere<'h>(
        &self,
        number: usize,
        old: &'h str,
        new: &'h str,
    ) -> Result<Stage<'h>, Boxed> {
        self.check_placeholder(number, old, new)?;
        let mut all = Fixed::default();
        let mut joined: Vec<Replacement> = Vec::new();
        let mut ends: Option<(usize, usize)> = None;
        let many = every_stretch(self.index, old).nth(MANY_HITS).is_some();
        for hit in every_stretch(self.index, old) {
            all.rung = Some(hit.rung);
            ends = Some((ends.map_or(hit.start, |(first, _)| first), hit.end));
            let next = self.replacement(hit, old, new);
            self.join(next, &mut joined, many);
        }
        let Some((first, last)) = ends else {
            return self.by_lines(number, old, new, Unit::Characters, false, &[]);
        };
        joined.shrink_to_fit();
        all.changes = joined.into_iter().map(Change::Bytes).collect();
        let file = &self.index.file;
        all.region = (
            file.line_at(first),
            file.line_at(last.saturating_sub(1)) + 1,
        );
        Ok(Stage::Placed(all))
    }

    /// Adds a replacement behind the others; where there are many, to the last one if little lies
    /// between them: a hundred thousand would fill the memory.
    fn join(&self, next: Replacement, joined: &mut Vec<Replacement>, many: bool) {
        let text = self.index.file.text();
        let between = joined.last().filter(|_| many).and_then(|last| {
            let between = last.delete.end.0..next.delete.start.0;
            text.get(between).filter(|between| between.len() <= LITTLE)
        });
        match (joined.last_mut(), between) {
            (Some(last), Some(between)) => {
                last.delete.end = next.delete.end;
                last.insert.push_str(between);
                last.insert.push_str(&next.insert);
            }
            _ => joined.push(next),
        }
    }

    /// Old and new text with as many lines of `...`: the pieces between them are replaced, what the
    /// dots stand for stays.
    fn pieces<'h>(&self, number: usize, pattern: &Pattern<'_>) -> Result<Option<Stage<'h>>, Boxed> {
        let olds = split_at_dots(&pattern.old);
        let news = split_at_dots(&pattern.new);
        if olds.len() < 2 || olds.len() != news.len() {
            return Ok(None);
        }
        let mut all = Fixed {
            rung: Some(Rung::Merge),
            ..Fixed::default()
        };
        let mut from = 0;
        let mut region: Option<(usize, usize)> = None;
        for (old, new) in olds.into_iter().zip(news) {
            if old.is_empty() && new.is_empty() {
                continue;
            }
            let piece = Pattern::of_lines(old, new);
            let spots = strict(self.index, &piece);
            let spot = match spots.as_slice() {
                [spot] if spot.first >= from => spot,
                [] | [_] => return Err(self.not_found(number, &piece)),
                several => return Err(self.ambiguous(number, several)),
            };
            from = spot.last;
            region = Some((region.map_or(spot.first, |(first, _)| first), spot.last));
            all.changes.extend(self.fix(number, &piece, spot)?.changes);
        }
        all.region = region.unwrap_or_default();
        Ok(Some(Stage::Placed(all)))
    }
}

/// More replacements than this of one text are joined where little lies between them.
const MANY_HITS: usize = 4_096;
/// So many bytes are little.
const LITTLE: usize = 64;

/// How many bytes two texts share at the front and at the back, in whole characters.
pub(super) fn shared_ends(old: &str, new: &str) -> (usize, usize) {
    let mut head = old
        .bytes()
        .zip(new.bytes())
        .take_while(|(one, other)| one == other)
        .count();
    while !(old.is_char_boundary(head) && new.is_char_boundary(head)) {
        head -= 1;
    }
    let rest = old.len().min(new.len()) - head;
    let backwards = old.bytes().rev().zip(new.bytes().rev()).take(rest);
    let mut tail = backwards.take_while(|(one, other)| one == other).count();
    while !(old.is_char_boundary(old.len() - tail) && new.is_char_boundary(new.len() - tail)) {
        tail -= 1;
    }
    (head, tail)
}

fn split_at_dots<'p>(lines: &[&'p str]) -> Vec<Vec<&'p str>> {
    lines
        .split(|line| matches!(line.trim(), "..." | "…"))
        .map(<[&str]>::to_vec)
        .collect()
}
