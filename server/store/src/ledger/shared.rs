//! A ledger that several people share: the same tables and queries in `PostgreSQL`.

use std::time::Duration;

use bytes::BytesMut;
use postgres::config::{Host, SslMode};
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Transaction};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::rows::{Cell, Fault, Row, Rows};
use crate::answers::StoreError;

/// The forms of the database, each made of the one before it. What was released is never changed.
const FORMS: &[&str] = &[include_str!("shared-form-1.sql")];
/// The lock that whoever looks and writes in one step holds: "plea" as a number.
const LOCK: i64 = 1_886_152_033;
/// How long a server may take to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long it may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(10);

/// Where a shared ledger is.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedLedger {
    /// The address, without a password: `postgres://user@host/database`.
    pub url: String,
    /// The password, where the server asks for one.
    pub password: Option<String>,
}

/// Without the password.
impl std::fmt::Debug for SharedLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedLedger")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A connection that is made when it is first needed, and made again when it was lost.
pub(super) struct Shared {
    place: SharedLedger,
    client: Option<Client>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

impl Shared {
    pub(super) fn new(place: SharedLedger) -> Self {
        Self {
            place,
            client: None,
        }
    }

    /// Does something in one transaction, with no other server's between its reading and its writing.
    pub(super) fn within<T>(
        &mut self,
        work: impl Fn(&mut dyn Rows) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        // Where a step failed is told from the reason: what may have been committed is not tried again.
        let done = self.try_within(&work);
        let done = match done {
            Err(Failure::NotBegun(_)) => {
                self.client = None;
                self.try_within(&work)
            }
            done => done,
        };
        done.map_err(|failure| {
            let cause = match failure {
                Failure::NotBegun(cause) | Failure::Failed(cause) => cause,
            };
            self.client = None;
            StoreError::Shared {
                url: self.place.url.clone(),
                cause,
            }
        })
    }

    fn try_within<T>(
        &mut self,
        work: &impl Fn(&mut dyn Rows) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => connect(&self.place).map_err(Failure::Failed)?,
        };
        let client = self.client.insert(client);
        let begun = begin(client);
        let mut transaction = begun.map_err(|error| Failure::NotBegun(told(&error)))?;
        let done = work(&mut transaction).map_err(|fault| Failure::Failed(fault.to_string()))?;
        transaction
            .commit()
            .map_err(|error| Failure::Failed(told(&error)))?;
        Ok(done)
    }
}

/// Begins a transaction that no other server's can come between.
fn begin(client: &mut Client) -> Result<Transaction<'_>, postgres::Error> {
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    Ok(transaction)
}

enum Failure {
    /// The connection was lost while nothing was done.
    NotBegun(String),
    Failed(String),
}

fn connect(place: &SharedLedger) -> Result<Client, String> {
    let mut config: Config = place.url.parse().map_err(|error| told(&error))?;
    if let Some(password) = &place.password {
        config.password(password);
    }
    config
        .application_name("pleach")
        .connect_timeout(CONNECT_WITHIN)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(SILENCE)
        .options("-c statement_timeout=10s -c lock_timeout=5s");
    // Only whoever writes `sslmode=disable` into the address sends a ledger through a network in clear.
    let is_near = config.get_hosts().iter().all(is_this_machine);
    let is_plain = match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Prefer => is_near,
        _ => false,
    };
    let mut client = if is_plain {
        config.ssl_mode(SslMode::Disable).connect(NoTls)
    } else {
        let tls = tls().map_err(|error| error.to_string())?;
        config
            .ssl_mode(SslMode::Require)
            .connect(MakeRustlsConnect::new(tls))
    }
    .map_err(|error| told(&error))?;
    prepare(&mut client).map_err(|error| told(&error))?;
    Ok(client)
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = rustls::crypto::ring::default_provider();
    let _already = rustls::crypto::CryptoProvider::install_default(provider).is_err();
    ClientConfig::with_platform_verifier()
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Brings the database to the present form.
fn prepare(client: &mut Client) -> Result<(), postgres::Error> {
    let mut transaction = begin(client)?;
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS pleach_form (form BIGINT NOT NULL)")?;
    let row = transaction.query_one("SELECT coalesce(max(form), 0) FROM pleach_form", &[])?;
    let now: i64 = row.get(0);
    for (form, statements) in (1_i64..).zip(FORMS) {
        if form > now {
            transaction.batch_execute(statements)?;
            transaction.execute("INSERT INTO pleach_form (form) VALUES ($1)", &[&form])?;
        }
    }
    transaction.commit()
}

/// What the server or the way to it says, without what it was asked: its own word where it has one.
fn told(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

impl Rows for Transaction<'_> {
    fn run(&mut self, query: &str, cells: &[Cell]) -> Result<Vec<Row>, Fault> {
        let cells: Vec<&(dyn ToSql + Sync)> = cells.iter().map(|cell| cell as _).collect();
        let fault = |error: postgres::Error| Fault::Shared(told(&error));
        let found = self
            .query(&query.replace('?', "$"), &cells)
            .map_err(fault)?;
        found
            .iter()
            .map(|row| {
                let columns = row.columns().iter().enumerate();
                let cells = columns.map(|(number, column)| {
                    if *column.type_() == Type::INT8 {
                        return row.try_get::<_, Option<i64>>(number).map(Cell::from);
                    }
                    let text = row.try_get::<_, Option<String>>(number);
                    text.map(|text| text.map_or(Cell::Null, Cell::Text))
                });
                Ok(Row(cells.collect::<Result<_, _>>().map_err(fault)?))
            })
            .collect()
    }
}

impl ToSql for Cell {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Text(text) => text.as_str().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}
