//! `pleach.status`: what the server is and does, and how each of its parts is.

use std::collections::BTreeSet;

use pleach_agent::standing;
use pleach_grammars::Language;
use pleach_policy::Role;
use serde_json::{Value, json};

use crate::session::Session;
use crate::session::jobs::Job;

impl Session {
    /// What `pleach.status` answers. From memory: it waits for neither disk nor network.
    pub(super) fn status(&self) -> Value {
        let jobs: Vec<Value> = self.jobs.values().map(Job::status).collect();
        json!({
            "version": self.environment.version,
            "client": self.client.name,
            "engine": self.configuration.engine_label(),
            "actions": self.configuration.settings().actions.enabled,
            "documents": self.documents.iter().count(),
            "jobs": jobs,
            "settingsProblems": self.configuration.problem_count(),
            "undoable": self.history.len(),
            "components": {
                "providers": self.providers(),
                "mcp": self.servers(),
                "queue": {"jobs": self.jobs.len(), "landings": self.landings.len()},
                "store": self.store(),
                "index": self.index_status(),
                "embeddings": self.meaning_status(),
                "grammars": self.grammars(),
                "memory": {"residentBytes": resident_bytes()},
            },
        })
    }

    /// Every provider that is set up, with its breaker and its queue.
    fn providers(&self) -> Vec<Value> {
        let settings = self.configuration.settings();
        let used = settings.engines_in_use();
        let all = settings.providers.iter();
        all.map(|(name, provider)| {
            let roles = used.get(name.as_str());
            let names =
                |roles: &Vec<Role>| -> Vec<&str> { roles.iter().map(|role| role.name()).collect() };
            let mut told = json!({
                "name": name, "model": provider.model, "roles": roles.map(names),
            });
            let (Some(standing), Some(fields)) = (standing(name, settings), told.as_object_mut())
            else {
                return told;
            };
            let breaker = match standing.rests_for {
                None => "closed",
                Some(left) if left.is_zero() => "half-open",
                Some(_) => "open",
            };
            let rest = standing.rests_for.map(|left| left.as_secs());
            fields.insert("breaker".into(), json!(breaker));
            fields.insert("failures".into(), json!(standing.failures));
            fields.insert("restsForSeconds".into(), json!(rest));
            fields.insert("streams".into(), json!(standing.streams));
            fields.insert("maxStreams".into(), json!(standing.max_streams));
            fields.insert("waiting".into(), json!(standing.waiting));
            told
        })
        .collect()
    }

    /// Every server of tools that is set up.
    fn servers(&self) -> Vec<Value> {
        let standings = self.configuration.servers().standings().into_iter();
        standings
            .map(|it| json!({"name": it.name, "tools": it.tools, "trouble": it.trouble}))
            .collect()
    }

    fn store(&self) -> Value {
        let state = self.books.state();
        json!({
            "folder": self.environment.state_dir,
            "ledger": if state.is_shared { "shared" } else { "own" },
            "state": if state.trouble.is_some() { "failing" } else { "well" },
            "trouble": state.trouble, "calls": state.calls, "fromCache": state.from_cache,
        })
    }

    fn grammars(&self) -> Value {
        let open = self
            .documents
            .iter()
            .filter_map(|document| document.language);
        let open: BTreeSet<&str> = open.map(Language::id).collect();
        json!({"known": Language::ALL.len(), "open": open})
    }
}

/// The memory that the process holds, where the system tells it without being asked for long.
fn resident_bytes() -> Option<u64> {
    // Linux counts it in pages, in a file that is no file.
    let pages = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = pages.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
