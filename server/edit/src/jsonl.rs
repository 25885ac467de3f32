//! The engine over lines of JSON, for `pleach apply --jsonl`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{EditRequest, Format, Refusal, RefusalCode, propose};

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    files: BTreeMap<String, String>,
    edit: Value,
    #[serde(default)]
    format: Option<String>,
}

/// Answers one line: `{"id", "files": {path: text}, "edit": text, "format": name or null}` in,
/// `{"id", "status": "applied", "files": {path: text or null}, "rungs"}` or `{"id", "status":
/// "rejected", "code", "message", "hunks"}` out, without a newline. Never panics and keeps nothing.
///
/// ```
/// let line = r#"{"id":1,"files":{"a.py":"x = 1\n"},"edit":"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"}"#;
/// let answer = pleach_edit::answer_line(line);
/// assert_eq!(answer, r#"{"files":{"a.py":"x = 2\n"},"id":1,"rungs":["exact"],"status":"applied"}"#);
/// ```
pub fn answer_line(line: &str) -> String {
    let line: Line = match serde_json::from_str(line) {
        Ok(line) => line,
        Err(problem) => {
            let id = serde_json::from_str::<Value>(line)
                .ok()
                .and_then(|value| value.get("id").cloned());
            return rejected(
                &id.unwrap_or(Value::Null),
                &Refusal::whole(
                    RefusalCode::BadFormat,
                    format!("The line is not a request: {problem}."),
                ),
            );
        }
    };
    // A tool argument may be given as it is instead of as text.
    let reply = match line.edit {
        Value::String(text) => text,
        value => value.to_string(),
    };
    let format = match line.format.as_deref().map(Format::from_name) {
        Some(None) => {
            let name = line.format.unwrap_or_default();
            let refusal = Refusal::whole(
                RefusalCode::BadFormat,
                format!("There is no format `{name}`."),
            );
            return rejected(&line.id, &refusal);
        }
        Some(format) => format,
        None => None,
    };
    let request = EditRequest {
        format,
        ..EditRequest::new(&reply, &line.files)
    };
    match propose(&request) {
        Ok(proposal) => {
            let files: Map<String, Value> = proposal
                .texts_after()
                .into_iter()
                .map(|(path, text)| (path, text.map_or(Value::Null, Value::String)))
                .collect();
            let rungs: Vec<&str> = proposal
                .hunks()
                .iter()
                .map(|hunk| hunk.rung.name())
                .collect();
            json!({ "id": line.id, "status": "applied", "files": files, "rungs": rungs })
                .to_string()
        }
        Err(refusal) => rejected(&line.id, &refusal),
    }
}

fn rejected(id: &Value, refusal: &Refusal) -> String {
    json!({
        "id": id,
        "status": "rejected",
        "code": refusal.code.code(),
        "message": refusal.message,
        "hunks": refusal.hunks,
        "passing": refusal.passing,
    })
    .to_string()
}
