//! Tells a release which commit it was built of.
//!
//! `PLEACH_COMMIT` says it where the sources are no repository: an archive, or a package of a distribution. What
//! somebody builds to work on Pleach is not told, so that nothing is built anew for a commit.

use std::path::Path;
use std::process::Command;

/// What the program is made of, and the repository keeps, from this package.
const SOURCES: [&str; 4] = [
    "../../server",
    "../../grammars",
    "../../Cargo.toml",
    "../../Cargo.lock",
];

fn main() {
    println!("cargo::rerun-if-env-changed=PLEACH_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let told = std::env::var("PLEACH_COMMIT").ok();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || is_release.then(commit).flatten();
    let commit = told.or_else(found).unwrap_or_default();
    println!("cargo::rustc-env=PLEACH_COMMIT={commit}");
}

/// The commit that is checked out, with `+` if files differ from it. Without a repository of Pleach's own, and
/// without git, there is none.
fn commit() -> Option<String> {
    // Sources that lie in another repository, as an archive unpacked there, have no commit in it.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let ours = Path::new("../..").canonicalize().ok()?;
    if Path::new(&top).canonicalize().ok()? != ours {
        return None;
    }
    // What a checkout and a commit move: where a commit leaves no log, the branch itself.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let files = ["HEAD", "logs/HEAD", "packed-refs"].map(str::to_owned);
    for file in files.into_iter().chain(branch) {
        let path = git(&["rev-parse", "--git-path", &file])?;
        // One that is not there would count as changed at every build.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let mut arguments = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    arguments.extend(SOURCES);
    let changed = git(&arguments)?;
    Some(if changed.is_empty() {
        commit
    } else {
        format!("{commit}+")
    })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
