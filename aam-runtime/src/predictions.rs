//! `predictions.tsv`: one line a sample, in a form that QIIME 2 reads as metadata.

use std::collections::HashSet;

use crate::checkpoint::manifest::{TargetManifest, TargetValues};
use crate::error::RunError;
use crate::train::inference::TargetPrediction;
use crate::train::metrics::argmax;

/// A sample, its predictions and, where they are known, its actual values.
pub struct PredictedSample<'a> {
    /// Id of the sample.
    pub id: &'a str,
    /// One prediction per target.
    pub predictions: &'a [TargetPrediction],
    /// One value per target: a number, or the index of a class.
    pub actual: Option<Vec<f64>>,
    /// Standard deviation of each target over several predictions.
    pub spread: Option<&'a [f64]>,
}

/// The text of the file.
///
/// Columns: `sample-id`, `prediction` (and `actual`, `spread`, `lower`, `upper`, `probability CLASS` where
/// there are such); of several targets each column ends in the target's name.
///
/// # Errors
/// Never in practice: the text is made in memory.
pub fn tsv(
    targets: &[TargetManifest],
    samples: &[PredictedSample<'_>],
) -> Result<String, RunError> {
    let mut lines = csv::WriterBuilder::new()
        .delimiter(b'\t')
        .quote_style(csv::QuoteStyle::Necessary)
        .from_writer(Vec::new());
    let broken = |error: csv::Error| RunError::Usage(format!("predictions.tsv: {error}"));
    let header = header(targets, samples.first());
    lines.write_record(&header).map_err(broken)?;
    for sample in samples {
        let mut cells = vec![sample.id.to_owned()];
        for (t, (target, prediction)) in targets.iter().zip(sample.predictions).enumerate() {
            let actual = sample.actual.as_ref().map(|values| values[t]);
            let spread = sample.spread.map(|deviations| deviations[t]);
            fill(&mut cells, &target.values, prediction, actual, spread);
        }
        lines.write_record(&cells).map_err(broken)?;
    }
    let bytes = lines
        .into_inner()
        .map_err(|error| RunError::Usage(format!("predictions.tsv: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn header(targets: &[TargetManifest], first: Option<&PredictedSample<'_>>) -> Vec<String> {
    let mut header = vec!["sample-id".to_owned()];
    for (t, target) in targets.iter().enumerate() {
        let ending = match targets.len() {
            1 => String::new(),
            _ => format!(" {}", target.column),
        };
        let mut names = vec!["prediction".to_owned()];
        if first.is_some_and(|sample| sample.actual.is_some()) {
            names.push("actual".to_owned());
        }
        if first.is_some_and(|sample| sample.spread.is_some()) {
            names.push("spread".to_owned());
        }
        match (&target.values, first.map(|sample| &sample.predictions[t])) {
            (TargetValues::Classes(classes), _) => {
                names.extend(classes.iter().map(|class| format!("probability {class}")));
            }
            (
                _,
                Some(TargetPrediction::Number {
                    interval: Some(_), ..
                }),
            ) => {
                names.extend(["lower".to_owned(), "upper".to_owned()]);
            }
            _ => {}
        }
        header.extend(names.into_iter().map(|name| format!("{name}{ending}")));
    }
    let mut seen = HashSet::new();
    debug_assert!(header.iter().all(|name| seen.insert(name.clone())));
    header
}

fn fill(
    cells: &mut Vec<String>,
    values: &TargetValues,
    prediction: &TargetPrediction,
    actual: Option<f64>,
    spread: Option<f64>,
) {
    match (values, prediction) {
        (TargetValues::Classes(classes), TargetPrediction::Classes(probabilities)) => {
            cells.push(classes[argmax(probabilities)].clone());
            cells.extend(actual.map(|class| classes[class as usize].clone()));
            cells.extend(spread.map(number));
            cells.extend(probabilities.iter().map(|p| format!("{p:.6}")));
        }
        (_, TargetPrediction::Number { value, interval }) => {
            cells.push(number(*value));
            cells.extend(actual.map(|value| value.to_string()));
            cells.extend(spread.map(number));
            if let Some((low, high)) = interval {
                cells.extend([number(*low), number(*high)]);
            }
        }
        (TargetValues::Numbers(_), TargetPrediction::Classes(_)) => {
            unreachable!("numbers are predicted as numbers")
        }
    }
}

/// Seven digits are what the model's `f32` holds.
fn number(value: f64) -> String {
    (value as f32).to_string()
}
