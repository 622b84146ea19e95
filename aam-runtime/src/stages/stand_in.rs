//! A small model on placeholder data, used to reject invalid components and settings before any
//! file is read.

use aam_api::{BoxedLoss, LossContext, PluginError};
use burn::tensor::Device;

use super::settings::TrainingSettings;
use super::setup::TrainingSetup;
use aam_model::ModelConfig;
use aam_run::RunError;
use aam_study::categories::{CategoryLevels, CategoryVocabulary};
use aam_train::assembly::predictor_config;
use aam_train::checkpoint::manifest::{PredictorManifest, TargetManifest, TargetValues};
use aam_train::inference::{FineTuned, losses};
use aam_train::output;
use aam_train::session::{manifest, policy};

/// Class names of a target whose classes are not known yet, and levels of a column.
const NAMES: [&str; 3] = ["1", "2", "3"];

/// Rejects what is invalid for any data.
///
/// # Errors
/// Options that a component rejects, incompatible components, or output settings that do not apply
/// to the losses. Classes are not known yet, so a run must be possible with two of them or with more.
pub fn check(setup: &TrainingSetup<'_>) -> Result<(), RunError> {
    if !setup.options().classifier {
        return check_with(setup, &numbers(&setup.settings)?);
    }
    let check = |number: usize| check_with(setup, &classes(&setup.settings, number));
    check(2).or_else(|_| check(NAMES.len()))
}

/// Rejects what is invalid for the placeholder `targets`.
fn check_with(setup: &TrainingSetup<'_>, targets: &[TargetManifest]) -> Result<(), RunError> {
    let options = setup.options();
    let device = Device::flex();
    let contexts: Vec<LossContext> = targets.iter().map(|t| t.values.loss_context()).collect();
    let is_known = !options.classifier;
    let transform = &setup.settings.transform;
    let check_losses =
        |losses: &[BoxedLoss]| output::check_settings(&options.output, targets, losses, transform);
    if is_known {
        setup.settings.losses.check(&contexts, &device)?;
        check_losses(&losses(targets, &device)?)?;
    }
    let is_known = is_known && setup.settings.categories.names.is_empty();
    match model(setup, targets.to_vec(), &device) {
        Ok(model) => check_losses(&model.losses),
        // What a component needs from the run does not depend on names and numbers of classes or levels.
        Err(RunError::Plugin(error @ PluginError::Needs { .. })) => Err(error.into()),
        // The error may be due to the placeholder classes or levels.
        Err(RunError::Plugin(_)) if !is_known => Ok(()),
        Err(error) => Err(error),
    }
}

/// The model of the run with a single layer of each kind.
fn model(
    setup: &TrainingSetup<'_>,
    targets: Vec<TargetManifest>,
    device: &Device,
) -> Result<FineTuned, RunError> {
    let config = &setup.config;
    let small = ModelConfig {
        asv_layers: config.asv_layers.min(1),
        sample_layers: config.sample_layers.min(1),
        encoder_layers: config.encoder_layers.min(1),
        target_layers: config.target_layers.min(1),
        count_layers: config.count_layers.min(1),
        ..config.clone()
    };
    let settings = &setup.settings;
    let options = settings.options;
    let wanted = options.data.max_bp.unwrap_or(small.max_bp);
    let policy = policy(&options.data, wanted, options.optimization.seed);
    let mut manifest = manifest(small, policy);
    manifest.predictor = Some(PredictorManifest {
        config: predictor_config(settings.options, setup.ways.view),
        fusion: settings.fusion.clone(),
        head: settings.head.clone(),
        strategy: setup.strategy.clone(),
        targets,
        categories: categories(settings),
    });
    FineTuned::init(&manifest, device)
}

/// Numeric targets.
fn numbers(settings: &TrainingSettings<'_>) -> Result<Vec<TargetManifest>, RunError> {
    let values = TargetValues::Numbers(settings.transform.of_stand_ins()?);
    Ok(targets(settings, &values))
}

/// Targets with this `number` of classes.
fn classes(settings: &TrainingSettings<'_>, number: usize) -> Vec<TargetManifest> {
    targets(settings, &TargetValues::Classes(names(number)))
}

fn targets(settings: &TrainingSettings<'_>, values: &TargetValues) -> Vec<TargetManifest> {
    let columns = settings.options.metadata_column.iter().enumerate();
    let targets = columns.map(|(target, name)| TargetManifest {
        column: name.trim().to_owned(),
        loss: settings.losses.of(target).clone(),
        values: values.clone(),
    });
    targets.collect()
}

fn categories(settings: &TrainingSettings<'_>) -> CategoryVocabulary {
    let columns = settings.categories.names.iter();
    let columns = columns.zip(&settings.categories.widths);
    let columns = columns.map(|(name, &width)| CategoryLevels {
        column: name.clone(),
        levels: names(2),
        pooled: Vec::new(),
        width,
        parent: None,
        parent_ids: Vec::new(),
    });
    CategoryVocabulary {
        columns: columns.collect(),
    }
}

fn names(number: usize) -> Vec<String> {
    let names = NAMES.into_iter().take(number);
    names.map(str::to_owned).collect()
}
