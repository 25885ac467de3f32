//! What tools work on: the workspace as it may be sent.

use std::sync::{Arc, Mutex, PoisonError};

use pleach_policy::Secrets;
use pleach_workspace::WorkspaceSnapshot;

use super::ToolError;
use crate::job::Diagnostic;
use crate::shield::Shield;

/// What the tools of a job work on. No other way leads to the text of a file, so that each has
/// placeholders for its secrets, and what is never sent is not read.
#[derive(Clone)]
pub(crate) struct Ground {
    workspace: WorkspaceSnapshot,
    /// The document that the job is about, and what is reported about it.
    document: String,
    diagnostics: Arc<[Diagnostic]>,
    /// Those of the job, while calls are carried out.
    secrets: Arc<Mutex<Secrets>>,
}

/// A file as it may be sent.
pub(super) struct Sendable {
    /// Its name in the workspace.
    pub(super) name: String,
    /// Its text, with placeholders for secrets.
    pub(super) text: String,
    /// Whether it is open in the editor, so that this is what the person sees.
    pub(super) is_open: bool,
}

impl Ground {
    pub(crate) fn new(
        workspace: WorkspaceSnapshot,
        document: String,
        diagnostics: &[Diagnostic],
    ) -> Self {
        Self {
            workspace,
            document,
            diagnostics: diagnostics.into(),
            secrets: Arc::default(),
        }
    }

    /// What was hidden until now.
    pub(super) fn secrets(&self) -> Secrets {
        let secrets = self.secrets.lock();
        secrets.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what was hidden elsewhere in the job.
    pub(super) fn lend(&self, secrets: &Secrets) {
        let held = self.secrets.lock();
        held.unwrap_or_else(PoisonError::into_inner)
            .clone_from(secrets);
    }

    /// `text` with placeholders for its secrets. Not for what has some already. `path` is the file that it
    /// is from.
    pub(super) fn hide(&self, path: Option<&str>, text: &str) -> String {
        let secrets = self.secrets.lock();
        let mut secrets = secrets.unwrap_or_else(PoisonError::into_inner);
        secrets.hide(path, text).into_owned()
    }

    /// What a model wrote, with the secrets back in their places.
    pub(super) fn restore(&self, text: &str) -> String {
        let secrets = self.secrets.lock();
        let secrets = secrets.unwrap_or_else(PoisonError::into_inner);
        secrets.restore(text).into_owned()
    }

    /// A file, of the open buffer where there is one.
    pub(super) fn file(&self, path: &str) -> Result<Sendable, ToolError> {
        let file = self.workspace.read(path)?;
        if let Some(why) = self.shield().keeps_text_of(&file.name) {
            return Err(ToolError::Withheld {
                path: file.name,
                why,
            });
        }
        Ok(Sendable {
            text: self.hide(Some(&file.name), &file.text),
            name: file.name,
            is_open: file.version.is_some(),
        })
    }

    /// The text of a file, if `is_wanted` says so of the real one: to look through many.
    pub(super) fn text_if(&self, name: &str, is_wanted: impl Fn(&str) -> bool) -> Looked {
        // What is no text, or too large for one, has no lines to find.
        let Ok(text) = self.workspace.read_text(name) else {
            return Looked::default();
        };
        let wanted = is_wanted(&text).then(|| self.hide(Some(name), &text));
        Looked {
            bytes: text.len(),
            wanted,
        }
    }

    /// What keeps files back.
    pub(super) fn shield(&self) -> Shield<'_> {
        Shield::of(&self.workspace)
    }

    /// The files of the workspace, those that are never sent among them.
    pub(super) fn names(&self) -> &[String] {
        self.workspace.names()
    }

    /// What is reported about a file: the line, from 1, who reports it, and what. Nothing for other files
    /// than the job's.
    pub(super) fn reported(&self, name: &str) -> Vec<(usize, String, String)> {
        let text = self.workspace.read_text(name);
        let Some(text) = text.ok().filter(|_| name == self.document) else {
            return Vec::new();
        };
        let told = |it: &Diagnostic| {
            let (line, _) = pleach_text::line_column(&text, it.range.start);
            let source = it.source.clone().unwrap_or_else(|| "reported".into());
            let message = self.hide(None, &it.message.replace('\n', " "));
            (line.number(), source, message)
        };
        self.diagnostics.iter().map(told).collect()
    }

    /// The workspace itself, for what is not told to a model.
    pub(super) fn workspace(&self) -> &WorkspaceSnapshot {
        &self.workspace
    }
}

/// A file that was looked at.
#[derive(Default)]
pub(super) struct Looked {
    /// How large it is.
    pub(super) bytes: usize,
    /// Its text with placeholders, if it was wanted.
    pub(super) wanted: Option<String>,
}
