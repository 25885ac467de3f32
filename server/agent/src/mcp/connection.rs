//! One connection, as the official SDK speaks it.

use std::path::Path;

use pleach_exec::{Running, Variables};
use pleach_policy::McpSettings;
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, Implementation,
    ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Map, Value};

use super::McpError;
use super::offer::{self, OfferedTool, cleaned};
use crate::confine;

/// Bytes of one message of a server.
const MOST_MESSAGE: usize = 4 << 20;

pub(super) struct Connection {
    service: RunningService<RoleClient, ClientConfig>,
    pub(super) tools: Vec<OfferedTool>,
    /// Ends with the connection.
    _program: Option<Running>,
}

impl Connection {
    /// Starts or reaches a server and asks for its tools.
    pub(super) async fn open(
        name: &str,
        settings: &McpSettings,
        variables: &Variables,
        folder: Option<&Path>,
    ) -> Result<Self, McpError> {
        let this = Implementation::new("pleach", env!("CARGO_PKG_VERSION"));
        let client = ClientConfig::new(ClientCapabilities::default(), this);
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: None,
        };
        let (service, program) = if let Some(url) = &settings.url {
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .max_sse_event_size(MOST_MESSAGE);
            if let Some(variable) = &settings.key_env {
                let key = variables(variable).filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| McpError::NoKey(variable.clone()))?;
                config = config.auth_header(key);
            }
            let http = pleach_model::http_client(url).map_err(McpError::Unreached)?;
            let transport = StreamableHttpClientTransport::with_client(http, config);
            let service = client.serve_with_lifecycle(transport, lifecycle).await;
            (service, None)
        } else {
            let passed = settings.pass_env.iter();
            let passed = passed.filter_map(|name| Some((name.clone(), variables(name)?)));
            let seen = confine::seen(variables).into_iter().chain(passed);
            let (program, output, input) = Running::start(&settings.command, folder, seen)?;
            let transport = AsyncRwTransport::new(output, input).with_max_line_length(MOST_MESSAGE);
            let service = client.serve_with_lifecycle(transport, lifecycle).await;
            (service, Some(program))
        };
        let service = service.map_err(|error| McpError::Unreached(cleaned(&error.to_string())))?;
        let told = service.list_all_tools().await.map_err(in_words)?;
        Ok(Self {
            tools: offer::fit(name, settings, told),
            service,
            _program: program,
        })
    }

    /// Whether the server is gone.
    pub(super) fn is_over(&self) -> bool {
        self.service.is_closed() || self.service.is_transport_closed()
    }

    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<String, McpError> {
        let call = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        match self.service.call_tool_once(call).await.map_err(in_words)? {
            CallToolResponse::Complete(result) => {
                let text = offer::text_of(&result);
                if result.is_error == Some(true) {
                    Err(McpError::Told(text))
                } else {
                    Ok(text)
                }
            }
            _ => Err(McpError::Told(
                "the tool asks a person for more, which cannot be done here".into(),
            )),
        }
    }
}

fn in_words(error: ServiceError) -> McpError {
    match error {
        ServiceError::McpError(error) => McpError::Told(cleaned(&error.message)),
        error => McpError::Unreached(cleaned(&error.to_string())),
    }
}
