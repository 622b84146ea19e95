//! `aam predict`: everything but the data comes from the checkpoint.

use std::path::Path;

use aam_core::text::counted;
use aam_data::{Conditions, Metadata, Storage};
use aam_evaluation::out_of_fold::AtLevel;
use aam_evaluation::results::{HeldOut, TargetPrediction};
use aam_model::batch::Batcher;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::predictions::{self, PredictedSample};
use aam_run::run_directory::{check_output_file, write_whole};
use aam_run::settings;
use aam_study::required;
use aam_train::checkpoint::manifest::target_columns;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::encoding::Embeddings;
use aam_train::options::Level;
use aam_train::prediction_passes::{Averaged, PredictionPasses, useful_passes};

use crate::given_reads::GivenReads;
use crate::loaded_predictor::{
    CHUNK, LoadedPredictor, ModelSource, PredictableSamples, needed_metadata,
};
use crate::members::SavedMembers;
use crate::options::PredictOptions;
use crate::training_samples::ComparedSamples;

/// Predicts the samples of a table.
///
/// # Errors
/// Files that cannot be read or written, or a checkpoint that cannot be used.
pub fn predict(options: &PredictOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    let settings = PredictionSettings::check(options)?;
    let predictor = settings.predictor(observer)?;
    let metadata = options.metadata.as_deref();
    let conditions = settings.conditions.as_ref();
    let metadata = needed_metadata(metadata, conditions, &predictor.parts, observer)?;
    let metadata = metadata.as_ref();
    let given = settings.reads(metadata);
    let samples = PredictableSamples::read(&given, metadata, &predictor, observer)?;
    let compared = predictor
        .training
        .compare(&samples.table, options.abstain, observer)?;
    note_known(&samples, &predictor, observer)?;
    let predicted = samples.predict(&settings, &predictor, observer)?;
    predicted.write(settings.output, &predictor, &samples, &compared)?;
    observer.observe(&Event::Saved(settings.output))
}

/// Notes samples that the run of the model had, too.
fn note_known(
    samples: &PredictableSamples,
    predictor: &LoadedPredictor,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let ids = samples.table.sample_ids();
    let known = ids.iter().filter(|id| predictor.seen.contains(*id)).count();
    if known == 0 {
        return Ok(());
    }
    observer.observe(&Event::Note(&format!(
        "{known} of {} took part in training this model, and new samples will be predicted less well; the run's predictions.tsv has held-out predictions",
        counted(ids.len(), "sample")
    )))
}

/// Settings of a prediction, with all files named.
struct PredictionSettings<'a> {
    options: &'a PredictOptions,
    source: ModelSource<'a>,
    conditions: Option<Conditions>,
    output: &'a Path,
}

impl<'a> PredictionSettings<'a> {
    fn check(options: &'a PredictOptions) -> Result<Self, RunError> {
        settings::check(options)?;
        let settings = Self {
            options,
            source: ModelSource {
                precision: options.mixed_precision,
                needs_training_samples: options.abstain,
                ..ModelSource::of(options.model.as_deref(), &options.device)?
            },
            conditions: options.selection.read(options.metadata.as_deref())?,
            output: required(options.output.as_deref(), "output")?,
        };
        required(options.given.table.as_deref(), "table")?;
        check_output_file(settings.output, options.overwrite)?;
        Ok(settings)
    }

    fn predictor(&self, observer: &mut dyn Observer) -> Result<LoadedPredictor, RunError> {
        let predictor = LoadedPredictor::read(&self.source, observer)?;
        if !self.options.interval.is_empty() && predictor.members.is_none() {
            return Err(RunError::setting(
                "interval",
                format!(
                    "{} has no errors of held-out samples to compute intervals from; train with cross-validation, the default, or leave it out",
                    self.source.checkpoint.display()
                ),
            ));
        }
        Ok(predictor)
    }

    fn reads<'b>(&'b self, metadata: Option<&'b Metadata>) -> GivenReads<'b> {
        GivenReads {
            files: self.options.given.files(),
            storage: Storage::of_run(self.options.streaming, Some(self.output)),
            list: self.options.selection.samples.as_deref(),
            metadata,
            conditions: self.conditions.as_ref(),
        }
    }
}

impl PredictableSamples {
    fn predict(
        &self,
        settings: &PredictionSettings<'_>,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<PredictedSamples, RunError> {
        let LoadedPredictor {
            device,
            policy,
            model,
            ..
        } = predictor;
        let options = settings.options;
        let batcher = Batcher {
            table: &self.table,
            sequences: &self.sequences,
            limit: policy.token_limit,
            sampling: options.asv_sampling.unwrap_or(policy.asv_sampling),
            chunk: CHUNK,
        };
        let rows: Vec<usize> = (0..self.table.num_samples()).collect();
        let base = &model.predictor.base;
        let cache = EmbeddingCache::of(&options.embedding_cache, &predictor.asv_encoder);
        let place = (device, &cache);
        let embeddings = Embeddings::of_samples(base, &batcher, &rows, place, |done, total| {
            observer.observe(&Event::Progress {
                what: "encoding ASVs",
                done,
                total,
            })
        })?;
        let passes = passes(options, &batcher, &rows, observer)?;
        let profiles = self.profiles(predictor, &batcher, &embeddings)?;
        let profiles = profiles.map(|(profiles, offsets)| profiles.without(&offsets));
        let predictions = PredictionPasses {
            model,
            scales: &self.scales,
            embeddings: &embeddings,
            profiles: profiles.as_ref(),
            batcher: &batcher,
            categories: &self.categories,
            device,
            batch_size: options.batch_size,
            seed: policy.seed,
            passes,
            first_batch: 0,
        };
        let averaged = predictions.predict(&rows, |_, _, done| {
            observer.observe(&Event::Progress {
                what: "predicting samples",
                done,
                total: passes * rows.len(),
            })
        })?;
        let (averaged, further) = match &predictor.members {
            Some(members) => self.with_members(members, &predictor.numbers(), options, averaged)?,
            None => (averaged, Vec::new()),
        };
        Ok(PredictedSamples {
            averaged,
            further,
            with_spread: options.output_variance && passes > 1,
        })
    }
}

impl PredictableSamples {
    /// Replaces the network's predictions by those of all members, also at the additional levels of
    /// intervals and prediction sets.
    fn with_members(
        &self,
        members: &SavedMembers,
        numbers: &[bool],
        options: &PredictOptions,
        averaged: Vec<Averaged>,
    ) -> Result<(Vec<Averaged>, Vec<AtLevel>), RunError> {
        let (network, spreads): (Vec<HeldOut>, Vec<Vec<f64>>) = averaged
            .into_iter()
            .enumerate()
            .map(|(row, (predictions, spread))| (HeldOut { row, predictions }, spread))
            .unzip();
        let levels = Level::distinct(&options.interval);
        let mut levels = members
            .predict(
                (&self.table, self.batches.as_ref()),
                &self.categories,
                &network,
                numbers,
                &levels,
            )?
            .into_iter();
        let samples = levels.next().map_or(network, |first| first.samples);
        let predictions = samples.into_iter().map(|sample| sample.predictions);
        Ok((predictions.zip(spreads).collect(), levels.collect()))
    }
}

/// The number of passes per sample. Warns if there are fewer than requested.
fn passes(
    options: &PredictOptions,
    batcher: &Batcher<'_>,
    rows: &[usize],
    observer: &mut dyn Observer,
) -> Result<usize, RunError> {
    let (passes, note) = useful_passes(options.prediction_passes, batcher, rows);
    if let Some(note) = note {
        observer.observe(&Event::Warning(&format!("--prediction-passes: {note}")))?;
    } else if options.output_variance && passes == 1 {
        let text = "--output-variance: a single pass has no variance; request more with --prediction-passes";
        observer.observe(&Event::Warning(text))?;
    }
    Ok(passes)
}

/// The predictions of the samples.
struct PredictedSamples {
    averaged: Vec<Averaged>,
    /// The predictions at additional levels of intervals and prediction sets.
    further: Vec<AtLevel>,
    with_spread: bool,
}

impl PredictedSamples {
    fn write(
        &self,
        output: &Path,
        predictor: &LoadedPredictor,
        samples: &PredictableSamples,
        compared: &ComparedSamples,
    ) -> Result<(), RunError> {
        let ids = samples.table.sample_ids().iter();
        let samples = ids.zip(&self.averaged).enumerate();
        let samples = samples.map(|(row, (id, (predictions, deviations)))| PredictedSample {
            id,
            predictions,
            further: self.at_further_levels(row),
            actual: None,
            spread: self.with_spread.then_some(deviations.as_slice()),
            fold: None,
            likeness: compared.of(row),
            abstains: compared.abstains(row),
        });
        let samples: Vec<PredictedSample<'_>> = samples.collect();
        let columns = target_columns(&predictor.parts.targets);
        write_whole(output, &predictions::tsv(&columns, &samples)?)?;
        Ok(())
    }
}

impl PredictedSamples {
    fn at_further_levels(&self, row: usize) -> Vec<(f64, &[TargetPrediction])> {
        let further = self.further.iter();
        let further = further.filter_map(|at| Some((at.level, at.samples.get(row)?)));
        further
            .map(|(level, sample)| (level, sample.predictions.as_slice()))
            .collect()
    }
}
