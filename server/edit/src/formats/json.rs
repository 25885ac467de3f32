//! Tool calls as JSON: string replacement, insertion, creation, line edits; with any of the key
//! names in use.

use serde_json::{Map, Value};

use crate::hunk::{Hints, Hunk, Op, Unit};
use crate::{Format, Refusal, RefusalCode};

/// Finds where a JSON value ends, line by line.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    /// Reads a line with its ending. Gives the byte behind the value, when it ends in this line.
    pub(crate) fn line(&mut self, line: &str) -> Option<usize> {
        for (at, byte) in line.bytes().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

const PATHS: [&str; 8] = [
    "path",
    "file_path",
    "filePath",
    "filepath",
    "file",
    "filename",
    "target_file",
    "fileName",
];
const OLD: [&str; 9] = [
    "old_str",
    "old_string",
    "oldString",
    "old_text",
    "oldText",
    "oldStr",
    "search",
    "old",
    "find",
];
const NEW: [&str; 10] = [
    "new_str",
    "new_string",
    "newString",
    "new_text",
    "newText",
    "newStr",
    "replace",
    "new",
    "replacement",
    "insert_text",
];
const WHOLE: [&str; 5] = ["file_text", "content", "contents", "text", "fileText"];
const EDITS: [&str; 4] = ["edits", "changes", "replacements", "operations"];
const WRAPPERS: [&str; 8] = [
    "arguments",
    "input",
    "args",
    "parameters",
    "params",
    "function",
    "tool_input",
    "tool_calls",
];
const ALL: [&str; 4] = [
    "replace_all",
    "replaceAll",
    "allow_multiple",
    "allowMultiple",
];

/// Whether a text that is not JSON (yet) was surely meant as a tool call.
pub(crate) fn smells_like_call(text: &str) -> bool {
    let has = |names: &[&str]| {
        names.iter().any(|name| {
            text.match_indices(name).any(|(at, _)| {
                let before = text.get(..at).and_then(|head| head.chars().next_back());
                let after = text
                    .get(at + name.len()..)
                    .and_then(|tail| tail.chars().next());
                before == Some('"') && after.is_none_or(|after| after == '"')
            })
        })
    };
    let long_names = OLD
        .get(..6)
        .unwrap_or(&[])
        .iter()
        .chain(NEW.get(..6).unwrap_or(&[]));
    let long_names: Vec<&str> = long_names
        .copied()
        .chain(["start_line", "insert_line", "edits"])
        .collect();
    has(&long_names) || (has(&PATHS) && has(&["command", "content", "file_text"]))
}

/// Reads a complete JSON text. `None` when it is not a tool call that edits.
pub(crate) fn read(text: &str) -> Option<Result<Vec<Hunk>, Refusal>> {
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(problem) => match serde_json::from_str::<Value>(&mend(text)) {
            Ok(value) => value,
            Err(_) if smells_like_call(text) => {
                return Some(Err(Refusal::whole(
                    RefusalCode::BadFormat,
                    format!("The tool call is not valid JSON: {problem}."),
                )));
            }
            Err(_) => return None,
        },
    };
    let mut call = Call::default();
    call.value(&value, None, 0);
    match call.problem {
        Some(problem) => Some(Err(problem)),
        None if call.hunks.is_empty() => None,
        None => Some(Ok(call.hunks)),
    }
}

/// Puts right what models get wrong without changing what they mean: line breaks and tabs that
/// stand in strings unescaped, and commas before a closing bracket.
fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut in_string = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if in_string {
            match character {
                '\n' if !escaped => out.push_str("\\n"),
                '\r' if !escaped => out.push_str("\\r"),
                '\t' if !escaped => out.push_str("\\t"),
                _ => out.push(character),
            }
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == '"' {
                in_string = false;
            }
            continue;
        }
        in_string = character == '"';
        let rest = text.get(at + 1..).unwrap_or("");
        let dangling = character == ',' && rest.trim_start().starts_with(['}', ']']);
        if !dangling {
            out.push(character);
        }
    }
    out
}

/// How deep tool calls are looked for in other JSON.
const MAX_DEPTH: usize = 6;

#[derive(Default)]
struct Call {
    hunks: Vec<Hunk>,
    problem: Option<Refusal>,
}

fn text<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| object.get(*name)?.as_str())
}

fn number(object: &Map<String, Value>, names: &[&str]) -> Option<i64> {
    names.iter().find_map(|name| {
        let value = object.get(*name)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    })
}

fn flag(object: &Map<String, Value>, names: &[&str]) -> bool {
    names.iter().any(|name| match object.get(*name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

fn lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

impl Call {
    fn value(&mut self, value: &Value, path: Option<&str>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(values) => {
                for value in values {
                    self.value(value, path, depth + 1);
                }
            }
            Value::Object(object) => self.object(object, path, depth),
            Value::String(inner) if inner.trim_start().starts_with(['{', '[']) && depth > 0 => {
                if let Ok(value) = serde_json::from_str::<Value>(inner) {
                    self.value(&value, path, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, path: Option<&str>, depth: usize) {
        let path = text(object, &PATHS).or(path);
        if let Some(Value::Array(edits)) = EDITS.iter().find_map(|name| object.get(*name)) {
            for edit in edits {
                self.value(edit, path, depth + 1);
            }
            return;
        }
        if let Some(op) = self.op(object, path) {
            let format = match op {
                Op::Lines { .. } => Format::LineEdits,
                _ => Format::StrReplace,
            };
            let mut hunk = Hunk::new(path.map(str::to_owned), op, format);
            let line = number(object, &["line", "line_number", "lineNumber"]);
            hunk.hints = Hints {
                line: line.and_then(|line| usize::try_from(line).ok()),
                ..Hints::default()
            };
            self.hunks.push(hunk);
            return;
        }
        for name in WRAPPERS {
            if let Some(inner) = object.get(name) {
                self.value(inner, path, depth + 1);
            }
        }
    }

    fn op(&mut self, object: &Map<String, Value>, path: Option<&str>) -> Option<Op> {
        let command = text(object, &["command"]);
        if matches!(command, Some("view" | "undo_edit")) {
            return None;
        }
        let old = text(object, &OLD);
        let new = text(object, &NEW);
        if let Some(line) = number(object, &["insert_line", "insertLine"]) {
            let Some(new) = new.or_else(|| text(object, &WHOLE)) else {
                return self.missing("An insertion has no text to insert (`new_str`).");
            };
            let Ok(line) = usize::try_from(line) else {
                return self.missing("An insertion has a negative line number.");
            };
            return Some(Op::Lines {
                first: line + 1,
                last: line,
                new: lf(new),
                guard: None,
            });
        }
        if command == Some("insert") {
            return self.missing("An insertion has no line number (`insert_line`).");
        }
        if let Some(first) = number(
            object,
            &["start_line", "startLine", "line_start", "from_line"],
        ) {
            return self.lines(object, first, old, new);
        }
        match (old, new) {
            (Some(old), Some(new)) => {
                let all = flag(object, &ALL);
                Some(Op::Replace {
                    old: lf(old),
                    new: lf(new),
                    unit: Unit::Characters,
                    all,
                })
            }
            // A missing new text is what some tools take for "delete"; it may as well be cut off.
            (Some(old), None) if command == Some("str_replace") => Some(Op::Replace {
                old: lf(old),
                new: String::new(),
                unit: Unit::Characters,
                all: flag(object, &ALL),
            }),
            (Some(_), None) => self.missing("A replacement has no new text."),
            (None, Some(_)) if path.is_some() => {
                self.missing("A replacement does not say which text it replaces.")
            }
            (None, None) => {
                let text = text(object, &WHOLE)?;
                if command == Some("create") || path.is_some() {
                    return Some(Op::Write {
                        text: lf(text),
                        may_exist: true,
                    });
                }
                None
            }
            (None, Some(_)) => None,
        }
    }

    fn lines(
        &mut self,
        object: &Map<String, Value>,
        first: i64,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Option<Op> {
        let last = number(object, &["end_line", "endLine", "line_end", "to_line"]).unwrap_or(first);
        let Some(new) = new.or_else(|| text(object, &WHOLE)) else {
            return self.missing("A line edit has no new text.");
        };
        let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last)) else {
            return self.missing("A line edit has a negative line number.");
        };
        Some(Op::Lines {
            first,
            last,
            new: lf(new),
            guard: old.map(lf),
        })
    }

    fn missing(&mut self, message: &str) -> Option<Op> {
        self.problem = Some(Refusal::whole(RefusalCode::BadFormat, message));
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ops(text: &str) -> Vec<Op> {
        read(text)
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|hunk| hunk.op)
            .collect()
    }

    #[test]
    fn knows_the_key_names_in_use() {
        for call in [
            r#"{"path":"a","old_str":"x","new_str":"y"}"#,
            r#"{"file_path":"a","old_string":"x","new_string":"y"}"#,
            r#"{"filePath":"a","oldString":"x","newString":"y"}"#,
            r#"{"path":"a","edits":[{"old_text":"x","new_text":"y"}]}"#,
            r#"{"name":"edit","arguments":"{\"path\":\"a\",\"old_str\":\"x\",\"new_str\":\"y\"}"}"#,
            "{\"path\":\"a\",\"old_str\":\"x\",\"new_str\":\"y\",}",
        ] {
            let expected = Op::Replace {
                old: "x".into(),
                new: "y".into(),
                unit: Unit::Characters,
                all: false,
            };
            assert_eq!(ops(call), [expected], "{call}");
        }
        assert!(read(r#"{"command":"view","path":"a"}"#).is_none());
        assert!(read(r#"{"name":"left-pad","version":"1.0.0"}"#).is_none());
    }

    #[test]
    fn raw_line_breaks_in_strings_are_mended() {
        let call = "{\"path\":\"a\",\"old_str\":\"x\n\ty\",\"new_str\":\"z\"}";
        assert!(matches!(&ops(call)[..], [Op::Replace { old, .. }] if old == "x\n\ty"));
    }

    #[test]
    fn what_is_missing_is_said() {
        for call in [
            r#"{"command":"insert","path":"a","insert_line":1}"#,
            r#"{"path":"a","old_str" "x", "new_str":"y"}"#,
            r#"{"path":"a","start_line":1,"end_line":2}"#,
        ] {
            assert_eq!(
                read(call).unwrap().unwrap_err().code,
                RefusalCode::BadFormat,
                "{call}"
            );
        }
    }
}
