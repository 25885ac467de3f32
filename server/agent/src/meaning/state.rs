//! Where the embedding of a workspace is.

use pleach_model::MicroUsd;

/// What is going on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MeaningPhase {
    /// Nothing was looked at yet.
    #[default]
    Idle,
    /// Pieces are being embedded.
    Embedding {
        /// So many are.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// Everything that the index has is embedded.
    Whole,
    /// It was told to stop.
    Stopped,
    /// The tokens of the day are spent.
    DayOver,
    /// The room on disk is taken.
    Full,
    /// It failed, and why.
    Failed(String),
}

/// Where it is, and what it has cost since the server started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeaningState {
    /// What is going on.
    pub phase: MeaningPhase,
    /// What embeds: `text-embedding-3-small (openai)`.
    pub engine: String,
    /// Texts that are embedded.
    pub embedded: u64,
    /// Bytes that this takes on disk, about.
    pub bytes: u64,
    /// Texts that are not embedded.
    pub left: u64,
    /// Tokens that were sent, those of questions among them.
    pub tokens: u64,
    /// What they cost; `None` when the price is unknown.
    pub cost: Option<MicroUsd>,
    /// Tokens and cost of all that was missing when this began, about.
    pub expected: (u64, Option<MicroUsd>),
}

impl MeaningState {
    pub(super) fn new(engine: String) -> Self {
        Self {
            phase: MeaningPhase::Idle,
            engine,
            embedded: 0,
            bytes: 0,
            left: 0,
            tokens: 0,
            cost: Some(MicroUsd(0)),
            expected: (0, None),
        }
    }

    pub(super) fn spent(&mut self, tokens: u64, cost: Option<MicroUsd>) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.cost = self.cost.zip(cost).map(|(sum, cost)| sum.plus(cost));
    }

    pub(super) fn works_again(&mut self) {
        if matches!(self.phase, MeaningPhase::Failed(_)) {
            self.phase = match self.left {
                0 => MeaningPhase::Whole,
                _ => MeaningPhase::Stopped,
            };
        }
    }

    /// Whether it is at work.
    pub fn is_at_work(&self) -> bool {
        matches!(self.phase, MeaningPhase::Embedding { .. })
    }

    /// In a few words: `embedding: 120 of 500 pieces · 61000 of about 250000 tokens · $0.0012 of about $0.005`.
    pub fn words(&self) -> String {
        let price = |cost: Option<MicroUsd>| {
            cost.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string())
        };
        let spent = format!("{} tokens · {}", self.tokens, price(self.cost));
        let left = self.left;
        match &self.phase {
            MeaningPhase::Idle => "nothing was embedded yet".to_owned(),
            MeaningPhase::Embedding { done, total } => {
                let (tokens, cost) = self.expected;
                let cost = match (self.cost, cost) {
                    (Some(now), Some(all)) => format!("{now} of about {all}"),
                    // Nothing was sent yet, and that it cost nothing says nothing.
                    (_, None) | (None, _) => price(None),
                };
                let now = self.tokens;
                format!(
                    "embedding: {done} of {total} pieces · {now} of about {tokens} tokens · {cost}"
                )
            }
            MeaningPhase::Whole => format!("{} pieces embedded · {spent}", self.embedded),
            MeaningPhase::Stopped => {
                format!("stopped, {left} pieces are not embedded · {spent}")
            }
            MeaningPhase::DayOver => format!(
                "embeddings.tokens_per_day is reached, {left} pieces wait for tomorrow · {spent}"
            ),
            MeaningPhase::Full => format!(
                "embeddings.megabytes are full, {left} pieces are found by words alone · {spent}"
            ),
            MeaningPhase::Failed(why) => format!("words alone are searched for: {why}"),
        }
    }
}
