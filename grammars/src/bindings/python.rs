//! Python: functions, classes and comprehensions are scopes; an assignment declares in its function.

use std::collections::HashMap;

use pleach_text::ByteRange;
use tree_sitter::Node;

use super::scopes::{As, DeclarationId, Form, ScopeId, ScopeKind, Space, Table};
use crate::walk::{child_of_kind, range_of};

mod keywords;

/// How a node is read.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Names are used.
    Expression,
    /// Names are used; strings may be types that are written ahead of their definition.
    Annotation,
    /// Names are used; strings are strings, also where types stand.
    Verbatim,
    /// Names are assigned.
    Target,
    /// Names of a comprehension's `for` are its own.
    ComprehensionTarget,
    /// A pattern of `case`.
    Case,
}

enum Step<'tree> {
    Visit(Node<'tree>, Mode),
    Enter(ScopeKind, ByteRange),
    /// The body of a class, and what declares the class.
    EnterClass(Option<DeclarationId>, ByteRange),
    Parameters(Node<'tree>, Owner),
    Leave,
}

/// Whose parameters they are.
#[derive(Clone, Copy)]
struct Owner {
    /// Calls elsewhere may name them.
    is_callable_elsewhere: bool,
    /// The first one is `self` or `cls`.
    is_method: bool,
    /// What is called: the function, or the class of an `__init__`; and the function's name.
    callee: Option<DeclarationId>,
    name: Option<ByteRange>,
}

/// A function that calls may name the parameters of.
struct Function<'a> {
    name: &'a str,
    callee: Option<DeclarationId>,
    parameters: HashMap<&'a str, DeclarationId>,
}

/// `name=` in a call.
struct Keyword<'tree> {
    name: ByteRange,
    call: Node<'tree>,
    scope: ScopeId,
}

struct Walker<'a, 'tree> {
    table: Table<'a>,
    steps: Vec<Step<'tree>>,
    /// What `global` and `nonlocal` say in a scope: true for `global`.
    elsewhere: HashMap<(ScopeId, &'a str), bool>,
    functions: Vec<Function<'a>>,
    keywords: Vec<Keyword<'tree>>,
    /// The declarations of the classes that the walk is in, by their scope.
    classes: HashMap<ScopeId, Option<DeclarationId>>,
}

pub(super) fn table<'a>(root: Node<'_>, text: &'a str) -> Table<'a> {
    let mut walker = Walker {
        table: Table::new(text),
        steps: vec![Step::Visit(root, Mode::Expression)],
        elsewhere: HashMap::new(),
        functions: Vec::new(),
        keywords: Vec::new(),
        classes: HashMap::new(),
    };
    while let Some(step) = walker.steps.pop() {
        match step {
            Step::Visit(node, mode) => walker.visit(node, mode),
            Step::Enter(kind, range) => {
                walker.table.enter(kind, range);
            }
            Step::EnterClass(declared, range) => {
                let scope = walker.table.enter(ScopeKind::Class, range);
                walker.classes.insert(scope, declared);
            }
            Step::Parameters(list, owner) => walker.declare_parameters(list, owner),
            Step::Leave => walker.table.leave(),
        }
    }
    walker.settle_keywords();
    walker.table
}

impl<'tree> Walker<'_, 'tree> {
    fn plan(&mut self, steps: Vec<Step<'tree>>) {
        self.steps.extend(steps.into_iter().rev());
    }

    fn plan_children(&mut self, node: Node<'tree>, mode: Mode) {
        let mut cursor = node.walk();
        let steps = node
            .named_children(&mut cursor)
            .map(|child| Step::Visit(child, mode))
            .collect();
        self.plan(steps);
    }

    fn plan_fields(&mut self, node: Node<'tree>, fields: &[(&str, Mode)]) {
        let steps = fields
            .iter()
            .filter_map(|(field, mode)| Some(Step::Visit(node.child_by_field_name(field)?, *mode)))
            .collect();
        self.plan(steps);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn visit(&mut self, node: Node<'tree>, mode: Mode) {
        match node.kind() {
            "identifier" => self.name(node, mode),
            "attribute" => {
                // `x.name = 1` uses `x`, and `name` is nothing of ours.
                self.plan_fields(node, &[("object", used(mode))]);
            }
            "subscript" if mode != Mode::Annotation => self.plan_children(node, used(mode)),
            "subscript" | "generic_type" => {
                // The strings in `Literal["x"]` and `Annotated[int, "x"]` are no types.
                let is_verbatim = node.named_child(0).is_some_and(|what| {
                    let what = self.table.text_at(range_of(what));
                    matches!(what.rsplit('.').next(), Some("Literal" | "Annotated"))
                });
                let inner = if is_verbatim || mode == Mode::Verbatim {
                    Mode::Verbatim
                } else {
                    Mode::Annotation
                };
                self.plan_children(node, inner);
            }
            "type" => {
                let inner = if mode == Mode::Verbatim {
                    mode
                } else {
                    Mode::Annotation
                };
                self.plan_children(node, inner);
            }
            "string" if mode == Mode::Annotation => self.quoted_type(node),
            "function_definition" => self.function(node),
            "class_definition" => self.class(node),
            "lambda" => self.lambda(node),
            "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression" => self.comprehension(node),
            "named_expression" => {
                self.plan_fields(node, &[("value", Mode::Expression), ("name", Mode::Target)]);
            }
            "assignment" => {
                if self.is_all(node) {
                    self.all_names(node);
                }
                self.plan_fields(
                    node,
                    &[
                        ("type", Mode::Annotation),
                        ("right", Mode::Expression),
                        ("left", Mode::Target),
                    ],
                );
            }
            "augmented_assignment" => {
                if self.is_all(node) {
                    self.all_names(node);
                }
                self.plan_fields(node, &[("right", Mode::Expression), ("left", Mode::Target)]);
            }
            "for_statement" => self.plan_fields(
                node,
                &[
                    ("right", Mode::Expression),
                    ("left", Mode::Target),
                    ("body", Mode::Expression),
                    ("alternative", Mode::Expression),
                ],
            ),
            "dict_pattern" => {
                let mut cursor = node.walk();
                let mut steps = Vec::new();
                if cursor.goto_first_child() {
                    loop {
                        let is_key = cursor.field_name() == Some("key");
                        if cursor.node().is_named() {
                            let mode = if is_key { Mode::Expression } else { Mode::Case };
                            steps.push(Step::Visit(cursor.node(), mode));
                        }
                        if !cursor.goto_next_sibling() {
                            break;
                        }
                    }
                }
                self.plan(steps);
            }
            "as_pattern_target" | "delete_statement" => self.plan_children(node, Mode::Target),
            "global_statement" | "nonlocal_statement" => self.elsewhere(node),
            "import_statement" | "import_from_statement" => self.import(node),
            "future_import_statement" | "comment" => {}
            "exec_statement" => {
                self.table.is_dynamic_here();
                self.plan_children(node, Mode::Expression);
            }
            "call" => self.call(node),
            "keyword_argument" => self.plan_fields(node, &[("value", Mode::Expression)]),
            "type_alias_statement" => self.type_alias(node),
            "case_clause" => self.case_clause(node),
            "class_pattern" => self.class_pattern(node),
            "keyword_pattern" => {
                let steps = node
                    .named_child(1)
                    .map(|value| Step::Visit(value, Mode::Case));
                self.plan(steps.into_iter().collect());
            }
            "dotted_name" => self.dotted_name(node, mode),
            // A call or subscript in a target is read, what it is read from as well.
            kind if mode == Mode::Target && !is_target_list(kind) => {
                self.plan_children(node, Mode::Expression);
            }
            _ => self.plan_children(node, mode),
        }
    }

    fn name(&mut self, node: Node<'tree>, mode: Mode) {
        let range = range_of(node);
        match mode {
            Mode::Expression | Mode::Annotation | Mode::Verbatim => self.use_name(range),
            Mode::ComprehensionTarget => {
                self.table.declare(range, As::ITEM);
            }
            Mode::Target | Mode::Case => {
                // `:=` inside a comprehension declares outside of it.
                let scope = self.body_scope();
                self.assign(scope, range);
            }
        }
    }

    /// The scope that an assignment here declares in.
    fn body_scope(&self) -> ScopeId {
        self.table
            .nearest(&[ScopeKind::Function, ScopeKind::Class, ScopeKind::File])
    }

    fn use_name(&mut self, range: ByteRange) {
        let name = self.table.text_at(range);
        let scope = self.body_scope();
        if self.elsewhere.get(&(scope, name)) == Some(&true) {
            self.table.refer_in_file(range);
        } else {
            self.table.refer(range, Space::VALUE);
        }
    }

    fn assign(&mut self, scope: ScopeId, range: ByteRange) {
        let name = self.table.text_at(range);
        match self.elsewhere.get(&(scope, name)) {
            Some(true) => {
                self.table.declare_in(0, range, As::ITEM.shared(true));
            }
            Some(false) => self.table.refer(range, Space::VALUE),
            None => {
                let how = self.how_in(scope);
                self.table.declare_in(scope, range, how);
            }
        }
    }

    /// What a scope declares: attributes in a class, names for everybody in a file.
    fn how_in(&self, scope: ScopeId) -> As {
        match self.table.kind_of(scope) {
            ScopeKind::Class => As::ITEM.shared(true).uncertain(true),
            ScopeKind::File => As::ITEM.shared(true),
            _ => As::ITEM,
        }
    }

    fn declare_here(&mut self, range: ByteRange, form: Form) -> Option<DeclarationId> {
        let scope = self.body_scope();
        let how = self.how_in(scope).form(form);
        self.table.declare_in(scope, range, how)
    }

    fn function(&mut self, node: Node<'tree>) {
        let Some(name) = node.child_by_field_name("name").map(range_of) else {
            return;
        };
        let here = self.table.here();
        let in_class = self.table.kind_of(here) == ScopeKind::Class;
        let declared = match self.elsewhere.get(&(here, self.table.text_at(name))) {
            Some(_) => {
                self.assign(here, name);
                None
            }
            None => self.declare_here(name, Form::Plain),
        };
        let is_init = in_class && self.table.text_at(name) == "__init__";
        let owner = Owner {
            is_callable_elsewhere: in_class || self.table.kind_of(here) == ScopeKind::File,
            is_method: in_class,
            callee: if is_init {
                self.classes.get(&here).copied().flatten()
            } else {
                declared
            },
            name: Some(name),
        };
        let mut steps = Vec::new();
        let types = node.child_by_field_name("type_parameters");
        if let Some(types) = types {
            steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
            steps.extend(type_parameters(types));
        }
        if let Some(list) = node.child_by_field_name("parameters") {
            steps.extend(outside_parameters(list));
        }
        steps.extend(field_step(node, "return_type", Mode::Annotation));
        steps.push(Step::Enter(ScopeKind::Function, range_of(node)));
        if let Some(list) = node.child_by_field_name("parameters") {
            steps.push(Step::Parameters(list, owner));
        }
        steps.extend(field_step(node, "body", Mode::Expression));
        steps.push(Step::Leave);
        if types.is_some() {
            steps.push(Step::Leave);
        }
        self.plan(steps);
    }

    fn lambda(&mut self, node: Node<'tree>) {
        let owner = Owner {
            is_callable_elsewhere: false,
            is_method: false,
            callee: None,
            name: None,
        };
        let mut steps = Vec::new();
        let list = node.child_by_field_name("parameters");
        steps.extend(list.into_iter().flat_map(outside_parameters));
        steps.push(Step::Enter(ScopeKind::Function, range_of(node)));
        steps.extend(list.map(|list| Step::Parameters(list, owner)));
        steps.extend(field_step(node, "body", Mode::Expression));
        steps.push(Step::Leave);
        self.plan(steps);
    }

    fn declare_parameters(&mut self, list: Node<'tree>, owner: Owner) {
        let mut function = Function {
            name: owner.name.map_or("", |name| self.table.text_at(name)),
            callee: owner.callee,
            parameters: HashMap::new(),
        };
        let mut cursor = list.walk();
        let has_separator = child_of_kind(list, "positional_separator").is_some();
        let mut is_positional_only = has_separator;
        let mut is_first = true;
        for child in list.named_children(&mut cursor) {
            let (name, is_plain) = match child.kind() {
                "positional_separator" => {
                    is_positional_only = false;
                    continue;
                }
                "identifier" => (Some(child), true),
                "default_parameter" | "typed_default_parameter" => {
                    (child.child_by_field_name("name"), true)
                }
                "typed_parameter" => {
                    let inner = child.named_child(0);
                    (
                        inner.and_then(innermost),
                        inner.is_some_and(|inner| inner.kind() == "identifier"),
                    )
                }
                "list_splat_pattern" | "dictionary_splat_pattern" => (innermost(child), false),
                _ => continue,
            };
            let is_receiver = owner.is_method && is_first;
            is_first = false;
            let Some(name) = name.filter(|name| name.kind() == "identifier") else {
                continue;
            };
            let can_be_named = is_plain && !is_receiver && !is_positional_only;
            let how = As::ITEM.shared(can_be_named && owner.is_callable_elsewhere);
            let declared = self.table.declare(range_of(name), how);
            if can_be_named && let Some(declared) = declared {
                function
                    .parameters
                    .insert(self.table.text_at(range_of(name)), declared);
            }
        }
        self.functions.push(function);
    }

    fn class(&mut self, node: Node<'tree>) {
        let declared = node
            .child_by_field_name("name")
            .and_then(|name| self.declare_here(range_of(name), Form::Plain));
        let mut steps = Vec::new();
        let types = node.child_by_field_name("type_parameters");
        if let Some(types) = types {
            steps.push(Step::Enter(ScopeKind::Plain, range_of(node)));
            steps.extend(type_parameters(types));
        }
        steps.extend(field_step(node, "superclasses", Mode::Expression));
        steps.push(Step::EnterClass(declared, range_of(node)));
        steps.extend(field_step(node, "body", Mode::Expression));
        steps.push(Step::Leave);
        if types.is_some() {
            steps.push(Step::Leave);
        }
        self.plan(steps);
    }

    fn comprehension(&mut self, node: Node<'tree>) {
        let mut cursor = node.walk();
        let mut steps = Vec::new();
        let mut inner = Vec::new();
        for child in node.named_children(&mut cursor) {
            if child.kind() != "for_in_clause" {
                inner.push(Step::Visit(child, Mode::Expression));
                continue;
            }
            // The first iterable is read outside of the comprehension.
            let target = if steps.is_empty() {
                &mut steps
            } else {
                &mut inner
            };
            let mut right = child.walk();
            target.extend(
                child
                    .children_by_field_name("right", &mut right)
                    .filter(Node::is_named)
                    .map(|iterable| Step::Visit(iterable, Mode::Expression)),
            );
            inner.extend(field_step(child, "left", Mode::ComprehensionTarget));
        }
        steps.push(Step::Enter(ScopeKind::Comprehension, range_of(node)));
        steps.extend(inner);
        steps.push(Step::Leave);
        self.plan(steps);
    }

    fn elsewhere(&mut self, node: Node<'tree>) {
        let is_global = node.kind() == "global_statement";
        let scope = self.body_scope();
        let mut cursor = node.walk();
        for name in node
            .named_children(&mut cursor)
            .filter(|child| child.kind() == "identifier")
        {
            let range = range_of(name);
            self.elsewhere
                .insert((scope, self.table.text_at(range)), is_global);
            self.use_name(range);
        }
    }

    fn import(&mut self, node: Node<'tree>) {
        let module = node.child_by_field_name("module_name");
        let mut cursor = node.walk();
        for child in node
            .named_children(&mut cursor)
            .filter(|child| Some(*child) != module)
        {
            match child.kind() {
                "aliased_import" => {
                    if let Some(alias) = child.child_by_field_name("alias") {
                        self.declare_here(range_of(alias), Form::Plain);
                    }
                }
                "dotted_name" if child.named_child_count() == 1 => {
                    self.declare_here(range_of(child), Form::Import);
                }
                // `import a.b` gives `a`, and no other name can be given to that.
                "dotted_name" => {
                    let first = child.named_child(0).map(range_of);
                    if let Some(declared) =
                        first.and_then(|first| self.declare_here(first, Form::Plain))
                    {
                        self.table.make_uncertain(declared);
                    }
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, node: Node<'tree>) {
        let callee = node.child_by_field_name("function");
        let arguments = node.child_by_field_name("arguments");
        if let Some(callee) = callee.filter(|callee| callee.kind() == "identifier") {
            let name = self.table.text_at(range_of(callee));
            match name {
                "eval" | "exec" => self.table.is_dynamic_here(),
                "locals" | "vars" => self.table.names_are_listed_here(),
                _ => {}
            }
        }
        if let Some(arguments) = arguments.filter(|arguments| arguments.kind() == "argument_list") {
            let mut cursor = arguments.walk();
            for argument in arguments.named_children(&mut cursor) {
                if let Some(name) = argument
                    .child_by_field_name("name")
                    .filter(|_| argument.kind() == "keyword_argument")
                {
                    let scope = self.table.here();
                    self.keywords.push(Keyword {
                        name: range_of(name),
                        call: node,
                        scope,
                    });
                }
            }
        }
        self.plan_fields(
            node,
            &[
                ("function", Mode::Expression),
                ("arguments", Mode::Expression),
            ],
        );
    }

    fn type_alias(&mut self, node: Node<'tree>) {
        let mut left = node.child_by_field_name("left");
        while let Some(inner) = left.filter(|left| left.kind() != "identifier") {
            left = inner.named_child(0);
        }
        if let Some(name) = left {
            self.declare_here(range_of(name), Form::Plain);
        }
        self.plan_fields(node, &[("right", Mode::Annotation)]);
    }

    fn case_clause(&mut self, node: Node<'tree>) {
        let mut cursor = node.walk();
        let steps = node
            .named_children(&mut cursor)
            .map(|child| {
                let is_pattern = child.kind() == "case_pattern";
                Step::Visit(
                    child,
                    if is_pattern {
                        Mode::Case
                    } else {
                        Mode::Expression
                    },
                )
            })
            .collect();
        self.plan(steps);
    }

    fn class_pattern(&mut self, node: Node<'tree>) {
        let mut cursor = node.walk();
        let steps = node
            .named_children(&mut cursor)
            .enumerate()
            .map(|(index, child)| {
                Step::Visit(
                    child,
                    if index == 0 {
                        Mode::Expression
                    } else {
                        Mode::Case
                    },
                )
            })
            .collect();
        self.plan(steps);
    }

    /// `a.b`: only `a` is a name of ours. In a pattern a name by itself is captured.
    fn dotted_name(&mut self, node: Node<'tree>, mode: Mode) {
        let mode = if node.named_child_count() > 1 {
            used(mode)
        } else {
            mode
        };
        let first = node.named_child(0).map(|first| Step::Visit(first, mode));
        self.plan(first.into_iter().collect());
    }

    /// `x: "Till"`, or a longer type in quotes, in which every name is possible.
    fn quoted_type(&mut self, string: Node<'tree>) {
        let Some(content) = child_of_kind(string, "string_content").map(range_of) else {
            return;
        };
        let written = self.table.text_at(content);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if written.chars().all(is_word) {
            self.use_name(content);
            return;
        }
        let mut at = content.start.0;
        for piece in written.split_inclusive(|c| !is_word(c)) {
            let word = piece.trim_end_matches(|c| !is_word(c));
            self.table.doubt(ByteRange::from(at..at + word.len()));
            at += piece.len();
        }
    }

    fn is_all(&self, assignment: Node<'tree>) -> bool {
        self.table.here() == 0
            && assignment
                .child_by_field_name("left")
                .is_some_and(|left| self.table.text_at(range_of(left)) == "__all__")
    }

    /// The strings of `__all__ = [...]` are names.
    fn all_names(&mut self, assignment: Node<'tree>) {
        let Some(right) = assignment.child_by_field_name("right") else {
            return;
        };
        let mut cursor = right.walk();
        for string in right
            .named_children(&mut cursor)
            .filter(|child| child.kind() == "string")
        {
            if let Some(content) = child_of_kind(string, "string_content") {
                self.table.refer_in_file(range_of(content));
            }
        }
    }
}

/// What is inside a target or pattern that is only read.
fn used(mode: Mode) -> Mode {
    match mode {
        Mode::Annotation | Mode::Verbatim => mode,
        _ => Mode::Expression,
    }
}

fn is_target_list(kind: &str) -> bool {
    matches!(
        kind,
        "pattern_list"
            | "tuple_pattern"
            | "list_pattern"
            | "tuple"
            | "list"
            | "list_splat_pattern"
            | "list_splat"
            | "expression_list"
            | "parenthesized_expression"
    )
}

fn innermost(mut node: Node<'_>) -> Option<Node<'_>> {
    while node.kind() != "identifier" {
        node = node.named_child(0)?;
    }
    Some(node)
}

fn field_step<'tree>(node: Node<'tree>, field: &str, mode: Mode) -> Option<Step<'tree>> {
    node.child_by_field_name(field)
        .map(|child| Step::Visit(child, mode))
}

/// Defaults and annotations, which are read outside of the function.
fn outside_parameters(list: Node<'_>) -> Vec<Step<'_>> {
    let mut cursor = list.walk();
    list.named_children(&mut cursor)
        .flat_map(|parameter| {
            field_step(parameter, "type", Mode::Annotation)
                .into_iter()
                .chain(field_step(parameter, "value", Mode::Expression))
        })
        .collect()
}

/// `[T, U: Bound = Default]`: the names are declared, the rest is read.
fn type_parameters(list: Node<'_>) -> Vec<Step<'_>> {
    let mut cursor = list.walk();
    list.named_children(&mut cursor)
        .filter_map(innermost)
        .map(|name| Step::Visit(name, Mode::ComprehensionTarget))
        .collect()
}
