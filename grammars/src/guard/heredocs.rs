//! The heredocs and interpolated strings of Ruby that are open at a time.
//!
//! Its scanner keeps the words of the heredocs and what it knows of the strings in a room of fixed
//! size, and does not look closely enough whether there is any left. Which of them end, only the
//! scanner can tell; here an end is believed where all that leads to it is plain. What is not is held
//! to stay open, which in a real program is little.

/// What is open may take so many of the scanner's 1,024 bytes.
const MOST_BYTES: usize = 900;

/// The word of a heredoc may be so long: the scanner writes its length into one byte.
const MOST_WORD: usize = 250;

/// What the scanner keeps of a string.
const STRING: usize = 5;

/// What it keeps of a heredoc, besides its word.
const HEREDOC: usize = 4;

/// Looks at a text piece by piece.
#[derive(Default)]
pub(super) struct Heredocs {
    /// The last character, and the one before it.
    last: u8,
    before_last: u8,
    /// The present line without its indentation, as much as a word may be long.
    line: Vec<u8>,
    /// The words of heredocs that are being read.
    words: Vec<Word>,
    /// The heredocs that begin with the next line, and those that have begun.
    announced: Vec<Heredoc>,
    open: Vec<Heredoc>,
    /// What is open on this line, inside one another; empty outside of all that matters.
    inside: Vec<Inside>,
    /// The bytes of what is held to stay open.
    kept: usize,
}

struct Word {
    quote: Option<u8>,
    letters: Vec<u8>,
}

struct Heredoc {
    word: Vec<u8>,
    /// What was held to stay open when it began. If that is more by its end, the end may be none.
    kept: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// The rest of the line behind the word of a heredoc.
    Rest,
    Interpolation,
    Braces,
    Text(u8),
}

impl Heredocs {
    /// Looks at the next piece; `false` when the scanner has no room for what it holds.
    pub(super) fn feed(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            self.read_words(*byte);
            if *byte == b'\n' {
                self.end_line();
            } else {
                self.nest(*byte);
                let is_indentation = self.line.is_empty() && byte.is_ascii_whitespace();
                if !is_indentation && self.line.len() <= MOST_WORD {
                    self.line.push(*byte);
                }
            }
            self.before_last = std::mem::replace(&mut self.last, *byte);
            if !self.has_room() {
                return false;
            }
        }
        true
    }

    fn has_room(&self) -> bool {
        let heredocs = self.announced.iter().chain(&self.open);
        let words = heredocs.map(|heredoc| heredoc.word.len());
        let words = words.chain(self.words.iter().map(|word| word.letters.len()));
        let (longest, all) = words.fold((0, 0), |(longest, all), word| {
            (word.max(longest), all + word + HEREDOC)
        });
        longest <= MOST_WORD && self.kept + all + self.bytes_inside() <= MOST_BYTES
    }

    fn bytes_inside(&self) -> usize {
        let strings = self
            .inside
            .iter()
            .filter(|one| matches!(one, Inside::Interpolation | Inside::Text(_)));
        strings.count() * STRING
    }

    /// Goes on with the words of heredocs, and begins one behind `<<`, `<<-`, `<<~`.
    fn read_words(&mut self, byte: u8) {
        let is_part = byte.is_ascii_alphanumeric() || byte == b'_';
        let mut index = 0;
        while let Some(word) = self.words.get_mut(index) {
            let is_end = match word.quote {
                Some(quote) => byte == quote,
                None => !is_part,
            };
            if !is_end {
                word.letters.push(byte);
                index += 1;
                continue;
            }
            let word = self.words.remove(index).letters;
            if !word.is_empty() {
                let kept = self.kept;
                self.announced.push(Heredoc { word, kept });
                self.inside.push(Inside::Rest);
            }
        }
        let is_opener = match self.last {
            b'<' => self.before_last == b'<',
            b'-' | b'~' => self.before_last == b'<' && self.line.iter().rev().nth(2) == Some(&b'<'),
            _ => false,
        };
        if is_opener && matches!(byte, b'"' | b'\'' | b'`') {
            self.words.push(Word {
                quote: Some(byte),
                letters: Vec::new(),
            });
        } else if is_opener && is_part {
            self.words.push(Word {
                quote: None,
                letters: vec![byte],
            });
        }
    }

    /// Follows strings and braces, as long as they are plain.
    fn nest(&mut self, byte: u8) {
        let interpolates = self.last == b'#' && byte == b'{';
        match (self.inside.last().copied(), byte) {
            (None | Some(Inside::Text(b'"')), _) if interpolates => {
                self.inside.push(Inside::Interpolation);
            }
            (Some(Inside::Text(quote)), _) if byte == quote => {
                self.inside.pop();
            }
            // What is behind it may be no end of the string.
            (Some(Inside::Text(_)), b'\\') => self.give_up(),
            (None | Some(Inside::Text(_)), _) => {}
            (Some(_), b'"' | b'\'') if self.last != b'?' && self.last != b'$' => {
                self.inside.push(Inside::Text(byte));
            }
            (Some(_), b'{') => self.inside.push(Inside::Braces),
            (Some(Inside::Interpolation | Inside::Braces), b'}') if !self.ends_letter() => {
                self.inside.pop();
            }
            // A pattern, a literal of any form, a comment: what ends it is not known here.
            (Some(_), b'/' | b'%' | b'`' | b'#' | b'\\' | b'"' | b'\'' | b'}') => self.give_up(),
            _ => {}
        }
    }

    /// Whether the next character belongs to a literal of one letter, such as `?}`; a method's name may
    /// also end so, `empty?`.
    fn ends_letter(&self) -> bool {
        let is_name = self.before_last.is_ascii_alphanumeric() || self.before_last == b'_';
        self.last == b'?' && !is_name
    }

    /// Holds all that is open on this line to stay so.
    fn give_up(&mut self) {
        self.kept += self.bytes_inside();
        self.inside.clear();
        for heredoc in self.announced.drain(..) {
            self.kept += heredoc.word.len() + HEREDOC;
        }
    }

    fn end_line(&mut self) {
        if self
            .inside
            .iter()
            .any(|one| *one != Inside::Rest && *one != Inside::Braces)
        {
            self.give_up();
        }
        self.inside.clear();
        let line = std::mem::take(&mut self.line);
        let written = line.trim_ascii_end();
        if let Some(index) = self.open.iter().position(|one| one.word == written) {
            let heredoc = self.open.remove(index);
            if heredoc.kept != self.kept {
                self.kept += heredoc.word.len() + HEREDOC;
            }
        }
        self.open.append(&mut self.announced);
    }
}
