//! Who answers a job: the first choice of its role, and who stands in when it cannot be had. Only what the
//! settings name, and never silently.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pleach_exec::Variables;
use pleach_model::{Provider, ProviderError, TimeoutPhase};
use pleach_policy::Settings;

use crate::engine::open_provider;
use crate::failure::JobFailure;
use crate::meter::Account;

/// Who answers a job. Cheap to clone; all clones are of one job, and stay with who stands in once it does.
#[derive(Clone)]
pub struct Lineup(Arc<Inner>);

struct Inner {
    settings: Settings,
    variables: Variables,
    turn: Mutex<Turn>,
}

struct Turn {
    provider: Provider,
    /// Who stands in next.
    next: VecDeque<String>,
    /// Who could not be had.
    missing: Vec<String>,
    /// Why, as far as it was not told yet.
    untold: Vec<StandingIn>,
}

/// Somebody stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StandingIn {
    /// Why the one before could not be had.
    pub(crate) failure: String,
    /// The name of the next one.
    pub(crate) next: String,
}

impl Lineup {
    /// Opens the first of these that can be opened. When none can, the first one's failure is told.
    pub(crate) async fn open(
        names: Vec<String>,
        settings: &Settings,
        variables: &Variables,
        account: Option<&Account>,
    ) -> Result<Self, JobFailure> {
        let mut next = VecDeque::from(names);
        let (mut missing, mut untold, mut first) = (Vec::new(), Vec::new(), None);
        while let Some(name) = next.pop_front() {
            let failure = match open_provider(&name, settings, variables, account).await {
                Ok(provider) => {
                    return Ok(Self(Arc::new(Inner {
                        settings: settings.clone(),
                        variables: Arc::clone(variables),
                        turn: Mutex::new(Turn {
                            provider,
                            next,
                            missing,
                            untold,
                        }),
                    })));
                }
                Err(failure) => failure,
            };
            let Some(after) = next.front() else {
                return Err(first.unwrap_or(failure));
            };
            untold.push(StandingIn {
                failure: failure.to_string(),
                next: after.clone(),
            });
            missing.push(name);
            first.get_or_insert(failure);
        }
        Err(first.unwrap_or(JobFailure::UnknownEngine {
            name: String::new(),
        }))
    }

    /// Who answers now.
    pub fn provider(&self) -> Provider {
        self.turn().provider.clone()
    }

    /// Who answers now, and in whose place: `qwen (local), in place of claude`.
    pub fn label(&self) -> String {
        let turn = self.turn();
        let label = turn.provider.label();
        match turn.missing.as_slice() {
            [] => label,
            missing => format!("{label}, in place of {}", missing.join(", ")),
        }
    }

    /// Whether the settings say that it can call no tool.
    pub(crate) fn calls_nothing(&self) -> bool {
        let name = self.turn().provider.config().name.clone();
        let provider = self.0.settings.providers.get(&name);
        provider.is_some_and(|provider| provider.tools == Some(false))
    }

    /// In whose place it answers.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.turn().missing.clone()
    }

    /// Who stood in since this was last asked, to be told.
    pub(crate) fn take_untold(&self) -> Vec<StandingIn> {
        std::mem::take(&mut self.turn().untold)
    }

    /// Lets the next one stand in, if there is one that can be opened.
    pub(crate) async fn stand_in(&self, failure: &JobFailure, account: &Account) -> bool {
        let mut why = failure.to_string();
        let mut missing = vec![self.turn().provider.config().name.clone()];
        let mut told = Vec::new();
        loop {
            let Some(name) = self.turn().next.pop_front() else {
                return false;
            };
            told.push(StandingIn {
                failure: why,
                next: name.clone(),
            });
            let inner = &self.0;
            let opened =
                open_provider(&name, &inner.settings, &inner.variables, Some(account)).await;
            match opened {
                Ok(provider) => {
                    let mut turn = self.turn();
                    turn.provider = provider;
                    turn.missing.append(&mut missing);
                    turn.untold.append(&mut told);
                    return true;
                }
                Err(failure) => {
                    why = failure.to_string();
                    missing.push(name);
                }
            }
        }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One provider, for whom nobody stands in.
impl From<Provider> for Lineup {
    fn from(provider: Provider) -> Self {
        Self(Arc::new(Inner {
            settings: Settings::default(),
            variables: Arc::new(|_| None),
            turn: Mutex::new(Turn {
                provider,
                next: VecDeque::new(),
                missing: Vec::new(),
                untold: Vec::new(),
            }),
        }))
    }
}

/// Whether another provider may answer in place of one that failed so: it could not be had, and it had not
/// said a word, so that nobody pays twice for one answer. A wrong key, a refusal or a request that is too
/// long is told rather than sent elsewhere.
pub(crate) fn is_out_of_reach(failure: &JobFailure) -> bool {
    match failure {
        JobFailure::Key { .. } | JobFailure::KeyNotSet { .. } => true,
        JobFailure::Provider(error) => matches!(
            error,
            ProviderError::Unreachable { .. }
                | ProviderError::Overloaded { .. }
                | ProviderError::RateLimited { .. }
                | ProviderError::NoCredit { .. }
                | ProviderError::Resting { .. }
                | ProviderError::ConnectionLost { bytes: 0, .. }
                | ProviderError::Timeout {
                    phase: TimeoutPhase::Connect | TimeoutPhase::FirstByte,
                    ..
                }
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn settings(text: &str) -> Settings {
        pleach_policy::parse(text).settings
    }

    fn open(names: &[&str], settings: &Settings) -> Result<Lineup, JobFailure> {
        let variables: Variables = Arc::new(|_| None);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        runtime.block_on(Lineup::open(names, settings, &variables, None))
    }

    #[test]
    fn whose_key_is_missing_is_stood_in_for_and_named() {
        let settings = settings(
            "[providers.far]\nkind = 'openai'\nmodel = 'gpt'\n\
             [providers.near]\nbase_url = 'http://127.0.0.1:1'\nmodel = 'qwen'\n",
        );
        let lineup = open(&["far", "near"], &settings).unwrap();
        assert_eq!(lineup.label(), "qwen (near), in place of far");
        let told = lineup.take_untold();
        assert!(told[0].failure.contains("OPENAI_API_KEY"), "{told:?}");
        assert_eq!(told[0].next, "near");
        assert!(lineup.take_untold().is_empty(), "told once");
        // Nobody else was named.
        let failure = open(&["far"], &settings).err().unwrap();
        assert_eq!(failure.code(), "key-not-set");
        let failure = open(&["far", "nobody"], &settings).err().unwrap();
        assert_eq!(failure.code(), "key-not-set", "the first one's");
    }

    #[test]
    fn only_who_cannot_be_had_is_stood_in_for() {
        let provider = || "p".to_owned();
        let resting = ProviderError::Resting {
            provider: provider(),
            failures: 5,
            seconds: 3,
        };
        assert!(is_out_of_reach(&resting.into()));
        assert!(!is_out_of_reach(&ProviderError::Refused.into()));
        let wrong_key = ProviderError::Unauthorized {
            provider: provider(),
            status: 401,
            has_key: true,
            message: "no".into(),
        };
        assert!(!is_out_of_reach(&wrong_key.into()));
        let lost = |bytes| ProviderError::ConnectionLost {
            provider: provider(),
            bytes,
            why: "reset".into(),
        };
        assert!(is_out_of_reach(&lost(0).into()));
        assert!(!is_out_of_reach(&lost(1).into()));
    }
}
