//! How to write a text that is hard on a grammar: pieces of real code, what opens and never closes,
//! staircases of indentation, words without end, noise.

use std::path::Path;

use pleach_grammars::Language;
use pleach_text::{ByteOffset, ChangeSet, Replacement};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What is hard in any language.
const ANYWHERE: &[&str] = &[
    "{", "}", "(", ")", "[", "]", "<", ">", "\"", "'", "`", "\"\"\"", "'''", "=", ":", ";", ",",
    ".", "/*", "*/", "//", "#", "\\", "\\\n", "\n", "\r\n", "\r", "\n\n", "\t", " ", "    ", "x",
    "_", "0", "1.", "é", "\u{3000}", "\u{feff}", "\u{2028}", "\u{85}", "😀", "e\u{301}", "\u{7f}",
    "\u{c}", "\u{b}",
];

/// What the scanner of a language keeps something about, or looks far ahead for.
fn of_language(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &[
            "r#\"",
            "\"#",
            "r####\"",
            "b\"",
            "c\"",
            "/*!",
            "/**",
            "///",
            "//!",
            "'a",
            "'a'",
            "1.",
            "1..2",
            "1f32",
            "fn f<T>(",
            "macro_rules! m {",
            "($x:tt)*",
            "=> ",
            "|",
            "#[a]",
            "match ",
            "::<",
        ],
        Language::Python => &[
            "f\"",
            "f'''",
            "rb\"",
            "{{",
            "}}",
            "{x!r:>{w}}",
            "def f():\n",
            "if x:\n",
            "  ",
            "\\N{",
            "else:\n",
            "lambda ",
            "match x:\n",
            "case _:\n",
            "async ",
            "@d\n",
            ":=",
            "#c\n",
            "class A:\n\n",
        ],
        Language::JavaScript | Language::TypeScript | Language::Tsx => &[
            "${",
            "`",
            "/a/",
            "/[",
            "<a>",
            "</a>",
            "<>",
            "<a b={",
            "=>",
            "<T,>",
            "<!--",
            "-->",
            "?.",
            "async ",
            "function ",
            "class A {",
            "get ",
            "#x",
            "@d",
            "as ",
            "satisfies ",
            "in ",
            "\n++",
            "return\n",
        ],
        Language::Go => &[
            "`",
            "func ",
            "package p\n",
            "chan ",
            "<-",
            "go ",
            "[]",
            "map[",
            "...",
            "'\\''",
            "/*",
        ],
        Language::Java => &[
            "class A {",
            "\"\"\"",
            "a<",
            "@A",
            "->",
            "::",
            "?",
            "switch (x) {",
            "case ",
            "'\\u",
        ],
        Language::C | Language::Cpp => &[
            "R\"x(",
            ")x\"",
            "R\"(",
            "R\"abcdefghijklmnopq(",
            "#if ",
            "#endif\n",
            "#define A(x) \\\n",
            "template<",
            "L'",
            "u8\"",
            "a<",
            "::",
            "<<",
            "struct ",
            "[[a]]",
            "co_await ",
            "'1",
        ],
        Language::CSharp => &[
            "$\"",
            "$@\"",
            "@\"",
            "$\"\"\"",
            "$$\"\"\"",
            "$$$$\"\"\"\"",
            "{{",
            "}}",
            "{x",
            "#region\n",
            "#if A\n",
            "class A {",
            "=>",
            "a<",
            "?",
            "\n;",
        ],
        Language::Ruby => &[
            "<<~A",
            "<<-'B'",
            "<<\"",
            "<<`",
            "<<A, <<B",
            "A\n",
            "B\n",
            "#{",
            "%w[",
            "%q(",
            "%Q{",
            "%r/",
            "%i<",
            "=begin\n",
            "=end\n",
            "__END__\n",
            "?a",
            ":\"",
            "#@x",
            "#$y",
            "do |x|\n",
            "end\n",
            "def f\n",
            "/x/",
            "if ",
            "{ |",
            "x ? y : z",
            "&.",
            "**",
            "!~",
        ],
        Language::Php => &[
            "<?php ",
            "?>",
            "<?= ",
            "<<<X\n",
            "X;\n",
            "<<<'Y'\n",
            "Y\n",
            "<<<\"Z\"\n",
            "{$",
            "${",
            "$x",
            "->",
            "?->",
            "#[A]",
            "fn() =>",
            "match(",
            "__halt_compiler();",
            "X",
        ],
        Language::Lua => &[
            "[[",
            "]]",
            "[==[",
            "]==]",
            "--[[",
            "--[=[",
            "function ",
            "end\n",
            "goto ",
            "::",
            "..",
            "\\z",
        ],
        Language::Bash => &[
            "<<A\n",
            "<<-'B'\n",
            "<<\"C D\"\n",
            "A\n",
            "B\n",
            "$(",
            "${",
            "${x[@]}",
            "${x//",
            "$((",
            "))",
            "`",
            "[[",
            "]]",
            "=~",
            "case x in",
            ";;",
            "esac\n",
            "if ",
            "fi\n",
            "do\n",
            "done\n",
            "$'",
            "$\"",
            "{1..",
            "@(",
            "!(",
            "+(",
            "<<<",
            "&>",
            "#",
            "<(",
            "|",
            "<<",
        ],
        Language::Json => &["{\"a\":", "[", "\\u", "\"", "null", "1e", "-"],
        Language::Yaml => &[
            "- ",
            "? ",
            ": ",
            "a: ",
            "|\n",
            ">-\n",
            "|2+\n",
            "&a ",
            "*a ",
            "!t ",
            "!<x> ",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "%TAG ! x\n",
            "[",
            "{",
            "a: b: ",
            "  - ",
            "\"a\": ",
            "#c\n",
            "-\n",
            "?\n",
            ":\n",
            "-\t",
        ],
        Language::Toml => &[
            "[a]\n",
            "[[b]]\n",
            "a = ",
            "\"\"\"",
            "'''",
            "\\\n",
            "1979-05-27T",
            "{a=",
            "0x",
            "inf",
        ],
        Language::Html => &[
            "<div>",
            "</div>",
            "<p>",
            "<li>",
            "<script>",
            "</script>",
            "<style>",
            "</style>",
            "<x-a>",
            "</x-a>",
            "<br/>",
            "<!--",
            "-->",
            "<!DOCTYPE x>",
            "&amp;",
            "<a b='",
            "<td>",
            "<option>",
            "<svg/>",
            "<textarea>",
            "<",
        ],
        Language::Css => &[
            "a {",
            "a:b",
            "a :b {",
            "@media ",
            "@import ",
            "url(",
            "!important",
            "--x:",
            "calc(",
            "&:hover{",
            "#f",
            "U+",
            " > ",
            "::",
            "/**/",
        ],
        Language::Markdown => &[
            "# ",
            "> ",
            "- ",
            "* ",
            "1. ",
            "123456789) ",
            "```",
            "~~~~",
            "```rust\n",
            "    ",
            "\t",
            "<div>\n",
            "<!--",
            "===\n",
            "---\n",
            "+++\n",
            "[a]: ",
            "|a|b|\n",
            "|-|-|\n",
            "![",
            "](",
            "- [ ] ",
            "<?",
            "<![CDATA[",
            "\n\n",
            ">",
        ],
        Language::Kotlin => &[
            "\"\"\"",
            "${",
            "$x",
            "a<",
            "?.",
            "?:",
            "a@",
            "fun ",
            "\n.",
            "\n?.",
            "is ",
            "->",
            "when {",
            "@A",
            "\n&&",
            "val x by ",
            "class A\n",
            "/*",
        ],
        Language::Swift => &[
            "#\"", "\"#", "##\"\"\"", "\"\"\"##", "\\(", "\\#(", "#/", "/#", "/a/", "??", "&&",
            "<^*^>", "a<", "#if a\n", "#endif\n", "func ", "{ $0 }", "@A", "?.", "!", "\n.",
            "try! ", "->", "where ", "async ", "/*",
        ],
        Language::Zig => &[
            "\\\\",
            "@\"",
            "fn f() ",
            "comptime ",
            "|x|",
            ".{",
            "orelse ",
            "catch ",
            "a: {",
            "//!",
            "'\\",
        ],
        Language::Scala => &[
            "s\"",
            "s\"\"\"",
            "$x",
            "${",
            "\"\"\"",
            "a[",
            "=>",
            "match\n",
            "case x =>\n",
            "end f\n",
            "def f =\n",
            ":\n",
            "then\n",
            "else\n",
            "given ",
            "extension (",
            "@A",
            "<xml>",
            "'{",
            "try\n",
            "catch\n",
            "if x\n",
            "object A:\n",
            "class A\n",
            "/*",
            "yield ",
            "  ",
        ],
    }
}

/// The sample of a language, as the outline's test reads it.
pub(crate) fn sample(language: Language) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the samples are there")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    names.sort();
    names
        .iter()
        .find(|name| Language::from_path(&name.to_string_lossy()) == Some(language))
        .map(|name| std::fs::read_to_string(name).expect("a sample is text"))
        .expect("every language has a sample")
}

/// One way of going on.
#[derive(Debug, Clone)]
enum Piece {
    /// So many characters of the sample from one on.
    Sample(Index, usize),
    /// The whole sample, in which stretches are replaced.
    Broken(Vec<(Index, usize, &'static str)>),
    /// The same again and again.
    Again(Vec<&'static str>, usize),
    /// Each line indented a little more.
    Staircase(&'static str, usize, usize),
    /// Something that opens, and a word without end.
    Long(&'static str, &'static str, usize),
    Words(Vec<&'static str>),
    Noise(Vec<u8>),
}

impl Piece {
    fn write(&self, sample: &str, to: &mut String) {
        match self {
            Self::Sample(from, many) => {
                let from = from.index(sample.chars().count());
                to.extend(sample.chars().skip(from).take(*many));
            }
            Self::Broken(changes) => {
                let mut letters: Vec<char> = sample.chars().collect();
                for (at, many, with) in changes {
                    let at = at.index(letters.len() + 1);
                    let end = (at + many).min(letters.len());
                    letters.splice(at..end, with.chars());
                }
                to.extend(letters);
            }
            Self::Again(words, times) => to.push_str(&words.concat().repeat(*times)),
            Self::Staircase(word, steps, width) => {
                for step in 0..*steps {
                    to.push_str(&" ".repeat(step * width));
                    to.push_str(word);
                    to.push('\n');
                }
            }
            Self::Long(open, filling, times) => {
                to.push_str(open);
                to.push_str(&filling.repeat(*times));
                to.push('\n');
            }
            Self::Words(words) => to.push_str(&words.concat()),
            Self::Noise(bytes) => to.push_str(&String::from_utf8_lossy(bytes)),
        }
    }
}

fn word(language: Language) -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![1 => select(ANYWHERE), 2 => select(of_language(language))]
}

fn piece(language: Language, size: usize) -> impl Strategy<Value = Piece> {
    let word = || word(language);
    let times = prop_oneof![4 => 1..30_usize, 1 => 1..size.max(2)];
    let change = (any::<Index>(), 0..40_usize, word());
    prop_oneof![
        2 => (any::<Index>(), 1..300_usize).prop_map(|(from, many)| Piece::Sample(from, many)),
        2 => prop::collection::vec(change, 1..6).prop_map(Piece::Broken),
        3 => (prop::collection::vec(word(), 1..4), times.clone())
            .prop_map(|(words, times)| Piece::Again(words, times)),
        1 => (word(), times.clone(), 1..4_usize)
            .prop_map(|(word, steps, width)| Piece::Staircase(word, steps.min(500), width)),
        1 => (word(), select(&["a", "A_", "x y", "é", "😀", "\"", "a\n", "0"][..]), times)
            .prop_map(|(open, filling, times)| Piece::Long(open, filling, times)),
        3 => prop::collection::vec(word(), 1..40).prop_map(Piece::Words),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Piece::Noise),
    ]
}

/// How the lines of a text end.
fn with_lines(text: String, style: u8) -> String {
    match style {
        0 => text.replace('\n', "\r\n"),
        1 => text.replace('\n', "\r"),
        // One of three in turn.
        2 => {
            let mut ends = ["\n", "\r\n", "\r"].into_iter().cycle();
            text.split_inclusive('\n')
                .map(|line| line.replace('\n', ends.next().unwrap_or("\n")))
                .collect()
        }
        3 => format!("\u{feff}{text}"),
        _ => text,
    }
}

/// A text that is hard on the grammar of a language, in which nothing is repeated more than `size`
/// times. Now and then it holds a zero byte.
pub(crate) fn text(language: Language, size: usize) -> impl Strategy<Value = String> {
    let sample = sample(language);
    let zero = prop_oneof![30 => Just(None), 1 => any::<Index>().prop_map(Some)];
    let pieces = prop::collection::vec(piece(language, size), 0..8);
    (pieces, 0..12_u8, zero).prop_map(move |(pieces, style, zero)| {
        let mut text = String::new();
        for piece in pieces {
            piece.write(&sample, &mut text);
        }
        let mut text = with_lines(text, style);
        if let Some(zero) = zero {
            text.insert(boundary(&text, zero), '\0');
        }
        text
    })
}

/// A few changes to a text, and the texts that they lead to.
pub(crate) fn edits(language: Language) -> impl Strategy<Value = Vec<(Index, usize, String)>> {
    let insert = prop::collection::vec(word(language), 0..4).prop_map(|words| words.concat());
    prop::collection::vec((any::<Index>(), 0..30_usize, insert), 1..4)
}

/// The change of a text that an edit stands for.
pub(crate) fn change(text: &str, (at, many, insert): &(Index, usize, String)) -> ChangeSet {
    let start = boundary(text, *at);
    let end = text[start..]
        .char_indices()
        .nth(*many)
        .map_or(text.len(), |(length, _)| start + length);
    let replacement = Replacement::new(start..end, insert.clone());
    ChangeSet::new(vec![replacement], ByteOffset(text.len())).expect("it is inside the text")
}

fn boundary(text: &str, at: Index) -> usize {
    let mut at = at.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
