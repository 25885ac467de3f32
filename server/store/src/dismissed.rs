//! Findings that a person has dismissed.

use std::time::SystemTime;

use crate::answers::StoreError;
use crate::database::{Store, to_millis};

/// By what a dismissed finding is known again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dismissal {
    /// The file, as the workspace names it.
    pub path: String,
    /// What kind of finding it is.
    pub rule: String,
    /// A print of the lines that it is about.
    pub fingerprint: String,
}

impl Store {
    /// Remembers that a finding in the workspace `folder` was dismissed.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn dismiss(
        &mut self,
        folder: &str,
        what: &Dismissal,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.within(|transaction| {
            transaction
                .execute(
                    "INSERT OR REPLACE INTO dismissed_finding (folder, path, rule, fingerprint, at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    (
                        folder,
                        &what.path,
                        &what.rule,
                        &what.fingerprint,
                        to_millis(now),
                    ),
                )
                .map(drop)
        })
    }

    /// What was dismissed in the workspace `folder`, by file, rule and print.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn dismissed(&mut self, folder: &str) -> Result<Vec<Dismissal>, StoreError> {
        self.within(|transaction| {
            let mut query = transaction.prepare(
                "SELECT path, rule, fingerprint FROM dismissed_finding WHERE folder = ?1
                 ORDER BY path, rule, fingerprint",
            )?;
            let all = query.query_map([folder], |row| {
                Ok(Dismissal {
                    path: row.get(0)?,
                    rule: row.get(1)?,
                    fingerprint: row.get(2)?,
                })
            })?;
            all.collect()
        })
    }

    /// Forgets what was dismissed in the workspace `folder`, with `path` only what was in that file.
    /// Answers how many went.
    ///
    /// # Errors
    ///
    /// When it could not be written.
    pub fn take_dismissals_back(
        &mut self,
        folder: &str,
        path: Option<&str>,
    ) -> Result<usize, StoreError> {
        self.within(|transaction| {
            transaction.execute(
                "DELETE FROM dismissed_finding WHERE folder = ?1 AND (?2 IS NULL OR path = ?2)",
                (folder, path),
            )
        })
    }
}
