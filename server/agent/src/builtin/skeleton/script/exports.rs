//! Whether and how a file lets others have something.

use pleach_grammars::{Language, Symbol};

use crate::builtin::source::{Nodes, Source, children};

/// How a test file gets something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Export {
    /// By this name.
    Named(String),
    /// As the default, by whatever name.
    Default,
}

/// How a symbol at the top of a file is exported; `None` if it is not.
pub(super) fn export_of(source: &Source<'_>, symbol: &Symbol) -> Option<Export> {
    let signature = source.slice(symbol.range).trim_start();
    // Decorators may stand before the `export`.
    let declared = signature.starts_with("export ")
        || signature
            .lines()
            .any(|line| signature.starts_with('@') && line.starts_with("export "));
    if declared {
        let default = signature
            .split_whitespace()
            .skip_while(|word| *word != "export")
            .nth(1);
        return Some(match default {
            Some("default") => Export::Default,
            _ => Export::Named(symbol.name.clone()),
        });
    }
    match symbol.container.as_deref() {
        Some("module.exports" | "exports") => return Some(Export::Named(symbol.name.clone())),
        Some("module") if symbol.name == "exports" => return Some(Export::Default),
        _ => {}
    }
    Nodes::below(source.syntax.root()).find_map(|node| match node.kind() {
        "export_statement" if node.child_by_field_name("source").is_none() => {
            let value = node.child_by_field_name("value");
            if value.is_some_and(|value| source.text_of(value) == symbol.name) {
                return Some(Export::Default);
            }
            let clause = children(node)
                .into_iter()
                .find(|child| child.kind() == "export_clause")?;
            children(clause).into_iter().find_map(|specifier| {
                let name = source.text_of(specifier.child_by_field_name("name")?);
                let alias = specifier
                    .child_by_field_name("alias")
                    .map_or(name, |one| source.text_of(one));
                (name == symbol.name).then(|| match alias {
                    "default" => Export::Default,
                    alias => Export::Named(alias.to_owned()),
                })
            })
        }
        "assignment_expression" => {
            let left = source.text_of(node.child_by_field_name("left")?);
            let right = node.child_by_field_name("right")?;
            if let Some(name) = left
                .strip_prefix("module.exports.")
                .or_else(|| left.strip_prefix("exports."))
            {
                return (source.text_of(right) == symbol.name)
                    .then(|| Export::Named(name.to_owned()));
            }
            if left != "module.exports" {
                return None;
            }
            if source.text_of(right) == symbol.name {
                return Some(Export::Default);
            }
            children(right)
                .into_iter()
                .find_map(|item| match item.kind() {
                    "shorthand_property_identifier" => (source.text_of(item) == symbol.name)
                        .then(|| Export::Named(symbol.name.clone())),
                    "pair" => {
                        let value = source.text_of(item.child_by_field_name("value")?);
                        let key = source.text_of(item.child_by_field_name("key")?);
                        (value == symbol.name).then(|| Export::Named(key.to_owned()))
                    }
                    _ => None,
                })
        }
        _ => None,
    })
}

/// Whether a file is a `CommonJS` module.
pub(super) fn is_common(source: &Source<'_>) -> bool {
    if source.language != Language::JavaScript || source.path.ends_with(".mjs") {
        return false;
    }
    if source.path.ends_with(".cjs") {
        return true;
    }
    let modern = children(source.syntax.root())
        .iter()
        .any(|node| matches!(node.kind(), "import_statement" | "export_statement"));
    !modern && (source.text.contains("module.exports") || source.text.contains("exports."))
}
