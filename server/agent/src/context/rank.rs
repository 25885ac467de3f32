//! Which definitions matter to a place.
//!
//! A personalised `PageRank` (Page, Brin, Motwani and Winograd, "The `PageRank` Citation Ranking", 1999, §6)
//! over files that are linked by the names that one uses and another defines: a reader begins at the
//! place, follows uses to definitions, and goes back to the place time and again. It is computed by pushing
//! what is left from file to file until too little is left anywhere (Andersen, Chung and Lang, "Local
//! Graph Partitioning using `PageRank` Vectors", 2006), so that only files near the place are ever asked
//! about, however large the workspace. That what a file is worth is shared among the definitions by
//! the names that lead to them is the idea of the repository map of aider.

use std::collections::BTreeMap;

/// How likely the reader goes back to the place at each step: the usual one less 0.85.
const BACK: f64 = 0.15;
/// What is left at a file is pushed on while it is more than this share of the whole.
const WORTH: f64 = 0.002;
/// Files that are asked for their links.
const MOST: usize = 60;

/// A name, and a file that defines it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) file: String,
    pub(super) name: String,
}

/// A way from a place or a file to a definition. Only the ratios of weights count.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) to: Target,
    pub(super) weight: f64,
}

/// What each definition is worth to a place that leads to `start`; `links` tells where a file leads. All
/// of it together is at most 1.
pub(super) fn spread(
    start: &[Edge],
    mut links: impl FnMut(&str) -> Vec<Edge>,
) -> BTreeMap<Target, f64> {
    let mut worth: BTreeMap<Target, f64> = BTreeMap::new();
    let mut left: BTreeMap<String, f64> = BTreeMap::new();
    let mut known: BTreeMap<String, Vec<Edge>> = BTreeMap::new();
    share(1.0 - BACK, start, &mut worth, &mut left);
    loop {
        // The fullest first; of equals the first by name, so that the result is always the same.
        let fullest = left
            .iter()
            .filter(|(file, _)| known.contains_key(*file) || known.len() < MOST)
            .max_by(|a, b| a.1.total_cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let Some((file, amount)) = fullest.map(|(file, amount)| (file.clone(), *amount)) else {
            return worth;
        };
        if amount < WORTH {
            return worth;
        }
        left.remove(&file);
        let edges = known.entry(file).or_insert_with_key(|file| links(file));
        share(amount * (1.0 - BACK), edges, &mut worth, &mut left);
    }
}

/// Shares an amount among the ends of edges, by their weights.
fn share(
    amount: f64,
    edges: &[Edge],
    worth: &mut BTreeMap<Target, f64>,
    left: &mut BTreeMap<String, f64>,
) {
    let whole: f64 = edges.iter().map(|edge| edge.weight).sum();
    if whole <= 0.0 {
        return;
    }
    for edge in edges {
        let part = amount * edge.weight / whole;
        *worth.entry(edge.to.clone()).or_default() += part;
        *left.entry(edge.to.file.clone()).or_default() += part;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn edge(file: &str, name: &str, weight: f64) -> Edge {
        Edge {
            to: Target {
                file: file.to_owned(),
                name: name.to_owned(),
            },
            weight,
        }
    }

    fn best(worth: &BTreeMap<Target, f64>) -> Vec<&str> {
        let mut all: Vec<_> = worth.iter().collect();
        all.sort_by(|a, b| b.1.total_cmp(a.1));
        all.into_iter()
            .map(|(target, _)| target.name.as_str())
            .collect()
    }

    #[test]
    fn what_the_place_uses_comes_before_what_that_uses() {
        let start = [edge("till.rs", "Till", 2.0), edge("coin.rs", "Coin", 1.0)];
        let worth = spread(&start, |file| match file {
            "till.rs" => vec![edge("drawer.rs", "Drawer", 1.0)],
            "drawer.rs" => vec![edge("lock.rs", "Lock", 1.0)],
            _ => Vec::new(),
        });
        assert_eq!(best(&worth), ["Till", "Drawer", "Lock", "Coin"]);
    }

    #[test]
    fn a_definition_that_many_ways_lead_to_is_worth_more() {
        let start = [
            edge("a.rs", "a", 1.0),
            edge("b.rs", "b", 1.0),
            edge("c.rs", "c", 1.0),
        ];
        let worth = spread(&start, |file| match file {
            "a.rs" => vec![edge("c.rs", "c", 1.0)],
            "b.rs" => vec![edge("c.rs", "c", 1.0), edge("d.rs", "d", 1.0)],
            _ => Vec::new(),
        });
        assert_eq!(best(&worth).first(), Some(&"c"));
        assert_eq!(best(&worth).last(), Some(&"d"));
    }

    #[test]
    fn a_place_that_leads_nowhere_is_worth_nothing() {
        assert!(spread(&[], |_| Vec::new()).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 60,
            rng_seed: RngSeed::Fixed(60),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// On any graph it ends, asks each file at most once, and has nothing to give away but the whole.
        #[test]
        fn it_ends_and_gives_no_more_than_there_is(
            ways in prop::collection::vec((0_usize..40, 0_usize..40, 0.1_f64..10.0), 1..200),
        ) {
            let links = |from: &str| -> Vec<Edge> {
                let of = |(_, to, weight): &(usize, usize, f64)| edge(&to.to_string(), &to.to_string(), *weight);
                ways.iter().filter(|way| way.0.to_string() == from).map(of).collect()
            };
            let mut asked = std::collections::BTreeSet::new();
            let worth = spread(&links("0"), |file| {
                assert!(asked.insert(file.to_owned()), "{file} was asked twice");
                links(file)
            });
            assert!(asked.len() <= MOST);
            // Each step that does not go back gives at most what it was given: a geometric series.
            let all: f64 = worth.values().sum();
            assert!(all <= (1.0 - BACK) / BACK + 1e-9, "{all}");
            assert!(worth.values().all(|it| it.is_finite() && *it >= 0.0));
        }
    }
}
