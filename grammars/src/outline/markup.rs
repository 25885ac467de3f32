//! HTML, CSS and Markdown.

use super::SymbolKind as Kind;
use super::found::{Found, Site};
use crate::walk::child_of_kind;

/// Elements that have an `id`.
pub(super) fn html<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    if site.kind() != "element" {
        return None;
    }
    let tag = site
        .child_of_kind("start_tag")
        .or_else(|| site.child_of_kind("self_closing_tag"))?;
    let mut cursor = tag.walk();
    let id = tag.named_children(&mut cursor).find(|child| {
        child.kind() == "attribute"
            && child_of_kind(*child, "attribute_name")
                .is_some_and(|name| site.text_of(name).eq_ignore_ascii_case("id"))
    })?;
    let value = match child_of_kind(id, "quoted_attribute_value") {
        Some(quoted) => child_of_kind(quoted, "attribute_value")?,
        None => child_of_kind(id, "attribute_value")?,
    };
    let element = child_of_kind(tag, "tag_name").map_or("", |name| site.text_of(name));
    let name = format!("{element}#{}", site.text_of(value));
    Some(site.found(Kind::Element, value).named(name))
}

/// Style rules and the rules that hold them.
pub(super) fn css<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "rule_set" => {
            let selectors = site.child_of_kind("selectors")?;
            let name = one_line(site.text_of(selectors));
            Some(
                site.found(Kind::Selector, selectors)
                    .named(name)
                    .body(site.child_of_kind("block")),
            )
        }
        "media_statement"
        | "supports_statement"
        | "at_rule"
        | "keyframes_statement"
        | "scope_statement" => {
            let body = site
                .child_of_kind("block")
                .or_else(|| site.child_of_kind("keyframe_block_list"))?;
            let keyword = site.node.child(0)?;
            let head = site.text.get(site.node.start_byte()..body.start_byte())?;
            Some(
                site.found(Kind::Selector, keyword)
                    .named(one_line(head))
                    .body(Some(body)),
            )
        }
        _ => None,
    }
}

/// A heading with all that is under it.
pub(super) fn markdown<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let heading = match site.kind() {
        "section" => child_of_kind(site.node, "atx_heading")
            .filter(|heading| heading.start_byte() == site.node.start_byte())?,
        // The grammar makes no section of a heading that is underlined.
        "setext_heading" => site.node,
        _ => return None,
    };
    let name = heading
        .child_by_field_name("heading_content")
        .unwrap_or(heading);
    let written = one_line(site.text_of(name).trim_matches(['#', ' ', '\t']));
    Some(site.found(Kind::Heading, name).named(written).body(None))
}

fn one_line(source: &str) -> String {
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}
