//! Import of a reference implementation's file as a checkpoint for further training.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;

use super::directory::{self, WEIGHTS};
use super::import_reference::{ImportError, ImportReport, ReferenceWeights};
use super::manifest::{DataPolicy, FORMAT, Manifest};
use aam_data::{AsvSampling, Orient};
use aam_model::Base;
use aam_run::RunError;

/// Writes the base of the model in `file` as the checkpoint directory `output`, for
/// `--pretrained-encoder`. `heads` is the number of attention heads, which cannot be inferred from
/// the weights.
///
/// # Errors
/// A file without such a model, or an `output` that exists or cannot be written.
pub fn import(file: &Path, output: &Path, heads: usize) -> Result<ImportReport, RunError> {
    if output.exists() {
        let problem = "already exists; choose a new directory";
        let path = output.display().to_string();
        return Err(RunError::value("output", path, problem));
    }
    let weights = ReferenceWeights::read(file).map_err(unreadable)?;
    let model = weights.model_config(heads).map_err(unreadable)?;
    let base = Base::init(&model, &Device::flex())?;
    let (base, report) = weights.load_base(base).map_err(unreadable)?;
    let manifest = Manifest {
        format: FORMAT,
        aam: env!("CARGO_PKG_VERSION").to_owned(),
        data: DataPolicy {
            max_bp: model.max_bp,
            truncate: false,
            token_limit: model.token_limit,
            asv_sampling: AsvSampling::default(),
            rarefy_depth: None,
            orient: Orient::AsIs,
            seed: 0,
        },
        model,
        predictor: None,
        augmentations: Vec::new(),
        train_samples: Vec::new(),
        validation_samples: Vec::new(),
        epoch: 0,
        step: 0,
        metrics: Vec::new(),
        best: None,
        files: BTreeMap::new(),
    };
    directory::save(output, &manifest, &[(WEIGHTS, &directory::weights(&base)?)])?;
    Ok(report)
}

fn unreadable(error: ImportError) -> RunError {
    RunError::checkpoint(error.path, error.problem)
}
