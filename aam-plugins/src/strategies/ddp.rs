//! Replicas that make the same updates.

use aam_api::{
    Communicator, ParallelStrategy, PluginError, StrategyConfig, StrategyContext, Updates,
};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rank::Rank;

/// Distributed data parallelism: every rank has all parameters and a part of each batch, gradients
/// are summed over the ranks, and every rank makes the same update.
///
/// A rank sends and receives two numbers for each parameter and step. Its memory is that of a run
/// with one rank, but for the batch: Li et al., *PyTorch distributed*, VLDB 2020.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct DdpStrategyConfig {
    /// Ranks of this process, which share its threads; without a number, one for each device.
    /// Not with ranks that are processes, which `mpirun` counts.
    #[schemars(range(min = 1))]
    pub ranks: Option<usize>,
}

/// The strategy that [`DdpStrategyConfig`] builds.
#[derive(Clone, Debug)]
pub struct DdpStrategy(Rank);

impl StrategyConfig for DdpStrategyConfig {
    const NAME: &'static str = "ddp";
    type Strategy = DdpStrategy;

    fn init(&self, context: &StrategyContext) -> Result<DdpStrategy, PluginError> {
        Ok(DdpStrategy(Rank::new(Self::NAME, self.ranks, context)?))
    }
}

impl ParallelStrategy for DdpStrategy {
    fn communicator(&self) -> &dyn Communicator {
        self.0.communicator.as_ref()
    }

    fn device(&self) -> Device {
        self.0.device.clone()
    }

    fn local_ranks(&self) -> usize {
        self.0.wanted
    }

    fn updates(&self, _count: usize) -> Updates {
        Updates::Everywhere
    }
}

aam_api::register_strategy!(DdpStrategyConfig);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aam_api::InProcess;

    use super::*;

    #[test]
    fn every_rank_updates_everything() {
        for rank in InProcess::ranks(2) {
            let context = StrategyContext {
                devices: vec![Device::default()],
                communicator: Arc::new(rank),
            };
            let built = DdpStrategyConfig::default().init(&context);
            let strategy = built.expect("one device is enough");
            assert_eq!(strategy.updates(7), Updates::Everywhere);
            assert_eq!(strategy.local_ranks(), 1);
        }
        let context = StrategyContext {
            devices: vec![Device::default()],
            communicator: Arc::new(aam_api::Alone),
        };
        let none = DdpStrategyConfig { ranks: Some(0) };
        let error = none.init(&context).expect_err("no rank").to_string();
        assert_eq!(
            error,
            "strategy 'ddp', option 'ranks': expected an integer from 1 to 256, found 0"
        );
    }
}
