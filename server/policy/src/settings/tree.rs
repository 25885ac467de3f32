//! One shape for what was read, whether it was written in TOML or in JSON.

use pleach_text::ByteRange;
use toml::de::{DeTable, DeValue};

/// Keys and values, with their places in the file; empty places where there is no file.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: String,
    /// The place of the key.
    pub key: ByteRange,
    pub value: Node,
    /// The place of the value.
    pub range: ByteRange,
}

/// A value.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    /// A number, whole or not.
    Number(f64),
    Switch(bool),
    List(Vec<(Node, ByteRange)>),
    Table(Table),
    /// Something that no setting takes: a date, a null.
    Other(&'static str),
}

impl Node {
    /// What it is, in the words of a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    fn of_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) => {
                // An integer too large for 64 bits is out of every setting's range, as is its
                // nearest float.
                i64::from_str_radix(number.as_str(), number.radix())
                    .map_or(Self::Number(f64::INFINITY), Self::of_integer)
            }
            DeValue::Float(number) => Self::Number(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(switch) => Self::Switch(*switch),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| (Self::of_toml(item.get_ref()), item.span().into()))
                    .collect(),
            ),
            DeValue::Table(table) => Self::Table(Table::of_toml(table)),
        }
    }

    fn of_json(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Other("null"),
            serde_json::Value::Bool(switch) => Self::Switch(*switch),
            serde_json::Value::Number(number) => {
                Self::Number(number.as_f64().unwrap_or(f64::INFINITY))
            }
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| (Self::of_json(item), ByteRange::default()))
                    .collect(),
            ),
            serde_json::Value::Object(_) => Self::Table(Table::of_json(value)),
        }
    }

    /// Every setting that takes a whole number is far below the 2^53 that a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    fn of_integer(number: i64) -> Self {
        Self::Number(number as f64)
    }
}

impl Table {
    pub(super) fn of_toml(table: &DeTable<'_>) -> Self {
        let entries = table
            .iter()
            .map(|(key, value)| Entry {
                name: key.get_ref().to_string(),
                key: key.span().into(),
                value: Node::of_toml(value.get_ref()),
                range: value.span().into(),
            })
            .collect();
        let mut table = Self { entries };
        table.entries.sort_by_key(|entry| entry.key);
        table
    }

    /// Takes out what nobody wrote: after an error the parser goes on with an empty key or value.
    pub(super) fn drop_made_up(&mut self, errors: &[ByteRange]) {
        self.entries.retain_mut(|entry| {
            if let Node::Table(inner) = &mut entry.value {
                inner.drop_made_up(errors);
            }
            let at_error = |place: ByteRange| errors.iter().any(|error| error.touches(place));
            let no_key = entry.name.is_empty() && at_error(entry.key);
            let no_value = entry.range.is_empty() && at_error(entry.range);
            !no_key && !no_value
        });
    }

    /// What is null counts as left out.
    pub(super) fn of_json(value: &serde_json::Value) -> Self {
        let entries = value.as_object().into_iter().flatten();
        let entries = entries
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| Entry {
                name: name.clone(),
                key: ByteRange::default(),
                value: Node::of_json(value),
                range: ByteRange::default(),
            })
            .collect();
        Self { entries }
    }
}
