//! How a package tests: with what, where, and how its files name each other.

use pleach_edit::Files;
use pleach_grammars::{Language, imports};
use serde_json::Value;

use super::super::paths;
use crate::builtin::source::Source;

/// Test files that are read to learn the project's ways.
const MOST_READ: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framework {
    Vitest,
    Jest,
    Node,
    Mocha,
    Bun,
}

impl Framework {
    /// What a test file is written with, if it imports it.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        let has = |module: &str| {
            text.contains(&format!("'{module}'")) || text.contains(&format!("\"{module}\""))
        };
        [
            ("vitest", Self::Vitest),
            ("@jest/globals", Self::Jest),
            ("node:test", Self::Node),
            ("bun:test", Self::Bun),
            ("mocha", Self::Mocha),
        ]
        .into_iter()
        .find_map(|(module, framework)| has(module).then_some(framework))
    }

    fn in_package(package: &Value) -> Option<Self> {
        let depends = |name: &str| {
            ["devDependencies", "dependencies", "peerDependencies"]
                .iter()
                .any(|list| package.get(list).and_then(|list| list.get(name)).is_some())
        };
        let script = package
            .pointer("/scripts/test")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let runs = |name: &str| script.split([' ', '&', '|', ';']).any(|word| word == name);
        if runs("vitest") || depends("vitest") {
            Some(Self::Vitest)
        } else if runs("jest")
            || ["jest", "ts-jest", "@jest/globals"]
                .iter()
                .any(|name| depends(name))
        {
            Some(Self::Jest)
        } else if runs("mocha") || depends("mocha") {
            Some(Self::Mocha)
        } else if script.contains("bun test") {
            Some(Self::Bun)
        } else if runs("node") && script.contains("--test") {
            Some(Self::Node)
        } else {
            None
        }
    }
}

/// What is known of the package that a file belongs to.
pub(super) struct Project {
    pub(super) framework: Option<Framework>,
    /// The folder of its package.json; the root if there is none.
    root: String,
    /// Whether its `.js` files are modules.
    modules: bool,
    /// Its test files.
    tests: Vec<String>,
    /// Whether its relative imports end with an extension, as far as its tests show.
    extension: Option<String>,
}

impl Project {
    pub(super) fn of(path: &str, files: &dyn Files) -> Self {
        let found = paths::folders_above(path).find_map(|folder| {
            let text = files.read(&paths::join(folder, "package.json"))?;
            Some((
                folder.to_owned(),
                serde_json::from_str::<Value>(&text).unwrap_or_default(),
            ))
        });
        let (root, package) = found.unwrap_or_default();
        let inside = |path: &String| root.is_empty() || path.starts_with(&format!("{root}/"));
        let tests: Vec<String> = files
            .paths()
            .into_iter()
            .filter(|path| is_test_file(path))
            .filter(inside)
            .collect();
        let mut framework = Framework::in_package(&package);
        let mut extension = None;
        for test in tests.iter().take(MOST_READ) {
            let Some(text) = files.read(test) else {
                continue;
            };
            framework = framework.or_else(|| Framework::in_text(&text));
            extension = extension.or_else(|| extension_in(&text));
        }
        // Workspaces keep their tools in the package above.
        if framework.is_none() {
            framework = paths::folders_above(&root).skip(1).find_map(|folder| {
                let text = files.read(&paths::join(folder, "package.json"))?;
                Framework::in_package(&serde_json::from_str(&text).ok()?)
            });
        }
        let modules = package.get("type").and_then(Value::as_str) == Some("module");
        Self {
            framework,
            root,
            modules,
            tests,
            extension,
        }
    }

    /// The file for the tests of a file: the one that is there, else one as the project names and
    /// places them.
    pub(super) fn place(&self, path: &str, files: &dyn Files) -> String {
        let stem = paths::stem(path);
        let folder = paths::folder(path);
        let mut same: Vec<&String> = self
            .tests
            .iter()
            .filter(|test| tested_stem(test) == stem)
            .collect();
        let near = |test: &str| {
            let inside = paths::folder(test);
            inside == folder || inside == paths::join(folder, "__tests__")
        };
        if same.iter().any(|test| near(test)) {
            same.retain(|test| near(test));
        }
        if let [only] = same.as_slice() {
            return (*only).clone();
        }
        let spec = self
            .tests
            .iter()
            .filter(|test| test.contains(".spec."))
            .count();
        let word = if spec * 2 > self.tests.len() {
            "spec"
        } else {
            "test"
        };
        let extension = path.rsplit('.').next().unwrap_or("ts");
        let bare = !self.tests.is_empty()
            && self
                .tests
                .iter()
                .all(|test| !test.contains(".spec.") && !test.contains(".test."));
        let name = if bare {
            format!("{stem}.{extension}")
        } else {
            format!("{stem}.{word}.{extension}")
        };
        let (mut beside, mut apart, mut central) = (0_usize, 0_usize, None::<(String, usize)>);
        for test in &self.tests {
            let home = paths::folder(test);
            if paths::file_name(home) == "__tests__" {
                apart += 1;
            } else if let Some(top) = central_folder(home, &self.root) {
                let count = central.as_ref().map_or(0, |(_, count)| *count) + 1;
                central = Some((top, count));
            } else {
                beside += 1;
            }
        }
        let in_central = central.as_ref().map_or(0, |(_, count)| *count);
        if in_central > beside.max(apart)
            && let Some((top, _)) = central
        {
            // Some projects mirror their sources below that folder.
            let inside = folder
                .strip_prefix(&self.root)
                .unwrap_or(folder)
                .trim_start_matches('/');
            let inside = inside
                .strip_prefix("src")
                .unwrap_or(inside)
                .trim_start_matches('/');
            let mirrored = paths::join(&top, inside);
            let mirrors = self
                .tests
                .iter()
                .any(|test| paths::folder(test) == mirrored);
            let home = if mirrors { mirrored } else { top };
            return free_path(&home, &name, files);
        }
        let home = if apart > beside {
            paths::join(folder, "__tests__")
        } else {
            folder.to_owned()
        };
        paths::join(&home, &name)
    }

    /// What a test file writes to import a source file.
    pub(super) fn specifier(
        &self,
        source: &Source<'_>,
        test: &str,
        framework: Framework,
        common: bool,
    ) -> String {
        let folder = paths::folder(source.path);
        let own = source.path.rsplit('.').next().unwrap_or_default();
        let bare = paths::relative(
            paths::folder(test),
            &paths::join(folder, paths::stem(source.path)),
        );
        let habit = extension_in(source.text).or_else(|| self.extension.clone());
        let compiled = match own {
            "ts" | "tsx" => "js",
            "mts" => "mjs",
            "cts" => "cjs",
            other => other,
        };
        let extension = match habit.as_deref() {
            Some("") => None,
            Some("ts" | "tsx" | "mts" | "cts") => Some(own),
            Some(_) => Some(compiled),
            None if source.language == Language::JavaScript => {
                let needed = own == "mjs" || own == "cjs" || (self.modules && !common);
                (needed || framework == Framework::Node && !common).then_some(own)
            }
            // Node runs TypeScript itself and then wants the real name.
            None => (framework == Framework::Node).then_some(own),
        };
        match extension {
            Some(extension) => format!("{bare}.{extension}"),
            None => bare,
        }
    }
}

/// The extension of the relative imports in a text; empty when they have none.
fn extension_in(text: &str) -> Option<String> {
    let syntax = pleach_grammars::parse(Language::Tsx, text);
    let relative = imports(&syntax, text)
        .into_iter()
        .flat_map(|import| import.names)
        .map(|name| name.path)
        .find(|path| path.starts_with('.'))?;
    let known = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"];
    let extension = paths::file_name(&relative)
        .rsplit_once('.')
        .map_or("", |(_, end)| end);
    Some(if known.contains(&extension) {
        extension.to_owned()
    } else {
        String::new()
    })
}

/// The `test` or `tests` folder of a package that a folder is in.
fn central_folder(folder: &str, root: &str) -> Option<String> {
    let inside = folder.strip_prefix(root)?.trim_start_matches('/');
    let first = inside.split('/').next()?;
    matches!(first, "test" | "tests" | "spec").then(|| paths::join(root, first))
}

/// Two sources of one name would share a test file in a central folder.
fn free_path(folder: &str, name: &str, files: &dyn Files) -> String {
    let path = paths::join(folder, name);
    if files.read(&path).is_none() {
        return path;
    }
    let (stem, rest) = name.split_once('.').unwrap_or((name, "ts"));
    (2..100)
        .map(|number| paths::join(folder, &format!("{stem}-{number}.{rest}")))
        .find(|path| files.read(path).is_none())
        .unwrap_or(path)
}

/// Whether a path is one of a test file.
pub(super) fn is_test_file(path: &str) -> bool {
    let extension = path.rsplit('.').next().unwrap_or_default();
    let code = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"].contains(&extension);
    let name = paths::file_name(path);
    let marked = name.contains(".test.") || name.contains(".spec.");
    code && !path.contains("node_modules/")
        && (marked
            || paths::folder(path)
                .split('/')
                .any(|part| part == "__tests__"))
}

/// `button` of `button.test.tsx`.
fn tested_stem(path: &str) -> &str {
    let name = paths::file_name(path);
    let at = name.find(".test.").or_else(|| name.find(".spec."));
    at.and_then(|at| name.get(..at))
        .unwrap_or_else(|| paths::stem(name))
}
