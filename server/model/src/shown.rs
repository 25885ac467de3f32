//! What a server says, made fit to be shown: one short line, without keys and without characters that
//! do something to a terminal or an editor.

use std::collections::BTreeSet;

/// Characters of a server's message that are shown.
const MESSAGE_SHOWN: usize = 300;
/// What stands in the place of the key.
const MARK: &str = "[key]";
/// Letters and digits of a key that give it away. Fewer are in many words.
const TELLING: usize = 8;

/// A text of a server's in one line, shortened, and without what looks like a key.
///
/// `key` is the one that was sent. Servers repeat it as it is, encoded, torn apart or in pieces: it is
/// looked for among the letters and digits alone.
pub(crate) fn presentable(text: &str, key: Option<&str>) -> String {
    let mut shown = one_line(text);
    if let Some(key) = key {
        shown = without(&shown, key);
    }
    // Nor any other key: a proxy's, or one of another provider that was set here by mistake.
    let shown = pleach_policy::redact(&shown);
    if shown.is_empty() {
        return "no reason given".into();
    }
    match shown.char_indices().nth(MESSAGE_SHOWN) {
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
        None => shown.into_owned(),
    }
}

/// Blanks and control characters become single blanks; what nobody sees, but what can hide or turn
/// round what is seen, is left out.
fn one_line(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| match c {
            _ if c.is_control() || c.is_whitespace() => ' ',
            _ => c,
        })
        .filter(|c| !pleach_policy::is_invisible(*c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` with the key, its encodings, and every piece of them that is long enough replaced.
fn without(text: &str, key: &str) -> String {
    if squashed(key).len() < TELLING {
        return without_short(text, key);
    }
    let pieces: BTreeSet<Vec<u8>> = encodings(key)
        .iter()
        .flat_map(|form| {
            let form: Vec<u8> = squashed(form).into_iter().map(|(_, byte)| byte).collect();
            form.windows(TELLING)
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    let letters = squashed(text);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for window in letters.windows(TELLING) {
        let bytes: Vec<u8> = window.iter().map(|(_, byte)| *byte).collect();
        let (Some((start, _)), Some((last, _))) = (window.first(), window.last()) else {
            continue;
        };
        if pieces.contains(&bytes) {
            match spans.last_mut() {
                Some((_, end)) if start <= end => *end = last + 1,
                _ => spans.push((*start, last + 1)),
            }
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (start, end) in spans {
        out.push_str(text.get(copied..start).unwrap_or_default());
        out.push_str(MARK);
        copied = end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// A key as short as a word is struck where it stands alone.
fn without_short(text: &str, key: &str) -> String {
    let mut shown = text.to_owned();
    for at in crate::cassette::places(key.as_bytes(), text.as_bytes())
        .into_iter()
        .rev()
    {
        // Places that overlap are struck once.
        if shown.get(at..at + key.len()) == Some(key) {
            shown.replace_range(at..at + key.len(), MARK);
        }
    }
    shown
}

/// The ASCII letters, in lower case, and digits of a text, and where each stands.
fn squashed(text: &str) -> Vec<(usize, u8)> {
    let letters = text.bytes().enumerate();
    letters
        .filter(|(_, byte)| byte.is_ascii_alphanumeric())
        .map(|(at, byte)| (at, byte.to_ascii_lowercase()))
        .collect()
}

/// The forms in which a key comes back: as it is, in hex, with its characters escaped as in an address,
/// in JSON, in a string or in HTML, backwards, and in base 64 at each place that it may begin at.
fn encodings(key: &str) -> Vec<String> {
    let each = |form: &dyn Fn(u8) -> String| key.bytes().map(form).collect::<String>();
    let mut forms = vec![
        key.to_owned(),
        key.chars().rev().collect(),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("x{byte:02x}")),
        each(&|byte| format!("u{byte:04x}")),
        each(&|byte| byte.to_string()),
        each(&|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("{byte:02x}")
            }
        }),
    ];
    forms.extend((0..3).map(|before| {
        let mut bytes = vec![0; before];
        bytes.extend(key.bytes());
        base64(&bytes)
    }));
    forms
}

/// RFC 4648, section 4, without padding: what of it is not whole tells nothing.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| {
        LETTERS
            .get((bits & 63) as usize)
            .map(|byte| char::from(*byte))
    };
    bytes
        .chunks(3)
        .flat_map(|three| {
            let bits = (0..3).fold(0, |bits: u32, at| {
                (bits << 8) | u32::from(three.get(at).copied().unwrap_or_default())
            });
            let letters = [bits >> 18, bits >> 12, bits >> 6, bits];
            letters.into_iter().filter_map(letter).take(three.len() + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, clippy::format_collect)]
    use super::*;

    const KEY: &str = "sk-live_Zq8+Tr4/w9LmX2";

    #[test]
    fn what_a_server_says_is_shown_in_one_short_line() {
        let show = |text: &str| presentable(text, Some("sk-1"));
        assert_eq!(show("a\n\u{1b}[31mb sk-1\u{7}"), "a [31mb [key]");
        assert_eq!(show("task-1 sk-10"), "task-1 sk-10");
        assert_eq!(
            show("Incorrect API key provided: sk-proj-0123456789abcdef."),
            "Incorrect API key provided: [redacted]."
        );
        assert_eq!(show(" \n"), "no reason given");
        assert_eq!(show(&"ä".repeat(999)).chars().count(), 301);
        assert_eq!(show("a\u{202e}b\u{200b}c\u{85}d\u{2028}e"), "abc d e");
    }

    #[test]
    fn the_key_is_struck_however_it_comes_back() {
        let hex: String = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
        let percent = KEY.replace('+', "%2B").replace('/', "%2f");
        let torn: String = KEY.chars().flat_map(|c| [c, '\u{200b}', '\n']).collect();
        let json: String = KEY
            .chars()
            .map(|c| format!("\\u{:04x}", u32::from(c)))
            .collect();
        for form in [
            KEY.to_owned(),
            KEY.to_uppercase(),
            hex,
            percent,
            torn,
            json,
            base64(KEY.as_bytes()),
            base64(format!("Bearer {KEY}").as_bytes()),
            base64(format!("user:{KEY}").as_bytes()),
            "Zq8+Tr4/w9".to_owned(),
            format!("{}****{}", &KEY[..11], &KEY[12..]),
            KEY.chars().rev().collect(),
        ] {
            let shown = presentable(&format!("no: {form} is wrong"), Some(KEY));
            let left = squashed(&shown).len();
            assert!(shown.starts_with("no: ") && shown.contains(MARK), "{shown}");
            assert!(left <= squashed("no key is wrong").len() + 12, "{shown}");
            assert!(!shown.contains("Zq8") && !shown.contains("w9L"), "{shown}");
        }
        let said = "the quick brown fox jumps over 13 lazy dogs";
        assert_eq!(presentable(said, Some(KEY)), said);
    }

    #[test]
    fn base_64_as_in_the_rfc() {
        for (plain, coded) in [
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
