//! Python.

use tree_sitter::Node;

use super::{Import, ImportedName, plain, renamed};
use crate::walk::{range_of, text_of};

pub(super) fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let module = match node.kind() {
        "import_from_statement" => node.child_by_field_name("module_name"),
        "import_statement" | "future_import_statement" => None,
        _ => return None,
    };
    let from = match node.kind() {
        "future_import_statement" => Some("__future__"),
        "import_from_statement" => Some(module.map_or("", |module| text_of(module, text))),
        _ => None,
    };
    let mut names = Vec::new();
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        if Some(child) == module {
            continue;
        }
        match child.kind() {
            "wildcard_import" => names.push(plain(child, "*", from.unwrap_or("").to_owned())),
            "dotted_name" => {
                let name = text_of(child, text);
                // `import os.path` gives `os`; `from os import path` gives `path`.
                let local = child
                    .named_child(0)
                    .filter(|_| from.is_none())
                    .unwrap_or(child);
                names.push(ImportedName {
                    local: text_of(local, text).to_owned(),
                    local_range: range_of(local),
                    ..plain(child, name, from.unwrap_or(name).to_owned())
                });
            }
            "aliased_import" => {
                let (Some(name), Some(alias)) = (
                    child.child_by_field_name("name"),
                    child.child_by_field_name("alias"),
                ) else {
                    continue;
                };
                let name = text_of(name, text);
                names.push(renamed(
                    child,
                    name,
                    from.unwrap_or(name).to_owned(),
                    alias,
                    text,
                ));
            }
            _ => {}
        }
    }
    Some(Import {
        range: range_of(node),
        names,
        is_exported: false,
    })
}
