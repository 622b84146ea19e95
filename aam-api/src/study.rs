//! The data of a study that a component may use.

use std::fmt::Debug;
use std::sync::Arc;

use crate::PluginError;

/// The reads of each ASV in each sample of a study.
pub trait SampleTable: Debug + Send + Sync {
    /// The sample ids.
    fn sample_ids(&self) -> &[String];

    /// Number of ASVs.
    fn asvs(&self) -> usize;

    /// The ASVs present in sample `sample`, ascending, and their counts, all above 0.
    fn row(&self, sample: usize) -> (&[u32], &[u32]);

    /// Number of reads of sample `sample`.
    fn depth(&self, sample: usize) -> u64 {
        self.row(sample)
            .1
            .iter()
            .map(|&count| u64::from(count))
            .sum()
    }
}

/// A rooted tree with the ASVs of a table at its tips.
///
/// Nodes are numbered so that each comes before its parent; the root is the last.
pub trait SampleTree: Debug {
    /// Number of nodes, including tips.
    fn nodes(&self) -> usize;

    /// The parent of `node`, or `None` for the root.
    fn parent(&self, node: usize) -> Option<usize>;

    /// Length of the branch above `node`.
    fn length(&self, node: usize) -> f64;

    /// The tip of ASV `asv` of the table, if the tree has it.
    fn tip(&self, asv: usize) -> Option<usize>;

    /// Computes UniFrac distances between the samples of the table with `metric`, such as `unweighted` or
    /// `generalized:0.5`.
    ///
    /// # Errors
    /// The metric does not exist, or the tree lacks ASVs of the table.
    fn unifrac(&self, metric: &str) -> Result<Box<dyn PairDistances>, PluginError>;

    /// Computes Faith's phylogenetic diversity of each sample of the table, in units of branch length.
    ///
    /// # Errors
    /// The tree lacks ASVs of the table.
    fn faith_pd(&self) -> Result<Vec<f64>, PluginError>;
}

/// Names of the ranks of a taxonomy, highest first.
pub const RANKS: [&str; 7] = [
    "domain", "phylum", "class", "order", "family", "genus", "species",
];

/// The taxa of the ASVs of a table.
pub trait SampleTaxonomy: Debug {
    /// The number of each ASV's taxon at a rank, an index into [`RANKS`]. ASVs have the same number if
    /// their lineages agree down to this rank, in the names that are missing, too. `None` if no ASV has a
    /// name at the rank.
    fn taxa(&self, rank: usize) -> Option<Vec<u32>>;
}

/// The data of a study from which an objective computes its targets.
#[derive(Debug)]
#[non_exhaustive]
pub struct StudySource<'a> {
    /// The reads.
    pub table: Arc<dyn SampleTable>,
    /// The tree, if one was given.
    pub tree: Option<&'a dyn SampleTree>,
    /// The taxonomy, if one was given.
    pub taxonomy: Option<&'a dyn SampleTaxonomy>,
}

impl<'a> StudySource<'a> {
    /// A table, and a tree of its ASVs if there is one.
    pub fn new(table: Arc<dyn SampleTable>, tree: Option<&'a dyn SampleTree>) -> Self {
        Self {
            table,
            tree,
            taxonomy: None,
        }
    }

    /// Adds a taxonomy of the ASVs.
    #[must_use]
    pub fn with_taxonomy(self, taxonomy: &'a dyn SampleTaxonomy) -> Self {
        Self {
            taxonomy: Some(taxonomy),
            ..self
        }
    }

    /// Returns the taxonomy.
    ///
    /// # Errors
    /// There is no taxonomy.
    pub fn taxonomy(&self) -> Result<&'a dyn SampleTaxonomy, PluginError> {
        self.taxonomy.ok_or_else(|| {
            PluginError::study("expected a taxonomy of the ASVs; name one with --taxonomy")
        })
    }

    /// Returns the tree.
    ///
    /// # Errors
    /// There is no tree.
    pub fn tree(&self) -> Result<&'a dyn SampleTree, PluginError> {
        self.tree
            .ok_or_else(|| PluginError::study("expected a tree of the ASVs; name one with --tree"))
    }
}

/// Distances between any samples of a table.
pub trait PairDistances: Debug + Send + Sync {
    /// Returns the distances between the samples at `rows` of the table: `rows.len()²` values row by row,
    /// symmetric and 0 on the diagonal. Each value is bitwise the same whatever other rows are requested
    /// with it.
    fn between(&self, rows: &[usize]) -> Vec<f64>;
}
