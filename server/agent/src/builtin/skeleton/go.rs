//! Go: a table-driven test in `x_test.go`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pleach_edit::Files;
use pleach_grammars::{
    Failure, FunctionShape, ImportedName, Language, Parameter, ParameterKind, Symbol,
    function_shape, imports,
};
use pleach_text::{ByteOffset, ByteRange, Replacement};

use super::{Skeleton, free_name, paths};
use crate::builtin::BuiltinRefusal;
use crate::builtin::fix::mentions;
use crate::builtin::reply::Draft;
use crate::builtin::source::{Source, children};
use crate::builtin::words::capitalised;

pub(super) fn write(
    source: &Source<'_>,
    targets: &[&Symbol],
    files: &dyn Files,
) -> Result<Skeleton, BuiltinRefusal> {
    if source.path.ends_with("_test.go") {
        return Err(BuiltinRefusal::not_here(
            format!("`{}` is a test file itself", source.path),
            "put the cursor on a function of the code that is tested",
        ));
    }
    let package = package(source).ok_or_else(|| {
        BuiltinRefusal::not_here(
            format!("`{}` has no package clause", source.path),
            "add its package first",
        )
    })?;
    let (path, existing) = place(source.path, package, files);
    let folder = paths::folder(source.path);
    let mut taken: Vec<String> = Vec::new();
    for other in files.paths() {
        if other.ends_with("_test.go") && paths::folder(&other) == folder {
            taken.extend(
                files
                    .read(&other)
                    .as_deref()
                    .map(test_names)
                    .unwrap_or_default(),
            );
        }
    }
    let mut needs: BTreeSet<String> = BTreeSet::from(["\"testing\"".to_owned()]);
    let mut parts: Vec<String> = Vec::new();
    for target in targets {
        let shape = shape(source, target)?;
        let name = free_name(&test_name(source, target), "_", |name| {
            taken.iter().any(|known| known == name)
        });
        taken.push(name.clone());
        parts.push(test(source, target, &shape, &name, &mut needs));
    }
    let body = parts.join("\n");
    let draft = match existing {
        None => {
            let mut text = format!("package {package}\n\n");
            text.push_str(&import_block(&needs));
            Draft::create(path, format!("{text}\n{body}"))
        }
        Some(text) => append(&path, &text, &needs, &body)?,
    };
    Ok(Skeleton {
        drafts: vec![draft],
        notes: String::new(),
    })
}

fn package<'a>(source: &Source<'a>) -> Option<&'a str> {
    let clause = children(source.syntax.root())
        .into_iter()
        .find(|node| node.kind() == "package_clause")?;
    clause
        .named_child(0)
        .map(|name| source.text_of(name))
        .filter(|name| !name.is_empty())
}

/// The file for the tests, and its text if it is there. A test file of the outer package
/// (`package x_test`) cannot reach what is not exported: then the tests get one of their own.
fn place(path: &str, package: &str, files: &dyn Files) -> (String, Option<String>) {
    let base = paths::join(paths::folder(path), paths::stem(path));
    let usual = format!("{base}_test.go");
    match files.read(&usual) {
        None => (usual, None),
        Some(text)
            if !text
                .lines()
                .any(|line| line.trim() == format!("package {package}_test")) =>
        {
            (usual, Some(text.into_owned()))
        }
        Some(_) => {
            let inner = format!("{base}_internal_test.go");
            let text = files.read(&inner).map(std::borrow::Cow::into_owned);
            (inner, text)
        }
    }
}

fn test_names(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("func "))
        .filter_map(|rest| rest.split(['(', '[']).next())
        .map(|name| name.trim().to_owned())
        .collect()
}

fn shape(source: &Source<'_>, target: &Symbol) -> Result<FunctionShape, BuiltinRefusal> {
    let refuse = |why: String| {
        Err(BuiltinRefusal::not_here(
            why,
            "put the cursor on another function",
        ))
    };
    if target.container.is_none() && matches!(target.name.as_str(), "main" | "init") {
        return refuse(format!("`{}` cannot be called by a test", target.name));
    }
    match function_shape(&source.syntax, source.text, target) {
        Some(shape) if target.body.is_some() => Ok(shape),
        _ => refuse(format!("`{}` has no body to test", target.name)),
    }
}

/// `TestParse`, `TestTill_Count`.
fn test_name(source: &Source<'_>, target: &Symbol) -> String {
    match source.owner(target) {
        Some(owner) => format!("Test{}_{}", capitalised(&owner), target.name),
        None => format!("Test{}", capitalised(&target.name)),
    }
}

/// The parts of a result list: `(Config, error)`, `(n int, err error)`, `string`.
fn results(shape: &FunctionShape) -> Vec<String> {
    let Some(text) = shape.returns.as_deref() else {
        return Vec::new();
    };
    let Some(inner) = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
    else {
        return vec![text.to_owned()];
    };
    let parts = top_level(inner);
    let named = parts.iter().any(|part| names_and_type(part).is_some());
    if !named {
        return parts.into_iter().map(str::to_owned).collect();
    }
    // `a, b int, err error`: a name without a type has that of the next.
    let mut types: Vec<String> = Vec::new();
    let mut waiting = 0;
    for part in parts {
        match names_and_type(part) {
            Some((_, type_text)) => {
                types.extend(std::iter::repeat_n(type_text.to_owned(), waiting + 1));
                waiting = 0;
            }
            None => waiting += 1,
        }
    }
    types
}

/// `err` and `error` of `err error`; `chan int` and `func() int` are types alone.
fn names_and_type(part: &str) -> Option<(&str, &str)> {
    let (name, type_text) = part.split_once(' ')?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let keyword = matches!(name, "chan" | "func" | "map" | "struct" | "interface");
    (is_name && !keyword).then(|| (name, type_text.trim()))
}

fn top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
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
    parts.retain(|part| !part.is_empty());
    parts
}

struct Input {
    field: String,
    type_text: String,
    argument: String,
}

/// The test of one function.
fn test(
    source: &Source<'_>,
    target: &Symbol,
    shape: &FunctionShape,
    name: &str,
    needs: &mut BTreeSet<String>,
) -> String {
    let full = match source.owner(target) {
        Some(owner) => format!("{owner}.{}", target.name),
        None => target.name.clone(),
    };
    let receiver_type = shape
        .receiver
        .as_ref()
        .and_then(|receiver| receiver.type_text.clone());
    let generic = !shape.type_parameters.is_empty()
        || receiver_type
            .as_deref()
            .is_some_and(|text| text.contains('['));
    let mut text = format!("func {name}(t *testing.T) {{\n");
    if generic {
        let _ = writeln!(
            text,
            "\t// TODO: choose the types, then call {full} on the cases of a table."
        );
        let _ = writeln!(
            text,
            "\tt.Fatal(\"TODO: assert what {full} should do\")\n}}"
        );
        return text;
    }
    let has_error = shape.failures.contains(&Failure::ErrorValue);
    let mut given = results(shape);
    if has_error {
        given.pop();
    }
    let fields = inputs(shape);
    let call = match receiver_type {
        Some(_) => format!("tt.receiver.{}", target.name),
        None => target.name.clone(),
    };
    let arguments: Vec<&str> = fields
        .iter()
        .map(|field| field.argument.as_str())
        .filter(|argument| !argument.is_empty())
        .collect();
    let call = format!("{call}({})", arguments.join(", "));

    let mut columns: Vec<(String, String)> = vec![("name".to_owned(), "string".to_owned())];
    columns.extend(
        fields
            .iter()
            .map(|field| (field.field.clone(), field.type_text.clone())),
    );
    let wants: Vec<(String, String)> = given
        .iter()
        .enumerate()
        .map(|(at, type_text)| (numbered("want", at), type_text.clone()))
        .collect();
    columns.extend(wants.iter().cloned());
    if has_error {
        columns.push(("wantErr".to_owned(), "bool".to_owned()));
    }
    for (_, type_text) in &columns {
        needs.extend(packages(source, type_text));
    }
    text.push_str(&table(&columns));
    text.push_str("\tfor _, tt := range tests {\n\t\tt.Run(tt.name, func(t *testing.T) {\n");
    let gots: Vec<String> = (0..given.len()).map(|at| numbered("got", at)).collect();
    let mut left: Vec<&str> = gots.iter().map(String::as_str).collect();
    if has_error {
        left.push("err");
    }
    if left.is_empty() {
        let _ = writeln!(text, "\t\t\t{call}");
    } else {
        let _ = writeln!(text, "\t\t\t{} := {call}", left.join(", "));
    }
    if has_error {
        text.push_str("\t\t\tif (err != nil) != tt.wantErr {\n");
        let _ = writeln!(
            text,
            "\t\t\t\tt.Fatalf(\"{full}() error = %v, wantErr %v\", err, tt.wantErr)"
        );
        text.push_str("\t\t\t}\n");
    }
    for (got, (want, _)) in gots.iter().zip(&wants) {
        needs.insert("\"reflect\"".to_owned());
        let _ = writeln!(text, "\t\t\tif !reflect.DeepEqual({got}, tt.{want}) {{");
        let _ = writeln!(
            text,
            "\t\t\t\tt.Errorf(\"{full}() {got} = %v, want %v\", {got}, tt.{want})"
        );
        text.push_str("\t\t\t}\n");
    }
    text.push_str("\t\t})\n\t}\n");
    let _ = writeln!(
        text,
        "\tt.Fatal(\"TODO: fill in the cases for {full}, then remove this line\")\n}}"
    );
    text
}

/// The fields of the table that hold what the call is given.
fn inputs(shape: &FunctionShape) -> Vec<Input> {
    let mut fields: Vec<Input> = Vec::new();
    if let Some(own) = shape
        .receiver
        .as_ref()
        .and_then(|receiver| receiver.type_text.as_ref())
    {
        fields.push(Input {
            field: "receiver".to_owned(),
            type_text: own.trim().to_owned(),
            argument: String::new(),
        });
    }
    for (at, parameter) in shape.parameters.iter().enumerate() {
        fields.push(input(parameter, at, &fields));
    }
    fields
}

/// The table, with one case that has nothing but a name.
fn table(columns: &[(String, String)]) -> String {
    let mut text = "\ttests := []struct {\n".to_owned();
    let width = columns
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, type_text) in columns {
        let _ = writeln!(text, "\t\t{name:width$} {type_text}");
    }
    text.push_str("\t}{\n\t\t{name: \"TODO: name the case and give its inputs\"},\n\t}\n");
    text
}

fn numbered(word: &str, at: usize) -> String {
    if at == 0 {
        word.to_owned()
    } else {
        format!("{word}{at}")
    }
}

/// A field of the table for a parameter, and how the call takes it.
fn input(parameter: &Parameter, at: usize, fields: &[Input]) -> Input {
    let type_text = parameter
        .type_text
        .clone()
        .unwrap_or_else(|| "any".to_owned());
    let plain = parameter.name.as_str();
    let base = if plain.is_empty() || plain == "_" {
        format!("arg{}", at + 1)
    } else {
        plain.to_owned()
    };
    // The table has columns of its own by these names.
    let reserved = base.starts_with("want") || matches!(base.as_str(), "name" | "receiver");
    let base = if reserved { format!("{base}Arg") } else { base };
    let field = free_name(&base, "", |name| {
        fields.iter().any(|field| field.field == name)
    });
    let (type_text, dots) = match parameter.kind {
        ParameterKind::Rest => (format!("[]{type_text}"), "..."),
        _ => (type_text, ""),
    };
    Input {
        argument: format!("tt.{field}{dots}"),
        field,
        type_text,
    }
}

/// The imports of the source that a type names: `"io"` for `io.Reader`.
fn packages(source: &Source<'_>, type_text: &str) -> Vec<String> {
    let imported = imports(&source.syntax, source.text);
    let names = imported.iter().flat_map(|import| &import.names);
    names
        .filter(|name| !name.local.is_empty() && name.local != "*")
        .filter(|name| qualifies(type_text, &name.local))
        .map(|name: &ImportedName| source.slice(name.range).to_owned())
        .collect()
}

fn qualifies(type_text: &str, package: &str) -> bool {
    let with_dot = format!("{package}.");
    mentions(type_text, package) && type_text.contains(&with_dot)
}

fn import_block(needs: &BTreeSet<String>) -> String {
    let path = |need: &String| need.rsplit(' ').next().unwrap_or(need).to_owned();
    let mut sorted: Vec<&String> = needs.iter().collect();
    sorted.sort_by_key(|need| path(need));
    if let [only] = sorted.as_slice() {
        return format!("import {only}\n");
    }
    // The standard library's paths have no dot in their first part.
    let (own, others): (Vec<&String>, Vec<&String>) = sorted.into_iter().partition(|need| {
        let path = path(need);
        !path.split('/').next().unwrap_or_default().contains('.')
    });
    let mut text = "import (\n".to_owned();
    for need in &own {
        let _ = writeln!(text, "\t{need}");
    }
    if !own.is_empty() && !others.is_empty() {
        text.push('\n');
    }
    for need in &others {
        let _ = writeln!(text, "\t{need}");
    }
    text.push_str(")\n");
    text
}

/// Adds tests to a file that is there, and what it lacks of imports.
fn append(
    path: &str,
    text: &str,
    needs: &BTreeSet<String>,
    body: &str,
) -> Result<Draft, BuiltinRefusal> {
    let test = Source::read(path, Some(Language::Go), text)?;
    if test.syntax.root().has_error() {
        return Err(BuiltinRefusal::not_here(
            format!("`{path}` has syntax errors, so nothing is added to it"),
            "mend it first",
        ));
    }
    let known = imports(&test.syntax, text);
    let present: BTreeSet<&str> = known
        .iter()
        .flat_map(|import| &import.names)
        .map(|name| test.slice(name.range))
        .collect();
    let lacking: BTreeSet<String> = needs
        .iter()
        .filter(|need| !present.contains(need.as_str()))
        .cloned()
        .collect();
    let mut replacements = Vec::new();
    if !lacking.is_empty() {
        let grouped = known
            .iter()
            .find(|import| test.slice(import.range).trim_end().ends_with(')'));
        let mut lines = String::new();
        for need in &lacking {
            let _ = writeln!(lines, "\t{need}");
        }
        let first = grouped.and_then(|import| import.names.first());
        replacements.push(
            match first.filter(|first| test.begins_line(first.range.start)) {
                Some(first) => {
                    let at = test.line_start(first.range.start);
                    Replacement::new(ByteRange::empty(at), lines)
                }
                None => {
                    let after = known.last().map(|import| import.range.end);
                    let clause = children(test.syntax.root())
                        .into_iter()
                        .find(|node| node.kind() == "package_clause");
                    let after =
                        after.or_else(|| clause.map(|clause| ByteOffset(clause.end_byte())));
                    let at = after.map_or(ByteOffset(0), |after| test.line_end(after));
                    let gap = if known.is_empty() { "\n\n" } else { "\n" };
                    Replacement::new(
                        ByteRange::empty(at),
                        format!("{gap}{}", import_block(&lacking).trim_end()),
                    )
                }
            },
        );
    }
    let end = text.trim_end().len();
    replacements.push(Replacement::new(
        ByteRange::from(end..text.len()),
        format!("\n\n{body}"),
    ));
    Draft::edit(path, text, replacements)
}
