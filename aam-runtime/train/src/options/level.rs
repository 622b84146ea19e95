//! Probabilities with which predictions are to hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The probability with which an interval or a prediction set is to hold what is true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
pub struct Level(pub f64);

impl Level {
    /// The numbers of `all`, each once.
    pub fn distinct(all: &[Self]) -> Vec<f64> {
        let mut distinct: Vec<f64> = Vec::with_capacity(all.len());
        for Self(level) in all {
            if !distinct.contains(level) {
                distinct.push(*level);
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_named_twice_counts_once() {
        let levels = [0.8, 0.95, 0.8].map(Level);
        assert_eq!(Level::distinct(&levels), [0.8, 0.95]);
    }
}
