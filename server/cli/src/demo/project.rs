//! The project that the demonstration plays with: a copy in a temporary folder.

use std::fs;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

/// The files that matter here, compiled in so that the installed program has them.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../fixtures/project/", $name)))),*]
    };
}

const FILES: [(&str, &str); 3] = files!["src/lib.rs", "src/loans.rs", "notes/damage.md"];

/// A temporary folder with the project, and with settings of its own that say nothing. It is removed
/// when this is dropped.
pub(super) struct Project {
    _folder: TempDir,
    pub(super) root: Utf8PathBuf,
    pub(super) config_dir: Utf8PathBuf,
    pub(super) state_dir: Utf8PathBuf,
}

impl Project {
    pub(super) fn copy() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("pleach-demo-").tempdir();
        let folder = folder.context("no temporary folder can be made")?;
        let path = Utf8Path::from_path(folder.path()).context("its path is not UTF-8")?;
        let path = path.canonicalize_utf8()?;
        let root = path.join("shelf");
        for (name, text) in FILES {
            let file = root.join(name);
            fs::create_dir_all(file.parent().unwrap_or(&root))?;
            fs::write(file, text)?;
        }
        let (config_dir, state_dir) = (path.join("config"), path.join("state"));
        fs::create_dir_all(&config_dir)?;
        fs::create_dir_all(&state_dir)?;
        // Chosen, so that no model is looked for either.
        fs::write(config_dir.join("pleach.toml"), "engine = \"builtin\"\n")?;
        Ok(Self {
            _folder: folder,
            root,
            config_dir,
            state_dir,
        })
    }

    /// The text of a file as it is on disk now.
    pub(super) fn on_disk(&self, name: &str) -> anyhow::Result<String> {
        fs::read_to_string(self.root.join(name)).with_context(|| format!("{name} cannot be read"))
    }
}
