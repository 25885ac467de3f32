//! Rust: `let` shadows from where it ends, items are known in their whole block or module, and what
//! macros are given is read where it is known to be expressions.

use std::collections::BTreeSet;

use pleach_text::ByteRange;
use tree_sitter::{Node, Tree};

use super::scopes::{As, Class, Form, ScopeId, ScopeKind, Space, Table, shifted};
use crate::walk::{Preorder, child_of_kind, text_of};

mod macros;
mod paths;
mod patterns;

/// Macros inside macros are read to this depth; deeper ones are in doubt.
const MOST_NESTED: usize = 8;

/// How a node is read.
#[derive(Clone, Copy)]
enum Mode {
    Expression,
    Pattern(Pattern),
}

/// A pattern whose names are known from a place on.
#[derive(Clone, Copy)]
struct Pattern {
    from: usize,
    group: usize,
}

enum Step<'tree> {
    Visit(Node<'tree>, Mode),
    /// A pattern, whose names are known from a place on.
    Pattern(Node<'tree>, usize),
    Enter(ScopeKind, ByteRange),
    /// Goes into a scope that was made before.
    Reenter(ScopeId),
    Leave,
    /// The name of a label.
    Label(Node<'tree>),
    /// The statements or items of a block or module, with what stands before each.
    Items(Node<'tree>),
    /// Names in attributes that may be parameters of the function that they stand before.
    Doubts(Vec<ByteRange>),
}

struct Walker<'a> {
    table: Table<'a>,
    /// Names of constants, which stand in patterns as what they are.
    constants: BTreeSet<&'a str>,
    /// Whether another file continues this one (`mod name;`), so that it sees private items.
    has_children: bool,
    nested: usize,
}

/// A walk over one tree: that of the file, or that of what a macro is given.
struct Walk<'w, 'a, 'tree> {
    walker: &'w mut Walker<'a>,
    steps: Vec<Step<'tree>>,
    /// How far the tree's text lies behind where the tree says.
    shift: isize,
}

pub(super) fn table<'a>(tree: &Tree, text: &'a str) -> Table<'a> {
    let root = tree.root_node();
    let mut walker = Walker {
        table: Table::new(text),
        constants: BTreeSet::new(),
        has_children: false,
        nested: 0,
    };
    walker.look_ahead(root);
    Walk {
        walker: &mut walker,
        steps: Vec::new(),
        shift: 0,
    }
    .run(Step::Items(root));
    walker.table
}

impl Walker<'_> {
    /// Finds what has to be known before the first pattern is read.
    fn look_ahead(&mut self, root: Node<'_>) {
        let mut walk = Preorder::new(root);
        loop {
            let node = walk.node();
            match node.kind() {
                "const_item" | "static_item" => {
                    if let Some(name) = node.child_by_field_name("name") {
                        self.constants.insert(text_of(name, self.table.text));
                    }
                }
                "mod_item" => self.has_children |= node.child_by_field_name("body").is_none(),
                _ => {}
            }
            if !walk.advance(true) {
                return;
            }
        }
    }
}

impl<'a, 'tree> Walk<'_, 'a, 'tree> {
    fn run(mut self, first: Step<'tree>) {
        self.steps.push(first);
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Visit(node, Mode::Expression) => self.visit(node),
                Step::Visit(node, Mode::Pattern(pattern)) => self.pattern(node, pattern),
                Step::Pattern(node, from) => {
                    let group = self.table().new_group();
                    let from = from.checked_add_signed(self.shift).unwrap_or(0);
                    self.pattern(node, Pattern { from, group });
                }
                Step::Enter(kind, range) => {
                    self.table().enter(kind, range);
                }
                Step::Reenter(scope) => self.table().go_to(scope),
                Step::Leave => self.table().leave(),
                Step::Label(name) => {
                    let range = self.range(name);
                    self.table().declare(range, As::LOCAL.space(Space::LABEL));
                }
                Step::Items(node) => self.items(node),
                Step::Doubts(names) => {
                    for name in names {
                        self.table().doubt_anywhere(name);
                    }
                }
            }
        }
    }

    fn table(&mut self) -> &mut Table<'a> {
        &mut self.walker.table
    }

    fn range(&self, node: Node<'_>) -> ByteRange {
        shifted(node, self.shift)
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        self.walker.table.text_at(self.range(node))
    }

    fn plan(&mut self, steps: Vec<Step<'tree>>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn enter(&self, kind: ScopeKind, node: Node<'_>) -> Step<'tree> {
        Step::Enter(kind, self.range(node))
    }

    fn plan_inside(&mut self, node: Node<'tree>, steps: Vec<Step<'tree>>) {
        let mut all = vec![self.enter(ScopeKind::Plain, node)];
        all.extend(steps);
        all.push(Step::Leave);
        self.plan(all);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn visit(&mut self, node: Node<'tree>) {
        let range = self.range(node);
        match node.kind() {
            "identifier" => self.table().refer(range, Space::VALUE),
            "type_identifier" => self.table().refer(range, Space::TYPE),
            "line_comment"
            | "block_comment"
            | "field_identifier"
            | "visibility_modifier"
            | "metavariable" => {}
            "attribute_item" | "inner_attribute_item" => {
                self.attribute(node);
            }
            "scoped_identifier" | "scoped_type_identifier" => self.path(node),
            "use_declaration" => self.use_declaration(node),
            "extern_crate_declaration" => {
                let name = node
                    .child_by_field_name("alias")
                    .or_else(|| node.child_by_field_name("name"))
                    .map(|name| self.range(name));
                if let Some(name) = name {
                    self.table()
                        .declare(name, As::ITEM.space(Space::TYPE).uncertain(true));
                }
            }
            "lifetime" => {
                if let Some(name) = child_of_kind(node, "identifier").map(|name| self.range(name)) {
                    self.table().refer(name, Space::LIFETIME);
                }
            }
            "label" => {
                if let Some(name) = child_of_kind(node, "identifier").map(|name| self.range(name)) {
                    self.table().refer(name, Space::LABEL);
                }
            }
            "for_lifetimes" => {
                let mut walk = Preorder::new(node);
                loop {
                    if walk.node().kind() == "identifier" {
                        let name = self.range(walk.node());
                        let how = generic(Space::LIFETIME).uncertain(true);
                        self.table().declare(name, how);
                    }
                    if !walk.advance(true) {
                        break;
                    }
                }
            }
            "lifetime_parameter" | "type_parameter" | "const_parameter" => {
                self.type_parameter(node);
            }
            "block" | "declaration_list" => {
                // A block may have a label before its brackets.
                let label = child_of_kind(node, "label");
                let mut steps = label
                    .map(|label| self.declare_label(label))
                    .unwrap_or_default();
                steps.push(self.enter(ScopeKind::Plain, node));
                steps.push(Step::Items(node));
                steps.push(Step::Leave);
                if label.is_some() {
                    steps.push(Step::Leave);
                }
                self.plan(steps);
            }
            "let_declaration" => {
                let mut steps = fields(node, &["type", "value", "alternative"]);
                steps.extend(pattern_field(node, node.end_byte()));
                self.plan(steps);
            }
            "let_condition" => {
                let mut steps = fields(node, &["value"]);
                steps.extend(pattern_field(node, node.end_byte()));
                self.plan(steps);
            }
            "if_expression" => {
                let mut steps = vec![self.enter(ScopeKind::Plain, node)];
                steps.extend(fields(node, &["condition", "consequence"]));
                steps.push(Step::Leave);
                steps.extend(fields(node, &["alternative"]));
                self.plan(steps);
            }
            "while_expression" | "loop_expression" | "for_expression" => self.repetition(node),
            "match_arm" => self.match_arm(node),
            "closure_expression" => self.closure(node),
            "field_expression" | "field_initializer" => self.plan(fields(node, &["value"])),
            "shorthand_field_initializer" => {
                if let Some(name) = child_of_kind(node, "identifier").map(|name| self.range(name)) {
                    let form = Form::Key { at: name.start.0 };
                    self.table().refer_as(name, Space::VALUE, form);
                }
            }
            "type_binding" => self.plan(fields(node, &["type_arguments", "type"])),
            "macro_invocation" => self.macro_invocation(node),
            "macro_definition" => {
                if let Some(name) = node
                    .child_by_field_name("name")
                    .map(|name| self.range(name))
                {
                    let is_shared = self.walker.has_children;
                    self.table()
                        .declare(name, As::ITEM.space(Space::MACRO).shared(is_shared));
                }
                let mut cursor = node.walk();
                for rule in node
                    .named_children(&mut cursor)
                    .filter(|child| child.kind() == "macro_rule")
                {
                    self.doubt_all(rule);
                }
            }
            "token_tree" => self.doubt_all(node),
            _ => self.plan(children(node)),
        }
    }

    /// Statements or items, each with the attributes before it.
    fn items(&mut self, list: Node<'tree>) {
        let mut attributes: Vec<Node<'tree>> = Vec::new();
        let mut steps = Vec::new();
        let mut cursor = list.walk();
        for child in list
            .named_children(&mut cursor)
            .filter(|child| !child.is_extra())
        {
            match child.kind() {
                "label" => {}
                "attribute_item" => {
                    attributes.push(child);
                    steps.push(Step::Visit(child, Mode::Expression));
                }
                _ => {
                    steps.extend(self.item(child, &attributes));
                    attributes.clear();
                }
            }
        }
        self.plan(steps);
    }

    /// An item: its name is declared at once, for all of its scope knows it.
    fn item(&mut self, node: Node<'tree>, attributes: &[Node<'tree>]) -> Vec<Step<'tree>> {
        let is_foreign = attributes
            .iter()
            .map(|attribute| self.text(*attribute))
            .any(|attribute| attribute.contains("no_mangle") || attribute.contains("export_name"));
        let is_public = child_of_kind(node, "visibility_modifier").is_some();
        let space = match node.kind() {
            "function_item" | "function_signature_item" | "const_item" | "static_item" => {
                Space::VALUE
            }
            // A tuple or unit struct is a function or constant as well.
            "struct_item" => Space::VALUE_AND_TYPE,
            "enum_item" | "union_item" | "type_item" | "mod_item" | "trait_item" => Space::TYPE,
            "foreign_mod_item" => {
                let mut steps = Vec::new();
                if let Some(body) = node.child_by_field_name("body") {
                    steps.push(Step::Items(body));
                }
                return steps;
            }
            "impl_item" => return self.members(node),
            _ => return vec![Step::Visit(node, Mode::Expression)],
        };
        let here = self.table().here();
        let mut module = None;
        // What an implementation or trait has is no name by itself.
        if self.table().kind_of(here) != ScopeKind::Members
            && let Some(name) = node
                .child_by_field_name("name")
                .map(|name| self.range(name))
        {
            let how = As::ITEM
                .space(space)
                .shared(self.is_shared(here, is_public))
                .uncertain(is_foreign || self.is_external(node));
            let declared = self.table().declare(name, how);
            if node.kind() == "mod_item" && node.child_by_field_name("body").is_some() {
                // The scope is made now, so that paths to it are known; it is filled when it is read.
                let range = self.range(node);
                let scope = self.table().enter(ScopeKind::Module, range);
                self.table().leave();
                self.table().names_module(declared, scope);
                module = Some(scope);
            }
        }
        match node.kind() {
            "function_item" | "function_signature_item" => self.function(node, attributes),
            "trait_item" => self.members(node),
            "mod_item" => Self::module(node, module),
            _ => {
                let mut steps = vec![self.enter(ScopeKind::Item, node)];
                steps.extend(definition(node));
                steps.push(Step::Leave);
                steps
            }
        }
    }

    /// Whether other files may use an item that is declared in a scope.
    fn is_shared(&mut self, scope: ScopeId, is_public: bool) -> bool {
        let at_module = matches!(
            self.table().kind_of(scope),
            ScopeKind::File | ScopeKind::Module
        );
        at_module && (is_public || self.walker.has_children)
    }

    /// Whether a name is one that the linker or the file system knows.
    fn is_external(&self, node: Node<'_>) -> bool {
        (node.kind() == "mod_item" && node.child_by_field_name("body").is_none())
            || (node.kind() == "function_signature_item")
            || (node.kind() == "function_item"
                && node
                    .child_by_field_name("name")
                    .is_some_and(|name| self.text(name) == "main"))
    }

    fn module(node: Node<'tree>, scope: Option<ScopeId>) -> Vec<Step<'tree>> {
        match (node.child_by_field_name("body"), scope) {
            (Some(body), Some(scope)) => vec![Step::Reenter(scope), Step::Items(body), Step::Leave],
            _ => Vec::new(),
        }
    }

    fn members(&mut self, node: Node<'tree>) -> Vec<Step<'tree>> {
        let mut steps = vec![self.enter(ScopeKind::Members, node)];
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match child.kind() {
                "declaration_list" => steps.push(Step::Items(child)),
                _ if Some(child) == node.child_by_field_name("name") => {}
                _ => steps.push(Step::Visit(child, Mode::Expression)),
            }
        }
        steps.push(Step::Leave);
        steps
    }

    fn function(&mut self, node: Node<'tree>, attributes: &[Node<'tree>]) -> Vec<Step<'tree>> {
        let body = node.child_by_field_name("body");
        let from = body.map_or(node.end_byte(), |body| body.start_byte());
        let mut steps = vec![self.enter(ScopeKind::Item, node)];
        steps.extend(fields(node, &["type_parameters"]));
        if let Some(list) = node.child_by_field_name("parameters") {
            steps.extend(parameters(list, from));
        }
        steps.extend(fields(node, &["return_type"]));
        steps.extend(
            child_of_kind(node, "where_clause").map(|child| Step::Visit(child, Mode::Expression)),
        );
        steps.push(Step::Doubts(self.names_in_attributes(attributes)));
        steps.extend(body.map(|body| Step::Visit(body, Mode::Expression)));
        steps.push(Step::Leave);
        steps
    }

    fn closure(&mut self, node: Node<'tree>) {
        let body = node.child_by_field_name("body");
        let from = body.map_or(node.end_byte(), |body| body.start_byte());
        let mut steps = Vec::new();
        if let Some(list) = node.child_by_field_name("parameters") {
            steps.extend(parameters(list, from));
        }
        steps.extend(fields(node, &["return_type", "body"]));
        self.plan_inside(node, steps);
    }

    fn match_arm(&mut self, node: Node<'tree>) {
        let mut steps = Vec::new();
        if let Some(whole) = node.child_by_field_name("pattern") {
            let condition = whole.child_by_field_name("condition");
            let mut cursor = whole.walk();
            steps.extend(
                whole
                    .named_children(&mut cursor)
                    .filter(|child| Some(*child) != condition && !child.is_extra())
                    .map(|pattern| Step::Pattern(pattern, pattern.end_byte())),
            );
            steps.extend(condition.map(|condition| Step::Visit(condition, Mode::Expression)));
        }
        steps.extend(fields(node, &["value"]));
        self.plan_inside(node, steps);
    }

    fn repetition(&mut self, node: Node<'tree>) {
        let label = child_of_kind(node, "label");
        let mut steps = fields(node, &["value"]);
        steps.extend(
            label
                .map(|label| self.declare_label(label))
                .unwrap_or_default(),
        );
        steps.push(self.enter(ScopeKind::Plain, node));
        let body = node.child_by_field_name("body");
        let from = body.map_or(node.end_byte(), |body| body.start_byte());
        steps.extend(pattern_field(node, from));
        steps.extend(fields(node, &["condition", "body"]));
        steps.push(Step::Leave);
        if label.is_some() {
            steps.push(Step::Leave);
        }
        self.plan(steps);
    }

    /// Enters a scope that knows a label; who plans this leaves it.
    fn declare_label(&self, label: Node<'tree>) -> Vec<Step<'tree>> {
        let mut steps = vec![self.enter(ScopeKind::Plain, label)];
        steps.extend(child_of_kind(label, "identifier").map(Step::Label));
        steps
    }

    fn type_parameter(&mut self, node: Node<'tree>) {
        let name = node.child_by_field_name("name").map(|name| {
            if name.kind() == "lifetime" {
                child_of_kind(name, "identifier").unwrap_or(name)
            } else {
                name
            }
        });
        let space = match node.kind() {
            "lifetime_parameter" => Space::LIFETIME,
            "const_parameter" => Space::VALUE,
            _ => Space::TYPE,
        };
        if let Some(name) = name.map(|name| self.range(name)) {
            self.table().declare(name, generic(space));
        }
        self.plan(fields(node, &["bounds", "default_type", "type", "value"]));
    }
}

fn generic(space: Space) -> As {
    As {
        class: Class::Generic,
        ..As::LOCAL
    }
    .space(space)
}

fn children(node: Node<'_>) -> Vec<Step<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| !child.is_extra())
        .map(|child| Step::Visit(child, Mode::Expression))
        .collect()
}

fn fields<'tree>(node: Node<'tree>, names: &[&str]) -> Vec<Step<'tree>> {
    names
        .iter()
        .filter_map(|name| node.child_by_field_name(name))
        .map(|child| Step::Visit(child, Mode::Expression))
        .collect()
}

fn pattern_field(node: Node<'_>, from: usize) -> Option<Step<'_>> {
    Some(Step::Pattern(node.child_by_field_name("pattern")?, from))
}

/// Types of parameters, and their patterns, known from a place on.
fn parameters(list: Node<'_>, from: usize) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut cursor = list.walk();
    for parameter in list
        .named_children(&mut cursor)
        .filter(|child| !child.is_extra())
    {
        match parameter.kind() {
            "parameter" => {
                steps.extend(fields(parameter, &["type"]));
                steps.extend(pattern_field(parameter, from));
            }
            "self_parameter" | "variadic_parameter" | "attribute_item" => {
                steps.push(Step::Visit(parameter, Mode::Expression));
            }
            // A closure's parameter may be a pattern without more.
            _ => steps.push(Step::Pattern(parameter, from)),
        }
    }
    steps
}

/// What is in a struct, enum, constant or type but its name and those of its members.
fn definition(node: Node<'_>) -> Vec<Step<'_>> {
    let name = node.child_by_field_name("name");
    let mut steps = Vec::new();
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        let own_name = node.child_by_field_name("name");
        let mut cursor = node.walk();
        for child in node
            .named_children(&mut cursor)
            .filter(|child| !child.is_extra())
        {
            match child.kind() {
                "enum_variant_list"
                | "enum_variant"
                | "field_declaration_list"
                | "field_declaration"
                | "ordered_field_declaration_list" => todo.push(child),
                _ if Some(child) == own_name || Some(child) == name => {}
                _ => steps.push(Step::Visit(child, Mode::Expression)),
            }
        }
    }
    steps
}
