//! Whether a proposal changes comments and docstrings, and no code.

use pleach_grammars::{code_difference, parse};
use pleach_text::line_column;

use super::{Proposal, language_of};
use crate::{FileChange, Refusal, RefusalCode};

/// Larger files are not compared.
const MOST_BYTES: usize = 8 << 20;

impl Proposal {
    /// Proves that the proposal changes comments and docstrings only: the syntax trees of every file, before
    /// and after, are equal without them.
    ///
    /// # Errors
    ///
    /// [`RefusalCode::NotOnlyComments`] with the first place that is something else, or with the reason why
    /// it cannot be proved.
    pub fn only_comments(&self) -> Result<(), Refusal> {
        self.files().iter().try_for_each(only_comments)
    }
}

fn only_comments(file: &FileChange) -> Result<(), Refusal> {
    let path = file.path();
    let refused = |why: String| {
        let message = format!("Only comments and docstrings may change here, and {path} {why}");
        Err(Refusal::whole(RefusalCode::NotOnlyComments, message))
    };
    let FileChange::Edit { before, .. } = file else {
        return refused("would be made, removed or renamed.".to_owned());
    };
    let Some(after) = file.after() else {
        return refused("cannot be compared.".to_owned());
    };
    let Some(language) = language_of(path, before) else {
        return refused("has no grammar that could prove it.".to_owned());
    };
    if before.len().max(after.len()) > MOST_BYTES {
        return refused("is too large to be compared.".to_owned());
    }
    let (one, two) = (parse(language, before), parse(language, &after));
    if one.unread().is_some() || two.unread().is_some() {
        return refused("cannot be read by its grammar.".to_owned());
    }
    let Some(difference) = code_difference((&one, before), (&two, &after)) else {
        return Ok(());
    };
    let line = |text: &str, at| {
        let (line, _) = line_column(text, at);
        let shown = text.lines().nth(line.index()).unwrap_or_default().trim();
        let shown: String = shown.chars().take(80).collect();
        (line.number(), shown)
    };
    let (was_at, was) = line(before, difference.before.start);
    let (now_at, now) = line(&after, difference.after.start);
    refused(format!(
        "would have other code: line {was_at} (`{was}`) becomes line {now_at} (`{now}`). Leave the code as it is."
    ))
}
