//! Learners: methods other than the network that predict a target from abundances.
//!
//! The linear and kernel learners share standardised columns, products of samples and least squares; the
//! forest and boosting share the trees.

pub mod boosting;
mod calibration;
mod columns;
mod cuts;
mod draws;
mod exported_trees;
pub mod forest;
mod grow;
mod judged;
pub mod kernel;
pub mod linear;
mod scaling;
mod tree;
mod truth;

use aam_api::{Kind, LearnerKind, LearnerTarget, PluginError, TrainingSamples};
use ndarray::Array2;

#[cfg(test)]
mod known;

fn bad_option(learner: &str, option: &str, expected: &str, found: &[f64]) -> PluginError {
    PluginError::bad_option(LearnerKind::NAME, learner, option, expected, found)
}

/// Concatenates the columns of `left` and `right`, which have the same samples; row-major in memory.
fn beside(left: &Array2<f32>, right: &Array2<f32>) -> Array2<f32> {
    let width = left.ncols();
    let shape = (left.nrows(), width + right.ncols());
    Array2::from_shape_fn(shape, |(row, column)| match column < width {
        true => left[[row, column]],
        false => right[[row, column - width]],
    })
}

/// Rejects missing or non-positive penalties.
fn check_penalties(learner: &str, penalties: &[f64]) -> Result<(), PluginError> {
    let positive = |penalty: &f64| *penalty > 0.0 && penalty.is_finite();
    match !penalties.is_empty() && penalties.iter().all(positive) {
        true => Ok(()),
        false => Err(bad_option(
            learner,
            "penalties",
            "numbers above 0",
            penalties,
        )),
    }
}

/// Rejects samples from which nothing can be learned.
fn check_samples(samples: &TrainingSamples<'_>) -> Result<(), PluginError> {
    let number = samples.features.samples();
    if number == 0 || number != samples.target.samples() || number != samples.folds.len() {
        return Err(PluginError::study(format!(
            "a learner needs training samples, each with a value and a fold; there are {number} samples, {} values and {} folds",
            samples.target.samples(),
            samples.folds.len()
        )));
    }
    let fits = match samples.target {
        LearnerTarget::Numbers(values) => values.iter().all(|value| value.is_finite()),
        LearnerTarget::Classes { of, number } => of.iter().all(|class| *class < number),
    };
    match fits {
        true => Ok(()),
        false => Err(PluginError::study(
            "a training sample has no finite value or an unknown class",
        )),
    }
}

/// Rejects a state with numbers that are not finite.
fn finite_numbers<'a>(numbers: impl IntoIterator<Item = &'a f64>) -> Result<(), String> {
    match numbers.into_iter().all(|number| number.is_finite()) {
        true => Ok(()),
        false => Err("a coefficient is not finite".to_owned()),
    }
}
