//! What leaves the machine, and what comes back: the model sees placeholders for secrets, everybody
//! else the secrets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use pleach_edit::{Proposal, Refusal, ReplyStream};
use pleach_model::{ModelEvent, ProviderError};
use pleach_policy::{IGNORE_FILE, IgnoreRules, Secrets, is_ignored, is_withheld};
use pleach_workspace::{WorkspaceSnapshot, uri_from_path};

use crate::failure::JobFailure;
use crate::job::JobRequest;

/// Refuses a job whose document is never sent.
pub(crate) fn check(request: &JobRequest) -> Result<(), JobFailure> {
    let path = &request.document.path;
    match Shield::of(&request.workspace).keeps_text_of(path) {
        Some(why) => Err(JobFailure::Withheld {
            path: path.clone(),
            why,
        }),
        None => Ok(()),
    }
}

/// Of what a model's reply is about, the first file that is never sent, and why: what is said of such an edit
/// would show lines of it, and so would guesses that fit. A file that is not there yet may be made. Asks the
/// disk.
pub(crate) fn touched(
    workspace: &WorkspaceSnapshot,
    reply: &str,
    proposed: &Result<Proposal, Refusal>,
) -> Option<(String, &'static str)> {
    let shield = Shield::of(workspace);
    // Hunks that change nothing, because the file is so already, are in no proposal.
    let mut stream = ReplyStream::new(None);
    let complete = stream.push(reply);
    let hunks = stream.finish().map_or(complete, |(_, all)| all);
    let named = hunks.into_iter().filter_map(|hunk| hunk.path);
    let mut paths: Vec<String> = named.filter(|path| workspace.exists(path)).collect();
    match proposed {
        Ok(proposal) => {
            let files = proposal.files().iter();
            let changed = files.filter(|file| file.before().is_some());
            paths.extend(changed.map(|file| file.path().to_owned()));
        }
        Err(refusal) => {
            let hunks = refusal.hunks.iter();
            paths.extend(hunks.filter_map(|hunk| hunk.path.clone()));
        }
    }
    let mut paths = paths.into_iter();
    paths.find_map(|path| {
        let why = shield.keeps_text_of(&path)?;
        Some((path, why))
    })
}

/// What keeps files of a workspace back. Each folder's rules are read once.
pub(crate) struct Shield<'a> {
    workspace: &'a WorkspaceSnapshot,
    rules: RefCell<BTreeMap<String, Option<Arc<IgnoreRules>>>>,
}

impl<'a> Shield<'a> {
    pub(crate) fn of(workspace: &'a WorkspaceSnapshot) -> Self {
        Self {
            workspace,
            rules: RefCell::default(),
        }
    }

    /// Why the file called `path` is never sent, if it is one of those. Asks the disk.
    pub(crate) fn kept_back(&self, path: &str) -> Option<&'static str> {
        if is_withheld(path) {
            return Some("files of this name hold keys or passwords");
        }
        is_ignored(path, |folder| self.rules_in(folder)).then_some("a .pleachignore keeps it back")
    }

    /// As [`Shield::kept_back`], of the file that is really there: a link may lead to one that is never sent.
    pub(crate) fn keeps_text_of(&self, path: &str) -> Option<&'static str> {
        self.kept_back(path).or_else(|| {
            let real = self.workspace.resolve(path).ok()?.path;
            let name = self.workspace.name_to_read(&uri_from_path(&real)).ok()?;
            self.kept_back(&name)
        })
    }

    fn rules_in(&self, folder: &str) -> Option<Arc<IgnoreRules>> {
        let mut known = self.rules.borrow_mut();
        if let Some(rules) = known.get(folder) {
            return rules.clone();
        }
        let file = if folder.is_empty() {
            IGNORE_FILE.to_owned()
        } else {
            format!("{folder}/{IGNORE_FILE}")
        };
        let text = self.workspace.read_text(&file).ok();
        let rules = text.map(|text| Arc::new(IgnoreRules::read(&text)));
        known.insert(folder.to_owned(), rules.clone());
        rules
    }
}

/// An answer with the secrets back in their places. What may be the beginning of a placeholder waits for
/// its end.
pub(crate) fn restored(
    events: impl Stream<Item = Result<ModelEvent, ProviderError>>,
    secrets: Secrets,
) -> impl Stream<Item = Result<ModelEvent, ProviderError>> {
    let mut held = String::new();
    events.flat_map(move |event| {
        let mut out = Vec::new();
        match event {
            Ok(ModelEvent::Text(piece)) => {
                held.push_str(&piece);
                let rest = held.split_off(Secrets::settled(&held));
                let text = std::mem::replace(&mut held, rest);
                if !text.is_empty() {
                    out.push(Ok(ModelEvent::Text(secrets.restore(&text).into_owned())));
                }
            }
            event => {
                let is_last = matches!(event, Err(_) | Ok(ModelEvent::Stopped(_)));
                if is_last && !held.is_empty() {
                    let text = std::mem::take(&mut held);
                    out.push(Ok(ModelEvent::Text(secrets.restore(&text).into_owned())));
                }
                out.push(event);
            }
        }
        stream::iter(out)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn placeholders_that_come_in_pieces_become_secrets_again() {
        let mut secrets = Secrets::default();
        let text = "password = 'hunter2!' # größe\n";
        let sent = secrets.hide(Some("a.py"), text).into_owned();
        assert!(!sent.contains("hunter2"));
        for length in 1..8 {
            let pieces: Vec<_> = sent
                .chars()
                .collect::<Vec<_>>()
                .chunks(length)
                .map(|piece| Ok(ModelEvent::Text(piece.iter().collect())))
                .collect();
            let end = Err(ProviderError::Truncated { bytes: 1 });
            let events = stream::iter(pieces.into_iter().chain([end]));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let all: Vec<_> = runtime.block_on(restored(events, secrets.clone()).collect());
            let back: String = all
                .iter()
                .filter_map(|event| match event {
                    Ok(ModelEvent::Text(text)) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(back, text, "{length}");
            assert!(all.last().unwrap().is_err());
        }
    }
}
