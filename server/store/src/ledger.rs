//! The ledger: what calls of models may cost, set aside before they begin and settled when they end.
//!
//! A row is a call. It is reserved in one transaction with the look at the caps, so that two servers
//! cannot both take the last cent; it is settled once. Whoever reserved it and died leaves a row behind
//! that is found by its deadline: it goes on counting with what was set aside, because nobody knows what
//! it has cost.

mod periods;
mod rows;
mod shared;

use std::time::SystemTime;

use camino::Utf8Path;
use pleach_policy::{BudgetSettings, MicroUsd, Room, Spent};

use crate::answers::StoreError;
use crate::database::{Notice, Store, from_millis, to_millis};
use periods::Periods;
use rows::{Cell, Fault, Row, Rows};
use shared::Shared;

pub use shared::SharedLedger;

/// What amounts are in.
pub const CURRENCY: &str = "USD";

/// The code of a call that was answered from the cache: nothing was sent, and nothing is owed.
pub const FROM_CACHE: &str = "from-cache";

/// The number of a call in its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub i64);

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// Now.
    pub at: SystemTime,
    /// When it is over for certain, whatever becomes of the process.
    pub deadline: SystemTime,
    /// Who makes it: a name that no other process has.
    pub server: String,
    /// Whose it is, in a ledger that several people share; else empty.
    pub person: String,
    /// The workspace folder.
    pub workspace: String,
    /// The number of the job, in its session.
    pub job: u64,
    /// What was asked for: `fix`, `rewrite`, …
    pub action: String,
    /// The role that asks: `coder`, `reviewer`, …
    pub role: String,
    /// The provider's name in the settings.
    pub provider: String,
    /// The model that is asked.
    pub model: String,
    /// What it will cost; `None` when the price is unknown.
    pub estimate: Option<CostEstimate>,
}

/// What a call will cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostEstimate {
    /// What it costs in any case: the request.
    pub least: MicroUsd,
    /// What it costs if the answer reaches its bound; `None` where there is none.
    pub most: Option<MicroUsd>,
}

/// What became of an attempt to reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The call may be made.
    Granted {
        /// Its number.
        id: CallId,
        /// What is set aside for it: it must be stopped there. `None` when the price is unknown, or when
        /// neither a cap nor the model bounds it.
        amount: Option<MicroUsd>,
        /// The cap that bounds it, if one does: without, it might cost more.
        bounded_by: Option<Room>,
    },
    /// The call must not be made: even its request costs more than is left.
    Refused {
        /// What is left, and of which cap.
        room: Room,
        /// What the request costs.
        least: MicroUsd,
    },
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTokens {
    /// Sent, those from and to a cache among them.
    pub input: u64,
    /// Received, reasoning among them.
    pub output: u64,
    /// Of those sent, read from the provider's cache.
    pub cached: Option<u64>,
    /// Of those sent, written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Of those received, reasoning.
    pub reasoning: Option<u64>,
}

/// Who counted the tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// The provider.
    Provider,
    /// Pleach, by the length of the texts: the answer broke off before the provider had counted.
    Estimate,
    /// Nobody: the provider refused the request, or was not reached.
    Nothing,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// With a whole answer.
    Answered,
    /// It failed, before the answer or in its middle.
    Failed,
    /// The person cancelled it.
    Cancelled,
    /// It reached a cap.
    Stopped,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its tokens.
    pub tokens: CallTokens,
    /// Who counted them.
    pub measure: Measure,
    /// What it has cost; `None` when the price is unknown.
    pub cost: Option<MicroUsd>,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The code of its failure.
    pub code: Option<String>,
    /// Milliseconds to its first word.
    pub first_ms: Option<u64>,
    /// Milliseconds to its end.
    pub total_ms: u64,
}

/// A call in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// As it was reserved.
    pub new: NewCall,
    /// What was set aside.
    pub reserved: Option<MicroUsd>,
    /// What it came to; `None` while it runs, and for one whose process died.
    pub settlement: Option<Settlement>,
    /// Whether its process died before it could be settled.
    pub is_lost: bool,
    /// Whether the gate let the answer's edit pass, once it has looked.
    pub is_clean: Option<bool>,
}

/// Which calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Those that began then or later.
    pub since: Option<SystemTime>,
    /// Those that began before.
    pub until: Option<SystemTime>,
    /// Those of this model.
    pub model: Option<String>,
    /// Those of this role.
    pub role: Option<String>,
    /// Those for this workspace folder.
    pub workspace: Option<String>,
}

/// The ledger. Calls wait for the disk or for the network: they belong on a thread of their own.
#[derive(Debug)]
pub struct Ledger {
    place: Place,
}

/// Where a ledger is.
#[derive(Debug)]
enum Place {
    /// In the state folder, with everything else.
    Own(Store),
    /// In a database that several people share.
    Shared(Box<Shared>),
}

const COLUMNS: &str = "id, at, deadline, server, person, workspace, job, action, role, provider, model, \
     state, least, most, reserved, input_tokens, output_tokens, cached_tokens, cache_write_tokens, \
     reasoning_tokens, cost, measure, outcome, code, verdict, first_ms, total_ms";

impl Ledger {
    /// The ledger in this state folder. Touches nothing yet.
    pub fn new(state_dir: &Utf8Path) -> Self {
        Self {
            place: Place::Own(Store::new(state_dir)),
        }
    }

    /// A ledger that several people share. Connects to nothing yet.
    pub fn shared(place: SharedLedger) -> Self {
        Self {
            place: Place::Shared(Box::new(Shared::new(place))),
        }
    }

    /// What happened to the database since this was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        match &mut self.place {
            Place::Own(store) => store.take_notices(),
            Place::Shared(_) => Vec::new(),
        }
    }

    /// Sets aside what a call may cost, if the caps leave room for it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written: then nobody knows what is left.
    pub fn reserve(
        &mut self,
        call: &NewCall,
        budget: &BudgetSettings,
    ) -> Result<Reserved, StoreError> {
        self.within(|rows| {
            let room = budget.room(&spent(rows, &call.workspace, call.at)?);
            let room = room.filter(|_| call.estimate.is_some());
            let most = call.estimate.and_then(|estimate| estimate.most);
            let bounded_by = room.filter(|room| most.is_none_or(|most| most > room.left));
            if let (Some(room), Some(estimate)) = (room, call.estimate)
                && estimate.least > room.left
            {
                return Ok(Reserved::Refused {
                    room,
                    least: estimate.least,
                });
            }
            let amount = bounded_by.map(|room| room.left).or(most);
            let id = insert(rows, call, amount)?;
            Ok(Reserved::Granted {
                id,
                amount,
                bounded_by,
            })
        })
    }

    /// Settles a call. Whether it was still open: a call is settled once, whoever tries.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn settle(&mut self, id: CallId, came_to: &Settlement) -> Result<bool, StoreError> {
        self.within(|rows| {
            let tokens = &came_to.tokens;
            let changed = rows.run(
                "UPDATE model_call SET state = 'settled', input_tokens = ?2, output_tokens = ?3,
                     cached_tokens = ?4, cache_write_tokens = ?5, reasoning_tokens = ?6, cost = ?7,
                     measure = ?8, outcome = ?9, code = ?10, first_ms = ?11, total_ms = ?12
                 WHERE id = ?1 AND state <> 'settled' RETURNING id",
                &[
                    id.0.into(),
                    tokens.input.into(),
                    tokens.output.into(),
                    tokens.cached.into(),
                    tokens.cache_write.into(),
                    tokens.reasoning.into(),
                    came_to.cost.map(|cost| cost.0).into(),
                    came_to.measure.name().into(),
                    came_to.outcome.name().into(),
                    came_to.code.as_deref().into(),
                    came_to.first_ms.into(),
                    came_to.total_ms.into(),
                ],
            )?;
            Ok(!changed.is_empty())
        })
    }

    /// Notes what the gate said of the edit that a call brought.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn judged(&mut self, id: CallId, is_clean: bool) -> Result<(), StoreError> {
        let verdict = if is_clean { "clean" } else { "refused" };
        self.within(|rows| {
            rows.run(
                "UPDATE model_call SET verdict = ?2 WHERE id = ?1",
                &[id.0.into(), verdict.into()],
            )?;
            Ok(())
        })
    }

    /// Finds calls that are open beyond their deadline: their process has died. Each goes on counting
    /// with what was set aside, until somebody settles it after all. How many were found.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub fn find_lost(&mut self, now: SystemTime) -> Result<usize, StoreError> {
        self.within(|rows| {
            let found = rows.run(
                "UPDATE model_call SET state = 'lost' WHERE state = 'reserved' AND deadline < ?1
                 RETURNING id",
                &[to_millis(now).into()],
            )?;
            Ok(found.len())
        })
    }

    /// What is spent and set aside, for the caps.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn spent(&mut self, workspace: &str, now: SystemTime) -> Result<Spent, StoreError> {
        self.within(|rows| spent(rows, workspace, now))
    }

    /// The calls, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn calls(&mut self, filter: &CallFilter) -> Result<Vec<Call>, StoreError> {
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut cells: Vec<Cell> = Vec::new();
        let mut only = |condition: &str, cell: Option<Cell>| {
            if let Some(cell) = cell {
                cells.push(cell);
                conditions.push(format!("{condition} ?{}", cells.len()));
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Cell::from);
        only("at >=", filter.since.map(|at| to_millis(at).into()));
        only("at <", filter.until.map(|at| to_millis(at).into()));
        only("model =", text(&filter.model));
        only("role =", text(&filter.role));
        only("workspace =", text(&filter.workspace));
        let query = format!(
            "SELECT {COLUMNS} FROM model_call WHERE {} ORDER BY id",
            conditions.join(" AND ")
        );
        self.within(|rows| rows.run(&query, &cells)?.iter().map(call_of).collect())
    }

    fn within<T>(
        &mut self,
        work: impl Fn(&mut dyn Rows) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match &mut self.place {
            Place::Own(store) => {
                store.within(|transaction| work(&mut &*transaction).map_err(Fault::into_sqlite))
            }
            Place::Shared(shared) => shared.within(work),
        }
    }
}

fn spent(rows: &mut dyn Rows, workspace: &str, now: SystemTime) -> Result<Spent, Fault> {
    let periods = Periods::at(now);
    // What is settled counts with its cost; what runs, or nobody will settle, with what was set aside.
    let sums = rows.run(
        "SELECT CAST(coalesce(sum(CASE WHEN at >= ?2 THEN counted ELSE 0 END), 0) AS BIGINT),
                CAST(coalesce(sum(counted), 0) AS BIGINT),
                CAST(coalesce(sum(CASE WHEN workspace = ?3 THEN counted ELSE 0 END), 0) AS BIGINT)
         FROM (SELECT at, workspace,
                      coalesce(CASE WHEN state = 'settled' THEN cost ELSE reserved END, 0) AS counted
               FROM model_call WHERE at >= ?1) AS this_month",
        &[
            periods.month.into(),
            periods.day.into(),
            workspace.into(),
        ],
    )?;
    let sums = sums.first().ok_or(Fault::Form("a sum"))?;
    let sum = |column| sums.number(column).map(|sum| MicroUsd(sum.unwrap_or(0)));
    Ok(Spent {
        day: sum(0)?,
        month: sum(1)?,
        workspace_month: sum(2)?,
    })
}

fn insert(
    rows: &mut dyn Rows,
    call: &NewCall,
    reserved: Option<MicroUsd>,
) -> Result<CallId, Fault> {
    let micros = |amount: Option<MicroUsd>| Cell::from(amount.map(|amount| amount.0));
    let inserted = rows.run(
        "INSERT INTO model_call (at, deadline, server, person, workspace, job, action, role, provider,
             model, currency, state, least, most, reserved)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'reserved', ?12, ?13, ?14)
         RETURNING id",
        &[
            to_millis(call.at).into(),
            to_millis(call.deadline).into(),
            call.server.as_str().into(),
            call.person.as_str().into(),
            call.workspace.as_str().into(),
            call.job.into(),
            call.action.as_str().into(),
            call.role.as_str().into(),
            call.provider.as_str().into(),
            call.model.as_str().into(),
            CURRENCY.into(),
            micros(call.estimate.map(|estimate| estimate.least)),
            micros(call.estimate.and_then(|estimate| estimate.most)),
            micros(reserved),
        ],
    )?;
    let row = inserted.first().ok_or(Fault::Form("a number"))?;
    Ok(CallId(row.integer(0)?))
}

/// Reads the columns of [`COLUMNS`].
fn call_of(row: &Row) -> Result<Call, Fault> {
    let micros = |column| Ok::<_, Fault>(row.number(column)?.map(MicroUsd));
    let time = |column| Ok::<_, Fault>(from_millis(row.integer(column)?));
    let state = row.text(11)?;
    let least: Option<MicroUsd> = micros(12)?;
    let settlement = if state == "settled" {
        Some(Settlement {
            tokens: CallTokens {
                input: row.number(15)?.unwrap_or(0),
                output: row.number(16)?.unwrap_or(0),
                cached: row.number(17)?,
                cache_write: row.number(18)?,
                reasoning: row.number(19)?,
            },
            cost: micros(20)?,
            measure: named(&Measure::ALL, Measure::name, &row.text(21)?)?,
            outcome: named(&CallOutcome::ALL, CallOutcome::name, &row.text(22)?)?,
            code: row.optional_text(23)?,
            first_ms: row.number(25)?,
            total_ms: row.number(26)?.unwrap_or(0),
        })
    } else {
        None
    };
    Ok(Call {
        id: CallId(row.integer(0)?),
        new: NewCall {
            at: time(1)?,
            deadline: time(2)?,
            server: row.text(3)?,
            person: row.text(4)?,
            workspace: row.text(5)?,
            job: row.number(6)?.unwrap_or(0),
            action: row.text(7)?,
            role: row.text(8)?,
            provider: row.text(9)?,
            model: row.text(10)?,
            estimate: match least {
                Some(least) => Some(CostEstimate {
                    least,
                    most: micros(13)?,
                }),
                None => None,
            },
        },
        reserved: micros(14)?,
        settlement,
        is_lost: state == "lost",
        is_clean: row.optional_text(24)?.map(|verdict| verdict == "clean"),
    })
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, written: &str) -> Result<T, Fault> {
    let found = all.iter().find(|one| name(**one) == written);
    found.copied().ok_or(Fault::Form("a known word"))
}

impl Settlement {
    /// Of a call that was answered from the cache.
    pub fn from_cache() -> Self {
        Self {
            outcome: CallOutcome::Answered,
            code: Some(FROM_CACHE.to_owned()),
            ..Self::not_made()
        }
    }

    /// Of a call that was not made after all.
    pub fn not_made() -> Self {
        Self {
            tokens: CallTokens::default(),
            measure: Measure::Nothing,
            cost: Some(MicroUsd(0)),
            outcome: CallOutcome::Cancelled,
            code: Some("not-made".to_owned()),
            first_ms: None,
            total_ms: 0,
        }
    }
}

impl Measure {
    const ALL: [Self; 3] = [Self::Provider, Self::Estimate, Self::Nothing];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimate => "estimate",
            Self::Nothing => "nothing",
        }
    }
}

impl CallOutcome {
    const ALL: [Self; 4] = [Self::Answered, Self::Failed, Self::Cancelled, Self::Stopped];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
        }
    }
}
