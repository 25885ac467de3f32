//! Reading `[budget]` and `[ledger]`.

use url::Url;

use super::layers::{Layer, Reader};
use super::problem::SettingsProblem;
use super::provider::is_variable_name;
use super::secrets;
use super::tree::{Entry, Node};
use crate::MicroUsd;

/// The highest cap that can be set, in dollars.
const MAX_DOLLARS: f64 = 1e6;

impl Reader {
    pub(super) fn budget(&mut self, entry: &Entry) {
        let now = self.settings.budget.clone();
        let name = entry.name.as_str();
        let path = format!("budget.{name}");
        match name {
            "request_usd" => {
                self.settings.budget.request_usd = self.cap(entry, &path, now.request_usd);
            }
            "day_usd" => self.settings.budget.day_usd = self.cap(entry, &path, now.day_usd),
            "month_usd" => self.settings.budget.month_usd = self.cap(entry, &path, now.month_usd),
            "workspace_month_usd" => {
                self.settings.budget.workspace_month_usd =
                    self.cap(entry, &path, now.workspace_month_usd);
            }
            "allow_unknown_prices" => {
                self.settings.budget.allow_unknown_prices =
                    self.switch(entry, &path, now.allow_unknown_prices);
            }
            "calls_per_job" => {
                self.settings.budget.calls_per_job =
                    self.lowered(entry, &path, 1..=10_000, now.calls_per_job);
            }
            "calls_per_minute" => {
                self.settings.budget.calls_per_minute =
                    self.lowered(entry, &path, 1..=100_000, now.calls_per_minute);
            }
            "price_file" => self.price_file(entry),
            _ => self.unknown(entry, "budget", "budget"),
        }
    }

    pub(super) fn ledger(&mut self, entry: &Entry) {
        let path = format!("ledger.{}", entry.name);
        if !matches!(entry.name.as_str(), "url" | "password_env" | "person") {
            return self.unknown(entry, "ledger", "ledger");
        }
        let Some(text) = self.text(entry, &path) else {
            return;
        };
        if self.layer == Layer::Workspace {
            return self.widens(
                entry,
                "where what you spend is written down is not for a workspace to say; set `[ledger]` in your own settings",
            );
        }
        let problem = match entry.name.as_str() {
            "url" => match checked(&text) {
                Ok(()) => {
                    self.settings.ledger.url = Some(text);
                    None
                }
                Err(problem) => Some(problem),
            },
            "password_env" => {
                if is_variable_name(&text) && !secrets::is_a_bare_key(&text) {
                    self.settings.ledger.password_env = Some(text);
                    None
                } else {
                    Some("must be the name of an environment variable, not the password itself")
                }
            }
            _ => {
                self.settings.ledger.person = Some(text);
                None
            }
        };
        if let Some(problem) = problem {
            let message = format!("`{path}` {problem}; it is ignored");
            self.problems
                .push(SettingsProblem::error(entry.range, "bad_ledger", message));
        }
    }

    /// A cap in dollars. In a workspace not above what it is; where none is set, any is lower.
    fn cap(&mut self, entry: &Entry, path: &str, now: Option<MicroUsd>) -> Option<MicroUsd> {
        let Node::Number(dollars) = entry.value else {
            self.wrong_type(entry, path, "a number of US dollars");
            return now;
        };
        let stays = now.map_or_else(
            || "no cap is set".to_owned(),
            |now| format!("{now} stays in force"),
        );
        let wanted = (0.0..=MAX_DOLLARS)
            .contains(&dollars)
            .then(|| MicroUsd::of_dollars(dollars))
            .flatten();
        let Some(wanted) = wanted else {
            let message = format!("`{path}` must be US dollars, from 0 to {MAX_DOLLARS}; {stays}");
            self.problems
                .push(SettingsProblem::error(entry.range, "out_of_range", message));
            return now;
        };
        if self.layer == Layer::Workspace && now.is_some_and(|now| wanted > now) {
            self.widens(
                entry,
                &format!("a workspace can only lower `{path}`; {stays}"),
            );
            return now;
        }
        Some(wanted)
    }

    fn price_file(&mut self, entry: &Entry) {
        let Some(path) = self.text(entry, "budget.price_file") else {
            return;
        };
        if self.layer == Layer::Workspace {
            return self.widens(
                entry,
                "what models cost is not for a workspace to say; set `budget.price_file` in your own settings",
            );
        }
        self.settings.budget.price_file = Some(path);
    }
}

/// Whether it is the address of a database, without a password.
fn checked(address: &str) -> Result<(), &'static str> {
    const SHAPE: &str = "must look like `postgres://user@host/database`";
    let url = Url::parse(address).map_err(|_| SHAPE)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(SHAPE);
    }
    let in_query = url.query_pairs().any(|(name, _)| name == "password");
    if url.password().is_some() || in_query {
        return Err("must have no password: name a variable that holds it as `password_env`");
    }
    Ok(())
}
