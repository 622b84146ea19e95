//! Optimizers over a whole model, and what happens to gradients before.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes an update of gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019).
    #[default]
    Adamw,
    /// Adam (Kingma and Ba, 2015); weight decay is an L2 penalty.
    Adam,
    /// Gradient descent with a momentum of 0.9; weight decay is an L2 penalty.
    Sgd,
}

/// The optimizer `kind`, decaying the weight matrices only: norms, biases and embeddings have no
/// reason to be small. β are 0.9 and 0.999, ε is 1e-8.
pub fn optimizer<M: Module>(kind: OptimizerKind, model: &M, weight_decay: f64) -> ModuleOptimizer {
    let mut kinds = Undecayed::default();
    model.visit(&mut kinds);
    let undecayed = ParamGroup::from_ids(kinds.ids);
    let penalty = Some(WeightDecayConfig::new(weight_decay as f32));
    match kind {
        OptimizerKind::Adamw => {
            let build = |decay: f64| {
                let config = AdamWConfig::new().with_epsilon(1e-8);
                config.with_weight_decay(decay as f32).build()
            };
            ModuleOptimizer::from(build(weight_decay)).with_group(undecayed, build(0.0), None)
        }
        OptimizerKind::Adam => {
            let config = AdamConfig::new().with_epsilon(1e-8);
            let decayed = config.clone().with_weight_decay(penalty).build();
            ModuleOptimizer::from(decayed).with_group(undecayed, config.build(), None)
        }
        OptimizerKind::Sgd => {
            let momentum = MomentumConfig::new().with_dampening(0.0);
            let config = SgdConfig::new().with_momentum(Some(momentum));
            let decayed = config.clone().with_weight_decay(penalty).build();
            ModuleOptimizer::from(decayed).with_group(undecayed, config.build(), None)
        }
    }
}

/// Collects the parameters that are not decayed.
#[derive(Default)]
struct Undecayed {
    ids: Vec<ParamId>,
    containers: Vec<String>,
}

impl ModuleVisitor for Undecayed {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let embedding = self
            .containers
            .iter()
            .any(|name| name.ends_with("Embedding"));
        if D == 1 || embedding {
            self.ids.push(param.id);
        }
    }

    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }
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

/// The gradients of the parameters in `ids`, and the others.
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

/// L2 norm of all gradients together.
pub fn norm<M: Module>(model: &M, gradients: &GradientsParams) -> f64 {
    let mut squares = Squares {
        gradients,
        sum: 0.0,
    };
    model.visit(&mut squares);
    squares.sum.sqrt()
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

/// Numbers of parameters that learn, and of all parameters.
pub fn parameter_counts<M: Module>(model: &M) -> (usize, usize) {
    let mut counts = Counts::default();
    model.visit(&mut counts);
    (counts.learning, counts.all)
}

#[derive(Default)]
struct Counts {
    learning: usize,
    all: usize,
}

impl ModuleVisitor for Counts {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let size = param.lazy_shape().num_elements();
        self.all += size;
        if param.is_require_grad() {
            self.learning += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
    use burn::tensor::{Device, Int};

    use super::*;
    use crate::model::parameter_ids;

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
    fn only_weight_matrices_are_decayed() {
        let mut kinds = Undecayed::default();
        let model = model();
        model.visit(&mut kinds);
        assert_eq!(kinds.ids.len(), 4);
        assert!(!kinds.ids.contains(&model.linear.weight.id));
        assert!(kinds.ids.contains(&model.embedding.weight.id));
    }

    /// Two updates of a weight that starts at 1 with gradients of 1, at a rate of 0.1 and a decay
    /// of 0.5, by hand.
    #[test]
    fn updates_are_those_of_the_formulas() {
        let first = |kind| {
            let device = Device::flex().autodiff();
            let mut linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
            let one = Tensor::ones([1, 1], &device).require_grad();
            linear.weight = Param::initialized(ParamId::new(), one);
            let mut optimizer = optimizer(kind, &linear, 0.5);
            for _ in 0..2 {
                let input = Tensor::<2>::ones([1, 1], &device);
                let gradients = linear.forward(input).sum().backward();
                let gradients = GradientsParams::from_grads(gradients, &linear);
                linear = optimizer.step(0.1, linear, gradients);
            }
            f64::from(linear.weight.val().into_scalar::<f32>())
        };
        // Adam divides by the size of the gradients, which leaves updates of about the rate.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 2e-3, "{a} is not {b}");
        close(first(OptimizerKind::Adamw), (1.0 * 0.95 - 0.1) * 0.95 - 0.1);
        close(first(OptimizerKind::Adam), 0.8);
        // Velocities are 1.5 and 0.9 · 1.5 + 1 + 0.5 · 0.85.
        close(first(OptimizerKind::Sgd), 0.85 - 0.1 * 2.775);
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
    fn frozen_parameters_are_counted_apart() {
        let model = model();
        assert_eq!(parameter_counts(&model), (30, 30));
        assert_eq!(parameter_counts(&model.no_grad()), (0, 30));
    }
}
