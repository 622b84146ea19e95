//! Validation of the output settings for the targets of a run.

use aam_api::BoxedLoss;

use super::target_scales::{ChosenTransform, TargetScales};
use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use aam_evaluation::results::RawColumn;
use aam_model::Activation;
use aam_model::options::OutputOptions;
use aam_run::RunError;
use aam_run::events::{Event, Observer};

/// Minimum distance of a mean from 0, in standard deviations, to be considered far.
const FAR: f64 = 3.0;

/// Validates `options` against the losses of a run and the transform of its numbers, before data
/// are read.
///
/// # Errors
/// A setting for outputs that are not values of the target, or a non-negative activation with a
/// transform that gives negative values.
pub fn check_settings(
    options: &OutputOptions,
    targets: &[TargetManifest],
    losses: &[BoxedLoss],
    transform: &ChosenTransform,
) -> Result<(), RunError> {
    let setting = changed_values(options, targets, losses)?;
    let (Some(setting), Some(bounds)) = (setting, range(options.output_activation)) else {
        return Ok(());
    };
    let mut bounded = targets.iter().zip(losses);
    if !transform.gives_negatives() || !bounded.any(|(target, loss)| is_bounded(target, loss)) {
        return Ok(());
    }
    Err(setting.refused(format!(
        "it gives outputs {}, but --target-transform {} puts values on both sides of 0; choose --target-transform {}, or none if the values themselves fit",
        reach(bounds),
        transform.name(),
        if bounds.1.is_finite() { "minmax" } else { "scale or minmax" }
    )))
}

/// Validates `options` against the targets of a run, their losses, and the values of the samples
/// `train`.
///
/// # Errors
/// A setting for outputs that are not values of the target, or an activation that cannot reach the
/// training values.
pub fn check(
    options: &OutputOptions,
    targets: &[TargetManifest],
    scales: &TargetScales,
    losses: &[BoxedLoss],
    columns: &[RawColumn],
    train: &[usize],
) -> Result<(), RunError> {
    let setting = changed_values(options, targets, losses)?;
    let (Some(setting), Some((low, high))) = (setting, range(options.output_activation)) else {
        return Ok(());
    };
    for (place, (target, column)) in targets.iter().zip(columns).enumerate() {
        if !is_bounded(target, &losses[place]) {
            continue;
        }
        let rows = train.iter();
        let values = rows.map(|&row| scales.forward(place, row, column.values[row]));
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        // Rounding errors of the transform are tolerated.
        if least < low - 1e-9 || most > high + 1e-9 {
            return Err(setting.refused(format!(
                "it gives outputs {}, but on the scale of training the values of column '{}' range from {least:.3} to {most:.3}; choose --target-transform minmax, or none if the values themselves fit",
                reach((low, high)),
                target.column
            )));
        }
    }
    Ok(())
}

/// A setting that changes outputs.
struct OutputSetting {
    key: &'static str,
    value: Option<String>,
}

impl OutputSetting {
    fn refused(self, problem: String) -> RunError {
        RunError::Setting {
            key: self.key.to_owned(),
            value: self.value,
            problem,
        }
    }
}

/// The first setting that changes outputs, if any.
///
/// # Errors
/// No loss has outputs that are values of its target.
fn changed_values(
    options: &OutputOptions,
    targets: &[TargetManifest],
    losses: &[BoxedLoss],
) -> Result<Option<OutputSetting>, RunError> {
    let setting = first_setting(options).map(|(key, value)| OutputSetting { key, value });
    match setting {
        Some(setting) if !losses.iter().any(|loss| loss.outputs_are_values()) => {
            let names: Vec<&str> = targets.iter().map(|t| t.loss.name.as_str()).collect();
            Err(setting.refused(format!(
                "it applies to outputs that are values of the target, but those of --loss {} are not; choose another loss or leave it out",
                names.join(", ")
            )))
        }
        setting => Ok(setting),
    }
}

/// Whether an activation bounds the predictions of a target.
fn is_bounded(target: &TargetManifest, loss: &BoxedLoss) -> bool {
    matches!(target.values, TargetValues::Numbers(_)) && loss.outputs_are_values()
}

/// A description of the range between two bounds.
fn reach((low, high): (f64, f64)) -> String {
    match high.is_finite() {
        true => format!("between {low} and {high}"),
        false => format!("of {low} and above"),
    }
}

/// Reports targets whose mean is far from 0, where outputs start, on the scale of training.
///
/// # Errors
/// Those of the observer.
pub fn note_far_targets(
    targets: &[TargetManifest],
    columns: &[RawColumn],
    train: &[usize],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    for (target, column) in targets.iter().zip(columns) {
        let TargetValues::Numbers(transform) = &target.values else {
            continue;
        };
        let count = train.len().max(1) as f64;
        let scaled = |&row: &usize| transform.forward(column.values[row], None);
        let values = || train.iter().map(scaled);
        let mean = values().sum::<f64>() / count;
        let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        if mean.abs() > FAR * deviation.max(1.0) {
            let text = format!(
                "--target-transform {}: column '{}' has a mean of {mean:.3} and a standard deviation of {deviation:.3}, but outputs start at 0; zscore, or minmax for bounded outputs, speeds up training",
                transform.name(),
                column.name
            );
            observer.observe(&Event::Warning(&text))?;
        }
    }
    Ok(())
}

/// Reports which values the network can predict where an activation bounds them.
///
/// # Errors
/// Those of the observer.
pub fn note_bounds(
    options: &OutputOptions,
    targets: &[TargetManifest],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let Some((low, high)) = range(options.output_activation) else {
        return Ok(());
    };
    for target in targets {
        let TargetValues::Numbers(transform) = &target.values else {
            continue;
        };
        let ends = [low, high].map(|end| match end.is_finite() {
            true => format!("{:.3}", transform.inverse(end, None)),
            false => String::new(),
        });
        let reach = match &ends {
            [low, high] if high.is_empty() => format!("of {low} and above"),
            [low, high] => format!("between {low} and {high}"),
        };
        observer.observe(&Event::Note(&format!(
            "--output-activation {} with --target-transform {}: the network predicts values of '{}' {reach}",
            options.output_activation,
            transform.name(),
            target.column
        )))?;
    }
    Ok(())
}

/// The first setting that changes outputs, with its value if it has one.
fn first_setting(options: &OutputOptions) -> Option<(&'static str, Option<String>)> {
    if options.output_activation != Activation::None {
        let activation = options.output_activation.to_string();
        return Some(("output-activation", Some(activation)));
    }
    if options.learnable_output_scale {
        return Some(("learnable-output-scale", None));
    }
    let columns = &options.conditional_output_scaling;
    (!columns.is_empty()).then(|| ("conditional-output-scaling", Some(columns.join(","))))
}

/// The range of an activation.
fn range(activation: Activation) -> Option<(f64, f64)> {
    match activation {
        Activation::None => None,
        Activation::Relu | Activation::Softplus | Activation::Exp => Some((0.0, f64::INFINITY)),
        Activation::Sigmoid => Some((0.0, 1.0)),
    }
}
