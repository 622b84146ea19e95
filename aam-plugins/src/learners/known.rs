//! Samples with known target values, for the tests of learners.

use aam_api::{FittedLearner, LearnerConfig, LearnerTarget, SampleFeatures, TrainingSamples};
use ndarray::Array2;
use rand::RngExt;

use super::cuts::Rules;
use super::draws::stream;

/// Samples with log-ratios from −1 to 1; their abundances are the exponentials.
pub(super) struct Known {
    pub(super) features: SampleFeatures,
    folds: Vec<usize>,
}

impl Known {
    pub(super) fn new(samples: usize, columns: usize) -> Self {
        let mut rng = stream(3, "known", 0);
        let draw = || rng.random::<f32>() * 2.0 - 1.0;
        let values = Array2::from_shape_simple_fn((samples, columns), draw);
        Self {
            features: SampleFeatures::new(values.mapv(f32::exp), values, columns),
            folds: (0..samples).map(|sample| sample % 5).collect(),
        }
    }

    fn rows<T>(&self, f: impl Fn(&[f32]) -> T) -> Vec<T> {
        let rows = self.features.log_ratios.rows().into_iter();
        rows.map(|row| f(&row.to_vec())).collect()
    }

    pub(super) fn numbers(&self, f: impl Fn(&[f32]) -> f32) -> Vec<f64> {
        self.rows(|row| f64::from(f(row)))
    }

    pub(super) fn classes(&self, f: impl Fn(&[f32]) -> usize) -> Vec<usize> {
        self.rows(f)
    }

    pub(super) fn fit_numbers<C: LearnerConfig>(&self, config: &C, truth: &[f64]) -> C::Fitted {
        self.fit(config, LearnerTarget::Numbers(truth))
    }

    pub(super) fn fit_classes<C: LearnerConfig>(
        &self,
        config: &C,
        of: &[usize],
        number: usize,
    ) -> C::Fitted {
        self.fit(config, LearnerTarget::Classes { of, number })
    }

    fn fit<C: LearnerConfig>(&self, config: &C, target: LearnerTarget<'_>) -> C::Fitted {
        let samples = TrainingSamples::new(&self.features, target, &self.folds, 7);
        config.fit(&samples).expect("samples to learn from")
    }
}

/// Squared error on the training samples, as a fraction of the variance.
pub(super) fn error(fitted: &impl FittedLearner, known: &Known, truth: &[f64]) -> f64 {
    let predicted = fitted.predict(&known.features);
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let pairs = predicted.iter().zip(truth);
    let squares: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
    squares / truth.iter().map(|b| (b - mean).powi(2)).sum::<f64>()
}

/// Accuracy on the training samples.
pub(super) fn right(fitted: &impl FittedLearner, known: &Known, truth: &[usize]) -> f64 {
    let predicted = fitted.predict(&known.features);
    let rows = predicted.rows().into_iter().zip(truth);
    let right = rows.filter(|(row, class)| row.iter().all(|p| *p <= row[**class]));
    right.count() as f64 / truth.len() as f64
}

/// Rules under which a tree is fully grown.
pub(super) const RULES: Rules = Rules {
    leaves: usize::MAX,
    depth: usize::MAX,
    least: 1,
    tried: usize::MAX,
    random: false,
    penalty: 0.0,
};

/// Pseudo-random numbers.
pub(super) fn value(i: usize) -> f32 {
    ((i * 7919 + 13) % 1009) as f32
}
