//! Money, as the person meets it: what an action will cost, what a job has cost, what was spent.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pleach_agent::{Account, Expected, MicroUsd, TokenCount, cost_of_sending};
use pleach_edit::{FileChange, Proposal};
use pleach_policy::Role;
use pleach_store::{CallFilter, Sums, UsageReport};
use pleach_workspace::path_from_uri;
use serde_json::{Value, json};

use crate::event::JobId;
use crate::session::Session;
use crate::session::documents::Document;

/// From this much on, the title of an action says what it costs.
const WORTH_A_WORD: MicroUsd = MicroUsd(50_000);

impl Session {
    /// Who pays for a job, and within which bounds.
    pub(super) fn account(&self, job: JobId, uri: Option<&str>) -> Account {
        Account {
            books: self.books.clone(),
            budget: self.configuration.settings().budget.clone(),
            cache: self.configuration.settings().cache,
            per_minute: self.configuration.settings().actions.per_minute.clone(),
            prices: self.configuration.prices().clone(),
            workspace: self.folder_of(uri),
            job,
            purpose: None,
        }
    }

    /// Writes calls where the settings say.
    pub(super) fn share_ledger(&self) {
        let ledger = &self.configuration.settings().ledger;
        self.books.share(pleach_agent::shared_ledger(
            ledger,
            &self.environment.variables,
        ));
    }

    /// The workspace folder of a document; the first where there is no document.
    fn folder_of(&self, uri: Option<&str>) -> String {
        let path = uri.and_then(path_from_uri);
        let roots = self.configuration.roots();
        let holds =
            |root: &&camino::Utf8PathBuf| path.as_ref().is_none_or(|path| path.starts_with(root));
        let root = roots.iter().filter(holds).max_by_key(|root| {
            // The innermost; and of all, where there is no document, the first.
            path.as_ref().map_or(0, |_| root.as_str().len())
        });
        let first = roots.first().filter(|_| path.is_none());
        first.or(root).map(ToString::to_string).unwrap_or_default()
    }

    /// What asking the model about a document costs at least, when that is worth a word: by its length,
    /// from memory.
    pub(super) fn cost_of_asking(&self, document: &Document) -> Option<MicroUsd> {
        let settings = self.configuration.settings();
        let name = settings.model_for(Role::Coder)?;
        let provider = settings.providers.get(name)?;
        let sent = document
            .text
            .len_bytes()
            .min(settings.limits.max_context_bytes);
        let cost = cost_of_sending(self.configuration.prices(), name, provider, sent)?;
        (cost >= WORTH_A_WORD).then_some(cost)
    }

    /// Writes into the audit what landed where.
    pub(super) fn record_landed(&self, job: JobId, proposal: &Proposal, uris: &BTreeSet<String>) {
        let files: Vec<Value> = proposal
            .files()
            .iter()
            .map(|file| {
                let deed = match file {
                    FileChange::Edit { .. } => "edit",
                    FileChange::Create { .. } => "create",
                    FileChange::Delete { .. } => "delete",
                    FileChange::Rename { .. } => "rename",
                };
                json!({"path": file.path(), "deed": deed})
            })
            .collect();
        let job_of = self.jobs.get(&job);
        let body = json!({
            "action": job_of.map(|job| job.action), "files": files,
            "engine": job_of.map(super::jobs::Job::engine),
        });
        let folder = self.folder_of(uris.first().map(String::as_str));
        self.books.record("landed", &folder, job, body);
    }

    /// What `pleach.usage` answers: it is shown as a page.
    pub(super) fn show_usage(&mut self) -> Value {
        let books = self.books.clone();
        self.show_page("the usage", "usage.md", move || {
            match books.report(CallFilter::default()) {
                Some(Ok(report)) => Ok(page(&report)),
                Some(Err(error)) => Err(error.to_string()),
                None => Err("the ledger is closed".to_owned()),
            }
        });
        Value::Null
    }
}

/// What a call will cost, for `pleach/job`. Amounts are millionths of a US dollar; null is unknown.
pub(super) fn estimate_fields(expected: &Expected) -> Value {
    let (request, most) = match expected {
        Expected::Unknown => (None, None),
        Expected::Cost { request, most } => (Some(request.0), most.map(|most| most.0)),
    };
    json!({"requestMicroUsd": request, "mostMicroUsd": most, "message": expected.to_string()})
}

/// What a job has used, for `pleach/job`.
pub(super) fn usage_fields(tokens: TokenCount, cost: Option<MicroUsd>) -> Value {
    json!({
        "inputTokens": tokens.input, "outputTokens": tokens.output,
        "microUsd": cost.map(|cost| cost.0), "cost": cost_words(cost),
    })
}

pub(super) fn cost_words(cost: Option<MicroUsd>) -> String {
    cost.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string())
}

fn page(report: &UsageReport) -> String {
    let mut page = "# What models were asked, and what it has cost\n\n\
                    Days are those of UTC. `pleach usage` in a terminal has filters and charts.\n"
        .to_owned();
    if report.total.calls == 0 {
        page.push_str("\nNo model was asked yet. The built-in syntax engine costs nothing.\n");
        return page;
    }
    for note in report.total.notes() {
        // Writing into a text does not fail.
        let _ = write!(page, "\n{note}\n");
    }
    let total = [("all".to_owned(), report.total.clone())];
    for (title, rows) in [
        ("Total", total.as_slice()),
        ("By day", &report.days),
        ("By model", &report.models),
        ("By role", &report.roles),
        ("By workspace", &report.workspaces),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| | cost | calls | tokens sent | from cache | received | success | refused by the gate | first word |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        );
        for (name, sums) in rows {
            page.push_str(&row(name, sums));
        }
    }
    page
}

fn row(name: &str, sums: &Sums) -> String {
    let percent = |share: Option<u64>| share.map_or_else(String::new, |share| format!("{share} %"));
    let first = sums.first_ms(50);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        name.replace('|', "\\|"),
        sums.cost_words(),
        sums.calls,
        sums.input,
        percent(sums.cached_percent()),
        sums.output,
        percent(sums.success_percent()),
        percent(sums.refusal_percent()),
        first.map_or_else(String::new, |first| format!("{first} ms")),
    )
}
