//! Every grammar against texts that are hard on it, each language in a process of its own, because a
//! grammar is C and what it does wrong ends the process:
//! `cargo run -p pleach-grammars --example stress -- SECONDS [LANGUAGE…]`.
//!
//! What ends a process, breaks a law or takes too long is told with its seed;
//! `… stress --text LANGUAGE SEED` prints the text.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "../tests/suite/hostile/laws.rs"]
mod laws;
#[path = "../tests/suite/hostile/recipes.rs"]
mod recipes;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pleach_grammars::{Language, parse};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A text that takes longer is told.
const LONG: Duration = Duration::from_secs(5);

/// A process that is on one text for so long is ended.
const ENDLESS: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--text") => {
            print!("{}", text(arguments[1].parse()?, arguments[2].parse()?));
            Ok(())
        }
        Some("--child") => child(
            arguments[1].parse()?,
            Duration::from_millis(arguments[2].parse()?),
            arguments[3].parse()?,
            Path::new(&arguments[4]),
        ),
        Some(seconds) => {
            let seconds = Duration::from_secs(seconds.parse()?);
            let mut languages: Vec<Language> = Vec::new();
            for id in &arguments[1..] {
                languages.push(id.parse()?);
            }
            if languages.is_empty() {
                languages.extend(Language::ALL);
            }
            let mut bad = 0;
            for language in languages {
                bad += stress(language, seconds)?;
            }
            println!("{bad} bad texts");
            std::process::exit(i32::from(bad > 0));
        }
        None => Err("say for how many seconds each language is tried".into()),
    }
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
    )
}

fn text(language: Language, seed: u64) -> String {
    recipes::text(language, 1_500)
        .new_tree(&mut runner(seed))
        .expect("every seed gives a text")
        .current()
}

/// Tries one language; how many texts were bad.
fn stress(language: Language, time: Duration) -> Result<u32, Box<dyn Error>> {
    let mark = std::env::temp_dir().join(format!("stress-{}-{language}", std::process::id()));
    let end = Instant::now() + time;
    let (mut seed, mut bad) = (0_u64, 0);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let mut process = Command::new(std::env::current_exe()?)
            .args([
                "--child",
                language.id(),
                &left.as_millis().to_string(),
                &seed.to_string(),
            ])
            .arg(&mark)
            .env("RUST_BACKTRACE", "0")
            .spawn()?;
        let mut since = (String::new(), Instant::now());
        let status = loop {
            if let Some(status) = process.try_wait()? {
                break status;
            }
            std::thread::sleep(Duration::from_millis(50));
            let now = std::fs::read_to_string(&mark).unwrap_or_default();
            if now != since.0 {
                since = (now, Instant::now());
            } else if since.1.elapsed() > ENDLESS {
                process.kill()?;
            }
        };
        let last: u64 = std::fs::read_to_string(&mark)?.trim().parse()?;
        if !status.success() {
            println!("BAD {language} seed {last}: {status}");
            bad += 1;
        }
        seed = last + 1;
        if status.success() {
            break;
        }
    }
    std::fs::remove_file(&mark).ok();
    Ok(bad)
}

/// Tries texts from a seed on until the time is over, and says at `mark` which one it is at.
fn child(
    language: Language,
    time: Duration,
    first: u64,
    mark: &Path,
) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let (mut seed, mut bytes, mut unread) = (first, 0, 0);
    let mut longest = (Duration::ZERO, 0);
    let mut largest = (0, 0);
    loop {
        std::fs::write(mark, seed.to_string())?;
        let text = text(language, seed);
        bytes += text.len();
        let before = Instant::now();
        laws::hold_for(language, &text);
        unread += u32::from(parse(language, &text).unread().is_some());
        if text.len() < 20_000 {
            let mut runner = runner(seed);
            let edits = recipes::edits(language)
                .new_tree(&mut runner)
                .expect("every seed gives edits")
                .current();
            let mut text = text;
            for edit in &edits {
                text = laws::hold_for_change(language, &text, &recipes::change(&text, edit));
            }
        }
        let took = before.elapsed();
        longest = longest.max((took, seed));
        let memory = memory();
        if memory > largest.0 {
            largest = (memory, seed);
        }
        if took > LONG {
            println!("LONG {language} seed {seed}: {took:.1?}");
        }
        if started.elapsed() > time {
            println!(
                "{language}: {} texts, {} kB, {unread} not read, longest {:.1?} (seed {}), most memory {} MB (seed {})",
                seed + 1 - first,
                bytes >> 10,
                longest.0,
                longest.1,
                largest.0 >> 10,
                largest.1,
            );
            return Ok(std::io::stdout().flush()?);
        }
        seed += 1;
    }
}

/// The most memory that this process has had, in kB; 0 where the system does not tell.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
