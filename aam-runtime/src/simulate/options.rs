//! Options of a simulated study.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::community::HABITATS;
use crate::data::DataError;
use crate::unifrac::Metric;

/// Size and character of a simulated study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulateOptions {
    /// Number of samples.
    pub samples: usize,
    /// Number of ASVs on the tree; those that no sample holds are left out of the table.
    pub asvs: usize,
    /// Bases per ASV.
    pub sequence_length: usize,
    /// Mean number of ASVs in a sample, before sequencing misses the rarest.
    pub richness: f64,
    /// Median number of reads per sample.
    pub depth: f64,
    /// Standard deviation of the logarithm of the number of reads.
    pub depth_spread: f64,
    /// How strongly ASVs answer to the gradient: standard deviation of their slopes, in log
    /// abundance per standard deviation of the gradient.
    pub gradient_effect: f64,
    /// How strongly ASVs prefer habitats: standard deviation of the effects in log abundance.
    pub habitat_effect: f64,
    /// How strongly ASVs answer to what nobody measured, like `gradient-effect`.
    pub hidden_effect: f64,
    /// Standard deviation of what befalls each ASV in each sample alone, in log abundance.
    pub noise: f64,
    /// Number of habitats, up to 6.
    pub habitats: usize,
    /// Fraction of `ph` and `habitat` values that are missing from the metadata.
    pub missing: f64,
    /// Metric of the UniFrac matrix.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// Seed of every random draw.
    pub seed: u64,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self {
            samples: 160,
            asvs: 400,
            sequence_length: 150,
            richness: 60.0,
            depth: 5000.0,
            depth_spread: 0.4,
            gradient_effect: 0.6,
            habitat_effect: 0.7,
            hidden_effect: 0.7,
            noise: 1.2,
            habitats: 3,
            missing: 0.0,
            metric: Metric::Unweighted,
            seed: 42,
        }
    }
}

impl SimulateOptions {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let whole = [
            ("samples", self.samples, 2, 1_000_000),
            ("asvs", self.asvs, 4, 1_000_000),
            ("sequence-length", self.sequence_length, 20, 100_000),
            ("habitats", self.habitats, 1, HABITATS.len()),
        ];
        for (name, value, least, most) in whole {
            if !(least..=most).contains(&value) {
                return Err(DataError::new(format!(
                    "`{name}` lies between {least} and {most}, found {value}"
                )));
            }
        }
        let real = [
            ("richness", self.richness, 1.0, 0.9 * self.asvs as f64),
            ("depth", self.depth, 10.0, 1e8),
            ("depth-spread", self.depth_spread, 0.0, 3.0),
            ("gradient-effect", self.gradient_effect, 0.0, 10.0),
            ("habitat-effect", self.habitat_effect, 0.0, 10.0),
            ("hidden-effect", self.hidden_effect, 0.0, 10.0),
            ("noise", self.noise, 0.0, 10.0),
            ("missing", self.missing, 0.0, 0.9),
        ];
        for (name, value, least, most) in real {
            if !(least..=most).contains(&value) {
                return Err(DataError::new(format!(
                    "`{name}` lies between {least} and {most}, found {value}"
                )));
            }
        }
        Ok(())
    }
}
