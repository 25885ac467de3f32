//! Renaming what a name is bound to: within its scopes, and only when that is certain.
//!
//! The grammars' room finds the occurrences and tries the result; here is decided what is meant, and
//! whether other files may use the name.

use pleach_edit::Files;
use pleach_grammars::{
    Binding, Language, NameRole, Reach, RenameRefusal, bindings, names_used, rename as try_rename,
};
use pleach_text::{ByteOffset, ByteRange};

use super::fix::mentions;
use super::reply::Draft;
use super::source::{Family, Nodes, Source, is_function, upwards};
use super::{BuiltinRefusal, Outcome};

/// Other files that are searched for a name, at most.
const MOST_FILES: usize = 5_000;

const BY_HAND: &str = "use the rename of the language's own server, or change it by hand";

/// Renames what is called `from`, or what stands at the place, to `to`.
pub(super) fn rename(
    source: &Source<'_>,
    from: Option<&str>,
    to: &str,
    range: ByteRange,
    files: &dyn Files,
) -> Result<Outcome, BuiltinRefusal> {
    let binding = match from {
        None => at_place(source, range.start)?,
        Some(from) => named(source, from, range)?,
    };
    let name = &binding.name;
    let Some(at) = binding.occurrences.first() else {
        return Err(BuiltinRefusal::uncertain(
            format!("where `{name}` is used is not certain"),
            BY_HAND,
        ));
    };
    let (replacements, reach) =
        try_rename(&source.syntax, source.text, at.start, to).map_err(|why| refused(&why))?;
    if replacements.is_empty() {
        return Err(BuiltinRefusal::nothing_to_do(format!(
            "it is called `{to}` already"
        )));
    }
    let count = binding.occurrences.len();
    let places = if count == 1 {
        "in one place".to_owned()
    } else {
        format!("in {count} places")
    };
    let mut summary = format!("Renames `{name}` to `{to}`, {places} of `{}`.", source.path);
    if reach == Reach::File {
        match parameter_of(source, &binding) {
            Some(function) => {
                check_keywords(source, &binding, &function, files)?;
                summary.push_str(" No call gives it by its name.");
            }
            None => {
                check_elsewhere(source, &binding, files)?;
                summary.push_str(" No other file of the workspace names it.");
            }
        }
    }
    if in_comments(source, &binding) {
        summary.push_str(&format!(
            " Comments that say `{name}` are left as they are."
        ));
    }
    Ok(Outcome {
        drafts: vec![Draft::edit(source.path, source.text, replacements)?],
        summary,
    })
}

fn refused(why: &RenameRefusal) -> BuiltinRefusal {
    // Their messages are two halves: what is the matter, and what to do.
    let text = why.to_string();
    let (why_text, next) = text.split_once("; ").unwrap_or((text.as_str(), BY_HAND));
    match why {
        RenameRefusal::NoName | RenameRefusal::NotAName { .. } => {
            BuiltinRefusal::not_here(why_text, next)
        }
        RenameRefusal::Uncertain { .. } => BuiltinRefusal::uncertain(why_text, BY_HAND),
        RenameRefusal::DeclaredElsewhere { .. } | RenameRefusal::Clash { .. } => {
            BuiltinRefusal::uncertain(why_text, next)
        }
    }
}

/// The binding of the name at a place.
fn at_place(source: &Source<'_>, at: ByteOffset) -> Result<Binding, BuiltinRefusal> {
    let at = source.meant(at);
    // A cursor right behind a name means that name as well.
    let places = [Some(at.0), at.0.checked_sub(1)];
    for place in places.into_iter().flatten() {
        let node = source
            .syntax
            .root()
            .named_descendant_for_byte_range(place, place);
        let is_name = node.is_some_and(|node| {
            node.kind().ends_with("identifier") || node.kind().ends_with("identifier_pattern")
        });
        if is_name && let Some(found) = bindings(&source.syntax, source.text, ByteOffset(place)) {
            return Ok(found);
        }
    }
    Err(BuiltinRefusal::uncertain(
        format!(
            "what is at line {} of `{}` is no name whose every use can be told with certainty",
            source.line_number(at),
            source.path
        ),
        BY_HAND,
    ))
}

/// The one binding of a name in the selection, or around the cursor.
fn named(source: &Source<'_>, from: &str, range: ByteRange) -> Result<Binding, BuiltinRefusal> {
    let at = source.meant(range.start);
    if range.is_empty()
        && let Ok(here) = at_place(source, at)
        && here.name == from
    {
        return Ok(here);
    }
    let function = source.enclosing(at, is_function).map(|symbol| symbol.range);
    let whole = ByteRange::from(0..source.text.len());
    let regions = if range.is_empty() {
        vec![function, Some(whole)]
    } else {
        vec![Some(range), Some(whole)]
    };
    for region in regions.into_iter().flatten() {
        let mut found: Vec<Binding> = Vec::new();
        let mut unclear = None;
        for used in names_used(&source.syntax, source.text) {
            let inside = region.contains_range(used.range);
            if used.name != from || !inside || used.role == NameRole::Member {
                continue;
            }
            if found
                .iter()
                .any(|known| known.occurrences.contains(&used.range))
            {
                continue;
            }
            match bindings(&source.syntax, source.text, used.range.start) {
                Some(binding) => found.push(binding),
                None => unclear = Some(used.range.start),
            }
        }
        match (found.as_slice(), unclear) {
            ([], None) => {}
            ([only], None) => return Ok(only.clone()),
            ([], Some(at)) => {
                return Err(BuiltinRefusal::uncertain(
                    format!(
                        "what `{from}` in line {} is cannot be told with certainty",
                        source.line_number(at)
                    ),
                    BY_HAND,
                ));
            }
            _ => {
                return Err(BuiltinRefusal::uncertain(
                    format!("`{from}` is more than one thing there"),
                    "put the cursor on the one that is meant and ask to “rename to …”",
                ));
            }
        }
    }
    Err(BuiltinRefusal::not_here(
        format!("nothing in `{}` is called `{from}`", source.path),
        "put the cursor on what is meant",
    ))
}

/// The part of the text that the uses of a name are in: the function that holds them all.
fn region(source: &Source<'_>, binding: &Binding) -> ByteRange {
    let whole = ByteRange::from(0..source.text.len());
    source
        .symbols
        .iter()
        .filter(|symbol| symbol.kind.is_callable())
        .map(|symbol| symbol.range)
        .filter(|range| {
            binding
                .occurrences
                .iter()
                .all(|occurrence| range.contains_range(*occurrence))
        })
        .min_by_key(|range| range.len())
        .unwrap_or(whole)
}

/// Refuses when the name may be used by other files.
fn check_elsewhere(
    source: &Source<'_>,
    binding: &Binding,
    files: &dyn Files,
) -> Result<(), BuiltinRefusal> {
    let name = &binding.name;
    let folder = |path: &str| {
        path.rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned()
    };
    let unexported = source.family == Family::Go && !name.starts_with(char::is_uppercase);
    let mut holding: Vec<String> = Vec::new();
    for path in siblings(source, files)? {
        if unexported && folder(&path) != folder(source.path) {
            continue;
        }
        if files.read(&path).is_some_and(|text| mentions(&text, name)) {
            holding.push(path);
        }
    }
    refuse_if_held(name, &holding)
}

fn refuse_if_held(name: &str, holding: &[String]) -> Result<(), BuiltinRefusal> {
    if holding.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = holding
        .iter()
        .take(3)
        .map(|path| format!("`{path}`"))
        .collect();
    let more = holding.len().saturating_sub(shown.len());
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Err(BuiltinRefusal::uncertain(
        format!(
            "`{name}` is named in other files as well: {}{more}",
            shown.join(", ")
        ),
        BY_HAND,
    ))
}

/// The other files that are written in a language of the same family.
fn siblings(source: &Source<'_>, files: &dyn Files) -> Result<Vec<String>, BuiltinRefusal> {
    let same = |path: &String| {
        path != source.path && Language::from_path(path).and_then(Family::of) == Some(source.family)
    };
    let found: Vec<String> = files.paths().into_iter().filter(same).collect();
    if found.len() > MOST_FILES {
        return Err(BuiltinRefusal::uncertain(
            format!(
                "the workspace has {} files that may name it, too many to look through",
                found.len()
            ),
            BY_HAND,
        ));
    }
    Ok(found)
}

/// What a call writes to call the function that a Python parameter belongs to; `None` for all else.
fn parameter_of(source: &Source<'_>, binding: &Binding) -> Option<String> {
    let at = binding
        .definition
        .filter(|_| source.family == Family::Python)?;
    let node = source.node_at(at)?;
    upwards(node)
        .skip(1)
        .take_while(|outer| !matches!(outer.kind(), "block" | "lambda"))
        .find(|outer| outer.kind() == "parameters")?;
    let function = source.enclosing(at.start, |symbol| symbol.kind.is_callable())?;
    Some(match (source.owner(function), function.name.as_str()) {
        (Some(owner), "__init__" | "__new__") => owner,
        _ => function.name.clone(),
    })
}

/// Refuses when a Python parameter is given by its name in a call.
fn check_keywords(
    source: &Source<'_>,
    binding: &Binding,
    called: &str,
    files: &dyn Files,
) -> Result<(), BuiltinRefusal> {
    for node in Nodes::below(source.syntax.root()) {
        if node.kind() != "keyword_argument" {
            continue;
        }
        let given = node
            .child_by_field_name("name")
            .map(|name| source.text_of(name));
        let callee = node
            .parent()
            .and_then(|list| list.parent())
            .and_then(|call| call.child_by_field_name("function"));
        let callee = callee
            .map(|callee| source.text_of(callee))
            .unwrap_or_default();
        let last = callee.rsplit('.').next().unwrap_or_default();
        let same = last == called || matches!(last, "__init__" | "cls" | "partial");
        if given == Some(binding.name.as_str()) && same {
            return Err(BuiltinRefusal::uncertain(
                format!(
                    "line {} gives `{}` by its name",
                    source.line_number(ByteOffset(node.start_byte())),
                    binding.name
                ),
                BY_HAND,
            ));
        }
    }
    let by_name = [format!("{}=", binding.name), format!("{} =", binding.name)];
    let mut holding = Vec::new();
    for path in siblings(source, files)? {
        let Some(text) = files.read(&path) else {
            continue;
        };
        if mentions(&text, called) && by_name.iter().any(|given| text.contains(given)) {
            holding.push(path);
        }
    }
    refuse_if_held(&binding.name, &holding)
}

fn in_comments(source: &Source<'_>, binding: &Binding) -> bool {
    let region = region(source, binding);
    let doc = source
        .symbols
        .iter()
        .filter(|symbol| symbol.range.contains_range(region) || region.contains_range(symbol.range))
        .filter_map(|symbol| symbol.doc);
    let comments = pleach_grammars::comments(&source.syntax, source.text).into_iter();
    let comments = comments.filter(|comment| region.contains_range(*comment));
    doc.chain(comments)
        .any(|range| mentions(source.slice(range), &binding.name))
}
