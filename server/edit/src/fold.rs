//! The forms in which two lines may be called the same, from strict to lenient.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// How much of a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Every byte (line endings are not part of a line).
    Exact,
    /// Blanks at the end do not count.
    End,
    /// Nor does the difference between look-alike characters.
    Fold,
    /// Blanks at both ends do not count.
    Trim,
    /// Nor does the difference between look-alike characters.
    TrimFold,
    /// No white space counts, nor does the difference between look-alike characters.
    Dense,
}

impl Form {
    /// The line in this form.
    pub(crate) fn of(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(line),
            Self::End => Cow::Borrowed(line.trim_end()),
            Self::Trim => Cow::Borrowed(line.trim()),
            Self::Fold => fold(line.trim_end(), false),
            Self::TrimFold => fold(line.trim(), false),
            Self::Dense => fold(line, true),
        }
    }

    /// A number that is the same for lines that are the same in this form (and, but for an
    /// accident of one in 2⁶⁴, only for those). It is another one in the next process.
    pub(crate) fn key(self, line: &str) -> u64 {
        self.key_by(line, &mut Vec::new())
    }

    /// Like [`Form::key`], with a buffer that is used again and again.
    pub(crate) fn key_by(self, line: &str, buffer: &mut Vec<u8>) -> u64 {
        if self == Self::Dense && line.is_ascii() {
            buffer.clear();
            for word in line.as_bytes().split(|byte| is_ascii_space(*byte)) {
                buffer.extend_from_slice(word);
            }
            return number(buffer);
        }
        number(self.of(line).as_bytes())
    }

    pub(crate) fn same(self, one: &str, other: &str) -> bool {
        one == other || (self != Self::Exact && self.of(one) == self.of(other))
    }
}

/// The seed of all keys. It is drawn anew in each process, so that nobody can write two lines that
/// have one key by design.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

fn number(bytes: &[u8]) -> u64 {
    let mut hasher = SEED.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// What [`char::is_whitespace`] says of a byte that is a character.
fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// What a look-alike character is compared as; `None` when it stands for itself.
pub(crate) fn look_alike(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' | '\u{ff07}' => "'",
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{2033}' | '\u{ff02}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => "-",
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            " "
        }
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => "",
        '\u{2026}' => "...",
        _ => return None,
    })
}

fn fold(line: &str, dense: bool) -> Cow<'_, str> {
    if line.is_ascii() {
        if !dense || !line.bytes().any(is_ascii_space) {
            return Cow::Borrowed(line);
        }
        return Cow::Owned(
            line.chars()
                .filter(|character| !character.is_whitespace())
                .collect(),
        );
    }
    let mut plain = String::with_capacity(line.len());
    for character in line.chars() {
        match look_alike(character) {
            Some(text) => plain.push_str(text),
            None => plain.push(character),
        }
    }
    let mut out = match is_nfc_quick(plain.chars()) {
        IsNormalized::Yes => plain,
        _ => plain.nfc().collect(),
    };
    if dense {
        out.retain(|character| !character.is_whitespace());
    } else {
        // A look-alike blank at an end has become a blank that does not count either.
        let end = out.trim_end().len();
        out.truncate(end);
    }
    Cow::Owned(out)
}

/// A text without white space and with look-alikes folded.
pub(crate) fn dense(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_dense(&mut out, character);
    }
    out
}

/// The [`dense`] form of a text, and where its bytes come from.
pub(crate) struct Dense {
    text: String,
    /// For each [`STRIDE`] bytes of the form: a place in it, and the place in the text.
    marks: Vec<(usize, usize)>,
}

/// How far two marks of a [`Dense`] text are apart.
const STRIDE: usize = 1_024;

impl Dense {
    pub(crate) fn of(text: &str) -> Self {
        let mut dense = Self {
            text: String::with_capacity(text.len()),
            marks: Vec::new(),
        };
        for (at, character) in text.char_indices() {
            let reached = dense.text.len();
            if reached >= dense.marks.len() * STRIDE {
                dense.marks.push((reached, at));
            }
            push_dense(&mut dense.text, character);
        }
        dense
    }

    /// The form itself.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The first byte of the character of the text that a byte of the form comes from.
    pub(crate) fn origin(&self, text: &str, place: usize) -> Option<usize> {
        let mark = self.marks.partition_point(|(reached, _)| *reached <= place);
        let (mut reached, from) = *self.marks.get(mark.checked_sub(1)?)?;
        let mut one = String::new();
        text.get(from..)?
            .char_indices()
            .find(|(_, character)| {
                one.clear();
                push_dense(&mut one, *character);
                reached += one.len();
                reached > place
            })
            .map(|(at, _)| from + at)
    }
}

fn push_dense(out: &mut String, character: char) {
    if character.is_whitespace() {
        return;
    }
    match look_alike(character) {
        Some(plain) => out.push_str(plain.trim()),
        None => out.push(character),
    }
}

/// How alike two lines are, 0 to 1: twice the letters they share in order at both ends and by
/// pairs of letters elsewhere, over the letters of both. Linear in their length.
pub(crate) fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (Form::Dense.of(one), Form::Dense.of(other));
    if one == other {
        return 1.0;
    }
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest = one.len().min(other.len()) - head;
    let tail = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    let (one, other) = (
        one.get(head..one.len() - tail).unwrap_or(&[]),
        other.get(head..other.len() - tail).unwrap_or(&[]),
    );
    let shared = shared_pairs(one, other);
    let total = 2 * (head + tail) + one.len() + other.len();
    ratio(2 * (head + tail) + 2 * shared, total)
}

/// Which pairs of neighbouring bytes a line has, to see at a glance that another is not like it.
pub(crate) struct Pairs {
    len: usize,
    seen: Vec<u64>,
}

impl Pairs {
    pub(crate) fn of(line: &str) -> Self {
        let dense = Form::Dense.of(line);
        let mut seen = vec![0u64; 1 << 10];
        for pair in dense.as_bytes().windows(2) {
            let (word, bit) = place_of(pair);
            if let Some(word) = seen.get_mut(word) {
                *word |= bit;
            }
        }
        Self {
            len: dense.len(),
            seen,
        }
    }

    /// Above this their [`likeness`] is not. What both share at their ends and the pairs that they
    /// share between are pairs of the other line that this one has, but for one at each end.
    pub(crate) fn most_likeness(&self, other: &str) -> f64 {
        if !other.is_ascii() {
            return 1.0;
        }
        let (mut len, mut shared, mut last) = (0, 0, None);
        for byte in other.bytes().filter(|byte| !is_ascii_space(*byte)) {
            if let Some(last) = last {
                let (word, bit) = place_of(&[last, byte]);
                let has = self.seen.get(word).is_some_and(|word| word & bit != 0);
                shared += usize::from(has);
            }
            last = Some(byte);
            len += 1;
        }
        ratio(2 * (shared + 2), self.len + len).min(1.0)
    }
}

/// The word and the bit that stand for a pair of bytes.
fn place_of(pair: &[u8]) -> (usize, u64) {
    let number = pair
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    (number >> 6, 1 << (number & 63))
}

/// How many neighbouring pairs of bytes both hold, each counted as often as the poorer side has it.
fn shared_pairs(one: &[u8], other: &[u8]) -> usize {
    let pairs = |bytes: &[u8]| {
        let mut pairs: Vec<[u8; 2]> = bytes
            .windows(2)
            .filter_map(|pair| pair.try_into().ok())
            .collect();
        pairs.sort_unstable();
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let (mut a, mut b) = (one.iter().peekable(), other.iter().peekable());
    let mut shared = 0;
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => drop(a.next()),
            std::cmp::Ordering::Greater => drop(b.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                a.next();
                b.next();
            }
        }
    }
    shared
}

/// A share of a whole, for scores.
#[allow(clippy::cast_precision_loss)] // Counts of lines and bytes are far below 2⁵².
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_go_from_strict_to_lenient() {
        assert!(!Form::Exact.same("a ", "a"));
        assert!(Form::End.same("a ", "a"));
        assert!(!Form::End.same("it's", "it’s"));
        assert!(Form::Fold.same("it's \"so\" - yes...", "it’s “so” – yes…"));
        assert!(Form::Fold.same("cafe\u{301}", "café"));
        assert!(Form::Trim.same("\ta", "    a"));
        assert!(Form::Dense.same("f( a,b )", "f(a, b)"));
        assert!(!Form::Dense.same("f(a)", "f(b)"));
    }

    #[test]
    fn a_misspelt_line_is_much_alike() {
        assert!(
            likeness(
                "sudo systemctl enable docker",
                "suo systemctl enable docker"
            ) > 0.9
        );
        assert!(likeness("let a = 1;", "return None") < 0.5);
    }
}
