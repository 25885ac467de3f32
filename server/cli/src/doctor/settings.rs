//! The settings files: which ones there are, and what is wrong in them.

use std::fs;
use std::io::ErrorKind;

use camino::Utf8Path;
use pleach_policy::{Settings, SettingsProblem, Severity};
use pleach_text::line_column;

use super::Finding;
use crate::environment::Environment;

const AREA: &str = "settings";

/// Reads the user's settings and those of the present folder, which can only narrow them.
pub(super) fn look(environment: &Environment, findings: &mut Vec<Finding>) -> Settings {
    let mut settings = Settings::default();
    match environment.user_settings() {
        None => findings.push(Finding::note(
            AREA,
            "there is no home folder, so there are no settings of yours; the defaults are in force",
            "set HOME, or PLEACH_CONFIG_DIR to the folder of your pleach.toml",
        )),
        Some(path) => {
            if let Some(text) = read(&path, findings) {
                let loaded = pleach_policy::parse(&text);
                tell(&path, "", &text, &loaded.problems, findings);
                settings = loaded.settings;
            }
        }
    }
    // Only the present folder's: an editor reads those of the folders that are open in it.
    let own = Utf8Path::new("pleach.toml");
    if let Ok(text) = fs::read_to_string(own) {
        let loaded = pleach_policy::narrow(&settings, &text);
        tell(
            own,
            " (of this folder; it can only narrow yours)",
            &text,
            &loaded.problems,
            findings,
        );
        settings = loaded.settings;
    }
    settings
}

fn read(path: &Utf8Path, findings: &mut Vec<Finding>) -> Option<String> {
    match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            findings.push(Finding::good(
                AREA,
                format!("no {path}; the defaults are in force"),
            ));
            None
        }
        Err(error) => {
            let fix =
                "make it a UTF-8 file that you may read; until then the defaults are in force";
            findings.push(Finding::bad(
                AREA,
                format!("{path} cannot be read: {error}"),
                fix,
            ));
            None
        }
    }
}

fn tell(
    path: &Utf8Path,
    what: &str,
    text: &str,
    problems: &[SettingsProblem],
    findings: &mut Vec<Finding>,
) {
    if problems.is_empty() {
        findings.push(Finding::good(AREA, format!("{path}{what}")));
    }
    for problem in problems {
        let (line, column) = line_column(text, problem.range.start);
        let place = format!("{path}:{}:{}", line.number(), column + 1);
        let message = format!("{place}: {}", problem.message);
        let fix = "the rest of the file takes effect";
        findings.push(match problem.severity {
            Severity::Error => Finding::bad(AREA, message, fix),
            Severity::Warning => Finding::note(AREA, message, fix),
        });
    }
}
