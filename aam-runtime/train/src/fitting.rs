//! What a base measures of the training samples before anything is learnt.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::encoding::Embeddings;
use super::inference::prediction_batches;
use aam_model::batch::Batcher;
use aam_model::{Base, ModelInput};

/// Samples whose profiles are computed at once.
const BATCH: usize = 256;
/// Samples that are embedded at once.
const EMBEDDED: usize = 16;
/// The scale of distances is measured between so many samples, the first.
pub const SCALED_OVER: usize = 256;

/// The training samples, and the embeddings of their ASVs.
pub struct TrainingSamples<'a> {
    /// Makes batches.
    pub batcher: &'a Batcher<'a>,
    /// Embeddings of all ASVs of the table.
    pub embeddings: &'a Embeddings,
    /// Rows of the samples.
    pub rows: &'a [usize],
    /// Seed of the run.
    pub seed: u64,
    /// Where the base is.
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

    /// `base` with profiles whitened and standardised over the samples.
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

    /// `base` with predicted distances that start as large as the true ones, which `truth` gives of
    /// the samples at some rows.
    pub fn scale(&self, base: Base, truth: impl Fn(&[usize]) -> Vec<f64>) -> Base {
        let rows = &self.rows[..self.rows.len().min(SCALED_OVER)];
        let still = base.valid();
        let device = self.device.clone().inner();
        let samples = self
            .inputs(rows, EMBEDDED, &device)
            .map(|(asvs, input)| still.embed_samples(asvs, &input.samples));
        let samples = Tensor::from_inner(Tensor::cat(samples.collect(), 0));
        base.with_scale_of(samples, &truth(rows))
    }
}
