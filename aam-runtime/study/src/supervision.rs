//! The objectives of the base on the samples of a study: distances between them, or a value per sample.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use aam_api::{BoxedObjective, Components, Learned, PluginError, Source, StudySource, Truth};

use super::lineages::{AsvTaxa, ids_in_file, lineages};
use super::objective::WeightedObjective;
use super::source::{AsvTree, FileDistances, Reads};
use super::sources::{Sourced, sourced};
use super::tree::without_missing;
use super::{Notes, keep, without_empty_samples};
use crate::options::DataOptions;
use aam_core::DataError;
use aam_data::{
    Table, Tree, ids_beside, read_distances, read_ids, read_sample_values, read_sequences,
    read_tree,
};
use aam_run::RunError;

/// An objective of the base on samples.
#[derive(Debug)]
pub struct Supervision {
    /// The objective.
    pub objective: BoxedObjective,
    /// The weight of its loss among those of all objectives.
    pub weight: f64,
    /// The true values of the samples.
    pub truth: Truth,
}

/// Reads or computes the true values for the objectives in `options`, and keeps the samples that have
/// them. An objective of which no file is named is left out.
///
/// # Errors
/// Files that cannot be read or do not match the table.
pub fn with_supervision(
    table: Table,
    (options, components): (&DataOptions, &Components),
    notes: &mut Notes<'_>,
) -> Result<(Table, Vec<Supervision>), RunError> {
    let sourced = sourced(options, components)?;
    let learned = |source: Source| sourced.iter().find(|of| of.source == Some(source));
    // First what chooses samples and ASVs, as true values are those of the samples that remain.
    let (table, tree) = match (learned(Source::Tree), &options.tree) {
        (Some(_), Some(path)) => {
            let (table, tree) = with_tree(table, path, options, notes)?;
            (table, Some((tree, path)))
        }
        _ => (table, None),
    };
    let (table, mut from_file) = match (learned(Source::File), &options.unifrac_matrix) {
        (Some(sourced), Some(path)) => {
            let (table, truth) = match sourced.of.objective.learned() {
                Learned::Distances => distances_from_file(table, path, options, notes)?,
                Learned::Values => values_from_file(table, path, options, notes)?,
            };
            (table, Some(truth))
        }
        _ => (table, None),
    };
    let mut all = Vec::new();
    for Sourced { of, source } in sourced {
        let WeightedObjective { objective, weight } = of;
        let truth = match (source, &tree, &options.taxonomy) {
            (Some(Source::Table), ..) => {
                let source = StudySource::new(Reads::of(&table), None);
                let truth = objective.truth(&source).map_err(of_study)?;
                notes(objective.note())?;
                Some(truth)
            }
            (Some(Source::Tree), Some((tree, path)), _) => {
                Some(of_tree(&table, (tree, path.as_path()), &objective, notes)?)
            }
            (Some(Source::Taxonomy), _, Some(path)) => {
                Some(of_taxonomy(&table, path, &objective, options, notes)?)
            }
            (Some(Source::File), ..) => from_file.take(),
            _ => None,
        };
        if let Some(truth) = truth {
            check(&objective, &truth, &table)?;
            all.push(Supervision {
                objective,
                weight,
                truth,
            });
        }
    }
    Ok((table, all))
}

/// The true values for the objective from the tree at `path`.
fn of_tree(
    table: &Table,
    (tree, path): (&Tree, &Path),
    objective: &BoxedObjective,
    notes: &mut Notes<'_>,
) -> Result<Truth, RunError> {
    let tree = AsvTree { tree, table };
    let source = StudySource::new(Reads::of(table), Some(&tree));
    let truth = objective.truth(&source);
    let truth = truth.map_err(|error| of_file(error, path))?;
    notes(format!("{}: {}", path.display(), objective.note()))?;
    Ok(truth)
}

/// The true values for the objective from the taxonomy at `path`.
fn of_taxonomy(
    table: &Table,
    path: &Path,
    objective: &BoxedObjective,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<Truth, RunError> {
    let ids = ids_in_file(table, options.sequences.as_deref())?;
    let taxa = AsvTaxa(lineages(table, &ids, path)?);
    let source = StudySource::new(Reads::of(table), None).with_taxonomy(&taxa);
    let truth = objective.truth(&source);
    let truth = truth.map_err(|error| of_file(error, path))?;
    let found = taxa.0.iter().flatten().count();
    notes(format!(
        "{}: {}; lineages of {found} of {} ASVs",
        path.display(),
        objective.note(),
        ids.len()
    ))?;
    Ok(truth)
}

/// Rejects true values that do not have the declared form.
fn check(objective: &BoxedObjective, truth: &Truth, table: &Table) -> Result<(), RunError> {
    let fits = match truth {
        Truth::Distances(_) => objective.learned() == Learned::Distances,
        Truth::Values(values) => {
            objective.learned() == Learned::Values && values.len() == table.num_samples()
        }
    };
    match fits {
        true => Ok(()),
        false => Err(PluginError::study(format!(
            "{}: the true values of the samples do not have the declared form; this is a bug of the objective",
            objective.title()
        ))
        .into()),
    }
}

/// Converts an error of an objective into a data error, if it is one.
fn of_study(error: PluginError) -> RunError {
    match error {
        PluginError::Study { problem, help } => {
            let error = DataError::new(problem);
            match help {
                Some(help) => error.help(help),
                None => error,
            }
            .into()
        }
        other => other.into(),
    }
}

fn of_file(error: PluginError, path: &Path) -> RunError {
    match of_study(error) {
        RunError::Data(error) => error.file(path).into(),
        other => other,
    }
}

fn distances_from_file(
    table: Table,
    path: &Path,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Truth), RunError> {
    let mut file = read_distances(path)?;
    if let Some(list) = list_of_ids(options, path, file.ids().is_none()) {
        let named = file.with_ids(read_ids(&list)?);
        file = named.map_err(|error| of_list(error, &list))?;
        notes(format!("{}: ids of the matrix", list.display()))?;
    }
    let matrix = file.into_matrix()?;
    let table = keep(table, "the matrix", path, matrix.ids(), notes)?;
    let index = matrix.index();
    let ids = table.sample_ids().iter();
    let rows: Vec<usize> = ids.map(|id| index[id.as_str()]).collect();
    let matrix = FileDistances(matrix.select(&rows));
    Ok((table, Truth::Distances(Box::new(matrix))))
}

fn values_from_file(
    table: Table,
    path: &Path,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Truth), RunError> {
    let mut file = read_sample_values(path)?;
    if let Some(list) = list_of_ids(options, path, file.ids().is_none()) {
        let named = file.with_ids(read_ids(&list)?);
        file = named.map_err(|error| of_list(error, &list))?;
        notes(format!("{}: ids of the values", list.display()))?;
    }
    let values = file.by_id()?;
    let mut ids: Vec<String> = values.keys().cloned().collect();
    ids.sort_unstable();
    let table = keep(table, "the file of values", path, &ids, notes)?;
    let values = table.sample_ids().iter().map(|id| values[id.as_str()]);
    let values = values.collect();
    Ok((table, Truth::Values(values)))
}

/// The file with the ids of the samples in the file at `path`: the one that is named, or the one
/// next to a file without ids.
fn list_of_ids(options: &DataOptions, path: &Path, lacking: bool) -> Option<PathBuf> {
    let beside = ids_beside(path);
    let named = options.unifrac_ids.clone();
    named.or_else(|| (lacking && beside.is_file()).then_some(beside))
}

fn of_list(error: DataError, list: &Path) -> DataError {
    match error.help {
        Some(_) => error,
        None => error.help(format!("the ids are those in {}", list.display())),
    }
}

/// The tree at `path`, and the table. ASVs missing from the tree are dropped if requested.
///
/// # Errors
/// A tree that cannot be read, or that contains none of the table's ASVs.
pub fn with_tree(
    table: Table,
    path: &Path,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Tree), RunError> {
    let tree = rooted_tree(path, options, &table)?;
    let table = without_missing(table, &tree, (path, &options.tree_options), notes)?;
    Ok((without_empty_samples(table, notes)?, tree))
}

/// Reads the tree. Its tips are named by the ids in the table's file. If `table` has sequences
/// instead, the tips are renamed accordingly; of several tips with the same sequence, whose reads
/// are summed, the first is used.
pub(super) fn rooted_tree(
    path: &Path,
    options: &DataOptions,
    table: &Table,
) -> Result<Tree, RunError> {
    let tree = read_tree(path, &options.tree_options.newick())?;
    let Some(sequences) = &options.sequences else {
        return Ok(tree);
    };
    let sequences = read_sequences(sequences)?;
    let columns = table.feature_index();
    let mut taken = HashSet::new();
    let sequence = |tip: &str| {
        let sequence = sequences.get(tip)?;
        let is_first = columns.contains_key(sequence) && taken.insert(sequence);
        is_first.then_some(sequence)
    };
    Ok(tree.with_tips_renamed(sequence).map_err(|e| e.file(path))?)
}
