//! What a user can set for a run.
//!
//! One struct per command. Its fields are at once the flags of the command, the keys of a
//! configuration file and what a run directory records in `config.toml`; their documentation is
//! the help text. Components are chosen by name ([`Components`]) and never named here.

mod adaptation;
mod decisions;
mod level;
mod memory;
mod target;

use std::path::PathBuf;

use aam_api::Components;
use aam_api::options::{Facts, FileUse, Heading, Spelling};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_model::options::{MaskingOptions, ModelOptions, OutputOptions};
use aam_model::{AttnImplementation, MixedPrecision};
use aam_report::WatchOptions;
use aam_study::options::{CategoryOptions, DataOptions, SplitOptions};
pub use adaptation::AdaptationOptions;
pub use level::Level;
pub use memory::MemoryOptions;
pub use target::TargetOptions;

/// How a model is trained.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Training"))]
pub struct OptimizationOptions {
    /// Passes over the training samples, at most. With neither this nor `max-steps`, training ends
    /// when training samples that are held back are predicted best, after 200 passes or 1000 updates at
    /// the latest, pre-training after 400 updates; with attention pooling either after 100 passes.
    #[schemars(
        range(min = 1, max = 1_000_000_000),
        transform = Facts::new().may_change().lifts("max-steps").otherwise("by the pooling")
            .because("long enough on all studies of learning.md; a few seconds with abundance \
                pooling")
    )]
    pub epochs: Option<usize>,
    /// Updates of the weights, at most.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().lifts("epochs"))]
    pub max_steps: Option<usize>,
    /// Samples of a batch; without it 256 in training and 32 in pre-training, 8 with attention
    /// pooling.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change().otherwise("by the pooling")
            .because("with abundance pooling a small study fits one batch; distances learn from \
                many updates of 32")
    )]
    pub batch_size: Option<usize>,
    /// Batches whose gradients are averaged into one update.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change().because("as in the reference")
    )]
    pub gradient_accumulation_steps: usize,
    /// Highest learning rate; 0.003 without it, 0.001 with attention pooling.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().always_search(3e-4, 3e-2).otherwise("by the pooling")
            .because("highest rate that was stable everywhere; the small problem of abundance \
                pooling allows a high one")
    )]
    pub lr: Option<f64>,
    /// Weight decay of the weight matrices (not of norms, biases and embeddings); without
    /// it 0.01, and 0.05 in training with abundance pooling.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().may_change().always_search(1e-3, 0.5).otherwise("by the pooling")
            .because("by small comparisons, see learning.md")
    )]
    pub weight_decay: Option<f64>,
    /// Decay norms, biases and embeddings, too.
    #[schemars(transform = Facts::new().may_change())]
    pub decay_all: bool,
    /// Judge and save an exponential moving average of the weights, with this decay per update,
    /// such as 0.99.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub ema_decay: Option<f64>,
    /// Longest gradient, by its L2 norm over all parameters; longer ones are scaled down.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().because("one bad batch must not undo a run")
    )]
    pub max_grad_norm: Option<f64>,
    /// Epochs without improvement after which training stops.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change()
        .because("checkpoints keep the best epoch, and a cosine is meant to be finished"))]
    pub patience: Option<usize>,
    /// The validation metric that chooses the best checkpoint and drives early stopping.
    #[schemars(transform = Facts::new().word("val_loss", "loss").otherwise("by the target")
        .because("the metric of the task: a sum of losses is ruled by whichever is largest"))]
    pub best_metric: Option<String>,
    /// Seed of every random draw.
    #[schemars(transform = Facts::new().because("the same command gives the same result"))]
    pub seed: u64,
    /// Device: auto or cpu, and with the matching build cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new().may_change()
        .because("a GPU where there is one and the build knows it, else the CPU"))]
    pub device: String,
    /// How a GPU computes attention where nothing is learnt, after a check of its kernels.
    #[schemars(transform = Facts::new().may_change().word("mem_efficient", "auto")
        .word("sdpa", "auto")
        .because("the fused kernel of a GPU is used where a check before the run finds it right"))]
    pub attn_implementation: AttnImplementation,
    /// What a GPU computes matrix products in: none (32-bit numbers), bf16 or fp16. Weights, their
    /// updates, norms, sums and losses have 32 bits in any case.
    #[schemars(transform = Facts::new().may_change()
        .because("as in the reference; a CPU gains nothing from fewer bits, and a GPU only with \
            large models"))]
    pub mixed_precision: MixedPrecision,
    /// Directory that the run makes and fills.
    #[schemars(transform = Facts::new().file(FileUse::Written).names_run().required())]
    pub output_dir: Option<PathBuf>,
    /// Replace an output directory that exists.
    #[schemars(transform = Facts::new().names_run())]
    pub overwrite: bool,
    /// Go on with the run in the output directory, with its own settings; flags given beside change
    /// those that may change. Where there is no run yet, begin one.
    #[schemars(transform = Facts::new().names_run())]
    pub resume: bool,
    /// Updates after which a run is saved inside an epoch, to lose no more of it to a kill; 0 saves
    /// after epochs alone.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().changes_no_result()
        .because("a kill then costs minutes at most, and saving well below a hundredth of the \
            time"))]
    pub save_every: usize,
    /// Checkpoints of the last epochs to keep beside the best and the last one.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().changes_no_result()
        .because("the best and the last one are what is used; others only fill the disk"))]
    pub keep_checkpoints: usize,
    /// What is left for those who watch.
    #[serde(flatten)]
    pub watch: WatchOptions,
    /// Most ASVs that a GPU encodes at once; its memory grows with it, not with the batch. A CPU
    /// takes one a thread.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change()
            .because("activations of so many ASVs stay in a processor's cache; results do not \
                depend on it")
    )]
    pub asv_chunk_size: usize,
}

impl Default for OptimizationOptions {
    fn default() -> Self {
        Self {
            epochs: None,
            max_steps: None,
            batch_size: None,
            gradient_accumulation_steps: 1,
            lr: None,
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
    /// Sample metadata, for `where`, which chooses samples by them.
    #[schemars(transform = Facts::new().file(FileUse::Read).may_change())]
    pub metadata: Option<PathBuf>,
    /// Model.
    #[serde(flatten)]
    pub model: ModelOptions,
    /// Training.
    #[serde(flatten)]
    pub optimization: OptimizationOptions,
    /// Weight of the UniFrac loss.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("penalty")
            .because("1 in pre-training; 0 in training, where the target is what is asked for")
    )]
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss; 0 leaves its computation out.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("nuc-penalty")
            .because("1 in pre-training; 0 in training, where the target is what is asked for")
    )]
    pub nucleotide_weight: f64,
    /// Updates on masked nucleotides, before those on distances (with abundance pooling).
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change()
        .because("accuracy hardly rises after that, see learning.md"))]
    pub nucleotide_steps: usize,
    /// ASVs of a batch of masked nucleotides (with abundance pooling).
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change()
            .because("many small updates learn more in the same time")
    )]
    pub nucleotide_batch_size: usize,
    /// Masked nucleotides.
    #[serde(flatten)]
    pub masking: MaskingOptions,
    /// A component of each kind that pre-training chooses.
    #[serde(flatten)]
    #[schemars(skip)]
    pub components: Components,
}

/// Options of `aam train`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TrainOptions {
    /// Files.
    #[serde(flatten)]
    pub data: DataOptions,
    /// Sample metadata, TSV by QIIME 2's rules.
    #[schemars(transform = Facts::new().file(FileUse::Read).may_change().required())]
    pub metadata: Option<PathBuf>,
    /// Column or columns to predict.
    #[schemars(transform = Facts::new().required())]
    pub metadata_column: Vec<String>,
    /// The columns hold classes; without it plain numbers, such as 6.5 and not 6,5 or 65 %.
    pub classifier: bool,
    /// Words that are classes although they mean a missing value, such as unknown.
    pub keep_class: Vec<String>,
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
    /// What to start from: a run of `aam pretrain`, of which the best checkpoint is taken, or a
    /// checkpoint, also one of `aam import`.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub pretrained_encoder: Option<PathBuf>,
    /// Keep the encoder of ASVs as it is, so that each ASV is encoded once; the default with
    /// abundance pooling.
    #[schemars(transform = Facts::new().otherwise("by the pooling")
        .because("each ASV is then encoded once in the run; training it did not pay, see \
            learning.md"))]
    pub freeze_base: Option<bool>,
    /// Learning rate of what is there for categories only: embeddings, fusion, scales of the output;
    /// without it that of everything.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().because("one rate does for all")
    )]
    pub categorical_lr: Option<f64>,
    /// The base.
    #[serde(flatten)]
    pub adaptation: AdaptationOptions,
    /// Weight of the target loss.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("target-penalty").because("as in the reference")
    )]
    pub target_weight: f64,
    /// Weight of the UniFrac loss; needs distances or a tree.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("penalty")
            .because("1 in pre-training; 0 in training, where the target is what is asked for")
    )]
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss, for an encoder that learns; 0 leaves its computation
    /// out.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("nuc-penalty")
            .because("1 in pre-training; 0 in training, where the target is what is asked for")
    )]
    pub nucleotide_weight: f64,
    /// Masked nucleotides.
    #[serde(flatten)]
    pub masking: MaskingOptions,
    /// Weight of the loss of predicted abundances; 0 leaves the branch out.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().was("count-penalty")
            .spelling(Spelling::flag("count-prediction").sets("1").yields())
            .switch("no-count-prediction", "0")
            .because("the branch costs a stack of layers, and nothing uses its result")
    )]
    pub count_weight: f64,
    /// Predictions of each validation sample from random choices of its ASVs, whose mean counts; for
    /// `asv-sampling` random.
    #[schemars(
        range(min = 1, max = 100),
        transform = Facts::new().because("a sample whose ASVs all fit is the same each time")
    )]
    pub val_prediction_passes: usize,
    /// Trees of the Random Forest that is reported alongside the model; 0 leaves it out.
    #[schemars(
        range(max = 100_000),
        transform = Facts::new().may_change()
            .because("grown in seconds, compared with most trainings, and more trees change little")
    )]
    pub baseline_trees: usize,
    /// Methods whose mean is the prediction: network, and learners (`aam plugins list learner`), with
    /// options as in `forest:trees=300`. For `aam train`; other commands train the network alone.
    #[schemars(transform = Facts::new()
        .because("the best on the mean of the studies of learning.md"))]
    pub members: Vec<String>,
    /// Probability with which the interval of a number, or the prediction set of classes, holds what is
    /// true, by the errors of held-out samples; several, as in `0.8,0.95`, give several. For `aam train`
    /// on folds, and for its model in `aam predict`.
    #[schemars(transform = Facts::new()
        .because("wide enough to be relied on, narrow enough to be of use"))]
    pub interval: Vec<Level>,
    /// A component of each kind that training chooses.
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
            unifrac_weight: 1.0,
            nucleotide_weight: 1.0,
            nucleotide_steps: 1000,
            nucleotide_batch_size: 32,
            masking: MaskingOptions::default(),
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
            classifier: false,
            keep_class: Vec::new(),
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
            members: TrainOptions::default_members(),
            interval: vec![Level(0.8)],
            components: Components::default(),
        }
    }
}
