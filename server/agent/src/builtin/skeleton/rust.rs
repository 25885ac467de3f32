//! Rust: `#[cfg(test)] mod tests` in the file itself.

use pleach_edit::Files;
use pleach_grammars::{
    FunctionShape, ImportedName, Parameter, Symbol, SymbolKind, function_shape, imports,
};
use pleach_text::{ByteOffset, ByteRange, Replacement};

use super::{Skeleton, free_name, indented, paths, quotable};
use crate::builtin::BuiltinRefusal;
use crate::builtin::reply::Draft;
use crate::builtin::source::Source;

/// How long rustfmt lets lines be.
const MOST_COLUMNS: usize = 100;

pub(super) fn write(
    source: &Source<'_>,
    targets: &[&Symbol],
    files: &dyn Files,
) -> Result<Skeleton, BuiltinRefusal> {
    let unit = source.unit();
    let tokio = uses_tokio(source, files);
    let home = home(source, targets)?;
    let existing = test_module(source, home);
    let outer = home.map_or(String::new(), |module| {
        format!("{}{unit}", source.indent(module.range.start))
    });
    let inner = format!("{outer}{unit}");
    let mut taken: Vec<String> = source
        .symbols
        .iter()
        .map(|symbol| symbol.name.clone())
        .collect();
    let mut text = String::new();
    let mut asynchronous = false;
    for target in targets {
        let shape = shape(source, target)?;
        let test_style = existing.is_some_and(|module| names_begin_with_test(source, module));
        let base = if test_style {
            format!("test_{}", plain(&target.name))
        } else {
            format!("{}_works", plain(&target.name))
        };
        let name = free_name(&base, "_", |name| taken.iter().any(|taken| taken == name));
        taken.push(name.clone());
        asynchronous |= shape.is_async && !tokio;
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&indented(
            &test(source, target, &shape, &name, tokio, &unit, &inner),
            &inner,
        ));
    }
    let replacements = match existing.and_then(|module| module.body.map(|body| (module, body))) {
        Some((module, body)) => append(source, module, body, targets, &text)?,
        None => {
            let module = format!(
                "{outer}#[cfg(test)]\n{outer}mod tests {{\n{inner}use super::*;\n\n{text}{outer}}}\n"
            );
            vec![at_end(source, home, &module)?]
        }
    };
    let notes = if asynchronous {
        "An async function is called but not awaited: no async test runtime was found in the project."
    } else {
        ""
    };
    let draft = Draft::edit(source.path, source.text, replacements)?;
    Ok(Skeleton {
        drafts: vec![draft],
        notes: notes.to_owned(),
    })
}

fn shape(source: &Source<'_>, target: &Symbol) -> Result<FunctionShape, BuiltinRefusal> {
    let refuse = |why: String| {
        Err(BuiltinRefusal::not_here(
            why,
            "put the cursor on another function",
        ))
    };
    if target.name == "main" && target.parent.is_none() {
        return refuse("`main` cannot be called by a test".to_owned());
    }
    let inside_function = source
        .parent(target)
        .is_some_and(|parent| parent.kind.is_callable());
    if inside_function {
        return refuse(format!(
            "`{}` is inside another function, out of reach of a test",
            target.name
        ));
    }
    function_shape(&source.syntax, source.text, target).ok_or_else(|| {
        BuiltinRefusal::not_here(
            format!("the signature of `{}` is not complete", target.name),
            "mend its syntax first",
        )
    })
}

fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name).trim_matches('_')
}

/// The module whose functions are tested; `None` is the file. All targets must be in the same one.
fn home<'s>(
    source: &'s Source<'_>,
    targets: &[&Symbol],
) -> Result<Option<&'s Symbol>, BuiltinRefusal> {
    let module = |target: &Symbol| {
        let mut above = source.parent(target);
        while let Some(symbol) = above.filter(|symbol| symbol.kind != SymbolKind::Module) {
            above = source.parent(symbol);
        }
        above
    };
    let homes: Vec<Option<&Symbol>> = targets.iter().map(|target| module(target)).collect();
    let first = homes.first().copied().flatten();
    if homes
        .iter()
        .any(|home| home.map(|home| home.range) != first.map(|home| home.range))
    {
        return Err(BuiltinRefusal::not_here(
            "the selected functions are in several modules",
            "select those of one module",
        ));
    }
    if first.is_some_and(|home| is_test_module(source, home)) {
        return Err(BuiltinRefusal::not_here(
            "the place is inside of a test module",
            "put the cursor on a function of the code that is tested",
        ));
    }
    Ok(first)
}

/// `#[cfg(test)] mod tests { … }` beside the targets.
fn test_module<'s>(source: &'s Source<'_>, home: Option<&Symbol>) -> Option<&'s Symbol> {
    source.symbols.iter().find(|symbol| {
        let parent = source.parent(symbol);
        parent.map(|parent| parent.range) == home.map(|home| home.range)
            && is_test_module(source, symbol)
            && symbol.body.is_some()
    })
}

fn is_test_module(source: &Source<'_>, symbol: &Symbol) -> bool {
    let attributes = source.slice(ByteRange::new(symbol.range.start, symbol.name_range.start));
    let attributes: String = attributes.split_whitespace().collect();
    symbol.kind == SymbolKind::Module && attributes.contains("cfg(test)")
}

fn names_begin_with_test(source: &Source<'_>, module: &Symbol) -> bool {
    let mut tests = source
        .symbols
        .iter()
        .filter(|symbol| {
            symbol.kind == SymbolKind::Test && module.range.contains_range(symbol.range)
        })
        .peekable();
    tests.peek().is_some() && tests.all(|test| test.name.starts_with("test_"))
}

/// At the end of a test module, before its closing brace; with an import of what is tested where the
/// module does not have it.
fn append(
    source: &Source<'_>,
    module: &Symbol,
    body: ByteRange,
    targets: &[&Symbol],
    text: &str,
) -> Result<Vec<Replacement>, BuiltinRefusal> {
    let inside = source.slice(body).trim_end();
    let close = body.start + inside.len().saturating_sub(1);
    let open = body.start + 1;
    let between = source.slice(ByteRange::new(open, close)).trim();
    let indent = source.indent(module.range.start);
    let import = missing_import(source, module, targets)
        .map(|import| format!("{indent}{}{import}\n", source.unit()))
        .unwrap_or_default();
    if between.is_empty() {
        let gap = if import.is_empty() { "" } else { "\n" };
        let range = ByteRange::new(open, close);
        return Ok(vec![Replacement::new(
            range,
            format!("\n{import}{gap}{text}{indent}"),
        )]);
    }
    if !source.begins_line(close) || !source.ends_line(open) {
        return Err(BuiltinRefusal::not_here(
            format!(
                "the module `{}` does not open and close on lines of its own",
                module.name
            ),
            "run rustfmt first",
        ));
    }
    let end = ByteRange::empty(source.line_start(close));
    let mut replacements = vec![Replacement::new(end, format!("\n{text}"))];
    if !import.is_empty() {
        let last = imports(&source.syntax, source.text)
            .into_iter()
            .rfind(|import| body.contains_range(import.range));
        let after = last.map_or(open, |import| import.range.end);
        let top = ByteRange::empty(source.next_line(after));
        replacements.insert(0, Replacement::new(top, import));
    }
    Ok(replacements)
}

/// The `use` that a test module lacks, if it lacks one.
fn missing_import(source: &Source<'_>, module: &Symbol, targets: &[&Symbol]) -> Option<String> {
    let imports = imports(&source.syntax, source.text);
    let names: Vec<&ImportedName> = imports
        .iter()
        .filter(|import| module.range.contains_range(import.range))
        .flat_map(|import| &import.names)
        .collect();
    if names
        .iter()
        .any(|name| name.name == "*" && name.path.starts_with("super"))
    {
        return None;
    }
    if names.is_empty() {
        return Some("use super::*;".to_owned());
    }
    let mut needed: Vec<String> = targets
        .iter()
        .map(|target| source.owner(target).unwrap_or_else(|| target.name.clone()))
        .filter(|needed| !names.iter().any(|name| name.local == *needed))
        .collect();
    needed.sort();
    needed.dedup();
    match needed.as_slice() {
        [] => None,
        [only] => Some(format!("use super::{only};")),
        several => Some(format!("use super::{{{}}};", several.join(", "))),
    }
}

/// At the end of the file, or of the module that is tested.
fn at_end(
    source: &Source<'_>,
    home: Option<&Symbol>,
    module: &str,
) -> Result<Replacement, BuiltinRefusal> {
    let Some(home) = home else {
        let end = ByteOffset(source.text.len());
        let blank = source.text.ends_with("\n\n") || source.text.ends_with("\n\r\n");
        let gap = match (blank, source.text.ends_with('\n')) {
            (true, _) => "",
            (false, true) => "\n",
            (false, false) => "\n\n",
        };
        return Ok(Replacement::new(
            ByteRange::empty(end),
            format!("{gap}{module}"),
        ));
    };
    let close = home
        .body
        .map(|body| body.start + source.slice(body).trim_end().len().saturating_sub(1));
    match close.filter(|close| source.begins_line(*close)) {
        Some(close) => {
            let at = source.line_start(close);
            Ok(Replacement::new(
                ByteRange::empty(at),
                format!("\n{module}"),
            ))
        }
        None => Err(BuiltinRefusal::not_here(
            format!(
                "the module `{}` does not close on a line of its own",
                home.name
            ),
            "run rustfmt first",
        )),
    }
}

/// The lines of one test.
fn test(
    source: &Source<'_>,
    target: &Symbol,
    shape: &FunctionShape,
    name: &str,
    tokio: bool,
    unit: &str,
    indent: &str,
) -> Vec<String> {
    let owner = source.owner(target);
    let generics = generics(source, target, shape);
    let awaits = shape.is_async && tokio;
    let attribute = if awaits { "#[tokio::test]" } else { "#[test]" };
    let keyword = if awaits { "async fn" } else { "fn" };
    let mut lines = vec![attribute.to_owned(), format!("{keyword} {name}() {{")];
    let mut body: Vec<String> = Vec::new();
    let own_type = owner.as_deref().unwrap_or("Self");
    let mut inputs: Vec<(String, Option<String>, String)> = Vec::new();
    let mut arguments: Vec<String> = Vec::new();
    let mut receiver = None;
    if let Some(own) = &shape.receiver {
        let text = own.type_text.as_deref().unwrap_or("self");
        let mutable = if text.replace(' ', "").contains("&mut") || text.contains(" mut ") {
            "mut "
        } else {
            ""
        };
        let local = free_name("value", "_", |name| {
            shape.parameters.iter().any(|one| one.name == name)
        });
        let held = held_type(text, own_type);
        let shown = format!("a `{held}`");
        inputs.push((format!("{mutable}{local}"), Some(held), shown));
        let reference = reference_to(text);
        receiver = Some((local, reference));
    }
    for (at, parameter) in shape.parameters.iter().enumerate() {
        let local = local_name(parameter, at);
        let type_text = parameter
            .type_text
            .as_deref()
            .and_then(|text| argument_type(text, own_type));
        let shown = format!("a value for `{local}`");
        inputs.push((local.clone(), type_text, shown));
        arguments.push(local);
    }
    let path = match (receiver, &owner, distant_trait(source, target)) {
        (receiver, Some(owner), Some(distant)) => {
            if let Some((receiver, reference)) = receiver {
                arguments.insert(0, format!("{reference}{receiver}"));
            }
            format!("<{owner} as {distant}>::{}", target.name)
        }
        (Some((receiver, _)), _, _) => format!("{receiver}.{}", target.name),
        (None, Some(owner), _) => format!("{owner}::{}", target.name),
        (None, None, _) => target.name.clone(),
    };
    let mut call = format!("{path}({})", arguments.join(", "));
    if awaits {
        call.push_str(".await");
    }
    if shape.is_unsafe {
        call = format!("unsafe {{ {call} }}");
    }
    let gives = shape.gives_value || shape.is_async;
    let concrete =
        generics.is_empty() && inputs.iter().all(|(_, type_text, _)| type_text.is_some());
    let assertion = format!("TODO: assert what `{}` should do", quotable(&target.name));
    if concrete {
        for (local, type_text, shown) in &inputs {
            let type_text = type_text.as_deref().unwrap_or("_");
            body.extend(declared(local, type_text, shown, indent, unit));
        }
        let binding = match (gives, shape.is_async && !awaits) {
            (_, true) => "let _future = ",
            (true, false) => "let _actual = ",
            (false, false) => "",
        };
        body.push(format!("{binding}{call};"));
        body.push(format!("todo!(\"{assertion}\");"));
    } else {
        // What the types are here, only a person can say: the call waits in a comment.
        let why = if generics.is_empty() {
            "the types of its inputs".to_owned()
        } else {
            generics.join(", ")
        };
        body.push(format!("// TODO: choose {why}, then call it:"));
        for (local, _, _) in &inputs {
            body.push(format!("// let {local} = …;"));
        }
        body.push(format!("// let actual = {call};"));
        body.push(format!("todo!(\"{assertion}\");"));
    }
    lines.extend(body.into_iter().map(|line| format!("{unit}{line}")));
    lines.push("}".to_owned());
    lines
}

/// What a method is called on: `Box<Self>` of `self: Box<Self>`, else the type itself.
fn held_type(receiver: &str, own_type: &str) -> String {
    Some(receiver)
        .filter(|held| held.ends_with('>'))
        .and_then(|held| argument_type(held, own_type))
        .unwrap_or_else(|| own_type.to_owned())
}

/// How a receiver is written before a value that is given for it.
fn reference_to(receiver: &str) -> &'static str {
    if !receiver.starts_with('&') {
        ""
    } else if receiver.contains("mut self") {
        "&mut "
    } else {
        "&"
    }
}

/// `let name: Type = todo!("…");`, broken as rustfmt does.
fn declared(local: &str, type_text: &str, shown: &str, indent: &str, unit: &str) -> Vec<String> {
    let shown = quotable(shown).replace('{', "{{").replace('}', "}}");
    let value = format!("todo!(\"{shown}\");");
    let line = format!("let {local}: {type_text} = {value}");
    if indent.len() + unit.len() + line.chars().count() > MOST_COLUMNS {
        return vec![
            format!("let {local}: {type_text} ="),
            format!("{unit}{value}"),
        ];
    }
    vec![line]
}

/// The trait of an implementation that is written with a path (`fmt::Display`), so that its methods
/// may be out of scope.
fn distant_trait(source: &Source<'_>, target: &Symbol) -> Option<String> {
    let parent = source.parent(target)?;
    let (implemented, _) = parent.name.split_once(" for ")?;
    let is_path = implemented.split('<').next()?.contains("::");
    is_path.then(|| implemented.to_owned())
}

fn local_name(parameter: &Parameter, at: usize) -> String {
    let plain = parameter.name.trim_start_matches('_');
    if parameter.is_pattern || plain.is_empty() {
        return format!("argument_{}", at + 1);
    }
    plain.to_owned()
}

/// The type parameters that a call has to choose: the function's and its implementation's.
fn generics(source: &Source<'_>, target: &Symbol, shape: &FunctionShape) -> Vec<String> {
    let mut names: Vec<String> = shape
        .type_parameters
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let implementation = source.parent(target).filter(|parent| parent.kind.is_type());
    if let Some(parent) = implementation {
        if parent.kind == SymbolKind::Trait {
            names.push(format!("a type that implements `{}`", parent.name));
        }
        let node = source.node_at(parent.range);
        let list = node.and_then(|node| node.child_by_field_name("type_parameters"));
        for child in list
            .map(crate::builtin::source::children)
            .unwrap_or_default()
        {
            if matches!(child.kind(), "type_parameter" | "const_parameter")
                && let Some(name) = child.child_by_field_name("name")
            {
                names.push(format!("`{}`", source.text_of(name)));
            }
        }
    }
    names
}

/// A parameter's type as a test can write it; `None` where it has no name there.
fn argument_type(text: &str, own_type: &str) -> Option<String> {
    if text.contains("impl ") || text.contains('\n') || text == "_" {
        return None;
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\'') {
        let (before, from) = rest.split_at(at);
        let name: String = from
            .chars()
            .skip(1)
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let after = from.get(1 + name.len()..)?;
        out.push_str(before);
        // A lifetime of the function has no meaning outside of it.
        if name == "static" || before.ends_with('<') || before.ends_with(", ") {
            out.push_str(if name == "static" { "'static" } else { "'_" });
            rest = after;
        } else {
            rest = after.trim_start();
        }
    }
    out.push_str(rest);
    Some(replace_word(&out, "Self", own_type))
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::new();
    let mut current = String::new();
    for letter in text.chars().chain(std::iter::once('\0')) {
        if letter.is_alphanumeric() || letter == '_' {
            current.push(letter);
            continue;
        }
        out.push_str(if current == word { by } else { &current });
        current.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

/// Whether async tests can run: the file has such tests, or its package depends on tokio.
fn uses_tokio(source: &Source<'_>, files: &dyn Files) -> bool {
    if source.text.contains("#[tokio::test") {
        return true;
    }
    let manifest = paths::folders_above(source.path)
        .find_map(|folder| files.read(&paths::join(folder, "Cargo.toml")));
    manifest.is_some_and(|manifest| {
        manifest.lines().any(|line| {
            let line = line.trim();
            line.strip_prefix("tokio")
                .is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_a_test_can_write_them() {
        let type_of = |text| argument_type(text, "Till");
        assert_eq!(type_of("&'a str").as_deref(), Some("&str"));
        assert_eq!(type_of("&'static str").as_deref(), Some("&'static str"));
        assert_eq!(type_of("Cow<'a, str>").as_deref(), Some("Cow<'_, str>"));
        assert_eq!(
            type_of("&'a mut Vec<Self>").as_deref(),
            Some("&mut Vec<Till>")
        );
        assert_eq!(type_of("impl Fn()"), None);
    }
}
