//! `[tests]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Reader};
use super::tree::Entry;

/// How the project's tests are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct TestSettings {
    /// The command that runs them, in words: `cargo nextest run`. No shell reads it, and it is asked for like
    /// every other command. Left out, it is what the nearest `Cargo.toml`, `package.json`, `pyproject.toml`
    /// or `go.mod` calls for. Not for a workspace to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How often tests that a model has written go back to it because they fail. They run in a copy of the
    /// workspace before you are shown them, and you are asked first. With 0 they are not run before they
    /// land. A workspace can lower it.
    #[schemars(range(min = 0, max = 5))]
    pub attempts: u32,
}

impl Default for TestSettings {
    fn default() -> Self {
        Self {
            command: None,
            attempts: 2,
        }
    }
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
            "attempts" => {
                let now = self.settings.tests.attempts;
                self.settings.tests.attempts = self.lowered(entry, "tests.attempts", 0..=5, now);
            }
            _ => self.unknown(entry, "tests", "tests"),
        }
    }
}
