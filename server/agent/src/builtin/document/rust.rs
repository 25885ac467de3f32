//! Rustdoc.

use pleach_grammars::{Failure, FunctionShape, Symbol, SymbolKind, function_shape};
use pleach_text::{ByteRange, Replacement};
use tree_sitter::Node;

use super::{Written, above, already, phrase, what_it_is};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source};
use crate::builtin::words::capitalised;

/// A section of a doc comment: its heading and its lines.
struct Section {
    heading: &'static str,
    lines: Vec<String>,
}

pub(super) fn document(source: &Source<'_>, symbol: &Symbol) -> Result<Written, BuiltinRefusal> {
    let shape = function_shape(&source.syntax, source.text, symbol);
    let shape = shape.filter(|_| symbol.kind.is_callable());
    let sections = shape
        .as_ref()
        .map(|shape| sections(source, symbol, shape))
        .unwrap_or_default();
    let indent = source.indent(symbol.range.start);
    match symbol.doc {
        None => {
            let mut lines = vec![summary(source, symbol, shape.as_ref())];
            let absent = shape.is_some_and(|shape| shape.failures.contains(&Failure::Absent));
            if absent {
                lines.push(String::new());
                lines.push("TODO: say when it is `None`.".to_owned());
            }
            for section in &sections {
                push(&mut lines, section);
            }
            let at = above(source, symbol)?;
            let text: String = lines
                .iter()
                .map(|line| doc_line(indent, line) + "\n")
                .collect();
            Ok(Written::new(Replacement::new(ByteRange::empty(at), text)))
        }
        Some(doc) => {
            let present = source.slice(doc);
            let lacking: Vec<&Section> = sections
                .iter()
                .filter(|section| {
                    !present
                        .to_lowercase()
                        .contains(&section.heading.to_lowercase())
                })
                .collect();
            let last = present.lines().last().unwrap_or_default().trim_start();
            if lacking.is_empty() || !last.starts_with("///") {
                return Err(already(symbol));
            }
            let mut lines = Vec::new();
            for section in &lacking {
                push(&mut lines, section);
            }
            let mut text = String::new();
            for line in &lines {
                text.push('\n');
                text.push_str(&doc_line(indent, line));
            }
            Ok(Written {
                replacements: vec![Replacement::new(ByteRange::empty(doc.end), text)],
                added: lacking
                    .iter()
                    .map(|section| format!("`{}`", section.heading))
                    .collect(),
            })
        }
    }
}

fn push(lines: &mut Vec<String>, section: &Section) {
    lines.push(String::new());
    lines.push(section.heading.to_owned());
    lines.push(String::new());
    lines.extend(section.lines.iter().cloned());
}

fn doc_line(indent: &str, line: &str) -> String {
    if line.is_empty() {
        format!("{indent}///")
    } else {
        format!("{indent}/// {line}")
    }
}

fn summary(source: &Source<'_>, symbol: &Symbol, shape: Option<&FunctionShape>) -> String {
    let name = &symbol.name;
    if let Some(shape) = shape {
        return match phrase(source, symbol, shape) {
            _ if symbol.kind == SymbolKind::Test => "TODO: say what is tested.".to_owned(),
            Some(phrase) => format!("{}.", capitalised(&phrase.third_person())),
            None => format!("TODO: say what `{name}` does."),
        };
    }
    // An alias, or what an implementation chooses: its name says what it stands in for, not what it is.
    let noun = what_it_is(symbol).filter(|_| symbol.kind != SymbolKind::Type);
    match noun {
        Some(noun) => format!("{}.", capitalised(&noun)),
        None => match symbol.kind {
            SymbolKind::Macro => format!("TODO: say what `{name}!` expands to."),
            SymbolKind::Trait => format!("TODO: say what a type that implements `{name}` can do."),
            SymbolKind::Variant => format!("TODO: say what `{name}` means."),
            SymbolKind::Type => format!("TODO: say what `{name}` stands for."),
            _ => format!("TODO: say what `{name}` is for."),
        },
    }
}

fn sections(source: &Source<'_>, symbol: &Symbol, shape: &FunctionShape) -> Vec<Section> {
    let mut sections = Vec::new();
    if symbol.kind == SymbolKind::Test {
        return sections;
    }
    let body = symbol.body.and_then(|body| source.node_at(body));
    for failure in &shape.failures {
        if let Failure::Result { error } = failure {
            sections.push(Section {
                heading: "# Errors",
                lines: errors(source, body, error.as_deref()),
            });
        }
    }
    let panics = body.map(|body| panics(source, body)).unwrap_or_default();
    if !panics.is_empty() {
        sections.push(Section {
            heading: "# Panics",
            lines: panics,
        });
    }
    if shape.is_unsafe {
        let lines = vec!["TODO: say what the caller must make sure of.".to_owned()];
        sections.push(Section {
            heading: "# Safety",
            lines,
        });
    }
    sections
}

/// The errors that the body makes by name, else the type alone.
fn errors(source: &Source<'_>, body: Option<Node<'_>>, error: Option<&str>) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    for node in body.into_iter().flat_map(outside_functions) {
        if let Some(name) = error_made(source, node)
            && !made.contains(&name)
        {
            made.push(name);
        }
    }
    if !made.is_empty() {
        return made
            .iter()
            .map(|name| format!("- `{name}`: TODO: say when."))
            .collect();
    }
    // A boxed or otherwise long type says less than it costs to read.
    let error = error.filter(|error| error.len() <= 40 && !error.contains(['\n', '`']));
    match error {
        Some(error) => vec![format!("TODO: say when it fails with `{error}`.")],
        None => vec!["TODO: say when it fails.".to_owned()],
    }
}

/// `Error::Empty` of `Err(Error::Empty { at })`.
fn error_made(source: &Source<'_>, node: Node<'_>) -> Option<String> {
    if node.kind() != "call_expression" {
        return None;
    }
    let function = source.text_of(node.child_by_field_name("function")?);
    if function != "Err" {
        return None;
    }
    let argument = node.child_by_field_name("arguments")?.named_child(0)?;
    let named = match argument.kind() {
        "call_expression" => argument.child_by_field_name("function")?,
        "struct_expression" => argument.child_by_field_name("name")?,
        _ => argument,
    };
    let name = source.text_of(named);
    let last = name.rsplit("::").next()?;
    let is_path = matches!(
        named.kind(),
        "scoped_identifier" | "identifier" | "scoped_type_identifier" | "type_identifier"
    );
    // `Error::new(…)` makes an error, but is not the name of one.
    (is_path && last.chars().next().is_some_and(char::is_uppercase) && !name.contains('\n'))
        .then(|| name.to_owned())
}

/// When the body visibly panics. Assertions say it themselves.
fn panics(source: &Source<'_>, body: Node<'_>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut unclear: Vec<String> = Vec::new();
    for node in outside_functions(body) {
        match node.kind() {
            "macro_invocation" => {
                let Some(name) = node.child_by_field_name("macro") else {
                    continue;
                };
                let name = source.text_of(name);
                let name = name.rsplit("::").next().unwrap_or(name);
                match name {
                    "assert" | "assert_eq" | "assert_ne" => match assertion(source, name, node) {
                        Some(line) if !lines.contains(&line) => lines.push(line),
                        Some(_) => {}
                        None => note(&mut unclear, format!("{name}!")),
                    },
                    "panic" | "todo" | "unimplemented" => note(&mut unclear, format!("{name}!")),
                    _ => {}
                }
            }
            "field_expression" => {
                let field = node
                    .child_by_field_name("field")
                    .map(|field| source.text_of(field));
                let called = node.parent().is_some_and(|parent| {
                    parent.kind() == "call_expression"
                        && parent.child_by_field_name("function") == Some(node)
                });
                if let Some(name @ ("unwrap" | "expect" | "unwrap_err" | "expect_err")) = field
                    && called
                {
                    note(&mut unclear, name.to_owned());
                }
            }
            _ => {}
        }
    }
    if !unclear.is_empty() {
        let named: Vec<String> = unclear.iter().map(|name| format!("`{name}`")).collect();
        lines.push(format!("TODO: say when it panics ({}).", named.join(", ")));
    }
    // Several statements are a list, so that they do not run into each other.
    if lines.len() > 1 {
        lines.iter().map(|line| format!("- {line}")).collect()
    } else {
        lines
    }
}

fn note(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// `Panics unless …` of an assertion whose condition is short enough to be read.
fn assertion(source: &Source<'_>, name: &str, call: Node<'_>) -> Option<String> {
    let mut cursor = call.walk();
    let tokens = call
        .children(&mut cursor)
        .find(|child| child.kind() == "token_tree")?;
    let inner = source.text_of(tokens);
    let inner = inner.get(1..inner.len().checked_sub(1)?)?;
    let mut arguments = top_level(inner).into_iter();
    let first = arguments.next()?;
    let readable = |text: &str| text.len() <= 60 && !text.contains(['\n', '`']) && !text.is_empty();
    if name == "assert" {
        return readable(first).then(|| format!("Panics unless `{first}`."));
    }
    let second = arguments.next()?;
    let relation = if name == "assert_eq" {
        "equals"
    } else {
        "differs from"
    };
    (readable(first) && readable(second))
        .then(|| format!("Panics unless `{first}` {relation} `{second}`."))
}

/// The arguments of a macro: parted by commas that are in no brackets and no strings.
fn top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

/// The nodes of a body that run when the function runs: nothing of functions inside.
fn outside_functions(body: Node<'_>) -> Vec<Node<'_>> {
    let mut nodes = Nodes::below(body);
    let mut found = Vec::new();
    while let Some(node) = nodes.next() {
        if matches!(
            node.kind(),
            "function_item" | "closure_expression" | "async_block"
        ) {
            nodes.skip_inside();
            continue;
        }
        found.push(node);
    }
    found
}
