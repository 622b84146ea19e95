//! Gradients, optimizer state and parameters in parts, one for each rank.

use aam_api::communicator::equal_parts;
use aam_api::{
    Communicator, ParallelStrategy, PluginError, StrategyConfig, StrategyContext, Updates,
};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rank::Rank;

/// Fully sharded data parallelism: each rank holds and updates an equal part of the parameters,
/// with the state of the optimizer for that part; the whole is gathered for each step.
///
/// A step computes gradients of a part of the batch with all parameters, and drops them once each
/// rank has the sums for its own part. Parameters are not gathered layer by layer, so what a rank
/// saves is the state of the optimizer and the sums of the gradients, as in stage 2 of ZeRO:
/// Rajbhandari et al., *ZeRO*, SC 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FsdpStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1))]
    pub ranks: Option<usize>,
    /// Whether checkpoints hold the state of the optimizer in as many files as there are ranks, and
    /// rank 0 does not put it together. Any strategy and number of ranks goes on from either.
    pub sharded_checkpoint: bool,
}

/// The strategy that [`FsdpStrategyConfig`] builds.
#[derive(Clone, Debug)]
pub struct FsdpStrategy {
    rank: Rank,
    saves_in_parts: bool,
}

impl StrategyConfig for FsdpStrategyConfig {
    const NAME: &'static str = "fsdp";
    type Strategy = FsdpStrategy;

    fn init(&self, context: &StrategyContext) -> Result<FsdpStrategy, PluginError> {
        Ok(FsdpStrategy {
            rank: Rank::new(Self::NAME, self.ranks, context)?,
            saves_in_parts: self.sharded_checkpoint,
        })
    }
}

impl ParallelStrategy for FsdpStrategy {
    fn communicator(&self) -> &dyn Communicator {
        self.rank.communicator.as_ref()
    }

    fn device(&self) -> Device {
        self.rank.device.clone()
    }

    fn local_ranks(&self) -> usize {
        self.rank.wanted
    }

    fn updates(&self, count: usize) -> Updates {
        Updates::InParts(equal_parts(count, self.rank.communicator.size()))
    }

    fn saves_in_parts(&self) -> bool {
        self.saves_in_parts
    }
}

aam_api::register_strategy!(FsdpStrategyConfig);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aam_api::InProcess;

    use super::*;

    #[test]
    fn each_rank_updates_an_equal_part() {
        for rank in InProcess::ranks(3) {
            let context = StrategyContext {
                devices: vec![Device::default()],
                communicator: Arc::new(rank),
            };
            let built = FsdpStrategyConfig::default().init(&context);
            let updates = built.expect("one device is enough").updates(7);
            assert_eq!(updates, Updates::InParts(vec![0..3, 3..5, 5..7]));
        }
    }
}
