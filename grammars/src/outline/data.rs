//! JSON, YAML and TOML.

use super::SymbolKind as Kind;
use super::found::{Found, Site};
use crate::walk::child_of_kind;

pub(super) fn json<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if site.kind() != "pair" {
        return None;
    }
    let key = site.child("key")?;
    let name = match child_of_kind(key, "string_content") {
        Some(content) => site.text_of(content),
        None => site.text_of(key).trim_matches('"'),
    };
    let body = site
        .child("value")
        .filter(|value| matches!(value.kind(), "object" | "array"));
    Some(site.found(Kind::Key, key).named(name).body(body))
}

pub(super) fn yaml<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if !matches!(site.kind(), "block_mapping_pair" | "flow_pair") {
        return None;
    }
    let key = site.child("key")?;
    let name = site.text_of(key).trim_matches(['"', '\'']);
    let body = site.child("value").filter(|value| {
        value.kind() == "block_node"
            || value
                .named_child(0)
                .is_some_and(|inner| matches!(inner.kind(), "flow_mapping" | "flow_sequence"))
    });
    Some(site.found(Kind::Key, key).named(name).body(body))
}

pub(super) fn toml<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if !matches!(site.kind(), "pair" | "table" | "table_array_element") {
        return None;
    }
    let key = site.node.named_child(0)?;
    let name = site.text_of(key).trim_matches(['"', '\'']);
    let body = site
        .node
        .named_child(1)
        .filter(|value| matches!(value.kind(), "inline_table" | "array") && site.kind() == "pair");
    Some(site.found(Kind::Key, key).named(name).body(body))
}
