//! Plans that need no model: what is to be done stands in the code already.

use std::collections::BTreeSet;
use std::sync::Arc;

use pleach_edit::{EditRequest, Proposal, propose};
use pleach_grammars::{Language, Symbol, SymbolKind, comments, outline, parse};
use pleach_plan::{Claim, Draft, DraftStep, Role};
use pleach_text::{ByteRange, line_column};
use pleach_workspace::WorkspaceSnapshot;

use super::{PlanFailure, find, rules_of};
use crate::action::Action;
use crate::builtin::{self, BuiltinTask, DiagnosticNote};

/// A plan has at most this many steps; more would not be read.
const MOST_STEPS: usize = 60;
/// Bytes of a file that is looked through for what is left to do.
const MOST_BYTES: usize = 512 << 10;
/// Files that are looked through at most.
const MOST_FILES: usize = 5_000;
/// Words that mark what is left to do, in comments.
const MARKS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];
/// Characters of a text that go into a title.
const TITLE: usize = 70;

/// What a plan is made of when no model makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The items of a file that have no documentation.
    Document {
        /// The file.
        path: String,
    },
    /// The functions of a file.
    Tests {
        /// The file.
        path: String,
    },
    /// What is reported in a file.
    Fixes {
        /// The file.
        path: String,
        /// The reports.
        diagnostics: Vec<DiagnosticNote>,
    },
    /// The comments that say what is left to do, in the whole workspace.
    Todos,
}

impl Source {
    /// What a goal in words means, if it is one that needs no model: `todos`, `document src/a.rs`,
    /// `write tests for src/a.rs`. `here` is the file that *this file* means.
    pub fn of_goal(goal: &str, here: Option<&str>, workspace: &WorkspaceSnapshot) -> Option<Self> {
        let words: Vec<String> = goal
            .split_whitespace()
            .map(|word| word.trim_matches(['`', '"', '\'', ',', '.']).to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let is_mark =
            |word: &String| matches!(word.as_str(), "todo" | "todos" | "fixme" | "fixmes");
        if words.len() <= 8 && lower.iter().any(is_mark) {
            return Some(Self::Todos);
        }
        let names_here = lower
            .iter()
            .any(|word| matches!(word.as_str(), "file" | "module" | "this"));
        let path = match words.iter().find(|word| workspace.exists(word)) {
            Some(word) => word.clone(),
            None if names_here && words.len() <= 6 => here?.to_owned(),
            None => return None,
        };
        match lower.first()?.as_str() {
            "document" | "doc" | "docs" => Some(Self::Document { path }),
            "test" | "tests" => Some(Self::Tests { path }),
            "write" | "add" if lower.get(1).is_some_and(|word| word.starts_with("test")) => {
                Some(Self::Tests { path })
            }
            "write" | "add" if lower.get(1).is_some_and(|word| word.starts_with("doc")) => {
                Some(Self::Document { path })
            }
            _ => None,
        }
    }
}

/// Makes a plan. Reads files; the same files give the same plan.
///
/// Every step of such a plan says what the built-in engine can do with it; `with_model` says that a model
/// will carry the steps out, so that what only a model can do becomes a step as well.
pub fn make(
    source: &Source,
    workspace: &WorkspaceSnapshot,
    with_model: bool,
) -> Result<Draft, PlanFailure> {
    let mut draft = match source {
        Source::Document { path } => document(path, workspace, with_model)?,
        Source::Tests { path } => tests(path, workspace, with_model)?,
        Source::Fixes { path, diagnostics } => fixes(path, diagnostics, workspace, with_model)?,
        Source::Todos => todos(workspace)?,
    };
    let left = draft.steps.len().saturating_sub(MOST_STEPS);
    if left > 0 {
        draft.steps.truncate(MOST_STEPS);
        draft.context.push(format!(
            "{left} more are left out: make a further plan when these are done."
        ));
    }
    draft.rules = Some(rules_of(workspace));
    Ok(draft)
}

/// A file to plan for.
struct File<'a> {
    path: &'a str,
    text: Arc<str>,
    language: Option<Language>,
    symbols: Vec<Symbol>,
}

impl<'a> File<'a> {
    fn read(path: &'a str, workspace: &WorkspaceSnapshot) -> Result<Self, PlanFailure> {
        let text = workspace
            .read_text(path)
            .map_err(|error| PlanFailure::Unreadable(error.to_string()))?;
        let language = Language::detect(None, path, text.lines().next().unwrap_or_default());
        let symbols = language.map_or_else(Vec::new, |it| outline(&parse(it, &text), &text));
        Ok(Self {
            path,
            text,
            language,
            symbols,
        })
    }

    /// What the built-in engine answers for a symbol; `None` when it cannot do it.
    fn answer(
        &self,
        action: Action,
        symbol: &Symbol,
        workspace: &WorkspaceSnapshot,
    ) -> Option<builtin::BuiltinAnswer> {
        builtin::answer(&BuiltinTask {
            action,
            path: self.path,
            language: self.language,
            text: &self.text,
            range: ByteRange::empty(symbol.name_range.start),
            instruction: None,
            diagnostics: &[],
            files: workspace,
        })
        .ok()
    }

    /// The symbols that people outside the file use, or all where a language says nothing about that.
    fn public(&self, wanted: impl Fn(&Symbol) -> bool) -> Vec<&Symbol> {
        let found: Vec<&Symbol> = self
            .symbols
            .iter()
            .filter(|symbol| wanted(symbol) && !self.is_in_tests(symbol))
            .collect();
        let public: Vec<&Symbol> = found
            .iter()
            .copied()
            .filter(|symbol| self.is_public(symbol))
            .collect();
        if public.is_empty() { found } else { public }
    }

    fn is_public(&self, symbol: &Symbol) -> bool {
        let first = symbol.name.chars().next();
        match self.language {
            Some(Language::Rust) => symbol.signature(&self.text).contains("pub"),
            Some(Language::Go) => first.is_some_and(char::is_uppercase),
            Some(Language::Python) => first != Some('_'),
            _ => true,
        }
    }

    fn is_in_tests(&self, symbol: &Symbol) -> bool {
        let mut at = Some(symbol);
        while let Some(symbol) = at {
            let module = symbol.kind == SymbolKind::Module && symbol.name.starts_with("test");
            if module || symbol.kind == SymbolKind::Test {
                return true;
            }
            at = symbol.parent.and_then(|parent| self.symbols.get(parent));
        }
        false
    }

    fn language_name(&self) -> &'static str {
        self.language
            .map_or("a file of no known language", Language::name)
    }
}

fn estimate(with_model: bool) -> Option<String> {
    (!with_model).then(|| format!("nothing ({})", builtin::LABEL))
}

fn document(
    path: &str,
    workspace: &WorkspaceSnapshot,
    with_model: bool,
) -> Result<Draft, PlanFailure> {
    let file = File::read(path, workspace)?;
    let candidates = file.public(|symbol| {
        symbol.doc.is_none()
            && (symbol.kind.is_callable() || symbol.kind.is_type())
            && symbol.kind != SymbolKind::Impl
    });
    let steps: Vec<DraftStep> = candidates
        .into_iter()
        .filter(|symbol| with_model || file.answer(Action::Document, symbol, workspace).is_some())
        .filter_map(|symbol| {
            let name = find::called(&file.symbols, symbol)?;
            Some(DraftStep {
                title: format!("Document the {} `{name}`", symbol.kind.name()),
                role: Role::Documenter,
                files: vec![path.to_owned()],
                at: Some(name.clone()),
                check: Claim::Documented { name }.to_string(),
                estimate: estimate(with_model),
                ..DraftStep::default()
            })
        })
        .collect();
    if steps.is_empty() {
        return Err(nothing(&file, "nothing that has no documentation"));
    }
    Ok(Draft {
        title: format!("Document {path}"),
        goal: format!("What `{path}` offers to others is documented."),
        context: vec![format!(
            "{} without documentation in `{path}`. Only comments may change.",
            count(steps.len(), "item")
        )],
        rules: None,
        steps,
    })
}

fn tests(
    path: &str,
    workspace: &WorkspaceSnapshot,
    with_model: bool,
) -> Result<Draft, PlanFailure> {
    let file = File::read(path, workspace)?;
    let candidates =
        file.public(|symbol| matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method));
    let mut steps = Vec::new();
    for symbol in candidates.into_iter().take(MOST_STEPS * 2) {
        let answer = file.answer(Action::Tests, symbol, workspace);
        let Some(name) = find::called(&file.symbols, symbol) else {
            continue;
        };
        if answer.is_none() && !with_model {
            continue;
        }
        // Where the project keeps its tests: another file, perhaps one that is not there yet.
        let proposal =
            answer.and_then(|answer| propose(&EditRequest::new(&answer.reply, workspace)).ok());
        let mut files = vec![path.to_owned()];
        for change in proposal.iter().flat_map(Proposal::files) {
            if !files.iter().any(|file| file == change.path()) {
                files.push(change.path().to_owned());
            }
        }
        steps.push(DraftStep {
            title: format!("Write tests for `{name}`"),
            role: Role::Tester,
            files,
            at: Some(name.clone()),
            check: format!("the tests of `{name}` say what it is for, and pass"),
            estimate: estimate(with_model),
            ..DraftStep::default()
        });
    }
    if steps.is_empty() {
        return Err(nothing(&file, "no function that tests can be written for"));
    }
    let mut context = vec![format!("{} to be tested.", count(steps.len(), "function"))];
    if !with_model {
        context.push(
            "The built-in engine writes skeletons: they fail until somebody says what should come out."
                .to_owned(),
        );
    }
    Ok(Draft {
        title: format!("Test {path}"),
        goal: format!("What `{path}` does is held by tests."),
        context,
        rules: None,
        steps,
    })
}

fn fixes(
    path: &str,
    diagnostics: &[DiagnosticNote],
    workspace: &WorkspaceSnapshot,
    with_model: bool,
) -> Result<Draft, PlanFailure> {
    let file = File::read(path, workspace)?;
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    for note in diagnostics {
        let message = note.message.lines().next().unwrap_or_default().trim();
        let is_ours = note.source.as_deref() == Some("pleach");
        let can = with_model || builtin::can_fix(file.language, message);
        if is_ours || !can || !seen.insert((note.range.start, message)) {
            continue;
        }
        let (number, _) = line_column(&file.text, note.range.start);
        let line = file.text.lines().nth(number.index()).unwrap_or_default();
        let line = line.trim();
        let is_only = !line.is_empty() && file.text.matches(line).count() == 1;
        let at = if is_only {
            line.to_owned()
        } else {
            format!("line {}", number.number())
        };
        let check = if is_only {
            let text = line.to_owned();
            Claim::Gone { text }.to_string()
        } else {
            format!("this is reported no more: {message}")
        };
        steps.push(DraftStep {
            title: format!("Fix: {}", shortened(message)),
            role: Role::Coder,
            files: vec![path.to_owned()],
            at: Some(at),
            reported: Some(message.to_owned()),
            check,
            estimate: estimate(with_model),
            ..DraftStep::default()
        });
    }
    if steps.is_empty() {
        return Err(nothing(&file, "nothing reported that can be fixed"));
    }
    Ok(Draft {
        title: format!("Fix what is reported in {path}"),
        goal: format!("Nothing is reported in `{path}` any more."),
        context: vec![format!("{} reported.", count(steps.len(), "problem"))],
        rules: None,
        steps,
    })
}

fn todos(workspace: &WorkspaceSnapshot) -> Result<Draft, PlanFailure> {
    let mut steps = Vec::new();
    let mut files = 0;
    for path in workspace.names().iter().take(MOST_FILES) {
        if steps.len() > MOST_STEPS * 4 {
            break;
        }
        if Language::from_path(path).is_none_or(|language| language == Language::Markdown) {
            continue;
        }
        let Ok(file) = File::read(path, workspace) else {
            continue;
        };
        let Some(language) = file.language.filter(|_| file.text.len() <= MOST_BYTES) else {
            continue;
        };
        // Most files have none: those are not parsed for their comments.
        if !MARKS.iter().any(|mark| file.text.contains(mark)) {
            continue;
        }
        let found = left_to_do(&file, language);
        files += usize::from(!found.is_empty());
        steps.extend(found);
    }
    if steps.is_empty() {
        return Err(PlanFailure::NothingToDo(
            "no comment in the workspace says TODO or FIXME".into(),
        ));
    }
    Ok(Draft {
        title: "What is left to do".into(),
        goal: "Nothing in the code says TODO or FIXME any more.".into(),
        context: vec![format!(
            "{} in {}.",
            count(steps.len(), "comment"),
            count(files, "file")
        )],
        rules: None,
        steps,
    })
}

/// A step for each comment of a file that says what is left to do.
fn left_to_do(file: &File<'_>, language: Language) -> Vec<DraftStep> {
    let syntax = parse(language, &file.text);
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    for comment in comments(&syntax, &file.text) {
        let text = file.text.get(comment.as_usize()).unwrap_or_default();
        for line in text.lines() {
            let Some((at, what)) = marked(line) else {
                continue;
            };
            if !seen.insert(at) {
                continue;
            }
            let lower = what.to_lowercase();
            let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
            let role = if starts(&["document", "doc ", "docs", "add doc", "write doc"]) {
                Role::Documenter
            } else if starts(&["test", "add test", "add a test", "write test", "cover"]) {
                Role::Tester
            } else {
                Role::Coder
            };
            let title = if what.is_empty() {
                format!("See to what is marked in `{}`", file.path)
            } else {
                shortened(what)
            };
            steps.push(DraftStep {
                title,
                files: vec![file.path.to_owned()],
                at: Some(at.to_owned()),
                check: if role == Role::Coder {
                    let text = at.to_owned();
                    Claim::Gone { text }.to_string()
                } else {
                    "it is done as the comment asks, and the comment is gone".to_owned()
                },
                role,
                ..DraftStep::default()
            });
        }
    }
    steps
}

/// The mark in a line of a comment, to the line's end, and what it says is to be done.
fn marked(line: &str) -> Option<(&str, &str)> {
    let start = MARKS
        .iter()
        .flat_map(|mark| line.match_indices(mark))
        .filter(|(at, mark)| {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let before = line.get(..*at).and_then(|it| it.chars().next_back());
            let after = line.get(at + mark.len()..).and_then(|it| it.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
        .map(|(at, _)| at)
        .min()?;
    let whole = line.get(start..)?;
    let whole = whole
        .trim_end()
        .trim_end_matches("*/")
        .trim_end_matches("-->")
        .trim_end();
    let mark = whole.chars().take_while(char::is_ascii_uppercase).count();
    let mut rest = whole.get(mark..)?;
    if let Some((_, behind)) = rest.strip_prefix('(').and_then(|it| it.split_once(')')) {
        rest = behind;
    }
    Some((whole, rest.trim_start_matches([':', '-', ' ', '!']).trim()))
}

fn nothing(file: &File<'_>, what: &str) -> PlanFailure {
    let by = match file.language.filter(|it| builtin::supports(*it)) {
        Some(_) => String::new(),
        None => format!(
            " (it is {}, which the built-in engine does not know)",
            file.language_name()
        ),
    };
    PlanFailure::NothingToDo(format!("`{}` has {what}{by}", file.path))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TITLE {
        return text.to_owned();
    }
    let kept: String = text.chars().take(TITLE).collect();
    format!("{}…", kept.trim_end())
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("One {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn a_mark_is_read_to_the_end_of_its_line() {
        let read = |line| marked(line);
        assert_eq!(
            read("// TODO(ann): say more"),
            Some(("TODO(ann): say more", "say more"))
        );
        assert_eq!(read("/* FIXME - soon */"), Some(("FIXME - soon", "soon")));
        assert_eq!(read("# TODO"), Some(("TODO", "")));
        assert_eq!(read("// TODOS are not MASTODONS"), None);
    }
}
