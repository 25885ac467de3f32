//! Texts that a grammar must not be given.
//!
//! The grammars are C. Some keep what they know in a buffer of fixed size and end the process when a
//! text makes that overflow; some take time or memory that grows with the square of a text that is
//! nested without end. No person writes such texts, but a broken or hostile reply may be one. They are
//! told apart here, in one pass over the bytes and the same way each time, before the grammar sees
//! them. What is left of the danger, time alone, is bounded while parsing ([`Meter`]).

use std::time::Duration;

use crate::Language;

mod heredocs;
mod indents;

use heredocs::Heredocs;
use indents::{PythonIndents, YamlIndents};

/// Why a text was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unread {
    /// It holds a zero byte, so it is no text of a language.
    Binary,
    /// It is nested deeper than its grammar can be trusted with.
    TooDeep,
    /// The parser spends more on it than on any real program of its size.
    TooSlow,
    /// It is larger than four gigabytes, which is all that the parser can count.
    TooLarge,
}

impl Unread {
    /// In words: `nested too deeply to be read`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Binary => "a zero byte: this is not text",
            Self::TooDeep => "nested too deeply to be read",
            Self::TooSlow => "too tangled to be read in reasonable time",
            Self::TooLarge => "too large to be read",
        }
    }
}

/// Brackets may be open this deep.
const MOST_BRACKETS: u32 = 2_000;

/// `<` may be open this deep where it may be a bracket. At each, a grammar that does not know yet
/// whether it is one follows both meanings; Java's takes a gigabyte for 10,000.
const MOST_ANGLES: u32 = 300;

/// Looks at a text piece by piece.
pub(crate) struct Guard {
    language: Language,
    found: Option<Unread>,
    seen: usize,
    brackets: u32,
    angles: u32,
    last: u8,
    scanner: Scanner,
}

/// What the scanner of the language keeps in a room of fixed size.
enum Scanner {
    Nothing,
    Python(PythonIndents),
    Yaml(YamlIndents),
    Ruby(Heredocs),
}

impl Guard {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            language,
            found: None,
            seen: 0,
            brackets: 0,
            angles: 0,
            last: 0,
            scanner: match language {
                Language::Python => Scanner::Python(PythonIndents::default()),
                Language::Yaml => Scanner::Yaml(YamlIndents::default()),
                Language::Ruby => Scanner::Ruby(Heredocs::default()),
                _ => Scanner::Nothing,
            },
        }
    }

    /// What is wrong with a whole text.
    pub(crate) fn of(language: Language, text: &str) -> Option<Unread> {
        let mut guard = Self::new(language);
        guard.feed(text.as_bytes());
        guard.found
    }

    /// What is wrong with the text so far.
    pub(crate) fn found(&self) -> Option<Unread> {
        self.found
    }

    /// Looks at the next piece.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.seen = self.seen.saturating_add(piece.len());
        if u32::try_from(self.seen).is_err() {
            self.found = Some(Unread::TooLarge);
        }
        if self.found.is_some() {
            return;
        }
        if piece.contains(&0) {
            self.found = Some(Unread::Binary);
            return;
        }
        if has_brackets(self.language) {
            self.look_at_brackets(piece);
        }
        let has_room = match &mut self.scanner {
            Scanner::Nothing => true,
            Scanner::Python(indents) => indents.feed(piece),
            Scanner::Yaml(indents) => indents.feed(piece),
            Scanner::Ruby(heredocs) => heredocs.feed(piece),
        };
        if !has_room {
            self.found = Some(Unread::TooDeep);
        }
    }

    fn look_at_brackets(&mut self, piece: &[u8]) {
        for byte in piece {
            let last = std::mem::replace(&mut self.last, *byte);
            match byte {
                // `<<` and `<=` open nothing.
                b'<' if last == b'<' => {
                    self.last = 0;
                    self.angles = self.angles.saturating_sub(1);
                }
                b'=' if last == b'<' => self.angles = self.angles.saturating_sub(1),
                b'(' | b'[' => self.brackets += 1,
                b'{' => {
                    self.brackets += 1;
                    self.angles = 0;
                }
                b')' | b']' => self.brackets = self.brackets.saturating_sub(1),
                b'}' => {
                    self.brackets = self.brackets.saturating_sub(1);
                    self.angles = 0;
                }
                b'<' => self.angles += 1,
                b'>' => self.angles = self.angles.saturating_sub(1),
                b';' => self.angles = 0,
                _ => continue,
            }
            let is_too_deep = self.brackets > MOST_BRACKETS
                || (self.angles > MOST_ANGLES && has_angles(self.language));
            if is_too_deep {
                self.found = Some(Unread::TooDeep);
                return;
            }
        }
    }
}

/// In prose and markup a bracket is a character like any other.
fn has_brackets(language: Language) -> bool {
    language.is_programming() || matches!(language, Language::Json | Language::Css)
}

fn has_angles(language: Language) -> bool {
    matches!(
        language,
        Language::Java
            | Language::CSharp
            | Language::Cpp
            | Language::Rust
            | Language::TypeScript
            | Language::Tsx
            | Language::Swift
            | Language::Kotlin
            | Language::Scala
    )
}

/// Bounds what the parser may spend on a text: the bytes that it asks for, and processor time.
///
/// A scanner that looks for the end of a string that has none reads to the end of the text each time
/// it is asked, within one step of the parser, so that looking at the clock between steps is not
/// enough. It has to ask for the text piece by piece, though, and every piece is counted. When there
/// were too many, it is told that the text ends here.
pub(crate) struct Meter {
    bytes_left: usize,
    steps: u32,
    started: Clock,
    most_time: Duration,
    is_spent: bool,
}

/// Real texts, whole or broken, were read at most 8 times over.
const MOST_READINGS: usize = 32;

/// Real texts take up to a third of a second a megabyte, in a build that is not optimised.
const MOST_TIME_PER_MEGABYTE: Duration = Duration::from_millis(700);

/// For what is fixed, and for small texts.
const LEAST_TIME: Duration = Duration::from_millis(300);

/// So much of a text is given at a time.
const PIECE: usize = 4_096;

impl Meter {
    /// For a text of a length.
    pub(crate) fn new(len: usize) -> Self {
        let megabytes = u32::try_from(len >> 20)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        Self {
            bytes_left: len
                .saturating_mul(MOST_READINGS)
                .saturating_add(512 * 1_024),
            steps: 0,
            started: Clock::now(),
            most_time: LEAST_TIME.saturating_add(MOST_TIME_PER_MEGABYTE.saturating_mul(megabytes)),
            is_spent: false,
        }
    }

    /// Lets a piece through, or the end of the text when there were too many.
    ///
    /// A piece ends where a character ends. The parser asks again for one that is cut in two, and if it
    /// then were told that the text ends, it would read from nowhere.
    pub(crate) fn serve<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let continues = |at: &usize| piece.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
        let end = (0..=PIECE.min(piece.len()))
            .rev()
            .find(|at| !continues(at))
            .unwrap_or(0);
        let piece = piece.get(..end).unwrap_or(&[]);
        match self.bytes_left.checked_sub(piece.len()) {
            Some(left) if !self.is_spent => {
                self.bytes_left = left;
                piece
            }
            _ => {
                self.is_spent = true;
                let rest = (0..end).take_while(continues).count();
                piece.get(..rest).unwrap_or(&[])
            }
        }
    }

    /// Looks at the clock now and then; `false` when too much time was spent.
    pub(crate) fn step(&mut self) -> bool {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(8) && self.started.elapsed() > self.most_time {
            self.is_spent = true;
        }
        !self.is_spent
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }
}

/// The processor time of this thread, where the system tells it; else the time of the day.
#[cfg(unix)]
struct Clock(Duration);

#[cfg(unix)]
impl Clock {
    fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or(0);
        Self(Duration::new(seconds, nanoseconds))
    }

    fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

#[cfg(not(unix))]
struct Clock(std::time::Instant);

#[cfg(not(unix))]
impl Clock {
    fn now() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_characters_end() {
        let text = format!("{}é", "x".repeat(PIECE - 1));
        let mut meter = Meter::new(text.len());
        assert_eq!(meter.serve(text.as_bytes()).len(), PIECE - 1);
        assert_eq!(meter.serve("é".as_bytes()), "é".as_bytes());
        assert_eq!(meter.serve(b""), b"");
        assert!(!meter.is_spent());
    }

    #[test]
    fn the_rest_of_a_character_is_never_taken_for_the_end() {
        let mut meter = Meter::new(0);
        meter.is_spent = true;
        assert_eq!(meter.serve("é".as_bytes()), b"");
        assert_eq!(meter.serve(b"\xA9x"), b"\xA9");
    }

    #[test]
    fn a_text_that_is_read_too_often_ends() {
        let text = vec![b'x'; PIECE];
        let mut meter = Meter::new(0);
        while !meter.serve(&text).is_empty() {}
        assert!(meter.is_spent());
        assert_eq!(meter.serve(&text), b"");
    }

    #[test]
    fn what_a_scanner_has_no_room_for_is_told_however_it_is_hidden() {
        let too_deep = [
            // Blocks in the middle of a line; one more column for every letter before them.
            (Language::Yaml, format!("a: \"b\" {}\n", "? - ".repeat(300))),
            (
                Language::Yaml,
                (0..200)
                    .map(|n| "é".repeat(n) + &" ".repeat(400 - 2 * n) + "- ? -\n")
                    .collect(),
            ),
            // The same indentation to who does not know what a form feed does, or a joined line.
            (
                Language::Python,
                (1..700)
                    .map(|n| " ".repeat(700 - n) + "\u{c}" + &" ".repeat(n) + "x\n")
                    .collect(),
            ),
            (
                Language::Python,
                (1..700)
                    .map(|n| " ".repeat(n % 30) + "\\\n" + &" ".repeat(n / 30 * 30) + "x\n")
                    .collect(),
            ),
            // A word over many lines; strings that seem to end, and heredocs that seem to.
            (
                Language::Ruby,
                format!("x = <<\"{}\"\n", "ab\n".repeat(100)),
            ),
            (Language::Ruby, format!("{}<<A\n", "\"#{'}'".repeat(200))),
            (Language::Ruby, "\"#{/}\" /\n".repeat(200)),
            (Language::Ruby, "foo <<A, \"\nA\n\"\n".repeat(200)),
        ];
        for (language, text) in too_deep {
            assert_eq!(
                Guard::of(language, &text),
                Some(Unread::TooDeep),
                "{text:.60}"
            );
        }
    }

    #[test]
    fn what_real_programs_hold_is_room_enough_for() {
        let fine = [
            (Language::Yaml, "a: - b - c: d\n# ------------ - ?\n".repeat(400)),
            (Language::Yaml, format!("a: {{{}}}\n", "\"b\": 1, ".repeat(400))),
            (Language::Yaml, format!("a: |\n  {}\n", "-".repeat(400))),
            (Language::Python, "if x:\n    y = 1 + \\\n        2\n\x0c\n".repeat(400)),
            (Language::Ruby, "foo(<<~A, \"b\", c: [1]) { |x|\n  \"#{x.map { |y| \"<#{y}>\" }} #{h['k'].empty?}\"\nA\n".repeat(400)),
            (Language::Ruby, "class << self\n  a << \"text #{x ? 'a' : \"b\"}\"\nend\n".repeat(400)),
        ];
        for (language, text) in fine {
            assert_eq!(Guard::of(language, &text), None, "{text:.60}");
        }
    }

    #[test]
    fn a_text_may_come_in_any_pieces() {
        let yaml: String = (0..300).map(|n| " ".repeat(n) + "a:\n").collect();
        let ruby = format!("x = <<~{}\n", "A".repeat(300));
        for (language, text) in [(Language::Yaml, yaml), (Language::Ruby, ruby)] {
            assert_eq!(Guard::of(language, &text), Some(Unread::TooDeep));
            let mut guard = Guard::new(language);
            for byte in text.as_bytes() {
                guard.feed(std::slice::from_ref(byte));
            }
            assert_eq!(guard.found(), Some(Unread::TooDeep), "{language}");
        }
    }
}
