//! `aam predict`: everything but the data comes from the checkpoint.

use std::collections::HashSet;
use std::path::Path;

use burn::module::Module;

use crate::batch::Batcher;
use crate::categories::CategoryIds;
use crate::checkpoint::directory::{self, MANIFEST, WEIGHTS};
use crate::checkpoint::manifest::DataPolicy;
use crate::data::{Storage, read_ids};
use crate::device::device;
use crate::doctor::{settle, settle_precision};
use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::mismatch;
use crate::model::AttnImplementation;
use crate::options::PredictOptions;
use crate::predictions::{self, PredictedSample, TargetColumn};
use crate::run_directory::{check_output_file, write_whole};
use crate::study;
use crate::train::encoding::Embeddings;
use crate::train::inference::{FineTuned, predict_batch, prediction_batches};
use crate::train::passes::{MeanPrediction, useful_passes};
use crate::train::target_scales::{self, TargetScales};

/// ASVs encoded at once: large enough for a GPU, small enough for a laptop.
const CHUNK: usize = 128;

/// Predicts the samples of a table.
///
/// # Errors
/// Files that cannot be read or written, a checkpoint that cannot be used.
pub fn predict(options: &PredictOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    let path = study::required(options.model.as_deref(), "model")?;
    let output = study::required(options.output.as_deref(), "output")?;
    check_output_file(output, options.overwrite)?;
    let device = device(&options.device)?;
    let (name, attention) = (&options.device, AttnImplementation::Auto);
    let precision = options.mixed_precision;
    settle(name, &device, attention, observer)?;
    settle_precision(name, &device, precision, attention, observer)?;
    let (manifest, mut files) = directory::load(path)?;
    let Some(parts) = &manifest.predictor else {
        return Err(RunError::checkpoint(
            path,
            "this is a pre-trained encoder, which predicts nothing by itself\n  help: train a predictor on it with `aam train --pretrained-encoder`",
        ));
    };
    let model = FineTuned::init(&manifest, &device).map_err(|error| match error {
        RunError::Model(error) => {
            RunError::checkpoint(path.join(MANIFEST), format!("it is damaged: {error}"))
        }
        error => error,
    })?;
    let model = model.with_precision(precision);
    let weights = files.remove(WEIGHTS).unwrap_or_default();
    let model = directory::load_weights(model, weights, false, &path.join(WEIGHTS))?.valid();
    let policy = &manifest.data;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let mut table = study::read_reads(
        options.table.as_deref(),
        options.sequences.as_deref(),
        &Storage::of_run(options.streaming, Some(output)),
        &mut notes,
    )?;
    if let Some(list) = &options.samples {
        let listed = read_ids(list)?;
        let wanted: HashSet<&String> = listed.iter().collect();
        let rows: Vec<usize> = (0..table.num_samples())
            .filter(|&row| wanted.contains(&table.sample_ids()[row]))
            .collect();
        if rows.is_empty() {
            return Err(mismatch::error(&table, "the list", list, &listed).into());
        }
        notes(format!(
            "{}: {} of {} listed samples found",
            list.display(),
            rows.len(),
            wanted.len()
        ))?;
        table = table.select_samples(&rows);
    }
    let as_trained = |error| as_trained(error, options.table.as_deref(), policy);
    let table =
        study::rarefied(table, policy.rarefy_depth, policy.seed, &mut notes).map_err(as_trained)?;
    let table = table.drop_empty_features()?;
    let sequences = study::tokenized(&table, &policy.tokens(), &mut notes).map_err(as_trained)?;
    let metadata = options.metadata.as_deref();
    let metadata = metadata.map(|path| study::metadata_beside(&table, path, &mut notes));
    let metadata = metadata.transpose()?;
    let categories = CategoryIds::new(&parts.categories, metadata.as_ref(), table.sample_ids())?;
    if let Some(text) = categories.warning() {
        observer.observe(&Event::Warning(&text))?;
    }
    let (scales, unseen) =
        TargetScales::new(&parts.targets, metadata.as_ref(), table.sample_ids())?;
    target_scales::warn(&unseen, observer)?;
    let batcher = Batcher {
        table: &table,
        sequences: &sequences,
        limit: policy.token_limit,
        sampling: options.asv_sampling.unwrap_or(policy.asv_sampling),
        chunk: CHUNK,
    };
    let rows: Vec<usize> = (0..table.num_samples()).collect();
    let base = &model.predictor.base;
    let embeddings = Embeddings::of_samples(base, &batcher, &rows, &device, |done, total| {
        observer.observe(&Event::Progress {
            what: "encoding ASVs",
            done,
            total,
        })
    })?;
    let (passes, note) = useful_passes(options.prediction_passes, &batcher, &rows);
    if let Some(note) = note {
        observer.observe(&Event::Warning(&format!("--prediction-passes: {note}")))?;
    } else if options.output_variance && passes == 1 {
        let text =
            "--output-variance: one pass has no spread; ask for more with --prediction-passes";
        observer.observe(&Event::Warning(text))?;
    }
    let mut mean = MeanPrediction::default();
    for pass in 0..passes {
        let mut predicted = Vec::with_capacity(rows.len());
        for batch in prediction_batches(&batcher, &rows, options.batch_size, policy.seed, pass) {
            let (batch, _) =
                predict_batch(&model, &scales, &embeddings, &batch, &categories, &device);
            predicted.extend(batch);
            observer.observe(&Event::Progress {
                what: "predicting samples",
                done: pass * rows.len() + predicted.len(),
                total: passes * rows.len(),
            })?;
        }
        mean.add(predicted);
    }
    let averaged = mean.finish();
    let spread = options.output_variance && passes > 1;
    let samples: Vec<PredictedSample<'_>> = table
        .sample_ids()
        .iter()
        .zip(&averaged)
        .map(|(id, (predictions, deviations))| PredictedSample {
            id,
            predictions,
            actual: None,
            spread: spread.then_some(deviations.as_slice()),
            fold: None,
        })
        .collect();
    write_whole(
        output,
        &predictions::tsv(&TargetColumn::of(&parts.targets), &samples)?,
    )?;
    observer.observe(&Event::Saved(output))
}

/// The error without the advice to set the run up otherwise: a prediction is set up as its model
/// was.
fn as_trained(error: RunError, table: Option<&Path>, policy: &DataPolicy) -> RunError {
    let RunError::Data(mut error) = error else {
        return error;
    };
    let help = error.help.as_deref().unwrap_or_default();
    if help.contains("--max-bp") {
        error.help = Some(format!(
            "the model was trained on sequences of up to {} bases: cut these to the same region, or train one with a greater --max-bp",
            policy.max_bp
        ));
    } else if help.contains("--rarefy-depth") {
        let depth = policy.rarefy_depth.unwrap_or_default();
        error.help = Some(format!(
            "the model was trained on samples of {depth} reads each and predicts only those with as many"
        ));
    }
    match table {
        Some(table) => error.file(table).into(),
        None => error.into(),
    }
}
