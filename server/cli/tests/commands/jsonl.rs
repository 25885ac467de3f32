use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::Place;

fn request(id: u32) -> String {
    let edit = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n";
    json!({"id": id, "files": {"a.py": "x = 1\n"}, "edit": edit}).to_string()
}

#[test]
fn each_line_is_answered_before_the_next_is_read() {
    let mut child = Place::new(&[])
        .command(&["apply", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(input, "{}", request(id)).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&answer["id"], &answer["status"]),
            (&json!(id), &json!("applied"))
        );
        assert_eq!(answer["files"], json!({"a.py": "x = 2\n"}));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_bad_line_is_answered_and_the_next_one_too() {
    let place = Place::new(&[]);
    let mut input = b"nonsense\n\n\xff\xfe\n[1]\n{\"id\":7}\n".to_vec();
    input.extend_from_slice(request(8).as_bytes());
    let ran = place.finish(place.command(&["apply", "--jsonl"]), &input);
    let answers: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let status: Vec<_> = answers
        .iter()
        .map(|answer| answer["status"].as_str().unwrap())
        .collect();
    let bad = "rejected";
    assert_eq!(status, [bad, bad, bad, bad, bad, "applied"]);
    assert_eq!(answers[4]["id"], 7);
    assert_eq!(ran.code, 0);
}

#[test]
fn options_for_files_make_no_sense_with_it() {
    for option in [
        ["--write", ""],
        ["--file", "a"],
        ["--format", "unified_diff"],
    ] {
        let arguments = ["apply", "--jsonl"]
            .into_iter()
            .chain(option)
            .filter(|it| !it.is_empty());
        assert_eq!(
            Place::new(&[]).run(&arguments.collect::<Vec<_>>()).code,
            2,
            "{option:?}"
        );
    }
}
