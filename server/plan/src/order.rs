//! In which order steps can run, and which of them at the same time.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::Plan;
use crate::step::{Status, Step};

impl Plan {
    /// The steps that may begin now, in the order of the text: not done, everything before them done or
    /// skipped, and their files touched by none that runs and by none before them in the answer. A step
    /// that names no file runs alone.
    ///
    /// `running` are the steps that run, `tried` those that are not to be tried (again). Steps are named
    /// by their place in [`Plan::steps`].
    pub fn next(&self, running: &[usize], tried: &[usize]) -> Vec<usize> {
        let steps = self.steps();
        let mut busy: Vec<&Step> = running.iter().filter_map(|at| steps.get(*at)).collect();
        let mut chosen = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let open = matches!(step.status, Status::Todo | Status::Running | Status::Failed);
            if !open || running.contains(&at) || tried.contains(&at) || !self.may_begin(at) {
                continue;
            }
            if busy.iter().all(|other| are_apart(step, other)) {
                busy.push(step);
                chosen.push(at);
            }
        }
        chosen
    }

    /// Whether everything that a step depends on is done or skipped. What depends on a step that does
    /// not exist, or on itself, never is.
    pub fn may_begin(&self, at: usize) -> bool {
        self.waits_for(at).is_empty()
            && self.steps().get(at).is_some_and(|step| {
                step.after
                    .iter()
                    .all(|number| self.index_of(number.value).is_some())
            })
    }

    /// The steps that a step waits for, of those that it names.
    pub fn waits_for(&self, at: usize) -> Vec<&Step> {
        let Some(step) = self.steps().get(at) else {
            return Vec::new();
        };
        let named = step
            .after
            .iter()
            .filter_map(|number| self.numbered(number.value));
        named.filter(|step| !step.status.is_settled()).collect()
    }

    /// The steps that cannot be done before a step is: those that name it, and those that name them.
    pub fn dependents(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut next = vec![at];
        while let Some(at) = next.pop() {
            let Some(number) = self.steps().get(at).map(|step| step.number) else {
                continue;
            };
            for (other, step) in self.steps().iter().enumerate() {
                let names = step.after.iter().any(|after| after.value == number);
                if names && !found.contains(&other) {
                    found.push(other);
                    next.push(other);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The steps in an order in which they could run one after the other: each behind what it depends
    /// on, else as they stand. Those in a cycle, and those behind one, are missing.
    pub fn order(&self) -> Vec<usize> {
        let steps = self.steps();
        let index: BTreeMap<u32, usize> = self.indices();
        let mut missing: Vec<usize> = Vec::with_capacity(steps.len());
        let mut behind: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            let mut count = 0;
            for after in &step.after {
                if let Some(first) = index.get(&after.value)
                    && let Some(behind) = behind.get_mut(*first)
                {
                    behind.push(at);
                    count += 1;
                }
            }
            missing.push(count);
        }
        let free = |missing: &[usize]| -> BTreeSet<usize> {
            let free = missing.iter().enumerate().filter(|(_, count)| **count == 0);
            free.map(|(at, _)| at).collect()
        };
        let mut ready = free(&missing);
        let mut order = Vec::with_capacity(steps.len());
        while let Some(at) = ready.pop_first() {
            order.push(at);
            for next in behind.get(at).into_iter().flatten() {
                if let Some(count) = missing.get_mut(*next) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        ready.insert(*next);
                    }
                }
            }
        }
        order
    }

    /// The steps that depend on themselves, in the end.
    pub fn in_cycles(&self) -> Vec<usize> {
        let ordered: BTreeSet<usize> = self.order().into_iter().collect();
        let index = self.indices();
        let mut left: BTreeSet<usize> = (0..self.steps().len())
            .filter(|at| !ordered.contains(at))
            .collect();
        let named = |at: usize| -> Vec<usize> {
            let after = self
                .steps()
                .get(at)
                .into_iter()
                .flat_map(|step| &step.after);
            after
                .filter_map(|it| index.get(&it.value).copied())
                .collect()
        };
        // What is merely behind a cycle is named by none that is left: it goes, until only cycles are.
        let mut count: BTreeMap<usize, usize> = BTreeMap::new();
        for first in left.iter().flat_map(|at| named(*at)) {
            *count.entry(first).or_default() += 1;
        }
        let is_named = |at: &usize| count.contains_key(at);
        let mut leaves: Vec<usize> = left.iter().copied().filter(|at| !is_named(at)).collect();
        while let Some(leaf) = leaves.pop() {
            left.remove(&leaf);
            for first in named(leaf) {
                if let Some(count) = count.get_mut(&first) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        leaves.push(first);
                    }
                }
            }
        }
        left.into_iter().collect()
    }

    fn indices(&self) -> BTreeMap<u32, usize> {
        let steps = self.steps().iter().enumerate().rev();
        steps.map(|(at, step)| (step.number, at)).collect()
    }
}

/// Whether two steps touch no file in common, as far as they say.
fn are_apart(one: &Step, other: &Step) -> bool {
    if one.files.is_empty() || other.files.is_empty() {
        return false;
    }
    one.files.iter().all(|file| {
        other
            .files
            .iter()
            .all(|theirs| !overlap(&file.path, &theirs.path))
    })
}

/// Whether two paths are one, or one is a folder around the other. Upper and lower case count as one:
/// on some systems they are.
fn overlap(one: &str, other: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        parts.map(str::to_lowercase).collect()
    };
    let (one, other) = (parts(one), parts(other));
    one.iter().zip(&other).all(|(a, b)| a == b)
}
