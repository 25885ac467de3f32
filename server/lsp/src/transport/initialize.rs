//! Reads `initialize` as far as it can be read.
//!
//! The capabilities of a client are a large tree that grows with every version of the protocol and
//! with every plugin that adds to it. One value of an unexpected shape in it must not cost the
//! session. So what does not decode is removed, as little as possible of it, and the rest is used.

use lsp_types::InitializeParams;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Removes from `params` what keeps it from being decoded. Returns the JSON pointers of what was
/// removed, which are none for a client that keeps to the protocol.
pub(super) fn make_decodable(params: &mut Value) -> Vec<String> {
    let mut removed = Vec::new();
    if decodes(params) {
        return removed;
    }
    let Value::Object(members) = params else {
        return removed;
    };
    let members = std::mem::take(members);
    *params = json!({ "capabilities": {} });
    for (name, value) in members {
        keep(params, "", name, value, &mut removed);
    }
    removed
}

fn decodes(params: &Value) -> bool {
    InitializeParams::deserialize(params).is_ok()
}

/// Puts `value` under `name` into the object at `parent`, or as much of it as decodes.
fn keep(params: &mut Value, parent: &str, name: String, value: Value, removed: &mut Vec<String>) {
    let pointer = format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"));
    let before = members_at(params, parent).and_then(|it| it.insert(name.clone(), value.clone()));
    if decodes(params) {
        return;
    }
    let empty = match &value {
        Value::Object(_) => json!({}),
        Value::Array(_) => json!([]),
        _ => Value::Null,
    };
    let is_container = !empty.is_null();
    if let Some(members) = members_at(params, parent) {
        members.insert(name.clone(), empty);
    }
    if !is_container || !decodes(params) {
        if let Some(members) = members_at(params, parent) {
            // What was there decodes, and may be required.
            match before {
                Some(before) => members.insert(name, before),
                None => members.remove(&name),
            };
        }
        removed.push(pointer);
        return;
    }
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                keep(params, &pointer, name, value, removed);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                push(params, &pointer, item);
                if !decodes(params) {
                    if let Some(Value::Array(kept)) = params.pointer_mut(&pointer) {
                        kept.pop();
                    }
                    removed.push(format!("{pointer}/{index}"));
                }
            }
        }
        _ => {}
    }
}

fn push(params: &mut Value, pointer: &str, item: Value) {
    if let Some(Value::Array(kept)) = params.pointer_mut(pointer) {
        kept.push(item);
    }
}

fn members_at<'a>(params: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    params.pointer_mut(pointer)?.as_object_mut()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
    use super::*;

    /// What is left of `params`, and what was removed.
    fn decodable(mut params: Value) -> (Value, Vec<String>) {
        let mut removed = make_decodable(&mut params);
        removed.sort();
        assert!(decodes(&params), "{params}");
        (params, removed)
    }

    #[test]
    fn what_keeps_to_the_protocol_is_left_alone() {
        let params = json!({
            "processId": null, "rootUri": "file:///a b", "capabilities": {
                "general": {"positionEncodings": ["utf-8", "utf-16", "utf-99"]},
                "workspace": {"workspaceEdit": {"resourceOperations": ["create", "teleport"], "failureHandling": "hope"}},
            },
            "trace": "compact", "initializationOptions": {"pleach": {}},
        });
        assert_eq!(decodable(params.clone()), (params, vec![]));
    }

    #[test]
    fn only_the_offending_capability_is_removed() {
        let (params, removed) = decodable(json!({
            "processId": 1, "capabilities": {
                "general": {"positionEncodings": ["utf-8", 8, "utf-16"]},
                "textDocument": {
                    "publishDiagnostics": {"tagSupport": true, "versionSupport": true},
                    "codeAction": {"dynamicRegistration": "yes", "isPreferredSupport": true},
                },
                "window": "all of it",
            },
            "workspaceFolders": [{"uri": "file:///w", "name": "w"}],
        }));
        assert_eq!(
            removed,
            [
                "/capabilities/general/positionEncodings/1",
                "/capabilities/textDocument/codeAction/dynamicRegistration",
                "/capabilities/textDocument/publishDiagnostics/tagSupport",
                "/capabilities/window",
            ]
        );
        assert_eq!(
            params,
            json!({
                "processId": 1, "capabilities": {
                    "general": {"positionEncodings": ["utf-8", "utf-16"]},
                    "textDocument": {
                        "publishDiagnostics": {"versionSupport": true},
                        "codeAction": {"isPreferredSupport": true},
                    },
                },
                "workspaceFolders": [{"uri": "file:///w", "name": "w"}],
            })
        );
    }

    #[test]
    fn the_parameters_beside_the_capabilities_are_mended_too() {
        let (params, removed) = decodable(json!({
            "processId": "4711", "rootUri": 7, "capabilities": null, "clientInfo": {"version": "1"},
            "workspaceFolders": [{"uri": "file:///w"}, {"uri": "file:///v", "name": "v"}],
        }));
        assert_eq!(
            removed,
            [
                "/capabilities",
                "/clientInfo",
                "/processId",
                "/rootUri",
                "/workspaceFolders/0"
            ]
        );
        assert_eq!(
            params,
            json!({"capabilities": {}, "workspaceFolders": [{"uri": "file:///v", "name": "v"}]})
        );
    }

    #[test]
    fn what_is_no_object_is_left_for_the_router_to_refuse() {
        let mut params = json!([1, 2]);
        assert!(make_decodable(&mut params).is_empty());
        assert_eq!(params, json!([1, 2]));
    }
}
