//! `aam export`: a trained model in a format that other programs run.

mod categories;
mod description;
mod limit;
mod model;
mod vocabulary;

use std::path::Path;

use aam_api::export::ModelProto;
use aam_data::Ids;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::{named_directory, refused_directory, write_whole, write_whole_bytes};
use aam_run::{RunError, settings};
use burn::tensor::Tensor;

use self::description::Description;
use self::model::ExportedModel;
use self::vocabulary::Vocabulary;
use crate::loaded_predictor::{LoadedPredictor, ModelSource};
use crate::options::ExportOptions;

/// The file of the model.
const MODEL: &str = "model.onnx";
/// The file that describes it.
const DESCRIPTION: &str = "model.json";
/// Maximum size of a Protocol Buffers message in bytes.
const MOST_BYTES: usize = i32::MAX as usize;

/// Exports a model.
///
/// # Errors
/// Files that cannot be read or written, a checkpoint that cannot be used, or a model that cannot be
/// exported.
pub fn export(options: &ExportOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    settings::check(options)?;
    let source = ModelSource::of(options.model.as_deref(), &options.device)?;
    let path = checked(options)?;
    let predictor = LoadedPredictor::read(&source, observer)?;
    check(&predictor)?;
    let vocabulary = Vocabulary::read(options, &predictor, observer)?;
    let embeddings = vocabulary.embeddings(&predictor, options, observer)?;
    let exported = ExportedModel::new(&predictor, vocabulary.asvs(), embeddings)?;
    if let Some(depth) = predictor.policy.rarefy_depth {
        observer.observe(&Event::Warning(&format!(
            "the model was trained on samples of {depth} reads each, drawn at random; the exported model does not draw them, so give it rarefied counts"
        )))?;
    }
    let description = Description::new(MODEL, &predictor, &vocabulary, &exported.intervals);
    let version = env!("CARGO_PKG_VERSION");
    let model = exported.graph.into_model(version, &about(&predictor));
    write(path, &model, &description)?;
    observer.observe(&Event::Saved(path))
}

/// The output directory.
fn checked(options: &ExportOptions) -> Result<&Path, RunError> {
    let path = named_directory(options.output_dir.as_deref())?;
    let holds = [MODEL, DESCRIPTION].map(|name| path.join(name));
    match !options.overwrite && holds.iter().any(|file| file.exists()) {
        true => Err(refused_directory(
            path,
            "the directory contains an exported model; choose another one, or replace it with --overwrite",
        )),
        false => Ok(path),
    }
}

/// Refuses what cannot be exported, before files of ASVs are read.
fn check(predictor: &LoadedPredictor) -> Result<(), RunError> {
    let members = predictor.members.as_ref();
    let centres = members.is_some_and(|members| members.centres_batches());
    if predictor.batches.is_some() || centres {
        return Err(RunError::setting(
            "model",
            "it centres the samples of each batch (--batch-column), which depends on all samples that are predicted together and cannot be exported; train without it, or predict with `aam predict`",
        ));
    }
    // One ASV stands in for those of the table.
    let dim = predictor.model.predictor.base.dim();
    let embedding = Tensor::zeros([1, dim], &predictor.device);
    let stand_in: Ids = ["ASV"].into_iter().collect();
    ExportedModel::new(predictor, &stand_in, embedding)?;
    Ok(())
}

/// What the model does.
fn about(predictor: &LoadedPredictor) -> String {
    let targets = predictor.parts.targets.iter();
    let targets: Vec<&str> = targets.map(|target| target.column.as_str()).collect();
    format!(
        "Predicts {} from the reads of ASVs; {DESCRIPTION} describes inputs and outputs.",
        targets.join(", ")
    )
}

fn write(path: &Path, model: &ModelProto, description: &Description) -> Result<(), RunError> {
    let bytes = model.bytes();
    if bytes.len() > MOST_BYTES {
        let problem = format!(
            "the model would have {:.1} GB, and a file of this format has at most 2 GB; name a --table with fewer ASVs",
            bytes.len() as f64 / 1e9
        );
        return Err(RunError::setting("format", problem));
    }
    write_whole_bytes(&path.join(MODEL), &bytes)?;
    write_whole(&path.join(DESCRIPTION), &description.text())
}
