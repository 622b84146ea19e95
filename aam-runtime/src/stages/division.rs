//! The fourth stage: the split into training and validation samples.

use std::sync::Arc;

use super::setup::TrainingSetup;
use super::study::{MatchedStudy, division};
use super::unseen_asvs::warn_of_unseen_asvs;
use crate::members::LabelledSamples;
use crate::options::TrainOptions;
use aam_data::{Kinship, Metadata, Split, Table};
use aam_evaluation::groups::Groups;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::batches::Batches;
use aam_study::categories::CategoryColumns;
use aam_study::division::Folds;
use aam_train::augmenting::Augmenting;
use aam_train::fingerprint::RunFingerprint;
use aam_train::session::{ids_of, known_bp};
use aam_train::target_scales::TargetScales;
use aam_train::targets::RawTargets;

/// A study split into training and validation samples.
pub struct DividedStudy<'a> {
    /// The training.
    pub setup: &'a TrainingSetup<'a>,
    /// The study.
    pub matched: &'a MatchedStudy,
    /// The training and validation samples.
    pub split: Split,
    /// The groups of the samples, if given.
    pub groups: Option<Groups>,
    /// The fingerprint of the run's settings and data.
    pub fingerprint: RunFingerprint,
}

impl<'a> DividedStudy<'a> {
    /// Splits the samples, or restores the split of a resumed run, and warns about problems of the
    /// split.
    ///
    /// # Errors
    /// Samples that cannot be split as requested, or data that differ from those of the resumed
    /// run.
    pub fn new(
        setup: &'a TrainingSetup<'a>,
        matched: &'a MatchedStudy,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let options = setup.options();
        let MatchedStudy {
            study,
            metadata,
            targets,
            ..
        } = matched;
        let ids = study.table.sample_ids();
        let division = division(options, metadata, ids, targets, observer)?;
        let split = match setup.resumed() {
            Some(resumed) => resumed.split(ids)?,
            None => division.split(&mut |note| observer.observe(&Event::Note(&note)))?,
        };
        let table = &study.table;
        let fingerprint = RunFingerprint::new(options, table, Some(metadata), &split)?;
        if let Some(resumed) = setup.resumed() {
            fingerprint.check(&resumed.state.fingerprint)?;
        }
        let warning = division.warning(metadata, &split, &options.metadata_column);
        if let Some(text) = warning {
            observer.observe(&Event::Warning(&text))?;
        }
        warn_of_unseen_classes(targets, &split, observer)?;
        Ok(Self {
            setup,
            matched,
            groups: division.into_groups(),
            split,
            fingerprint,
        })
    }

    /// The ids of all samples.
    pub fn ids(&self) -> &'a [String] {
        self.matched.study.table.sample_ids()
    }

    /// The augmentation of the training samples, whose targets have the given `scales`, if any.
    ///
    /// # Errors
    /// Those of [`TrainingSetup::augmentations`].
    pub fn augmenting(&self, scales: &TargetScales) -> Result<Option<Augmenting<'a>>, RunError> {
        let columns = &self.matched.targets.columns;
        let scaled = |row: usize| {
            let columns = columns.iter().enumerate();
            columns.map(move |(target, column)| scales.forward(target, row, column.values[row]))
        };
        let table = &self.matched.study.table;
        let classes = columns.iter().map(|column| column.classes.is_some());
        let has_sequences = self.matched.study.sequences.kinship().is_none();
        Ok(Augmenting::new(
            self.setup.augmentations(has_sequences)?,
            table,
            (0..table.num_samples()).flat_map(scaled).collect(),
            classes.collect(),
        ))
    }

    /// The ids of the training samples.
    pub fn train_ids(&self) -> Vec<String> {
        ids_of(self.ids(), &self.split.train)
    }
}

/// Warns of classes without training samples.
fn warn_of_unseen_classes(
    targets: &RawTargets,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    for column in &targets.columns {
        for (class, name) in column.classes.iter().flatten().enumerate() {
            let has_class = |&row: &usize| column.values[row] as usize == class;
            if !split.train.iter().any(has_class) {
                let text = format!(
                    "column '{}': no training sample has the class '{name}', so it cannot be learned",
                    column.name
                );
                observer.observe(&Event::Warning(&text))?;
            }
        }
    }
    Ok(())
}

/// A study divided into folds.
pub struct FoldedStudy {
    /// The ids of all samples.
    pub ids: Vec<String>,
    /// The reads of the samples.
    pub table: Table,
    /// The rows of the samples in the table: all.
    pub rows: Vec<usize>,
    /// How the features are related, if they have no sequences.
    pub kinship: Option<Arc<Kinship>>,
    /// The batches of the samples, if what they have in common is removed.
    pub batches: Option<Batches>,
    /// The targets of the samples.
    pub targets: RawTargets,
    /// The metadata of the samples.
    pub metadata: Metadata,
    /// The metadata columns used as additional features.
    pub categories: CategoryColumns,
    /// The groups of the samples, if given.
    pub groups: Option<Groups>,
    /// The folds.
    pub folds: Folds,
}

impl FoldedStudy {
    /// All samples with their targets.
    pub fn labelled(&self, options: &TrainOptions) -> LabelledSamples<'_> {
        LabelledSamples {
            table: &self.table,
            rows: &self.rows,
            kinship: self.kinship.as_deref(),
            batches: self.batches.as_ref(),
            targets: &self.targets.columns,
            groups: self.groups.as_ref(),
            metadata: &self.metadata,
            categories: &self.categories,
            seed: options.optimization.seed,
        }
    }
}

/// Divides the samples selected by `options` into `folds` folds.
///
/// # Errors
/// Files that cannot be read or do not match, or samples that cannot be divided as requested.
pub fn folded(
    options: &TrainOptions,
    folds: usize,
    observer: &mut dyn Observer,
) -> Result<FoldedStudy, RunError> {
    let encoder = options.pretrained_encoder.as_deref();
    let known = encoder.map(known_bp).transpose()?;
    let MatchedStudy {
        study,
        metadata,
        targets,
        batches,
    } = MatchedStudy::read(options, known, observer)?;
    let ids = study.table.sample_ids();
    let division = division(options, &metadata, ids, &targets, observer)?;
    let most = division
        .groups()
        .map_or(ids.len(), |groups| groups.names.len());
    let folds = match options.split.folds {
        Some(_) => folds,
        None => folds.min(most),
    };
    let folds = division.folds(folds, &mut |note| observer.observe(&Event::Note(&note)))?;
    let groups = division.into_groups();
    warn_of_unseen_asvs(&study.table, &folds.splits, observer)?;
    Ok(FoldedStudy {
        ids: ids.to_vec(),
        rows: (0..ids.len()).collect(),
        kinship: study.sequences.kinship().cloned(),
        batches,
        table: study.table,
        targets,
        categories: CategoryColumns::read(&options.categories, &options.metadata_column)?,
        metadata,
        groups,
        folds,
    })
}
