//! The few lines of settings at the head of a Markdown file, between two lines of `---`.
//!
//! What people write there is looser than YAML: Cursor's own rule files say `globs: *.ts,*.tsx`, which
//! YAML takes for an alias. So this reads what all of them mean: `key: value`, lists as `[a, b]` or as
//! lines of `- item`, quotes, and comments. Everything else is a problem at its place.

use pleach_text::ByteRange;

/// A file's front matter, read without ever failing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrontMatter<'t> {
    /// The keys in the order of the file. A key that comes twice is there twice.
    pub entries: Vec<FrontMatterEntry<'t>>,
    /// The byte at which the text below it begins: 0 where there is no front matter.
    pub body: usize,
    /// What cannot be read, in the order of the file.
    pub problems: Vec<FrontMatterProblem>,
}

/// One key and its values. Ranges are bytes of the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontMatterEntry<'t> {
    /// The key, without spaces around it.
    pub key: &'t str,
    /// Where the key stands.
    pub at: ByteRange,
    /// One value, or those of a list, without quotes.
    pub values: Vec<(&'t str, ByteRange)>,
    /// Whether it was written as a list.
    pub list: bool,
}

/// What is wrong at a place of a front matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontMatterProblem {
    /// Bytes of the whole file.
    pub at: ByteRange,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl<'t> FrontMatter<'t> {
    /// Reads the front matter of `text`, if it has one.
    ///
    /// ```
    /// use pleach_policy::FrontMatter;
    ///
    /// let read = FrontMatter::of("---\nglobs: [\"*.ts\", \"*.tsx\"]\nalwaysApply: false\n---\nUse tabs.\n");
    /// let globs: Vec<&str> = read.get("globs").unwrap().values.iter().map(|(it, _)| *it).collect();
    /// assert_eq!(globs, ["*.ts", "*.tsx"]);
    /// assert_eq!(&"---\nglobs: [\"*.ts\", \"*.tsx\"]\nalwaysApply: false\n---\nUse tabs.\n"[read.body..], "Use tabs.\n");
    /// ```
    pub fn of(text: &'t str) -> Self {
        let mut read = FrontMatter::default();
        let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut lines = text.get(at..).unwrap_or_default().split_inclusive('\n');
        let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else {
            return read;
        };
        let opened = ByteRange::new(at.into(), (at + 3).into());
        at += first.len();
        for line in lines {
            let start = at;
            at += line.len();
            if matches!(line.trim_end(), "---" | "...") {
                read.body = at;
                return read;
            }
            read.line(line, start);
        }
        FrontMatter {
            problems: vec![FrontMatterProblem {
                at: opened,
                message: "the front matter is not closed: write a line of `---` below it"
                    .to_owned(),
            }],
            ..FrontMatter::default()
        }
    }

    /// The last entry of a key, whatever its case.
    pub fn get(&self, key: &str) -> Option<&FrontMatterEntry<'t>> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.key.eq_ignore_ascii_case(key))
    }

    /// Takes in one line that begins at the byte `start`.
    fn line(&mut self, line: &'t str, start: usize) {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        let at = start + (line.len() - line.trim_start().len());
        let whole = ByteRange::new(at.into(), (at + content.len()).into());
        if let Some(item) = content.strip_prefix('-') {
            let open = self.entries.last_mut();
            let Some(entry) = open.filter(|entry| entry.list || entry.values.is_empty()) else {
                return self.problem(
                    whole,
                    "a list item without a key above it: write `key:` first",
                );
            };
            entry.list = true;
            entry.values.extend(scalar(item, at + 1));
            return;
        }
        let Some((key, value)) = content.split_once(':') else {
            return self.problem(whole, "this is not `key: value`");
        };
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return self.problem(whole, "this is not `key: value`: the key is one word");
        }
        let value_at = at + (content.len() - value.len());
        let (values, list) = match bracketed(value, value_at) {
            Some(Ok(values)) => (values, true),
            Some(Err(())) => {
                return self.problem(whole, "the list is not closed: a `]` is missing");
            }
            None => (scalar(value, value_at).into_iter().collect(), false),
        };
        self.entries.push(FrontMatterEntry {
            key,
            at: ByteRange::new(at.into(), (at + key.len()).into()),
            values,
            list,
        });
    }

    fn problem(&mut self, at: ByteRange, message: &str) {
        self.problems.push(FrontMatterProblem {
            at,
            message: message.to_owned(),
        });
    }
}

/// One value that begins somewhere behind the byte `at`: what is in quotes, or all up to a comment.
fn scalar(text: &str, at: usize) -> Option<(&str, ByteRange)> {
    let trimmed = text.trim_start();
    let start = at + (text.len() - trimmed.len());
    let quote = trimmed.chars().next().filter(|it| matches!(it, '"' | '\''));
    let quoted = quote.and_then(|quote| {
        let inner = trimmed.get(1..)?;
        Some((inner.get(..inner.find(quote)?)?, start + 1))
    });
    let (value, start) = quoted.unwrap_or_else(|| {
        let end = trimmed.find(" #").unwrap_or(trimmed.len());
        (trimmed.get(..end).unwrap_or(trimmed).trim_end(), start)
    });
    let range = ByteRange::new(start.into(), (start + value.len()).into());
    (!value.is_empty()).then_some((value, range))
}

/// The values of `[a, "b"]`; none where it is no such list.
#[allow(clippy::type_complexity)]
fn bracketed(text: &str, at: usize) -> Option<Result<Vec<(&str, ByteRange)>, ()>> {
    let inner = text.trim_start().strip_prefix('[')?;
    let start = at + (text.len() - inner.len());
    let Some(end) = inner.rfind(']') else {
        return Some(Err(()));
    };
    let inner = inner.get(..end).unwrap_or_default();
    let values = parts(inner).filter_map(|(from, part)| scalar(part, start + from));
    Some(Ok(values.collect()))
}

/// What stands between the commas that are neither quoted nor in braces, with its first byte.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut quote = None;
    let mut depth = 0_usize;
    let mut cuts = vec![0];
    for (at, it) in text.char_indices() {
        match (it, quote) {
            (_, Some(open)) if it == open => quote = None,
            ('"' | '\'', None) => quote = Some(it),
            ('{', None) => depth += 1,
            ('}', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => cuts.push(at + 1),
            _ => {}
        }
    }
    let mut ends: Vec<usize> = cuts.iter().skip(1).map(|cut| cut - 1).collect();
    ends.push(text.len());
    cuts.into_iter()
        .zip(ends)
        .filter_map(|(from, to)| Some((from, text.get(from..to)?)))
}
