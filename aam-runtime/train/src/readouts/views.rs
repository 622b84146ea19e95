//! What readouts are solved for: views of the training samples and their targets.

use aam_api::SampleView;
use aam_core::random::stream;
use aam_run::RunError;
use burn::module::Module;
use rand::RngExt;

use crate::augmenting::Augmenting;
use crate::finetuning::Finetuning;
use crate::inference::FineTuned;
use crate::profiles::Profiles;

/// Number of draws of each sample with augmentation.
const DRAWS: usize = 4;
/// Maximum number of samples for which each is drawn more than once: the time grows with the cube.
const MOST_DRAWN: usize = 2000;
/// Number of samples whose views are computed at once.
const BATCH: usize = 256;

/// Samples with their views and targets.
#[derive(Default)]
pub(super) struct Views {
    /// Their rows, of which one may occur several times.
    pub rows: Vec<usize>,
    /// The part of each, by which penalties are chosen.
    pub folds: Vec<usize>,
    /// Their views, one after the other, `[samples, width]`.
    pub values: Vec<f64>,
    /// Their targets on the scale of training, or the indices of their classes.
    pub targets: Vec<Vec<f64>>,
}

impl Views {
    /// The samples at `rows` as they are.
    pub(super) fn of_samples(
        objective: &Finetuning<'_>,
        profiles: &Profiles,
        rows: Vec<usize>,
        folds: Vec<usize>,
    ) -> Self {
        let of = |row: &usize| objective.scaled_targets(*row).collect();
        Self {
            values: profiles.select(&rows).into_data().iter::<f64>().collect(),
            targets: rows.iter().map(of).collect(),
            rows,
            folds,
        }
    }

    /// Several draws of the samples at `rows` after augmentation. Only samples of the same fold are
    /// mixed, so that those held back are unknown to the others.
    ///
    /// # Errors
    /// An augmentation that leaves something that is not a sample.
    pub(super) fn augmented(
        objective: &Finetuning<'_>,
        model: &FineTuned,
        augmenting: &Augmenting<'_>,
        rows: &[usize],
        folds: &[usize],
    ) -> Result<Self, RunError> {
        let mut views = Self::default();
        let draws = (MOST_DRAWN / rows.len().max(1)).clamp(1, DRAWS);
        let parts = folds.iter().max().map_or(0, |last| last + 1);
        for draw in 0..draws {
            for part in 0..parts {
                let own = rows.iter().zip(folds).filter(|(_, fold)| **fold == part);
                let own: Vec<usize> = own.map(|(row, _)| *row).collect();
                views.add(objective, model, augmenting, (draw, part), &own)?;
            }
        }
        Ok(views)
    }

    /// Adds the draw number `draw` of the samples at `rows`, which are those of the fold `part`.
    fn add(
        &mut self,
        objective: &Finetuning<'_>,
        model: &FineTuned,
        augmenting: &Augmenting<'_>,
        (draw, part): (usize, usize),
        rows: &[usize],
    ) -> Result<(), RunError> {
        let Some(embeddings) = &objective.frozen else {
            return Ok(());
        };
        let named = |purpose: &str| {
            let name = format!("{purpose} of draw {draw} for the readout");
            stream(objective.seed, &name)
        };
        let samples = augmenting.samples(rows, rows, &|purpose| named(purpose).random())?;
        let base = model.predictor.base.valid();
        let device = objective.device.clone().inner();
        for (rows, samples) in rows.chunks(BATCH).zip(samples.chunks(BATCH)) {
            let batch = objective
                .batcher
                .changed_batch(rows, samples, &mut named("ASVs"));
            let input = batch.input(None, None, &device);
            let seen = base.view(embeddings.select(&batch.groups), &input.samples);
            let SampleView::Profiles(profiles) = seen else {
                return Ok(());
            };
            self.values.extend(profiles.into_data().iter::<f64>());
            self.rows.extend(rows);
            self.folds.extend(rows.iter().map(|_| part));
            let targets = samples.iter().map(|sample| sample.targets.clone());
            self.targets.extend(targets);
        }
        Ok(())
    }
}
