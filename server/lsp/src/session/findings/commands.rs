//! The commands about findings: by number, or by file and line, so that an editor that keeps no data with
//! its diagnostics has all of them.

use std::str::FromStr;

use pleach_agent::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::FindingId;
use crate::actions::shortened;
use crate::session::Session;
use crate::session::commands::CommandFailure;

/// What can be done with findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FindingCommand {
    /// List them.
    List,
    /// Have one mended.
    Fix,
    /// Do not show one again.
    Dismiss,
    /// Say what is known of one.
    Explain,
    /// Take them away. They may be found again.
    Clear,
    /// Let what was dismissed be found again.
    Restore,
}

impl FindingCommand {
    pub(crate) const ALL: [Self; 6] = [
        Self::List,
        Self::Fix,
        Self::Dismiss,
        Self::Explain,
        Self::Clear,
        Self::Restore,
    ];

    /// The command's name as editors send it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::List => "pleach.findings",
            Self::Fix => "pleach.finding.fix",
            Self::Dismiss => "pleach.finding.dismiss",
            Self::Explain => "pleach.finding.explain",
            Self::Clear => "pleach.finding.clear",
            Self::Restore => "pleach.finding.restore",
        }
    }

    pub(crate) fn from_command(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.command() == command)
    }
}

/// Which finding is meant. What is left out is taken from where the editor asked last.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FindingArguments {
    finding: Option<FindingId>,
    uri: Option<String>,
    /// Relative to a workspace folder, or absolute.
    path: Option<String>,
    /// 1-based: the first finding in this line.
    line: Option<u32>,
    /// Words for whoever mends it.
    instruction: Option<String>,
}

impl FindingArguments {
    pub(crate) fn read(given: Vec<Value>) -> Result<Self, String> {
        let words: Vec<&str> = given.iter().filter_map(Value::as_str).collect();
        if words.is_empty() || words.len() != given.len() {
            return match given.into_iter().next() {
                None | Some(Value::Null) => Ok(Self::default()),
                Some(Value::Number(number)) => Ok(Self {
                    finding: number.as_u64(),
                    ..Self::default()
                }),
                Some(object) => serde_json::from_value(object).map_err(|it| it.to_string()),
            };
        }
        // Helix hands over the words of a command line one by one.
        let line = words.join(" ");
        match Value::from_str(&line) {
            Ok(object @ Value::Object(_)) => {
                serde_json::from_value(object).map_err(|error| error.to_string())
            }
            Ok(Value::Number(number)) => Ok(Self {
                finding: number.as_u64(),
                ..Self::default()
            }),
            _ => Ok(Self {
                path: Some(line),
                ..Self::default()
            }),
        }
    }
}

impl Session {
    /// Carries a command about findings out, at once or as a job.
    pub(in crate::session) fn finding_command(
        &mut self,
        command: FindingCommand,
        arguments: FindingArguments,
    ) -> Result<Value, CommandFailure> {
        match command {
            FindingCommand::List => return Ok(self.list_findings()),
            FindingCommand::Clear => return Ok(self.clear_findings(&arguments)),
            FindingCommand::Restore => {
                let named = self.findings_file(&arguments);
                let path = named.and_then(|uri| self.snapshot().name_to_read(&uri).ok());
                let path = path.or(arguments.path);
                let restored = self.take_dismissals_back(path.as_deref());
                return Ok(json!({ "restored": restored }));
            }
            FindingCommand::Fix | FindingCommand::Dismiss | FindingCommand::Explain => {}
        }
        let id = self
            .finding_meant(&arguments)
            .ok_or(CommandFailure::NoFinding)?;
        match command {
            FindingCommand::Fix => self.mend_finding(id, arguments.instruction),
            FindingCommand::Dismiss => {
                self.dismiss_finding(id);
                Ok(json!({ "dismissed": id }))
            }
            _ => {
                self.explain_finding(id);
                Ok(json!({ "finding": id }))
            }
        }
    }

    /// The document that arguments name.
    fn findings_file(&self, arguments: &FindingArguments) -> Option<String> {
        let named = |path: &String| {
            let open = self.document_named(path);
            open.or_else(|| self.snapshot().uri_of(path).ok())
        };
        let uri = arguments.uri.clone();
        uri.or_else(|| arguments.path.as_ref().and_then(named))
    }

    /// The finding that arguments mean.
    fn finding_meant(&self, arguments: &FindingArguments) -> Option<FindingId> {
        if let Some(id) = arguments.finding {
            return self.findings.known.contains_key(&id).then_some(id);
        }
        let last = self.last_place.as_ref();
        let uri = self.findings_file(arguments);
        let uri = uri.or_else(|| last.map(|last| last.uri.clone()))?;
        let document = self.documents.get(&uri)?;
        let range = if let Some(line) = arguments.line {
            document.start_of_line(line)
        } else {
            let last = last.filter(|last| last.uri == uri)?;
            document.moved(last.range, last.version)?
        };
        self.findings_at(&uri, range).first().map(|found| found.id)
    }

    /// Takes away what was found, in one file or in all.
    fn clear_findings(&mut self, arguments: &FindingArguments) -> Value {
        let file = self.findings_file(arguments);
        let gone = self.forget_findings(|known| file.as_ref().is_none_or(|uri| known.uri == *uri));
        let cleared = gone.len();
        for uri in gone {
            self.show_findings(&uri);
        }
        json!({ "cleared": cleared })
    }

    /// Starts the job that mends a finding.
    fn mend_finding(
        &mut self,
        id: FindingId,
        words: Option<String>,
    ) -> Result<Value, CommandFailure> {
        if !self.configuration.settings().actions.enabled {
            return Err(CommandFailure::TurnedOff);
        }
        if !self.configuration.has_model(Action::Fix) {
            return Err(CommandFailure::NeedsModel("Mending a finding"));
        }
        let known = self
            .findings
            .known
            .get(&id)
            .ok_or(CommandFailure::NoFinding)?;
        let diagnostic = self
            .diagnostic_of(id, known)
            .ok_or(CommandFailure::NoFinding)?;
        let range = known.at.ok_or(CommandFailure::NoFinding)?;
        let finding = &known.finding;
        let mut instruction = format!(
            "Mend this finding, with the smallest change that is right: {}",
            finding.message
        );
        for text in [&finding.why, &finding.fix] {
            if !text.is_empty() {
                instruction = format!("{instruction}\n{text}");
            }
        }
        if let Some(words) = words.filter(|words| !words.trim().is_empty()) {
            instruction = format!("{instruction}\n{words}");
        }
        let title = format!("Fix: {}", shortened(&finding.message, 50));
        let uri = known.uri.clone();
        let job = self.begin_fix(&uri, range, diagnostic, instruction, title)?;
        self.findings.mending.insert(job, id);
        Ok(json!({ "job": job }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_finding_is_a_number_a_place_or_what_is_under_the_cursor() {
        let read = |given: Value| {
            let given: Vec<Value> = serde_json::from_value(given).unwrap();
            FindingArguments::read(given).unwrap()
        };
        assert_eq!(read(json!([])).finding, None);
        assert_eq!(read(json!([3])).finding, Some(3));
        assert_eq!(read(json!(["3"])).finding, Some(3));
        assert_eq!(read(json!(["{\"line\": 2}"])).line, Some(2));
        assert_eq!(read(json!(["src/a.rs"])).path.as_deref(), Some("src/a.rs"));
    }
}
