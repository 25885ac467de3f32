//! What is published of a document: one list, from all who have something to say about it. A client takes
//! each list for the whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pleach_policy::visible;
use serde_json::{Value, json};

use crate::session::Session;

/// Who has something to say about a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Speaker {
    /// Settings: what is wrong in them.
    Settings,
    /// Rules for agents: what is wrong in them.
    Rules,
    /// Hunks that wait for review, and what is wrong in a plan.
    Review,
    /// What was found by a review or a run of the tests.
    Findings,
}

/// What is published at present.
#[derive(Default)]
pub(crate) struct Diagnostics {
    said: BTreeMap<String, BTreeMap<Speaker, Vec<Value>>>,
}

impl Diagnostics {
    /// Takes what one has to say of `uri` now. The whole list, unless there was nothing and is nothing.
    fn say(&mut self, uri: &str, speaker: Speaker, diagnostics: Vec<Value>) -> Option<Vec<Value>> {
        let said = self.said.entry(uri.to_owned()).or_default();
        let before = if diagnostics.is_empty() {
            said.remove(&speaker)
        } else {
            said.insert(speaker, diagnostics)
        };
        let all: Vec<Value> = said.values().flatten().cloned().collect();
        let is_news = before.is_some() || said.contains_key(&speaker);
        if said.is_empty() {
            self.said.remove(uri);
        }
        is_news.then_some(all)
    }
}

impl Session {
    /// Publishes what one has to say of the document `uri`, together with what the others have. Answers
    /// whether there was anything to publish.
    pub(super) fn publish(
        &mut self,
        uri: &str,
        speaker: Speaker,
        mut diagnostics: Vec<Value>,
    ) -> bool {
        for diagnostic in diagnostics.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(Value::String(text)) = diagnostic.get_mut("message")
                && let Cow::Owned(shown) = visible(text)
            {
                *text = shown;
            }
            if !self.client.diagnostic_data {
                diagnostic.remove("data");
            }
        }
        let Some(all) = self.diagnostics.say(uri, speaker, diagnostics) else {
            return false;
        };
        let params = match self.documents.get(uri) {
            Some(document) if self.client.diagnostic_versions => {
                json!({"uri": uri, "version": document.version, "diagnostics": all})
            }
            _ => json!({"uri": uri, "diagnostics": all}),
        };
        self.outbox
            .notify("textDocument/publishDiagnostics", &params);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_back_what_another_has_said() {
        let mut all = Diagnostics::default();
        let one = |text: &str| vec![json!(text)];
        assert_eq!(all.say("a", Speaker::Rules, Vec::new()), None);
        assert_eq!(all.say("a", Speaker::Rules, one("rule")), Some(one("rule")));
        let both = Some(vec![json!("rule"), json!("hunk")]);
        assert_eq!(all.say("a", Speaker::Review, one("hunk")), both);
        assert_eq!(all.say("a", Speaker::Rules, Vec::new()), Some(one("hunk")));
        assert_eq!(all.say("a", Speaker::Review, Vec::new()), Some(Vec::new()));
        assert_eq!(all.say("a", Speaker::Review, Vec::new()), None);
    }
}
