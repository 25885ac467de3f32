//! How a text is written: what every edit must keep.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lines;

/// What ends a line.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    /// Line feed, as on Unix.
    #[default]
    Lf,
    /// Carriage return and line feed, as on Windows.
    CrLf,
    /// Carriage return alone, as on the classic Mac OS.
    Cr,
}

impl LineEnding {
    /// The characters themselves.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }

    /// What ends this line, if anything does.
    pub fn of_line(line: &str) -> Option<Self> {
        if line.ends_with("\r\n") {
            Some(Self::CrLf)
        } else if line.ends_with('\n') {
            Some(Self::Lf)
        } else if line.ends_with('\r') {
            Some(Self::Cr)
        } else {
            None
        }
    }
}

impl fmt::Display for LineEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lf => "LF",
            Self::CrLf => "CRLF",
            Self::Cr => "CR",
        })
    }
}

/// One step of indentation.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndentUnit {
    /// A tab character.
    Tabs,
    /// So many spaces.
    Spaces(u8),
}

impl fmt::Display for IndentUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tabs => f.write_str("tabs"),
            Self::Spaces(width) => write!(f, "{width} spaces"),
        }
    }
}

/// How a text is written. Read once from the text; an edit must not change it.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Dialect {
    /// What ends most lines; LF where no line ends, and where LF is among several equally common ones.
    pub line_ending: LineEnding,
    /// Whether lines end in more than one way.
    pub mixed: bool,
    /// Whether the text begins with a byte order mark.
    pub bom: bool,
    /// Whether the last line has a line break. An empty text has none.
    pub final_newline: bool,
    /// The step of indentation, where the text shows one.
    pub indent: Option<IndentUnit>,
}

impl Dialect {
    /// Reads the dialect off a text.
    pub fn of(text: &str) -> Self {
        let mut endings = [
            (LineEnding::Lf, 0_usize),
            (LineEnding::CrLf, 0),
            (LineEnding::Cr, 0),
        ];
        let mut indents = Indents::default();
        for line in lines(text) {
            if let Some(ending) = LineEnding::of_line(line) {
                for (kind, count) in &mut endings {
                    *count += usize::from(*kind == ending);
                }
            }
            indents.see(line);
        }
        let mut line_ending = LineEnding::Lf;
        let mut most = 0;
        for (kind, count) in endings {
            if count > most {
                (line_ending, most) = (kind, count);
            }
        }
        Self {
            line_ending,
            mixed: endings.iter().filter(|(_, count)| *count > 0).count() > 1,
            bom: text.starts_with('\u{feff}'),
            final_newline: text.ends_with(['\n', '\r']),
            indent: indents.unit(),
        }
    }
}

/// Widest step of spaces that is taken for an indent unit; what is deeper is alignment.
const MAX_STEP: usize = 8;

/// Counts, line by line, what the indentation looks like.
#[derive(Default)]
struct Indents {
    /// Lines that begin with a tab.
    tabs: usize,
    /// Lines that begin with at least two spaces.
    spaces: usize,
    /// `steps[n]`: how often a line is n spaces deeper than the one before it.
    steps: [usize; MAX_STEP + 1],
    /// The spaces before the last line that had any text.
    previous: usize,
    /// The smallest indentation seen that is more than one space.
    smallest: Option<usize>,
}

impl Indents {
    fn see(&mut self, line: &str) {
        let rest = line.trim_start_matches(' ');
        let depth = line.len() - rest.len();
        if rest.trim().is_empty() {
            return;
        }
        if rest.starts_with('\t') {
            self.tabs += usize::from(depth == 0);
            return;
        }
        // ` * ` continues a block comment: its one space more says nothing about the unit.
        if rest.starts_with('*') && depth % 2 == 1 {
            return;
        }
        if depth > 1 {
            self.spaces += 1;
            self.smallest = Some(self.smallest.map_or(depth, |smallest| smallest.min(depth)));
        }
        if let Some(step) = depth.checked_sub(self.previous)
            && step > 1
            && let Some(count) = self.steps.get_mut(step)
        {
            *count += 1;
        }
        self.previous = depth;
    }

    fn unit(&self) -> Option<IndentUnit> {
        if self.tabs > self.spaces {
            return Some(IndentUnit::Tabs);
        }
        let mut best = None;
        let mut most = 0;
        for (step, count) in self.steps.iter().enumerate() {
            if *count > most {
                (best, most) = (Some(step), *count);
            }
        }
        let step = best.or(self.smallest.filter(|smallest| *smallest <= MAX_STEP));
        match step.and_then(|step| u8::try_from(step).ok()) {
            Some(step) => Some(IndentUnit::Spaces(step)),
            None => (self.tabs > 0).then_some(IndentUnit::Tabs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_of_line_breaks_wins() {
        let dialect = Dialect::of("a\r\nb\r\nc\n");
        assert_eq!(dialect.line_ending, LineEnding::CrLf);
        assert!(dialect.mixed);
        assert_eq!(Dialect::of("a\r\nb\n").line_ending, LineEnding::Lf);
        assert_eq!(Dialect::of("a\rb\r").line_ending, LineEnding::Cr);
        assert!(!Dialect::of("a\r\nb\r\n").mixed);
    }

    #[test]
    fn an_empty_text_has_the_default_dialect() {
        assert_eq!(Dialect::of(""), Dialect::default());
        assert_eq!(Dialect::default().line_ending, LineEnding::Lf);
    }

    #[test]
    fn byte_order_mark_and_final_line_break() {
        let dialect = Dialect::of("\u{feff}x");
        assert!(dialect.bom);
        assert!(!dialect.final_newline);
        assert!(Dialect::of("x\r").final_newline);
    }

    #[test]
    fn the_unit_of_indentation() {
        let unit = |text: &str| Dialect::of(text).indent;
        assert_eq!(unit("a\nb\n"), None);
        assert_eq!(unit("f {\n\tx\n}\n"), Some(IndentUnit::Tabs));
        assert_eq!(
            unit("f {\n  x {\n    y\n  }\n}\n"),
            Some(IndentUnit::Spaces(2))
        );
        assert_eq!(
            unit("f {\n    x {\n        y\n    }\n}\n"),
            Some(IndentUnit::Spaces(4))
        );
        // A block comment's star and an aligned argument are no indentation.
        assert_eq!(
            unit("/**\n * x\n * y\n */\nf(a,\n  b) {\n    x;\n}\ng {\n    y;\n}\n"),
            Some(IndentUnit::Spaces(2)),
            "two steps of 2 against one of 4"
        );
        assert_eq!(
            unit("/**\n * x\n */\nf {\n    x;\n}\n"),
            Some(IndentUnit::Spaces(4))
        );
    }

    #[test]
    fn tabs_and_spaces_mixed_follow_the_majority() {
        assert_eq!(
            Dialect::of("\ta\n\tb\n  c\n").indent,
            Some(IndentUnit::Tabs)
        );
        assert_eq!(
            Dialect::of("\ta\n  b\n  c\n").indent,
            Some(IndentUnit::Spaces(2))
        );
    }
}
