//! The commands as a person meets them: the real program, what it prints, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    // As expect-test writes them.
    clippy::needless_raw_string_hashes
)]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

mod apply;
mod check;
mod demo;
mod doctor;
mod init;
mod jsonl;
mod lsp;
mod new;
mod plans;
mod recover;
mod search;
mod usage;

/// A folder to work in, with a home of its own.
struct Place {
    _guard: tempfile::TempDir,
    /// The folder that commands are run in.
    dir: Utf8PathBuf,
    home: Utf8PathBuf,
}

/// What a command left behind.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let guard = tempfile::tempdir().unwrap();
        let top = Utf8Path::from_path(guard.path())
            .unwrap()
            .canonicalize_utf8()
            .unwrap();
        let place = Self {
            _guard: guard,
            dir: top.join("work"),
            home: top.join("home"),
        };
        fs::create_dir_all(&place.dir).unwrap();
        fs::create_dir_all(&place.home).unwrap();
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap()
    }

    /// Writes the user's own settings.
    fn settings(&self, text: &str) {
        let dir = self.home.join(".config/pleach");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("pleach.toml"), text).unwrap();
    }

    /// The program, in this place and with this place's home, and nothing else of the environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pleach"));
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", self.home.join("bin"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        self.finish(self.command(arguments), input.as_bytes())
    }

    /// Runs a command to its end. Where this place is is left out of what it printed.
    fn finish(&self, mut command: Command, input: &[u8]) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            let text = text.replace(env!("CARGO_BIN_EXE_pleach"), "PLEACH");
            let text = text
                .replace(self.dir.as_str(), "DIR")
                .replace(self.home.as_str(), "HOME");
            text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
        };
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    /// Everything, for a test to compare with.
    fn all(&self) -> String {
        format!(
            "{}--- on standard error ---\n{}--- code {} ---\n",
            self.out, self.err, self.code
        )
    }
}
