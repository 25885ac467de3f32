//! `pleach.templates` and `pleach.new`: new files from templates.

use std::collections::BTreeMap;
use std::str::FromStr;

use pleach_agent::{Action, JobOutcome, Templates};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Error;

use crate::event::Reply;
use crate::session::Session;
use crate::session::commands::{CommandFailure, NEW};

/// What makes files from a template, as people are told.
pub(super) const TEMPLATE_ENGINE: &str = "template, no AI model";

/// What `pleach.new` is given.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NewArguments {
    /// The template's name.
    template: String,
    /// The folder that the files are made in, relative to the workspace.
    dir: String,
    variables: BTreeMap<String, String>,
}

impl NewArguments {
    fn read(given: Vec<Value>) -> Result<Self, String> {
        let words: Vec<&str> = given.iter().filter_map(Value::as_str).collect();
        if words.is_empty() || words.len() != given.len() {
            return match given.into_iter().next() {
                None | Some(Value::Null) => Ok(Self::default()),
                Some(object) => serde_json::from_value(object).map_err(|it| it.to_string()),
            };
        }
        // Helix hands over the words of a command line one by one.
        let line = words.join(" ");
        if let Ok(object @ Value::Object(_)) = Value::from_str(&line) {
            return serde_json::from_value(object).map_err(|error| error.to_string());
        }
        let mut read = Self::default();
        for word in line.split_whitespace() {
            match word.split_once('=') {
                Some(("dir", folder)) => folder.clone_into(&mut read.dir),
                Some((name, value)) => {
                    read.variables.insert(name.to_owned(), value.to_owned());
                }
                None if read.template.is_empty() => word.clone_into(&mut read.template),
                None => return Err(format!("`{word}` is neither a template nor name=value")),
            }
        }
        Ok(read)
    }
}

impl Session {
    /// `pleach.templates`: what there is, and what each asks for.
    pub(super) fn list_templates(&self, reply: Reply<Value>) {
        let (own, workspace) = (self.own_folder(), self.snapshot());
        let list = move || {
            let templates = Templates::read(own.as_deref(), &workspace);
            let each = templates.all().iter().map(|it| {
                let variables = it.variables.iter().map(|it| {
                    json!({
                        "name": it.name, "ask": it.ask, "default": it.default, "choices": it.choices,
                    })
                });
                json!({
                    "name": it.name, "description": it.description, "owner": it.owner.name(),
                    "variables": variables.collect::<Vec<_>>(),
                })
            });
            json!({ "templates": each.collect::<Vec<_>>() })
        };
        drop(self.tasks.spawn(async move {
            let listed = tokio::task::spawn_blocking(list).await;
            reply.send(listed.map_err(|_panic| Error::internal_error()));
        }));
    }

    /// `pleach.new`: a job whose proposal is new files.
    pub(super) fn new_from_template(
        &mut self,
        arguments: Vec<Value>,
    ) -> Result<Value, CommandFailure> {
        let asked = NewArguments::read(arguments).map_err(|cause| CommandFailure::Arguments {
            command: NEW.to_owned(),
            cause,
        })?;
        if !self.configuration.settings().actions.enabled {
            return Err(CommandFailure::TurnedOff);
        }
        if asked.template.is_empty() {
            return Err(CommandFailure::NoTemplate);
        }
        let title = format!("New: {}", crate::actions::shortened(&asked.template, 40));
        // As an answer that was brought: no model made it, and none can be asked again.
        let job = self.add_job(None, None, Action::Land, title, None);
        self.job_engine(job, TEMPLATE_ENGINE.to_owned());
        let (own, workspace) = (self.own_folder(), self.snapshot());
        let make = move || {
            let templates = Templates::read(own.as_deref(), &workspace);
            let NewArguments {
                template,
                dir,
                variables,
            } = asked;
            match templates.scaffold(&template, &variables, &dir, &workspace) {
                Ok(made) => JobOutcome::Proposal {
                    proposal: made.proposal,
                    summary: made.summary,
                    reply: String::new(),
                },
                Err(failure) => JobOutcome::Failed {
                    failure: failure.into(),
                    reply: None,
                },
            }
        };
        self.spawn_blocking_job(job, "making the files of a template", make);
        Ok(json!({ "job": job }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_template_and_its_variables_may_be_words() {
        let read = |given: Value| NewArguments::read(serde_json::from_value(given).unwrap());
        let wanted = NewArguments {
            template: "rust-crate".to_owned(),
            dir: "till".to_owned(),
            variables: [("name".to_owned(), "till".to_owned())].into(),
        };
        assert_eq!(
            read(json!(["rust-crate", "dir=till", "name=till"])).unwrap(),
            wanted
        );
        let object =
            json!({"template": "rust-crate", "dir": "till", "variables": {"name": "till"}});
        assert_eq!(read(json!([object])).unwrap(), wanted);
        assert_eq!(read(json!([object.to_string()])).unwrap(), wanted);
        assert!(read(json!(["a b"])).is_err());
        assert!(read(json!([{"variables": {"name": 1}}])).is_err());
    }
}
