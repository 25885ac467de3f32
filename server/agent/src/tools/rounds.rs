//! The bounds of a conversation with tools: how often the model may call, and how much it may be told.

use pleach_model::{Message, ToolResult};

/// Messages with calls that are answered, for one job.
const MOST_ROUNDS: u32 = 24;
/// Bytes of results that go back to the model, for one job.
const MOST_BYTES: usize = 1 << 20;
/// Rounds without anything new: the same calls with the same results.
const MOST_REPEATS: u32 = 2;

/// How far a conversation with tools has come.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    answered: u32,
    bytes: usize,
    repeats: u32,
    last: Vec<ToolResult>,
}

/// Whether the model may call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It may.
    Goes,
    /// This is its last message: no tool is offered with it.
    Last(&'static str),
}

impl Rounds {
    /// Counts a round.
    pub(crate) fn add(&mut self, results: &[ToolResult]) -> Next {
        self.answered += 1;
        self.bytes = results.iter().fold(self.bytes, |sum, result| {
            sum.saturating_add(result.text.len())
        });
        let said = |results: &[ToolResult]| -> Vec<(String, String)> {
            let pair = |it: &ToolResult| (it.name.clone(), it.text.clone());
            results.iter().map(pair).collect()
        };
        if self.answered > 1 && said(&self.last) == said(results) {
            self.repeats += 1;
        } else {
            self.repeats = 0;
        }
        self.last = results.to_vec();
        if self.answered >= MOST_ROUNDS {
            Next::Last("you have called tools as often as you may")
        } else if self.bytes >= MOST_BYTES {
            Next::Last("you have been told as much as you may")
        } else if self.repeats >= MOST_REPEATS {
            Next::Last("your calls bring nothing new")
        } else {
            Next::Goes
        }
    }
}

/// The message that answers calls.
pub(crate) fn answer(results: Vec<ToolResult>, next: Next) -> Message {
    let mut message = Message::results(results);
    if let Next::Last(why) = next {
        message.text = format!("Finish now, without tools: {why}.");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str) -> Vec<ToolResult> {
        vec![ToolResult {
            call: "1".into(),
            name: "read_file".into(),
            text: text.into(),
            is_error: false,
        }]
    }

    #[test]
    fn a_model_that_calls_forever_is_stopped() {
        let mut rounds = Rounds::default();
        let next = (0..).map(|round| rounds.add(&result(&format!("{round}"))));
        let went = next.take_while(|next| *next == Next::Goes).count();
        assert_eq!(went, 23);
    }

    #[test]
    fn a_model_that_repeats_itself_is_stopped_sooner() {
        let mut rounds = Rounds::default();
        assert_eq!(rounds.add(&result("same")), Next::Goes);
        assert_eq!(rounds.add(&result("same")), Next::Goes);
        assert!(matches!(rounds.add(&result("same")), Next::Last(_)));
    }

    #[test]
    fn what_is_told_has_a_bound() {
        let mut rounds = Rounds::default();
        assert_eq!(rounds.add(&result("small")), Next::Goes);
        let large = "x".repeat(1 << 20);
        assert!(matches!(rounds.add(&result(&large)), Next::Last(_)));
    }
}
