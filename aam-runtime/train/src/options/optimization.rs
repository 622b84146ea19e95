//! How a model is trained.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse, Heading};
use aam_model::{AttnImplementation, MixedPrecision};
use aam_report::WatchOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a model is trained.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Training"))]
pub struct OptimizationOptions {
    /// Maximum number of epochs. If neither this nor `max-steps` is given, training ends when
    /// predictions for held-back training samples stop improving, after at most 200 epochs or 1000
    /// updates; pre-training ends after 400 updates. With attention pooling, both end after 100
    /// epochs.
    #[schemars(
        range(min = 1, max = 1_000_000_000),
        transform = Facts::new().common().may_change().lifts(&["max-steps"]).otherwise("by the pooling")
            .because("long enough for all studies in learning.md; a few seconds with abundance \
                pooling")
    )]
    pub epochs: Option<usize>,
    /// Maximum number of weight updates; of pre-training in two stages, in the second (the first has
    /// `nucleotide-steps`).
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().lifts(&["epochs"]))]
    pub max_steps: Option<usize>,
    /// Samples per batch. Default: 256 for training, 32 for pre-training, and 8 with attention
    /// pooling.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change().otherwise("by the pooling")
            .because("with abundance pooling a small study fits one batch; distances need \
                many updates of 32")
    )]
    pub batch_size: Option<usize>,
    /// Number of batches whose gradients are averaged into one update.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change().because("as in the reference")
    )]
    pub gradient_accumulation_steps: usize,
    /// Maximum learning rate. Default: 0.003, or 0.001 with attention pooling.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().always_search(3e-4, 3e-2).otherwise("by the pooling")
            .because("highest rate that was stable in all tests; the small problem of abundance \
                pooling allows a high one")
    )]
    pub lr: Option<f64>,
    /// Weight decay of the weight matrices (norms, biases and embeddings are excluded). Default:
    /// 0.01, or 0.05 for training with abundance pooling.
    #[schemars(
        range(min = 0.0),
        transform = Facts::new().may_change().always_search(1e-3, 0.5).otherwise("by the pooling")
            .because("from small comparisons, see learning.md")
    )]
    pub weight_decay: Option<f64>,
    /// Apply weight decay to norms, biases and embeddings, too.
    #[schemars(transform = Facts::new().may_change())]
    pub decay_all: bool,
    /// Evaluate and save an exponential moving average of the weights, with this decay per update,
    /// such as 0.99.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub ema_decay: Option<f64>,
    /// Maximum L2 norm of the gradient over all parameters. Longer gradients are scaled down.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().may_change().because("one bad batch must not undo a run")
    )]
    pub max_grad_norm: Option<f64>,
    /// Number of epochs without improvement after which training stops.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change()
        .because("checkpoints keep the best epoch, and a cosine schedule is meant to be completed"))]
    pub patience: Option<usize>,
    /// Validation metric that selects the best checkpoint and drives early stopping.
    #[schemars(transform = Facts::new().word("val_loss", "loss").otherwise("by the target")
        .because("the metric of the task: a sum of losses is dominated by the largest"))]
    pub best_metric: Option<String>,
    /// Seed of the random number generator.
    #[schemars(transform = Facts::new().common().because("the same command gives the same result"))]
    pub seed: u64,
    /// Device: auto, cpu or, with the matching build, cuda[:N], rocm[:N] or vulkan[:N].
    #[schemars(transform = Facts::new().common().may_change()
        .because("a GPU if there is one that the build supports, otherwise the CPU"))]
    pub device: String,
    /// How a GPU computes attention during inference, after its kernels have been checked.
    #[schemars(transform = Facts::new().may_change().word("mem_efficient", "auto")
        .word("sdpa", "auto")
        .because("the fused GPU kernel is used if it passes a check before the run"))]
    pub attn_implementation: AttnImplementation,
    /// Precision of matrix products on a GPU: none (32-bit floats), bf16 or fp16. Weights, updates,
    /// norms, sums and losses are always 32-bit.
    #[schemars(transform = Facts::new().may_change()
        .because("as in the reference; a CPU gains nothing from fewer bits, and a GPU only with \
            large models"))]
    pub mixed_precision: MixedPrecision,
    /// Output directory of the run.
    #[schemars(transform = Facts::new().common().file(FileUse::Written).names_run().required())]
    pub output_dir: Option<PathBuf>,
    /// Overwrite an existing output directory.
    #[schemars(transform = Facts::new().common().names_run())]
    pub overwrite: bool,
    /// Resume the run in the output directory with its own settings. Flags given in addition
    /// override those settings that may change. If there is no run yet, start one.
    #[schemars(transform = Facts::new().common().names_run())]
    pub resume: bool,
    /// Number of updates after which a run is saved within an epoch, so that less is lost if it is
    /// killed. 0 saves only after epochs.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().changes_no_result()
        .because("a killed run then loses minutes at most, and saving takes well below 1 % of the \
            time"))]
    pub save_every: usize,
    /// Number of recent epochs whose checkpoints are kept in addition to the best and the last one.
    #[schemars(range(max = 1_000_000_000), transform = Facts::new().may_change().changes_no_result()
        .because("only the best and the last one are used; others only fill the disk"))]
    pub keep_checkpoints: usize,
    /// Output for monitoring.
    #[serde(flatten)]
    pub watch: WatchOptions,
    /// Maximum number of points in the plots of predicted against true values of the validation
    /// samples; if there are more, every n-th is kept. Metrics always use all of them.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change().changes_no_result()
            .because("as in the reference; more points would cover each other")
    )]
    pub validation_plot_samples: usize,
    /// Maximum number of ASVs that a GPU encodes at once. GPU memory use grows with it, not with
    /// the batch size. A CPU encodes one per thread.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().may_change()
            .because("activations of this many ASVs fit in the processor's cache; results do not \
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
            validation_plot_samples: 1000,
            asv_chunk_size: 64,
        }
    }
}

impl OptimizationOptions {
    /// Whether the options define the length of a run or when it ends.
    pub fn says_how_long(&self) -> bool {
        self.epochs.is_some() || self.max_steps.is_some() || self.patience.is_some()
    }
}
