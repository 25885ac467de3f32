//! What a confined command may touch.

use std::path::{Path, PathBuf};

/// What of the system is read: programs, and of `/proc` what tells of the machine and of the command
/// itself. Not the rest of it: there stands the environment of every process, and keys in it.
const SYSTEM: [&str; 20] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];
/// Folders below the home folder that tools are read from. Not among them: what keeps keys.
const TOOLS: [&str; 26] = [
    ".cargo/bin",
    ".cargo/config.toml",
    ".cargo/git",
    ".cargo/registry",
    ".rustup",
    ".local/bin",
    ".local/lib",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pnpm",
    ".local/share/uv",
    ".local/share/virtualenv",
    ".asdf",
    ".bun",
    ".deno",
    ".gradle/wrapper",
    ".jdks",
    ".m2/repository",
    ".nvm",
    ".pyenv",
    ".rbenv",
    ".sdkman",
    ".volta",
    ".yarn",
    "go/bin",
    "go/pkg",
];
/// What builds and tests write, relative to the workspace, and the file that says that they will: a
/// folder that is missing is made where that file is.
const OUTPUTS: [(&str, Option<&str>); 16] = [
    ("target", Some("Cargo.toml")),
    ("node_modules/.cache", None),
    ("node_modules/.vite", None),
    (".venv", None),
    (".tox", None),
    (".nox", None),
    (".pytest_cache", None),
    (".mypy_cache", None),
    (".ruff_cache", None),
    ("build", None),
    ("dist", None),
    ("out", None),
    ("coverage", None),
    (".next", None),
    (".gradle", None),
    ("zig-out", None),
];

/// What a confined command may touch. Everything else it can neither read nor write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Files and folders that it reads and runs programs from. What does not exist is left out.
    pub read: Vec<PathBuf>,
    /// Folders that it also writes.
    pub write: Vec<PathBuf>,
    /// Whether it may open connections.
    pub network: bool,
}

impl Reach {
    /// What a project's own tools need: the system's programs, the tools that are usually below `home`,
    /// and the workspace are read; the usual outputs of builds below `workspace`, and `outputs` (relative
    /// to it), are written. An output that is a link to elsewhere is left out.
    ///
    /// Makes `target/` where there is a `Cargo.toml`, because a folder must exist to be written.
    pub fn of_workspace(workspace: &Path, home: Option<&Path>, outputs: &[String]) -> Self {
        let usual = OUTPUTS.iter().copied();
        let own = outputs.iter().map(|output| (output.as_str(), None));
        let write = usual
            .chain(own)
            .filter_map(|(output, mark)| output_folder(workspace, output, mark))
            .collect();
        Self {
            write,
            ..Self::to_read(workspace, home)
        }
    }

    /// For a command that only looks: the system's programs, the tools that are usually below `home`, and
    /// a folder are read, and nothing is written.
    pub fn to_read(folder: &Path, home: Option<&Path>) -> Self {
        let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        if let Some(home) = home {
            read.extend(TOOLS.iter().map(|tools| home.join(tools)));
        }
        read.push(folder.to_owned());
        Self {
            read,
            ..Self::default()
        }
    }
}

/// The folder of an output, if it is in the workspace and no more than an output: not the workspace
/// itself, nor what version control keeps.
fn output_folder(workspace: &Path, output: &str, mark: Option<&str>) -> Option<PathBuf> {
    let folder = workspace.join(output);
    if mark.is_some_and(|mark| workspace.join(mark).is_file()) && !folder.exists() {
        // Where it cannot be made, the command says what it lacks.
        let _made = std::fs::create_dir(&folder).is_ok();
    }
    let workspace = workspace.canonicalize().ok()?;
    let real = folder.canonicalize().ok()?;
    let below = real.strip_prefix(&workspace).ok()?;
    let is_output = below
        .components()
        .next()
        .is_some_and(|first| first.as_os_str() != ".git");
    (is_output && real.is_dir()).then_some(real)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_output_is_a_folder_of_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let workspace = folder.path().canonicalize().unwrap();
        std::fs::write(workspace.join("Cargo.toml"), "").unwrap();
        for name in [".git", "generated"] {
            std::fs::create_dir(workspace.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(elsewhere.path(), workspace.join("dist")).unwrap();
        std::os::unix::fs::symlink(".git", workspace.join("out")).unwrap();
        let outputs = ["generated", "..", ".", ".git", "missing"].map(str::to_owned);
        let reach = Reach::of_workspace(&workspace, None, &outputs);
        assert_eq!(
            reach.write,
            [workspace.join("target"), workspace.join("generated")]
        );
    }
}
