//! Replicas that perform identical updates.

use aam_api::options::Facts;
use aam_api::{PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Distributed data parallelism: every rank has all parameters and a part of each batch; gradients are
/// summed over the ranks, and every rank performs the same update.
///
/// A rank sends and receives two numbers per parameter and step. Except for the batch, it needs as much
/// memory as a run with one rank: Li et al., *PyTorch distributed*, VLDB 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("distributed", "ddp"))]
pub struct DdpStrategyConfig {
    /// Ranks in this process, which share its threads; if unset, one per device. Not allowed if `mpirun`
    /// starts the ranks as processes.
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
