//! `pleach demo`: the main job, for real, on a project of its own.
//!
//! The very server that editors start is started here, and this program plays the editor. Nothing is
//! acted: each step checks that what it tells has happened, and the first that has not ends the
//! demonstration with exit code 1.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use camino::Utf8PathBuf;
use pleach_text::unified_diff;
use serde_json::{Value, json};

use crate::demo::editor::{Editor, Happening, text};
use crate::demo::page::Page;
use crate::demo::project::Project;
use crate::paint::{count, is_closed_pipe};

mod editor;
mod page;
mod project;
mod wire;

#[derive(clap::Args)]
#[command(after_help = "\
It works in a temporary folder that is removed again, with settings of its own: it needs no key and
no network, and touches nothing of yours. Exit code: 0 only if everything that is shown happened.")]
pub(crate) struct Arguments {
    /// Only the headings and the outcomes
    #[arg(short, long)]
    quiet: bool,
}

/// The file that is edited.
const FILE: &str = "src/loans.rs";
/// What is typed into it, and what it replaces.
const TYPED: (&str, &str) = ("ai: document this", "ai: rename due to deadline");
/// An answer that would break a file, and that file.
const BAD_REPLY: &str = "notes/damage.md";
const SPARED: &str = "src/lib.rs";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match tell(arguments) {
        // Whoever read has seen enough, but not all of it has happened.
        Err(error) if is_closed_pipe(&error) => Ok(crate::NOT_IN_ORDER),
        told => told,
    }
}

fn tell(arguments: &Arguments) -> anyhow::Result<u8> {
    let project = Project::copy()?;
    let program = Utf8PathBuf::from_path_buf(std::env::current_exe()?).ok();
    let program = program.context("the path of this program is not UTF-8")?;
    let mut page = Page::new(anstream::stdout(), arguments.quiet);
    page.title()?;
    let editor = Editor::start(&program, &project)?;
    let mut demo = Demo {
        editor,
        project,
        page,
    };
    let played = demo.play();
    let Demo {
        editor,
        mut page,
        project,
    } = demo;
    if let Err(error) = played {
        if is_closed_pipe(&error) {
            return Err(error);
        }
        page.failed(&error, &editor.give_up())?;
        return Ok(crate::NOT_IN_ORDER);
    }
    let status = editor.leave()?;
    ensure!(status.success(), "the server ended with {status}");
    drop(project);
    page.end()?;
    Ok(crate::DONE)
}

struct Demo {
    editor: Editor,
    project: Project,
    page: Page,
}

/// The open buffer that the story is about.
struct Buffer {
    uri: String,
    /// The text with the comment that was typed.
    typed: String,
    /// Where the comment stands, from 0; the column in bytes.
    line: usize,
    column: usize,
}

impl Demo {
    fn play(&mut self) -> anyhow::Result<()> {
        self.start_server()?;
        let buffer = self.type_wish()?;
        let action = self.list_actions(&buffer)?;
        let landed = self.run_action(&buffer, &action)?;
        self.land_damage(&buffer, &landed)?;
        self.undo(&buffer)
    }

    fn start_server(&mut self) -> anyhow::Result<()> {
        self.page.step("Start the server and say hello")?;
        let begun = Instant::now();
        let hello = self
            .editor
            .request("initialize", &initialize(&self.project))?;
        let time = begun.elapsed();
        let info = hello.get("serverInfo").cloned().unwrap_or_default();
        ensure!(text(&info, "name") == "pleach", "another server answered");
        let unit = hello.pointer("/capabilities/positionEncoding");
        ensure!(
            unit == Some(&json!("utf-8")),
            "UTF-8 was offered and not taken"
        );
        self.editor.notify("initialized", &json!({}))?;
        let who = format!(
            "pleach {} is ready; positions in UTF-8",
            text(&info, "version")
        );
        self.page.good_after(&who, time)
    }

    /// Opens the file and types what is wanted as a comment.
    fn type_wish(&mut self) -> anyhow::Result<Buffer> {
        self.page
            .step(&format!("Open {FILE} and type what you want as a comment"))?;
        let on_disk = self.project.on_disk(FILE)?;
        let uri = self
            .editor
            .open(&self.project.root.join(FILE), "rust", &on_disk)?;
        let (line, column) = self.editor.replace(&uri, TYPED.0, TYPED.1)?;
        let typed = self.editor.text(&uri)?;
        for (number, text) in typed.lines().enumerate().skip(line).take(2) {
            self.page.code(number + 1, text)?;
        }
        Ok(Buffer {
            uri,
            typed,
            line,
            column,
        })
    }

    /// Asks for the actions at the comment, and gives the one that carries it out. Asks twice, as a
    /// person who opens the menu again would: the first time the file is still being parsed.
    fn list_actions(&mut self, buffer: &Buffer) -> anyhow::Result<Value> {
        self.page.step("Ask what can be done at the cursor")?;
        let place = json!({"line": buffer.line, "character": buffer.column});
        let params = json!({
            "textDocument": {"uri": buffer.uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": [], "triggerKind": 1},
        });
        self.editor.request("textDocument/codeAction", &params)?;
        let begun = Instant::now();
        let listed = self.editor.request("textDocument/codeAction", &params)?;
        let time = begun.elapsed();
        let listed = listed.as_array().cloned().unwrap_or_default();
        for action in &listed {
            self.page.item(text(action, "title"))?;
            ensure!(
                action.get("edit").is_none(),
                "an action came with an edit that nobody saw"
            );
        }
        self.page
            .good_after(&format!("{} listed", count(listed.len(), "action")), time)?;
        let carries_out =
            |action: &Value| action.pointer("/command/command") == Some(&json!("pleach.comment"));
        listed
            .into_iter()
            .find(carries_out)
            .context("no action carries out the comment")
    }

    /// Runs the action and gives the text that has landed.
    fn run_action(&mut self, buffer: &Buffer, action: &Value) -> anyhow::Result<String> {
        self.page
            .step(&format!("Run “{}”", text(action, "title")))?;
        let command = action.get("command").cloned().unwrap_or_default();
        let end = self.run_command(&command)?;
        ensure!(end.landed, "the edit did not land: {}", end.message);
        ensure!(
            end.accepted == Some(true),
            "the edit landed without a verdict"
        );
        ensure!(
            self.editor.applied == 1,
            "the edit did not come through the editor"
        );
        let landed = self.editor.text(&buffer.uri)?;
        ensure!(
            landed.contains("{deadline}") && !landed.contains("ai:"),
            "another edit landed"
        );
        self.save(buffer)?;

        self.page.step("What landed")?;
        let (before, after) = (format!("a/{FILE}"), format!("b/{FILE}"));
        self.page
            .diff(&unified_diff(&buffer.typed, &landed, &before, &after, 1))?;
        ensure!(
            self.project.on_disk(FILE)? == landed,
            "the file was not saved"
        );
        let version = self.editor.version(&buffer.uri);
        self.page.good(&format!(
            "version {version} of the buffer, confirmed and saved"
        ))?;
        Ok(landed)
    }

    /// Lands an answer that would break a file, and sees that it does not.
    fn land_damage(&mut self, buffer: &Buffer, landed: &str) -> anyhow::Result<()> {
        self.page
            .step("Land an answer pasted from a chat: one that would break the file")?;
        let (reply, before) = (
            self.project.on_disk(BAD_REPLY)?,
            self.project.on_disk(SPARED)?,
        );
        let command = json!({"command": "pleach.land", "arguments": [{"reply": reply}]});
        let end = self.run_command(&command)?;
        ensure!(!end.landed, "an edit that breaks the syntax landed");
        ensure!(
            end.accepted == Some(false),
            "the gate did not judge the reply"
        );
        ensure!(
            end.code == "syntax_worse",
            "refused for another reason: {}",
            end.code
        );
        let untouched = self.editor.applied == 1 && self.editor.text(&buffer.uri)? == landed;
        ensure!(untouched, "a buffer was changed");
        ensure!(
            self.project.on_disk(SPARED)? == before,
            "the file was changed"
        );
        self.page
            .good(&format!("{SPARED} is untouched, byte for byte"))
    }

    fn undo(&mut self, buffer: &Buffer) -> anyhow::Result<()> {
        self.page.step("Undo the edit that landed")?;
        let command = json!({"command": "pleach.undo", "arguments": [{"uri": buffer.uri}]});
        let end = self.run_command(&command)?;
        ensure!(end.landed, "the edit was not undone: {}", end.message);
        ensure!(
            self.editor.text(&buffer.uri)? == buffer.typed,
            "the text is another than before"
        );
        self.save(buffer)?;
        ensure!(
            self.project.on_disk(FILE)? == buffer.typed,
            "the file is another than before"
        );
        self.page
            .good(&format!("{FILE} is what you had typed, byte for byte"))
    }

    fn save(&mut self, buffer: &Buffer) -> anyhow::Result<()> {
        self.editor.save(&buffer.uri, &self.project.root.join(FILE))
    }

    /// Runs a command, shows what its job does while it does it, and waits until it has said its last
    /// word in both ways: to those who follow jobs closely, and to those who show progress.
    fn run_command(&mut self, command: &Value) -> anyhow::Result<JobEnd> {
        let name = text(command, "command").to_owned();
        let request = self.editor.ask("workspace/executeCommand", command)?;
        let until = Editor::deadline();
        let mut end = JobEnd::default();
        let (mut job, mut over) = (None, false);
        let mut progress = Progress::default();
        while job.is_none() || !over || progress.last_word.is_none() {
            match self.editor.next(until, &name)? {
                Happening::Answer { id, answer } if id == request => {
                    let answer = answer.map_err(anyhow::Error::msg).context(name.clone())?;
                    let number = answer.get("job").and_then(Value::as_u64);
                    job = Some(number.context("no job was begun")?);
                }
                Happening::Job(event) => over |= self.follow(&event, &mut end)?,
                Happening::Progress(params) => progress.follow(&params)?,
                Happening::Answer { .. } | Happening::Edited | Happening::Other => {}
            }
        }
        // Why it was refused has been said.
        if let Some(word) = progress.last_word.filter(|_| end.landed) {
            self.page.event(&word)?;
        }
        Ok(end)
    }

    /// Shows one event of a job. Gives whether it was the last.
    fn follow(&mut self, event: &Value, end: &mut JobEnd) -> anyhow::Result<bool> {
        let field = |name: &str| text(event, name);
        match field("kind") {
            "phase" => self.page.phase(field("phase"), field("engine"))?,
            "text" => self.page.streamed(field("text"))?,
            "hunk" => self
                .page
                .event(&format!("a hunk is complete: {}", field("path")))?,
            "verdict" => {
                let accepted = event.get("accepted") == Some(&json!(true));
                end.accepted = Some(accepted);
                self.page.verdict(accepted, field("message"))?;
            }
            "finished" => {
                end.landed = event.get("landed") == Some(&json!(true));
                return Ok(true);
            }
            "failed" => {
                field("code").clone_into(&mut end.code);
                field("message").clone_into(&mut end.message);
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }
}

/// How a job ended.
#[derive(Default)]
struct JobEnd {
    landed: bool,
    /// The gate's verdict, if there was one.
    accepted: Option<bool>,
    code: String,
    message: String,
}

/// What any editor shows of a job.
#[derive(Default)]
struct Progress {
    begun: bool,
    last_word: Option<String>,
}

impl Progress {
    fn follow(&mut self, params: &Value) -> anyhow::Result<()> {
        let value = params.get("value").cloned().unwrap_or_default();
        match text(&value, "kind") {
            "begin" => {
                ensure!(!self.begun, "the progress began twice");
                self.begun = true;
            }
            "end" => {
                ensure!(self.begun, "the progress ended before it began");
                ensure!(self.last_word.is_none(), "the progress ended twice");
                self.last_word = Some(text(&value, "message").to_owned());
            }
            // The job's own events say more.
            _ => {}
        }
        Ok(())
    }
}

/// What an editor says of itself.
fn initialize(project: &Project) -> Value {
    let uri = pleach_workspace::uri_from_path(&project.root);
    json!({
        "processId": std::process::id(),
        "clientInfo": {"name": "pleach demo", "version": env!("CARGO_PKG_VERSION")},
        "workspaceFolders": [{"uri": uri, "name": "shelf"}],
        "initializationOptions": {"pleach": {"jobEvents": true}},
        "capabilities": {
            "general": {"positionEncodings": ["utf-8", "utf-16"]},
            "window": {"workDoneProgress": true},
            "workspace": {
                "applyEdit": true,
                "workspaceFolders": true,
                "workspaceEdit": {"documentChanges": true},
            },
            "textDocument": {"codeAction": {"codeActionLiteralSupport": {
                "codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]},
            }}},
        },
    })
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// How the story ends when the server says `said` and goes, whatever it is told.
    fn told(said: &str) -> String {
        let project = Project::copy().unwrap();
        // It is started as `program lsp`, in the project's folder.
        std::fs::write(project.root.join("lsp"), said).unwrap();
        let editor = Editor::start("/bin/cat".into(), &project).unwrap();
        let page = Page::new(std::io::sink(), true);
        let error = Demo {
            editor,
            project,
            page,
        }
        .play()
        .unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn what_is_no_server_is_not_taken_for_one() {
        let gone = told("");
        // Before or after the first message was written to it.
        assert!(
            gone.contains("the server ended") || gone.contains("does not listen"),
            "{gone}"
        );
        let answer = json!({"id": 1, "result": {"serverInfo": {"name": "another"}}}).to_string();
        let answer = format!("Content-Length: {}\r\n\r\n{answer}", answer.len());
        let other = told(&answer);
        assert!(
            other == "another server answered" || other.contains("does not listen"),
            "{other}"
        );
    }
}
