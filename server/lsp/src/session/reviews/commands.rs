//! What a person decides on hunks: the commands, and the hunks that their arguments mean.

use pleach_edit::{HunkId, HunkKind, Resolution};
use pleach_text::ByteRange;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::event::JobId;
use crate::from_proto;
use crate::session::Session;
use crate::session::arguments::{Given, no_number};
use crate::session::commands::CommandFailure;
use crate::session::reviews::Wanted;

/// A decision on hunks that wait for review, or a way to look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Land them.
    Accept,
    /// Drop them.
    Reject,
    /// Show them as a unified diff.
    Diff,
    /// Settle a conflict with what was typed meanwhile.
    Resolve,
    /// Ask the same again, with a note on what should be different.
    Retry,
    /// List what waits.
    Reviews,
}

impl Decision {
    pub(crate) const ALL: [Self; 6] = [
        Self::Accept,
        Self::Reject,
        Self::Diff,
        Self::Resolve,
        Self::Retry,
        Self::Reviews,
    ];

    /// The command's name as editors send it.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Accept => "pleach.accept",
            Self::Reject => "pleach.reject",
            Self::Diff => "pleach.diff",
            Self::Resolve => "pleach.resolve",
            Self::Retry => "pleach.retry",
            Self::Reviews => "pleach.reviews",
        }
    }

    pub(crate) fn from_command(command: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|decision| decision.command() == command)
    }
}

/// Which hunks are meant. What is left out is taken from where the editor asked last: the hunk there,
/// or, where only one review is open, that review.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReviewArguments {
    review: Option<JobId>,
    hunk: Option<u32>,
    /// All hunks in the file of this name or uri.
    path: Option<String>,
    uri: Option<String>,
    /// With `uri`: only the hunk there.
    range: Option<lsp_types::Range>,
    /// With `uri` or `path`: only the hunk in this line, counted from 1. For people who type.
    line: Option<u32>,
    /// All hunks of the review.
    all: bool,
    /// What should be different.
    note: Option<String>,
    /// Which side of a conflict is wanted.
    choice: Option<Choice>,
}

/// How a conflict is to be settled.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    /// What the person typed.
    Mine,
    /// What was proposed.
    Theirs,
    /// Both, the person's first.
    Both,
    /// Neither: the agent is asked again.
    Ask,
}

impl From<Choice> for Resolution {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Mine => Self::Mine,
            Choice::Theirs => Self::Theirs,
            Choice::Both => Self::Both,
            Choice::Ask => Self::AskAgain,
        }
    }
}

impl ReviewArguments {
    pub(crate) fn read(decision: Decision, given: Vec<Value>) -> Result<Self, String> {
        let words = |line: String| match line.as_str() {
            _ if decision == Decision::Retry => Ok(Self {
                note: Some(line),
                ..Self::default()
            }),
            "all" => Ok(Self {
                all: true,
                ..Self::default()
            }),
            _ => Err(format!("`{line}` names no hunk")),
        };
        Given::of(given).read(words, no_number)
    }
}

impl Session {
    /// Carries out a decision at once, or starts the job that does.
    pub(in crate::session) fn decide(
        &mut self,
        decision: Decision,
        arguments: &ReviewArguments,
    ) -> Result<Value, CommandFailure> {
        if decision == Decision::Reviews {
            return Ok(self.list_reviews());
        }
        let (review, hunks) = self.meant(arguments).ok_or(CommandFailure::NothingWaits)?;
        match decision {
            Decision::Accept => {
                let job = self.take(review, Wanted::Accepted(hunks));
                Ok(json!({ "job": job }))
            }
            Decision::Resolve => {
                let choice = arguments.choice.ok_or(CommandFailure::NoChoice)?;
                let hunk = *hunks.first().ok_or(CommandFailure::NothingWaits)?;
                let job = self.take(review, Wanted::Resolved(hunk, choice.into()));
                Ok(json!({ "job": job }))
            }
            Decision::Reject => Ok(json!({ "rejected": self.reject(review, &hunks) })),
            Decision::Diff => {
                self.show_diff(review, &hunks);
                Ok(json!({ "review": review }))
            }
            Decision::Retry => {
                let job = self.retry(review, &hunks, arguments.note.as_deref())?;
                Ok(json!({ "job": job }))
            }
            Decision::Reviews => Ok(Value::Null),
        }
    }

    /// The review and the hunks that are meant; none when nothing like that waits.
    fn meant(&self, arguments: &ReviewArguments) -> Option<(JobId, Vec<HunkId>)> {
        let at_cursor = || match (&arguments.uri, arguments.range, arguments.line) {
            (Some(uri), Some(range), _) => {
                let text = &self.documents.get(uri)?.text;
                self.hunk_at(uri, from_proto::range(text, range, self.client.encoding))
            }
            (_, None, Some(line)) => {
                let named = || self.document_named(arguments.path.as_deref()?);
                let uri = arguments.uri.clone().or_else(named)?;
                let at = self.documents.get(&uri)?.start_of_line(line);
                self.hunk_at(&uri, at)
            }
            _ => self.hunk_at_last_place(),
        };
        let only = || {
            let mut open = self.reviews.open.keys();
            let first = *open.next()?;
            open.next().is_none().then_some(first)
        };
        let review = arguments
            .review
            .or_else(|| at_cursor().map(|(review, _)| review))
            .or_else(only)?;
        let pending = self.reviews.get(review)?;
        let all = pending.review.hunks();
        let file = match (&arguments.path, &arguments.uri) {
            _ if arguments.line.is_some() => None,
            (Some(path), _) => Some(path.as_str()),
            (None, Some(uri)) if arguments.range.is_none() => pending
                .uris
                .iter()
                .find(|(_, of)| *of == uri)
                .map(|(path, _)| path.as_str()),
            _ => None,
        };
        let hunks: Vec<HunkId> = if let Some(hunk) = arguments.hunk {
            all.iter()
                .map(|it| it.id)
                .filter(|id| *id == HunkId(hunk))
                .collect()
        } else if arguments.all {
            all.iter().map(|it| it.id).collect()
        } else if let Some(file) = file {
            all.iter()
                .filter(|it| it.path == file)
                .map(|it| it.id)
                .collect()
        } else if arguments.review.is_some() {
            all.iter().map(|it| it.id).collect()
        } else {
            at_cursor().map(|(_, hunk)| vec![hunk])?
        };
        (!hunks.is_empty()).then_some((review, hunks))
    }

    /// The first hunk that the lines of `range` touch.
    fn hunk_at(&self, uri: &str, range: ByteRange) -> Option<(JobId, HunkId)> {
        let found = self.pending_at(uri, range);
        found.first().map(|hunk| (hunk.review, hunk.id))
    }

    /// The hunk where the editor asked last.
    fn hunk_at_last_place(&self) -> Option<(JobId, HunkId)> {
        let place = self.last_place.as_ref()?;
        let range = self
            .documents
            .get(&place.uri)?
            .moved(place.range, place.version)?;
        self.hunk_at(&place.uri, range)
    }

    /// Asks for the same again, with what these hunks were and what should be different.
    fn retry(
        &mut self,
        review: JobId,
        hunks: &[HunkId],
        note: Option<&str>,
    ) -> Result<JobId, CommandFailure> {
        let pending = self
            .reviews
            .get(review)
            .ok_or(CommandFailure::NothingWaits)?;
        let mut more = "This was proposed before and is not what is wanted:\n".to_owned();
        more.push_str(&super::display::one_by_one(&pending.review, hunks));
        if let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) {
            more.push_str("\nWhat should be different: ");
            more.push_str(note);
        }
        self.ask_again(review, hunks, &more)
    }

    /// Begins the job of a review again, told `more`. The hunks stay until there are new ones: what was
    /// paid for is not thrown away.
    pub(super) fn ask_again(
        &mut self,
        review: JobId,
        hunks: &[HunkId],
        more: &str,
    ) -> Result<JobId, CommandFailure> {
        let pending = self
            .reviews
            .get(review)
            .ok_or(CommandFailure::NothingWaits)?;
        let asked = pending.asked.clone().ok_or(CommandFailure::CannotRetry)?;
        // Where the cursor was then is where the first of the hunks is now.
        let views = pending.review.hunks();
        let first = views
            .iter()
            .find(|view| hunks.contains(&view.id) && view.kind == HunkKind::Text);
        let place = first.and_then(|view| Some((pending.uris.get(view.path)?.clone(), view.range)));
        let (uri, range) = place.unwrap_or((asked.uri, asked.range));
        let instruction = match asked.instruction {
            Some(instruction) => format!("{instruction}\n\n{more}"),
            None => more.to_owned(),
        };
        let title = pending.title.clone();
        let job = {
            let own = asked.own;
            self.begin_at(&uri, range, asked.action, (instruction, title), |it| {
                it.action = own;
            })?
        };
        if let Some(it) = self.jobs.get_mut(&job) {
            it.replaces = Some((review, hunks.to_vec()));
        }
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_come_as_an_object_or_as_the_words_of_a_command_line() {
        let read = |decision, given: Value| {
            ReviewArguments::read(decision, serde_json::from_value(given).unwrap())
        };
        let one = read(Decision::Accept, json!([{"review": 3, "hunk": 1}])).unwrap();
        assert_eq!((one.review, one.hunk), (Some(3), Some(1)));
        let quoted = read(Decision::Accept, json!(["{\"review\":", "3}"])).unwrap();
        assert_eq!(quoted.review, Some(3));
        assert!(read(Decision::Reject, json!(["all"])).unwrap().all);
        let note = read(Decision::Retry, json!(["shorter", "names"])).unwrap();
        assert_eq!(note.note.as_deref(), Some("shorter names"));
        assert!(read(Decision::Accept, json!(["third"])).is_err());
        assert!(read(Decision::Accept, json!([])).unwrap().review.is_none());
    }

    #[test]
    fn every_command_leads_back_to_its_decision() {
        for decision in Decision::ALL {
            assert_eq!(Decision::from_command(decision.command()), Some(decision));
        }
    }
}
