//! Which settings of the output stage make sense for the targets of a run.

use aam_api::BoxedLoss;

use super::target_scales::TargetScales;
use super::targets::RawColumn;
use super::transform::TargetTransform;
use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::model::Activation;
use crate::options::OutputOptions;

/// Means farther than so many standard deviations from 0 are far.
const FAR: f64 = 3.0;

/// Checks `options` against the targets of a run, their losses, and the values that the samples
/// `train` have.
///
/// # Errors
/// A setting for outputs that are no values of the target, or an activation that cannot reach the
/// training values.
pub fn check(
    options: &OutputOptions,
    targets: &[TargetManifest],
    scales: &TargetScales,
    losses: &[BoxedLoss],
    columns: &[RawColumn],
    train: &[usize],
) -> Result<(), RunError> {
    let Some(flag) = first_flag(options) else {
        return Ok(());
    };
    if !losses.iter().any(|loss| loss.outputs_are_values()) {
        let names: Vec<&str> = targets.iter().map(|t| t.loss.name.as_str()).collect();
        return Err(RunError::Usage(format!(
            "{flag}: it changes outputs that are values of the target, and those of --loss {} are not; choose another loss or leave it out",
            names.join(", ")
        )));
    }
    let Some((low, high)) = range(options.output_activation) else {
        return Ok(());
    };
    for (place, (target, column)) in targets.iter().zip(columns).enumerate() {
        let is_number = matches!(target.values, TargetValues::Numbers(_));
        if !(is_number && losses[place].outputs_are_values()) {
            continue;
        }
        let rows = train.iter();
        let values = rows.map(|&row| scales.forward(place, row, column.values[row]));
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        // Rounding of the transform is no reason to refuse it.
        if least < low - 1e-9 || most > high + 1e-9 {
            let reach = match high.is_finite() {
                true => format!("between {low} and {high}"),
                false => format!("of {low} and above"),
            };
            return Err(RunError::Usage(format!(
                "{flag} gives outputs {reach}, but on the scale of training the values of column '{}' go from {least:.3} to {most:.3}; choose --target-transform minmax, or none if the values themselves fit",
                target.column
            )));
        }
    }
    Ok(())
}

/// Tells of targets that are learnt as they are, although they lie far from 0, where outputs start.
///
/// # Errors
/// Those of the observer.
pub fn note_far_targets(
    transform: TargetTransform,
    columns: &[RawColumn],
    train: &[usize],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    if transform != TargetTransform::None {
        return Ok(());
    }
    for column in columns.iter().filter(|column| column.classes.is_none()) {
        let count = train.len().max(1) as f64;
        let values = || train.iter().map(|&row| column.values[row]);
        let mean = values().sum::<f64>() / count;
        let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        if mean.abs() > FAR * deviation.max(1.0) {
            let text = format!(
                "--target-transform none: column '{}' has a mean of {mean:.3} and a standard deviation of {deviation:.3}, and outputs start at 0; they learn faster with zscore, or minmax where they are bounded",
                column.name
            );
            observer.observe(&Event::Warning(&text))?;
        }
    }
    Ok(())
}

/// The flag of the first setting that changes outputs.
fn first_flag(options: &OutputOptions) -> Option<String> {
    if options.output_activation != Activation::None {
        return Some(format!("--output-activation {}", options.output_activation));
    }
    if options.learnable_output_scale {
        return Some("--learnable-output-scale".to_owned());
    }
    let columns = &options.conditional_output_scaling;
    (!columns.is_empty()).then(|| format!("--conditional-output-scaling {}", columns.join(",")))
}

/// The values that an activation can give.
fn range(activation: Activation) -> Option<(f64, f64)> {
    match activation {
        Activation::None => None,
        Activation::Relu | Activation::Softplus | Activation::Exp => Some((0.0, f64::INFINITY)),
        Activation::Sigmoid => Some((0.0, 1.0)),
    }
}
