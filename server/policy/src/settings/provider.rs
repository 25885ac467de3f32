//! The providers in a settings file.

use std::collections::BTreeMap;
use std::path::Path;

use url::Url;

use super::layers::{Layer, MAX_OUTPUT_TOKENS, Reader};
use super::problem::{SettingsProblem, shown};
use super::secrets;
use super::tree::{Entry, Node, Table};
use super::{BUILTIN_ENGINE, Effort, KeySource, ProviderKind, ProviderSettings, max_streams};

/// Headers that are made for every request anyway, and would break it if they were set here.
const OWN_HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
];

/// A provider that is being read; complete when it has an address and a model.
struct Draft {
    kind: ProviderKind,
    base_url: Option<String>,
    model: Option<String>,
    key: KeySource,
    temperature: Option<f32>,
    max_output_tokens: Option<u32>,
    headers: BTreeMap<String, String>,
    proxy: Option<String>,
    ca_file: Option<String>,
    effort: Option<Effort>,
    record: Option<String>,
    max_streams: u32,
    requests_per_minute: Option<u32>,
    tools: Option<bool>,
}

impl Draft {
    fn of(known: Option<&ProviderSettings>) -> Self {
        match known {
            None => Self {
                kind: ProviderKind::default(),
                base_url: None,
                model: None,
                key: KeySource::None,
                temperature: None,
                max_output_tokens: None,
                headers: BTreeMap::new(),
                proxy: None,
                ca_file: None,
                effort: None,
                record: None,
                max_streams: max_streams(),
                requests_per_minute: None,
                tools: None,
            },
            Some(known) => Self {
                kind: known.kind,
                base_url: Some(known.base_url.clone()),
                model: Some(known.model.clone()),
                key: known.key.clone(),
                temperature: known.temperature,
                max_output_tokens: known.max_output_tokens,
                headers: known.headers.clone(),
                proxy: known.proxy.clone(),
                ca_file: known.ca_file.clone(),
                effort: known.effort,
                record: known.record.clone(),
                max_streams: known.max_streams,
                requests_per_minute: known.requests_per_minute,
                tools: known.tools,
            },
        }
    }
}

impl Draft {
    /// Whether requests take the way that the key was given for: to the same host, past the same eyes.
    fn has_the_way_of(&self, known: &ProviderSettings) -> bool {
        is_same_host(
            &known.base_url,
            self.base_url.as_deref().unwrap_or_default(),
        ) && self.proxy == known.proxy
            && self.ca_file == known.ca_file
    }

    /// What its kind goes without saying: its address, and there the customary variable of the key.
    fn complete(&mut self) {
        let Some(own) = self.kind.default_base_url() else {
            return;
        };
        let base_url = self.base_url.get_or_insert_with(|| own.to_owned());
        if self.key == KeySource::None
            && is_same_host(base_url, own)
            && let Some(variable) = self.kind.default_key_variable()
        {
            self.key = KeySource::Variable(variable.to_owned());
        }
    }
}

impl Reader {
    pub(super) fn providers(&mut self, entry: Entry) {
        let key = entry.key;
        let Some(table) = self.table(entry, "providers") else {
            return;
        };
        if self.layer == Layer::Workspace {
            for provider in table.entries {
                self.widens(
                    &provider,
                    "a workspace cannot set up or change a provider, it could send your key \
                     elsewhere; move this into your own settings",
                );
            }
            return;
        }
        for provider in table.entries {
            let name = provider.name.clone();
            if !is_fit_name(&name) {
                let message = if name == BUILTIN_ENGINE {
                    "`builtin` is the built-in syntax engine; give this provider another name"
                        .into()
                } else {
                    format!(
                        "{} cannot be a provider's name; use up to 64 letters, digits, `-`, `_`, `.`",
                        shown(&name)
                    )
                };
                let range = if provider.key.is_empty() {
                    key
                } else {
                    provider.key
                };
                self.problems
                    .push(SettingsProblem::error(range, "bad_name", message));
                continue;
            }
            self.provider(&name, provider);
        }
    }

    fn provider(&mut self, name: &str, entry: Entry) {
        let path = format!("providers.{name}");
        let key = entry.key;
        let Some(table) = self.table(entry, &path) else {
            return;
        };
        let known = self.settings.providers.get(name).cloned();
        let mut draft = Draft::of(known.as_ref());
        let mut key_given = false;
        for entry in &table.entries {
            let full = format!("{path}.{}", entry.name);
            match entry.name.as_str() {
                "kind" => self.kind(entry, &full, &mut draft),
                "base_url" => draft.base_url = self.address(entry, &full).or(draft.base_url),
                "model" => draft.model = self.model(entry, &full).or(draft.model),
                "key_env" | "key_command" if key_given => {
                    let message = format!(
                        "`{path}` names two sources for its key, so this one is ignored; keep one"
                    );
                    self.problems
                        .push(SettingsProblem::error(entry.key, "two_keys", message));
                }
                "key_env" | "key_command" => {
                    if let Some(source) = self.key_source(entry, &full) {
                        draft.key = source;
                        key_given = true;
                    }
                }
                "temperature" => {
                    draft.temperature = self.temperature(entry, &full).or(draft.temperature);
                }
                "max_output_tokens" => {
                    let range = 1..=MAX_OUTPUT_TOKENS;
                    draft.max_output_tokens = self
                        .whole(entry, &full, range, "it is ignored")
                        .or(draft.max_output_tokens);
                }
                "headers" => self.headers(entry, &full, &mut draft.headers),
                "proxy" => draft.proxy = self.address(entry, &full).or(draft.proxy),
                "ca_file" => draft.ca_file = self.whole_path(entry, &full).or(draft.ca_file),
                "effort" => self.effort(entry, &full, &mut draft),
                "record" => draft.record = self.whole_path(entry, &full).or(draft.record),
                "max_streams" | "requests_per_minute" => self.pace(entry, &full, &mut draft),
                "tools" => {
                    if let Node::Switch(wanted) = entry.value {
                        draft.tools = Some(wanted);
                    } else {
                        self.wrong_type(entry, &full, "true or false");
                    }
                }
                _ => self.unknown(entry, "providers.NAME", &path),
            }
        }
        match &known {
            Some(known) if !draft.has_the_way_of(known) => {
                self.leave_credentials(known, key_given, &table, &path, &mut draft);
            }
            _ => draft.complete(),
        }
        let missing = match (&draft.base_url, &draft.model) {
            (None, None) => "base_url` and `model",
            (None, Some(_)) => "base_url",
            (Some(_), None) => "model",
            (Some(base_url), Some(_)) => {
                if draft.key != KeySource::None && is_readable_on_the_way(base_url) {
                    let message = format!(
                        "`{path}` sends its key over plain HTTP, where others can read it; use `https`"
                    );
                    self.problems
                        .push(SettingsProblem::warning(key, "plain_http", message));
                }
                ""
            }
        };
        let (Some(base_url), Some(model)) = (draft.base_url, draft.model) else {
            let message = format!("`{path}` cannot be used: it lacks a usable `{missing}`");
            self.problems
                .push(SettingsProblem::error(key, "missing_key", message));
            return;
        };
        let provider = ProviderSettings {
            kind: draft.kind,
            base_url,
            model,
            key: draft.key,
            temperature: draft.temperature,
            max_output_tokens: draft.max_output_tokens,
            headers: draft.headers,
            proxy: draft.proxy,
            ca_file: draft.ca_file,
            effort: draft.effort,
            record: draft.record,
            max_streams: draft.max_streams,
            requests_per_minute: draft.requests_per_minute,
            tools: draft.tools,
        };
        self.settings.providers.insert(name.to_owned(), provider);
    }

    /// A key goes to the host that it was given for, and to no other.
    fn leave_credentials(
        &mut self,
        known: &ProviderSettings,
        key_given: bool,
        table: &Table,
        path: &str,
        draft: &mut Draft,
    ) {
        // Only what this layer says itself goes to the new host.
        let mut own = BTreeMap::new();
        let given = table.entries.iter().find(|entry| entry.name == "headers");
        if let Some(Entry {
            value: Node::Table(headers),
            ..
        }) = given
        {
            for header in &headers.entries {
                if let Some(value) = draft.headers.get(&header.name) {
                    own.insert(header.name.clone(), value.clone());
                }
            }
        }
        draft.headers = own;
        if key_given || known.key == KeySource::None {
            return;
        }
        draft.key = KeySource::None;
        let of_the_way = ["base_url", "proxy", "ca_file"];
        let place = of_the_way
            .iter()
            .find_map(|name| table.entries.iter().find(|entry| entry.name == *name));
        let what = match place {
            Some(entry) if entry.name != "base_url" => "another way to its host",
            _ => "another host",
        };
        let name = place.map_or("base_url", |entry| &entry.name);
        let message = format!(
            "`{path}.{name}` names {what} than your settings file does, so the key from there \
             is not sent; give `key_env` or `key_command` here as well"
        );
        let range = place.map(|entry| entry.key).unwrap_or_default();
        self.problems
            .push(SettingsProblem::warning(range, "key_stays", message));
    }

    fn pace(&mut self, entry: &Entry, path: &str, draft: &mut Draft) {
        let most = if entry.name == "max_streams" {
            256
        } else {
            100_000
        };
        let number = self.whole(entry, path, 1..=most, "it is ignored");
        if entry.name == "max_streams" {
            draft.max_streams = number.unwrap_or(draft.max_streams);
        } else {
            draft.requests_per_minute = number.or(draft.requests_per_minute);
        }
    }

    fn effort(&mut self, entry: &Entry, path: &str, draft: &mut Draft) {
        let Some(name) = self.text(entry, path) else {
            return;
        };
        match Effort::ALL.into_iter().find(|effort| effort.name() == name) {
            Some(effort) => draft.effort = Some(effort),
            None => self.not_one_of(entry, path, &name, &Effort::ALL.map(Effort::name)),
        }
    }

    fn kind(&mut self, entry: &Entry, path: &str, draft: &mut Draft) {
        let Some(name) = self.text(entry, path) else {
            return;
        };
        match ProviderKind::ALL.iter().find(|kind| kind.name() == name) {
            Some(kind) => draft.kind = *kind,
            None => self.not_one_of(
                entry,
                path,
                &name,
                &ProviderKind::ALL.map(ProviderKind::name),
            ),
        }
    }

    pub(super) fn address(&mut self, entry: &Entry, path: &str) -> Option<String> {
        let text = self.text(entry, path)?;
        let wrong = match Url::parse(text.trim()) {
            Err(cause) if entry.name == "proxy" => {
                format!("is no address ({cause}); write it like `http://host:3128`")
            }
            Err(cause) => format!("is no address ({cause}); write it like `https://host/v1`"),
            Ok(url) => {
                let has_user = !url.username().is_empty() || url.password().is_some();
                if !matches!(url.scheme(), "http" | "https") {
                    "must begin with `https://` or `http://`".to_owned()
                } else if has_user && entry.name == "proxy" {
                    "must not contain a user's name or password; set `HTTPS_PROXY` where your editor \
                     is started"
                        .to_owned()
                } else if has_user {
                    "must not contain a user's name or password; use `key_env`".to_owned()
                } else if url.query().is_some() || url.fragment().is_some() {
                    "must end before `?` and `#`; a key belongs into `key_env`".to_owned()
                } else {
                    return Some(url.as_str().trim_end_matches('/').to_owned());
                }
            }
        };
        let message = format!("`{path}` {wrong}; it is ignored");
        self.problems
            .push(SettingsProblem::error(entry.range, "bad_address", message));
        None
    }

    fn whole_path(&mut self, entry: &Entry, path: &str) -> Option<String> {
        let text = self.text(entry, path)?;
        if Path::new(&text).is_absolute() {
            return Some(text);
        }
        let message = format!("`{path}` must be a whole path, from the root on; it is ignored");
        self.problems
            .push(SettingsProblem::error(entry.range, "bad_value", message));
        None
    }

    fn model(&mut self, entry: &Entry, path: &str) -> Option<String> {
        let text = self.text(entry, path)?;
        if text.trim().is_empty() {
            let message = format!("`{path}` must name a model; it is ignored");
            self.problems
                .push(SettingsProblem::error(entry.range, "bad_value", message));
            return None;
        }
        Some(text)
    }

    fn key_source(&mut self, entry: &Entry, path: &str) -> Option<KeySource> {
        if entry.name == "key_env" {
            let name = self.text(entry, path)?;
            if secrets::is_a_bare_key(&name) {
                let message = format!(
                    "`{path}` takes the name of an environment variable, not the key itself, so this was \
                     not read; name the variable (if others can see this file, replace the key)"
                );
                self.problems
                    .push(SettingsProblem::error(entry.key, "literal_key", message));
                return None;
            }
            if !is_variable_name(&name) {
                let message = format!(
                    "`{path}` must be the name of an environment variable, such as `OPENAI_API_KEY`; it \
                     is ignored"
                );
                self.problems
                    .push(SettingsProblem::error(entry.range, "bad_value", message));
                return None;
            }
            return Some(KeySource::Variable(name));
        }
        let argv: Vec<String> = self
            .texts(entry, path)?
            .into_iter()
            .map(|text| text.0)
            .collect();
        let usable = argv
            .first()
            .is_some_and(|program| !program.trim().is_empty())
            && !argv.iter().any(|word| word.contains('\0'));
        if !usable {
            let message = format!(
                "`{path}` must be a program and its arguments, such as `[\"pass\", \"show\", \"openai\"]`; \
                 it is ignored"
            );
            self.problems
                .push(SettingsProblem::error(entry.range, "bad_value", message));
            return None;
        }
        Some(KeySource::Command(argv))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "between 0 and 2, and no digit matters"
    )]
    fn temperature(&mut self, entry: &Entry, path: &str) -> Option<f32> {
        let Node::Number(number) = entry.value else {
            self.wrong_type(entry, path, "a number");
            return None;
        };
        if (0.0..=2.0).contains(&number) {
            return Some(number as f32);
        }
        let message = format!("`{path}` must be a number from 0 to 2; it is ignored");
        self.problems
            .push(SettingsProblem::error(entry.range, "out_of_range", message));
        None
    }

    fn headers(&mut self, entry: &Entry, path: &str, headers: &mut BTreeMap<String, String>) {
        let Node::Table(table) = &entry.value else {
            return self.wrong_type(entry, path, "a table of texts");
        };
        for header in &table.entries {
            let full = format!("{path}.{}", header.name);
            let lower = header.name.to_lowercase();
            let wrong = if !is_header_name(&header.name) {
                "is no name of an HTTP header"
            } else if OWN_HEADERS.contains(&lower.as_str()) {
                "is set by Pleach itself"
            } else {
                match &header.value {
                    Node::Text(value) if is_header_value(value) => {
                        headers.insert(header.name.clone(), value.clone());
                        continue;
                    }
                    Node::Text(_) => "must be one line of plain characters",
                    _ => "must be a text",
                }
            };
            let message = format!("{} {wrong}; it is ignored", shown(&full));
            self.problems
                .push(SettingsProblem::error(header.key, "bad_header", message));
        }
    }
}

fn is_fit_name(name: &str) -> bool {
    name != BUILTIN_ENGINE
        && (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
        && !secrets::look_like_one(name)
}

pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// RFC 9110, section 5.6.2: a token.
fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char))
}

/// RFC 9110, section 5.5: visible characters, spaces and tabs.
fn is_header_value(value: &str) -> bool {
    value
        .chars()
        .all(|char| char == '\t' || (' '..='~').contains(&char))
}

/// Whether both addresses lead to the same server: scheme, host and port.
fn is_same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Whether what is sent there can be read on the way: plain HTTP to another machine.
pub(super) fn is_readable_on_the_way(base_url: &str) -> bool {
    let Ok(url) = Url::parse(base_url) else {
        return false;
    };
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !here
}
