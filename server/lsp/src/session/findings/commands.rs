//! The commands about findings: by number, or by file and line, so that an editor that keeps no data with
//! its diagnostics has all of them.

use pleach_agent::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::FindingId;
use crate::actions::shortened;
use crate::session::Session;
use crate::session::arguments::Given;
use crate::session::commands::CommandFailure;
use crate::session::documents::start_of_line;

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
        let numbered = |number: u64| {
            Ok(Self {
                finding: Some(number),
                ..Self::default()
            })
        };
        let words = |line: String| match line.parse() {
            Ok(number) => numbered(number),
            Err(_) => Ok(Self {
                path: Some(line),
                ..Self::default()
            }),
        };
        Given::of(given).read(words, numbered)
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
            FindingCommand::Clear => return self.clear_findings(&arguments),
            FindingCommand::Restore => {
                let file = self.findings_file(&arguments)?;
                let name = file.map(|uri| self.snapshot().name_to_read(&uri));
                let name = name.transpose().map_err(CommandFailure::Denied)?;
                let restored = self.take_dismissals_back(name.as_deref());
                return Ok(json!({ "restored": restored }));
            }
            FindingCommand::Fix | FindingCommand::Dismiss | FindingCommand::Explain => {}
        }
        let id = self
            .finding_meant(&arguments)?
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

    /// The document that arguments name, if they name one. What cannot be a file of the workspace is refused:
    /// it must not mean all of them.
    fn findings_file(
        &self,
        arguments: &FindingArguments,
    ) -> Result<Option<String>, CommandFailure> {
        let snapshot = self.snapshot();
        let uri = match (&arguments.uri, &arguments.path) {
            (Some(uri), _) => {
                let known = self.findings.known.values().any(|known| known.uri == *uri);
                if known || self.documents.get(uri).is_some() {
                    return Ok(Some(uri.clone()));
                }
                uri.clone()
            }
            (None, Some(path)) => {
                if let Some(open) = self.document_named(path) {
                    return Ok(Some(open));
                }
                snapshot.uri_to_read(path).map_err(CommandFailure::Denied)?
            }
            (None, None) => return Ok(None),
        };
        // Another spelling of it, perhaps.
        let name = snapshot.name_to_read(&uri);
        let name = name.map_err(CommandFailure::Denied)?;
        let uri = snapshot.uri_to_read(&name);
        let uri = uri.map_err(CommandFailure::Denied)?;
        Ok(Some(self.uri_with_findings(&name, uri)))
    }

    /// The finding that arguments mean.
    fn finding_meant(
        &self,
        arguments: &FindingArguments,
    ) -> Result<Option<FindingId>, CommandFailure> {
        if let Some(id) = arguments.finding {
            return Ok(self.findings.known.contains_key(&id).then_some(id));
        }
        let file = self.findings_file(arguments)?;
        Ok(self.finding_in(file, arguments.line))
    }

    /// The first finding in a line of a file; what is left out is where the editor asked last.
    fn finding_in(&self, file: Option<String>, line: Option<u32>) -> Option<FindingId> {
        let last = self.last_place.as_ref();
        let uri = file.or_else(|| last.map(|last| last.uri.clone()))?;
        let range = if let Some(line) = line {
            start_of_line(&self.text_with_findings(&uri)?, line)
        } else {
            let last = last.filter(|last| last.uri == uri)?;
            let document = self.documents.get(&uri)?;
            document.moved(last.range, last.version)?
        };
        self.findings_at(&uri, range).first().map(|found| found.id)
    }

    /// Takes away what was found, in one file or in all.
    fn clear_findings(&mut self, arguments: &FindingArguments) -> Result<Value, CommandFailure> {
        let file = self.findings_file(arguments)?;
        let gone = self.forget_findings(|known| file.as_ref().is_none_or(|uri| known.uri == *uri));
        let cleared = gone.len();
        for uri in gone {
            self.show_findings(&uri);
        }
        Ok(json!({ "cleared": cleared }))
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
        let range = known.shown().ok_or(CommandFailure::NoFinding)?;
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
        let job = self.begin_at(&uri, range, Action::Fix, (instruction, title), |it| {
            it.diagnostics = serde_json::from_value(diagnostic).into_iter().collect();
        })?;
        if let Some(job) = self.jobs.get_mut(&job) {
            job.mends = Some(id);
        }
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
