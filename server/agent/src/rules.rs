//! The rules that a project keeps for agents: found on the disk and in unsaved buffers, chosen for a
//! file, and told to the model.

use std::fmt::Write as _;

use pleach_policy::{
    ROOT_RULE_FILES, ROOT_RULE_FOLDERS, RULE_FILES, RULE_FOLDERS, RuleFile, SelectedRules,
    select_rules,
};
use pleach_workspace::WorkspaceSnapshot;

/// The rules for the file called `path`: those of its folder and of every folder above it, up to that
/// of the workspace. Reads them, so it asks the disk.
pub fn rules_for(workspace: &WorkspaceSnapshot, path: &str) -> SelectedRules {
    let (root, relative) = workspace.split_name(path);
    let mut files = Vec::new();
    let mut take = |inside: &str| {
        let Ok(text) = workspace.read_text(&format!("{root}{inside}")) else {
            return;
        };
        files.extend(RuleFile::read(inside, &text));
    };
    for folder in folders_above(relative) {
        let own_files = if folder.is_empty() {
            &ROOT_RULE_FILES[..]
        } else {
            &[]
        };
        for name in RULE_FILES.iter().chain(own_files) {
            take(&join(folder, name));
        }
        let own_folders = if folder.is_empty() {
            &ROOT_RULE_FOLDERS[..]
        } else {
            &[]
        };
        for rules in RULE_FOLDERS.iter().chain(own_folders) {
            let rules = join(folder, rules);
            for name in workspace.files_of(&format!("{root}{rules}")) {
                take(name.strip_prefix(root).unwrap_or(&name));
            }
        }
    }
    select_rules(&files, relative)
}

/// The folders that hold `path`, from the outermost, which is empty.
fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    std::iter::once("").chain(inner)
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Which rules hold for the file called `path` and which do not, with the reasons: a page of Markdown
/// for a person.
pub fn rules_page(rules: &SelectedRules, path: &str) -> String {
    let mut page = format!("# Rules for `{path}`\n\n");
    // Writing to a string does not fail.
    if rules.applied.is_empty() {
        page.push_str(
            "No rules hold for this file. `AGENTS.md` in its folder or in one above it would.\n",
        );
    } else {
        page.push_str(
            "Told to the model in this order; where two contradict, the later one counts.\n\n",
        );
    }
    for rule in &rules.applied {
        let cut = if rule.cut {
            "; only its beginning, for want of room"
        } else {
            ""
        };
        let _ = writeln!(page, "- **{}**: {}{cut}", rule.path, rule.reason);
    }
    if !rules.left_out.is_empty() {
        page.push_str("\nNot told:\n\n");
    }
    for (rule, why) in &rules.left_out {
        let _ = writeln!(page, "- {rule}: {why}");
    }
    for rule in &rules.applied {
        let _ = write!(page, "\n## {}\n\n{}\n", rule.path, rule.text);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::folders_above;

    #[test]
    fn folders_from_the_outermost() {
        assert_eq!(folders_above("a.rs").collect::<Vec<_>>(), [""]);
        assert_eq!(
            folders_above("web/src/a.ts").collect::<Vec<_>>(),
            ["", "web", "web/src"]
        );
    }
}
