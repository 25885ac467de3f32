//! Panics in the whole server, where its environment can make them: each costs the one thing that met it.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use camino::Utf8PathBuf;
use pleach_lsp::{Environment, Log, LogSink};
use pleach_policy::LogSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::probe::{Session, Shared};

const TEXT: &str = "pub fn one() -> u8 {\n    1\n}\n";
/// A user who has chosen a provider, whose key nobody can look up without a panic.
const SETTINGS: &str = "engine = 'p'\n[providers.p]\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'm'\nkey_env = 'BREAKS'\n";

/// A log whose settings cannot be applied.
struct Breaks(Arc<AtomicU32>);

impl Log for Breaks {
    fn set(&self, _settings: &LogSettings) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic_any("a defect in the log");
    }

    fn show_in(&self, _editor: LogSink) {}
}

/// The whole server, with these settings of the user.
fn started(folder: &TempDir, settings: &str, log: Arc<dyn Log>) -> Session {
    let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    let user_settings = folder.join("pleach.toml");
    std::fs::write(&user_settings, settings).unwrap();
    let (server_input, input) = std::io::pipe().unwrap();
    let (output, server_output) = std::io::pipe().unwrap();
    let environment = Environment {
        variables: Arc::new(|name| match name {
            "BREAKS" => panic_any("a defect where a key is looked up"),
            _ => None,
        }),
        user_settings: Some(user_settings),
        state_dir: folder.join("state"),
        log,
        version: "0",
    };
    let code =
        std::thread::spawn(move || pleach_lsp::run(server_input, server_output, environment));
    let mut session = Session::with((input, output, code, Arc::new(Shared::default())));
    let params = json!({
        "processId": null, "rootUri": null, "capabilities": {},
        "initializationOptions": {"pleach": {"jobEvents": true}},
    });
    assert!(session.ask(0, "initialize", params)["result"].is_object());
    session.notify("initialized", json!({}));
    let document = json!({"uri": "untitled:1", "languageId": "rust", "version": 1, "text": TEXT});
    session.notify("textDocument/didOpen", json!({"textDocument": document}));
    session
}

/// The text is what it was, and the session ends by the book.
fn goes_on(mut session: Session) {
    let seen = session.ask(900, "pleach/documentText", json!({"uri": "untitled:1"}));
    assert_eq!(seen["result"]["text"], TEXT);
    assert_eq!(seen["result"]["suspect"], Value::Null);
    session.end();
}

#[test]
fn a_panic_in_a_job_is_the_end_of_that_job_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = started(&folder, SETTINGS, Arc::new(()));
    for id in 1..=3 {
        let argument = json!({"uri": "untitled:1", "line": 1, "instruction": "double it"});
        let params = json!({"command": "pleach.rewrite", "arguments": [argument]});
        let job = session.ask(id, "workspace/executeCommand", params)["result"]["job"].clone();
        assert!(job.is_u64(), "{job}");
        let end = session.find("end of the job", |message| {
            message["params"]["job"] == job && message["params"]["kind"] == "failed"
        });
        assert_eq!(end["params"]["code"], "internal", "{end}");
    }
    goes_on(session);
}

#[test]
fn a_panic_in_the_session_costs_one_event() {
    let folder = tempfile::tempdir().unwrap();
    let met = Arc::new(AtomicU32::new(0));
    let log = Arc::new(Breaks(Arc::clone(&met)));
    let mut session = started(&folder, "log.level = 'debug'\n", log);
    for id in 1..=20 {
        session.notify("workspace/didChangeWatchedFiles", json!({"changes": []}));
        let asked = json!({"uri": "untitled:1"});
        assert!(session.ask(id, "pleach/documentText", asked)["result"].is_object());
    }
    while met.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    goes_on(session);
}
