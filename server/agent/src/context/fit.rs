//! How much of each piece there is room for.

/// How much of a definition is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// That it is there, and where.
    Name,
    /// How it is declared.
    Signature,
    /// All of it.
    Body,
}

impl Shape {
    /// In a word, for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Signature => "signature",
            Self::Body => "whole",
        }
    }
}

/// What a piece costs in each shape, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) name: u64,
    pub(super) signature: u64,
    pub(super) body: u64,
}

impl Cost {
    /// What it costs in this shape.
    pub(super) fn of(self, shape: Option<Shape>) -> u64 {
        match shape {
            None => 0,
            Some(Shape::Name) => self.name,
            Some(Shape::Signature) => self.signature,
            Some(Shape::Body) => self.body,
        }
    }
}

/// The share of the budget that one piece may have: else one long function takes the place of all others.
const LARGEST_SHARE: u64 = 3;

/// How each of the pieces is shown, the most important first, so that all of them together cost at most
/// `budget`: from the least important on, bodies become signatures; if that is not enough signatures become
/// names; and if that is not enough names are left out. What room is left then goes to the most important
/// ones.
pub(super) fn fit(costs: &[Cost], budget: u64) -> Vec<Option<Shape>> {
    let largest = budget / LARGEST_SHARE;
    let mut shapes: Vec<Option<Shape>> = costs
        .iter()
        .map(|cost| match cost {
            cost if cost.body <= largest => Some(Shape::Body),
            cost if cost.signature <= largest => Some(Shape::Signature),
            _ => Some(Shape::Name),
        })
        .collect();
    let total = |shapes: &[Option<Shape>]| -> u64 {
        costs
            .iter()
            .zip(shapes)
            .map(|(cost, shape)| cost.of(*shape))
            .sum()
    };
    let mut all = total(&shapes);
    let passes = [
        (Some(Shape::Body), Some(Shape::Signature)),
        (Some(Shape::Signature), Some(Shape::Name)),
        (Some(Shape::Name), None),
    ];
    for (from, to) in passes {
        for (cost, shape) in costs.iter().zip(&mut shapes).rev() {
            if all <= budget {
                break;
            }
            if *shape == from {
                all = all
                    .saturating_sub(cost.of(from))
                    .saturating_add(cost.of(to));
                *shape = to;
            }
        }
    }
    let mut left = budget.saturating_sub(all);
    for (cost, shape) in costs.iter().zip(&mut shapes) {
        for larger in [Shape::Name, Shape::Signature, Shape::Body] {
            let more = cost.of(Some(larger)).saturating_sub(cost.of(*shape));
            let is_share = larger != Shape::Body || cost.body <= largest;
            if shape.is_none_or(|shape| shape < larger) && more <= left && is_share {
                left -= more;
                *shape = Some(larger);
            }
        }
    }
    shapes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    const fn cost(name: u64, signature: u64, body: u64) -> Cost {
        Cost {
            name,
            signature,
            body,
        }
    }

    #[test]
    fn bodies_give_way_to_signatures_before_anything_is_left_out() {
        let costs = [cost(5, 20, 60); 4];
        let of = |budget| fit(&costs, budget);
        assert_eq!(of(240), [Some(Shape::Body); 4]);
        assert_eq!(
            of(200),
            [
                Some(Shape::Body),
                Some(Shape::Body),
                Some(Shape::Body),
                Some(Shape::Signature)
            ]
        );
        assert_eq!(of(80), [Some(Shape::Signature); 4]);
        assert_eq!(
            of(65),
            [
                Some(Shape::Signature),
                Some(Shape::Signature),
                Some(Shape::Signature),
                Some(Shape::Name)
            ]
        );
        assert_eq!(of(12), [Some(Shape::Name), Some(Shape::Name), None, None]);
        assert_eq!(of(0), [None; 4]);
    }

    #[test]
    fn one_long_function_does_not_take_it_all() {
        let shapes = fit(&[cost(5, 20, 290), cost(5, 20, 50)], 300);
        assert_eq!(shapes, [Some(Shape::Signature), Some(Shape::Body)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200,
            rng_seed: RngSeed::Fixed(61),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// It never costs more than the budget, and what fits is not made smaller.
        #[test]
        fn the_budget_is_kept(
            costs in prop::collection::vec((1_u64..20, 0_u64..60, 0_u64..600), 0..40),
            budget in 0_u64..4_000,
        ) {
            let costs: Vec<Cost> = costs
                .into_iter()
                .map(|(name, more, most)| cost(name, name + more, name + more + most))
                .collect();
            let shapes = fit(&costs, budget);
            let total: u64 = costs.iter().zip(&shapes).map(|(cost, shape)| cost.of(*shape)).sum();
            prop_assert!(total <= budget);
            let bodies: u64 = costs.iter().map(|cost| cost.body).sum();
            let is_roomy = bodies <= budget
                && costs.iter().all(|cost| cost.body <= budget / LARGEST_SHARE);
            if is_roomy {
                prop_assert!(shapes.iter().all(|shape| *shape == Some(Shape::Body)));
            }
        }
    }
}
