//! Files that a workspace wants to keep from models: `.pleachignore`, with the rules of `.gitignore`.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The name of the files with such rules.
pub const IGNORE_FILE: &str = ".pleachignore";

/// Whether rules keep `path` from models. `rules` gives the text of the [`IGNORE_FILE`] of a folder, if
/// there is one; the folder of the workspace itself is empty. A deeper folder's rules have the last
/// word, as in `.gitignore`. Lines that cannot be read are left out.
///
/// ```
/// use pleach_policy::is_ignored;
///
/// let rules = |folder: &str| (folder == "src").then(|| "*.sql\n!public.sql\ninner/\n".to_owned());
/// assert!(is_ignored("src/a/private.sql", rules));
/// assert!(is_ignored("src/inner/a.rs", rules));
/// assert!(!is_ignored("src/public.sql", rules));
/// assert!(!is_ignored("other.sql", rules));
/// ```
pub fn is_ignored(path: &str, rules: impl Fn(&str) -> Option<String>) -> bool {
    let folders: Vec<&str> = path
        .match_indices('/')
        .filter_map(|(at, _)| path.get(..at))
        .collect();
    for folder in folders.into_iter().rev().chain([""]) {
        let Some(text) = rules(folder) else { continue };
        let inside = path.get(folder.len()..).unwrap_or_default();
        match read(&text).matched_path_or_any_parents(inside.trim_start_matches('/'), false) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
}

fn read(text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        // A line that is no glob says nothing.
        let _unreadable = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
