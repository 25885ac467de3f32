use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::Place;

#[test]
fn standard_output_belongs_to_the_protocol() {
    let place = Place::new(&[]);
    let mut command = place.command(&["lsp", "--log-level", "trace"]);
    command.arg("--log-file").arg(place.dir.join("log"));
    // The editor is gone before it has said anything.
    let ran = place.finish(command, b"");
    assert_eq!((ran.out.as_str(), ran.code), ("", 1));
}

#[test]
fn an_unknown_log_level_is_wrong_usage() {
    let ran = Place::new(&[]).run(&["lsp", "--log-level", "loud"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("use error, warn, info, debug or trace"),
        "{}",
        ran.err
    );
}

/// What the server logs when it is told of a change in a document that is not open, which deserves a
/// warning, after it has read its settings.
fn warning(place: &Place, variable: Option<&str>) -> String {
    let mut command = place.command(&["lsp"]);
    if let Some(level) = variable {
        command.env("PLEACH_LOG", level);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut send = |message: Value| {
        let body = message.to_string();
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    };
    let mut answered = |id: u32| {
        loop {
            let mut header = String::new();
            output.read_line(&mut header).unwrap();
            let length = header
                .trim()
                .strip_prefix("Content-Length: ")
                .unwrap()
                .parse()
                .unwrap();
            output.read_line(&mut header).unwrap();
            let mut body = vec![0; length];
            output.read_exact(&mut body).unwrap();
            if serde_json::from_slice::<Value>(&body).unwrap()["id"] == id {
                return;
            }
        }
    };
    send(
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}),
    );
    answered(1);
    // Actions are listed only when the settings have been read, and each message in its turn.
    let start = json!({"line": 0, "character": 0});
    let actions = |id: u32| {
        json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/codeAction", "params": {
            "textDocument": {"uri": "file:///none.rs"},
            "range": {"start": start, "end": start},
            "context": {"diagnostics": []},
        }})
    };
    send(actions(2));
    answered(2);
    send(
        json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
            "textDocument": {"uri": "file:///changed.rs", "version": 2},
            "contentChanges": [{"text": ""}],
        }}),
    );
    send(actions(3));
    answered(3);
    send(json!({"jsonrpc": "2.0", "id": 4, "method": "shutdown"}));
    answered(4);
    send(json!({"jsonrpc": "2.0", "method": "exit"}));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_settings_say_how_much_is_logged_unless_somebody_insists() {
    let place = Place::new(&[]);
    assert!(warning(&place, None).contains("file:///changed.rs"));
    place.settings("[log]\nlevel = 'error'\n");
    assert!(!warning(&place, None).contains("file:///changed.rs"));
    assert!(warning(&place, Some("warn")).contains("file:///changed.rs"));
}
