//! The first meeting: what works without a model is said once, and a model that runs on this machine is
//! offered once. Whoever has chosen an engine, be it the built-in one, is left in peace.

use pleach_agent::{LocalServer, local_servers};
use pleach_policy::NewModel;
use pleach_store::{is_told, tell};
use serde_json::{Value, json};

use crate::event::Event;
use crate::session::messages::Severity;
use crate::session::{Awaited, Session};
use crate::user_settings;

/// What was told, as the store remembers it.
const WELCOME: &str = "welcome";
const OFFER: &str = "offer of local models";

/// Short enough for the last line of a terminal of 80 columns, where Neovim and Helix show it.
const WORKS: &str = "Pleach can document, test, fix, rename.";
const NOT_NOW: &str = "Not now";
/// Characters of a model's name that are shown. Some servers name theirs by the path of a file.
const SHOWN: usize = 40;

/// A model that can be chosen by the title of its button.
type Choice = (String, NewModel);

impl Session {
    /// Looks, when no engine is chosen, whether there is something to say or to offer.
    pub(super) fn meet(&mut self) {
        let settings = self.configuration.settings();
        let is_set_up = settings.engine_is_chosen || !settings.providers.is_empty();
        if is_set_up || !settings.actions.enabled || std::mem::replace(&mut self.met, true) {
            return;
        }
        let looks = settings.local_models;
        let state_dir = self.environment.state_dir.clone();
        let variables = self.environment.variables.clone();
        let inbox = self.inbox.clone();
        drop(tokio::spawn(async move {
            let dir = state_dir.clone();
            let told = move || (is_told(&dir, WELCOME), is_told(&dir, OFFER));
            let Ok((welcomed, offered)) = tokio::task::spawn_blocking(told).await else {
                return;
            };
            let servers = if looks && !offered {
                local_servers(&variables).await
            } else {
                Vec::new()
            };
            if welcomed && servers.is_empty() {
                return;
            }
            let offers = !servers.is_empty();
            let remember = move || {
                let welcome = (!welcomed).then_some(WELCOME);
                let offer = offers.then_some(OFFER);
                let told = welcome.into_iter().chain(offer);
                told.into_iter().try_for_each(|what| tell(&state_dir, what))
            };
            // What cannot be remembered would be said at every start.
            match tokio::task::spawn_blocking(remember).await {
                Ok(Ok(())) => inbox.put(Event::Met(servers)),
                Ok(Err(error)) => tracing::warn!(%error, "nothing is said at the first meeting"),
                Err(error) => tracing::error!(%error, "nothing is said at the first meeting"),
            }
        }));
    }

    /// Says what works, and offers what was found.
    pub(super) fn met(&mut self, servers: &[LocalServer]) {
        if servers.is_empty() {
            let text = format!("{WORKS} Add a model: `pleach model`");
            return self.show(Severity::Info, &text);
        }
        let run = match servers {
            [one] => format!("{} runs here", one.title),
            all => {
                let titles: Vec<&str> = all.iter().map(|server| server.title).collect();
                format!("{} run here", titles.join(" and "))
            }
        };
        if !self.client.asks {
            let name = servers.first().map_or("", LocalServer::name);
            let text = format!("{WORKS} {run}: `pleach model {name}`");
            return self.show(Severity::Info, &text);
        }
        let choices: Vec<Choice> = servers.iter().filter_map(choice).collect();
        let titles = choices.iter().map(|(title, _)| title.as_str());
        let actions: Vec<Value> = titles
            .chain([NOT_NOW])
            .map(|title| json!({ "title": title }))
            .collect();
        let message = format!("{WORKS} {run}. Use it for the rest?");
        let params = json!({"type": 3, "message": message, "actions": actions});
        let awaited = Awaited::LocalModel(choices);
        self.request("window/showMessageRequest", &params, awaited);
    }

    /// The person has chosen a model, or none.
    pub(super) fn local_model_chosen(&mut self, choices: Vec<Choice>, answer: Option<&Value>) {
        let Some(title) = answer.and_then(|answer| answer.get("title")?.as_str()) else {
            return;
        };
        let Some((_, model)) = choices.into_iter().find(|(choice, _)| choice == title) else {
            return;
        };
        let Some(path) = self.environment.user_settings.clone() else {
            let text = "Pleach: there is no folder for your settings; set PLEACH_CONFIG_DIR";
            return self.show(Severity::Error, text);
        };
        let work = move || {
            let added = user_settings::add_model(&path, &model);
            Event::ModelAdded(
                added
                    .map(|()| (model.model, path))
                    .map_err(|error| error.to_string()),
            )
        };
        let lost = Event::ModelAdded(Err("your settings could not be written".to_owned()));
        self.aside(work, lost);
    }

    /// The user's own settings name a model now, or why they do not.
    pub(super) fn model_added(&mut self, added: Result<(String, camino::Utf8PathBuf), String>) {
        match added {
            Ok((model, path)) => {
                self.load_settings();
                tracing::info!(model, %path, "a model was added to the user's settings");
                // One line of a terminal, where Neovim waits for a key after a longer one.
                let text = format!("Pleach: {} answers from now on", short(&model));
                self.show(Severity::Info, &text);
            }
            Err(error) => self.show(Severity::Error, &format!("Pleach: {error}")),
        }
    }
}

/// The first model of a server, and what its button says.
fn choice(server: &LocalServer) -> Option<Choice> {
    let model = server.models.first()?;
    Some((format!("Use {}", short(model)), server.model(model)))
}

/// The name of a model without the folders of its file.
fn short(model: &str) -> String {
    let name = model.rsplit(['/', '\\']).next().unwrap_or(model);
    crate::actions::shortened(name, SHOWN)
}
