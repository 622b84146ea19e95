//! Tables whose sequences are reverse complements of the 16S gene.

use std::path::Path;

use aam_core::text::{agreeing, counted};
use aam_data::{Ids, Lie, NO_EXCEPTION, Table, oriented};
use aam_run::RunError;

use super::Notes;

/// Reorients and upper-cases the ASVs of a table to match the 16S gene, if they are named by their
/// sequences. Reports what the sequences look like and what was changed.
///
/// # Errors
/// Those of `notes`, or a table that cannot be written to its storage.
pub(super) fn as_gene(table: Table, path: &Path, notes: &mut Notes<'_>) -> Result<Table, RunError> {
    let Some(found) = oriented(table.feature_ids()) else {
        return Ok(table);
    };
    if let Some(lie) = &found.lie {
        let line = described(table.feature_ids(), lie);
        notes(format!("{}: {line}", path.display()))?;
    }
    let Some(sequences) = found.changed else {
        return Ok(table);
    };
    if found.turned > 0 {
        notes(format!(
            "{} of {} {} reoriented; --orient as-is keeps all as they are",
            found.turned,
            counted(table.num_features(), "ASV"),
            agreeing(
                found.turned,
                "is the reverse complement of the 16S gene and is",
                "are reverse complements of the 16S gene and are"
            )
        ))?;
    }
    let merged = table.merged_by(sequences);
    let (table, merged) = merged.map_err(|error| error.file(path))?;
    if merged > 0 {
        notes(format!(
            "{} then {} the same sequence as another one; their reads are summed",
            counted(merged, "ASV"),
            agreeing(merged, "has", "have")
        ))?;
    }
    Ok(table)
}

/// A description of sequences, such as `252 bases, V4, forward`.
fn described(sequences: &Ids, lie: &Lie) -> String {
    let lengths = sequences.iter().map(str::len);
    let (shortest, longest) = (lengths.clone().min(), lengths.max());
    let (shortest, longest) = (shortest.unwrap_or(0), longest.unwrap_or(0));
    let bases = match shortest == longest {
        true => counted(longest, "base"),
        false => format!("{shortest} to {longest} bases"),
    };
    let region = lie.region.as_deref().unwrap_or("16S gene");
    let share = lie.share_reversed();
    let strand = match share {
        share if share < NO_EXCEPTION => "forward".to_owned(),
        share if share > 1.0 - NO_EXCEPTION => "reverse".to_owned(),
        share => format!("{:.0} % reverse", 100.0 * share),
    };
    format!("{bases}, {region}, {strand}")
}
