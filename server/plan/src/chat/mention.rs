//! Files and symbols that a question mentions: `@src/loans.rs`, `@src/loans.rs#lend`.

use crate::scan::scan;

/// Something that is mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The file, as it is written.
    pub path: String,
    /// What of it, by its name; all of it without.
    pub symbol: Option<String>,
    /// Whether it can be nothing but a file: it is in quotes, has a `/`, or names a symbol. `@mia` may be a
    /// person.
    pub is_sure: bool,
}

/// The mentions in a text, in their order. In code and comments there are none.
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for line in scan(text).lines.iter().filter(|line| !line.is_literal) {
        let mut at = 0;
        while let Some(rest) = line.text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(next) = rest.find(['`', '@']) else {
                break;
            };
            at += next;
            let rest = rest.get(next..).unwrap_or_default();
            if rest.starts_with('`') {
                at += code_span(rest);
                continue;
            }
            let before = line.text.get(..at).and_then(|it| it.chars().next_back());
            let is_start = before.is_none_or(|c| c.is_whitespace() || "([{\"'".contains(c));
            let mention = is_start.then(|| mention_in(rest)).flatten();
            let Some((path, symbol, is_quoted, len)) = mention else {
                at += 1;
                continue;
            };
            found.push(Mention {
                is_sure: is_quoted || symbol.is_some() || path.contains('/'),
                path,
                symbol,
            });
            at += len;
        }
    }
    found
}

/// The length of a code span that begins here; of its mark alone where it does not end.
fn code_span(rest: &str) -> usize {
    let run = rest.len() - rest.trim_start_matches('`').len();
    let mark = "`".repeat(run);
    let inside = rest.get(run..).unwrap_or_default();
    let mut at = 0;
    while let Some(found) = inside.get(at..).and_then(|it| it.find(&mark)) {
        let end = at + found + run;
        let more = inside.get(end..).unwrap_or_default();
        let extra = more.len() - more.trim_start_matches('`').len();
        if extra == 0 {
            return run + end;
        }
        at = end + extra;
    }
    run
}

/// The path, the symbol, whether it is in quotes, and the length, of a mention that begins with `@`.
fn mention_in(rest: &str) -> Option<(String, Option<String>, bool, usize)> {
    let name = rest.strip_prefix('@')?;
    if let Some(quoted) = name.strip_prefix('"') {
        let (path, behind) = quoted.split_once('"')?;
        let symbol = behind
            .strip_prefix('#')
            .map(word)
            .filter(|it| !it.is_empty());
        let len = 3 + path.len() + symbol.map_or(0, |it| it.len() + 1);
        return (!path.trim().is_empty())
            .then(|| (path.to_owned(), symbol.map(str::to_owned), true, len));
    }
    let whole = word(name);
    let (path, symbol) = match whole.split_once('#') {
        Some((path, symbol)) => (path, Some(symbol).filter(|it| !it.is_empty())),
        None => (whole, None),
    };
    let is_name = path.chars().any(char::is_alphanumeric) && !path.contains('@');
    is_name.then(|| {
        (
            path.to_owned(),
            symbol.map(str::to_owned),
            false,
            1 + whole.len(),
        )
    })
}

/// The word that a text begins with, without the marks of the sentence behind it.
fn word(text: &str) -> &str {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    word.trim_end_matches(|c: char| ".,;:!?)]}\"'*_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Option<String>, bool)> {
        let found = mentions(text).into_iter();
        found.map(|it| (it.path, it.symbol, it.is_sure)).collect()
    }

    #[test]
    fn files_and_symbols_are_mentioned_in_prose() {
        let text = "See @src/a.rs, (@src/b.rs#Till::open) and @\"my notes/a b.md\". @mia, a@b.org?";
        assert_eq!(
            found(text),
            [
                ("src/a.rs".into(), None, true),
                ("src/b.rs".into(), Some("Till::open".into()), true),
                ("my notes/a b.md".into(), None, true),
                ("mia".into(), None, false),
            ]
        );
    }

    #[test]
    fn code_mentions_nothing() {
        assert_eq!(
            found("`@types/node` and ``a ` @b/c``\n\n```\n@d/e\n```\n@ @@ @.\n"),
            []
        );
        assert_eq!(found("an open ` tick @a/b").len(), 1);
    }
}
