//! Words, as the index knows them and as it is asked for them.

/// Longer runs of letters and digits are data, not words.
const LONGEST: usize = 64;
/// Words of one text that are taken.
const MOST: usize = 6_000;
/// Words of a question that are looked for.
const MOST_ASKED: usize = 32;

/// Words that say little about what is looked for.
const STOP: [&str; 38] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "get", "has",
    "how", "in", "into", "is", "it", "of", "on", "or", "that", "the", "their", "there", "this",
    "to", "was", "we", "what", "when", "where", "which", "who", "why", "with", "you",
];

/// The words of a text, separated by spaces and in lower case. A name is taken apart where a person
/// would, and stands there whole as well: `readFile` and `read_file` are both `readfile read file`.
///
/// ```
/// assert_eq!(pleach_store::words_of("readFile(HTTPServer2)"), "readfile read file httpserver2 http server 2");
/// ```
pub fn words_of(text: &str) -> String {
    let mut words = String::new();
    let mut count = 0;
    for name in names_in(text) {
        let parts = parts_of(name);
        if parts.len() > 1 {
            let whole: String = parts.concat();
            push(&mut words, &whole);
            count += 1;
        }
        for part in &parts {
            push(&mut words, part);
            count += 1;
        }
        if count >= MOST {
            break;
        }
    }
    words
}

/// What is asked of the full-text index for a question in anybody's words: any of them, each in quotes,
/// so that nothing in it is taken for a command. `None` when no word is in it.
pub(super) fn question(asked: &str) -> Option<String> {
    let all = words_of(asked);
    let mut words: Vec<&str> = Vec::new();
    for word in all.split(' ').filter(|word| !word.is_empty()) {
        if !words.contains(&word) && words.len() < MOST_ASKED {
            words.push(word);
        }
    }
    let telling: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !STOP.contains(word))
        .collect();
    let chosen = if telling.is_empty() { words } else { telling };
    let quoted: Vec<String> = chosen.iter().map(|word| format!("\"{word}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

fn push(words: &mut String, word: &str) {
    if word.len() > LONGEST {
        return;
    }
    if !words.is_empty() {
        words.push(' ');
    }
    words.push_str(word);
}

/// Runs of letters, digits and underscores.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|name| !name.is_empty() && name.len() <= 2 * LONGEST)
}

/// A name's parts, in lower case: at underscores, where an upper letter follows a lower one, before the
/// last of several upper ones that a lower one follows, and between letters and digits.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied();
        let after = letters.get(at + 1).copied();
        let begins = before.is_some_and(|before| {
            let is_hump = letter.is_uppercase()
                && (before.is_lowercase()
                    || before.is_uppercase() && after.is_some_and(char::is_lowercase));
            is_hump || letter.is_numeric() != before.is_numeric()
        });
        if (begins || letter == '_') && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if letter != '_' {
            part.extend(letter.to_lowercase());
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_a_person_would() {
        assert_eq!(
            words_of("parse_HTTP_request"),
            "parsehttprequest parse http request"
        );
        assert_eq!(words_of("XMLReader"), "xmlreader xml reader");
        assert_eq!(words_of("größe äh"), "größe äh");
        assert_eq!(words_of("__init__"), "init");
        assert_eq!(words_of("_ __ ;;"), "");
    }

    #[test]
    fn a_question_is_quoted_and_says_what_it_is_about() {
        assert_eq!(
            question("where is the parser?").as_deref(),
            Some("\"parser\"")
        );
        assert_eq!(
            question("to be or").as_deref(),
            Some("\"to\" OR \"be\" OR \"or\"")
        );
        assert_eq!(question("a\" OR NEAR(").as_deref(), Some("\"near\""));
        assert_eq!(question("\"*^:"), None);
    }

    #[test]
    fn data_is_no_word() {
        assert_eq!(words_of(&"a".repeat(65)), "");
        assert!(words_of(&"ab ".repeat(100_000)).len() < 20_000);
    }
}
