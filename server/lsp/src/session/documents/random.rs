//! The text against a naive model: after each of a hundred thousand random changes, in each encoding, the
//! document is what a reading of the protocol's text, one character after the other, makes of the change.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use lsp_types::{LanguageKind, TextDocumentItem, Uri};
use pleach_text::PositionEncoding;
use serde_json::{Value, json};

use super::Documents;
use crate::client::Client;

const CHANGES: u32 = 100_000;
/// Longer texts are mostly cut, so that the naive model stays quick.
const LONG: usize = 120;
const URI: &str = "untitled:random";

/// Every line break of the protocol, what only looks like one, wide and combining characters.
const PIECES: [&str; 24] = [
    "a",
    "b ",
    "word",
    "\t",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\r",
    "\n\r",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{b}",
    "\u{c}",
    "é",
    "e\u{301}",
    "漢",
    "𝄞",
    "👩\u{200d}🚀",
    "\u{10ffff}",
    "\u{feff}",
    "\0",
    "",
];

/// `SplitMix64` (Steele, Lea, Flood 2014): the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    fn text(&mut self) -> String {
        (0..self.roll(4))
            .map(|_| PIECES[self.roll(PIECES.len())])
            .collect()
    }
}

/// A text as the protocol describes it.
struct Model {
    text: String,
    encoding: PositionEncoding,
}

impl Model {
    fn units(&self, char: char) -> usize {
        match self.encoding {
            PositionEncoding::Utf8 => char.len_utf8(),
            PositionEncoding::Utf16 => char.len_utf16(),
            PositionEncoding::Utf32 => 1,
        }
    }

    /// Start and end of every line, the end before its line break.
    fn lines(&self) -> Vec<(usize, usize)> {
        let mut lines = Vec::new();
        let mut start = 0;
        let mut chars = self.text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            if char == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
                chars.next();
                lines.push((start, at));
                start = at + 2;
            } else if char == '\r' || char == '\n' {
                lines.push((start, at));
                start = at + 1;
            }
        }
        lines.push((start, self.text.len()));
        lines
    }

    /// Where a position is, and whether it is inside a character.
    fn place(&self, line: usize, column: usize) -> (usize, bool) {
        let Some((start, end)) = self.lines().get(line).copied() else {
            return (self.text.len(), false);
        };
        let mut passed = 0;
        for (at, char) in self.text[start..end].char_indices() {
            if passed >= column {
                return (start + at, false);
            }
            passed += self.units(char);
            if passed > column {
                return (start + at, true);
            }
        }
        (end, false)
    }

    /// A position that is mostly one of this text, sometimes behind an end or inside a character.
    fn position(&self, dice: &mut Dice) -> (usize, usize) {
        let lines = self.lines();
        let line = dice.roll(lines.len());
        let (start, end) = lines[line];
        let columns: usize = self.text[start..end]
            .chars()
            .map(|char| self.units(char))
            .sum();
        match dice.roll(40) {
            0 => (line, columns + 1 + dice.roll(9)),
            1 => (lines.len() + dice.roll(3), dice.roll(9)),
            2 => (line, usize::try_from(u32::MAX).unwrap()),
            _ => (line, dice.roll(columns + 1)),
        }
    }

    /// One change of the model; gives it as JSON, and whether it must be doubted.
    fn change(&mut self, dice: &mut Dice) -> (Value, bool) {
        let text = dice.text();
        if dice.roll(200) == 0 {
            self.text.clone_from(&text);
            return (json!({ "text": text }), false);
        }
        let (from, to) = (self.position(dice), self.position(dice));
        let is_cut = self.text.len() > LONG || dice.roll(6) == 0;
        // Typing is at one place.
        let to = if is_cut { to } else { from };
        let (from, to) = if to < from && dice.roll(100) != 0 {
            (to, from)
        } else {
            (from, to)
        };
        let ((start, in_start), (end, in_end)) =
            (self.place(from.0, from.1), self.place(to.0, to.1));
        self.text
            .replace_range(start.min(end)..start.max(end), &text);
        let place =
            |(line, character): (usize, usize)| json!({"line": line, "character": character});
        let change = json!({"range": {"start": place(from), "end": place(to)}, "text": text});
        (change, to < from || in_start || in_end)
    }
}

fn stays_in_step(encoding: PositionEncoding, seed: u64) {
    let client = Client {
        encoding,
        ..Client::default()
    };
    let mut dice = Dice(seed);
    let mut model = Model {
        text: "fn one() {}\r\n".to_owned(),
        encoding,
    };
    let mut documents = Documents::default();
    let item = TextDocumentItem {
        uri: Uri(URI.into()),
        language_id: LanguageKind::Rust,
        version: 0,
        text: model.text.clone(),
    };
    documents.open(item, None);
    let document = documents.get_mut(URI).unwrap();
    let (mut changes, mut version, mut doubts) = (0, 0, 0);
    while changes < CHANGES {
        version += 1;
        let mut doubt = false;
        let count = 1 + dice.roll(3);
        let mut sent = Vec::new();
        for _ in 0..count {
            let (change, is_doubtful) = model.change(&mut dice);
            // A text that came whole is beyond doubt, whatever was before it.
            doubt = is_doubtful || (doubt && change.get("range").is_some());
            sent.push(change);
            changes += 1;
        }
        let params = json!({
            "textDocument": {"uri": URI, "version": version}, "contentChanges": sent,
        });
        document.change(serde_json::from_value(params).unwrap(), &client);
        assert!(
            document.text == *model.text,
            "{encoding:?}, change {changes}: {:?} is not {:?} after {sent:?}",
            document.text.to_string(),
            model.text
        );
        assert_eq!(
            document.suspect.is_some(),
            doubt,
            "change {changes}: {sent:?}"
        );
        if doubt {
            doubts += 1;
            document.saved(&model.text);
        }
    }
    assert!(doubts > 20, "{doubts} doubtful changes");
}

#[test]
fn a_hundred_thousand_changes_in_utf_8() {
    stays_in_step(PositionEncoding::Utf8, 8);
}

#[test]
fn a_hundred_thousand_changes_in_utf_16() {
    stays_in_step(PositionEncoding::Utf16, 16);
}

#[test]
fn a_hundred_thousand_changes_in_utf_32() {
    stays_in_step(PositionEncoding::Utf32, 32);
}
