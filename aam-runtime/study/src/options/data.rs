//! The files of a study, and how they are read.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::split::other_ways;
use super::{SelectionOptions, TreeOptions};
use aam_data::{AsvSampling, Orient};

/// The files of a study, and how they are read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Data"))]
pub struct DataOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().common().file(FileUse::Read).may_change().required())]
    pub table: Option<PathBuf>,
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// ASV sequences (FASTA or FeatureData[Sequence] .qza), if the ids in the table are not the
    /// sequences themselves.
    #[schemars(transform = Facts::new().common().file(FileUse::ReadWhole).may_change())]
    pub sequences: Option<PathBuf>,
    /// Handling of reverse complements of the 16S gene: auto reverse-complements them, as-is leaves
    /// them as they are. With a tree, whose tips are named by sequence, they are left as they are.
    #[schemars(transform = Facts::new()
        .because("one organism is one ASV, whichever strand was read"))]
    pub orient: Orient,
    /// UniFrac distances: .npy (square or condensed), .h5, TSV, CSV or DistanceMatrix .qza. With an
    /// objective such as faith-pd, one value per sample (TSV, CSV or .npy).
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub unifrac_matrix: Option<PathBuf>,
    /// Row ids of a matrix file that holds none (.npy), one per line. Default: FILE.ids.txt next to the
    /// matrix, if it exists.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub unifrac_ids: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza) to compute UniFrac distances from.
    #[schemars(transform = Facts::new().common().file(FileUse::ReadWhole).may_change())]
    pub tree: Option<PathBuf>,
    /// Lineages of the ASVs (TSV with a column Taxon, or FeatureData[Taxonomy] .qza), by id or by
    /// sequence. The objective taxonomy learns from them, and in training they relate features
    /// without sequences by the ranks they share, as a tree does by its branches.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub taxonomy: Option<PathBuf>,
    /// UniFrac metric to learn, as `objective.metric`, or the name of another `objective`.
    #[schemars(transform = Facts::new().word("unifrac", "unweighted").word("faith_pd", "faith-pd")
        .because("as in the reference"))]
    pub unifrac_metric: String,
    /// How to handle an incomplete tree.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// Number of bases to read from each sequence. Default: all, up to the length that a
    /// pre-trained encoder supports.
    #[schemars(
        range(min = 1, max = MOST_BASES),
        transform = Facts::new().otherwise("the longest sequence, or that of the encoder")
            .because("sequences are cut only on request, or where the encoder does not support them")
    )]
    pub max_bp: Option<usize>,
    /// Truncate longer sequences; `--no-truncate` makes them an error.
    #[schemars(transform = Facts::new()
        .because("a length limit implies cutting; the run reports how many sequences are cut"))]
    pub truncate: bool,
    /// Maximum number of ASVs per sample that the model sees at a time.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().because("as in the reference; few samples have more ASVs")
    )]
    pub token_limit: usize,
    /// Which ASVs to use if a sample has more than the limit.
    #[schemars(transform = Facts::new()
        .because("the most abundant ASVs are the most informative; the order of a table is arbitrary"))]
    pub asv_sampling: AsvSampling,
    /// Rarefaction depth: reads drawn from each sample without replacement. Samples with fewer
    /// reads are dropped.
    #[schemars(transform = Facts::new().because("reads are discarded only on request"))]
    pub rarefy_depth: Option<u32>,
    /// Keep the table's counts in a file next to the output instead of in memory, for tables that
    /// do not fit in memory. Ids and sequences stay in memory.
    #[schemars(transform = Facts::new().may_change().changes_no_result())]
    pub streaming: bool,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Fraction of the samples to hold out in a single split; 0 holds out none. By default, `train`
    /// cross-validates, so that every sample is held out once, and other commands hold out a fifth.
    #[schemars(
        range(min = 0.0),
        extend("exclusiveMaximum" = 1),
        transform = Facts::new().common().lifts(&other_ways("test-size"))
            .otherwise("folds, or `0.2` where there is one split")
            .because("every sample then has a prediction from a model that did not see it")
    )]
    pub test_size: Option<f64>,
    /// File of sample ids to train on, one per line. Requires `validation-samples`.
    #[schemars(transform = Facts::new().file(FileUse::Read).lifts(&other_ways("train-samples")))]
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one per line. All other samples are used for training,
    /// unless `train-samples` is given.
    #[schemars(transform = Facts::new().file(FileUse::Read).lifts(&other_ways("validation-samples")))]
    pub validation_samples: Option<PathBuf>,
}

/// The largest sequence length, in bases, that any model reads.
pub const MOST_BASES: usize = 10_000;

/// Fraction held out where samples are divided once and none is given, as in the reference.
const TEST_SIZE: f64 = 0.2;

impl DataOptions {
    /// The fraction of the samples that a single split holds out.
    pub fn held_out_fraction(&self) -> f64 {
        self.test_size.unwrap_or(TEST_SIZE)
    }

    /// How reverse complements are handled.
    pub fn orientation(&self) -> Orient {
        match self.tree {
            Some(_) => Orient::AsIs,
            None => self.orient,
        }
    }

    /// Whether lists define the training or validation samples.
    pub fn lists_samples(&self) -> bool {
        self.train_samples.is_some() || self.validation_samples.is_some()
    }
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            table: None,
            transpose: false,
            sequences: None,
            orient: Orient::Auto,
            unifrac_matrix: None,
            unifrac_ids: None,
            tree: None,
            taxonomy: None,
            unifrac_metric: "unweighted".to_owned(),
            tree_options: TreeOptions::default(),
            max_bp: None,
            truncate: true,
            token_limit: 1024,
            asv_sampling: AsvSampling::Abundance,
            rarefy_depth: None,
            streaming: false,
            selection: SelectionOptions::default(),
            test_size: None,
            train_samples: None,
            validation_samples: None,
        }
    }
}
