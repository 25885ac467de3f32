//! Go doc comments: sentences that begin with the name.

use pleach_grammars::{Failure, FunctionShape, Symbol, SymbolKind, function_shape};
use pleach_text::{ByteRange, Replacement};

use super::{Written, above, already, phrase, what_it_is};
use crate::builtin::BuiltinRefusal;
use crate::builtin::source::Source;

pub(super) fn document(source: &Source<'_>, symbol: &Symbol) -> Result<Written, BuiltinRefusal> {
    let name = &symbol.name;
    if symbol.doc.is_some() {
        return Err(already(symbol));
    }
    let indent = source.indent(symbol.range.start);
    let mut lines = Vec::new();
    let shape = function_shape(&source.syntax, source.text, symbol);
    match shape.filter(|_| symbol.kind.is_callable()) {
        Some(shape) => {
            lines.push(function(source, symbol, &shape));
            let mut more = Vec::new();
            if shape.failures.contains(&Failure::ErrorValue) {
                more.push("TODO: say when it returns an error.");
            }
            if shape
                .failures
                .iter()
                .any(|failure| matches!(failure, Failure::Panic { .. }))
            {
                more.push("TODO: say when it panics.");
            }
            if !more.is_empty() {
                lines.push(String::new());
                lines.extend(more.into_iter().map(str::to_owned));
            }
        }
        None => lines.push(match what_it_is(symbol) {
            Some(noun) if noun.starts_with("whether") => format!("{name} tells {noun}."),
            Some(noun) => format!("{name} is {noun}."),
            None => format!("{name} TODO: say what it is for."),
        }),
    }
    let comment = |line: &String| {
        if line.is_empty() {
            format!("{indent}//\n")
        } else {
            format!("{indent}// {line}\n")
        }
    };
    let text: String = lines.iter().map(comment).collect();
    Ok(Written::new(Replacement::new(
        ByteRange::empty(above(source, symbol)?),
        text,
    )))
}

fn function(source: &Source<'_>, symbol: &Symbol, shape: &FunctionShape) -> String {
    let name = &symbol.name;
    if name == "main" && symbol.kind == SymbolKind::Function && shape.parameters.is_empty() {
        return "main is where the program starts.".to_owned();
    }
    // `NewReader` gives a `*Reader`: Go has no word for a constructor but the name.
    if let Some(made) = name.strip_prefix("New").filter(|made| !made.is_empty())
        && shape
            .returns
            .as_deref()
            .is_some_and(|returns| super::given_type(returns) == made)
    {
        return format!("{name} returns a new [{made}].");
    }
    match phrase(source, symbol, shape) {
        Some(phrase) => {
            let said = phrase.third_person();
            let said = match said.strip_prefix("returns whether") {
                Some(rest) => format!("reports whether{rest}"),
                None => said,
            };
            format!("{name} {said}.")
        }
        None => format!("{name} TODO: say what it does."),
    }
}
