//! What a user can set for a run.
//!
//! One struct per command. Its fields are at once the flags of the command, the keys of a
//! configuration file and what a run directory records in `config.toml`; their documentation is
//! the help text. Components are chosen by name ([`Choice`]) and never named here.

mod adaptation;
mod category;
mod data;
mod masking;
mod memory;
mod output;
mod predict;
mod rf_baseline;
mod split;
mod target;
mod tree;
mod watch;

use std::path::PathBuf;

use aam_api::Choice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    AttnImplementation, CountEmbedding, CountScale, DistanceScale, MixedPrecision, Preset, Quirk,
    SamplePooling,
};
use crate::train::optimizer::OptimizerKind;
use crate::train::schedule::ScheduleKind;
pub use adaptation::AdaptationOptions;
pub use category::CategoryOptions;
pub use data::DataOptions;
pub use masking::MaskingOptions;
pub use memory::MemoryOptions;
pub use output::OutputOptions;
pub use predict::PredictOptions;
pub use rf_baseline::RfBaselineOptions;
pub use split::SplitOptions;
pub use target::TargetOptions;
pub use tree::TreeOptions;
pub use watch::WatchOptions;

/// Size and shape of the model; what is not given comes from the preset.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct ModelOptions {
    /// Sizes: tiny and small train in minutes on a laptop, base is the reference's size.
    pub preset: Preset,
    /// Width of every embedding.
    #[schemars(range(min = 1))]
    pub embedding_dim: Option<usize>,
    /// Attention heads of every transformer; must divide the width.
    #[schemars(range(min = 1))]
    pub attention_heads: Option<usize>,
    /// Layers of every transformer.
    pub attention_layers: Option<usize>,
    /// Dropout of every transformer, in [0, 1).
    pub dropout: Option<f64>,
    /// How the ASVs of a sample become one vector: sums weighted by abundance learn from a few
    /// dozen samples, attention wants thousands.
    pub pooling: Option<SamplePooling>,
    /// How abundance enters an ASV's embedding, with attention pooling.
    pub count_embedding: Option<CountEmbedding>,
    /// What is taken for abundance, with attention pooling.
    pub count_scale: Option<CountScale>,
    /// What distances between samples are measured in before they are compared with UniFrac.
    pub distance_scale: Option<DistanceScale>,
    /// Ways of the reference implementation to follow; `reference` stands for all of them.
    pub compatibility: Vec<Quirk>,
}

/// How a model is trained.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct OptimizationOptions {
    /// Passes over the training samples, at most. With neither this nor `max-steps`, training ends
    /// after 200 passes or 1000 updates, pre-training after 400 updates; with attention pooling
    /// either after 100 passes.
    pub epochs: Option<usize>,
    /// Updates of the weights, at most.
    pub max_steps: Option<usize>,
    /// Samples of a batch; without it 256 in training and 32 in pre-training, 8 with attention
    /// pooling.
    #[schemars(range(min = 1))]
    pub batch_size: Option<usize>,
    /// Batches whose gradients are averaged into one update.
    #[schemars(range(min = 1))]
    pub gradient_accumulation_steps: usize,
    /// Highest learning rate; 0.003 without it, 0.001 with attention pooling.
    pub lr: Option<f64>,
    /// How the learning rate changes over the run.
    pub scheduler: ScheduleKind,
    /// Updates over which the learning rate rises, where the schedule has a warm-up: a number from
    /// 1, or a fraction of the run below 1.
    pub warmup: f64,
    /// Updates of the first cycle of cosine-restarts; a quarter of the run without it.
    #[schemars(range(min = 1))]
    pub scheduler_t0: Option<usize>,
    /// How many times longer each cycle of cosine-restarts is than the one before.
    #[schemars(range(min = 1))]
    pub scheduler_t_mult: usize,
    /// Lowest learning rate of a cosine.
    pub scheduler_eta_min: f64,
    /// Epochs without improvement after which plateau lowers the learning rate.
    pub scheduler_patience: usize,
    /// What plateau multiplies the learning rate by.
    pub scheduler_factor: f64,
    /// Lowest learning rate of plateau.
    pub scheduler_min_lr: f64,
    /// What makes updates of gradients.
    pub optimizer: OptimizerKind,
    /// Weight decay of the weight matrices (not of norms, biases and embeddings); without
    /// it 0.01, and 0.05 in training with abundance pooling.
    pub weight_decay: Option<f64>,
    /// Decay norms, biases and embeddings, too.
    pub decay_all: bool,
    /// Judge and save an exponential moving average of the weights, with this decay per update,
    /// such as 0.99.
    pub ema_decay: Option<f64>,
    /// Longest gradient, by its L2 norm over all parameters; longer ones are scaled down.
    pub max_grad_norm: Option<f64>,
    /// Epochs without improvement after which training stops.
    pub patience: Option<usize>,
    /// The validation metric that chooses the best checkpoint and drives early stopping.
    pub best_metric: Option<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Device: auto or cpu, and with the matching build cuda[:N], rocm[:N] or vulkan[:N].
    pub device: String,
    /// How a GPU computes attention where nothing is learnt, after a check of its kernels.
    pub attn_implementation: AttnImplementation,
    /// What a GPU computes matrix products in: none (32-bit numbers), bf16 or fp16. Weights, their
    /// updates, norms, sums and losses have 32 bits in any case.
    pub mixed_precision: MixedPrecision,
    /// Directory that the run makes and fills.
    pub output_dir: Option<PathBuf>,
    /// Replace an output directory that exists.
    pub overwrite: bool,
    /// Go on with the run in the output directory, with its own settings; flags given beside change
    /// those that may change. Where there is no run yet, begin one.
    pub resume: bool,
    /// Updates after which a run is saved inside an epoch, to lose no more of it to a kill; 0 saves
    /// after epochs alone.
    pub save_every: usize,
    /// Checkpoints of the last epochs to keep beside the best and the last one.
    pub keep_checkpoints: usize,
    /// What is left for those who watch.
    #[serde(flatten)]
    pub watch: WatchOptions,
    /// Most ASVs that a GPU encodes at once; its memory grows with it, not with the batch. A CPU
    /// takes one a thread.
    #[schemars(range(min = 1))]
    pub asv_chunk_size: usize,
    /// Parallel strategy.
    #[schemars(skip)]
    pub strategy: Option<Choice>,
}

impl Default for OptimizationOptions {
    fn default() -> Self {
        Self {
            epochs: None,
            max_steps: None,
            batch_size: None,
            gradient_accumulation_steps: 1,
            lr: None,
            scheduler: ScheduleKind::default(),
            warmup: 0.1,
            scheduler_t0: None,
            scheduler_t_mult: 2,
            scheduler_eta_min: 0.0,
            scheduler_patience: 5,
            scheduler_factor: 0.3,
            scheduler_min_lr: 0.0,
            optimizer: OptimizerKind::default(),
            weight_decay: None,
            decay_all: false,
            ema_decay: None,
            max_grad_norm: Some(1.0),
            patience: None,
            best_metric: None,
            seed: 42,
            device: "auto".to_owned(),
            attn_implementation: AttnImplementation::default(),
            mixed_precision: MixedPrecision::default(),
            output_dir: None,
            overwrite: false,
            resume: false,
            save_every: 500,
            keep_checkpoints: 0,
            watch: WatchOptions::default(),
            asv_chunk_size: 64,
            strategy: None,
        }
    }
}

/// Options of `aam pretrain`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct PretrainOptions {
    /// Files.
    #[serde(flatten)]
    pub data: DataOptions,
    /// Model.
    #[serde(flatten)]
    pub model: ModelOptions,
    /// Training.
    #[serde(flatten)]
    pub optimization: OptimizationOptions,
    /// Weight of the UniFrac loss.
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss; 0 leaves its computation out.
    pub nucleotide_weight: f64,
    /// Updates on masked nucleotides, before those on distances (with abundance pooling).
    pub nucleotide_steps: usize,
    /// ASVs of a batch of masked nucleotides (with abundance pooling).
    #[schemars(range(min = 1))]
    pub nucleotide_batch_size: usize,
    /// Masked nucleotides.
    #[serde(flatten)]
    pub masking: MaskingOptions,
}

/// Options of `aam train`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TrainOptions {
    /// Files.
    #[serde(flatten)]
    pub data: DataOptions,
    /// Sample metadata, TSV by QIIME 2's rules.
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    pub metadata_column: Vec<String>,
    /// The columns hold classes, not numbers.
    pub classifier: bool,
    /// What is held out.
    #[serde(flatten)]
    pub split: SplitOptions,
    /// Scale and losses.
    #[serde(flatten)]
    pub target: TargetOptions,
    /// Categories.
    #[serde(flatten)]
    pub categories: CategoryOptions,
    /// Output.
    #[serde(flatten)]
    pub output: OutputOptions,
    /// Model.
    #[serde(flatten)]
    pub model: ModelOptions,
    /// Training.
    #[serde(flatten)]
    pub optimization: OptimizationOptions,
    /// Memory.
    #[serde(flatten)]
    pub memory: MemoryOptions,
    /// Checkpoint of `aam pretrain` or `aam import` to start from.
    pub pretrained_encoder: Option<PathBuf>,
    /// Keep the encoder of ASVs as it is, so that each ASV is encoded once; the default with
    /// abundance pooling.
    pub freeze_base: Option<bool>,
    /// Learning rate of what is there for categories only: embeddings, fusion, scales of the output;
    /// without it that of everything.
    pub categorical_lr: Option<f64>,
    /// The base.
    #[serde(flatten)]
    pub adaptation: AdaptationOptions,
    /// Weight of the target loss.
    pub target_weight: f64,
    /// Weight of the UniFrac loss; needs distances or a tree.
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss, for an encoder that learns; 0 leaves its computation
    /// out.
    pub nucleotide_weight: f64,
    /// Masked nucleotides.
    #[serde(flatten)]
    pub masking: MaskingOptions,
    /// Weight of the loss of predicted abundances; 0 leaves the branch out.
    pub count_weight: f64,
    /// Predictions of each validation sample from random choices of its ASVs, whose mean counts; for
    /// `asv-sampling` random.
    #[schemars(range(min = 1, max = 100))]
    pub val_prediction_passes: usize,
    /// Trees of the Random Forest whose figures stand beside the model's in the end; 0 leaves it
    /// out.
    #[schemars(range(max = 100_000))]
    pub baseline_trees: usize,
    /// Head of the model.
    #[schemars(skip)]
    pub head: Option<Choice>,
    /// Fusion of categorical metadata.
    #[schemars(skip)]
    pub fusion: Option<Choice>,
    /// Loss of the target.
    #[schemars(skip)]
    pub loss: Option<Choice>,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        Self {
            data: DataOptions::default(),
            model: ModelOptions::default(),
            optimization: OptimizationOptions::default(),
            unifrac_weight: 1.0,
            nucleotide_weight: 1.0,
            nucleotide_steps: 1000,
            nucleotide_batch_size: 32,
            masking: MaskingOptions::default(),
        }
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            data: DataOptions::default(),
            metadata: None,
            metadata_column: Vec::new(),
            classifier: false,
            split: SplitOptions::default(),
            target: TargetOptions::default(),
            categories: CategoryOptions::default(),
            output: OutputOptions::default(),
            model: ModelOptions::default(),
            optimization: OptimizationOptions::default(),
            memory: MemoryOptions::default(),
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
            head: None,
            fusion: None,
            loss: None,
        }
    }
}
