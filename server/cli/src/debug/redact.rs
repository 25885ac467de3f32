//! `pleach debug redact`: what of a text leaves the machine.

use std::io::{self, BufRead as _, Write as _};

use anyhow::Context as _;
use pleach_policy::{Secrets, is_withheld};
use serde_json::{Value, json};

#[derive(clap::Args)]
#[command(after_help = "\
Reads JSON lines {\"id\": …, \"path\": \"src/a.py\", \"text\": \"…\"} from standard input (`path` may be
missing or null) and prints for each {\"id\": …, \"text\": \"…\"}: the text as a model would get it, with
PLEACH_SECRET_1, PLEACH_SECRET_2, … in the places of secrets. Within an editor's session the secrets
come back into the edit; here each line stands for itself.

A file that is never sent (.env and its kind, private keys, stores of passwords; not .env.example) has
an empty text, and `withheld` says why.

Exit code: 0 all was read, 2 a line is no such JSON (it is told, and the others are done).")]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    let mut wrong = None;
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let told = match redacted(&line) {
            Ok(told) => told,
            Err(error) => {
                let error = format!("{error:#}");
                wrong.get_or_insert(format!("line {}: {error}", number + 1));
                json!({"id": null, "error": error})
            }
        };
        writeln!(out, "{told}")?;
        out.flush()?;
    }
    match wrong {
        Some(wrong) => anyhow::bail!("{wrong}; give each line as {{\"id\", \"path\", \"text\"}}"),
        None => Ok(crate::DONE),
    }
}

fn redacted(line: &str) -> anyhow::Result<Value> {
    let line: Value = serde_json::from_str(line).context("this is no JSON")?;
    let id = line.get("id").unwrap_or(&Value::Null);
    let path = line.get("path").and_then(Value::as_str);
    let text = line.get("text").and_then(Value::as_str);
    let text = text.context("there is no `text`")?;
    if path.is_some_and(is_withheld) {
        return Ok(json!({
            "id": id,
            "text": "",
            "withheld": "files that hold keys or passwords are never sent",
        }));
    }
    Ok(json!({"id": id, "text": Secrets::default().hide(path, text)}))
}
