//! From an identifier to words, and from words to the first sentence of a doc comment.
//!
//! Only what the name says is said: where a name does not tell, there is no sentence, and the
//! caller writes a TODO.

mod nouns;
mod verbs;

use nouns::NOUNS;
use verbs::VERBS;

/// The words of an identifier: `parse_http_request`, `parseHTTPRequest` → `parse HTTP request`.
///
/// Words are lower case, except that a run of capitals stays one word of capitals.
pub(super) fn words(identifier: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in identifier.split(|c: char| !c.is_alphanumeric()) {
        let letters: Vec<char> = part.chars().collect();
        let shouted = letters.len() > 1 && !letters.iter().any(|c| c.is_lowercase());
        let mut word = String::new();
        for (at, letter) in letters.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| letters.get(before));
            let after = letters.get(at + 1);
            let begins = letter.is_uppercase()
                && !word.is_empty()
                && (before.is_some_and(|c| !c.is_uppercase())
                    || (!shouted && after.is_some_and(|c| c.is_lowercase())));
            if begins {
                words.push(std::mem::take(&mut word));
            }
            word.push(*letter);
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    // `MAX_SIZE` is not a pair of abbreviations: capitals everywhere are only a way of writing.
    let all_shouted = words.len() > 1 && !identifier.chars().any(char::is_lowercase);
    words
        .into_iter()
        .map(|word| tamed(&word, all_shouted))
        .collect()
}

fn tamed(word: &str, shouted: bool) -> String {
    let abbreviation = !shouted
        && word.chars().count() > 1
        && word.chars().all(|c| c.is_uppercase() || c.is_numeric());
    if abbreviation {
        word.to_owned()
    } else {
        word.to_lowercase()
    }
}

/// What a function gives back, as far as its signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Nothing, or nothing that is known.
    Nothing,
    /// A truth value.
    Truth,
    /// Something else.
    Value,
}

/// What is known of a function when its sentence is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The type that it belongs to.
    pub(super) owner: Option<&'a str>,
    /// Its parameters without the receiver.
    pub(super) parameters: &'a [&'a str],
    /// What it gives back.
    pub(super) gives: Gives,
    /// Whether what it gives back is its owner, so that it makes one.
    pub(super) makes_owner: bool,
}

/// A sentence without a subject: a verb in its base form, and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    verb: String,
    rest: String,
}

impl Phrase {
    fn new(verb: &str, rest: impl Into<String>) -> Self {
        Self {
            verb: verb.to_owned(),
            rest: rest.into(),
        }
    }

    /// `parses the config`.
    pub(super) fn third_person(&self) -> String {
        join(&third_person(&self.verb), &self.rest)
    }

    /// `parse the config`.
    pub(super) fn imperative(&self) -> String {
        join(&self.verb, &self.rest)
    }
}

fn join(one: &str, other: &str) -> String {
    if other.is_empty() {
        one.to_owned()
    } else {
        format!("{one} {other}")
    }
}

/// What a function does, as its name says; `None` when it does not say.
pub(super) fn function_phrase(function: &Named<'_>) -> Option<Phrase> {
    let words = words(function.name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (first, rest) = words.split_first()?;
    let object = rest.join(" ");
    let getter = function.parameters.is_empty() && function.gives != Gives::Nothing;
    let owner = function.owner.unwrap_or("value");
    match *first {
        "new" | "create" | "make" if rest.is_empty() && function.makes_owner => {
            Some(Phrase::new("create", format!("a new `{owner}`")))
        }
        "new" if !rest.is_empty() && function.gives != Gives::Nothing => Some(Phrase::new(
            "create",
            format!("{} new {object}", article("new")),
        )),
        "from" if function.makes_owner && !rest.is_empty() => {
            let source = match function.parameters {
                [only] => format!("`{only}`"),
                _ => thing(rest, function)?,
            };
            let made = format!("{} `{owner}` from {source}", article(owner));
            Some(Phrase::new("create", made))
        }
        "to" | "into" if function.gives != Gives::Nothing && !rest.is_empty() => {
            thing(rest, function)?;
            let made = match rest.last() {
                Some(last) if !is_plural(last) => format!("{} {object}", article(rest.first()?)),
                _ => object,
            };
            Some(Phrase::new("convert", format!("{first} {made}")))
        }
        "try" if rest.first().is_some_and(|word| VERBS.contains(word)) => {
            let (verb, tail) = rest.split_first()?;
            let object = if tail.is_empty() {
                String::new()
            } else {
                thing(tail, function)?
            };
            Some(Phrase::new("try", join(&format!("to {verb}"), &object)))
        }
        "is" | "has" | "can" | "should" | "are" | "was" | "will" | "contains" | "needs"
            if function.gives == Gives::Truth =>
        {
            let subject = match function.parameters {
                [only] if !rest.is_empty() || *first == "contains" => format!("`{only}`"),
                _ => "it".to_owned(),
            };
            match (*first, rest.is_empty()) {
                ("contains" | "has", true) => function
                    .parameters
                    .first()
                    .map(|held| Phrase::new("return", format!("whether it {first} `{held}`"))),
                (_, true) => None,
                ("has", false) if function.parameters.len() == 1 => None,
                _ if rest.iter().any(|word| SMALL_WORDS.contains(word)) => None,
                ("is" | "was", false) => {
                    let object = match rest.last() {
                        Some(last) if is_thing(last) && !is_plural(last) => {
                            format!("{} {object}", article(rest.first()?))
                        }
                        _ => object,
                    };
                    let said = format!("whether {subject} {first} {object}");
                    Some(Phrase::new("return", said))
                }
                _ => Some(Phrase::new(
                    "return",
                    format!("whether {subject} {first} {object}"),
                )),
            }
        }
        "get" if !rest.is_empty() && function.gives != Gives::Nothing => {
            Some(Phrase::new("return", thing(rest, function)?))
        }
        verb if VERBS.contains(&verb) => {
            // `sort_key()` gives a key, `sort_keys()` sorts: the name alone does not tell.
            if getter && MAY_BE_NOUNS.contains(&verb) {
                return None;
            }
            if rest.is_empty() {
                return match function.parameters {
                    [only] if !ACTS_ON_ITSELF.contains(&verb) && !HOW.contains(only) => {
                        Some(Phrase::new(verb, format!("`{only}`")))
                    }
                    _ => None,
                };
            }
            Some(Phrase::new(verb, thing(rest, function)?))
        }
        // `total_price` is a thing, `lend` may be anything: only nouns that are known are said.
        _ if function.gives == Gives::Value
            && words.iter().all(|word| is_known_noun(word))
            && words.last().is_some_and(|last| is_thing(last)) =>
        {
            Some(Phrase::new("return", format!("the {}", words.join(" "))))
        }
        _ => None,
    }
}

/// What a function is about, with its article; `None` unless the words surely name a thing: it has a
/// known noun, a plural or a word of a parameter at its end, and no small word that needs more.
fn thing(words: &[&str], function: &Named<'_>) -> Option<String> {
    let (last, before) = words.split_last()?;
    let begins_small = words.first().is_some_and(|word| SMALL_WORDS.contains(word));
    let leads_on = before
        .iter()
        .any(|word| matches!(*word, "or" | "and" | "if"));
    let of_parameter = function
        .parameters
        .iter()
        .any(|parameter| self::words(parameter).iter().any(|word| word == last));
    let is_named = !SMALL_WORDS.contains(last) && (is_thing(last) || of_parameter);
    (is_named && !begins_small && !leads_on).then(|| format!("the {}", words.join(" ")))
}

/// What a type is, as its name says: `a user account`, `the settings`; `None` when it does not say.
pub(super) fn noun_phrase(name: &str) -> Option<String> {
    let words = words(name);
    let (first, last) = (words.first()?, words.last()?);
    let is_small = words
        .iter()
        .any(|word| SMALL_WORDS.contains(&word.as_str()));
    if is_small || !is_thing(last) || UNCOUNTED.contains(&last.as_str()) {
        return None;
    }
    let noun = words.join(" ");
    if is_plural(last) {
        return Some(format!("the {noun}"));
    }
    Some(format!("{} {noun}", article(first)))
}

/// What a field, a variable or a constant holds: `the user name`; `None` when its name does not say.
pub(super) fn held_phrase(name: &str) -> Option<String> {
    let words: Vec<String> = match words(name).as_slice() {
        // Capitals are only a way of writing a constant; what is short may abbreviate.
        [only] if only.chars().all(char::is_uppercase) => {
            let word = only.to_lowercase();
            if !NOUNS.contains(&word.as_str()) {
                return None;
            }
            vec![if word.len() > 3 { word } else { only.clone() }]
        }
        several => several.to_vec(),
    };
    let (last, before) = words.split_last()?;
    let is_small = |word: &String| SMALL_WORDS.contains(&word.as_str());
    let is_verb_first = before.first().is_some_and(|first| is_only_verb(first));
    (is_thing(last) && !is_verb_first && !words.iter().any(is_small))
        .then(|| format!("the {}", words.join(" ")))
}

/// Whether a word is a verb that functions are named with.
pub(super) fn is_verb(word: &str) -> bool {
    VERBS.contains(&word)
}

/// The first letter in upper case.
pub(super) fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn is_plural(word: &str) -> bool {
    let singular = ["ss", "us", "is", "as", "os", "ens"];
    word.ends_with('s') && word.len() > 3 && !singular.iter().any(|end| word.ends_with(end))
}

fn article(word: &str) -> &'static str {
    let abbreviation = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    let lower = word.to_lowercase();
    let first = lower.chars().next().unwrap_or('x');
    let vowel = if abbreviation {
        "aefhilmnorsx".contains(first)
    } else if ["uni", "use", "usa", "uti", "one", "eu", "url", "utf"]
        .iter()
        .any(|s| lower.starts_with(s))
    {
        lower.starts_with("unin") || lower.starts_with("unim")
    } else {
        "aeiou".contains(first) || lower.starts_with("hour") || lower.starts_with("honest")
    };
    if vowel { "an" } else { "a" }
}

fn third_person(verb: &str) -> String {
    let mut letters = verb.chars().rev();
    let last = letters.next().unwrap_or_default();
    let before = letters.next().unwrap_or_default();
    match (before, last) {
        (_, 's' | 'x' | 'z' | 'o') | ('c' | 's', 'h') => format!("{verb}es"),
        (before, 'y') if !"aeiou".contains(before) => {
            format!("{}ies", verb.strip_suffix('y').unwrap_or(verb))
        }
        _ => format!("{verb}s"),
    }
}

/// Whether a word surely names a thing: a known noun, a plural, or a word that is made like a noun.
fn is_thing(word: &str) -> bool {
    let is_made = word.len() > 5
        && !is_verb(word)
        && !NOT_MADE.contains(&word)
        && NOUN_ENDS.iter().any(|end| word.ends_with(end));
    let is_qualifier = QUALIFIERS.contains(&word);
    !is_qualifier && (is_known_noun(word) || is_made || (is_plural(word) && word.len() > 4))
}

fn is_only_verb(word: &str) -> bool {
    is_verb(word) && !is_known_noun(word) && !MAY_BE_NOUNS.contains(&word)
}

/// Whether a word, or what it is the plural of, is one of [`NOUNS`]; abbreviations are things too.
fn is_known_noun(word: &str) -> bool {
    let is = |word: &str| NOUNS.contains(&word);
    let abbreviation = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    abbreviation
        || is(word)
        || word.strip_suffix('s').is_some_and(is)
        || word.strip_suffix("es").is_some_and(is)
        || word
            .strip_suffix("ies")
            .is_some_and(|stem| is(&format!("{stem}y")))
}

/// Words that lead to another one, or stand for how something is done: they name no thing.
const SMALL_WORDS: &[&str] = &[
    "cannot",
    "must",
    "a",
    "about",
    "above",
    "after",
    "again",
    "all",
    "an",
    "and",
    "any",
    "as",
    "async",
    "at",
    "back",
    "before",
    "below",
    "between",
    "by",
    "down",
    "each",
    "every",
    "for",
    "from",
    "if",
    "in",
    "inside",
    "into",
    "it",
    "its",
    "later",
    "least",
    "most",
    "mut",
    "next",
    "not",
    "now",
    "of",
    "off",
    "on",
    "once",
    "only",
    "or",
    "out",
    "over",
    "raw",
    "self",
    "since",
    "some",
    "sync",
    "the",
    "then",
    "this",
    "through",
    "to",
    "unchecked",
    "until",
    "up",
    "upon",
    "when",
    "with",
    "within",
    "without",
];

/// Words that stand before a noun and are none themselves.
const QUALIFIERS: &[&str] = &[
    "absolute",
    "active",
    "actual",
    "available",
    "current",
    "empty",
    "first",
    "full",
    "global",
    "initial",
    "inner",
    "last",
    "local",
    "max",
    "min",
    "outer",
    "previous",
    "remaining",
    "second",
    "shared",
    "shipping",
    "sub",
];

/// What words that name a thing or a doer end with.
const NOUN_ENDS: &[&str] = &[
    "er", "or", "tion", "sion", "ment", "ness", "ity", "ance", "ence", "ist", "graph", "gram",
    "ship",
];

/// Words that end so and name nothing.
const NOT_MADE: &[&str] = &[
    "another", "bigger", "either", "faster", "former", "greater", "larger", "latter", "longer",
    "neither", "newer", "older", "rather", "shorter", "slower", "smaller", "together", "whether",
];

/// Nouns that cannot be counted: there is no such thing as *a money*.
const UNCOUNTED: &[&str] = &[
    "data",
    "information",
    "metadata",
    "money",
    "software",
    "storage",
    "syntax",
    "text",
    "time",
];

/// Verbs that a method is named with for what it does to its own object: `resize(count)` resizes no
/// count. What `get(x)` and `find(x)` give is not x.
const ACTS_ON_ITSELF: &[&str] = &[
    "advance",
    "apply",
    "await",
    "begin",
    "bind",
    "call",
    "choose",
    "clamp",
    "compare",
    "count",
    "end",
    "extend",
    "fill",
    "filter",
    "find",
    "fold",
    "get",
    "group",
    "grow",
    "indent",
    "init",
    "initialise",
    "initialize",
    "invert",
    "join",
    "jump",
    "list",
    "lookup",
    "map",
    "match",
    "move",
    "order",
    "pad",
    "partition",
    "pick",
    "poll",
    "query",
    "read",
    "rebase",
    "reduce",
    "rename",
    "repeat",
    "require",
    "reset",
    "resize",
    "retry",
    "return",
    "rotate",
    "round",
    "scale",
    "scroll",
    "search",
    "seek",
    "select",
    "set",
    "setup",
    "shift",
    "shrink",
    "skip",
    "sleep",
    "sort",
    "split",
    "switch",
    "take",
    "trim",
    "truncate",
    "undo",
    "use",
    "wait",
    "wrap",
    "yield",
];

/// Parameters that say how something is done, not to what.
const HOW: &[&str] = &[
    "self", "args", "at", "by", "callback", "context", "count", "ctx", "fn", "force", "func", "i",
    "id", "index", "key", "kwargs", "len", "length", "limit", "n", "offset", "options", "opts",
    "params", "size", "timeout", "to",
];

/// Verbs that are nouns as often, or that stand before a noun: `log_level`, `display_name`.
const MAY_BE_NOUNS: &[&str] = &[
    "cache", "count", "display", "draw", "end", "format", "group", "hash", "index", "insert",
    "lock", "log", "map", "mark", "match", "order", "process", "query", "read", "request", "reset",
    "search", "send", "show", "sort", "split", "start", "stop", "stream", "swap", "test", "trace",
    "track", "update", "use", "wait", "watch", "write",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn split(name: &str) -> String {
        words(name).join(" ")
    }

    #[test]
    fn identifiers_fall_into_words() {
        assert_eq!(split("parse_config"), "parse config");
        assert_eq!(split("parseHTTPRequest"), "parse HTTP request");
        assert_eq!(split("HTTPServer"), "HTTP server");
        assert_eq!(split("UserID"), "user ID");
        assert_eq!(split("MAX_FILE_SIZE"), "max file size");
        assert_eq!(split("__init__"), "init");
        assert_eq!(split("utf8Length"), "utf8 length");
        assert_eq!(split("größeÄndern"), "größe ändern");
        assert_eq!(split("_"), "");
    }

    fn says(name: &str, parameters: &[&str], gives: Gives) -> Option<String> {
        let named = Named {
            name,
            owner: None,
            parameters,
            gives,
            makes_owner: false,
        };
        function_phrase(&named).map(|phrase| phrase.third_person())
    }

    #[test]
    fn a_verb_says_what_a_function_does() {
        use Gives::{Nothing, Truth, Value};
        let text = |s: &str| Some(s.to_owned());
        assert_eq!(
            says("parse_config", &["path"], Value),
            text("parses the config")
        );
        assert_eq!(says("parse", &["text"], Value), text("parses `text`"));
        assert_eq!(
            says("applyEdits", &["a", "b"], Nothing),
            text("applies the edits")
        );
        assert_eq!(
            says("get_user_by_id", &["id"], Value),
            text("returns the user by id")
        );
        assert_eq!(
            says("is_prime", &["n"], Truth),
            text("returns whether `n` is prime")
        );
        assert_eq!(
            says("into_string", &[], Value),
            text("converts into a string")
        );
        assert_eq!(
            says("is_name", &["kind"], Truth),
            text("returns whether `kind` is a name")
        );
        assert_eq!(
            says("is_empty", &[], Truth),
            text("returns whether it is empty")
        );
        assert_eq!(
            says("contains", &["key"], Truth),
            text("returns whether it contains `key`")
        );
        assert_eq!(
            says("total_price", &["items"], Value),
            text("returns the total price")
        );
        assert_eq!(says("try_send_all", &[], Nothing), None);
        assert_eq!(
            says("try_send_mail", &["mail"], Nothing),
            text("tries to send the mail")
        );
    }

    #[test]
    fn a_name_that_does_not_tell_gives_no_sentence() {
        use Gives::{Nothing, Value};
        assert_eq!(says("frobnicate", &[], Nothing), None);
        assert_eq!(says("parse", &[], Value), None);
        assert_eq!(says("lend", &["book"], Value), None);
        assert_eq!(says("overdue", &[], Value), None);
        assert_eq!(says("sort_key", &[], Value), None);
        assert_eq!(says("with_capacity", &["n"], Value), None);
        assert_eq!(says("on_click", &[], Nothing), None);
        assert_eq!(says("fetch_all", &[], Value), None);
        assert_eq!(says("get_or_insert_with", &["make"], Value), None);
        assert_eq!(says("starts_of_line", &[], Value), None);
        assert_eq!(says("get_mut", &["key"], Value), None);
        assert_eq!(says("map_back", &["at"], Value), None);
        // What it gets is not the key, and what it cuts is not the size.
        assert_eq!(says("get", &["key"], Value), None);
        assert_eq!(says("truncate", &["size"], Nothing), None);
        assert_eq!(says("is_inside_character", &["at"], Gives::Truth), None);
    }

    #[test]
    fn a_type_is_named_with_its_article() {
        assert_eq!(noun_phrase("UserAccount").unwrap(), "a user account");
        assert_eq!(noun_phrase("Entry").unwrap(), "an entry");
        assert_eq!(noun_phrase("HTTPServer").unwrap(), "an HTTP server");
        assert_eq!(noun_phrase("URLPattern").unwrap(), "a URL pattern");
        assert_eq!(noun_phrase("Settings").unwrap(), "the settings");
        assert_eq!(noun_phrase("Status").unwrap(), "a status");
        assert_eq!(noun_phrase("DocumentReader").unwrap(), "a document reader");
        assert_eq!(noun_phrase("Money"), None);
        assert_eq!(noun_phrase("LastGood"), None);
        assert_eq!(noun_phrase("Shared"), None);
    }

    #[test]
    fn what_is_held_is_named_if_the_name_says_it() {
        assert_eq!(held_phrase("user_name").unwrap(), "the user name");
        assert_eq!(held_phrase("LIMIT").unwrap(), "the limit");
        assert_eq!(held_phrase("MAX_BYTES").unwrap(), "the max bytes");
        assert_eq!(held_phrase("base_URL").unwrap(), "the base URL");
        for unclear in [
            "since",
            "old",
            "ZERO",
            "last_good",
            "allow_ci",
            "x",
            "indent_unit_of",
            "used",
        ] {
            assert_eq!(held_phrase(unclear), None, "{unclear}");
        }
    }
}
