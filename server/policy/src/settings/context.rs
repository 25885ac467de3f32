//! `[context]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::Reader;
use super::tree::Entry;

/// What a model is shown beside the document. A workspace can lower it and turn it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ContextSettings {
    /// The most tokens that a request may have of what lies elsewhere in the workspace: the definitions
    /// that the place leads to, who calls it, its tests. With 0 the document alone is sent. What was sent
    /// is shown by `pleach.whatWasSent`.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub tokens: u32,
    /// Whether the workspace is indexed, in the background, when a model is set up or something is
    /// searched for. The index lies in the state folder. Without it nothing is found elsewhere.
    pub index: bool,
}

impl Default for ContextSettings {
    fn default() -> Self {
        Self {
            tokens: 4_000,
            index: true,
        }
    }
}

impl Reader {
    pub(super) fn context(&mut self, entry: &Entry) {
        let now = self.settings.context;
        let path = format!("context.{}", entry.name);
        match entry.name.as_str() {
            "tokens" => {
                self.settings.context.tokens =
                    self.lowered(entry, &path, 0..=1_000_000, now.tokens);
            }
            "index" => self.settings.context.index = self.switch(entry, &path, now.index),
            _ => self.unknown(entry, "context", "context"),
        }
    }
}
