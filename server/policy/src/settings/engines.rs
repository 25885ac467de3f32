//! Who answers: the engine, what answers for single roles, and who stands in.

use std::collections::BTreeMap;

use pleach_text::ByteRange;
use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Reader};
use super::problem::{SettingsProblem, nearest, shown};
use super::tree::{Entry, Node};
use super::{BUILTIN_ENGINE, Settings};

/// Who carries out an action, as far as a model can be chosen for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes plans.
    Planner,
    /// Writes code: rewrite, fix, implement, comments.
    Coder,
    /// Writes tests.
    Tester,
    /// Writes documentation.
    Documenter,
    /// Reviews and explains.
    Reviewer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Planner,
        Self::Coder,
        Self::Tester,
        Self::Documenter,
        Self::Reviewer,
    ];

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// As it is written in the file, and in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Coder => "coder",
            Self::Tester => "tester",
            Self::Documenter => "documenter",
            Self::Reviewer => "reviewer",
        }
    }
}

/// How much a model reasons before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Effort {
    /// Briefly.
    Low,
    /// As most tasks need it.
    Medium,
    /// Thoroughly.
    High,
}

impl Effort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How [`Settings::models`] is written in the file. It exists for the schema only.
#[derive(Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(inline, deny_unknown_fields)]
pub(super) struct Models {
    #[schemars(with = "OneOrMore")]
    planner: Option<OneOrMore>,
    #[schemars(with = "OneOrMore")]
    coder: Option<OneOrMore>,
    #[schemars(with = "OneOrMore")]
    tester: Option<OneOrMore>,
    #[schemars(with = "OneOrMore")]
    documenter: Option<OneOrMore>,
    #[schemars(with = "OneOrMore")]
    reviewer: Option<OneOrMore>,
}

/// A provider's name, or several, the first choice first.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is used")]
enum OneOrMore {
    /// One.
    One(String),
    /// Several, the first choice first.
    More(Vec<String>),
}

impl Settings {
    /// The names of what answers for a role, the first choice first. What is named may be missing from
    /// [`Settings::providers`]: then nothing answers, rather than something that was not asked for.
    pub fn engines(&self, role: Role) -> Vec<&str> {
        let own = self.models.get(&role).filter(|names| !names.is_empty());
        let mut names: Vec<&str> = match own {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => vec![self.engine.as_str()],
        };
        // The built-in engine can always be had.
        if names.first() == Some(&BUILTIN_ENGINE) {
            names.truncate(1);
            return names;
        }
        for name in &self.fallbacks {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The name of the provider that answers for a role; none when it is the built-in syntax engine.
    pub fn model_for(&self, role: Role) -> Option<&str> {
        let first = self.engines(role).into_iter().next();
        first.filter(|name| *name != BUILTIN_ENGINE)
    }

    /// Whether a model answers for some role, or stands in.
    pub fn uses_models(&self) -> bool {
        let used = self.engines_in_use();
        used.into_keys().any(|name| name != BUILTIN_ENGINE)
    }

    /// Every provider that answers for some role, or stands in, with the roles it is the first choice of.
    pub fn engines_in_use(&self) -> BTreeMap<&str, Vec<Role>> {
        let mut used: BTreeMap<&str, Vec<Role>> = BTreeMap::new();
        for role in Role::ALL {
            for (place, name) in self.engines(role).into_iter().enumerate() {
                let roles = used.entry(name).or_default();
                if place == 0 {
                    roles.push(role);
                }
            }
        }
        used
    }
}

impl Reader {
    pub(super) fn engine(&mut self, entry: &Entry) {
        let Some(name) = self.text(entry, "engine") else {
            return;
        };
        if self.layer == Layer::Workspace {
            if name != BUILTIN_ENGINE {
                return self.widens(
                    entry,
                    "a workspace may only switch to `builtin`; which model answers is set in your own \
                     settings",
                );
            }
            // For everything.
            self.settings.models.clear();
            self.settings.fallbacks.clear();
            self.settings.embeddings.provider = None;
        }
        self.check_engine(&name, entry.range);
        self.settings.engine = name;
        self.settings.engine_is_chosen = true;
    }

    /// What answers for one role.
    pub(super) fn role(&mut self, entry: &Entry) {
        let Some(role) = Role::named(&entry.name) else {
            return self.unknown(entry, "models", "models");
        };
        let path = format!("models.{}", entry.name);
        if let Some(names) = self.engine_names(entry, &path) {
            self.settings.models.insert(role, names);
        }
    }

    pub(super) fn fallbacks(&mut self, entry: &Entry) {
        let Some(names) = self.engine_names(entry, "fallbacks") else {
            return;
        };
        if names.iter().any(|name| name == BUILTIN_ENGINE) {
            let message = "the built-in syntax engine cannot stand in for a model: it can do much less; \
                           the others in the list count";
            let problem =
                SettingsProblem::warning(entry.range, "builtin_fallback", message.to_owned());
            self.problems.push(problem);
        }
        self.settings.fallbacks = names
            .into_iter()
            .filter(|name| name != BUILTIN_ENGINE)
            .collect();
    }

    /// A provider's name, or a list of them.
    fn engine_names(&mut self, entry: &Entry, path: &str) -> Option<Vec<String>> {
        if self.layer == Layer::Workspace {
            self.widens(
                entry,
                "which model answers is set in your own settings; a workspace may only set \
                 `engine = \"builtin\"`",
            );
            return None;
        }
        let names = match &entry.value {
            Node::Text(name) => vec![(name.clone(), entry.range)],
            _ => self.texts(entry, path)?,
        };
        for (name, range) in &names {
            self.check_engine(name, *range);
        }
        Some(names.into_iter().map(|(name, _)| name).collect())
    }

    /// Tells when nothing of this name can answer.
    fn check_engine(&mut self, name: &str, range: ByteRange) {
        if name == BUILTIN_ENGINE || self.settings.providers.contains_key(name) {
            return;
        }
        let names = self.settings.providers.keys().map(String::as_str);
        let advice = match nearest(name, names.chain([BUILTIN_ENGINE])) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "set it up under `[providers.NAME]`, or choose `builtin`".to_owned(),
        };
        let message = format!(
            "{} is no provider here, so nothing can answer until it is one; {advice}",
            shown(name)
        );
        let problem = SettingsProblem::warning(range, "unknown_engine", message);
        self.problems.push(problem);
    }
}
