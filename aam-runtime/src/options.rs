//! What a user can set for a run.
//!
//! One struct per command. Its fields are at once the flags of the command, the keys of a
//! configuration file and what a run directory records in `config.toml`; their documentation is
//! the help text. Components are chosen by name ([`Choice`]) and never named here.

mod category;
mod output;
mod target;

use std::path::PathBuf;

use aam_api::Choice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::AsvSampling;
use crate::model::{
    CountEmbedding, CountScale, DistanceScale, MaskStrategy, Preset, Quirk, SamplePooling,
};
use crate::train::optimizer::OptimizerKind;
use crate::train::schedule::ScheduleKind;
pub use category::CategoryOptions;
pub use output::OutputOptions;
pub use target::TargetOptions;

/// Files of a study, and what is taken from them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct DataOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    pub table: Option<PathBuf>,
    /// Sequences of the ASVs (FASTA or FeatureData[Sequence] .qza), where the ids in the table are
    /// not the sequences themselves.
    pub sequences: Option<PathBuf>,
    /// UniFrac distances: .npy, .h5, TSV, CSV or DistanceMatrix .qza. With the metric faith-pd, one
    /// value per sample: TSV, CSV or .npy.
    pub unifrac_matrix: Option<PathBuf>,
    /// Ids of the rows of a matrix file that holds none (.npy), one a line.
    pub unifrac_ids: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza) to compute UniFrac from.
    pub tree: Option<PathBuf>,
    /// UniFrac computed from the tree: unweighted, weighted, weighted-normalized, generalized:ALPHA;
    /// or faith-pd, the phylogenetic diversity of each sample, to be learnt in place of distances;
    /// or bray-curtis or jaccard, distances that the table gives without a tree.
    pub unifrac_metric: String,
    /// Leave out ASVs that the tree lacks, and print the fraction of reads lost.
    pub drop_missing: bool,
    /// Length of the tree's branches that have none, such as 0; without it they are an error.
    pub missing_length: Option<f64>,
    /// Longest sequence, in bases.
    pub max_bp: usize,
    /// Cut longer sequences instead of refusing them.
    pub truncate: bool,
    /// Most ASVs of one sample that the model sees at a time.
    pub token_limit: usize,
    /// Which ASVs, where a sample has more than the limit.
    pub asv_sampling: AsvSampling,
    /// Reads drawn from each sample, without replacement; samples with fewer are left out.
    pub rarefy_depth: Option<u32>,
    /// Fraction of the samples held out for validation.
    pub test_size: f64,
    /// File of sample ids to train on, one a line; with it, `validation-samples`.
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one a line; the others are for training unless listed.
    pub validation_samples: Option<PathBuf>,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            table: None,
            sequences: None,
            unifrac_matrix: None,
            unifrac_ids: None,
            tree: None,
            unifrac_metric: "unweighted".to_owned(),
            drop_missing: false,
            missing_length: None,
            max_bp: 150,
            truncate: false,
            token_limit: 1024,
            asv_sampling: AsvSampling::Abundance,
            rarefy_depth: None,
            test_size: 0.2,
            train_samples: None,
            validation_samples: None,
        }
    }
}

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
    /// Longest gradient, by its L2 norm over all parameters; longer ones are scaled down.
    pub max_grad_norm: Option<f64>,
    /// Epochs without improvement after which training stops.
    pub patience: Option<usize>,
    /// The validation metric that chooses the best checkpoint and drives early stopping.
    pub best_metric: Option<String>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Device: auto or cpu, and with the matching build cuda[:N] or rocm[:N].
    pub device: String,
    /// Directory that the run makes and fills.
    pub output_dir: Option<PathBuf>,
    /// Replace an output directory that exists.
    pub overwrite: bool,
    /// Most ASVs encoded at once; memory grows with it, not with the batch.
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
            max_grad_norm: Some(1.0),
            patience: None,
            best_metric: None,
            seed: 42,
            device: "auto".to_owned(),
            output_dir: None,
            overwrite: false,
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
    /// Fraction of the nucleotides that are masked.
    pub nuc_mask_ratio: f64,
    /// Which nucleotides are masked: each by itself, or spans of 3 to 5.
    pub nuc_mask_strategy: MaskStrategy,
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
    /// Checkpoint of `aam pretrain` or `aam import` to start from.
    pub pretrained_encoder: Option<PathBuf>,
    /// Keep the encoder of ASVs as it is, so that each ASV is encoded once; the default with
    /// abundance pooling.
    pub freeze_base: Option<bool>,
    /// Learning rate of what is there for categories only: embeddings, fusion, scales of the output;
    /// without it that of everything.
    pub categorical_lr: Option<f64>,
    /// Weight of the target loss.
    pub target_weight: f64,
    /// Weight of the UniFrac loss; needs distances or a tree.
    pub unifrac_weight: f64,
    /// Weight of the masked-nucleotide loss, for an encoder that learns; 0 leaves its computation
    /// out.
    pub nucleotide_weight: f64,
    /// Fraction of the nucleotides that are masked.
    pub nuc_mask_ratio: f64,
    /// Which nucleotides are masked: each by itself, or spans of 3 to 5.
    pub nuc_mask_strategy: MaskStrategy,
    /// Weight of the loss of predicted abundances; 0 leaves the branch out.
    pub count_weight: f64,
    /// Predictions of each validation sample from random choices of its ASVs, whose mean counts; for
    /// `asv-sampling` random.
    #[schemars(range(min = 1, max = 100))]
    pub val_prediction_passes: usize,
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
            nuc_mask_ratio: 0.15,
            nuc_mask_strategy: MaskStrategy::default(),
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
            target: TargetOptions::default(),
            categories: CategoryOptions::default(),
            output: OutputOptions::default(),
            model: ModelOptions::default(),
            optimization: OptimizationOptions::default(),
            pretrained_encoder: None,
            freeze_base: None,
            categorical_lr: None,
            target_weight: 1.0,
            unifrac_weight: 0.0,
            nucleotide_weight: 0.0,
            nuc_mask_ratio: 0.15,
            nuc_mask_strategy: MaskStrategy::default(),
            count_weight: 0.0,
            val_prediction_passes: 1,
            head: None,
            fusion: None,
            loss: None,
        }
    }
}

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
    /// Where the predictions go (TSV that QIIME 2 reads as metadata).
    pub output: Option<PathBuf>,
    /// Samples of a batch.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Device: auto or cpu, and with the matching build cuda[:N] or rocm[:N].
    pub device: String,
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
            output: None,
            batch_size: 32,
            device: "auto".to_owned(),
            overwrite: false,
        }
    }
}
