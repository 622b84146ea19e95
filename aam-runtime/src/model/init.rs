//! How parameters start.

use burn::module::{Initializer, Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

/// Xavier-uniform weights without or with biases of zero.
pub(crate) fn xavier_linear(input: usize, output: usize, device: &Device) -> Linear {
    Linear {
        weight: Initializer::XavierUniform { gain: 1.0 }.init_with(
            [input, output],
            Some(input),
            Some(output),
            device,
        ),
        bias: Some(Initializer::Zeros.init([output], device)),
    }
}

/// Weights uniform within ±1/√input, biases of zero.
pub(crate) fn linear_without_initial_bias(input: usize, output: usize, device: &Device) -> Linear {
    Linear {
        bias: Some(Initializer::Zeros.init([output], device)),
        ..LinearConfig::new(input, output)
            .with_bias(false)
            .init(device)
    }
}

/// The module with every parameter drawn.
///
/// Burn draws a parameter when it is first used. Calling this right after seeding the device makes
/// the weights depend on the seed alone, and not on what the forward pass uses first.
pub fn materialised<M: Module>(module: M) -> M {
    struct Touch;
    impl ModuleVisitor for Touch {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            param.val();
        }
    }
    module.visit(&mut Touch);
    module
}

/// A copy of `module` whose parameters are parameters of their own.
pub(crate) fn copy_with_own_parameters<M: Module>(module: &M) -> M {
    struct Renew;
    impl ModuleMapper for Renew {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(param.val().detach())
        }
    }
    module.clone().map(&mut Renew)
}
