//! A study as seen by objectives.

use std::sync::Arc;

use aam_api::{PairDistances, PluginError, SampleTable, SampleTree};
use aam_core::DataError;
use aam_data::{DistanceMatrix, Table, Tree};
use aam_unifrac::{Metric, UniFrac, faith_pd};

/// The reads of a study.
#[derive(Debug)]
pub(super) struct Reads(Table);

impl Reads {
    pub(super) fn of(table: &Table) -> Arc<Self> {
        Arc::new(Self(table.clone()))
    }
}

impl SampleTable for Reads {
    fn sample_ids(&self) -> &[String] {
        self.0.sample_ids()
    }

    fn asvs(&self) -> usize {
        self.0.num_features()
    }

    fn row(&self, sample: usize) -> (&[u32], &[u32]) {
        self.0.row(sample)
    }
}

/// The tree of a study's ASVs.
#[derive(Debug)]
pub(super) struct AsvTree<'a> {
    /// The tree.
    pub(super) tree: &'a Tree,
    /// The reads.
    pub(super) table: &'a Table,
}

impl SampleTree for AsvTree<'_> {
    fn nodes(&self) -> usize {
        self.tree.len()
    }

    fn parent(&self, node: usize) -> Option<usize> {
        self.tree.parent(node)
    }

    fn length(&self, node: usize) -> f64 {
        self.tree.length(node)
    }

    fn tip(&self, asv: usize) -> Option<usize> {
        self.tree.tip(&self.table.feature_ids()[asv])
    }

    fn unifrac(&self, metric: &str) -> Result<Box<dyn PairDistances>, PluginError> {
        let metric: Metric = metric.parse().map_err(plugin_error)?;
        let unifrac = UniFrac::new(self.tree, self.table, metric).map_err(plugin_error)?;
        Ok(Box::new(TreeDistances(unifrac)))
    }

    fn faith_pd(&self) -> Result<Vec<f64>, PluginError> {
        faith_pd(self.tree, self.table).map_err(plugin_error)
    }
}

/// Converts a data error into one that a component returns.
pub(super) fn plugin_error(error: DataError) -> PluginError {
    PluginError::Study {
        problem: error.problem,
        help: error.help,
    }
}

#[derive(Debug)]
struct TreeDistances(UniFrac);

impl PairDistances for TreeDistances {
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        self.0.distances(rows)
    }
}

/// Distances from a file, in table order.
#[derive(Debug)]
pub(super) struct FileDistances(pub(super) DistanceMatrix);

impl PairDistances for FileDistances {
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        let Self(matrix) = self;
        rows.iter()
            .flat_map(|&i| rows.iter().map(move |&j| matrix.get(i, j)))
            .collect()
    }
}
