//! The first stage of a training run: settings validated without data.

use std::rc::Rc;
use std::sync::Arc;

use aam_api::{FusionKind, HeadKind, Resolved};

use crate::members::Members;
use crate::options::TrainOptions;
use aam_run::output_lock::OutputLock;
use aam_run::{RunError, settings};
use aam_study::categories::CategoryColumns;
use aam_study::division;
use aam_study::{expect_sources, required};
use aam_train::augmenting::NamedAugmentations;
use aam_train::best_metric;
use aam_train::sample_weights::Weighting;
use aam_train::session::check;
use aam_train::target_losses::TargetLosses;
use aam_train::target_scales::ChosenTransform;

/// The validated settings of a training run, with the components they name.
#[derive(Debug)]
pub struct TrainingSettings<'a> {
    /// The settings as given.
    pub options: &'a TrainOptions,
    /// The transform of numeric targets.
    pub transform: Rc<ChosenTransform>,
    /// The fusion of categories with the microbiome.
    pub fusion: Resolved,
    /// The prediction head.
    pub head: Resolved,
    /// The loss of each target.
    pub losses: TargetLosses,
    /// The weights of the training samples, if they differ.
    pub weighting: Option<Weighting>,
    /// The categorical columns used as model input.
    pub categories: CategoryColumns,
    /// The members of the ensemble in addition to the network.
    pub members: Members,
    /// The augmentations of the training samples.
    pub augmentations: NamedAugmentations,
    /// Locks the run directory.
    _held: Option<Arc<OutputLock>>,
}

impl<'a> TrainingSettings<'a> {
    /// The settings of a run with a new directory.
    ///
    /// # Errors
    /// The first setting that is missing, out of range or in conflict with another.
    pub fn of_run(options: &'a TrainOptions) -> Result<Self, RunError> {
        let held = check(options, &options.components, &options.optimization)?;
        Ok(Self {
            _held: held,
            ..Self::read(options)?
        })
    }

    /// The settings of a cross-validation, each fold of which has its own directory.
    ///
    /// # Errors
    /// Those of [`of_run`](Self::of_run), except for the directory.
    pub fn of_folds(options: &'a TrainOptions) -> Result<Self, RunError> {
        settings::check(options)?;
        Self::read(options)
    }

    fn read(options: &'a TrainOptions) -> Result<Self, RunError> {
        check_data(options)?;
        check_rates(options)?;
        if options.interval.is_empty() {
            return Err(RunError::missing("interval", "name at least one level"));
        }
        let losses = TargetLosses::read(options)?;
        best_metric::check_training(options, Some(&losses))?;
        Ok(Self {
            transform: Rc::new(ChosenTransform::new(options)?),
            fusion: options.components.resolve::<FusionKind>()?,
            head: options.components.resolve::<HeadKind>()?,
            losses,
            weighting: Weighting::read(options)?,
            members: Members::read(&options.members)?,
            augmentations: NamedAugmentations::read(&options.augmentation)?,
            categories: CategoryColumns::read(&options.categories, &options.metadata_column)?,
            options,
            _held: None,
        })
    }
}

/// Rejects settings that leave the samples undefined or define them twice.
///
/// # Errors
/// The first such setting.
pub fn check_data(options: &TrainOptions) -> Result<(), RunError> {
    required(options.data.table.as_deref(), "table")?;
    required(options.metadata.as_deref(), "metadata")?;
    if options.metadata_column.is_empty() {
        return Err(RunError::missing(
            "metadata-column",
            "name the column to predict",
        ));
    }
    if let (Some(word), false) = (options.keep_class.first(), options.classifier) {
        let problem = "the columns are read as numbers, so a word cannot be a class; add --classifier, or leave it out";
        return Err(RunError::value("keep-class", word, problem));
    }
    let presentation = &options.presentation;
    presentation.check(&options.metadata_column, options.classifier)?;
    let metadata = options.metadata.as_deref();
    options.data.selection.read(metadata)?;
    division::check(&options.split, &options.data)?;
    division::check_group_column(&options.split, &options.metadata_column)?;
    match options.unifrac_weight > 0.0 {
        true => expect_sources(&options.data, &options.components),
        false => Ok(()),
    }
}

/// Rejects learning rates of parts that the run does not have.
fn check_rates(options: &TrainOptions) -> Result<(), RunError> {
    match options.categorical_lr.is_some() && options.categories.categorical_columns.is_empty() {
        true => Err(RunError::setting(
            "categorical-lr",
            "the run has no categories; name some with --categorical-columns",
        )),
        false => Ok(()),
    }
}
