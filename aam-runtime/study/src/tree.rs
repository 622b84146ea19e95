//! ASVs of a study that are missing from its tree.

use std::path::Path;

use super::Notes;
use crate::options::TreeOptions;
use aam_core::text::{agreeing, counted};
use aam_data::{Table, Tree};
use aam_run::RunError;
use aam_unifrac::drop_missing;

/// The table without the ASVs missing from the tree at `path`, if these are to be dropped. All
/// samples are kept, including those that lose all of their reads.
///
/// # Errors
/// The tree contains none of the table's ASVs.
pub fn without_missing(
    table: Table,
    tree: &Tree,
    (path, options): (&Path, &TreeOptions),
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    if !options.drop_missing {
        return Ok(table);
    }
    let dropped = drop_missing(tree, &table);
    let (kept, missing) = dropped.map_err(|error| error.file(path))?;
    let such = match missing.ids.is_empty() {
        true => String::new(),
        false => format!(", such as {}", missing.described(tree)),
    };
    notes(format!(
        "{} {} not in the tree: {:.2} % of the reads are dropped{such}",
        counted(missing.ids.len(), "ASV"),
        agreeing(missing.ids.len(), "is", "are"),
        100.0 * missing.read_fraction
    ))?;
    Ok(kept)
}
