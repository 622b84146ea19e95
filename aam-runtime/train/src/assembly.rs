//! Assembly of a predictor from targets and components, with a base fitted to the samples.

use aam_api::ViewShape;
use burn::module::Module;
use burn::tensor::Device;

use super::embedding_cache::EmbeddingCache;
use super::encoding::Embeddings;
use super::fitting::TrainingSamples;
use super::inference::FineTuned;
use super::target_losses::TargetLosses;
use super::target_scales::Scaling;
use super::targets::{RawTargets, fit};
use crate::checkpoint::manifest::TargetManifest;
use crate::options::TrainOptions;
use aam_data::{Metadata, Split};
use aam_model::batch::Batcher;
use aam_model::{Base, OutputConfig, PredictorConfig};
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// The configuration of the model in addition to its base and its components.
pub fn predictor_config(options: &TrainOptions, view: ViewShape) -> PredictorConfig {
    PredictorConfig {
        count_branch: options.count_weight > 0.0,
        target_norm: options
            .output
            .target_layer_norm
            .unwrap_or(view == ViewShape::Asvs),
        output: OutputConfig {
            conditional_scaling: options.output.conditional_output_scaling.clone(),
            learnable_scale: options.output.learnable_output_scale,
            activation: options.output.output_activation,
        },
    }
}

/// The targets with their losses and statistics of the training samples.
///
/// # Errors
/// A transform that does not fit the values.
pub fn target_manifests(
    scaling: &Scaling,
    targets: &RawTargets,
    split: &Split,
    losses: &TargetLosses,
    metadata: &Metadata,
    ids: &[String],
) -> Result<Vec<TargetManifest>, RunError> {
    let columns = targets.columns.iter().enumerate();
    columns
        .map(|(target, column)| {
            Ok(TargetManifest {
                column: column.name.clone(),
                loss: losses.of(target).clone(),
                values: fit(column, scaling, &split.train, metadata, ids)?,
            })
        })
        .collect()
}

/// Inserts a pre-trained base into the model, if there is one. It is not trained if `frozen`.
pub fn assembled(model: FineTuned, pretrained: Option<Base>, frozen: bool) -> FineTuned {
    let FineTuned {
        mut predictor,
        losses,
    } = model;
    if let Some(base) = pretrained {
        predictor = predictor.with_base(base);
    }
    if frozen {
        predictor = predictor.freeze_base();
    }
    FineTuned { predictor, losses }
}

/// Whether ASVs are encoded before training: if the base is `frozen`, or has yet to be fitted to
/// the samples.
pub fn encodes_first(model: &FineTuned, is_fitted: bool, frozen: bool) -> bool {
    frozen || (!is_fitted && model.predictor.base.is_fitted_to_samples())
}

/// Fits the base to the training samples, unless it `is_fitted`. If the base is `frozen`, also
/// returns the embeddings of the ASVs of all samples.
///
/// # Errors
/// Those of the observer.
pub fn fitted(
    mut model: FineTuned,
    is_fitted: bool,
    frozen: bool,
    (batcher, split, cache): (&Batcher<'_>, &Split, &EmbeddingCache),
    seed: u64,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(FineTuned, Option<Embeddings>), RunError> {
    if !encodes_first(&model, is_fitted, frozen) {
        return Ok((model, None));
    }
    let rows = [split.train.as_slice(), &split.validation].concat();
    let base = model.predictor.base.valid();
    let inner = device.clone().inner();
    let place = (&inner, cache);
    let embeddings = Embeddings::of_samples(&base, batcher, &rows, place, |done, total| {
        observer.observe(&Event::Progress {
            what: "encoding ASVs",
            done,
            total,
        })
    })?;
    let samples = TrainingSamples {
        batcher,
        embeddings: &embeddings,
        rows: &split.train,
        seed,
        device,
    };
    if !is_fitted {
        model.predictor.base = samples.fit(model.predictor.base);
    }
    Ok((model, frozen.then_some(embeddings)))
}
