//! A hunk whose place was only formatted since, put into the formatted text.

use std::ops::Range;

use pleach_grammars::Language;
use pleach_text::{Bias, ByteOffset, ByteRange, ChangeSet, Dialect, IndentUnit, Replacement};

use super::language_of;
use super::merge::{lines_around, near};
use super::shape::Shape;

/// Larger files are not compared as trees.
const MAX_BYTES: usize = 4 << 20;

/// So many hunks are looked at one by one when they cannot be had together.
const MAX_ALONE: usize = 24;

/// A hunk that was made for one text, and whether nothing in its place was changed since.
#[derive(Clone, Copy)]
pub(super) struct Moving<'h> {
    pub(super) replacements: &'h [Replacement],
    pub(super) is_clear: bool,
}

/// Hunks that were made for `base`, written for the text that `since` makes of it, each in the order
/// given; none for a hunk unless the changes that meet it are proved to be formatting, and the result
/// to say what was meant.
///
/// The proof: the changes that meet the hunks are set aside, and the text without them must have the
/// shape of the text with them; then the hunks are made in both, and the two results must have one
/// shape again.
pub(super) fn reformatted(
    path: &str,
    base: &str,
    hunks: &[Moving<'_>],
    since: &ChangeSet,
) -> Vec<Option<Vec<Replacement>>> {
    if hunks.is_empty() {
        return Vec::new();
    }
    let none = || vec![None; hunks.len()];
    let Some(language) = language_of(path, base).filter(|_| base.len() <= MAX_BYTES) else {
        return none();
    };
    let Ok(formatted) = since.apply_to_str(base) else {
        return none();
    };
    let Some(shape) = Shape::of(language, &formatted) else {
        return none();
    };
    let now = Now {
        language,
        base,
        since,
        formatted: &formatted,
        shape: &shape,
    };
    match now.proved(hunks) {
        Some(all) => all.into_iter().map(Some).collect(),
        None if (2..=MAX_ALONE).contains(&hunks.len()) => {
            let alone = |hunk: &Moving<'_>| now.proved(&[*hunk])?.pop();
            hunks.iter().map(alone).collect()
        }
        None => none(),
    }
}

/// The changes that are not around any of the hunks.
fn elsewhere(base: &str, hunks: &[Moving<'_>], since: &ChangeSet) -> Option<ChangeSet> {
    let around: Vec<&[Replacement]> = hunks
        .iter()
        .map(|hunk| near(since, lines_around(base, hunk.replacements)))
        .collect();
    let is_around = |one: &&Replacement| around.iter().any(|near| near.contains(one));
    let all = since.replacements().iter();
    let typed = all.filter(|one| !is_around(one)).cloned();
    ChangeSet::new(typed.collect(), since.len_before()).ok()
}

/// The text that hunks are to be written for.
struct Now<'t> {
    language: Language,
    base: &'t str,
    since: &'t ChangeSet,
    formatted: &'t str,
    shape: &'t Shape<'t>,
}

impl Now<'_> {
    fn proved(&self, hunks: &[Moving<'_>]) -> Option<Vec<Vec<Replacement>>> {
        // Mostly all that happened is that the formatter ran.
        let nothing = ChangeSet::unchanged(self.base.len().into());
        self.proved_without(&nothing, hunks).or_else(|| {
            let typed = elsewhere(self.base, hunks, self.since)?;
            if typed.is_empty() {
                return None;
            }
            self.proved_without(&typed, hunks)
        })
    }

    /// With all that was changed taken for formatting but this.
    fn proved_without(
        &self,
        typed: &ChangeSet,
        hunks: &[Moving<'_>],
    ) -> Option<Vec<Vec<Replacement>>> {
        let plain = typed.apply_to_str(self.base).ok()?;
        let plain_shape = Shape::of(self.language, &plain)?;
        if plain_shape.has_problems() || plain_shape != *self.shape {
            return None;
        }
        let len = self.base.len().into();
        let made = |hunk: &Moving<'_>, over: &ChangeSet| {
            let hunk = ChangeSet::new(hunk.replacements.to_vec(), len).ok()?;
            hunk.rebase_over(over).ok()
        };
        let moved: Vec<ChangeSet> = hunks
            .iter()
            .map(|hunk| made(hunk, typed))
            .collect::<Option<_>>()?;
        let all = moved
            .iter()
            .flat_map(|one| one.replacements().iter().cloned());
        let all = ChangeSet::new(all.collect(), plain.len().into()).ok()?;
        let meant = all.apply_to_str(&plain).ok()?;
        let meant_shape = Shape::of(self.language, &meant)?;
        let texts = Texts {
            plain: Side::of(&plain, &plain_shape),
            formatted: Side::of(self.formatted, self.shape),
            meant: Side::of(&meant, &meant_shape),
        };
        let places: Vec<Place> = moved
            .iter()
            .map(|one| Place::of(&texts, one, &all))
            .collect::<Option<_>>()?;
        let units = match (
            Dialect::of(&plain).indent,
            Dialect::of(self.formatted).indent,
        ) {
            (Some(old), Some(new)) if old != new => Some((old, new)),
            _ => None,
        };
        for way in Way::all(units) {
            let written = hunks.iter().zip(&places).map(|(hunk, place)| match way {
                Way::AsItIs if hunk.is_clear => Some(made(hunk, self.since)?.into_replacements()),
                Way::AsItIs => Some(vec![place.written(&texts, None, None)?]),
                Way::Fitted(units, commas) => Some(vec![place.written(&texts, commas, units)?]),
            });
            let Some(written) = written.collect::<Option<Vec<_>>>() else {
                continue;
            };
            let all = ChangeSet::new(written.concat(), self.formatted.len().into());
            let Some(result) = all
                .ok()
                .and_then(|all| all.apply_to_str(self.formatted).ok())
            else {
                continue;
            };
            if Shape::of(self.language, &result)? == meant_shape {
                return written.into_iter().map(|one| self.small(one)).collect();
            }
        }
        None
    }

    fn small(&self, replacements: Vec<Replacement>) -> Option<Vec<Replacement>> {
        let changes = ChangeSet::new(replacements, self.formatted.len().into()).ok()?;
        Some(changes.refine(self.formatted).ok()?.into_replacements())
    }
}

/// How hunks are tried to be written in the formatted text.
#[derive(Clone, Copy)]
enum Way {
    /// What was made for another place of the text just goes there; the rest as the tokens are.
    AsItIs,
    /// By tokens: with other steps of indentation, with something special about commas.
    Fitted(Option<Units>, Option<Commas>),
}

impl Way {
    fn all(units: Option<Units>) -> Vec<Self> {
        let mut ways = vec![Self::AsItIs, Self::Fitted(None, None)];
        if units.is_some() {
            ways.insert(0, Self::Fitted(units, None));
        }
        ways.extend(Commas::ALL.map(|commas| Self::Fitted(units, Some(commas))));
        ways
    }
}

/// A text and its tokens.
struct Side<'t> {
    text: &'t str,
    tokens: &'t [ByteRange],
}

struct Texts<'t> {
    /// Without the formatting.
    plain: Side<'t>,
    /// With it.
    formatted: Side<'t>,
    /// Without it, with the hunk.
    meant: Side<'t>,
}

impl<'t> Side<'t> {
    fn of(text: &'t str, shape: &'t Shape<'_>) -> Self {
        Self {
            text,
            tokens: shape.tokens(),
        }
    }

    fn token(&self, at: usize) -> Option<&'t str> {
        self.tokens.get(at)?.of(self.text)
    }

    /// What lies between a token and the one before it.
    fn gap_before(&self, at: usize) -> Option<&'t str> {
        self.around(&(at..at)).of(self.text)
    }

    /// What lies around some tokens: from the end of the one before to the start of the one behind.
    fn around(&self, tokens: &Range<usize>) -> ByteRange {
        let before = tokens
            .start
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at));
        let start = before.map_or(ByteOffset::ZERO, |token| token.end);
        let behind = self.tokens.get(tokens.end);
        let end = behind.map_or(ByteOffset(self.text.len()), |token| token.start);
        ByteRange::new(start, end)
    }

    /// The stretch around some tokens as the gap before them, they, and the gap behind; without tokens
    /// there is but one gap, which is both.
    fn split(&self, tokens: &Range<usize>) -> Option<(&'t str, &'t str, &'t str)> {
        let around = self.around(tokens);
        let own = self.tokens.get(tokens.clone())?;
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            let gap = around.of(self.text)?;
            return Some((gap, "", gap));
        };
        let part = |from: ByteOffset, to: ByteOffset| self.text.get(from.0..to.0);
        Some((
            part(around.start, first.start)?,
            part(first.start, last.end)?,
            part(last.end, around.end)?,
        ))
    }
}

/// What to do about a comma that the formatter put behind the last of several things.
#[derive(Clone, Copy)]
enum Commas {
    Keep,
    /// The hunk brings one of its own in front.
    DropBefore,
    /// The hunk brings one of its own behind, or takes away what it was behind.
    DropBehind,
    DropBoth,
}

impl Commas {
    const ALL: [Self; 4] = [
        Self::Keep,
        Self::DropBefore,
        Self::DropBehind,
        Self::DropBoth,
    ];

    /// What is right as far as can be seen from the code in between.
    fn natural(before: &str, core: &str, behind: &str) -> Self {
        let drops_before = before.contains(',') && core.starts_with(',');
        let drops_behind = behind.contains(',') && core.ends_with(',');
        match (drops_before, drops_behind) {
            (false, false) => Self::Keep,
            (true, false) => Self::DropBefore,
            (false, true) => Self::DropBehind,
            (true, true) => Self::DropBoth,
        }
    }
}

/// The tokens that a hunk replaces, and by which.
struct Place {
    old: Range<usize>,
    new: Range<usize>,
}

impl Place {
    fn of(texts: &Texts<'_>, hunk: &ChangeSet, all: &ChangeSet) -> Option<Self> {
        let range = hunk
            .replacements()
            .iter()
            .map(|one| one.delete)
            .reduce(ByteRange::cover)?;
        let tokens = texts.plain.tokens;
        // A token that only borders on the hunk may become another one by it.
        let first = tokens.partition_point(|token| token.end < range.start);
        let last = tokens.partition_point(|token| token.start <= range.end);
        let old = first..last.max(first);
        let around = texts.plain.around(&old);
        let start = all.map_offset(around.start, Bias::Before);
        let end = all.map_offset(around.end, Bias::After);
        let tokens = texts.meant.tokens;
        let first = tokens.partition_point(|token| token.end <= start);
        let last = tokens.partition_point(|token| token.start < end);
        let new = first..last.max(first);
        if texts.meant.around(&new) != ByteRange::new(start, end) {
            return None;
        }
        let mut place = Self { old, new };
        place.trim(texts);
        Some(place)
    }

    /// Leaves out the tokens at both ends that the hunk leaves as they are.
    fn trim(&mut self, texts: &Texts<'_>) {
        let (plain, meant) = (&texts.plain, &texts.meant);
        while !self.old.is_empty()
            && !self.new.is_empty()
            && plain.token(self.old.start) == meant.token(self.new.start)
            && plain.gap_before(self.old.start) == meant.gap_before(self.new.start)
        {
            self.old.start += 1;
            self.new.start += 1;
        }
        while !self.old.is_empty()
            && !self.new.is_empty()
            && plain.token(self.old.end - 1) == meant.token(self.new.end - 1)
            && plain.gap_before(self.old.end) == meant.gap_before(self.new.end)
        {
            self.old.end -= 1;
            self.new.end -= 1;
        }
    }

    /// The hunk in the formatted text. What it leaves between tokens as it was, is as it is now.
    fn written(
        &self,
        texts: &Texts<'_>,
        commas: Option<Commas>,
        units: Option<Units>,
    ) -> Option<Replacement> {
        let (old_before, _, old_behind) = texts.plain.split(&self.old)?;
        let (now_before, _, now_behind) = texts.formatted.split(&self.old)?;
        let (before, core, behind) = texts.meant.split(&self.new)?;
        if core.is_empty() {
            let gap = if before == old_before {
                now_before.to_owned()
            } else {
                fitting(before, old_behind, now_behind, units)
            };
            let gap = match commas.unwrap_or(Commas::Keep) {
                Commas::Keep => gap,
                Commas::DropBehind => without_comma(&gap)?,
                Commas::DropBefore | Commas::DropBoth => return None,
            };
            return Some(Replacement::new(texts.formatted.around(&self.old), gap));
        }
        let before = fitting(before, old_before, now_before, units);
        let behind = fitting(behind, old_behind, now_behind, units);
        let commas = commas.unwrap_or_else(|| Commas::natural(&before, core, &behind));
        let (before, behind) = match commas {
            Commas::Keep => (before, behind),
            Commas::DropBefore => (without_comma(&before)?, behind),
            Commas::DropBehind => (before, without_comma(&behind)?),
            Commas::DropBoth => (without_comma(&before)?, without_comma(&behind)?),
        };
        let text = [before, indented(core, units), behind].concat();
        Some(Replacement::new(texts.formatted.around(&self.old), text))
    }
}

/// A gap of the hunk, as the formatter has it where the hunk left it alone. Where the hunk only changed
/// how many lines there are in it, the indentation behind them is the formatter's.
fn fitting(gap: &str, old: &str, now: &str, units: Option<Units>) -> String {
    if gap == old {
        return now.to_owned();
    }
    let indent = |gap: &str| gap.rfind('\n').map(|at| at + 1);
    let parts = (indent(gap), indent(old), indent(now));
    if let (Some(gap_at), Some(old_at), Some(now_at)) = parts
        && gap.get(gap_at..) == old.get(old_at..)
        && let (Some(lines), Some(indent)) = (gap.get(..gap_at), now.get(now_at..))
    {
        return [lines, indent].concat();
    }
    indented(gap, units)
}

/// A step of indentation before, and one now.
type Units = (IndentUnit, IndentUnit);

/// Code with as many steps of indentation as it has, of another unit.
fn indented(code: &str, units: Option<Units>) -> String {
    let Some((old, new)) = units else {
        return code.to_owned();
    };
    let step = |unit: IndentUnit| match unit {
        IndentUnit::Tabs => "\t".to_owned(),
        IndentUnit::Spaces(width) => " ".repeat(width.into()),
    };
    let (old, new) = (step(old), step(new));
    let mut out = String::with_capacity(code.len());
    for (at, line) in pleach_text::lines(code).enumerate() {
        let mut rest = line;
        // The first line goes on where the one before it ends.
        while at > 0
            && let Some(inner) = rest.strip_prefix(old.as_str())
        {
            out.push_str(&new);
            rest = inner;
        }
        out.push_str(rest);
    }
    out
}

/// A gap without its comma and the blanks before it.
fn without_comma(gap: &str) -> Option<String> {
    let (head, tail) = gap.split_once(',')?;
    Some(if tail.trim().is_empty() && head.trim().is_empty() {
        // The comma of the hunk takes its place; what comes behind goes on where it did.
        String::new() + if tail.contains('\n') { "" } else { tail }
    } else {
        [head, tail].concat()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What becomes of `base`, once formatted to `formatted`, when a hunk turns `base` into `wanted`.
    fn put(path: &str, base: &str, wanted: &str, formatted: &str) -> Option<String> {
        let hunk = ChangeSet::between(base, wanted).into_replacements();
        let since = ChangeSet::between(base, formatted);
        let hunk = Moving {
            replacements: &hunk,
            is_clear: false,
        };
        let moved = reformatted(path, base, &[hunk], &since).pop()??;
        let moved = ChangeSet::new(moved, formatted.len().into()).unwrap();
        Some(moved.apply_to_str(formatted).unwrap())
    }

    #[test]
    fn a_call_that_was_broken_into_lines_gets_its_new_argument() {
        let formatted = "call(\n    first,\n    second,\n)\n";
        assert_eq!(
            put(
                "a.js",
                "call(first, second)\n",
                "call(first, other)\n",
                formatted
            )
            .unwrap(),
            "call(\n    first,\n    other,\n)\n"
        );
        assert_eq!(
            put(
                "a.js",
                "call(first, second)\n",
                "call(first, second, third)\n",
                formatted
            )
            .unwrap(),
            "call(\n    first,\n    second, third,\n)\n"
        );
    }

    #[test]
    fn a_line_goes_between_lines_that_were_indented_anew() {
        assert_eq!(
            put(
                "a.rs",
                "fn f() {\n  a();\n  b();\n}\n",
                "fn f() {\n  a();\n  new();\n  b();\n}\n",
                "fn f() {\n    a();\n    b();\n}\n",
            )
            .unwrap(),
            "fn f() {\n    a();\n    new();\n    b();\n}\n"
        );
    }

    #[test]
    fn quotes_in_another_style_are_no_change() {
        assert_eq!(
            put(
                "a.py",
                "f('a', 'b')\n",
                "f('a', 'c')\n",
                "f(\"a\", \"b\")\n"
            )
            .unwrap(),
            "f(\"a\", 'c')\n"
        );
    }

    #[test]
    fn what_is_more_than_formatting_is_not_taken_for_it() {
        let base = "if x:\n    a()\n    b()\n";
        let wanted = "if x:\n    a()\n    c()\n";
        assert_eq!(put("a.py", base, wanted, "if x:\n    a()\nb()\n"), None);
        assert_eq!(
            put("a.txt", "a b\n", "a c\n", "a  b\n"),
            None,
            "no grammar, no proof"
        );
        assert_eq!(put("a.js", "f(a, b)\n", "f(a, c)\n", "f(a, d)\n"), None);
    }

    #[test]
    fn typing_elsewhere_is_told_from_formatting_here() {
        assert_eq!(
            put(
                "a.rs",
                "fn f() { a( 1 ) }\n\nfn g() {}\n\nfn h() {}\n",
                "fn f() { a( 2 ) }\n\nfn g() {}\n\nfn h() {}\n",
                "fn f() {\n    a(1)\n}\n\nfn g() {}\n\nfn h() { typed() }\n",
            )
            .unwrap(),
            "fn f() {\n    a(2)\n}\n\nfn g() {}\n\nfn h() { typed() }\n"
        );
    }
}
