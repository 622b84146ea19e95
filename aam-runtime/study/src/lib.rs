//! A study read from its files: samples matched across table, metadata and distances, categories,
//! and which samples are held out. No Burn; what a model makes of a study belongs above.
//!
//! Every step tells how many samples it kept and why others fell out.

pub mod categories;
pub mod division;
pub mod familiarity;
pub mod forest;
mod objective;
pub mod objectives;
pub mod options;
mod orientation;
mod selection;
mod source;
mod supervision;
mod tree;

use std::path::Path;

use crate::options::DataOptions;
use aam_core::DataError;
use aam_data::mismatch;
use aam_data::{
    Metadata, Orient, Split, Storage, Table, TokenOptions, TokenizedSequences, listed_split,
    random_split, rarefy, read_ids, read_metadata, read_sequences, read_table_file, shorten,
    stratified_split, without_lengths,
};
use aam_run::RunError;
pub use objective::{objective, sample_values};
pub use selection::{ByMetadata, listed, meeting};
pub use supervision::{Supervision, has_source, missing_source, with_supervision};
pub use tree::without_missing;

/// Takes the lines that tell what was kept and what fell out.
pub type Notes<'a> = dyn FnMut(String) -> Result<(), RunError> + 'a;

/// The samples of a run, in the order of the table's rows.
#[derive(Debug)]
pub struct Study {
    /// Reads.
    pub table: Table,
    /// Sequence of each ASV of the table.
    pub sequences: TokenizedSequences,
    /// What the base can learn of the samples.
    pub supervision: Option<Supervision>,
}

/// A file that must have been named.
///
/// # Errors
/// It was not.
pub fn required<'a, T: ?Sized + AsRef<Path>>(
    path: Option<&'a T>,
    flag: &str,
) -> Result<&'a Path, RunError> {
    path.map(AsRef::as_ref)
        .ok_or_else(|| RunError::missing(flag, "name the file"))
}

/// The files that reads are in.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadsFiles<'a> {
    /// The table.
    pub table: Option<&'a Path>,
    /// Whether it has samples as rows.
    pub transposed: bool,
    /// The sequences of its ASVs, where they are in a file of their own.
    pub sequences: Option<&'a Path>,
    /// What happens to reverse complements.
    pub orient: Orient,
}

/// Reads a table into `storage`, and the sequences of its ASVs where they are in a file of their
/// own.
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
        "{}: {} samples, {} ASVs",
        path.display(),
        table.num_samples(),
        table.num_features()
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

/// The table with the sequences in the file at `path` for names of its ASVs; the reads of ASVs with
/// one sequence are added up.
fn with_sequences(table: Table, path: &Path, notes: &mut Notes<'_>) -> Result<Table, RunError> {
    let sequences = read_sequences(path)?;
    let table = turned_by(table, path, |id| sequences.get(id).is_some(), notes)?;
    let found = sequences.of(table.feature_ids());
    let found = found.map_err(|error| error.file(path))?;
    let (table, merged) = table.merged_by(found).map_err(|error| error.file(path))?;
    if merged > 0 {
        notes(format!(
            "{}: {merged} ids of the table have the sequence of another one; their reads are added up",
            path.display()
        ))?;
    }
    Ok(table)
}

/// The table with its rows for samples, where the file at `path`, by which `is_asv` knows ASVs, proves
/// that they are: it has none of the table's ASVs, and most of its samples.
///
/// # Errors
/// A table that cannot be turned.
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
        "the table's rows are samples, for its columns are the ASVs of {}: turned",
        path.display()
    ))?;
    Ok(table.transposed()?)
}

/// Leaves out the samples that have no reads.
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
        "{} samples without reads are left out, such as {}",
        empty.len(),
        examples.join(", ")
    ))?;
    Ok(table.select_samples(&full))
}

/// Draws the same number of reads from every sample, if asked to.
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
    notes(match examples.is_empty() {
        true => format!("rarefied to {depth} reads: every sample kept"),
        false => format!(
            "rarefied to {depth} reads: {} samples kept, {} have fewer reads and are left out, such as {}",
            rarefied.table.num_samples(),
            rarefied.dropped.len(),
            examples.join(", ")
        ),
    })?;
    Ok(rarefied.table)
}

/// Tokenises the sequences of the table's ASVs.
///
/// # Errors
/// A sequence with a character that is no nucleotide, or one longer than `max_bp`.
pub fn tokenized(
    table: &Table,
    options: &TokenOptions,
    notes: &mut Notes<'_>,
) -> Result<TokenizedSequences, RunError> {
    let sequences = TokenizedSequences::of(table.feature_ids(), options)
        .map_err(|error| match &error.help {
            None => error.help(
                "the ids of the table are taken for sequences; if they are not, give a FASTA file with --sequences",
            ),
            Some(_) => error,
        })?;
    if sequences.truncated() > 0 {
        notes(format!(
            "{} ASVs are longer than {} bases and were cut",
            sequences.truncated(),
            options.max_bp
        ))?;
    }
    Ok(sequences)
}

/// Reads metadata, which is small and says whether columns exist, before the table is read.
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

/// The samples of the table that `metadata` have a row for.
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
    // The header of a table as text is one that metadata may have, too.
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

/// Tells how many samples of a table, all of which stay, have no row in `metadata`.
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
            "{}: {} samples of the table have no row, such as {}",
            path.display(),
            lacking.len(),
            shorten(first)
        ))?;
        if let (_, Some(guess)) = mismatch::partial(table, "the metadata", metadata.ids()) {
            notes(format!(
                "warning: {}: rows may be missed by their spelling: {guess}",
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
        notes(format!("{path}: all {found} samples found"))?;
        return Ok(table);
    }
    let (lost, guess) = mismatch::partial(&table, what, ids);
    notes(format!("{path}: {found} samples found, {lost}"))?;
    if let Some(guess) = guess {
        notes(format!(
            "warning: {path}: samples may be lost by their spelling: {guess}"
        ))?;
    }
    Ok(table.select_samples(&rows))
}

/// Samples to train on and to validate on: by the given lists, or at random (within classes
/// where `labels` are given).
///
/// # Errors
/// Lists that do not fit the samples, or too few samples.
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
        "{} samples for training, {} for validation",
        split.train.len(),
        split.validation.len()
    ))?;
    Ok(split)
}
