//! What the demonstration looks like: at most 80 columns, the eye led from step to step.

use std::io::{self, Write as _};
use std::time::Duration;

use anstyle::Style;

use crate::paint::{self, BAD, FAINT, GOOD, HEAD, PLACE, paint, visible};

/// Columns of the page.
const WIDTH: usize = 78;
/// Blanks before everything that belongs to a step.
const INDENT: &str = "   ";
/// Lines of a reply that are shown.
const SHOWN: usize = 10;

pub(super) struct Page {
    out: Box<dyn io::Write>,
    steps: usize,
    quiet: bool,
    /// Text that was streamed and is not a whole line yet.
    line: String,
    /// Lines of the present step's reply that were shown, and that were left out since.
    shown: usize,
    left_out: usize,
    /// The engine that was named last in this step, to name it once.
    engine: String,
    /// The present line holds phases and is not ended yet.
    phases: bool,
}

impl Page {
    pub(super) fn new(out: impl io::Write + 'static, quiet: bool) -> Self {
        Self {
            out: Box::new(out),
            steps: 0,
            quiet,
            line: String::new(),
            shown: 0,
            left_out: 0,
            engine: String::new(),
            phases: false,
        }
    }

    pub(super) fn title(&mut self) -> anyhow::Result<()> {
        let title = format!("Pleach {}", env!("CARGO_PKG_VERSION"));
        self.put(&format!(
            "{} weaves agents' edits into a living program",
            paint(HEAD, title)
        ))?;
        if self.quiet {
            return Ok(());
        }
        self.put("")?;
        self.wrapped(
            "A real server is about to work on a throw-away copy of a small project, and this \
             program plays the editor. No key, no network; nothing of yours is touched.",
            Style::new(),
            "",
        )
    }

    pub(super) fn step(&mut self, what: &str) -> anyhow::Result<()> {
        self.steps += 1;
        self.engine.clear();
        self.shown = 0;
        self.put("")?;
        let number = paint(PLACE, self.steps);
        self.put(&format!("{number}  {}", paint(HEAD, what)))
    }

    pub(super) fn good(&mut self, what: &str) -> anyhow::Result<()> {
        self.marked(&paint(GOOD, "✓").to_string(), what, Style::new())
    }

    /// Something good, and how long it took.
    pub(super) fn good_after(&mut self, what: &str, time: Duration) -> anyhow::Result<()> {
        let time = format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let gap = WIDTH.saturating_sub(INDENT.len() + 2 + what.chars().count() + time.len());
        let (tick, time) = (paint(GOOD, "✓"), paint(FAINT, time));
        self.put(&format!(
            "{INDENT}{tick} {what}{}{time}",
            " ".repeat(gap.max(1))
        ))
    }

    pub(super) fn item(&mut self, what: &str) -> anyhow::Result<()> {
        self.detail(&format!("{INDENT}· {what}"))
    }

    /// A line of a file, with its number.
    pub(super) fn code(&mut self, number: usize, line: &str) -> anyhow::Result<()> {
        let number = paint(FAINT, format!("{number} │"));
        self.detail(&format!("{INDENT}{number} {}", fitted(line)))
    }

    pub(super) fn diff(&mut self, diff: &str) -> anyhow::Result<()> {
        if !self.quiet {
            let diff: Vec<String> = diff.lines().map(fitted).collect();
            paint::diff(&mut self.out, &diff.join("\n"), INDENT)?;
        }
        Ok(())
    }

    /// Phases that follow each other share a line.
    pub(super) fn phase(&mut self, phase: &str, engine: &str) -> anyhow::Result<()> {
        if !engine.is_empty() && engine != self.engine {
            engine.clone_into(&mut self.engine);
            self.event(&format!("who answers: {engine}"))?;
        }
        if self.quiet {
            return Ok(());
        }
        self.end_stream()?;
        let lead = if self.phases { " " } else { INDENT };
        self.phases = true;
        write!(
            self.out,
            "{lead}{}",
            paint(FAINT, format_args!("→ {}", visible(phase)))
        )?;
        Ok(self.out.flush()?)
    }

    /// A piece of the reply, as it came: shown line by line.
    pub(super) fn streamed(&mut self, text: &str) -> anyhow::Result<()> {
        self.line.push_str(text);
        while let Some((line, rest)) = self.line.split_once('\n') {
            let (line, rest) = (line.to_owned(), rest.to_owned());
            self.line = rest;
            self.reply_line(&line)?;
        }
        Ok(())
    }

    /// A line of the reply. A long reply is not shown to its end: what it does is in the diff.
    fn reply_line(&mut self, line: &str) -> anyhow::Result<()> {
        match line.trim() {
            "" => Ok(()),
            _ if self.shown < SHOWN => {
                self.shown += 1;
                self.bar(line, PLACE)
            }
            _ => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    pub(super) fn verdict(&mut self, accepted: bool, message: &str) -> anyhow::Result<()> {
        self.end_stream()?;
        if accepted {
            self.marked(&paint(GOOD, "✓ gate:").to_string(), message, GOOD)
        } else {
            self.marked(&paint(BAD, "✗ gate: refused:").to_string(), message, BAD)
        }
    }

    pub(super) fn failed(&mut self, error: &anyhow::Error, log: &str) -> anyhow::Result<()> {
        self.end_stream()?;
        self.marked(&paint(BAD, "✗").to_string(), &format!("{error:#}"), BAD)?;
        let log = log.trim();
        if !log.is_empty() {
            self.put(&format!("{INDENT}{}", paint(FAINT, "the server's log:")))?;
            for line in log.lines() {
                self.put(&format!("{INDENT}{}", paint(FAINT, visible(line))))?;
            }
        }
        self.put("")?;
        self.put(
            &paint(
                BAD,
                "The demonstration ended early; `pleach doctor` may say why.",
            )
            .to_string(),
        )
    }

    pub(super) fn end(&mut self) -> anyhow::Result<()> {
        self.put("")?;
        self.put(&paint(GOOD, "All of this happened, and every step was checked.").to_string())?;
        let next = "pleach init neovim | helix | vscode";
        self.put(&format!("Next, in your own editor: {}", paint(HEAD, next)))
    }

    /// Something that happened on the way.
    pub(super) fn event(&mut self, what: &str) -> anyhow::Result<()> {
        self.end_stream()?;
        if self.quiet {
            return Ok(());
        }
        self.marked(&paint(FAINT, "→").to_string(), what, FAINT)
    }

    /// Before anything else is said: what is left of the reply.
    fn end_stream(&mut self) -> anyhow::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.reply_line(&line)?;
        match std::mem::take(&mut self.left_out) {
            0 => Ok(()),
            lines => self.bar(&format!("… {}", paint::count(lines, "more line")), FAINT),
        }
    }

    /// A line of somebody's text.
    fn bar(&mut self, line: &str, style: Style) -> anyhow::Result<()> {
        let bar = paint(FAINT, "│");
        let line = fitted(&visible(line));
        self.detail(format!("{INDENT}{bar} {}", paint(style, line)).trim_end())
    }

    /// `what` after a mark; further lines are indented.
    fn marked(&mut self, mark: &str, what: &str, style: Style) -> anyhow::Result<()> {
        self.wrapped(&visible(what), style, &format!("{INDENT}{mark} "))
    }

    /// Words in lines of at most [`WIDTH`] columns. The first line begins with `first`, the others
    /// with blanks.
    fn wrapped(&mut self, text: &str, style: Style, first: &str) -> anyhow::Result<()> {
        let room = WIDTH - INDENT.len() - 2;
        let rest = if first.is_empty() {
            String::new()
        } else {
            format!("{INDENT}  ")
        };
        let mut taken = columns(first).saturating_sub(INDENT.len() + 2);
        let mut line = String::new();
        let mut head = first.to_owned();
        for word in text.split_whitespace() {
            let width = word.chars().count();
            let used = line.chars().count();
            if used > 0 && taken + used + 1 + width > room {
                self.put(&format!("{head}{}", paint(style, &line)))?;
                line.clear();
                head.clone_from(&rest);
                taken = 0;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.put(&format!("{head}{}", paint(style, &line)))
    }

    /// A line that is left out when only outcomes are wanted.
    fn detail(&mut self, line: &str) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { self.put(line) }
    }

    fn put(&mut self, line: &str) -> anyhow::Result<()> {
        if std::mem::take(&mut self.phases) {
            writeln!(self.out)?;
        }
        writeln!(self.out, "{line}")?;
        // Seen when it happens, also through a pipe.
        Ok(self.out.flush()?)
    }
}

/// `line`, cut where the page ends.
fn fitted(line: &str) -> String {
    const ROOM: usize = WIDTH - INDENT.len() - 4;
    if line.chars().count() <= ROOM {
        return line.to_owned();
    }
    line.chars().take(ROOM - 1).chain(['…']).collect()
}

/// How many columns a text takes on the screen, without its colours.
fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text)
        .to_string()
        .chars()
        .count()
}
