//! The built-in syntax engine, shown by cases: `fixtures/builtin/*.txt`.
//!
//! Each case is a text before, a task, and the text after, carried out by the edit engine as any
//! model's reply would be. `UPDATE_EXPECT=1 cargo test -p pleach-agent --test builtin` writes down
//! what comes out; read it before you commit it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::missing_panics_doc
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use pleach_agent::Action;
use pleach_agent::builtin::{BuiltinTask, DiagnosticNote, answer};
use pleach_edit::{EditRequest, RefusalCode, Rung, propose};
use pleach_grammars::{Language, parse};
use pleach_text::{ByteOffset, ByteRange};

/// One case of a fixture file.
///
/// ```text
/// ==== what it shows
/// action: document | tests | fix | rewrite | comment
/// path: src/lib.rs
/// instruction: rename x to y
/// message: unused import: `a`
/// crlf: true
/// ---- before
/// the text, with ¦ at the cursor or « and » around the selection
/// ---- file tests/other.py
/// another file
/// ---- after src/lib.rs
/// ---- summary
/// ---- refused
/// ```
#[derive(Default, Clone)]
struct Case {
    title: String,
    settings: Vec<(String, String)>,
    before: String,
    files: BTreeMap<String, String>,
    expected: Vec<(String, String)>,
}

impl Case {
    fn get(&self, key: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn read(text: &str) -> Vec<Self> {
        let mut cases: Vec<Self> = Vec::new();
        let mut section: Option<String> = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches('\n');
            if let Some(title) = bare.strip_prefix("==== ") {
                cases.push(Self {
                    title: title.to_owned(),
                    ..Self::default()
                });
                section = None;
                continue;
            }
            let case = cases.last_mut().expect("a case begins with ====");
            if let Some(name) = bare.strip_prefix("---- ") {
                section = Some(name.to_owned());
                match name.split_once(' ') {
                    Some(("file", path)) => {
                        case.files.insert(path.to_owned(), String::new());
                    }
                    _ if name == "before" => {}
                    _ => case.expected.push((name.to_owned(), String::new())),
                }
                continue;
            }
            match section.as_deref() {
                None => {
                    if let Some((key, value)) = bare.split_once(": ") {
                        case.settings.push((key.to_owned(), value.to_owned()));
                    }
                }
                Some("before") => case.before.push_str(line),
                Some(name) => match name.strip_prefix("file ") {
                    Some(path) => case.files.get_mut(path).unwrap().push_str(line),
                    None => case.expected.last_mut().unwrap().1.push_str(line),
                },
            }
        }
        cases
    }

    fn write(&self) -> String {
        let mut text = format!("==== {}\n", self.title);
        for (key, value) in &self.settings {
            let _ = writeln!(text, "{key}: {value}");
        }
        let _ = write!(text, "---- before\n{}", self.before);
        for (path, content) in &self.files {
            let _ = write!(text, "---- file {path}\n{content}");
        }
        for (name, content) in &self.expected {
            let _ = write!(text, "---- {name}\n{content}");
        }
        text
    }

    /// The text without its marks, and what they mark.
    fn place(&self) -> (String, ByteRange) {
        let mut text = String::new();
        let mut marks: Vec<usize> = Vec::new();
        for letter in self.before.chars() {
            match letter {
                '¦' | '«' | '»' => marks.push(text.len()),
                letter => text.push(letter),
            }
        }
        // A marked part may be a line of its own: the file ends where its section does.
        if self.get("crlf").is_some() {
            let lines = |until: usize| text[..until].matches('\n').count();
            for mark in &mut marks {
                *mark += lines(*mark);
            }
            text = text.replace('\n', "\r\n");
        }
        let start = marks.first().copied().unwrap_or(0);
        let end = marks.last().copied().unwrap_or(start);
        (text, ByteRange::new(ByteOffset(start), ByteOffset(end)))
    }

    /// Carries out the case; what came out, in the form of a fixture.
    fn run(&self) -> Vec<(String, String)> {
        let (text, range) = self.place();
        let path = self.get("path").expect("a case has a path");
        let language = Language::from_path(path);
        let mut files = self.files.clone();
        files.insert(path.to_owned(), text.clone());
        let action = self.get("action").expect("a case has an action");
        let action = Action::ALL
            .into_iter()
            .find(|one| serde_json::to_value(one).unwrap() == action)
            .expect("the action is known");
        let diagnostics: Vec<DiagnosticNote> = self
            .settings
            .iter()
            .filter(|(key, _)| key == "message")
            .map(|(_, message)| DiagnosticNote {
                range,
                message: message.clone(),
                code: None,
                source: None,
            })
            .collect();
        let task = BuiltinTask {
            action,
            path,
            language,
            text: &text,
            range,
            instruction: self.get("instruction"),
            diagnostics: &diagnostics,
            files: &files,
        };
        let answer = match answer(&task) {
            Ok(answer) => answer,
            Err(refusal) => {
                let said = format!("{}: {refusal}; {}\n", refusal.code(), refusal.next_step());
                return vec![("refused".to_owned(), said)];
            }
        };
        let proposal = propose(&EditRequest::new(&answer.reply, &files))
            .unwrap_or_else(|refusal| panic!("{}: {refusal}\n{}", self.title, answer.reply));
        for hunk in proposal.hunks() {
            // In a file with CRLF the blocks differ in their line ends alone.
            let exact = [Rung::Exact, Rung::LineEndings].contains(&hunk.rung)
                || !files.contains_key(&hunk.path);
            assert!(exact, "{}: a block is not found as it stands", self.title);
        }
        assert!(answer.reply.starts_with(&answer.summary), "{}", self.title);
        let mut out = Vec::new();
        for (path, after) in proposal.texts_after() {
            let after = after.expect("the engine deletes no file");
            let language = Language::from_path(&path).expect("a file of a known language");
            let problems = |text: &str| parse(language, text).problems(text).len();
            let before = files.get(&path).map_or(0, |text| problems(text));
            assert!(
                problems(&after) <= before,
                "{}: {path} got worse:\n{after}",
                self.title
            );
            if self.get("crlf").is_some() {
                assert_eq!(
                    after.matches('\n').count(),
                    after.matches("\r\n").count(),
                    "{}",
                    self.title
                );
            }
            let shown = after.replace("\r\n", "\n");
            let end = if shown.ends_with('\n') || shown.is_empty() {
                ""
            } else {
                "\n"
            };
            out.push((format!("after {path}"), format!("{shown}{end}")));
        }
        out.push(("summary".to_owned(), format!("{}\n", answer.summary)));
        out
    }
}

fn check(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/builtin")
        .join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).expect("the fixture is there");
    let cases = Case::read(&text);
    assert!(!cases.is_empty());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let cases: Vec<String> = cases
            .into_iter()
            .map(|case| {
                Case {
                    expected: case.run(),
                    ..case
                }
                .write()
            })
            .collect();
        std::fs::write(&path, cases.concat()).expect("the fixture can be written");
        return;
    }
    for case in cases {
        let found = Case {
            expected: case.run(),
            ..case.clone()
        }
        .write();
        assert_eq!(found, case.write(), "{}: {}", name, case.title);
    }
}

#[test]
fn documents_rust() {
    check("document_rust");
}

#[test]
fn documents_python() {
    check("document_python");
}

#[test]
fn documents_typescript_and_javascript() {
    check("document_script");
}

#[test]
fn documents_go() {
    check("document_go");
}

#[test]
fn writes_test_skeletons_for_rust() {
    check("tests_rust");
}

#[test]
fn writes_test_skeletons_for_python() {
    check("tests_python");
}

#[test]
fn writes_test_skeletons_for_typescript_and_javascript() {
    check("tests_script");
}

#[test]
fn writes_test_skeletons_for_go() {
    check("tests_go");
}

#[test]
fn fixes_rust() {
    check("fix_rust");
}

#[test]
fn fixes_python() {
    check("fix_python");
}

#[test]
fn fixes_typescript_and_javascript() {
    check("fix_script");
}

#[test]
fn fixes_go() {
    check("fix_go");
}

#[test]
fn renames_and_follows_instructions() {
    check("rewrite");
}

#[test]
fn carries_out_comments() {
    check("comment");
}

/// Every text of the fixtures, every few places in it, in three ways of writing a file: whatever
/// comes out parses as a reply, is placed as it stands, and makes no file worse.
#[test]
fn whatever_is_answered_can_be_taken() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/builtin");
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let mut answered = 0;
    for (number, name) in names.iter().enumerate() {
        for case in Case::read(&std::fs::read_to_string(name).unwrap()) {
            let path = case.get("path").unwrap().to_owned();
            let (text, _) = Case {
                settings: Vec::new(),
                ..case.clone()
            }
            .place();
            let text = match number % 3 {
                0 => text,
                1 => text.replace('\n', "\r\n"),
                _ => format!("\u{feff}{}", text.trim_end()),
            };
            let mut files = case.files.clone();
            files.insert(path.clone(), text.clone());
            for at in (0..=text.len())
                .step_by(11)
                .filter(|at| text.is_char_boundary(*at))
            {
                for (action, instruction) in [
                    (Action::Document, None),
                    (Action::Tests, None),
                    (Action::Rewrite, Some("rename to fresh_name")),
                    (Action::Rewrite, Some("remove this unused import")),
                ] {
                    let task = BuiltinTask {
                        action,
                        path: &path,
                        language: Language::from_path(&path),
                        text: &text,
                        range: ByteRange::empty(ByteOffset(at)),
                        instruction,
                        diagnostics: &[],
                        files: &files,
                    };
                    let Ok(answer) = answer(&task) else { continue };
                    let proposal = propose(&EditRequest::new(&answer.reply, &files));
                    // A file that holds nothing else is not emptied.
                    if proposal
                        .as_ref()
                        .is_err_and(|it| it.code == RefusalCode::WouldEmptyFile)
                    {
                        continue;
                    }
                    let proposal = proposal.unwrap_or_else(|refusal| {
                        panic!("{} at {at}: {refusal}\n{}", case.title, answer.reply)
                    });
                    for hunk in proposal.hunks().iter().filter(|hunk| hunk.path == path) {
                        let exact = [Rung::Exact, Rung::LineEndings].contains(&hunk.rung);
                        assert!(
                            exact,
                            "{} at {at}: {:?}\n{}",
                            case.title, hunk.rung, answer.reply
                        );
                    }
                    answered += 1;
                }
            }
        }
    }
    assert!(answered > 1000, "{answered}");
}
