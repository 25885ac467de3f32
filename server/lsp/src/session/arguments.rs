//! The arguments of commands, as editors send them.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a command was given.
#[derive(Debug, PartialEq)]
pub(super) enum Given {
    Nothing,
    /// An object, or what should be one.
    Object(Value),
    Number(u64),
    Words(String),
    /// An object that a command line has spoilt, and what is wrong with it.
    Spoilt(String),
}

impl Given {
    pub(super) fn of(arguments: Vec<Value>) -> Self {
        // Helix hands over the words of a command line one by one.
        if !arguments.is_empty() && arguments.iter().all(Value::is_string) {
            let words: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
            let words = words.join(" ");
            // An object that was quoted once too often by a command line.
            return match serde_json::from_str(&words) {
                Ok(object @ Value::Object(_)) => Self::Object(object),
                Err(error) if words.trim_start().starts_with("{\"") => {
                    Self::Spoilt(error.to_string())
                }
                _ => Self::Words(words),
            };
        }
        match arguments.into_iter().next() {
            None | Some(Value::Null) => Self::Nothing,
            Some(value) => match value.as_u64() {
                Some(number) => Self::Number(number),
                None => Self::Object(value),
            },
        }
    }

    /// What was given, where `words` and `number` say what a bare one means.
    pub(super) fn read<T: DeserializeOwned + Default>(
        self,
        words: impl FnOnce(String) -> Result<T, String>,
        number: impl FnOnce(u64) -> Result<T, String>,
    ) -> Result<T, String> {
        match self {
            Self::Nothing => Ok(T::default()),
            Self::Object(value) => serde_json::from_value(value).map_err(|it| it.to_string()),
            Self::Number(given) => number(given),
            Self::Words(given) => words(given),
            Self::Spoilt(error) => Err(format!(
                "this begins like an object and is no JSON ({error}); quotes in it need a backslash"
            )),
        }
    }
}

/// For commands that know no bare number.
pub(super) fn no_number<T>(number: u64) -> Result<T, String> {
    Err(format!("it is not said what {number} is the number of"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_an_object_a_number_or_words() {
        let given = |value: Value| Given::of(serde_json::from_value(value).unwrap());
        assert_eq!(given(json!([])), Given::Nothing);
        assert_eq!(given(json!([null])), Given::Nothing);
        assert_eq!(given(json!([3])), Given::Number(3));
        assert_eq!(given(json!(["3"])), Given::Words("3".into()));
        assert_eq!(given(json!(["a", "b"])), Given::Words("a b".into()));
        let object = Given::Object(json!({"a": 1}));
        assert_eq!(given(json!([{"a": 1}])), object);
        assert_eq!(given(json!(["{\"a\":", "1}"])), object);
        assert_eq!(given(json!([-1])), Given::Object(json!(-1)));
        assert_eq!(given(json!(["{a}"])), Given::Words("{a}".into()));
    }

    #[test]
    fn an_object_that_a_command_line_has_spoilt_is_no_words() {
        let words = json!(["{\"question\":\"what", "is", "\"x\"?\"}"]);
        let given = Given::of(serde_json::from_value(words).unwrap());
        let read = given.read(Ok, |_| Ok(String::new()));
        assert!(read.unwrap_err().contains("no JSON"));
    }
}
