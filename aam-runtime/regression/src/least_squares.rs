//! Least squares with a penalty, in terms of products of samples (kernel ridge regression; Saunders,
//! Gammerman & Vovk, *Ridge regression learning algorithm in dual variables*, ICML 1998).

use ndarray::{Array2, ArrayView1, Axis};
use rayon::prelude::*;

use crate::dense::{Cholesky, part};
use crate::judged::Judged;
use crate::shares::means;

/// Outputs as sums over training samples: `intercept + Σ product with the sample · its coefficient`.
#[derive(Clone, Debug)]
pub struct Dual {
    /// `[training samples, outputs]`.
    pub coefficients: Array2<f64>,
    /// Of each output.
    pub intercepts: Vec<f64>,
}

impl Dual {
    /// Outputs of samples, given their products with the training samples.
    pub fn outputs(&self, products: &Array2<f64>) -> Array2<f64> {
        let mut outputs = products.dot(&self.coefficients);
        for mut row in outputs.rows_mut() {
            for (value, intercept) in row.iter_mut().zip(&self.intercepts) {
                *value += intercept;
            }
        }
        outputs
    }

    /// The same with the difference of outputs from `mean` multiplied by `part`.
    #[must_use]
    pub fn shrunk(self, mean: f64, part: f64) -> Self {
        let intercepts = self.intercepts.iter();
        Self {
            intercepts: intercepts.map(|b| mean + part * (b - mean)).collect(),
            coefficients: self.coefficients * part,
        }
    }

    /// The output number `output` alone.
    #[must_use]
    pub fn output(&self, output: usize) -> Self {
        Self {
            coefficients: self.coefficients.select(Axis(1), &[output]),
            intercepts: vec![self.intercepts[output]],
        }
    }
}

/// Minimises squared errors of `truth` and `penalty` times squared weights. The intercept is the mean
/// and a weight of its own, which is penalised like others.
///
/// `gram` are products of the samples whose squares are about 1.
pub fn fit(gram: &Array2<f64>, truth: &Array2<f64>, penalty: f64) -> Dual {
    let means = means(truth.view());
    let mut errors = truth.clone();
    for mut row in errors.rows_mut() {
        row.iter_mut().zip(&means).for_each(|(y, mean)| *y -= mean);
    }
    let coefficients = solve(gram, errors, 1.0, penalty);
    let sums = coefficients.sum_axis(Axis(0));
    let intercepts = means.iter().zip(&sums).map(|(mean, sum)| mean + sum);
    Dual {
        intercepts: intercepts.collect(),
        coefficients,
    }
}

/// `x` with `(weight (gram + 1) + penalty) x = b`.
fn solve(gram: &Array2<f64>, b: Array2<f64>, weight: f64, penalty: f64) -> Array2<f64> {
    match system(gram, weight, penalty) {
        Some(system) => system.solve(b.view()),
        None => Array2::zeros(b.dim()),
    }
}

/// `weight (gram + 1) + penalty` in factors. Rounding may make the products of many samples with few
/// columns indefinite; a larger penalty is then enough.
pub(crate) fn system(gram: &Array2<f64>, weight: f64, penalty: f64) -> Option<Cholesky> {
    let larger = (0..4).map(|power| penalty * 100f64.powi(power));
    larger.into_iter().find_map(|penalty| {
        let mut system = gram.mapv(|product| weight * (product + 1.0));
        system.diag_mut().mapv_inplace(|value| value + penalty);
        Cholesky::of(system)
    })
}

/// A setting, and its predictions for samples that it was not fitted to.
pub struct Chosen {
    /// The place of the kernel.
    pub kernel: usize,
    /// The penalty.
    pub penalty: f64,
    /// The prediction for every training sample by a fit to the other folds, `[samples, outputs]`.
    pub held_out: Array2<f64>,
}

/// The kernel, given by its products, and the penalty with the smallest squared errors on held-out
/// folds.
pub fn choose(kernels: &[Array2<f64>], penalties: &[f64], judged: &Judged) -> Option<Chosen> {
    let pairs = (0..kernels.len()).flat_map(|kernel| penalties.iter().map(move |p| (kernel, *p)));
    let tried: Vec<Chosen> = pairs
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(kernel, penalty)| Chosen {
            kernel,
            penalty,
            held_out: held_out(&kernels[kernel], penalty, judged),
        })
        .collect();
    let errors = |chosen: &Chosen| -> f64 {
        let differences = &chosen.held_out - &judged.truth;
        differences.iter().map(|error| error * error).sum()
    };
    tried
        .into_iter()
        .min_by(|a, b| errors(a).total_cmp(&errors(b)))
}

/// A penalty, and how far the outputs of its fit are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The penalty.
    pub penalty: f64,
    /// The part of the difference from the mean that held-out samples confirm ([`confirmed`]).
    pub part: f64,
}

/// For each output, the penalty with the smallest squared errors on held-out folds; nothing where
/// there are no penalties. Outputs share the factors of each.
pub fn choose_each(
    gram: &Array2<f64>,
    penalties: &[f64],
    judged: &Judged,
) -> Option<Vec<Strength>> {
    let tried: Vec<Array2<f64>> = penalties
        .par_iter()
        .map(|penalty| held_out(gram, *penalty, judged))
        .collect();
    let best = |output: usize| {
        let truth = judged.truth.column(output);
        let errors = |held_out: &Array2<f64>| -> f64 {
            let differences = &held_out.column(output) - &truth;
            differences.iter().map(|error| error * error).sum()
        };
        let pairs = penalties.iter().zip(&tried);
        let best = pairs.min_by(|a, b| errors(a.1).total_cmp(&errors(b.1)));
        best.map(|(penalty, held_out)| Strength {
            penalty: *penalty,
            part: confirmed(held_out.column(output), truth),
        })
    };
    (0..judged.truth.ncols()).map(best).collect()
}

/// The part, from 0 to 1, of the difference between predictions and the mean of `truth` with which
/// squared errors are smallest; `held_out` are predictions of samples that the fit had not seen. It
/// is 1 if nothing was held out.
pub fn confirmed(held_out: ArrayView1<'_, f64>, truth: ArrayView1<'_, f64>) -> f64 {
    let mean = truth.sum() / truth.len().max(1) as f64;
    let (mut products, mut squares, mut spread) = (0.0, 0.0, 0.0);
    for (output, truth) in held_out.iter().zip(truth) {
        products += (output - mean) * (truth - mean);
        squares += (output - mean).powi(2);
        spread += (truth - mean).powi(2);
    }
    match squares > 1e-12 * spread {
        true => (products / squares).clamp(0.0, 1.0),
        // Every prediction is the mean only if there are no folds to hold out; the fit is then
        // kept.
        false => 1.0,
    }
}

/// Of every sample, by a fit to the other folds; the mean of all where there are none.
fn held_out(gram: &Array2<f64>, penalty: f64, judged: &Judged) -> Array2<f64> {
    let truth = &judged.truth;
    let mean = means(truth.view());
    let mut held_out = Array2::from_shape_fn(truth.dim(), |(_, output)| mean[output]);
    for (learned, others) in judged.splits() {
        let fitted = fit(
            &part(gram, &learned, &learned),
            &truth.select(Axis(0), &learned),
            penalty,
        );
        let outputs = fitted.outputs(&part(gram, &others, &learned));
        for (row, output) in others.iter().zip(outputs.rows()) {
            held_out.row_mut(*row).assign(&output);
        }
    }
    held_out
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::dense::gram;

    #[test]
    fn equals_ridge_regression_on_the_columns() {
        let columns = array![[1.0, 0.5], [0.2, -0.7], [-1.0, 0.3], [0.4, 0.9]];
        let truth = array![[3.0], [1.0], [-2.0], [2.0]];
        let dual = fit(&gram(columns.view()), &truth, 0.5);
        let weights = columns.t().dot(&dual.coefficients);
        // The gradient of ½ Σ (m + b + x w − y)² + ¼ (|w|² + b²) is 0.
        let errors = dual.outputs(&gram(columns.view())) - &truth;
        let gradient = columns.t().dot(&errors) + 0.5 * &weights;
        assert!(
            gradient.iter().all(|value| value.abs() < 1e-9),
            "{gradient}"
        );
        let bias = dual.intercepts[0] - 1.0;
        assert!((errors.sum() + 0.5 * bias).abs() < 1e-9);
    }

    #[test]
    fn each_output_has_the_penalty_that_it_has_alone() {
        let value = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.5 - 1.0;
        let columns = Array2::from_shape_fn((40, 30), |(i, j)| value(i * 31 + j * 17) / 5.0);
        let gram = gram(columns.view());
        let truth = Array2::from_shape_fn((40, 3), |(i, output)| match output {
            0 => columns[[i, 3]],
            1 => value(i * i * 57 + 3),
            _ => columns[[i, 5]] + 0.3 * value(i * 11),
        });
        let judged = |truth: Array2<f64>| Judged {
            rows: (0..40).collect(),
            folds: (0..40).map(|i| i % 4).collect(),
            truth,
        };
        let penalties = [1e-3, 1e-1, 1.0, 100.0];
        let each = choose_each(&gram, &penalties, &judged(truth.clone())).expect("penalties");
        let all = fit(&gram, &truth, 1.0);
        for (output, strength) in each.iter().enumerate() {
            let own = truth.select(Axis(1), &[output]);
            let kernels = std::slice::from_ref(&gram);
            let alone = choose(kernels, &penalties, &judged(own.clone()));
            assert_eq!(strength.penalty, alone.expect("a choice").penalty);
            let difference =
                all.output(output).outputs(&gram) - fit(&gram, &own, 1.0).outputs(&gram);
            assert!(difference.iter().all(|value| value.abs() < 1e-9));
        }
        // Without folds nothing was held out.
        let mut whole = judged(truth.clone());
        whole.folds = vec![0; 40];
        let unjudged = choose_each(&gram, &penalties, &whole).expect("penalties");
        assert!(unjudged.iter().all(|one| one.part == 1.0), "{unjudged:?}");
        // The second output is noise, of which nothing is to be followed.
        assert!(each[0].part > 0.8 && each[1].part < 0.2, "{each:?}");
        let shrunk = all.output(0).shrunk(2.0, 0.25).outputs(&gram);
        let expected = all
            .output(0)
            .outputs(&gram)
            .mapv(|y| 2.0 + 0.25 * (y - 2.0));
        assert!((shrunk - expected).iter().all(|value| value.abs() < 1e-9));
    }

    #[test]
    fn noise_needs_a_larger_penalty_than_a_signal() {
        let value = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.5 - 1.0;
        let columns = Array2::from_shape_fn((40, 30), |(i, j)| value(i * 31 + j * 17) / 5.0);
        let folds: Vec<usize> = (0..40).map(|i| i % 4).collect();
        let choice = |truth: Vec<f64>| {
            let judged = Judged {
                rows: (0..40).collect(),
                folds: folds.clone(),
                truth: Array2::from_shape_vec((40, 1), truth).expect("a column"),
            };
            let kernels = [gram(columns.view())];
            choose(&kernels, &[1e-3, 1.0, 100.0], &judged).expect("a choice")
        };
        let signal = choice((0..40).map(|i| columns[[i, 3]]).collect());
        let noise = choice((0..40).map(|i| value(i * i * 57 + 3)).collect());
        assert!(signal.penalty < noise.penalty);
        assert_eq!(signal.held_out.dim(), (40, 1));
    }
}
