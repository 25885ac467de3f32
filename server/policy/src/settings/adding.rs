//! Adding a model to the user's own file, with everything else in it left as it is.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::{ProviderKind, Role, Severity, parse};

/// A model that is to answer from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModel {
    /// The name of its provider in the file.
    pub name: String,
    /// What its server speaks.
    pub kind: ProviderKind,
    /// Where its server is, if not where the kind says.
    pub base_url: Option<String>,
    /// The model, as its server knows it.
    pub model: String,
    /// The environment variable that holds the key, if not the one that the kind says.
    pub key_env: Option<String>,
}

/// Why a model could not be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddModelError {
    /// The file is no TOML, and what would be written into it cannot be told.
    #[error("your pleach.toml cannot be read as TOML: {0}")]
    Unreadable(String),
    /// What was asked for is no model that can be used.
    #[error("{0}")]
    Unusable(String),
}

impl AddModelError {
    /// A name for logs and for other programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "settings_unreadable",
            Self::Unusable(_) => "model_unusable",
        }
    }
}

/// The user's file with this model in it, chosen as the engine. Comments, order and every other key stay;
/// a provider of the same name and kind keeps its further keys, one of another kind gives way.
///
/// # Errors
///
/// When `text` is no TOML, or when the result would not be settings under which the model answers.
pub fn with_model(text: &str, new: &NewModel) -> Result<String, AddModelError> {
    let mut file: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| AddModelError::Unreadable(error.to_string()))?;
    set(file.as_table_mut(), "engine", &new.name);
    let providers = file.entry("providers").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let providers = providers
        .as_table_like_mut()
        .ok_or_else(|| AddModelError::Unusable("`providers` is no table there".to_owned()))?;
    let before = parse(text).settings.providers.get(&new.name).cloned();
    if before.is_none_or(|before| before.kind != new.kind) {
        providers.insert(&new.name, Item::Table(Table::new()));
    }
    let provider = providers
        .get_mut(&new.name)
        .and_then(Item::as_table_like_mut)
        .ok_or_else(|| AddModelError::Unusable(format!("`{}` is no table there", new.name)))?;
    if new.kind != ProviderKind::default() {
        set(provider, "kind", new.kind.name());
    }
    if let Some(base_url) = &new.base_url {
        set(provider, "base_url", base_url);
    }
    set(provider, "model", &new.model);
    if let Some(key_env) = &new.key_env {
        set(provider, "key_env", key_env);
    }
    let made = file.to_string();
    check(&made, new)?;
    Ok(made)
}

/// Sets a text, and leaves the blanks and comments around it.
fn set(table: &mut dyn TableLike, key: &str, text: &str) {
    let mut value = Value::from(text);
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Fails unless the file says what it is to say.
fn check(made: &str, new: &NewModel) -> Result<(), AddModelError> {
    let loaded = parse(made);
    let provider = loaded.settings.providers.get(&new.name);
    let answers = loaded.settings.model_for(Role::Coder) == Some(new.name.as_str())
        && provider.is_some_and(|it| it.kind == new.kind && it.model == new.model);
    if answers {
        return Ok(());
    }
    let why = loaded
        .problems
        .into_iter()
        .find(|problem| problem.severity == Severity::Error);
    let why = why.map_or_else(
        || "this would be no model that can answer".to_owned(),
        |problem| problem.message,
    );
    Err(AddModelError::Unusable(why))
}
