//! Which command runs the tests of a project.

use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use pleach_policy::TestSettings;
use pleach_workspace::WorkspaceSnapshot;

use super::TestingFailure;

/// Bytes of a manifest that is looked into.
const MANIFEST: u64 = 1 << 20;

/// A command that runs tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestCommand {
    pub(super) argv: Vec<String>,
    /// The folder that it runs in.
    pub(super) folder: Utf8PathBuf,
    /// The folder of the workspace that this is in.
    pub(super) root: Utf8PathBuf,
}

/// What runs the tests for the file called `path`: what the settings say, else what the nearest manifest
/// calls for. Asks the disk.
pub(super) fn find(
    workspace: &WorkspaceSnapshot,
    path: &str,
    settings: &TestSettings,
) -> Result<TestCommand, TestingFailure> {
    let file = workspace.locate(path).ok().map(|located| located.path);
    let holds = |root: &&Utf8PathBuf| file.as_ref().is_some_and(|file| file.starts_with(root));
    let roots = workspace.roots();
    let root = roots.iter().find(holds).or_else(|| roots.first());
    let root = root.ok_or(TestingFailure::NoCommand)?.clone();
    if let Some(command) = &settings.command {
        return Ok(TestCommand {
            argv: command.split_whitespace().map(str::to_owned).collect(),
            folder: root.clone(),
            root,
        });
    }
    let from = file
        .as_deref()
        .filter(|file| file.starts_with(&root))
        .and_then(Utf8Path::parent)
        .unwrap_or(&root);
    let found = from
        .ancestors()
        .take_while(|folder| folder.starts_with(&root))
        .find_map(|folder| Some((argv_in(folder, path)?, folder)));
    let (argv, folder) = found.ok_or(TestingFailure::NoCommand)?;
    Ok(TestCommand {
        argv: argv.into_iter().map(str::to_owned).collect(),
        folder: folder.to_owned(),
        root,
    })
}

/// What the manifests in a folder call for; of several the one of the file's own language.
fn argv_in(folder: &Utf8Path, file: &str) -> Option<Vec<&'static str>> {
    let has = |name: &str| folder.join(name).is_file();
    let cargo = || has("Cargo.toml").then(|| vec!["cargo", "test"]);
    let go = || has("go.mod").then(|| vec!["go", "test", "./..."]);
    let python = || {
        let manifests = [
            "pyproject.toml",
            "pytest.ini",
            "tox.ini",
            "setup.cfg",
            "setup.py",
        ];
        let own = [".venv/bin/python", "venv/bin/python"];
        let python = own.into_iter().find(|it| folder.join(it).exists());
        manifests
            .into_iter()
            .any(has)
            .then(|| vec![python.unwrap_or("python3"), "-m", "pytest"])
    };
    let node = || {
        let script = script_of(folder.join("package.json").as_std_path())?;
        let is_one = !script.trim().is_empty() && !script.contains("no test specified");
        let managers = [
            ("pnpm-lock.yaml", "pnpm"),
            ("yarn.lock", "yarn"),
            ("bun.lock", "bun"),
        ];
        let manager = managers.into_iter().find(|(lock, _)| has(lock));
        is_one.then(|| vec![manager.map_or("npm", |(_, name)| name), "run", "test"])
    };
    match Utf8Path::new(file).extension() {
        Some("py" | "pyi") => python().or_else(cargo).or_else(node).or_else(go),
        Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") => {
            node().or_else(cargo).or_else(python).or_else(go)
        }
        Some("go") => go().or_else(cargo).or_else(node).or_else(python),
        _ => cargo().or_else(go).or_else(python).or_else(node),
    }
}

/// The script `test` of a `package.json`.
fn script_of(manifest: &Path) -> Option<String> {
    if manifest.metadata().ok()?.len() > MANIFEST {
        return None;
    }
    let text = std::fs::read_to_string(manifest).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    manifest
        .pointer("/scripts/test")?
        .as_str()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pleach_policy::PathRules;

    use super::*;

    #[test]
    fn the_nearest_manifest_says_what_runs_the_tests() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "");
        write(
            "web/package.json",
            r#"{"scripts": {"test": "node --test"}}"#,
        );
        write("web/pnpm-lock.yaml", "");
        write(
            "none/package.json",
            r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#,
        );
        write("tools/pyproject.toml", "");
        write("tools/go.mod", "");
        let workspace =
            WorkspaceSnapshot::new(std::slice::from_ref(&root), [], PathRules::default());
        let command = |path: &str, settings: &TestSettings| {
            let found = find(&workspace, path, settings).unwrap();
            let folder = found.folder.strip_prefix(&root).unwrap().to_string();
            (found.argv.join(" "), folder)
        };
        let usual = TestSettings::default();
        for (path, argv, folder) in [
            ("src/lib.rs", "cargo test", ""),
            ("web/src/a.ts", "pnpm run test", "web"),
            ("none/a.js", "cargo test", ""),
            ("tools/a.py", "python3 -m pytest", "tools"),
            ("tools/a.go", "go test ./...", "tools"),
        ] {
            assert_eq!(command(path, &usual), (argv.to_owned(), folder.to_owned()));
        }
        let own = TestSettings {
            command: Some("make  check".into()),
            ..TestSettings::default()
        };
        assert_eq!(
            command("web/src/a.ts", &own),
            ("make check".to_owned(), String::new())
        );
    }
}
