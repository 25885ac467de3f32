//! Comments in a snippet that say that something was removed: `// removed foo`.

use std::ops::Range;

use pleach_grammars::Symbol;

use super::{Boxed, File};
use crate::RefusalCode;
use crate::lazy::Removed;
use crate::lines::is_blank;
use crate::place::LineChange;

impl File<'_, '_> {
    /// The lines that go because comments of a snippet say so. A comment removes what it names exactly, if
    /// that is one thing, where the comment stands; else it is a question what it removes.
    pub(super) fn removed(
        &self,
        number: usize,
        removals: &[Removed],
        changes: &[LineChange],
    ) -> Result<Vec<LineChange>, Boxed> {
        if removals.is_empty() {
            return Ok(Vec::new());
        }
        let file = &self.index.file;
        let symbols = self.symbols();
        let mut gone: Vec<Range<usize>> = Vec::new();
        for removal in removals {
            let refuse = |what: String| {
                let message = format!(
                    "`{}` {what}. Show the lines around what is to go, without it.",
                    removal.note
                );
                Err(self.refuse(number, RefusalCode::Placeholder, message))
            };
            let Some(name) = &removal.name else {
                return refuse("does not name one thing that is to be removed".to_owned());
            };
            let named: Vec<&Symbol> = symbols
                .iter()
                .filter(|symbol| is_named(symbol, name, symbols))
                .collect();
            let [symbol] = named.as_slice() else {
                let count = match named.len() {
                    0 => "nothing",
                    _ => "more than one thing",
                };
                return refuse(format!("names {count} in {}", self.path));
            };
            let Some(lines) = self.lines_of(symbol) else {
                return refuse("names a part of a line".to_owned());
            };
            let inside = removal.hidden.start <= lines.start && lines.end <= removal.hidden.end;
            let touches =
                |change: &LineChange| change.first < lines.end && change.last > lines.start;
            if !inside || changes.iter().any(touches) {
                return refuse(format!("stands elsewhere than `{name}` in {}", self.path));
            }
            gone.push(lines);
        }
        for removal in removals.iter().filter(|removal| removal.alone) {
            let stays = |at: &usize| {
                !is_blank(file.line(*at)) && !gone.iter().any(|lines| lines.contains(at))
            };
            if let Some(line) = removal.hidden.clone().find(stays) {
                let message = format!(
                    "It is not certain what becomes of `{}` in {} beside `{}`. Write out the lines around it.",
                    file.line(line).trim(),
                    self.path,
                    removal.note
                );
                return Err(self.refuse(number, RefusalCode::Placeholder, message));
            }
        }
        gone.sort_by_key(|lines| lines.start);
        gone.dedup();
        let gone = gone.into_iter().map(|lines| LineChange {
            first: lines.start,
            last: lines.end,
            new: Vec::new(),
        });
        Ok(gone.collect())
    }

    /// The lines of a symbol with its documentation and the blank lines that part it from one side;
    /// `None` when it shares a line with something else.
    fn lines_of(&self, symbol: &Symbol) -> Option<Range<usize>> {
        let file = &self.index.file;
        let doc = symbol.doc.filter(|doc| doc.end <= symbol.range.start);
        let start = doc.map_or(symbol.range.start, |doc| doc.start).0;
        let end = symbol.range.end.0;
        let (mut first, last) = (file.line_at(start), file.line_at(end.saturating_sub(1)));
        let front = file.text().get(file.start_of(first)..start)?;
        let back = file.text().get(end..file.end_of(last)).unwrap_or("");
        if !is_blank(front) || !is_blank(back.trim_start_matches([';', ','])) {
            return None;
        }
        let mut end = last + 1;
        let blank = |at: usize| is_blank(file.line(at));
        let is_parted_above = first == 0 || blank(first - 1) || opens(file.line(first - 1));
        while is_parted_above && end < file.len() && blank(end) {
            end += 1;
        }
        // At the end of a block or a file the blank lines above go instead.
        if end == file.len() || crate::lazy::closes(file.line(end)) {
            while first > 0 && blank(first - 1) {
                first -= 1;
            }
        }
        Some(first..end)
    }
}

fn opens(line: &str) -> bool {
    line.trim_end().ends_with(['{', '(', '[', ':'])
}

/// Whether a symbol has a name, perhaps with that of what it is in.
fn is_named(symbol: &Symbol, name: &str, symbols: &[Symbol]) -> bool {
    if symbol.name == name {
        return true;
    }
    let outer = symbol.parent.and_then(|parent| symbols.get(parent));
    let outer = symbol
        .container
        .as_deref()
        .or(outer.map(|outer| outer.name.as_str()));
    let split = |sign: &str| {
        name.rsplit_once(sign)
            .is_some_and(|(front, last)| symbol.name == last && outer == Some(front))
    };
    split("::") || split(".") || split("#")
}
