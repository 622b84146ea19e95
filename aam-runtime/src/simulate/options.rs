//! Options of a simulated study.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::community::HABITATS;
use aam_run::{RunError, settings};
use aam_unifrac::Metric;

/// Size and properties of a simulated study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulateOptions {
    /// Number of samples.
    #[schemars(range(min = 2, max = 1_000_000))]
    pub samples: usize,
    /// Number of ASVs on the tree. ASVs that occur in no sample are left out of the table.
    #[schemars(range(min = 4, max = 1_000_000))]
    pub asvs: usize,
    /// Bases per ASV.
    #[schemars(range(min = 20, max = 100_000))]
    pub sequence_length: usize,
    /// Mean number of ASVs per sample, before the rarest are missed by sequencing.
    #[schemars(range(min = 1.0))]
    pub richness: f64,
    /// Median number of reads per sample.
    #[schemars(range(min = 10.0, max = 1e8))]
    pub depth: f64,
    /// Standard deviation of the logarithm of the number of reads.
    #[schemars(range(min = 0.0, max = 3.0))]
    pub depth_spread: f64,
    /// Strength of the response of ASVs to the gradient: standard deviation of their slopes, in log
    /// abundance per standard deviation of the gradient.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub gradient_effect: f64,
    /// Strength of the habitat preference of ASVs: standard deviation of the effects in log
    /// abundance.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub habitat_effect: f64,
    /// Strength of the response of ASVs to an unmeasured variable, in units of `gradient-effect`.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub hidden_effect: f64,
    /// Standard deviation of the noise of each ASV in each sample, in log abundance.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub noise: f64,
    /// Number of habitats, up to 6.
    #[schemars(range(min = 1, max = HABITATS.len()))]
    pub habitats: usize,
    /// Fraction of `ph` and `habitat` values that are missing from the metadata.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub missing: f64,
    /// UniFrac metric of the distance matrix.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// Seed of the random number generator.
    #[schemars(transform = Facts::new().because("the same command gives the same result"))]
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
    pub(super) fn check(&self) -> Result<(), RunError> {
        settings::check(self)?;
        let most = 0.9 * self.asvs as f64;
        if self.richness <= most {
            return Ok(());
        }
        let problem = format!("expected at most {most}, nine tenths of --asvs");
        Err(RunError::value(
            "richness",
            self.richness.to_string(),
            problem,
        ))
    }
}
