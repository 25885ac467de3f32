//! The outline of a realistic file in every language, beside the file: `samples/*.outline`.
//!
//! After a deliberate change, `UPDATE_EXPECT=1 cargo test -p pleach-grammars --test suite outline` rewrites
//! them; read the difference before you commit it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::fmt::Write as _;
use std::path::PathBuf;

use expect_test::expect_file;
use pleach_grammars::{Language, Symbol, outline, parse};
use pleach_text::{ByteRange, line_column};

/// One symbol a line: the lines it covers, kind, name, documentation, signature.
fn show(symbols: &[Symbol], text: &str) -> String {
    let mut out = String::new();
    for symbol in symbols {
        let mut depth = 0;
        let mut parent = symbol.parent;
        while let Some(index) = parent {
            depth += 1;
            parent = symbols[index].parent;
        }
        let container = symbol
            .container
            .as_ref()
            .map_or(String::new(), |name| format!("{name} / "));
        let body = symbol
            .body
            .map_or(String::new(), |body| format!(" body {}", lines(body, text)));
        let doc = symbol.doc.map_or(String::new(), |doc| {
            format!(
                " doc {:?}",
                doc.of(text)
                    .unwrap()
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        });
        let signature = symbol
            .signature(text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        writeln!(
            out,
            "{:>2$}{3} {4} {container}{1}{body}{doc} | {signature}",
            "",
            symbol.name,
            depth * 2,
            lines(symbol.range, text),
            symbol.kind.name(),
        )
        .unwrap();
    }
    out
}

fn lines(range: ByteRange, text: &str) -> String {
    let (first, column) = line_column(text, range.start);
    let (last, end) = line_column(text, range.end);
    format!(
        "{}:{}-{}:{}",
        first.number(),
        column + 1,
        last.number(),
        end + 1
    )
}

#[test]
fn samples_have_no_problems_and_the_outlines_beside_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut seen = Vec::new();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let Some(language) = Language::from_path(path.to_str().unwrap()) else {
            continue;
        };
        seen.push(language);
        let text = std::fs::read_to_string(&path).unwrap();
        let syntax = parse(language, &text);
        assert_eq!(syntax.problems(&text), [], "{}", path.display());

        let symbols = outline(&syntax, &text);
        for (index, symbol) in symbols.iter().enumerate() {
            assert!(symbol.parent.is_none_or(|parent| parent < index));
            assert!(symbol.name_range.of(&text).is_some() && symbol.range.of(&text).is_some());
            assert!(symbol.range.contains_range(symbol.name_range), "{symbol:?}");
            assert!(
                symbol
                    .body
                    .is_none_or(|body| symbol.range.contains_range(body)),
                "{symbol:?}"
            );
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        expect_file![folder.join(format!("{name}.outline"))].assert_eq(&show(&symbols, &text));
    }
    seen.sort();
    assert_eq!(seen, Language::ALL);
}
