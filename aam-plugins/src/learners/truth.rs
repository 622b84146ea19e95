//! What is true of training samples, as numbers.

use aam_api::LearnerTarget;
use ndarray::Array2;

/// What is learnt: the numbers `[samples, 1]`, or 1 at the class of each and 0 elsewhere,
/// `[samples, classes]`.
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
