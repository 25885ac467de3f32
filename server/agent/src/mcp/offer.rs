//! What a server offers and answers, cut to a size and cleaned.

use pleach_model::Tool;
use pleach_policy::{McpSettings, is_invisible};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

/// Characters of a description.
const MOST_DESCRIPTION: usize = 1024;
/// Bytes of a schema.
const MOST_SCHEMA: usize = 16 << 10;
/// Bytes of a name as models call it; providers take no longer ones.
const MOST_NAME: usize = 64;
/// Bytes of an answer.
pub(super) const MOST_TEXT: usize = 32 << 10;

/// A tool of a server.
#[derive(Debug, Clone)]
pub(crate) struct OfferedTool {
    /// The server, as the settings name it.
    pub(super) server: String,
    /// As the server names it.
    pub(super) own_name: String,
    /// As models are told; its name is that of the server, `__`, and its own.
    pub(crate) tool: Tool,
}

/// The tools of a server that are offered: those that the settings name, with names that every provider
/// takes.
pub(super) fn fit(
    server: &str,
    settings: &McpSettings,
    told: Vec<rmcp::model::Tool>,
) -> Vec<OfferedTool> {
    let mut fit: Vec<OfferedTool> = Vec::new();
    for tool in told {
        let own_name = tool.name.into_owned();
        let name = format!("{server}__{own_name}");
        let is_wanted = settings.tools.is_empty() || settings.tools.contains(&own_name);
        let schema = Value::Object((*tool.input_schema).clone());
        let is_fit = name.len() <= MOST_NAME
            && name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "_-".contains(char))
            && schema.to_string().len() <= MOST_SCHEMA
            && fit.iter().all(|other| other.own_name != own_name);
        if is_wanted && !is_fit {
            tracing::warn!(
                server,
                tool = cleaned(&own_name),
                "this tool cannot be offered"
            );
        }
        if !is_wanted || !is_fit {
            continue;
        }
        let description = tool.description.unwrap_or_default();
        fit.push(OfferedTool {
            server: server.to_owned(),
            own_name,
            tool: Tool {
                name,
                description: cut(&cleaned(&description), MOST_DESCRIPTION),
                schema,
            },
        });
    }
    fit
}

/// An answer as the model reads it. What is no text is named.
pub(super) fn text_of(result: &CallToolResult) -> String {
    let mut text = String::new();
    for block in &result.content {
        let part = match block {
            ContentBlock::Text(part) => part.text.clone(),
            ContentBlock::Image(_) => "(an image, left out)".to_owned(),
            ContentBlock::Audio(_) => "(a sound, left out)".to_owned(),
            ContentBlock::Resource(part) => match &part.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    format!("{uri}:\n{text}")
                }
                _ => "(bytes, left out)".to_owned(),
            },
            ContentBlock::ResourceLink(link) => format!("(see {})", link.uri),
            _ => "(something unknown, left out)".to_owned(),
        };
        text.push_str(part.trim_end());
        text.push('\n');
    }
    if text.trim().is_empty()
        && let Some(value) = &result.structured_content
    {
        text = value.to_string();
    }
    cut(&cleaned(&text), MOST_TEXT)
}

/// Without what a person could not see: control characters, and those that turn the order of letters.
pub(super) fn cleaned(text: &str) -> String {
    let is_seen = |c: &char| matches!(c, '\n' | '\t') || !(c.is_control() || is_invisible(*c));
    text.chars().filter(is_seen).collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most);
    let kept = text.get(..end).unwrap_or_default();
    format!("{kept}\n(cut: {} of {} bytes)", end, text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    fn told(name: &str, description: &str, schema: &Value) -> rmcp::model::Tool {
        serde_json::from_value(json!({
            "name": name, "description": description, "inputSchema": schema,
        }))
        .unwrap()
    }

    #[test]
    fn what_providers_would_not_take_is_not_offered() {
        let plain = json!({"type": "object"});
        let large = json!({"type": "object", "description": "x".repeat(MOST_SCHEMA)});
        let told = [
            told("read", &"long ".repeat(1000), &plain),
            told("read", "The same name.", &plain),
            told("read file", "A blank.", &plain),
            told(&"r".repeat(64), "Too long.", &plain),
            told("large", "Too large.", &large),
            told("other", "Turned \u{202e}round.", &plain),
        ];
        let fit = fit("files", &McpSettings::default(), told.into());
        let names: Vec<&str> = fit.iter().map(|it| it.tool.name.as_str()).collect();
        assert_eq!(names, ["files__read", "files__other"]);
        assert!(fit[0].tool.description.len() < MOST_DESCRIPTION + 40);
        assert_eq!(fit[1].tool.description, "Turned round.");
    }

    #[test]
    fn the_settings_choose_among_the_tools() {
        let plain = json!({"type": "object"});
        let settings = McpSettings {
            tools: vec!["b".into()],
            ..McpSettings::default()
        };
        let fit = fit(
            "s",
            &settings,
            vec![told("a", "A.", &plain), told("b", "B.", &plain)],
        );
        assert_eq!(fit.len(), 1);
        assert_eq!(fit[0].own_name, "b");
    }

    #[test]
    fn an_answer_is_text_of_a_size() {
        let result =
            |content: Value| -> CallToolResult { serde_json::from_value(content).unwrap() };
        let mixed = result(json!({"content": [
            {"type": "text", "text": "größe\u{7}"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        ]}));
        assert_eq!(text_of(&mixed), "größe\n(an image, left out)\n");
        let structured = result(json!({"content": [], "structuredContent": {"sum": 5}}));
        assert_eq!(text_of(&structured), "{\"sum\":5}");
        let long = result(json!({"content": [{"type": "text", "text": "ß".repeat(MOST_TEXT)}]}));
        let text = text_of(&long);
        assert!(text.len() < MOST_TEXT + 40 && text.contains("(cut: "));
    }
}
