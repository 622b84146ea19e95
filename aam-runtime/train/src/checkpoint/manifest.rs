//! `manifest.json`: everything about a checkpoint except the weights.

use aam_run::predictions::TargetColumn;
use std::collections::BTreeMap;

use aam_api::metric::Better;
use aam_api::{FittedTransform, LossContext, Resolved};
use serde::{Deserialize, Serialize};

use aam_data::{AsvSampling, Orient, TokenOptions};
use aam_evaluation::metrics::Metric;
use aam_model::{ModelConfig, PredictorConfig};
use aam_study::categories::CategoryVocabulary;

/// The checkpoint format version written by this program. Since 2, `last` contains everything
/// needed to resume a run; since 3, a predictor with abundance pooling sees the composition of a
/// sample, and the manifest has a digest of itself.
pub const FORMAT: u32 = 3;
/// The file of a checkpoint that says how features without sequences are related.
pub const KINSHIP: &str = "kinship.bin";
/// The file of a checkpoint that says how the network removes what batches have in common.
pub const BATCHES: &str = "batches.bin";
/// The oldest format version that this program reads.
pub const FIRST_FORMAT: u32 = 1;

/// The contents of `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Version of `aam` that wrote it.
    pub aam: String,
    /// Sizes of the model.
    pub model: ModelConfig,
    /// The predictor on top of the pre-trained base; `None` for a base alone.
    pub predictor: Option<PredictorManifest>,
    /// How samples are prepared as input.
    pub data: DataPolicy,
    /// The augmentations of the training samples, in order. Predictions do not use them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub augmentations: Vec<Resolved>,
    /// Ids of the training samples.
    pub train_samples: Vec<String>,
    /// Ids of the validation samples.
    pub validation_samples: Vec<String>,
    /// Completed epochs.
    pub epoch: usize,
    /// Completed updates.
    pub step: usize,
    /// Validation metrics of the last completed epoch.
    pub metrics: Vec<Metric>,
    /// The best epoch so far, where validation samples choose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestEpoch>,
    /// SHA-256 of each other file of the checkpoint.
    pub files: BTreeMap<String, String>,
}

/// The best epoch, and the metric that chose it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestEpoch {
    /// The metric, with its value in that epoch.
    pub metric: Metric,
    /// Which of two values is better.
    pub better: Better,
    /// The epoch, from 1.
    pub epoch: usize,
}

/// The components on top of a base, and the meaning of their outputs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PredictorManifest {
    /// Configuration of the predictor itself.
    pub config: PredictorConfig,
    /// The fusion.
    pub fusion: Resolved,
    /// The head.
    pub head: Resolved,
    /// The parallel strategy used in training.
    pub strategy: Resolved,
    /// The targets, in the order of the head's outputs.
    pub targets: Vec<TargetManifest>,
    /// The categorical columns.
    pub categories: CategoryVocabulary,
}

/// A target column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TargetManifest {
    /// Name of the metadata column.
    pub column: String,
    /// Its loss.
    pub loss: Resolved,
    /// The kind of its values.
    pub values: TargetValues,
}

/// The values of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetValues {
    /// Numbers with a scale.
    Numbers(FittedTransform),
    /// Names of the classes, in the order of their indices.
    Classes(Vec<String>),
}

impl TargetValues {
    /// The context in which a loss for such values is built.
    pub fn loss_context(&self) -> LossContext {
        LossContext::new(self.classes().map(<[String]>::to_vec))
    }

    /// Names of the classes, if the target is categorical.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Self::Numbers(_) => None,
            Self::Classes(names) => Some(names),
        }
    }
}

/// How samples are prepared as input, so that prediction does the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPolicy {
    /// Maximum sequence length.
    pub max_bp: usize,
    /// Whether longer sequences are truncated.
    pub truncate: bool,
    /// Maximum number of ASVs per sample.
    pub token_limit: usize,
    /// Which ASVs to use if a sample has more.
    pub asv_sampling: AsvSampling,
    /// Rarefaction depth.
    pub rarefy_depth: Option<u32>,
    /// How reverse complements are handled.
    #[serde(default, skip_serializing_if = "Orient::is_as_is")]
    pub orient: Orient,
    /// Random seed of the run, for rarefaction.
    pub seed: u64,
}

impl DataPolicy {
    /// How sequences are tokenised.
    pub fn tokens(&self) -> TokenOptions {
        TokenOptions {
            max_bp: self.max_bp,
            truncate: self.truncate,
        }
    }
}

/// Names and classes of the targets of a model, for prediction tables.
pub fn target_columns(targets: &[TargetManifest]) -> Vec<TargetColumn<'_>> {
    let columns = targets.iter().map(|target| TargetColumn {
        name: &target.column,
        classes: target.values.classes(),
    });
    columns.collect()
}
