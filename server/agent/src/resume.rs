//! What to do when an answer breaks off in its middle: whether to ask for the rest of it, or for all of it
//! once more.

use pleach_edit::{Format, ReplyStream};
use pleach_model::{Message, ModelRequest, ProviderError, TimeoutPhase};

use crate::failure::JobFailure;

/// What the model is asked after the part of its answer that is kept.
const THE_REST: &str = "The connection was lost here. What you wrote until then has arrived and is kept. \
     Write only what comes after it, in the same form, and repeat nothing of it. If nothing is left to be \
     written, answer with the single word DONE.";
/// The answer that says that nothing is left.
pub(crate) const NOTHING_LEFT: &str = "DONE";

/// Whether an answer that ended so had begun and broke off through no fault of its own.
pub(crate) fn broke_off(failure: &JobFailure) -> bool {
    let JobFailure::Provider(error) = failure else {
        return false;
    };
    matches!(
        error,
        ProviderError::ConnectionLost { .. }
            | ProviderError::Truncated { .. }
            | ProviderError::Overloaded { .. }
            | ProviderError::Timeout {
                phase: TimeoutPhase::Idle,
                ..
            }
    )
}

/// The request for what comes after `kept`.
pub(crate) fn rest_of(asked: &ModelRequest, kept: &str) -> ModelRequest {
    let mut rest = asked.clone();
    rest.messages.push(Message::assistant(kept));
    rest.messages.push(Message::user(THE_REST));
    rest
}

/// How many bytes at the beginning of a reply are whole hunks that can stand without the rest. Only of
/// search-and-replace blocks, each of which says itself where it ends.
pub(crate) fn whole_hunks(target: Option<&str>, text: &str) -> usize {
    let mut stream = ReplyStream::new(target.map(str::to_owned));
    let (mut read, mut whole) = (0, 0);
    for line in text.split_inclusive('\n') {
        read += line.len();
        let hunks = stream.push(line);
        if hunks
            .iter()
            .any(|hunk| hunk.format != Format::SearchReplace)
        {
            return 0;
        }
        // The fence that closes a block belongs to it.
        let closes = whole > 0 && line.trim_end() == "```" && text.get(whole..read) == Some(line);
        if closes || !hunks.is_empty() {
            whole = read;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice)]
    use super::*;

    #[test]
    fn whole_hunks_are_kept_with_their_fences() {
        let block = "a.rs\n```\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n```\n";
        let of = |text: &str| whole_hunks(Some("a.rs"), text);
        assert_eq!(of(block), block.len());
        for cut in ["", "\n", "b.rs\n```\n<<<<<<< SEARCH\nold\n", "And then"] {
            assert_eq!(of(&format!("{block}{cut}")), block.len(), "{cut}");
        }
        let unfenced = block.trim_end_matches("```\n");
        assert_eq!(of(unfenced), unfenced.len());
        assert_eq!(of(&block[..40]), 0);
        // Nobody knows where a diff would have ended.
        assert_eq!(
            of("--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-old\n+new\n@@ -9 +9 @@\n-x\n"),
            0
        );
    }
}
