//! Reasoning that a model writes into its answer, between `<think>` and `</think>`.
//!
//! Servers that know their model send reasoning in a field of its own; others pass on what the model
//! writes. It must not be taken for the answer: a model that thinks aloud about an edit has not made
//! it. Only a tag at the very beginning counts, so that an answer may speak of the tag.

use crate::ModelEvent;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Tells an answer's reasoning from its text, piece by piece.
#[derive(Debug)]
pub(crate) enum Splitter {
    /// Nothing but blanks or the beginning of the tag so far; it is held back.
    Beginning(String),
    /// Between the tags. What may be the beginning of the closing one is held back.
    Inside(String),
    /// After the closing tag; line breaks until the first word belong to the tag.
    After,
    /// In the answer.
    Outside,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::Beginning(String::new())
    }
}

impl Splitter {
    /// Takes the next piece of content.
    pub(crate) fn push(&mut self, piece: &str, events: &mut Vec<ModelEvent>) {
        match std::mem::replace(self, Self::Outside) {
            Self::Outside => text(piece, events),
            Self::After => {
                let rest = piece.trim_start_matches(['\n', '\r']);
                if rest.is_empty() {
                    *self = Self::After;
                } else {
                    text(rest, events);
                }
            }
            Self::Beginning(mut held) => {
                held.push_str(piece);
                let word = held.trim_start();
                if let Some(thought) = word.strip_prefix(OPEN) {
                    *self = Self::Inside(String::new());
                    self.push(thought, events);
                } else if OPEN.starts_with(word) {
                    *self = Self::Beginning(held);
                } else {
                    text(&held, events);
                }
            }
            Self::Inside(mut held) => {
                held.push_str(piece);
                if let Some((thought, rest)) = held.split_once(CLOSE) {
                    thinking(thought, events);
                    *self = Self::After;
                    self.push(rest, events);
                } else {
                    let kept = beginning_of(CLOSE, &held);
                    let (thought, kept) = held.split_at(held.len() - kept);
                    thinking(thought, events);
                    *self = Self::Inside(kept.to_owned());
                }
            }
        }
    }

    /// Gives back what was held, at the end of the answer.
    pub(crate) fn flush(&mut self, events: &mut Vec<ModelEvent>) {
        match std::mem::replace(self, Self::Outside) {
            Self::Beginning(held) => text(&held, events),
            Self::Inside(held) => thinking(&held, events),
            Self::After | Self::Outside => {}
        }
    }
}

/// How many of the last bytes of `text` begin `tag`, which is ASCII.
fn beginning_of(tag: &str, text: &str) -> usize {
    (1..tag.len())
        .rev()
        .find(|length| tag.get(..*length).is_some_and(|it| text.ends_with(it)))
        .unwrap_or(0)
}

fn text(text: &str, events: &mut Vec<ModelEvent>) {
    if !text.is_empty() {
        events.push(ModelEvent::Text(text.to_owned()));
    }
}

fn thinking(text: &str, events: &mut Vec<ModelEvent>) {
    if !text.is_empty() {
        events.push(ModelEvent::Thinking(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Thoughts and text of a reply that comes in these pieces.
    fn split<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut splitter = Splitter::default();
        let mut events = Vec::new();
        for piece in pieces {
            splitter.push(piece, &mut events);
        }
        splitter.flush(&mut events);
        let mut both = (String::new(), String::new());
        for event in events {
            match event {
                ModelEvent::Thinking(text) => both.0.push_str(&text),
                ModelEvent::Text(text) => both.1.push_str(&text),
                _ => {}
            }
        }
        both
    }

    #[track_caller]
    fn check(reply: &str, thought: &str, text: &str) {
        let both = (thought.to_owned(), text.to_owned());
        assert_eq!(split([reply]), both, "in one piece");
        let chars: Vec<String> = reply.chars().map(String::from).collect();
        let chars = chars.iter().map(String::as_str);
        assert_eq!(split(chars), both, "letter by letter");
    }

    #[test]
    fn thoughts_at_the_beginning_are_no_text() {
        check("<think>\nhm</think>\n\n    yes", "\nhm", "    yes");
        check("\n<think></think>yes", "", "yes");
        check("<think>a < b </thin</think>yes", "a < b </thin", "yes");
    }

    #[test]
    fn the_tag_elsewhere_is_text() {
        check("use <think> here</think>", "", "use <think> here</think>");
        check("  fn a() {}", "", "  fn a() {}");
        check("<thin", "", "<thin");
        check(
            "<think>a</think>b<think>c</think>",
            "a",
            "b<think>c</think>",
        );
    }

    #[test]
    fn a_thought_without_an_end_is_still_a_thought() {
        check("<think>and then </th", "and then </th", "");
    }

    proptest! {
        #[test]
        fn nothing_but_tags_is_lost(
            pieces in prop::collection::vec("(<think>|</think>|</|<|th|ink>|ä|x| |\n){0,3}", 0..8),
        ) {
            let whole = pieces.concat();
            let apart = split(pieces.iter().map(String::as_str));
            prop_assert_eq!(&apart, &split([whole.as_str()]));
            if apart.0.is_empty() && !whole.trim_start().starts_with(OPEN) {
                prop_assert_eq!(apart.1, whole);
            }
        }
    }
}
