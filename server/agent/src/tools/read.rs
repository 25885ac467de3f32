//! Reading a file and listing files.

use globset::{GlobBuilder, GlobMatcher};

use super::arguments::{List, Read};
use super::page::{PAGE_BYTES, Page};
use super::{Ground, ToolError};

/// Lines of a file that are read when nobody says how many.
const LINES: usize = 400;

/// Lines of a file, with a line before them that says which they are.
pub(super) fn read(ground: &Ground, wanted: &Read) -> Result<String, ToolError> {
    let file = ground.file(&wanted.path)?;
    let total = file.text.lines().count();
    let first = wanted.first_line.unwrap_or(1).max(1);
    if first > total.max(1) {
        return Err(ToolError::NoSuchLine {
            path: file.name,
            lines: total,
        });
    }
    let most = wanted.lines.unwrap_or(LINES).max(1);
    let mut shown = String::new();
    let mut last = first - 1;
    for line in file.text.split_inclusive('\n').skip(first - 1).take(most) {
        if shown.len() + line.len() > PAGE_BYTES && !shown.is_empty() {
            break;
        }
        last += 1;
        // One line may be larger than a page.
        let end = line.floor_char_boundary(PAGE_BYTES);
        shown.push_str(line.get(..end).unwrap_or_default());
        if end < line.len() {
            shown.push_str("… [the line goes on]\n");
        }
    }
    let state = if file.is_open {
        ", as it is in the editor"
    } else {
        ""
    };
    let name = file.name;
    let more = if last < total {
        format!("[the next page: first_line {}]\n", last + 1)
    } else {
        String::new()
    };
    let gap = if shown.is_empty() || shown.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(format!(
        "{name}, lines {first} to {last} of {total}{state}:\n{shown}{gap}{more}"
    ))
}

/// Names of files.
pub(super) fn list(ground: &Ground, wanted: &List) -> Result<String, ToolError> {
    let glob = wanted.glob.as_deref().map(matcher).transpose()?;
    let mut page = Page::after(wanted.skip);
    let shield = ground.shield();
    for name in names(ground, glob.as_ref()) {
        if shield.kept_back(name).is_none() {
            page.entry(name);
        }
    }
    Ok(page.finish("files", true))
}

/// The files of the workspace that a glob matches.
pub(super) fn names<'a>(
    ground: &'a Ground,
    glob: Option<&'a GlobMatcher>,
) -> impl Iterator<Item = &'a str> {
    let names = ground.names().iter().map(String::as_str);
    names.filter(move |name| glob.is_none_or(|glob| glob.is_match(name)))
}

/// A glob of a model: `*` stays within a folder, and a glob without one means any folder.
pub(super) fn matcher(glob: &str) -> Result<GlobMatcher, ToolError> {
    let anywhere = if glob.contains('/') {
        glob.trim_start_matches("./").to_owned()
    } else {
        format!("**/{glob}")
    };
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| ToolError::BadPattern {
            pattern: super::shortened(glob),
            why: super::shortened(&error.kind().to_string()),
        })
}
