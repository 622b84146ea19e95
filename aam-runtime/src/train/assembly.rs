//! What `aam train` is assembled from: settings that go together, the parts of the model, a base that
//! is fitted to the samples.

use burn::module::Module;
use burn::tensor::Device;

use super::encoding::Embeddings;
use super::fitting::TrainingSamples;
use super::inference::FineTuned;
use super::target_losses::TargetLosses;
use super::target_scales::Scaling;
use super::targets::RawTargets;
use crate::batch::Batcher;
use crate::checkpoint::manifest::TargetManifest;
use crate::data::{Metadata, Split};
use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::model::{Base, ModelConfig, OutputConfig, PredictorConfig, SamplePooling};
use crate::options::TrainOptions;

/// Refuses settings that do not go together, and tells what comes of others.
pub(super) fn check_settings(
    options: &TrainOptions,
    pooling: SamplePooling,
    frozen: bool,
    pretrained: bool,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    if let Some(rate) = options.categorical_lr
        && !(rate.is_finite() && rate > 0.0)
    {
        return Err(RunError::Usage(format!(
            "--categorical-lr: expected a number above 0, found {rate}"
        )));
    }
    if options.categorical_lr.is_some() && options.categories.categorical_columns.is_empty() {
        return Err(RunError::Usage(
            "--categorical-lr: the run has no categories; name some with --categorical-columns"
                .to_owned(),
        ));
    }
    if options.count_weight > 0.0 && pooling == SamplePooling::Abundance {
        return Err(RunError::Usage(
            "--count-weight: abundances are guessed only with --pooling attention".to_owned(),
        ));
    }
    options.masking.config().validate()?;
    if frozen && options.nucleotide_weight > 0.0 {
        return Err(RunError::Usage(
            "--nucleotide-weight: a frozen base learns nothing of nucleotides; add --no-freeze-base"
                .to_owned(),
        ));
    }
    if frozen && !pretrained {
        observer.observe(&Event::Note(
            "no --pretrained-encoder: ASVs are embedded by an encoder that has not been trained, which tells them apart but knows nothing of nucleotides",
        ))?;
    }
    if frozen && options.unifrac_weight > 0.0 {
        observer.observe(&Event::Warning(
            "--unifrac-weight has no effect on a base that is kept as it is; let it learn with --no-freeze-base",
        ))?;
    }
    Ok(())
}

/// What the model has beyond its base and its components.
pub(super) fn predictor_config(options: &TrainOptions, model: &ModelConfig) -> PredictorConfig {
    let attention = model.pooling == SamplePooling::Attention;
    PredictorConfig {
        count_branch: options.count_weight > 0.0,
        target_norm: options.output.target_layer_norm.unwrap_or(attention),
        output: OutputConfig {
            conditional_scaling: options.output.conditional_output_scaling.clone(),
            learnable_scale: options.output.learnable_output_scale,
            activation: options.output.output_activation,
        },
    }
}

/// The targets with their losses and what the training samples say of their values.
pub(super) fn target_manifests(
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
                values: column.fit(scaling, &split.train, metadata, ids)?,
            })
        })
        .collect()
}

/// The model with a pre-trained base, if there is one, which does not learn if it is `frozen`.
pub(super) fn assembled(model: FineTuned, pretrained: Option<Base>, frozen: bool) -> FineTuned {
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

/// The model with a base fitted to the training samples, unless it `is_fitted`, and, if the base is
/// `frozen`, the embeddings of the ASVs of all samples.
pub(super) fn fitted(
    mut model: FineTuned,
    is_fitted: bool,
    frozen: bool,
    (batcher, split): (&Batcher<'_>, &Split),
    seed: u64,
    device: &Device,
    observer: &mut dyn Observer,
) -> Result<(FineTuned, Option<Embeddings>), RunError> {
    let is_fitted = is_fitted || !model.predictor.base.is_fitted_to_samples();
    if !frozen && is_fitted {
        return Ok((model, None));
    }
    let rows = [split.train.as_slice(), &split.validation].concat();
    let base = model.predictor.base.valid();
    let inner = device.clone().inner();
    let embeddings = Embeddings::of_samples(&base, batcher, &rows, &inner, |done, total| {
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
