//! Several ranks that compute gradients, and one that updates.

use aam_api::options::Facts;
use aam_api::{Parts, PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Data parallelism: each rank computes gradients on a part of the batch; the first rank sums them,
/// performs the update and sends the parameters to the others.
///
/// Only the first rank has the optimizer state, and it receives the gradients of all ranks, which suits a
/// few devices of one machine. For more, choose ddp.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("data-parallel", "data-parallel"))]
pub struct DataParallelStrategyConfig {
    /// Ranks in this process, which share its threads; if unset, one per device. Not allowed if `mpirun`
    /// starts the ranks as processes.
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
