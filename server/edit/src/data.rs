//! JSON, TOML and YAML by their real parsers, which know more than their grammars.

use std::collections::HashSet;

use pleach_grammars::Language;
use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::gate::is_dense;

/// Larger texts of YAML are left to the grammar alone: the parser takes up to a second a megabyte.
const MAX_YAML: usize = 256 << 10;
/// Larger texts of TOML are, too: the parser takes up to a hundred times the memory of the text.
const MAX_TOML: usize = 128 << 10;

/// What the real parser says of the text after, when it had nothing to say of the text before.
pub(crate) fn regression(language: Language, before: &str, after: &str) -> Option<String> {
    if !matches!(language, Language::Json | Language::Toml | Language::Yaml) {
        return None;
    }
    let of = |text: &str| match language {
        Language::Json => json(text),
        Language::Toml => toml_problem(text),
        Language::Yaml => yaml(text).err(),
        _ => None,
    };
    let limit = match language {
        Language::Yaml => MAX_YAML,
        Language::Toml => MAX_TOML,
        _ => usize::MAX,
    };
    let costly = |text: &str| text.len() > limit || is_dense(language, text);
    if language != Language::Json && (costly(before) || costly(after)) {
        return None;
    }
    if let Some(problem) = of(after) {
        return (!before.trim().is_empty() && of(before).is_none()).then_some(problem);
    }
    if language != Language::Yaml {
        return None;
    }
    // Many a program takes the last of several values; more of them than before is a mistake.
    let repeated = yaml(after).ok()?;
    let known = yaml(before).unwrap_or_default();
    let added = repeated.len() > known.len();
    let name = repeated
        .iter()
        .find(|key| !known.contains(key))
        .or(repeated.first())?;
    added.then(|| format!("the key `{name}` is there twice now"))
}

/// Whether a real parser that takes little memory accepts a text.
pub(crate) fn accepts(language: Language, text: &str) -> bool {
    language == Language::Json && json(text).is_none()
}

fn strip(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn json(text: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(strip(text))
        .err()
        .map(|problem| format!("not valid JSON any more: {problem}"))
}

fn toml_problem(text: &str) -> Option<String> {
    strip(text)
        .parse::<toml::Table>()
        .err()
        .map(|problem| format!("not valid TOML any more: {}", problem.message()))
}

/// A list or a mapping that is being read.
enum Open {
    List,
    Mapping {
        keys: HashSet<(String, bool)>,
        at_key: bool,
    },
}

/// The keys that a mapping has more than once, or what is wrong with the text.
fn yaml(text: &str) -> Result<Vec<String>, String> {
    let mut repeated = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(strip(text)) {
        let (event, _) = event.map_err(|problem| format!("not valid YAML any more: {problem}"))?;
        let starts = match &event {
            Event::SequenceStart(..) => Some(Open::List),
            Event::MappingStart(..) => Some(Open::Mapping {
                keys: HashSet::new(),
                at_key: true,
            }),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                continue;
            }
            Event::Scalar(..) | Event::Alias(..) => None,
            _ => continue,
        };
        // A node is a key and a value by turns.
        if let Some(Open::Mapping { keys, at_key }) = open.last_mut() {
            if let (true, Event::Scalar(key, style, ..)) = (*at_key, &event) {
                let plain = *style == ScalarStyle::Plain;
                let is_merge = plain && key == "<<";
                if !keys.insert((key.to_string(), plain)) && !is_merge {
                    repeated.push(key.to_string());
                }
            }
            *at_key = !*at_key;
        }
        open.extend(starts);
    }
    Ok(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(before: &str, after: &str) -> Option<String> {
        regression(Language::Yaml, before, after)
    }

    #[test]
    fn yaml_that_only_its_parser_knows_to_be_broken() {
        let fine = "a:\n  b: 1\n  c: [x, y]\n";
        for (broken, word) in [
            ("a:\n\tb: 1\n", "tabs"),
            ("a:\n  b: 1\n c: 2\n", "expected key"),
            ("a: *nowhere\n", "anchor"),
            ("a: b: c\n", "not allowed"),
            ("a:\n  b: 1\n  c: 2\n  b: 3\n", "`b`"),
            ("a: {b: 1, b: 2}\n", "`b`"),
        ] {
            let said = said(fine, broken).unwrap_or_default();
            assert!(said.contains(word), "{broken:?}: {said}");
        }
    }

    #[test]
    fn yaml_as_people_write_it() {
        for fine in [
            "%YAML 1.2\n---\na: &x {b: 1}\n...\n---\nc: !Ref d\n",
            "a: &x {k: 1}\nb:\n  <<: *x\n  <<: *x\n",
            "a: &x {k: 1}\n*x : 1\n? [a, b]\n: {a: 1}\n",
            "- a: 1\n- a: 1\n",
            "1: a\n\"1\": b\n",
            "\u{feff}a: |\n  x\n   y\nb: \"c\\n\"\r\n",
        ] {
            assert_eq!(said("a: 1\n", fine), None, "{fine:?}");
        }
    }

    #[test]
    fn yaml_that_was_broken_before_may_be_edited() {
        assert_eq!(said("a: b: c\n", "a: b: d\n"), None);
        assert_eq!(said("{{- if .x }}\na: 1\n", "{{- if .x }}\na: 2\n"), None);
        assert_eq!(said("a: 1\na: 2\n", "a: 1\na: 3\n"), None);
        assert!(said("a: 1\na: 2\n", "a: 1\na: 3\na: 4\n").is_some());
    }
}
