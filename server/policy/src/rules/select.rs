//! Which rules hold for a file, in which order, and how much of them.

use std::fmt;

use super::RuleFile;

/// No more than so many bytes of rules go into a prompt. Codex has the same bound for its `AGENTS.md`.
const MAX_BYTES: usize = 32 * 1024;

/// The rules for one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelectedRules {
    /// Those that hold, in the order in which they are told: what holds for the most first, what is
    /// nearest to the file last, because the last word counts.
    pub applied: Vec<AppliedRule>,
    /// Those that do not, and why, in the order of their names.
    pub left_out: Vec<(String, LeftOut)>,
}

/// A rule that holds for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    /// The file of the rule.
    pub path: String,
    /// Why it holds.
    pub reason: Reason,
    /// What it says; all of it, or as many lines as there was room for.
    pub text: String,
    /// Whether there was room for a part only.
    pub cut: bool,
}

/// Why a rule holds for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is for the whole workspace.
    Everywhere,
    /// It is for everything below the folder that it is in.
    BelowItsFolder,
    /// This pattern of its matches the file.
    Matches(String),
}

/// Why a rule does not hold for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It is for another folder.
    ElsewhereInTree,
    /// None of its patterns matches.
    NoMatch,
    /// It names no files: it is for when somebody asks for it.
    ByHand,
    /// It says the same as one that holds, such as a link to it.
    Same,
    /// Its front matter cannot be read.
    Broken,
    /// Others have used up the room.
    NoRoom,
    /// It says nothing.
    Empty,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Everywhere => f.write_str("for the whole workspace"),
            Reason::BelowItsFolder => f.write_str("for everything below its folder"),
            Reason::Matches(glob) => write!(f, "`{glob}` matches"),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftOut::ElsewhereInTree => "for another folder",
            LeftOut::NoMatch => "none of its patterns matches",
            LeftOut::ByHand => "names no files",
            LeftOut::Same => "says the same as one above",
            LeftOut::Broken => "its front matter cannot be read",
            LeftOut::NoRoom => "no room: more than 32 KiB of rules",
            LeftOut::Empty => "says nothing",
        })
    }
}

/// Chooses the rules for the file called `path`, relative to the workspace, with `/`.
pub fn select_rules(files: &[RuleFile], path: &str) -> SelectedRules {
    let mut sorted: Vec<&RuleFile> = files.iter().collect();
    // Of one folder, plain texts come before those that say which files they mean.
    sorted.sort_by_key(|rule| {
        let depth = match rule.folder.as_str() {
            "" => 0,
            folder => folder.matches('/').count() + 1,
        };
        let narrow = matches!(rule.scope, super::Scope::Globs(_));
        (depth, narrow, rule.path.clone())
    });
    let mut rules = SelectedRules::default();
    let mut held: Vec<(&RuleFile, Reason)> = Vec::new();
    for rule in sorted {
        let reason = match rule.reason(path) {
            _ if rule.body.trim().is_empty() => Err(LeftOut::Empty),
            Ok(_) if held.iter().any(|(other, _)| other.body == rule.body) => Err(LeftOut::Same),
            reason => reason,
        };
        match reason {
            Ok(reason) => held.push((rule, reason)),
            Err(why) => rules.left_out.push((rule.path.clone(), why)),
        }
    }
    // Room is given to the nearest first: it has the last word.
    let mut room = MAX_BYTES;
    for (rule, reason) in held.into_iter().rev() {
        let text = rule.body.trim();
        let kept = head(text, room);
        if kept.is_empty() {
            rules.left_out.push((rule.path.clone(), LeftOut::NoRoom));
            continue;
        }
        room -= kept.len();
        rules.applied.push(AppliedRule {
            path: rule.path.clone(),
            reason,
            text: kept.to_owned(),
            cut: kept.len() < text.len(),
        });
    }
    rules.applied.reverse();
    rules.left_out.sort_by(|a, b| a.0.cmp(&b.0));
    rules
}

/// As many whole lines of `text` as `room` bytes hold.
fn head(text: &str, room: usize) -> &str {
    if text.len() <= room {
        return text;
    }
    let end = text.floor_char_boundary(room);
    let lines = text.get(..end).and_then(|head| head.rfind('\n'));
    text.get(..lines.unwrap_or(0)).unwrap_or_default()
}
