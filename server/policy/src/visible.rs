//! Text of a model, a tool or a stranger's file, made fit to be shown to a person.

use std::borrow::Cow;

/// `text` with every character told instead of obeyed that does something to a terminal, turns round what
/// a person reads, or is not seen at all: `\u{202e}` is written out in its place. Line breaks and tabs stay,
/// and so does what joins emoji and chooses their form.
///
/// ```
/// use pleach_policy::visible;
///
/// assert_eq!(visible("cat \u{202e}txt.exe"), "cat \\u{202e}txt.exe");
/// assert_eq!(visible("größe 👩\u{200d}🚀"), "größe 👩\u{200d}🚀");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden =
        |char: char| !matches!(char, '\n' | '\t') && (char.is_control() || is_invisible(char));
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for char in text.chars() {
        let joins = matches!(char, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}') && !before.is_ascii();
        if is_hidden(char) && !joins {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
        before = char;
    }
    Cow::Owned(shown)
}

/// Markdown that an editor renders, in which nothing is fetched and no link runs a command of the editor:
/// images become their text, because an address can carry away what the text knows.
///
/// ```
/// use pleach_policy::tame_markdown;
///
/// assert_eq!(tame_markdown("![x](https://a.b/?q)"), "!\\[x](https://a.b/?q)");
/// ```
pub fn tame_markdown(markdown: &str) -> String {
    visible(markdown)
        .replace("![", "!\\[")
        .replace("](command:", "](\\command:")
}

/// Characters that take no room, or change the direction of what follows: some file systems leave them
/// out of names, and a person does not see them.
pub fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_or_unseen_is_told() {
        assert_eq!(
            visible("a\x1b[31mb\x07\r\n\tc\u{9b}2J\u{200b}d\u{2066}e"),
            "a\\u{1b}[31mb\\u{7}\\u{d}\n\tc\\u{9b}2J\\u{200b}d\\u{2066}e"
        );
        // Between letters of the alphabet a joiner joins nothing.
        assert_eq!(visible("pay\u{200d}pal"), "pay\\u{200d}pal");
        assert!(
            matches!(visible("größe ❤\u{fe0f} 漢"), Cow::Owned(text) if text == "größe ❤\u{fe0f} 漢")
        );
        assert!(matches!(visible("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn rendered_markdown_fetches_and_runs_nothing() {
        assert_eq!(
            tame_markdown("[![a](http://x/?b)](command:c) [d](https://e) \u{202e}"),
            "[!\\[a](http://x/?b)](\\command:c) [d](https://e) \\u{202e}"
        );
    }
}
