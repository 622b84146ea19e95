//! Fitting of a base to the training samples before training.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::encoding::Embeddings;
use super::inference::prediction_batches;
use aam_model::batch::Batcher;
use aam_model::{Base, ModelInput};

/// Number of samples whose profiles are computed at once.
const BATCH: usize = 256;
/// Number of samples that are embedded at once.
const EMBEDDED: usize = 16;
/// Number of samples, the first ones, between which the scale of distances is measured.
pub const SCALED_OVER: usize = 256;

/// The training samples, and the embeddings of their ASVs.
pub struct TrainingSamples<'a> {
    /// Creates batches.
    pub batcher: &'a Batcher<'a>,
    /// The embeddings of all ASVs of the table.
    pub embeddings: &'a Embeddings,
    /// The rows of the samples.
    pub rows: &'a [usize],
    /// Random seed of the run.
    pub seed: u64,
    /// The device of the base.
    pub device: &'a Device,
}

impl TrainingSamples<'_> {
    fn inputs<'b>(
        &'b self,
        rows: &'b [usize],
        size: usize,
        device: &'b Device,
    ) -> impl Iterator<Item = (Tensor<2>, ModelInput)> + 'b {
        let batches = prediction_batches(self.batcher, rows, size, self.seed, 0);
        batches.map(|batch| {
            let asvs = self.embeddings.select(&batch.groups);
            (asvs, batch.input(None, None, device))
        })
    }

    /// Whitens and standardises the profiles of `base` over the samples.
    pub fn fit(&self, base: Base) -> Base {
        if !base.is_fitted_to_samples() {
            return base;
        }
        let groups = self.batcher.groups(self.rows);
        let asvs = Tensor::from_inner(self.embeddings.select(&groups));
        let inputs = self.inputs(self.rows, BATCH, self.device);
        base.fitted(
            asvs,
            inputs.map(|(asvs, input)| (Tensor::from_inner(asvs), input)),
        )
    }

    /// Scales the predicted distances of `base` of the kind with number `kind` so that they are
    /// initially as large as the true ones. `truth` gives the true distances of the samples at some
    /// rows.
    pub fn scale(&self, base: Base, kind: usize, truth: impl Fn(&[usize]) -> Vec<f64>) -> Base {
        let rows = &self.rows[..self.rows.len().min(SCALED_OVER)];
        let still = base.valid();
        let device = self.device.clone().inner();
        let samples = self
            .inputs(rows, EMBEDDED, &device)
            .map(|(asvs, input)| still.embed_samples(asvs, &input.samples));
        let samples = Tensor::from_inner(Tensor::cat(samples.collect(), 0));
        base.with_scale_of(kind, samples, &truth(rows))
    }
}
