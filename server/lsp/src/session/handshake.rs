//! The handshake: what the editor can do, and what Pleach offers it.

use lsp_types::{
    ChangeNotifications, CodeActionKind, CodeActionOptions, CodeActionProvider, CodeLensOptions,
    ExecuteCommandOptions, InitializeParams, InitializeResult, PositionEncodingKind, Save,
    SaveOptions, ServerCapabilities, ServerInfo, TextDocumentSync, TextDocumentSyncKind,
    TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use pleach_agent::Action;
use pleach_text::PositionEncoding;
use serde_json::json;

use crate::actions::KINDS;
use crate::client::Client;
use crate::event::Reply;
use crate::session::chats::{ChatCommand, ChatLook};
use crate::session::commands::{
    ACTION, HISTORY, INDEX, NEW, PIPELINE, PREVIEW, RULES, SEARCH, SENT, STATUS, TEMPLATES, USAGE,
};
use crate::session::findings::FindingCommand;
use crate::session::plans::PlanCommand;
use crate::session::reviews::Decision;
use crate::session::{Awaited, Session};

impl Session {
    pub(super) fn initialize(&mut self, params: &InitializeParams, reply: Reply<InitializeResult>) {
        self.client = Client::new(params);
        tracing::info!(client = self.client.name, "connected");
        self.configuration.set_folders(self.client.folders.clone());
        reply.send(Ok(InitializeResult {
            capabilities: capabilities(&self.client),
            server_info: Some(ServerInfo {
                name: "pleach".into(),
                version: Some(self.environment.version.into()),
            }),
        }));
        self.load_settings();
    }

    pub(super) fn initialized(&mut self) {
        self.recover();
        let trials = self.trials();
        drop(tokio::task::spawn_blocking(move || {
            pleach_workspace::forget_old_trials(&trials);
        }));
        if !self.client.asks_statically() {
            let plans = json!({"documentSelector": [{"pattern": "**/.pleach/plans/*.md"}]});
            let of = |what: &str| {
                json!({
                    "id": format!("pleach-plans-{what}"), "method": format!("textDocument/{what}"),
                    "registerOptions": plans,
                })
            };
            let registrations = ["hover", "documentSymbol", "foldingRange"].map(of);
            let nothing = Awaited::Nothing("client/registerCapability");
            let params = json!({ "registrations": registrations });
            self.request("client/registerCapability", &params, nothing);
        }
        if self.client.watches_files {
            let watch = json!({"registrations": [{
                "id": "pleach-settings",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": [
                    {"globPattern": "**/pleach.toml"},
                    {"globPattern": "**/.pleach/{roles,actions}/*.md"},
                    {"globPattern": "**/.pleach/templates/*/template.toml"},
                ]},
            }]});
            let nothing = Awaited::Nothing("client/registerCapability");
            self.request("client/registerCapability", &watch, nothing);
        }
    }
}

/// What is advertised: only what works. Never `codeAction/resolve`: Helix freezes while it waits for
/// it.
fn capabilities(client: &Client) -> ServerCapabilities {
    let mut commands: Vec<String> = Action::ALL
        .iter()
        .map(|action| action.command().to_owned())
        .collect();
    commands.extend(Decision::ALL.map(|decision| decision.command().to_owned()));
    let plans = PlanCommand::ALL.iter().map(|it| it.command().to_owned());
    commands.extend(plans.filter(|it| Action::from_command(it).is_none()));
    let chats = ChatCommand::ALL.iter().map(|it| it.command().to_owned());
    commands.extend(chats.filter(|it| Action::from_command(it).is_none()));
    commands.extend(ChatLook::ALL.map(|it| it.command().to_owned()));
    commands.extend(FindingCommand::ALL.map(|it| it.command().to_owned()));
    let others = [
        STATUS, HISTORY, USAGE, RULES, ACTION, PIPELINE, PREVIEW, SEARCH, INDEX, SENT, TEMPLATES,
        NEW,
    ];
    commands.extend(others.map(str::to_owned));
    ServerCapabilities {
        position_encoding: Some(match client.encoding {
            PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
            PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
            PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            // The text that is saved mends whatever was misunderstood before. Neovim, for one, reports
            // nothing when the last but one empty line is deleted.
            save: Some(Save::SaveOptions(SaveOptions {
                include_text: Some(true),
            })),
            ..TextDocumentSyncOptions::default()
        })),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(
                KINDS
                    .iter()
                    .map(|kind| CodeActionKind::Custom((*kind).into()))
                    .collect(),
            ),
            ..CodeActionOptions::default()
        })),
        // Answered for plans only; where the editor can be told so later, it is.
        hover_provider: client.asks_statically().then_some(true.into()),
        document_symbol_provider: client.asks_statically().then_some(true.into()),
        folding_range_provider: client.asks_statically().then_some(true.into()),
        code_lens_provider: client.lenses.then(CodeLensOptions::default),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands,
            ..ExecuteCommandOptions::default()
        }),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}
