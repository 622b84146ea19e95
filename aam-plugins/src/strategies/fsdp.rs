//! Gradients, optimizer state and parameters sharded over ranks.

use aam_api::options::{Facts, Spelling};
use aam_api::{Parts, PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Fully sharded data parallelism: each rank holds and updates an equal part of the parameters, with the
/// optimizer state of that part; the whole is gathered for each step.
///
/// A step computes gradients on a part of the batch with all parameters, and drops them once each rank has
/// the sums for its own part. Parameters are not gathered layer by layer, so the memory saved per rank is
/// that of the optimizer state and the summed gradients, as in ZeRO stage 2: Rajbhandari et al., *ZeRO*,
/// SC 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("fsdp", "fsdp"))]
pub struct FsdpStrategyConfig {
    /// Ranks in this process, which share its threads; if unset, one per device. Not allowed if `mpirun`
    /// starts the ranks as processes.
    #[schemars(range(min = 1, max = 1_024))]
    pub ranks: Option<usize>,
    /// Save the optimizer state of checkpoints in one file per rank instead of gathering it on rank 0. Any
    /// strategy with any number of ranks can resume from either.
    #[schemars(transform = Facts::new()
        .spelling(Spelling::flag("fsdp-sharded-checkpoint").sets("true").chooses()))]
    pub sharded_checkpoint: bool,
}

impl StrategyConfig for FsdpStrategyConfig {
    const NAME: &'static str = "fsdp";
    type Strategy = SeveralRanks;

    fn init(&self, context: &StrategyContext) -> Result<SeveralRanks, PluginError> {
        let equally = |count, ranks| Updates::InParts(Parts::equal(count, ranks));
        let rank = SeveralRanks::new(Self::NAME, self.ranks, context, equally)?;
        Ok(rank.saving_in_parts(self.sharded_checkpoint))
    }
}

aam_api::register_strategy!(FsdpStrategyConfig);
