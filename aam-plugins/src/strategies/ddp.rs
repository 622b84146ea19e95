//! Replicas that make the same updates.

use aam_api::options::Facts;
use aam_api::{PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Distributed data parallelism: every rank has all parameters and a part of each batch, gradients
/// are summed over the ranks, and every rank makes the same update.
///
/// A rank sends and receives two numbers for each parameter and step. Its memory is that of a run
/// with one rank, but for the batch: Li et al., *PyTorch distributed*, VLDB 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("distributed", "ddp"))]
pub struct DdpStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1, max = 1_024))]
    pub ranks: Option<usize>,
}

impl StrategyConfig for DdpStrategyConfig {
    const NAME: &'static str = "ddp";
    type Strategy = SeveralRanks;

    fn init(&self, context: &StrategyContext) -> Result<SeveralRanks, PluginError> {
        let everywhere = |_, _| Updates::Everywhere;
        SeveralRanks::new(Self::NAME, self.ranks, context, everywhere)
    }
}

aam_api::register_strategy!(DdpStrategyConfig);
