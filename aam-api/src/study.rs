//! What of a study's files a component may look at.

use std::fmt::Debug;
use std::sync::Arc;

use crate::PluginError;

/// How many reads of which ASV each sample of a study holds.
pub trait SampleTable: Debug + Send + Sync {
    /// Ids of the samples.
    fn sample_ids(&self) -> &[String];

    /// Number of ASVs.
    fn asvs(&self) -> usize;

    /// The ASVs that the sample number `sample` has, ascending, and as many counts, all above 0.
    fn row(&self, sample: usize) -> (&[u32], &[u32]);

    /// Number of reads of the sample number `sample`.
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
    /// Number of nodes, tips included.
    fn nodes(&self) -> usize;

    /// The parent of `node`, none for the root.
    fn parent(&self, node: usize) -> Option<usize>;

    /// Length of the branch above `node`.
    fn length(&self, node: usize) -> f64;

    /// The node of the ASV number `asv` of the table, if the tree has it.
    fn tip(&self, asv: usize) -> Option<usize>;

    /// UniFrac distances between the samples of the table by `metric`, such as `unweighted` or
    /// `generalized:0.5`.
    ///
    /// # Errors
    /// A metric that does not exist, or ASVs that the tree lacks.
    fn unifrac(&self, metric: &str) -> Result<Box<dyn PairDistances>, PluginError>;

    /// Faith's phylogenetic diversity of each sample of the table, in units of branch length.
    ///
    /// # Errors
    /// ASVs that the tree lacks.
    fn faith_pd(&self) -> Result<Vec<f64>, PluginError>;
}

/// What of a study an objective is learnt from.
#[derive(Debug)]
#[non_exhaustive]
pub struct StudySource<'a> {
    /// The reads.
    pub table: Arc<dyn SampleTable>,
    /// The tree, where one was given.
    pub tree: Option<&'a dyn SampleTree>,
}

impl<'a> StudySource<'a> {
    /// A table, and a tree of its ASVs where there is one.
    pub fn new(table: Arc<dyn SampleTable>, tree: Option<&'a dyn SampleTree>) -> Self {
        Self { table, tree }
    }

    /// The tree.
    ///
    /// # Errors
    /// There is none.
    pub fn tree(&self) -> Result<&'a dyn SampleTree, PluginError> {
        self.tree
            .ok_or_else(|| PluginError::study("expected a tree of the ASVs; name one with --tree"))
    }
}

/// Distances between any samples of a table.
pub trait PairDistances: Debug + Send + Sync {
    /// Distances between the samples at `rows` of the table, `rows.len()²` values row by row,
    /// symmetric and 0 on the diagonal. Each is the same, to the last bit, whatever other rows are
    /// asked for with it.
    fn between(&self, rows: &[usize]) -> Vec<f64>;
}
