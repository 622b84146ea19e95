//! A study read from its files: samples matched across table, metadata and distances, categories,
//! and the split into training and validation samples. Independent of Burn; how a model uses a
//! study is defined in the crates above.
//!
//! Every step reports how many samples it kept and why others were dropped.

pub mod batches;
pub mod categories;
pub mod division;
pub mod familiarity;
pub mod forest;
mod kinship;
mod lineages;
mod objective;
pub mod objectives;
pub mod options;
mod orientation;
mod selection;
mod source;
mod sources;
mod supervision;
mod tree;

use std::path::Path;

use crate::options::DataOptions;
use aam_core::DataError;
use aam_core::text::{agreeing, counted};
use aam_data::mismatch;
use aam_data::{
    Metadata, Orient, Split, Storage, Table, TokenOptions, TokenizedSequences, listed_split,
    random_split, rarefy, read_ids, read_metadata, read_sequences, read_table_file, shorten,
    stratified_split, without_lengths,
};
use aam_run::RunError;
pub use kinship::{kinship, note_related, of_any_root};
pub use lineages::{either_strand, ids_in_file, lineages};
pub use objective::{SampleReadouts, WeightedObjective, objectives};
pub use selection::{ByMetadata, listed, meeting};
pub use sources::expect_sources;
pub use supervision::{Supervision, with_supervision, with_tree};
pub use tree::without_missing;

/// Receives messages about kept and dropped samples.
pub type Notes<'a> = dyn FnMut(String) -> Result<(), RunError> + 'a;

/// The samples of a run, in table order.
#[derive(Debug)]
pub struct Study {
    /// The reads.
    pub table: Table,
    /// The sequence of each ASV of the table.
    pub sequences: TokenizedSequences,
    /// The objectives of the base on the samples, if any.
    pub supervision: Vec<Supervision>,
}

/// Returns a required file.
///
/// # Errors
/// The file is not named.
pub fn required<'a, T: ?Sized + AsRef<Path>>(
    path: Option<&'a T>,
    flag: &str,
) -> Result<&'a Path, RunError> {
    path.map(AsRef::as_ref)
        .ok_or_else(|| RunError::missing(flag, "name the file"))
}

/// The files that contain the reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadsFiles<'a> {
    /// The table.
    pub table: Option<&'a Path>,
    /// Whether its rows are samples.
    pub transposed: bool,
    /// The ASV sequences, if they are in a separate file.
    pub sequences: Option<&'a Path>,
    /// How reverse complements are handled.
    pub orient: Orient,
}

/// Reads a table into `storage`, and the sequences of its ASVs if they are in a separate file.
///
/// # Errors
/// Files that cannot be read, or ASVs without a sequence.
pub fn read_files(
    files: ReadsFiles<'_>,
    storage: &Storage,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let path = required(files.table, "table")?;
    let file = read_table_file(path, files.transposed, storage)?;
    let mut found = file.notes;
    let mut table = file.table;
    if let Some(path) = files.sequences {
        table = with_sequences(table, path, notes)?;
        table = without_lengths(table, &mut found);
    }
    for note in found {
        notes(format!("{}: {note}", path.display()))?;
    }
    notes(format!(
        "{}: {}, {}",
        path.display(),
        counted(table.num_samples(), "sample"),
        counted(table.num_features(), "ASV")
    ))?;
    let table = match files.orient {
        Orient::Auto => orientation::as_gene(table, path, notes)?,
        Orient::AsIs => table,
    };
    let table = without_empty_samples(table, notes)?;
    if table.num_samples() == 0 {
        return Err(DataError::in_file(path, "no sample has any reads").into());
    }
    Ok(table)
}

/// Names the ASVs of the table by their sequences in the file at `path`. The reads of ASVs with the
/// same sequence are summed.
fn with_sequences(table: Table, path: &Path, notes: &mut Notes<'_>) -> Result<Table, RunError> {
    let sequences = read_sequences(path)?;
    let table = turned_by(table, path, |id| sequences.get(id).is_some(), notes)?;
    let found = sequences.of(table.feature_ids());
    let found = found.map_err(|error| error.file(path))?;
    let (table, merged) = table.merged_by(found).map_err(|error| error.file(path))?;
    if merged > 0 {
        notes(format!(
            "{}: {} of the table {} the same sequence as another one; their reads are summed",
            path.display(),
            counted(merged, "id"),
            agreeing(merged, "has", "have")
        ))?;
    }
    Ok(table)
}

/// Transposes the table if the file at `path` proves that its rows are samples: the file contains
/// none of the table's ASVs (according to `is_asv`), but most of its samples.
///
/// # Errors
/// A table that cannot be transposed.
pub fn turned_by(
    table: Table,
    path: &Path,
    is_asv: impl Fn(&str) -> bool,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let alike = table.sample_ids().iter().filter(|id| is_asv(id)).count();
    if 2 * alike <= table.num_samples() || table.feature_ids().iter().any(&is_asv) {
        return Ok(table);
    }
    notes(format!(
        "the table's rows are samples, since its columns are the ASVs of {}: transposed",
        path.display()
    ))?;
    Ok(table.transposed()?)
}

/// Drops samples without reads.
fn without_empty_samples(table: Table, notes: &mut Notes<'_>) -> Result<Table, RunError> {
    let (full, empty): (Vec<usize>, Vec<usize>) =
        (0..table.num_samples()).partition(|&row| !table.row(row).0.is_empty());
    if empty.is_empty() {
        return Ok(table);
    }
    let examples = empty.iter().take(3);
    let examples = examples.map(|&row| shorten(&table.sample_ids()[row]));
    let examples: Vec<String> = examples.collect();
    notes(format!(
        "{} without reads {} dropped, such as {}",
        counted(empty.len(), "sample"),
        agreeing(empty.len(), "is", "are"),
        examples.join(", ")
    ))?;
    Ok(table.select_samples(&full))
}

/// Rarefies every sample to the same depth, if requested.
///
/// # Errors
/// No sample has enough reads.
pub fn rarefied(
    table: Table,
    depth: Option<u32>,
    seed: u64,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let Some(depth) = depth else {
        return Ok(table);
    };
    let rarefied = rarefy(&table, depth, seed)?;
    let lost = rarefied.dropped.iter().take(3);
    let shown = |(id, reads): &(String, u64)| format!("{} ({reads})", shorten(id));
    let examples: Vec<String> = lost.map(shown).collect();
    let reads = counted(depth as usize, "read");
    notes(match examples.is_empty() {
        true => format!("rarefied to {reads}: every sample kept"),
        false => format!(
            "rarefied to {reads}: {} kept, {} {} dropped, such as {}",
            counted(rarefied.table.num_samples(), "sample"),
            rarefied.dropped.len(),
            agreeing(
                rarefied.dropped.len(),
                "has fewer reads and is",
                "have fewer reads and are"
            ),
            examples.join(", ")
        ),
    })?;
    Ok(rarefied.table)
}

/// Tokenises the sequences of the table's ASVs.
///
/// # Errors
/// A sequence with a character that is not a nucleotide, or one longer than `max_bp`.
pub fn tokenized(
    table: &Table,
    options: &TokenOptions,
    notes: &mut Notes<'_>,
) -> Result<TokenizedSequences, RunError> {
    let sequences = TokenizedSequences::of(table.feature_ids(), options)
        .map_err(|error| match &error.help {
            None => error.help(
                "the ids of the table are treated as sequences; if they are not, give a FASTA file with --sequences",
            ),
            Some(_) => error,
        })?;
    if sequences.truncated() > 0 {
        notes(format!(
            "{} {} longer than {} and {} truncated",
            counted(sequences.truncated(), "ASV"),
            agreeing(sequences.truncated(), "is", "are"),
            counted(options.max_bp, "base"),
            agreeing(sequences.truncated(), "was", "were")
        ))?;
    }
    Ok(sequences)
}

/// Reads metadata. This is fast and reveals missing columns before the table is read.
///
/// # Errors
/// A file that cannot be read.
pub fn metadata(path: &Path, notes: &mut Notes<'_>) -> Result<Metadata, RunError> {
    let metadata = read_metadata(path)?;
    for note in metadata.notes() {
        notes(format!("{}: {note}", path.display()))?;
    }
    Ok(metadata)
}

/// Keeps the samples of the table that have a row in `metadata`.
///
/// # Errors
/// No sample in common.
pub fn with_metadata(
    table: Table,
    metadata: &Metadata,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let path = metadata.file();
    let samples = table.sample_index();
    // The header of a table in text format is a valid metadata header, too.
    let is_table = metadata
        .columns()
        .iter()
        .any(|column| samples.contains_key(&*column.name))
        && !metadata
            .ids()
            .iter()
            .any(|id| samples.contains_key(id.as_str()));
    if is_table {
        let problem =
            "expected sample metadata, found a file whose columns are the table's samples";
        let error = DataError::in_file(path, problem);
        return Err(error
            .help("this looks like a feature table as text; pass it with --table")
            .into());
    }
    keep(table, "the metadata", path, metadata.ids(), notes)
}

/// Reports how many samples of the table have no row in `metadata`. No sample is dropped.
///
/// # Errors
/// No sample in common.
pub fn tell_without_row(
    table: &Table,
    metadata: &Metadata,
    notes: &mut Notes<'_>,
) -> Result<(), RunError> {
    let path = metadata.file();
    let ids = table.sample_ids().iter();
    let lacking: Vec<&String> = ids.filter(|id| !metadata.contains(id)).collect();
    if lacking.len() == table.num_samples() {
        return Err(mismatch::error(table, "the metadata", path, metadata.ids()).into());
    }
    if let [first, ..] = lacking.as_slice() {
        notes(format!(
            "{}: {} of the table {} no row, such as {}",
            path.display(),
            counted(lacking.len(), "sample"),
            agreeing(lacking.len(), "has", "have"),
            shorten(first)
        ))?;
        if let (_, Some(guess)) = mismatch::partial(table, "the metadata", metadata.ids()) {
            notes(format!(
                "warning: {}: rows may be missing due to a different spelling: {guess}",
                path.display()
            ))?;
        }
    }
    Ok(())
}

/// Keeps the samples of the table that are among `ids`.
fn keep(
    table: Table,
    what: &str,
    path: &Path,
    ids: &[String],
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let known: std::collections::HashSet<&str> = ids.iter().map(String::as_str).collect();
    let rows: Vec<usize> = (0..table.num_samples())
        .filter(|&row| known.contains(table.sample_ids()[row].as_str()))
        .collect();
    if rows.is_empty() {
        return Err(mismatch::error(&table, what, path, ids).into());
    }
    let (path, found) = (path.display(), rows.len());
    if found == table.num_samples() {
        notes(format!("{path}: all {} found", counted(found, "sample")))?;
        return Ok(table);
    }
    let (lost, guess) = mismatch::partial(&table, what, ids);
    notes(format!(
        "{path}: {} found, {lost}",
        counted(found, "sample")
    ))?;
    if let Some(guess) = guess {
        notes(format!(
            "warning: {path}: samples may be lost due to a different spelling: {guess}"
        ))?;
    }
    Ok(table.select_samples(&rows))
}

/// Splits samples into training and validation samples: by the given lists, or at random
/// (stratified if `labels` are given).
///
/// # Errors
/// Lists that do not match the samples, or too few samples.
pub fn split(
    ids: &[String],
    labels: Option<&[usize]>,
    options: &DataOptions,
    seed: u64,
    notes: &mut Notes<'_>,
) -> Result<Split, RunError> {
    let fraction = options.held_out_fraction();
    let split = match (&options.train_samples, &options.validation_samples) {
        (None, None) => match labels {
            Some(labels) => stratified_split(labels, fraction, seed)?,
            None => random_split(ids.len(), fraction, seed)?,
        },
        (Some(_), None) => {
            let problem = "it needs --validation-samples as well";
            return Err(RunError::setting("train-samples", problem));
        }
        (train, Some(validation)) => {
            let named = |error: DataError| match train {
                Some(train) if error.problem.contains("training samples") => error.file(train),
                _ => error.file(validation),
            };
            let validation = read_ids(validation)?;
            let train = match train {
                Some(train) => read_ids(train)?,
                None => {
                    let held_out: std::collections::HashSet<&String> = validation.iter().collect();
                    let rest = ids.iter().filter(|id| !held_out.contains(id));
                    rest.cloned().collect()
                }
            };
            listed_split(ids, &train, &validation).map_err(named)?
        }
    };
    notes(format!(
        "{} for training, {} for validation",
        counted(split.train.len(), "sample"),
        split.validation.len()
    ))?;
    Ok(split)
}
