//! A file, and what was computed about its lines so far.
//!
//! Everything but the beginnings of the lines is computed when it is first asked for: an exact hunk
//! never pays for the lenient rungs.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use foldhash::fast::RandomState;
use pleach_text::{Dialect, IndentUnit};

use super::{MAX_HITS, occurrences};
use crate::fold::{Dense, Form};
use crate::lines::{FileLines, is_blank};

/// Lines whose rarest one is more frequent than this are looked for in the whole file instead of
/// around that one.
const MAX_CANDIDATES: usize = 256;

/// So many hunks are looked for byte by byte in the whole file. When there are more, knowing where
/// each line stands pays.
const FEW_HUNKS: usize = 16;

/// So many bytes of one file are compared letter by letter to tell what comes closest to hunks that
/// are nowhere. The first hunk is always served.
const CLOSEST_BYTES: usize = 8 << 20;

/// So many bytes of one file are searched for headings that are only the beginning of a line.
const HEADING_BYTES: usize = 64 << 20;

/// A file, and what was computed about its lines so far.
pub(crate) struct Index<'a> {
    pub(crate) file: FileLines<'a>,
    keys: RefCell<HashMap<Form, Rc<Vec<u64>>>>,
    unit: OnceCell<Option<IndentUnit>>,
    places: OnceCell<Places>,
    trimmed: OnceCell<Places>,
    dense: OnceCell<Dense>,
    solid_end: OnceCell<usize>,
    scopes: RefCell<HashMap<Vec<String>, Option<Range<usize>>>>,
    searched: Cell<usize>,
    closest_left: Cell<usize>,
    headings_left: Cell<usize>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            file: FileLines::new(text),
            keys: RefCell::default(),
            unit: OnceCell::new(),
            places: OnceCell::new(),
            trimmed: OnceCell::new(),
            dense: OnceCell::new(),
            solid_end: OnceCell::new(),
            scopes: RefCell::default(),
            searched: Cell::new(0),
            closest_left: Cell::new(CLOSEST_BYTES),
            headings_left: Cell::new(HEADING_BYTES),
        }
    }

    /// One number for each line, the same for lines that are the same in this form.
    pub(crate) fn keys(&self, form: Form) -> Rc<Vec<u64>> {
        let all = || {
            let mut buffer = Vec::new();
            let lines = self.file.iter();
            Rc::new(lines.map(|line| form.key_by(line, &mut buffer)).collect())
        };
        Rc::clone(self.keys.borrow_mut().entry(form).or_insert_with(all))
    }

    /// Where each line stands, in the most lenient form.
    pub(super) fn places(&self) -> &Places {
        self.places
            .get_or_init(|| Places::of(&self.keys(Form::Dense)))
    }

    /// Whether every line of a hunk's old text is in the file at all, in the most lenient form. If
    /// not, no rung that pairs all lines can find it.
    pub(super) fn holds_all(&self, old: &[&str]) -> bool {
        let places = self.places();
        old.iter()
            .filter(|line| !is_blank(line))
            .all(|line| places.count(Form::Dense.key(line)) > 0)
    }

    /// Where some lines stand one after the other in the most lenient form: what they are in any
    /// form is among these places. `None` when that would be too many to look at each.
    pub(super) fn candidates(&self, lines: &[&str]) -> Option<Vec<usize>> {
        let keys = self.keys(Form::Dense);
        let places = self.places();
        let needle: Vec<u64> = lines.iter().map(|line| Form::Dense.key(line)).collect();
        let (count, at, rarest) = needle
            .iter()
            .enumerate()
            .map(|(at, key)| (places.count(*key), at, *key))
            .min()?;
        if count > MAX_CANDIDATES {
            return None;
        }
        let stands = |first: &usize| {
            let here = keys.get(*first..*first + needle.len());
            here == Some(needle.as_slice())
        };
        let firsts = places.lines(rarest).filter_map(|line| line.checked_sub(at));
        Some(firsts.filter(stands).collect())
    }

    /// Where some lines stand one after the other in a form, the first [`MAX_HITS`] places.
    pub(crate) fn find(&self, lines: &[&str], form: Form) -> Vec<usize> {
        self.find_among(self.candidates(lines).as_deref(), lines, form)
    }

    /// Like [`Index::find`], for lines whose candidates are known.
    pub(super) fn find_among(
        &self,
        candidates: Option<&[usize]>,
        lines: &[&str],
        form: Form,
    ) -> Vec<usize> {
        let Some(candidates) = candidates else {
            let needle: Vec<u64> = lines.iter().map(|line| form.key(line)).collect();
            return occurrences(&self.keys(form), &needle);
        };
        let stands = |first: &usize| {
            let mut pairs = (*first..).zip(lines);
            pairs.all(|(at, line)| form.same(self.file.line(at), line))
        };
        let firsts = candidates.iter().copied().filter(stands);
        firsts.take(MAX_HITS).collect()
    }

    /// Whether so many hunks were looked for that each further one had better use the places of lines.
    pub(super) fn has_many_hunks(&self) -> bool {
        let searched = self.searched.get().saturating_add(1);
        self.searched.set(searched);
        searched > FEW_HUNKS
    }

    /// The lines that are like this one but for blanks at both ends, in order.
    pub(crate) fn like(&self, line: &str) -> impl Iterator<Item = usize> + '_ {
        self.trimmed
            .get_or_init(|| Places::of(&self.keys(Form::Trim)))
            .lines(Form::Trim.key(line))
    }

    /// The text in the form in which no white space counts.
    pub(super) fn dense(&self) -> &Dense {
        self.dense.get_or_init(|| Dense::of(self.file.text()))
    }

    /// The indentation unit of the file.
    pub(crate) fn indent_unit(&self) -> Option<IndentUnit> {
        *self
            .unit
            .get_or_init(|| Dialect::of(self.file.text()).indent)
    }

    /// The line behind the last one that is not blank.
    pub(crate) fn solid_end(&self) -> usize {
        *self.solid_end.get_or_init(|| {
            let solid = |at: &usize| !is_blank(self.file.line(*at));
            (0..self.file.len())
                .rev()
                .find(solid)
                .map_or(0, |at| at + 1)
        })
    }

    /// What was worked out before for these headings, or what `work` tells now.
    pub(crate) fn scope(
        &self,
        headings: &[String],
        work: impl FnOnce() -> Option<Range<usize>>,
    ) -> Option<Range<usize>> {
        if let Some(known) = self.scopes.borrow().get(headings) {
            return known.clone();
        }
        let scope = work();
        self.scopes
            .borrow_mut()
            .insert(headings.to_vec(), scope.clone());
        scope
    }

    /// Whether there is time to search the lines for the beginning of a heading; counts it.
    pub(crate) fn may_search_headings(&self) -> bool {
        take(&self.headings_left, self.file.text().len())
    }

    /// Whether there is time to compare so many bytes with a hunk that is nowhere; counts it.
    pub(super) fn may_compare(&self, bytes: usize) -> bool {
        take(&self.closest_left, bytes)
    }

    /// Whether hunks that are nowhere are compared with the file no longer.
    pub(crate) fn compares_no_more(&self) -> bool {
        self.closest_left.get() == 0
    }
}

/// Takes an amount off what is left. The last one may take more than that.
fn take(left: &Cell<usize>, amount: usize) -> bool {
    let before = left.get();
    left.set(before.saturating_sub(amount));
    before > 0
}

/// Where each key stands.
pub(super) struct Places {
    /// The first line that has a key, and how many do.
    heads: HashMap<u64, (u32, u32), RandomState>,
    /// For each line the next one that has its key.
    next: Vec<u32>,
}

impl Places {
    fn of(keys: &[u64]) -> Self {
        let mut heads: HashMap<u64, (u32, u32), RandomState> = HashMap::default();
        let mut next = vec![u32::MAX; keys.len()];
        for (line, key) in keys.iter().enumerate().rev() {
            let Ok(line_number) = u32::try_from(line) else {
                continue;
            };
            let (head, count) = heads.entry(*key).or_insert((u32::MAX, 0));
            if let Some(next) = next.get_mut(line) {
                *next = *head;
            }
            *head = line_number;
            *count += 1;
        }
        Self { heads, next }
    }

    /// How many lines have a key.
    pub(super) fn count(&self, key: u64) -> usize {
        let count = self.heads.get(&key).map_or(0, |(_, count)| *count);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// The lines that have a key, in order.
    pub(super) fn lines(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let first = self.heads.get(&key).map(|(first, _)| *first);
        let widen = |line: u32| usize::try_from(line).ok();
        std::iter::successors(first.and_then(widen), move |line| {
            self.next.get(*line).copied().and_then(widen)
        })
        .take_while(|line| *line < self.next.len())
    }
}
