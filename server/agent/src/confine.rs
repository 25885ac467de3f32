//! How a command of the project is confined: what it sees, reads, writes and uses.

use std::path::{Path, PathBuf};

use pleach_exec::{Confined, Limits, Reach, Variables};
use pleach_policy::CommandSettings;

/// What a command may see of the environment: enough to build and to test, and no key.
const VARIABLES: [&str; 31] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TERM",
    "CARGO_HOME",
    TARGET_FOLDER,
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOCACHE",
    "GOROOT",
    "GOFLAGS",
    "JAVA_HOME",
    "GRADLE_USER_HOME",
    "NODE_PATH",
    "NVM_DIR",
    "PNPM_HOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "UV_CACHE_DIR",
    "XDG_CACHE_HOME",
    // Windows.
    "APPDATA",
    "PATHEXT",
    "SYSTEMROOT",
    "TEMP",
    "USERPROFILE",
];
/// A folder that is mostly outside the workspace, where no confined command can write.
const TARGET_FOLDER: &str = "CARGO_TARGET_DIR";

/// The variables that a command of the project sees, as far as they are set.
pub(crate) fn seen(variables: &Variables) -> Vec<(String, String)> {
    VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variables(name)?)))
        .collect()
}

/// A command of the project in the workspace's `folder`, which reads what builds read and writes what
/// they write.
pub(crate) fn confined(
    argv: Vec<String>,
    folder: &Path,
    variables: &Variables,
    settings: &CommandSettings,
    limits: Limits,
) -> Confined {
    let home = variables("HOME").map(PathBuf::from);
    let mut reach = Reach::of_workspace(folder, home.as_deref(), &settings.write);
    reach.read.extend(settings.read.iter().map(PathBuf::from));
    let mut variables = seen(variables);
    variables.retain(|(name, _)| name != TARGET_FOLDER);
    // No folder beside the sources can be written.
    variables.push(("PYTHONDONTWRITEBYTECODE".into(), "1".into()));
    Confined {
        argv,
        folder: folder.to_owned(),
        variables,
        limits,
        reach,
        lock: None,
    }
}
