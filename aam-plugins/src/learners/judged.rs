//! The training samples of learners whose cost grows with all pairs of samples, and the samples by which
//! they choose their settings.

use aam_api::{LearnerTarget, SampleFeatures, TrainingSamples};
use aam_regression::{Judged, MOST_LEARNED, drawn};
use ndarray::Array2;

use super::draws::stream;

/// The samples by which settings are chosen.
pub(super) fn judged(samples: &TrainingSamples<'_>, truth: &Array2<f64>) -> Judged {
    Judged::of(samples.folds, truth, &mut stream(samples.seed, "judged", 0))
}

/// Calls `fit` with the samples; if there are more than 5000, with 5000 drawn from them, because the cost
/// grows with all pairs.
pub(super) fn with_products<T>(
    samples: &TrainingSamples<'_>,
    fit: impl FnOnce(&TrainingSamples<'_>) -> T,
) -> T {
    if samples.folds.len() <= MOST_LEARNED {
        return fit(samples);
    }
    let mut random = stream(samples.seed, "learnt", 0);
    let rows = drawn(samples.folds.len(), MOST_LEARNED, &mut random);
    let features: SampleFeatures = samples.features.select(&rows);
    let folds: Vec<usize> = rows.iter().map(|row| samples.folds[*row]).collect();
    let few = |target| {
        fit(&TrainingSamples::new(
            &features,
            target,
            &folds,
            samples.seed,
        ))
    };
    match samples.target {
        LearnerTarget::Numbers(values) => {
            let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
            few(LearnerTarget::Numbers(&values))
        }
        LearnerTarget::Classes { of, number } => {
            let of: Vec<usize> = rows.iter().map(|row| of[*row]).collect();
            few(LearnerTarget::Classes { of: &of, number })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_samples_are_subsampled() {
        let number = MOST_LEARNED + 10;
        let column = Array2::from_shape_fn((number, 1), |(row, _)| row as f32);
        let features = SampleFeatures::new(column.clone(), column, 1);
        let values: Vec<f64> = (0..number).map(|row| row as f64).collect();
        let folds: Vec<usize> = (0..number).map(|row| row % 3).collect();
        let target = LearnerTarget::Numbers(&values);
        let samples = TrainingSamples::new(&features, target, &folds, 1);
        with_products(&samples, |few| {
            assert_eq!(few.folds.len(), MOST_LEARNED);
            let LearnerTarget::Numbers(values) = few.target else {
                panic!("numbers");
            };
            let seen = few.features.shares.column(0);
            assert!(values.iter().zip(seen).all(|(a, b)| *a == f64::from(*b)));
        });
        let truth = Array2::zeros((number, 1));
        let judged = judged(&samples, &truth);
        assert_eq!((judged.rows.len(), judged.splits().len()), (1000, 3));
    }
}
