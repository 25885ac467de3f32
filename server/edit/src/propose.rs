//! From a request to a proposal or a refusal.

mod isolate;
mod one_file;

use std::collections::BTreeMap;
use std::sync::Arc;

use pleach_grammars::Syntax;
use pleach_text::{ByteOffset, ChangeSet};

use crate::formats::scan;
use crate::hunk::{Hunk, Op, Parsed};
use crate::proposal::{Verdict, language_of};
use crate::target::{Paths, Unresolved};
use crate::{
    EditRequest, FileChange, HunkRefusal, PlacedHunk, Proposal, Refusal, RefusalCode, gate,
    interpret,
};
use one_file::{Edits, edit};

/// Files above this are not edited.
const MAX_FILE: usize = 64 << 20;
/// More hunks than this in one reply are refused.
const MAX_HUNKS: usize = 20_000;

/// Reads a reply, finds the place of every hunk, and checks what becomes of the files.
///
/// All hunks apply, or none: nothing is ever written to a place that is not certain.
///
/// # Errors
/// A [`Refusal`] that names each hunk in question and what can be done about it.
pub fn propose(request: &EditRequest<'_>) -> Result<Proposal, Refusal> {
    let mut paths = Paths::new(request);
    let scanned = scan(request.reply, request.format)?;
    let Parsed { hunks, repairs } = interpret::hunks(scanned, request, &mut paths)?;
    if hunks.len() > MAX_HUNKS {
        return Err(Refusal::whole(
            RefusalCode::TooLarge,
            format!(
                "The reply has {} hunks; at most {MAX_HUNKS} are applied at once.",
                hunks.len()
            ),
        ));
    }
    let members: Vec<Member<'_>> = hunks.iter().enumerate().collect();
    carry_out(request, &members, &mut paths, repairs)
        .map_err(|refusal| isolated(request, &members, &mut paths, refusal))
}

/// Finds which hunks would pass without the refused ones. What is left is tried once more when
/// leaving some out makes others fail.
fn isolated(
    request: &EditRequest<'_>,
    members: &[Member<'_>],
    paths: &mut Paths<'_>,
    refusal: Refusal,
) -> Refusal {
    /// A reply with more hunks is not gone through again.
    const MAX_ISOLATED: usize = 200;
    const ROUNDS: usize = 3;
    if refusal.hunks.is_empty() || members.len() > MAX_ISOLATED {
        return refusal;
    }
    let mut left: Vec<Member<'_>> = members.to_vec();
    let mut found = refusal.hunks.clone();
    for _ in 0..ROUNDS {
        left.retain(|(number, _)| found.iter().all(|hunk| hunk.index != *number));
        if left.is_empty() {
            break;
        }
        match carry_out(request, &left, paths, Vec::new()) {
            Ok(_) => {
                let passing = left.iter().map(|(number, _)| *number).collect();
                return refusal.with_passing(passing);
            }
            Err(next) if next.hunks.is_empty() => break,
            Err(next) => found = next.hunks,
        }
    }
    refusal
}

/// Places the hunks and gates what becomes of the files.
fn carry_out(
    request: &EditRequest<'_>,
    members: &[Member<'_>],
    paths: &mut Paths<'_>,
    repairs: Vec<String>,
) -> Result<Proposal, Refusal> {
    let groups = group(request, members, paths)?;
    let mut refused = Vec::new();
    let mut done = Vec::new();
    for (path, members) in groups {
        let text: Option<Arc<str>> = request.files.read(&path).map(|text| Arc::from(&*text));
        if text.as_ref().is_some_and(|text| text.len() > MAX_FILE) {
            return Err(Refusal::whole(
                RefusalCode::TooLarge,
                format!("{path} is larger than {MAX_FILE} bytes."),
            ));
        }
        if text.is_none()
            && let Some(reason) = request.files.unreadable(&path)
        {
            let message = format!("{reason}.");
            refused.extend(members.iter().map(|(index, _)| {
                HunkRefusal::new(
                    *index,
                    Some(&path),
                    RefusalCode::UnknownFile,
                    message.clone(),
                )
            }));
            continue;
        }
        let selection = request
            .target
            .filter(|target| target.path == path)
            .and_then(|target| target.selection);
        match edit(&path, text.as_ref(), &members, selection) {
            Ok(edits) => done.push((path, text, edits)),
            Err(refusals) => refused.extend(refusals),
        }
    }
    if !refused.is_empty() {
        return Err(Refusal::of_hunks(refused));
    }
    assemble(request, done, repairs)
}

/// A hunk with its number in the reply.
type Member<'h> = (usize, &'h Hunk);

/// The hunks of each file, in the order of the reply.
fn group<'h>(
    request: &EditRequest<'_>,
    hunks: &[Member<'h>],
    paths: &mut Paths<'_>,
) -> Result<Vec<(String, Vec<Member<'h>>)>, Refusal> {
    let mut groups: Vec<(String, Vec<Member<'h>>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    for &(index, hunk) in hunks {
        let may_be_new = match &hunk.op {
            Op::Write { .. } | Op::Snippet { .. } => true,
            Op::Replace { old, .. } => old.trim().is_empty(),
            _ => false,
        };
        let found = match &hunk.path {
            None => paths.implicit(),
            Some(path) if may_be_new => paths.any(path),
            // A word above a block may be prose rather than the name of a file.
            Some(path) => match paths.existing(path) {
                Err(Unresolved::Missing) if !crate::formats::paths::looks_like_path(path) => {
                    paths.implicit()
                }
                found => found,
            },
        };
        match found {
            Ok(path) => {
                let place = *places.entry(path.clone()).or_insert_with(|| {
                    groups.push((path, Vec::new()));
                    groups.len() - 1
                });
                if let Some((_, members)) = groups.get_mut(place) {
                    members.push((index, hunk));
                }
            }
            Err(problem) => refused.push(unresolved(request, index, hunk, problem)),
        }
    }
    if refused.is_empty() {
        Ok(groups)
    } else {
        Err(Refusal::of_hunks(refused))
    }
}

fn unresolved(
    request: &EditRequest<'_>,
    index: usize,
    hunk: &Hunk,
    problem: Unresolved,
) -> HunkRefusal {
    let path = hunk.path.as_deref();
    let name = path.unwrap_or_default();
    let unreadable = || request.files.unreadable(&crate::formats::paths::tidy(name));
    let (code, message) = match problem {
        Unresolved::Outside => (
            RefusalCode::OutsideWorkspace,
            format!("`{name}` leads outside the workspace. Name a file inside it."),
        ),
        Unresolved::Several(files) => (
            RefusalCode::UnknownFile,
            format!(
                "`{name}` may be {}. Name the file by its full path.",
                files.join(" or ")
            ),
        ),
        Unresolved::Missing => (
            RefusalCode::UnknownFile,
            unreadable().map_or_else(
                || format!("There is no file `{name}`. Name a file that exists."),
                |reason| format!("{reason}."),
            ),
        ),
        Unresolved::Unnamed => (
            RefusalCode::UnknownFile,
            "The hunk does not say which file it is about. Name the file above it.".to_owned(),
        ),
    };
    HunkRefusal::new(index, path, code, message)
}

fn assemble(
    request: &EditRequest<'_>,
    done: Vec<(String, Option<Arc<str>>, Edits)>,
    repairs: Vec<String>,
) -> Result<Proposal, Refusal> {
    let mut verdict = Verdict {
        repairs,
        ..Verdict::default()
    };
    let (mut files, mut placed, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (path, text, edits) in done {
        verdict.repairs.extend(edits.repairs.iter().cloned());
        verdict
            .already_applied
            .extend(edits.already.iter().copied());
        let known = request.files.syntax(&path);
        match to_change(request, &path, text, &edits, known.as_ref(), &mut verdict) {
            Ok(Some(change)) => {
                files.push(change);
                placed.extend(edits.placed);
            }
            Ok(None) => {}
            Err(refusals) => refused.extend(refusals),
        }
    }
    if !refused.is_empty() {
        return Err(Refusal::of_hunks(refused));
    }
    if files.is_empty() {
        return Err(nothing_to_do(&verdict));
    }
    placed.sort_by_key(|hunk: &PlacedHunk| hunk.index);
    verdict.already_applied.sort_unstable();
    let allow_worse_syntax = request.allow_worse_syntax;
    Ok(Proposal {
        files,
        hunks: placed,
        verdict,
        allow_worse_syntax,
    })
}

fn nothing_to_do(verdict: &Verdict) -> Refusal {
    if verdict.already_applied.is_empty() {
        return Refusal::whole(RefusalCode::NoEdit, "The reply changes nothing.");
    }
    Refusal::whole(
        RefusalCode::AlreadyApplied,
        "The files have every change of the reply already. Nothing is left to do.",
    )
}

/// The change of one file, gated. `None` when nothing is left to change.
fn to_change(
    request: &EditRequest<'_>,
    path: &str,
    text: Option<Arc<str>>,
    edits: &Edits,
    known: Option<&Syntax>,
    verdict: &mut Verdict,
) -> Result<Option<FileChange>, Vec<HunkRefusal>> {
    if edits.delete {
        return Ok(text.map(|before| FileChange::Delete {
            path: path.to_owned(),
            before,
        }));
    }
    if let Some(new) = &edits.create {
        let language = language_of(path, new);
        let checked = gate::check("", &ChangeSet::replace_all("", new), new, language, None);
        if checked.is_worse() && !request.allow_worse_syntax {
            let index = edits.placed.first().map_or(0, |hunk| hunk.index);
            return Err(vec![isolate::worse(index, path, &checked)]);
        }
        verdict.worse_allowed |= checked.is_worse();
        verdict.files.push((path.to_owned(), checked));
        return Ok(Some(FileChange::Create {
            path: path.to_owned(),
            text: new.clone(),
        }));
    }
    let Some(before) = text else { return Ok(None) };
    let changes = change_set(edits, &before, path)?;
    if changes.is_empty() && edits.rename.is_none() {
        return Ok(None);
    }
    let after = changes.apply_to_str(&before).map_err(|problem| {
        vec![HunkRefusal::new(
            0,
            Some(path),
            RefusalCode::Overlap,
            problem.to_string(),
        )]
    })?;
    if after.trim().is_empty() && !before.trim().is_empty() {
        let index = edits.placed.first().map_or(0, |hunk| hunk.index);
        let message = format!("The edit would leave {path} empty. To delete a file, say so.");
        return Err(vec![HunkRefusal::new(
            index,
            Some(path),
            RefusalCode::WouldEmptyFile,
            message,
        )]);
    }
    if !changes.is_empty() {
        let checked = gate::check(&before, &changes, &after, language_of(path, &before), known);
        if checked.is_worse() && !request.allow_worse_syntax {
            return Err(isolate::offenders(path, &before, edits, known, &checked));
        }
        verdict.worse_allowed |= checked.is_worse();
        verdict.files.push((path.to_owned(), checked));
    }
    Ok(Some(match &edits.rename {
        Some(to) => FileChange::Rename {
            from: path.to_owned(),
            to: to.clone(),
            before,
            changes,
        },
        None => FileChange::Edit {
            path: path.to_owned(),
            before,
            changes,
        },
    }))
}

pub(super) fn change_set(
    edits: &Edits,
    before: &str,
    path: &str,
) -> Result<ChangeSet, Vec<HunkRefusal>> {
    let replacements = edits
        .owned
        .iter()
        .map(|owned| owned.replacement.clone())
        .collect();
    ChangeSet::new(replacements, ByteOffset(before.len())).map_err(|problem| {
        let index = edits.placed.first().map_or(0, |hunk| hunk.index);
        vec![HunkRefusal::new(
            index,
            Some(path),
            RefusalCode::Overlap,
            problem.to_string(),
        )]
    })
}
