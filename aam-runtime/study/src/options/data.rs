//! Files of a study, and what is taken from them.

use std::path::PathBuf;

use aam_api::options::{Facts, FileUse, Heading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SelectionOptions, TreeOptions};
use aam_data::{AsvSampling, Orient};

/// Files of a study, and what is taken from them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(transform = Heading("Data"))]
pub struct DataOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read).may_change().required())]
    pub table: Option<PathBuf>,
    /// Take the table's rows for samples and its columns for ASVs.
    pub transpose: bool,
    /// Sequences of the ASVs (FASTA or FeatureData[Sequence] .qza), where the ids in the table are
    /// not the sequences themselves.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub sequences: Option<PathBuf>,
    /// Sequences that are reverse complements of the 16S gene: auto turns them, as-is leaves them. With a
    /// tree, whose tips go by the sequences, they stay.
    #[schemars(transform = Facts::new()
        .because("one organism is one ASV, whichever strand was read"))]
    pub orient: Orient,
    /// UniFrac distances: .npy (square or condensed), .h5, TSV, CSV or DistanceMatrix .qza. With an
    /// objective such as faith-pd, one value per sample: TSV, CSV or .npy.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub unifrac_matrix: Option<PathBuf>,
    /// Ids of the rows of a matrix file that holds none (.npy), one a line; without it those in
    /// FILE.ids.txt beside the matrix, if it is there.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub unifrac_ids: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza) to compute UniFrac from.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).may_change())]
    pub tree: Option<PathBuf>,
    /// The UniFrac that is learnt, as `objective.metric`; or the name of another `objective`.
    #[schemars(transform = Facts::new().word("unifrac", "unweighted").word("faith_pd", "faith-pd")
        .because("as in the reference"))]
    pub unifrac_metric: String,
    /// What the tree may lack.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// Bases that are read of a sequence; without it all, as far as a pre-trained encoder knows
    /// sequences of that length.
    #[schemars(
        range(min = 1, max = MOST_BASES),
        transform = Facts::new().otherwise("the longest sequence, or that of the encoder")
            .because("nothing is cut unless asked, or unknown to the encoder")
    )]
    pub max_bp: Option<usize>,
    /// Cut longer sequences; `--no-truncate` refuses them.
    #[schemars(transform = Facts::new()
        .because("whoever limits the length wants the rest cut; the run says how many are"))]
    pub truncate: bool,
    /// Most ASVs of one sample that the model sees at a time.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().because("as in the reference; few samples have more ASVs")
    )]
    pub token_limit: usize,
    /// Which ASVs, where a sample has more than the limit.
    #[schemars(transform = Facts::new()
        .because("the most abundant ASVs say most; the order of a table is arbitrary"))]
    pub asv_sampling: AsvSampling,
    /// Reads drawn from each sample, without replacement; samples with fewer are left out.
    #[schemars(transform = Facts::new().because("reads are thrown away only when asked for"))]
    pub rarefy_depth: Option<u32>,
    /// Keep the counts of the table in a file beside the output instead of in memory, for tables
    /// that are larger than it; ids and sequences stay in memory.
    #[schemars(transform = Facts::new().may_change().changes_no_result())]
    pub streaming: bool,
    /// Which samples.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Fraction of the samples held out, once; 0 holds out none. Without it `train` holds out every
    /// sample once, in folds, and other commands a fifth of them.
    #[schemars(
        range(min = 0.0),
        extend("exclusiveMaximum" = 1),
        transform = Facts::new().otherwise("folds, or `0.2` where there is one split")
            .because("every sample then has a prediction by a model that did not see it")
    )]
    pub test_size: Option<f64>,
    /// File of sample ids to train on, one a line; with it, `validation-samples`.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub train_samples: Option<PathBuf>,
    /// File of sample ids to validate on, one a line; the others are for training unless listed.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub validation_samples: Option<PathBuf>,
}

/// Bases of the longest sequence that any model reads.
pub const MOST_BASES: usize = 10_000;

/// Fraction held out where samples are divided once and none is given, as in the reference.
const TEST_SIZE: f64 = 0.2;

impl DataOptions {
    /// The fraction of the samples that one split holds out.
    pub fn held_out_fraction(&self) -> f64 {
        self.test_size.unwrap_or(TEST_SIZE)
    }

    /// What happens to reverse complements.
    pub fn orientation(&self) -> Orient {
        match self.tree {
            Some(_) => Orient::AsIs,
            None => self.orient,
        }
    }

    /// Whether lists say which samples are learnt from or held out.
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
