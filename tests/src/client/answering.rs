//! How the client answers requests of the server, and takes edits.

use serde_json::{Value, json};

use super::editor::Application;
use super::{Client, EditPolicy};

impl Client {
    /// Answers a request of the server.
    pub(super) fn serve(&mut self, method: &str, message: Value) {
        // Who has said good-bye answers nothing more.
        if self.ended || self.ignored.contains(&method) {
            return;
        }
        let id = &message["id"];
        if self.refused.contains(&method) {
            let error = json!({"code": -32603, "message": "not now"});
            let answer = json!({"jsonrpc": "2.0", "id": id, "error": error});
            return self.send(answer);
        }
        let answer = match method {
            "workspace/applyEdit" => match self.policy {
                EditPolicy::Editor => {
                    let id = id.clone();
                    return self.apply(&id, &message["params"]);
                }
                EditPolicy::Refuse => Some(json!({"applied": false})),
                EditPolicy::Lie => Some(json!({"applied": true})),
                EditPolicy::Hold => return self.held.push_back(message),
            },
            "window/showMessageRequest" if self.personality.asks_questions() => {
                Some(self.replies.pop_front().unwrap_or_default())
            }
            "window/showDocument" => Some(json!({"success": true})),
            "workspace/workspaceFolders" => Some(self.initialize["workspaceFolders"].clone()),
            "workspace/configuration" => {
                let items = message["params"]["items"].as_array().map_or(0, Vec::len);
                Some(json!(vec![Value::Null; items]))
            }
            _ => self.personality.plain_answer(method),
        };
        let id = id.clone();
        if let Some(answer) = answer {
            self.respond(&id, answer);
        } else {
            let error = json!({"code": -32601, "message": format!("unknown method {method}")});
            self.send(json!({"jsonrpc": "2.0", "id": id, "error": error}));
            self.unknown.push(message);
        }
    }

    /// Answers a request of the server with a result.
    pub fn respond(&mut self, id: &Value, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    /// Applies an edit as the editor does, answers, and reports the new text.
    pub fn apply(&mut self, id: &Value, params: &Value) {
        let application = Application {
            personality: self.personality,
            documents: &mut self.documents,
            unit: self.unit,
        };
        let applied = application.apply(params);
        if self.personality.answers_before_it_reports() {
            self.respond(id, applied.answer.clone());
        }
        for (method, params) in applied.reports {
            self.notify(method, params);
        }
        if !self.personality.answers_before_it_reports() {
            self.respond(id, applied.answer);
        }
    }

    /// What is to be done with edits from now on.
    pub fn on_edits(&mut self, policy: EditPolicy) {
        self.policy = policy;
    }

    /// Waits for a request that [`EditPolicy::Hold`] keeps, and returns its id and parameters.
    pub fn held(&mut self) -> (Value, Value) {
        loop {
            if let Some(mut message) = self.held.pop_front() {
                return (message["id"].take(), message["params"].take());
            }
            self.must_pump("workspace/applyEdit");
        }
    }

    /// Never answers this method of the server's.
    pub fn ignore(&mut self, method: &'static str) {
        self.ignored.push(method);
    }

    /// Answers this method of the server's with an error.
    pub fn refuse(&mut self, method: &'static str) {
        self.refused.push(method);
    }

    /// The answer to the next message with buttons. Without one the message is dismissed.
    pub fn will_choose(&mut self, title: &str) {
        self.replies.push_back(json!({ "title": title }));
    }

    /// The error that was sent without an id, because the message it answers could not be read.
    pub fn error_without_id(&mut self) -> Value {
        self.answer(0).expect_err("an error has an error")
    }
}
