//! One device and one process.

use aam_api::options::Facts;
use std::sync::Arc;

use aam_api::{
    Communicator, Kind, ParallelStrategy, PluginError, StrategyConfig, StrategyContext,
    StrategyKind, Updates,
};
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One device and one process: nothing is exchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new()
    .because("one device"))]
pub struct SingleStrategyConfig {}

/// The strategy that [`SingleStrategyConfig`] builds.
#[derive(Clone, Debug)]
pub struct SingleStrategy {
    device: Device,
    communicator: Arc<dyn Communicator>,
}

impl StrategyConfig for SingleStrategyConfig {
    const NAME: &'static str = "single";
    type Strategy = SingleStrategy;

    fn init(&self, context: &StrategyContext) -> Result<SingleStrategy, PluginError> {
        let needs = |what: String| PluginError::needs(StrategyKind::NAME, Self::NAME, what);
        let communicator = Arc::clone(&context.communicator);
        if communicator.size() != 1 {
            return Err(needs(format!(
                "one process, but {} were started; choose ddp or fsdp",
                communicator.size()
            )));
        }
        match context.devices.as_slice() {
            [device] => Ok(SingleStrategy {
                device: device.clone(),
                communicator,
            }),
            devices => Err(needs(format!(
                "one device, but {} are given",
                devices.len()
            ))),
        }
    }
}

impl ParallelStrategy for SingleStrategy {
    fn communicator(&self) -> &dyn Communicator {
        self.communicator.as_ref()
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn updates(&self, _count: usize) -> Updates {
        Updates::Everywhere
    }
}

aam_api::register_strategy!(SingleStrategyConfig);

#[cfg(test)]
mod tests {
    use aam_api::{Alone, InProcess};

    use super::*;

    fn error(devices: usize, communicator: Arc<dyn Communicator>) -> String {
        let context = StrategyContext::new(vec![Device::default(); devices], communicator);
        let error = SingleStrategyConfig {}.init(&context).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn refuses_several_devices_and_several_processes() {
        assert_eq!(
            error(2, Arc::new(Alone)),
            "strategy 'single' needs one device, but 2 are given"
        );
        let ranks = InProcess::ranks(3);
        assert_eq!(
            error(1, Arc::new(ranks[0].clone())),
            "strategy 'single' needs one process, but 3 were started; choose ddp or fsdp"
        );
    }
}
