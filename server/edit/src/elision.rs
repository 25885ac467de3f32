//! Lines that stand for code that is not written out.

/// How sure it is that a line stands for other lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Elision {
    /// A comment of dots and nothing else, or a line of three dots.
    Dots,
    /// A comment that says so: `... existing code ...`.
    Words,
}

const OPENERS: [&str; 10] = [
    "//", "#", "--", "/*", "<!--", "{/*", ";", "%", "(*", "\"\"\"",
];
const CLOSERS: [&str; 6] = ["*/}", "*/", "-->", "*)", "\"\"\"", "}"];

const SAYING: [&str; 16] = [
    "existing",
    "rest of",
    "remaining",
    "unchanged",
    "remains",
    "other ",
    "previous",
    "same as",
    "omitted",
    "keep ",
    "kept",
    "as before",
    "no change",
    "stays",
    "code here",
    "your code",
];

/// What a line says that is nothing but a comment.
fn comment(line: &str) -> Option<&str> {
    let opener = OPENERS.iter().find(|opener| line.starts_with(**opener))?;
    let body = line
        .strip_prefix(opener)?
        .trim_start_matches(['/', '#', '-', '*', ';', '!', '%'])
        .trim_start();
    let closer = CLOSERS.iter().find_map(|closer| body.strip_suffix(closer));
    Some(closer.unwrap_or(body).trim_end())
}

/// What a comment says was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal<'l> {
    /// One thing, by its name.
    Named(&'l str),
    /// Something that it does not name.
    Vague,
}

/// Words of such a comment that say what kind of thing it was, or nothing.
const FILLING: [&str; 26] = [
    "the",
    "a",
    "was",
    "has",
    "been",
    "is",
    "were",
    "are",
    "here",
    "now",
    "unused",
    "old",
    "function",
    "method",
    "class",
    "struct",
    "field",
    "member",
    "property",
    "constant",
    "variable",
    "type",
    "interface",
    "enum",
    "def",
    "fn",
];
/// A longer comment is prose.
const MAX_WORDS: usize = 6;

/// Whether a line is a comment that something was removed: `// removed foo`, `# foo() was deleted`.
pub(crate) fn removal(line: &str) -> Option<Removal<'_>> {
    let words: Vec<&str> = comment(line.trim())?
        .split_whitespace()
        .map(|word| word.trim_matches(|sign: char| ".…,:;'`\"()[]-–—".contains(sign)))
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() > MAX_WORDS {
        return None;
    }
    let is = |word: &str, known: &[&str]| known.contains(&word.to_ascii_lowercase().as_str());
    let words: Vec<&str> = words
        .into_iter()
        .filter(|word| !is(word, &FILLING))
        .collect();
    let says = |word: &&str| is(word, &["removed", "deleted"]);
    let rest = match words.as_slice() {
        [first, rest @ ..] if says(first) => rest,
        [rest @ .., last] if says(last) => rest,
        _ => return None,
    };
    Some(match rest {
        [name] => Removal::Named(name),
        _ => Removal::Vague,
    })
}

/// Whether a line stands for lines that are not written out, and how sure that is.
pub(crate) fn elision(line: &str) -> Option<Elision> {
    let line = line.trim();
    if line.len() < 3 || line.len() > 200 || !(line.contains("...") || line.contains('…')) {
        return None;
    }
    let said = comment(line);
    let body = said.unwrap_or(line);
    let dots = |character: char| matches!(character, '.' | '…' | ' ');
    if body.trim_matches(dots).is_empty() {
        return Some(Elision::Dots);
    }
    let body = said?;
    let starts = body.starts_with("...") || body.starts_with('…');
    let ends = body.ends_with("...") || body.ends_with('…');
    let inner = body
        .trim_matches(|character| dots(character) || "()[]".contains(character))
        .to_ascii_lowercase();
    let says = SAYING.iter().any(|word| {
        inner.contains(word.trim_end()) && (inner.contains(word) || inner == word.trim_end())
    });
    ((starts || ends) && says).then_some(Elision::Words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_that_something_was_removed() {
        for line in [
            "// removed foo",
            "# foo removed",
            "-- Removed: foo",
            "/* the method foo() was deleted */",
            "<!-- (removed `foo`) -->",
            "  // ... deleted foo ...",
            "// unused function foo() has been removed",
        ] {
            assert_eq!(removal(line), Some(Removal::Named("foo")), "{line}");
        }
        for line in [
            "// removed",
            "# removed debug logging",
            "// one and two removed",
        ] {
            assert_eq!(removal(line), Some(Removal::Vague), "{line}");
        }
        for line in [
            "removed foo",
            "let removed = foo;",
            "// foo",
            "// tells whether items that were removed come back later on",
            "// remove foo",
            "// keep removed items",
        ] {
            assert_eq!(removal(line), None, "{line}");
        }
    }

    #[test]
    fn elisions_in_the_comments_of_many_languages() {
        for line in [
            "// ... existing code ...",
            "# ... rest of the code remains unchanged ...",
            "-- ... (unchanged) ...",
            "{/* ... existing code ... */}",
            "<!-- ... existing code ... -->",
            "/* ... rest of file ... */",
            "  # ...existing code...",
            "// … existing code …",
            "// ... other methods ...",
            "// rest of the function stays the same...",
        ] {
            assert_eq!(elision(line), Some(Elision::Words), "{line}");
        }
        for line in ["...", "// ...", "# …", "-- ..."] {
            assert_eq!(elision(line), Some(Elision::Dots), "{line}");
        }
        for line in [
            "def f(): ...",
            "let a = [...b];",
            "// wait for it",
            "f(...args)",
            "print(\"...\")",
            "// and so on...",
        ] {
            assert_eq!(elision(line), None, "{line}");
        }
    }
}
