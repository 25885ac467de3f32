//! What the rules of a language are given, and what they answer.

use std::borrow::Cow;

use tree_sitter::Node;

use super::{Level, SymbolKind};
use crate::walk::{child_of_kind, text_of};

/// A node and all that is around it.
pub(super) struct Site<'a, 'tree> {
    pub(super) node: Node<'tree>,
    pub(super) text: &'a str,
    /// The kind of the symbol that it is within.
    pub(super) within: Option<SymbolKind>,
    path: &'a [Level<'tree>],
}

/// What a node defines.
pub(super) struct Found<'tree> {
    pub(super) kind: SymbolKind,
    pub(super) name: Cow<'tree, str>,
    pub(super) name_node: Node<'tree>,
    pub(super) body: Option<Node<'tree>>,
    /// How many of the nodes around it belong to it: `export`, a decorator's definition, the `const`
    /// of a single name.
    pub(super) wrappers: usize,
    pub(super) container: Option<String>,
    /// Where the declaration begins when it is not where the whole begins.
    pub(super) head: Option<Node<'tree>>,
}

impl<'tree> Found<'tree> {
    pub(super) fn body(mut self, body: Option<Node<'tree>>) -> Self {
        self.body = body;
        self
    }

    pub(super) fn named(mut self, name: impl Into<Cow<'tree, str>>) -> Self {
        self.name = name.into();
        self
    }

    pub(super) fn wrapped(mut self, wrappers: usize) -> Self {
        self.wrappers = wrappers;
        self
    }

    pub(super) fn contained(mut self, container: Option<&str>) -> Self {
        self.container = container.filter(|name| !name.is_empty()).map(str::to_owned);
        self
    }

    pub(super) fn head(mut self, head: Option<Node<'tree>>) -> Self {
        self.head = head;
        self
    }
}

impl<'a, 'tree> Site<'a, 'tree>
where
    'a: 'tree,
{
    /// None for the anonymous nodes: no rule is about them.
    pub(super) fn new(
        path: &'a [Level<'tree>],
        text: &'a str,
        within: Option<SymbolKind>,
    ) -> Option<Self> {
        let node = path.last()?.node;
        node.is_named().then_some(Self {
            node,
            text,
            within,
            path,
        })
    }

    pub(super) fn kind(&self) -> &'tree str {
        self.node.kind()
    }

    pub(super) fn text_of(&self, node: Node<'_>) -> &'tree str {
        text_of(node, self.text)
    }

    pub(super) fn child(&self, field: &str) -> Option<Node<'tree>> {
        self.node.child_by_field_name(field)
    }

    pub(super) fn child_of_kind(&self, kind: &str) -> Option<Node<'tree>> {
        child_of_kind(self.node, kind)
    }

    /// The node so many steps up; 1 is the parent.
    pub(super) fn up(&self, steps: usize) -> Option<Node<'tree>> {
        Some(self.path.get(self.path.len().checked_sub(1 + steps)?)?.node)
    }

    /// The kind of the node so many steps up; empty above the root.
    pub(super) fn up_kind(&self, steps: usize) -> &'tree str {
        self.up(steps).map_or("", |node| node.kind())
    }

    /// The field of its parent that the node so many steps up fills.
    pub(super) fn field(&self, steps: usize) -> &'tree str {
        self.path
            .len()
            .checked_sub(1 + steps)
            .and_then(|index| self.path.get(index))
            .and_then(|level| level.field)
            .unwrap_or("")
    }

    /// Comments, attributes and decorators that stand directly before the node.
    pub(super) fn leading(&self) -> &'a [Node<'tree>] {
        self.path.last().map_or(&[], |level| &level.leading)
    }

    /// Whether it is inside a function, so that what it declares is nobody else's.
    pub(super) fn is_local(&self) -> bool {
        self.within.is_some_and(SymbolKind::is_callable)
    }

    /// A symbol whose name is a certain node, and whose body is the field `body`.
    pub(super) fn found(&self, kind: SymbolKind, name: Node<'tree>) -> Found<'tree> {
        Found {
            kind,
            name: Cow::Borrowed(self.text_of(name)),
            name_node: name,
            body: self.child("body"),
            wrappers: 0,
            container: None,
            head: None,
        }
    }

    /// A symbol whose name is in the field `name` and whose body is in the field `body`.
    pub(super) fn named(&self, kind: SymbolKind) -> Option<Found<'tree>> {
        self.child("name").map(|name| self.found(kind, name))
    }

    /// How many wrappers of certain kinds there are directly around the node (or, with `from`, around
    /// the node so many steps up).
    pub(super) fn wrappers(&self, from: usize, kinds: &[&str]) -> usize {
        let mut steps = from;
        while kinds.contains(&self.up_kind(steps + 1)) {
            steps += 1;
        }
        steps
    }
}

/// How many named children of a kind there are.
pub(super) fn count_of_kind(node: Node<'_>, kind: &str) -> usize {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| child.kind() == kind)
        .count()
}
