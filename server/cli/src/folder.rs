//! The folder that a command works on, under the settings that hold there.

use std::fs;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use pleach_agent::{Account, Books, McpServers, PriceTable, Roster, Telemetry, shared_ledger};
use pleach_policy::Settings;
use pleach_workspace::WorkspaceSnapshot;

use crate::environment::Environment;

/// A folder and its settings.
pub(crate) struct Folder {
    /// Its path, with every link followed.
    pub(crate) root: Utf8PathBuf,
    /// The user's settings, narrowed by those of the folder.
    pub(crate) settings: Settings,
}

impl Folder {
    /// The folder at `dir` under the user's settings and its own, which can only narrow them.
    pub(crate) fn open(dir: &Utf8Path, environment: &Environment) -> anyhow::Result<Self> {
        let root = dir
            .canonicalize_utf8()
            .with_context(|| format!("`{dir}` is no folder to work in"))?;
        if !root.is_dir() {
            bail!("`{dir}` is not a folder; give the folder with --dir and the file by its name");
        }
        let user = environment.user_settings();
        let user = user.and_then(|path| fs::read_to_string(path).ok());
        let settings = user.map_or_else(Settings::default, |text| {
            pleach_policy::parse(&text).settings
        });
        let own = fs::read_to_string(root.join("pleach.toml")).ok();
        let settings = match own {
            Some(text) => pleach_policy::narrow(&settings, &text).settings,
            None => settings,
        };
        Ok(Self { root, settings })
    }

    /// The roles there are: the person's and the folder's.
    pub(crate) fn roster(&self, environment: &Environment) -> Arc<Roster> {
        let files = self.snapshot();
        Arc::new(Roster::read(environment.config_dir.as_deref(), &files))
    }

    /// Who pays for what a model does here, and within which caps.
    pub(crate) fn account(&self, environment: &Environment) -> anyhow::Result<Account> {
        let mut prices = PriceTable::built_in().clone();
        if let Some(path) = &self.settings.budget.price_file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("the prices in {path} cannot be read"))?;
            prices = prices
                .with_file(&text, path, "")
                .with_context(|| format!("the prices in {path} cannot be used"))?;
        }
        let variables = Environment::variables();
        let books = Books::open(&environment.state_dir);
        books.share(shared_ledger(&self.settings.ledger, &variables));
        let telemetry = Telemetry::from_variables(&|name| variables(name));
        Ok(Account {
            books: books.with_telemetry(telemetry),
            budget: self.settings.budget.clone(),
            cache: self.settings.cache,
            per_minute: self.settings.actions.per_minute.clone(),
            prices: Arc::new(prices),
            workspace: self.root.to_string(),
            job: 1,
            purpose: None,
        })
    }

    /// The servers of tools that the settings name. None is started yet.
    pub(crate) fn servers(&self) -> McpServers {
        let variables = Environment::variables();
        McpServers::new(
            &self.settings.mcp,
            &variables,
            Some(self.root.as_std_path()),
        )
    }

    /// Its files as they are on disk now.
    pub(crate) fn snapshot(&self) -> WorkspaceSnapshot {
        WorkspaceSnapshot::new(
            std::slice::from_ref(&self.root),
            [],
            self.settings.path_rules(),
        )
    }
}
