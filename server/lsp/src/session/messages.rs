//! What is said to the person, and to plugins that follow a job closely.

use std::time::SystemTime;

use pleach_policy::visible;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::event::{Event, JobId};
use crate::session::commands::CommandFailure;
use crate::session::{Awaited, Session};

/// How serious a message is, as the protocol numbers it.
#[derive(Clone, Copy, Serialize)]
#[serde(into = "u8")]
pub(super) enum Severity {
    Error,
    Warning,
    Info,
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => 1,
            Severity::Warning => 2,
            Severity::Info => 3,
        }
    }
}

impl Session {
    /// Shows `text` to the person, whoever has written it.
    pub(super) fn show(&self, severity: Severity, text: &str) {
        self.outbox.notify(
            "window/showMessage",
            &json!({"type": severity, "message": visible(text)}),
        );
    }

    /// Opens a file in the editor to be read; where the editor cannot, says where it is. `what` is in
    /// the file.
    pub(super) fn show_file(&mut self, path: &str, what: &str) {
        // Without the focus, Neovim and Helix show it beside the code that it is about.
        self.show_document(path, what, false);
    }

    /// As [`Session::show_file`], for a file that the person wants to write in.
    pub(super) fn open_file(&mut self, path: &str, what: &str) {
        self.show_document(path, what, true);
    }

    fn show_document(&mut self, path: &str, what: &str, takes_focus: bool) {
        let told = format!("Pleach: {what} is in {path}");
        if self.client.show_document {
            let uri = pleach_workspace::uri_from_path(camino::Utf8Path::new(path));
            let show = json!({"uri": uri, "takeFocus": takes_focus});
            self.request("window/showDocument", &show, Awaited::Shown { told });
        } else {
            self.show(Severity::Info, &told);
        }
    }

    /// Writes a page off the loop and shows it. `what` is on the page that `page` makes; its file is called
    /// after `name`, of several letters and `.md` or another ending.
    pub(super) fn show_page(
        &self,
        what: &'static str,
        name: &str,
        page: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) {
        let directory = self.environment.state_dir.clone();
        let name = page_name(name);
        let written = move |path: Result<String, String>| Event::PageWritten { what, path };
        let work = move || {
            written(page().and_then(|page| {
                let path = pleach_store::write_page(&directory, &name, &page, SystemTime::now());
                path.map(camino::Utf8PathBuf::into_string)
                    .map_err(|error| error.to_string())
            }))
        };
        self.aside(work, written(Err("writing it failed".to_owned())));
    }

    pub(super) fn page_written(&mut self, what: &str, path: Result<String, String>) {
        match path {
            Ok(path) => self.show_file(&path, what),
            Err(error) => {
                let text = format!("Pleach: {what} could not be written: {error}");
                self.show(Severity::Error, &text);
            }
        }
    }

    /// A command that was refused: some editors write the error of a command to a log only, so it is
    /// shown as well.
    pub(super) fn show_failed_command(&self, failure: &CommandFailure) {
        self.show(
            Severity::Warning,
            &format!("Pleach: {failure}; {}", failure.next_step()),
        );
    }

    /// Tells a client that follows jobs what happened, as `pleach/job`. `fields` is an object.
    pub(super) fn tell_job(&mut self, job: JobId, kind: &str, fields: Value) {
        if !self.client.job_events {
            return;
        }
        let Some(job) = self.jobs.get_mut(&job) else {
            return;
        };
        let mut message = Map::new();
        message.insert("job".into(), json!(job.id));
        message.insert("seq".into(), json!(job.seq));
        message.insert("kind".into(), json!(kind));
        if let Value::Object(fields) = fields {
            message.extend(fields);
        }
        job.seq += 1;
        self.outbox.notify("pleach/job", &Value::Object(message));
    }
}

/// `usage.md` becomes `usage-1234.md`: several servers share the directory.
pub(super) fn page_name(name: &str) -> String {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "md"));
    format!("{stem}-{}.{ending}", std::process::id())
}
