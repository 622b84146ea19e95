//! What `aam train` reads: the study with its metadata and targets.

use super::session::policy;
use super::targets::{self, RawTargets};
use crate::data::{Metadata, Split, Storage, Table};
use crate::error::RunError;
use crate::evaluation::division::{self, Division};
use crate::evaluation::groups::Groups;
use crate::events::{Event, Observer};
use crate::options::TrainOptions;
use crate::study::{self, Study, Supervision};

/// The study, its metadata and its targets, with the samples that have all of them.
///
/// # Errors
/// Files that cannot be read, or samples that do not go together.
pub fn read_study(
    options: &TrainOptions,
    observer: &mut dyn Observer,
) -> Result<(Study, Metadata, RawTargets), RunError> {
    let data = &options.data;
    let (table, supervision, metadata, targets) = read(options, observer)?;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let tokens = policy(data, options.optimization.seed).tokens();
    let sequences = study::tokenized(&table, &tokens, &mut notes)?;
    let study = Study {
        table,
        sequences,
        supervision,
    };
    Ok((study, metadata, targets))
}

/// The same without sequences and distances, for what needs neither.
///
/// # Errors
/// Those of [`read_study`].
pub fn read_samples(
    options: &TrainOptions,
    observer: &mut dyn Observer,
) -> Result<(Table, Metadata, RawTargets), RunError> {
    let (table, _, metadata, targets) = read(options, observer)?;
    Ok((table, metadata, targets))
}

fn read(
    options: &TrainOptions,
    observer: &mut dyn Observer,
) -> Result<(Table, Option<Supervision>, Metadata, RawTargets), RunError> {
    let data = &options.data;
    let seed = options.optimization.seed;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let metadata = study::required(options.metadata.as_deref(), "metadata")?;
    let output = options.optimization.output_dir.as_deref();
    let storage = Storage::of_run(data.streaming, output);
    let table = study::read_reads(
        data.table.as_deref(),
        data.sequences.as_deref(),
        &storage,
        &mut notes,
    )?;
    let all = table.sample_ids().to_vec();
    let (table, metadata) = study::with_metadata(table, metadata, &mut notes)?;
    let table = study::rarefied(table, data.rarefy_depth, seed, &mut notes)?;
    let (_, rows) = targets::read(options, &metadata, table.sample_ids(), &mut notes)?;
    let table = table.select_samples(&rows);
    let (table, supervision) = match options.unifrac_weight > 0.0 {
        true => {
            let (table, supervision) = study::with_supervision(table, &all, data, &mut notes)?;
            if supervision.is_none() {
                return Err(RunError::Usage(
                    "--unifrac-weight needs --tree or --unifrac-matrix, or --unifrac-metric bray-curtis or jaccard".to_owned(),
                ));
            }
            (table, supervision)
        }
        false => (table, None),
    };
    // Again, because distances may have left samples out.
    let (targets, _) = targets::read(options, &metadata, table.sample_ids(), &mut notes)?;
    Ok((table, supervision, metadata, targets))
}

/// The samples of a study, divided into folds.
pub(crate) struct Divided {
    /// Ids of all samples.
    pub ids: Vec<String>,
    /// Their targets.
    pub targets: RawTargets,
    /// What they belong to, if that was said.
    pub groups: Option<Groups>,
    /// The folds.
    pub folds: division::Divided,
}

/// The samples that `options` are about, divided into `folds` folds.
///
/// # Errors
/// Files that cannot be read or do not fit each other, or samples that cannot be divided so.
pub(crate) fn divided(
    options: &TrainOptions,
    folds: usize,
    observer: &mut dyn Observer,
) -> Result<Divided, RunError> {
    let (study, metadata, targets) = read_study(options, observer)?;
    let ids = study.table.sample_ids();
    let labels = class_labels(&targets);
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let division = Division::new(options, &metadata, ids, labels.as_deref(), &mut notes)?;
    let folds = division.folds(folds, &mut notes)?;
    let groups = division.groups().cloned();
    Ok(Divided {
        ids: ids.to_vec(),
        targets,
        groups,
        folds,
    })
}

/// Class of each sample, to split within classes; only where there is one column of classes.
pub fn class_labels(targets: &RawTargets) -> Option<Vec<usize>> {
    match targets.columns.as_slice() {
        [column] if column.classes.is_some() => {
            Some(column.values.iter().map(|&class| class as usize).collect())
        }
        _ => None,
    }
}

/// Warns of classes that no training sample has.
///
/// # Errors
/// Those of the observer.
pub fn warn_of_unseen_classes(
    targets: &RawTargets,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    for column in &targets.columns {
        for (class, name) in column.classes.iter().flatten().enumerate() {
            if !split
                .train
                .iter()
                .any(|&row| column.values[row] as usize == class)
            {
                let text = format!(
                    "column '{}': no training sample has the class '{name}', so it cannot be learnt",
                    column.name
                );
                observer.observe(&Event::Warning(&text))?;
            }
        }
    }
    Ok(())
}
