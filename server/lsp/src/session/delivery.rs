//! An edit on its way into an open document: what the editor answered to it, and what its text shows.
//!
//! The answer proves nothing. Neovim skips an edit of an outdated version and answers `applied: true`; Vim's
//! ALE applies and never answers; editors that gather changes refuse an edit and report half a second later
//! the text that it was not made for. So an edit has arrived when the text shows it, and what is sent again
//! waits for another text first, or for a while.

use std::time::Duration;

/// How long the new text may take to arrive after the answer.
pub(super) const CONFIRM_WITHIN: Duration = Duration::from_secs(5);
/// How long after the answer a text may come that does not show the edit, until the edit counts as skipped.
pub(super) const SKIPPED_AFTER: Duration = Duration::from_millis(250);

/// An edit that was sent.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The document's revision when it was sent, if it was open.
    revision: Option<u64>,
    answer: Answer,
    /// Whether the text has shown it.
    confirmed: bool,
    /// Whether a text without it came after the answer.
    missed: bool,
}

/// What the editor answered to an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing so far.
    Open,
    /// That it made it, which proves nothing.
    Applied,
    /// That it did not: it is to be made for the text that comes next.
    Refused,
}

/// What a text means for an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing new.
    Nothing,
    /// It is there, and the editor has said so.
    Landed,
    /// It is to be judged after [`SKIPPED_AFTER`]: it is there without a word of the editor's, or the editor
    /// said so and it is not.
    Soon,
    /// It was refused, and this is another text than it was made for.
    Again,
}

impl Delivery {
    /// An edit that goes out now, to a document of this revision, if it is an open one's.
    pub(super) fn sent(revision: Option<u64>) -> Self {
        Self {
            revision,
            answer: Answer::Open,
            confirmed: false,
            missed: false,
        }
    }

    pub(super) fn answer(&self) -> Answer {
        self.answer
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        self.answer = answer;
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    pub(super) fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Whether the editor said that it made the edit, and showed a text without it.
    pub(super) fn is_missed(&self) -> bool {
        self.missed
    }

    /// The document has the text with this revision. `is_there` tells whether that shows the edit, after the
    /// editor's answer.
    pub(super) fn sees(
        &mut self,
        revision: u64,
        is_there: impl FnOnce(Answer) -> Option<bool>,
    ) -> Seen {
        if self.confirmed || self.revision == Some(revision) {
            return Seen::Nothing;
        }
        if self.answer == Answer::Refused {
            return Seen::Again;
        }
        match is_there(self.answer) {
            Some(true) => {
                self.confirmed = true;
                if self.answer == Answer::Applied {
                    Seen::Landed
                } else {
                    Seen::Soon
                }
            }
            Some(false) if self.answer == Answer::Applied && !self.missed => {
                self.missed = true;
                Seen::Soon
            }
            Some(false) | None => Seen::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_has_landed_when_the_text_shows_it_and_the_editor_has_said_so() {
        let mut edit = Delivery::sent(Some(3));
        edit.answered(Answer::Applied);
        assert_eq!(edit.sees(3, |_| Some(true)), Seen::Nothing, "the same text");
        assert_eq!(edit.sees(4, |_| Some(false)), Seen::Soon);
        assert!(edit.is_missed() && !edit.is_confirmed());
        assert_eq!(edit.sees(5, |_| Some(false)), Seen::Nothing, "said before");
        assert_eq!(edit.sees(6, |_| Some(true)), Seen::Landed);
    }

    #[test]
    fn an_edit_that_was_refused_waits_for_another_text() {
        let mut edit = Delivery::sent(Some(3));
        edit.answered(Answer::Refused);
        assert_eq!(edit.sees(3, |_| Some(false)), Seen::Nothing);
        assert_eq!(edit.sees(4, |_| Some(false)), Seen::Again);
    }

    #[test]
    fn an_edit_may_be_there_without_a_word() {
        let mut edit = Delivery::sent(Some(3));
        assert_eq!(edit.sees(4, |_| Some(false)), Seen::Nothing);
        assert_eq!(edit.sees(5, |_| Some(true)), Seen::Soon);
        assert!(edit.is_confirmed());
    }
}
