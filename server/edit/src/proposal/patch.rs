//! A proposal as a unified diff that people read and `git apply` takes.

use std::borrow::Cow;
use std::fmt::Write as _;

use pleach_text::{ChangeSet, unified_diff};

use super::{FileChange, Proposal};

/// The mode that a file is said to have. The engine knows texts, not modes; `git apply` keeps the mode
/// of a file that it edits, and warns where it deletes one that has another.
const MODE: &str = "100644";

impl Proposal {
    /// The proposal as a unified diff in git's form, with so many lines of context.
    ///
    /// Paths are those of the workspace behind `a/` and `b/`; the headers tell what is created, deleted
    /// and renamed. `git apply` makes exactly [`texts_after`](Self::texts_after) of it.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use pleach_edit::{EditRequest, propose};
    ///
    /// let files = BTreeMap::from([("a.txt".to_owned(), "one\n".to_owned())]);
    /// let reply = "a.txt\n```\ntwo\n```\n";
    /// let proposal = propose(&EditRequest::new(reply, &files))?;
    /// assert_eq!(
    ///     proposal.patch(3),
    ///     "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n",
    /// );
    /// # Ok::<(), pleach_edit::Refusal>(())
    /// ```
    pub fn patch(&self, context: usize) -> String {
        self.files.iter().map(|file| file.patch(context)).collect()
    }
}

impl FileChange {
    /// The change as a unified diff in git's form: see [`Proposal::patch`]. Empty when nothing changes.
    pub fn patch(&self, context: usize) -> String {
        if matches!(self, Self::Edit { changes, .. } if changes.is_empty()) {
            return String::new();
        }
        let before: &str = self.before().map_or("", |text| text);
        let after = self.after().unwrap_or_default();
        let old = self.path();
        let new = self.path_after().unwrap_or(old);
        let mut out = format!("diff --git {} {}\n", quoted("a/", old), quoted("b/", new));
        // Writing to a string cannot fail.
        let _ = match self {
            Self::Edit { .. } => Ok(()),
            Self::Create { .. } => writeln!(out, "new file mode {MODE}"),
            Self::Delete { .. } => writeln!(out, "deleted file mode {MODE}"),
            Self::Rename { changes, .. } => writeln!(
                out,
                "similarity index {}%\nrename from {}\nrename to {}",
                similarity(before, changes),
                quoted("", old),
                quoted("", new)
            ),
        };
        let header = |prefix: &str, path: &str| {
            let mut name = quoted(prefix, path).into_owned();
            // As git does: what reads the name knows where it ends.
            if path.contains(char::is_whitespace) && !name.starts_with('"') {
                name.push('\t');
            }
            name
        };
        let none = || "/dev/null".to_owned();
        let (from, to) = match self {
            Self::Create { .. } => (none(), header("b/", new)),
            Self::Delete { .. } => (header("a/", old), none()),
            Self::Edit { .. } | Self::Rename { .. } => (header("a/", old), header("b/", new)),
        };
        out.push_str(&unified_diff(before, &after, &from, &to, context));
        out
    }
}

/// How much of a text stays, in percent; 100 only if all of it does.
fn similarity(before: &str, changes: &ChangeSet) -> usize {
    let gone: usize = changes
        .replacements()
        .iter()
        .map(|one| one.delete.len())
        .sum();
    let kept = before.len().saturating_sub(gone);
    let most = before.len().max(changes.len_after().0).max(1);
    match kept * 100 / most {
        _ if changes.is_empty() => 100,
        percent => percent.min(99),
    }
}

/// A path as git writes it: in quotes, with escapes, where it holds what would be misread.
fn quoted<'p>(prefix: &str, path: &'p str) -> Cow<'p, str> {
    let special = |char: char| char.is_ascii_control() || char == '"' || char == '\\';
    if !path.contains(special) {
        return if prefix.is_empty() {
            Cow::Borrowed(path)
        } else {
            Cow::Owned(format!("{prefix}{path}"))
        };
    }
    let mut out = format!("\"{prefix}");
    for char in path.chars() {
        let _ = match char {
            '"' | '\\' => write!(out, "\\{char}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            char if special(char) => write!(out, "\\{:03o}", u32::from(char)),
            char => write!(out, "{char}"),
        };
    }
    out.push('"');
    Cow::Owned(out)
}
