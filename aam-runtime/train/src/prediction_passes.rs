//! Several predictions of each sample from random subsets of its ASVs, and their mean.

use aam_api::metric::argmax;
use aam_core::text::counted;
use aam_data::AsvSampling;
use aam_evaluation::results::TargetPrediction;
use aam_model::batch::{Batch, Batcher};
use aam_model::{PredictorOutput, Wants};
use aam_run::RunError;
use aam_study::categories::CategoryIds;
use burn::tensor::Device;

use super::encoding::Embeddings;
use super::inference::{FineTuned, batches_from, predictions};
use super::profiles::Profiles;
use super::target_scales::TargetScales;

/// Predicts samples, several times if their ASVs are selected at random.
#[derive(Clone, Copy)]
pub struct PredictionPasses<'a> {
    /// The model, in inference mode.
    pub model: &'a FineTuned,
    /// The scales of its targets for each sample.
    pub scales: &'a TargetScales,
    /// The embeddings of the samples' ASVs.
    pub embeddings: &'a Embeddings,
    /// The profiles of the samples, if known.
    pub profiles: Option<&'a Profiles>,
    /// Creates batches.
    pub batcher: &'a Batcher<'a>,
    /// Category ids of the samples.
    pub categories: &'a CategoryIds,
    /// The device, without autodiff.
    pub device: &'a Device,
    /// Samples per batch.
    pub batch_size: usize,
    /// Random seed of the selection of ASVs.
    pub seed: u64,
    /// The number of predictions per sample.
    pub passes: usize,
    /// The number of batches before those of the samples, if these are part of a sequence.
    pub first_batch: usize,
}

impl PredictionPasses<'_> {
    /// The mean predictions for the samples at `rows`. `after` is called after each batch with the
    /// batch, the model output, and the number of completed predictions.
    ///
    /// # Errors
    /// Those of `after`.
    pub fn predict(
        &self,
        rows: &[usize],
        mut after: impl FnMut(&Batch, &PredictorOutput, usize) -> Result<(), RunError>,
    ) -> Result<Vec<Averaged>, RunError> {
        let Self { batcher, seed, .. } = *self;
        let mut mean = MeanPrediction::default();
        for pass in 0..self.passes {
            let mut predicted = Vec::with_capacity(rows.len());
            let batches: Box<dyn Iterator<Item = Batch>> = match self.profiles {
                Some(_) => Box::new(rows.chunks(self.batch_size.max(1)).map(Batch::of_rows)),
                None => {
                    let size = self.batch_size;
                    let first = self.first_batch;
                    Box::new(batches_from(first, batcher, rows, size, (seed, pass)))
                }
            };
            for batch in batches {
                let output = self.forward(&batch);
                predicted.extend(predictions(self.model, self.scales, &batch.rows, &output));
                after(&batch, &output, pass * rows.len() + predicted.len())?;
            }
            mean.add(predicted);
        }
        Ok(mean.finish())
    }

    fn forward(&self, batch: &Batch) -> PredictorOutput {
        let Self { model, device, .. } = *self;
        let categories = self.categories.tensor(&batch.rows, device);
        match self.profiles {
            Some(profiles) => {
                let profiles = profiles.select(&batch.rows);
                model.predictor.forward_profiles(profiles, categories)
            }
            None => {
                let input = batch.input(None, categories, device);
                let asvs = self.embeddings.select(&batch.groups);
                model.predictor.forward_asvs(asvs, &input, Wants::default())
            }
        }
    }
}

/// The mean and spread of predictions, in a single pass over them (Welford, 1962).
#[derive(Clone, Debug, Default)]
pub struct MeanPrediction {
    passes: usize,
    targets: Vec<Vec<MeanTarget>>,
}

/// A target of a sample.
#[derive(Clone, Debug)]
struct MeanTarget {
    /// The current mean.
    prediction: TargetPrediction,
    /// The sum of the squared differences of each of its values.
    squares: Vec<f64>,
}

/// The prediction of a sample, and the spread of each target over the passes.
pub type Averaged = (Vec<TargetPrediction>, Vec<f64>);

impl MeanPrediction {
    /// Adds the predictions of one pass, for all samples and targets.
    pub fn add(&mut self, pass: Vec<Vec<TargetPrediction>>) {
        self.passes += 1;
        if self.passes == 1 {
            let first = |mut prediction: TargetPrediction| MeanTarget {
                squares: vec![0.0; figures(&mut prediction).len()],
                prediction,
            };
            let samples = pass.into_iter();
            self.targets = samples
                .map(|targets| targets.into_iter().map(first).collect())
                .collect();
            return;
        }
        let targets = self.targets.iter_mut().flatten();
        for (target, mut prediction) in targets.zip(pass.into_iter().flatten()) {
            let figures = figures(&mut target.prediction).into_iter();
            let new = self::figures(&mut prediction).into_iter();
            for ((mean, new), squares) in figures.zip(new).zip(&mut target.squares) {
                let difference = *new - *mean;
                *mean += difference / self.passes as f64;
                *squares += difference * (*new - *mean);
            }
        }
    }

    /// The means, and the standard deviation over the passes of each target's number or of the
    /// probability of its most likely class.
    pub fn finish(self) -> Vec<Averaged> {
        let passes = self.passes.max(1) as f64;
        let finish = |target: MeanTarget| {
            let place = match &target.prediction {
                TargetPrediction::Number { .. } => 0,
                TargetPrediction::Classes { probabilities, .. } => argmax(probabilities),
            };
            (target.prediction, (target.squares[place] / passes).sqrt())
        };
        let samples = self.targets.into_iter();
        samples
            .map(|targets| targets.into_iter().map(finish).unzip())
            .collect()
    }
}

/// The values of a prediction: a number and the ends of its interval, or probabilities.
fn figures(prediction: &mut TargetPrediction) -> Vec<&mut f64> {
    match prediction {
        TargetPrediction::Number { value, interval } => {
            let ends = interval.iter_mut().flat_map(|(low, high)| [low, high]);
            std::iter::once(value).chain(ends).collect()
        }
        TargetPrediction::Classes { probabilities, .. } => probabilities.iter_mut().collect(),
    }
}

/// The useful number of passes over the samples at `rows`, at most `passes`, and the reason if it
/// is one.
pub fn useful_passes(
    passes: usize,
    batcher: &Batcher<'_>,
    rows: &[usize],
) -> (usize, Option<String>) {
    if passes <= 1 {
        return (1, None);
    }
    let limit = batcher.limit;
    let reason = if batcher.sampling != AsvSampling::Random {
        format!("ASVs are selected by {}, not at random", batcher.sampling)
    } else if rows
        .iter()
        .all(|&row| batcher.table.row(row).0.len() <= limit)
    {
        format!(
            "no sample has more than {}, so there is nothing to choose",
            counted(limit, "ASV")
        )
    } else {
        return (passes, None);
    };
    let note = format!("one pass instead of {passes}, which would be identical: {reason}");
    (1, Some(note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_probabilities_are_averaged() {
        let number = |value: f64| TargetPrediction::Number {
            value,
            interval: Some((value - 1.0, value + 2.0)),
        };
        let classes = |p: f64| TargetPrediction::classes(vec![1.0 - p, p]);
        let mut mean = MeanPrediction::default();
        for (value, p) in [(1.0, 0.9), (2.0, 0.4), (6.0, 0.8)] {
            mean.add(vec![vec![number(value), classes(p)]]);
        }
        let (predictions, spread) = mean.finish().remove(0);
        assert_eq!(predictions[0], number(3.0));
        let TargetPrediction::Classes { probabilities, .. } = &predictions[1] else {
            panic!("classes stay classes");
        };
        assert!((probabilities[1] - 0.7).abs() < 1e-12);
        assert!((spread[0] - (14.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((spread[1] - (0.14_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
