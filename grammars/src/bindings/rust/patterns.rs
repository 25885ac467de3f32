//! Patterns: which of their identifiers are new names, and which are constants and constructors.

use tree_sitter::Node;

use super::super::scopes::{As, Form, Space};
use super::{Mode, Pattern, Step, Walk, children};
use crate::walk::child_of_kind;

impl<'tree> Walk<'_, '_, 'tree> {
    pub(super) fn pattern(&mut self, node: Node<'tree>, pattern: Pattern) {
        match node.kind() {
            "identifier" => self.name(node, pattern, Form::Plain),
            "tuple_struct_pattern" => {
                let constructor = node.child_by_field_name("type");
                let mut steps = Vec::new();
                if let Some(constructor) = constructor {
                    if constructor.kind() == "identifier" {
                        let range = self.range(constructor);
                        self.table().refer(range, Space::VALUE);
                    } else {
                        steps.push(Step::Visit(constructor, Mode::Expression));
                    }
                }
                steps.extend(inner(node, constructor, pattern));
                self.plan(steps);
            }
            "struct_pattern" => {
                let of = node.child_by_field_name("type");
                let mut steps: Vec<_> = of
                    .map(|of| Step::Visit(of, Mode::Expression))
                    .into_iter()
                    .collect();
                steps.extend(inner(node, of, pattern));
                self.plan(steps);
            }
            "field_pattern" => {
                let name = node.child_by_field_name("name");
                match (name, node.child_by_field_name("pattern")) {
                    (_, Some(value)) => self.plan(vec![Step::Visit(value, Mode::Pattern(pattern))]),
                    (Some(name), None) if name.kind() == "shorthand_field_identifier" => {
                        // `Point { ref x }`: the key goes before the `ref`, behind attributes.
                        let first = child_of_kind(node, "ref")
                            .or_else(|| child_of_kind(node, "mutable_specifier"))
                            .unwrap_or(name);
                        let at = self.range(first).start.0;
                        self.name(name, pattern, Form::Key { at });
                    }
                    _ => {}
                }
            }
            "range_pattern"
            | "scoped_identifier"
            | "const_block"
            | "macro_invocation"
            | "generic_pattern"
            | "scoped_type_identifier"
            | "type_identifier" => {
                self.visit_expression(node);
            }
            "remaining_field_pattern"
            | "mutable_specifier"
            | "line_comment"
            | "block_comment"
            | "attribute_item" => {}
            _ => self.plan(inner(node, None, pattern)),
        }
    }

    /// A range's ends are constants; everything else is read as it is.
    fn visit_expression(&mut self, node: Node<'tree>) {
        if node.kind() == "range_pattern" || node.kind() == "generic_pattern" {
            self.plan(children(node));
        } else {
            self.visit(node);
        }
    }

    /// By the custom of the language, which the compiler warns of breaking, a name that begins with a
    /// capital is a constant or a constructor.
    fn name(&mut self, node: Node<'tree>, pattern: Pattern, form: Form) {
        let range = self.range(node);
        let name = self.text(node);
        let is_constant = matches!(form, Form::Plain)
            && (name.starts_with(char::is_uppercase) || self.walker.constants.contains(name));
        if is_constant {
            self.table().refer(range, Space::VALUE);
            return;
        }
        let how = As {
            group: Some(pattern.group),
            ..As::LOCAL
        }
        .from(pattern.from)
        .form(form);
        self.table().declare(range, how);
    }
}

fn inner<'tree>(node: Node<'tree>, but: Option<Node<'tree>>, pattern: Pattern) -> Vec<Step<'tree>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| Some(*child) != but && !child.is_extra())
        .map(|child| Step::Visit(child, Mode::Pattern(pattern)))
        .collect()
}
