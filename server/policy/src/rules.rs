//! The rules that people keep in their repositories for agents: which files they are, what their front
//! matter says, and which of them hold for a file.
//!
//! | file | holds for |
//! |---|---|
//! | `AGENTS.md`, `CLAUDE.md` | everything below its folder |
//! | `CONVENTIONS.md`, `.github/copilot-instructions.md` | the whole workspace |
//! | `.cursor/rules/**.mdc` | what its `globs` match, or everything with `alwaysApply: true` |
//! | `.github/instructions/*.instructions.md` | what its `applyTo` matches |
//! | `.pleach/rules/*.md` | what its `paths` match; everything without them |
//!
//! The names and keys are those that the tools document which read them: agents.md, Claude Code, Cursor,
//! GitHub Copilot, aider.

use globset::{GlobBuilder, GlobMatcher};
use pleach_text::ByteRange;

use crate::front_matter::{FrontMatter, FrontMatterEntry, parts};

mod select;

pub use select::{AppliedRule, LeftOut, Reason, SelectedRules, select_rules};

/// Which tool's form a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// Text for everything below its folder.
    Plain,
    Cursor,
    Copilot,
    Ours,
}

/// One file of rules.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its name, relative to the workspace, with `/`.
    pub path: String,
    /// Below which folder it holds; empty for the whole workspace.
    folder: String,
    scope: Scope,
    /// What it tells an agent, without the front matter.
    body: String,
    /// What is wrong with it, for its own document.
    pub problems: Vec<RuleProblem>,
}

#[derive(Debug, Clone)]
enum Scope {
    Always,
    Globs(Vec<(String, GlobMatcher)>),
    /// Only when somebody names it.
    ByHand,
    /// What it is for cannot be read, so it holds for nothing.
    Broken,
}

/// What is wrong at a place of a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// Bytes of the file.
    pub at: ByteRange,
    /// What is wrong, what comes of it, and what to write instead.
    pub message: String,
    /// Whether the rule is left out because of it.
    pub fatal: bool,
}

/// The folders, relative to that of a file or one above it, in which every file may be one of rules.
pub const RULE_FOLDERS: [&str; 1] = [".cursor/rules"];

/// Such folders that count at the root of the workspace only.
pub const ROOT_RULE_FOLDERS: [&str; 2] = [".github/instructions", ".pleach/rules"];

/// Files of rules that count in every folder.
pub const RULE_FILES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// Files of rules that count at the root of the workspace only.
pub const ROOT_RULE_FILES: [&str; 2] = ["CONVENTIONS.md", ".github/copilot-instructions.md"];

/// The form of the file called `path`, and the folder below which it holds. None for other files.
fn form(path: &str) -> Option<(Form, &str)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if RULE_FILES.contains(&name) {
        return Some((Form::Plain, folder));
    }
    if ROOT_RULE_FILES.contains(&path) {
        return Some((Form::Plain, ""));
    }
    let below = |rules: &str| {
        let mut from = 0;
        loop {
            let at = from + path.get(from..)?.find(rules)?;
            let starts = at == 0 || path.get(..at)?.ends_with('/');
            if starts && path.get(at + rules.len()..)?.starts_with('/') {
                return Some(path.get(..at)?.trim_end_matches('/'));
            }
            from = at + 1;
        }
    };
    let has = |ending: &str| name.len() > ending.len() && name.ends_with(ending);
    if has(".mdc")
        && let Some(folder) = RULE_FOLDERS.iter().find_map(|rules| below(rules))
    {
        return Some((Form::Cursor, folder));
    }
    let [instructions, ours] = ROOT_RULE_FOLDERS;
    if has(".instructions.md") && folder == instructions {
        return Some((Form::Copilot, ""));
    }
    (has(".md") && folder == ours).then_some((Form::Ours, ""))
}

/// Whether a file is one of rules, by its name alone.
pub fn is_rule_file(path: &str) -> bool {
    form(path).is_some()
}

impl RuleFile {
    /// Reads a file of rules; none when `path` is not the name of one.
    ///
    /// ```
    /// use pleach_policy::{RuleFile, select_rules};
    ///
    /// let rule = RuleFile::read(".cursor/rules/web.mdc", "---\nglobs: *.ts\n---\nUse tabs.\n").unwrap();
    /// assert_eq!(select_rules(std::slice::from_ref(&rule), "web/app.ts").applied.len(), 1);
    /// assert_eq!(select_rules(&[rule], "src/lib.rs").applied.len(), 0);
    /// ```
    pub fn read(path: &str, text: &str) -> Option<Self> {
        let (form, folder) = form(path)?;
        let mut rule = RuleFile {
            path: path.to_owned(),
            folder: folder.to_owned(),
            scope: Scope::Always,
            body: text.to_owned(),
            problems: Vec::new(),
        };
        if form != Form::Plain {
            let matter = FrontMatter::of(text);
            text.get(matter.body..)
                .unwrap_or_default()
                .clone_into(&mut rule.body);
            rule.problems = matter
                .problems
                .iter()
                .map(|problem| RuleProblem {
                    at: problem.at,
                    message: problem.message.clone(),
                    fatal: false,
                })
                .collect();
            rule.scope = rule.scope_of(form, &matter);
            rule.check_keys(form, &matter);
            rule.problems.sort_by_key(|problem| problem.at.start);
        }
        Some(rule)
    }

    fn scope_of(&mut self, form: Form, matter: &FrontMatter<'_>) -> Scope {
        // A head that cannot be read may have narrowed the rule: it would hold for too much.
        if !matter.problems.is_empty() {
            for problem in &mut self.problems {
                problem.fatal = true;
                problem
                    .message
                    .push_str(". Until then the rule is left out");
            }
            return Scope::Broken;
        }
        let key = match form {
            Form::Cursor => "globs",
            Form::Copilot => "applyTo",
            Form::Plain | Form::Ours => "paths",
        };
        let always = matter.get("alwaysApply").filter(|_| form == Form::Cursor);
        let globs = matter.get(key);
        match always.map(|entry| (entry, truth(entry))) {
            Some((_, Some(true))) => {
                if let Some(globs) = globs.filter(|globs| !globs.values.is_empty()) {
                    self.problem(
                        globs.at,
                        "`globs` says nothing beside `alwaysApply: true`: take one of them away",
                    );
                }
                return Scope::Always;
            }
            Some((entry, None)) => self.problem(entry.at, "`alwaysApply` is `true` or `false`"),
            _ => {}
        }
        let Some(globs) = globs.filter(|globs| !globs.values.is_empty()) else {
            return match form {
                Form::Cursor | Form::Copilot => Scope::ByHand,
                Form::Plain | Form::Ours => Scope::Always,
            };
        };
        self.globs(globs)
    }

    fn globs(&mut self, entry: &FrontMatterEntry<'_>) -> Scope {
        let mut globs = Vec::new();
        let mut broken = None;
        for (value, range) in &entry.values {
            // `a,b` on one line is Cursor's list.
            for (from, part) in parts(value) {
                let glob = part.trim().trim_start_matches("./");
                if glob.is_empty() {
                    continue;
                }
                match matcher(glob) {
                    Ok(matcher) => globs.push((glob.to_owned(), matcher)),
                    Err(why) => {
                        let start = range.start + from;
                        broken = Some((ByteRange::new(start, start + part.len()), why));
                    }
                }
            }
        }
        if let Some((at, why)) = broken {
            self.problems.push(RuleProblem {
                at,
                message: format!(
                    "this pattern cannot be read: {why}. Until then the rule is left out"
                ),
                fatal: true,
            });
            return Scope::Broken;
        }
        Scope::Globs(globs)
    }

    /// Keys that nobody reads are most often misspelt.
    fn check_keys(&mut self, form: Form, matter: &FrontMatter<'_>) {
        let known: &[&str] = match form {
            Form::Cursor => &["description", "globs", "alwaysApply"],
            Form::Copilot => &["description", "applyTo", "excludeAgent", "name"],
            Form::Plain | Form::Ours => &["description", "paths"],
        };
        let mut seen: Vec<&str> = Vec::new();
        for entry in &matter.entries {
            if !known.iter().any(|it| it.eq_ignore_ascii_case(entry.key)) {
                let known = known.join("`, `");
                let message = format!("`{}` is not one of `{known}`, and says nothing", entry.key);
                self.problem(entry.at, &message);
            } else if seen.contains(&entry.key) {
                let message = format!("`{}` stands here twice: the last one counts", entry.key);
                self.problem(entry.at, &message);
            }
            seen.push(entry.key);
        }
    }

    fn problem(&mut self, at: ByteRange, message: &str) {
        self.problems.push(RuleProblem {
            at,
            message: message.to_owned(),
            fatal: false,
        });
    }

    /// Why the rule holds for the file called `path`, or why it does not.
    fn reason(&self, path: &str) -> Result<Reason, LeftOut> {
        let below = match self.folder.as_str() {
            "" => path,
            folder => path
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .ok_or(LeftOut::ElsewhereInTree)?,
        };
        match &self.scope {
            Scope::Always if self.folder.is_empty() => Ok(Reason::Everywhere),
            Scope::Always => Ok(Reason::BelowItsFolder),
            Scope::Globs(globs) => globs
                .iter()
                .find(|(_, matcher)| matcher.is_match(below))
                .map(|(glob, _)| Reason::Matches(glob.clone()))
                .ok_or(LeftOut::NoMatch),
            Scope::ByHand => Err(LeftOut::ByHand),
            Scope::Broken => Err(LeftOut::Broken),
        }
    }
}

/// `*` stays in its folder and `**` does not; a pattern without a folder is for every folder.
fn matcher(glob: &str) -> Result<GlobMatcher, String> {
    let anywhere = match glob {
        glob if glob.ends_with('/') => format!("{glob}**"),
        glob if glob.contains('/') => glob.trim_start_matches('/').to_owned(),
        glob => format!("**/{glob}"),
    };
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

fn truth(entry: &FrontMatterEntry<'_>) -> Option<bool> {
    match entry.values.first().map(|(value, _)| *value) {
        Some("true") => Some(true),
        Some("false") | None => Some(false),
        Some(_) => None,
    }
}
