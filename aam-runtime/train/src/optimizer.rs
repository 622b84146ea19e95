//! Optimizers of an entire model, and gradient transformations.

use std::collections::HashSet;

use aam_api::{Components, GroupedOptimizer, OptimizerContext, OptimizerKind};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::choice::built;
use super::scalars::scalars;
use aam_run::RunError;

/// The selected optimizer, with the given weight decay.
///
/// # Errors
/// No selection, a component that is not linked, or options that it rejects.
pub fn chosen_optimizer(
    components: &Components,
    weight_decay: f64,
    decay_everything: bool,
) -> Result<GroupedOptimizer, RunError> {
    let context = OptimizerContext::new(weight_decay, decay_everything);
    let (_, optimizer) = built::<OptimizerKind>(components, &context)?;
    Ok(optimizer)
}

/// Multiplies every gradient by `factor`.
pub fn scale<M: Module>(model: &M, gradients: GradientsParams, factor: f64) -> GradientsParams {
    let mut scaled = Scale {
        gradients,
        factor,
        result: GradientsParams::new(),
    };
    model.visit(&mut scaled);
    scaled.result
}

struct Scale {
    gradients: GradientsParams,
    factor: f64,
    result: GradientsParams,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.result
                .register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

/// Splits the gradients into those of the parameters in `ids`, and the others.
pub fn split<M: Module>(
    model: &M,
    gradients: GradientsParams,
    ids: &HashSet<ParamId>,
) -> (GradientsParams, GradientsParams) {
    let mut split = Split {
        ids,
        inside: GradientsParams::new(),
        outside: gradients,
    };
    model.visit(&mut split);
    (split.inside, split.outside)
}

struct Split<'a> {
    ids: &'a HashSet<ParamId>,
    inside: GradientsParams,
    outside: GradientsParams,
}

impl ModuleVisitor for Split<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.ids.contains(&param.id)
            && let Some(gradient) = self.outside.remove::<D>(param.id)
        {
            self.inside.register(param.id, gradient);
        }
    }
}

/// The L2 norm of all gradients.
pub fn norm<M: Module>(model: &M, gradients: &GradientsParams) -> f64 {
    let mut squares = Squares {
        gradients,
        sums: Vec::new(),
    };
    model.visit(&mut squares);
    scalars(squares.sums).into_iter().sum::<f64>().sqrt()
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(gradient.square().sum());
        }
    }
}

#[cfg(test)]
pub(crate) mod known {
    use aam_api::Choice;
    use aam_plugins as _;
    use burn::optim::ModuleOptimizer;

    use super::*;

    /// The optimizer called `name` for `model`, with weight decay `decay`.
    pub(crate) fn optimizer<M: Module>(name: &str, model: &M, decay: f64) -> ModuleOptimizer {
        let components = Components::default().with::<OptimizerKind>(Choice::named(name));
        let chosen = chosen_optimizer(&components, decay, false);
        chosen.unwrap().for_module(model)
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
    use burn::tensor::{Device, Int};

    use super::*;
    use aam_model::{parameter_counts, parameter_ids};

    #[derive(Module, Debug)]
    struct Model {
        embedding: Embedding,
        norm: LayerNorm,
        linear: Linear,
    }

    fn model() -> Model {
        let device = Device::flex().autodiff();
        Model {
            embedding: EmbeddingConfig::new(3, 4).init(&device),
            norm: LayerNormConfig::new(4).init(&device),
            linear: LinearConfig::new(4, 2).init(&device),
        }
    }

    fn gradients(model: &Model) -> GradientsParams {
        let device = Device::flex().autodiff();
        let ids = Tensor::<2, Int>::from_data([[0, 2]], &device);
        let loss = model
            .linear
            .forward(model.norm.forward(model.embedding.forward(ids)));
        GradientsParams::from_grads(loss.square().sum().backward(), model)
    }

    #[test]
    fn gradients_are_split_by_parameter() {
        let model = model();
        let ids = parameter_ids(&model.norm);
        assert_eq!(ids.len(), 2);
        let (inside, outside) = split(&model, gradients(&model), &ids);
        assert_eq!((inside.len(), outside.len()), (2, 3));
    }

    #[test]
    fn scaling_scales_the_norm() {
        let model = model();
        let gradients = gradients(&model);
        let before = norm(&model, &gradients);
        let after = norm(&model, &scale(&model, gradients, 0.25));
        assert!(before > 0.0);
        assert!((after / before - 0.25).abs() < 1e-6);
    }

    #[test]
    fn frozen_parameters_are_counted_separately() {
        let model = model();
        assert_eq!(parameter_counts(&model), (30, 30));
        assert_eq!(parameter_counts(&model.no_grad()), (0, 30));
    }
}
