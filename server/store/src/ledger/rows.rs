//! Rows and cells, the same from every database that can hold a ledger.
//!
//! Queries are written once, in what `SQLite` and `PostgreSQL` have in common; parameters are `?1`, `?2`, ….

use rusqlite::types::{ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{ToSql, Transaction, params_from_iter};

/// A value in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Text(String),
}

/// A row of an answer.
#[derive(Debug)]
pub(super) struct Row(pub(super) Vec<Cell>);

/// Runs a query within a transaction.
pub(super) trait Rows {
    /// All rows of its answer.
    fn run(&mut self, query: &str, cells: &[Cell]) -> Result<Vec<Row>, Fault>;
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What a shared database says.
    #[error("{0}")]
    Shared(String),
    /// Something else stands where this should.
    #[error("{0} is wanted and something else stands there")]
    Form(&'static str),
}

impl Fault {
    pub(super) fn into_sqlite(self) -> rusqlite::Error {
        match self {
            Self::Sqlite(error) => error,
            Self::Shared(cause) => rusqlite::Error::InvalidColumnType(0, cause, Type::Null),
            Self::Form(wanted) => {
                rusqlite::Error::InvalidColumnType(0, wanted.to_owned(), Type::Null)
            }
        }
    }
}

impl Rows for &Transaction<'_> {
    fn run(&mut self, query: &str, cells: &[Cell]) -> Result<Vec<Row>, Fault> {
        let mut query = self.prepare(query)?;
        let columns = query.column_count();
        let mut found = query.query(params_from_iter(cells))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let cells = (0..columns).map(|column| {
                Ok(match row.get_ref(column)? {
                    ValueRef::Null => Cell::Null,
                    ValueRef::Integer(number) => Cell::Integer(number),
                    ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Real(_) | ValueRef::Blob(_) => {
                        return Err(Fault::Form("a number or a text"));
                    }
                })
            });
            rows.push(Row(cells.collect::<Result<_, Fault>>()?));
        }
        Ok(rows)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl Row {
    fn cell(&self, column: usize) -> &Cell {
        self.0.get(column).unwrap_or(&Cell::Null)
    }

    pub(super) fn integer(&self, column: usize) -> Result<i64, Fault> {
        match self.cell(column) {
            Cell::Integer(number) => Ok(*number),
            _ => Err(Fault::Form("a number")),
        }
    }

    /// A count; what is negative was written by somebody else.
    pub(super) fn number(&self, column: usize) -> Result<Option<u64>, Fault> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => match u64::try_from(*number) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Fault::Form("a number that is not negative")),
            },
            Cell::Text(_) => Err(Fault::Form("a number")),
        }
    }

    pub(super) fn text(&self, column: usize) -> Result<String, Fault> {
        self.optional_text(column)?.ok_or(Fault::Form("a text"))
    }

    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>, Fault> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text.clone())),
            Cell::Integer(_) => Err(Fault::Form("a text")),
        }
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Counts that are beyond what a database holds are its largest number.
impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T> From<Option<T>> for Cell
where
    Cell: From<T>,
{
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Self::from)
    }
}
