//! The index of the workspace: begun when it is needed, told of what changes, searched.
//!
//! The session only hands over: nothing here waits for the index, and typing tells it nothing. What is
//! open is taken up when somebody asks.

use std::time::Duration;

use camino::Utf8PathBuf;
use pleach_agent::{Index, IndexPhase, IndexState, Manifest, SearchAnswer, SearchHit, Stage};
use pleach_grammars::Language;
use pleach_workspace::{WorkspaceSnapshot, path_from_uri};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Error;

use crate::event::{Event, JobId, Reply};
use crate::session::arguments::{Given, no_number};
use crate::session::commands::CommandFailure;
use crate::session::meaning::Meanings;
use crate::session::{Awaited, Session};

/// How long a search waits for an index that is not whole.
const PATIENCE: Duration = Duration::from_secs(8);
/// Places of an answer, where nothing else is asked for.
const MOST: usize = 30;
/// No answer has more.
const MOST_OF_ALL: usize = 200;
/// Fewer files are read before a display of progress would be seen.
const WORTH_SHOWING: usize = 200;
/// Changed files of one message that are looked at one by one; of more, all are walked.
const LOOKED_AT: usize = 200;
/// Files that say which others are taken up: when one of them changes, all are walked.
const RULES_OF_IGNORING: [&str; 2] = [".gitignore", ".pleachignore"];
/// The token of the progress display.
pub(super) const TOKEN: &str = "pleach/index";

/// The index and how it is shown.
#[derive(Default)]
pub(super) struct Indexing {
    index: Option<Index>,
    /// Which one it is, from 1: what an earlier one says comes too late.
    number: u64,
    /// The folders that it is of.
    roots: Vec<Utf8PathBuf>,
    state: IndexState,
    display: Display,
    /// The client was asked to tell what changes on disk.
    is_watched: bool,
    /// What ranks by meaning.
    pub(super) meanings: Meanings,
}

/// What a request was made of that a job, or one of those who work on it in turn, began with.
pub(super) struct Sent {
    pub(super) job: JobId,
    /// Who of them.
    pub(super) stage: Option<Stage>,
    pub(super) title: String,
    pub(super) engine: String,
    pub(super) manifest: Manifest,
}

impl Sent {
    fn page(&self) -> String {
        let title = match self.stage {
            Some(stage) => format!("{}, the {}", self.title, stage.role),
            None => self.title.clone(),
        };
        pleach_agent::sent_page(&title, &self.engine, &self.manifest)
    }

    fn told(&self) -> Value {
        let manifest = &self.manifest;
        let pieces = manifest.mentioned.iter().chain(&manifest.pieces).map(|piece| {
            json!({
                "path": piece.path, "first": piece.first, "last": piece.last, "name": piece.name,
                "shape": piece.shape.word(), "tokens": piece.tokens, "why": piece.reason,
            })
        });
        json!({
            "job": self.job, "title": self.title, "engine": self.engine,
            "role": self.stage.map(|stage| stage.role), "changed": manifest.changed,
            "document": manifest.document, "tokens": manifest.request_tokens,
            "contextTokens": manifest.tokens, "budget": manifest.budget,
            "leftOut": manifest.left_out, "secrets": manifest.secrets, "notes": manifest.notes,
            "pieces": pieces.collect::<Vec<Value>>(),
        })
    }
}

/// The progress display.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Display {
    #[default]
    None,
    Asked,
    Shown,
    /// The client does not want to show any.
    Refused,
}

/// What is searched for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SearchArguments {
    query: String,
    most: Option<usize>,
}

/// An answer to a search on its way to the client.
pub(crate) struct Searched {
    reply: Reply<Value>,
    asked: String,
    workspace: WorkspaceSnapshot,
    answer: SearchAnswer,
}

impl Session {
    /// The index of the present workspace, begun if it was not; `None` where there is no folder, or the
    /// settings turn it off.
    pub(super) fn index(&mut self) -> Option<Index> {
        let roots = self.configuration.roots();
        if roots.is_empty() || !self.configuration.settings().context.index {
            if self.indexing.index.take().is_some() {
                self.show_index(IndexState {
                    phase: IndexPhase::Stopped,
                    ..IndexState::default()
                });
            }
            return None;
        }
        if self.indexing.index.is_none() || self.indexing.roots != roots {
            let roots = roots.to_vec();
            self.watch_files();
            let inbox = self.inbox.clone();
            self.indexing.number += 1;
            let number = self.indexing.number;
            let report = move |state| inbox.put(Event::IndexMoved { number, state });
            let index = Index::start(
                &self.environment.state_dir,
                self.snapshot(),
                self.indexing.is_watched,
                report,
            );
            self.indexing.roots = roots;
            self.indexing.index = Some(index);
        }
        self.indexing.present()
    }

    /// Begins to index when there is a model that could be shown something, and a document to ask it about;
    /// or when all of it is to be embedded.
    pub(super) fn index_if_useful(&mut self) {
        let settings = self.configuration.settings();
        let is_read = settings.context.tokens > 0 && settings.uses_models();
        let is_useful = self.configuration.is_loaded()
            && (is_read || settings.embedder().is_some())
            && self.documents.iter().next().is_some();
        if is_useful {
            let _begun = self.index();
        }
    }

    /// Asks the client to tell of source files that change on disk.
    fn watch_files(&mut self) {
        if !self.client.watches_files || self.indexing.is_watched {
            return;
        }
        self.indexing.is_watched = true;
        let mut endings: Vec<&str> = Language::ALL
            .iter()
            .flat_map(|language| language.extensions())
            .copied()
            .collect();
        endings.sort_unstable();
        endings.dedup();
        let sources = format!("**/*.{{{}}}", endings.join(","));
        let rules = format!("**/{{{}}}", RULES_OF_IGNORING.join(","));
        let watch = json!({"registrations": [{
            "id": "pleach-index",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": {"watchers": [{"globPattern": sources}, {"globPattern": rules}]},
        }]});
        let nothing = Awaited::Nothing("client/registerCapability");
        self.request("client/registerCapability", &watch, nothing);
    }

    /// Files have changed on disk, or may have.
    pub(super) fn index_hears_of(&mut self, uris: &[String]) {
        let Some(index) = self.indexing.index.clone() else {
            return;
        };
        let workspace = self.snapshot();
        let is_rules = |uri: &String| {
            let name = uri.rsplit('/').next().unwrap_or_default();
            RULES_OF_IGNORING.contains(&name)
        };
        if uris.len() > LOOKED_AT || uris.iter().any(is_rules) {
            index.walk(workspace);
            return;
        }
        let paths = uris.iter().filter_map(|uri| path_from_uri(uri)).collect();
        index.look(workspace, paths);
    }

    /// `pleach.index`: forgets the index and makes it anew.
    pub(super) fn rebuild_index(&mut self) -> Result<Value, CommandFailure> {
        let index = self.index().ok_or(CommandFailure::NoIndex)?;
        if let Some(meaning) = index.meaning() {
            meaning.forgive();
        }
        index.rebuild(self.snapshot());
        Ok(Value::Null)
    }

    /// `pleach.search`: answered from the index's thread, as soon as that has looked.
    pub(super) fn search(&mut self, arguments: Vec<Value>, reply: Reply<Value>) {
        let begun = self.begin_search(arguments, reply);
        if let Err((failure, reply)) = begun {
            self.refuse(&failure, reply);
        }
    }

    fn begin_search(
        &mut self,
        arguments: Vec<Value>,
        reply: Reply<Value>,
    ) -> Result<(), (CommandFailure, Reply<Value>)> {
        let wanted = match SearchArguments::read(arguments) {
            Ok(wanted) => wanted,
            Err(cause) => {
                let command = super::commands::SEARCH.to_owned();
                return Err((CommandFailure::Arguments { command, cause }, reply));
            }
        };
        let asked = wanted.query.trim().to_owned();
        if asked.is_empty() {
            return Err((CommandFailure::NoQuery, reply));
        }
        let Some(index) = self.index() else {
            return Err((CommandFailure::NoIndex, reply));
        };
        let inbox = self.inbox.clone();
        let workspace = self.snapshot();
        let most = wanted.most.unwrap_or(MOST).clamp(1, MOST_OF_ALL);
        let (question, looked) = (asked.clone(), workspace.clone());
        let answered = move |answer| {
            inbox.put(Event::Searched(Box::new(Searched {
                reply,
                asked,
                workspace: looked,
                answer,
            })));
        };
        if index.meaning().is_none() {
            index.search(workspace, question, most, PATIENCE, answered);
            return Ok(());
        }
        drop(self.tasks.spawn(async move {
            if let Some(meaning) = index.meaning() {
                let _or_by_words_alone = meaning.question(&question).await;
            }
            index.search(workspace, question, most, PATIENCE, answered);
        }));
        Ok(())
    }

    pub(super) fn searched(&mut self, searched: Searched) {
        let Searched {
            reply,
            asked,
            workspace,
            answer,
        } = searched;
        let hits = match answer.hits {
            Ok(hits) => hits,
            Err(error) => {
                let mut failed = Error::internal_error();
                failed.message = format!("the search failed: {error}").into();
                reply.send(Err(failed));
                return;
            }
        };
        let places: Vec<Value> = hits.iter().map(|hit| place(hit, &workspace)).collect();
        let is_whole = answer.state.phase == IndexPhase::Whole;
        let ranked = match answer.by_meaning {
            Some(true) => "words and meaning",
            Some(false) | None => "words",
        };
        let meaning = self.indexing.meanings.present();
        let meaning = meaning.map(|it| it.state().words());
        reply.send(Ok(json!({
            "places": places, "complete": is_whole, "index": answer.state.words(),
            "ranked": ranked, "embeddings": meaning,
        })));
        if !self.client.job_events {
            let state = answer.state;
            let by_words_alone = meaning.filter(|_| answer.by_meaning == Some(false));
            let page = move || Ok(page(&asked, &hits, &workspace, &state, by_words_alone));
            self.show_page("what was found", "search.md", page);
        }
    }

    /// The index with this number is somewhere else.
    pub(super) fn index_moved(&mut self, number: u64, state: IndexState) {
        // The last word of one that is gone comes too late.
        if self.indexing.index.is_some() && self.indexing.number == number {
            let is_whole = state.phase == IndexPhase::Whole;
            self.show_index(state);
            if is_whole {
                self.catch_up();
            }
        }
    }

    fn show_index(&mut self, state: IndexState) {
        self.indexing.state = state;
        let is_long = matches!(
            self.indexing.state.phase,
            IndexPhase::Reading { total, .. } if total >= WORTH_SHOWING
        );
        match self.indexing.display {
            Display::None if is_long && self.client.progress => {
                self.indexing.display = Display::Asked;
                let create = json!({"token": TOKEN});
                self.request(
                    "window/workDoneProgress/create",
                    &create,
                    Awaited::IndexProgress,
                );
            }
            Display::Shown if self.indexing.state.is_at_work() => {
                let value = self.indexing.value("report");
                let params = json!({"token": TOKEN, "value": value});
                self.outbox.notify_droppable("$/progress", &params);
            }
            Display::Shown => {
                self.indexing.display = Display::None;
                let value = json!({"kind": "end", "message": self.indexing.state.words()});
                let params = json!({"token": TOKEN, "value": value});
                self.outbox.notify("$/progress", &params);
            }
            _ => {}
        }
    }

    pub(super) fn index_progress_created(&mut self, accepted: bool) {
        if !accepted {
            self.indexing.display = Display::Refused;
            return;
        }
        self.indexing.display = Display::Shown;
        let mut value = self.indexing.value("begin");
        if let Some(fields) = value.as_object_mut() {
            fields.insert("title".into(), json!("Pleach: indexing"));
            fields.insert("cancellable".into(), json!(true));
        }
        let params = json!({"token": TOKEN, "value": value});
        self.outbox.notify("$/progress", &params);
        let state = self.indexing.state.clone();
        if !state.is_at_work() {
            self.show_index(state);
        }
    }

    /// The person pressed cancel on the display.
    pub(super) fn stop_index(&self) {
        if let Some(index) = &self.indexing.index {
            index.stop();
        }
    }

    /// Remembers what a job began with, beside what those before sent who work on the same job.
    pub(super) fn remember_sent(&mut self, sent: Sent) {
        self.sent.retain(|it| it.job == sent.job);
        self.sent.push(sent);
    }

    /// `pleach.whatWasSent`: what the requests that the last job began with were made of.
    pub(super) fn show_sent(&mut self) -> Result<Value, CommandFailure> {
        let (last, before) = self.sent.split_last().ok_or(CommandFailure::NothingSent)?;
        let pages: Vec<String> = self.sent.iter().map(Sent::page).collect();
        let mut answer = last.told();
        let before: Vec<Value> = before.iter().map(Sent::told).collect();
        if let (Value::Object(fields), false) = (&mut answer, before.is_empty()) {
            fields.insert("before".to_owned(), json!(before));
        }
        let page = pages.join("\n");
        self.show_page("what was sent", "sent.md", move || Ok(page));
        Ok(answer)
    }

    /// For `pleach.status`.
    pub(super) fn index_status(&self) -> Value {
        let state = match &self.indexing.index {
            None => return json!({"state": "off"}),
            Some(index) => index.state(),
        };
        let word = match &state.phase {
            IndexPhase::Walking | IndexPhase::Reading { .. } => "working",
            IndexPhase::Whole => "whole",
            IndexPhase::Stopped => "stopped",
            IndexPhase::Failed(_) => "failing",
        };
        json!({
            "state": word, "told": state.words(), "files": state.size.files,
            "symbols": state.size.symbols, "bytes": state.size.bytes, "leftOut": state.left_out,
            "rebuilt": state.rebuilt,
        })
    }
}

impl Indexing {
    /// The index, if it was begun.
    pub(super) fn present(&self) -> Option<Index> {
        let index = self.index.clone()?;
        Some(index.with_meaning(self.meanings.present()))
    }

    fn value(&self, kind: &str) -> Value {
        let mut value = json!({"kind": kind, "message": self.state.words()});
        if let (IndexPhase::Reading { done, total }, Some(fields)) =
            (&self.state.phase, value.as_object_mut())
        {
            let percent = done.saturating_mul(100) / (*total).max(1);
            fields.insert("percentage".into(), json!(percent.min(100)));
        }
        value
    }
}

impl SearchArguments {
    /// An object, or words.
    fn read(given: Vec<Value>) -> Result<Self, String> {
        let words = |query| Ok(Self { query, most: None });
        Given::of(given).read(words, no_number)
    }
}

/// A place as clients take it: with a uri and a range.
fn place(hit: &SearchHit, workspace: &WorkspaceSnapshot) -> Value {
    let line = hit.line.saturating_sub(1);
    let at = json!({"line": line, "character": 0});
    let mut place = json!({
        "path": hit.path, "uri": workspace.uri_to_read(&hit.path).ok(), "line": hit.line,
        "range": {"start": at, "end": at}, "preview": hit.preview,
    });
    if let (Some(symbol), Some(fields)) = (&hit.symbol, place.as_object_mut()) {
        fields.insert("name".into(), json!(symbol.name));
        fields.insert("kind".into(), json!(symbol.kind));
        fields.insert("container".into(), json!(symbol.container));
    }
    place
}

/// The places as a page to read, each line with a path that editors can follow.
fn page(
    asked: &str,
    hits: &[SearchHit],
    workspace: &WorkspaceSnapshot,
    state: &IndexState,
    by_words_alone: Option<String>,
) -> String {
    let mut page = format!("# Found for `{}`\n\n", asked.replace('`', "'"));
    if state.phase != IndexPhase::Whole {
        page = format!(
            "{page}The index is not whole ({}): more may be there.\n\n",
            state.words()
        );
    }
    if let Some(why) = by_words_alone {
        page = format!("{page}Ranked by words alone ({why}).\n\n");
    }
    if hits.is_empty() {
        page.push_str("Nothing. Fewer or other words may find more.\n");
    }
    for hit in hits {
        let uri = workspace.uri_to_read(&hit.path).ok();
        let path = uri.and_then(|uri| path_from_uri(&uri));
        let path = path.map_or_else(|| hit.path.clone(), Utf8PathBuf::into_string);
        let what = hit.symbol.as_ref().map_or(String::new(), |symbol| {
            let of = match symbol.container.as_str() {
                "" => String::new(),
                container => format!(" of {container}"),
            };
            format!("{} {}{of}: ", symbol.kind, symbol.name)
        });
        let preview = hit.preview.replace('`', "'");
        page = format!("{page}- {path}:{} {what}`{preview}`\n", hit.line);
    }
    page
}
