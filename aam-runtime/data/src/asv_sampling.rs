//! Selection of a sample's ASVs if it has more than the model accepts.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DataError;

/// Which ASVs of a sample are used if it has more than the model accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AsvSampling {
    /// The first in table order.
    First,
    /// The most abundant.
    #[default]
    Abundance,
    /// A random subset, drawn again each time.
    Random,
}

impl fmt::Display for AsvSampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Abundance => "abundance",
            Self::Random => "random",
        })
    }
}

impl FromStr for AsvSampling {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "first" => Ok(Self::First),
            "abundance" => Ok(Self::Abundance),
            "random" => Ok(Self::Random),
            _ => Err(DataError::new(format!("there is no ASV sampling '{text}'"))
                .help("choose first, abundance or random")),
        }
    }
}

/// Selects at most `limit` of a sample's ASVs, given their `counts` in table order: numbers of reads,
/// or fractions of them.
///
/// Returns positions in `counts`: all, in order, if there are at most `limit`. Otherwise, `first`
/// returns them in order, `abundance` by descending count (ties in order), and `random` in random
/// order. Only `random` draws from `rng`.
pub fn choose_asvs<T: PartialOrd>(
    counts: &[T],
    limit: usize,
    sampling: AsvSampling,
    rng: &mut impl rand::Rng,
) -> Vec<usize> {
    let all = counts.len();
    if all <= limit {
        return (0..all).collect();
    }
    match sampling {
        AsvSampling::First => (0..limit).collect(),
        AsvSampling::Abundance => {
            let mut order: Vec<usize> = (0..all).collect();
            order.sort_by(|&a, &b| {
                let descending = counts[b].partial_cmp(&counts[a]);
                descending.unwrap_or(Ordering::Equal)
            });
            order.truncate(limit);
            order
        }
        AsvSampling::Random => index::sample(rng, all, limit).into_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use aam_core::random::stream;

    #[test]
    fn sampling_policies() {
        let counts = [5, 9, 5, 1, 9, 7];
        let rng = &mut stream(1, "test");
        for sampling in [
            AsvSampling::First,
            AsvSampling::Abundance,
            AsvSampling::Random,
        ] {
            assert_eq!(
                sampling.to_string().parse::<AsvSampling>().unwrap(),
                sampling
            );
            assert_eq!(choose_asvs(&counts, 6, sampling, rng), [0, 1, 2, 3, 4, 5]);
        }
        assert_eq!(choose_asvs(&counts, 3, AsvSampling::First, rng), [0, 1, 2]);
        assert_eq!(
            choose_asvs(&counts, 4, AsvSampling::Abundance, rng),
            [1, 4, 5, 0]
        );
        let fractions = [0.5, 0.25, 7.5, 0.5];
        assert_eq!(
            choose_asvs(&fractions, 3, AsvSampling::Abundance, rng),
            [2, 0, 3]
        );
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let chosen = choose_asvs(&counts, 3, AsvSampling::Random, rng);
            assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), 3);
            seen.extend(chosen);
        }
        assert_eq!(seen.len(), 6);
        assert!("best".parse::<AsvSampling>().is_err());
    }
}
