//! Settings: read off the loop, layered, and never a reason to stop.
//!
//! The user's `pleach.toml` comes first, each workspace folder's can only narrow it, and what the
//! client sends is the user's as well. What is wrong in a file is shown as a diagnostic at its key.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_agent::{Action, McpServers, PriceTable, Roster};
use pleach_policy::{PathRules, Role, Settings, SettingsProblem, Severity};
use pleach_workspace::{WorkspaceSnapshot, path_from_uri, uri_from_path};
use ropey::Rope;
use serde_json::{Value, json};

use crate::event::Event;
use crate::session::Session;
use crate::session::diagnostics::Speaker;
use crate::to_proto;

/// The name of a settings file, in the user's configuration folder and in a workspace folder.
const FILE_NAME: &str = "pleach.toml";

/// The settings in force and where they come from.
#[derive(Default)]
pub(crate) struct Configuration {
    settings: Arc<Settings>,
    /// What models cost; empty while none is set up.
    prices: Arc<PriceTable>,
    /// Who carries actions out, and which actions people have added.
    roster: Option<Arc<Roster>>,
    /// The servers of tools, with their connections.
    servers: McpServers,
    /// The folder that they run in.
    servers_folder: Option<Utf8PathBuf>,
    /// The rules for paths that follow from the settings. Making them compiles patterns.
    path_rules: PathRules,
    folders: Vec<String>,
    roots: Vec<Utf8PathBuf>,
    loaded: bool,
    /// Counts how often settings have come into force.
    generation: u64,
    /// Events that came before the settings were read.
    deferred: Vec<Event>,
    /// Settings that the client sent.
    from_client: Option<Value>,
    /// The uris that diagnostics of ours are shown at, so that they can be cleared.
    shown: Vec<String>,
    problems: usize,
}

/// What reading the settings gave.
pub(crate) struct LoadedSettings {
    settings: Settings,
    prices: Arc<PriceTable>,
    roster: Arc<Roster>,
    files: Vec<SettingsFile>,
    /// Problems of what the client sent, which has no file to show them at.
    client_problems: Vec<String>,
}

struct SettingsFile {
    uri: String,
    text: String,
    problems: Vec<SettingsProblem>,
}

impl Configuration {
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    pub(crate) fn prices(&self) -> &Arc<PriceTable> {
        &self.prices
    }

    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster.clone().unwrap_or_else(Roster::built_in)
    }

    pub(crate) fn servers(&self) -> &McpServers {
        &self.servers
    }

    pub(crate) fn roots(&self) -> &[Utf8PathBuf] {
        &self.roots
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn defer(&mut self, event: Event) {
        self.deferred.push(event);
    }

    pub(crate) fn problem_count(&self) -> usize {
        self.problems
    }

    /// The engine that the settings choose, as people know it.
    pub(crate) fn engine_label(&self) -> String {
        match self.settings.model_for(Role::Coder) {
            None => pleach_agent::builtin::LABEL.to_owned(),
            Some(name) => match self.settings.providers.get(name) {
                Some(provider) => format!("{} ({name})", provider.model),
                None => format!("{name} (not set up)"),
            },
        }
    }

    /// Whether a model answers for the role of an action; else the built-in engine does.
    pub(crate) fn has_model(&self, action: Action) -> bool {
        self.settings.model_for(action.plays()).is_some()
    }

    pub(crate) fn path_rules(&self) -> PathRules {
        self.path_rules.clone()
    }

    pub(crate) fn set_folders(&mut self, folders: Vec<String>) {
        self.roots = folders
            .iter()
            .filter_map(|uri| path_from_uri(uri))
            .collect();
        self.folders = folders;
    }
}

impl Session {
    /// Reads all settings again, off the loop.
    pub(super) fn load_settings(&self) {
        let user = self.environment.user_settings.clone();
        let client = match &self.configuration.from_client {
            Some(settings) => Some(settings.clone()),
            None => self.client.settings.clone(),
        };
        let snapshot = self.snapshot();
        let work = move || {
            Event::SettingsLoaded(Box::new(read_settings(
                user.as_deref(),
                &snapshot,
                client.as_ref(),
            )))
        };
        let nothing = LoadedSettings {
            settings: Settings::default(),
            prices: Arc::default(),
            roster: Roster::built_in(),
            files: Vec::new(),
            client_problems: vec!["the settings could not be read".into()],
        };
        self.aside(work, Event::SettingsLoaded(Box::new(nothing)));
    }

    pub(super) fn settings_loaded(&mut self, loaded: LoadedSettings) {
        let log = &loaded.settings.log;
        if !self.configuration.loaded || *log != self.configuration.settings.log {
            self.environment.log.set(log);
        }
        self.configuration.path_rules = loaded.settings.path_rules();
        // Those that stay as they are keep their connections.
        let folder = self.configuration.roots.first().cloned();
        if !self.configuration.servers.are(&loaded.settings.mcp)
            || self.configuration.servers_folder != folder
        {
            self.configuration.servers = McpServers::new(
                &loaded.settings.mcp,
                &self.environment.variables,
                folder.as_ref().map(|root| root.as_std_path()),
            );
            self.configuration.servers_folder = folder;
        }
        self.configuration.settings = Arc::new(loaded.settings);
        self.configuration.prices = loaded.prices;
        self.share_ledger();
        self.configuration.loaded = true;
        self.configuration.generation += 1;
        self.look_up_access(self.documents.iter().map(|it| it.uri.clone()).collect());
        self.configuration.problems = loaded.files.iter().map(|file| file.problems.len()).sum();
        for problem in loaded.client_problems {
            self.configuration.problems += 1;
            self.show(
                super::messages::Severity::Warning,
                &format!("Pleach: {problem}"),
            );
        }
        let mut shown = Vec::new();
        for file in loaded.files {
            self.show_problems(&file.uri, &Rope::from_str(&file.text), &file.problems);
            if !file.problems.is_empty() {
                shown.push(file.uri);
            }
        }
        for file in &loaded.roster.files {
            let uri = uri_from_path(&file.path);
            self.configuration.problems += file.problems.len();
            self.show_roster_problems(&uri, &Rope::from_str(&file.text), &file.problems);
            if !file.problems.is_empty() {
                shown.push(uri);
            }
        }
        self.configuration.roster = Some(loaded.roster);
        for uri in std::mem::replace(&mut self.configuration.shown, shown) {
            if !self.configuration.shown.contains(&uri) {
                self.show_problems(&uri, &Rope::new(), &[]);
            }
        }
        self.renew_meaning();
        self.index_if_useful();
        for event in std::mem::take(&mut self.configuration.deferred) {
            self.inbox.put(event);
        }
        self.meet();
    }

    /// Shows what is wrong in a settings file while it is being typed. It takes effect when saved.
    pub(super) fn check_open_settings(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else {
            return;
        };
        let Some(path) = &document.path else { return };
        if path.file_name() != Some(FILE_NAME) {
            return;
        }
        let text = document.text.to_string();
        let problems = if self.environment.user_settings.as_ref() == Some(path) {
            pleach_policy::parse(&text).problems
        } else if self
            .configuration
            .roots
            .iter()
            .any(|root| root.join(FILE_NAME) == *path)
        {
            pleach_policy::narrow(&Settings::default(), &text).problems
        } else {
            return;
        };
        let text = document.text.clone();
        self.show_problems(uri, &text, &problems);
        self.was_shown(uri);
    }

    /// Remembers that diagnostics are shown at a file, so that they can be cleared.
    pub(super) fn was_shown(&mut self, uri: &str) {
        if !self.configuration.shown.iter().any(|shown| shown == uri) {
            self.configuration.shown.push(uri.to_owned());
        }
    }

    pub(super) fn saved(&mut self, uri: &str) {
        if self.changes_settings(uri) {
            self.load_settings();
        }
    }

    /// Files that the client watches for us changed on disk.
    pub(super) fn watched_files_changed(&mut self, uris: &[String]) {
        if uris.is_empty() || uris.iter().any(|uri| self.changes_settings(uri)) {
            self.load_settings();
        }
        self.index_hears_of(uris);
    }

    fn changes_settings(&self, uri: &str) -> bool {
        let is_settings = |path: &Utf8PathBuf| path.file_name() == Some(FILE_NAME);
        path_from_uri(uri).is_some_and(|path| is_settings(&path) || self.is_roster_file(&path))
    }

    pub(super) fn client_settings_changed(&mut self, settings: &Value) {
        if let Some(ours) = settings.get("pleach").filter(|ours| ours.is_object()) {
            self.configuration.from_client = Some(ours.clone());
            self.load_settings();
        }
    }

    pub(super) fn change_folders(&mut self, added: Vec<String>, removed: &[String]) {
        let mut folders = std::mem::take(&mut self.configuration.folders);
        folders.retain(|folder| !removed.contains(folder));
        folders.extend(added);
        self.configuration.set_folders(folders);
        self.load_settings();
    }

    fn show_problems(&mut self, uri: &str, text: &Rope, problems: &[SettingsProblem]) {
        let diagnostics: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({
                    "range": to_proto::range(text, problem.range, self.client.encoding),
                    "severity": match problem.severity { Severity::Error => 1, Severity::Warning => 2 },
                    "code": problem.code,
                    "source": to_proto::SOURCE,
                    "message": problem.message,
                })
            })
            .collect();
        self.publish(uri, Speaker::Settings, diagnostics);
    }
}

/// Reads and layers the settings: defaults, the user's file, the client's, each workspace folder's.
fn read_settings(
    user: Option<&Utf8Path>,
    snapshot: &WorkspaceSnapshot,
    client: Option<&Value>,
) -> LoadedSettings {
    let mut files = Vec::new();
    let mut settings = Settings::default();
    let mut client_problems = Vec::new();
    if let Some(path) = user {
        match crate::user_settings::read(path) {
            Ok(Some(text)) => {
                let loaded = pleach_policy::parse(&text);
                settings = loaded.settings;
                files.push(SettingsFile {
                    uri: uri_from_path(path),
                    text,
                    problems: loaded.problems,
                });
            }
            Ok(None) => {}
            Err(error) => client_problems.push(format!("{path} could not be read: {error}")),
        }
    }
    if let Some(value) = client {
        let loaded = pleach_policy::overlay(&settings, value);
        settings = loaded.settings;
        client_problems.extend(
            loaded.problems.into_iter().map(|problem| {
                format!("in the settings that the editor sent: {}", problem.message)
            }),
        );
    }
    for root in snapshot.roots() {
        let path = root.join(FILE_NAME);
        // The user's own file may lie in a folder that is open in the editor.
        if Some(path.as_path()) == user {
            continue;
        }
        let Some(text) = snapshot.read_settings(&path) else {
            continue;
        };
        let loaded = pleach_policy::narrow(&settings, &text);
        settings = loaded.settings;
        files.push(SettingsFile {
            uri: uri_from_path(&path),
            text,
            problems: loaded.problems,
        });
    }
    let prices = read_prices(&settings).unwrap_or_else(|problem| {
        client_problems.push(problem);
        Arc::new(PriceTable::built_in().clone())
    });
    let own = user.and_then(Utf8Path::parent);
    let roster = Arc::new(Roster::read(own, snapshot));
    LoadedSettings {
        settings,
        prices,
        roster,
        files,
        client_problems,
    }
}

/// What models cost, when any is set up.
fn read_prices(settings: &Settings) -> Result<Arc<PriceTable>, String> {
    if settings.providers.is_empty() {
        return Ok(Arc::default());
    }
    let table = PriceTable::built_in().clone();
    let Some(path) = &settings.budget.price_file else {
        return Ok(Arc::new(table));
    };
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let own = text.and_then(|text| {
        let table = table.with_file(&text, path, "");
        table.map_err(|error| error.to_string())
    });
    own.map(Arc::new)
        .map_err(|error| format!("the prices in {path} cannot be used: {error}"))
}
