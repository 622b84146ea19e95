//! Several ranks that compute, one that learns.

use aam_api::options::Facts;
use aam_api::{Parts, PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Data parallelism: each rank computes the gradients of a part of the batch, the first one adds
/// them, makes the update and sends the parameters to the others.
///
/// Only the first rank has the state of the optimizer, and it receives as many gradients as there
/// are ranks: good for a few devices of one machine. For more, choose ddp.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("data-parallel", "data-parallel"))]
pub struct DataParallelStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1, max = 1_024))]
    pub ranks: Option<usize>,
}

impl StrategyConfig for DataParallelStrategyConfig {
    const NAME: &'static str = "data-parallel";
    type Strategy = SeveralRanks;

    fn init(&self, context: &StrategyContext) -> Result<SeveralRanks, PluginError> {
        let by_first = |count, ranks| Updates::InParts(Parts::first(count, ranks));
        SeveralRanks::new(Self::NAME, self.ranks, context, by_first)
    }
}

aam_api::register_strategy!(DataParallelStrategyConfig);
