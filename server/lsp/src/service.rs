//! The router: from JSON-RPC methods to events. Beside the transport, the only place that knows
//! tower-lsp.
//!
//! A handler decodes and enqueues before its first await, because what happens before it happens in
//! the order of arrival and nothing after it does.

use lsp_types::{
    CodeActionParams, CodeActionResponse, CodeLensParams, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentSymbolParams, ExecuteCommandParams, FoldingRangeParams, HoverParams, InitializeParams,
    InitializeResult, InitializedParams, WorkDoneProgressCancelParams,
};
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::{ClientSocket, LanguageServer, LspService};

use crate::event::{Event, Inbox};
use crate::session::plans::PlanQuestion;
use crate::transport::current_request;

/// Decodes messages and hands them to the session.
pub(crate) struct Service {
    inbox: Inbox,
}

/// The router with every method that Pleach answers.
pub(crate) fn service(inbox: Inbox) -> (LspService<Service>, ClientSocket) {
    LspService::build_with_lifecycle_methods(|_client| Service { inbox })
        .custom_method("textDocument/didClose", Service::did_close)
        .custom_method("textDocument/didSave", Service::did_save)
        .custom_method("textDocument/codeAction", Service::code_action)
        .custom_method("textDocument/codeLens", Service::code_lens)
        .custom_method("textDocument/hover", Service::hover)
        .custom_method("textDocument/documentSymbol", Service::document_symbol)
        .custom_method("textDocument/foldingRange", Service::folding_range)
        .custom_method("workspace/executeCommand", Service::execute_command)
        .custom_method(
            "workspace/didChangeConfiguration",
            Service::did_change_configuration,
        )
        .custom_method(
            "workspace/didChangeWorkspaceFolders",
            Service::did_change_folders,
        )
        .custom_method(
            "workspace/didChangeWatchedFiles",
            Service::did_change_watched_files,
        )
        .custom_method("window/workDoneProgress/cancel", Service::cancel_progress)
        .custom_method("$/setTrace", Service::set_trace)
        .custom_method("pleach/documentText", Service::document_text)
        .finish()
}

impl LanguageServer for Service {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let params = Box::new(params);
        self.inbox
            .ask("initialize", |reply| Event::Initialize { params, reply })
            .await
    }

    async fn initialized(&self, _: InitializedParams) {
        self.inbox.put(Event::Initialized);
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    // The transport calls these two itself, past the router: they are a keystroke's path.
    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        self.inbox.put(Event::Opened(Box::new(params)));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.inbox.put(Event::Changed(Box::new(params)));
    }
}

#[expect(
    clippy::unused_async,
    reason = "the router takes asynchronous functions"
)]
impl Service {
    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.inbox.put(Event::Closed {
            uri: params.text_document.uri.0,
        });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.inbox.put(Event::Saved {
            uri: params.text_document.uri.0,
            text: params.text,
        });
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Vec<CodeActionResponse>> {
        let params = Box::new(params);
        self.inbox
            .ask("textDocument/codeAction", |reply| Event::ListActions {
                params,
                reply,
            })
            .await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Value> {
        let uri = params.text_document.uri.0;
        self.inbox
            .ask("textDocument/codeLens", |reply| Event::Lenses {
                uri,
                reply,
            })
            .await
    }

    async fn hover(&self, params: HoverParams) -> Result<Value> {
        let at = params.text_document_position_params;
        let question = PlanQuestion::Hover(at.position);
        self.ask_about("textDocument/hover", at.text_document.uri.0, question)
            .await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Value> {
        let uri = params.text_document.uri.0;
        self.ask_about("textDocument/documentSymbol", uri, PlanQuestion::Symbols)
            .await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Value> {
        let uri = params.text_document.uri.0;
        self.ask_about("textDocument/foldingRange", uri, PlanQuestion::Folds)
            .await
    }

    async fn ask_about(
        &self,
        method: &'static str,
        uri: String,
        question: PlanQuestion,
    ) -> Result<Value> {
        self.inbox
            .ask(method, |reply| Event::PlanAsked {
                uri,
                question,
                reply,
            })
            .await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Value> {
        let request = current_request();
        let ExecuteCommandParams {
            command, arguments, ..
        } = params;
        let arguments = arguments.unwrap_or_default();
        self.inbox
            .ask("workspace/executeCommand", |reply| Event::Execute {
                request,
                command,
                arguments,
                reply,
            })
            .await
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.inbox.put(Event::ConfigurationChanged(params.settings));
    }

    async fn did_change_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let uris = |folders: Vec<lsp_types::WorkspaceFolder>| {
            folders.into_iter().map(|folder| folder.uri.0).collect()
        };
        self.inbox.put(Event::FoldersChanged {
            added: uris(params.event.added),
            removed: uris(params.event.removed),
        });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let uris = params.changes.into_iter().map(|change| change.uri.0);
        self.inbox.put(Event::WatchedFilesChanged(uris.collect()));
    }

    async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        self.inbox.put(Event::CancelProgress {
            token: params.token,
        });
    }

    // Accepted so that a client which sends it is not told of an unknown method; logs are not traced.
    async fn set_trace(&self, _: Value) {}

    async fn document_text(&self, params: Value) -> Result<Value> {
        let uri = params.get("uri").and_then(Value::as_str);
        let uri = uri
            .ok_or_else(|| Error::invalid_params("give {\"uri\": \"…\"}"))?
            .to_owned();
        self.inbox
            .ask("pleach/documentText", |reply| Event::DocumentText {
                uri,
                reply,
            })
            .await
    }
}
