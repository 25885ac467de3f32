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

/// Markdown that an editor renders, in which nothing is fetched, no link runs a command of the editor, and
/// no markup passes: images become their text, because an address can carry away what the text knows, and a
/// link leads to the web or to a file beside it, or is no link.
///
/// Where it is not sure it spoils a link rather than let it be: a backslash more is seen, inside of code as
/// well, and does nothing.
///
/// ```
/// use pleach_policy::tame_markdown;
///
/// assert_eq!(tame_markdown("![x](https://a.b/?q)"), "!\\[x](https://a.b/?q)");
/// assert_eq!(tame_markdown("[x](command:a) [y](src/a.rs)"), "[x]\\(command:a) [y](src/a.rs)");
/// ```
pub fn tame_markdown(markdown: &str) -> String {
    let text = visible(markdown);
    let mut tame = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(['!', ']', '<']) {
        let (before, from) = rest.split_at(at);
        tame.push_str(before);
        let mut follow = from.chars();
        let first = follow.next().unwrap_or_default();
        rest = follow.as_str();
        let second = follow.next();
        match (first, second) {
            ('!', Some('[')) => tame.push_str("!\\"),
            // A link, or the definition of what links lead to.
            (']', Some(':' | '(')) if !is_harmless(follow.as_str()) => tame.push_str("]\\"),
            ('<', Some(char)) if may_open_markup(char, follow.as_str()) => tame.push_str("\\<"),
            _ => tame.push(first),
        }
    }
    tame.push_str(rest);
    tame
}

/// Bytes that the end of a link or of markup is looked for in: an honest one is shorter.
const LONGEST: usize = 2048;

/// The beginning of a text, and whether that is all of it.
fn beginning(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(LONGEST);
    (text.get(..end).unwrap_or_default(), end == text.len())
}

/// Whether what a link leads to, which begins here, is a page of the web or a path.
fn is_harmless(target: &str) -> bool {
    let (target, is_whole) = beginning(target);
    let target = target.trim_start();
    let end = target.find(|char: char| char.is_whitespace() || char == ')');
    if end.is_none() && !is_whole {
        return false;
    }
    let target = end.map_or(target, |end| target.get(..end).unwrap_or_default());
    let path = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| target.strip_prefix(scheme));
    // Escapes and entities could write a scheme in another way.
    let is_plain =
        |char: char| !matches!(char, '<' | '\\' | '&') && (path.is_some() || char != ':');
    !target.starts_with("//") && path.unwrap_or(target).chars().all(is_plain)
}

/// Whether `<` with these characters behind it may be markup with attributes, an address, or more than a
/// type argument.
fn may_open_markup(first: char, rest: &str) -> bool {
    if matches!(first, '!' | '?') {
        return true;
    }
    let (inside, is_whole) = beginning(rest);
    let end = inside.find('>');
    let is_endless = end.is_none() && !is_whole;
    let inside = end.map_or(inside, |end| inside.get(..end).unwrap_or_default());
    let name = inside.trim_end_matches('/').trim_end();
    let is_active = ["style", "script"].iter().any(|active| {
        let rest = active.strip_prefix(first.to_ascii_lowercase());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(name))
    });
    first.is_ascii_alphabetic() && (is_active || is_endless || inside.contains(['=', ':']))
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
        for (markdown, tame) in [
            (
                "[![a](http://x/?b)](command:c) [d](https://e) \u{202e}",
                "[!\\[a](http://x/?b)]\\(command:c) [d](https://e) \\u{202e}",
            ),
            // The ways to write the same.
            ("[a](COMMAND:b)", "[a]\\(COMMAND:b)"),
            ("[a](\n command:b)", "[a]\\(\n command:b)"),
            ("[a](<command:b>)", "[a]\\(\\<command:b>)"),
            ("[a](&#99;ommand:b)", "[a]\\(&#99;ommand:b)"),
            ("[a](comm\\and:b)", "[a]\\(comm\\and:b)"),
            ("[a](file:///b)", "[a]\\(file:///b)"),
            ("[a](//b.example)", "[a]\\(//b.example)"),
            ("[a][b]\n\n[b]: vscode://c", "[a][b]\n\n[b]\\: vscode://c"),
            ("[b]:\n  command:c", "[b]\\:\n  command:c"),
            ("<command:b>", "\\<command:b>"),
            ("<img src=x>", "\\<img src=x>"),
            ("<img\nsrc=x", "\\<img\nsrc=x"),
            ("<style>a", "\\<style>a"),
            ("<!-- a", "\\<!-- a"),
            ("![a][b]", "!\\[a][b]"),
        ] {
            assert_eq!(tame_markdown(markdown), tame, "{markdown}");
        }
    }

    #[test]
    fn what_has_no_end_in_sight_is_no_link_and_costs_little() {
        let many = 100_000;
        assert_eq!(tame_markdown(&"<a".repeat(many)), {
            let sure = LONGEST / 2;
            format!(
                "{}{}",
                "\\<a".repeat(many - sure - 1),
                "<a".repeat(sure + 1)
            )
        });
        let far = format!("[a](b{})", "c".repeat(LONGEST));
        assert_eq!(tame_markdown(&far), far.replacen("](", "]\\(", 1));
    }

    #[test]
    fn honest_markdown_stays_as_it_is() {
        for markdown in [
            "[a](https://b.example/c?d=e:f) and [g](http://h)",
            "[a](src/b.rs#L3) [c](../d.md \"title\") [e](#f)",
            "[a][b]\n\n[b]: https://c.example",
            "- [x] done: `Vec<u8>`, a < b, `a[0]: u8`, wow!",
        ] {
            assert_eq!(tame_markdown(markdown), markdown);
        }
    }
}
