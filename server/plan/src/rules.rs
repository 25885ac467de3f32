//! The rules that were in force when a plan was made.

/// Short enough to stand in a document, long enough not to meet by chance.
const HEX: usize = 16;

/// A short hash of rule files, given by name and text in any order. Renaming one changes it, and so does
/// every byte of them; without files it is the hash of nothing.
///
/// ```
/// use pleach_plan::rules_hash;
///
/// let rules = rules_hash([("AGENTS.md", "Use tabs.\n")]);
/// assert_eq!(rules.len(), 16);
/// assert_ne!(rules, rules_hash([("AGENTS.md", "Use spaces.\n")]));
/// ```
pub fn rules_hash<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut files: Vec<(&str, &str)> = files.into_iter().collect();
    files.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (name, text) in files {
        for part in [name, text] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().to_hex().chars().take(HEX).collect()
}
