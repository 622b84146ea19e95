//! Options of `aam predict`.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::AsvSampling;
use aam_model::MixedPrecision;
use aam_train::options::{CacheOptions, Level};

use super::{GivenTableOptions, SelectionOptions};

/// Options of `aam predict`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PredictOptions {
    /// Run directory of `aam train`, whose best checkpoint is used, or a checkpoint in it.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub model: Option<PathBuf>,
    /// The table.
    #[serde(flatten)]
    pub given: GivenTableOptions,
    /// Sample metadata. Required if the model uses categorical columns or batches, if the target is
    /// scaled within categories, or if `where` selects samples.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Which ASVs to use if a sample has more than the model takes. Default: as in training.
    #[schemars(transform = Facts::new()
        .because("the most abundant ASVs are the most informative; the order of a table is arbitrary"))]
    pub asv_sampling: Option<AsvSampling>,
    /// Number of predictions per sample, each from a random subset of its ASVs. The output is their
    /// mean. Requires `asv-sampling` random.
    #[schemars(
        range(min = 1, max = 100),
        transform = Facts::new().because("a sample whose ASVs all fit gives the same prediction each time")
    )]
    pub prediction_passes: usize,
    /// Also write the standard deviation across these predictions.
    pub output_variance: bool,
    /// Leave the predictions empty for samples that are unlike the training samples: those that are
    /// further from them than the training samples are from one another, or that share fewer ASVs
    /// with them.
    pub abstain: bool,
    /// Keep the table's counts in a file next to the output instead of in memory, for tables that
    /// do not fit in memory. Ids and sequences stay in memory.
    #[schemars(transform = Facts::new().changes_no_result())]
    pub streaming: bool,
    /// Coverage probability of the prediction intervals (numbers) or prediction sets (classes).
    /// Several values, as in `0.8,0.95`, give several intervals. Default: as in training.
    #[schemars(transform = Facts::new().otherwise("those used in training"))]
    pub interval: Vec<Level>,
    /// Output file of the predictions (TSV that QIIME 2 reads as metadata).
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output: Option<PathBuf>,
    /// Samples per batch.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new()
            .because("with abundance pooling a small study fits one batch; distances need \
                many updates of 32")
    )]
    pub batch_size: usize,
    /// Device: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU if there is one that the build supports, otherwise the CPU"))]
    pub device: String,
    /// Precision of matrix products on a GPU: none (32-bit floats), bf16 or fp16.
    #[schemars(transform = Facts::new()
        .because("as in the reference; a CPU gains nothing from fewer bits, and a GPU only with \
            large models"))]
    pub mixed_precision: MixedPrecision,
    /// Cache of embeddings.
    #[serde(flatten)]
    pub embedding_cache: CacheOptions,
    /// Overwrite an existing output file.
    pub overwrite: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            model: None,
            given: GivenTableOptions::default(),
            metadata: None,
            selection: SelectionOptions::default(),
            asv_sampling: None,
            prediction_passes: 1,
            output_variance: false,
            abstain: false,
            streaming: false,
            interval: Vec::new(),
            output: None,
            batch_size: 32,
            device: "auto".to_owned(),
            mixed_precision: MixedPrecision::None,
            embedding_cache: CacheOptions::default(),
            overwrite: false,
        }
    }
}
