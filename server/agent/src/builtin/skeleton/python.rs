//! Python: pytest or unittest, in the file where the project keeps such tests.

use std::borrow::Cow;
use std::fmt::Write as _;

use pleach_edit::Files;
use pleach_grammars::{
    FunctionShape, Language, ParameterKind, Symbol, SymbolKind, function_shape, imports,
};
use pleach_text::{ByteOffset, ByteRange, Replacement};

use super::{Skeleton, free_name, indented, paths, quotable};
use crate::builtin::BuiltinRefusal;
use crate::builtin::reply::Draft;
use crate::builtin::source::Source;

/// Test files that are read to learn the project's ways.
const MOST_READ: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framework {
    Pytest,
    Unittest,
}

pub(super) fn write(
    source: &Source<'_>,
    targets: &[&Symbol],
    files: &dyn Files,
) -> Result<Skeleton, BuiltinRefusal> {
    if is_test_file(source.path) {
        return Err(BuiltinRefusal::not_here(
            format!("`{}` is a test file itself", source.path),
            "put the cursor on a function of the code that is tested",
        ));
    }
    let known: Vec<String> = files.paths();
    let tests: Vec<&String> = known.iter().filter(|path| is_test_file(path)).collect();
    let path = place(source.path, &tests, files);
    let existing = files.read(&path);
    let mut notes = String::new();
    let framework = framework(existing.as_deref(), &tests, files).unwrap_or_else(|| {
        notes.push_str("No test framework was found, so the standard library's unittest is used.");
        Framework::Unittest
    });
    let mut subjects = Vec::new();
    for target in targets {
        subjects.push(Subject::of(source, target)?);
    }
    let module = module_of(source.path, files);
    let mut imported: Vec<String> = subjects
        .iter()
        .map(|subject| subject.import.clone())
        .collect();
    imported.sort();
    imported.dedup();
    let awaiting = subjects.iter().any(|subject| subject.shape.is_async);
    let async_mark = existing
        .as_deref()
        .is_some_and(|text| text.contains("pytest.mark.asyncio"))
        || depends_on(files, "pytest-asyncio");
    let mut needs = vec![match framework {
        Framework::Pytest => "import pytest",
        Framework::Unittest => "import unittest",
    }];
    if awaiting && framework == Framework::Pytest && !async_mark {
        needs.push("import asyncio");
    }
    needs.sort_unstable();
    let draft = match existing.as_deref().filter(|text| !text.trim().is_empty()) {
        None => {
            let body = tests_text(&subjects, framework, async_mark, &|_| false, "    ");
            let mut text = String::new();
            for need in &needs {
                let _ = writeln!(text, "{need}");
            }
            let _ = writeln!(text, "\nfrom {module} import {}\n\n", imported.join(", "));
            text.push_str(&body);
            if framework == Framework::Unittest {
                text.push_str("\n\nif __name__ == \"__main__\":\n    unittest.main()\n");
            }
            Draft::create(path, text)
        }
        Some(text) => {
            let test = Source::read(&path, Some(Language::Python), text)?;
            append(
                &test, &subjects, framework, async_mark, &needs, &module, &imported,
            )?
        }
    };
    Ok(Skeleton {
        drafts: vec![draft],
        notes,
    })
}

/// What is tested.
struct Subject<'a> {
    symbol: &'a Symbol,
    shape: FunctionShape,
    /// The class of a method, and the parameters of its `__init__`.
    owner: Option<(String, Vec<String>)>,
    /// Called on the class: a class method or a static one.
    on_class: bool,
    /// The name that the test file imports.
    import: String,
    access: Access,
    is_decorated: bool,
}

/// How a method is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Call,
    Read,
    Assign,
}

impl<'a> Subject<'a> {
    fn of(source: &Source<'_>, symbol: &'a Symbol) -> Result<Self, BuiltinRefusal> {
        let shape = function_shape(&source.syntax, source.text, symbol);
        let parent = source.parent(symbol);
        let reachable = match parent {
            None => true,
            Some(parent) => parent.kind == SymbolKind::Class && parent.parent.is_none(),
        };
        let (Some(shape), true) = (shape, reachable) else {
            return Err(BuiltinRefusal::not_here(
                format!(
                    "`{}` is inside another function or class, out of reach of a test",
                    symbol.name
                ),
                "put the cursor on another function",
            ));
        };
        let decorators = source.slice(ByteRange::new(symbol.range.start, symbol.name_range.start));
        let decorated = |name: &str| decorators.lines().any(|line| line.trim().starts_with(name));
        let owner = parent.map(|class| (class.name.clone(), init_parameters(source, class)));
        Ok(Self {
            import: parent.map_or_else(|| symbol.name.clone(), |class| class.name.clone()),
            on_class: decorated("@staticmethod") || decorated("@classmethod"),
            access: if decorated("@property") || decorated("@cached_property") {
                Access::Read
            } else if decorated(&format!("@{}.setter", symbol.name)) {
                Access::Assign
            } else {
                Access::Call
            },
            is_decorated: decorators.contains('@'),
            symbol,
            shape,
            owner,
        })
    }

    fn is_init(&self) -> bool {
        self.symbol.name == "__init__"
    }

    fn base_name(&self) -> String {
        let name = self.symbol.name.trim_matches('_');
        match &self.owner {
            Some((owner, _)) => format!("{}_{name}", snake(owner)),
            None => name.to_owned(),
        }
    }
}

fn snake(name: &str) -> String {
    crate::builtin::words::words(name).join("_").to_lowercase()
}

/// The parameters that making an instance takes and that have no default.
fn init_parameters(source: &Source<'_>, class: &Symbol) -> Vec<String> {
    let init = source.symbols.iter().find(|symbol| {
        symbol.name == "__init__"
            && source
                .parent(symbol)
                .is_some_and(|parent| parent.range == class.range)
    });
    let shape = init.and_then(|init| function_shape(&source.syntax, source.text, init));
    shape.map(|shape| required(&shape)).unwrap_or_default()
}

/// Parameters that a call has to give, those by name as `name=`.
fn required(shape: &FunctionShape) -> Vec<String> {
    let needed = shape
        .parameters
        .iter()
        .filter(|parameter| !parameter.is_optional);
    needed
        .filter_map(|parameter| match parameter.kind {
            ParameterKind::Plain if !parameter.is_pattern => Some(parameter.name.clone()),
            ParameterKind::KeywordOnly => Some(format!("{0}={0}", parameter.name)),
            _ => None,
        })
        .collect()
}

/// The bodies of the tests, two empty lines between them.
fn tests_text(
    subjects: &[Subject<'_>],
    framework: Framework,
    async_mark: bool,
    is_taken: &dyn Fn(&str) -> bool,
    unit: &str,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut own: Vec<String> = Vec::new();
    for subject in subjects {
        let base = match framework {
            Framework::Pytest => format!("test_{}", subject.base_name()),
            Framework::Unittest => format!("Test{}", pascal(&subject.base_name())),
        };
        let separator = if framework == Framework::Pytest {
            "_"
        } else {
            ""
        };
        let name = free_name(&base, separator, |name| {
            is_taken(name) || own.iter().any(|own| own == name)
        });
        own.push(name.clone());
        parts.push(test_text(subject, framework, async_mark, &name, unit));
    }
    parts.join("\n\n")
}

fn pascal(name: &str) -> String {
    name.split('_')
        .map(crate::builtin::words::capitalised)
        .collect()
}

fn test_text(
    subject: &Subject<'_>,
    framework: Framework,
    async_mark: bool,
    name: &str,
    unit: &str,
) -> String {
    let is_async = subject.shape.is_async;
    let assertion = format!(
        "TODO: assert what {} should do",
        quotable(&subject.symbol.name)
    );
    let mut lines: Vec<String> = Vec::new();
    let own = required(&subject.shape);
    let inputs = |lines: &mut Vec<String>, names: &[String]| {
        for name in names {
            let name = name.split('=').next().unwrap_or(name);
            let known = subject.shape.parameters.iter().find(|one| one.name == name);
            let type_text = known.and_then(|known| known.type_text.as_deref());
            let type_text = type_text.filter(|text| !text.contains('\n'));
            let kind = type_text
                .map(|text| format!(" ({text})"))
                .unwrap_or_default();
            lines.push(format!("{name} = ...  # TODO: a value{kind}"));
        }
    };
    let call = match &subject.owner {
        None => {
            inputs(&mut lines, &own);
            format!("{}({})", subject.symbol.name, own.join(", "))
        }
        Some((owner, _)) if subject.is_init() => {
            inputs(&mut lines, &own);
            format!("{owner}({})", own.join(", "))
        }
        Some((owner, _)) if subject.on_class => {
            inputs(&mut lines, &own);
            format!("{owner}.{}({})", subject.symbol.name, own.join(", "))
        }
        Some((owner, init)) => {
            // What both take is given to both; it is one TODO.
            let mut all: Vec<String> = init.clone();
            all.extend(own.iter().filter(|name| !init.contains(name)).cloned());
            inputs(&mut lines, &all);
            lines.push(format!("instance = {owner}({})", init.join(", ")));
            let name = &subject.symbol.name;
            match subject.access {
                Access::Call => format!("instance.{name}({})", own.join(", ")),
                Access::Read => format!("instance.{name}"),
                Access::Assign => {
                    lines.push(format!("instance.{name} = {}", own.join(", ")));
                    format!("instance.{name}")
                }
            }
        }
    };
    let marked = is_async && async_mark;
    let runs = framework == Framework::Pytest && !async_mark;
    let yields = subject.shape.is_generator && !subject.is_decorated;
    let call = match (is_async, yields) {
        (false, false) => call,
        (false, true) => format!("list({call})"),
        (true, false) if runs => format!("asyncio.run({call})"),
        (true, false) => format!("await {call}"),
        // It is no coroutine: it gives one value after the other.
        (true, true) if runs => {
            lines.push("async def collect():".to_owned());
            lines.push(format!("{unit}return [item async for item in {call}]"));
            lines.push(String::new());
            "asyncio.run(collect())".to_owned()
        }
        (true, true) => format!("[item async for item in {call}]"),
    };
    lines.push(format!("actual = {call}"));
    let fail = match framework {
        Framework::Pytest => format!("pytest.fail(f\"{assertion}, got {{actual!r}}\")"),
        Framework::Unittest => format!("self.fail(f\"{assertion}, got {{actual!r}}\")"),
    };
    lines.push(fail);
    let mut text = String::new();
    match framework {
        Framework::Pytest => {
            if marked {
                text.push_str("@pytest.mark.asyncio\nasync ");
            }
            let _ = writeln!(text, "def {name}():");
            text.push_str(&indented(&lines, unit));
        }
        Framework::Unittest => {
            let base = if is_async {
                "IsolatedAsyncioTestCase"
            } else {
                "TestCase"
            };
            let keyword = if is_async { "async def" } else { "def" };
            let _ = writeln!(text, "class {name}(unittest.{base}):");
            let method = subject.symbol.name.trim_matches('_');
            let _ = writeln!(text, "{unit}{keyword} test_{method}(self):");
            text.push_str(&indented(&lines, &unit.repeat(2)));
        }
    }
    text
}

/// Adds tests to a file that is there: what it lacks of imports below its own, the tests at its end.
fn append(
    test: &Source<'_>,
    subjects: &[Subject<'_>],
    framework: Framework,
    async_mark: bool,
    needs: &[&str],
    module: &str,
    imported: &[String],
) -> Result<Draft, BuiltinRefusal> {
    if test.syntax.root().has_error() {
        return Err(BuiltinRefusal::not_here(
            format!(
                "`{}` has syntax errors, so nothing is added to it",
                test.path
            ),
            "mend it first",
        ));
    }
    let is_taken = |name: &str| test.symbols.iter().any(|symbol| symbol.name == name);
    let body = tests_text(subjects, framework, async_mark, &is_taken, &test.unit());
    let top: Vec<_> = imports(&test.syntax, test.text)
        .into_iter()
        .filter(|import| test.indent(import.range.start).is_empty())
        .collect();
    let has = |name: &str| {
        top.iter()
            .flat_map(|import| &import.names)
            .any(|known| known.local == name)
    };
    let lacking: Vec<&str> = imported
        .iter()
        .map(String::as_str)
        .filter(|name| !has(name))
        .collect();
    let mut lines = String::new();
    for need in needs
        .iter()
        .filter(|need| !has(need.trim_start_matches("import ")))
    {
        let _ = writeln!(lines, "{need}");
    }
    let mut replacements = Vec::new();
    // An import from there is gone on with, if it is one plain line.
    let known = top.iter().find(|import| {
        let written = test.slice(import.range);
        written.starts_with(&format!("from {module} import "))
            && !written.contains(['(', '*', '\\'])
    });
    match known {
        _ if lacking.is_empty() => {}
        Some(known) => {
            let end = ByteRange::empty(known.range.end);
            replacements.push(Replacement::new(end, format!(", {}", lacking.join(", "))));
        }
        None => {
            let _ = writeln!(lines, "from {module} import {}", lacking.join(", "));
        }
    }
    if !lines.is_empty() {
        replacements.push(match top.last() {
            Some(last) if test.next_line(last.range.end).0 < test.text.len() => {
                let at = test.next_line(last.range.end);
                Replacement::new(ByteRange::empty(at), lines)
            }
            Some(_) => {
                let at = ByteOffset(test.text.trim_end().len());
                Replacement::new(ByteRange::empty(at), format!("\n{}", lines.trim_end()))
            }
            None => Replacement::new(ByteRange::empty(top_of(test)), format!("{lines}\n\n")),
        });
    }
    // Tests come before the lines that run them.
    let runner = test
        .text
        .match_indices("if __name__ ==")
        .map(|(at, _)| ByteOffset(at))
        .find(|at| test.line_start(*at) == *at);
    replacements.push(match runner {
        Some(at) => Replacement::new(ByteRange::empty(at), format!("{body}\n\n")),
        None => {
            let end = test.text.trim_end().len();
            Replacement::new(
                ByteRange::from(end..test.text.len()),
                format!("\n\n\n{body}"),
            )
        }
    });
    Draft::edit(test.path, test.text, replacements)
}

/// Where the first import goes: behind the file's comments and docstring.
fn top_of(test: &Source<'_>) -> ByteOffset {
    let first = crate::builtin::source::children(test.syntax.root());
    let docstring = first.first().filter(|node| {
        node.kind() == "expression_statement"
            && node
                .named_child(0)
                .is_some_and(|child| child.kind() == "string")
    });
    match (docstring, first.first()) {
        (Some(docstring), _) => test.next_line(ByteOffset(docstring.end_byte())),
        (None, Some(first)) => test.line_start(ByteOffset(first.start_byte())),
        (None, None) => ByteOffset(test.text.len()),
    }
}

fn is_test_file(path: &str) -> bool {
    let name = paths::file_name(path);
    name.ends_with(".py") && (name.starts_with("test_") || paths::stem(path).ends_with("_test"))
}

/// The file for the tests of a file: the one that is there, else one as the project names and places
/// them.
fn place(path: &str, tests: &[&String], files: &dyn Files) -> String {
    let stem = paths::stem(path);
    let stem = if stem == "__init__" {
        paths::file_name(paths::folder(path))
    } else {
        stem
    };
    let stem = if stem.is_empty() { "package" } else { stem };
    let (before, behind) = (format!("test_{stem}.py"), format!("{stem}_test.py"));
    let same: Vec<&&String> = tests
        .iter()
        .filter(|test| {
            [&before, &behind]
                .iter()
                .any(|name| paths::file_name(test) == name.as_str())
        })
        .collect();
    let folder = paths::folder(path);
    // Several may have that name, each for a module of its own: the nearest one counts.
    let near = |test: &str| {
        let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        parts(test)
            .iter()
            .rev()
            .skip(1)
            .filter(|part| parts(folder).contains(part))
            .count()
    };
    let nearest = same.iter().map(|test| near(test)).max();
    let mut best = same.iter().filter(|test| Some(near(test)) == nearest);
    if let (Some(only), None) = (best.next(), best.next()) {
        return (**only).clone();
    }
    let behind_habit = !tests.is_empty()
        && tests
            .iter()
            .all(|test| !paths::file_name(test).starts_with("test_"));
    let name = if behind_habit { behind } else { before };
    let beside = tests.iter().any(|test| paths::folder(test) == folder);
    if beside {
        return paths::join(folder, &name);
    }
    let mut homes = tests.iter().filter_map(|test| {
        let folder = paths::folder(test);
        let in_tests = folder
            .split('/')
            .any(|part| matches!(part, "tests" | "test"));
        in_tests.then_some(folder)
    });
    // The folder of tests that is nearest above the file; the shortest of several below it.
    let project = project_root(path, files);
    let home = homes
        .clone()
        .filter(|home| home.starts_with(&project))
        .min_by_key(|home| home.len());
    let home = home.or_else(|| homes.next()).map(|home| {
        let parts: Vec<&str> = home.split('/').collect();
        let end = parts
            .iter()
            .position(|part| matches!(*part, "tests" | "test"));
        parts.get(..=end.unwrap_or(0)).unwrap_or_default().join("/")
    });
    if let Some(home) = home {
        return paths::join(&home, &name);
    }
    // Tests elsewhere that are in no such folder stand beside what they test.
    if !tests.is_empty() {
        return paths::join(folder, &name);
    }
    paths::join(&paths::join(&project, "tests"), &name)
}

/// The folder of the nearest project file; the root if there is none.
fn project_root(path: &str, files: &dyn Files) -> String {
    let marks = ["pyproject.toml", "setup.py", "setup.cfg"];
    paths::folders_above(path)
        .find(|folder| {
            marks
                .iter()
                .any(|mark| files.read(&paths::join(folder, mark)).is_some())
        })
        .unwrap_or_default()
        .to_owned()
}

/// What other files import a file as: `package.module`.
fn module_of(path: &str, files: &dyn Files) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let stem = paths::stem(path);
    if stem != "__init__" {
        parts.push(stem);
    }
    let mut folder = paths::folder(path);
    let is_package = |folder: &str| files.read(&paths::join(folder, "__init__.py")).is_some();
    if is_package(folder) {
        while !folder.is_empty() && is_package(folder) {
            parts.insert(0, paths::file_name(folder));
            folder = paths::folder(folder);
        }
    } else {
        let project = project_root(path, files);
        let inside = folder
            .strip_prefix(&project)
            .unwrap_or(folder)
            .trim_start_matches('/');
        let inside = match inside.strip_prefix("src") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
            _ => inside,
        };
        for part in inside.rsplit('/').filter(|part| !part.is_empty()) {
            parts.insert(0, part);
        }
    }
    parts.join(".")
}

/// What the project's tests are written with; `None` when nothing tells.
fn framework(existing: Option<&str>, tests: &[&String], files: &dyn Files) -> Option<Framework> {
    let of = |text: &str| {
        if text.contains("unittest.TestCase") || text.contains("(TestCase)") {
            Some(Framework::Unittest)
        } else if text.contains("import pytest")
            || text.lines().any(|line| line.starts_with("def test_"))
        {
            Some(Framework::Pytest)
        } else {
            None
        }
    };
    if let Some(found) = existing.and_then(of) {
        return Some(found);
    }
    let (mut pytest, mut unittest) = (0_usize, 0_usize);
    for path in tests.iter().take(MOST_READ) {
        match files.read(path).as_deref().and_then(of) {
            Some(Framework::Pytest) => pytest += 1,
            Some(Framework::Unittest) => unittest += 1,
            None => {}
        }
    }
    if pytest + unittest > 0 {
        return Some(if pytest >= unittest {
            Framework::Pytest
        } else {
            Framework::Unittest
        });
    }
    let configured = ["pytest.ini", "conftest.py", "tests/conftest.py"];
    let has_pytest =
        configured.iter().any(|path| files.read(path).is_some()) || depends_on(files, "pytest");
    has_pytest.then_some(Framework::Pytest)
}

/// Whether the project names a package among what it needs.
fn depends_on(files: &dyn Files, package: &str) -> bool {
    let lists = [
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
        "Pipfile",
        "requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "requirements-test.txt",
    ];
    let names = |text: Cow<'_, str>| {
        text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
            .any(|word| word == package)
    };
    lists.iter().filter_map(|path| files.read(path)).any(names)
}
