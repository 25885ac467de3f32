//! `pleach check`: the syntax errors of files.

use std::fs;
use std::io::{self, Write};

use pleach_grammars::{Language, SyntaxProblem, injections, parse};
use pleach_text::lines;
use serde_json::{Value, json};

use crate::paint::{BAD, FAINT, GOOD, HEAD, ODD, count, paint};

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  pleach check src/main.rs
  git diff --name-only | xargs pleach check
  pleach check --json *.py | jq '.files[].problems[]'

Exit code: 0 no syntax error, 1 some, 2 a file that cannot be read.
A file in a language without a grammar is reported as not checked, never as valid.")]
pub(crate) struct Arguments {
    /// Files to check
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Report as one JSON object
    #[arg(long)]
    json: bool,
}

/// One file, and what is to be said of it.
struct Report {
    path: String,
    outcome: Outcome,
}

enum Outcome {
    Checked {
        language: Language,
        problems: Vec<Problem>,
    },
    NotChecked,
    Unreadable(String),
}

/// A problem at a place as people count: line and character from 1.
struct Problem {
    line: usize,
    column: usize,
    message: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let reports = arguments.files.iter().map(|path| Report {
        path: path.clone(),
        outcome: look_at(path),
    });
    let reports: Vec<Report> = reports.collect();
    let mut out = anstream::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", as_json(&reports))?;
    } else {
        for report in &reports {
            tell(&mut out, report)?;
        }
        // Apart, so that standard output holds nothing but places.
        summarise(&mut anstream::stderr().lock(), &reports)?;
    }
    Ok(
        if reports
            .iter()
            .any(|report| matches!(report.outcome, Outcome::Unreadable(_)))
        {
            crate::CANNOT
        } else if reports.iter().any(|report| report.problems() > 0) {
            crate::NOT_IN_ORDER
        } else {
            crate::DONE
        },
    )
}

fn look_at(path: &str) -> Outcome {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return Outcome::Unreadable("it is a folder; name the files in it".into());
        }
        Err(error) => return Outcome::Unreadable(error.to_string()),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Outcome::Unreadable("it is not UTF-8 text".into());
    };
    let first_line = text.lines().next().unwrap_or_default();
    let Some(language) = Language::detect(None, path, first_line) else {
        return Outcome::NotChecked;
    };
    Outcome::Checked {
        language,
        problems: problems_of(language, &text),
    }
}

/// The syntax errors of a text, and of the scripts and styles inside a page.
fn problems_of(language: Language, text: &str) -> Vec<Problem> {
    let syntax = parse(language, text);
    let mut problems = syntax.problems(text);
    // Code in a Markdown file is often an excerpt, and right as one.
    if language != Language::Markdown {
        for inner in injections(&syntax, text) {
            let inner = inner.parse(text, &mut || false);
            problems.extend(
                inner
                    .map(|syntax| syntax.problems(text))
                    .unwrap_or_default(),
            );
        }
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let lines: Vec<&str> = lines(text).collect();
    problems
        .iter()
        .map(|problem| Problem::of(problem, &lines))
        .collect()
}

impl Problem {
    fn of(problem: &SyntaxProblem, lines: &[&str]) -> Self {
        let line = usize::try_from(problem.line.0)
            .ok()
            .and_then(|line| lines.get(line));
        // What a person counts: characters, not bytes.
        let before = line.and_then(|line| line.get(..problem.column));
        let column = before.map_or(problem.column, |before| before.chars().count());
        Self {
            line: problem.line.number(),
            column: column + 1,
            message: problem.to_string(),
        }
    }
}

impl Report {
    fn problems(&self) -> usize {
        match &self.outcome {
            Outcome::Checked { problems, .. } => problems.len(),
            Outcome::NotChecked | Outcome::Unreadable(_) => 0,
        }
    }
}

fn tell(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let path = &report.path;
    match &report.outcome {
        Outcome::Checked { problems, .. } => {
            for Problem {
                line,
                column,
                message,
            } in problems
            {
                let place = paint(HEAD, format!("{path}:{line}:{column}:"));
                writeln!(out, "{place} {}", paint(BAD, message))?;
            }
            Ok(())
        }
        Outcome::NotChecked => {
            let why = paint(ODD, "not checked: there is no grammar for this file");
            writeln!(out, "{} {why}", paint(HEAD, format_args!("{path}:")))
        }
        Outcome::Unreadable(cause) => {
            let why = paint(BAD, format!("cannot be read: {cause}"));
            writeln!(out, "{} {why}", paint(HEAD, format_args!("{path}:")))
        }
    }
}

fn summarise(out: &mut impl Write, reports: &[Report]) -> io::Result<()> {
    let of = |wanted: fn(&Outcome) -> bool| {
        reports
            .iter()
            .filter(|report| wanted(&report.outcome))
            .count()
    };
    let checked = of(|outcome| matches!(outcome, Outcome::Checked { .. }));
    let errors: usize = reports.iter().map(Report::problems).sum();
    let style = if errors == 0 { GOOD } else { BAD };
    let errors = if errors == 0 {
        "no syntax error".into()
    } else {
        count(errors, "syntax error")
    };
    write!(
        out,
        "{} in {}",
        paint(style, errors),
        count(checked, "file")
    )?;
    for (number, what) in [
        (
            of(|outcome| matches!(outcome, Outcome::NotChecked)),
            "not checked",
        ),
        (
            of(|outcome| matches!(outcome, Outcome::Unreadable(_))),
            "not readable",
        ),
    ] {
        if number > 0 {
            write!(out, "{}", paint(FAINT, format_args!(", {number} {what}")))?;
        }
    }
    writeln!(out)
}

fn as_json(reports: &[Report]) -> Value {
    let file = |Report { path, outcome }: &Report| match outcome {
        Outcome::Checked { language, problems } => {
            let problems: Vec<Value> = problems
                .iter()
                .map(
                    |Problem {
                         line,
                         column,
                         message,
                     }| {
                        json!({"line": line, "column": column, "message": message})
                    },
                )
                .collect();
            let status = if problems.is_empty() {
                "ok"
            } else {
                "syntax_errors"
            };
            json!({
                "path": path, "status": status, "language": language.id(), "problems": problems,
            })
        }
        Outcome::NotChecked => json!({"path": path, "status": "not_checked"}),
        Outcome::Unreadable(cause) => {
            json!({"path": path, "status": "unreadable", "message": cause})
        }
    };
    let problems: usize = reports.iter().map(Report::problems).sum();
    json!({"problems": problems, "files": reports.iter().map(file).collect::<Vec<_>>()})
}
