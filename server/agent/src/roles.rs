//! Roles: files that say who an agent is, what it is told, and which tools it may call.
//!
//! A role is Markdown with front matter. What it may call is read from there and enforced by the
//! server; what a model is told of it is only for its orientation.

use minijinja::{Environment, UndefinedBehavior, context};
use pleach_policy::FrontMatter;

use crate::tools::ToolName;

/// The planner, as it comes with Pleach.
pub(crate) const PLANNER: &str = include_str!("roles/planner.md");

/// A role, as its file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleFile {
    /// What it is called.
    pub(crate) name: String,
    /// The tools that it may call.
    tools: Vec<ToolName>,
    /// What a model is told, as a template.
    body: String,
}

/// Why a role's file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoleError {
    /// It does not begin with front matter.
    #[error("the file must begin with `---`, its fields, and `---`")]
    NoFrontMatter,
    /// It names a tool that there is not.
    #[error("there is no tool `{0}`")]
    UnknownTool(String),
    /// A field is missing.
    #[error("the front matter has no `{0}`")]
    Missing(&'static str),
    /// The template cannot be read.
    #[error("the text is no template: {0}")]
    Template(String),
}

impl RoleFile {
    /// Reads a role's file.
    pub(crate) fn read(text: &str) -> Result<Self, RoleError> {
        let matter = FrontMatter::of(text);
        let body = text.get(matter.body..).filter(|_| matter.body > 0);
        let body = body.ok_or(RoleError::NoFrontMatter)?;
        let field = |name: &'static str| {
            let entry = matter.get(name).ok_or(RoleError::Missing(name))?;
            Ok(entry.values.first().map_or("", |(value, _)| *value))
        };
        let role = Self {
            name: field("name")?.to_owned(),
            tools: field("tools")?
                .split(',')
                .map(str::trim)
                .filter(|tool| !tool.is_empty())
                .map(|tool| ToolName::of_name(tool).ok_or(RoleError::UnknownTool(tool.to_owned())))
                .collect::<Result<_, _>>()?,
            body: body.trim().to_owned(),
        };
        role.render(&[]).map_err(RoleError::Template)?;
        Ok(role)
    }

    /// The tools that it may call.
    pub(crate) fn tools(&self) -> impl Iterator<Item = ToolName> {
        self.tools.iter().copied()
    }

    /// What a model is told, with the rules of the workspace: their paths and their texts.
    pub(crate) fn prompt(&self, rules: &[(String, String)]) -> String {
        self.render(rules)
            .unwrap_or_else(|_was_tried| self.body.clone())
    }

    fn render(&self, rules: &[(String, String)]) -> Result<String, String> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        let rules: Vec<_> = rules
            .iter()
            .map(|(path, text)| context! { path => path, text => text })
            .collect();
        templates
            .render_str(&self.body, context! { rules => rules })
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_planner_can_read_and_nothing_else() {
        let planner = RoleFile::read(PLANNER).unwrap();
        assert!(planner.tools().count() > 0 && planner.tools().all(ToolName::only_reads));
        let rules = [("AGENTS.md".to_owned(), "Use tabs.".to_owned())];
        assert!(planner.prompt(&rules).contains("AGENTS.md:\nUse tabs."));
        assert!(!planner.prompt(&[]).contains("The rules of this workspace"));
    }

    #[test]
    fn what_is_wrong_with_a_role_is_said() {
        assert_eq!(RoleFile::read("x"), Err(RoleError::NoFrontMatter));
        let nameless = "---\ntools: search\n---\nx";
        assert_eq!(RoleFile::read(nameless), Err(RoleError::Missing("name")));
        let broken = RoleFile::read("---\nname: a\ntools:\n---\n{{ nothing }}");
        assert!(matches!(broken, Err(RoleError::Template(_))), "{broken:?}");
    }
}
