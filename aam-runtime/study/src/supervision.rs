//! The task of the base on the samples of a study: distances between them, or a value per sample.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use aam_api::{
    BoxedObjective, Components, Learned, ObjectiveContext, ObjectiveKind, PluginError, Registry,
    Source, StudySource, Truth,
};
use burn::tensor::Device;

use super::lineages::{AsvTaxa, ids_in_file, lineages};
use super::objective::{chosen_objective, objective};
use super::source::{AsvTree, FileDistances, Reads};
use super::tree::without_missing;
use super::{Notes, keep, without_empty_samples};
use crate::options::DataOptions;
use aam_core::DataError;
use aam_data::{
    Table, Tree, ids_beside, read_distances, read_ids, read_sample_values, read_sequences,
    read_tree,
};
use aam_run::RunError;

/// The task of the base on samples.
#[derive(Debug)]
pub struct Supervision {
    /// The objective.
    pub objective: BoxedObjective,
    /// The true values of the samples.
    pub truth: Truth,
}

/// Reads or computes the true values for the objective in `options`, and keeps the samples that
/// have them.
///
/// # Errors
/// Files that cannot be read or do not match the table. Returns `None` if a file is required and
/// none is named.
pub fn with_supervision(
    table: Table,
    (options, components): (&DataOptions, &Components),
    notes: &mut Notes<'_>,
) -> Result<(Table, Option<Supervision>), RunError> {
    let objective = objective(options, components)?;
    let sources = objective.sources();
    refuse_unread(options, components, sources)?;
    if let Some(path) = &options.taxonomy {
        let truth = of_taxonomy(&table, path, &objective, options, notes)?;
        check(&objective, &truth, &table)?;
        return Ok((table, Some(Supervision { objective, truth })));
    }
    let (table, truth) = match (&options.unifrac_matrix, &options.tree) {
        (Some(_), Some(_)) => return Err(two_sources()),
        (Some(path), None) => match objective.learned() {
            Learned::Distances => distances_from_file(table, path, options, notes)?,
            Learned::Values => values_from_file(table, path, options, notes)?,
        },
        (None, Some(path)) => {
            let (table, tree) = with_tree(table, path, options, notes)?;
            let tree = AsvTree {
                tree: &tree,
                table: &table,
            };
            let source = StudySource::new(Reads::of(&table), Some(&tree));
            let truth = objective
                .truth(&source)
                .map_err(|error| of_file(error, path))?;
            notes(format!("{}: {}", path.display(), objective.note()))?;
            (table, truth)
        }
        (None, None) if sources.contains(&Source::Table) => {
            let source = StudySource::new(Reads::of(&table), None);
            let truth = objective.truth(&source).map_err(of_study)?;
            notes(objective.note())?;
            (table, truth)
        }
        (None, None) => return Ok((table, None)),
    };
    check(&objective, &truth, &table)?;
    Ok((table, Some(Supervision { objective, truth })))
}

/// Rejects options in which the objective has no source, or files that it does not read.
///
/// # Errors
/// The file that is missing or not read, an objective that is not linked, or options that it rejects.
pub fn expect_source(options: &DataOptions, components: &Components) -> Result<(), RunError> {
    let objective = objective(options, components)?;
    let sources = objective.sources();
    refuse_unread(options, components, sources)?;
    let learned = objective.title();
    match (&options.tree, &options.unifrac_matrix) {
        _ if sources.contains(&Source::Table) => Ok(()),
        _ if sources == [Source::Taxonomy] => match options.taxonomy {
            Some(_) => Ok(()),
            None => {
                let needed =
                    format!("name the file with the lineages of the ASVs to learn {learned}");
                Err(RunError::missing("taxonomy", needed))
            }
        },
        (Some(_), Some(_)) => Err(two_sources()),
        (None, None) => {
            let needed = format!(
                "name it, or --unifrac-matrix, to learn {learned}; without either, give --objective {}",
                of_table_alone()?.join(" or ")
            );
            Err(RunError::missing("tree", needed))
        }
        _ => Ok(()),
    }
}

fn two_sources() -> RunError {
    let problem = "--tree is given, too: leave out one of the two";
    RunError::setting("unifrac-matrix", problem)
}

/// Rejects a file that the objective, which has these `sources`, does not read.
fn refuse_unread(
    options: &DataOptions,
    components: &Components,
    sources: &[Source],
) -> Result<(), RunError> {
    let is_read = |source| sources.contains(&source) && !sources.contains(&Source::Table);
    let files = [
        ("tree", Source::Tree, &options.tree),
        ("unifrac-matrix", Source::File, &options.unifrac_matrix),
        ("taxonomy", Source::Taxonomy, &options.taxonomy),
    ];
    let mut given = files.into_iter().filter(|(.., path)| path.is_some());
    let Some((flag, ..)) = given.find(|(_, source, _)| !is_read(*source)) else {
        return Ok(());
    };
    let why = match sources.contains(&Source::Table) {
        true => "is computed from the table alone",
        false => "does not read it",
    };
    let name = chosen_objective(options, components)?;
    let problem =
        format!("the objective '{name}' {why}: leave it out, or choose another --objective");
    Err(RunError::setting(flag, problem))
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

/// The objectives that are computed from the table alone.
fn of_table_alone() -> Result<Vec<&'static str>, RunError> {
    let registry = Registry::<ObjectiveKind>::load()?;
    let (context, device) = (ObjectiveContext::default(), Device::flex());
    let mut alone = Vec::new();
    for plugin in registry.iter() {
        let options = plugin.resolve(&serde_json::Map::new())?;
        let built = plugin.build(&options, &context, &device);
        if built.is_ok_and(|objective| objective.sources().contains(&Source::Table)) {
            alone.push(plugin.name);
        }
    }
    Ok(alone)
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
