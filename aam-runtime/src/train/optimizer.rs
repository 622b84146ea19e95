//! AdamW (Loshchilov and Hutter, 2019) over a whole model, and what happens to gradients before.

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;

/// AdamW with β 0.9 and 0.999 and ε 1e-8, decaying the weight matrices only: norms, biases and
/// embeddings have no reason to be small.
pub fn adamw<M: Module>(model: &M, weight_decay: f64) -> ModuleOptimizer {
    let config = AdamWConfig::new().with_epsilon(1e-8);
    let decayed = config
        .clone()
        .with_weight_decay(weight_decay as f32)
        .build();
    let undecayed = config.with_weight_decay(0.0).build();
    let mut kinds = Undecayed::default();
    model.visit(&mut kinds);
    ModuleOptimizer::from(decayed).with_group(ParamGroup::from_ids(kinds.ids), undecayed, None)
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
