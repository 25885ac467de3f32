//! The columns at which blocks of Python and YAML may begin.
//!
//! Their scanners keep a stack of them. What is on it is in order, so that a text has to begin blocks
//! at as many different columns as it wants the stack to be high.

use std::collections::BTreeSet;

/// Blocks of Python may be indented in so many different ways. Its scanner has room for 510, less one
/// for every two strings with interpolation that are open inside one another, of which it keeps 255.
const MOST_PYTHON: usize = 350;

/// Blocks of YAML may begin at so many different columns. Its scanner keeps two entries a column and
/// has room for 253.
const MOST_YAML: usize = 120;

/// How far the lines of a Python text are indented, counted as its scanner does.
pub(super) struct PythonIndents {
    /// The width of the white space at the start of the present line; none behind it.
    width: Option<usize>,
    /// Behind a backslash that may join the next line to this one.
    is_joining: bool,
    widths: BTreeSet<usize>,
}

impl Default for PythonIndents {
    fn default() -> Self {
        Self {
            width: Some(0),
            is_joining: false,
            widths: BTreeSet::new(),
        }
    }
}

impl PythonIndents {
    /// Looks at the next piece; `false` when the scanner has no room for what it holds.
    pub(super) fn feed(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            let was_joining = std::mem::take(&mut self.is_joining);
            self.width = match (byte, self.width) {
                // The white space on both sides of a joint is one.
                (b'\n', Some(width)) if was_joining => Some(width),
                (b'\r', Some(width)) if was_joining => {
                    self.is_joining = true;
                    Some(width)
                }
                (b'\n' | b'\r', _) | (b'\x0c', Some(_)) => Some(0),
                (b' ', Some(width)) if !was_joining => Some(width + 1),
                (b'\t', Some(width)) if !was_joining => Some(width + 8),
                (b'\\', Some(width)) if !was_joining => {
                    self.is_joining = true;
                    Some(width)
                }
                (_, Some(width)) => {
                    self.widths.insert(width);
                    None
                }
                (_, None) => None,
            };
        }
        self.widths.len() <= MOST_PYTHON
    }
}

/// At which columns the lines of a YAML text begin, and what stands behind markers of blocks.
///
/// A marker is `-`, `?` or `:` with white space behind it. Where nothing makes sense to it any more,
/// the scanner takes a row of markers in the middle of a line for blocks too.
pub(super) struct YamlIndents {
    column: usize,
    /// Nothing but white space and markers is before this on the line.
    is_leading: bool,
    /// White space, or the start of the line, is before this.
    is_free: bool,
    /// The column of what may be a marker, if white space comes next.
    candidate: Option<usize>,
    /// The column of the marker before this, if only white space is between.
    marker: Option<usize>,
    columns: BTreeSet<usize>,
}

impl Default for YamlIndents {
    fn default() -> Self {
        Self {
            column: 0,
            is_leading: true,
            is_free: true,
            candidate: None,
            marker: None,
            columns: BTreeSet::new(),
        }
    }
}

impl YamlIndents {
    /// Looks at the next piece; `false` when the scanner has no room for what it holds.
    pub(super) fn feed(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            match byte {
                b'\n' | b'\r' => {
                    self.end_word();
                    self.column = 0;
                    self.is_leading = true;
                    self.is_free = true;
                    self.marker = None;
                    continue;
                }
                b' ' | b'\t' => {
                    self.end_word();
                    self.is_free = true;
                }
                b'-' | b'?' | b':' if self.is_free => {
                    self.candidate = Some(self.column);
                    self.is_free = false;
                }
                // The rest of a character, which is one column.
                0x80..0xC0 => continue,
                _ => {
                    let start = self.candidate.take().unwrap_or(self.column);
                    if self.is_leading {
                        self.columns.insert(start);
                        self.is_leading = false;
                    }
                    self.is_free = false;
                    self.marker = None;
                }
            }
            self.column += 1;
        }
        self.columns.len() <= MOST_YAML
    }

    /// White space comes: what may be a marker is one.
    fn end_word(&mut self) {
        let Some(marker) = self.candidate.take() else {
            return;
        };
        if self.is_leading || self.marker.is_some() {
            self.columns.extend(self.marker);
            self.columns.insert(marker);
        }
        self.marker = Some(marker);
    }
}
