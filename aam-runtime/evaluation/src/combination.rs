//! Combined predictions of several methods.

use crate::results::{HeldOut, TargetPrediction};

/// The mean of the predictions of `methods` for the same samples in the same order: of numbers, or
/// of class probabilities. Intervals are left out because they belong to individual methods.
pub fn mean(methods: &[&[HeldOut]]) -> Vec<HeldOut> {
    let (first, others) = match methods {
        [] => return Vec::new(),
        [only] => return only.to_vec(),
        [first, others @ ..] => (first, others),
    };
    let samples = first.iter().enumerate().map(|(place, sample)| {
        let beside = others.iter().filter_map(|method| method.get(place));
        let beside: Vec<&HeldOut> = beside.filter(|other| other.row == sample.row).collect();
        let targets = sample.predictions.iter().enumerate();
        let predictions = targets.map(|(target, prediction)| {
            let all = beside
                .iter()
                .filter_map(|other| other.predictions.get(target));
            mean_of(prediction, all)
        });
        HeldOut {
            row: sample.row,
            predictions: predictions.collect(),
        }
    });
    samples.collect()
}

fn mean_of<'a>(
    first: &TargetPrediction,
    others: impl Iterator<Item = &'a TargetPrediction>,
) -> TargetPrediction {
    let (mut sums, mut count) = (figures(first), 1.0);
    for other in others {
        for (sum, value) in sums.iter_mut().zip(figures(other)) {
            *sum += value;
        }
        count += 1.0;
    }
    let mut means = sums.into_iter().map(|sum| sum / count);
    match first {
        TargetPrediction::Number { value, .. } => TargetPrediction::Number {
            value: means.next().unwrap_or(*value),
            interval: None,
        },
        TargetPrediction::Classes { .. } => TargetPrediction::classes(means.collect()),
    }
}

fn figures(prediction: &TargetPrediction) -> Vec<f64> {
    match prediction {
        TargetPrediction::Number { value, .. } => vec![*value],
        TargetPrediction::Classes { probabilities, .. } => probabilities.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_probabilities_are_averaged() {
        let sample = |value: f64, p: f64| HeldOut {
            row: 3,
            predictions: vec![
                TargetPrediction::Number {
                    value,
                    interval: Some((0.0, 9.0)),
                },
                TargetPrediction::classes(vec![1.0 - p, p]),
            ],
        };
        let (a, b) = ([sample(1.0, 0.25)], [sample(4.0, 0.75)]);
        let expected = vec![
            TargetPrediction::Number {
                value: 2.5,
                interval: None,
            },
            TargetPrediction::classes(vec![0.5, 0.5]),
        ];
        assert_eq!(mean(&[&a, &b])[0].predictions, expected);
    }
}
