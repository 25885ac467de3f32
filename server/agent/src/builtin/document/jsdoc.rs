//! `TSDoc` for TypeScript, `JSDoc` for JavaScript.

use std::collections::BTreeSet;

use pleach_grammars::{
    Failure, FunctionShape, Language, Parameter, Symbol, SymbolKind, function_shape,
};
use pleach_text::{ByteRange, Replacement};

use super::{Written, above, already, missing, phrase, what_it_is};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source};
use crate::builtin::words::{capitalised, words};

/// A tag with the name it is about, if it is about one.
struct Tag {
    kind: Kind,
    name: String,
    line: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Param,
    Returns,
    Throws,
}

pub(super) fn document(source: &Source<'_>, symbol: &Symbol) -> Result<Written, BuiltinRefusal> {
    let shape = function_shape(&source.syntax, source.text, symbol);
    let shape = shape.filter(|_| symbol.kind.is_callable());
    let accessor = accessor(source, symbol);
    let tags = match (&shape, accessor) {
        (Some(shape), None) => tags(source, symbol, shape),
        _ => Vec::new(),
    };
    let indent = source.indent(symbol.range.start);
    if let Some(doc) = symbol.doc {
        return complete(source, symbol, doc, indent, &tags);
    }
    let summary = summary(source, symbol, shape.as_ref(), accessor);
    let mut text = String::new();
    if tags.is_empty() {
        text.push_str(&format!("{indent}/** {summary} */\n"));
    } else {
        text.push_str(&format!("{indent}/**\n{indent} * {summary}\n{indent} *\n"));
        for tag in &tags {
            text.push_str(&format!("{indent} * {}\n", tag.line));
        }
        text.push_str(&format!("{indent} */\n"));
    }
    Ok(Written::new(Replacement::new(
        ByteRange::empty(above(source, symbol)?),
        text,
    )))
}

/// `get` or `set` of a property that is written like a method.
fn accessor(source: &Source<'_>, symbol: &Symbol) -> Option<&'static str> {
    let node = source.node_at(symbol.name_range)?.parent()?;
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .find_map(|child| match child.kind() {
            "get" => Some("get"),
            "set" => Some("set"),
            _ => None,
        })
}

fn summary(
    source: &Source<'_>,
    symbol: &Symbol,
    shape: Option<&FunctionShape>,
    accessor: Option<&str>,
) -> String {
    let name = &symbol.name;
    if let Some(accessor) = accessor {
        let noun = words(name).join(" ");
        let verb = if accessor == "get" { "The" } else { "Sets the" };
        return format!("{verb} {noun}.");
    }
    if symbol.kind == SymbolKind::Constructor {
        let owner = source.owner(symbol).unwrap_or_else(|| "value".to_owned());
        return format!("Creates a new `{owner}`.");
    }
    if let Some(shape) = shape {
        return match phrase(source, symbol, shape) {
            _ if name == "default" => "TODO: say what this function does.".to_owned(),
            Some(phrase) => format!("{}.", capitalised(&phrase.third_person())),
            None => format!("TODO: say what `{name}` does."),
        };
    }
    match what_it_is(symbol) {
        Some(noun) => format!("{}.", capitalised(&noun)),
        None => format!("TODO: say what `{name}` is for."),
    }
}

fn tags(source: &Source<'_>, symbol: &Symbol, shape: &FunctionShape) -> Vec<Tag> {
    let typed = source.language == Language::JavaScript;
    let mut tags = Vec::new();
    for parameter in &shape.parameters {
        let name = documented_name(parameter);
        let line = if typed {
            let shown = match &parameter.default {
                Some(default) if !default.contains(['\n', ']']) && default.len() <= 30 => {
                    format!("[{name}={default}]")
                }
                Some(_) => format!("[{name}]"),
                None => name.clone(),
            };
            let rest = if parameter.kind == pleach_grammars::ParameterKind::Rest {
                "..."
            } else {
                ""
            };
            let kind = literal_type(parameter.default.as_deref());
            format!("@param {{{rest}{kind}}} {shown} - TODO: describe.")
        } else {
            match &parameter.default {
                Some(default) if !default.contains(['\n', '`']) && default.len() <= 30 => {
                    format!("@param {name} - TODO: describe. Defaults to `{default}`.")
                }
                _ => format!("@param {name} - TODO: describe."),
            }
        };
        tags.push(Tag {
            kind: Kind::Param,
            name,
            line,
        });
    }
    if shape.gives_value && symbol.kind != SymbolKind::Constructor {
        let line = match (typed, shape.is_async) {
            (true, true) => "@returns {Promise<*>} TODO: describe.",
            (true, false) => "@returns {*} TODO: describe.",
            (false, _) => "@returns TODO: describe.",
        };
        tags.push(Tag {
            kind: Kind::Returns,
            name: String::new(),
            line: line.to_owned(),
        });
    }
    for failure in &shape.failures {
        if let Failure::Raise {
            what: Some(what),
            range,
        } = failure
            && what.chars().next().is_some_and(char::is_uppercase)
        {
            let said = thrown_text(source, *range);
            let said = said.map(|said| format!(" (“{said}”)")).unwrap_or_default();
            let line = format!("@throws {{{what}}} TODO: say when{said}.");
            tags.push(Tag {
                kind: Kind::Throws,
                name: what.clone(),
                line,
            });
        }
    }
    tags
}

/// The name that stands for a parameter: for `{ a, b }: Options` its type's name.
fn documented_name(parameter: &Parameter) -> String {
    if !parameter.is_pattern {
        return parameter.name.clone();
    }
    let of_type = parameter.type_text.as_deref().filter(|text| {
        text.chars().all(char::is_alphanumeric)
            && text.chars().next().is_some_and(char::is_uppercase)
    });
    let Some(name) = of_type else {
        return "options".to_owned();
    };
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn literal_type(default: Option<&str>) -> &'static str {
    match default {
        Some("true" | "false") => "boolean",
        Some(text) if text.starts_with(['\'', '"', '`']) => "string",
        Some(text) if text.parse::<f64>().is_ok() => "number",
        _ => "*",
    }
}

/// The message that a thrown error is made with, if it is short and plain.
fn thrown_text<'a>(source: &Source<'a>, range: ByteRange) -> Option<&'a str> {
    let statement = source.node_at(range)?;
    let string = Nodes::below(statement).find(|node| node.kind() == "string")?;
    source.plain_string(string)
}

/// Adds to an existing comment the tags that it lacks.
fn complete(
    source: &Source<'_>,
    symbol: &Symbol,
    doc: ByteRange,
    indent: &str,
    tags: &[Tag],
) -> Result<Written, BuiltinRefusal> {
    let text = source.slice(doc);
    let inner = text
        .strip_prefix("/**")
        .and_then(|text| text.strip_suffix("*/"));
    let Some(inner) = inner.filter(|_| !text.to_lowercase().contains("inheritdoc")) else {
        return Err(already(symbol));
    };
    let known = known_tags(inner);
    let params: Vec<&str> = tags
        .iter()
        .filter(|tag| tag.kind == Kind::Param)
        .map(|tag| tag.name.as_str())
        .collect();
    let missing_params = missing(&params, &known.params);
    // A comment that names other parameters than there are describes patterns in its own way.
    let stale = known
        .params
        .iter()
        .any(|name| !params.contains(&name.as_str()));
    let lacking = |kind: Kind| -> Vec<&Tag> {
        tags.iter()
            .filter(|tag| tag.kind == kind)
            .filter(|tag| match kind {
                Kind::Param => !stale && missing_params.contains(&tag.name.as_str()),
                Kind::Returns => !known.returns,
                Kind::Throws => !known.throws.contains(&tag.name),
            })
            .collect()
    };
    let (params, returns, throws) = (
        lacking(Kind::Param),
        lacking(Kind::Returns),
        lacking(Kind::Throws),
    );
    let all: Vec<&Tag> = [params.clone(), returns.clone(), throws.clone()].concat();
    if all.is_empty() {
        return Err(already(symbol));
    }
    let added: Vec<String> = all.iter().map(|tag| shown(tag)).collect();

    // The comment's lines without its marks; then the new ones in their places.
    let mut lines: Vec<String> = inner
        .trim_matches([' ', '\t', '*'])
        .lines()
        .map(bare)
        .collect();
    while lines.first().is_some_and(String::is_empty) {
        lines.remove(0);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let of = |tags: &[&Tag]| tags.iter().map(|tag| tag.line.clone()).collect::<Vec<_>>();
    let first_tag = lines.iter().position(|line| line.starts_with('@'));
    if first_tag.is_none() && !lines.is_empty() {
        lines.push(String::new());
    }
    let after_params = match lines.iter().rposition(|line| line.starts_with("@param")) {
        Some(last) => {
            let next = lines
                .iter()
                .skip(last + 1)
                .position(|line| line.starts_with('@') || line.is_empty());
            next.map_or(lines.len(), |next| last + 1 + next)
        }
        None => first_tag.unwrap_or(lines.len()),
    };
    lines.splice(after_params..after_params, of(&[params, returns].concat()));
    lines.extend(of(&throws));
    let mut rebuilt = String::from("/**\n");
    for line in &lines {
        let line = format!("{indent} * {line}");
        rebuilt.push_str(line.trim_end());
        rebuilt.push('\n');
    }
    rebuilt.push_str(&format!("{indent} */"));
    let replacements = super::only_what_differs(source, doc, &rebuilt);
    Ok(Written {
        replacements,
        added,
    })
}

fn shown(tag: &Tag) -> String {
    match tag.kind {
        Kind::Param => format!("`@param {}`", tag.name),
        Kind::Returns => "`@returns`".to_owned(),
        Kind::Throws => format!("`@throws {}`", tag.name),
    }
}

/// A line of a comment without its star.
fn bare(line: &str) -> String {
    let line = line.trim();
    let line = line.strip_prefix('*').unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

#[derive(Default)]
struct Known {
    params: BTreeSet<String>,
    returns: bool,
    throws: BTreeSet<String>,
}

fn known_tags(inner: &str) -> Known {
    let mut known = Known::default();
    for line in inner.lines() {
        let line = bare(line);
        let Some((tag, rest)) = line
            .strip_prefix('@')
            .map(|line| line.split_once(char::is_whitespace).unwrap_or((line, "")))
        else {
            continue;
        };
        let (kind, rest) = braced(rest.trim());
        match tag {
            "param" | "arg" | "argument" => {
                let name = rest.split_whitespace().next().unwrap_or_default();
                let name = name
                    .trim_matches(['[', ']'])
                    .split('=')
                    .next()
                    .unwrap_or_default();
                // `options.size` describes a part of `options`.
                let name = name.split('.').next().unwrap_or(name);
                known.params.insert(name.to_owned());
            }
            "returns" | "return" | "yields" => known.returns = true,
            "throws" | "exception" | "throw" => {
                let name =
                    kind.unwrap_or_else(|| rest.split_whitespace().next().unwrap_or_default());
                let name = name
                    .trim_start_matches("@link ")
                    .trim_matches(['`', ',', ':', '.']);
                known.throws.insert(name.to_owned());
            }
            _ => {}
        }
    }
    known
}

/// `{number} count` as `number` and `count`.
fn braced(text: &str) -> (Option<&str>, &str) {
    let Some(inner) = text.strip_prefix('{') else {
        return (None, text);
    };
    let mut depth = 1_i32;
    for (at, letter) in inner.char_indices() {
        depth += match letter {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            let rest = inner.get(at + 1..).unwrap_or_default();
            return (inner.get(..at).map(str::trim), rest.trim());
        }
    }
    (None, text)
}
