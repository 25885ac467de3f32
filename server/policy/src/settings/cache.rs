//! `[cache]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::Reader;
use super::tree::Entry;

/// Answers that are kept, so that the same question is not paid for twice. A workspace can turn it off and
/// lower its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CacheSettings {
    /// Whether a question that was answered before, word for word the same and to the same model, is
    /// answered from the state folder. It then costs nothing, and the answer is said to be from the cache.
    /// An answer whose edit the gate refused is not kept.
    pub enabled: bool,
    /// How many hours an answer is kept.
    #[schemars(range(min = 1, max = 8760))]
    pub hours: u32,
    /// How many megabytes all kept answers may have; the ones used longest ago give way.
    #[schemars(range(min = 1, max = 10_000))]
    pub megabytes: u32,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            hours: 24,
            megabytes: 64,
        }
    }
}

impl Reader {
    pub(super) fn cache(&mut self, entry: &Entry) {
        let now = self.settings.cache;
        let path = format!("cache.{}", entry.name);
        match entry.name.as_str() {
            "enabled" => self.settings.cache.enabled = self.switch(entry, &path, now.enabled),
            "hours" => {
                self.settings.cache.hours = self.lowered(entry, &path, 1..=8760, now.hours);
            }
            "megabytes" => {
                self.settings.cache.megabytes =
                    self.lowered(entry, &path, 1..=10_000, now.megabytes);
            }
            _ => self.unknown(entry, "cache", "cache"),
        }
    }
}
