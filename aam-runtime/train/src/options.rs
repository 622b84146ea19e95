//! Options of the training commands.
//!
//! There is one struct per command. Its fields are the flags of the command, the keys of a
//! configuration file and the contents of `config.toml` in a run directory; their documentation is
//! the help text. Components are selected by name ([`Components`]) and never named here.

mod adaptation;
mod cache;
mod decisions;
mod level;
mod memory;
mod optimization;
mod target;

use std::path::PathBuf;

use aam_api::Components;
use aam_api::options::{Facts, FileUse, Spelling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_model::options::{MaskingOptions, ModelOptions, OutputOptions};
use aam_report::PresentationOptions;
use aam_study::options::{CategoryOptions, DataOptions, SplitOptions};
pub use adaptation::AdaptationOptions;
pub use cache::CacheOptions;
pub use level::Level;
pub use memory::MemoryOptions;
pub use optimization::OptimizationOptions;
pub use target::TargetOptions;

/// Options of `aam pretrain`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PretrainOptions {
    /// Input files.
    #[serde(flatten)]
    pub data: DataOptions,
    /// Sample metadata, for selecting samples with `where`.
    #[schemars(transform = Facts::new().file(FileUse::Read).may_change())]
    pub metadata: Option<PathBuf>,
    /// Model options.
    #[serde(flatten)]
    pub model: ModelOptions,
    /// Training options.
    #[serde(flatten)]
    pub optimization: OptimizationOptions,
    /// Memory limits.
    #[serde(flatten)]
    pub memory: MemoryOptions,
    /// Weight of the UniFrac loss.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("penalty")
            .because("1 in pre-training; 0 in training, where the objective is the target")
    )]
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss. 0 skips its computation.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("nuc-penalty")
            .because("1 in pre-training; 0 in training, where the objective is the target")
    )]
    pub nucleotide_weight: f64,
    /// Number of updates on masked nucleotides before those on distances (with abundance pooling).
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change()
        .because("accuracy hardly improves after that, see learning.md"))]
    pub nucleotide_steps: usize,
    /// ASVs per batch of masked nucleotides (with abundance pooling).
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change()
            .because("many small updates learn more than few large ones in the same time")
    )]
    pub nucleotide_batch_size: usize,
    /// Nucleotide masking.
    #[serde(flatten)]
    pub masking: MaskingOptions,
    /// Random changes to training samples, made in this order and drawn again in every epoch, with
    /// options as in `rarefaction:depth=1000` (`aam plugins list augmentation`). Samples that are
    /// evaluated or predicted are unchanged.
    #[schemars(transform = Facts::new().because("none has been shown to help"))]
    pub augmentation: Vec<String>,
    /// The component of each kind used in pre-training.
    #[serde(flatten)]
    #[schemars(skip)]
    pub components: Components,
}

/// Options of `aam train`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TrainOptions {
    /// Input files.
    #[serde(flatten)]
    pub data: DataOptions,
    /// Sample metadata (TSV, parsed by QIIME 2's rules).
    #[schemars(transform = Facts::new().common().file(FileUse::Read).may_change().required())]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    #[schemars(transform = Facts::new().common().required())]
    pub metadata_column: Vec<String>,
    /// Column of batches, such as sequencing runs or studies. What the samples of a batch have in
    /// common is removed, without using the target.
    #[schemars(transform = Facts::new().otherwise("batches are not distinguished"))]
    pub batch_column: Option<String>,
    /// Treat the columns as classes. By default, they must be plain numbers, such as 6.5 and not
    /// 6,5 or 65 %.
    #[schemars(transform = Facts::new().common())]
    pub classifier: bool,
    /// Words to treat as classes although they usually mark a missing value, such as unknown.
    pub keep_class: Vec<String>,
    /// How samples are held out.
    #[serde(flatten)]
    pub split: SplitOptions,
    /// Target scale and losses.
    #[serde(flatten)]
    pub target: TargetOptions,
    /// Categorical metadata.
    #[serde(flatten)]
    pub categories: CategoryOptions,
    /// Head output.
    #[serde(flatten)]
    pub output: OutputOptions,
    /// Model options.
    #[serde(flatten)]
    pub model: ModelOptions,
    /// Training options.
    #[serde(flatten)]
    pub optimization: OptimizationOptions,
    /// Memory limits.
    #[serde(flatten)]
    pub memory: MemoryOptions,
    /// Cache of embeddings.
    #[serde(flatten)]
    pub embedding_cache: CacheOptions,
    /// Starting point: a run directory of `aam pretrain`, whose best checkpoint is used, or a
    /// checkpoint, including one of `aam import`.
    #[schemars(transform = Facts::new().common().file(FileUse::Read))]
    pub pretrained_encoder: Option<PathBuf>,
    /// Freeze the ASV encoder, so that each ASV is encoded only once. Default with abundance
    /// pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("each ASV is then encoded once per run; training it did not help, see \
            learning.md"))]
    pub freeze_base: Option<bool>,
    /// Learning rate of the category-specific parameters: embeddings, fusion and output scales.
    /// Default: the overall learning rate.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().because("one rate works for all")
    )]
    pub categorical_lr: Option<f64>,
    /// Fine-tuning of the base.
    #[serde(flatten)]
    pub adaptation: AdaptationOptions,
    /// Weight of the target loss.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("target-penalty").because("as in the reference")
    )]
    pub target_weight: f64,
    /// Weight of the UniFrac loss. Requires distances or a tree.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("penalty")
            .because("1 in pre-training; 0 in training, where the objective is the target")
    )]
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss, for an encoder that is not frozen. 0 skips its
    /// computation.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("nuc-penalty")
            .switch("skip-nuc-predictions", "0")
            .spelling(Spelling::flag("keep-nuc-predictions").sets("1").yields())
            .because("1 in pre-training; 0 in training, where the objective is the target")
    )]
    pub nucleotide_weight: f64,
    /// Nucleotide masking.
    #[serde(flatten)]
    pub masking: MaskingOptions,
    /// Weight of the loss of the predicted abundances. 0 omits the branch.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("count-penalty")
            .spelling(Spelling::flag("count-prediction").sets("1").yields())
            .switch("no-count-prediction", "0")
            .because("the branch costs a stack of layers, and its output is not used")
    )]
    pub count_weight: f64,
    /// Number of predictions per validation sample, each from a random subset of its ASVs. The
    /// output is their mean. Requires `asv-sampling` random.
    #[schemars(
        range(min = 1, max = 100),
        transform = Facts::new().because("a sample whose ASVs all fit gives the same prediction each time")
    )]
    pub val_prediction_passes: usize,
    /// Number of trees in the Random Forest that is reported alongside the model. 0 omits it.
    #[schemars(
        range(max = 100_000),
        transform = Facts::new().may_change()
            .because("grown in seconds, faster than most networks train; more trees change little")
    )]
    pub baseline_trees: usize,
    /// Methods whose mean is the prediction: network, and learners (`aam plugins list learner`),
    /// with options as in `forest:trees=300` or `kernel:widths=[1,4]`. Used by `aam train`; other commands train the network
    /// alone.
    #[schemars(transform = Facts::new().common()
        .because("the best on average over the studies in learning.md"))]
    pub members: Vec<String>,
    /// Coverage probability of the prediction intervals (numbers) or prediction sets (classes),
    /// calibrated on the errors of held-out samples. Several values, as in `0.8,0.95`, give several
    /// intervals. Used by `aam train` with cross-validation, and by `aam predict` for its model.
    #[schemars(transform = Facts::new().common()
        .because("wide enough to be reliable, narrow enough to be useful"))]
    pub interval: Vec<Level>,
    /// Presentation of the targets.
    #[serde(flatten)]
    pub presentation: PresentationOptions,
    /// Random changes to training samples, made in this order and drawn again in every epoch, with
    /// options as in `rarefaction:depth=1000` (`aam plugins list augmentation`). Samples that are
    /// evaluated or predicted are unchanged.
    #[schemars(transform = Facts::new().because("none has been shown to help"))]
    pub augmentation: Vec<String>,
    /// The component of each kind used in training.
    #[serde(flatten)]
    #[schemars(skip)]
    pub components: Components,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        Self {
            data: DataOptions::default(),
            metadata: None,
            model: ModelOptions::default(),
            optimization: OptimizationOptions::default(),
            memory: MemoryOptions::default(),
            unifrac_weight: 1.0,
            nucleotide_weight: 1.0,
            nucleotide_steps: 1000,
            nucleotide_batch_size: 32,
            masking: MaskingOptions::default(),
            augmentation: Vec::new(),
            components: Components::default(),
        }
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            data: DataOptions::default(),
            metadata: None,
            metadata_column: Vec::new(),
            batch_column: None,
            classifier: false,
            keep_class: Vec::new(),
            split: SplitOptions::default(),
            target: TargetOptions::default(),
            categories: CategoryOptions::default(),
            output: OutputOptions::default(),
            model: ModelOptions::default(),
            optimization: OptimizationOptions::default(),
            memory: MemoryOptions::default(),
            embedding_cache: CacheOptions::default(),
            pretrained_encoder: None,
            freeze_base: None,
            categorical_lr: None,
            adaptation: AdaptationOptions::default(),
            target_weight: 1.0,
            unifrac_weight: 0.0,
            nucleotide_weight: 0.0,
            masking: MaskingOptions::default(),
            count_weight: 0.0,
            val_prediction_passes: 1,
            baseline_trees: 500,
            members: TrainOptions::default_members(),
            interval: vec![Level(0.8)],
            presentation: PresentationOptions::default(),
            augmentation: Vec::new(),
            components: Components::default(),
        }
    }
}
