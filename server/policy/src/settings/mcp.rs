//! `[mcp]`: servers of tools that speak the Model Context Protocol.

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Reader};
use super::problem::{SettingsProblem, shown};
use super::provider::{is_readable_on_the_way, is_variable_name};
use super::secrets;
use super::tree::Entry;

/// Entries of one list.
const MOST: usize = 256;

/// A server of tools. It is a program on this machine (`command`) or answers at an address (`url`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct McpSettings {
    /// The program and its arguments. It runs as you do, outside the sandbox of commands, in the first
    /// folder of the workspace.
    pub command: Vec<String>,
    /// Names of environment variables that the program sees, beside `PATH`, `HOME` and the like: those of
    /// its keys.
    pub pass_env: Vec<String>,
    /// The address of a server that is reached over HTTP.
    pub url: Option<String>,
    /// Name of the environment variable with the key that is sent to `url`, as a bearer token.
    pub key_env: Option<String>,
    /// The tools that models are offered, by the server's names; all of them when empty.
    pub tools: Vec<String>,
    /// The tools that need no question before they are used for the first time.
    pub allow: Vec<String>,
}

impl Reader {
    pub(super) fn servers(&mut self, entry: Entry) {
        let Some(table) = self.table(entry, "mcp") else {
            return;
        };
        for server in table.entries {
            let name = server.name.clone();
            if self.layer == Layer::Workspace {
                let why = "a workspace cannot add or change a server of tools, it could run any program; \
                           move this into your own settings";
                self.widens(&server, why);
            } else if is_fit_name(&name) {
                self.server(&name, server);
            } else {
                let message = format!(
                    "{} cannot be a server's name; use up to 24 letters, digits and `-`",
                    shown(&name)
                );
                let problem = SettingsProblem::error(server.key, "bad_name", message);
                self.problems.push(problem);
            }
        }
    }

    fn server(&mut self, name: &str, entry: Entry) {
        let path = format!("mcp.{name}");
        let key = entry.key;
        let Some(table) = self.table(entry, &path) else {
            return;
        };
        let mut server = self.settings.mcp.get(name).cloned().unwrap_or_default();
        for entry in &table.entries {
            let full = format!("{path}.{}", entry.name);
            match entry.name.as_str() {
                "command" => self.list(entry, &full, &mut server.command, |word| {
                    !word.contains('\0')
                }),
                "tools" => self.list(entry, &full, &mut server.tools, |_| true),
                "allow" => self.list(entry, &full, &mut server.allow, |_| true),
                "pass_env" => self.list(entry, &full, &mut server.pass_env, is_a_name),
                "url" => server.url = self.address(entry, &full).or(server.url),
                "key_env" => match self.text(entry, &full) {
                    Some(variable) if is_a_name(&variable) => server.key_env = Some(variable),
                    Some(_) => self.no_name(entry, &full),
                    None => {}
                },
                _ => self.unknown(entry, "mcp.NAME", &path),
            }
        }
        let wrong = match (&server.url, server.command.first()) {
            (Some(_), Some(_)) => Some("has both `command` and `url`; keep one"),
            (None, None) => Some("needs a `command` or a `url`"),
            (Some(url), None) if server.key_env.is_some() && is_readable_on_the_way(url) => {
                Some("would send its key over plain HTTP, where others can read it; use `https`")
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("`{path}` cannot be used: it {wrong}");
            self.problems
                .push(SettingsProblem::error(key, "bad_server", message));
            return;
        }
        self.settings.mcp.insert(name.to_owned(), server);
    }

    fn list(&mut self, entry: &Entry, path: &str, kept: &mut Vec<String>, fits: fn(&str) -> bool) {
        let Some(items) = self.texts(entry, path) else {
            return;
        };
        if items.len() > MOST || !items.iter().all(|(item, _)| fits(item)) {
            self.no_name(entry, path);
            return;
        }
        *kept = items.into_iter().map(|(item, _)| item).collect();
    }

    fn no_name(&mut self, entry: &Entry, path: &str) {
        let what = if path.ends_with("_env") {
            "takes names of environment variables, not what is in them"
        } else {
            "has a word that cannot be used, or too many"
        };
        let message = format!("`{path}` {what}; it is ignored");
        self.problems
            .push(SettingsProblem::error(entry.range, "bad_value", message));
    }
}

fn is_a_name(variable: &str) -> bool {
    is_variable_name(variable) && !secrets::is_a_bare_key(variable)
}

/// Models call a tool by the names of its server and of itself, in 64 characters at most.
fn is_fit_name(name: &str) -> bool {
    (1..=24).contains(&name.len())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '-')
}
