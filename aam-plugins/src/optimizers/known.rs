//! A weight and gradients with known values, for the tests of optimizers.

use aam_api::{Kind, OptimizerConfig, OptimizerContext, OptimizerKind, Plugin};
use burn::module::{Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use serde_json::Value;

/// The optimizer that `config` builds for `module`, with a weight decay of `decay` for everything.
pub(crate) fn optimizer<C: OptimizerConfig>(
    config: &C,
    module: &Linear,
    decay: f64,
) -> ModuleOptimizer {
    let Value::Object(options) = serde_json::to_value(config).expect("a table") else {
        panic!("the config of an {} is a table", OptimizerKind::NAME);
    };
    let plugin = Plugin::<OptimizerKind>::of::<C>("", "");
    let context = OptimizerContext::new(decay, true);
    let built = plugin.build(&options, &context, &Device::default());
    built.expect("valid options").for_module(module)
}

/// The weight after two updates at a learning rate of 0.1, starting at 1, with gradients of 1 and a weight
/// decay of 0.5.
pub(crate) fn after_two_updates<C: OptimizerConfig>(config: &C) -> f64 {
    let device = Device::default().autodiff();
    let mut linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
    let one = Tensor::ones([1, 1], &device).require_grad();
    linear.weight = Param::initialized(ParamId::new(), one);
    let mut optimizer = optimizer(config, &linear, 0.5);
    for _ in 0..2 {
        let input = Tensor::<2>::ones([1, 1], &device);
        let gradients = linear.forward(input).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &linear);
        linear = optimizer.step(0.1, linear, gradients);
    }
    f64::from(linear.weight.val().into_scalar::<f32>())
}

/// Compares with a tolerance: Adam divides by the size of the gradients, so updates have about the size of
/// the learning rate.
#[track_caller]
pub(crate) fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 2e-3, "{found} is not {expected}");
}
