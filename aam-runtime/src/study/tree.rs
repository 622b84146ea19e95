//! ASVs of a study that its tree lacks.

use super::Notes;
use crate::data::{Table, Tree};
use crate::error::RunError;
use crate::options::TreeOptions;
use crate::unifrac::drop_missing;

/// The table, without the ASVs that the tree lacks where those are to be left out. Samples stay,
/// also those that lose all of their reads.
///
/// # Errors
/// The tree has none of the table's ASVs.
pub fn without_missing(
    table: Table,
    tree: &Tree,
    options: &TreeOptions,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    if !options.drop_missing {
        return Ok(table);
    }
    let (kept, missing) = drop_missing(tree, &table)?;
    notes(format!(
        "{} ASVs are not in the tree: {:.2} % of the reads are left out",
        missing.ids.len(),
        100.0 * missing.read_fraction
    ))?;
    Ok(kept)
}
