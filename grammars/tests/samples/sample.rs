//! A small till.

use std::collections::HashMap;

/// The most coins that a till holds.
pub const MOST: usize = 64;

static NAME: &str = "till";

/// Coins, by their worth.
#[derive(Debug, Default)]
pub struct Till<'a> {
    /// How many of each.
    pub coins: HashMap<u32, usize>,
    label: Option<&'a str>,
}

pub enum Failure {
    Empty,
    /// Not enough: what is missing.
    Short { missing: u32 },
}

pub trait Count {
    type Unit;
    fn count(&self) -> u32;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

impl<'a> Count for Till<'a> {
    type Unit = u32;

    fn count(&self) -> u32 {
        self.coins.iter().map(|(worth, n)| worth * (*n as u32)).sum()
    }
}

impl Till<'_> {
    /// Takes coins out.
    ///
    /// # Errors
    /// When there is too little.
    #[must_use]
    pub async fn take(&mut self, amount: u32) -> Result<u32, Failure> {
        fn inner(x: u32) -> u32 {
            x
        }
        if self.count() < amount {
            return Err(Failure::Short { missing: amount - self.count() });
        }
        Ok(inner(amount))
    }
}

macro_rules! coin {
    ($x:expr) => {
        $x
    };
}

type Purse = Vec<u32>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_empty() {
        assert!(Till::default().is_empty());
    }
}
