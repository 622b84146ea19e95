//! Initialisation of parameters.

use std::collections::VecDeque;

use burn::module::{Initializer, Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

/// A linear layer with Xavier-uniform weights and zero biases.
pub fn xavier_linear(input: usize, output: usize, device: &Device) -> Linear {
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

/// A linear layer with weights uniform in ±1/√input and zero biases.
pub fn linear_without_initial_bias(input: usize, output: usize, device: &Device) -> Linear {
    Linear {
        bias: Some(Initializer::Zeros.init([output], device)),
        ..LinearConfig::new(input, output)
            .with_bias(false)
            .init(device)
    }
}

/// Initialises all parameters of the module.
///
/// Burn initialises a parameter when it is first used. Calling this right after seeding the device
/// makes the weights depend on the seed only, and not on the order of use in the forward pass.
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

/// Returns `module` with the parameter values of `other`, which has the same shape but may be on
/// another device.
pub fn with_values_of<M: Module>(module: M, other: &M) -> M {
    #[derive(Default)]
    struct Read(VecDeque<TensorData>);
    impl ModuleVisitor for Read {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push_back(param.val().into_data());
        }
    }
    impl ModuleMapper for Read {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(data) = self.0.pop_front() else {
                return param;
            };
            let learns = param.is_require_grad();
            param.map(|old| Tensor::from_data(data, &old.device()).set_require_grad(learns))
        }
    }
    let mut values = Read::default();
    other.visit(&mut values);
    module.map(&mut values)
}

/// A copy of `module` with new parameter ids.
pub fn copy_with_own_parameters<M: Module>(module: &M) -> M {
    struct Renew;
    impl ModuleMapper for Renew {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(param.val().detach())
        }
    }
    module.clone().map(&mut Renew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_over_and_what_learns_stays() {
        let device = Device::flex().autodiff();
        let [other, frozen, learning] =
            [0; 3].map(|_| materialised(LinearConfig::new(3, 2).init(&device)));
        let data = |linear: &Linear| linear.weight.val().into_data();
        assert_ne!(data(&frozen), data(&other));
        let found = with_values_of(frozen.no_grad(), &other);
        assert_eq!(data(&found), data(&other));
        assert!(!found.weight.is_require_grad());
        assert!(with_values_of(learning, &other).weight.is_require_grad());
    }
}
