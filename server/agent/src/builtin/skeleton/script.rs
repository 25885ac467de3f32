//! TypeScript and JavaScript: Vitest, Jest, node:test, Mocha or Bun, as the package says.

use std::fmt::Write as _;

use pleach_edit::Files;
use pleach_grammars::{
    FunctionShape, Language, ParameterKind, Symbol, SymbolKind, function_shape, imports,
};
use pleach_text::{ByteOffset, ByteRange, Replacement};

use super::{Skeleton, free_name, paths};
use crate::builtin::BuiltinRefusal;
use crate::builtin::fix::mentions;
use crate::builtin::reply::Draft;
use crate::builtin::source::{Nodes, Source};
use crate::builtin::words::{capitalised, words};

mod exports;
mod project;

use exports::Export;
use project::{Framework, Project};

pub(super) fn write(
    source: &Source<'_>,
    targets: &[&Symbol],
    files: &dyn Files,
) -> Result<Skeleton, BuiltinRefusal> {
    if project::is_test_file(source.path) || source.path.ends_with(".d.ts") {
        return Err(BuiltinRefusal::not_here(
            format!("`{}` holds nothing that a test could call", source.path),
            "put the cursor on a function of the code that is tested",
        ));
    }
    let project = Project::of(source.path, files);
    let path = project.place(source.path, files);
    let existing = files.read(&path);
    let framework = existing
        .as_deref()
        .and_then(Framework::in_text)
        .or(project.framework);
    let mut notes = String::new();
    let framework = framework.unwrap_or_else(|| {
        notes.push_str("No test framework was found, so Node's own node:test is used.");
        Framework::Node
    });
    let mut subjects = Vec::new();
    for target in targets {
        subjects.push(Subject::of(source, target)?);
    }
    let sample = existing
        .as_deref()
        .filter(|text| !text.trim().is_empty())
        .unwrap_or(source.text);
    let style = Style::of(sample, source);
    // Vitest can only be imported, not required.
    let common = framework != Framework::Vitest && exports::is_common(source);
    let path = match path.strip_suffix(".cjs") {
        Some(stem) if !common && existing.is_none() => format!("{stem}.mjs"),
        _ => path,
    };
    let specifier = project.specifier(source, &path, framework, common);
    let parts: Vec<String> = subjects
        .iter()
        .map(|subject| block(source, subject, framework, &style))
        .collect();
    let body = parts.join("\n");
    let wanted = Wanted::new(&subjects, framework, &specifier, common);
    let draft = match existing.as_deref().filter(|text| !text.trim().is_empty()) {
        None => {
            let head = wanted.lines(&|_| false, &style);
            Draft::create(path, format!("{head}\n{body}"))
        }
        Some(text) => append(&path, text, source.language, &wanted, &style, &body)?,
    };
    Ok(Skeleton {
        drafts: vec![draft],
        notes,
    })
}

/// How the project writes its strings and ends its statements.
struct Style {
    quote: char,
    end: &'static str,
    unit: String,
}

impl Style {
    fn of(sample: &str, source: &Source<'_>) -> Self {
        let (mut single, mut double) = (0_usize, 0_usize);
        for line in sample.lines() {
            single += usize::from(line.contains('\''));
            double += usize::from(line.contains('"'));
        }
        let ended = sample
            .lines()
            .filter(|line| line.trim_end().ends_with(';'))
            .count();
        let closed = sample.lines().any(|line| {
            let line = line.trim_end();
            line.ends_with(')') || line.ends_with('\'') || line.ends_with('"')
        });
        Self {
            quote: if double > single { '"' } else { '\'' },
            end: if ended == 0 && closed { "" } else { ";" },
            unit: source.unit(),
        }
    }

    fn quoted(&self, text: &str) -> String {
        let plain = text.replace('\\', "\\\\").replace(['\n', '\r'], " ");
        let escaped = plain.replace(self.quote, &format!("\\{}", self.quote));
        format!("{0}{escaped}{0}", self.quote)
    }
}

/// What is tested.
struct Subject<'a> {
    symbol: &'a Symbol,
    shape: FunctionShape,
    /// The class of a method, and what making an instance takes.
    owner: Option<(String, Vec<String>)>,
    is_static: bool,
    is_getter: bool,
    is_setter: bool,
    export: Export,
    /// What the test file calls the function, or the class that it belongs to.
    local: String,
}

impl<'a> Subject<'a> {
    fn of(source: &Source<'_>, symbol: &'a Symbol) -> Result<Self, BuiltinRefusal> {
        let next = "export it, or put the cursor on another function";
        let Some(shape) = function_shape(&source.syntax, source.text, symbol) else {
            return Err(BuiltinRefusal::not_here(
                format!("the signature of `{}` is not complete", symbol.name),
                "mend its syntax first",
            ));
        };
        let class = source.parent(symbol);
        let is_member = class.is_some_and(|class| class.kind == SymbolKind::Class);
        if class.is_some() && !is_member {
            return Err(BuiltinRefusal::not_here(
                format!(
                    "`{}` is inside something that a test cannot reach",
                    symbol.name
                ),
                next,
            ));
        }
        let exported = class.unwrap_or(symbol);
        let Some(export) = exports::export_of(source, exported) else {
            return Err(BuiltinRefusal::not_here(
                format!(
                    "`{}` is not exported, so a test file cannot import it",
                    exported.name
                ),
                next,
            ));
        };
        let head = source.slice(ByteRange::new(symbol.range.start, symbol.name_range.start));
        let has = |word: &str| head.split_whitespace().any(|one| one == word);
        if has("private") || has("protected") || has("abstract") || symbol.name.starts_with('#') {
            return Err(BuiltinRefusal::not_here(
                format!("`{}` is not public, so a test cannot call it", symbol.name),
                next,
            ));
        }
        let local = exported_name(exported, &export, source);
        Ok(Self {
            owner: class.map(|class| (local.clone(), constructor(source, class))),
            local,
            is_static: has("static"),
            is_getter: has("get"),
            is_setter: has("set"),
            export,
            symbol,
            shape,
        })
    }
}

impl Subject<'_> {
    /// `Class#method`, `Class.method`, `Class`, `function`.
    fn shown(&self) -> String {
        let name = &self.symbol.name;
        match &self.owner {
            Some((owner, _)) if self.symbol.kind == SymbolKind::Constructor => owner.clone(),
            Some((owner, _)) if self.is_static => format!("{owner}.{name}"),
            Some((owner, _)) => format!("{owner}#{name}"),
            None => self.local.clone(),
        }
    }
}

fn exported_name(symbol: &Symbol, export: &Export, source: &Source<'_>) -> String {
    match export {
        Export::Named(name) => name.clone(),
        Export::Default if symbol.name != "default" => symbol.name.clone(),
        Export::Default => {
            // A function without a name gets the file's.
            let words = words(paths::stem(source.path));
            let mut words = words.iter();
            let first = words
                .next()
                .map(|word| word.to_lowercase())
                .unwrap_or_default();
            let name: String = std::iter::once(first)
                .chain(words.map(|word| capitalised(word)))
                .collect();
            if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) {
                "subject".to_owned()
            } else {
                name
            }
        }
    }
}

/// The parameters that a class's constructor has to be given.
fn constructor(source: &Source<'_>, class: &Symbol) -> Vec<String> {
    let constructor = source.symbols.iter().find(|symbol| {
        symbol.kind == SymbolKind::Constructor
            && source
                .parent(symbol)
                .is_some_and(|parent| parent.range == class.range)
    });
    let shape = constructor
        .and_then(|constructor| function_shape(&source.syntax, source.text, constructor));
    shape.map(|shape| required(&shape)).unwrap_or_default()
}

/// The names of the parameters that a call has to give.
fn required(shape: &FunctionShape) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for parameter in &shape.parameters {
        if parameter.is_optional || parameter.kind == ParameterKind::Rest {
            continue;
        }
        let name = if parameter.is_pattern {
            "options"
        } else {
            parameter.name.as_str()
        };
        names.push(free_name(name, "", |name| {
            names.iter().any(|known| known == name)
        }));
    }
    names
}

/// One `describe` with one test.
fn block(
    source: &Source<'_>,
    subject: &Subject<'_>,
    framework: Framework,
    style: &Style,
) -> String {
    let end = style.end;
    let name = subject.shown();
    let is_async = subject.shape.is_async;
    let mut lines: Vec<String> = Vec::new();
    let local = subject.local.clone();
    let own = required(&subject.shape);
    let typed = source.language != Language::JavaScript;
    let mut names: Vec<String> = Vec::new();
    let mut input = |lines: &mut Vec<String>, name: &String| {
        let chosen = free_name(name, "", |name| name == local);
        if names.contains(&chosen) {
            return chosen;
        }
        let parameter = subject
            .shape
            .parameters
            .iter()
            .find(|one| one.name == *name);
        let type_text = parameter.and_then(|one| one.type_text.as_deref());
        let type_text = type_text.filter(|text| !text.contains('\n'));
        let kind = type_text
            .map(|text| format!(" ({text})"))
            .unwrap_or_default();
        // `undefined!` has the type `never`, which every parameter takes.
        let value = if typed { "undefined!" } else { "undefined" };
        lines.push(format!(
            "const {chosen} = {value}{end} // TODO: a value{kind}"
        ));
        names.push(chosen.clone());
        chosen
    };
    let call = match &subject.owner {
        None => {
            let arguments: Vec<String> = own.iter().map(|name| input(&mut lines, name)).collect();
            format!("{local}({})", arguments.join(", "))
        }
        Some((owner, made_of)) if subject.symbol.kind == SymbolKind::Constructor => {
            let arguments: Vec<String> =
                made_of.iter().map(|name| input(&mut lines, name)).collect();
            format!("new {owner}({})", arguments.join(", "))
        }
        Some((owner, _)) if subject.is_static => {
            let arguments: Vec<String> = own.iter().map(|name| input(&mut lines, name)).collect();
            format!("{owner}.{}({})", subject.symbol.name, arguments.join(", "))
        }
        Some((owner, made_of)) => {
            let made: Vec<String> = made_of.iter().map(|name| input(&mut lines, name)).collect();
            let arguments: Vec<String> = own.iter().map(|name| input(&mut lines, name)).collect();
            let instance = free_name("instance", "", |name| {
                made.iter().chain(&arguments).any(|one| one == name)
            });
            lines.push(format!(
                "const {instance} = new {owner}({}){end}",
                made.join(", ")
            ));
            if subject.is_getter {
                format!("{instance}.{}", subject.symbol.name)
            } else if subject.is_setter {
                format!(
                    "{instance}.{} = {}",
                    subject.symbol.name,
                    arguments.join(", ")
                )
            } else {
                format!(
                    "{instance}.{}({})",
                    subject.symbol.name,
                    arguments.join(", ")
                )
            }
        }
    };
    let call = if is_async {
        format!("await {call}")
    } else {
        call
    };
    let gives = subject.shape.gives_value
        || subject.is_getter
        || subject.symbol.kind == SymbolKind::Constructor;
    let mut got = String::new();
    if gives {
        let actual = free_name("actual", "", |name| {
            lines.iter().any(|line| mentions(line, name))
        });
        lines.push(format!("const {actual} = {call}{end}"));
        got = format!(", got ${{String({actual})}}");
    } else {
        lines.push(format!("{call}{end}"));
    }
    let todo = format!("`TODO: assert what {name} should do{got}`");
    lines.push(match framework {
        Framework::Vitest => format!("expect.fail({todo}){end}"),
        Framework::Node | Framework::Mocha => format!("assert.fail({todo}){end}"),
        Framework::Jest | Framework::Bun => format!("throw new Error({todo}){end}"),
    });
    described(&name, is_async, &lines, style)
}

/// A `describe` with one `it` of these lines.
fn described(name: &str, is_async: bool, lines: &[String], style: &Style) -> String {
    let Style { end, unit, .. } = style;
    let keyword = if is_async { "async () =>" } else { "() =>" };
    let mut text = format!("describe({}, () => {{\n", style.quoted(name));
    let title = style.quoted("TODO: say what it should do");
    let _ = writeln!(text, "{unit}it({title}, {keyword} {{");
    for line in lines {
        let _ = writeln!(text, "{unit}{unit}{line}");
    }
    let _ = writeln!(text, "{unit}}}){end}\n}}){end}");
    text
}

/// What the test file has to import.
struct Wanted<'a> {
    framework: Framework,
    /// Named imports of the tested file.
    named: Vec<String>,
    /// The name for its default export.
    default: Option<String>,
    specifier: &'a str,
    common: bool,
}

impl<'a> Wanted<'a> {
    fn new(
        subjects: &[Subject<'_>],
        framework: Framework,
        specifier: &'a str,
        common: bool,
    ) -> Self {
        let mut named = Vec::new();
        let mut default = None;
        for subject in subjects {
            let local = subject.local.clone();
            match &subject.export {
                Export::Named(_) => named.push(local),
                Export::Default => default = Some(local),
            }
        }
        named.sort();
        named.dedup();
        Self {
            framework,
            named,
            default,
            specifier,
            common,
        }
    }

    /// The lines that import what `has` does not know yet.
    fn lines(&self, has: &dyn Fn(&str) -> bool, style: &Style) -> String {
        let end = style.end;
        let mut text = String::new();
        let mut import = |default: Option<&str>, named: &[&str], from: &str| {
            let default = default.filter(|name| !has(name));
            let named: Vec<&str> = named.iter().copied().filter(|name| !has(name)).collect();
            let braces = (!named.is_empty()).then(|| format!("{{ {} }}", named.join(", ")));
            let from = style.quoted(from);
            if self.common {
                for names in default.map(str::to_owned).into_iter().chain(braces) {
                    let _ = writeln!(text, "const {names} = require({from}){end}");
                }
                return;
            }
            let names: Vec<String> = default
                .map(str::to_owned)
                .into_iter()
                .chain(braces)
                .collect();
            if !names.is_empty() {
                let _ = writeln!(text, "import {} from {from}{end}", names.join(", "));
            }
        };
        match self.framework {
            Framework::Vitest => import(None, &["describe", "expect", "it"], "vitest"),
            Framework::Bun => import(None, &["describe", "it"], "bun:test"),
            Framework::Node => {
                import(Some("assert"), &[], "node:assert/strict");
                import(None, &["describe", "it"], "node:test");
            }
            Framework::Mocha => import(Some("assert"), &[], "node:assert/strict"),
            Framework::Jest => {}
        }
        let named: Vec<&str> = self.named.iter().map(String::as_str).collect();
        import(self.default.as_deref(), &named, self.specifier);
        text
    }
}

/// Adds tests to a file that is there.
fn append(
    path: &str,
    text: &str,
    language: Language,
    wanted: &Wanted<'_>,
    style: &Style,
    body: &str,
) -> Result<Draft, BuiltinRefusal> {
    let test = Source::read(path, Some(language), text)?;
    if test.syntax.root().has_error() {
        return Err(BuiltinRefusal::not_here(
            format!("`{path}` has syntax errors, so nothing is added to it"),
            "mend it first",
        ));
    }
    let known = imports(&test.syntax, text);
    let required: Vec<String> = Nodes::below(test.syntax.root())
        .filter(|node| node.kind() == "variable_declarator")
        .filter_map(|node| node.child_by_field_name("name"))
        .map(|name| test.text_of(name).to_owned())
        .collect();
    let has = |name: &str| {
        known
            .iter()
            .flat_map(|import| &import.names)
            .any(|known| known.local == name)
            || required.iter().any(|names| mentions(names, name))
    };
    let lines = wanted.lines(&has, style);
    let mut replacements = Vec::new();
    if !lines.is_empty() {
        let last = known.iter().rev().find(|import| !import.is_exported);
        let at = last.map_or(top_of(&test), |last| test.next_line(last.range.end));
        replacements.push(Replacement::new(ByteRange::empty(at), lines));
    }
    let end = text.trim_end().len();
    replacements.push(Replacement::new(
        ByteRange::from(end..text.len()),
        format!("\n\n{body}"),
    ));
    Draft::edit(path, text, replacements)
}

/// Where the first import goes: behind `'use strict'` and the comments above it.
fn top_of(test: &Source<'_>) -> ByteOffset {
    let first = crate::builtin::source::children(test.syntax.root());
    let strict = first.iter().take_while(|node| {
        node.kind() == "expression_statement"
            && node
                .named_child(0)
                .is_some_and(|child| child.kind() == "string")
    });
    match strict.last() {
        Some(last) => test.next_line(ByteOffset(last.end_byte())),
        None => first.first().map_or(ByteOffset(0), |node| {
            test.line_start(ByteOffset(node.start_byte()))
        }),
    }
}
