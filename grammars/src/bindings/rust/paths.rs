//! Paths and imports: which of their parts are names of this text.

use tree_sitter::Node;

use super::super::scopes::{As, Form, Space};
use super::{Mode, Step, Walk};
use crate::imports::rust::each_use_part;
use crate::walk::child_of_kind;

impl<'a, 'tree> Walk<'_, 'a, 'tree> {
    /// `a::b::c`: the first part is a name of this scope, the others are of what is before them.
    pub(super) fn path(&mut self, node: Node<'tree>) {
        if let Some(parts) = parts(node) {
            self.refer_parts(&parts, Space::ITEMS, Form::Plain);
            return;
        }
        // `Vec::<T>::new`, `<T as Trait>::new`: what is before the last part is read by itself.
        let before = node.child_by_field_name("path");
        self.plan(
            before
                .map(|path| Step::Visit(path, Mode::Expression))
                .into_iter()
                .collect(),
        );
    }

    fn refer_parts(&mut self, parts: &[Node<'tree>], last: Space, form: Form) {
        let mut before: Vec<&'a str> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let name = self.text(*part);
            let range = self.range(*part);
            match part.kind() {
                // Where the crate begins, one file cannot tell.
                "crate" => return,
                "self" | "super" => {}
                _ => {
                    let space = if is_last { last } else { Space::TYPE };
                    let form = if is_last { form } else { Form::Plain };
                    self.table()
                        .refer_by_path(range, space, form, before.clone());
                }
            }
            before.push(name);
        }
    }

    pub(super) fn use_declaration(&mut self, node: Node<'tree>) {
        let Some(argument) = node.child_by_field_name("argument") else {
            return;
        };
        let is_public = child_of_kind(node, "visibility_modifier").is_some();
        each_use_part(argument, |node, paths| {
            let joined = |path: Option<Node<'tree>>| -> Option<Vec<Node<'tree>>> {
                let mut all = Vec::new();
                for path in paths.iter().copied().chain(path) {
                    all.extend(parts(path)?);
                }
                Some(all)
            };
            match node.kind() {
                "scoped_use_list" | "use_list" => {
                    let path = node.child_by_field_name("path");
                    if path.is_some()
                        && let Some(parts) = joined(path)
                    {
                        self.refer_parts(&parts, Space::TYPE, Form::Plain);
                    }
                }
                "use_wildcard" => {
                    if let Some(parts) = joined(node.named_child(0)) {
                        self.refer_parts(&parts, Space::TYPE, Form::Plain);
                        let path = parts.iter().map(|part| self.text(*part)).collect();
                        self.table().imports_all(path);
                    }
                }
                "use_as_clause" => {
                    if let Some(parts) = joined(node.child_by_field_name("path")) {
                        self.refer_parts(&parts, Space::ITEMS, Form::Plain);
                    }
                    if let Some(alias) = node
                        .child_by_field_name("alias")
                        .map(|alias| self.range(alias))
                    {
                        let is_shared = self.is_import_shared(is_public);
                        self.table()
                            .declare(alias, As::ITEM.space(Space::ITEMS).shared(is_shared));
                    }
                }
                _ => {
                    if let Some(parts) = joined(Some(node)) {
                        self.import(&parts, is_public);
                    }
                }
            }
        });
    }

    fn import(&mut self, parts: &[Node<'tree>], is_public: bool) {
        // `use a::{self}` gives `a`, which is written elsewhere in the statement.
        let is_self = parts.len() > 1 && parts.last().is_some_and(|last| last.kind() == "self");
        let parts = if is_self {
            parts.get(..parts.len() - 1).unwrap_or(&[])
        } else {
            parts
        };
        let Some((last, before)) = parts.split_last() else {
            return;
        };
        if matches!(last.kind(), "self" | "super" | "crate") {
            return;
        }
        self.refer_parts(before, Space::TYPE, Form::Plain);
        let range = self.range(*last);
        let path: Vec<&'a str> = parts.iter().map(|part| self.text(*part)).collect();
        let how = As::ITEM
            .space(Space::ITEMS)
            .form(Form::Import)
            .shared(self.is_import_shared(is_public))
            .uncertain(is_self);
        let declared = self.table().declare(range, how);
        self.table().imports(declared, path);
    }

    fn is_import_shared(&mut self, is_public: bool) -> bool {
        let here = self.table().here();
        self.is_shared(here, is_public)
    }
}

/// The parts of a path of plain names, the first one first.
fn parts(path: Node<'_>) -> Option<Vec<Node<'_>>> {
    let mut parts = Vec::new();
    let mut node = path;
    loop {
        match node.kind() {
            "identifier" | "type_identifier" | "self" | "super" | "crate" => {
                parts.push(node);
                parts.reverse();
                return Some(parts);
            }
            "scoped_identifier" | "scoped_type_identifier" => {
                parts.push(node.child_by_field_name("name")?);
                // `::name` begins outside of this text.
                node = node.child_by_field_name("path")?;
            }
            _ => return None,
        }
    }
}
