//! Multinomial logistic regression with a squared penalty, in dual form.
//!
//! Outputs are `ln share + (gram + 1) a`, with coefficients `a` for each training sample and class.
//! The loss `Σ −ln p + penalty/2 · aᵀ (gram + 1) a` is convex. It is minimised by conjugate
//! gradients (Polak & Ribière 1969), preconditioned by the curvature bound of Böhning & Lindsay
//! (*Monotonicity of quadratic-approximation algorithms*, 1988), with step sizes by Newton's
//! method.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use crate::dense::part;
use crate::judged::Judged;
use crate::least_squares::{Dual, system};
use crate::shares::{log_loss, shares, softmax};

/// Maximum number of steps.
const STEPS: usize = 100;
/// Convergence threshold: the decrease in loss per sample that a step may still achieve.
const SMALL: f64 = 1e-6;
/// Maximum curvature of `−ln p` in an output.
const CURVATURE: f64 = 0.5;
/// Number of Newton steps along a direction.
const NEWTON: usize = 3;

/// Fits the model to samples with the Gram matrix `gram`. `truth` is the one-hot encoding of the
/// classes.
pub fn fit(gram: &Array2<f64>, truth: &Array2<f64>, penalty: f64) -> Dual {
    let mut state = State::new(truth);
    state.descend(gram, penalty);
    state.dual()
}

/// `(gram + 1) a`.
fn with_one(gram: &Array2<f64>, a: &Array2<f64>) -> Array2<f64> {
    gram.dot(a) + a.sum_axis(Axis(0))
}

/// The state of the minimisation.
struct State<'a> {
    truth: &'a Array2<f64>,
    penalty: f64,
    /// Logarithms of the class frequencies.
    offsets: Vec<f64>,
    coefficients: Array2<f64>,
    /// `(gram + 1) coefficients`.
    products: Array2<f64>,
    /// `offsets` and `products`.
    outputs: Array2<f64>,
    /// The search direction in coefficients.
    direction: Array2<f64>,
    /// The search direction in products.
    slope: Array2<f64>,
}

impl<'a> State<'a> {
    fn new(truth: &'a Array2<f64>) -> Self {
        let offsets: Vec<f64> = shares(truth.view())
            .iter()
            .map(|share| share.ln())
            .collect();
        let zeros = Array2::zeros(truth.dim());
        Self {
            truth,
            penalty: 1.0,
            outputs: Array2::from_shape_fn(truth.dim(), |(_, class)| offsets[class]),
            offsets,
            coefficients: zeros.clone(),
            products: zeros.clone(),
            direction: zeros.clone(),
            slope: zeros,
        }
    }

    /// Minimises the loss with this penalty.
    fn descend(&mut self, gram: &Array2<f64>, penalty: f64) {
        let Some(system) = system(gram, CURVATURE, penalty) else {
            return;
        };
        self.penalty = penalty;
        let small = SMALL * gram.nrows() as f64;
        let mut last: Option<(Array2<f64>, f64)> = None;
        for _ in 0..STEPS {
            let residuals = self.residuals();
            let change = system.solve(residuals.view());
            let products = with_one(gram, &change);
            let size = (&residuals * &products).sum();
            if !size.is_finite() || size <= small {
                break;
            }
            let kept = last.map_or(0.0, |(before, size_before)| {
                (size - (before * &products).sum()) / size_before
            });
            self.turn(kept.max(0.0), &change, &products);
            self.step();
            last = Some((residuals, size));
        }
    }

    fn dual(&self) -> Dual {
        let sums = self.coefficients.sum_axis(Axis(0));
        let pairs = self.offsets.iter().zip(&sums);
        Dual {
            intercepts: pairs.map(|(offset, sum)| offset + sum).collect(),
            coefficients: self.coefficients.clone(),
        }
    }

    /// The gradient of the loss without its factor `gram + 1`.
    fn residuals(&self) -> Array2<f64> {
        let mut residuals = self.outputs.clone();
        softmax(&mut residuals);
        residuals -= self.truth;
        residuals.scaled_add(self.penalty, &self.coefficients);
        residuals
    }

    /// Updates the direction: against `change`, plus a part of the previous direction.
    fn turn(&mut self, kept: f64, change: &Array2<f64>, products: &Array2<f64>) {
        for (own, new) in [(&mut self.direction, change), (&mut self.slope, products)] {
            own.mapv_inplace(|value| kept * value);
            *own -= new;
        }
    }

    /// Minimises the loss along the direction.
    fn step(&mut self) {
        let straight = self.penalty * (&self.direction * &self.products).sum();
        let curved = self.penalty * (&self.direction * &self.slope).sum();
        let mut length = 0.0;
        for _ in 0..NEWTON {
            let mut at = self.outputs.clone();
            at.scaled_add(length, &self.slope);
            softmax(&mut at);
            let (mut first, mut second) = (straight + length * curved, curved);
            let rows = at.rows().into_iter().zip(self.slope.rows());
            for ((p, slope), truth) in rows.zip(self.truth.rows()) {
                let mean = p.dot(&slope);
                let square: f64 = p
                    .iter()
                    .zip(slope)
                    .map(|(p, slope)| p * slope * slope)
                    .sum();
                first += mean - truth.dot(&slope);
                second += square - mean * mean;
            }
            if second > 0.0 && first.is_finite() {
                length -= first / second;
            }
        }
        self.coefficients.scaled_add(length, &self.direction);
        self.products.scaled_add(length, &self.slope);
        self.outputs.scaled_add(length, &self.slope);
    }
}

/// The penalty with the smallest log loss on held-out folds.
pub fn choose(gram: &Array2<f64>, penalties: &[f64], judged: &Judged) -> Option<f64> {
    let mut sorted = penalties.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let losses: Vec<Vec<f64>> = judged
        .splits()
        .into_par_iter()
        .map(|split| losses(gram, &sorted, &judged.truth, split))
        .collect();
    let loss = |place: usize| -> f64 { losses.iter().map(|fold| fold[place]).sum() };
    let best = (0..sorted.len()).min_by(|a, b| loss(*a).total_cmp(&loss(*b)));
    best.map(|place| sorted[place])
}

/// The log loss of a fold with each penalty. Each fit starts from the previous one, which has a
/// smaller penalty.
fn losses(
    gram: &Array2<f64>,
    penalties: &[f64],
    truth: &Array2<f64>,
    (learned, others): (Vec<usize>, Vec<usize>),
) -> Vec<f64> {
    let learned_truth = truth.select(Axis(0), &learned);
    let others_truth = truth.select(Axis(0), &others);
    let (own, between) = (
        part(gram, &learned, &learned),
        part(gram, &others, &learned),
    );
    let mut state = State::new(&learned_truth);
    let losses = penalties.iter().map(|&penalty| {
        state.descend(&own, penalty);
        let mut outputs = state.dual().outputs(&between);
        softmax(&mut outputs);
        log_loss(&outputs, others_truth.view())
    });
    losses.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::gram;

    fn value(i: usize) -> f64 {
        ((i * 7919 + 13) % 101) as f64 / 50.5 - 1.0
    }

    #[test]
    fn the_gradient_is_zero_at_the_end() {
        for (classes, penalty) in [(2, 1.0), (3, 0.01), (4, 10.0)] {
            let columns = Array2::from_shape_fn((50, 70), |(i, j)| value(i * 31 + j * 17) / 5.0);
            let class = |i: usize| (i + usize::from(columns[[i, 2]] > 0.0)) % classes;
            let truth = Array2::from_shape_fn((50, classes), |(i, j)| f64::from(class(i) == j));
            let gram = gram(columns.view());
            let dual = fit(&gram, &truth, penalty);
            let mut p = dual.outputs(&gram);
            softmax(&mut p);
            let gradient =
                columns.t().dot(&(p - &truth)) + penalty * columns.t().dot(&dual.coefficients);
            let far = gradient.iter().fold(0f64, |a, b| a.max(b.abs()));
            assert!(far < 5e-2, "{classes} {penalty}: {far}");
        }
    }
}
