//! JavaScript, TypeScript and TSX: blocks and functions are scopes; values and types have names apart.

use pleach_text::ByteRange;
use tree_sitter::Node;

use super::scopes::{As, Form, Merges, ScopeKind, Space, Table};
use crate::walk::{child_of_kind, range_of};

mod steps;

use steps::{
    children_but_name, computed_key, computed_name, declarators, decorators, enum_members,
    field_steps, function, named, visit_children,
};

/// How a node is read.
#[derive(Clone, Copy)]
enum Mode {
    /// Names are used.
    Expression,
    /// A pattern that declares names.
    Pattern(Declares),
    /// A pattern that assigns to names that exist.
    Assigned,
}

/// Where a pattern declares its names, and who else may use them.
#[derive(Clone, Copy)]
struct Declares {
    /// `var` declares in the function around.
    in_function: bool,
    is_shared: bool,
    is_uncertain: bool,
}

impl Declares {
    const HERE: Self = Self {
        in_function: false,
        is_shared: false,
        is_uncertain: false,
    };
}

enum Step<'tree> {
    Visit(Node<'tree>, Mode),
    /// A declaration that is exported, or for all scripts.
    Declaration(Node<'tree>, Declares),
    Enter(ScopeKind, ByteRange),
    Leave,
    /// A name that the present scope declares.
    Name(Node<'tree>, Space, Declares),
}

struct Walker<'a, 'tree> {
    table: Table<'a>,
    steps: Vec<Step<'tree>>,
    /// Whether what the text declares at its top is for every script of a page.
    is_script: bool,
}

pub(super) fn table<'a>(root: Node<'_>, text: &'a str) -> Table<'a> {
    let mut walker = Walker {
        table: Table::new(text),
        steps: vec![Step::Visit(root, Mode::Expression)],
        is_script: !is_module(root, text),
    };
    while let Some(step) = walker.steps.pop() {
        match step {
            Step::Visit(node, mode) => walker.visit(node, mode),
            Step::Declaration(node, declares) => walker.declaration(node, declares),
            Step::Enter(kind, range) => {
                walker.table.enter(kind, range);
            }
            Step::Leave => walker.table.leave(),
            Step::Name(name, space, declares) => {
                walker.declare(range_of(name), space, declares, Form::Plain);
            }
        }
    }
    walker.table
}

/// A text without any import and export is a script: its names are everybody's.
fn is_module(root: Node<'_>, text: &str) -> bool {
    let mut cursor = root.walk();
    root.named_children(&mut cursor)
        .any(|child| matches!(child.kind(), "import_statement" | "export_statement"))
        || text.contains("require(")
        || text.contains("module.exports")
}

impl<'tree> Walker<'_, 'tree> {
    fn plan(&mut self, steps: Vec<Step<'tree>>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn plan_children(&mut self, node: Node<'tree>, mode: Mode) {
        self.plan(visit_children(node, mode));
    }

    fn plan_fields(&mut self, node: Node<'tree>, fields: &[&str]) {
        let steps = fields
            .iter()
            .flat_map(|field| field_steps(node, field))
            .collect();
        self.plan(steps);
    }

    fn plan_inside(&mut self, node: Node<'tree>, kind: ScopeKind) {
        let mut steps = vec![Step::Enter(kind, range_of(node))];
        steps.extend(visit_children(node, Mode::Expression));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    /// What a declaration without `export` says here.
    fn plainly(&self) -> Declares {
        Declares {
            is_shared: self.is_script && self.table.here() == 0,
            ..Declares::HERE
        }
    }

    fn declare(&mut self, range: ByteRange, space: Space, declares: Declares, form: Form) {
        let scope = if declares.in_function {
            self.table.nearest(&[ScopeKind::Function, ScopeKind::File])
        } else {
            self.table.here()
        };
        let how = As {
            merges: Merges::Always,
            ..As::ITEM
        }
        .space(space)
        .form(form)
        .shared(declares.is_shared)
        .uncertain(declares.is_uncertain);
        self.table.declare_in(scope, range, how);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn visit(&mut self, node: Node<'tree>, mode: Mode) {
        match node.kind() {
            "identifier" => self.name(node, mode),
            "type_identifier" => self.table.refer(range_of(node), Space::TYPE),
            "shorthand_property_identifier" => {
                let form = Form::Key {
                    at: node.start_byte(),
                };
                self.table.refer_as(range_of(node), Space::VALUE, form);
            }
            "shorthand_property_identifier_pattern" => {
                let form = Form::Key {
                    at: node.start_byte(),
                };
                match mode {
                    Mode::Pattern(declares) => {
                        self.declare(range_of(node), Space::VALUE, declares, form);
                    }
                    _ => self.table.refer_as(range_of(node), Space::VALUE, form),
                }
            }
            "comment" | "statement_identifier" | "property_identifier" | "jsx_namespace_name" => {}
            "function_declaration"
            | "generator_function_declaration"
            | "function_signature"
            | "class_declaration"
            | "abstract_class_declaration"
            | "interface_declaration"
            | "type_alias_declaration"
            | "enum_declaration"
            | "lexical_declaration"
            | "variable_declaration"
            | "using_declaration"
            | "internal_module"
            | "module"
            | "import_alias" => {
                let declares = self.plainly();
                self.declaration(node, declares);
            }
            "function_expression" | "generator_function" => {
                let mut steps = vec![Step::Enter(ScopeKind::Plain, range_of(node))];
                steps.extend(named(node, Space::VALUE, Declares::HERE));
                steps.extend(function(node));
                steps.push(Step::Leave);
                self.plan(steps);
            }
            "arrow_function"
            | "function_type"
            | "constructor_type"
            | "call_signature"
            | "construct_signature" => self.plan(function(node)),
            "method_definition" | "method_signature" | "abstract_method_signature" => {
                let mut steps = decorators(node);
                steps.extend(computed_name(node));
                steps.extend(function(node));
                self.plan(steps);
            }
            "public_field_definition" | "field_definition" | "property_signature" => {
                let mut steps = decorators(node);
                steps.extend(computed_name(node));
                steps.extend(field_steps(node, "type"));
                steps.extend(field_steps(node, "value"));
                self.plan(steps);
            }
            "class" => {
                let mut steps = vec![Step::Enter(ScopeKind::Plain, range_of(node))];
                steps.extend(named(node, Space::VALUE_AND_TYPE, Declares::HERE));
                steps.extend(children_but_name(node));
                steps.push(Step::Leave);
                self.plan(steps);
            }
            "class_static_block" => self.plan_inside(node, ScopeKind::Function),
            "statement_block" | "switch_body" | "for_statement" | "catch_clause" => {
                let mut steps = vec![Step::Enter(ScopeKind::Plain, range_of(node))];
                if let Some(parameter) = node.child_by_field_name("parameter") {
                    steps.push(Step::Visit(parameter, Mode::Pattern(Declares::HERE)));
                    steps.extend(field_steps(node, "body"));
                } else {
                    steps.extend(visit_children(node, Mode::Expression));
                }
                steps.push(Step::Leave);
                self.plan(steps);
            }
            "for_in_statement" => self.for_in(node),
            "with_statement" => {
                self.table.is_dynamic_here();
                self.plan_children(node, Mode::Expression);
            }
            "call_expression" => {
                let is_eval = node
                    .child_by_field_name("function")
                    .is_some_and(|callee| self.table.text_at(range_of(callee)) == "eval");
                if is_eval {
                    self.table.is_dynamic_here();
                }
                self.plan_children(node, Mode::Expression);
            }
            "assignment_expression" => {
                let mut steps: Vec<_> = node
                    .child_by_field_name("left")
                    .map(|left| Step::Visit(left, Mode::Assigned))
                    .into_iter()
                    .collect();
                steps.extend(field_steps(node, "right"));
                self.plan(steps);
            }
            "object_assignment_pattern" | "assignment_pattern" => {
                let mut steps: Vec<_> = node
                    .child_by_field_name("left")
                    .map(|left| Step::Visit(left, mode))
                    .into_iter()
                    .collect();
                steps.extend(field_steps(node, "right"));
                self.plan(steps);
            }
            "pair_pattern" => {
                let mut steps = computed_key(node);
                steps.extend(
                    node.child_by_field_name("value")
                        .map(|value| Step::Visit(value, mode)),
                );
                self.plan(steps);
            }
            "object_pattern" | "array_pattern" | "rest_pattern" => self.plan_children(node, mode),
            "pair" => {
                let mut steps = computed_key(node);
                steps.extend(field_steps(node, "value"));
                self.plan(steps);
            }
            "member_expression" | "nested_identifier" => self.plan_fields(node, &["object"]),
            "nested_type_identifier" => {
                if let Some(module) = node.child_by_field_name("module") {
                    if module.kind() == "identifier" {
                        self.table.refer(range_of(module), Space::VALUE_AND_TYPE);
                    } else {
                        self.plan(vec![Step::Visit(module, Mode::Expression)]);
                    }
                }
            }
            "import_statement" => self.import(node),
            "export_statement" => self.export(node),
            "ambient_declaration" => self.ambient(node),
            "required_parameter" | "optional_parameter" => self.parameter(node),
            "type_parameter" => {
                let mut steps = named(node, Space::TYPE, Declares::HERE);
                steps.extend(field_steps(node, "constraint"));
                steps.extend(field_steps(node, "value"));
                self.plan(steps);
            }
            "tuple_type" => self.plan_inside(node, ScopeKind::Plain),
            "conditional_type" => {
                let mut steps = vec![Step::Enter(ScopeKind::Plain, range_of(node))];
                for field in ["left", "right", "consequence"] {
                    steps.extend(field_steps(node, field));
                }
                steps.push(Step::Leave);
                // What `infer` declares is not known where the condition does not hold.
                steps.extend(field_steps(node, "alternative"));
                self.plan(steps);
            }
            "infer_type" => {
                let mut steps = Vec::new();
                let mut cursor = node.walk();
                for (index, child) in node.named_children(&mut cursor).enumerate() {
                    steps.push(if index == 0 {
                        Step::Name(child, Space::TYPE, Declares::HERE)
                    } else {
                        Step::Visit(child, Mode::Expression)
                    });
                }
                self.plan(steps);
            }
            "index_signature" => self.index_signature(node),
            "jsx_opening_element" | "jsx_self_closing_element" | "jsx_closing_element" => {
                self.element(node);
            }
            "jsx_attribute" => {
                // The first child is the attribute's name.
                let steps = visit_children(node, Mode::Expression)
                    .into_iter()
                    .skip(1)
                    .collect();
                self.plan(steps);
            }
            _ => self.plan_children(node, Mode::Expression),
        }
    }

    fn name(&mut self, node: Node<'tree>, mode: Mode) {
        match mode {
            Mode::Pattern(declares) => {
                self.declare(range_of(node), Space::VALUE, declares, Form::Plain);
            }
            Mode::Expression | Mode::Assigned => self.table.refer(range_of(node), Space::VALUE),
        }
    }

    fn declaration(&mut self, node: Node<'tree>, declares: Declares) {
        let steps = match node.kind() {
            "function_declaration" | "generator_function_declaration" | "function_signature" => {
                let mut steps = named(node, Space::VALUE, declares);
                steps.extend(function(node));
                steps
            }
            "class_declaration" | "abstract_class_declaration" => {
                let mut steps = named(node, Space::VALUE_AND_TYPE, declares);
                steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
                steps.extend(children_but_name(node));
                steps.push(Step::Leave);
                steps
            }
            "interface_declaration" | "type_alias_declaration" => {
                let mut steps = named(node, Space::TYPE, declares);
                steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
                steps.extend(children_but_name(node));
                steps.push(Step::Leave);
                steps
            }
            "enum_declaration" => {
                let mut steps = named(node, Space::VALUE_AND_TYPE, declares);
                steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
                steps.extend(
                    node.child_by_field_name("body")
                        .into_iter()
                        .flat_map(enum_members),
                );
                steps.push(Step::Leave);
                steps
            }
            "lexical_declaration" | "variable_declaration" | "using_declaration" => {
                let in_function = node.kind() == "variable_declaration";
                declarators(
                    node,
                    Declares {
                        in_function,
                        ..declares
                    },
                )
            }
            "internal_module" | "module" => Self::namespace(node, declares),
            "import_alias" => {
                let mut steps = visit_children(node, Mode::Expression);
                if let Some(Step::Visit(name, _)) = steps.first() {
                    let name = Step::Name(*name, Space::VALUE_AND_TYPE, declares);
                    steps.splice(..1, [name]);
                }
                steps
            }
            _ => vec![Step::Visit(node, Mode::Expression)],
        };
        self.plan(steps);
    }

    fn namespace(node: Node<'tree>, declares: Declares) -> Vec<Step<'tree>> {
        let mut steps = Vec::new();
        let mut name = node.child_by_field_name("name");
        while let Some(outer) = name.filter(|name| name.kind() == "nested_identifier") {
            name = outer.child_by_field_name("object");
        }
        if let Some(name) = name.filter(|name| name.kind() == "identifier") {
            steps.push(Step::Name(name, Space::VALUE_AND_TYPE, declares));
        }
        steps.push(Step::Enter(ScopeKind::Function, range_of(node)));
        if let Some(body) = node.child_by_field_name("body") {
            let mut cursor = body.walk();
            for child in body.named_children(&mut cursor) {
                // What is exported here is a member of the namespace.
                match child.child_by_field_name("declaration") {
                    Some(inner) if child.kind() == "export_statement" => {
                        let member = Declares {
                            is_shared: true,
                            is_uncertain: true,
                            ..Declares::HERE
                        };
                        steps.push(Step::Declaration(inner, member));
                    }
                    _ => steps.push(Step::Visit(child, Mode::Expression)),
                }
            }
        }
        steps.push(Step::Leave);
        steps
    }

    fn for_in(&mut self, node: Node<'tree>) {
        let mut steps = field_steps(node, "right");
        steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
        let mode = match node.child_by_field_name("kind").map(|kind| kind.kind()) {
            None => Mode::Assigned,
            Some(kind) => Mode::Pattern(Declares {
                in_function: kind == "var",
                is_shared: kind == "var" && self.plainly().is_shared,
                ..Declares::HERE
            }),
        };
        steps.extend(
            node.child_by_field_name("left")
                .map(|left| Step::Visit(left, mode)),
        );
        steps.extend(field_steps(node, "body"));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    fn parameter(&mut self, node: Node<'tree>) {
        // `constructor(private x)` declares a property as well.
        let is_property = child_of_kind(node, "accessibility_modifier").is_some()
            || child_of_kind(node, "readonly").is_some()
            || child_of_kind(node, "override_modifier").is_some();
        let declares = Declares {
            is_uncertain: is_property,
            ..Declares::HERE
        };
        let mut steps = decorators(node);
        steps.extend(field_steps(node, "type"));
        steps.extend(
            node.child_by_field_name("pattern")
                .or_else(|| node.child_by_field_name("name"))
                .map(|pattern| Step::Visit(pattern, Mode::Pattern(declares))),
        );
        steps.extend(field_steps(node, "value"));
        self.plan(steps);
    }

    fn import(&mut self, node: Node<'tree>) {
        let mut todo = vec![node];
        while let Some(node) = todo.pop() {
            let mut cursor = node.walk();
            for child in node.named_children(&mut cursor) {
                match child.kind() {
                    "identifier" => {
                        self.declare(
                            range_of(child),
                            Space::VALUE_AND_TYPE,
                            Declares::HERE,
                            Form::Plain,
                        );
                    }
                    "import_specifier" => {
                        let (name, form) = match child.child_by_field_name("alias") {
                            Some(alias) => (Some(alias), Form::Plain),
                            None => (child.child_by_field_name("name"), Form::Import),
                        };
                        if let Some(name) = name {
                            self.declare(
                                range_of(name),
                                Space::VALUE_AND_TYPE,
                                Declares::HERE,
                                form,
                            );
                        }
                    }
                    "import_clause"
                    | "named_imports"
                    | "namespace_import"
                    | "import_require_clause" => {
                        todo.push(child);
                    }
                    _ => {}
                }
            }
        }
    }

    fn export(&mut self, node: Node<'tree>) {
        if node.child_by_field_name("source").is_some() {
            return;
        }
        let is_default = child_of_kind(node, "default").is_some();
        let mut steps = decorators(node);
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if child.kind() == "export_clause" {
                let mut inner = child.walk();
                for specifier in child.named_children(&mut inner) {
                    let form = match specifier.child_by_field_name("alias") {
                        Some(_) => Form::Plain,
                        None => Form::Export,
                    };
                    if let Some(name) = specifier
                        .child_by_field_name("name")
                        .filter(|name| name.kind() == "identifier")
                    {
                        self.table
                            .refer_as(range_of(name), Space::VALUE_AND_TYPE, form);
                    }
                }
            } else if Some(child) == node.child_by_field_name("declaration") {
                // Importers of a default give it a name of their own.
                let declares = Declares {
                    is_shared: !is_default,
                    ..self.plainly()
                };
                steps.push(Step::Declaration(child, declares));
            } else if child.kind() != "decorator" && child.kind() != "namespace_export" {
                steps.push(Step::Visit(child, Mode::Expression));
            }
        }
        self.plan(steps);
    }

    /// `declare …`: what it declares exists elsewhere.
    fn ambient(&mut self, node: Node<'tree>) {
        let elsewhere = Declares {
            is_shared: true,
            is_uncertain: true,
            ..Declares::HERE
        };
        let mut steps = Vec::new();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if child.kind() == "statement_block" {
                // `declare global { … }`
                let mut inner = child.walk();
                steps.extend(
                    child
                        .named_children(&mut inner)
                        .map(|node| Step::Declaration(node, elsewhere)),
                );
            } else {
                steps.push(Step::Declaration(child, elsewhere));
            }
        }
        self.plan(steps);
    }

    /// `[key: string]: T` and `[K in keyof T]: T[K]`.
    fn index_signature(&mut self, node: Node<'tree>) {
        let mut steps = vec![Step::Enter(ScopeKind::Plain, range_of(node))];
        if let Some(clause) = child_of_kind(node, "mapped_type_clause") {
            steps.extend(named(clause, Space::TYPE, Declares::HERE));
            steps.extend(children_but_name(clause));
        }
        steps.extend(field_steps(node, "index_type"));
        steps.extend(field_steps(node, "type"));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    /// `<Till …>` uses `Till`; `<div …>` uses nothing.
    fn element(&mut self, node: Node<'tree>) {
        let name = node.child_by_field_name("name");
        let mut steps = Vec::new();
        if let Some(name) = name {
            let is_own = self
                .table
                .text_at(range_of(name))
                .starts_with(|first: char| first.is_uppercase() || first == '_' || first == '$');
            if name.kind() != "identifier" || is_own {
                steps.push(Step::Visit(name, Mode::Expression));
            }
        }
        let mut cursor = node.walk();
        steps.extend(
            node.named_children(&mut cursor)
                .filter(|child| Some(*child) != name)
                .map(|child| Step::Visit(child, Mode::Expression)),
        );
        self.plan(steps);
    }
}
