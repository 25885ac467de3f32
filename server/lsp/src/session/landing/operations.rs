//! A file's change in the words of `workspace/applyEdit`.

use pleach_edit::FileChange;
use pleach_text::ChangeSet;
use pleach_workspace::WorkspaceSnapshot;
use ropey::Rope;
use serde_json::{Value, json};

use crate::client::Client;
use crate::session::documents::Document;
use crate::session::landing::LandingFailure;
use crate::to_proto;

/// What is sent for one file.
pub(super) struct Operations {
    /// The members of `documentChanges`.
    pub(super) list: Vec<Value>,
    /// Where the new text will be.
    pub(super) uri: String,
    /// What of that text is ours, where it is an open document's.
    pub(super) changes: Option<ChangeSet>,
}

impl Operations {
    /// `change` of the file at `uri`, which is open as `document` or not at all.
    pub(super) fn of(
        change: &FileChange,
        uri: String,
        document: Option<&Document>,
        snapshot: &WorkspaceSnapshot,
        client: &Client,
    ) -> Result<Self, LandingFailure> {
        let encoding = client.encoding;
        let version = document.map(|document| document.version);
        Ok(match change {
            FileChange::Edit {
                before, changes, ..
            } => {
                let text = match document {
                    Some(document) => document.text.clone(),
                    None => Rope::from_str(before),
                };
                Self {
                    list: vec![to_proto::text_edit(&uri, version, &text, changes, encoding)],
                    uri,
                    changes: Some(changes.clone()),
                }
            }
            FileChange::Create { text, .. } => Self {
                list: to_proto::create_file(&uri, text, client.counts_final_break),
                uri,
                changes: None,
            },
            FileChange::Delete { .. } => Self {
                list: vec![json!({"kind": "delete", "uri": uri})],
                uri,
                changes: None,
            },
            FileChange::Rename {
                to,
                changes,
                before,
                ..
            } => {
                let new_uri =
                    snapshot
                        .uri_of(to)
                        .map_err(|refusal| LandingFailure::Unreachable {
                            path: to.clone(),
                            why: refusal.to_string(),
                        })?;
                let mut list = vec![json!({
                    "kind": "rename", "oldUri": uri, "newUri": new_uri,
                    "options": {"overwrite": false, "ignoreIfExists": false},
                })];
                if !changes.is_empty() {
                    let text = Rope::from_str(before);
                    list.push(to_proto::text_edit(
                        &new_uri, None, &text, changes, encoding,
                    ));
                }
                Self {
                    list,
                    uri: new_uri,
                    changes: None,
                }
            }
        })
    }
}
