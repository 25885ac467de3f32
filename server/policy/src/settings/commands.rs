//! Reading `[commands]`.

use std::path::Path;

use super::layers::{Layer, Reader};
use super::problem::SettingsProblem;
use super::tree::Entry;

/// Entries of one list.
const MOST: usize = 256;

impl Reader {
    pub(super) fn commands(&mut self, entry: &Entry) {
        let name = entry.name.as_str();
        let path = format!("commands.{name}");
        let is_fit: fn(&str) -> Result<(), &str> = match name {
            "allow" => |command| {
                let program = command.split_whitespace().next();
                program.map(drop).ok_or("it names no program")
            },
            "write" => |folder| {
                let is_inside = Path::new(folder).is_relative() && !folder.contains("..");
                is_inside
                    .then_some(())
                    .ok_or("it must be relative to the workspace, without `..`")
            },
            "read" => |path| {
                let is_whole = Path::new(path).is_absolute();
                is_whole
                    .then_some(())
                    .ok_or("it must be a whole path, from the root on")
            },
            _ => return self.unknown(entry, "commands", "commands"),
        };
        let is_workspace = self.layer == Layer::Workspace;
        if is_workspace && name != "allow" {
            let why = "what commands may write and read is not for a workspace to say; set it in your own settings";
            return self.widens(entry, why);
        }
        let Some(items) = self.texts(entry, &path) else {
            return;
        };
        let mut fit = Vec::new();
        for (item, range) in items.into_iter().take(MOST) {
            match is_fit(&item) {
                Ok(()) => fit.push(item),
                Err(why) => {
                    let message = format!("this is ignored: {why}; the others in the list count");
                    let problem = SettingsProblem::error(range, "bad_value", message);
                    self.problems.push(problem);
                }
            }
        }
        if is_workspace {
            return self.allow_less(entry, &fit);
        }
        let commands = &mut self.settings.commands;
        match name {
            "allow" => commands.allow = fit,
            "write" => commands.write = fit,
            _ => commands.read = fit,
        }
    }

    /// What a workspace lists stays allowed, if the person allows it.
    fn allow_less(&mut self, entry: &Entry, wanted: &[String]) {
        let allowed = &self.settings.commands.allow;
        if wanted.iter().any(|words| !allowed.contains(words)) {
            self.widens(
                entry,
                "a workspace cannot allow commands; those that your own settings allow and this list \
                 names stay allowed",
            );
        }
        let allowed = &mut self.settings.commands.allow;
        allowed.retain(|words| wanted.contains(words));
    }
}
