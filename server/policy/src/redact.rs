//! Takes what looks like a key out of a text, before it is written to a log or a screen.
//!
//! The last of several nets: keys are kept in types that do not print themselves. This one catches
//! what comes from outside, such as a server's complaint that repeats the key it was sent, which need
//! not be the one that is set here: a proxy may add its own.

use std::borrow::Cow;

/// What stands in a key's place.
const MARK: &str = "[redacted]";
/// Beginnings of the keys that well-known services hand out.
const PREFIXES: [&str; 16] = [
    "sk-",
    "sk_",
    "pk-",
    "rk_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "gsk_",
    "hf_",
    "xoxb-",
    "xoxp-",
    "AIza",
    "AKIA",
    "eyJ",
];
/// No real key is shorter.
const SHORTEST: usize = 12;
/// Names whose value is taken for a key when `:` or `=` stands between.
const NAMES: [&str; 8] = [
    "api_key",
    "api-key",
    "apikey",
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
];
/// Words before a key in a header.
const SCHEMES: [&str; 2] = ["bearer", "basic"];
/// Words that a key is spoken of with, in a sentence: `Incorrect API key provided: …`.
const MENTIONS: [&str; 6] = [
    "key",
    "token",
    "secret",
    "password",
    "credential",
    "credentials",
];
/// How many words may stand between such a word and the key.
const NEAR: usize = 4;
/// No run of letters and digits that a service hands out as a key is shorter.
const SHORTEST_BARE: usize = 16;

/// `text` with everything that looks like a key replaced by `[redacted]`: what begins as the keys of
/// well-known services do, what a name such as `api_key:` or a header announces, and long mixtures of
/// letters and digits where the sentence speaks of a key.
///
/// ```
/// use pleach_policy::redact;
///
/// assert_eq!(redact("Incorrect API key provided: 0a1b2c3d4e5f6a7b8c9d."), "Incorrect API key provided: [redacted].");
/// assert_eq!(redact("request 0a1b2c3d4e5f6a7b8c9d failed"), "request 0a1b2c3d4e5f6a7b8c9d failed");
/// ```
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let (mut before, mut before_end) = ("", 0);
    let mut since_mention = usize::MAX;
    for (start, word) in words(text) {
        let between = text.get(before_end..start).unwrap_or_default();
        // The end of a sentence is no part of a key.
        let word = word.trim_end_matches('.');
        since_mention = since_mention.saturating_add(1);
        if looks_like_key(word)
            || is_named(before, between, word)
            || (since_mention <= NEAR && is_bare_key(word))
        {
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(MARK);
            copied = start + word.len();
        } else if MENTIONS
            .iter()
            .any(|mention| word.eq_ignore_ascii_case(mention))
        {
            since_mention = 0;
        }
        (before, before_end) = (word, start + word.len());
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Whether the words before `word` say that it is a key.
fn is_named(before: &str, between: &str, word: &str) -> bool {
    let before = before.to_ascii_lowercase();
    if SCHEMES.contains(&before.as_str()) {
        // Not "basic checks": a key is hardly ever made of small letters alone.
        return between == " " && !word.chars().all(|c| c.is_ascii_lowercase());
    }
    let is_scheme = SCHEMES
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme));
    NAMES.iter().any(|name| before.ends_with(name))
        && between.contains([':', '='])
        && !is_scheme
        && word.len() >= 4
}

/// The runs of characters that keys are made of, and where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(|c: char| !is_of_key(c))
        .filter_map(move |piece| {
            let start = at;
            at += piece.len();
            let word = piece.trim_end_matches(|c: char| !is_of_key(c));
            (!word.is_empty()).then_some((start, word))
        })
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+/~".contains(c)
}

/// A long mixture of letters and digits that is no path.
fn is_bare_key(word: &str) -> bool {
    word.len() >= SHORTEST_BARE
        && !word.starts_with(['/', '~', '.'])
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(|c| c.is_ascii_alphabetic())
}

fn looks_like_key(word: &str) -> bool {
    word.len() >= SHORTEST && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out_wherever_they_stand() {
        for (text, clean) in [
            ("key sk-abcdefghijklmnop.", "key [redacted]."),
            (
                "Authorization: Bearer abc.def-ghi",
                "Authorization: Bearer [redacted]",
            ),
            (
                "{\"api_key\":\"hunter2hunter2\"}",
                "{\"api_key\":\"[redacted]\"}",
            ),
            ("OPENAI_API_KEY=hunter2", "OPENAI_API_KEY=[redacted]"),
            (
                "Authorization: Basic dXNlcjpwYXNz",
                "Authorization: Basic [redacted]",
            ),
            (
                "Incorrect API key provided: 5f2b9c0d1e8a7b6c4d3e. Find yours at example.org.",
                "Incorrect API key provided: [redacted]. Find yours at example.org.",
            ),
            (
                "The token \"q8ZbT0xkLw2m9PfRs4Yv\" has expired",
                "The token \"[redacted]\" has expired",
            ),
            ("?key=AIzaSyA1234567890abc&x=1", "?key=[redacted]&x=1"),
        ] {
            assert_eq!(redact(text), clean, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_stays() {
        for text in [
            "opened src/task-list.rs in 3 ms",
            "the secret could not be read, basic checks passed",
            "max_output_tokens: 4096, api_key is not set",
            "sk-short",
            "the key of /srv/shelf-2026-11-21/key.toml",
            "request 0a1b2c3d4e5f6a7b8c9d wants a key, and none is set",
            "größe: 12, Schlüssel: keiner",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
