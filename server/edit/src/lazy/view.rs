//! Lines and how they are nested, by indentation alone.

use crate::lines::{indent_of, is_blank};

/// Some lines of code, each with what heads the block it is in.
pub(super) struct View<'a> {
    lines: Vec<&'a str>,
    elided: Vec<bool>,
    depth: Vec<usize>,
    /// The nearest line above that is indented less.
    parent: Vec<Option<usize>>,
    /// For a line that closes something: the line that opened it.
    opener: Vec<Option<usize>>,
}

/// How wide a tab is when depths are compared.
const TAB: usize = 4;

fn depth_of(line: &str) -> usize {
    indent_of(line)
        .chars()
        .map(|blank| if blank == '\t' { TAB } else { 1 })
        .sum()
}

/// Whether a line only closes what another one opened.
pub(crate) fn closes(line: &str) -> bool {
    let body = line.trim();
    body.starts_with(['}', ')', ']'])
        || body.starts_with("</")
        || matches!(
            body,
            "end" | "end)" | "end," | "end;" | "fi" | "done" | "esac" | "/>" | ">" | "*/"
        )
        || (body.starts_with("end") && !body.contains(' ') && body.len() < 8)
}

/// Whether a line is one for a preprocessor: it stands at the margin in whatever block it is in, and is
/// headed by none.
fn is_directive(line: &str) -> bool {
    let word = line.strip_prefix('#').map_or("", |rest| {
        rest.trim_start()
            .split(|letter: char| !letter.is_ascii_alphabetic())
            .next()
            .unwrap_or("")
    });
    matches!(
        word,
        "if" | "ifdef"
            | "ifndef"
            | "elif"
            | "else"
            | "endif"
            | "define"
            | "undef"
            | "pragma"
            | "region"
            | "endregion"
    )
}

impl<'a> View<'a> {
    pub(super) fn new(lines: &[&'a str], is_elision: impl Fn(&str) -> bool) -> Self {
        let mut view = Self {
            lines: lines.to_vec(),
            elided: Vec::with_capacity(lines.len()),
            depth: Vec::with_capacity(lines.len()),
            parent: Vec::with_capacity(lines.len()),
            opener: Vec::with_capacity(lines.len()),
        };
        // The open blocks: each line that something deeper may follow.
        let mut open: Vec<usize> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let depth = depth_of(line);
            let elided = is_elision(line);
            view.elided.push(elided);
            view.depth.push(depth);
            if is_blank(line) || is_directive(line) {
                view.parent.push(None);
                view.opener.push(None);
                continue;
            }
            let mut opener = None;
            while let Some(&top) = open.last() {
                let above = view.depth.get(top).copied().unwrap_or(0);
                if above < depth {
                    break;
                }
                if above == depth {
                    opener = Some(top);
                }
                open.pop();
            }
            view.parent.push(open.last().copied());
            let named = opener.filter(|_| closes(line) && !elided);
            view.opener.push(named);
            // What closes a block does not head the next one, and `{` alone is headed by its line.
            let bare = matches!(
                line.trim(),
                "{" | "(" | "[" | "({" | "[{" | "then" | "do" | "begin"
            );
            match opener {
                Some(head) if !elided && (closes(line) || bare) => open.push(head),
                _ => open.push(at),
            }
        }
        view
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn line(&self, at: usize) -> &'a str {
        self.lines.get(at).copied().unwrap_or("")
    }

    pub(super) fn is_elision(&self, at: usize) -> bool {
        self.elided.get(at).copied().unwrap_or(false)
    }

    /// Whether an elision stands between two lines.
    pub(super) fn elides_between(&self, above: usize, below: usize) -> bool {
        self.elided
            .get(above..below)
            .is_some_and(|between| between.contains(&true))
    }

    /// The line that heads the block of this one.
    pub(super) fn head(&self, at: usize) -> Option<usize> {
        self.parent.get(at).copied().flatten()
    }

    /// The nearest line that heads this one's block and is written out.
    pub(super) fn visible_head(&self, at: usize) -> Option<usize> {
        let mut head = self.head(at);
        while let Some(line) = head.filter(|&line| self.is_elision(line)) {
            head = self.head(line);
        }
        head
    }

    /// For a line that closes something: what opened it, if that is written out.
    pub(super) fn opener(&self, at: usize) -> Option<usize> {
        self.opener
            .get(at)
            .copied()
            .flatten()
            .filter(|&line| !self.is_elision(line))
    }

    /// Whether all lines belong to one block: to one line that something deeper follows, what stands
    /// right above it, and what closes it.
    pub(super) fn is_one_block(&self) -> bool {
        let solid: Vec<usize> = (0..self.len())
            .filter(|&at| !is_blank(self.line(at)))
            .collect();
        let depth = |at: usize| self.depth.get(at).copied().unwrap_or(0);
        let Some(least) = solid.iter().map(|&at| depth(at)).min() else {
            return false;
        };
        let mut blocks = 0;
        let mut outside = false;
        let mut deeper_follows = false;
        for &at in solid.iter().rev() {
            if depth(at) > least {
                deeper_follows = true;
                continue;
            }
            let bare = matches!(
                self.line(at).trim(),
                "{" | "(" | "[" | "then" | "do" | "begin"
            );
            if self.is_elision(at) {
                return false;
            }
            if self.closes(at) || bare {
                deeper_follows |= bare;
                continue;
            }
            if deeper_follows {
                blocks += 1;
                deeper_follows = false;
            } else {
                // A line behind the block, or one above it that is no comment and no attribute.
                outside |= blocks == 0
                    || !self
                        .line(at)
                        .trim_start()
                        .starts_with(['/', '#', '*', '@', '-', '[', '"']);
            }
        }
        blocks == 1 && !outside
    }

    pub(super) fn closes(&self, at: usize) -> bool {
        closes(self.line(at))
    }
}
