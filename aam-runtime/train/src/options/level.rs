//! Coverage probabilities of predictions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The coverage probability of a prediction interval or prediction set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
pub struct Level(pub f64);

impl Level {
    /// The distinct values of `all`.
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
