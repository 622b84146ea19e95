//! Learning rates of parts of a model, as multiples of that of the rest.

use std::collections::HashSet;

use burn::module::{Module, ParamId};
use burn::optim::{GradientsParams, ModuleOptimizer};

use super::optimizer::split;
use crate::options::AdaptationOptions;
use aam_model::{parameter_ids, parameters_by_depth};
use aam_run::RunError;

/// Parameters with their own learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRate {
    /// The parameters.
    pub parameters: HashSet<ParamId>,
    /// Their learning rate, as a multiple of that of the rest.
    pub factor: f64,
    /// Whether they are category-specific.
    pub of_categories: bool,
}

/// The model after one update, in which the parameters in `own` have their own learning rates.
pub fn updated<M: Module>(
    mut model: M,
    optimizer: &mut ModuleOptimizer,
    mut gradients: GradientsParams,
    rate: f64,
    own: &[OwnRate],
) -> M {
    for OwnRate {
        parameters, factor, ..
    } in own
    {
        let (inside, outside) = split(&model, gradients, parameters);
        gradients = outside;
        if !inside.is_empty() {
            model = optimizer.step(rate * factor, model, inside);
        }
    }
    optimizer.step(rate, model, gradients)
}

/// The learning rates of a base relative to the rest of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseRates {
    /// Its learning rate, as a multiple of that of the rest.
    pub factor: f64,
    /// The factor between the learning rates of each layer and the one below, if they differ.
    pub layer_decay: Option<f64>,
}

impl BaseRates {
    /// The learning rates requested in `options`, where `lr` is the maximum learning rate of the
    /// run.
    ///
    /// # Errors
    /// Learning rates for a base that is `frozen`.
    pub fn read(
        options: &AdaptationOptions,
        frozen: bool,
        lr: f64,
    ) -> Result<Option<Self>, RunError> {
        let given = [
            ("base-lr", options.base_lr),
            ("layer-lr-decay", options.layer_lr_decay),
        ];
        let given = given.into_iter().find(|(_, value)| value.is_some());
        if let Some((key, _)) = given.filter(|_| frozen) {
            let problem = "a frozen base has no learning rate; add --no-freeze-base";
            return Err(RunError::setting(key, problem));
        }
        Ok(given.map(|_| Self {
            factor: options.base_lr.map_or(1.0, |rate| rate / lr),
            layer_decay: options.layer_lr_decay,
        }))
    }

    /// The learning rates of the parameters of `base`.
    ///
    /// With a decay `d`, those of layer `l` of `n`, from 1 at the tokens, are
    /// `factor · d^(n + 1 − l)` (Clark et al., 2020). Parameters before the first layer count as
    /// layer 0.
    pub fn of<M: Module>(&self, base: &M) -> Vec<OwnRate> {
        let Some(decay) = self.layer_decay else {
            return vec![OwnRate {
                parameters: parameter_ids(base),
                factor: self.factor,
                of_categories: false,
            }];
        };
        let depths = parameters_by_depth(base);
        let layers = depths.len();
        let of_depth = |(depth, parameters)| OwnRate {
            parameters,
            factor: self.factor * decay.powi((layers - depth) as i32),
            of_categories: false,
        };
        depths.into_iter().enumerate().map(of_depth).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::optimizer::known::optimizer;
    use aam_model::{Base, ModelConfig, Preset};

    #[derive(Module, Debug)]
    struct Three {
        a: Linear,
        b: Linear,
        c: Linear,
    }

    /// With gradients of 1, two updates of gradient descent with momentum move a weight by rate ·
    /// (1 + 1.9).
    #[test]
    fn each_group_moves_at_its_own_rate() {
        let device = Device::flex().autodiff();
        let linear = || LinearConfig::new(1, 1).with_bias(false).init(&device);
        let mut model = Three {
            a: linear(),
            b: linear(),
            c: linear(),
        };
        let values = |model: &Three| {
            [&model.a, &model.b, &model.c].map(|linear| linear.weight.val().into_scalar::<f32>())
        };
        let before = values(&model);
        let own = |linear: &Linear, factor| OwnRate {
            parameters: parameter_ids(linear),
            factor,
            of_categories: false,
        };
        let own = [own(&model.a, 0.1), own(&model.c, 3.0)];
        let mut optimizer = optimizer("sgd", &model, 0.0);
        for _ in 0..2 {
            let one = Tensor::<2>::ones([1, 1], &device);
            let sum = [&model.a, &model.b, &model.c].map(|linear| linear.forward(one.clone()));
            let loss = sum.into_iter().reduce(|a, b| a + b).unwrap().sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = updated(model, &mut optimizer, gradients, 0.01, &own);
        }
        for ((before, after), factor) in before.into_iter().zip(values(&model)).zip([0.1, 1.0, 3.0])
        {
            let moved = f64::from(before - after);
            assert!((moved - 0.01 * factor * 2.9).abs() < 1e-6, "{moved}");
        }
    }

    #[test]
    fn layers_below_learn_more_slowly() {
        let config = ModelConfig {
            asv_layers: 3,
            ..ModelConfig::preset(Preset::Tiny).with_transformer()
        };
        let base = Base::init(&config, &Device::flex().autodiff()).unwrap();
        let rates = BaseRates {
            factor: 0.5,
            layer_decay: Some(0.8),
        };
        let groups = rates.of(&base);
        let factors: Vec<f64> = groups.iter().map(|group| group.factor).collect();
        let expected = [0.5 * 0.8f64.powi(4), 0.5 * 0.8f64.powi(3), 0.5 * 0.64, 0.4];
        for (factor, expected) in factors.iter().zip(expected) {
            assert!((factor - expected).abs() < 1e-12, "{factors:?}");
        }
        let all: usize = groups.iter().map(|group| group.parameters.len()).sum();
        assert_eq!(all, parameter_ids(&base).len());
        // Tokens and positions.
        assert_eq!((groups.len(), groups[0].parameters.len()), (4, 2));
    }

    #[test]
    fn rates_of_frozen_bases_are_refused() {
        let read = |base_lr, layer_lr_decay, frozen| {
            let options = AdaptationOptions {
                base_lr,
                layer_lr_decay,
                ..AdaptationOptions::default()
            };
            BaseRates::read(&options, frozen, 0.001).map_err(|error| error.to_string())
        };
        assert_eq!(read(None, None, true), Ok(None));
        let rates = BaseRates {
            factor: 0.1,
            layer_decay: None,
        };
        assert_eq!(read(Some(0.0001), None, false), Ok(Some(rates)));
        let error = read(Some(0.0001), None, true).unwrap_err();
        assert!(error.contains("--no-freeze-base"), "{error}");
    }
}
