//! Roles and actions in files: what is wrong in one while it is written, and what would be sent.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_agent::{Action, FileProblem, JobRequest, Kit};
use ropey::Rope;
use serde_json::{Value, json};

use crate::session::diagnostics::Speaker;
use crate::session::{Session, permission};
use crate::to_proto;

impl Session {
    /// Shows what is wrong in an open file of a role or an action. It takes effect when saved.
    pub(super) fn check_open_roster(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        // Asked at each keystroke, in every file.
        let path = document.path.as_ref();
        let Some(path) = path.filter(|path| self.is_roster_file(path)) else {
            return;
        };
        let rope = document.text.clone();
        let own = self.own_folder();
        let roots = self.configuration.roots();
        let roster = self.configuration.roster();
        let problems = roster.check(path, &rope.to_string(), own.as_deref(), roots);
        if let Some(problems) = problems {
            self.show_roster_problems(uri, &rope, &problems);
            self.was_shown(uri);
        }
    }

    /// Whether a path looks like that of a role's or an action's file, or of a template's description.
    pub(super) fn is_roster_file(&self, path: &Utf8Path) -> bool {
        if path.file_name() == Some("template.toml") {
            return true;
        }
        let folder = path.parent().filter(|_| path.extension() == Some("md"));
        let Some(folder) = folder else { return false };
        let home = folder.parent();
        matches!(folder.file_name(), Some("roles" | "actions"))
            && (home.and_then(Utf8Path::file_name) == Some(".pleach")
                || home == self.own_folder().as_deref())
    }

    /// The person's configuration folder.
    pub(super) fn own_folder(&self) -> Option<Utf8PathBuf> {
        let settings = self.environment.user_settings.as_ref()?;
        settings.parent().map(Utf8Path::to_owned)
    }

    pub(super) fn show_roster_problems(
        &mut self,
        uri: &str,
        text: &Rope,
        problems: &[FileProblem],
    ) {
        let diagnostics: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({
                    "range": to_proto::range(text, problem.at, self.client.encoding),
                    "severity": if problem.fatal { 1 } else { 2 },
                    "code": "roles",
                    "source": to_proto::SOURCE,
                    "message": problem.message,
                })
            })
            .collect();
        self.publish(uri, Speaker::Settings, diagnostics);
    }

    /// Shows what the model would be sent: a page to read.
    pub(super) fn show_prompt_of(&self, asked: JobRequest) {
        let settings = Arc::clone(self.configuration.settings());
        let prices = Arc::clone(self.configuration.prices());
        let kit = self.kit(asked.action, 0);
        self.show_page("the prompt", "prompt.md", move || {
            let page = pleach_agent::preview(&asked, &settings, kit, &prices);
            page.map_err(|failure| format!("{failure}; {}", failure.next_step()))
        });
    }

    /// What the model of a job may call, by the settings and the roles.
    pub(super) fn kit(&self, action: Action, job: crate::event::JobId) -> Kit {
        let ask = permission::asker(&self.inbox, job, self.client.asks);
        let settings = self.configuration.settings();
        let roster = self.configuration.roster();
        let servers = self.configuration.servers().clone();
        let index = self.indexing.present();
        let index = index.filter(|_| settings.context.tokens > 0);
        Kit::of(action, settings, &self.environment.variables, roster, ask)
            .with_servers(servers)
            .with_index(index)
            .with_trials(self.trials())
    }

    /// Where copies of the workspace lie, for tests of what has not landed.
    pub(super) fn trials(&self) -> Utf8PathBuf {
        self.environment.state_dir.join("trials")
    }
}
