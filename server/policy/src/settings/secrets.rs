//! Keys that were written into a settings file: found, told, thrown away.

use super::problem::{SettingsProblem, shown};
use super::tree::{Node, Table};

/// How the keys of well-known services begin.
const PREFIXES: [&str; 24] = [
    "sk-",
    "sk_live",
    "sk_test",
    "pk_live",
    "rk_live",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "AIza",
    "AKIA",
    "ASIA",
    "gsk_",
    "hf_",
    "r8_",
    "pplx-",
    "xai-",
    "-----BEGIN",
];

/// Names of settings elsewhere that hold a secret, in lower case without `_` and `-`.
const NAMES: [&str; 14] = [
    "key",
    "apikey",
    "token",
    "secret",
    "password",
    "passwd",
    "bearer",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "privatekey",
    "cookie",
    "proxyauthorization",
];

/// Endings of such names: `openai_api_key`, `access_token`.
const ENDINGS: [&str; 8] = [
    "apikey",
    "accesskey",
    "secretkey",
    "accesstoken",
    "apitoken",
    "authtoken",
    "secret",
    "password",
];

/// The shortest run of letters and digits that could be a key of a service unknown here.
const MIN_BARE_KEY: usize = 20;

/// Whether a value has the look of a secret.
pub(super) fn look_like_one(value: &str) -> bool {
    value
        .split(|char: char| char.is_whitespace() || "\"'`=,;&?()<>".contains(char))
        .any(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)) || is_web_token(word))
        || value
            .trim_start()
            .get(..7)
            .is_some_and(|head| head.eq_ignore_ascii_case("bearer "))
}

/// Whether a word where the name of a variable belongs is rather the key itself: long, with digits, and
/// not in capitals.
pub(super) fn is_a_bare_key(word: &str) -> bool {
    look_like_one(word)
        || (word.len() >= MIN_BARE_KEY
            && word.chars().any(|char| char.is_ascii_digit())
            && word.chars().any(|char| char.is_ascii_lowercase()))
}

/// A JSON Web Token: three parts, the first an encoded `{"`.
fn is_web_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.split('.').count() == 3
}

/// Whether a setting or a header of this name would hold a secret.
pub(super) fn is_name_of_one(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|char| !"_-".contains(*char))
        .flat_map(char::to_lowercase)
        .collect();
    let bare = name.strip_prefix('x').unwrap_or(&name);
    NAMES.contains(&name.as_str())
        || NAMES.contains(&bare)
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Takes every secret out of what was read, and tells where it was: not what it was.
pub(super) fn take_out(table: &mut Table, problems: &mut Vec<SettingsProblem>) {
    take_out_within(table, false, problems);
}

fn take_out_within(table: &mut Table, headers: bool, problems: &mut Vec<SettingsProblem>) {
    table.entries.retain_mut(|entry| {
        if let Node::Table(inner) = &mut entry.value {
            take_out_within(inner, entry.name == "headers", problems);
            return true;
        }
        // A glob is no secret, whatever it looks like; and to lose one would open what it denies.
        if entry.name == "deny" {
            return true;
        }
        let named = is_name_of_one(&entry.name);
        if !named && !holds_one(&entry.value) {
            return true;
        }
        let (code, what) = if headers {
            ("auth_header", "a header with a key")
        } else {
            ("literal_key", "a key")
        };
        problems.push(SettingsProblem::error(
            entry.key,
            code,
            format!(
                "{} was not read: {what} does not belong in a settings file; put the key into \
                 an environment variable and name that one in `key_env`, or let `key_command` print \
                 it (if others can see this file, replace the key at its provider)",
                shown(&entry.name)
            ),
        ));
        false
    });
}

fn holds_one(value: &Node) -> bool {
    match value {
        Node::Text(text) => look_like_one(text),
        Node::List(items) => items.iter().any(|(item, _)| holds_one(item)),
        Node::Table(table) => table.entries.iter().any(|entry| holds_one(&entry.value)),
        Node::Number(_) | Node::Switch(_) | Node::Other(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_a_key() {
        for secret in [
            "sk-abc",
            "sk-ant-api03-x",
            "echo sk-abc",
            "Bearer abc",
            "KEY=ghp_0123456789",
            "eyJhbGciOi.eyJzdWIi.c2ln",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert!(look_like_one(secret), "{secret}");
        }
        for harmless in [
            "gpt-5",
            "task-sk",
            "OPENAI_API_KEY",
            "http://127.0.0.1/v1",
            "pass",
            "risk-1",
        ] {
            assert!(!look_like_one(harmless), "{harmless}");
        }
    }

    #[test]
    fn names_that_mean_a_key() {
        for secret in [
            "key",
            "api_key",
            "API-KEY",
            "openai_api_key",
            "token",
            "access_token",
            "X-Api-Key",
        ] {
            assert!(is_name_of_one(secret), "{secret}");
        }
        for harmless in [
            "key_env",
            "key_command",
            "max_output_tokens",
            "keyboard",
            "model",
            "x-title",
            "author",
        ] {
            assert!(!is_name_of_one(harmless), "{harmless}");
        }
    }

    #[test]
    fn a_key_in_place_of_a_variable_name() {
        assert!(is_a_bare_key("a1b2c3d4e5f6a7b8c9d0e1f2"));
        assert!(!is_a_bare_key("MY_PROVIDER_2_PRODUCTION_API_KEY"));
        assert!(!is_a_bare_key("my_key"));
    }
}
