//! The third stage: reading files, and matching samples across them.

use std::sync::Arc;

use super::pretraining_settings::PretrainingSetup;
use super::setup::TrainingSetup;
use crate::options::{DataOptions, OptimizationOptions, PretrainOptions, TrainOptions};
use aam_api::AsvEncoderKind;
use aam_core::text::counted;
use aam_data::{IdsAre, Metadata, Storage, Table, TokenOptions, TokenizedSequences};
use aam_evaluation::association::{cramers_v, variance_explained};
use aam_evaluation::distribution::Distribution;
use aam_model::LINEAGE_ENCODER;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::batches::Batches;
use aam_study::division::Division;
use aam_study::options::MOST_BASES;
use aam_study::{self as study, ByMetadata, Notes, Study, Supervision, required};
use aam_train::classes;
use aam_train::metadata_columns;
use aam_train::session::{max_bp, model_config};
use aam_train::targets::{self, RawTargets};

/// Association of the target with the batches from which a warning is issued.
const TOGETHER: f64 = 0.8;

/// The samples that have reads, metadata, targets and, if requested, distances.
pub struct MatchedSamples {
    /// The reads.
    pub table: Table,
    /// The task of the base on these samples.
    pub supervision: Vec<Supervision>,
    /// The metadata, possibly also of other samples.
    pub metadata: Metadata,
    /// The targets.
    pub targets: RawTargets,
}

/// The same samples with the sequences of their ASVs.
pub struct MatchedStudy {
    /// Reads, sequences and distances.
    pub study: Study,
    /// The metadata.
    pub metadata: Metadata,
    /// The targets.
    pub targets: RawTargets,
    /// The batches of the samples, if what they have in common is removed.
    pub batches: Option<Batches>,
}

impl MatchedSamples {
    /// Reads the files named by `options`.
    ///
    /// # Errors
    /// Files that cannot be read, or samples that do not match.
    pub fn read(options: &TrainOptions, observer: &mut dyn Observer) -> Result<Self, RunError> {
        let TrainOptions {
            data, optimization, ..
        } = options;
        let mut notes = |note: String| observer.observe(&Event::Note(&note));
        let path = required(options.metadata.as_deref(), "metadata")?;
        let conditions = data.selection.read(Some(path))?;
        let metadata = study::metadata(path, &mut notes)?;
        metadata_columns::check(options, &metadata)?;
        if let Some(conditions) = &conditions {
            conditions.check(&metadata)?;
        }
        let table = reads(data, optimization, &mut notes)?;
        let table = without_missing(table, options, &mut notes)?;
        let table = study::with_metadata(table, &metadata, &mut notes)?;
        let table = study::meeting(table, &metadata, conditions.as_ref(), &mut notes)?;
        let table = study::rarefied(table, data.rarefy_depth, optimization.seed, &mut notes)?;
        let (_, rows) = targets::read(options, &metadata, table.sample_ids(), &mut notes)?;
        let table = table.select_samples(&rows);
        let (table, supervision) = match options.unifrac_weight > 0.0 {
            true => study::with_supervision(table, (data, &options.components), &mut notes)?,
            false => (table, Vec::new()),
        };
        // Repeated, because matching with distances may have dropped samples.
        let (targets, _) = targets::read(options, &metadata, table.sample_ids(), &mut notes)?;
        options.presentation.check_class(&targets.columns)?;
        classes::tell(&targets.columns, observer)?;
        tell_reads(&table, observer)?;
        Ok(Self {
            table,
            supervision,
            metadata,
            targets,
        })
    }
}

impl MatchedStudy {
    /// Reports consequences of the settings, and reads the files they name.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn of(setup: &TrainingSetup<'_>, observer: &mut dyn Observer) -> Result<Self, RunError> {
        setup.tell(observer)?;
        Self::read(setup.options(), setup.known_bp(), observer)
    }

    /// Reads the files named by `options`, for an encoder that supports sequences of up to `known`
    /// bases, or for a new one.
    ///
    /// # Errors
    /// Those of [`MatchedSamples::read`], or an invalid or too long sequence.
    pub fn read(
        options: &TrainOptions,
        known: Option<usize>,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let samples = MatchedSamples::read(options, observer)?;
        let batches = batches(options, &samples, observer)?;
        let sequences = match lacks_sequences(options, &samples.table) {
            true => related(options, &samples.table, observer)?,
            false => encoded(options, known, &samples.table, observer)?,
        };
        Ok(Self {
            study: Study {
                table: samples.table,
                sequences,
                supervision: samples.supervision,
            },
            batches,
            metadata: samples.metadata,
            targets: samples.targets,
        })
    }
}

/// The batches of the samples, if they are to be centred. Reports them, and warns of a target that
/// is associated with them.
fn batches(
    options: &TrainOptions,
    samples: &MatchedSamples,
    observer: &mut dyn Observer,
) -> Result<Option<Batches>, RunError> {
    let Some(column) = options.batch_column.as_deref() else {
        return Ok(None);
    };
    let batches = Batches::read(&samples.metadata, column, samples.table.sample_ids())?;
    let text = format!(
        "{}: what the samples of a batch have in common is removed",
        batches.described(column)
    );
    observer.observe(&Event::Note(&text))?;
    let (single, all) = batches.of_one_sample();
    if 2 * single > all {
        observer.observe(&Event::Warning(&format!(
            "--batch-column: {single} of {} in '{column}' have a single sample, of which nothing can be removed that is not the sample's own; name a column whose values many samples share",
            counted(all, "batch")
        )))?;
    }
    let of: Vec<Option<usize>> = batches.of().iter().copied().map(Some).collect();
    for target in &samples.targets.columns {
        let (together, measure) = match target.classes {
            Some(_) => {
                let classes = target.values.iter().map(|&class| Some(class as usize));
                let classes: Vec<Option<usize>> = classes.collect();
                (cramers_v(&of, &classes), "Cramér's V")
            }
            None => (variance_explained(&of, &target.values), "R²"),
        };
        if together >= TOGETHER {
            let text = format!(
                "--batch-column: '{}' and '{}' are associated ({measure} {together:.2}), so most of what distinguishes its values is removed with the batches",
                target.name,
                column.trim()
            );
            observer.observe(&Event::Warning(&text))?;
        }
    }
    Ok(Some(batches))
}

/// Whether features are embedded by their relations instead of by their sequences: if that encoder
/// is chosen, or if none is and the ids of the table are not sequences.
fn lacks_sequences(options: &TrainOptions, table: &Table) -> bool {
    let chosen = options.components.choice::<AsvEncoderKind>();
    match chosen {
        Some(choice) => choice.name == LINEAGE_ENCODER,
        None => {
            let needed = options.pretrained_encoder.is_some() || options.nucleotide_weight > 0.0;
            !needed && IdsAre::of(table.feature_ids()) != IdsAre::Sequences
        }
    }
}

/// Drops features without sequences that the tree lacks, if this is requested. Where the tree is also
/// learned from, that happens later.
fn without_missing(
    table: Table,
    options: &TrainOptions,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let data = &options.data;
    match &data.tree {
        Some(path)
            if data.tree_options.drop_missing
                && options.unifrac_weight == 0.0
                && lacks_sequences(options, &table) =>
        {
            Ok(study::with_tree(table, path, &study::of_any_root(data), notes)?.0)
        }
        _ => Ok(table),
    }
}

/// The features of `table` by their relations.
fn related(
    options: &TrainOptions,
    table: &Table,
    observer: &mut dyn Observer,
) -> Result<TokenizedSequences, RunError> {
    let shape = (&options.model, &options.components);
    // A checkpoint keeps the length of a feature's code as that of a sequence.
    let dim = model_config(shape, &options.data, false)?
        .dim
        .min(MOST_BASES / 2);
    let notes = &mut |note: String| observer.observe(&Event::Note(&note));
    let kinship = study::kinship(table, &options.data, notes)?;
    let ids = table.feature_ids();
    Ok(TokenizedSequences::of_kinship(ids, Arc::new(kinship), dim))
}

/// The features of `table` by their sequences, as read for an encoder that supports `known` bases.
fn encoded(
    options: &TrainOptions,
    known: Option<usize>,
    table: &Table,
    observer: &mut dyn Observer,
) -> Result<TokenizedSequences, RunError> {
    let sequences = sequences(&options.data, known, table, observer)?;
    let lengths = table.feature_ids().iter();
    if let Some(lengths) = Distribution::of_counts(lengths.map(|id| id.len() as u64)) {
        observer.observe(&Event::Note(&format!("bases per ASV: {lengths}")))?;
    }
    if options.data.tree.is_some() && options.unifrac_weight == 0.0 {
        observer.observe(&Event::Note(
            "--tree is not used: the ASVs have sequences, and no loss needs a tree",
        ))?;
    }
    if options.data.taxonomy.is_some() && options.unifrac_weight == 0.0 {
        observer.observe(&Event::Warning(
            "--taxonomy has no effect on ASVs with sequences; --asv-encoder lineage uses it instead of them",
        ))?;
    }
    Ok(sequences)
}

/// Reports the numbers of reads and ASVs per sample. `aam check` reports more.
fn tell_reads(table: &Table, observer: &mut dyn Observer) -> Result<(), RunError> {
    let rows = 0..table.num_samples();
    let reads = Distribution::of_counts(rows.clone().map(|row| table.depth(row)));
    let asvs = Distribution::of_counts(rows.map(|row| table.row(row).0.len() as u64));
    for (what, of) in [("reads", reads), ("ASVs", asvs)] {
        if let Some(of) = of {
            observer.observe(&Event::Note(&format!("{what} per sample: {of}")))?;
        }
    }
    Ok(())
}

/// The constraints on how `samples` are split.
///
/// # Errors
/// A group column that does not exist or has only one value.
pub fn division<'a>(
    options: &'a TrainOptions,
    metadata: &Metadata,
    samples: &'a [String],
    targets: &RawTargets,
    observer: &mut dyn Observer,
) -> Result<Division<'a>, RunError> {
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let parts = (&options.data, &options.split);
    let seed = options.optimization.seed;
    let labels = class_labels(targets);
    Division::new(parts, seed, metadata, samples, labels, &mut notes)
}

/// The class of each sample for a stratified split, if there is a single categorical target.
fn class_labels(targets: &RawTargets) -> Option<Vec<usize>> {
    match targets.columns.as_slice() {
        [column] if column.classes.is_some() => {
            Some(column.values.iter().map(|&class| class as usize).collect())
        }
        _ => None,
    }
}

/// Reads the study of a pre-training.
///
/// # Errors
/// Files that cannot be read, or samples that do not match.
pub fn unlabelled(
    setup: &PretrainingSetup<'_>,
    observer: &mut dyn Observer,
) -> Result<Study, RunError> {
    let options = setup.options();
    let PretrainOptions {
        data, optimization, ..
    } = options;
    let seed = optimization.seed;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let metadata = options.metadata.as_deref();
    let by_metadata = ByMetadata::read(&data.selection, metadata, &mut notes)?;
    let table = reads(data, optimization, &mut notes)?;
    let table = by_metadata.choose(table, &mut notes)?;
    let table = study::rarefied(table, data.rarefy_depth, seed, &mut notes)?;
    let (table, supervision) =
        study::with_supervision(table, (data, &options.components), &mut notes)?;
    let sequences = sequences(data, setup.known_bp(), &table, observer)?;
    Ok(Study {
        table,
        sequences,
        supervision,
    })
}

/// The sequences of the table's ASVs, as read for an encoder that supports `known` bases.
fn sequences(
    data: &DataOptions,
    known: Option<usize>,
    table: &Table,
    observer: &mut dyn Observer,
) -> Result<TokenizedSequences, RunError> {
    let options = TokenOptions {
        max_bp: max_bp(data, known, table, observer)?,
        truncate: data.truncate,
    };
    study::tokenized(table, &options, &mut |note| {
        observer.observe(&Event::Note(&note))
    })
}

/// The table of a run, with sequences as the names of its ASVs.
fn reads(
    data: &DataOptions,
    optimization: &OptimizationOptions,
    notes: &mut Notes<'_>,
) -> Result<Table, RunError> {
    let output = optimization.output_dir.as_deref();
    let storage = Storage::of_run(data.streaming, output);
    let files = study::ReadsFiles {
        table: data.table.as_deref(),
        transposed: data.transpose,
        sequences: data.sequences.as_deref(),
        orient: data.orientation(),
    };
    let table = study::read_files(files, &storage, notes)?;
    match &data.selection.samples {
        Some(list) => study::listed(table, list, notes),
        None => Ok(table),
    }
}
