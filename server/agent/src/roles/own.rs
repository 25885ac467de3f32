//! Actions of people's own: an instruction with a title, for the menu.

use minijinja::{Error, context};
use pleach_grammars::Language;
use pleach_text::ByteRange;

use super::Output;
use super::file::{FileProblem, Reading};
use crate::action::Action;

/// What an action's template can name.
const NAMES: [&str; 4] = ["path", "language", "selection", "symbol"];

/// An action that a person or a workspace has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAction {
    /// What it is called: the name of its file.
    pub name: String,
    /// What the menu says.
    pub title: String,
    /// Who carries it out.
    pub role: String,
    /// The languages in which it is offered; all of them where none is named.
    pub languages: Vec<Language>,
    /// Whether what comes of it are edits, and not an answer to read.
    pub edits: bool,
    /// Whether a tester and a reviewer go on with what comes of it.
    pub pipeline: bool,
    /// What is asked for, as a template.
    body: String,
}

/// The place that an action is for.
pub(crate) struct Spot<'a> {
    pub(crate) path: &'a str,
    pub(crate) language: &'a str,
    /// The selected text; empty without a selection.
    pub(crate) selection: &'a str,
    /// The innermost symbol around the place; empty where there is none.
    pub(crate) symbol: &'a str,
}

impl OwnAction {
    /// Reads the file of the action called `name`. `output` tells what a role's answers are, if there is
    /// such a role.
    pub(super) fn read(
        name: &str,
        text: &str,
        output: impl Fn(&str) -> Option<Output>,
    ) -> (Option<Self>, Vec<FileProblem>) {
        let mut reading = Reading::of(text, &["title", "role", "languages", "pipeline"]);
        let title = reading.value("title").map_or("", |(title, _)| title);
        let (role, at) = reading
            .value("role")
            .unwrap_or(("coder", ByteRange::default()));
        let edits = match output(role) {
            Some(Output::Edits) => true,
            Some(Output::Answer | Output::Findings | Output::Chat) => false,
            Some(Output::Plan) => {
                reading.fatal(at, format!("the role `{role}` carries out no actions"));
                false
            }
            None => {
                reading.fatal(at, format!("there is no role `{role}`"));
                false
            }
        };
        let mut languages = Vec::new();
        for (word, at) in reading.values("languages").unwrap_or_default() {
            match Language::from_lsp_id(word) {
                Some(language) => languages.push(language),
                None => reading.warn(at, format!("no language is called `{word}` here")),
            }
        }
        let mut pipeline = false;
        if let Some((word, at)) = reading.value("pipeline") {
            match word {
                "true" if !edits => reading.warn(
                    at,
                    format!("the role `{role}` edits nothing that could be tested and reviewed"),
                ),
                "true" => pipeline = true,
                "false" => {}
                _ => reading.fatal(at, format!("`{word}` is none of `true` and `false`")),
            }
        }
        let body = reading.template(&NAMES);
        let action = reading.is_sound().then(|| Self {
            name: name.to_owned(),
            title: if title.is_empty() { name } else { title }.to_owned(),
            role: role.to_owned(),
            languages,
            edits,
            pipeline,
            body,
        });
        (action, reading.problems)
    }

    /// The action of Pleach's that it is a kind of.
    pub fn basis(&self) -> Action {
        if self.edits {
            Action::Rewrite
        } else {
            Action::Ask
        }
    }

    /// Whether it is offered in a document of this language.
    pub fn is_for(&self, language: Option<Language>) -> bool {
        self.languages.is_empty() || language.is_some_and(|it| self.languages.contains(&it))
    }

    /// What is asked for at a place.
    pub(crate) fn instruction(&self, spot: &Spot<'_>) -> Result<String, Error> {
        super::templates()?.render_str(
            &self.body,
            context! {
                path => spot.path,
                language => spot.language,
                selection => spot.selection,
                symbol => spot.symbol,
            },
        )
    }
}
