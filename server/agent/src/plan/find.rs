//! Where a step's place is: a symbol, a line, or a piece of text.

use pleach_grammars::{Language, Symbol, SymbolKind, outline, parse};
use pleach_text::{ByteOffset, ByteRange};

use super::PlanFailure;

/// The symbols that `name` means, with their outline's languages' separators: `lend`, `Library::lend`,
/// `Library.lend`.
pub(super) fn named<'a>(symbols: &'a [Symbol], name: &str) -> Vec<&'a Symbol> {
    let (parent, name) = match name.rsplit_once("::").or_else(|| name.rsplit_once('.')) {
        Some((parent, name)) if !parent.is_empty() && !name.is_empty() => (Some(parent), name),
        _ => (None, name),
    };
    symbols
        .iter()
        .filter(|symbol| symbol.name == name && symbol.kind != SymbolKind::Impl)
        .filter(|symbol| {
            parent.is_none_or(|parent| {
                let of = symbol.parent.and_then(|of| symbols.get(of));
                of.is_some_and(|of| of.name == parent)
            })
        })
        .collect()
}

/// How a symbol is called so that nothing else of its file is; `None` where that cannot be.
pub(super) fn called(symbols: &[Symbol], symbol: &Symbol) -> Option<String> {
    let is_only = |name: &str| matches!(named(symbols, name)[..], [one] if one == symbol);
    if is_only(&symbol.name) {
        return Some(symbol.name.clone());
    }
    let parent = symbols.get(symbol.parent?)?;
    let name = format!("{}::{}", parent.name, symbol.name);
    is_only(&name).then_some(name)
}

/// The place that `at` means in a file.
pub(super) fn place(
    path: &str,
    language: Option<Language>,
    text: &str,
    at: &str,
) -> Result<ByteRange, PlanFailure> {
    let symbols = language.map_or_else(Vec::new, |language| outline(&parse(language, text), text));
    match named(&symbols, at)[..] {
        [] => {}
        [only] => return Ok(ByteRange::empty(only.name_range.start)),
        ref several => {
            let several = several.len();
            let message = format!("{several} things in `{path}` are called `{at}`");
            return Err(PlanFailure::NoPlace(message));
        }
    }
    if let Some(number) = at
        .strip_prefix("line ")
        .and_then(|it| it.trim().parse::<usize>().ok())
    {
        return line(text, number)
            .ok_or_else(|| PlanFailure::NoPlace(format!("`{path}` has no line {number}")));
    }
    let mut found = text.match_indices(at);
    match (found.next(), found.next()) {
        (Some((start, _)), None) => Ok(ByteRange::from(start..start + at.len())),
        (None, _) => Err(PlanFailure::NoPlace(format!("`{at}` is not in `{path}`"))),
        (Some(_), Some(_)) => Err(PlanFailure::NoPlace(format!(
            "`{at}` stands in `{path}` more than once"
        ))),
    }
}

/// A line of a text, without the blank around it.
fn line(text: &str, number: usize) -> Option<ByteRange> {
    let mut start = 0;
    for (count, line) in (1..).zip(text.split_inclusive('\n')) {
        if count == number {
            let blank = line.len() - line.trim_start().len();
            let from = start + blank.min(line.len());
            return Some(ByteRange::new(
                ByteOffset(from),
                ByteOffset(from + line.trim().len()),
            ));
        }
        start += line.len();
    }
    None
}
