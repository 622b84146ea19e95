//! `aam unifrac`: writes the distance matrix of all samples of a table to a file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use aam_api::options::{Facts, FileUse};
use aam_core::text::{agreeing, counted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::{Storage, Table, Tree, id_list, ids_beside, read_table_file, read_tree};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::{check_output_file, write_whole};
use aam_run::settings;
use aam_study::options::{SelectionOptions, TreeOptions};
use aam_study::{ByMetadata, Notes, listed, required, turned_by, without_missing};
use aam_unifrac::Real;
use aam_unifrac::matrix_file::{MatrixFile, MatrixFormat, check_text_ids, write_text};
use aam_unifrac::{Metric, UniFrac};

/// Options of `aam unifrac`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct UnifracOptions {
    /// Feature table: BIOM 2.1 or 1.0, TSV or FeatureTable[Frequency] .qza, also gzipped.
    #[schemars(transform = Facts::new().file(FileUse::Read).required())]
    pub table: Option<PathBuf>,
    /// Treat the table's rows as samples and its columns as ASVs.
    pub transpose: bool,
    /// Sample selection.
    #[serde(flatten)]
    pub selection: SelectionOptions,
    /// Sample metadata, for selecting samples with `where`.
    #[schemars(transform = Facts::new().file(FileUse::Read))]
    pub metadata: Option<PathBuf>,
    /// Phylogenetic tree (Newick or Phylogeny[Rooted] .qza) whose tips are the ids of the table.
    #[schemars(transform = Facts::new().file(FileUse::ReadWhole).required())]
    pub tree: Option<PathBuf>,
    /// UniFrac metric.
    #[schemars(with = "String", description = metric_help())]
    pub metric: Metric,
    /// Output file of the distances: .npy, .condensed.npy (both with the ids in FILE.ids.txt), .h5
    /// or .tsv.
    #[schemars(transform = Facts::new().file(FileUse::Written).required())]
    pub output: Option<PathBuf>,
    /// Floating-point precision of the computation and the output.
    pub precision: Precision,
    /// Memory limit for the distances in GiB. A larger matrix is computed and written in parts.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub memory: f64,
    /// How to handle an incomplete tree.
    #[serde(flatten)]
    pub tree_options: TreeOptions,
    /// Overwrite an existing output file.
    pub overwrite: bool,
}

/// Single or double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision: about six digits.
    F32,
    /// Double precision.
    #[default]
    F64,
}

impl Default for UnifracOptions {
    fn default() -> Self {
        Self {
            table: None,
            transpose: false,
            selection: SelectionOptions::default(),
            metadata: None,
            tree: None,
            metric: Metric::Unweighted,
            output: None,
            precision: Precision::F64,
            memory: 4.0,
            tree_options: TreeOptions::default(),
            overwrite: false,
        }
    }
}

fn metric_help() -> String {
    format!(
        "Metric: {}; -vaw is adjusted for variance.",
        Metric::names().join(", ")
    )
}

/// Computes the matrix and writes it.
///
/// # Errors
/// Files that cannot be read or written, ASVs missing from the tree, or options out of range.
pub fn run(options: &UnifracOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    settings::check(options)?;
    let table = required(options.table.as_deref(), "table")?;
    let tree_path = required(options.tree.as_deref(), "tree")?;
    let output = required(options.output.as_deref(), "output")?;
    options.selection.read_alone(options.metadata.as_deref())?;
    let format = MatrixFormat::of(output).ok_or_else(|| {
        let problem = "expected a name that ends in .npy, .condensed.npy, .h5 or .tsv";
        RunError::value("output", output.display().to_string(), problem)
    })?;
    let ids_file = format.lacks_ids().then(|| ids_beside(output));
    for path in ids_file.iter().map(PathBuf::as_path).chain([output]) {
        check_output_file(path, options.overwrite)?;
    }
    let (tree, table) = tree_and_samples(options, (tree_path, table), &mut |note| {
        observer.observe(&Event::Note(&note))
    })?;
    let empty = (0..table.num_samples()).filter(|&row| table.depth(row) == 0);
    let empty = empty.count();
    if empty > 0 {
        observer.observe(&Event::Warning(&format!(
            "{} without reads: distances from {} are meaningless",
            counted(empty, "sample"),
            agreeing(empty, "it", "them")
        )))?;
    }
    let unifrac = UniFrac::new(&tree, &table, options.metric).map_err(|e| e.file(tree_path))?;
    drop(tree);
    let place = Place::new(output, format)?;
    let ids = table.sample_ids();
    observer.observe(&Event::Note(&format!(
        "{} UniFrac of {} with {}",
        options.metric,
        counted(ids.len(), "sample"),
        counted(table.num_features(), "ASV")
    )))?;
    match options.precision {
        Precision::F32 => place.fill::<f32>(&unifrac, ids, options.memory, observer)?,
        Precision::F64 => place.fill::<f64>(&unifrac, ids, options.memory, observer)?,
    }
    if let Some(path) = &ids_file {
        write_whole(path, &id_list(ids))?;
        observer.observe(&Event::Saved(path))?;
    }
    place.settle()?;
    observer.observe(&Event::Saved(output))
}

/// The tree, and the selected samples of the table with the ASVs in the tree.
fn tree_and_samples(
    options: &UnifracOptions,
    (tree_path, path): (&Path, &Path),
    notes: &mut Notes<'_>,
) -> Result<(Tree, Table), RunError> {
    let metadata = options.metadata.as_deref();
    let by_metadata = ByMetadata::read(&options.selection, metadata, notes)?;
    let tree = read_tree(tree_path, &options.tree_options.newick())?;
    let file = read_table_file(path, options.transpose, &Storage::Memory)?;
    for note in file.notes {
        notes(format!("{}: {note}", path.display()))?;
    }
    let is_tip = |id: &str| tree.tip(id).is_some();
    let table = turned_by(file.table, tree_path, is_tip, notes)?;
    let all = table.num_samples();
    let table = match &options.selection.samples {
        Some(list) => listed(table, list, notes)?,
        None => table,
    };
    let mut table = by_metadata.choose(table, notes)?;
    if table.num_samples() < all {
        // ASVs of other samples need not be in the tree.
        table = table.drop_empty_features()?;
    }
    let table = without_missing(table, &tree, (tree_path, &options.tree_options), notes)?;
    Ok((tree, table))
}

/// The path with a prefix and a suffix added to its file name.
fn beside(path: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = OsString::from(before);
    name.push(path.file_name().unwrap_or_default());
    name.push(after);
    path.with_file_name(name)
}

/// Temporary files next to the output. They are removed unless renamed to it.
struct Place {
    format: MatrixFormat,
    output: PathBuf,
    /// The file that is renamed to the output.
    whole: PathBuf,
    /// The numbers from which text is written.
    numbers: PathBuf,
}

impl Place {
    fn new(output: &Path, format: MatrixFormat) -> Result<Self, RunError> {
        if let Some(parent) = output.parent() {
            fs::create_dir_all(parent).map_err(RunError::write(parent))?;
        }
        let process = std::process::id();
        let whole = beside(output, ".", &format!(".{process}"));
        let numbers = match format {
            MatrixFormat::Text => beside(output, ".", &format!(".numbers-{process}")),
            _ => whole.clone(),
        };
        Ok(Self {
            format,
            output: output.to_owned(),
            whole,
            numbers,
        })
    }

    fn fill<T: Real>(
        &self,
        unifrac: &UniFrac,
        ids: &[String],
        gibibytes: f64,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        if self.format == MatrixFormat::Text {
            check_text_ids(ids)?;
        }
        let failed = |e: std::io::Error| RunError::write(&self.output)(e);
        let mut file = MatrixFile::create::<T>(&self.numbers, self.format, ids).map_err(failed)?;
        unifrac.bands::<T, RunError>(
            (gibibytes * f64::from(1 << 30)) as u64,
            &mut |done, total| {
                observer.observe(&Event::Progress {
                    what: "adding branches",
                    done,
                    total,
                })
            },
            &mut |band| file.write(band).map_err(failed),
        )?;
        let numbers = file.finish().map_err(failed)?;
        if self.format == MatrixFormat::Text {
            write_text::<T>(&self.whole, numbers, ids).map_err(failed)?;
        }
        Ok(())
    }

    fn settle(&self) -> Result<(), RunError> {
        fs::rename(&self.whole, &self.output).map_err(RunError::write(&self.output))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Neither file exists after it has been renamed to the output.
        let _ = fs::remove_file(&self.whole);
        let _ = fs::remove_file(&self.numbers);
    }
}
