//! Python.

use super::SymbolKind as Kind;
use super::found::{Found, Site};

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let wrappers = site.wrappers(0, &["decorated_definition"]);
    match site.kind() {
        "function_definition" => {
            let found = site.named(Kind::Function)?;
            let is_method = site.within.is_some_and(Kind::is_type);
            let kind = if is_method && found.name == "__init__" {
                Kind::Constructor
            } else {
                found.kind
            };
            Some(Found {
                kind,
                ..found.wrapped(wrappers).head(Some(site.node))
            })
        }
        "class_definition" => Some(
            site.named(Kind::Class)?
                .wrapped(wrappers)
                .head(Some(site.node)),
        ),
        "assignment" if is_at_top_of_module_or_class(site) => {
            let name = site
                .child("left")
                .filter(|left| left.kind() == "identifier")?;
            let written = site.text_of(name);
            let kind = if site.within == Some(Kind::Class) {
                Kind::Field
            } else if written.chars().any(char::is_uppercase)
                && !written.chars().any(char::is_lowercase)
            {
                Kind::Constant
            } else {
                Kind::Variable
            };
            Some(site.found(kind, name).wrapped(1))
        }
        "type_alias_statement" if !site.is_local() => {
            let left = site.child("left")?;
            Some(site.found(Kind::Type, left))
        }
        _ => None,
    }
}

/// Locals are nobody else's, and what is assigned under an `if` is seldom a definition.
fn is_at_top_of_module_or_class(site: &Site<'_, '_>) -> bool {
    site.up_kind(1) == "expression_statement"
        && (site.up_kind(2) == "module"
            || (site.up_kind(2) == "block" && site.up_kind(3) == "class_definition"))
}
