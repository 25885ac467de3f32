//! A change as people and `patch` read it.

use std::fmt::Write as _;
use std::ops::Range;

use similar::{DiffTag, group_diff_ops};

use crate::diff::line_ops;

/// The difference of two texts in the unified format, with so many lines of context; empty when there
/// is none.
///
/// The paths go into the two header lines as they are given (`a/src/lib.rs`, `/dev/null`, …). Here a
/// line ends at LF only, as in every tool that reads the format, so a CR is shown as part of its line.
pub fn unified_diff(
    before: &str,
    after: &str,
    path_before: &str,
    path_after: &str,
    context: usize,
) -> String {
    if before == after {
        return String::new();
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let mut out = format!("--- {path_before}\n+++ {path_after}\n");
    for group in group_diff_ops(line_ops(&old, &new), context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old_lines = first.old_range().start..last.old_range().end;
        let new_lines = first.new_range().start..last.new_range().end;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "@@ -{} +{} @@", span(&old_lines), span(&new_lines));
        for op in &group {
            if op.tag() == DiffTag::Equal {
                push_lines(&mut out, ' ', old.get(op.old_range()));
            } else {
                push_lines(&mut out, '-', old.get(op.old_range()));
                push_lines(&mut out, '+', new.get(op.new_range()));
            }
        }
    }
    out
}

/// Lines as a hunk's header names them: the first, counted from 1, and how many where it is not one.
fn span(lines: &Range<usize>) -> String {
    match lines.len() {
        // Of no lines, the line before them is named.
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn push_lines(out: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}
