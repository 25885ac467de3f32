#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    missing_docs
)]
use pleach_grammars::*;
use std::ops::ControlFlow;
use std::time::Instant;
#[test]
fn measure() {
    let list = std::fs::read_to_string(std::env::var("LIST").unwrap()).unwrap();
    let mut rows = vec![];
    for path in list.lines() {
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let Some(language) = Language::detect(None, path, text.lines().next().unwrap_or("")) else {
            continue;
        };
        if text.len() < 1000 {
            continue;
        }
        let mut parser = tree_sitter::Parser::new();
        parser.set_language(language.grammar()).unwrap();
        let (mut served, mut calls) = (0usize, 0usize);
        let t = Instant::now();
        let mut progress = |_: &tree_sitter::ParseState| {
            calls += 1;
            ControlFlow::<()>::Continue(())
        };
        let tree = parser
            .parse_with_options(
                &mut |b, _| {
                    let r = text
                        .as_bytes()
                        .get(b..(b + 4096).min(text.len()))
                        .unwrap_or(&[]);
                    served += r.len();
                    r
                },
                None,
                Some(tree_sitter::ParseOptions::new().progress_callback(&mut progress)),
            )
            .unwrap();
        let ms = t.elapsed().as_millis();
        let s = parse(language, &text);
        rows.push((
            language,
            text.len(),
            served as f64 / text.len() as f64,
            calls * 1000 / text.len(),
            ms,
            s.problem_count(),
            path.to_string(),
        ));
        let _ = tree;
    }
    let mut by: std::collections::BTreeMap<Language, Vec<_>> = Default::default();
    for r in rows {
        by.entry(r.0).or_default().push(r);
    }
    for (l, v) in by {
        let broken = v.iter().filter(|r| r.5 > 0).count();
        println!("{l}: {} files, {} with problems", v.len(), broken);
        let mut v2: Vec<_> = v.iter().collect();
        v2.sort_by(|a, b| b.2.total_cmp(&a.2));
        for r in v2.iter().take(3) {
            println!(
                "   served {:.1} callbacks {} len {} ms {} problems {} {}",
                r.2, r.3, r.1, r.4, r.5, r.6
            );
        }
        v2.sort_by_key(|r| std::cmp::Reverse(r.3));
        for r in v2.iter().take(3) {
            println!(
                "   callbacks {} served {:.1} len {} ms {} problems {} {}",
                r.3, r.2, r.1, r.4, r.5, r.6
            );
        }
    }
}
