//! Giving a thing another name, or saying why not.

use std::collections::HashMap;

use pleach_text::{Bias, ByteOffset, ByteRange, ChangeSet, Replacement};

use super::scopes::{Form, Occurrence, Resolved};
use super::{Reach, binding, parse, resolve};
use crate::{Language, Syntax};

/// Why a thing cannot be given another name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameRefusal {
    /// There is no name at the place.
    #[error("there is no name here; put the cursor on a name")]
    NoName,
    /// It cannot be known which occurrences are meant.
    #[error(
        "it cannot be known for certain what every `{name}` refers to; rename it with a language server, or ask for it as an edit"
    )]
    Uncertain {
        /// The name.
        name: String,
    },
    /// It is declared in another text.
    #[error("`{name}` is not declared in this file; rename it where it is declared")]
    DeclaredElsewhere {
        /// The name.
        name: String,
    },
    /// The new name is none in this language.
    #[error("`{name}` is not a name in {language}; choose another one", language = .language.name())]
    NotAName {
        /// The new name.
        name: String,
        /// The language of the text.
        language: Language,
    },
    /// With the new name, something would refer to something else.
    #[error("with the name `{name}`, line {line} would mean something else; choose another name")]
    Clash {
        /// The new name.
        name: String,
        /// The line, counted from 1, of the first name that would change its meaning.
        line: usize,
    },
}

impl RenameRefusal {
    /// A short, stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoName => "no_name",
            Self::Uncertain { .. } => "uncertain",
            Self::DeclaredElsewhere { .. } => "declared_elsewhere",
            Self::NotAName { .. } => "not_a_name",
            Self::Clash { .. } => "clash",
        }
    }
}

/// The edits that give the thing at a place another name, everywhere in this text, and who else may
/// use the thing. `text` is what was parsed.
///
/// The result is tried before it is given: every name in the text must refer to the same thing as
/// before.
///
/// ```
/// use pleach_grammars::{Language, parse, rename};
/// use pleach_text::{ByteOffset, ChangeSet};
///
/// let text = "const x = 1; draw({ x, y: x });";
/// let (edits, _) = rename(&parse(Language::JavaScript, text), text, 6.into(), "left").unwrap();
/// let changes = ChangeSet::new(edits, ByteOffset(text.len())).unwrap();
/// assert_eq!(changes.apply_to_str(text).unwrap(), "const left = 1; draw({ x: left, y: left });");
/// ```
pub fn rename(
    syntax: &Syntax,
    text: &str,
    at: ByteOffset,
    to: &str,
) -> Result<(Vec<Replacement>, Reach), RenameRefusal> {
    let resolved = resolve(syntax, text).ok_or(RenameRefusal::NoName)?;
    let target = resolved.at(at).ok_or(RenameRefusal::NoName)?;
    let name = target.name.to_owned();
    let Some(id) = target.declaration else {
        return Err(RenameRefusal::DeclaredElsewhere { name });
    };
    let Some(found) = binding(syntax, &resolved, target) else {
        return Err(RenameRefusal::Uncertain { name });
    };
    let not_a_name = || RenameRefusal::NotAName {
        name: to.to_owned(),
        language: syntax.language(),
    };
    if !is_word(to, syntax.language()) {
        return Err(not_a_name());
    }
    if to == name {
        return Ok((Vec::new(), found.reach));
    }
    let edits: Vec<Replacement> = resolved
        .occurrences
        .iter()
        .filter(|one| one.declaration == Some(id))
        .flat_map(|one| edits_of(one, to))
        .collect();
    let Ok(changes) = ChangeSet::new(edits.clone(), ByteOffset(text.len())) else {
        return Err(RenameRefusal::Uncertain { name });
    };
    let Ok(after) = changes.apply_to_str(text) else {
        return Err(RenameRefusal::Uncertain { name });
    };
    let syntax_after = parse(syntax.language(), &after);
    if syntax_after.problem_count() > syntax.problem_count() {
        return Err(not_a_name());
    }
    let resolved_after = resolve(&syntax_after, &after).ok_or_else(not_a_name)?;
    if !resolved_after.occurrences.iter().any(|one| one.name == to) {
        // It reads as something else, such as Rust's `self`.
        return Err(not_a_name());
    }
    match first_changed(&resolved, &resolved_after, &changes, id, to) {
        None => Ok((edits, found.reach)),
        Some(at) => {
            let (line, _) = pleach_text::line_column(text, at);
            Err(RenameRefusal::Clash {
                name: to.to_owned(),
                line: line.0 as usize + 1,
            })
        }
    }
}

/// Whether it is written like a name. Whether it is a word of the language, parsing tells.
fn is_word(name: &str, language: Language) -> bool {
    let may_have_dollar = matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx
    );
    let is_start = |c: char| c.is_alphabetic() || c == '_' || (c == '$' && may_have_dollar);
    name != "_"
        && name.starts_with(is_start)
        && name.chars().all(|c| is_start(c) || c.is_alphanumeric())
}

/// What has to be written where a thing occurs.
fn edits_of(one: &Occurrence<'_>, to: &str) -> Vec<Replacement> {
    let old = one.name;
    match one.form {
        Form::Plain => vec![Replacement::new(one.range, to)],
        Form::Key { at } if at == one.range.start.0 => {
            vec![Replacement::new(one.range, format!("{old}: {to}"))]
        }
        Form::Key { at } => vec![
            Replacement::new(ByteRange::empty(ByteOffset(at)), format!("{old}: ")),
            Replacement::new(one.range, to),
        ],
        Form::Import => vec![Replacement::new(one.range, format!("{old} as {to}"))],
        Form::Export => vec![Replacement::new(one.range, format!("{to} as {old}"))],
        Form::Path => vec![Replacement::new(
            ByteRange::empty(one.range.start),
            format!("{to} "),
        )],
    }
}

/// The first place whose name refers to something else after the change than before.
fn first_changed(
    before: &Resolved<'_>,
    after: &Resolved<'_>,
    changes: &ChangeSet,
    renamed: usize,
    to: &str,
) -> Option<ByteOffset> {
    let at_place: HashMap<usize, &Occurrence<'_>> = after
        .occurrences
        .iter()
        .map(|one| (one.range.end.0, one))
        .collect();
    let mut pairs: HashMap<usize, usize> = HashMap::new();
    let mut taken: HashMap<usize, usize> = HashMap::new();
    for one in &before.occurrences {
        let is_renamed = one.declaration == Some(renamed);
        let end = match one.form {
            // `old as new` ends with the new name, `new as old` begins with it.
            Form::Export if is_renamed => {
                changes.map_offset(one.range.start, Bias::Before).0 + to.len()
            }
            Form::Path if is_renamed => changes.map_offset(one.range.start, Bias::After).0 - 1,
            _ => changes.map_offset(one.range.end, Bias::After).0,
        };
        let Some(now) = at_place.get(&end) else {
            return Some(one.range.start);
        };
        let expected_name = if is_renamed { to } else { one.name };
        let is_same = match (one.declaration, now.declaration) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                *pairs.entry(old).or_insert(new) == new && *taken.entry(new).or_insert(old) == old
            }
            _ => false,
        };
        if !is_same || now.name != expected_name {
            return Some(one.range.start);
        }
    }
    (before.occurrences.len() != after.occurrences.len()).then_some(ByteOffset(0))
}
