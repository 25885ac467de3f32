//! What a person sees: coloured on a terminal, plain in a pipe, plain when `NO_COLOR` is set.
//!
//! `anstream` decides; everything is written with its colours and stripped where they are not wanted.

use std::fmt::{self, Display};
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
/// A terminal does what a reply tells it to: what is shown is told, not obeyed.
pub(crate) use pleach_policy::visible;

/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// What deserves a look.
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
/// A place: a file, a range, a name.
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();
/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// What is there to be looked past.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// `what` in a style.
pub(crate) fn paint<T: Display>(style: Style, what: T) -> Painted<T> {
    Painted { style, what }
}

/// A value that is displayed in a style.
pub(crate) struct Painted<T> {
    style: Style,
    what: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, what } = self;
        write!(f, "{style}{what}{style:#}")
    }
}

/// Writes a unified diff for people to read, each line in the colour of what it is.
pub(crate) fn diff(out: &mut impl io::Write, diff: &str, indent: &str) -> io::Result<()> {
    for line in diff.lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => HEAD,
            [b'+', ..] => GOOD,
            [b'-', ..] => BAD,
            [b'@', b'@', ..] => PLACE,
            _ => Style::new(),
        };
        writeln!(out, "{indent}{}", paint(style, visible(line)))?;
    }
    Ok(())
}

/// Whether standard output shows colours. Where it does not, it may be a file or another program,
/// which wants the bytes as they are.
pub(crate) fn stdout_is_coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Writes an error to standard error, with what caused it.
pub(crate) fn complain(error: &anyhow::Error) {
    let mut out = anstream::stderr().lock();
    // Nowhere is left to say that this failed.
    let _ = writeln!(out, "{} {error:#}", paint(BAD, "error:"));
}

/// Whether the error is that nobody reads what is written.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// `1 file`, `2 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
