//! `manifest.json`: everything about a checkpoint but the weights.

use aam_run::predictions::TargetColumn;
use std::collections::BTreeMap;

use aam_api::{FittedTransform, LossContext, Resolved};
use serde::{Deserialize, Serialize};

use aam_data::{AsvSampling, Orient, TokenOptions};
use aam_evaluation::metrics::Metric;
use aam_model::{ModelConfig, PredictorConfig};
use aam_study::categories::CategoryVocabulary;

/// Version of the checkpoint format that this program writes. Since 2, `last` holds what a run needs
/// to go on; since 3, a predictor over abundance pooling sees the composition of a sample, and the
/// manifest has a digest of itself.
pub const FORMAT: u32 = 3;
/// The oldest version of it that this program reads.
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
    /// What is on top of the pre-trained base, or nothing for a base alone.
    pub predictor: Option<PredictorManifest>,
    /// How samples became input.
    pub data: DataPolicy,
    /// Ids of the samples trained on.
    pub train_samples: Vec<String>,
    /// Ids of the samples validated on.
    pub validation_samples: Vec<String>,
    /// Epochs done.
    pub epoch: usize,
    /// Updates done.
    pub step: usize,
    /// Validation metrics of the last epoch done.
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
    pub better: Direction,
    /// The epoch, from 1.
    pub epoch: usize,
}

/// Which of two values of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The larger.
    Higher,
    /// The smaller.
    Lower,
}

/// The components on top of a base and what their outputs mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PredictorManifest {
    /// Options of the branch itself.
    pub config: PredictorConfig,
    /// The fusion.
    pub fusion: Resolved,
    /// The head.
    pub head: Resolved,
    /// The parallel strategy it was trained with.
    pub strategy: Resolved,
    /// The targets, in the order of the head's values.
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
    /// What its values are.
    pub values: TargetValues,
}

/// What the values of a target are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetValues {
    /// Numbers on a scale.
    Numbers(FittedTransform),
    /// Names of the classes, in the order of their indices.
    Classes(Vec<String>),
}

impl TargetValues {
    /// What a loss of such values is built for.
    pub fn loss_context(&self) -> LossContext {
        LossContext::new(self.classes().map(<[String]>::to_vec))
    }

    /// Names of the classes, if they are classes.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Self::Numbers(_) => None,
            Self::Classes(names) => Some(names),
        }
    }
}

/// How samples became input, so that prediction does the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPolicy {
    /// Longest sequence.
    pub max_bp: usize,
    /// Whether longer ones are cut.
    pub truncate: bool,
    /// Most ASVs of a sample.
    pub token_limit: usize,
    /// Which, where it has more.
    pub asv_sampling: AsvSampling,
    /// Reads drawn from each sample.
    pub rarefy_depth: Option<u32>,
    /// What happens to reverse complements.
    #[serde(default, skip_serializing_if = "Orient::is_as_is")]
    pub orient: Orient,
    /// Seed of the run, for the draw of reads.
    pub seed: u64,
}

impl DataPolicy {
    /// How sequences become tokens.
    pub fn tokens(&self) -> TokenOptions {
        TokenOptions {
            max_bp: self.max_bp,
            truncate: self.truncate,
        }
    }
}

/// Names and classes of the targets of a model, as tables of predictions have them.
pub fn target_columns(targets: &[TargetManifest]) -> Vec<TargetColumn<'_>> {
    let columns = targets.iter().map(|target| TargetColumn {
        name: &target.column,
        classes: target.values.classes(),
    });
    columns.collect()
}
