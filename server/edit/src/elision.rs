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

/// Whether a line stands for lines that are not written out, and how sure that is.
pub(crate) fn elision(line: &str) -> Option<Elision> {
    let line = line.trim();
    if line.len() < 3 || line.len() > 200 || !(line.contains("...") || line.contains('…')) {
        return None;
    }
    let mut body = line;
    let mut comment = false;
    for opener in OPENERS {
        if let Some(rest) = body.strip_prefix(opener) {
            body = rest
                .trim_start_matches(['/', '#', '-', '*', ';', '!', '%'])
                .trim_start();
            comment = true;
            break;
        }
    }
    for closer in CLOSERS {
        if comment && let Some(rest) = body.strip_suffix(closer) {
            body = rest.trim_end();
            break;
        }
    }
    let dots = |character: char| matches!(character, '.' | '…' | ' ');
    if body.trim_matches(dots).is_empty() {
        return Some(Elision::Dots);
    }
    if !comment {
        return None;
    }
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
