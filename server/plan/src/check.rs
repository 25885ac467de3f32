//! How to know that a step is done.

use pleach_text::ByteRange;

/// What has to hold before a step is ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A command that has to end well: `` check: `cargo test loans` ``. It is a program and its
    /// arguments; there is no shell.
    Command {
        /// The words.
        argv: Vec<String>,
        /// As it is written, without the marks around it.
        text: String,
        /// Where that stands.
        range: ByteRange,
    },
    /// A command that only a shell could run, and why.
    NeedsShell {
        /// As it is written.
        text: String,
        /// What in it is a shell's.
        what: String,
        /// Where it stands.
        range: ByteRange,
    },
    /// A statement that somebody judges.
    Statement {
        /// The statement.
        text: String,
        /// Where it stands.
        range: ByteRange,
    },
}

impl Check {
    /// Reads the value of `check:`. Nothing at all is no check.
    pub(crate) fn read(value: &str, start: usize) -> Option<Self> {
        let range = ByteRange::from(start..start + value.len());
        let marks = value.chars().take_while(|c| *c == '`').count();
        let inner = (marks > 0 && value.len() > 2 * marks)
            .then(|| value.get(marks..value.len() - marks))
            .flatten()
            .filter(|_| value.ends_with(&"`".repeat(marks)));
        let command = inner.filter(|inner| !inner.contains(&"`".repeat(marks)));
        let Some(command) = command else {
            return (!value.is_empty()).then(|| Self::Statement {
                text: value.to_owned(),
                range,
            });
        };
        let range = ByteRange::from(start + marks..start + value.len() - marks);
        let text = command.trim().to_owned();
        Some(match words(&text) {
            Ok(argv) if argv.is_empty() => return None,
            Ok(argv) => Self::Command { argv, text, range },
            Err(what) => Self::NeedsShell { text, what, range },
        })
    }

    /// As it is written, without marks.
    pub fn text(&self) -> &str {
        match self {
            Self::Command { text, .. }
            | Self::NeedsShell { text, .. }
            | Self::Statement { text, .. } => text,
        }
    }

    /// Where it stands.
    pub fn range(&self) -> ByteRange {
        match self {
            Self::Command { range, .. }
            | Self::NeedsShell { range, .. }
            | Self::Statement { range, .. } => *range,
        }
    }

    /// What it claims, when that is something a syntax tree or a text can prove.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            Self::Statement { text, .. } => Claim::of(text),
            Self::Command { .. } | Self::NeedsShell { .. } => None,
        }
    }
}

/// The words of a command line, with quotes as shells have them; or what in it is more than words.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => match chars.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("a `\\` at the end".into()),
            },
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')') | (None | Some('"'), '$' | '`') => {
                return Err(format!("`{c}`"));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(format!("a quote {quote} without its end"));
    }
    words.extend(word);
    Ok(words)
}

/// A statement about the text that needs no judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// `` `lend` has a doc comment ``.
    Documented {
        /// The symbol.
        name: String,
    },
    /// `` `TODO: say more` is gone ``: the step's first file does not hold that text.
    Gone {
        /// The text.
        text: String,
    },
}

impl Claim {
    /// The claim that a statement makes, if it is one of the known forms.
    pub fn of(statement: &str) -> Option<Self> {
        let statement = statement.trim().trim_end_matches('.');
        let (quoted, rest) = code_span(statement)?;
        match rest.trim() {
            "has a doc comment" => Some(Self::Documented { name: quoted }),
            "is gone" => Some(Self::Gone { text: quoted }),
            _ => None,
        }
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Documented { name } => write!(f, "{} has a doc comment", quoted(name)),
            Self::Gone { text } => write!(f, "{} is gone", quoted(text)),
        }
    }
}

/// The code span that `text` begins with, and what follows it.
pub(crate) fn code_span(text: &str) -> Option<(String, &str)> {
    let marks = text.chars().take_while(|c| *c == '`').count();
    let fence = "`".repeat(marks);
    let inner = text.get(marks..).filter(|_| marks > 0)?;
    let mut from = 0;
    loop {
        let end = from + inner.get(from..)?.find(&fence)?;
        let behind = inner.get(end..)?;
        let run = behind.chars().take_while(|c| *c == '`').count();
        if run == marks {
            let span = inner.get(..end)?;
            // One blank on each side belongs to the marks, so that a span can begin with a mark.
            let bare = span
                .strip_prefix(' ')
                .and_then(|span| span.strip_suffix(' '))
                .filter(|bare| !bare.trim().is_empty());
            return Some((bare.unwrap_or(span).to_owned(), inner.get(end + run..)?));
        }
        from = end + run;
    }
}

/// `text` as a code span.
pub(crate) fn quoted(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let marks = "`".repeat(longest + 1);
    if text.starts_with('`') || text.ends_with('`') {
        format!("{marks} {text} {marks}")
    } else {
        format!("{marks}{text}{marks}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn argv(value: &str) -> Vec<String> {
        match Check::read(value, 0) {
            Some(Check::Command { argv, .. }) => argv,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_is_a_list_of_words() {
        assert_eq!(
            argv("`cargo test 'a b' \"c\\\"d\"`"),
            ["cargo", "test", "a b", "c\"d"]
        );
        assert_eq!(argv("``echo '`'``"), ["echo", "`"]);
    }

    #[test]
    fn what_a_shell_would_do_is_refused() {
        for line in [
            "`a && b`",
            "`a | b`",
            "`a > b`",
            "`echo $HOME`",
            "`a; b`",
            "`a 'b`",
        ] {
            assert!(
                matches!(Check::read(line, 0), Some(Check::NeedsShell { .. })),
                "{line}"
            );
        }
    }

    #[test]
    fn everything_else_is_a_statement() {
        for text in ["it works", "`a` and `b` agree", "`", "``", "`a"] {
            assert!(
                matches!(Check::read(text, 0), Some(Check::Statement { .. })),
                "{text}"
            );
        }
        assert_eq!(Check::read("", 0), None);
    }

    #[test]
    fn claims_are_read_as_they_are_written() {
        for claim in [
            Claim::Documented {
                name: "lend".into(),
            },
            Claim::Gone {
                text: "// TODO: a `b` c".into(),
            },
            Claim::Gone { text: "`".into() },
        ] {
            assert_eq!(Claim::of(&claim.to_string()), Some(claim));
        }
        assert_eq!(Claim::of("the tests pass"), None);
    }
}
