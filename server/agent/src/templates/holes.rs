//! The language of templates: variables, a few filters, and `if`.
//!
//! It is minijinja's, but for what lets a few bytes become gigabytes: no loops, no macros, no joining or
//! repeating of texts. What a template can cost is then its own length times that of the longest value. To
//! know for certain where each hole ends, there are neither comments nor `raw`, and no braces, brackets and
//! backslashes in a hole. A file whose name does not end in `.j2` is copied as it is.

use std::collections::BTreeMap;

use heck::{ToKebabCase as _, ToLowerCamelCase as _, ToPascalCase as _, ToSnakeCase as _};
use minijinja::{Environment, Error, UndefinedBehavior};

/// What begins and ends a hole.
const MARKS: [(&str, &str); 2] = [("{{", "}}"), ("{%", "%}")];
/// What may stand in `{% … %}`.
const WORDS: [&str; 4] = ["if", "elif", "else", "endif"];

/// What fills holes.
pub(super) struct Holes(Environment<'static>);

impl Holes {
    pub(super) fn new() -> Result<Self, Error> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        environment.set_syntax(syntax);
        environment.add_filter("snake", |text: String| text.to_snake_case());
        environment.add_filter("kebab", |text: String| text.to_kebab_case());
        environment.add_filter("pascal", |text: String| text.to_pascal_case());
        environment.add_filter("camel", |text: String| text.to_lower_camel_case());
        environment.add_filter("upper", |text: String| text.to_uppercase());
        environment.add_filter("lower", |text: String| text.to_lowercase());
        Ok(Self(environment))
    }

    /// A text with its holes filled; what is wrong with it, otherwise.
    pub(super) fn fill(
        &self,
        text: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        if is_plain(text) {
            return Ok(text.to_owned());
        }
        check(text)?;
        let filled = self
            .0
            .render_str(text, minijinja::Value::from_pairs(values.clone()));
        filled.map_err(|error| told(&error))
    }

    /// What is wrong with a text whose variables are to be these, without filling it.
    pub(super) fn check(&self, text: &str, names: &[&str]) -> Result<(), String> {
        if is_plain(text) {
            return Ok(());
        }
        check(text)?;
        let template = self
            .0
            .template_from_str(text)
            .map_err(|error| told(&error))?;
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !names.contains(&name.as_str()));
        unknown.sort();
        match unknown.first() {
            None => Ok(()),
            Some(name) => Err(format!("`{name}` is no variable of the template")),
        }
    }
}

fn told(error: &Error) -> String {
    let line = error
        .line()
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    let why = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    format!("{line}{why}")
}

fn is_plain(text: &str) -> bool {
    !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// More holes are refused: each costs a look at the whole text, and a chain of `elif` a piece of the stack.
const MOST_HOLES: usize = 1_000;

/// Sees that a text has no holes but those that cannot grow.
fn check(text: &str) -> Result<(), String> {
    let line_at = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        before.matches('\n').count() + 1
    };
    if let Some(at) = text.find("{#") {
        return Err(format!(
            "line {}: comments `{{# … #}}` are not known here",
            line_at(at)
        ));
    }
    let (mut from, mut holes) = (0, 0);
    while let Some((at, (open, close))) = next_mark(text, from) {
        holes += 1;
        if holes > MOST_HOLES {
            return Err(format!("there are more than {MOST_HOLES} holes"));
        }
        let inside = text.get(at + open.len()..).unwrap_or_default();
        let end = inside.find(close);
        let end = end.ok_or_else(|| format!("line {}: `{open}` without `{close}`", line_at(at)))?;
        let hole = inside.get(..end).unwrap_or_default();
        if let Some(char) = hole.chars().find(|char| "{}[]\\~*+".contains(*char)) {
            return Err(format!(
                "line {}: `{char}` cannot stand in a hole; there are variables, filters and `if`",
                line_at(at)
            ));
        }
        let open_quote = hole.chars().fold(None, |quote, char| match (quote, char) {
            (None, '"' | '\'') => Some(char),
            (Some(quote), _) if quote == char => None,
            (quote, _) => quote,
        });
        if open_quote.is_some() {
            return Err(format!("line {}: a quote is not closed", line_at(at)));
        }
        let word = hole.trim_start_matches('-').split_whitespace().next();
        let word = word.unwrap_or_default().trim_end_matches('-');
        if open == "{%" && !WORDS.contains(&word) {
            return Err(format!(
                "line {}: `{word}` is not known here; there is {}",
                line_at(at),
                WORDS.join(", ")
            ));
        }
        from = at + open.len() + end + close.len();
    }
    Ok(())
}

fn next_mark(text: &str, from: usize) -> Option<(usize, (&'static str, &'static str))> {
    let rest = text.get(from..)?;
    let found = MARKS
        .iter()
        .filter_map(|marks| Some((from + rest.find(marks.0)?, *marks)));
    found.min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let values = [("name", "Till drawer"), ("license", "MIT"), ("empty", "")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Holes::new().unwrap().fill(text, &values.into())
    }

    #[test]
    fn variables_filters_and_conditions_are_known() {
        for (text, wanted) in [
            ("{{ name }}\n", "Till drawer\n"),
            (
                "{{name|snake}}/{{ name | kebab }}",
                "till_drawer/till-drawer",
            ),
            (
                "{{ name | pascal }} {{ name | camel | upper }}",
                "TillDrawer TILLDRAWER",
            ),
            (
                "{% if license == \"MIT\" %}yes{% else %}no{% endif %}",
                "yes",
            ),
            ("{%- if empty -%} a {%- elif name -%} b {%- endif -%}", "b"),
            ("no { hole } % here\n", "no { hole } % here\n"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_could_grow_or_hide_is_refused() {
        let chain = format!("{{%if a%}}{}{{%endif%}}", "{%elif a%}".repeat(25_000));
        for text in [
            chain.as_str(),
            "{{ name * 100000000 }}",
            "{{ name ~ name }}",
            "{{ name + name }}",
            "{% set a = name %}",
            "{% for a in name %}{{ a }}{% endfor %}",
            "{% macro a() %}{% endmacro %}",
            "{% include 'secret' %}",
            "{% raw %}{{{% endraw %}",
            "{# {{ #}",
            "{{ {\"a\": {}} }}",
            "{{ [name] }}",
            "{{ \"}} ~ name }}",
            "{{ 'a\\'' }}",
            "{{ \"'\"' }}",
            "{{ name",
            "{{ other }}",
            "{{ name | indent(1000000000) }}",
            "{{ range(1000000) }}",
            "{{ name.__class__ }}",
            "{% if %}",
        ] {
            assert!(filled(text).is_err(), "{text}: {:?}", filled(text));
        }
    }
}
