//! The target values of training samples as a matrix.

use aam_api::LearnerTarget;
use ndarray::Array2;

/// The target values: numbers `[samples, 1]`, or one-hot classes `[samples, classes]`.
pub(super) fn truth(target: &LearnerTarget<'_>) -> Array2<f64> {
    let mut truth = Array2::zeros((target.samples(), target.outputs()));
    match target {
        LearnerTarget::Numbers(values) => {
            for (place, value) in truth.iter_mut().zip(*values) {
                *place = *value;
            }
        }
        LearnerTarget::Classes { of, .. } => {
            for (mut row, class) in truth.rows_mut().into_iter().zip(*of) {
                row[*class] = 1.0;
            }
        }
    }
    truth
}
