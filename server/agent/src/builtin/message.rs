//! What a compiler or a linter says is not used.
//!
//! Only messages whose form is known are read, by their first line. The place and the syntax tree
//! decide later what exactly is removed; a message is never enough.

/// What a diagnostic reports as unused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unused {
    /// These imports, written as the source or the checker writes them (`std::fmt`, `os.path as p`).
    Imports(Vec<String>),
    /// Every import of the statement.
    WholeImport,
    /// A variable; its name where the message gives it.
    Variable(Option<String>),
    /// A name; the tree tells whether it is an import or a variable.
    Name(Option<String>),
}

/// Reads a diagnostic's message. `None` for everything that is not an unused import or variable.
pub(super) fn understand(message: &str) -> Option<Unused> {
    let line = message.lines().next().unwrap_or_default().trim();
    let line = without_code(line);
    let quoted = quoted(line);
    let first = quoted.first().cloned();
    let lower = line.to_lowercase();
    let names = || (!quoted.is_empty()).then(|| Unused::Imports(quoted.clone()));

    // rustc, rust-analyzer.
    if lower.starts_with("unused import: ") || lower.starts_with("unused imports: ") {
        return names();
    }
    if lower == "unused variable" || lower.starts_with("unused variable: ") {
        return Some(Unused::Variable(first));
    }
    // Pyright and Pylance.
    if lower.ends_with("is not accessed") {
        return match lower.split_whitespace().next()? {
            "import" => names(),
            "variable" => Some(Unused::Variable(Some(first?))),
            word if word.starts_with('"') => Some(Unused::Name(Some(first?))),
            _ => None,
        };
    }
    // Ruff, Pyflakes, flake8: F401 and F841.
    if let Some(at) = lower.find(" imported but unused") {
        let before = line.get(..at)?;
        return unquote(before).map(|name| Unused::Imports(vec![name]));
    }
    if lower.starts_with("local variable ")
        && [
            "is assigned to but never used",
            "is annotated but never used",
        ]
        .iter()
        .any(|end| lower.contains(end))
    {
        return Some(Unused::Variable(Some(first?)));
    }
    // Go: the compiler and gopls, new and old wording.
    if let Some(at) = lower
        .find(" imported ")
        .filter(|_| lower.ends_with(" and not used"))
    {
        let path = unquote(line.get(..at)?)?;
        let alias = line.get(at..)?.strip_prefix(" imported as ");
        let alias = alias.and_then(|rest| rest.split_whitespace().next());
        return Some(Unused::Imports(vec![match alias {
            Some(alias) => format!("{path} as {alias}"),
            None => path,
        }]));
    }
    for start in ["declared and not used: ", "declared but not used: "] {
        if let Some(name) = lower
            .starts_with(start)
            .then(|| line.get(start.len()..))
            .flatten()
        {
            return Some(Unused::Variable(Some(bare(name)?)));
        }
    }
    for end in [" declared and not used", " declared but not used"] {
        if let Some(name) = line.strip_suffix(end) {
            return Some(Unused::Variable(Some(bare(name)?)));
        }
    }
    // TypeScript: 6192, 6133, 6196.
    if lower.starts_with("all imports in import declaration are unused") {
        return Some(Unused::WholeImport);
    }
    // TypeScript 6133 and 6196, ESLint's no-unused-vars.
    let never = [
        "is declared but its value is never read",
        "is declared but never used",
        "is assigned a value but never used",
        "is defined but never used",
    ];
    if line.starts_with(['\'', '`', '"']) && never.iter().any(|words| lower.contains(words)) {
        return Some(Unused::Name(Some(first?)));
    }
    // Biome.
    if lower.starts_with("this import is unused") {
        return Some(Unused::Name(None));
    }
    if lower.starts_with("this variable ") && lower.contains(" is unused") {
        let name = line.split_whitespace().nth(2)?;
        return Some(Unused::Variable(Some(bare(name)?)));
    }
    pylint(line, first)
}

/// Pylint's `unused-import` (W0611) and `unused-variable` (W0612).
fn pylint(line: &str, quoted: Option<String>) -> Option<Unused> {
    let rest = line.strip_prefix("Unused ")?;
    if rest.starts_with("variable ") {
        return Some(Unused::Variable(Some(quoted?)));
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    let imported = match words.as_slice() {
        ["import", path] => (*path).to_owned(),
        [path, "imported", "as", alias] => format!("{path} as {alias}"),
        [name, "imported", "from", module] => format!("{module}.{name}"),
        [name, "imported", "from", module, "as", alias] => format!("{module}.{name} as {alias}"),
        _ => return None,
    };
    Some(Unused::Imports(vec![imported]))
}

/// `F401 'os' imported…`, `[F401] …`, `W0611: …` without the code.
fn without_code(line: &str) -> &str {
    let Some((code, rest)) = line.split_once([' ', ':']) else {
        return line;
    };
    let code = code.trim_matches(['[', ']']);
    let mut letters = code.chars();
    let is_code = letters.next().is_some_and(|c| c.is_ascii_uppercase())
        && code.len() >= 4
        && letters.all(|c| c.is_ascii_digit());
    if is_code {
        rest.trim_start_matches([' ', ':'])
    } else {
        line
    }
}

/// The parts of a line between quotation marks of any kind.
fn quoted(line: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut open: Option<(char, usize)> = None;
    for (at, letter) in line.char_indices() {
        match open {
            Some((close, start)) if letter == close => {
                if let Some(part) = line.get(start..at).filter(|part| !part.trim().is_empty()) {
                    parts.push(part.trim().to_owned());
                }
                open = None;
            }
            Some(_) => {}
            None => {
                let close = match letter {
                    '`' | '\'' | '"' => letter,
                    '‘' => '’',
                    '“' => '”',
                    _ => continue,
                };
                open = Some((close, at + letter.len_utf8()));
            }
        }
    }
    parts
}

/// The text within one pair of quotation marks, which is all there is.
fn unquote(text: &str) -> Option<String> {
    let parts = quoted(text.trim());
    match parts.as_slice() {
        [one] if one.chars().count() + 2 == text.trim().chars().count() => Some(one.clone()),
        _ => None,
    }
}

/// One word, with or without quotation marks.
fn bare(text: &str) -> Option<String> {
    let word = text.trim().trim_matches(['`', '\'', '"']);
    (!word.is_empty() && !word.contains(char::is_whitespace)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unnecessary_wraps)]
    use super::*;

    fn imports(names: &[&str]) -> Option<Unused> {
        Some(Unused::Imports(
            names.iter().map(|name| (*name).to_owned()).collect(),
        ))
    }

    fn variable(name: &str) -> Option<Unused> {
        Some(Unused::Variable(Some(name.to_owned())))
    }

    fn name(name: &str) -> Option<Unused> {
        Some(Unused::Name(Some(name.to_owned())))
    }

    #[test]
    fn what_rust_reports() {
        assert_eq!(
            understand("unused import: `std::fmt`"),
            imports(&["std::fmt"])
        );
        assert_eq!(
            understand(
                "unused imports: `A`, `b::C`, and `D`\n`#[warn(unused_imports)]` on by default"
            ),
            imports(&["A", "b::C", "D"])
        );
        assert_eq!(
            understand("unused variable: `x`\nif this is intentional, prefix it with `_`"),
            variable("x")
        );
        assert_eq!(understand("unused variable"), Some(Unused::Variable(None)));
    }

    #[test]
    fn what_python_checkers_report() {
        assert_eq!(
            understand("Import \"os.path\" is not accessed"),
            imports(&["os.path"])
        );
        assert_eq!(understand("\"os\" is not accessed"), name("os"));
        assert_eq!(understand("Variable \"x\" is not accessed"), variable("x"));
        assert_eq!(understand("Function \"f\" is not accessed"), None);
        assert_eq!(understand("`os` imported but unused"), imports(&["os"]));
        assert_eq!(
            understand("F401 'typing.List as L' imported but unused"),
            imports(&["typing.List as L"])
        );
        assert_eq!(
            understand(
                "`a.b` imported but unused; consider using `importlib.util.find_spec` to test for availability"
            ),
            imports(&["a.b"])
        );
        assert_eq!(
            understand("Local variable `x` is assigned to but never used"),
            variable("x")
        );
        assert_eq!(
            understand("F841 local variable 'x' is assigned to but never used"),
            variable("x")
        );
        assert_eq!(understand("Unused import os"), imports(&["os"]));
        assert_eq!(
            understand("Unused numpy imported as np"),
            imports(&["numpy as np"])
        );
        assert_eq!(
            understand("W0611: Unused List imported from typing"),
            imports(&["typing.List"])
        );
        assert_eq!(understand("Unused variable 'x'"), variable("x"));
        assert_eq!(understand("Unused argument 'x'"), None);
    }

    #[test]
    fn what_typescript_and_javascript_checkers_report() {
        assert_eq!(
            understand("'x' is declared but its value is never read."),
            name("x")
        );
        assert_eq!(
            understand("'Props' is declared but never used."),
            name("Props")
        );
        assert_eq!(
            understand("All imports in import declaration are unused."),
            Some(Unused::WholeImport)
        );
        assert_eq!(
            understand(
                "'x' is assigned a value but never used. Allowed unused vars must match /^_/u."
            ),
            name("x")
        );
        assert_eq!(understand("'x' is defined but never used."), name("x"));
        assert_eq!(
            understand("This import is unused."),
            Some(Unused::Name(None))
        );
        assert_eq!(understand("This variable x is unused."), variable("x"));
        assert_eq!(
            understand("Property 'x' is declared but its value is never read."),
            None
        );
    }

    #[test]
    fn what_go_reports() {
        assert_eq!(
            understand("\"fmt\" imported and not used"),
            imports(&["fmt"])
        );
        assert_eq!(
            understand("\"math/rand\" imported as r and not used"),
            imports(&["math/rand as r"])
        );
        assert_eq!(understand("declared and not used: x"), variable("x"));
        assert_eq!(understand("x declared and not used"), variable("x"));
        assert_eq!(understand("x declared but not used"), variable("x"));
    }

    #[test]
    fn everything_else_is_not_understood() {
        for message in [
            "mismatched types",
            "unused parameter: x",
            "variable does not need to be mutable",
            "function `f` is never used",
            "undefined: x",
            "Cannot find name 'x'.",
            "unused_must_use",
            "",
        ] {
            assert_eq!(understand(message), None, "{message}");
        }
    }
}
