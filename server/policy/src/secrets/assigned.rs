//! Secrets that are known by the name of what they are given to.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::forms::{is_template, is_usual};
use super::{entropy, is_example};

/// A name, what may stand between, and a value: quoted in three ways, or bare.
const VALUE: &str = r#"(?:"((?:[^"\\\n]|\\.){4,512})"|'((?:[^'\\\n]|\\.){4,512})'|`([^`\n]{4,512})`|([^\s"'`,;&()\[\]{}<>|]{6,512}))"#;

/// Which of the shapes is the one of calls: there, a bare value is the next argument.
const CALL: usize = 1;

/// How names and values stand together. The first group is the name, one of the others the value.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let name = "([A-Za-z_][A-Za-z0-9_.-]{1,80})";
    // Rust's, TypeScript's and Kotlin's types behind a colon; Go's behind a blank.
    let of_type =
        r"(?:\s*:\s*[&A-Za-z_][A-Za-z0-9_&'<>\[\]:?|. ]{0,40}?|\s+[A-Za-z][A-Za-z.]{0,20})?";
    [
        // name = "value", name: value, "name" => 'value', name: Type = "value"
        format!(
            r#"{name}\\?["'`]?\]?{of_type}\s{{0,8}}(?::=|=>|={{1,3}}|!=|:)\s{{0,8}}(?:[A-Za-z_.:]{{1,40}}!?\(\s*|[bfruBFRU@$]{{1,2}})??\\?{VALUE}"#
        ),
        // "NAME", "value" as in a call; name="NAME" value="value" as in XML.
        format!(r#"["']{name}["']\s*(?:,|value\s*=)\s*{VALUE}"#),
        // <name>value</name>
        format!(r"<{name}>\s*(?:{VALUE})\s*</"),
        // - name: NAME, value: value as in YAML.
        format!(r#"name:\s*["']?{name}["']?\s*\n\s*value:\s*{VALUE}"#),
        // ENV NAME value as in a Dockerfile, --name value as on a command line.
        format!(r"(?:(?m:^)\s*(?:ENV|ARG|setenv)\s+|--){name}\s+{VALUE}"),
        // set_name("value")
        format!(r"[Ss]et_?{name}\(\s*{VALUE}"),
    ]
    .iter()
    // A test compiles them all.
    .filter_map(|shape| Regex::new(shape).ok())
    .collect()
});

/// Words that a name of a secret has, in small letters, for a quick look before anything else.
static HINTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)pass|pwd|pw\b|secret|token|key|credential|auth|bearer|dsn|connection|\bpat\b")
        .ok()
});

/// What a name says of its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A word that somebody chose: may be short.
    Password,
    /// A word that a machine made, or somebody chose.
    Secret,
    /// A word that a machine made.
    Token,
    /// Perhaps one of those; mostly a name of something.
    Key,
}

/// Where values of secrets stand.
pub(super) fn find(path: Option<&str>, text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let is_hinted = HINTS.as_ref().is_some_and(|hints| hints.is_match(text));
    if !is_hinted || path.is_some_and(is_lock_file) {
        return spans;
    }
    let is_code = path.is_some_and(is_program);
    for (form, shape) in SHAPES.iter().enumerate() {
        let mut at = 0;
        while let Some(found) = shape.captures_at(text, at) {
            let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else {
                break;
            };
            // A value may be a name itself: `?a=b&api_key=…`, `"env": "API_KEY=…"`.
            at = name.end().max(whole.start() + 1);
            let Some(kind) = kind(name.as_str()) else {
                continue;
            };
            let bare = found.get(5);
            let Some(value) = bare.or_else(|| (2..5).find_map(|group| found.get(group))) else {
                continue;
            };
            let after = text.get(value.end()..).and_then(|rest| rest.chars().next());
            let in_text = text
                .get(..name.start())
                .is_some_and(|before| before.ends_with(['?', '&', ';', '"', '\'', '`']));
            let is_expression = bare.is_some()
                && (form == CALL
                    || (is_code && !in_text)
                    || matches!(after, Some('(' | '[' | '{' | '.')));
            if !is_expression && counts(kind, value.as_str(), bare.is_some()) {
                spans.push(value.range());
            }
        }
    }
    spans
}

/// Names of what is about a secret and none.
const ABOUT: [&str; 38] = [
    "public",
    "pub",
    "publishable",
    "hash",
    "hashed",
    "sha",
    "md5",
    "checksum",
    "digest",
    "fingerprint",
    "page",
    "cursor",
    "next",
    "continuation",
    "pagination",
    "sync",
    "cancel",
    "cancellation",
    "eos",
    "bos",
    "pad",
    "unk",
    "stop",
    "primary",
    "foreign",
    "cache",
    "sort",
    "partition",
    "idempotency",
    "translation",
    "i18n",
    "max",
    "min",
    "keyboard",
    "design",
    "object",
    "storage",
    "row",
];

/// What is said of a secret behind its name.
const BEHIND: [&str; 20] = [
    "value",
    "prod",
    "production",
    "dev",
    "development",
    "live",
    "test",
    "staging",
    "b64",
    "base64",
    "hex",
    "raw",
    "str",
    "string",
    "plain",
    "default",
    "old",
    "new",
    "v",
    "plaintext",
];

/// Names, and endings of names, of secrets.
const SECRETS: [&str; 22] = [
    "secret",
    "secrets",
    "secretkeybase",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "accountkey",
    "sharedkey",
    "servicekey",
    "sessionkey",
    "hmackey",
    "securitykey",
    "licensekey",
    "credential",
    "credentials",
    "connectionstring",
    "accesskeysecret",
];

/// What is expected of a name's value; `None` where it is no secret.
fn kind(name: &str) -> Option<Kind> {
    let mut words = words(name);
    if words.iter().any(|word| ABOUT.contains(&word.as_str())) {
        return None;
    }
    while words.len() > 1
        && words.last().is_some_and(|word| {
            BEHIND.contains(&word.as_str()) || word.bytes().all(|byte| byte.is_ascii_digit())
        })
    {
        words.pop();
    }
    let last = words
        .last()?
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .to_owned();
    let glued: String = words.concat();
    let glued = glued.trim_end_matches(|c: char| c.is_ascii_digit());
    let ends = |endings: &[&str]| endings.iter().any(|ending| glued.ends_with(ending));
    if ends(&[
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "passwort",
        "pwd",
    ]) || matches!(last.as_str(), "pass" | "pw")
    {
        Some(Kind::Password)
    } else if ends(&SECRETS) {
        Some(Kind::Secret)
    } else if ends(&["token"])
        || matches!(
            last.as_str(),
            "bearer" | "dsn" | "pat" | "auth" | "authorization"
        )
    {
        Some(Kind::Token)
    } else if last == "key" {
        Some(Kind::Key)
    } else {
        None
    }
}

/// The words of a name, in small letters: `DB_PASSWORD`, `apiKey`, `HTTPToken`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, char) in chars.iter().enumerate() {
        if !char.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let begins = char.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                || (before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase)));
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(char.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value looks like a secret of its kind, rather than like a word, a name or a place.
fn counts(kind: Kind, value: &str, is_bare: bool) -> bool {
    let value = value.trim();
    if value.contains(char::is_whitespace)
        || value.starts_with(['/', '.', '~', '#', '@', '[', '^', '\\'])
        || (is_bare && value.starts_with('!'))
        || value.contains("://")
        || value.contains('|')
        || value.contains("()")
        || is_template(value)
        || is_example(value)
        || is_usual(value.trim_matches(|c: char| c.is_ascii_punctuation()))
        || is_name(value)
    {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let of_machine = || {
        let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let enough = if is_hex { 2.6 } else { 3.2 };
        value.len() >= 16
            && digits > 0
            && letters > 0
            && (!is_bare || digits > 2)
            && value.is_ascii()
            && entropy(value) >= enough
    };
    match kind {
        Kind::Password => is_chosen(value, 6),
        Kind::Secret => of_machine() || is_chosen(value, 8),
        Kind::Token => of_machine() && !is_uuid(value),
        Kind::Key => {
            value.len() >= 24
                && of_machine()
                && value.bytes().any(|byte| byte.is_ascii_uppercase())
                && value.bytes().any(|byte| byte.is_ascii_lowercase())
                && !value.contains(['.', ':'])
                && entropy(value) >= 4.0
        }
    }
}

/// A password as somebody chooses one: letters, and digits or signs among them.
fn is_chosen(value: &str, shortest: usize) -> bool {
    // The signs by which words are joined and ended are none of a password's.
    let is_sign = |byte: u8| byte.is_ascii_punctuation() && !b"-_.:/,'\"".contains(&byte);
    let is_odd = value
        .bytes()
        .any(|byte| byte.is_ascii_digit() || is_sign(byte));
    let has_letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    // A long mixture of large and small letters is one as well.
    let inner = value.get(1..).unwrap_or_default();
    let is_mixed = value.len() >= 12
        && inner.bytes().filter(u8::is_ascii_uppercase).count() >= 3
        && inner.bytes().filter(u8::is_ascii_lowercase).count() >= 3
        && entropy(value) >= 3.5;
    value.len() >= shortest && ((is_odd && has_letters && entropy(value) >= 2.0) || is_mixed)
}

/// A name of something else: `GITHUB_TOKEN`, `settings.password`, `my-secret-name`, a hash by its name.
fn is_name(value: &str) -> bool {
    static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^(?:[A-Z][A-Z]*[0-9]?(?:_[A-Z0-9]{1,24})+|[A-Za-z_]+[0-9]?(?:[._/:-][A-Za-z_]+[0-9]?)*|sha(?:1|256|384|512)[:-].*|v[0-9]+(?:\.[0-9]+)*|[0-9.]+[a-zA-Z]{0,7})$",
        )
        .ok()
    });
    // Words joined by a sign are words, unless large letters stand among the small ones.
    let is_wild = value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            let changes = word.as_bytes().windows(2).filter(|pair| {
                matches!(pair, [one, other] if one.is_ascii_lowercase() != other.is_ascii_lowercase())
            });
            word.len() >= 12 && changes.count() * 3 > word.len()
        });
    !is_wild && NAMES.as_ref().is_some_and(|names| names.is_match(value))
}

/// RFC 9562, section 4.
fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && value
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Files that hold the hashes of packages.
fn is_lock_file(path: &str) -> bool {
    const NAMES: [&str; 10] = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "go.sum",
        "go.work.sum",
        "gradle.lockfile",
        "packages.lock.json",
        "package.resolved",
        "deno.lock",
        "module.bazel.lock",
    ];
    let name = file_name(path);
    NAMES.contains(&name.as_str())
        || name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| matches!(ending, "lock" | "lockb"))
}

/// Files in which a bare word behind `=` is an expression.
fn is_program(path: &str) -> bool {
    const ENDINGS: [&str; 46] = [
        "rs", "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "java",
        "kt", "kts", "scala", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "cs", "fs", "vb", "rb",
        "php", "swift", "m", "mm", "dart", "lua", "ex", "exs", "erl", "hs", "ml", "clj", "jl", "r",
        "zig", "nim", "vue", "svelte", "groovy",
    ];
    let name = file_name(path);
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_can_be_read() {
        assert_eq!(SHAPES.len(), 6);
        assert!(HINTS.is_some());
    }

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(words("DB_PASSWORD2"), ["db", "password2"]);
        assert_eq!(words("myHTTPToken"), ["my", "http", "token"]);
        assert_eq!(words("X-Api-Key"), ["x", "api", "key"]);
    }
}
