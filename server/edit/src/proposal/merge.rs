//! What somebody else's changes of a text mean for a hunk that was made for the text before them.

use pleach_text::{ByteOffset, ByteRange, ChangeSet, Replacement, is_line_start, whole_lines};

/// How a hunk stands to the text that came of the one it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HunkState {
    /// Nothing was changed where the hunk is; it only moved.
    Clear,
    /// Something was changed in the same place: a conflict, unless it was only formatting.
    Touched,
    /// The text has the change already.
    There,
}

/// How far a word is followed beyond the place of a change, in characters.
const MAX_WORD: usize = 1024;

/// How a hunk stands to the changes `since` of the text `base` that both were made for.
pub(super) fn state(base: &str, hunk: &[Replacement], since: &ChangeSet) -> HunkState {
    let lines = lines_around(base, hunk);
    let near = near(since, lines);
    if near.is_empty() {
        return HunkState::Clear;
    }
    if hunk.iter().all(|ours| near.contains(ours)) || makes_the_same(base, hunk, near, lines) {
        return HunkState::There;
    }
    let clash = hunk
        .iter()
        .any(|ours| near.iter().any(|theirs| conflict(base, ours, theirs)));
    if clash {
        HunkState::Touched
    } else {
        HunkState::Clear
    }
}

/// Whether everything that a hunk does is among some changes of the same text.
pub(super) fn contains(changes: &ChangeSet, hunk: &[Replacement]) -> bool {
    let all = changes.replacements();
    let start = |one: &Replacement| one.delete.start;
    !hunk.is_empty()
        && hunk.iter().all(|ours| {
            let found = all.binary_search_by_key(&start(ours), start);
            found.ok().and_then(|at| all.get(at)) == Some(ours)
        })
}

/// Whether both are about the same bytes or the same word, or put something in at the same point, or the
/// same side by side.
/// Two that are alike are no conflict: the second is there already.
pub(super) fn conflict(base: &str, ours: &Replacement, theirs: &Replacement) -> bool {
    ours != theirs
        && (overlap(ours.delete, theirs.delete)
            || overlap(widen(base, ours), widen(base, theirs))
            || repeats(ours, theirs)
            || repeats(theirs, ours))
}

/// Whether what a hunk puts in stands at its place already, in changes as they were told.
pub(super) fn is_repeated(base: &str, hunk: &[Replacement], told: &ChangeSet) -> bool {
    let near = near(told, lines_around(base, hunk));
    hunk.iter()
        .any(|ours| near.iter().any(|theirs| repeats(ours, theirs)))
}

/// Whether one puts in, right at a border of the other, what the other has there already: as when what
/// landed was typed next to since, or taken out again in part.
fn repeats(one: &Replacement, other: &Replacement) -> bool {
    let (text, there) = (one.insert.as_str(), other.insert.as_str());
    text.contains(char::is_alphanumeric)
        && (one.delete.is_empty() || other.delete.is_empty())
        && ((one.delete.start == other.delete.start && there.starts_with(text))
            || (one.delete.end == other.delete.end && there.ends_with(text)))
}

fn overlap(one: ByteRange, other: ByteRange) -> bool {
    let inside = |point: ByteRange, stretch: ByteRange| {
        stretch.start < point.start && point.start < stretch.end
    };
    match (one.is_empty(), other.is_empty()) {
        (true, true) => one.start == other.start,
        (true, false) => inside(one, other),
        (false, true) => inside(other, one),
        (false, false) => one.intersects(other),
    }
}

/// What a change is about: the words that it begins or ends inside of belong to it as a whole, so that
/// `1` made `2` here and `10` there are no `20`. So do both halves of a CRLF.
fn widen(base: &str, change: &Replacement) -> ByteRange {
    let ByteRange { start, end } = change.delete;
    let (Some(head), Some(tail)) = (base.get(..start.0), base.get(end.0..)) else {
        return change.delete;
    };
    let old = change.delete.of(base).unwrap_or_default();
    let (left, right) = (head.chars().next_back(), tail.chars().next());
    let is_word = |char: Option<char>| char.is_some_and(in_word);
    let first = |text: &str| text.chars().next().or(right);
    let last = |text: &str| text.chars().next_back().or(left);
    let mut wide = change.delete;
    if is_word(left) && (is_word(first(old)) || is_word(first(&change.insert))) {
        let word: usize = word_of(head.chars().rev());
        wide.start = ByteOffset(start.0.saturating_sub(word));
    }
    if is_word(right) && (is_word(last(old)) || is_word(last(&change.insert))) {
        wide.end = end + word_of(tail.chars());
    }
    if left == Some('\r') && first(old) == Some('\n') {
        wide.start = ByteOffset(start.0.saturating_sub(1));
    }
    if right == Some('\n') && last(old) == Some('\r') {
        wide.end = end + 1;
    }
    wide
}

fn word_of(chars: impl Iterator<Item = char>) -> usize {
    chars
        .take(MAX_WORD)
        .take_while(|char| in_word(*char))
        .map(char::len_utf8)
        .sum()
}

/// Whether a character belongs to a word. What is not ASCII does: it may be a letter, or a mark that is
/// drawn together with the character before it.
fn in_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || !char.is_ascii()
}

/// Whether nothing was changed in the lines of a hunk, nor at their borders.
pub(super) fn is_alone(base: &str, hunk: &[Replacement], since: &ChangeSet) -> bool {
    near(since, lines_around(base, hunk)).is_empty()
}

/// The replacements of `since` that touch a stretch of lines or the line breaks at its borders.
pub(super) fn near(since: &ChangeSet, lines: ByteRange) -> &[Replacement] {
    let from = ByteOffset(lines.start.0.saturating_sub("\r\n".len()));
    let to = lines.end + "\r\n".len();
    let all = since.replacements();
    let first = all.partition_point(|one| one.delete.end < from);
    let rest = all.get(first..).unwrap_or_default();
    let count = rest.partition_point(|one| one.delete.start <= to);
    rest.get(..count).unwrap_or_default()
}

/// Whether the two lead to one text where they are, however they are written down.
fn makes_the_same(
    base: &str,
    hunk: &[Replacement],
    theirs: &[Replacement],
    lines: ByteRange,
) -> bool {
    let stretch = theirs
        .iter()
        .fold(lines, |stretch, one| stretch.cover(one.delete));
    match (applied(base, stretch, hunk), applied(base, stretch, theirs)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => false,
    }
}

/// A stretch of a text with replacements that lie in it.
pub(super) fn applied(
    base: &str,
    stretch: ByteRange,
    replacements: &[Replacement],
) -> Option<String> {
    let mut out = String::new();
    let mut at = stretch.start;
    for Replacement { delete, insert } in replacements {
        out.push_str(base.get(at.0..delete.start.0)?);
        out.push_str(insert);
        at = delete.end;
    }
    out.push_str(base.get(at.0..stretch.end.0)?);
    Some(out)
}

/// The lines that a hunk changes, whole, with the one that it joins to them; an empty stretch where it
/// only puts whole lines in.
pub(super) fn lines_around(base: &str, hunk: &[Replacement]) -> ByteRange {
    hunk.iter()
        .map(|one| {
            let ByteRange { start, end } = one.delete;
            let starts = is_line_start(base, start);
            let still_starts = match one.insert.as_str() {
                "" => starts,
                insert => insert.ends_with(['\n', '\r']),
            };
            if !(still_starts && is_line_start(base, end)) {
                let behind = whole_lines(base, ByteRange::empty(end));
                whole_lines(base, one.delete).cover(behind)
            } else if starts {
                one.delete
            } else {
                whole_lines(base, one.delete)
            }
        })
        .reduce(ByteRange::cover)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// How a change from `base` to `ours` stands once `base` has become `theirs`.
    fn met(base: &str, ours: (usize, usize, &str), theirs: (usize, usize, &str)) -> HunkState {
        let make =
            |(start, end, insert): (usize, usize, &str)| Replacement::new(start..end, insert);
        let since = ChangeSet::new(vec![make(theirs)], ByteOffset(base.len())).unwrap();
        state(base, &[make(ours)], &since)
    }

    #[test]
    fn one_word_is_one_thing() {
        let base = "let x = 1; y";
        assert_eq!(met(base, (8, 9, "2"), (9, 9, "0")), HunkState::Touched);
        assert_eq!(met(base, (8, 9, "2"), (10, 10, " z")), HunkState::Clear);
        assert_eq!(met(base, (4, 5, "a"), (8, 9, "2")), HunkState::Clear);
        // An accent put on a letter that the hunk replaces.
        assert_eq!(
            met("e = 1", (0, 1, "a"), (1, 1, "\u{301}")),
            HunkState::Touched
        );
        // A parameter behind one that gets another name.
        assert_eq!(met("f(x)", (2, 3, "z"), (3, 3, ", y")), HunkState::Clear);
        // Two words made one, and one of them made another.
        assert_eq!(met("ab cd", (0, 2, "xx"), (2, 3, "")), HunkState::Touched);
    }

    #[test]
    fn the_same_change_is_there_already_however_it_was_typed() {
        let base = "a\nb\n";
        assert_eq!(
            met(base, (2, 2, "new\n"), (1, 1, "\nnew")),
            HunkState::There
        );
        assert_eq!(
            met(base, (2, 2, "new\n"), (2, 2, "new\n")),
            HunkState::There
        );
        assert_eq!(
            met(base, (2, 2, "new\n"), (2, 2, "other\n")),
            HunkState::Touched
        );
        assert_eq!(met(base, (2, 3, ""), (2, 4, "\n")), HunkState::There);
    }
}
