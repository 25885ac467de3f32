//! Search by meaning, as the session sees it: made from the settings, begun when the index is whole, shown while it
//! goes on. Nothing here waits.

use camino::Utf8PathBuf;
use pleach_agent::{IndexPhase, Meaning, MeaningPhase};
use pleach_policy::Settings;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::event::Event;
use crate::session::index::Display;
use crate::session::messages::Severity;
use crate::session::{Awaited, Session};

/// The token of the progress display.
pub(super) const TOKEN: &str = "pleach/embeddings";
/// Fewer pieces are embedded before a display of progress would be seen.
const WORTH_SHOWING: usize = 64;

/// Search by meaning and how it is shown.
#[derive(Default)]
pub(super) struct Meanings {
    meaning: Option<Meaning>,
    /// What it was made from.
    made_from: Option<(Arc<Settings>, Vec<Utf8PathBuf>)>,
    display: Display,
    /// A failure was told: it is not told again until the settings change.
    is_told: bool,
}

impl Meanings {
    pub(super) fn present(&self) -> Option<Meaning> {
        self.meaning.clone()
    }
}

impl Session {
    /// Search by meaning as the present settings want it, with what is under way where they have not changed.
    pub(super) fn renew_meaning(&mut self) {
        let settings = Arc::clone(self.configuration.settings());
        let roots = self.configuration.roots().to_vec();
        let made_from = self.indexing.meanings.made_from.as_ref();
        if made_from.is_some_and(|(of, at)| *of == settings && *at == roots) {
            return;
        }
        if let Some(before) = self.indexing.meanings.meaning.take() {
            before.stop();
        }
        self.indexing.meanings.is_told = false;
        let inbox = self.inbox.clone();
        let is_wanted = settings.context.index && !roots.is_empty();
        self.indexing.meanings.meaning = is_wanted
            .then(|| {
                Meaning::new(
                    &settings,
                    &self.environment.variables,
                    self.account(0, None),
                    &self.environment.state_dir,
                    &roots,
                    move |_| inbox.put(Event::MeaningMoved),
                )
            })
            .flatten();
        self.indexing.meanings.made_from = Some((settings, roots));
        self.catch_up();
    }

    /// Embeds what the index has and nobody has embedded yet, if that is wanted.
    pub(super) fn catch_up(&self) {
        let is_whole = self
            .indexing
            .present()
            .is_some_and(|index| index.state().phase == IndexPhase::Whole);
        if let (true, Some(meaning)) = (is_whole, self.indexing.meanings.present()) {
            let workspace = self.snapshot();
            // Under the jobs' roof: a call that the end of the session cuts off is settled.
            drop(self.tasks.spawn(async move {
                meaning.catch_up(workspace).await;
            }));
        }
    }

    pub(super) fn meaning_moved(&mut self) {
        let Some(meaning) = self.indexing.meanings.present() else {
            self.end_meaning_display("no longer wanted");
            return;
        };
        let state = meaning.state();
        if let MeaningPhase::Failed(why) = &state.phase
            && !std::mem::replace(&mut self.indexing.meanings.is_told, true)
        {
            let text = format!(
                "Pleach: `{}` embeds nothing now, so searches go by words alone: {why}; it is tried again when \
                 files change, or with pleach.index",
                state.engine
            );
            self.show(Severity::Warning, &text);
        }
        let is_long = matches!(
            state.phase, MeaningPhase::Embedding { total, .. } if total >= WORTH_SHOWING
        );
        match self.indexing.meanings.display {
            Display::None if is_long && self.client.progress => {
                self.indexing.meanings.display = Display::Asked;
                let create = json!({"token": TOKEN});
                let awaited = Awaited::MeaningProgress;
                self.request("window/workDoneProgress/create", &create, awaited);
            }
            Display::Shown if state.is_at_work() => {
                let params = json!({"token": TOKEN, "value": self.meaning_value("report")});
                self.outbox.notify_droppable("$/progress", &params);
            }
            Display::Shown => self.end_meaning_display(&state.words()),
            _ => {}
        }
    }

    fn end_meaning_display(&mut self, message: &str) {
        if self.indexing.meanings.display == Display::Shown {
            self.indexing.meanings.display = Display::None;
            let value = json!({"kind": "end", "message": message});
            let params = json!({"token": TOKEN, "value": value});
            self.outbox.notify("$/progress", &params);
        }
    }

    pub(super) fn meaning_progress_created(&mut self, accepted: bool) {
        if !accepted {
            self.indexing.meanings.display = Display::Refused;
            return;
        }
        self.indexing.meanings.display = Display::Shown;
        let mut value = self.meaning_value("begin");
        if let Some(fields) = value.as_object_mut() {
            fields.insert("title".into(), json!("Pleach: embedding"));
            fields.insert("cancellable".into(), json!(true));
        }
        let params = json!({"token": TOKEN, "value": value});
        self.outbox.notify("$/progress", &params);
        self.meaning_moved();
    }

    fn meaning_value(&self, kind: &str) -> Value {
        let state = self.indexing.meanings.present().map(|it| it.state());
        let words = state.as_ref().map(pleach_agent::MeaningState::words);
        let mut value = json!({"kind": kind, "message": words});
        if let (Some(MeaningPhase::Embedding { done, total }), Some(fields)) =
            (state.map(|state| state.phase), value.as_object_mut())
        {
            let percent = done.saturating_mul(100) / total.max(1);
            fields.insert("percentage".into(), json!(percent.min(100)));
        }
        value
    }

    /// The person pressed cancel on the display.
    pub(super) fn stop_meaning(&self) {
        if let Some(meaning) = self.indexing.meanings.present() {
            meaning.stop();
        }
    }

    /// For `pleach.status`.
    pub(super) fn meaning_status(&self) -> Value {
        let Some(meaning) = self.indexing.meanings.present() else {
            return json!({"state": "off"});
        };
        let state = meaning.state();
        let word = match &state.phase {
            MeaningPhase::Idle => "idle",
            MeaningPhase::Embedding { .. } => "working",
            MeaningPhase::Whole => "whole",
            MeaningPhase::Stopped => "stopped",
            MeaningPhase::DayOver => "day-over",
            MeaningPhase::Full => "full",
            MeaningPhase::Failed(_) => "failing",
        };
        json!({
            "state": word, "told": state.words(), "engine": state.engine, "embedded": state.embedded,
            "left": state.left, "bytes": state.bytes, "tokens": state.tokens,
            "microUsd": state.cost.map(|cost| cost.0),
        })
    }
}
