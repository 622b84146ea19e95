//! A batch as seen by one replica.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;

use super::replica::{OwnPart, Replica};
use aam_model::batch::Batch;
use aam_run::RunError;

/// The samples of a batch that one replica computes.
#[derive(Clone, Debug)]
pub struct LocalBatch<'a> {
    /// The samples, with the distinct ASVs of the entire batch.
    pub samples: Batch,
    /// The rows of the samples of the entire batch.
    pub rows_of_all: Vec<usize>,
    /// The weight of a mean over the ASVs of the replica's samples in the mean over all.
    fraction_of_asvs: f64,
    part: OwnPart,
    replica: Replica<'a>,
}

impl<'a> LocalBatch<'a> {
    /// The part of the batch `whole` that `replica` computes; the batch has at least one sample.
    pub fn new(whole: &Batch, replica: Replica<'a>) -> Self {
        let part = replica.part(whole.rows.len());
        let samples = whole.part(part.computed());
        let asvs = |batch: &Batch| batch.mask.iter().filter(|mask| **mask).count() as f64;
        let fraction_of_asvs = match part.is_empty() {
            true => 0.0,
            false => asvs(&samples) / asvs(whole).max(1.0),
        };
        Self {
            samples,
            rows_of_all: whole.rows.clone(),
            fraction_of_asvs,
            part,
            replica,
        }
    }

    /// The numbers of the samples in the entire batch.
    pub fn numbers(&self) -> Range<usize> {
        self.part.computed()
    }

    /// Whether the replica computes all samples of the batch.
    pub fn is_whole(&self) -> bool {
        self.replica.is_alone()
    }

    /// The contribution of a `mean` over the samples, `[1]`, to the mean over the entire batch.
    pub fn share_of_mean(&self, mean: Tensor<1>) -> Tensor<1> {
        self.counted(mean, self.part.fraction())
    }

    /// The contribution of a `mean` over the ASVs of the samples, `[1]`, where each is counted in
    /// every sample that has it, to the mean over the entire batch.
    pub fn share_of_mean_over_asvs(&self, mean: Tensor<1>) -> Tensor<1> {
        self.counted(mean, self.fraction_of_asvs)
    }

    fn counted(&self, mean: Tensor<1>, fraction: f64) -> Tensor<1> {
        match self.is_whole() {
            true => mean,
            false => mean.mul_scalar(fraction),
        }
    }

    /// A loss term that compares the samples of the entire batch with one another, from the model
    /// outputs for these samples, `[samples, dim]`; as [`Replica::term_of_all`].
    ///
    /// # Errors
    /// Those of the `term`, or another replica that failed.
    pub fn term_of_all<M: Module>(
        &self,
        module: &M,
        samples: Tensor<2>,
        term: impl FnOnce(&M, Tensor<2>) -> Result<Tensor<1>, RunError>,
    ) -> Result<(Tensor<1>, Option<Tensor<1>>), RunError> {
        let rows = (samples, &self.part);
        self.replica.term_of_all(module, rows, term)
    }
}
