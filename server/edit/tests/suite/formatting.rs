//! A formatter that runs while a proposal waits changes nothing but the layout of what lands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pleach_edit::{EditRequest, Review, propose};
use proptest::prelude::*;
use proptest::sample::Index;

/// A small program, without any layout.
#[derive(Debug, Clone)]
enum Statement {
    Call(u32, Vec<Argument>),
    Block(u32, Vec<Statement>),
}

#[derive(Debug, Clone)]
enum Argument {
    Name(u32),
    Text(u32),
}

/// How it is written: as a person does, or as a formatter does.
#[derive(Debug, Clone, Copy)]
struct Style {
    indent: &'static str,
    quote: char,
    /// Calls with more arguments than this are broken into lines.
    wide: usize,
    blank_lines: bool,
}

const AS_TYPED: Style = Style {
    indent: "  ",
    quote: '\'',
    wide: 9,
    blank_lines: false,
};

fn formatters() -> impl Strategy<Value = Style> {
    (
        prop::sample::select(vec!["  ", "    ", "\t"]),
        prop::sample::select(vec!['\'', '"']),
        prop::sample::select(vec![0_usize, 1, 2, 9]),
        any::<bool>(),
    )
        .prop_map(|(indent, quote, wide, blank_lines)| Style {
            indent,
            quote,
            wide,
            blank_lines,
        })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Tongue {
    JavaScript,
    Python,
    Rust,
}

impl Tongue {
    fn path(self) -> &'static str {
        match self {
            Self::JavaScript => "x.js",
            Self::Python => "x.py",
            Self::Rust => "x.rs",
        }
    }
}

fn print(program: &[Statement], style: Style, tongue: Tongue) -> String {
    let mut out = String::new();
    if tongue == Tongue::Rust {
        out.push_str("fn main() {\n");
        print_at(program, style, tongue, 1, &mut out);
        out.push_str("}\n");
    } else {
        print_at(program, style, tongue, 0, &mut out);
    }
    out
}

fn print_at(program: &[Statement], style: Style, tongue: Tongue, depth: usize, out: &mut String) {
    let indent = style.indent.repeat(depth);
    let end = if tongue == Tongue::Python { "" } else { ";" };
    for statement in program {
        match statement {
            Statement::Call(name, arguments) => {
                let quote = if tongue == Tongue::Rust {
                    '"'
                } else {
                    style.quote
                };
                let shown: Vec<String> = arguments
                    .iter()
                    .map(|argument| match argument {
                        Argument::Name(name) => format!("n{name}"),
                        Argument::Text(text) => format!("{quote}t{text}{quote}"),
                    })
                    .collect();
                if shown.len() > style.wide {
                    let _ = writeln!(out, "{indent}f{name}(");
                    for argument in shown {
                        let _ = writeln!(out, "{indent}{}{argument},", style.indent);
                    }
                    let _ = writeln!(out, "{indent}){end}");
                } else {
                    let _ = writeln!(out, "{indent}f{name}({}){end}", shown.join(", "));
                }
            }
            Statement::Block(condition, inner) => {
                let (open, close) = match tongue {
                    Tongue::JavaScript => (format!("if (c{condition}) {{"), Some("}")),
                    Tongue::Python => (format!("if c{condition}:"), None),
                    Tongue::Rust => (format!("if c{condition} {{"), Some("}")),
                };
                let _ = writeln!(out, "{indent}{open}");
                print_at(inner, style, tongue, depth + 1, out);
                if let Some(close) = close {
                    let _ = writeln!(out, "{indent}{close}");
                }
                if style.blank_lines {
                    out.push('\n');
                }
            }
        }
    }
}

fn argument() -> impl Strategy<Value = Argument> {
    prop_oneof![
        (0..50_u32).prop_map(Argument::Name),
        (0..50_u32).prop_map(Argument::Text)
    ]
}

fn call() -> impl Strategy<Value = Statement> {
    (0..90_u32, proptest::collection::vec(argument(), 0..5))
        .prop_map(|(name, arguments)| Statement::Call(name, arguments))
}

fn program() -> impl Strategy<Value = Vec<Statement>> {
    let block = (0..90_u32, proptest::collection::vec(call(), 1..4))
        .prop_map(|(condition, inner)| Statement::Block(condition, inner));
    proptest::collection::vec(prop_oneof![3 => call(), 1 => block], 2..12)
}

/// What the agent does to one statement.
fn edit(program: &mut Vec<Statement>, at: Index, what: u8) {
    let at = at.index(program.len());
    let removable = program.len() > 1;
    match (&mut program[at], what % 4) {
        (Statement::Call(_, arguments), 0) => arguments.push(Argument::Name(900)),
        (Statement::Call(_, arguments), 1) if !arguments.is_empty() => {
            arguments.pop();
        }
        (Statement::Call(name, _), 2) => *name = 901,
        (Statement::Block(_, inner), 0) => inner.push(Statement::Call(902, Vec::new())),
        (Statement::Block(condition, _), 1) => *condition = 903,
        (_, 3) if removable => {
            program.remove(at);
        }
        _ => program.insert(
            at,
            Statement::Block(904, vec![Statement::Call(905, vec![Argument::Name(906)])]),
        ),
    }
}

/// A text without its layout; how deep a line is counts where that means something.
fn said(text: &str, tongue: Tongue) -> String {
    let mut out = String::new();
    let (mut open, mut depths) = (0_usize, vec![0]);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if tongue == Tongue::Python && open == 0 {
            let indent = line.len() - line.trim_start().len();
            depths.retain(|depth| *depth <= indent);
            if depths.last() != Some(&indent) {
                depths.push(indent);
            }
            let _ = write!(out, "\n{}:", depths.len());
        }
        open = open + line.matches('(').count() - line.matches(')').count();
        out.extend(line.chars().filter(|char| !char.is_whitespace()));
    }
    out.replace('\'', "\"").replace(",)", ")")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(5), ..ProptestConfig::default() })]

    #[test]
    fn format_on_save_changes_the_layout_of_what_lands_and_nothing_else(
        program in program(),
        edits in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..3),
        style in formatters(),
        tongue in prop::sample::select(vec![Tongue::JavaScript, Tongue::Python, Tongue::Rust]),
    ) {
        let mut meant = program.clone();
        for (at, what) in edits {
            edit(&mut meant, at, what);
        }
        let before = print(&program, AS_TYPED, tongue);
        let after = print(&meant, AS_TYPED, tongue);
        prop_assume!(before != after);
        let files = BTreeMap::from([(tongue.path().to_owned(), before.clone())]);
        let reply = format!("{}\n````\n{after}````\n", tongue.path());
        let Ok(proposal) = propose(&EditRequest::new(&reply, &files)) else {
            return Ok(());
        };
        let mut review = Review::of(proposal);
        let formatted = print(&program, style, tongue);
        review.catch_up(tongue.path(), Some(&formatted));
        prop_assert_eq!(review.conflicts(), vec![], "{} made {} by the agent, {} by the formatter", before, after, formatted);
        let landed = review.accept_all().unwrap().after(tongue.path()).unwrap();
        let expected = print(&meant, style, tongue);
        prop_assert_eq!(
            said(&landed, tongue),
            said(&expected, tongue),
            "{} made {} by the agent, {} by the formatter, {} landed", before, after, formatted, landed
        );
    }
}
