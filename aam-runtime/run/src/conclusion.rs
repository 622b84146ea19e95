//! Writes and reports the evaluation of held-out samples.

use aam_core::text::cell;
use aam_evaluation::coverage;
use aam_evaluation::evaluation::{Evaluation, Other, Predicted, Reported, TRIVIAL};
use aam_evaluation::out_of_fold::AtLevel;
use aam_evaluation::results::{HeldOut, RawColumn};
use aam_evaluation::scores::confusion;
use aam_evaluation::verdict::verdict;

use crate::RunError;
use crate::events::{Event, Observer};
use crate::predictions::{self, PredictedSample, TargetColumn};
use crate::run_directory::RunDirectory;

/// Evaluates the predictions of `method` for `samples`, with intervals, writes the
/// evaluation to `run` and reports it.
///
/// # Errors
/// A file cannot be written, or a metric cannot be built.
pub fn conclude(
    reported: Reported<'_>,
    run: &RunDirectory,
    method: &'static str,
    samples: &[HeldOut],
    others: &[Other],
    observer: &mut dyn Observer,
) -> Result<(), RunError> {
    let evaluation = reported.evaluate(method, samples, others, true)?;
    write(&reported, run, &evaluation, samples, others)?;
    observer.observe(&Event::Predicted(&Predicted {
        reported,
        samples,
        others,
    }))?;
    observer.observe(&Event::Evaluated(&evaluation))?;
    observer.observe(&Event::Result(&evaluation.text()))?;
    let verdict = verdict(&evaluation);
    match verdict.is_empty() {
        true => Ok(()),
        false => observer.observe(&Event::Result(&verdict)),
    }
}

/// Writes `evaluation.tsv`, `predictions.tsv`, the predictions of the other methods, confusion
/// matrices for classes and, if predictions have intervals or sets at given levels, `coverage.tsv`.
///
/// # Errors
/// A file cannot be written.
fn write(
    reported: &Reported<'_>,
    run: &RunDirectory,
    evaluation: &Evaluation,
    samples: &[HeldOut],
    others: &[Other],
) -> Result<(), RunError> {
    for (target, column) in reported.targets.iter().enumerate() {
        if let Some(text) = confusion_text(column, target, samples) {
            let name = match reported.targets.len() {
                1 => "confusion_matrix.tsv".to_owned(),
                _ => format!("confusion_matrix-{}.tsv", target + 1),
            };
            run.write(&name, &text)?;
        }
    }
    for other in others.iter().filter(|other| other.name != TRIVIAL) {
        let name = format!("predictions_{}.tsv", other.name);
        run.write(&name, &predictions_text(reported, &other.samples, &[])?)?;
    }
    let further = reported.levels.get(1..).unwrap_or_default();
    let text = predictions_text(reported, samples, further)?;
    run.write("predictions.tsv", &text)?;
    if !reported.levels.is_empty() {
        run.write("coverage.tsv", &coverage::tsv(&coverage::of(reported)))?;
    }
    run.write("evaluation.tsv", &evaluation.tsv())?;
    Ok(())
}

/// The predictions with the actual values, and `further` levels of the same samples.
fn predictions_text(
    reported: &Reported<'_>,
    samples: &[HeldOut],
    further: &[AtLevel],
) -> Result<String, RunError> {
    let samples: Vec<PredictedSample<'_>> = samples
        .iter()
        .enumerate()
        .map(|(place, sample)| {
            let columns = reported.targets.iter();
            let further = further.iter().filter_map(|at| {
                let same = at.samples.get(place)?;
                Some((at.level, same.predictions.as_slice()))
            });
            PredictedSample {
                id: &reported.ids[sample.row],
                predictions: &sample.predictions,
                further: further.collect(),
                actual: Some(columns.map(|column| column.values[sample.row]).collect()),
                spread: None,
                fold: reported.folds.map(|folds| folds[sample.row].as_str()),
                likeness: None,
                abstains: false,
            }
        })
        .collect();
    predictions::tsv(&columns(reported.targets), &samples)
}

/// Names and classes of the targets, as prediction tables need them.
pub fn columns(targets: &[RawColumn]) -> Vec<TargetColumn<'_>> {
    let columns = targets.iter().map(|column| TargetColumn {
        name: &column.name,
        classes: column.classes.as_deref(),
    });
    columns.collect()
}

/// One row per actual class, one column per predicted class.
fn confusion_text(column: &RawColumn, target: usize, samples: &[HeldOut]) -> Option<String> {
    let classes = column.classes.as_ref()?;
    let matrix = confusion(column, target, samples)?;
    let mut text = cell(&column.name).into_owned();
    for class in classes {
        text.push('\t');
        text.push_str(&cell(&format!("predicted {class}")));
    }
    text.push('\n');
    for (class, counts) in classes.iter().zip(matrix) {
        text.push_str(&cell(class));
        for count in counts {
            text.push_str(&format!("\t{count}"));
        }
        text.push('\n');
    }
    Some(text)
}
