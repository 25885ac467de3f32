//! Files that a workspace wants to keep from models: `.pleachignore`, with the rules of `.gitignore`.

use std::borrow::Borrow;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The name of the files with such rules.
pub const IGNORE_FILE: &str = ".pleachignore";

/// The rules of one such file.
#[derive(Debug, Clone)]
pub struct IgnoreRules(Gitignore);

impl IgnoreRules {
    /// Reads the text of a file. Lines that are no globs say nothing.
    pub fn read(text: &str) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            let _unreadable = builder.add_line(None, line);
        }
        Self(builder.build().unwrap_or_else(|_| Gitignore::empty()))
    }
}

/// Whether rules keep `path` from models. `rules` gives those of the [`IGNORE_FILE`] of a folder, if
/// there is one; the folder of the workspace itself is empty. A deeper folder's rules have the last
/// word, as in `.gitignore`.
///
/// ```
/// use pleach_policy::{IgnoreRules, is_ignored};
///
/// let src = IgnoreRules::read("*.sql\n!public.sql\ninner/\n");
/// let rules = |folder: &str| (folder == "src").then_some(&src);
/// assert!(is_ignored("src/a/private.sql", rules));
/// assert!(is_ignored("src/inner/a.rs", rules));
/// assert!(!is_ignored("src/public.sql", rules));
/// assert!(!is_ignored("other.sql", rules));
/// ```
pub fn is_ignored<R: Borrow<IgnoreRules>>(path: &str, rules: impl Fn(&str) -> Option<R>) -> bool {
    let folders: Vec<&str> = path
        .match_indices('/')
        .filter_map(|(at, _)| path.get(..at))
        .collect();
    for folder in folders.into_iter().rev().chain([""]) {
        let Some(rules) = rules(folder) else {
            continue;
        };
        let rules = &rules.borrow().0;
        let inside = path.get(folder.len()..).unwrap_or_default();
        match rules.matched_path_or_any_parents(inside.trim_start_matches('/'), false) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
}
