//! Pre-training of the ASV encoder alone.

use burn::module::Module;
use burn::optim::GradientsAccumulator;

use super::masked_chunk::{self, places};
use super::nucleotides::Nucleotides;
use super::objective::{BatchResult, Draws, Objective, Validated, metric};
use super::training_batches::TrainingBatch;
use crate::checkpoint::Manifest;
use crate::parallel::Replica;
use aam_model::Base;
use aam_model::batch::AsvGroups;
use aam_run::RunError;

/// Pre-training of the ASV encoder alone on masked nucleotides. Batches consist of ASVs, which are
/// all drawn equally often.
pub struct MaskedNucleotides<'a> {
    /// The task.
    pub nucleotides: &'a Nucleotides<'a>,
    /// The manifest of checkpoints.
    pub manifest: Manifest,
}

impl Objective for MaskedNucleotides<'_> {
    type Model = Base;

    fn gradients(
        &self,
        model: &Base,
        batch: TrainingBatch,
        draws: Draws,
        scale: f64,
        replica: Replica<'_>,
    ) -> Result<BatchResult, RunError> {
        let task = self.nucleotides;
        let features = batch.rows.iter().map(|&asv| asv as u32).collect();
        let groups = AsvGroups::new(features, task.sequences, task.chunk);
        let chunks = groups.chunks(task.sequences);
        let chunks = task.mask(chunks, &mut draws.stream("masks"));
        let weight = (scale, places(&chunks));
        let chunks = masked_chunk::part(chunks, replica);
        let seeds = draws.asv_seeds("dropout in nucleotides");
        let mut gradients = GradientsAccumulator::new();
        let loss = task.accumulate(model, model, &chunks, weight, seeds, &mut gradients)?;
        Ok(BatchResult {
            gradients: gradients.grads(),
            losses: vec![
                metric("train_loss", loss),
                metric("train_nucleotide_loss", loss),
            ],
        })
    }

    fn validate(&self, model: &Base, replica: Replica<'_>) -> Result<Validated, RunError> {
        let nucleotides = self.nucleotides.validate(&model.valid(), replica)?;
        let mut metrics = vec![metric("loss", nucleotides[0].value)];
        metrics.extend(nucleotides);
        Ok(Validated {
            metrics,
            compared: Vec::new(),
        })
    }

    fn default_metric(&self) -> String {
        "nucleotide_loss".to_owned()
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        let names = self.nucleotides.names;
        rows.iter().map(|&row| names[row].to_owned()).collect()
    }

    fn manifest(&self) -> Manifest {
        self.manifest.clone()
    }
}
