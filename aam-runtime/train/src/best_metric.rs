//! Validation of the metric that selects the best epoch, as far as it is possible from the
//! settings.

use aam_api::error::nearest;
use aam_api::metric::{Better, MetricContext, MetricInfo, MetricName, MetricOf, Scores};
use burn::tensor::Device;

use super::nucleotides;
use super::options::{PretrainOptions, TrainOptions};
use super::target_losses::TargetLosses;
use aam_run::RunError;
use aam_study::objectives;

/// Rejects a `--best-metric` that a training run with these settings does not have. `losses` are
/// those of the targets, if known.
///
/// # Errors
/// An unknown metric; the message lists those of the run.
pub fn check_training(
    options: &TrainOptions,
    losses: Option<&TargetLosses>,
) -> Result<(), RunError> {
    let Some(asked) = &options.optimization.best_metric else {
        return Ok(());
    };
    let mut names: Vec<String> = ["train_loss", "train_target_loss", "train_penalty"]
        .map(str::to_owned)
        .into();
    if options.unifrac_weight > 0.0 {
        let learned = objectives(&options.data, &options.components)?;
        let subjects = learned.iter().map(|of| of.objective.subject().name);
        names.extend(subjects.map(|subject| format!("train_{subject}_loss")));
    }
    if options.count_weight > 0.0 {
        names.push("train_count_loss".to_owned());
    }
    let on_nucleotides = options.nucleotide_weight > 0.0;
    if on_nucleotides {
        names.push("train_nucleotide_loss".to_owned());
    }
    names.push("loss".to_owned());
    names.extend(of_targets(options, losses)?);
    if on_nucleotides {
        names.extend(nucleotides::METRICS.map(str::to_owned));
    }
    check(asked, &names)
}

/// The metrics of the targets.
fn of_targets(
    options: &TrainOptions,
    losses: Option<&TargetLosses>,
) -> Result<Vec<String>, RunError> {
    let device = Device::flex();
    let intervals = losses.is_none_or(|losses| losses.may_predict_intervals(&device));
    // The number of classes is not known yet; two suffice here.
    let scores = Scores::of(&MetricContext::new(2 * usize::from(options.classifier)))?;
    // Prediction sets are computed from folds, after the training.
    let suits = |info: &&MetricInfo| match info.of {
        MetricOf::Intervals => intervals,
        MetricOf::Sets => false,
        _ => true,
    };
    let names: Vec<&str> = scores.infos().filter(suits).map(|info| info.name).collect();
    let prefix = |target: &String| match options.metadata_column.len() {
        1 => String::new(),
        _ => format!("{}:", target.trim()),
    };
    let targets = options.metadata_column.iter().map(prefix);
    let all = targets.flat_map(|prefix| names.iter().map(move |name| format!("{prefix}{name}")));
    Ok(all.collect())
}

/// Rejects a `--best-metric` that a pre-training with these settings does not have. The plan of its
/// stages determines whether it learns nucleotides, and whether before the samples.
///
/// # Errors
/// An unknown metric; the message lists those of the run.
pub fn check_pretraining(
    options: &PretrainOptions,
    on_nucleotides: bool,
    in_stages: bool,
) -> Result<(), RunError> {
    let Some(asked) = &options.optimization.best_metric else {
        return Ok(());
    };
    let learned = match options.unifrac_weight > 0.0 {
        true => objectives(&options.data, &options.components)?,
        false => Vec::new(),
    };
    let subjects = || learned.iter().map(|of| of.objective.subject().name);
    let mut names = vec!["train_loss".to_owned()];
    names.extend(subjects().map(|subject| format!("train_{subject}_loss")));
    if on_nucleotides && (!in_stages || learned.is_empty()) {
        names.push("train_nucleotide_loss".to_owned());
    }
    names.push("loss".to_owned());
    let scores = Scores::of_pairs()?;
    for subject in subjects() {
        let infos = scores.infos();
        names.extend(infos.map(|info| format!("{subject}_{}", info.name)));
    }
    if on_nucleotides {
        names.extend(nucleotides::METRICS.map(str::to_owned));
    }
    check(asked, &names)
}

fn check(asked: &str, names: &[String]) -> Result<(), RunError> {
    let decides = |name: &str| {
        let read = MetricName::read(name);
        read.is_some_and(|read| read.metric.better != Better::Neither)
    };
    let deciding = || {
        names
            .iter()
            .map(String::as_str)
            .filter(|name| decides(name))
    };
    match MetricName::read(asked) {
        Some(_) if !decides(asked) => Err(undecided(asked, deciding())),
        Some(_) if names.iter().any(|name| name == asked) => Ok(()),
        _ => Err(unknown(asked, deciding())),
    }
}

/// The error of a metric that a run does not have. `names` are those of the run.
pub(crate) fn unknown<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> RunError {
    let names: Vec<&str> = names.collect();
    let hint = nearest(name, names.iter().copied());
    let hint = hint.map_or_else(String::new, |name| format!("did you mean {name}? "));
    let problem = format!(
        "there is no such metric; {hint}this run has {}",
        names.join(", ")
    );
    RunError::value("best-metric", name, problem)
}

/// The error of a metric that does not order epochs. `names` are those of the run.
pub(crate) fn undecided<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> RunError {
    let names: Vec<&str> = names.collect();
    let problem = format!("it does not rank epochs; this run has {}", names.join(", "));
    RunError::value("best-metric", name, problem)
}
