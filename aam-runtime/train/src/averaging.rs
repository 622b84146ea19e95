//! An exponential moving average of the weights of a model, which is evaluated and saved instead of
//! the model.
//!
//! After update `t`, from 1, an averaged weight is `d ā + (1 − d) w` with
//! `d = min(decay, (1 + t) / (10 + t))`, so that short runs are not dominated by the initial
//! weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The moving average of the weights of a model.
#[derive(Clone, Debug)]
pub struct Average<M> {
    model: M,
    decay: f64,
    updates: usize,
}

impl<M: Module> Average<M> {
    /// Creates an average that starts from `model`, and has its settings for gradients.
    pub fn new(model: &M, decay: f64) -> Self {
        Self::resumed(model.clone(), decay, 0)
    }

    /// Restores an average after `updates` updates.
    pub fn resumed(model: M, decay: f64, updates: usize) -> Self {
        Self {
            model,
            decay,
            updates,
        }
    }

    /// Adds the weights of `model`; frozen weights are left as they are.
    pub fn update(&mut self, model: &M) {
        self.updates += 1;
        let updates = self.updates as f64;
        let mut weights = Weights(GradientsParams::new());
        model.visit(&mut weights);
        let mut mix = Mix {
            fresh: weights.0,
            decay: self.decay.min((1.0 + updates) / (10.0 + updates)),
        };
        self.model = self.model.clone().map(&mut mix);
    }

    /// The model with averaged weights.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The maximum decay per update.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// The number of averaged updates.
    pub fn updates(&self) -> usize {
        self.updates
    }
}

/// The values of the trainable parameters.
struct Weights(GradientsParams);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0.register(param.id, param.val().inner());
        }
    }
}

struct Mix {
    fresh: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Mix {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.fresh.remove::<D>(param.id) {
            None => param,
            Some(fresh) => param.map(|average| {
                let learns = average.is_require_grad();
                let mixed = average.inner() * self.decay + fresh * (1.0 - self.decay);
                Tensor::from_inner(mixed).set_require_grad(learns)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;

    fn with_weight(linear: &Linear, weight: f32) -> Linear {
        let mut linear = linear.clone();
        let device = Device::flex().autodiff();
        linear.weight = linear
            .weight
            .map(|_| Tensor::from_data([[weight]], &device).require_grad());
        linear
    }

    #[test]
    fn the_average_follows_the_formula() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(1, 1).init(&device);
        let linear = with_weight(&linear, 2.0);
        let mut average = Average::new(&linear, 0.25);
        let mut expected = 2.0;
        for (update, weight) in [3.0, -1.0, 0.5, 4.0].into_iter().enumerate() {
            average.update(&with_weight(&linear, weight));
            let t = update as f64 + 1.0;
            let decay = f64::min(0.25, (1.0 + t) / (10.0 + t));
            expected = decay * expected + (1.0 - decay) * f64::from(weight);
            let found = average.model().weight.val().into_scalar::<f32>();
            assert!((f64::from(found) - expected).abs() < 1e-6, "{found}");
        }
        assert_eq!(average.updates(), 4);
        assert!(average.model().weight.is_require_grad());
    }

    #[test]
    fn frozen_weights_are_unchanged() {
        let device = Device::flex().autodiff();
        let linear = LinearConfig::new(1, 1).init(&device);
        let frozen = with_weight(&linear, 2.0).no_grad();
        let mut average = Average::new(&frozen, 0.5);
        average.update(&with_weight(&linear, 3.0).no_grad());
        assert_eq!(average.model().weight.val().into_scalar::<f32>(), 2.0);
    }
}
