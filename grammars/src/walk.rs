//! Walking a tree without recursion, however deep it is.

use pleach_text::ByteRange;
use tree_sitter::{Node, TreeCursor};

/// The nodes below a node, parents first, the node itself included.
///
/// Depth costs no stack: a hostile file may nest 100,000 brackets.
pub(crate) struct Preorder<'tree> {
    cursor: TreeCursor<'tree>,
    depth: usize,
}

impl<'tree> Preorder<'tree> {
    pub(crate) fn new(root: Node<'tree>) -> Self {
        Self {
            cursor: root.walk(),
            depth: 0,
        }
    }

    pub(crate) fn node(&self) -> Node<'tree> {
        self.cursor.node()
    }

    /// How many steps below the start the present node is.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Goes to the next node: into the present one's children if `descend` and there are any, else
    /// past it. `false` when all has been seen.
    pub(crate) fn advance(&mut self, descend: bool) -> bool {
        if descend && self.cursor.goto_first_child() {
            self.depth += 1;
            return true;
        }
        loop {
            if self.cursor.goto_next_sibling() {
                return true;
            }
            if !self.cursor.goto_parent() {
                return false;
            }
            self.depth = self.depth.saturating_sub(1);
        }
    }
}

/// The range that a node covers.
pub(crate) fn range_of(node: Node<'_>) -> ByteRange {
    ByteRange::from(node.byte_range())
}

/// The text that a node covers; empty when the text is not the one that was parsed.
pub(crate) fn text_of<'a>(node: Node<'_>, text: &'a str) -> &'a str {
    text.get(node.byte_range()).unwrap_or("")
}

/// The first child of a kind.
pub(crate) fn child_of_kind<'tree>(node: Node<'tree>, kind: &str) -> Option<Node<'tree>> {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .find(|child| child.kind() == kind)
}

/// The nodes from `root` to the innermost one that holds `range`, the outermost first.
///
/// Asking a node for its parent searches from the root each time; this searches once.
pub(crate) fn path_to(root: Node<'_>, range: ByteRange) -> Vec<Node<'_>> {
    let holds = |node: Node<'_>| range_of(node).contains_range(range);
    let mut path = Vec::new();
    if !holds(root) {
        return path;
    }
    let mut cursor = root.walk();
    path.push(root);
    while cursor.goto_first_child_for_byte(range.start.0).is_some() {
        // The child found may be one that is empty, or ends where the range begins.
        while !holds(cursor.node()) && cursor.node().start_byte() <= range.start.0 {
            if !cursor.goto_next_sibling() {
                return path;
            }
        }
        if !holds(cursor.node()) {
            return path;
        }
        path.push(cursor.node());
    }
    path
}
