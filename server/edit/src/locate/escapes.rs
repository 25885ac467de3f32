//! Text with one level of escaping too many, as it comes out of tool calls and web pages.

/// The readings of a hunk with a level of escaping taken off, likeliest first. Old and new text are
/// always read in the same way.
pub(crate) fn unescaped(old: &str, new: &str) -> Vec<(String, String)> {
    let mut readings: Vec<(String, String)> = Vec::new();
    for way in WAYS {
        let reading = (way(old), way(new));
        if reading.0 != old && !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    readings
}

const WAYS: [fn(&str) -> String; 3] = [backslashes, quotes, entities];

/// Whether new text has a level of escaping that old text found in the file shows nothing of, and that
/// another old text of the same reply had.
pub(crate) fn is_escaped_alike(old: &str, new: &str, other: &str) -> bool {
    WAYS.iter()
        .any(|way| way(new) != new && way(old) == old && way(other) != other)
}

/// All backslash escapes of JSON.
fn backslashes(text: &str) -> String {
    unescape(text, |character| match character {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        '"' | '\'' | '`' | '\\' | '/' | '$' => Some(character),
        _ => None,
    })
    .replace("\r\n", "\n")
}

/// Escaped quotes alone.
fn quotes(text: &str) -> String {
    unescape(text, |character| {
        matches!(character, '"' | '\'' | '`' | '$').then_some(character)
    })
}

fn unescape(text: &str, meaning: impl Fn(char) -> Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(next) => match meaning(next) {
                Some(plain) => out.push(plain),
                None => out.extend(['\\', next]),
            },
            None => out.push('\\'),
        }
    }
    out
}

/// The entities of HTML and XML.
fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_level_off() {
        let readings = unescaped(r#"print(\"a\\n\")\n"#, r#"print(\"b\\n\")\n"#);
        let expected = (
            "print(\"a\\n\")\n".to_owned(),
            "print(\"b\\n\")\n".to_owned(),
        );
        assert!(readings.contains(&expected), "{readings:?}");
        assert!(
            unescaped("if a &lt; b", "if a &gt; b")
                .contains(&("if a < b".into(), "if a > b".into()))
        );
        assert!(unescaped("plain", "text").is_empty());
    }
}
