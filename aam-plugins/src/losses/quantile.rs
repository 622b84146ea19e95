//! Pinball loss for several quantiles.

use aam_api::export::{Attribute, ExportedPrediction, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{Kind, Loss, LossConfig, LossContext, LossKind, PluginError, Prediction};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pinball loss, averaged over the levels `τ`: `max(τ e, (τ - 1) e)`.
///
/// `e = y - ŷ_τ` is the difference between the target and the output for level `τ`; each target has one
/// output per level, in ascending order. Its minimiser is the quantile at that level. Koenker and Bassett,
/// *Regression quantiles*, Econometrica 1978. Predicts the level nearest to 0.5, and the outermost levels
/// as an interval (with the default levels, one that covers 80 % of samples). For predictions, crossing
/// outputs are sorted, which never makes them worse: Chernozhukov, Fernández-Val and Galichon, *Quantile
/// and probability curves without crossing*, Econometrica 2010.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct QuantileLossConfig {
    /// The levels, strictly ascending, in (0, 1).
    #[schemars(transform = Facts::new().spelling(Spelling::flag("quantiles").chooses()))]
    pub levels: Vec<f64>,
}

impl Default for QuantileLossConfig {
    fn default() -> Self {
        Self {
            levels: vec![0.1, 0.5, 0.9],
        }
    }
}

/// The loss that [`QuantileLossConfig`] builds.
#[derive(Module, Debug)]
pub struct QuantileLoss {
    #[module(skip)]
    levels: Vec<f64>,
}

impl LossConfig for QuantileLossConfig {
    const NAME: &'static str = "quantile";
    type Loss = QuantileLoss;

    fn init(&self, context: &LossContext, _device: &Device) -> Result<QuantileLoss, PluginError> {
        context.expect_number(Self::NAME)?;
        let inside = |level: &f64| *level > 0.0 && *level < 1.0;
        let ascending = self.levels.windows(2).all(|pair| pair[0] < pair[1]);
        if self.levels.is_empty() || !ascending || !self.levels.iter().all(inside) {
            return Err(PluginError::bad_option(
                LossKind::NAME,
                Self::NAME,
                "levels",
                "numbers above 0 and below 1, ascending, each once",
                &self.levels,
            ));
        }
        Ok(QuantileLoss {
            levels: self.levels.clone(),
        })
    }
}

impl QuantileLoss {
    /// Position of the level nearest to 0.5.
    fn middle(&self) -> usize {
        let distance = |level: f64| (level - 0.5).abs();
        let nearest = self
            .levels
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| distance(**a).total_cmp(&distance(**b)));
        nearest.map_or(0, |(index, _)| index)
    }
}

impl Loss for QuantileLoss {
    fn outputs_per_target(&self) -> usize {
        self.levels.len()
    }

    fn forward(&self, values: Tensor<3>, target: Tensor<2>) -> Tensor<2> {
        let count = self.levels.len();
        let levels = Tensor::<1>::from_floats(self.levels.as_slice(), &values.device())
            .reshape([1, 1, count]);
        let error = target.unsqueeze_dim::<3>(2) - values;
        let above = error.clone() * levels.clone();
        let below = error * (levels - 1.0);
        above.max_pair(below).mean_dim(2).squeeze_dim(2)
    }

    fn predict(&self, values: Tensor<3>) -> Prediction {
        let ordered = values.sort(2);
        let level = |index: usize| ordered.clone().narrow(2, index, 1).squeeze_dim::<2>(2);
        let last = self.levels.len() - 1;
        match last {
            0 => Prediction::point(level(0)),
            last => Prediction::point(level(self.middle())).with_interval(level(0), level(last)),
        }
    }

    fn export(&self, graph: &mut Graph, values: &Value) -> Option<ExportedPrediction> {
        let count = graph.constant(&[1], &[self.levels.len() as i64]);
        let ascending = vec![("axis", Attribute::Int(1)), ("largest", Attribute::Int(0))];
        let (ordered, _) = graph.apply_for_two("TopK", &[values, &count], ascending);
        let mut level = |index: usize| graph.columns(&ordered, index, index + 1);
        Some(match self.levels.len() - 1 {
            0 => ExportedPrediction::number(level(0)),
            last => ExportedPrediction::Number {
                value: level(self.middle()),
                interval: Some((level(0), level(last))),
            },
        })
    }

    fn outputs_ascend(&self) -> bool {
        true
    }

    fn predicts_interval(&self) -> bool {
        self.levels.len() > 1
    }
}

aam_api::register_loss!(QuantileLossConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, device, matrix};

    fn loss(levels: &[f64]) -> QuantileLoss {
        QuantileLoss {
            levels: levels.to_vec(),
        }
    }

    #[test]
    fn is_the_mean_pinball_loss_over_the_levels() {
        let values = matrix([[1.0, 2.0, 5.0]]).unsqueeze_dim::<3>(1);
        let losses = loss(&[0.1, 0.5, 0.9]).forward(values, matrix([[3.0]]));
        // 0.1 · 2, 0.5 · 1 and (0.9 - 1) · -2.
        assert_close(losses, &[(0.2 + 0.5 + 0.2) / 3.0]);
    }

    #[test]
    fn at_a_level_of_one_half_it_is_half_the_absolute_error() {
        let values = matrix([[1.0], [4.0]]).unsqueeze_dim::<3>(1);
        let losses = loss(&[0.5]).forward(values, matrix([[3.0], [3.0]]));
        assert_close(losses, &[1.0, 0.5]);
    }

    #[test]
    fn predicts_the_median_and_an_interval_in_order() {
        let values = matrix([[1.0, 7.0, 5.0]]).unsqueeze_dim::<3>(1);
        let prediction = loss(&[0.1, 0.4, 0.9]).predict(values.clone());
        assert_close(prediction.point, &[5.0]);
        let (lower, upper) = prediction.interval.expect("several levels");
        assert_close(lower, &[1.0]);
        assert_close(upper, &[7.0]);
        let median = loss(&[0.5]).predict(values.narrow(2, 0, 1));
        assert_close(median.point, &[1.0]);
        assert!(median.interval.is_none());
    }

    #[test]
    fn refuses_levels_out_of_order_repeated_or_outside() {
        let context = LossContext::number();
        let wrong: [&[f64]; 6] = [
            &[],
            &[0.5, 0.1],
            &[0.5, 0.5],
            &[0.0, 0.5],
            &[0.5, 1.0],
            &[f64::NAN],
        ];
        for levels in wrong {
            let config = QuantileLossConfig {
                levels: levels.to_vec(),
            };
            let error = config.init(&context, &device()).expect_err("out of range");
            let expected = "loss 'quantile', option 'levels': \
                            expected numbers above 0 and below 1, ascending, each once, found";
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
