//! Ruby.

use super::SymbolKind as Kind;
use super::found::{Found, Site};
use crate::walk::child_of_kind;

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "module" => site.named(Kind::Module),
        "class" => site.named(Kind::Class),
        "singleton_class" => {
            let value = site.child("value")?;
            let name = format!("<< {}", site.text_of(value));
            Some(site.found(Kind::Class, value).named(name))
        }
        "method" | "singleton_method" => {
            let found = site.named(Kind::Function)?;
            let kind = if found.name == "initialize" {
                Kind::Constructor
            } else {
                found.kind
            };
            // `private def count` belongs to `count`.
            let is_argument = site.up_kind(1) == "argument_list" && site.up_kind(2) == "call";
            Some(Found {
                kind,
                ..found.wrapped(if is_argument { 2 } else { 0 })
            })
        }
        "assignment" => {
            let name = site
                .child("left")
                .filter(|left| left.kind() == "constant")?;
            Some(site.found(Kind::Constant, name))
        }
        "call" => test_block(site),
        _ => None,
    }
}

/// `describe 'till' do … end` of `RSpec` and Minitest.
fn test_block<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let method = site.child("method")?;
    if !matches!(
        site.text_of(method),
        "describe" | "context" | "it" | "specify" | "feature" | "scenario" | "test"
    ) {
        return None;
    }
    let block = site.child("block")?;
    let title = site.child("arguments")?.named_child(0)?;
    let name = match child_of_kind(title, "string_content") {
        Some(content) => site.text_of(content),
        None => site.text_of(title),
    };
    Some(
        site.found(Kind::Test, title)
            .named(name)
            .body(block.child_by_field_name("body")),
    )
}
