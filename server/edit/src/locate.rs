//! Where the old text of a hunk is in a file: a ladder from strict to lenient.
//!
//! Each rung looks at the whole file. The first rung with a hit decides: one hit is the place, two
//! are a question (see [`crate::evidence`]), never a reason to try a looser rung.

mod characters;
mod escapes;
mod index;
mod similar;
mod sparse;

use std::collections::{BTreeMap, BTreeSet};

use std::ops::Range;

use pleach_text::IndentUnit;

pub(crate) use characters::{
    Stretch as ByteStretch, every as every_stretch, find as find_stretch, find_dense,
};
pub(crate) use index::Index;
pub(crate) use similar::closest;

use crate::Rung;
use crate::diff::{Stretch, diff};
use crate::fold::Form;
use crate::hunk::Mark;
use crate::indent::{Reindent, Step};
use crate::lines::{FileLines, block_lines, indent_of, is_blank};

/// More hits than this are not told apart: the place is ambiguous beyond help.
pub(crate) const MAX_HITS: usize = 64;

/// The old and the new text of a hunk as lines, and what differs between them.
pub(crate) struct Pattern<'p> {
    pub(crate) old: Vec<&'p str>,
    pub(crate) new: Vec<&'p str>,
    /// The difference between the two, in order.
    pub(crate) parts: Vec<Stretch>,
    /// Old lines were marked by a blank in front, which replies forget now and then.
    pub(crate) marked: bool,
}

impl<'p> Pattern<'p> {
    pub(crate) fn new(old: &'p str, new: &'p str) -> Self {
        Self::of_lines(block_lines(old), block_lines(new))
    }

    pub(crate) fn of_lines(old: Vec<&'p str>, new: Vec<&'p str>) -> Self {
        let parts = diff(&old, &new);
        Self {
            old,
            new,
            parts,
            marked: false,
        }
    }

    /// Takes the format's own word for which lines stay, go and come. Between two lines that stay,
    /// what goes and comes again the same has stayed.
    pub(crate) fn take_marks(&mut self, marks: &[Mark]) {
        let mut parts: Vec<Stretch> = Vec::new();
        let (mut old, mut new) = (0, 0);
        for run in marks.chunk_by(|one, other| (*one == Mark::Keep) == (*other == Mark::Keep)) {
            let gone = run.iter().filter(|mark| **mark != Mark::Add).count();
            let come = run.iter().filter(|mark| **mark != Mark::Remove).count();
            let (olds, news) = (old..old + gone, new..new + come);
            (old, new) = (olds.end, news.end);
            if run.first() == Some(&Mark::Keep) {
                push(&mut parts, olds, news, true);
                continue;
            }
            let (Some(before), Some(after)) =
                (self.old.get(olds.clone()), self.new.get(news.clone()))
            else {
                return;
            };
            for part in diff(before, after) {
                let olds = olds.start + part.old.start..olds.start + part.old.end;
                let news = news.start + part.new.start..news.start + part.new.end;
                push(&mut parts, olds, news, part.equal);
            }
        }
        if (old, new) == (self.old.len(), self.new.len()) {
            self.parts = parts;
        }
    }

    /// For each old line, whether the hunk removes it.
    pub(crate) fn removed(&self) -> Vec<bool> {
        let mut removed = vec![false; self.old.len()];
        for part in self.parts.iter().filter(|part| !part.equal) {
            for flag in removed.get_mut(part.old.clone()).into_iter().flatten() {
                *flag = true;
            }
        }
        removed
    }

    /// The new lines that are not old lines.
    pub(crate) fn added(&self) -> impl Iterator<Item = &'p str> + '_ {
        self.parts
            .iter()
            .filter(|part| !part.equal)
            .flat_map(|part| {
                self.new
                    .get(part.new.clone())
                    .unwrap_or(&[])
                    .iter()
                    .copied()
            })
    }
}

fn push(parts: &mut Vec<Stretch>, old: Range<usize>, new: Range<usize>, equal: bool) {
    match parts.last_mut() {
        Some(last) if last.equal == equal => {
            last.old.end = old.end;
            last.new.end = new.end;
        }
        _ if old.is_empty() && new.is_empty() => {}
        _ => parts.push(Stretch { old, new, equal }),
    }
}

/// A place for a hunk.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) rung: Rung,
    /// The lines of the file that the old text stands for: `first..last`.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// For each old line the line of the file that it stands for, if there is one.
    pub(crate) align: Vec<Option<usize>>,
    pub(crate) reindent: Reindent,
}

impl Spot {
    fn straight(rung: Rung, first: usize, count: usize, reindent: Reindent) -> Self {
        let align = (first..first + count).map(Some).collect();
        Self {
            rung,
            first,
            last: first + count,
            align,
            reindent,
        }
    }
}

/// What the ladder found: nothing, one place, or several on the same rung.
pub(crate) type Spots = Vec<Spot>;

/// Climbs the ladder.
pub(crate) fn locate(index: &Index<'_>, pattern: &Pattern<'_>) -> Spots {
    if pattern.old.is_empty() || pattern.old.len() > index.file.len() + pattern.old.len() / 2 + 8 {
        return Vec::new();
    }
    let strict = strict(index, pattern);
    if !strict.is_empty() || pattern.old.iter().all(|line| is_blank(line)) {
        return strict;
    }
    if index.holds_all(&pattern.old) {
        let sparse = sparse::find(index, pattern);
        if !sparse.is_empty() {
            return sparse;
        }
    }
    similar::find(index, pattern)
}

pub(crate) use escapes::{is_escaped_alike, unescaped};

/// In which forms lines are compared after all of their bytes, and what the rung is called.
const RUNGS: [(Form, Rung); 5] = [
    (Form::End, Rung::TrailingWhitespace),
    (Form::Fold, Rung::Unicode),
    (Form::Trim, Rung::Indentation),
    (Form::TrimFold, Rung::Indentation),
    (Form::Dense, Rung::Whitespace),
];

/// The rungs on which every line of the old text has its line in the file.
pub(crate) fn strict(index: &Index<'_>, pattern: &Pattern<'_>) -> Spots {
    let exact = exact(index, pattern);
    if !exact.is_empty() {
        return exact;
    }
    if !index.holds_all(&pattern.old) {
        return Vec::new();
    }
    let candidates = index.candidates(&pattern.old);
    for (form, rung) in RUNGS {
        // Blank lines alone are everywhere once blanks do not count.
        if form != Form::End && pattern.old.iter().all(|line| is_blank(line)) {
            break;
        }
        let spots: Spots = index
            .find_among(candidates.as_deref(), &pattern.old, form)
            .into_iter()
            .filter_map(|first| {
                let spot = Spot::straight(rung, first, pattern.old.len(), Reindent::Same);
                fit(index, pattern, spot)
            })
            .collect();
        if !spots.is_empty() {
            return spots;
        }
    }
    Vec::new()
}

/// Works out the indentation of a place; `None` when there is no rule for it.
pub(crate) fn fit(index: &Index<'_>, pattern: &Pattern<'_>, spot: Spot) -> Option<Spot> {
    let reindent = match spot.rung {
        Rung::TrailingWhitespace | Rung::Unicode => Reindent::Same,
        rung => reindent(index, pattern, &spot.align, rung)?,
    };
    Some(Spot { reindent, ..spot })
}

fn reindent(
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    align: &[Option<usize>],
    rung: Rung,
) -> Option<Reindent> {
    let removed = pattern.removed();
    let mut pairs = Vec::new();
    let mut of_removed = Vec::new();
    for ((old, place), removed) in pattern.old.iter().zip(align).zip(removed) {
        let Some(line) = place.map(|place| index.file.line(place)) else {
            continue;
        };
        if is_blank(old) || is_blank(line) {
            continue;
        }
        let pair = (indent_of(old), indent_of(line));
        pairs.push(pair);
        if removed {
            of_removed.push(pair);
        }
    }
    if pattern.marked {
        // In a diff a line that lacks one blank has lost the one that marks it.
        let lost = |(reply, file): &(&str, &str)| file.strip_prefix(' ') == Some(reply);
        let whole: Vec<(&str, &str)> = pairs.iter().copied().filter(|pair| !lost(pair)).collect();
        let told = !whole.is_empty() || (of_removed.is_empty() && !pairs.is_empty());
        if told && whole.iter().all(|(reply, file)| reply == file) {
            return Some(Reindent::Same);
        }
    }
    let unit = index.indent_unit();
    let learned = Reindent::learn(&pairs, unit);
    if learned.is_some() {
        return learned.map(|rule| already_indented(rule, index, pattern, align));
    }
    if rung == Rung::Indentation {
        return None;
    }
    // Some context lines are damaged. What only closes a block is another line at another depth.
    if closes_elsewhere(index, pattern, align) {
        return None;
    }
    // Indentations that stand for two different ones in the file are no guide for new lines.
    let torn = torn(&pairs);
    if pattern
        .added()
        .filter(|line| !is_blank(line))
        .any(|line| torn.contains(indent_of(line)))
    {
        return None;
    }
    let same = pairs.iter().filter(|(reply, file)| reply == file).count();
    if let Some(rule) = Reindent::learn(&of_removed, unit).filter(|_| !of_removed.is_empty()) {
        return Some(rule);
    }
    if of_removed.is_empty() && same * 2 >= pairs.len() {
        return Some(Reindent::Same);
    }
    Reindent::table(&pairs)
}

/// So many indentations are asked which rule explains most of them. No code has more.
const MAX_RULES: usize = 64;

/// A line with fewer letters than this is told from others like it by its depth alone.
const TOLD_BY_DEPTH: usize = 6;

/// Whether a line of few letters stands at another depth than most lines of the hunk say.
fn closes_elsewhere(index: &Index<'_>, pattern: &Pattern<'_>, align: &[Option<usize>]) -> bool {
    let lines = pattern.old.iter().zip(align).filter_map(|(old, place)| {
        let line = place.map(|place| index.file.line(place))?;
        (!is_blank(old) && !is_blank(line)).then_some((*old, line))
    });
    let letters = |line: &str| {
        line.chars()
            .filter(|letter| letter.is_alphanumeric())
            .count()
    };
    let is_told_by_depth = |line: &str| letters(line) < TOLD_BY_DEPTH;
    // Each pair once, those seen last at the end, with how often it was seen.
    let mut seen: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for (at, (old, line)) in lines
        .clone()
        .enumerate()
        .filter(|(_, (old, _))| !is_told_by_depth(old))
    {
        let (last, count) = seen.entry((indent_of(old), indent_of(line))).or_default();
        (*last, *count) = (at, *count + 1);
    }
    let mut seen: Vec<(usize, usize, (&str, &str))> = seen
        .into_iter()
        .map(|(pair, (last, count))| (last, count, pair))
        .collect();
    seen.sort_unstable();
    let usual = seen
        .iter()
        .skip(seen.len().saturating_sub(MAX_RULES))
        .filter_map(|(_, _, pair)| Reindent::learn(&[*pair], index.indent_unit()))
        .max_by_key(|rule| {
            let explains =
                |(reply, file): &(&str, &str)| rule.apply(reply).as_deref() == Some(*file);
            let explained = seen.iter().filter(|(_, _, pair)| explains(pair));
            explained.map(|(_, count, _)| count).sum::<usize>()
        })
        .unwrap_or(Reindent::Same);
    lines
        .filter(|(old, _)| is_told_by_depth(old))
        .any(|(old, line)| usual.apply(indent_of(old)).as_deref() != Some(indent_of(line)))
}

/// The indentations of the reply that stand for different ones in the file.
fn torn<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeSet<&'a str> {
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    pairs
        .iter()
        .filter(|(reply, file)| files.entry(reply).or_insert(file) != file)
        .map(|(reply, _)| *reply)
        .collect()
}

/// When only the old text was written at another indentation and the new text stands where the
/// file's lines stand, the new text is right as it is.
fn already_indented(
    rule: Reindent,
    index: &Index<'_>,
    pattern: &Pattern<'_>,
    align: &[Option<usize>],
) -> Reindent {
    let kept = pattern
        .parts
        .iter()
        .filter(|part| part.equal)
        .flat_map(|part| part.old.clone());
    let keeps_lines = kept
        .filter_map(|at| pattern.old.get(at))
        .any(|line| !is_blank(line));
    if keeps_lines || !matches!(rule, Reindent::Add(_)) {
        return rule;
    }
    let least = |lines: &mut dyn Iterator<Item = &str>| {
        lines
            .filter(|line| !is_blank(line))
            .map(indent_of)
            .min_by_key(|indent| indent.len())
            .map(str::to_owned)
    };
    let old = least(&mut pattern.old.iter().copied());
    let new = least(&mut pattern.new.iter().copied());
    let file = least(&mut align.iter().flatten().map(|&place| index.file.line(place)));
    if new == file && new != old {
        Reindent::Same
    } else {
        rule
    }
}

fn exact(index: &Index<'_>, pattern: &Pattern<'_>) -> Spots {
    let file = &index.file;
    let rung = if file.majority_ending() == "\n" {
        Rung::Exact
    } else {
        Rung::LineEndings
    };
    // An empty last line may stand behind the last line break, where the file has no line.
    let by_lines =
        index.has_many_hunks() && pattern.old.last().is_some_and(|line| !line.is_empty());
    let starts = if file.is_mixed() {
        index.find(&pattern.old, Form::Exact)
    } else {
        match by_lines.then(|| index.candidates(&pattern.old)).flatten() {
            Some(candidates) => index.find_among(Some(&candidates), &pattern.old, Form::Exact),
            None => exact_by_bytes(file, &pattern.old),
        }
    };
    let count = pattern.old.len();
    let reindent = if starts.is_empty() {
        Reindent::Same
    } else {
        foreign_indent(index, pattern)
    };
    starts
        .into_iter()
        .map(|first| Spot::straight(rung, first, count, reindent.clone()))
        .collect()
}

/// When the old text has no indented line to show how the reply writes indentation, and the new
/// text is indented by what the file never uses, a level of the one is a level of the other.
pub(crate) fn foreign_indent(index: &Index<'_>, pattern: &Pattern<'_>) -> Reindent {
    // The lines of a block comment are one blank in, whatever the unit.
    let starred =
        |line: &str| matches!(line.strip_prefix(' '), Some(rest) if rest.starts_with('*'));
    let indented = |line: &&str| !is_blank(line) && line.starts_with([' ', '\t']) && !starred(line);
    if pattern.old.iter().any(indented) {
        return Reindent::Same;
    }
    let added: Vec<&str> = pattern.added().filter(indented).map(indent_of).collect();
    let tabs = added
        .iter()
        .all(|indent| indent.bytes().all(|byte| byte == b'\t'));
    let Some(least) = added.iter().map(|indent| indent.len()).min() else {
        return Reindent::Same;
    };
    let file = &index.file;
    let unit = match index.indent_unit() {
        Some(IndentUnit::Tabs) => Some(IndentUnit::Tabs),
        unit => usual_step(file).or(unit),
    };
    match unit {
        Some(IndentUnit::Spaces(width))
            if tabs && !file.iter().any(|line| line.starts_with('\t')) =>
        {
            // A level that is several tabs deep is still one level; but a tab is no single blank.
            let width = usize::from(width);
            let level = if width % least == 0 && width / least > 1 {
                width / least
            } else {
                width
            };
            Reindent::Units {
                from: Step::Tab,
                to: Step::Spaces(level),
                shift: 0,
            }
        }
        Some(IndentUnit::Tabs) if !tabs && !file.iter().any(|line| line.starts_with("  ")) => {
            let spaces = added
                .iter()
                .all(|indent| indent.bytes().all(|byte| byte == b' '));
            if spaces && matches!(least, 2 | 4 | 8) {
                return Reindent::Units {
                    from: Step::Spaces(least),
                    to: Step::Tab,
                    shift: 0,
                };
            }
            Reindent::Same
        }
        _ => Reindent::Same,
    }
}

/// By how many blanks lines are usually deeper than the line above; comment blocks do not count.
fn usual_step(file: &FileLines<'_>) -> Option<IndentUnit> {
    let mut counts = [0usize; 9];
    let mut above = 0;
    for line in file
        .iter()
        .filter(|line| !is_blank(line) && !line.trim_start().starts_with('*'))
    {
        let depth = indent_of(line).len();
        if depth > above
            && let Some(count) = counts.get_mut(depth - above)
        {
            *count += 1;
        }
        above = depth;
    }
    let (step, count) = counts
        .iter()
        .enumerate()
        .skip(2)
        .max_by_key(|(_, count)| **count)?;
    (*count > 0).then(|| IndentUnit::Spaces(u8::try_from(step).unwrap_or(4)))
}

/// Where the lines stand byte for byte: one search for all of them, no work per line.
fn exact_by_bytes(file: &FileLines<'_>, lines: &[&str]) -> Vec<usize> {
    let ending = file.majority_ending();
    let needle = lines.join(ending);
    if needle.is_empty() {
        return (0..file.len())
            .filter(|&at| file.line(at).is_empty())
            .take(MAX_HITS)
            .collect();
    }
    let text = file.text();
    let finder = memchr::memmem::Finder::new(needle.as_bytes());
    let mut hits = Vec::new();
    let mut from = file.first_byte();
    while let Some(at) = text
        .as_bytes()
        .get(from..)
        .and_then(|rest| finder.find(rest))
    {
        let at = from + at;
        let line = file.line_at(at);
        let stops_at_line_end = || {
            let behind = text.get(at + needle.len()..).unwrap_or("");
            behind.is_empty() || behind.starts_with(ending)
        };
        // Behind the last line ending there is no further line.
        let fits = line + lines.len() <= file.len();
        if fits && file.start_of(line) == at && stops_at_line_end() {
            hits.push(line);
            if hits.len() == MAX_HITS {
                break;
            }
        }
        let next = file.start_of(line + 1);
        if next <= from {
            break;
        }
        from = next;
    }
    hits
}

/// Every place where the needle stands in the hay (Knuth, Morris and Pratt: linear whatever the input).
pub(crate) fn occurrences(hay: &[u64], needle: &[u64]) -> Vec<usize> {
    let mut hits = Vec::new();
    if needle.is_empty() || needle.len() > hay.len() {
        return hits;
    }
    let mut borders = vec![0usize; needle.len()];
    let mut length = 0;
    for at in 1..needle.len() {
        while length > 0 && needle.get(at) != needle.get(length) {
            length = borders.get(length - 1).copied().unwrap_or(0);
        }
        length += usize::from(needle.get(at) == needle.get(length));
        if let Some(border) = borders.get_mut(at) {
            *border = length;
        }
    }
    let mut matched = 0;
    for (at, key) in hay.iter().enumerate() {
        while matched > 0 && needle.get(matched) != Some(key) {
            matched = borders.get(matched - 1).copied().unwrap_or(0);
        }
        matched += usize::from(needle.get(matched) == Some(key));
        if matched == needle.len() {
            hits.push(at + 1 - matched);
            if hits.len() == MAX_HITS {
                break;
            }
            matched = borders.get(matched - 1).copied().unwrap_or(0);
        }
    }
    hits
}
