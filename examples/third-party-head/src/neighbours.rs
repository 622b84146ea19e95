//! A learner: nearest neighbours.

use aam_api::{
    FittedLearner, LearnerConfig, LearnerTarget, PluginError, SampleFeatures, TrainingSamples,
};
use ndarray::{Array2, ArrayView1, s};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The mean of the nearest training samples by Aitchison distance, the Euclidean distance between
/// centred log-ratios.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct NeighboursConfig {
    /// Number of neighbours, at least 1; samples as near as the last one count, too.
    #[schemars(range(min = 1))]
    pub number: usize,
}

impl Default for NeighboursConfig {
    fn default() -> Self {
        Self { number: 5 }
    }
}

/// [`NeighboursConfig`] with the training samples. A checkpoint keeps this and no options.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Neighbours {
    number: usize,
    /// Numbers of abundance and category columns.
    widths: (usize, usize),
    /// `[samples, ASVs]`.
    log_ratios: Array2<f32>,
    /// Values or class indicators, `[samples, outputs]`.
    truth: Array2<f64>,
}

impl LearnerConfig for NeighboursConfig {
    const NAME: &'static str = "neighbours";
    type Fitted = Neighbours;

    fn fit(&self, samples: &TrainingSamples<'_>) -> Result<Neighbours, PluginError> {
        let shape = (samples.target.samples(), samples.target.outputs());
        let truth = match samples.target {
            LearnerTarget::Numbers(values) => Array2::from_shape_fn(shape, |(row, _)| values[row]),
            LearnerTarget::Classes { of, .. } => {
                Array2::from_shape_fn(shape, |(row, class)| f64::from(of[row] == class))
            }
        };
        Ok(Neighbours {
            number: self.number,
            widths: samples.features.widths(),
            log_ratios: of_asvs(samples.features),
            truth,
        })
    }
}

/// The log-ratios of ASVs, without those of clades.
fn of_asvs(features: &SampleFeatures) -> Array2<f32> {
    features
        .log_ratios
        .slice(s![.., ..features.asvs])
        .to_owned()
}

fn squared_distance(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

impl FittedLearner for Neighbours {
    fn predict(&self, features: &SampleFeatures) -> Array2<f64> {
        let samples = of_asvs(features);
        let mut predicted = Array2::zeros((samples.nrows(), self.truth.ncols()));
        for (sample, mut row) in samples.rows().into_iter().zip(predicted.rows_mut()) {
            let known = self.log_ratios.rows().into_iter();
            let distances: Vec<f32> = known.map(|other| squared_distance(sample, other)).collect();
            let mut sorted = distances.clone();
            sorted.sort_by(f32::total_cmp);
            let last = sorted[self.number.clamp(1, sorted.len()) - 1];
            let near = (0..distances.len()).filter(|&place| distances[place] <= last);
            let near: Vec<usize> = near.collect();
            for &place in &near {
                row.scaled_add(1.0 / near.len() as f64, &self.truth.row(place));
            }
        }
        predicted
    }

    fn check(&self, widths: (usize, usize), outputs: usize) -> Result<(), String> {
        let (samples, asvs) = self.log_ratios.dim();
        match self.widths == widths && self.truth.dim() == (samples, outputs) {
            true if samples > 0 && asvs <= widths.0 => Ok(()),
            _ => Err(format!(
                "{samples} samples with {:?} columns and {} outputs do not fit {widths:?} columns and {outputs} outputs",
                self.widths,
                self.truth.ncols()
            )),
        }
    }
}

aam_api::register_learner!(NeighboursConfig);
