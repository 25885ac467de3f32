//! Takes secrets out of texts that leave the machine, and puts them back into what returns.
//!
//! What counts as a secret: what has the published form of a service's key, a private key block, the
//! password in an address, and what a name such as `api_key` or `password` is given, if it looks like a
//! value somebody was given rather than an example. What does not: identifiers (UUIDs, hashes, the
//! integrity of packages), images in base 64, variables and templates, and values that say themselves
//! that they are examples.

mod assigned;
mod forms;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::paths::{RefusalReason, withheld};

/// What stands in the place of a secret: this, and a number. A word in every language of programs and
/// of settings, so that a file stays what it is, and long enough to be nobody's own.
const PLACEHOLDER: &str = "PLEACH_SECRET_";

/// A shorter secret is hidden where it was found only: it may be a part of many words.
const SHORTEST: usize = 6;

/// Every placeholder.
static PLACEHOLDERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!("{PLACEHOLDER}[0-9]{{1,9}}")).ok());

/// The secrets of one job: hidden in what is sent, and restored in what comes back.
///
/// ```
/// use pleach_policy::Secrets;
///
/// let mut secrets = Secrets::default();
/// let sent = secrets.hide(Some("src/api.py"), "token = 'ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO'\n");
/// assert_eq!(sent, "token = 'PLEACH_SECRET_1'\n");
/// assert_eq!(secrets.restore("TOKEN = 'PLEACH_SECRET_1'\n"), "TOKEN = 'ghp_4nV8sT2kQ9xZ7mB1cR5wY3pL6dF0hJaGeUiO'\n");
/// assert_eq!(secrets.count(), 1);
/// ```
#[derive(Default, Clone)]
pub struct Secrets {
    /// Each secret and its number, which begins at 1.
    numbers: BTreeMap<String, usize>,
    /// In the order of their numbers.
    originals: Vec<String>,
}

/// Without the secrets.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.count())
    }
}

impl Secrets {
    /// `text` with a placeholder for each secret in it; the same for the same secret. `path` tells what
    /// is no secret in such a file: the hashes of a lock file, the expressions of a program.
    ///
    /// Files that hold nothing but secrets are not for this: see [`is_withheld`].
    pub fn hide<'a>(&mut self, path: Option<&str>, text: &'a str) -> Cow<'a, str> {
        let mut spans = apart(found(path, text));
        for span in &spans {
            self.number(text.get(span.clone()).unwrap_or_default());
        }
        // What is known by now is hidden wherever it stands, also where nothing tells what it is.
        for original in &self.originals {
            if original.len() >= SHORTEST {
                let places = text.match_indices(original.as_str());
                spans.extend(places.map(|(at, found)| at..at + found.len()));
            }
        }
        let spans = apart(spans);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for span in spans {
            out.push_str(text.get(copied..span.start).unwrap_or_default());
            let number = self.number(text.get(span.clone()).unwrap_or_default());
            out.push_str(PLACEHOLDER);
            out.push_str(&number.to_string());
            copied = span.end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// `text` with the secrets back in their places. Placeholders that nobody has set stay.
    pub fn restore<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(placeholders) = PLACEHOLDERS.as_ref().filter(|_| !self.originals.is_empty())
        else {
            return Cow::Borrowed(text);
        };
        placeholders.replace_all(text, |found: &regex::Captures<'_>| {
            let whole = found.get(0).map_or("", |whole| whole.as_str());
            let number = whole
                .strip_prefix(PLACEHOLDER)
                .and_then(|number| number.parse::<usize>().ok());
            let original = number.and_then(|number| self.originals.get(number.checked_sub(1)?));
            original.map_or(whole, String::as_str).to_owned()
        })
    }

    /// How much of a text that still grows can be restored: up to where a placeholder may have begun.
    pub fn settled(text: &str) -> usize {
        // The longest placeholder is the word and nine digits.
        let mut from = text.len().saturating_sub(PLACEHOLDER.len() + 9);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let tail = text.get(from..).unwrap_or_default();
        let begins = |at: usize| {
            let rest = tail.get(at..).unwrap_or_default();
            !rest.is_empty()
                && (PLACEHOLDER.starts_with(rest)
                    || rest
                        .strip_prefix(PLACEHOLDER)
                        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())))
        };
        let begun = tail.char_indices().map(|(at, _)| at).find(|at| begins(*at));
        begun.map_or(text.len(), |at| from + at)
    }

    /// How many different secrets were hidden.
    pub fn count(&self) -> usize {
        self.originals.len()
    }

    fn number(&mut self, secret: &str) -> usize {
        if let Some(number) = self.numbers.get(secret) {
            return *number;
        }
        self.originals.push(secret.to_owned());
        let number = self.originals.len();
        self.numbers.insert(secret.to_owned(), number);
        number
    }
}

/// Whether a file of this name is never sent, whatever it holds: environments with values, private keys,
/// stores of passwords. By its name alone; where it lies does not matter.
///
/// ```
/// assert!(pleach_policy::is_withheld("/srv/app/.env.production"));
/// assert!(pleach_policy::is_withheld("deploy\\id_ed25519"));
/// assert!(!pleach_policy::is_withheld(".env.example"));
/// ```
pub fn is_withheld(path: &str) -> bool {
    let path = path.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    matches!(withheld(&parts), Some(RefusalReason::Secret))
}

/// Where secrets stand in a text.
fn found(path: Option<&str>, text: &str) -> Vec<Range<usize>> {
    let mut spans = forms::find(text);
    spans.extend(assigned::find(path, text));
    // What looks like a placeholder of ours and is not: it must come back as it was.
    if let Some(placeholders) = PLACEHOLDERS.as_ref()
        && text.contains(PLACEHOLDER)
    {
        spans.extend(placeholders.find_iter(text).map(|found| found.range()));
    }
    let images = forms::embedded_files(text);
    spans.retain(|span| {
        !images
            .iter()
            .any(|image| image.start <= span.start && span.end <= image.end)
    });
    spans
}

/// The same places in order, those that overlap joined.
fn apart(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| (span.start, usize::MAX - span.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// Shannon's entropy of the characters, in bits for each.
fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut total = 0_u32;
    for char in text.chars() {
        *counts.entry(char).or_default() += 1;
        total += 1;
    }
    counts
        .values()
        .map(|count| {
            let share = f64::from(*count) / f64::from(total);
            -share * share.log2()
        })
        .sum()
}

/// Whether a value says itself that it is none: `your-api-key`, `<token>`, `xxxxxxxx`, `${TOKEN}`.
fn is_example(value: &str) -> bool {
    const WORDS: [&str; 20] = [
        "example",
        "sample",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "change_this",
        "your_",
        "your-",
        "yourp",
        "yours",
        "yourt",
        "yourk",
        "youra",
        "dummy",
        "redacted",
        "xxxx",
        "****",
        "....",
        "insert_",
    ];
    let lower = value.to_ascii_lowercase();
    let distinct: std::collections::BTreeSet<char> = lower.chars().collect();
    WORDS.iter().any(|word| lower.contains(word)) || distinct.len() <= 3
}

#[cfg(test)]
mod tests;
