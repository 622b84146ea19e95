//! Gradients, optimizer state and parameters in parts, one for each rank.

use aam_api::options::{Facts, Spelling};
use aam_api::{Parts, PluginError, StrategyConfig, StrategyContext, Updates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::several_ranks::SeveralRanks;

/// Fully sharded data parallelism: each rank holds and updates an equal part of the parameters,
/// with the state of the optimizer for that part; the whole is gathered for each step.
///
/// A step computes gradients of a part of the batch with all parameters, and drops them once each
/// rank has the sums for its own part. Parameters are not gathered layer by layer, so what a rank
/// saves is the state of the optimizer and the sums of the gradients, as in stage 2 of ZeRO:
/// Rajbhandari et al., *ZeRO*, SC 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new().switch("fsdp", "fsdp"))]
pub struct FsdpStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1, max = 1_024))]
    pub ranks: Option<usize>,
    /// Whether checkpoints hold the state of the optimizer in as many files as there are ranks, and
    /// rank 0 does not put it together. Any strategy and number of ranks goes on from either.
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
