//! The process's environment, read in one place.

use std::env;
use std::ffi::OsStr;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use etcetera::BaseStrategy;
use pleach_agent::Variables;

/// The folder of the user's settings, instead of the usual one.
pub(crate) const CONFIG_DIR: &str = "PLEACH_CONFIG_DIR";
/// The folder for answers that are kept, instead of the usual one.
pub(crate) const STATE_DIR: &str = "PLEACH_STATE_DIR";
/// How much is logged: `error`, `warn`, `info`, `debug` or `trace`.
pub(crate) const LOG: &str = "PLEACH_LOG";

/// What the commands know of the world around them.
#[derive(Clone)]
pub(crate) struct Environment {
    /// Where the user's `pleach.toml` belongs; `None` when there is no home.
    pub(crate) config_dir: Option<Utf8PathBuf>,
    /// Where answers are kept.
    pub(crate) state_dir: Utf8PathBuf,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        let usual = etcetera::choose_base_strategy().ok();
        let in_usual = |folder: fn(&dyn Folders) -> Option<Utf8PathBuf>| {
            usual
                .as_ref()
                .and_then(|usual| folder(usual))
                .map(|folder| folder.join("pleach"))
        };
        let config_dir = folder_from(CONFIG_DIR).or_else(|| in_usual(|usual| usual.config()));
        let state_dir = folder_from(STATE_DIR)
            .or_else(|| in_usual(|usual| usual.state()))
            .or_else(|| {
                Utf8PathBuf::from_path_buf(env::temp_dir())
                    .ok()
                    .map(|dir| dir.join("pleach"))
            })
            .unwrap_or_else(|| "pleach-state".into());
        Self {
            config_dir,
            state_dir,
        }
    }

    /// The user's own settings file, whether or not it exists.
    pub(crate) fn user_settings(&self) -> Option<Utf8PathBuf> {
        self.config_dir.as_ref().map(|dir| dir.join("pleach.toml"))
    }

    /// Looks up variables, for keys.
    pub(crate) fn variables() -> Variables {
        Arc::new(variable)
    }
}

/// The value of a variable that is set, not empty, and text.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The first program called `name` in the folders of `PATH`.
pub(crate) fn program(name: &str) -> Option<Utf8PathBuf> {
    let path = env::var_os("PATH")?;
    let suffixes: &[&str] = if cfg!(windows) {
        &[".exe", ".cmd", ""]
    } else {
        &[""]
    };
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .filter_map(|folder| Utf8PathBuf::from_path_buf(folder).ok())
        .flat_map(|folder| {
            suffixes
                .iter()
                .map(move |suffix| folder.join(format!("{name}{suffix}")))
        })
        .find(|file| is_program(file))
}

fn is_program(file: &Utf8Path) -> bool {
    let Ok(metadata) = file.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    metadata.is_file() && runs
}

fn folder_from(variable: impl AsRef<OsStr>) -> Option<Utf8PathBuf> {
    let folder = Utf8PathBuf::from_path_buf(env::var_os(variable)?.into()).ok()?;
    folder.is_absolute().then_some(folder)
}

/// The folders of a base strategy, as text.
trait Folders {
    fn config(&self) -> Option<Utf8PathBuf>;
    fn state(&self) -> Option<Utf8PathBuf>;
}

impl<S: BaseStrategy> Folders for S {
    fn config(&self) -> Option<Utf8PathBuf> {
        Utf8PathBuf::from_path_buf(self.config_dir()).ok()
    }

    fn state(&self) -> Option<Utf8PathBuf> {
        // Windows and others without a place for state keep it with data.
        let folder = self.state_dir().unwrap_or_else(|| self.data_dir());
        Utf8PathBuf::from_path_buf(folder).ok()
    }
}
