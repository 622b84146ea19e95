//! Several ranks that compute, one that learns.

use aam_api::{
    Communicator, ParallelStrategy, PluginError, StrategyConfig, StrategyContext, Updates,
};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rank::Rank;

/// Data parallelism: each rank computes the gradients of a part of the batch, the first one adds
/// them, makes the update and sends the parameters to the others.
///
/// Only the first rank has the state of the optimizer, and it receives as many gradients as there
/// are ranks: good for a few devices of one machine. For more, choose ddp.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct DataParallelStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1))]
    pub ranks: Option<usize>,
}

/// The strategy that [`DataParallelStrategyConfig`] builds.
#[derive(Clone, Debug)]
pub struct DataParallelStrategy(Rank);

impl StrategyConfig for DataParallelStrategyConfig {
    const NAME: &'static str = "data-parallel";
    type Strategy = DataParallelStrategy;

    fn init(&self, context: &StrategyContext) -> Result<DataParallelStrategy, PluginError> {
        Ok(DataParallelStrategy(Rank::new(
            Self::NAME,
            self.ranks,
            context,
        )?))
    }
}

impl ParallelStrategy for DataParallelStrategy {
    fn communicator(&self) -> &dyn Communicator {
        self.0.communicator.as_ref()
    }

    fn device(&self) -> Device {
        self.0.device.clone()
    }

    fn local_ranks(&self) -> usize {
        self.0.wanted
    }

    fn updates(&self, count: usize) -> Updates {
        let others = self.0.communicator.size() - 1;
        let first = std::iter::once(0..count);
        Updates::InParts(first.chain(vec![count..count; others]).collect())
    }
}

aam_api::register_strategy!(DataParallelStrategyConfig);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aam_api::InProcess;

    use super::*;

    #[test]
    fn the_first_rank_updates_everything() {
        for rank in InProcess::ranks(3) {
            let context = StrategyContext {
                devices: vec![Device::default()],
                communicator: Arc::new(rank),
            };
            let built = DataParallelStrategyConfig::default().init(&context);
            let updates = built.expect("one device is enough").updates(7);
            assert_eq!(updates, Updates::InParts(vec![0..7, 7..7, 7..7]));
        }
    }
}
