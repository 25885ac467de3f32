//! What the connected editor can do, read once from its `initialize` message.

use lsp_types::{InitializeParams, PositionEncodingKind, ResourceOperationKind, WorkspaceFolders};
use pleach_text::PositionEncoding;
use serde_json::Value;

/// The editor's abilities, as far as Pleach asks for them.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an ability of its own"
)]
pub(crate) struct Client {
    /// Name and version, for logs.
    pub(crate) name: String,
    /// The unit of columns, as negotiated.
    pub(crate) encoding: PositionEncoding,
    /// Counts a line break at the end of every text, even of one that ends without it: lines are all
    /// that it has. Its ranges may reach behind that line break.
    pub(crate) counts_final_break: bool,
    /// Shows progress that the server begins.
    pub(crate) progress: bool,
    /// Opens a document on request.
    pub(crate) show_document: bool,
    /// Applies edits at all.
    pub(crate) apply_edit: bool,
    /// Creates files as part of an edit.
    pub(crate) create_files: bool,
    /// Deletes files as part of an edit.
    pub(crate) delete_files: bool,
    /// Renames files as part of an edit.
    pub(crate) rename_files: bool,
    /// Registers file watchers on request.
    pub(crate) watches_files: bool,
    /// Shows code lenses.
    pub(crate) lenses: bool,
    /// Asks for the code lenses again when it is told to.
    pub(crate) refreshes_lenses: bool,
    /// Shows a message with choices.
    pub(crate) asks: bool,
    /// Shows symbols within symbols.
    pub(crate) nests_symbols: bool,
    /// Reads the version that diagnostics are of.
    pub(crate) diagnostic_versions: bool,
    /// Keeps the data of a diagnostic.
    pub(crate) diagnostic_data: bool,
    /// Takes hover, symbols and folds for some documents only, when it is told so later.
    pub(crate) registers_features: bool,
    /// Wants `pleach/job` notifications.
    pub(crate) job_events: bool,
    /// Asks for the instruction itself when a command comes without one.
    pub(crate) input_box: bool,
    /// Settings that came in `initializationOptions`.
    pub(crate) settings: Option<Value>,
    /// The uris of the workspace's folders.
    pub(crate) folders: Vec<String>,
}

impl Client {
    /// Whether hover, symbols and folds have to be advertised for every document.
    pub(crate) fn asks_statically(&self) -> bool {
        !self.registers_features
    }

    /// Reads the abilities out of an `initialize` message.
    pub(crate) fn new(params: &InitializeParams) -> Self {
        let capabilities = &params.capabilities;
        let workspace = capabilities.workspace.as_ref();
        let window = capabilities.window.as_ref();
        let edits = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let resources = edits.and_then(|edits| edits.resource_operations.as_ref());
        let document = capabilities.text_document.as_ref();
        let diagnostics = document.and_then(|document| document.publish_diagnostics.as_ref());
        let resource =
            |kind: ResourceOperationKind| resources.is_some_and(|known| known.contains(&kind));
        let options = params
            .initialization_options
            .as_ref()
            .and_then(|options| options.get("pleach"));
        let flag = |name: &str| {
            options
                .and_then(|options| options.get(name))
                .and_then(Value::as_bool)
                .unwrap_or(false)
        };
        let name = params.client_info.as_ref().map_or_else(
            || "an unnamed client".to_owned(),
            |info| {
                let version = info.version.as_deref().unwrap_or_default();
                format!("{} {version}", info.name).trim_end().to_owned()
            },
        );
        Self {
            counts_final_break: name.starts_with("Neovim"),
            encoding: encoding(params),
            progress: window
                .and_then(|window| window.work_done_progress)
                .unwrap_or(false),
            // Helix shows documents and does not say so (seen in 25.07.1 and in its master).
            show_document: name.starts_with("helix")
                || window
                    .and_then(|window| window.show_document.as_ref())
                    .is_some_and(|show| show.support),
            // ALE does and does not say so.
            apply_edit: flag("applyEdit")
                || workspace
                    .and_then(|workspace| workspace.apply_edit)
                    .unwrap_or(false),
            create_files: resource(ResourceOperationKind::Create),
            delete_files: resource(ResourceOperationKind::Delete),
            rename_files: resource(ResourceOperationKind::Rename),
            watches_files: workspace
                .and_then(|workspace| workspace.did_change_watched_files.as_ref())
                .and_then(|watch| watch.dynamic_registration)
                .unwrap_or(false),
            lenses: capabilities
                .text_document
                .as_ref()
                .is_some_and(|document| document.code_lens.is_some()),
            refreshes_lenses: workspace
                .and_then(|workspace| workspace.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)
                .unwrap_or(false),
            asks: window.is_some_and(|window| window.show_message.is_some()),
            nests_symbols: capabilities
                .text_document
                .as_ref()
                .and_then(|document| document.document_symbol.as_ref())
                .and_then(|symbols| symbols.hierarchical_document_symbol_support)
                .unwrap_or(false),
            diagnostic_versions: diagnostics
                .and_then(|diagnostics| diagnostics.version_support)
                .unwrap_or(false),
            diagnostic_data: diagnostics
                .and_then(|diagnostics| diagnostics.diagnostics_capabilities.data_support)
                .unwrap_or(false),
            registers_features: registers_features(params),
            job_events: flag("jobEvents"),
            input_box: flag("inputBox"),
            settings: options.and_then(|options| options.get("settings")).cloned(),
            folders: folders(params),
            name,
        }
    }
}

/// Whether all three of what is answered for plans can be registered later.
fn registers_features(params: &InitializeParams) -> bool {
    let Some(document) = &params.capabilities.text_document else {
        return false;
    };
    let hover = document
        .hover
        .as_ref()
        .and_then(|it| it.dynamic_registration);
    let symbols = document.document_symbol.as_ref();
    let symbols = symbols.and_then(|it| it.dynamic_registration);
    let folds = document.folding_range.as_ref();
    let folds = folds.and_then(|it| it.dynamic_registration);
    [hover, symbols, folds] == [Some(true); 3]
}

/// UTF-8 where it is offered, because our texts are UTF-8; else UTF-16, which every client speaks;
/// UTF-32 only when a client offers nothing else.
fn encoding(params: &InitializeParams) -> PositionEncoding {
    let offered = params
        .capabilities
        .general
        .as_ref()
        .and_then(|general| general.position_encodings.as_deref())
        .unwrap_or_default();
    if offered.contains(&PositionEncodingKind::UTF8) {
        PositionEncoding::Utf8
    } else if offered.contains(&PositionEncodingKind::UTF32)
        && !offered.contains(&PositionEncodingKind::UTF16)
    {
        PositionEncoding::Utf32
    } else {
        PositionEncoding::Utf16
    }
}

#[expect(deprecated, reason = "clients that know no folders still send rootUri")]
fn folders(params: &InitializeParams) -> Vec<String> {
    match &params.workspace_folders_initialize_params.workspace_folders {
        Some(WorkspaceFolders::WorkspaceFolderList(folders)) if !folders.is_empty() => {
            folders.iter().map(|folder| folder.uri.0.clone()).collect()
        }
        _ => params.root_uri.iter().map(|uri| uri.0.clone()).collect(),
    }
}
