//! The names that a text defines and uses: for finding who is hit by a change elsewhere.
//!
//! Names are compared as they are written. Whether `count` here is the `count` over there, no grammar
//! can tell: these are places to look at, not facts. Within one text, [`bindings`](crate::bindings)
//! knows better.

use std::collections::BTreeMap;

use pleach_text::{ByteRange, Line};
use tree_sitter::Node;

use crate::outline::outline;
use crate::walk::{Preorder, range_of, text_of};
use crate::{Language, SymbolKind, Syntax};

/// One place where a name is written in code; not in strings or comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameUse<'text> {
    /// The name as it is written.
    pub name: &'text str,
    /// Where.
    pub range: ByteRange,
    /// The line it is on. Lines end at line feeds here.
    pub line: Line,
    /// What is done with it.
    pub role: NameRole,
}

/// What is done with a name at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRole {
    /// It is defined there, as the outline says.
    Definition(SymbolKind),
    /// It is called or constructed.
    Call,
    /// It stands where a type does.
    Type,
    /// It is imported or exported by name.
    Import,
    /// It is a member of something: `x.name`.
    Member,
    /// Anything else.
    Other,
}

/// Every name that is written in the code of a text, in order. Empty for data, markup and style.
/// `text` is what was parsed.
pub fn names_used<'text>(syntax: &Syntax, text: &'text str) -> Vec<NameUse<'text>> {
    uses(syntax, text, |_| true)
}

/// The places where a name is used but not defined, in order. `text` is what was parsed.
///
/// ```
/// use pleach_grammars::{Language, NameRole, parse, references_to};
///
/// let text = "use till::count;\nfn main() { count(\"count\"); }\n";
/// let found = references_to(&parse(Language::Rust, text), text, "count");
/// let roles: Vec<_> = found.iter().map(|found| found.role).collect();
/// assert_eq!(roles, [NameRole::Import, NameRole::Call]);
/// ```
pub fn references_to<'text>(syntax: &Syntax, text: &'text str, name: &str) -> Vec<NameUse<'text>> {
    let mut found = uses(syntax, text, |written| written == name);
    found.retain(|found| !matches!(found.role, NameRole::Definition(_)));
    found
}

fn uses<'text>(
    syntax: &Syntax,
    text: &'text str,
    wanted: impl Fn(&str) -> bool,
) -> Vec<NameUse<'text>> {
    let mut found = Vec::new();
    if !syntax.language().is_programming() {
        return found;
    }
    let defined: BTreeMap<ByteRange, SymbolKind> = outline(syntax, text)
        .into_iter()
        .map(|symbol| (symbol.name_range, symbol.kind))
        .collect();
    let mut walk = Preorder::new(syntax.root());
    // The nodes from the root to the present one's parent.
    let mut above: Vec<Node<'_>> = Vec::new();
    loop {
        let node = walk.node();
        above.truncate(walk.depth());
        if node.is_named() && is_name(syntax.language(), node, above.last().copied()) {
            let written = text_of(node, text);
            if !written.is_empty() && wanted(written) {
                let range = range_of(node);
                found.push(NameUse {
                    name: written,
                    range,
                    line: Line(u32::try_from(node.start_position().row).unwrap_or(u32::MAX)),
                    role: match defined.get(&range) {
                        Some(kind) => NameRole::Definition(*kind),
                        None => role(node, &above, text),
                    },
                });
            }
        }
        above.push(node);
        if !walk.advance(true) {
            return found;
        }
    }
}

/// Whether a node is one name, and not a path of names.
fn is_name(language: Language, node: Node<'_>, parent: Option<Node<'_>>) -> bool {
    let kind = node.kind();
    match language {
        // A name with its `$` holds the name.
        Language::Php => kind == "name",
        Language::Ruby => {
            matches!(
                kind,
                "identifier"
                    | "constant"
                    | "instance_variable"
                    | "class_variable"
                    | "global_variable"
                    | "simple_symbol"
                    | "hash_key_symbol"
            )
        }
        Language::Bash => {
            kind == "variable_name"
                || (kind == "word"
                    && parent.is_some_and(|parent| {
                        matches!(parent.kind(), "command_name" | "function_definition")
                    }))
        }
        _ => {
            node.child_count() == 0
                && (kind == "identifier"
                    || kind.ends_with("_identifier")
                    || kind == "shorthand_property_identifier_pattern"
                    || kind == "statement_identifier")
        }
    }
}

fn role(node: Node<'_>, above: &[Node<'_>], text: &str) -> NameRole {
    let parent_kind = above.last().map_or("", |parent| parent.kind());
    let is_import = above.iter().rev().take(6).any(|node| {
        let kind = node.kind();
        kind.starts_with("import_") && kind != "import_expression"
            || matches!(
                kind,
                "use_declaration"
                    | "extern_crate_declaration"
                    | "export_specifier"
                    | "import"
                    | "using_directive"
                    | "namespace_use_declaration"
                    | "future_import_statement"
                    | "preproc_include"
            )
    });
    if is_import {
        return NameRole::Import;
    }
    // What a Rust macro is given is no syntax, but looks like it.
    let has_arguments = || text.as_bytes().get(node.end_byte()) == Some(&b'(');
    if is_called(node, above) || parent_kind == "token_tree" && has_arguments() {
        return NameRole::Call;
    }
    let kind = node.kind();
    if kind == "type_identifier" || matches!(parent_kind, "type" | "user_type" | "named_type") {
        return NameRole::Type;
    }
    let is_member = matches!(
        kind,
        "field_identifier" | "property_identifier" | "private_property_identifier"
    ) || matches!(
        parent_kind,
        "attribute"
            | "member_access_expression"
            | "field_access"
            | "navigation_suffix"
            | "navigation_expression"
            | "field_expression"
            | "dot_index_expression"
            | "method_index_expression"
    ) && above
        .last()
        .is_some_and(|parent| parent.start_byte() != node.start_byte());
    if is_member {
        NameRole::Member
    } else {
        NameRole::Other
    }
}

/// Whether a name is the last part of what a call calls.
fn is_called(name: Node<'_>, above: &[Node<'_>]) -> bool {
    let mut inner = name;
    for outer in above.iter().rev() {
        let is_last = outer.end_byte() == inner.end_byte();
        match outer.kind() {
            "call_expression"
            | "call"
            | "function_call"
            | "method_invocation"
            | "new_expression"
            | "object_creation_expression"
            | "invocation_expression"
            | "function_call_expression"
            | "member_call_expression"
            | "scoped_call_expression"
            | "instance_expression"
            | "macro_invocation"
            | "composite_literal"
            | "struct_expression"
            | "command"
            | "decorator"
            | "jsx_opening_element"
            | "jsx_self_closing_element" => {
                let callee = ["function", "method", "name", "constructor", "macro", "type"]
                    .into_iter()
                    .find_map(|field| outer.child_by_field_name(field))
                    .or_else(|| outer.named_child(0));
                return callee.is_some_and(|callee| {
                    callee.start_byte() <= name.start_byte()
                        && callee.end_byte() == inner.end_byte()
                });
            }
            // The path to the name: `a.b.name`, `a::name`, `name::<T>`.
            "member_expression"
            | "field_expression"
            | "attribute"
            | "scoped_identifier"
            | "selector_expression"
            | "navigation_expression"
            | "navigation_suffix"
            | "member_access_expression"
            | "qualified_identifier"
            | "dot_index_expression"
            | "method_index_expression"
            | "scope_resolution"
            | "generic_function"
            | "template_function"
            | "generic_name"
            | "command_name"
            | "qualified_type"
            | "generic_type"
            | "type_identifier"
            | "user_type"
                if is_last
                    || outer.kind().starts_with("generic")
                    || outer.kind() == "template_function" => {}
            _ => return false,
        }
        inner = *outer;
    }
    false
}
