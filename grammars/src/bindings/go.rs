//! Go: one kind of names, blocks for scopes, and `:=` that declares only what its block does not know.

use std::collections::HashMap;

use pleach_text::ByteRange;
use tree_sitter::Node;

use super::scopes::{As, Form, ScopeKind, Space, Table};
use crate::imports::go::package_name;
use crate::walk::{child_of_kind, range_of, text_of};

#[derive(Clone, Copy)]
enum Step<'tree> {
    Visit(Node<'tree>),
    /// The statements of a function's body, which share the scope of its parameters.
    Body(Node<'tree>),
    Enter(ByteRange),
    Leave,
    /// Declares a name, known from a place on.
    Declare(Node<'tree>, usize),
    /// A name on the left of `:=`, known from a place on.
    DeclareOrUse(Node<'tree>, usize),
    /// The elements of a composite literal, and what their keys are.
    Elements(Node<'tree>, Literal<'tree>),
}

/// What the keys in a composite literal are.
#[derive(Clone, Copy)]
enum Literal<'tree> {
    /// Names of fields.
    Struct,
    /// Expressions; with the type of the elements, for elements that leave theirs out.
    Collection(Option<Node<'tree>>),
    /// It cannot be known: the type is defined elsewhere.
    Unknown,
}

struct Walker<'a, 'tree> {
    table: Table<'a>,
    steps: Vec<Step<'tree>>,
    /// The types that the text itself defines.
    types: HashMap<&'a str, Node<'tree>>,
}

pub(super) fn table<'a>(root: Node<'_>, text: &'a str) -> Table<'a> {
    let mut walker = Walker {
        table: Table::new(text),
        steps: vec![Step::Visit(root)],
        types: defined_types(root, text),
    };
    while let Some(step) = walker.steps.pop() {
        walker.take(step);
    }
    walker.table
}

fn defined_types<'a, 'tree>(root: Node<'tree>, text: &'a str) -> HashMap<&'a str, Node<'tree>> {
    let mut types = HashMap::new();
    let mut cursor = root.walk();
    for declaration in root
        .named_children(&mut cursor)
        .filter(|child| child.kind() == "type_declaration")
    {
        let mut specs = declaration.walk();
        for spec in declaration.named_children(&mut specs) {
            if let (Some(name), Some(defined)) = (
                spec.child_by_field_name("name"),
                spec.child_by_field_name("type"),
            ) {
                types.insert(text_of(name, text), defined);
            }
        }
    }
    types
}

impl<'tree> Walker<'_, 'tree> {
    fn plan(&mut self, steps: Vec<Step<'tree>>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn plan_children(&mut self, node: Node<'tree>) {
        self.plan(visit_children(node));
    }

    fn take(&mut self, step: Step<'tree>) {
        match step {
            Step::Visit(node) => self.visit(node),
            Step::Body(block) => self.plan_children(block),
            Step::Enter(range) => {
                self.table.enter(ScopeKind::Plain, range);
            }
            Step::Leave => self.table.leave(),
            Step::Declare(name, from) => {
                self.table.declare(range_of(name), As::LOCAL.from(from));
            }
            Step::DeclareOrUse(name, from) => self.declare_or_use(name, from),
            Step::Elements(body, literal) => self.elements(body, literal),
        }
    }

    fn visit(&mut self, node: Node<'tree>) {
        match node.kind() {
            "identifier" | "type_identifier" | "package_identifier" => {
                self.table.refer(range_of(node), Space::VALUE);
            }
            "field_identifier" | "label_name" | "package_clause" | "comment" => {}
            "function_declaration" => {
                if let Some(name) = node.child_by_field_name("name") {
                    self.table.declare(range_of(name), As::ITEM.shared(true));
                }
                self.function(node);
            }
            "method_declaration" | "func_literal" => self.function(node),
            // They have no body: their parameters are names for people only.
            "function_type" | "method_elem" => self.signature(node),
            "import_spec" => self.import(node),
            "type_spec" | "type_alias" => self.type_spec(node),
            "const_spec" | "var_spec" => self.value_spec(node),
            "short_var_declaration" => {
                let mut steps = field_steps(node, "right");
                steps.extend(left_names(node).map(|name| declare_or_visit(name, node.end_byte())));
                self.plan(steps);
            }
            "range_clause" | "receive_statement" => {
                let mut steps = field_steps(node, "right");
                let declares = child_of_kind(node, ":=").is_some();
                steps.extend(left_names(node).map(|name| {
                    if declares {
                        declare_or_visit(name, node.end_byte())
                    } else {
                        Step::Visit(name)
                    }
                }));
                self.plan(steps);
            }
            "type_switch_statement" => {
                let mut steps = vec![Step::Enter(range_of(node))];
                let alias = node.child_by_field_name("alias");
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor) {
                    if Some(child) == alias {
                        let mut names = child.walk();
                        steps.extend(
                            child
                                .named_children(&mut names)
                                .map(|name| Step::Declare(name, node.start_byte())),
                        );
                    } else {
                        steps.push(Step::Visit(child));
                    }
                }
                steps.push(Step::Leave);
                self.plan(steps);
            }
            "block"
            | "if_statement"
            | "for_statement"
            | "expression_switch_statement"
            | "expression_case"
            | "default_case"
            | "type_case"
            | "communication_case" => {
                let mut steps = vec![Step::Enter(range_of(node))];
                steps.extend(visit_children(node));
                steps.push(Step::Leave);
                self.plan(steps);
            }
            "selector_expression" => self.plan(field_steps(node, "operand")),
            "qualified_type" => self.plan(field_steps(node, "package")),
            "field_declaration" => {
                let defined = node.child_by_field_name("type");
                // An embedded type is a field of its name as well.
                if node.child_by_field_name("name").is_none()
                    && let Some(embedded) = defined.and_then(base_type)
                {
                    self.table.doubt(range_of(embedded));
                }
                self.plan(defined.map(Step::Visit).into_iter().collect());
            }
            "composite_literal" => {
                let literal = node
                    .child_by_field_name("type")
                    .map_or(Literal::Unknown, |defined| self.literal_of(defined));
                let mut steps = field_steps(node, "type");
                steps.extend(
                    node.child_by_field_name("body")
                        .map(|body| Step::Elements(body, literal)),
                );
                self.plan(steps);
            }
            _ => self.plan_children(node),
        }
    }

    fn function(&mut self, node: Node<'tree>) {
        let body = node.child_by_field_name("body");
        let from = body.map_or(node.end_byte(), |body| body.start_byte());
        let mut steps = vec![Step::Enter(range_of(node))];
        if let Some(types) = node.child_by_field_name("type_parameters") {
            steps.extend(type_parameters(types));
        }
        for field in ["receiver", "parameters", "result"] {
            if let Some(list) = node.child_by_field_name(field) {
                steps.extend(parameters(list, Some(from)));
            }
        }
        steps.extend(body.map(Step::Body));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    fn signature(&mut self, node: Node<'tree>) {
        let mut steps = Vec::new();
        for field in ["parameters", "result"] {
            if let Some(list) = node.child_by_field_name(field) {
                steps.extend(parameters(list, None));
            }
        }
        self.plan(steps);
    }

    fn import(&mut self, node: Node<'tree>) {
        let Some(path) = node.child_by_field_name("path") else {
            return;
        };
        match node.child_by_field_name("name") {
            Some(alias) if alias.kind() == "package_identifier" => {
                self.table.declare(range_of(alias), As::ITEM);
            }
            Some(_) => {}
            None => {
                let written = self.table.text_at(range_of(path)).trim_matches(['"', '`']);
                let here = self.table.here();
                let how = As::ITEM.form(Form::Path);
                self.table
                    .declare_as(here, package_name(written), range_of(path), how);
            }
        }
    }

    fn type_spec(&mut self, node: Node<'tree>) {
        let is_outermost = self.table.here() == 0;
        if let Some(name) = node.child_by_field_name("name") {
            let how = if is_outermost {
                As::ITEM.shared(true)
            } else {
                As::LOCAL.from(name.start_byte())
            };
            self.table.declare(range_of(name), how);
        }
        let mut steps = vec![Step::Enter(range_of(node))];
        if let Some(types) = node.child_by_field_name("type_parameters") {
            steps.extend(type_parameters(types));
        }
        steps.extend(field_steps(node, "type"));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    fn value_spec(&mut self, node: Node<'tree>) {
        let is_outermost = self.table.here() == 0;
        let mut steps = field_steps(node, "type");
        steps.extend(field_steps(node, "value"));
        let mut cursor = node.walk();
        for name in node
            .children_by_field_name("name", &mut cursor)
            .filter(Node::is_named)
        {
            if is_outermost {
                self.table.declare(range_of(name), As::ITEM.shared(true));
            } else {
                steps.push(Step::Declare(name, node.end_byte()));
            }
        }
        self.plan(steps);
    }

    /// `a, err := f()` declares only what this very block does not know yet.
    fn declare_or_use(&mut self, name: Node<'tree>, from: usize) {
        let range = range_of(name);
        if self
            .table
            .declares(self.table.here(), self.table.text_at(range))
        {
            self.table.refer(range, Space::VALUE);
        } else {
            self.table.declare(range, As::LOCAL.from(from));
        }
    }

    /// What the keys of a literal of a type are.
    fn literal_of(&self, defined: Node<'tree>) -> Literal<'tree> {
        let mut node = defined;
        // A type may be defined as another, but not for ever: a cycle is an error of the program.
        for _ in 0..16 {
            match node.kind() {
                "struct_type" => return Literal::Struct,
                "map_type" => return Literal::Collection(node.child_by_field_name("value")),
                "slice_type" | "array_type" | "implicit_length_array_type" => {
                    return Literal::Collection(node.child_by_field_name("element"));
                }
                "pointer_type" | "generic_type" | "parenthesized_type" => match node.named_child(0)
                {
                    Some(inner) => node = inner,
                    None => return Literal::Unknown,
                },
                "type_identifier" => match self.types.get(self.table.text_at(range_of(node))) {
                    Some(behind) => node = *behind,
                    None => return Literal::Unknown,
                },
                _ => return Literal::Unknown,
            }
        }
        Literal::Unknown
    }

    fn elements(&mut self, body: Node<'tree>, literal: Literal<'tree>) {
        let inner = match literal {
            Literal::Collection(Some(element)) => self.literal_of(element),
            _ => Literal::Unknown,
        };
        let mut steps = Vec::new();
        let mut cursor = body.walk();
        for element in body.named_children(&mut cursor) {
            if element.kind() != "keyed_element" {
                steps.push(value_step(element, inner));
                continue;
            }
            if let Some(key) = element.child_by_field_name("key") {
                let name = key
                    .named_child(0)
                    .filter(|name| name.kind() == "identifier");
                match (literal, name) {
                    (Literal::Struct, Some(_)) => {}
                    (Literal::Unknown, Some(name)) => self.table.doubt(range_of(name)),
                    _ => steps.push(value_step(key, Literal::Unknown)),
                }
            }
            if let Some(value) = element.child_by_field_name("value") {
                steps.push(value_step(value, inner));
            }
        }
        self.plan(steps);
    }
}

fn visit_children(node: Node<'_>) -> Vec<Step<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).map(Step::Visit).collect()
}

fn field_steps<'tree>(node: Node<'tree>, field: &str) -> Vec<Step<'tree>> {
    node.child_by_field_name(field)
        .map(Step::Visit)
        .into_iter()
        .collect()
}

fn left_names(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut cursor = node.walk();
    let names: Vec<Node<'_>> = node
        .child_by_field_name("left")
        .map(|left| left.named_children(&mut cursor).collect())
        .unwrap_or_default();
    names.into_iter()
}

fn declare_or_visit(name: Node<'_>, from: usize) -> Step<'_> {
    if name.kind() == "identifier" {
        Step::DeclareOrUse(name, from)
    } else {
        Step::Visit(name)
    }
}

/// The types of a list of parameters, and their names, known from a place on.
fn parameters(list: Node<'_>, from: Option<usize>) -> Vec<Step<'_>> {
    if list.kind() != "parameter_list" {
        return vec![Step::Visit(list)];
    }
    let mut steps = Vec::new();
    let mut cursor = list.walk();
    for declaration in list.named_children(&mut cursor) {
        steps.extend(field_steps(declaration, "type"));
        if let Some(from) = from {
            let mut names = declaration.walk();
            steps.extend(
                declaration
                    .children_by_field_name("name", &mut names)
                    .filter(Node::is_named)
                    .map(|name| Step::Declare(name, from)),
            );
        }
    }
    steps
}

fn type_parameters(list: Node<'_>) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut cursor = list.walk();
    for declaration in list.named_children(&mut cursor) {
        let mut names = declaration.walk();
        steps.extend(
            declaration
                .children_by_field_name("name", &mut names)
                .filter(Node::is_named)
                .map(|name| Step::Declare(name, 0)),
        );
        steps.extend(field_steps(declaration, "type"));
    }
    steps
}

/// The name of an embedded type: `T` of `*T`, `pkg.T` and `T[int]`.
fn base_type(mut defined: Node<'_>) -> Option<Node<'_>> {
    loop {
        match defined.kind() {
            "type_identifier" => return Some(defined),
            "pointer_type" | "generic_type" => defined = defined.named_child(0)?,
            // A type of another package is none of ours.
            _ => return None,
        }
    }
}

/// An element: a literal that leaves out its type, or an expression.
fn value_step<'tree>(element: Node<'tree>, inner: Literal<'tree>) -> Step<'tree> {
    let value = element
        .named_child(0)
        .filter(|_| element.kind() == "literal_element")
        .unwrap_or(element);
    if value.kind() == "literal_value" {
        Step::Elements(value, inner)
    } else {
        Step::Visit(value)
    }
}
