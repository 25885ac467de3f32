//! One tiny call of a model, to see that all of it works: the address, the key, the model, the credit.

use std::time::{Duration, Instant};

use pleach_model::{Message, MicroUsd, ModelRequest, StopReason};
use pleach_policy::{CacheSettings, Settings};
use pleach_workspace::WorkspaceSnapshot;

use crate::action::Action;
use crate::call::{Caller, Hearing, Used};
use crate::failure::JobFailure;
use crate::job::{JobRequest, TargetDocument};
use crate::lineup::Lineup;
use crate::meter::Account;
use pleach_exec::Variables;

/// What a tiny call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// How long it took.
    pub time: Duration,
    /// Tokens sent and received, if the provider counted.
    pub tokens: Option<(u64, u64)>,
    /// What it cost; `None` when the price is unknown.
    pub cost: Option<MicroUsd>,
}

/// Makes one tiny call of a provider. It is in the ledger and within the caps like every other.
///
/// # Errors
///
/// Why it cannot be made, or failed.
pub async fn probe(
    name: &str,
    settings: &Settings,
    variables: &Variables,
    account: &Account,
) -> Result<Probed, JobFailure> {
    let account = Account {
        purpose: Some("probe"),
        cache: CacheSettings {
            enabled: false,
            ..account.cache
        },
        ..account.clone()
    };
    let names = vec![name.to_owned()];
    let lineup = Lineup::open(names, settings, variables, Some(&account)).await?;
    let nothing = WorkspaceSnapshot::new(&[], [], settings.path_rules());
    let request = JobRequest::new(Action::Explain, TargetDocument::none(), nothing);
    let asked = ModelRequest {
        system: "You are asked whether you can be reached.".to_owned(),
        messages: vec![Message::user("Answer with the single word yes.")],
        max_output_tokens: Some(MOST),
        ..ModelRequest::default()
    };
    let caller = Caller {
        request: &request,
        lineup: &lineup,
        account: &account,
        report: &|_| {},
    };
    let begun = Instant::now();
    let mut used = Used::default();
    let received = caller
        .receive(asked, &mut used, |answer| answer, &mut Anything)
        .await;
    let (reply, _) = received.map_err(|(failure, _)| failure)?;
    let provider = lineup.provider();
    let usage = reply.usage;
    Ok(Probed {
        time: begun.elapsed(),
        tokens: usage.map(|usage| (usage.input_tokens, usage.output_tokens)),
        cost: usage.and_then(|usage| account.prices.cost(provider.config(), &usage)),
    })
}

/// Room for a word, and for some reasoning before it.
const MOST: u32 = 64;

/// Whatever is answered shows that the way there works.
struct Anything;

impl Hearing for Anything {
    fn text(&mut self, _text: String) {}

    fn end(&self, _reason: StopReason, _bytes: usize) -> Result<(), JobFailure> {
        Ok(())
    }
}
