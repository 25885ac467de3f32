//! JavaScript, TypeScript and TSX.

use tree_sitter::Node;

use super::{Import, ImportedName, plain, renamed};
use crate::walk::{child_of_kind, range_of, text_of};

pub(super) fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let is_exported = match node.kind() {
        "import_statement" => false,
        // `export { a } from './a'` brings nothing into this text, but depends on it all the same.
        "export_statement" => node.child_by_field_name("source").map(|_| true)?,
        _ => return None,
    };
    let clause = child_of_kind(node, "import_require_clause");
    let source = node
        .child_by_field_name("source")
        .or_else(|| clause.and_then(|clause| clause.child_by_field_name("source")));
    let source = source.map_or("", |source| text_of(source, text));
    let source = source.trim_matches(['\'', '"', '`']);
    let mut names = Vec::new();
    if let Some(clause) = clause.or_else(|| child_of_kind(node, "import_clause")) {
        let mut cursor = clause.walk();
        for child in clause.named_children(&mut cursor) {
            match child.kind() {
                "identifier" => {
                    names.push(renamed(child, "default", source.to_owned(), child, text));
                }
                "namespace_import" => {
                    if let Some(name) = child_of_kind(child, "identifier") {
                        names.push(renamed(child, "*", source.to_owned(), name, text));
                    }
                }
                "named_imports" => read_specifiers(child, source, text, &mut names),
                _ => {}
            }
        }
    }
    if is_exported {
        if let Some(list) = child_of_kind(node, "export_clause") {
            read_specifiers(list, source, text, &mut names);
        } else {
            let star = child_of_kind(node, "*").or_else(|| child_of_kind(node, "namespace_export"));
            names.push(plain(star.unwrap_or(node), "*", source.to_owned()));
        }
        for name in &mut names {
            name.local.clear();
        }
    }
    Some(Import {
        range: range_of(node),
        names,
        is_exported,
    })
}

fn read_specifiers(list: Node<'_>, source: &str, text: &str, names: &mut Vec<ImportedName>) {
    let mut cursor = list.walk();
    for specifier in list.named_children(&mut cursor) {
        let Some(name) = specifier.child_by_field_name("name") else {
            continue;
        };
        let alias = specifier.child_by_field_name("alias").unwrap_or(name);
        let written = text_of(name, text).trim_matches(['\'', '"']);
        names.push(renamed(specifier, written, source.to_owned(), alias, text));
    }
}
