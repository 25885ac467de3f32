//! `pleach apply`: land a reply on the files of a folder.

use std::fs;
use std::io::{self, BufRead as _, Read as _, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context as _;
use camino::Utf8PathBuf;
use pleach_edit::{
    EditRequest, FileChange, Format, Proposal, Refusal, RefusalCode, Target, propose,
};
use pleach_workspace::{Journal, Landed, WorkspaceSnapshot, WriteError, write_all};

use crate::environment::Environment;
use crate::folder::Folder;
use crate::paint::{self, BAD, FAINT, GOOD, HEAD, ODD, PLACE, count, paint, visible};
use crate::recover;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach apply answer.md                 show what the answer would change, write nothing
  pleach apply --write answer.md         change the files, all of them or none, even if it is killed
  wl-paste | pleach apply --check -      say only whether it would apply
  pleach apply --file src/a.rs --write - take a reply that names no file

Any form that models write edits in is recognised: search/replace blocks, unified diffs,
*** Begin Patch, whole files, tool calls as JSON, snippets with `... existing code ...`.
An edit whose place is not certain is refused, and so is one that adds a syntax error.

Exit code: 0 applied (or would apply, or applied before), 1 refused and nothing written, 2 wrong usage.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that is given or not"
)]
pub(crate) struct Arguments {
    /// The reply; `-` or nothing reads standard input
    #[arg(value_name = "REPLY-FILE")]
    reply: Option<String>,
    /// Only say whether the reply applies
    #[arg(long, group = "what")]
    check: bool,
    /// Show what would change as a unified diff (this is what happens without an option)
    #[arg(long, group = "what")]
    diff: bool,
    /// Change the files
    #[arg(long, group = "what")]
    write: bool,
    /// Answer JSON requests, one a line, until standard input ends
    ///
    /// Each line is `{"id": …, "files": {path: text}, "edit": text, "format": name or null}`. Nothing
    /// is read from or written to disk.
    #[arg(long, group = "what", conflicts_with_all = ["reply", "format", "file", "allow_worse_syntax"])]
    jsonl: bool,
    /// The folder whose files the reply is about
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: Utf8PathBuf,
    /// The file that the reply is about, if it names none
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// The form that the reply is written in; all forms are recognised without it
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatName>,
    /// Land the reply even though it adds a syntax error
    #[arg(long)]
    allow_worse_syntax: bool,
}

/// The names of formats on the command line.
#[derive(Clone, Copy)]
struct FormatName(Format);

impl clap::ValueEnum for FormatName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [FormatName; 7] = [
            FormatName(Format::SearchReplace),
            FormatName(Format::UnifiedDiff),
            FormatName(Format::CodexPatch),
            FormatName(Format::WholeFile),
            FormatName(Format::StrReplace),
            FormatName(Format::LazySnippet),
            FormatName(Format::LineEdits),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.name()))
    }
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> anyhow::Result<u8> {
    if arguments.jsonl {
        return answer_lines();
    }
    let reply = read_reply(arguments.reply.as_deref())?;
    let workspace = Folder::open(&arguments.dir, environment)?.snapshot();
    let journal = Journal::new(&environment.state_dir);
    if arguments.write && !bring_to_an_end(&journal, &workspace)? {
        return Ok(crate::NOT_IN_ORDER);
    }
    let target = arguments.file.as_deref().map(|file| Target {
        path: file,
        selection: None,
    });
    let proposed = propose(&EditRequest {
        format: arguments.format.map(|FormatName(format)| format),
        target,
        allow_worse_syntax: arguments.allow_worse_syntax,
        ..EditRequest::new(&reply, &workspace)
    });
    let proposal = match proposed {
        Ok(proposal) => proposal.with_impact(&workspace),
        // Landing the same reply again is no failure.
        Err(refusal) if refusal.code == RefusalCode::AlreadyApplied => {
            let mut out = anstream::stderr().lock();
            writeln!(
                out,
                "{} already applied, nothing to write",
                paint(GOOD, "✓")
            )?;
            return Ok(crate::DONE);
        }
        Err(refusal) => {
            tell_refusal(&mut anstream::stderr().lock(), &refusal)?;
            return Ok(crate::NOT_IN_ORDER);
        }
    };
    // The rules hold for a person's command line as they do in an editor.
    for change in proposal.files() {
        for path in [Some(change.path()), change.path_after()]
            .into_iter()
            .flatten()
        {
            if let Err(error) = workspace.resolve(path) {
                refuse(&error)?;
                return Ok(crate::NOT_IN_ORDER);
            }
        }
    }
    let mut landed = Landed::default();
    if arguments.write {
        match write_all(&workspace, proposal.files(), &journal) {
            Ok(done) => landed = done,
            Err(error) => {
                refuse_writing(&error)?;
                return Ok(crate::NOT_IN_ORDER);
            }
        }
    }
    if !arguments.write && !arguments.check {
        show_diff(proposal.files())?;
    }
    // Apart from the diff, so that this can be piped into a file or another program.
    let told = tell_all(&proposal, &landed, arguments);
    if !arguments.write {
        told?;
    }
    // What landed has landed, whether or not that could be said.
    Ok(crate::DONE)
}

fn tell_all(proposal: &Proposal, landed: &Landed, arguments: &Arguments) -> io::Result<()> {
    let mut out = anstream::stderr().lock();
    tell(&mut out, proposal, arguments)?;
    for note in &landed.notes {
        writeln!(out, "{} {note}", paint(ODD, "note:"))?;
    }
    Ok(())
}

/// A reply is not landed on files that an earlier one has left half-way. Whether they are whole now.
pub(crate) fn bring_to_an_end(
    journal: &Journal,
    workspace: &WorkspaceSnapshot,
) -> anyhow::Result<bool> {
    let recovered = journal.recover(workspace.roots().first().map(|root| &**root))?;
    let mut out = anstream::stderr().lock();
    recover::tell(&mut out, &recovered)?;
    let is_stuck = recovered.iter().any(recover::is_stuck);
    if is_stuck {
        writeln!(out, "{}", paint(HEAD, "nothing was written"))?;
    }
    Ok(!is_stuck)
}

fn read_reply(file: Option<&str>) -> anyhow::Result<String> {
    let bytes = match file {
        None | Some("-") => {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .context("standard input cannot be read")?;
            bytes
        }
        Some(path) => fs::read(path).with_context(|| format!("`{path}` cannot be read"))?,
    };
    String::from_utf8(bytes).context("the reply is not UTF-8 text")
}

/// Lines of unchanged text around each change of a diff.
const CONTEXT: usize = 3;

/// Coloured for people; for programs the very bytes that would be written, as `git apply` takes them.
pub(crate) fn show_diff(changes: &[FileChange]) -> io::Result<()> {
    for change in changes {
        let diff = change.patch(CONTEXT);
        if paint::stdout_is_coloured() {
            paint::diff(&mut anstream::stdout().lock(), &diff, "")?;
        } else {
            io::stdout().write_all(diff.as_bytes())?;
        }
    }
    Ok(())
}

/// What was done, or would be, file by file.
fn tell(out: &mut impl Write, proposal: &Proposal, arguments: &Arguments) -> io::Result<()> {
    let tick = paint(GOOD, "✓");
    for change in proposal.files() {
        let path = change.path();
        let what = match change {
            FileChange::Edit { .. } => "changed".to_owned(),
            FileChange::Create { .. } => "created".to_owned(),
            FileChange::Delete { .. } => "deleted".to_owned(),
            FileChange::Rename { to, .. } => format!("renamed to {to}"),
        };
        writeln!(out, "{tick} {} {what}", paint(PLACE, path))?;
        for hunk in proposal.hunks().iter().filter(|hunk| hunk.path == path) {
            let (first, last) = hunk.lines;
            let lines = if first == last {
                format!("line {first}")
            } else {
                format!("lines {first}-{last}")
            };
            let how = format!(
                "hunk {}: {lines}, match: {}",
                hunk.index + 1,
                hunk.rung.name()
            );
            writeln!(out, "    {}", paint(FAINT, how))?;
        }
    }
    let verdict = proposal.verdict().to_string();
    if !verdict.is_empty() {
        writeln!(out, "{tick} {verdict}")?;
    }
    tell_uses(out, proposal)?;
    let files = count(proposal.files().len(), "file");
    if proposal.files().is_empty() {
        writeln!(
            out,
            "{}",
            paint(HEAD, "nothing to do: the files are as the reply wants them")
        )
    } else if arguments.write {
        writeln!(out, "{}", paint(HEAD, format_args!("{files} written")))
    } else {
        let hint = "nothing was written; --write does it";
        writeln!(
            out,
            "{}; {hint}",
            paint(HEAD, format_args!("{files} would change"))
        )
    }
}

/// Where what goes or changes is used.
fn tell_uses(out: &mut impl Write, proposal: &Proposal) -> io::Result<()> {
    /// The others are counted.
    const SHOWN: usize = 8;
    for change in &proposal.verdict().impact.changes {
        if change.used.is_empty() {
            continue;
        }
        let places = change.used.iter().take(SHOWN);
        let mut places: Vec<String> = places
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        if change.used.len() > SHOWN {
            places.push(format!("{} more", change.used.len() - SHOWN));
        }
        let text = format!("{} is used: {}", change.name, places.join(", "));
        writeln!(out, "    {}", paint(ODD, visible(&text)))?;
    }
    Ok(())
}

fn refuse_writing(error: &WriteError) -> io::Result<()> {
    match error {
        WriteError::HalfWritten { .. } | WriteError::Unconfirmed { .. } => {
            let mut out = anstream::stderr().lock();
            writeln!(out, "{} {error}", paint(BAD, "failed:"))
        }
        _ => refuse(error),
    }
}

fn refuse(error: &dyn std::error::Error) -> io::Result<()> {
    let mut out = anstream::stderr().lock();
    writeln!(out, "{} {error}", paint(BAD, "refused:"))?;
    writeln!(out, "{}", paint(HEAD, "nothing was written"))
}

/// Why the reply was refused, hunk by hunk, with what comes closest.
fn tell_refusal(out: &mut impl Write, refusal: &Refusal) -> io::Result<()> {
    let code = paint(FAINT, format!("({})", refusal.code.code()));
    if refusal.hunks.is_empty() {
        writeln!(
            out,
            "{} {} {code}",
            paint(BAD, "refused:"),
            visible(&refusal.message)
        )?;
    } else {
        let hunks = count(refusal.hunks.len(), "hunk");
        writeln!(
            out,
            "{} {hunks} cannot be applied {code}",
            paint(BAD, "refused:")
        )?;
    }
    for hunk in &refusal.hunks {
        let path = hunk
            .path
            .as_deref()
            .map(|path| format!(" {}", visible(path)))
            .unwrap_or_default();
        let at = paint(PLACE, format!("hunk {}{path}:", hunk.index + 1));
        writeln!(out, "  {at} {}", visible(&hunk.message))?;
        for place in &hunk.candidates {
            writeln!(
                out,
                "    {}",
                paint(ODD, format_args!("fits at line {}", place.line))
            )?;
            for line in place.excerpt.lines() {
                writeln!(
                    out,
                    "    {}",
                    paint(FAINT, format_args!("│ {}", visible(line)))
                )?;
            }
        }
        if let Some(closest) = &hunk.closest {
            let note = format!("closest is line {} (- the reply, + the file)", closest.line);
            writeln!(out, "    {}", paint(ODD, note))?;
            let shown = if closest.diff.is_empty() {
                &closest.text
            } else {
                &closest.diff
            };
            paint::diff(out, shown, "    │ ")?;
        }
    }
    writeln!(out, "{}", paint(HEAD, "nothing was written"))
}

/// The answer to a line that made the engine panic.
const INTERNAL: &str = r#"{"id":null,"status":"rejected","code":"internal","message":"Pleach made a mistake of its own on this line; please report it","hunks":[]}"#;

/// Answers each line of standard input before the next is read, whatever it holds.
fn answer_lines() -> anyhow::Result<u8> {
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(crate::DONE);
        }
        let text = String::from_utf8_lossy(&line);
        // A mistake of ours costs the one line that met it.
        let answer = catch_unwind(AssertUnwindSafe(|| pleach_edit::answer_line(&text)));
        let answer = answer.unwrap_or_else(|_panic| INTERNAL.to_owned());
        out.write_all(answer.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
}
