//! What a person does with actions, and what the server tells of its jobs.

use serde_json::{Value, json};

use super::Client;

/// Actions and jobs.
impl Client {
    /// The code actions of a range.
    pub fn actions(&mut self, path: &str, range: &Value) -> Vec<Value> {
        self.actions_in(path, range, json!({"diagnostics": [], "triggerKind": 1}))
    }

    /// The code actions of a range in a context.
    pub fn actions_in(&mut self, path: &str, range: &Value, context: Value) -> Vec<Value> {
        let uri = self.uri(path);
        let params = json!({"textDocument": {"uri": uri}, "range": range, "context": context});
        match self
            .request("textDocument/codeAction", params)
            .expect("actions are listed")
        {
            Value::Array(actions) => actions,
            Value::Null => Vec::new(),
            other => panic!("not a list: {other}"),
        }
    }

    /// The action of a range that executes `command`, if it is offered.
    pub fn offered(&mut self, path: &str, range: &Value, command: &str) -> Option<Value> {
        let mut actions = self.actions(path, range).into_iter();
        actions.find(|action| action["command"]["command"] == command)
    }

    /// Picks the action of a range that executes `command`.
    pub fn choose(&mut self, path: &str, range: &Value, command: &str) -> Value {
        let action = self.offered(path, range, command);
        let action = action.unwrap_or_else(|| panic!("{command} is not offered at {range}"));
        self.pick(&action).expect("the command is taken")
    }

    /// Picks the action of a range that executes `command`, and returns the number of its job.
    pub fn choose_job(&mut self, path: &str, range: &Value, command: &str) -> u64 {
        let answer = self.choose(path, range, command);
        answer["job"]
            .as_u64()
            .unwrap_or_else(|| panic!("no job in {answer}"))
    }

    /// Picks an action as a person does who has the list before them: its command is executed.
    pub fn pick(&mut self, action: &Value) -> Result<Value, Value> {
        // A command, or an action that holds one.
        let command = action
            .get("command")
            .filter(|it| it.is_object())
            .unwrap_or(action);
        let params = json!({"command": command["command"], "arguments": command["arguments"]});
        self.request("workspace/executeCommand", params)
    }

    /// Executes a command with one argument.
    pub fn execute(&mut self, command: &str, argument: Value) -> Result<Value, Value> {
        let params = json!({"command": command, "arguments": [argument]});
        self.request("workspace/executeCommand", params)
    }

    /// Executes a command that starts a job, and returns the job's number.
    pub fn start_job(&mut self, command: &str, argument: Value) -> u64 {
        let answer = self
            .execute(command, argument)
            .expect("the command is taken");
        answer["job"]
            .as_u64()
            .unwrap_or_else(|| panic!("no job in {answer}"))
    }

    /// Waits for the end of a job, and returns its last event.
    pub fn job_end(&mut self, job: u64) -> Value {
        self.notification_where("pleach/job", |event| {
            event["job"] == job && matches!(event["kind"].as_str(), Some("finished" | "failed"))
        })
    }

    /// Every event of a job until now, in order.
    pub fn job_events(&self, job: u64) -> Vec<&Value> {
        let mut events = self.said("pleach/job");
        events.retain(|event| event["job"] == job);
        events
    }

    /// What the progress display of a job has shown until now.
    pub fn progress(&self, job: u64) -> Vec<&Value> {
        let token = format!("pleach/job/{job}");
        let mut shown = self.said("$/progress");
        shown.retain(|params| params["token"] == token.as_str());
        shown.into_iter().map(|params| &params["value"]).collect()
    }

    /// Waits for the end of a job's progress display.
    pub fn progress_end(&mut self, job: u64) -> Value {
        let token = format!("pleach/job/{job}");
        let end = self.notification_where("$/progress", |params| {
            params["token"] == token.as_str() && params["value"]["kind"] == "end"
        });
        end["value"].clone()
    }
}
