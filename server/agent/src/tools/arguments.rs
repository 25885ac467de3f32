//! What each tool is called with: one type each, from which both the JSON Schema that the model sees and
//! the check of what it sends are made.

use pleach_model::Tool;
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ToolError, ToolName};

/// A part of a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    /// The file, relative to the workspace.
    pub(super) path: String,
    /// The first line, from 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) first_line: Option<usize>,
    /// How many lines.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(super) lines: Option<usize>,
}

/// Some files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Only files whose paths match this glob, such as `src/**/*.rs`.
    #[serde(default)]
    pub(super) glob: Option<String>,
    /// How many files to leave out, to see the next page.
    #[serde(default)]
    pub(super) skip: usize,
}

/// Lines that match.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// A regular expression (Rust's syntax; no look-around), matched within lines.
    #[schemars(length(min = 1))]
    pub(super) pattern: String,
    /// Only in files whose paths match this glob.
    #[serde(default)]
    pub(super) glob: Option<String>,
    /// Whether upper and lower case count as one.
    #[serde(default)]
    pub(super) ignore_case: bool,
    /// How many matches to leave out, to see the next page.
    #[serde(default)]
    pub(super) skip: usize,
}

/// A file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfFile {
    /// The file, relative to the workspace.
    pub(super) path: String,
}

/// A name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct References {
    /// The name as it is written in code, without what it is part of: `count`, not `Till::count`.
    #[schemars(length(min = 1))]
    pub(super) name: String,
    /// Only in files whose paths match this glob.
    #[serde(default)]
    pub(super) glob: Option<String>,
    /// How many places to leave out, to see the next page.
    #[serde(default)]
    pub(super) skip: usize,
}

/// One change of one place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposeEdit {
    /// The file, relative to the workspace.
    pub(super) path: String,
    /// The lines as they stand in the file now, character for character; they must occur once. Empty to
    /// create a file.
    pub(super) search: String,
    /// The lines as they should be.
    pub(super) replace: String,
}

/// A command.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunCommand {
    /// The program and its arguments, each a string of its own. No shell reads them.
    #[schemars(length(min = 1))]
    pub(super) argv: Vec<String>,
}

/// Checks the arguments of a call.
pub(super) fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, ToolError> {
    T::deserialize(arguments).map_err(|error| ToolError::BadArguments {
        why: super::shortened(&error.to_string()),
    })
}

/// A tool as models are told. What servers offer is told by them.
pub(super) fn tool(name: ToolName) -> Option<Tool> {
    let (schema, description) = match name {
        ToolName::Read => (
            schema_for!(Read),
            "Reads lines of a file as the person sees them now, unsaved changes included.",
        ),
        ToolName::List => (
            schema_for!(List),
            "Lists the files of the workspace, without what version control ignores.",
        ),
        ToolName::Search => (
            schema_for!(Search),
            "Finds the lines of the workspace's files that match a regular expression.",
        ),
        ToolName::Outline => (
            schema_for!(OfFile),
            "Lists what a file defines: kind, signature and lines of each symbol.",
        ),
        ToolName::References => (
            schema_for!(References),
            "Finds where a name is defined and used in code; comments and strings are left out. Names are compared as written.",
        ),
        ToolName::Diagnostics => (
            schema_for!(OfFile),
            "Lists what is reported about a file, and its syntax errors.",
        ),
        ToolName::ProposeEdit => (
            schema_for!(ProposeEdit),
            "Proposes one change. It is checked at once and shown to the person when you have finished; files do not change meanwhile, so later calls still see the text as it is now. When you have proposed edits, end with a sentence on them: edits in that last answer do not count.",
        ),
        ToolName::RunCommand => (
            schema_for!(RunCommand),
            "Runs a program of the project, such as its tests, in a sandbox without network. The person is asked the first time. It sees saved files, without proposed edits.",
        ),
        ToolName::Mcp => return None,
    };
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        for of_the_type in ["$schema", "title", "description"] {
            object.remove(of_the_type);
        }
    }
    Some(Tool {
        name: name.name().to_owned(),
        description: description.to_owned(),
        schema,
    })
}
