//! A study read from its files: samples matched across table, metadata and distances.
//!
//! Every step tells how many samples it kept and why others fell out.

use std::path::Path;

use crate::data::newick::NewickOptions;
use crate::data::{
    DataError, DistanceMatrix, Metadata, Split, Table, TokenOptions, TokenizedSequences,
    listed_split, random_split, rarefy, read_distances, read_ids, read_metadata, read_sequences,
    read_table, read_tree, stratified_split,
};
use crate::error::RunError;
use crate::options::DataOptions;
use crate::unifrac::{self, Metric, UniFrac};

/// Takes the lines that tell what was kept and what fell out.
pub type Notes<'a> = dyn FnMut(String) -> Result<(), RunError> + 'a;

/// The samples of a run, in the order of the table's rows.
#[derive(Debug)]
pub struct Study {
    /// Reads.
    pub table: Table,
    /// Sequence of each ASV of the table.
    pub sequences: TokenizedSequences,
    /// Distances between the samples.
    pub distances: Option<Distances>,
}

/// Where distances between samples come from.
#[derive(Debug)]
pub enum Distances {
    /// A matrix with the table's rows.
    Matrix(DistanceMatrix),
    /// The tree, for the samples that are asked for.
    Tree(UniFrac),
}

impl Distances {
    /// Distances between the samples at `rows`, row by row.
    pub fn between(&self, rows: &[usize]) -> Vec<f64> {
        match self {
            Self::Tree(unifrac) => unifrac.distances(rows),
            Self::Matrix(matrix) => rows
                .iter()
                .flat_map(|&i| rows.iter().map(move |&j| matrix.get(i, j)))
                .collect(),
        }
    }
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
        .ok_or_else(|| RunError::Usage(format!("--{flag} is missing: name the file")))
}

/// Reads a table, and the sequences of its ASVs where they are in a file of their own.
///
/// # Errors
/// Files that cannot be read, or ASVs without a sequence.
pub fn read_reads(
    table: Option<&Path>,
    sequences: Option<&Path>,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let path = required(table, "table")?;
    let mut table = read_table(path)?;
    if let Some(sequences) = sequences {
        let found = read_sequences(sequences)?.of(table.feature_ids())?;
        table = table.with_feature_ids(found)?;
    }
    notes(format!(
        "{}: {} samples, {} ASVs",
        path.display(),
        table.num_samples(),
        table.num_features()
    ))?;
    let full: Vec<usize> = (0..table.num_samples())
        .filter(|&row| table.depth(row) > 0)
        .collect();
    let empty = table.num_samples() - full.len();
    if empty > 0 {
        notes(format!("{empty} samples without reads are left out"))?;
        table = table.select_samples(&full);
    }
    if table.num_samples() == 0 {
        return Err(DataError::in_file(path, "no sample has any reads").into());
    }
    Ok(table)
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
    let examples: Vec<String> = lost.map(|(id, reads)| format!("{id} ({reads})")).collect();
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
    let ids = table.feature_ids().iter();
    let sequences = TokenizedSequences::new(ids.map(|id| (id.as_str(), id.as_str())), options)
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

/// Reads metadata and keeps the table's samples that it has a row for.
///
/// # Errors
/// Files that cannot be read, or no sample in common.
pub fn with_metadata(
    table: Table,
    path: &Path,
    notes: &mut Notes<'_>,
) -> Result<(Table, Metadata), RunError> {
    let metadata = read_metadata(path)?;
    let table = keep(table, "the metadata", path, metadata.ids(), notes)?;
    Ok((table, metadata))
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
        return Err(nothing_in_common(table.sample_ids(), what, path, ids).into());
    }
    let lost = table.num_samples() - rows.len();
    notes(match lost {
        0 => format!("{}: all {} samples found", path.display(), rows.len()),
        _ => format!(
            "{}: {} samples found, {lost} of the table are not in {what} and are left out",
            path.display(),
            rows.len()
        ),
    })?;
    Ok(match lost {
        0 => table,
        _ => table.select_samples(&rows),
    })
}

fn nothing_in_common(table: &[String], what: &str, path: &Path, ids: &[String]) -> DataError {
    let three = |ids: &[String]| {
        let quoted: Vec<String> = ids.iter().take(3).map(|id| format!("'{id}'")).collect();
        quoted.join(", ")
    };
    let error = DataError::in_file(
        path,
        format!(
            "no sample of the table is in {what}: the table has {}, {what} has {}",
            three(table),
            three(ids)
        ),
    );
    match guess_mismatch(table, ids) {
        Some(guess) => error.help(guess),
        None => error.help("check that the two files belong to the same study"),
    }
}

/// Why two lists of ids have nothing in common, where that can be guessed.
fn guess_mismatch(left: &[String], right: &[String]) -> Option<String> {
    let lower: std::collections::HashSet<String> =
        right.iter().map(|id| id.to_lowercase()).collect();
    if left.iter().any(|id| lower.contains(&id.to_lowercase())) {
        return Some("they differ in upper and lower case".to_owned());
    }
    let pair = |longer: &[String], shorter: &[String]| {
        longer.iter().take(50).find_map(|long| {
            shorter
                .iter()
                .filter(|short| !short.is_empty() && short.len() < long.len())
                .find(|short| long.starts_with(short.as_str()) || long.ends_with(short.as_str()))
                .map(|short| (long.clone(), short.clone()))
        })
    };
    let (long, short) = pair(left, right).or_else(|| pair(right, left))?;
    let (end, extra) = match long.strip_prefix(short.as_str()) {
        Some(suffix) => ("suffix", suffix),
        None => ("prefix", long.strip_suffix(short.as_str())?),
    };
    Some(format!(
        "one of the files may have added the {end} '{extra}': '{long}' and '{short}'"
    ))
}

/// Reads or prepares distances, and keeps the samples that have them.
///
/// `all` are the samples of the table's file, whose order a matrix without ids is taken to have.
///
/// # Errors
/// Files that cannot be read or do not fit the table; `None` if neither file is named.
pub fn with_distances(
    table: Table,
    all: &[String],
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Option<Distances>), RunError> {
    match (&options.unifrac_matrix, &options.tree) {
        (Some(_), Some(_)) => Err(RunError::Usage(
            "--unifrac-matrix and --tree are both given: choose one".to_owned(),
        )),
        (None, None) => Ok((table, None)),
        (Some(path), None) => {
            let mut file = read_distances(path)?;
            if let Some(ids) = &options.unifrac_ids {
                file = file.with_ids(read_ids(ids)?)?;
            }
            let matrix = file.into_matrix(all)?;
            let table = keep(table, "the matrix", path, matrix.ids(), notes)?;
            let index = matrix.index();
            let rows: Vec<usize> = table
                .sample_ids()
                .iter()
                .map(|id| index[id.as_str()])
                .collect();
            let matrix = matrix.select(&rows);
            Ok((table, Some(Distances::Matrix(matrix))))
        }
        (None, Some(path)) => {
            let mut tree = read_tree(path, &NewickOptions::default())?;
            if let Some(sequences) = &options.sequences {
                // The table's ASVs go by their sequences now, the tips by the ids they had.
                let sequences = read_sequences(sequences)?;
                tree = tree
                    .with_tips_renamed(|id| sequences.get(id))
                    .map_err(|error| error.file(path))?;
            }
            let metric: Metric = options.unifrac_metric.parse()?;
            let table = match options.drop_missing {
                true => {
                    let (kept, missing) = unifrac::drop_missing(&tree, &table)?;
                    notes(format!(
                        "{} ASVs are not in the tree: {:.2} % of the reads are left out",
                        missing.ids.len(),
                        100.0 * missing.read_fraction
                    ))?;
                    kept
                }
                false => table,
            };
            let unifrac = UniFrac::new(&tree, &table, metric).map_err(|error| error.file(path))?;
            notes(format!(
                "{}: {metric} UniFrac from the tree, per batch",
                path.display()
            ))?;
            Ok((table, Some(Distances::Tree(unifrac))))
        }
    }
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
    let split = match (&options.train_samples, &options.validation_samples) {
        (None, None) => match labels {
            Some(labels) => stratified_split(labels, options.test_size, seed)?,
            None => random_split(ids.len(), options.test_size, seed)?,
        },
        (Some(_), None) => {
            return Err(RunError::Usage(
                "--train-samples needs --validation-samples beside it".to_owned(),
            ));
        }
        (train, Some(validation)) => {
            let validation = read_ids(validation)?;
            let train = match train {
                Some(train) => read_ids(train)?,
                None => {
                    let held_out: std::collections::HashSet<&String> = validation.iter().collect();
                    let rest = ids.iter().filter(|id| !held_out.contains(id));
                    rest.cloned().collect()
                }
            };
            listed_split(ids, &train, &validation)?
        }
    };
    notes(format!(
        "{} samples for training, {} for validation",
        split.train.len(),
        split.validation.len()
    ))?;
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn ids_that_nearly_match_are_explained() {
        let guess = guess_mismatch(&ids(&["S1.2538", "S2.2538"]), &ids(&["S1", "S2"])).unwrap();
        assert!(guess.contains("suffix '.2538'"), "{guess}");
        let guess = guess_mismatch(&ids(&["a1"]), &ids(&["run3-a1"])).unwrap();
        assert!(guess.contains("prefix 'run3-'"), "{guess}");
        let guess = guess_mismatch(&ids(&["Gut1"]), &ids(&["gut1"])).unwrap();
        assert!(guess.contains("case"), "{guess}");
        assert_eq!(guess_mismatch(&ids(&["x"]), &ids(&["y"])), None);
    }
}
