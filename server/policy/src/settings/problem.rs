//! What is wrong in a settings file, told so that it can be put right.

use std::fmt;

use pleach_text::ByteRange;

use super::secrets;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Something that was asked for does not happen.
    Error,
    /// Something has no effect, or is unwise.
    Warning,
}

/// Something in a settings file that cannot be used, or should not be. The rest takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsProblem {
    /// The place of the key (of the item, in a list); empty where there is no file.
    pub range: ByteRange,
    /// How bad it is.
    pub severity: Severity,
    /// A stable name for programs.
    pub code: &'static str,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl SettingsProblem {
    pub(super) fn error(range: ByteRange, code: &'static str, message: String) -> Self {
        Self {
            range,
            severity: Severity::Error,
            code,
            message,
        }
    }

    pub(super) fn warning(range: ByteRange, code: &'static str, message: String) -> Self {
        Self {
            range,
            severity: Severity::Warning,
            code,
            message,
        }
    }
}

impl fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The longest piece of a file that a message repeats.
const MAX_SHOWN: usize = 60;

/// A key or a word from the file as a message may repeat it: never what could be a secret.
pub(super) fn shown(text: &str) -> String {
    let plain = text.len() <= MAX_SHOWN && !text.chars().any(char::is_control);
    if plain && !secrets::look_like_one(text) {
        format!("`{text}`")
    } else {
        "what stands here".to_owned()
    }
}

/// The known name that was most likely meant.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let written = plain(written);
    known
        .into_iter()
        .filter_map(|name| {
            let distance = distance(&written, &plain(name));
            let shorter = written.chars().count().min(name.chars().count());
            // A third of the letters may be wrong; or one is the other's beginning.
            let near = distance <= (shorter / 3).max(1)
                || (shorter >= 3 && (name.starts_with(&written) || written.starts_with(name)))
                || same_words(&written, name);
            near.then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// Whether the two begin alike up to their last word: `idle_secs`, `idle_seconds`.
fn same_words(one: &str, other: &str) -> bool {
    match (one.rsplit_once('_'), other.rsplit_once('_')) {
        (Some((one, last)), Some((other, other_last))) => {
            one == other && last.chars().next() == other_last.chars().next()
        }
        _ => false,
    }
}

/// How many letters must be put in, left out, changed or swapped with their neighbour to get from one
/// to the other (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other_letter) in other.iter().enumerate() {
            let at =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column + 1) + 1)
                .min(at(&next, column) + 1)
                .min(at(&last, column) + usize::from(letter != other_letter));
            let swapped = row > 0
                && column > 0
                && one.get(row - 1) == Some(other_letter)
                && other.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name() {
        let known = [
            "engine",
            "providers",
            "actions",
            "edits",
            "limits",
            "log",
            "idle_seconds",
        ];
        for (written, meant) in [
            ("engin", Some("engine")),
            ("Provider", Some("providers")),
            ("limtis", Some("limits")),
            ("logging", Some("log")),
            ("idle-secs", Some("idle_seconds")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }

    #[test]
    fn a_swap_is_one_step() {
        assert_eq!(distance("limtis", "limits"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn messages_repeat_no_secret() {
        assert_eq!(shown("limits"), "`limits`");
        assert_eq!(shown("sk-123"), "what stands here");
        assert_eq!(shown(&"x".repeat(100)), "what stands here");
    }
}
