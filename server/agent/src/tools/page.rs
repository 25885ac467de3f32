//! Results of bounded size, with a word on how to see more.

/// Bytes of one result.
pub(super) const PAGE_BYTES: usize = 32 << 10;
/// Entries of one result.
pub(super) const PAGE_ENTRIES: usize = 200;
/// Bytes of one line in a result.
const LINE_BYTES: usize = 300;

/// Gathers the entries of one page, and counts the others.
#[derive(Debug)]
pub(super) struct Page {
    skip: usize,
    seen: usize,
    shown: usize,
    text: String,
}

impl Page {
    pub(super) fn after(skip: usize) -> Self {
        Self {
            skip,
            seen: 0,
            shown: 0,
            text: String::new(),
        }
    }

    /// Adds an entry of one line; a long one is cut.
    pub(super) fn entry(&mut self, entry: &str) {
        self.seen += 1;
        if self.seen <= self.skip || self.is_full() {
            return;
        }
        self.shown += 1;
        let end = entry.floor_char_boundary(LINE_BYTES);
        self.text.push_str(entry.get(..end).unwrap_or_default());
        if end < entry.len() {
            self.text.push('…');
        }
        self.text.push('\n');
    }

    /// Whether what comes now is only counted.
    pub(super) fn is_full(&self) -> bool {
        self.shown >= PAGE_ENTRIES || self.text.len() >= PAGE_BYTES
    }

    /// The page, with what it leaves out. `what` names the entries: `files`. `is_whole` is false when
    /// the search was stopped before its end.
    pub(super) fn finish(self, what: &str, is_whole: bool) -> String {
        let Self {
            skip,
            seen,
            shown,
            mut text,
        } = self;
        let more = if is_whole { "" } else { "at least " };
        if seen == 0 {
            let stopped = if is_whole {
                ""
            } else {
                " so far; the search was stopped, narrow it"
            };
            return format!("no {what}{stopped}\n");
        }
        let last = skip.saturating_add(shown);
        if skip > 0 || last < seen || !is_whole {
            let first = skip.saturating_add(1).min(seen);
            let next = if last < seen {
                format!("; the next page: skip {last}")
            } else {
                String::new()
            };
            let note = format!("[{what} {first} to {last} of {more}{seen}{next}]\n");
            text.push_str(&note);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(entries: usize, skip: usize) -> String {
        let mut page = Page::after(skip);
        for number in 0..entries {
            page.entry(&format!("{number}"));
        }
        page.finish("files", true)
    }

    #[test]
    fn a_page_says_what_it_leaves_out() {
        assert_eq!(pages(0, 0), "no files\n");
        assert_eq!(pages(2, 0), "0\n1\n");
        assert!(pages(450, 0).ends_with("199\n[files 1 to 200 of 450; the next page: skip 200]\n"));
        assert!(pages(450, 400).starts_with("400\n"));
        assert!(pages(450, 400).ends_with("449\n[files 401 to 450 of 450]\n"));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let mut page = Page::after(0);
        page.entry(&"ü".repeat(1000));
        assert_eq!(
            page.finish("files", true),
            format!("{}…\n", "ü".repeat(150))
        );
    }
}
