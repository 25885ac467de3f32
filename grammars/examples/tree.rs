//! Prints the syntax tree of a file, for who writes rules for a language:
//! `cargo run -p pleach-grammars --example tree -- FILE [LANGUAGE]`.
#![allow(clippy::print_stdout)]

use std::error::Error;

use pleach_grammars::{Language, parse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file")?;
    let text = std::fs::read_to_string(&path)?;
    let language = match arguments.next() {
        Some(id) => id.parse()?,
        None => Language::detect(None, &path, text.lines().next().unwrap_or(""))
            .ok_or("cannot tell the language; name it after the file")?,
    };
    let syntax = parse(language, &text);
    let mut cursor = syntax.tree().walk();
    let mut depth = 0_usize;
    loop {
        let node = cursor.node();
        let field = cursor
            .field_name()
            .map(|name| format!("{name}: "))
            .unwrap_or_default();
        let missing = if node.is_missing() { " MISSING" } else { "" };
        let leaf = if node.child_count() == 0 {
            format!(" {:?}", text.get(node.byte_range()).unwrap_or(""))
        } else {
            String::new()
        };
        if node.is_named() || node.is_missing() {
            println!(
                "{:indent$}{field}{}{missing} [{}..{}]{leaf}",
                "",
                node.kind(),
                node.start_byte(),
                node.end_byte(),
                indent = depth * 2
            );
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                for problem in syntax.problems(&text) {
                    println!(
                        "{}:{}: {problem}",
                        problem.line.number(),
                        problem.column + 1
                    );
                }
                return Ok(());
            }
            depth -= 1;
        }
    }
}
