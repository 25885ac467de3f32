//! Templates: new files, or a whole project, from a folder of files with holes in them.
//!
//! A template is a folder with a `template.toml`, which says what it is and asks for variables, and a folder
//! `files`, whose tree is what is made. A few come with Pleach; a person keeps more in the folder `templates`
//! of the own configuration folder, a workspace in `.pleach/templates`. What is made is a proposal of new
//! files: it passes the gate, is reviewed like every edit, and never touches a file that is there.
//!
//! A workspace's template is a stranger's: it sees the variables that it asks for and nothing else, its
//! language has no loops and joins no texts ([`holes`]), its files are read under the rules for reading, and
//! what it makes lies where edits may be made.

mod built_in;
mod head;
mod holes;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use pleach_edit::{FileChange, Proposal, Refusal, StoredProposal};
use pleach_workspace::{PathError, WorkspaceSnapshot};

use self::head::Head;
pub use self::head::TemplateVariable;
pub(crate) use self::head::check;
use self::holes::Holes;
use self::source::Source;
use crate::roles::RosterFile;

/// What a template is described in.
pub(crate) const HEAD: &str = "template.toml";
/// The folder of templates, in the person's configuration folder and in a workspace's `.pleach`.
pub(crate) const FOLDER: &str = "templates";
/// Files that one template makes.
const MOST_FILES: usize = 200;
/// Bytes that one template makes.
const MOST_BYTES: usize = 2 << 20;
/// Characters of a variable's value.
const LONGEST_VALUE: usize = 200;

/// Whose template it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateOwner {
    /// It comes with Pleach.
    Pleach,
    /// The person keeps it.
    Person,
    /// It lies in the workspace.
    Workspace,
}

impl TemplateOwner {
    /// In a word or two.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pleach => "Pleach",
            Self::Person => "yours",
            Self::Workspace => "this workspace",
        }
    }
}

/// What a template is, before anything is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What it is called: the name of its folder.
    pub name: String,
    /// What it makes, in a line.
    pub description: String,
    /// What it asks for, in order.
    pub variables: Vec<TemplateVariable>,
    /// Whose it is.
    pub owner: TemplateOwner,
    source: Source,
}

/// Why nothing was made of a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateFailure {
    /// There is none of this name.
    #[error("there is no template `{name}`; there are: {}", there.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        there: Vec<String>,
    },
    /// It asks for what was not given.
    #[error("the template `{name}` needs {}{}", needs.join(", "), with_defaults(defaults))]
    Missing {
        /// The template.
        name: String,
        /// What is needed, each with what it is for.
        needs: Vec<String>,
        /// What has a default, each with it.
        defaults: Vec<String>,
    },
    /// It does not ask for what was given.
    #[error("the template `{name}` has no variable `{variable}`; it has: {}", there.join(", "))]
    UnknownVariable {
        /// The template.
        name: String,
        /// What was given.
        variable: String,
        /// What it has.
        there: Vec<String>,
    },
    /// What was given does not fit.
    #[error("`{variable}` cannot be `{value}`: {why}")]
    Value {
        /// The variable.
        variable: String,
        /// What was given, shortened.
        value: String,
        /// What it has to be.
        why: String,
    },
    /// The template itself is wrong.
    #[error("the template `{name}` is broken: {why}")]
    Broken {
        /// The template.
        name: String,
        /// What is wrong, and where.
        why: String,
    },
    /// Files of these names are there.
    #[error("{} there already, and a template changes no file", are(paths))]
    Exists {
        /// The files.
        paths: Vec<String>,
    },
    /// The folder is written as only a shell understands it.
    #[error("`{folder}` would be a folder called `~`: only a shell knows what it stands for")]
    Home {
        /// What was given.
        folder: String,
    },
    /// A file would lie where no edit may be made.
    #[error("{0}")]
    Denied(#[from] PathError),
    /// What it makes did not pass the gate.
    #[error("what the template `{name}` makes is refused: {refusal}")]
    Refused {
        /// The template.
        name: String,
        /// The gate's word.
        refusal: Box<Refusal>,
    },
}

fn with_defaults(defaults: &[String]) -> String {
    match defaults {
        [] => String::new(),
        some => format!("; with a default: {}", some.join(", ")),
    }
}

fn are(paths: &[String]) -> String {
    /// The others are counted.
    const SHOWN: usize = 3;
    let shown: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|it| format!("`{it}`"))
        .collect();
    match (shown.as_slice(), paths.len().saturating_sub(SHOWN)) {
        ([only], _) => format!("{only} is"),
        (_, 0) => format!("{} are", shown.join(", ")),
        (_, more) => format!("{} and {more} more are", shown.join(", ")),
    }
}

impl TemplateFailure {
    /// A short, stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "no-template",
            Self::Missing { .. } => "template-needs",
            Self::UnknownVariable { .. } | Self::Value { .. } => "template-value",
            Self::Broken { .. } => "broken-template",
            Self::Exists { .. } => "file-exists",
            Self::Home { .. } | Self::Denied(_) => "denied-path",
            Self::Refused { refusal, .. } => refusal.code.code(),
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Unknown { .. } => "name one of these; `pleach new` lists them".to_owned(),
            Self::Missing { name, needs, .. } => {
                let first = needs.first().map_or("", String::as_str);
                let variable = first.split_whitespace().next().unwrap_or_default();
                let variable = variable.trim_matches('`');
                format!(
                    "give {{\"template\": \"{name}\", \"variables\": {{\"{variable}\": \"…\"}}}}, or {variable}=… in a terminal"
                )
            }
            Self::UnknownVariable { .. } | Self::Value { .. } => {
                "give another value, or leave it out".to_owned()
            }
            Self::Broken { .. } | Self::Refused { .. } => {
                "mend the template's files, or take another one".to_owned()
            }
            Self::Exists { .. } => {
                "make it in another folder (`dir`, or --dir in a terminal), or move what is there away"
                    .to_owned()
            }
            Self::Home { .. } => "give the whole path, or one below the workspace".to_owned(),
            Self::Denied(_) => "make it in another folder".to_owned(),
        }
    }
}

/// What is made of a template.
#[derive(Debug)]
pub struct Scaffold {
    /// New files, which passed the gate.
    pub proposal: Box<Proposal>,
    /// What is made, in a sentence.
    pub summary: String,
}

/// The templates that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    all: Vec<Template>,
    /// The descriptions in files, with what is wrong in them.
    pub files: Vec<RosterFile>,
}

impl Templates {
    /// Those that come with Pleach, those in the person's configuration folder `own`, and the workspace's. A
    /// person's takes the place of Pleach's of the same name; a workspace's takes nobody's. Asks the disk.
    pub fn read(own: Option<&Utf8Path>, workspace: &WorkspaceSnapshot) -> Self {
        let mut templates = Self::default();
        for (head, source) in built_in::all() {
            templates.take(head, source, TemplateOwner::Pleach);
        }
        if let Some(own) = own {
            for source in source::in_folder(&own.join(FOLDER)) {
                templates.take_file(source, TemplateOwner::Person);
            }
        }
        for source in source::in_workspace(workspace) {
            templates.take_file(source, TemplateOwner::Workspace);
        }
        templates.all.sort_by(|a, b| a.name.cmp(&b.name));
        templates
    }

    /// Every template, by name.
    pub fn all(&self) -> &[Template] {
        &self.all
    }

    /// The template of this name.
    pub fn get(&self, name: &str) -> Option<&Template> {
        self.all.iter().find(|it| it.name == name)
    }

    /// Makes the files of a template in a folder of the workspace (empty: its first one), with values for its
    /// variables. Nothing is written.
    ///
    /// # Errors
    ///
    /// When something is missing or wrong, a file is there already, or one may not be made.
    pub fn scaffold(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        folder: &str,
        workspace: &WorkspaceSnapshot,
    ) -> Result<Scaffold, TemplateFailure> {
        let template = self.get(name).ok_or_else(|| TemplateFailure::Unknown {
            name: shortened(name),
            there: self.all.iter().map(|it| it.name.clone()).collect(),
        })?;
        let broken = |why: String| TemplateFailure::Broken {
            name: name.to_owned(),
            why,
        };
        let holes = Holes::new().map_err(|error| broken(error.to_string()))?;
        let values = template.values(given, &holes)?;
        let files = template.source.files().map_err(broken)?;
        let mut made: BTreeMap<String, String> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut bytes = 0;
        for (path, text) in files {
            let (path, text) = match path.strip_suffix(".j2") {
                Some(path) => {
                    let filled = holes.fill(&text, &values);
                    (
                        path,
                        filled.map_err(|why| broken(format!("files/{path}.j2: {why}")))?,
                    )
                }
                None => (path.as_str(), text),
            };
            let name = holes.fill(path, &values);
            let name = name.map_err(|why| broken(format!("files/{path}: {why}")))?;
            // A part that came to nothing was not wanted.
            if name.split('/').any(str::is_empty) {
                continue;
            }
            bytes += text.len();
            if bytes > MOST_BYTES || made.len() >= MOST_FILES {
                return Err(broken(format!(
                    "it makes more than {MOST_FILES} files or {} MiB",
                    MOST_BYTES >> 20
                )));
            }
            let is_twice = !seen.insert(name.to_lowercase());
            if is_twice || made.insert(name.clone(), text).is_some() {
                return Err(broken(format!("it makes `{name}` twice")));
            }
        }
        if made.is_empty() {
            return Err(broken("it makes no file".to_owned()));
        }
        propose(template, made, folder, workspace)
    }

    fn take_file(&mut self, source: Source, owner: TemplateOwner) {
        let Some((path, text)) = source.head() else {
            return;
        };
        let (head, mut problems) = head::read(&text);
        if let Some(head) = head {
            let taken = self.get(source.name()).map(|it| it.owner);
            if owner == TemplateOwner::Workspace && taken.is_some() {
                problems.push(head::fatal(
                    &text,
                    "another template is called so; give its folder another name",
                ));
            } else {
                self.all.retain(|it| it.name != source.name());
                self.take(head, source, owner);
            }
        }
        self.files.push(RosterFile {
            path,
            text,
            problems,
        });
    }

    fn take(&mut self, head: Head, source: Source, owner: TemplateOwner) {
        self.all.push(Template {
            name: source.name().to_owned(),
            description: head.description,
            variables: head.variables,
            owner,
            source,
        });
    }
}

impl Template {
    /// A value for each variable: what was given, or the default.
    fn values(
        &self,
        given: &BTreeMap<String, String>,
        holes: &Holes,
    ) -> Result<BTreeMap<String, String>, TemplateFailure> {
        if let Some(unknown) = given.keys().find(|name| self.variable(name).is_none()) {
            return Err(TemplateFailure::UnknownVariable {
                name: self.name.clone(),
                variable: shortened(unknown),
                there: self.variables.iter().map(|it| it.name.clone()).collect(),
            });
        }
        let wanting =
            |it: &&TemplateVariable| it.default.is_none() && !given.contains_key(&it.name);
        let needs: Vec<String> = self
            .variables
            .iter()
            .filter(wanting)
            .map(TemplateVariable::asked)
            .collect();
        if !needs.is_empty() {
            let defaults = self.variables.iter().filter_map(|it| {
                let default = it.default.as_ref()?;
                let is_given = given.contains_key(&it.name);
                (!is_given).then(|| format!("`{}` ({default})", it.name))
            });
            return Err(TemplateFailure::Missing {
                name: self.name.clone(),
                needs,
                defaults: defaults.collect(),
            });
        }
        let mut values = BTreeMap::new();
        for variable in &self.variables {
            let value = match given.get(&variable.name) {
                Some(value) => value.trim().to_owned(),
                None => holes
                    .fill(variable.default.as_deref().unwrap_or_default(), &values)
                    .map_err(|why| TemplateFailure::Broken {
                        name: self.name.clone(),
                        why: format!("the default of `{}`: {why}", variable.name),
                    })?,
            };
            variable
                .check(&value)
                .map_err(|why| TemplateFailure::Value {
                    variable: variable.name.clone(),
                    value: shortened(&value),
                    why,
                })?;
            values.insert(variable.name.clone(), value);
        }
        Ok(values)
    }

    fn variable(&self, name: &str) -> Option<&TemplateVariable> {
        self.variables.iter().find(|it| it.name == name)
    }
}

/// The files as a proposal, if each may be made and none is there.
fn propose(
    template: &Template,
    made: BTreeMap<String, String>,
    folder: &str,
    workspace: &WorkspaceSnapshot,
) -> Result<Scaffold, TemplateFailure> {
    if folder.starts_with('~') {
        return Err(TemplateFailure::Home {
            folder: shortened(folder),
        });
    }
    let is_here = matches!(folder, "" | "." | "./");
    // Of several folders the first one is meant.
    let first = workspace.roots().first().and_then(|root| root.file_name());
    let prefix = match first.filter(|_| workspace.roots().len() > 1) {
        Some(root) if is_here => root,
        _ if is_here => "",
        _ => folder,
    };
    let mut changes = Vec::new();
    let mut there = Vec::new();
    for (name, text) in made {
        let path = match prefix {
            "" => name,
            prefix => format!("{}/{name}", prefix.trim_end_matches('/')),
        };
        let located = workspace.resolve(&path)?;
        if workspace.exists(&located.name) {
            there.push(located.name);
            continue;
        }
        changes.push(FileChange::Create {
            path: located.name,
            text,
        });
    }
    if !there.is_empty() {
        return Err(TemplateFailure::Exists { paths: there });
    }
    let count = changes.len();
    let proposal = StoredProposal::new(&changes, false).restore();
    let proposal = proposal.map_err(|refusal| TemplateFailure::Refused {
        name: template.name.clone(),
        refusal: Box::new(refusal),
    })?;
    let files = if count == 1 { "file" } else { "files" };
    Ok(Scaffold {
        proposal: Box::new(proposal),
        summary: format!(
            "Makes {count} {files} from the template `{}`.",
            template.name
        ),
    })
}

/// What a person gave, short enough to be told.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
