//! A small model for data that stand in for the study's, by which components, and settings of what
//! they give, are refused before any file is read.

use aam_api::{BoxedLoss, LossContext};
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
use aam_train::session::{check_memory, manifest};

/// Names of the classes of a target whose own are not known yet, and levels of a column.
const NAMES: [&str; 2] = ["1", "2"];

/// Refuses what is refused whatever the data are.
///
/// # Errors
/// Options that a component refuses, components that do not go together, settings of outputs that
/// the losses do not have.
pub fn check(setup: &TrainingSetup<'_>) -> Result<(), RunError> {
    let options = setup.options();
    let device = Device::flex();
    let targets = targets(&setup.settings)?;
    let contexts: Vec<LossContext> = targets.iter().map(|t| t.values.loss_context()).collect();
    let is_known = !options.classifier;
    let transform = &setup.settings.transform;
    let check_losses =
        |losses: &[BoxedLoss]| output::check_settings(&options.output, &targets, losses, transform);
    if is_known {
        setup.settings.losses.check(&contexts, &device)?;
        check_losses(&losses(&targets, &device)?)?;
    }
    let is_known = is_known && setup.settings.categories.names.is_empty();
    match model(
        setup,
        with_one_layer(&setup.config),
        targets.clone(),
        &device,
    ) {
        Ok(small) => {
            check_losses(&small.losses)?;
            let whole = model(setup, setup.config.clone(), targets, &device)?;
            check_memory(&whole, &setup.device())
        }
        // Other classes, or other levels of categories, may be what it lacks.
        Err(RunError::Plugin(_)) if !is_known => Ok(()),
        Err(error) => Err(error),
    }
}

fn with_one_layer(config: &ModelConfig) -> ModelConfig {
    ModelConfig {
        asv_layers: config.asv_layers.min(1),
        sample_layers: config.sample_layers.min(1),
        encoder_layers: config.encoder_layers.min(1),
        target_layers: config.target_layers.min(1),
        count_layers: config.count_layers.min(1),
        ..config.clone()
    }
}

/// The model of the run with the shape of `config`; its parameters are not drawn.
fn model(
    setup: &TrainingSetup<'_>,
    config: ModelConfig,
    targets: Vec<TargetManifest>,
    device: &Device,
) -> Result<FineTuned, RunError> {
    let settings = &setup.settings;
    let mut manifest = manifest(config, setup.policy());
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

fn targets(settings: &TrainingSettings<'_>) -> Result<Vec<TargetManifest>, RunError> {
    let options = settings.options;
    let values = match options.classifier {
        true => TargetValues::Classes(names()),
        false => TargetValues::Numbers(settings.transform.of_stand_ins()?),
    };
    let columns = options.metadata_column.iter().enumerate();
    let targets = columns.map(|(target, name)| TargetManifest {
        column: name.trim().to_owned(),
        loss: settings.losses.of(target).clone(),
        values: values.clone(),
    });
    Ok(targets.collect())
}

fn categories(settings: &TrainingSettings<'_>) -> CategoryVocabulary {
    let columns = settings.categories.names.iter();
    let columns = columns.zip(&settings.categories.widths);
    let columns = columns.map(|(name, &width)| CategoryLevels {
        column: name.clone(),
        levels: names(),
        pooled: Vec::new(),
        width,
        parent: None,
        parent_ids: Vec::new(),
    });
    CategoryVocabulary {
        columns: columns.collect(),
    }
}

fn names() -> Vec<String> {
    NAMES.map(str::to_owned).into()
}
