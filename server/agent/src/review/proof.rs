//! Reviews without a model: what a syntax tree alone proves.

use std::collections::BTreeMap;
use std::sync::Arc;

use pleach_grammars::Language;
use pleach_text::ByteRange;

use super::changes::{self, Changes};
use super::{Scope, nothing_changed, part_of};
use crate::builtin::{self, BuiltinRefusal};
use crate::call::aside;
use crate::failure::JobFailure;
use crate::findings::{Finder, Finding, FindingReport};
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
        let changes = changes::since_commit(&request.workspace, commands.as_ref()).await?;
        return aside("looking at the changes", move || proven_of(changes)).await?;
    }
    aside("looking at the file", move || {
        let document = &asked.document;
        let language = document.language;
        let language = language.filter(|it| builtin::can_review(Some(*it)));
        let language =
            language.ok_or_else(|| BuiltinRefusal::needs_model("Reviewing this language"))?;
        let file = Looked {
            path: document.path.clone(),
            language,
            text: Arc::clone(&document.text),
            part: part_of(&asked),
        };
        Ok(of_files(vec![file], Vec::new()))
    })
    .await?
}

/// A text that is looked at, or a part of it.
struct Looked {
    path: String,
    language: Language,
    text: Arc<str>,
    part: Option<ByteRange>,
}

/// What is proven of the changes of the working tree.
fn proven_of(changes: Changes) -> Result<FindingReport, JobFailure> {
    let mut left_out = changes.left_out;
    let mut files = Vec::new();
    for file in changes.files {
        let part = file.changed();
        let Some(text) = file.after else { continue };
        let first_line = text.lines().next().unwrap_or_default();
        match Language::detect(None, &file.path, first_line) {
            Some(language) if builtin::can_review(Some(language)) => files.push(Looked {
                path: file.path,
                language,
                text,
                part,
            }),
            _ => left_out.push(format!("{} is in no language that it knows", file.path)),
        }
    }
    if files.is_empty() {
        return Err(nothing_changed("was left out", &left_out).into());
    }
    Ok(of_files(files, left_out))
}

fn of_files(files: Vec<Looked>, mut left_out: Vec<String>) -> FindingReport {
    let mut findings = Vec::new();
    let (mut looked_at, mut texts) = (BTreeMap::new(), BTreeMap::new());
    for file in files {
        let Looked {
            path,
            language,
            text,
            part,
        } = file;
        let proven = builtin::proven(language, &text).into_iter();
        for it in proven.filter(|it| part.is_none_or(|part| part.touches(it.range))) {
            findings.push(Finding {
                severity: it.severity,
                rule: it.rule.to_owned(),
                message: it.message,
                why: it.why.to_owned(),
                fix: it.fix.to_owned(),
                ..Finding::at(path.clone(), &text, it.range)
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
