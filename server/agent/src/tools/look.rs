//! Looking for things: by text, by name, by what a file defines and what is reported about it.

use std::sync::atomic::{AtomicBool, Ordering};

use pleach_grammars::{Language, NameRole, Syntax, names_used, parse};
use pleach_text::line_column;
use regex::RegexBuilder;

use super::arguments::{OfFile, References, Search};
use super::page::Page;
use super::read::{matcher, names};
use super::{Ground, ToolError};

/// Bytes of files that one search goes through.
const SEARCHED_BYTES: usize = 128 << 20;
/// Bytes that a compiled expression may have.
const PATTERN_BYTES: usize = 1 << 20;

/// Lines that match an expression.
pub(super) fn search(
    ground: &Ground,
    wanted: &Search,
    is_over: &AtomicBool,
) -> Result<String, ToolError> {
    let expression = RegexBuilder::new(&wanted.pattern)
        .case_insensitive(wanted.ignore_case)
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|error| ToolError::BadPattern {
            pattern: super::shortened(&wanted.pattern),
            why: super::shortened(error.to_string().lines().last().unwrap_or_default()),
        })?;
    let glob = wanted.glob.as_deref().map(matcher).transpose()?;
    let mut page = Page::after(wanted.skip);
    let has_it = |text: &str| text.lines().any(|line| expression.is_match(line));
    let names = names(ground, glob.as_ref());
    let is_whole = each_file(ground, names, is_over, has_it, |name, text| {
        for (number, line) in text.lines().enumerate() {
            if expression.is_match(line) {
                page.entry(&format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
        !page.is_full()
    });
    Ok(page.finish("matches", is_whole))
}

/// Where a name is defined and used.
pub(super) fn references(
    ground: &Ground,
    wanted: &References,
    is_over: &AtomicBool,
) -> Result<String, ToolError> {
    let glob = wanted.glob.as_deref().map(matcher).transpose()?;
    let mut page = Page::after(wanted.skip);
    let has_it = |text: &str| text.contains(&wanted.name);
    let names = names(ground, glob.as_ref()).filter(|name| Language::from_path(name).is_some());
    let is_whole = each_file(ground, names, is_over, has_it, |name, text| {
        let Some(language) = Language::from_path(name) else {
            return true;
        };
        let syntax = parse(language, text);
        for used in names_used(&syntax, text) {
            if used.name != wanted.name {
                continue;
            }
            let role = match used.role {
                NameRole::Definition(kind) => format!("definition ({})", kind.name()),
                NameRole::Call => "call".into(),
                NameRole::Type => "type".into(),
                NameRole::Import => "import".into(),
                NameRole::Member => "member".into(),
                NameRole::Other => "use".into(),
            };
            let line = text.lines().nth(used.line.index()).unwrap_or_default();
            let number = used.line.number();
            page.entry(&format!("{name}:{number}: {role}: {}", line.trim()));
        }
        !page.is_full()
    });
    Ok(page.finish("places", is_whole))
}

/// Shows the text of each file that `is_wanted` to `look`, in order, until that has enough. False when
/// files were left out.
fn each_file<'a>(
    ground: &Ground,
    names: impl Iterator<Item = &'a str>,
    is_over: &AtomicBool,
    is_wanted: impl Fn(&str) -> bool,
    mut look: impl FnMut(&str, &str) -> bool,
) -> bool {
    let shield = ground.shield();
    let mut bytes = 0_usize;
    let mut goes_on = true;
    for name in names {
        if !goes_on || is_over.load(Ordering::Relaxed) || bytes > SEARCHED_BYTES {
            return false;
        }
        if shield.kept_back(name).is_some() {
            continue;
        }
        let looked = ground.text_if(name, &is_wanted);
        bytes = bytes.saturating_add(looked.bytes);
        goes_on = looked.wanted.is_none_or(|text| look(name, &text));
    }
    true
}

/// What a file defines.
pub(super) fn outline(ground: &Ground, wanted: &OfFile) -> Result<String, ToolError> {
    let file = ground.file(&wanted.path)?;
    let syntax = syntax(&file.name, &file.text)?;
    let symbols = pleach_grammars::outline(&syntax, &file.text);
    let mut page = Page::after(0);
    for symbol in &symbols {
        let mut depth = 0;
        let mut above = symbol.parent;
        while let Some(parent) = above.and_then(|at| symbols.get(at)) {
            depth += 1;
            above = parent.parent;
        }
        let (first, _) = line_column(&file.text, symbol.range.start);
        let (last, _) = line_column(&file.text, symbol.range.end);
        let signature = symbol.signature(&file.text);
        let signature = signature.lines().next().unwrap_or(&symbol.name);
        page.entry(&format!(
            "{}{} {signature} (lines {} to {})",
            "  ".repeat(depth),
            symbol.kind.name(),
            first.number(),
            last.number()
        ));
    }
    Ok(page.finish("symbols", true))
}

/// What is reported about a file, and what its syntax tree says.
pub(super) fn diagnostics(ground: &Ground, wanted: &OfFile) -> Result<String, ToolError> {
    let file = ground.file(&wanted.path)?;
    let mut page = Page::after(0);
    for (line, source, message) in ground.reported(&file.name) {
        page.entry(&format!("line {line}: {source}: {message}"));
    }
    if let Ok(syntax) = syntax(&file.name, &file.text) {
        for problem in syntax.problems(&file.text) {
            page.entry(&format!(
                "line {}: syntax: {problem}",
                problem.line.number()
            ));
        }
    }
    Ok(page.finish("diagnostics", true))
}

fn syntax(name: &str, text: &str) -> Result<Syntax, ToolError> {
    let first_line = text.lines().next().unwrap_or_default();
    let language = Language::detect(None, name, first_line);
    let language = language.ok_or_else(|| ToolError::NoGrammar {
        path: name.to_owned(),
    })?;
    Ok(parse(language, text))
}
