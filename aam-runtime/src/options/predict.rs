//! Settings of a prediction.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::AsvSampling;
use crate::model::MixedPrecision;

/// Options of `aam predict`; everything else comes from the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PredictOptions {
    /// Checkpoint directory of `aam train`.
    pub model: Option<PathBuf>,
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    pub table: Option<PathBuf>,
    /// Sequences of the ASVs, where the ids in the table are not the sequences themselves.
    pub sequences: Option<PathBuf>,
    /// Sample metadata, where the model sees categorical columns, or the target has a scale in each
    /// category.
    pub metadata: Option<PathBuf>,
    /// File of sample ids to predict, one a line; all samples of the table without it.
    pub samples: Option<PathBuf>,
    /// Which ASVs, where a sample has more than the model takes; as in training without it.
    pub asv_sampling: Option<AsvSampling>,
    /// Predictions of each sample from random choices of its ASVs, whose mean is written; for
    /// `asv-sampling` random.
    #[schemars(range(min = 1, max = 100))]
    pub prediction_passes: usize,
    /// Write how far the passes spread (their standard deviation), too.
    pub output_variance: bool,
    /// Keep the counts of the table in a file beside the output instead of in memory, for tables
    /// that are larger than it; ids and sequences stay in memory.
    pub streaming: bool,
    /// Where the predictions go (TSV that QIIME 2 reads as metadata).
    pub output: Option<PathBuf>,
    /// Samples of a batch.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Device: auto or cpu, and with the matching build cuda[:N], rocm[:N] or vulkan[:N].
    pub device: String,
    /// What a GPU computes matrix products in: none (32-bit numbers), bf16 or fp16.
    pub mixed_precision: MixedPrecision,
    /// Replace an output file that exists.
    pub overwrite: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            model: None,
            table: None,
            sequences: None,
            metadata: None,
            samples: None,
            asv_sampling: None,
            prediction_passes: 1,
            output_variance: false,
            streaming: false,
            output: None,
            batch_size: 32,
            device: "auto".to_owned(),
            mixed_precision: MixedPrecision::None,
            overwrite: false,
        }
    }
}
