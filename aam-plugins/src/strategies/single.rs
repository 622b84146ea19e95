//! One device and one process.

use aam_api::{Kind, ParallelStrategy, PluginError, StrategyConfig, StrategyContext, StrategyKind};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One device and one process: nothing is exchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct SingleStrategyConfig {}

/// The strategy that [`SingleStrategyConfig`] builds.
#[derive(Clone, Debug)]
pub struct SingleStrategy {
    device: Device,
}

impl StrategyConfig for SingleStrategyConfig {
    const NAME: &'static str = "single";
    type Strategy = SingleStrategy;

    fn init(&self, context: &StrategyContext) -> Result<SingleStrategy, PluginError> {
        match context.devices.as_slice() {
            [device] => Ok(SingleStrategy {
                device: device.clone(),
            }),
            devices => Err(PluginError::needs(
                StrategyKind::NAME,
                Self::NAME,
                format!("one device, but {} are given", devices.len()),
            )),
        }
    }
}

impl ParallelStrategy for SingleStrategy {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn gather(&self, local: Tensor<2>) -> Result<Tensor<2>, PluginError> {
        Ok(local)
    }

    fn sum_gradients(&self, gradients: GradientsParams) -> Result<GradientsParams, PluginError> {
        Ok(gradients)
    }

    fn sum(&self, values: Vec<f64>) -> Result<Vec<f64>, PluginError> {
        Ok(values)
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PluginError> {
        Ok(bytes)
    }
}

aam_api::register_strategy!(SingleStrategyConfig);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_several_devices() {
        let context = StrategyContext {
            devices: vec![Device::default(), Device::default()],
        };
        let error = SingleStrategyConfig {}
            .init(&context)
            .expect_err("it uses one");
        assert_eq!(
            error.to_string(),
            "strategy 'single' needs one device, but 2 are given"
        );
    }
}
