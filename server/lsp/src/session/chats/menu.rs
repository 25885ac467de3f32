//! The entries of the menu that are about chats.

use lsp_types::{CodeAction, CodeActionKind, CodeActionParams, Command};
use pleach_agent::Action;
use pleach_agent::chat::is_chat;
use pleach_plan::chat::Chat;
use pleach_text::ByteRange;
use serde_json::{Value, json};

use super::ChatCommand;
use super::commands::Landable;
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
        if !is_chat(uri) || !asked_for(params.context.only.as_deref(), KIND) {
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
        let at = range.start.0;
        let turn = chat.turn_at(at);
        if let Some(landable) = turn.and_then(|turn| Landable::of(&chat, turn, Some(at))) {
            let line = document.text.byte_to_line(at.min(text.len())) + 1;
            if let Some(block) = landable.here() {
                let of = block.path.as_deref().unwrap_or("this patch");
                let arguments = json!({"uri": uri, "line": line});
                add(
                    format!("Land the edit of {of}"),
                    ChatCommand::Land,
                    arguments,
                );
            }
            let count = landable.blocks.len();
            if count > 1 || (count == 1 && landable.here().is_none()) {
                let arguments = json!({"uri": uri, "line": line, "all": true});
                let title = match count {
                    1 => "Land the edit of this answer".to_owned(),
                    count => format!("Land all {count} edits of this answer"),
                };
                add(title, ChatCommand::Land, arguments);
            }
        }
        entries
    }
}
