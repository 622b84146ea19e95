//! Optimizers over a whole model, and what happens to gradients before.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, AdamWConfig, AdjustLrFn, GradientsParams, LionConfig, ModuleOptimizer, MuonConfig,
    SgdConfig,
};
use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::scalars::scalars;
use crate::options::OptimizationOptions;

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
    /// The sign of a momentum (Chen et al., 2023), with decoupled weight decay; it wants about a
    /// tenth of AdamW's rate and ten times its decay.
    Lion,
    /// For weight matrices, a momentum that is made orthogonal (Jordan et al., 2024), with updates
    /// as large as AdamW's (Liu et al., 2025), so that rate and decay are those of AdamW; AdamW for
    /// everything else.
    Muon,
}

/// How weights are made smaller in every update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// How much, as a multiple of the learning rate.
    pub rate: f64,
    /// Norms, biases and embeddings too, which have no reason to be small.
    pub everything: bool,
}

impl Decay {
    /// That of a run.
    pub(super) fn of(plan: &Plan, options: &OptimizationOptions) -> Self {
        Self {
            rate: plan.weight_decay,
            everything: options.decay_all,
        }
    }
}

impl From<f64> for Decay {
    /// Of the weight matrices only.
    fn from(rate: f64) -> Self {
        Self {
            rate,
            everything: false,
        }
    }
}

/// The optimizer `kind`. β are 0.9 and 0.999, ε is 1e-8; of Lion, β are 0.9 and 0.99; of Muon, the
/// momentum is Nesterov's with 0.95.
pub fn optimizer<M: Module>(
    kind: OptimizerKind,
    model: &M,
    decay: impl Into<Decay>,
) -> ModuleOptimizer {
    let Decay { rate, everything } = decay.into();
    let mut kinds = Kinds::default();
    model.visit(&mut kinds);
    let undecayed = if everything { rate } else { 0.0 };
    let others = ParamGroup::from_ids(kinds.others);
    let penalty = |rate: f64| Some(WeightDecayConfig::new(rate as f32));
    let adamw = |rate: f64| {
        let config = AdamWConfig::new().with_epsilon(1e-8);
        config.with_weight_decay(rate as f32).build()
    };
    match kind {
        OptimizerKind::Adamw => {
            ModuleOptimizer::from(adamw(rate)).with_group(others, adamw(undecayed), None)
        }
        OptimizerKind::Adam => {
            let build = |rate: f64| {
                let config = AdamConfig::new().with_epsilon(1e-8);
                config.with_weight_decay(penalty(rate)).build()
            };
            ModuleOptimizer::from(build(rate)).with_group(others, build(undecayed), None)
        }
        OptimizerKind::Sgd => {
            let build = |rate: f64| {
                let momentum = MomentumConfig::new().with_dampening(0.0);
                let config = SgdConfig::new().with_momentum(Some(momentum));
                config.with_weight_decay(penalty(rate)).build()
            };
            ModuleOptimizer::from(build(rate)).with_group(others, build(undecayed), None)
        }
        OptimizerKind::Lion => {
            let build = |rate: f64| LionConfig::new().with_weight_decay(rate as f32).build();
            ModuleOptimizer::from(build(rate)).with_group(others, build(undecayed), None)
        }
        OptimizerKind::Muon => {
            let muon = MuonConfig::new()
                .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
                .with_weight_decay(penalty(rate))
                .build();
            let matrices = ParamGroup::from_ids(kinds.matrices);
            ModuleOptimizer::from(adamw(rate))
                .with_group(others, adamw(undecayed), None)
                .with_group(matrices, muon, None)
        }
    }
}

/// Sorts parameters by what an optimizer does to them.
#[derive(Default)]
struct Kinds {
    /// Matrices that multiply vectors and have more than one row and column.
    matrices: Vec<ParamId>,
    /// Norms, biases and embeddings.
    others: Vec<ParamId>,
    containers: Vec<String>,
}

impl ModuleVisitor for Kinds {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut containers = self.containers.iter();
        // Burn's own, and not a module that is called so for what it does.
        let embedding = containers.any(|name| name == "Struct:Embedding");
        if D == 1 || embedding {
            self.others.push(param.id);
        } else if D == 2 && param.lazy_shape().iter().all(|&side| side > 1) {
            self.matrices.push(param.id);
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
        let mut kinds = Kinds::default();
        let model = model();
        model.visit(&mut kinds);
        assert_eq!(kinds.others.len(), 4);
        assert_eq!(kinds.matrices, [model.linear.weight.id]);
        assert!(kinds.others.contains(&model.embedding.weight.id));
    }

    #[derive(Module, Debug)]
    struct SampleEmbedding {
        hidden: Linear,
    }

    #[test]
    fn a_layer_that_is_called_an_embedding_is_none() {
        let device = Device::flex().autodiff();
        let embedding = SampleEmbedding {
            hidden: LinearConfig::new(4, 2).init(&device),
        };
        let mut kinds = Kinds::default();
        embedding.visit(&mut kinds);
        assert_eq!((kinds.matrices.len(), kinds.others.len()), (1, 1));
    }

    /// With gradients of zero, all that happens is decay.
    #[test]
    fn everything_is_decayed_if_asked() {
        let model = model();
        let numbers = |model: &Model| {
            let gamma = model.norm.gamma.val().square().sum();
            let weight = model.linear.weight.val().square().sum();
            [gamma, weight].map(|sum| sum.into_scalar::<f32>().sqrt())
        };
        let before = numbers(&model);
        for everything in [false, true] {
            let decay = Decay {
                rate: 0.5,
                everything,
            };
            let gradients = scale(&model, gradients(&model), 0.0);
            let mut optimizer = optimizer(OptimizerKind::Lion, &model, decay);
            let after = numbers(&optimizer.step(0.1, model.clone(), gradients));
            let gamma = if everything { 0.95 } else { 1.0 };
            assert!((after[0] / before[0] - gamma).abs() < 1e-5);
            assert!((after[1] / before[1] - 0.95).abs() < 1e-5);
        }
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
        close(first(OptimizerKind::Lion), (1.0 * 0.95 - 0.1) * 0.95 - 0.1);
        // One number is no matrix to make orthogonal.
        let adamw = first(OptimizerKind::Adamw);
        assert_eq!(first(OptimizerKind::Muon), adamw);
        // Velocities are 1.5 and 0.9 · 1.5 + 1 + 0.5 · 0.85.
        close(first(OptimizerKind::Sgd), 0.85 - 0.1 * 2.775);
    }

    /// The update of a matrix has singular values near 1, in units of the rate and the largest
    /// side's root (0.2 √side), whatever the gradient's are; a bias moves as with AdamW.
    #[test]
    fn muon_makes_the_updates_of_matrices_orthogonal() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(4, 2).init(&device);
        let input = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0], [0.1, -0.3, 0.2, 0.1]], &device);
        let weights = Tensor::<2>::from_data([[5.0, 0.1], [-0.2, 0.3]], &device);
        let loss = (linear.forward(input) * weights).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &linear);
        let mut optimizer = optimizer(OptimizerKind::Muon, &linear, 0.0);
        let after = optimizer.step(0.1, linear.clone(), gradients);
        let update = (linear.weight.val() - after.weight.val()) / (0.1 * 0.2 * 4f64.sqrt());
        let square = update.clone().transpose().matmul(update).into_data();
        let [a, b, _, d] = square.as_slice::<f32>().unwrap()[..] else {
            panic!("two columns");
        };
        // Eigenvalues of a symmetric 2 × 2 matrix; five iterations leave 0.7 to 1.2.
        let (middle, spread) = ((a + d) / 2.0, ((a - d).powi(2) / 4.0 + b * b).sqrt());
        assert!(middle - spread > 0.6f32.powi(2), "{middle} {spread}");
        assert!(middle + spread < 1.3f32.powi(2), "{middle} {spread}");
        let biases = [&linear, &after].map(|linear| linear.bias.as_ref().unwrap().val());
        let [before, after] = biases;
        let moved = (before - after).abs().max().into_scalar::<f32>();
        assert!((moved - 0.1).abs() < 1e-4, "{moved}");
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
