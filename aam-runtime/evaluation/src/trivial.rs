//! The trivial baseline, which ignores the samples' features.

use crate::results::HeldOut;
use crate::results::RawColumn;
use crate::results::TargetPrediction;
use aam_data::Split;

/// Predicts, for every validation sample, the mean of the training samples or, for classes, their
/// frequencies among the training samples, so that the most frequent class is predicted.
pub fn trivial(targets: &[RawColumn], split: &Split) -> Vec<HeldOut> {
    let number = split.train.len() as f64;
    let of = |column: &RawColumn| {
        let values = split.train.iter().map(|&row| column.values[row]);
        match &column.classes {
            None => TargetPrediction::Number {
                value: values.sum::<f64>() / number,
                interval: None,
            },
            Some(classes) => {
                let mut shares = vec![0.0; classes.len()];
                values.for_each(|class| shares[class as usize] += 1.0 / number);
                TargetPrediction::classes(shares)
            }
        }
    };
    let predictions: Vec<TargetPrediction> = targets.iter().map(of).collect();
    let rows = split.validation.iter();
    rows.map(|&row| HeldOut {
        row,
        predictions: predictions.clone(),
    })
    .collect()
}
