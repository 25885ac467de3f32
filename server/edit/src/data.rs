//! JSON and TOML by their real parsers, which know more than their grammars.

use pleach_grammars::Language;

/// What the real parser says of the text after, when it accepted the text before.
pub(crate) fn regression(language: Language, before: &str, after: &str) -> Option<String> {
    let problem = match language {
        Language::Json => json(after)?,
        Language::Toml => toml_problem(after)?,
        _ => return None,
    };
    let was_fine = match language {
        Language::Json => json(before).is_none(),
        _ => toml_problem(before).is_none(),
    };
    (was_fine && !before.trim().is_empty()).then_some(problem)
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
