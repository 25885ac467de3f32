//! The pieces of files that can be embedded, and places for those that mean what is asked.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use super::find::FoundPlace;
use super::{Index, TextPrint};
use crate::answers::StoreError;

/// Places of one text that are found: a licence stands in every file.
const COPIES: u32 = 3;

/// A piece and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PiecePlace {
    /// The file.
    pub file: String,
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// What its text is known by.
    pub print: TextPrint,
}

impl Index {
    /// What the texts of all pieces are known by, and the bytes of each.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn prints(&mut self) -> Result<BTreeMap<TextPrint, u32>, StoreError> {
        self.within(|transaction| {
            let mut all = transaction.prepare("SELECT print, bytes FROM piece")?;
            let rows = all.query_map([], |row| Ok((TextPrint(row.get(0)?), row.get(1)?)))?;
            rows.collect()
        })
    }

    /// The pieces of so many files, in the order of their names, from behind the file `after` on.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn pieces(&mut self, after: &str, files: u32) -> Result<Vec<PiecePlace>, StoreError> {
        self.within(|transaction| {
            let mut some = transaction.prepare(
                "SELECT file.name, first, last, print FROM piece JOIN file ON file.id = piece.file
                 WHERE file.id IN (SELECT id FROM file WHERE name > ?1 AND
                     EXISTS (SELECT 1 FROM piece WHERE piece.file = file.id) ORDER BY name LIMIT ?2)
                 ORDER BY file.name, first",
            )?;
            let rows = some.query_map((after, files), |row| {
                Ok(PiecePlace {
                    file: row.get(0)?,
                    first: row.get(1)?,
                    last: row.get(2)?,
                    print: TextPrint(row.get(3)?),
                })
            })?;
            rows.collect()
        })
    }
}

/// Where these texts are, in their order, each with what is defined there: the largest that begins in it.
pub(super) fn meant(
    transaction: &Transaction<'_>,
    prints: &[TextPrint],
) -> rusqlite::Result<Vec<FoundPlace>> {
    let mut places = transaction.prepare(
        "SELECT file.id, file.name, first, last FROM piece JOIN file ON file.id = piece.file
         WHERE print = ?1 ORDER BY file.name, first LIMIT ?2",
    )?;
    let mut defined = transaction.prepare(
        "SELECT name.name, kind, container, first FROM symbol JOIN name ON name.id = symbol.name
         WHERE file = ?1 AND first BETWEEN ?2 AND ?3 AND kind <> 'field'
         ORDER BY last - first DESC, first, symbol.id LIMIT 1",
    )?;
    let mut found = Vec::new();
    for print in prints {
        let mut rows = places.query((print.0, COPIES))?;
        while let Some(row) = rows.next()? {
            let file: i64 = row.get(0)?;
            let mut place = FoundPlace {
                file: row.get(1)?,
                first: row.get(2)?,
                last: row.get(3)?,
                symbol: None,
                score: 0.0,
            };
            let mut symbol = defined.query((file, place.first, place.last))?;
            if let Some(symbol) = symbol.next()? {
                place.symbol = Some((symbol.get(0)?, symbol.get(1)?, symbol.get(2)?));
                place.first = symbol.get(3)?;
            }
            found.push(place);
        }
    }
    Ok(found)
}
