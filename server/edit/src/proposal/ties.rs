//! Which hunks cannot be without which others.
//!
//! Two things tie hunks: the gate (one opens a brace that the other closes) and names (one brings a
//! function that the other calls; one takes away a variable whose uses the other takes away).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pleach_grammars::{NameRole, NameUse, declarations, names_used};
use pleach_text::{ByteOffset, ByteRange, ChangeSet};

use super::hunk::{Hunk, HunkId, HunkKind, by_file, put_in};
use super::sides::{Side, Sides};
use super::{FileChange, Proposal};
use crate::gate;

/// So many bytes are gated to find out what passes without what.
const MAX_GATED: usize = 64 << 20;
/// So many hunks next to one that does not pass alone are tried as its only partner.
const PARTNERS: usize = 6;

/// Fills in what each hunk needs.
pub(super) fn tie(proposal: &Proposal, sides: &[Sides<'_>], hunks: &mut [Hunk]) {
    let mut needs: BTreeMap<HunkId, BTreeSet<HunkId>> = BTreeMap::new();
    if hunks.len() > 1 {
        let files: Vec<File<'_>> = by_file(hunks)
            .into_iter()
            .filter_map(|(index, hunks)| {
                Some(File::of(
                    proposal.files.get(index)?,
                    sides.get(index)?,
                    hunks,
                ))
            })
            .collect();
        if !proposal.verdict.worse_allowed {
            let mut left = MAX_GATED;
            for file in &files {
                by_syntax(file, &mut left, &mut needs);
            }
        }
        by_names(&files, &mut needs);
    }
    for hunk in hunks {
        hunk.needs = closure(hunk.id, &needs);
    }
}

/// All that a hunk needs, directly or not, without itself.
fn closure(of: HunkId, needs: &BTreeMap<HunkId, BTreeSet<HunkId>>) -> Vec<HunkId> {
    let mut found = BTreeSet::new();
    let mut open = VecDeque::from([of]);
    while let Some(id) = open.pop_front() {
        for need in needs.get(&id).into_iter().flatten() {
            if *need != of && found.insert(*need) {
                open.push_back(*need);
            }
        }
    }
    found.into_iter().collect()
}

/// One file of a proposal and its hunks.
struct File<'p> {
    sides: &'p Sides<'p>,
    hunks: Vec<&'p Hunk>,
    /// What the hunks take out, in the text before.
    taken_out: Stretches,
    /// What the hunks put in, in the text after.
    put_in: Stretches,
}

impl<'p> File<'p> {
    fn of(change: &FileChange, sides: &'p Sides<'p>, hunks: Vec<&'p Hunk>) -> Self {
        let mut inserted: VecDeque<ByteRange> = put_in(change).into();
        let whole = |side: &Side<'_>| vec![ByteRange::from(0..side.text.len())];
        let put_in = hunks.iter().map(|hunk| match hunk.kind {
            HunkKind::Create => whole(&sides.after),
            // The hunks of a file are in the order of its text.
            _ => inserted
                .drain(..hunk.replacements.len().min(inserted.len()))
                .collect(),
        });
        let put_in = Stretches::of(&hunks, put_in);
        let taken_out = hunks.iter().map(|hunk| match hunk.kind {
            HunkKind::Delete => whole(&sides.before),
            _ => hunk.replacements.iter().map(|one| one.delete).collect(),
        });
        Self {
            sides,
            taken_out: Stretches::of(&hunks, taken_out),
            hunks,
            put_in,
        }
    }
}

/// Stretches of one text that do not overlap, in order, each with its hunk.
struct Stretches(Vec<(ByteRange, HunkId)>);

impl Stretches {
    fn of(hunks: &[&Hunk], ranges: impl Iterator<Item = Vec<ByteRange>>) -> Self {
        let each = hunks.iter().zip(ranges);
        let mut all: Vec<(ByteRange, HunkId)> = each
            .flat_map(|(hunk, ranges)| ranges.into_iter().map(|range| (range, hunk.id)))
            .collect();
        all.sort_by_key(|(range, _)| (range.start, range.end));
        Self(all)
    }

    /// The hunk of the first stretch that a range touches.
    fn touching(&self, range: ByteRange) -> Option<HunkId> {
        let first = self.0.partition_point(|(one, _)| one.end < range.start);
        let (one, hunk) = self.0.get(first)?;
        one.touches(range).then_some(*hunk)
    }

    /// The hunk of the first stretch that shares a byte with a range.
    fn sharing(&self, range: ByteRange) -> Option<HunkId> {
        let first = self.0.partition_point(|(one, _)| one.end <= range.start);
        let mut near = self.0.get(first..)?.iter();
        let mut near = near.by_ref().take_while(|(one, _)| one.start < range.end);
        near.find(|(one, _)| one.intersects(range))
            .map(|(_, hunk)| *hunk)
    }
}

/// Gates some hunks of a file without the others.
struct Trial<'f> {
    file: &'f File<'f>,
    hunks: Vec<&'f Hunk>,
    /// How many more bytes may be gated.
    left: &'f mut usize,
}

impl Trial<'_> {
    /// Whether these pass. Without patience left they are taken to: the gate looks again at what is
    /// accepted.
    fn passes(&mut self, taken: &dyn Fn(HunkId) -> bool) -> bool {
        let before = &self.file.sides.before;
        let Some(left) = self.left.checked_sub(before.text.len()) else {
            return true;
        };
        *self.left = left;
        let replacements = self.hunks.iter().filter(|hunk| taken(hunk.id));
        let replacements = replacements.flat_map(|hunk| hunk.replacements.iter().cloned());
        let Ok(changes) = ChangeSet::new(replacements.collect(), before.text.len().into()) else {
            return false;
        };
        let Ok(after) = changes.apply_to_str(&before.text) else {
            return false;
        };
        let known = before.syntax.as_ref();
        !gate::check(&before.text, &changes, &after, before.language, known).is_worse()
    }

    /// What a hunk that does not pass alone passes with, as few others as can be found.
    fn partners(&mut self, at: usize, of: HunkId) -> BTreeSet<HunkId> {
        let mut others: Vec<(usize, HunkId)> = self
            .hunks
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(other, hunk)| (other.abs_diff(at), hunk.id))
            .collect();
        others.sort_unstable();
        for (_, partner) in others.iter().take(PARTNERS) {
            if self.passes(&|id| id == of || id == *partner) {
                return BTreeSet::from([*partner]);
            }
        }
        // All of them pass together; those without which the rest still does are not needed.
        let mut set: BTreeSet<HunkId> = others.iter().map(|(_, id)| *id).collect();
        for (_, other) in others.iter().rev() {
            if self.passes(&|id| id == of || (id != *other && set.contains(&id))) {
                set.remove(other);
            }
        }
        set
    }
}

fn by_syntax(file: &File<'_>, left: &mut usize, needs: &mut BTreeMap<HunkId, BTreeSet<HunkId>>) {
    let hunks: Vec<&Hunk> = file
        .hunks
        .iter()
        .copied()
        .filter(|hunk| hunk.kind == HunkKind::Text)
        .collect();
    if hunks.len() < 2 || file.sides.before.syntax.is_none() {
        return;
    }
    let ids: Vec<HunkId> = hunks.iter().map(|hunk| hunk.id).collect();
    let mut trial = Trial { file, hunks, left };
    let mut found: BTreeMap<HunkId, BTreeSet<HunkId>> = BTreeMap::new();
    for (at, id) in ids.iter().enumerate() {
        if !trial.passes(&|one| one == *id) {
            found.insert(*id, trial.partners(at, *id));
        }
    }
    // Two that pass may not when they are taken together with what those need in turn: as when the
    // nearest bracket is another one's.
    let unsure: BTreeSet<HunkId> = found.keys().copied().collect();
    let together = |id: HunkId, found: &BTreeMap<_, _>| -> BTreeSet<HunkId> {
        closure(id, found).into_iter().chain([id]).collect()
    };
    for id in &unsure {
        let all = together(*id, &found);
        if !trial.passes(&|one| all.contains(&one)) {
            let with = if trial.passes(&|one| unsure.contains(&one)) {
                unsure.clone()
            } else {
                ids.iter().copied().collect()
            };
            found.insert(*id, with);
        }
    }
    for (id, with) in found {
        needs.entry(id).or_default().extend(with);
    }
}

/// The names of one side of a file, and which hunk each is in.
struct Names<'t> {
    all: BTreeSet<&'t str>,
    /// Those that a hunk puts in or takes out.
    own: Vec<(HunkId, NameUse<'t>)>,
    /// The hunks that define such a name, or import it, and whether they import it.
    definers: BTreeMap<&'t str, Vec<(HunkId, bool)>>,
    /// For where such a name is, the hunk that puts in or takes out its declaration.
    declared: BTreeMap<ByteOffset, HunkId>,
}

impl<'t> Names<'t> {
    fn of(side: &'t Side<'_>, stretches: &Stretches) -> Self {
        let (syntax, text) = (side.syntax.as_ref(), &*side.text);
        let used = syntax.map_or_else(Vec::new, |syntax| names_used(syntax, text));
        let all = used.iter().map(|name| name.name).collect();
        let own: Vec<(HunkId, NameUse<'_>)> = used
            .into_iter()
            .filter_map(|name| Some((stretches.touching(name.range)?, name)))
            .collect();
        let places: Vec<ByteOffset> = own.iter().map(|(_, name)| name.range.start).collect();
        let declared = match syntax {
            Some(syntax) if !places.is_empty() => declarations(syntax, text, &places),
            _ => Vec::new(),
        };
        let declared = places.into_iter().zip(declared);
        let declared = declared.filter_map(|(at, range)| Some((at, stretches.sharing(range?)?)));
        let mut definers: BTreeMap<&str, Vec<(HunkId, bool)>> = BTreeMap::new();
        for (hunk, name) in &own {
            let imports = name.role == NameRole::Import;
            if imports || matches!(name.role, NameRole::Definition(_)) {
                definers
                    .entry(name.name)
                    .or_default()
                    .push((*hunk, imports));
            }
        }
        Self {
            all,
            own,
            definers,
            declared: declared.collect(),
        }
    }

    /// The hunk in which the scopes of the text say that a name is declared.
    fn declarer(&self, used: &NameUse<'_>) -> Option<HunkId> {
        self.declared.get(&used.range.start).copied()
    }

    /// The hunks that define a name here, or import it.
    fn definers(&self, name: &str) -> impl Iterator<Item = (HunkId, bool)> {
        self.definers.get(name).into_iter().flatten().copied()
    }
}

fn by_names(files: &[File<'_>], needs: &mut BTreeMap<HunkId, BTreeSet<HunkId>>) {
    let sides: Vec<(Names<'_>, Names<'_>)> = files
        .iter()
        .map(|file| {
            (
                Names::of(&file.sides.before, &file.taken_out),
                Names::of(&file.sides.after, &file.put_in),
            )
        })
        .collect();
    let mut ties: BTreeSet<(HunkId, HunkId)> = BTreeSet::new();
    for (at, (before, after)) in sides.iter().enumerate() {
        let mut seen = BTreeSet::new();
        // Who uses a name needs those who bring it.
        for (user, used) in &after.own {
            if !seen.insert((*user, used.name)) {
                continue;
            }
            let is_new = !before.all.contains(used.name);
            let mut here = after.definers(used.name).peekable();
            if is_new && here.peek().is_some() {
                ties.extend(here.map(|(definer, _)| (*user, definer)));
            } else if let Some(definer) = after.declarer(used) {
                ties.insert((*user, definer));
            }
            let defined_here = after.definers(used.name).any(|(_, imports)| !imports);
            if is_new && !defined_here {
                for (other, (_, names)) in sides.iter().enumerate() {
                    if other != at {
                        let definers = names.definers(used.name).filter(|(_, imports)| !imports);
                        ties.extend(definers.map(|(definer, _)| (*user, definer)));
                    }
                }
            }
        }
        // Who takes a definition away needs those who take its uses away.
        let mut seen = BTreeSet::new();
        for (user, used) in &before.own {
            if after.all.contains(used.name) || !seen.insert((*user, used.name)) {
                continue;
            }
            let mut here = before.definers(used.name).peekable();
            if here.peek().is_some() {
                ties.extend(here.map(|(definer, _)| (definer, *user)));
            } else if let Some(definer) = before.declarer(used) {
                ties.insert((definer, *user));
            }
            for (other, (names, later)) in sides.iter().enumerate() {
                if other != at && !later.all.contains(used.name) {
                    let definers = names.definers(used.name).filter(|(_, imports)| !imports);
                    ties.extend(definers.map(|(definer, _)| (definer, *user)));
                }
            }
        }
    }
    for (one, other) in ties {
        if one != other {
            needs.entry(one).or_default().insert(other);
        }
    }
}
