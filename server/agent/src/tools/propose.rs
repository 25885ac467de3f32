//! Proposing edits: each is located and gated at once, together with those before it, and none is applied.

use pleach_edit::{EditRequest, Format, Proposal};
use serde_json::json;

use super::arguments::ProposeEdit;
use super::{Ground, ToolError};
use crate::roles::Gate;
use crate::shield;

/// Edits of one proposal.
const MOST: usize = 200;

/// What was proposed and may land.
pub(super) struct Proposed {
    gate: Gate,
    /// Each as it was called.
    edits: Vec<serde_json::Value>,
    proposal: Option<Box<Proposal>>,
}

impl Proposed {
    /// Nothing yet. All of it will have to pass this.
    pub(super) fn through(gate: Gate) -> Self {
        Self {
            gate,
            edits: Vec::new(),
            proposal: None,
        }
    }

    /// Adds an edit if it passes the gate with all before it.
    pub(super) async fn add(
        &mut self,
        ground: &Ground,
        edit: ProposeEdit,
    ) -> Result<String, ToolError> {
        if self.edits.len() >= MOST {
            return Err(ToolError::TooManyEdits { limit: MOST });
        }
        let path = edit.path;
        let (search, replace) = (ground.restore(&edit.search), ground.restore(&edit.replace));
        let edit = json!({"path": path, "old_str": search, "new_str": replace});
        let mut edits = self.edits.clone();
        edits.push(edit);
        let reply = as_reply(&edits);
        let workspace = ground.workspace().clone();
        let gate = self.gate;
        let judged = tokio::task::spawn_blocking(move || {
            let proposed = pleach_edit::propose(&EditRequest {
                reply: &reply,
                files: &workspace,
                format: Some(Format::StrReplace),
                target: None,
                allow_worse_syntax: false,
            });
            if let Some((path, why)) = shield::touched(&workspace, &reply, &proposed) {
                return Err(ToolError::Withheld { path, why });
            }
            let judged = proposed.and_then(|it| gate.judge(&it).map(|()| it));
            judged.map_err(|refusal| ToolError::Refused {
                code: refusal.code.code(),
                told: refusal.for_model(),
            })
        });
        let judged = judged.await.map_err(|_panic| ToolError::Internal)?;
        let proposal = judged.map_err(|error| match error {
            ToolError::Refused { code, told } => {
                let told = ground.hide(Some(&path), &told);
                ToolError::Refused { code, told }
            }
            error => error,
        })?;
        let told = format!(
            "Taken as edit {} of this proposal; the person reviews it when you have finished. {}",
            edits.len(),
            ground.hide(Some(&path), &proposal.verdict().to_string())
        );
        self.edits = edits;
        self.proposal = Some(Box::new(proposal));
        Ok(told)
    }

    /// The proposal, and the edits that it was made from.
    pub(super) fn take(&mut self) -> Option<(Box<Proposal>, String)> {
        let proposal = self.proposal.take()?;
        Some((proposal, as_reply(&std::mem::take(&mut self.edits))))
    }
}

/// The edits in a form that can be landed by hand, should it come to that.
fn as_reply(edits: &[serde_json::Value]) -> String {
    format!("{:#}\n", json!({"edits": edits}))
}
