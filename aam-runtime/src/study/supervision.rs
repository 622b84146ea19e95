//! What the base can learn of the samples of a study: distances between them, or the diversity of
//! each.

use std::path::Path;

use super::tree::without_missing;
use super::{Notes, diversity, keep, without_empty_samples};
use crate::beta_diversity::{TableDistances, TableMetric};
use crate::data::{
    DataError, DistanceMatrix, Table, Tree, ids_beside, read_distances, read_ids, read_sequences,
    read_tree,
};
use crate::error::RunError;
use crate::options::DataOptions;
use crate::unifrac::{Metric, UniFrac};

/// The names of everything that can be asked for with `--unifrac-metric`.
fn metric_names() -> Vec<String> {
    let others = TableMetric::ALL.map(TableMetric::name);
    let others = [diversity::NAME].into_iter().chain(others);
    let mut names = Metric::names();
    names.extend(others.map(str::to_owned));
    names
}

/// What `--unifrac-metric` takes, as help text.
pub(crate) fn metric_help() -> String {
    format!(
        "UniFrac computed from the tree: {}; or {}, the phylogenetic diversity of each sample, to \
         be learnt in place of distances; or {}, distances that the table gives without a tree.",
        Metric::names().join(", "),
        diversity::NAME,
        TableMetric::ALL.map(TableMetric::name).join(" or ")
    )
}

/// What the base can learn of samples.
#[derive(Debug)]
pub enum Supervision {
    /// Distances between them.
    Distances(Distances),
    /// Faith's PD of each, by the table's rows.
    Diversity(Vec<f64>),
}

/// Where distances between samples come from.
#[derive(Debug)]
pub enum Distances {
    /// A matrix with the table's rows.
    Matrix(DistanceMatrix),
    /// The tree, for the samples that are asked for.
    Tree(UniFrac),
    /// The table alone, for the samples that are asked for.
    Table(TableDistances),
}

impl Distances {
    /// Distances between the samples at `rows`, row by row.
    pub fn between(&self, rows: &[usize]) -> Vec<f64> {
        match self {
            Self::Tree(unifrac) => unifrac.distances(rows),
            Self::Table(table) => table.distances(rows),
            Self::Matrix(matrix) => rows
                .iter()
                .flat_map(|&i| rows.iter().map(move |&j| matrix.get(i, j)))
                .collect(),
        }
    }

    /// What they are, for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Table(table) => match table.metric() {
                TableMetric::BrayCurtis => "Bray–Curtis distances",
                TableMetric::Jaccard => "Jaccard distances",
            },
            Self::Tree(_) | Self::Matrix(_) => "UniFrac distances",
        }
    }

    /// What the names of metrics begin with.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Table(table) => match table.metric() {
                TableMetric::BrayCurtis => "bray_curtis",
                TableMetric::Jaccard => "jaccard",
            },
            Self::Tree(_) | Self::Matrix(_) => "unifrac",
        }
    }
}

/// Reads or prepares distances (or, by the metric asked for, Faith's PD), and keeps the samples that
/// have them.
///
/// `all` are the samples of the table's file, whose order a matrix without ids is taken to have.
///
/// # Errors
/// Files that cannot be read or do not fit the table; `None` if neither file is named.
pub fn with_supervision(
    table: Table,
    all: &[String],
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Option<Supervision>), RunError> {
    match diversity::is_asked(options) {
        true => {
            let (table, values) = diversity::with_diversity(table, all, options, notes)?;
            Ok((table, values.map(Supervision::Diversity)))
        }
        false => {
            let (table, distances) = with_distances(table, all, options, notes)?;
            Ok((table, distances.map(Supervision::Distances)))
        }
    }
}

fn with_distances(
    table: Table,
    all: &[String],
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Option<Distances>), RunError> {
    if let Some(metric) = TableMetric::from_name(&options.unifrac_metric) {
        let distances = from_table(&table, metric, options, notes)?;
        return Ok((table, Some(distances)));
    }
    match (&options.unifrac_matrix, &options.tree) {
        (Some(_), Some(_)) => Err(RunError::Usage(
            "--unifrac-matrix and --tree are both given: choose one".to_owned(),
        )),
        (None, None) => Ok((table, None)),
        (Some(path), None) => {
            let mut file = read_distances(path)?;
            let beside = ids_beside(path);
            let lacking = file.ids().is_none() && beside.is_file();
            let list = options.unifrac_ids.as_deref();
            if let Some(list) = list.or(lacking.then_some(&*beside)) {
                let named = file.with_ids(read_ids(list)?);
                file = named.map_err(|error| match error.help {
                    Some(_) => error,
                    None => error.help(format!("the ids are those in {}", list.display())),
                })?;
                notes(format!("{}: ids of the matrix", list.display()))?;
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
            let metric: Metric = options.unifrac_metric.parse().map_err(|error: DataError| {
                // Not of an exponent that is none.
                match error.help.is_some() {
                    true => error.help(format!("choose one of {}", metric_names().join(", "))),
                    false => error,
                }
            })?;
            let (table, tree) = with_tree(table, path, options, notes)?;
            let unifrac = UniFrac::new(&tree, &table, metric).map_err(|error| error.file(path))?;
            notes(format!(
                "{}: {metric} UniFrac from the tree, per batch",
                path.display()
            ))?;
            Ok((table, Some(Distances::Tree(unifrac))))
        }
    }
}

/// Distances that need nothing but the table.
fn from_table(
    table: &Table,
    metric: TableMetric,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<Distances, RunError> {
    let name = metric.name();
    let beside = [
        ("tree", options.tree.is_some()),
        ("unifrac-matrix", options.unifrac_matrix.is_some()),
    ];
    if let Some((flag, _)) = beside.iter().find(|(_, given)| *given) {
        return Err(RunError::Usage(format!(
            "--unifrac-metric {name} is computed from the table and takes no --{flag}: leave out one of the two"
        )));
    }
    notes(format!("{name} distances from the table, per batch"))?;
    Ok(Distances::Table(TableDistances::new(table, metric)))
}

/// The tree at `path`, and the table, without the ASVs that the tree lacks where those are to be
/// left out.
pub(super) fn with_tree(
    table: Table,
    path: &Path,
    options: &DataOptions,
    notes: &mut Notes<'_>,
) -> Result<(Table, Tree), RunError> {
    let tree = rooted_tree(path, options, &table)?;
    let table = without_missing(table, &tree, &options.tree_options, notes)?;
    Ok((without_empty_samples(table, notes)?, tree))
}

/// Reads the tree. Its tips have the names that the ASVs have in the table's file; where `table`
/// has sequences in their place, so do the tips then.
fn rooted_tree(path: &Path, options: &DataOptions, table: &Table) -> Result<Tree, RunError> {
    let tree = read_tree(path, &options.tree_options.newick()?)?;
    let Some(sequences) = &options.sequences else {
        return Ok(tree);
    };
    let sequences = read_sequences(sequences)?;
    let columns = table.feature_index();
    let sequence = |tip: &str| {
        let sequence = sequences.get(tip)?;
        columns.contains_key(sequence).then_some(sequence)
    };
    Ok(tree.with_tips_renamed(sequence).map_err(|e| e.file(path))?)
}
