//! The published schema as people and editors see it.

use serde_json::Value;

/// Takes out what only Rust knows of: where lines break in the source, the widths of integers, and
/// null, which TOML does not have.
pub(super) fn polish(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(description)) = map.get_mut("description") {
                *description = unwrapped(description);
            }
            if map.get("format").is_some_and(|format| format != "uri") {
                map.remove("format");
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            if let Some(kinds) = map.get_mut("type")
                && let Some(kind) = kinds.as_array().and_then(|kinds| {
                    kinds
                        .iter()
                        .find(|kind| kind.as_str() != Some("null"))
                        .cloned()
                })
            {
                *kinds = kind;
            }
            map.values_mut().for_each(polish);
        }
        Value::Array(items) => items.iter_mut().for_each(polish),
        _ => {}
    }
}

/// Paragraphs on one line each.
fn unwrapped(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
