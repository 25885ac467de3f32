//! Python docstrings, in the style that the file has.

use pleach_edit::Files;
use pleach_grammars::{Failure, FunctionShape, ParameterKind, Symbol, SymbolKind, function_shape};
use pleach_text::{ByteOffset, ByteRange, Replacement};
use tree_sitter::Node;

use super::{Written, already, only_what_differs, phrase};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::{Nodes, Source};
use crate::builtin::words::{capitalised, held_phrase, noun_phrase};

mod sections;

use sections::{Entry, Part, Section, Style};

pub(super) fn document(
    source: &Source<'_>,
    symbol: &Symbol,
    files: &dyn Files,
) -> Result<Written, BuiltinRefusal> {
    let definition = source
        .node_at(symbol.name_range)
        .and_then(|name| name.parent());
    let Some((definition, body)) =
        definition.and_then(|node| Some((node, node.child_by_field_name("body")?)))
    else {
        return Err(BuiltinRefusal::not_here(
            format!("`{}` has no body for a docstring", symbol.name),
            "mend its syntax first",
        ));
    };
    let shape = function_shape(&source.syntax, source.text, symbol);
    let shape = shape.filter(|_| symbol.kind.is_callable());
    let style = style(source, files);
    let wanted = match &shape {
        Some(_) if property(source, symbol).is_some() => Vec::new(),
        Some(shape) => function_sections(source, symbol, shape),
        None => class_sections(source, symbol),
    };
    if let Some(doc) = symbol.doc {
        return complete(source, symbol, doc, style, &wanted);
    }
    let mut lines = vec![summary(source, symbol, shape.as_ref())];
    for line in sections::written(&wanted, style, &source.unit()) {
        lines.push(line);
    }
    insert(source, symbol, definition, body, &lines)
}

/// Puts a new docstring below the signature.
fn insert(
    source: &Source<'_>,
    symbol: &Symbol,
    definition: Node<'_>,
    body: Node<'_>,
    lines: &[String],
) -> Result<Written, BuiltinRefusal> {
    let mut cursor = definition.walk();
    let colon = definition
        .children(&mut cursor)
        .filter(|child| child.kind() == ":" && child.end_byte() <= body.start_byte())
        .last();
    let Some(colon) = colon.map(|colon| ByteOffset(colon.end_byte())) else {
        return Err(BuiltinRefusal::not_here(
            format!("the signature of `{}` is not complete", symbol.name),
            "mend its syntax first",
        ));
    };
    let start = ByteOffset(body.start_byte());
    // `def f(): return 1`: the body has to move to a line of its own.
    let inline = source.line_start(start) <= colon;
    let indent = if inline {
        format!(
            "{}{}",
            source.indent(ByteOffset(definition.start_byte())),
            source.unit()
        )
    } else {
        source.indent(start).to_owned()
    };
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let quotes = if at == 0 { "\"\"\"" } else { "" };
        let line = format!("{indent}{quotes}{line}");
        text.push_str(line.trim_end());
        text.push_str(if at + 1 < lines.len() { "\n" } else { "" });
    }
    if lines.len() > 1 {
        text.push_str(&format!("\n{indent}"));
    }
    text.push_str("\"\"\"\n");
    if inline {
        let between = ByteRange::new(colon, start);
        return Ok(Written::new(Replacement::new(
            between,
            format!("\n{text}{indent}"),
        )));
    }
    let at = source.next_line(colon);
    // Formatters want a line between a class's docstring and its first member.
    let next = source.slice(ByteRange::new(at, source.line_end(at)));
    if symbol.kind == SymbolKind::Class && !next.trim().is_empty() {
        text.push('\n');
    }
    Ok(Written::new(Replacement::new(ByteRange::empty(at), text)))
}

fn summary(source: &Source<'_>, symbol: &Symbol, shape: Option<&FunctionShape>) -> String {
    let name = &symbol.name;
    let Some(shape) = shape else {
        return match noun_phrase(name) {
            Some(noun) => format!("{}.", capitalised(&noun)),
            None => format!("TODO: say what `{name}` is for."),
        };
    };
    let held = held_phrase(name);
    match property(source, symbol) {
        Some("get") => {
            return held.map_or_else(
                || format!("TODO: say what `{name}` is."),
                |held| format!("{}.", capitalised(&held)),
            );
        }
        Some(verb) => {
            let held = held.unwrap_or_else(|| format!("`{name}`"));
            return format!("{} {held}.", capitalised(verb));
        }
        None => {}
    }
    if symbol.kind == SymbolKind::Constructor {
        let owner = source
            .owner(symbol)
            .unwrap_or_else(|| "instance".to_owned());
        return format!("Initialize the `{owner}`.");
    }
    if symbol.kind == SymbolKind::Test {
        return "TODO: say what is tested.".to_owned();
    }
    let special = match name.as_str() {
        "__str__" | "__repr__" => Some("Return a string that stands for the instance."),
        "__len__" => Some("Return the length."),
        "__eq__" => Some("Return whether the two are equal."),
        "__hash__" => Some("Return the hash."),
        "__bool__" => Some("Return whether it counts as true."),
        _ if name.starts_with("__") && name.ends_with("__") => Some(""),
        _ => None,
    };
    match special {
        Some("") => format!("TODO: say what `{name}` does."),
        Some(known) => known.to_owned(),
        None => match phrase(source, symbol, shape) {
            Some(phrase) => format!("{}.", capitalised(&phrase.imperative())),
            None => format!("TODO: say what `{name}` does."),
        },
    }
}

/// What a decorator makes of a method: a property that is read (`get`), `set` or `delete`d.
fn property(source: &Source<'_>, symbol: &Symbol) -> Option<&'static str> {
    let decorators = source.slice(ByteRange::new(symbol.range.start, symbol.name_range.start));
    decorators
        .lines()
        .filter_map(|line| line.trim().strip_prefix('@'))
        .find_map(|decorator| {
            let path = decorator.split('(').next().unwrap_or(decorator).trim();
            match path.rsplit('.').next().unwrap_or(path) {
                "property" | "cached_property" => Some("get"),
                "setter" => Some("set"),
                "deleter" => Some("delete"),
                _ => None,
            }
        })
}

fn function_sections(source: &Source<'_>, symbol: &Symbol, shape: &FunctionShape) -> Vec<Section> {
    let mut sections = Vec::new();
    if symbol.kind == SymbolKind::Test {
        return sections;
    }
    let parameters: Vec<Entry> = shape
        .parameters
        .iter()
        .filter(|parameter| !parameter.is_pattern)
        .map(|parameter| {
            let stars = match parameter.kind {
                ParameterKind::Rest => "*",
                ParameterKind::KeywordRest => "**",
                ParameterKind::Plain | ParameterKind::KeywordOnly => "",
            };
            let plain = |text: &&String| text.len() <= 30 && !text.contains(['\n', '\\', '"']);
            let default = parameter.default.as_ref().filter(plain);
            let default = default
                .map(|text| format!(" Defaults to {text}."))
                .unwrap_or_default();
            Entry {
                name: format!("{stars}{}", parameter.name),
                type_text: parameter.type_text.clone(),
                text: format!("TODO: describe.{default}"),
            }
        })
        .collect();
    let described = |name: &str, type_text: Option<String>, text: String| Entry {
        name: name.to_owned(),
        type_text,
        text,
    };
    if !parameters.is_empty() {
        sections.push(Section {
            part: Part::Parameters,
            entries: parameters,
        });
    }
    if shape.gives_value && symbol.kind != SymbolKind::Constructor {
        let part = if shape.is_generator {
            Part::Yields
        } else {
            Part::Returns
        };
        let given =
            shape
                .returns
                .clone()
                .map(|given| match (shape.is_generator, yielded(&given)) {
                    (true, Some(yielded)) => yielded,
                    _ => given,
                });
        let entry = described("", given, "TODO: describe.".to_owned());
        sections.push(Section {
            part,
            entries: vec![entry],
        });
    }
    let raised: Vec<Entry> = shape
        .failures
        .iter()
        .filter_map(|failure| {
            let Failure::Raise {
                what: Some(what),
                range,
            } = failure
            else {
                return None;
            };
            // `raise error` raises what a variable holds.
            let name = what.rsplit('.').next().unwrap_or(what);
            name.chars().next().filter(|first| first.is_uppercase())?;
            let said = raised_text(source, *range).map(|said| format!(" (“{said}”)"));
            let text = format!("TODO: say when{}.", said.unwrap_or_default());
            Some(described(what, None, text))
        })
        .collect();
    if !raised.is_empty() {
        sections.push(Section {
            part: Part::Raises,
            entries: raised,
        });
    }
    sections
}

/// `int` of `Iterator[int]` and `Generator[int, None, None]`.
fn yielded(given: &str) -> Option<String> {
    let (name, inner) = given.split_once('[')?;
    let name = name.rsplit('.').next().unwrap_or(name);
    let holds = [
        "Iterator",
        "Iterable",
        "Generator",
        "AsyncIterator",
        "AsyncIterable",
        "AsyncGenerator",
    ];
    holds
        .contains(&name)
        .then(|| super::first_of(inner.trim_end_matches(']')).to_owned())
}

fn raised_text<'a>(source: &Source<'a>, range: ByteRange) -> Option<&'a str> {
    let statement = source.node_at(range)?;
    let string = Nodes::below(statement).find(|node| node.kind() == "string")?;
    source.plain_string(string)
}

/// The annotated attributes of a class, as a dataclass has them.
fn class_sections(source: &Source<'_>, symbol: &Symbol) -> Vec<Section> {
    let is_child = |child: &&Symbol| {
        child.kind == SymbolKind::Field
            && source
                .parent(child)
                .is_some_and(|parent| parent.range == symbol.range)
            && !child.name.starts_with('_')
    };
    let entries: Vec<Entry> = source
        .symbols
        .iter()
        .filter(is_child)
        .filter_map(|field| {
            let assignment = source.node_at(field.name_range)?.parent()?;
            let type_text = source.text_of(assignment.child_by_field_name("type")?);
            Some(Entry {
                name: field.name.clone(),
                type_text: Some(type_text.to_owned()),
                text: "TODO: describe.".to_owned(),
            })
        })
        .collect();
    if entries.is_empty() {
        Vec::new()
    } else {
        vec![Section {
            part: Part::Attributes,
            entries,
        }]
    }
}

/// The style of the docstrings in the file; else what `pyproject.toml` asks for; else Google's.
fn style(source: &Source<'_>, files: &dyn Files) -> Style {
    let docs = source
        .symbols
        .iter()
        .filter_map(|symbol| symbol.doc)
        .map(|doc| source.slice(doc));
    sections::style_of(docs).unwrap_or_else(|| {
        let settings = files.read("pyproject.toml").unwrap_or_default();
        let asks = |name: &str| {
            settings.lines().any(|line| {
                let line: String = line.split_whitespace().collect();
                line == format!("convention=\"{name}\"")
            })
        };
        if asks("numpy") {
            Style::Numpy
        } else {
            Style::Google { typed: false }
        }
    })
}

/// Adds to an existing docstring the sections and entries that it lacks.
fn complete(
    source: &Source<'_>,
    symbol: &Symbol,
    doc: ByteRange,
    style: Style,
    wanted: &[Section],
) -> Result<Written, BuiltinRefusal> {
    let text = source.slice(doc);
    let quotes = ["\"\"\"", "'''"]
        .into_iter()
        .find(|quotes| text.ends_with(quotes));
    let open = quotes.and_then(|quotes| text.find(quotes).map(|at| (quotes, at + quotes.len())));
    let inner = open.and_then(|(quotes, start)| text.get(start..text.len() - quotes.len()));
    let (Some((quotes, start)), Some(inner)) = (open, inner) else {
        return Err(already(symbol));
    };
    let indent = source.indent(doc.start);
    let own = sections::style_of([text]).unwrap_or(style);
    // A class's docstring lists its attributes only if it lists some already.
    let wanted: Vec<&Section> = wanted
        .iter()
        .filter(|section| {
            section.part != Part::Attributes || sections::has(inner, Part::Attributes, own)
        })
        .collect();
    let mut lines: Vec<String> = inner.lines().map(str::to_owned).collect();
    while lines.len() > 1 && lines.last().is_some_and(|last| last.trim().is_empty()) {
        lines.pop();
    }
    let added = sections::complete(&mut lines, &wanted, own, indent, &source.unit());
    if added.is_empty() {
        return Err(already(symbol));
    }
    let head = text.get(..start).unwrap_or_default();
    let rebuilt = format!("{head}{}\n{indent}{quotes}", lines.join("\n"));
    Ok(Written {
        replacements: only_what_differs(source, doc, &rebuilt),
        added,
    })
}
