//! `[tests]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Reader};
use super::tree::Entry;

/// How the project's tests are run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct TestSettings {
    /// The command that runs them, in words: `cargo nextest run`. No shell reads it, and it is asked for like
    /// every other command. Left out, it is what the nearest `Cargo.toml`, `package.json`, `pyproject.toml`
    /// or `go.mod` calls for. Not for a workspace to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Reader {
    pub(super) fn tests(&mut self, entry: &Entry) {
        match entry.name.as_str() {
            "command" => {
                let Some(text) = self.text(entry, "tests.command") else {
                    return;
                };
                if self.layer == Layer::Workspace {
                    return self.widens(
                        entry,
                        "which program runs the tests is not for a workspace to say; set it in your own settings",
                    );
                }
                let is_named = text.split_whitespace().next().is_some();
                if is_named {
                    self.settings.tests.command = Some(text);
                }
            }
            _ => self.unknown(entry, "tests", "tests"),
        }
    }
}
