//! Terms of a loss that are read once all work of a batch has been submitted to the device, instead
//! of one by one in between.

use burn::tensor::Tensor;

use super::objective::metric;
use super::scalars::scalars;
use aam_evaluation::metrics::Metric;

/// A term of a loss; a missing value counts as 0.
pub(super) struct LossTerm {
    /// The name of its metric.
    pub name: String,
    /// The term, `[1]`.
    pub value: Option<Tensor<1>>,
    /// Its weight in the loss.
    pub weight: f64,
}

impl LossTerm {
    pub fn new(name: &str, value: &Tensor<1>, weight: f64) -> Self {
        Self {
            name: name.to_owned(),
            value: Some(value.clone().inner()),
            weight,
        }
    }
}

/// The loss, i.e. the weighted sum of `terms`, and each term.
pub(super) fn read(terms: Vec<LossTerm>) -> Vec<Metric> {
    let known = terms.iter().filter_map(|term| term.value.clone());
    let mut values = scalars(known.collect()).into_iter();
    let mut losses = vec![metric("train_loss", 0.0)];
    for term in terms {
        let value = term.value.and_then(|_| values.next()).unwrap_or(0.0);
        losses[0].value += value * term.weight;
        losses.push(metric(&term.name, value));
    }
    losses
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_loss_is_the_weighted_sum() {
        let term = |value: f32, weight| {
            let value = Tensor::from_floats([value], &Device::flex().autodiff());
            LossTerm::new("term", &value, weight)
        };
        let without = LossTerm {
            value: None,
            ..term(9.0, 1.0)
        };
        let found = read(vec![term(2.0, 0.5), without, term(-3.0, 2.0)]);
        let values: Vec<f64> = found.iter().map(|metric| metric.value).collect();
        assert_eq!(values, [-5.0, 2.0, 0.0, -3.0]);
    }
}
