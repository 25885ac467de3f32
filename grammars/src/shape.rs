//! What a function takes, gives back, and how it fails: enough to write its documentation or a test.

use pleach_text::ByteRange;
use tree_sitter::Node;

use crate::walk::{Preorder, path_to, range_of, text_of};
use crate::{Language, Symbol, Syntax};

mod ecmascript;
mod go;
mod python;
mod rust;

/// The parameters, the result and the failures of a function, as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct FunctionShape {
    /// What it is called on: Rust's `self`, Python's `self` or `cls`, Go's receiver, TypeScript's
    /// declared `this`. It is not among the parameters.
    pub receiver: Option<Parameter>,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The names of its type parameters, without bounds and lifetimes.
    pub type_parameters: Vec<String>,
    /// The result's type as it is written; none where there is none, or none is written.
    pub returns: Option<String>,
    /// Whether it visibly gives a value back: a written type that is not that of nothing, or else a
    /// `return` or `yield` with a value, or an expression for a body.
    pub gives_value: bool,
    /// The ways it can fail that can be seen, in order, each once.
    pub failures: Vec<Failure>,
    /// Whether it is asynchronous.
    pub is_async: bool,
    /// Whether it yields.
    pub is_generator: bool,
    /// Whether callers must uphold something (Rust's `unsafe`).
    pub is_unsafe: bool,
}

/// One parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameter {
    /// The name, without `mut`, `*` or `...`; for a pattern the pattern as it is written; empty for a
    /// parameter that Go leaves unnamed.
    pub name: String,
    /// All of the parameter.
    pub range: ByteRange,
    /// Its type as it is written.
    pub type_text: Option<String>,
    /// Its default as it is written.
    pub default: Option<String>,
    /// How it is passed.
    pub kind: ParameterKind,
    /// Whether a call may leave it out: it has a default, or TypeScript's `?`.
    pub is_optional: bool,
    /// Whether it is taken apart by a pattern, so that `name` is no name.
    pub is_pattern: bool,
}

/// How a parameter is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParameterKind {
    /// By its place, or by name where the language allows both.
    #[default]
    Plain,
    /// By name only (Python, after `*`).
    KeywordOnly,
    /// All the rest: `...rest`, `*args`.
    Rest,
    /// All the rest by name: `**options`.
    KeywordRest,
}

/// A way in which a function can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It gives back a `Result`; the type of the error where it is written.
    Result {
        /// The second type argument of `Result`.
        error: Option<String>,
    },
    /// It gives back an `Option`.
    Absent,
    /// It panics: what does it (`unwrap`, `panic!`, Go's `panic`), and where.
    Panic {
        /// The macro or method.
        by: String,
        /// Where.
        range: ByteRange,
    },
    /// Go: its last result is an `error`.
    ErrorValue,
    /// It raises or throws: what, where that is written (`ValueError`), and where.
    Raise {
        /// The name of what is raised.
        what: Option<String>,
        /// Where.
        range: ByteRange,
    },
}

/// The shape of the function that a symbol is; none where it is no function, or the language is not
/// one of Rust, Python, TypeScript, TSX, JavaScript and Go. `text` is what was parsed.
///
/// ```
/// use pleach_grammars::{Language, function_shape, outline, parse};
///
/// let text = "fn take(amount: u32) -> Result<u32, Short> { todo!() }";
/// let syntax = parse(Language::Rust, text);
/// let shape = function_shape(&syntax, text, &outline(&syntax, text)[0]).unwrap();
///
/// assert_eq!(shape.parameters[0].type_text.as_deref(), Some("u32"));
/// assert_eq!(shape.returns.as_deref(), Some("Result<u32, Short>"));
/// ```
pub fn function_shape(syntax: &Syntax, text: &str, symbol: &Symbol) -> Option<FunctionShape> {
    let path = path_to(syntax.root(), symbol.name_range);
    // The name's own node is the last; what it names is around it, inside the symbol's range.
    let around = || {
        path.iter()
            .rev()
            .take_while(|node| symbol.range.contains_range(range_of(**node)))
    };
    match syntax.language() {
        Language::Rust => {
            let is = |node: &&Node<'_>| {
                matches!(node.kind(), "function_item" | "function_signature_item")
            };
            Some(rust::shape(*around().find(is)?, text))
        }
        Language::Python => {
            let function = around().find(|node| node.kind() == "function_definition")?;
            Some(python::shape(*function, &path, text))
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => around()
            .find_map(|node| ecmascript::function_of(*node))
            .map(|function| ecmascript::shape(function, text)),
        Language::Go => {
            let is = |node: &&Node<'_>| {
                matches!(
                    node.kind(),
                    "function_declaration" | "method_declaration" | "method_elem"
                )
            };
            Some(go::shape(*around().find(is)?, text))
        }
        _ => None,
    }
}

/// The text of a field, in one line if it was so.
fn field_text(node: Node<'_>, field: &str, text: &str) -> Option<String> {
    node.child_by_field_name(field)
        .map(|child| text_of(child, text).to_owned())
}

/// Calls `found` with each node of a function's body that is not in a function of its own.
///
/// `found` says whether to look inside.
fn within_function<'tree>(
    body: Node<'tree>,
    is_function: impl Fn(&str) -> bool,
    mut found: impl FnMut(Node<'tree>) -> bool,
) {
    let mut walk = Preorder::new(body);
    loop {
        let node = walk.node();
        let descend = !is_function(node.kind()) && found(node);
        if !walk.advance(descend) {
            return;
        }
    }
}

fn push_once(failures: &mut Vec<Failure>, failure: Failure) {
    let same = |known: &Failure| match (known, &failure) {
        (Failure::Raise { what: one, .. }, Failure::Raise { what: other, .. }) => one == other,
        (Failure::Panic { by: one, .. }, Failure::Panic { by: other, .. }) => one == other,
        (one, other) => one == other,
    };
    if !failures.iter().any(same) {
        failures.push(failure);
    }
}
