//! Changes where the old text has other blank lines than the file.
//!
//! Replies lose blank lines and put some in. Between two lines that stay, the old text, the new text
//! and the file each have a number of blank lines. A block that says the same number before and after
//! means no change; one that says another number after shows how it is to look. A diff, whose context
//! is the same before and after, says nothing more: where it changes their number it is refused.

use std::ops::Range;

use super::{LineChange, Misfit, reindented, trimmed};
use crate::Rung;
use crate::diff::Stretch;
use crate::lines::is_blank;
use crate::locate::{Index, Pattern, Spot};

/// What lies between two neighbouring lines that stay, or between one of them and an end of the hunk.
pub(super) struct Segment {
    old: Range<usize>,
    new: Range<usize>,
    /// The lines of the file.
    file: Range<usize>,
    /// A line that stays is above, below.
    above: bool,
    below: bool,
}

/// The stretches of a hunk between lines with letters or signs that stay and are in the file.
pub(super) fn segments(pattern: &Pattern<'_>, spot: &Spot) -> Vec<Segment> {
    let mut out = Vec::new();
    let (mut old, mut new, mut file, mut above) = (0, 0, spot.first, false);
    for part in pattern.parts.iter().filter(|part| part.equal) {
        for (at, to) in part.old.clone().zip(part.new.clone()) {
            let solid = pattern.old.get(at).is_some_and(|line| !is_blank(line));
            let Some(place) = spot.align.get(at).copied().flatten().filter(|_| solid) else {
                continue;
            };
            out.push(Segment {
                old: old..at,
                new: new..to,
                file: file..place.max(file),
                above,
                below: true,
            });
            (old, new, file, above) = (at + 1, to + 1, place + 1, true);
        }
    }
    out.push(Segment {
        old: old..pattern.old.len(),
        new: new..pattern.new.len(),
        file: file..spot.last.max(file),
        above,
        below: false,
    });
    out
}

impl Segment {
    /// Whether a change lies in it.
    pub(super) fn holds(&self, part: &Stretch) -> bool {
        let inside = |outer: &Range<usize>, inner: &Range<usize>| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        inside(&self.old, &part.old) && inside(&self.new, &part.new)
    }
}

/// How many blank lines some lines begin and end with; all of them at the front when there are no others.
fn ends(lines: &[&str]) -> (usize, usize) {
    let lead = lines.iter().take_while(|line| is_blank(line)).count();
    if lead == lines.len() {
        return (lead, 0);
    }
    let trail = lines.iter().rev().take_while(|line| is_blank(line)).count();
    (lead, trail)
}

/// The change of a segment whose blank lines in the old text are not those of the file; `None` when
/// they are, or when more than blank lines differs.
pub(super) fn change(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    spot: &Spot,
    segment: &Segment,
) -> Option<Result<Option<LineChange>, Misfit>> {
    let old = pattern.old.get(segment.old.clone())?;
    let new = pattern.new.get(segment.new.clone())?;
    let blank = |lines: &[&str]| lines.iter().all(|line| is_blank(line));
    let open = !segment.above || !segment.below;
    if spot.rung == Rung::BlankLines && !pattern.marked && open && blank(old) && blank(new) {
        // At the end of a block that is wrong about blank lines, another number of them means nothing.
        return Some(Ok(None));
    }
    let mut range = segment.file.clone();
    let own: Vec<&str> = range.clone().map(|at| index.file.line(at)).collect();
    let same_shape = old.len() == own.len()
        && old
            .iter()
            .zip(&own)
            .all(|(one, other)| is_blank(one) == is_blank(other));
    if same_shape {
        return None;
    }
    // Every line with letters or signs has its line in the file, and the file has no others there.
    let places: Option<Vec<usize>> = segment
        .old
        .clone()
        .filter(|&at| pattern.old.get(at).is_some_and(|line| !is_blank(line)))
        .map(|at| spot.align.get(at).copied().flatten())
        .collect();
    let solids: Vec<usize> = range
        .clone()
        .filter(|&at| !is_blank(index.file.line(at)))
        .collect();
    if places? != solids {
        return None;
    }
    // At an end of the hunk the blank lines of the file that are next to it count as well.
    if !segment.above {
        while range.start > 0 && is_blank(index.file.line(range.start - 1)) {
            range.start -= 1;
        }
    }
    if !segment.below {
        while range.end < index.file.len() && is_blank(index.file.line(range.end)) {
            range.end += 1;
        }
    }
    let own: Vec<&str> = range.clone().map(|at| index.file.line(at)).collect();
    let lines = Gap {
        old,
        new,
        own: &own,
        marked: pattern.marked,
        open_above: !segment.above,
        open_below: !segment.below,
    };
    Some(lines.merged().and_then(|lines| {
        let lines: Option<Vec<String>> = lines
            .into_iter()
            .map(|line| match line {
                Source::File(line) => Some(line.to_owned()),
                Source::Reply(line) => reindented(line, &spot.reindent),
            })
            .collect();
        let change = LineChange {
            first: range.start,
            last: range.end,
            new: lines.ok_or(Misfit::Indentation)?,
        };
        Ok(trimmed(index, change))
    }))
}

enum Source<'a> {
    File(&'a str),
    Reply(&'a str),
}

struct Gap<'a> {
    old: &'a [&'a str],
    new: &'a [&'a str],
    own: &'a [&'a str],
    marked: bool,
    open_above: bool,
    open_below: bool,
}

impl<'a> Gap<'a> {
    fn merged(&self) -> Result<Vec<Source<'a>>, Misfit> {
        let solid = |lines: &[&str]| lines.iter().any(|line| !is_blank(line));
        let (old_lead, old_trail) = ends(self.old);
        let (new_lead, new_trail) = ends(self.new);
        let (own_lead, own_trail) = ends(self.own);
        let open = self.open_above || self.open_below;
        let inner = |lines: &[&str], (lead, trail): (usize, usize)| lines.len() - lead - trail;
        if self.marked
            && inner(self.old, (old_lead, old_trail)) != inner(self.own, (own_lead, own_trail))
        {
            return Err(Misfit::Between);
        }
        match (solid(self.old), solid(self.new)) {
            (false, false) => {
                let count = self.count(self.old.len(), self.new.len(), self.own.len(), open)?;
                Ok(self.blanks(count, 0))
            }
            (false, true) => self.inserted(new_lead, new_trail),
            (true, false) => {
                let (old, own) = (old_lead + old_trail, own_lead + own_trail);
                let count = if self.marked {
                    self.count(old, self.new.len(), own, false)?
                } else if open {
                    // What is beyond the end of the hunk is not part of what it shows.
                    return Err(Misfit::Between);
                } else if self.new.is_empty() && own_lead > 0 && own_trail > 0 {
                    return Err(Misfit::Between);
                } else {
                    self.new.len()
                };
                Ok(self.blanks(count, 0))
            }
            (true, true) => {
                let lead = self.count(old_lead, new_lead, own_lead, self.open_above)?;
                let trail = self.count(old_trail, new_trail, own_trail, self.open_below)?;
                let mut out = self.blanks(lead, 0);
                out.extend(self.middle().iter().map(|line| Source::Reply(line)));
                out.extend(self.blanks(trail, self.own.len() - own_trail));
                Ok(out)
            }
        }
    }

    /// How many blank lines stand there afterwards.
    fn count(&self, old: usize, new: usize, own: usize, open: bool) -> Result<usize, Misfit> {
        if old == new {
            return Ok(own);
        }
        if self.marked {
            return Err(Misfit::Between);
        }
        if open && own >= old {
            return Ok(own + new - old);
        }
        Ok(if open { own.max(new) } else { new })
    }

    fn inserted(&self, lead: usize, trail: usize) -> Result<Vec<Source<'a>>, Misfit> {
        let (old, own) = (self.old.len(), self.own.len());
        let middle = self.middle().iter().map(|line| Source::Reply(line));
        if own == 0 {
            let (above, below) = if self.open_above {
                (lead.saturating_sub(old), trail)
            } else if self.open_below {
                (lead, trail.saturating_sub(old))
            } else {
                (lead, trail)
            };
            if self.marked && old > 0 {
                return Err(Misfit::Between);
            }
            let mut out = self.blanks(above, 0);
            out.extend(middle);
            out.extend(self.blanks(below, 0));
            return Ok(out);
        }
        if self.open_above || self.open_below {
            return Err(Misfit::Between);
        }
        // Nothing says on which side of the blank lines the new lines stand.
        if self.marked || lead + trail == 0 {
            return Err(Misfit::Between);
        }
        Ok(self.new.iter().map(|line| Source::Reply(line)).collect())
    }

    /// So many blank lines, the file's own from a line on as far as they go.
    fn blanks(&self, count: usize, from: usize) -> Vec<Source<'a>> {
        (from..from + count)
            .map(|at| match self.own.get(at).filter(|line| is_blank(line)) {
                Some(line) => Source::File(line),
                None => Source::Reply(""),
            })
            .collect()
    }

    /// The new lines without blank lines at both ends.
    fn middle(&self) -> &'a [&'a str] {
        let (lead, trail) = ends(self.new);
        self.new.get(lead..self.new.len() - trail).unwrap_or(&[])
    }
}
