//! Which occurrences of a name in a text are the same thing.
//!
//! The scopes of the language are followed: shadowing, closures, comprehensions, blocks, imports.
//! Fields, methods and attributes are never taken for variables of the same name. Where it cannot be
//! known what a name means (a macro's tokens, `eval`, an attribute of a class) nothing is said at all.

use pleach_text::{ByteOffset, ByteRange};

use crate::{Language, Syntax, parse};

mod ecmascript;
mod go;
mod python;
mod rename;
mod rust;
mod scopes;

pub use rename::{RenameRefusal, rename};
use scopes::{Form, Occurrence, Resolved, Table};

/// A name and all that is the same thing in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// Where it is first declared; none where that is not in this text. For a Go import without a
    /// name of its own, the path.
    pub definition: Option<ByteRange>,
    /// Every occurrence in this text, the declarations included, in order.
    pub occurrences: Vec<ByteRange>,
    /// Those of the occurrences that name something else as well: a field in `Point { x }`, a property
    /// in `{x}`, what is imported in `import {x}`. Another name there has to be written out:
    /// [`rename`] does.
    pub shorthands: Vec<ByteRange>,
    /// Whether text elsewhere may use it.
    pub reach: Reach,
}

/// Who may use a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This text alone.
    Local,
    /// Other texts as well: it is public, a parameter that callers may name, a name of a Go package.
    File,
}

/// All occurrences in a text that refer to the same thing as the name at a place; right behind the
/// name counts too. `text` is what was parsed.
///
/// None where there is no name, where what it means cannot be known for certain, where the text is
/// broken in the scope of the name, and for languages other than Rust, Python, TypeScript, TSX,
/// JavaScript and Go.
///
/// ```
/// use pleach_grammars::{Language, Reach, bindings, parse};
///
/// let text = "fn f(n: u32) -> u32 { let m = n; g.n(m) + n }";
/// let n = bindings(&parse(Language::Rust, text), text, 5.into()).unwrap();
///
/// assert_eq!(n.name, "n");
/// assert_eq!(n.reach, Reach::Local);
/// // The parameter and its two uses; not the method of the same name.
/// assert_eq!(n.occurrences.iter().map(|range| range.start.0).collect::<Vec<_>>(), [5, 30, 42]);
/// ```
pub fn bindings(syntax: &Syntax, text: &str, at: ByteOffset) -> Option<Binding> {
    let resolved = resolve(syntax, text)?;
    binding(syntax, &resolved, resolved.at(at)?)
}

/// Where the names at some places are declared, as [`bindings`] tells it of one, for the price of one.
///
/// ```
/// use pleach_grammars::{Language, declarations, parse};
///
/// let text = "fn f(n: u32) -> u32 { let m = n; m }";
/// let found = declarations(&parse(Language::Rust, text), text, &[30.into(), 33.into(), 0.into()]);
///
/// let starts: Vec<_> = found.iter().map(|range| range.map(|range| range.start.0)).collect();
/// assert_eq!(starts, [Some(5), Some(26), None]);
/// ```
pub fn declarations(syntax: &Syntax, text: &str, places: &[ByteOffset]) -> Vec<Option<ByteRange>> {
    let Some(resolved) = resolve(syntax, text).filter(|_| syntax.unread().is_none()) else {
        return vec![None; places.len()];
    };
    let mut broken: Vec<ByteRange> = Vec::new();
    syntax.each_problem(|node, _| {
        broken.push(ByteRange::from(node.byte_range()));
        true
    });
    broken.sort_unstable_by_key(|one| one.start);
    // The furthest end of all that begin no later.
    let mut furthest = ByteOffset(0);
    for one in &mut broken {
        furthest = furthest.max(one.end);
        one.end = furthest;
    }
    let is_broken_in = |scope: ByteRange| {
        let begun = broken.partition_point(|one| one.start <= scope.end);
        let last = begun.checked_sub(1).and_then(|last| broken.get(last));
        last.is_some_and(|last| last.touches(scope))
    };
    let declared = |at: &ByteOffset| {
        let id = resolved.at(*at)?.declaration?;
        let declaration = resolved.declarations.get(id)?;
        let scope = resolved.scope_range(declaration);
        let is_certain = !declaration.is_uncertain && !is_broken_in(scope);
        is_certain.then_some(declaration.range)
    };
    places.iter().map(declared).collect()
}

fn binding(syntax: &Syntax, resolved: &Resolved<'_>, at: &Occurrence<'_>) -> Option<Binding> {
    let same: Vec<&Occurrence<'_>> = resolved
        .occurrences
        .iter()
        .filter(|one| one.declaration == at.declaration && one.name == at.name)
        .collect();
    let declaration = match at.declaration {
        Some(id) => Some(resolved.declarations.get(id)?),
        None => None,
    };
    let scope = declaration.map(|declaration| resolved.scope_range(declaration));
    if declaration.is_some_and(|declaration| declaration.is_uncertain) || syntax.is_broken_in(scope)
    {
        return None;
    }
    let is_shared = declaration.is_none_or(|declaration| declaration.is_shared);
    Some(Binding {
        name: at.name.to_owned(),
        definition: declaration.map(|declaration| declaration.range),
        occurrences: same.iter().map(|one| one.range).collect(),
        shorthands: same
            .iter()
            .filter(|one| one.form != Form::Plain)
            .map(|one| one.range)
            .collect(),
        reach: if is_shared { Reach::File } else { Reach::Local },
    })
}

/// Finds what every name in a text refers to.
fn resolve<'a>(syntax: &Syntax, text: &'a str) -> Option<Resolved<'a>> {
    let table: Table<'a> = match syntax.language() {
        Language::Rust => rust::table(syntax.tree(), text),
        Language::Python => python::table(syntax.root(), text),
        Language::Go => go::table(syntax.root(), text),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            ecmascript::table(syntax.root(), text)
        }
        _ => return None,
    };
    (!table.is_too_deep).then(|| table.resolve())
}

impl Syntax {
    /// Whether something is broken in a stretch of the text, or anywhere.
    fn is_broken_in(&self, scope: Option<ByteRange>) -> bool {
        if self.unread().is_some() {
            return true;
        }
        let mut is_broken = false;
        self.each_problem(|node, _| {
            let range = ByteRange::from(node.byte_range());
            is_broken = scope.is_none_or(|scope| scope.touches(range));
            !is_broken
        });
        is_broken
    }
}
