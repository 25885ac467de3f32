//! Reviews without a model: what a syntax tree alone proves.

use std::collections::BTreeMap;
use std::sync::Arc;

use pleach_grammars::Language;
use pleach_text::ByteRange;

use super::changes::{self, Changes};
use super::{ReviewFailure, Scope};
use crate::builtin::{self, BuiltinRefusal};
use crate::call::aside;
use crate::failure::JobFailure;
use crate::findings::{Finder, Finding, FindingReport, lines_of};
use crate::job::{JobEvent, JobOutcome, JobRequest, Phase};
use crate::tools::Commands;

/// Looks for what a syntax tree alone proves to be wrong, without a model.
pub(crate) async fn prove(
    request: &Arc<JobRequest>,
    commands: Option<Commands>,
    report: &(impl Fn(JobEvent) + Send + Sync),
) -> JobOutcome {
    report(JobEvent::Phase(Phase::Checking));
    match proved(request, commands).await {
        Ok(found) => JobOutcome::Findings(Box::new(found)),
        Err(failure) => JobOutcome::Failed {
            failure,
            reply: None,
        },
    }
}

async fn proved(
    request: &Arc<JobRequest>,
    commands: Option<Commands>,
) -> Result<FindingReport, JobFailure> {
    let asked = Arc::clone(request);
    if request.scope == Scope::Changes {
        let commands = commands
            .ok_or_else(|| ReviewFailure::NoRepository("no program can be run here".to_owned()))?;
        let changes = changes::since_commit(&request.workspace, &commands).await?;
        return aside("looking at the changes", move || proven_of(changes)).await?;
    }
    aside("looking at the file", move || {
        let document = &asked.document;
        if !builtin::can_review(document.language) {
            return Err(BuiltinRefusal::needs_model("Reviewing this language").into());
        }
        let is_part = asked.scope == Scope::Selection && !asked.range.is_empty();
        let part = is_part.then_some(asked.range);
        let file = Looked {
            path: document.path.clone(),
            text: Arc::clone(&document.text),
            language: document.language,
            part,
        };
        Ok(of_files(vec![file], Vec::new()))
    })
    .await?
}

/// What is proven of the changes of the working tree.
fn proven_of(changes: Changes) -> Result<FindingReport, JobFailure> {
    let mut left_out = changes.left_out;
    let mut files = Vec::new();
    for file in changes.files {
        let part = file.changed();
        let Some(text) = file.after else { continue };
        let first_line = text.lines().next().unwrap_or_default();
        let language = Language::detect(None, &file.path, first_line);
        if builtin::can_review(language) {
            files.push(Looked {
                path: file.path,
                text,
                language,
                part,
            });
        } else {
            left_out.push(format!("{} is in no language that it knows", file.path));
        }
    }
    if files.is_empty() {
        let but = match left_out.as_slice() {
            [] => String::new(),
            some => format!(", but for what was left out ({})", some.join("; ")),
        };
        return Err(ReviewFailure::NothingChanged(but).into());
    }
    Ok(of_files(files, left_out))
}

/// A file that is looked at, all of it or a part.
struct Looked {
    path: String,
    text: Arc<str>,
    language: Option<Language>,
    part: Option<ByteRange>,
}

fn of_files(files: Vec<Looked>, mut left_out: Vec<String>) -> FindingReport {
    let mut findings = Vec::new();
    let (mut looked_at, mut texts) = (BTreeMap::new(), BTreeMap::new());
    for file in files {
        let Looked {
            path,
            text,
            language,
            part,
        } = file;
        let proven = language.map_or_else(Vec::new, |it| builtin::proven(it, &text));
        let proven = proven.into_iter();
        for it in proven.filter(|it| part.is_none_or(|part| part.touches(it.range))) {
            let before = text.get(..it.range.start.0).unwrap_or_default();
            findings.push(Finding {
                path: path.clone(),
                line: before.matches('\n').count() + 1,
                quote: lines_of(&text, it.range).to_owned(),
                range: Some(it.range),
                severity: it.severity,
                rule: it.rule.to_owned(),
                message: it.message,
                why: it.why.to_owned(),
                fix: it.fix.to_owned(),
            });
        }
        looked_at.insert(path.clone(), part);
        texts.insert(path, text);
    }
    left_out.push(format!(
        "only what a syntax tree proves was looked for ({})",
        builtin::LABEL
    ));
    FindingReport {
        finder: Finder::Review,
        findings,
        looked_at,
        texts,
        dropped: 0,
        not_understood: 0,
        left_out,
        summary: String::new(),
        reply: String::new(),
    }
}
