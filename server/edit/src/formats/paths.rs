//! File names as replies write them: above a fence, in a heading, in back-quotes, with prefixes.

/// The path that a line of prose consists of or names, if it looks like one.
pub(crate) fn in_line(line: &str) -> Option<String> {
    let bare = bare(line);
    if looks_like_path(bare) || is_plain_word(bare) {
        return Some(bare.to_owned());
    }
    quoted(line)
}

/// A path in back-quotes within prose, when there is exactly one.
fn quoted(line: &str) -> Option<String> {
    let mut found = None;
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 && looks_like_path(part) {
            if found.is_some() {
                return None;
            }
            found = Some(part.to_owned());
        }
    }
    found
}

/// A line without what replies put around a path.
fn bare(line: &str) -> &str {
    let mut rest = line.trim();
    loop {
        let before = rest;
        rest = rest
            .trim_start_matches(['#', '>', '*', '-', '`', '"', '\'', '(', '[', ' '])
            .trim_start();
        for comment in ["//", "--", "<!--", "/*"] {
            rest = rest.strip_prefix(comment).unwrap_or(rest).trim_start();
        }
        for comment in ["-->", "*/"] {
            rest = rest.strip_suffix(comment).unwrap_or(rest).trim_end();
        }
        rest = rest.trim_end_matches(['*', '`', '"', '\'', ':', ')', ']', ',', '#', ' ']);
        for label in LABELS {
            if let Some(tail) = strip_label(rest, label) {
                rest = tail;
            }
        }
        if rest == before {
            return rest;
        }
    }
}

const LABELS: [&str; 12] = [
    "filename",
    "filepath",
    "file path",
    "file",
    "path",
    "in",
    "update",
    "updated",
    "edit",
    "change",
    "modify",
    "create",
];

fn strip_label<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let head = text.get(..label.len())?;
    let tail = text.get(label.len()..)?;
    if !head.eq_ignore_ascii_case(label) {
        return None;
    }
    let cut = tail.trim_start();
    match cut.strip_prefix(':') {
        Some(tail) => Some(tail.trim_start()),
        None if cut.len() < tail.len() && (cut.starts_with('`') || is_sure_path(cut)) => Some(cut),
        None => None,
    }
}

/// Whether a text is one path with an extension of letters, as a word of prose never is.
fn is_sure_path(text: &str) -> bool {
    let text = text.trim_end_matches(':');
    let extension = text.rsplit_once('.').map_or("", |(_, extension)| extension);
    looks_like_path(text) && extension.chars().any(char::is_alphabetic)
}

/// Whether a text is surely meant as a path: no blanks, and a slash or an extension.
pub(crate) fn looks_like_path(text: &str) -> bool {
    if text.is_empty() || text.len() > 512 || text.chars().any(is_no_path_character) {
        return false;
    }
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, extension)| {
        (1..=12).contains(&extension.len())
            && extension
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && extension.bytes().any(|byte| byte.is_ascii_alphabetic())
            && (!stem.is_empty() || text.len() > 1)
    });
    let has_folder = text.contains('/') && !text.contains("//") && !name.is_empty();
    (has_extension && !text.ends_with("()")) || has_folder || KNOWN_NAMES.contains(&name)
}

/// A single word that could be a file without an extension; only the files at hand can tell.
fn is_plain_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "._-".contains(character))
}

const KNOWN_NAMES: [&str; 8] = [
    "Makefile",
    "Dockerfile",
    "Rakefile",
    "Gemfile",
    "Procfile",
    "LICENSE",
    "README",
    "Justfile",
];

fn is_no_path_character(character: char) -> bool {
    character.is_whitespace() || character.is_control() || "<>\"|?*`{};=,".contains(character)
}

/// The path in the info string of a fence: ```` ```src/a.rs ````, ```` ```rust src/a.rs ````,
/// ```` ```rust:src/a.rs ````, ```` ```rust title="src/a.rs" ````.
pub(crate) fn in_info(info: &str) -> Option<String> {
    for word in info.split([' ', '\t', ':', '{', '}', ',']) {
        let word = word.rsplit_once('=').map_or(word, |(_, value)| value);
        let word = word.trim_matches(['"', '\'', '`', '(', ')', '[', ']']);
        let plain_extension = !word.contains('/') && word.split('.').count() < 2;
        if looks_like_path(word) && !plain_extension {
            return Some(word.to_owned());
        }
    }
    None
}

/// A path in its simplest form: `/` as separator, without `./`, without doubled separators.
pub(crate) fn tidy(path: &str) -> String {
    let path = path
        .trim()
        .trim_matches(['`', '"', '\''])
        .replace('\\', "/");
    let absolute = path.starts_with('/');
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let joined = parts.join("/");
    if absolute {
        format!("/{joined}")
    } else {
        joined
    }
}

/// Whether a path stays inside the workspace by its letters alone.
pub(crate) fn is_inside(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    !path.is_empty()
        && !path.starts_with(['/', '~'])
        && !drive
        && !path.contains('\0')
        && path.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_path_in_what_replies_write_around_it() {
        for line in [
            "src/a.rs",
            "`src/a.rs`",
            "**src/a.rs**",
            "### src/a.rs:",
            "File: src/a.rs",
            "// src/a.rs",
            "# `src/a.rs`",
            "1. src/a.rs",
            "**File: `src/a.rs`**",
            "file `src/a.rs`",
            "Here is the new `src/a.rs` for you",
            "<!-- src/a.rs -->",
            "In src/a.rs:",
            "**In src/a.rs**",
            "### Update src/a.rs:",
        ] {
            let line = line.trim_start_matches("1. ");
            assert_eq!(in_line(line).as_deref(), Some("src/a.rs"), "{line}");
        }
        assert_eq!(in_line("Here's the change:"), None);
        assert_eq!(in_line("In other words:"), None);
        assert_eq!(in_info("rust:src/a.rs").as_deref(), Some("src/a.rs"));
        assert_eq!(
            in_info("rust title=\"src/a.rs\"").as_deref(),
            Some("src/a.rs")
        );
        assert_eq!(in_info("python"), None);
    }

    #[test]
    fn tells_inside_from_outside() {
        assert!(is_inside("a/b.c") && is_inside("a..b/c"));
        for path in ["../a", "a/../../b", "/etc/passwd", "~/.ssh/id", "C:/x", ""] {
            assert!(!is_inside(path), "{path}");
        }
        assert_eq!(tidy("./a//b\\c"), "a/b/c");
    }
}
