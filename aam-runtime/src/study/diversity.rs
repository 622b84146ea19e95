//! Faith's PD of the samples of a study, computed from the tree or read from a file.

use super::supervision::with_tree;
use super::{Notes, keep};
use crate::data::{Table, read_ids, read_sample_values};
use crate::error::RunError;
use crate::options::DataOptions;
use crate::unifrac::faith_pd;

/// The metric's name.
pub(super) const NAME: &str = "faith-pd";

/// Whether Faith's PD is asked for in place of UniFrac.
pub(super) fn is_asked(options: &DataOptions) -> bool {
    let name = options.unifrac_metric.trim().to_ascii_lowercase();
    name.replace('_', "-") == NAME
}

/// How many values of a sample a base learns whose loss has the weight `weight`.
pub(crate) fn values(options: &DataOptions, weight: f64) -> usize {
    usize::from(weight > 0.0 && is_asked(options))
}

/// Faith's PD of the table's samples, in the order of its rows, and the table with those samples
/// that have one; `None` if neither a tree nor a file of values is named.
///
/// # Errors
/// Files that cannot be read or do not fit the table.
pub(super) fn with_diversity(
    table: Table,
    all: &[String],
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Option<Vec<f64>>), RunError> {
    match (&options.unifrac_matrix, &options.tree) {
        (Some(_), Some(_)) => Err(RunError::Usage(
            "--unifrac-matrix and --tree are both given: choose one".to_owned(),
        )),
        (None, None) => Ok((table, None)),
        (Some(path), None) => {
            let mut file = read_sample_values(path)?;
            if let Some(ids) = &options.unifrac_ids {
                file = file.with_ids(read_ids(ids)?)?;
            }
            let values = file.by_id(all)?;
            let mut ids: Vec<String> = values.keys().cloned().collect();
            ids.sort_unstable();
            let table = keep(table, "the file of values", path, &ids, notes)?;
            let values = table.sample_ids().iter().map(|id| values[id.as_str()]);
            let values = values.collect();
            Ok((table, Some(values)))
        }
        (None, Some(path)) => {
            let (table, tree) = with_tree(table, path, options, notes)?;
            let values = faith_pd(&tree, &table).map_err(|error| error.file(path))?;
            notes(format!("{}: Faith's PD from the tree", path.display()))?;
            Ok((table, Some(values)))
        }
    }
}
