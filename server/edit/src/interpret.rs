//! Plain code in a reply: which of it is meant to be written, and where.

use crate::elision::{Elision, elision};
use crate::formats::{Code, Scanned, paths};
use crate::hunk::{Hunk, Op, Parsed};
use crate::target::{Paths, Unresolved};
use crate::{EditRequest, Format, Refusal, RefusalCode};

/// The hunks of a reply. Code blocks count only when nothing else in the reply is an edit: beside
/// edits they are examples and commands.
pub(crate) fn hunks(
    scanned: Scanned,
    request: &EditRequest<'_>,
    paths: &mut Paths<'_>,
) -> Result<Parsed, Refusal> {
    let Scanned { mut parsed, code } = scanned;
    if !parsed.hunks.is_empty() {
        return Ok(parsed);
    }
    let mut named = Vec::new();
    let mut unnamed = Vec::new();
    for block in code {
        match path_of(&block, paths) {
            Some(path) => named.push((path, block)),
            None if !is_command(&block) => unnamed.push(block),
            None => {}
        }
    }
    if named.is_empty() {
        // Without any path there must be one block and one file it can be for.
        if let [block] = unnamed.as_slice() {
            match paths.implicit() {
                // Prose must not become a file: text without a fence has to show that it is code of it.
                Ok(path) if block.bare && !is_like(request, &path, &block.text) => {}
                Err(_) if block.bare => {}
                Ok(path) => named.push((path, block.clone())),
                Err(Unresolved::Unnamed) => {
                    return Err(Refusal::whole(
                        RefusalCode::UnknownFile,
                        "The reply holds code but does not say for which file.",
                    ));
                }
                Err(_) => {}
            }
        } else if unnamed.len() > 1 {
            return Err(Refusal::whole(
                RefusalCode::UnknownFile,
                format!(
                    "The reply holds {} blocks of code and no file name.",
                    unnamed.len()
                ),
            ));
        }
    }
    if let Some((path, _)) = named.iter().find(|(_, block)| !block.closed) {
        return Err(Refusal::whole(
            RefusalCode::Truncated,
            format!("The code fence for {path} is not closed: the reply was cut."),
        ));
    }
    let format = match request.format {
        Some(Format::LazySnippet) => Format::LazySnippet,
        _ => Format::WholeFile,
    };
    parsed.hunks.extend(
        named
            .into_iter()
            .map(|(path, block)| Hunk::new(Some(path), Op::Snippet { text: block.text }, format)),
    );
    if parsed.hunks.is_empty() {
        return Err(Refusal::whole(
            RefusalCode::NoEdit,
            "The reply holds no edit in a form that is known: search/replace blocks, a diff, a patch, \
             a tool call or a file in a code fence.",
        ));
    }
    Ok(parsed)
}

/// The path of a block: a name near it that exists, or one that surely is a path.
fn path_of(block: &Code, paths: &mut Paths<'_>) -> Option<String> {
    for name in &block.paths {
        if let Ok(path) = paths.existing(name) {
            return Some(path);
        }
    }
    let new = block
        .paths
        .iter()
        .find(|name| paths::looks_like_path(name))?;
    // Prose names files in passing; only a name right at the block makes a new file.
    (!is_command(block)).then(|| new.clone())
}

fn is_command(block: &Code) -> bool {
    let language = block
        .info
        .split([' ', ':'])
        .next()
        .unwrap_or("")
        .to_ascii_lowercase();
    let shell = [
        "sh",
        "bash",
        "shell",
        "console",
        "zsh",
        "powershell",
        "cmd",
        "terminal",
        "text",
        "txt",
        "output",
    ];
    shell.contains(&language.as_str()) || block.text.trim().is_empty()
}

/// Whether a text has elisions or shares a good part of its lines with a file.
fn is_like(request: &EditRequest<'_>, path: &str, text: &str) -> bool {
    let Some(file) = request.files.read(path) else {
        return false;
    };
    let solid = |line: &&str| {
        line.chars()
            .filter(|letter| letter.is_alphanumeric())
            .count()
            > 2
    };
    let own: std::collections::HashSet<&str> = file.lines().map(str::trim).filter(solid).collect();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(solid).collect();
    let shared = lines.iter().filter(|line| own.contains(*line)).count();
    let elides = text
        .lines()
        .any(|line| elision(line) == Some(Elision::Words));
    shared > 0 && (elides || shared * 10 >= lines.len() * 3)
}
