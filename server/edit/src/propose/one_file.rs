//! All hunks of one file: each located against the text as it is, then put together.

mod imports;
mod later;
mod numbers;
mod removed;
mod replace;
mod spelling;
mod together;
mod whole;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use pleach_grammars::{Symbol, outline, parse};
use pleach_text::{ByteRange, Replacement};

use self::spelling::Spelling;
use super::Member;
use crate::evidence::Neighbours;
use crate::hunk::{Hunk, Op};
use crate::lines::{FileLines, block_lines};
use crate::locate::{Index, Pattern, Spot};
use crate::place::{LineChange, Misfit, changes, to_replacement};
use crate::proposal::language_of;
use crate::{HunkRefusal, Place, PlacedHunk, RefusalCode, Rung};

/// A replacement and the hunk it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Owned {
    pub(crate) hunk: usize,
    pub(crate) replacement: Replacement,
    /// The lines that the hunk is about, context included: `first..last`.
    pub(crate) region: (usize, usize),
    /// The region is what the hunk says it replaces, by line numbers.
    pub(crate) by_numbers: bool,
    /// The bytes that the hunk's old text stands for, when it need not be whole lines.
    pub(crate) known: Option<ByteRange>,
}

/// What the hunks of one file come to.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    pub(crate) owned: Vec<Owned>,
    pub(crate) placed: Vec<PlacedHunk>,
    pub(crate) already: Vec<usize>,
    pub(crate) repairs: Vec<String>,
    pub(crate) create: Option<String>,
    pub(crate) delete: bool,
    pub(crate) rename: Option<String>,
}

/// A hunk on its way.
pub(super) enum Stage<'h> {
    /// Its text stands at these places, all on one rung.
    Spots(Pattern<'h>, Vec<Spot>),
    /// It is placed.
    Placed(Fixed),
    /// It changes nothing, or the file has the change already.
    Nothing,
}

/// A placed hunk.
#[derive(Debug, Default)]
pub(super) struct Fixed {
    pub(super) rung: Option<Rung>,
    pub(super) changes: Vec<Change>,
    pub(super) region: (usize, usize),
    pub(super) by_numbers: bool,
    pub(super) known: Option<ByteRange>,
    pub(super) repairs: Vec<String>,
}

/// A change by lines, which still has to be put into the file's bytes, or by bytes.
#[derive(Debug)]
pub(super) enum Change {
    Lines(LineChange),
    Bytes(Replacement),
}

/// After so many hunks without a certain place the others are not looked for.
const MAX_REASONS: usize = 64;

/// So many places are held for hunks that have several, until their neighbours tell which is meant.
const MAX_HELD: usize = 16_384;

/// What is said of a hunk that is nowhere, after many others.
const NOT_COMPARED: &str =
    " What comes closest was searched for the hunks before it only: there are too many.";

/// Works out what the hunks of one file come to.
pub(super) fn edit(
    path: &str,
    text: Option<&Arc<str>>,
    members: &[Member<'_>],
    selection: Option<ByteRange>,
) -> Result<Edits, Vec<HunkRefusal>> {
    if members
        .iter()
        .any(|(_, hunk)| matches!(hunk.op, Op::Delete))
    {
        return whole::delete(path, text, members);
    }
    let Some(text) = text else {
        return whole::create(path, members);
    };
    let index = Index::new(text);
    let file = File {
        path,
        index: &index,
        selection,
        symbols: OnceCell::new(),
    };
    let spelling = Spelling::of(text, members);
    let corrected: Vec<Option<Hunk>> = members
        .iter()
        .map(|(_, hunk)| spelling.corrected(hunk))
        .collect();
    let mut edits = Edits::default();
    let mut refused = Vec::new();
    let mut stages: Vec<(usize, &Hunk, Stage<'_>)> = Vec::new();
    let (mut lost, mut unread, mut held) = (0, 0, 0);
    for (&(number, hunk), corrected) in members.iter().zip(&corrected) {
        // The reply is refused already: these reasons are enough to go on with.
        if refused.len() + lost >= MAX_REASONS {
            unread += 1;
            continue;
        }
        let hunk = corrected.as_ref().unwrap_or(hunk);
        match file.stage(number, hunk, members.len()) {
            Ok(mut stage) => {
                if corrected.is_some() {
                    stage.found_in_another_spelling();
                }
                lost += usize::from(matches!(&stage, Stage::Spots(_, spots) if spots.is_empty()));
                if let Stage::Spots(_, spots) = &stage
                    && spots.len() > 1
                {
                    held += spots.len();
                    if held > MAX_HELD {
                        refused.push(*file.ambiguous(number, spots));
                        continue;
                    }
                }
                stages.push((number, hunk, stage));
            }
            Err(refusal) => refused.push(*refusal),
        }
        if let Op::Rename { to } = &hunk.op {
            edits.rename = Some(to.clone());
        }
    }
    let neighbours = neighbours(&stages);
    let first = members.first().map_or(0, |(number, _)| *number);
    let mut late = Vec::new();
    for ((number, hunk, stage), near) in stages.into_iter().zip(neighbours) {
        match file.settle(number, hunk, stage, &near) {
            Ok(Some(fixed)) => file.take(number, hunk, fixed, &mut edits),
            Ok(None) => {}
            Err(refusal) if refusal.code == RefusalCode::NotFound && number > first => {
                late.push((number, hunk, refusal));
            }
            Err(refusal) => refused.push(*refusal),
        }
    }
    refused.extend(escaped_alike(path, members, &edits));
    if refused.is_empty() {
        refused.extend(together::arrange(path, &index, &mut edits));
    }
    for (number, hunk, refusal) in late {
        // Each of them copies the file's text: for a reply that is refused anyway it is not worth it.
        if !refused.is_empty() || !file.later(number, hunk, &mut edits) {
            refused.push(*refusal);
        }
    }
    if let (Some(last), 1..) = (refused.last_mut(), unread) {
        let _ = write!(
            last.message,
            " The {unread} hunks after it were not looked for."
        );
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    edits.already.extend(already(members, &edits));
    Ok(edits)
}

/// The file that is worked on.
pub(super) struct File<'a, 't> {
    pub(super) path: &'a str,
    pub(super) index: &'a Index<'t>,
    pub(super) selection: Option<ByteRange>,
    symbols: OnceCell<Vec<Symbol>>,
}

type Boxed = Box<HunkRefusal>;

impl File<'_, '_> {
    /// What the file declares; read when it is first asked for.
    fn symbols(&self) -> &[Symbol] {
        self.symbols.get_or_init(|| {
            let text = self.index.file.text();
            language_of(self.path, text)
                .map(|language| outline(&parse(language, text), text))
                .unwrap_or_default()
        })
    }

    pub(super) fn refuse(
        &self,
        number: usize,
        code: RefusalCode,
        message: impl Into<String>,
    ) -> Boxed {
        Box::new(HunkRefusal::new(number, Some(self.path), code, message))
    }

    fn stage<'h>(&self, number: usize, hunk: &'h Hunk, count: usize) -> Result<Stage<'h>, Boxed> {
        match &hunk.op {
            Op::Replace { .. } => self.replace(number, hunk),
            Op::Lines {
                first,
                last,
                new,
                guard,
            } => self.by_numbers(number, *first, *last, new, guard.as_deref()),
            Op::Append { new } => self.append(number, hunk, new),
            Op::Write { text, may_exist } => self.write(number, text, *may_exist, count),
            Op::Snippet { text } => self.snippet(number, hunk, text, count),
            Op::Rename { .. } | Op::Delete => Ok(Stage::Nothing),
        }
    }

    /// Decides between places, or refuses.
    fn settle(
        &self,
        number: usize,
        hunk: &Hunk,
        stage: Stage<'_>,
        near: &Neighbours,
    ) -> Result<Option<Fixed>, Boxed> {
        let (pattern, spots) = match stage {
            Stage::Placed(fixed) => return Ok(Some(fixed)),
            Stage::Nothing => return Ok(None),
            Stage::Spots(pattern, spots) => (pattern, spots),
        };
        let spot = match spots.as_slice() {
            [] => return Err(self.not_found(number, &pattern)),
            [spot] => spot.clone(),
            several => match crate::evidence::choose(self.index, several, &hunk.hints, near) {
                Some(spot) => spot,
                None => return Err(self.ambiguous(number, several)),
            },
        };
        let strict = [
            Rung::Exact,
            Rung::LineEndings,
            Rung::TrailingWhitespace,
            Rung::LineHint,
            Rung::Anchor,
        ];
        if hunk.hints.unended && !strict.contains(&spot.rung) {
            let message = "The last line of the reply is not ended and not quite in the file: the reply was cut.";
            return Err(self.refuse(number, RefusalCode::Truncated, message));
        }
        self.fix(number, &pattern, &spot).map(Some)
    }

    pub(super) fn fix(
        &self,
        number: usize,
        pattern: &Pattern<'_>,
        spot: &Spot,
    ) -> Result<Fixed, Boxed> {
        let changes = changes(self.index, pattern, spot)
            .map_err(|misfit| self.misfit(number, pattern, spot, misfit))?;
        Ok(Fixed {
            rung: Some(spot.rung),
            changes: changes.into_iter().map(Change::Lines).collect(),
            region: (spot.first, spot.last),
            ..Fixed::default()
        })
    }

    pub(super) fn not_found(&self, number: usize, pattern: &Pattern<'_>) -> Boxed {
        let mut refusal = self.refuse(
            number,
            RefusalCode::NotFound,
            format!(
                "The text to be replaced is not in {}. Copy it exactly from the file.",
                self.path
            ),
        );
        refusal.closest = crate::locate::closest(self.index, pattern);
        if refusal.closest.is_none() && self.index.compares_no_more() {
            refusal.message.push_str(NOT_COMPARED);
        }
        if let Some(closest) = &refusal.closest {
            refusal.message = format!(
                "The text to be replaced is not in {}; the closest lines start at line {}. Copy it exactly from the file.",
                self.path, closest.line
            );
        }
        refusal
    }

    pub(super) fn ambiguous(&self, number: usize, spots: &[Spot]) -> Boxed {
        let lines: Vec<usize> = spots.iter().map(|spot| spot.first).collect();
        self.ambiguous_lines(number, &lines)
    }

    pub(super) fn ambiguous_lines(&self, number: usize, firsts: &[usize]) -> Boxed {
        const SHOWN: usize = 8;
        let numbers: Vec<String> = firsts
            .iter()
            .take(SHOWN)
            .map(|first| (first + 1).to_string())
            .collect();
        let more = if firsts.len() > SHOWN { ", …" } else { "" };
        let mut refusal = self.refuse(
            number,
            RefusalCode::Ambiguous,
            format!(
                "The text to be replaced is in {} more than once (lines {}{more}). Add lines around it that tell which is meant.",
                self.path,
                numbers.join(", ")
            ),
        );
        refusal.candidates = firsts
            .iter()
            .take(SHOWN)
            .map(|&first| {
                let from = first.saturating_sub(1);
                let to = (first + 3).min(self.index.file.len());
                let lines: Vec<&str> = (from..to).map(|at| self.index.file.line(at)).collect();
                Place {
                    line: first + 1,
                    excerpt: lines.join("\n"),
                }
            })
            .collect();
        refusal
    }

    fn misfit(&self, number: usize, pattern: &Pattern<'_>, spot: &Spot, misfit: Misfit) -> Boxed {
        let what = match misfit {
            Misfit::Removed => "a line that the edit removes is another one in the file",
            Misfit::Between => {
                "the file has lines that the edit does not know where it puts new ones"
            }
            Misfit::Indentation => {
                "the indentation of the new lines cannot be told from the file's"
            }
        };
        let mut refusal = self.refuse(
            number,
            RefusalCode::NotFound,
            format!(
                "Near line {} of {}, {what}. Copy the text exactly from the file.",
                spot.first + 1,
                self.path
            ),
        );
        refusal.closest = crate::locate::closest(self.index, pattern);
        refusal
    }

    /// Puts a placed hunk into the file's bytes.
    fn take(&self, number: usize, hunk: &Hunk, fixed: Fixed, edits: &mut Edits) {
        let file = &self.index.file;
        edits.repairs.extend(fixed.repairs);
        if fixed.changes.is_empty() {
            edits.already.push(number);
            return;
        }
        let mut range = None;
        for change in fixed.changes {
            let replacement = match change {
                Change::Bytes(replacement) => replacement,
                Change::Lines(change) => {
                    // A patch has no way to say that the last line is not ended: its lines all are.
                    let ends = hunk.format == crate::Format::CodexPatch
                        && change.last == file.len()
                        && !file.final_newline()
                        && !change.new.is_empty();
                    if ends {
                        edits
                            .repairs
                            .push(format!("the last line of {} is ended", self.path));
                    }
                    to_replacement(file, &change, ends)
                }
            };
            range = Some(range.map_or(replacement.delete, |range: ByteRange| {
                range.cover(replacement.delete)
            }));
            edits.owned.push(Owned {
                hunk: number,
                replacement,
                region: fixed.region,
                by_numbers: fixed.by_numbers,
                known: fixed.known,
            });
        }
        let range_before = range.unwrap_or_default();
        edits.placed.push(PlacedHunk {
            index: number,
            path: self.path.to_owned(),
            format: hunk.format,
            rung: fixed.rung.unwrap_or(Rung::Exact),
            range_before,
            lines: lines_at(file, range_before),
        });
    }

    fn append(&self, number: usize, hunk: &Hunk, new: &str) -> Result<Stage<'static>, Boxed> {
        if !hunk.hints.anchors.is_empty()
            && !hunk.hints.at_end
            && hunk.format == crate::Format::CodexPatch
        {
            return Err(self.refuse(
                number,
                RefusalCode::Ambiguous,
                "The hunk adds lines without a line of context. Add the line before or after them.",
            ));
        }
        let end = self.index.file.len();
        let new = block_lines(new).into_iter().map(str::to_owned).collect();
        Ok(Stage::Placed(Fixed {
            rung: Some(Rung::Anchor),
            changes: vec![Change::Lines(LineChange {
                first: end,
                last: end,
                new,
            })],
            region: (end, end),
            ..Fixed::default()
        }))
    }
}

/// Numbers of the first and the last line that a range touches, from 1.
fn lines_at(file: &FileLines<'_>, range: ByteRange) -> (usize, usize) {
    let first = file.number_at(range.start.0);
    let last = file.number_at(range.end.0.saturating_sub(usize::from(!range.is_empty())));
    (first, last.max(first))
}

/// For each hunk with several places: what the other hunks of the file tell about it.
fn neighbours(stages: &[(usize, &Hunk, Stage<'_>)]) -> Vec<Neighbours> {
    let sure = |stage: &Stage<'_>| match stage {
        Stage::Spots(_, spots) => match spots.as_slice() {
            [spot] => Some((spot.first, spot.last)),
            _ => None,
        },
        Stage::Placed(fixed) => Some(fixed.region),
        Stage::Nothing => None,
    };
    // A hunk with several places is none of these.
    let known: Vec<(usize, (usize, usize), Option<usize>)> = stages
        .iter()
        .enumerate()
        .filter_map(|(at, (_, hunk, stage))| Some((at, sure(stage)?, hunk.hints.line)))
        .collect();
    let mut shifts: Vec<isize> = known
        .iter()
        .filter_map(|(_, region, line)| {
            let announced = isize::try_from((*line)?.saturating_sub(1)).ok()?;
            Some(isize::try_from(region.0).ok()? - announced)
        })
        .collect();
    shifts.dedup();
    let shift = match shifts.as_slice() {
        [shift] => Some(*shift),
        _ => None,
    };
    // The order of the hunks is evidence only if the reply shows that it keeps to it.
    let in_order = known.windows(2).all(|pair| match pair {
        [(_, one, _), (_, other, _)] => one.0 <= other.0,
        _ => true,
    });
    let about = |(at, (_, _, stage)): (usize, &(usize, &Hunk, Stage<'_>))| {
        let mut near = Neighbours::default();
        if !matches!(stage, Stage::Spots(_, spots) if spots.len() > 1) {
            return near;
        }
        near.shift = shift;
        if in_order {
            let behind = known.partition_point(|(other, ..)| *other < at);
            let before = behind.checked_sub(1).and_then(|last| known.get(last));
            near.after = before.map(|(_, region, _)| region.1);
            near.before = known.get(behind).map(|(_, region, _)| region.0);
        }
        near
    };
    stages.iter().enumerate().map(about).collect()
}

/// Hunks whose old text shows no escaping while their new text has the level too many that another
/// hunk of the reply was found to have.
fn escaped_alike(path: &str, members: &[Member<'_>], edits: &Edits) -> Vec<HunkRefusal> {
    let on_rung = |number: usize| {
        let placed = edits.placed.iter().find(|placed| placed.index == number)?;
        Some(placed.rung)
    };
    let texts = |&(number, hunk): &Member<'_>| match &hunk.op {
        Op::Replace { old, new, .. } => Some((number, old.clone(), new.clone())),
        _ => None,
    };
    if !edits
        .placed
        .iter()
        .any(|placed| placed.rung == Rung::Escapes)
    {
        return Vec::new();
    }
    let all: Vec<(usize, String, String)> = members.iter().filter_map(texts).collect();
    let (escaped, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|(number, ..)| on_rung(*number) == Some(Rung::Escapes));
    others
        .into_iter()
        .filter(|(_, old, new)| {
            let alike = |other: &str| crate::locate::is_escaped_alike(old, new, other);
            escaped.iter().any(|(_, other, _)| alike(other))
        })
        .map(|(number, ..)| {
            let message = format!(
                "Another hunk for {path} is written with a level of escaping too many; it is not certain whether the new text of this one is. Send it without."
            );
            HunkRefusal::new(*number, Some(path), RefusalCode::BadFormat, message)
        })
        .collect()
}

/// Hunks that left no trace because the file has their change.
fn already(members: &[Member<'_>], edits: &Edits) -> Vec<usize> {
    let seen: HashSet<usize> = edits
        .already
        .iter()
        .copied()
        .chain(edits.placed.iter().map(|placed| placed.index))
        .collect();
    members
        .iter()
        .filter(|(number, hunk)| matches!(hunk.op, Op::Replace { .. }) && !seen.contains(number))
        .map(|(number, _)| *number)
        .collect()
}
