//! The entries of the menu that are about chats.

use lsp_types::{CodeAction, CodeActionKind, CodeActionParams, Command};
use pleach_agent::Action;
use pleach_plan::chat::{Chat, Speaker, edit_blocks};
use pleach_text::ByteRange;
use serde_json::{Value, json};

use super::{ChatCommand, is_chat_uri};
use crate::actions::asked_for;
use crate::session::Session;

/// The kind of these entries.
const KIND: &str = "refactor.pleach.chat";

impl Session {
    /// The entries for a place in a chat.
    pub(in crate::session) fn chat_entries(
        &self,
        params: &CodeActionParams,
        range: ByteRange,
    ) -> Vec<CodeAction> {
        let uri = &params.text_document.uri.0;
        if !is_chat_uri(uri) || !asked_for(params.context.only.as_deref(), KIND) {
            return Vec::new();
        }
        let Some(document) = self.documents.get(uri) else {
            return Vec::new();
        };
        let text = document.text.to_string();
        let chat = Chat::parse(&text);
        let mut entries = Vec::new();
        let mut add = |title: String, command: ChatCommand, arguments: Value| {
            entries.push(CodeAction {
                title: title.clone(),
                kind: Some(CodeActionKind::Custom(KIND.into())),
                command: Some(Command {
                    title,
                    tooltip: None,
                    command: command.command().into(),
                    arguments: Some(vec![arguments]),
                }),
                ..CodeAction::default()
            });
        };
        let is_answering = self.chats.asked.values().any(|it| it.uri == *uri);
        if chat.question().is_some() && !is_answering && self.configuration.has_model(Action::Chat)
        {
            let arguments = json!({"uri": uri});
            add(
                "Continue this chat".to_owned(),
                ChatCommand::Continue,
                arguments,
            );
        }
        let turn = chat.turn_at(range.start.0);
        if let Some(turn) = turn.filter(|turn| turn.speaker == Speaker::Pleach) {
            let blocks = edit_blocks(chat.text_of(turn));
            let at = range.start.0.saturating_sub(turn.body.start.0);
            let here = blocks
                .iter()
                .find(|block| block.range.start.0 <= at && at < block.range.end.0);
            let line = document.text.byte_to_line(range.start.0.min(text.len())) + 1;
            if let Some(block) = here {
                let of = block.path.as_deref().unwrap_or("this patch");
                let arguments = json!({"uri": uri, "line": line});
                add(
                    format!("Land the edit of {of}"),
                    ChatCommand::Land,
                    arguments,
                );
            }
            if blocks.len() > 1 || (here.is_none() && !blocks.is_empty()) {
                let arguments = json!({"uri": uri, "line": line, "all": true});
                let title = match blocks.len() {
                    1 => "Land the edit of this answer".to_owned(),
                    count => format!("Land all {count} edits of this answer"),
                };
                add(title, ChatCommand::Land, arguments);
            }
        }
        entries
    }
}
