//! Tells a release which commit it was built of.
//!
//! `PLEACH_COMMIT` says it where the sources are no repository: an archive, or a package of a distribution. What
//! somebody builds to work on Pleach is not told, so that nothing is built anew for a commit.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=PLEACH_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let told = std::env::var("PLEACH_COMMIT").ok();
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || is_release.then(commit).flatten();
    let commit = told.or_else(found).unwrap_or_default();
    println!("cargo::rustc-env=PLEACH_COMMIT={commit}");
}

/// The commit that is checked out, with `+` if files differ from it. Without a repository, and without git,
/// there is none.
fn commit() -> Option<String> {
    // Moves with every commit and checkout.
    for file in ["HEAD", "logs/HEAD"] {
        println!(
            "cargo::rerun-if-changed={}",
            git(&["rev-parse", "--git-path", file])?
        );
    }
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
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
