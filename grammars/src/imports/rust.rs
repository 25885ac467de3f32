//! Rust.

use tree_sitter::Node;

use super::{Import, ImportedName, plain, renamed};
use crate::walk::{child_of_kind, range_of, text_of};

pub(super) fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let mut names = Vec::new();
    match node.kind() {
        "use_declaration" => {
            read(node.child_by_field_name("argument")?, text, &mut names);
        }
        "extern_crate_declaration" => {
            let name = node.child_by_field_name("name")?;
            let written = text_of(name, text);
            names.push(match node.child_by_field_name("alias") {
                Some(alias) => ImportedName {
                    range: range_of(name).cover(range_of(alias)),
                    ..renamed(name, written, written.to_owned(), alias, text)
                },
                None => plain(name, written, written.to_owned()),
            });
        }
        _ => return None,
    }
    let is_exported = child_of_kind(node, "visibility_modifier").is_some();
    Some(Import {
        range: range_of(node),
        names,
        is_exported,
    })
}

/// Tells every part of a use tree in order, lists before what is in them, each with the paths of the
/// lists around it, the outermost first. The lists may nest as deep as a hostile file likes, so it has
/// its own stack.
pub(crate) fn each_use_part<'tree>(
    argument: Node<'tree>,
    mut told: impl FnMut(Node<'tree>, &[Node<'tree>]),
) {
    let mut todo = vec![(argument, Vec::new())];
    while let Some((node, mut paths)) = todo.pop() {
        told(node, &paths);
        if !matches!(node.kind(), "scoped_use_list" | "use_list") {
            continue;
        }
        paths.extend(node.child_by_field_name("path"));
        let list = node.child_by_field_name("list").unwrap_or(node);
        let mut cursor = list.walk();
        let children: Vec<Node<'_>> = list
            .named_children(&mut cursor)
            .filter(|child| !child.is_extra())
            .collect();
        todo.extend(
            children
                .into_iter()
                .rev()
                .map(|child| (child, paths.clone())),
        );
    }
}

fn read(argument: Node<'_>, text: &str, names: &mut Vec<ImportedName>) {
    each_use_part(argument, |node, paths| {
        let prefix = paths.iter().fold(String::new(), |prefix, path| {
            join(&prefix, text_of(*path, text))
        });
        match node.kind() {
            "scoped_use_list" | "use_list" => {}
            "use_as_clause" => {
                let (Some(path), Some(alias)) = (
                    node.child_by_field_name("path"),
                    node.child_by_field_name("alias"),
                ) else {
                    return;
                };
                let full = join(&prefix, text_of(path, text));
                let name = last(&full).to_owned();
                names.push(renamed(node, &name, without_self(&full), alias, text));
            }
            "use_wildcard" => {
                let path = node.named_child(0).map_or("", |path| text_of(path, text));
                names.push(plain(node, "*", join(&prefix, path)));
            }
            "self" => names.push(plain(node, last(&prefix), prefix.clone())),
            _ => {
                let full = join(&prefix, text_of(node, text));
                let name = last(&full).to_owned();
                let local = node.child_by_field_name("name").unwrap_or(node);
                names.push(ImportedName {
                    local_range: range_of(local),
                    ..plain(node, &name, without_self(&full))
                });
            }
        }
    });
}

fn join(prefix: &str, path: &str) -> String {
    let path: String = path.split_whitespace().collect();
    match (prefix, path.as_str()) {
        ("", _) => path,
        (_, "") => prefix.to_owned(),
        _ => format!("{prefix}::{path}"),
    }
}

/// `fmt` of `std::fmt` and of `std::fmt::self`.
fn last(path: &str) -> &str {
    let path = path.strip_suffix("::self").unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

fn without_self(path: &str) -> String {
    path.strip_suffix("::self").unwrap_or(path).to_owned()
}
