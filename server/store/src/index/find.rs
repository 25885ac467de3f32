//! Asking the index.

use std::collections::BTreeMap;

use rusqlite::{Row, Transaction};

use super::{Index, TextPrint, pieces, words};
use crate::answers::StoreError;

/// Rows of each of the two lists that a search is made of.
const LISTED: usize = 200;
/// How much the first of a list is worth more than the later ones, in the fusion of several lists
/// (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
/// Learning Methods", 2009: 60).
const FUSION: f64 = 60.0;

/// A place that a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPlace {
    /// The file.
    pub file: String,
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// What is defined there, if that was found and not its words alone: name, kind, container.
    pub symbol: Option<(String, String, String)>,
    /// Larger is better.
    pub score: f64,
}

/// A place where a name is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The file.
    pub file: String,
    /// The name.
    pub name: String,
    /// What it is, as people call it.
    pub kind: String,
    /// What it belongs to; empty where to nothing but the file.
    pub container: String,
    /// Its first line, from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
}

/// A file that uses a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsingFile {
    /// The file.
    pub file: String,
    /// How often.
    pub times: u32,
    /// The line of the first time, from 1.
    pub line: u32,
}

/// A file uses a name that another one defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The name.
    pub name: String,
    /// How often it is used.
    pub times: u32,
    /// In how many files it is defined.
    pub definers: u32,
    /// One of these.
    pub file: String,
}

impl Index {
    /// The places that are most about what is asked, the best first: symbols by their names, and pieces of
    /// files by their words, each ranked by BM25, fused by their ranks. A piece in which a symbol was found
    /// speaks for the symbol.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn find(&mut self, asked: &str, most: usize) -> Result<Vec<FoundPlace>, StoreError> {
        self.find_meant(asked, &[], most)
    }

    /// The same with a third list: the texts that mean most what is asked, the nearest first. A place that
    /// was found by its words and in such a text counts for both.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn find_meant(
        &mut self,
        asked: &str,
        meant: &[TextPrint],
        most: usize,
    ) -> Result<Vec<FoundPlace>, StoreError> {
        let question = words::question(asked);
        let (symbols, chunks, meant) = self.within(|transaction| {
            let (symbols, chunks) = match &question {
                Some(question) => (
                    symbols(transaction, question)?,
                    chunks(transaction, question)?,
                ),
                None => (Vec::new(), Vec::new()),
            };
            Ok((symbols, chunks, pieces::meant(transaction, meant)?))
        })?;
        Ok(fused(symbols, chunks, meant, most))
    }

    /// Where a name is defined, at most so many.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn definitions(&mut self, name: &str, most: usize) -> Result<Vec<Definition>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.within(|transaction| {
            let mut found = transaction.prepare(
                "SELECT file.name, name.name, kind, container, first, last
                 FROM name JOIN symbol ON symbol.name = name.id JOIN file ON file.id = symbol.file
                 WHERE name.name = ?1 ORDER BY file.name, first LIMIT ?2",
            )?;
            found.query_map((name, most), definition)?.collect()
        })
    }

    /// What a file defines, in its order.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn defined_in(&mut self, file: &str) -> Result<Vec<Definition>, StoreError> {
        self.within(|transaction| {
            let mut found = transaction.prepare(
                "SELECT file.name, name.name, kind, container, first, last
                 FROM file JOIN symbol ON symbol.file = file.id JOIN name ON name.id = symbol.name
                 WHERE file.name = ?1 ORDER BY first, symbol.id",
            )?;
            found.query_map([file], definition)?.collect()
        })
    }

    /// The files that use a name without defining it, those that use it most first.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn users(&mut self, name: &str, most: usize) -> Result<Vec<UsingFile>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.within(|transaction| {
            let mut found = transaction.prepare(
                "SELECT file.name, times, line
                 FROM name JOIN name_use ON name_use.name = name.id JOIN file ON file.id = name_use.file
                 WHERE name.name = ?1 ORDER BY times DESC, file.name LIMIT ?2",
            )?;
            let rows = found.query_map((name, most), |row| {
                Ok(UsingFile {
                    file: row.get(0)?,
                    times: row.get(1)?,
                    line: row.get(2)?,
                })
            })?;
            rows.collect()
        })
    }

    /// The files that define what a file uses, by the names. Names that more than `common` files define say
    /// nothing, and are left out.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn links(&mut self, file: &str, common: u32) -> Result<Vec<Link>, StoreError> {
        self.within(|transaction| {
            let mut used = transaction.prepare(
                "SELECT name.name, times, name.id
                 FROM file JOIN name_use ON name_use.file = file.id JOIN name ON name.id = name_use.name
                 WHERE file.name = ?1",
            )?;
            let used = used.query_map([file], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let used: Vec<(String, u32, i64)> = used.collect::<rusqlite::Result<_>>()?;
            let mut links = Vec::new();
            let mut definers = transaction.prepare(
                "SELECT DISTINCT file.name FROM symbol JOIN file ON file.id = symbol.file
                 WHERE symbol.name = ?1 ORDER BY file.name LIMIT ?2",
            )?;
            for (name, times, id) in used {
                let rows = definers.query_map((id, i64::from(common) + 1), |row| row.get(0))?;
                let files: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
                let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
                if count > common {
                    continue;
                }
                links.extend(files.into_iter().filter(|to| to != file).map(|to| Link {
                    name: name.clone(),
                    times,
                    definers: count,
                    file: to,
                }));
            }
            Ok(links)
        })
    }
}

fn definition(row: &Row<'_>) -> rusqlite::Result<Definition> {
    Ok(Definition {
        file: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        container: row.get(3)?,
        first: row.get(4)?,
        last: row.get(5)?,
    })
}

/// The symbols whose names have words of the question, the best first. What they belong to, and their
/// paths, count for less.
fn symbols(transaction: &Transaction<'_>, question: &str) -> rusqlite::Result<Vec<FoundPlace>> {
    let sql = format!(
        "SELECT file.name, symbol.first, symbol.last, name.name, kind, container
         FROM (SELECT rowid AS id, bm25(symbol_words, 8.0, 1.0) AS distance FROM symbol_words
               WHERE symbol_words MATCH ?1 ORDER BY distance LIMIT {LISTED}) AS found
         JOIN symbol ON symbol.id = found.id JOIN file ON file.id = symbol.file
         JOIN name ON name.id = symbol.name
         ORDER BY distance, file.name, symbol.first"
    );
    let mut found = transaction.prepare(&sql)?;
    let rows = found.query_map([question], |row| {
        Ok(FoundPlace {
            file: row.get(0)?,
            first: row.get(1)?,
            last: row.get(2)?,
            symbol: Some((row.get(3)?, row.get(4)?, row.get(5)?)),
            score: 0.0,
        })
    })?;
    rows.collect()
}

/// The pieces of files that have words of the question, the best first. Words of the path count for more.
fn chunks(transaction: &Transaction<'_>, question: &str) -> rusqlite::Result<Vec<FoundPlace>> {
    let sql = format!(
        "SELECT file.name, chunk.first, chunk.last
         FROM (SELECT rowid AS id, bm25(chunk_words, 4.0, 1.0) AS distance FROM chunk_words
               WHERE chunk_words MATCH ?1 ORDER BY distance LIMIT {LISTED}) AS found
         JOIN chunk ON chunk.id = found.id JOIN file ON file.id = chunk.file
         ORDER BY distance, file.name, chunk.first"
    );
    let mut found = transaction.prepare(&sql)?;
    let rows = found.query_map([question], |row| {
        Ok(FoundPlace {
            file: row.get(0)?,
            first: row.get(1)?,
            last: row.get(2)?,
            symbol: None,
            score: 0.0,
        })
    })?;
    rows.collect()
}

fn fused(
    mut symbols: Vec<FoundPlace>,
    chunks: Vec<FoundPlace>,
    meant: Vec<FoundPlace>,
    most: usize,
) -> Vec<FoundPlace> {
    let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut rank = FUSION;
    for (at, symbol) in symbols.iter_mut().enumerate() {
        rank += 1.0;
        symbol.score = 1.0 / rank;
        by_file.entry(symbol.file.clone()).or_default().push(at);
    }
    rank = FUSION;
    let mut rest = Vec::new();
    for mut chunk in chunks {
        rank += 1.0;
        let score = 1.0 / rank;
        // The best symbol that begins in the piece: the lists are in order.
        let within = by_file.get(&chunk.file).into_iter().flatten().find(|at| {
            symbols
                .get(**at)
                .is_some_and(|symbol| (chunk.first..=chunk.last).contains(&symbol.first))
        });
        if let Some(symbol) = within.and_then(|at| symbols.get_mut(*at)) {
            symbol.score += score;
        } else {
            chunk.score = score;
            rest.push(chunk);
        }
    }
    symbols.extend(rest);
    rank = FUSION;
    let mut rest = Vec::new();
    for mut piece in meant {
        rank += 1.0;
        let score = 1.0 / rank;
        // The same definition; else the first of what was found by words that begins in the piece, or that
        // the piece is in.
        let alike = |it: &&mut FoundPlace| it.file == piece.file && it.symbol == piece.symbol;
        let is_named = piece.symbol.is_some();
        let same = symbols
            .iter_mut()
            .filter(alike)
            .find(|it| is_named && it.first == piece.first);
        let within = |it: &&mut FoundPlace| {
            it.file == piece.file
                && ((piece.first..=piece.last).contains(&it.first)
                    || it.symbol.is_none() && (it.first..=it.last).contains(&piece.first))
        };
        let same = match same {
            Some(same) => Some(same),
            None => symbols.iter_mut().find(within),
        };
        match same {
            // What only has words is named by what is meant.
            Some(same) if same.symbol.is_none() && is_named => {
                piece.score = same.score + score;
                *same = piece;
            }
            Some(same) => same.score += score,
            None => {
                piece.score = score;
                rest.push(piece);
            }
        }
    }
    symbols.extend(rest);
    // Stable: what is alike stays in the order of its list.
    symbols.sort_by(|a, b| b.score.total_cmp(&a.score));
    symbols.truncate(most);
    symbols
}
