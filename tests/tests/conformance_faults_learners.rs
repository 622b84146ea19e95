//! The conformance suite detects faults: learners with one fault at a time.

use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
    testing,
};
use ndarray::{Array2, ArrayView1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    LearnsNothing,
    ForgetsSamples,
    AcceptsAnything,
    LooksAtOtherSamples,
    AddsUpToMore,
}

/// Predicts the mean of the training samples with the nearest log-ratios, and may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyLearnerConfig {
    /// The fault.
    fault: Fault,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct FaultyLearner {
    fault: Fault,
    widths: (usize, usize),
    samples: Array2<f32>,
    truth: Array2<f64>,
    /// Whether it was fitted rather than loaded.
    #[serde(skip)]
    fitted: bool,
}

impl LearnerConfig for FaultyLearnerConfig {
    const NAME: &'static str = "faulty";
    type Fitted = FaultyLearner;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<FaultyLearner, PluginError> {
        let truth = match samples.target {
            LearnerTarget::Numbers(values) => {
                Array2::from_shape_fn((values.len(), 1), |(sample, _)| values[sample])
            }
            LearnerTarget::Classes { of, number } => {
                Array2::from_shape_fn((of.len(), number), |(sample, class)| {
                    f64::from(of[sample] == class)
                })
            }
        };
        Ok(FaultyLearner {
            fault: self.fault,
            widths: samples.features.widths(),
            samples: samples.features.log_ratios.clone(),
            truth,
            fitted: true,
        })
    }
}

impl FaultyLearner {
    fn nearest(&self, sample: ArrayView1<'_, f32>) -> Vec<usize> {
        let distance = |place: usize| -> f32 {
            let pairs = self.samples.row(place).into_iter().zip(&sample);
            pairs.map(|(a, b)| (a - b).powi(2)).sum()
        };
        let places = match self.fault == Fault::ForgetsSamples && !self.fitted {
            true => 0..1,
            false => 0..self.samples.nrows(),
        };
        let least = places.clone().map(distance).fold(f32::INFINITY, f32::min);
        places.filter(|place| distance(*place) <= least).collect()
    }
}

impl FittedLearner for FaultyLearner {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let samples = features.samples();
        let mut predicted = Array2::zeros((samples, self.truth.ncols()));
        for (sample, mut row) in predicted.rows_mut().into_iter().enumerate() {
            let nearest = match self.fault {
                Fault::LearnsNothing => vec![0],
                _ => self.nearest(features.log_ratios.row(sample)),
            };
            let share = 1.0 / nearest.len() as f64;
            for place in nearest {
                row.scaled_add(share, &self.truth.row(place));
            }
            if self.fault == Fault::LooksAtOtherSamples && row.len() == 1 {
                row[0] += samples as f64 / 1000.0;
            }
            if self.fault == Fault::AddsUpToMore && row.len() > 1 {
                row.fill(0.9);
            }
        }
        predicted
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let whole = self.samples.dim() == (self.truth.nrows(), widths.0)
            && self.samples.nrows() > 0
            && self.truth.ncols() == outputs
            && self.truth.iter().all(|value| value.is_finite())
            && (outputs == 1 || self.truth.rows().into_iter().all(|row| row.sum() == 1.0));
        match self.fault == Fault::AcceptsAnything || (whole && self.widths == widths) {
            true => Ok(()),
            false => Err("a state of other samples".to_owned()),
        }
    }
}

#[test]
fn every_fault_of_a_learner_is_named() {
    for (fault, expected) in [
        (Fault::None, "conforms"),
        (
            Fault::LearnsNothing,
            "samples with a number: for an easy target it explains",
        ),
        (
            Fault::ForgetsSamples,
            "it predicts something else after its state was saved and read",
        ),
        (
            Fault::AcceptsAnything,
            "fitted to 6 abundances, 2 categories and 1 outputs, it accepts (7, 2) and 1",
        ),
        (
            Fault::LooksAtOtherSamples,
            "the prediction for a sample depends on the other samples",
        ),
        (
            Fault::AddsUpToMore,
            "samples with 2 classes: the probabilities",
        ),
    ] {
        let checked = std::panic::catch_unwind(|| testing::learner(&FaultyLearnerConfig { fault }));
        let verdict = match checked {
            Ok(()) => "conforms".to_owned(),
            Err(panic) => *panic.downcast::<String>().expect("a message"),
        };
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
