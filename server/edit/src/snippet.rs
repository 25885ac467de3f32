//! Code for a file: all of it, a selection, or a part with elisions.

use crate::elision::{Elision, elision};
use crate::lines::{FileLines, block_lines, is_blank};

/// Whether a text stands for more than it says, in a way that the file does not already.
pub(crate) fn has_elision(text: &str, file: &FileLines<'_>) -> bool {
    block_lines(text)
        .into_iter()
        .any(|line| match elision(line) {
            Some(Elision::Words) => !file.iter().any(|known| known.trim() == line.trim()),
            Some(Elision::Dots) => {
                is_comment_dots(line) && !file.iter().any(|known| known.trim() == line.trim())
            }
            None => false,
        })
}

/// Three dots alone are code in some languages; in a comment they are not.
fn is_comment_dots(line: &str) -> bool {
    !line.trim().starts_with(['.', '…'])
}

/// A file of so many lines that losing most of them needs to be said.
const LARGE: usize = 20;

/// Whether a new text for a whole file drops most of a file that is not small.
pub(crate) fn drops_most(file: &FileLines<'_>, new: &[&str], kept: usize) -> bool {
    let old = file.iter().filter(|line| !is_blank(line)).count();
    let new = new.iter().filter(|line| !is_blank(line)).count();
    (new == 0 && old > 0) || (old >= LARGE && kept * 100 < old * 15 && new * 2 < old)
}
