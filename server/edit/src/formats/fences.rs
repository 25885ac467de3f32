//! Code fences, as Markdown has them and as models write them.

use super::paths;

/// A fence that is open.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    kind: Kind,
    indent: usize,
    /// What stands after the opening marks.
    pub(crate) info: String,
    /// How many fences were opened inside it.
    nested: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// So many back-quotes or tildes.
    Marks(char, usize),
    /// `<source>`, `<code>`, `<pre>`: what some replies use where the code holds back-quotes.
    Tag(&'static str),
}

const TAGS: [(&str, &str); 4] = [
    ("<source>", "</source>"),
    ("<code>", "</code>"),
    ("<pre>", "</pre>"),
    ("<sourcecode>", "</sourcecode>"),
];

impl Fence {
    /// The fence that a line opens.
    pub(crate) fn opened_by(line: &str) -> Option<Self> {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        for (open, close) in TAGS {
            if let Some(info) = body.strip_prefix(open) {
                let info = info.trim();
                let plain = info
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || "+#-_.".contains(letter));
                return plain.then(|| Self {
                    kind: Kind::Tag(close),
                    indent,
                    info: info.to_owned(),
                    nested: 0,
                });
            }
        }
        let mark = body
            .chars()
            .next()
            .filter(|mark| matches!(mark, '`' | '~'))?;
        let count = body.chars().take_while(|&next| next == mark).count();
        let info = body.get(count..)?.trim();
        if count < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        Some(Self {
            kind: Kind::Marks(mark, count),
            indent,
            info: info.to_owned(),
            nested: 0,
        })
    }

    /// The code in it. As Markdown has it, what an indented fence holds is indented with it, where all of
    /// it is.
    pub(crate) fn contents(&self, text: String) -> String {
        let is_inside = |line: &str| {
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            blanks >= self.indent
        };
        let mut solid = text.lines().filter(|line| !line.trim().is_empty());
        if self.indent == 0 || !solid.all(is_inside) {
            return text;
        }
        let lines = text.split_inclusive('\n');
        lines
            .map(|line| {
                line.get(self.indent..)
                    .filter(|_| is_inside(line))
                    .unwrap_or("\n")
            })
            .collect()
    }

    /// Whether a line closes this fence. Fences opened inside Markdown are counted, because models
    /// nest them without making the outer one longer.
    pub(crate) fn closed_by(&mut self, line: &str) -> bool {
        let body = line.trim_start();
        match self.kind {
            Kind::Tag(close) => body.trim_end() == close,
            Kind::Marks(mark, count) => {
                let marks = body.chars().take_while(|&next| next == mark).count();
                if marks < count || line.len() - body.len() > self.indent + 3 {
                    return false;
                }
                let info = body.get(marks..).unwrap_or("").trim();
                if !info.is_empty() {
                    let opens = self.holds_markdown() && marks == count && !info.contains('`');
                    self.nested += usize::from(opens);
                    return false;
                }
                if self.nested > 0 {
                    self.nested -= 1;
                    return false;
                }
                true
            }
        }
    }

    fn holds_markdown(&self) -> bool {
        let language = self
            .info
            .split([' ', ':'])
            .next()
            .unwrap_or("")
            .to_ascii_lowercase();
        matches!(language.as_str(), "markdown" | "md" | "mdx")
            || paths::in_info(&self.info)
                .is_some_and(|path| path.to_ascii_lowercase().ends_with(".md"))
    }

    /// Whether the fence says that it holds a diff or a patch.
    pub(crate) fn holds_diff(&self) -> bool {
        let language = self.info.split([' ', ':']).next().unwrap_or("");
        matches!(language, "diff" | "patch" | "udiff")
    }

    /// Whether the fence can hold a tool call.
    pub(crate) fn may_hold_json(&self) -> bool {
        let language = self
            .info
            .split([' ', ':'])
            .next()
            .unwrap_or("")
            .to_ascii_lowercase();
        matches!(
            language.as_str(),
            "" | "json" | "jsonc" | "json5" | "jsonl" | "tool_call" | "tool_code" | "tool"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_fence_holds_shorter_ones() {
        let mut fence = Fence::opened_by("````rust").into_iter().next();
        assert!(!fence.as_mut().is_some_and(|fence| fence.closed_by("```")));
        assert!(fence.as_mut().is_some_and(|fence| fence.closed_by("````")));
    }

    #[test]
    fn what_an_indented_fence_holds_is_indented_with_it() {
        let fence = Fence::opened_by("  ```py").into_iter().next();
        let contents = |text: &str| fence.as_ref().map(|fence| fence.contents(text.to_owned()));
        for (text, expected) in [
            ("  a:\n    b\n\n  c\n", "a:\n  b\n\nc\n"),
            ("a:\n    b\n", "a:\n    b\n"),
        ] {
            assert_eq!(contents(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn fences_inside_markdown_are_counted() {
        let mut fence = Fence::opened_by("```markdown").into_iter().next();
        let closed: Vec<bool> = ["```sh", "```", "```"]
            .iter()
            .map(|line| fence.as_mut().is_some_and(|fence| fence.closed_by(line)))
            .collect();
        assert_eq!(closed, [false, false, true]);
    }
}
