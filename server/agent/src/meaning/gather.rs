//! What is to be embedded, read from the texts as they are now.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use camino::Utf8Path;
use pleach_model::likely_tokens;
use pleach_policy::Secrets;
use pleach_store::{Index, StoreError, TextPrint, VectorCount, Vectors};
use pleach_workspace::WorkspaceSnapshot;

use crate::index::MOST_BYTES;
use crate::shield::Shield;

/// Texts of one request, and their bytes: together they stay below the 16,384 tokens that Mistral takes at once,
/// and the 100 texts that Gemini does.
const TEXTS: usize = 32;
const BYTES: usize = 36_000;
/// Files whose pieces are read at once.
const FILES: u32 = 64;
/// What a text that is too long is cut to.
const SHORTER: usize = MOST_BYTES / 3;

/// A text to embed, as it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) print: TextPrint,
    pub(super) file: String,
    pub(super) text: String,
}

impl Item {
    pub(super) fn tokens(&self) -> u64 {
        likely_tokens(&self.text)
    }
}

/// What there is and what is missing.
pub(super) struct Survey {
    /// What is not embedded, with the bytes of each text.
    pub(super) missing: BTreeMap<TextPrint, u32>,
    pub(super) count: VectorCount,
    /// Tokens that were sent today.
    pub(super) sent: u64,
}

impl Survey {
    /// Looks, and forgets what the index has no more.
    pub(super) fn of(
        index: &Utf8Path,
        vectors: &Utf8Path,
        model: &str,
        most: u64,
    ) -> Result<Self, StoreError> {
        let now = SystemTime::now();
        let mut missing = match Index::read(index)? {
            Some(mut index) => index.prints()?,
            None => BTreeMap::new(),
        };
        let mut vectors = Vectors::open(vectors, now)?;
        vectors.keep_only(model, |print| missing.contains_key(print), most, now)?;
        for known in vectors.known(model)? {
            missing.remove(&known);
        }
        Ok(Self {
            missing,
            count: vectors.count(model)?,
            sent: vectors.sent_on(now)?,
        })
    }
}

/// What is to be embedded of some files.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// The last of the files.
    pub(super) last: String,
}

/// Reads what is missing of the files behind `after`; `None` when there are no more. What is taken is no longer
/// missing; what has changed since the index saw it is left for when it has seen that.
pub(super) fn page(
    index: &Utf8Path,
    workspace: &WorkspaceSnapshot,
    after: &str,
    missing: &mut BTreeMap<TextPrint, u32>,
) -> Result<Option<Page>, StoreError> {
    let Some(mut index) = Index::read(index)? else {
        return Ok(None);
    };
    let places = index.pieces(after, FILES)?;
    let Some(last) = places.last().map(|place| place.file.clone()) else {
        return Ok(None);
    };
    let shield = Shield::of(workspace);
    let mut items = Vec::new();
    let mut open: Option<(String, Option<Whole>)> = None;
    for place in places {
        if !missing.contains_key(&place.print) {
            continue;
        }
        if open.as_ref().is_none_or(|(file, _)| *file != place.file) {
            let text = match shield.kept_back(&place.file) {
                Some(_) => None,
                None => workspace.read_text(&place.file).ok(),
            };
            let whole = text.map(|text| Whole::of(&place.file, text));
            open = Some((place.file.clone(), whole));
        }
        let Some((_, Some(whole))) = &mut open else {
            continue;
        };
        let Some(piece) = lines_of(&whole.text, place.first, place.last) else {
            continue;
        };
        if TextPrint::of(&piece) != place.print {
            continue;
        }
        missing.remove(&place.print);
        let text = cut_to(&whole.without_secrets(&place.file, piece), MOST_BYTES);
        if !text.trim().is_empty() {
            items.push(Item {
                print: place.print,
                file: place.file,
                text,
            });
        }
    }
    Ok(Some(Page { items, last }))
}

/// A file, and what of it may be sent. Secrets are looked for in all of it: a key of many lines lies in more than one
/// piece, and no half of it looks like one.
struct Whole {
    text: Arc<str>,
    secrets: Secrets,
    /// The lines without secrets, where there are any.
    lines: Option<BTreeSet<String>>,
}

impl Whole {
    fn of(file: &str, text: Arc<str>) -> Self {
        let mut secrets = Secrets::default();
        let lines = match secrets.hide(Some(file), &text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(hidden) => Some(hidden.lines().map(str::to_owned).collect()),
        };
        Self {
            text,
            secrets,
            lines,
        }
    }

    /// A piece as it may be sent: the lines of it that are in the whole without its secrets.
    fn without_secrets(&mut self, file: &str, piece: String) -> String {
        let Self { secrets, lines, .. } = self;
        let Some(lines) = lines else { return piece };
        let mut sent = String::new();
        for line in piece.lines() {
            let hidden = secrets.hide(Some(file), line);
            if lines.contains(hidden.as_ref()) {
                sent.push_str(&hidden);
                sent.push('\n');
            }
        }
        sent
    }
}

/// The lines from one to another, from 1.
fn lines_of(text: &str, first: u32, last: u32) -> Option<String> {
    let first = usize::try_from(first).ok()?.checked_sub(1)?;
    let count = usize::try_from(last).ok()?.checked_sub(first)?;
    Some(text.split_inclusive('\n').skip(first).take(count).collect())
}

/// The beginning of a text.
fn cut_to(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or_default().to_owned()
}

/// Items for one request each.
pub(super) fn batches(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut batches: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        bytes += item.text.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < TEXTS && bytes <= BYTES => batch.push(item),
            _ => {
                bytes = item.text.len();
                batches.push(vec![item]);
            }
        }
    }
    batches
}

/// What is tried in place of a batch that was too long: its halves, or a part of the only text. `None` where that
/// was tried already.
pub(super) fn shortened(mut batch: Vec<Item>) -> Option<Vec<Vec<Item>>> {
    if batch.len() > 1 {
        let rest = batch.split_off(batch.len() / 2);
        return Some(vec![batch, rest]);
    }
    let only = batch.pop().filter(|only| only.text.len() > SHORTER)?;
    let text = cut_to(&only.text, SHORTER);
    Some(vec![vec![Item { text, ..only }]])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn item(text: &str) -> Item {
        Item {
            print: TextPrint::of(text),
            file: "a.rs".into(),
            text: text.into(),
        }
    }

    #[test]
    fn batches_are_bounded_in_texts_and_bytes() {
        let sizes =
            |items: Vec<Item>| -> Vec<usize> { batches(items).iter().map(Vec::len).collect() };
        assert_eq!(sizes(vec![item("a"); 70]), [32, 32, 6]);
        assert_eq!(sizes(vec![item(&"a".repeat(1_500)); 30]), [24, 6]);
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
    }

    #[test]
    fn what_is_too_long_is_halved_then_cut_then_given_up() {
        let halves = shortened(vec![item("a"), item("b"), item("c")]).unwrap();
        assert_eq!(halves, [vec![item("a")], vec![item("b"), item("c")]]);
        let long = "ä".repeat(700);
        let cut = shortened(vec![item(&long)]).unwrap();
        let cut = cut.into_iter().flatten().next().unwrap();
        assert_eq!(cut.text.len(), 500);
        assert_eq!(shortened(vec![cut]), None);
    }

    #[test]
    fn of_a_key_that_lies_in_two_pieces_nothing_is_sent() {
        let block = "MIIEpAIBAAKCAQEA7x9Zq1vS4mK2\n".repeat(20);
        let text = format!(
            "a = 1\nKEY = \"\"\"-----BEGIN RSA PRIVATE KEY-----\n{block}-----END RSA PRIVATE KEY-----\"\"\"\nb = 2\npassword = 'hunter2!x'\n"
        );
        let mut whole = Whole::of("a.py", text.as_str().into());
        let mut sent = String::new();
        for (first, last) in [(1, 10), (11, 24), (25, 25)] {
            let piece = lines_of(&text, first, last).unwrap();
            sent.push_str(&whole.without_secrets("a.py", piece));
        }
        assert!(
            sent.starts_with("a = 1\n") && sent.contains("b = 2\n"),
            "{sent}"
        );
        assert!(sent.contains("password = 'PLEACH_SECRET_"), "{sent}");
        for secret in ["MIIEp", "hunter2"] {
            assert!(!sent.contains(secret), "{sent}");
        }
    }

    #[test]
    fn lines_are_taken_as_they_are() {
        assert_eq!(lines_of("a\r\nb\nc", 2, 3).as_deref(), Some("b\nc"));
        assert_eq!(lines_of("a\n", 0, 1), None);
    }
}
