//! Selection of the samples that a command uses.

use std::collections::HashSet;
use std::path::Path;

use crate::options::SelectionOptions;
use crate::{Notes, metadata, with_metadata};
use aam_core::text::{agreeing, counted};
use aam_data::{Conditions, Metadata, Table, mismatch, read_ids};
use aam_run::RunError;

/// The samples of `table` that are named in the file `list`.
///
/// # Errors
/// A list that cannot be read, or that contains none of the table's samples.
pub fn listed(table: Table, list: &Path, notes: &mut Notes<'_>) -> Result<Table, RunError> {
    let listed = read_ids(list)?;
    let wanted: HashSet<&String> = listed.iter().collect();
    let rows: Vec<usize> = (0..table.num_samples())
        .filter(|&row| wanted.contains(&table.sample_ids()[row]))
        .collect();
    if rows.is_empty() {
        return Err(mismatch::error(&table, "the list", list, &listed).into());
    }
    let found: HashSet<&String> = rows.iter().map(|&row| &table.sample_ids()[row]).collect();
    let missing = listed.iter().find(|id| !found.contains(id));
    notes(format!(
        "{}{}: {} of {} found{}",
        if missing.is_some() { "warning: " } else { "" },
        list.display(),
        rows.len(),
        counted(wanted.len(), "listed sample"),
        missing.map_or_else(String::new, |id| format!("; the table has no '{id}'"))
    ))?;
    Ok(table.select_samples(&rows))
}

/// The samples of `table` whose `metadata` meet `conditions`. Reports the conditions and the number
/// of samples.
///
/// # Errors
/// Conditions that do not fit the metadata, or that no sample meets.
pub fn meeting(
    table: Table,
    metadata: &Metadata,
    conditions: Option<&Conditions>,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let Some(conditions) = conditions else {
        return Ok(table);
    };
    let chosen = conditions.choose(metadata, table.sample_ids())?;
    let lacking: String = chosen
        .missing
        .iter()
        .map(|(column, count)| {
            format!(
                "; {count} {} no value of '{column}'",
                agreeing(*count, "has", "have")
            )
        })
        .collect();
    notes(format!(
        "{}: {} of {} {} {conditions}{lacking}",
        metadata.file().display(),
        chosen.rows.len(),
        counted(table.num_samples(), "sample"),
        agreeing(chosen.rows.len(), "meets", "meet")
    ))?;
    Ok(table.select_samples(&chosen.rows))
}

/// The metadata and conditions of a command that uses metadata for nothing else.
#[derive(Debug, Default)]
pub struct ByMetadata(Option<(Metadata, Conditions)>);

impl ByMetadata {
    /// Reads the metadata at `path` if `selection` has conditions, and validates these.
    ///
    /// # Errors
    /// One of both without the other, a file that cannot be read, or conditions that do not fit it.
    pub fn read(
        selection: &SelectionOptions,
        path: Option<&Path>,
        notes: &mut Notes<'_>,
    ) -> Result<Self, RunError> {
        let conditions = selection.read_alone(path)?;
        let Some((path, conditions)) = path.zip(conditions) else {
            return Ok(Self::default());
        };
        let metadata = metadata(path, notes)?;
        conditions.check(&metadata)?;
        Ok(Self(Some((metadata, conditions))))
    }

    /// The samples of `table` that meet the conditions; all samples if there are no conditions.
    ///
    /// # Errors
    /// Those of [`meeting`], or no sample in common.
    pub fn choose(&self, table: Table, notes: &mut Notes<'_>) -> Result<Table, RunError> {
        let Some((metadata, conditions)) = &self.0 else {
            return Ok(table);
        };
        let table = with_metadata(table, metadata, notes)?;
        meeting(table, metadata, Some(conditions), notes)
    }
}
