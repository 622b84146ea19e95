//! Settings of a prediction.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::AsvSampling;
use aam_model::MixedPrecision;
use aam_train::options::Level;

use super::{GivenTableOptions, SelectionOptions};

/// Options of `aam predict`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PredictOptions {
    /// Run of `aam train`, of which the best checkpoint is taken, or a checkpoint in it.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub model: Option<PathBuf>,
    /// The table.
    #[serde(flatten)]
    pub given: GivenTableOptions,
    /// Sample metadata, where the model sees categorical columns, the target has a scale in each
    /// category, or `where` chooses samples.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Which samples.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Which ASVs, where a sample has more than the model takes; as in training without it.
    #[schemars(transform = Facts::new()
        .because("the most abundant ASVs say most; the order of a table is arbitrary"))]
    pub asv_sampling: Option<AsvSampling>,
    /// Predictions of each sample from random choices of its ASVs, whose mean is written; for
    /// `asv-sampling` random.
    #[schemars(
        range(min = 1, max = 100),
        transform = Facts::new().because("a sample whose ASVs all fit is the same each time")
    )]
    pub prediction_passes: usize,
    /// Write how far the passes spread (their standard deviation), too.
    pub output_variance: bool,
    /// Leave the predictions empty of samples that are unlike the training samples: further from
    /// them than these from one another, or with fewer ASVs in common.
    pub abstain: bool,
    /// Keep the counts of the table in a file beside the output instead of in memory, for tables
    /// that are larger than it; ids and sequences stay in memory.
    #[schemars(transform = Facts::new().changes_no_result())]
    pub streaming: bool,
    /// Probability with which the interval of a number, or the prediction set of classes, holds what is
    /// true; several, as in `0.8,0.95`, give several; without it those of the training.
    #[schemars(transform = Facts::new().otherwise("those of the training"))]
    pub interval: Vec<Level>,
    /// Where the predictions go (TSV that QIIME 2 reads as metadata).
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output: Option<PathBuf>,
    /// Samples of a batch.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new()
            .because("with abundance pooling a small study fits one batch; distances learn from \
                many updates of 32")
    )]
    pub batch_size: usize,
    /// Device: auto or cpu, and with the matching build cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new()
        .because("a GPU where there is one and the build knows it, else the CPU"))]
    pub device: String,
    /// What a GPU computes matrix products in: none (32-bit numbers), bf16 or fp16.
    #[schemars(transform = Facts::new()
        .because("as in the reference; a CPU gains nothing from fewer bits, and a GPU only with \
            large models"))]
    pub mixed_precision: MixedPrecision,
    /// Replace an output file that exists.
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
            overwrite: false,
        }
    }
}
