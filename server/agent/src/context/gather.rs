//! Finding what may matter: definitions, callers, tests, and what the words of the request are about.

use std::collections::{BTreeMap, BTreeSet};

use pleach_grammars::{Language, NameRole, Symbol, SymbolKind, names_used, symbol_at};
use pleach_store::{Definition, Index, StoreError, TextPrint};

use super::place::{Place, Wanted};
use super::rank::{Edge, Target, spread};
use super::sources::Sources;
use crate::action::Action;
use crate::index::{Lines, container_of, says_something};
use crate::job::JobRequest;

/// What the index calls the place where a type is given its methods. The type's own definition says more.
const IMPLEMENTATION: &str = SymbolKind::Impl.name();
/// Names that are looked up, those that count most first.
const MOST_NAMES: usize = 200;
/// Definitions of one name that are looked at; it is the index's order that cuts.
const MOST_DEFINERS: usize = 60;
/// Definitions of one name that are kept.
const KEPT_DEFINERS: usize = 3;
/// Files that use a type that are asked for.
const MOST_KNOWING: usize = 2_000;
/// Names that more files define say nothing about where a file leads.
const COMMON: u32 = 6;
/// Definitions in a pack, before it is made to fit.
const MOST_DEFINITIONS: usize = 90;
/// Callers, tests, and places found by words.
const MOST_CALLERS: usize = 8;
const MOST_TESTS: usize = 4;
const MOST_FOUND: usize = 6;
/// What the best of each kind counts beside the best definition. Later ones count less.
const CALLER: f64 = 0.5;
const TEST: f64 = 0.4;
const FOUND: f64 = 0.35;
const NEIGHBOUR: f64 = 0.6;

/// Something that may be shown: where it is, why, and how much it counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) file: String,
    /// What it is called, where it has a name.
    pub(super) name: String,
    /// What that belongs to.
    pub(super) container: String,
    /// A line that it holds, from 1.
    pub(super) line: u32,
    pub(super) reason: String,
    pub(super) worth: f64,
    /// The lines in it that it is shown for: calls.
    pub(super) lines: Vec<usize>,
}

/// Everything that may matter, the best first.
pub(super) fn gather(
    request: &JobRequest,
    place: &Place<'_>,
    shown: (usize, usize),
    meant: &[TextPrint],
    index: &mut Index,
    sources: &mut Sources<'_>,
) -> Result<Vec<Candidate>, StoreError> {
    let mut found = definitions(place, index)?;
    found.extend(users(request, place, index, sources)?);
    found.extend(by_words(request, place, meant, index)?);
    found.extend(neighbours(place, shown));
    found.sort_by(|a, b| {
        let by_place = || (&a.file, a.line).cmp(&(&b.file, b.line));
        b.worth.total_cmp(&a.worth).then_with(by_place)
    });
    Ok(found)
}

/// The definitions that the names of the place lead to, and those that these lead to.
fn definitions(place: &Place<'_>, index: &mut Index) -> Result<Vec<Candidate>, StoreError> {
    let mut names: Vec<(&String, &Wanted)> = place
        .wanted
        .iter()
        .filter(|(_, wanted)| !wanted.is_own)
        .collect();
    names.sort_by(|a, b| {
        b.1.weight()
            .total_cmp(&a.1.weight())
            .then_with(|| a.0.cmp(b.0))
    });
    let mut start = Vec::new();
    let mut known: BTreeMap<Target, Vec<Definition>> = BTreeMap::new();
    for (name, wanted) in names.into_iter().take(MOST_NAMES) {
        let mut all: Vec<(f64, Definition)> = index
            .definitions(name, MOST_DEFINERS)?
            .into_iter()
            .filter(|it| it.file != place.path && it.kind != IMPLEMENTATION)
            .map(|it| (likeness(&it, wanted, place), it))
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = all.first().map_or(0.0, |(likely, _)| *likely);
        all.retain(|(likely, _)| *likely >= best * 0.3);
        all.truncate(KEPT_DEFINERS);
        let whole: f64 = all.iter().map(|(likely, _)| likely).sum();
        for (likely, definition) in all {
            let to = Target {
                file: definition.file.clone(),
                name: name.clone(),
            };
            // A name that much of the workspace defines says less.
            let weight = wanted.weight() * likely / whole.max(f64::MIN_POSITIVE) * likely.min(1.0);
            start.push(Edge {
                to: to.clone(),
                weight,
            });
            known.entry(to).or_default().push(definition);
        }
    }
    let mut failed = None;
    let worth = spread(&start, |file| match index.links(file, COMMON) {
        Ok(links) => links
            .into_iter()
            .filter(|link| link.file != place.path)
            .map(|link| Edge {
                weight: f64::from(link.times).sqrt() * telling(&link.name)
                    / f64::from(link.definers),
                to: Target {
                    file: link.file,
                    name: link.name,
                },
            })
            .collect(),
        Err(error) => {
            failed = Some(error);
            Vec::new()
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut ranked: Vec<(Target, f64)> = worth.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(MOST_DEFINITIONS);
    let best = ranked.first().map_or(1.0, |(_, worth)| *worth);
    let mut candidates = Vec::new();
    for (target, worth) in ranked {
        let (definitions, reason) = if let Some(definitions) = known.remove(&target) {
            let wanted = place.wanted.get(&target.name);
            let reason = wanted.map(|it| it.reason(&target.name));
            (definitions, reason.unwrap_or_default())
        } else {
            let all = index.definitions(&target.name, MOST_DEFINERS)?;
            let here = all
                .into_iter()
                .filter(|it| it.file == target.file && it.kind != IMPLEMENTATION);
            let reason = format!("what the place uses leads to `{}`", target.name);
            (here.take(KEPT_DEFINERS).collect(), reason)
        };
        candidates.extend(definitions.into_iter().map(|it| Candidate {
            file: it.file,
            name: it.name,
            container: it.container,
            line: it.first,
            reason: reason.clone(),
            worth: worth / best * of_kind(&it.kind),
            lines: Vec::new(),
        }));
    }
    Ok(candidates)
}

/// How likely a definition is the one that is meant, beside others of the same name.
fn likeness(it: &Definition, wanted: &Wanted, place: &Place<'_>) -> f64 {
    let mut likely = of_kind(&it.kind);
    let is_same = Language::from_path(&it.file).is_some_and(|other| {
        place
            .language
            .is_some_and(|own| own == other || is_script(own) && is_script(other))
    });
    if !is_same {
        likely *= 0.1;
    }
    // An import says where.
    let file_parts: BTreeSet<&str> = it.file.split(['/', '.', '-']).collect();
    let agree = wanted
        .from
        .iter()
        .filter(|part| file_parts.contains(part.as_str()))
        .count();
    likely *= (0..agree).fold(1.0, |all, _| all * 3.0);
    // A member of a type that is at hand is more likely meant than one of a stranger.
    let container = it.container.split(' ').next_back().unwrap_or_default();
    let container = container.split('<').next().unwrap_or_default();
    if let Some(type_of) = place.wanted.get(container) {
        likely *= if type_of.here > 0 { 6.0 } else { 3.0 };
    } else if place.symbols.iter().any(|symbol| symbol.name == container) {
        likely *= 4.0;
    }
    likely * (0.3 + nearness(place.path, &it.file))
}

/// What a kind of definition is worth: a field is mostly seen with its type.
fn of_kind(kind: &str) -> f64 {
    match kind {
        "field" | "variable" | "key" | "heading" | "test" => 0.2,
        "module" => 0.3,
        "enum variant" => 0.4,
        _ => 1.0,
    }
}

/// How near two files are, from 0 to 1: by the folders that they share.
fn nearness(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('/').collect(), b.split('/').collect());
    let shared = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (1.0 + number(shared)) / number(a.len().max(b.len()).max(1))
}

/// How much a name tells: long names with several parts are about one thing, as the repository map of
/// aider has it; those that begin with an underscore are private.
fn telling(name: &str) -> f64 {
    let has_parts = name.contains('_') || name.chars().skip(1).any(char::is_uppercase);
    match () {
        () if name.starts_with('_') => 0.1,
        () if has_parts && name.len() >= 8 => 3.0,
        () => 1.0,
    }
}

fn is_script(language: Language) -> bool {
    matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx
    )
}

/// Who uses what the place defines: callers and tests.
fn users(
    request: &JobRequest,
    place: &Place<'_>,
    index: &mut Index,
    sources: &mut Sources<'_>,
) -> Result<Vec<Candidate>, StoreError> {
    let Some(symbol) = place.symbol() else {
        return Ok(Vec::new());
    };
    let name = symbol.name.clone();
    let container = container_of(&place.symbols, symbol).to_owned();
    let container = container
        .split(' ')
        .next_back()
        .unwrap_or_default()
        .to_owned();
    let mut knowing: BTreeSet<String> = BTreeSet::new();
    if !container.is_empty() {
        knowing.extend(
            index
                .users(&container, MOST_KNOWING)?
                .into_iter()
                .map(|it| it.file),
        );
    }
    let mut files: Vec<(f64, String)> = Vec::new();
    for user in index.users(&name, MOST_DEFINERS)? {
        if user.file == place.path {
            continue;
        }
        // Who names the type as well means this one.
        let knows = if container.is_empty() || knowing.contains(&user.file) {
            1.0
        } else {
            0.3
        };
        files.push((knows * (0.3 + nearness(place.path, &user.file)), user.file));
    }
    files.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let (mut callers, mut tests) = (Vec::new(), Vec::new());
    for (_, file) in files {
        if callers.len() >= MOST_CALLERS && tests.len() >= MOST_TESTS {
            break;
        }
        let Some(source) = sources.get(&file) else {
            continue;
        };
        let Some(syntax) = &source.syntax else {
            continue;
        };
        let mut by_symbol: BTreeMap<usize, Vec<(usize, &Symbol)>> = BTreeMap::new();
        for used in names_used(syntax, &source.text) {
            let is_use = used.name == name
                && says_something(used.name, used.role)
                && used.role != NameRole::Import;
            if !is_use {
                continue;
            }
            if let Some(around) = symbol_at(&source.symbols, used.range.start) {
                by_symbol
                    .entry(around.range.start.0)
                    .or_default()
                    .push((used.line.number(), around));
            }
        }
        for uses in by_symbol.into_values().take(2) {
            let Some((line, around)) = uses.first() else {
                continue;
            };
            let is_test = is_test_path(&file) || around.kind.name() == "test";
            let (list, best, what, most) = if is_test {
                let best = if request.action == Action::Tests {
                    1.0
                } else {
                    TEST
                };
                (&mut tests, best, "tests", MOST_TESTS)
            } else {
                (&mut callers, CALLER, "uses", MOST_CALLERS)
            };
            if list.len() >= most {
                continue;
            }
            let worth = best / (1.0 + 0.3 * number(list.len()));
            list.push(Candidate {
                file: file.clone(),
                name: around.name.clone(),
                container: container_of(&source.symbols, around).to_owned(),
                line: u32::try_from(*line).unwrap_or(u32::MAX),
                reason: format!("{what} `{name}`"),
                worth,
                lines: uses.iter().map(|(line, _)| *line).collect(),
            });
        }
    }
    callers.extend(tests);
    Ok(callers)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Whether a file is one of tests, as most projects call them.
fn is_test_path(path: &str) -> bool {
    path.split(['/', '.', '_', '-']).any(|part| {
        matches!(
            part,
            "test" | "tests" | "spec" | "specs" | "testing" | "__tests__"
        )
    })
}

/// Whether an instruction has more than one word: one alone is about everything.
pub(super) fn says_much(asked: &str) -> bool {
    asked.split_whitespace().nth(1).is_some()
}

/// What the words of the request are about, and what means the same where that is known.
fn by_words(
    request: &JobRequest,
    place: &Place<'_>,
    meant: &[TextPrint],
    index: &mut Index,
) -> Result<Vec<Candidate>, StoreError> {
    let asked = request.instruction.as_deref().unwrap_or_default();
    if !says_much(asked) {
        return Ok(Vec::new());
    }
    let found = index.find_meant(asked, meant, MOST_FOUND * 3)?;
    let found = found
        .into_iter()
        .filter(|it| it.file != place.path && !is_prose(&it.file));
    let mut candidates = Vec::new();
    for it in found.take(MOST_FOUND) {
        let worth = FOUND / (1.0 + 0.3 * number(candidates.len()));
        let (name, _, container) = it.symbol.unwrap_or_default();
        candidates.push(Candidate {
            file: it.file,
            name,
            container,
            line: it.first,
            reason: if meant.is_empty() {
                "has words of the request".to_owned()
            } else {
                "has words of the request, or means what it says".to_owned()
            },
            worth,
            lines: Vec::new(),
        });
    }
    Ok(candidates)
}

/// Whether a file is written for people: it says much and defines nothing.
fn is_prose(path: &str) -> bool {
    !Language::from_path(path).is_some_and(Language::is_programming)
}

/// What is in the same document and not shown: beside the place, and used there.
fn neighbours(place: &Place<'_>, (first, last): (usize, usize)) -> Vec<Candidate> {
    let parent = place.symbol().and_then(|symbol| symbol.parent);
    let mut candidates = Vec::new();
    let lines = Lines::of(place.text);
    for (at, symbol) in place.symbols.iter().enumerate() {
        let line = lines.number(symbol.range.start.0);
        if (first..=last).contains(&line) || Some(at) == place.around {
            continue;
        }
        let used = place
            .wanted
            .get(&symbol.name)
            .filter(|wanted| wanted.here > 0);
        let worth = match used {
            Some(_) => 1.0,
            None if symbol.parent == parent && symbol.kind.is_callable() => NEIGHBOUR,
            None if Some(at) == parent || symbol.kind.is_type() => NEIGHBOUR,
            None => continue,
        };
        let reason = match used {
            Some(_) => format!(
                "`{}` is used at the place; it is in the part of the document that is not shown",
                symbol.name
            ),
            None => {
                "it is beside the place, in the part of the document that is not shown".to_owned()
            }
        };
        let distance = line.abs_diff(if line < first { first } else { last });
        candidates.push(Candidate {
            file: place.path.to_owned(),
            name: symbol.name.clone(),
            container: container_of(&place.symbols, symbol).to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            reason,
            worth: worth / (1.0 + number(distance) / 1_000.0),
            lines: Vec::new(),
        });
    }
    candidates
}
