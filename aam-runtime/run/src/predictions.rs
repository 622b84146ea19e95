//! `predictions.tsv`: one line per sample, in a form that QIIME 2 reads as metadata.

use std::collections::HashSet;
use std::path::Path;

use crate::RunError;
use crate::tsv_writer::tsv_writer;
use aam_api::metric::argmax;
use aam_core::DataError;
use aam_evaluation::results::TargetPrediction;

/// A sample with its predictions and, if known, its actual values.
pub struct PredictedSample<'a> {
    /// Id of the sample.
    pub id: &'a str,
    /// One prediction per target.
    pub predictions: &'a [TargetPrediction],
    /// The predictions with intervals and sets at further levels.
    pub further: Vec<(f64, &'a [TargetPrediction])>,
    /// One value per target: a number, or the index of a class.
    pub actual: Option<Vec<f64>>,
    /// Standard deviation of each target over repeated predictions.
    pub spread: Option<&'a [f64]>,
    /// Name of the fold that held the sample out.
    pub fold: Option<&'a str>,
    /// How it compares with the training samples, if reported.
    pub likeness: Option<Likeness>,
    /// Whether its predictions are left empty.
    pub abstains: bool,
}

/// How a sample compares with the training samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Share of its reads in ASVs that training never saw.
    pub unseen_reads: f64,
    /// Bray–Curtis distance to the nearest training sample.
    pub distance: f64,
    /// Whether it is less similar to the training samples than these are to one another.
    pub unlike: bool,
}

/// A target, with what the columns of the file need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetColumn<'a> {
    /// Name of the metadata column.
    pub name: &'a str,
    /// Names of the classes, for a classification target.
    pub classes: Option<&'a [String]>,
}

/// The text of the file.
///
/// Columns: `sample-id`, `prediction` (and, where they apply, `actual`, `spread`, `lower`, `upper`,
/// `prediction_set`, `probability CLASS`, and for further levels `lower_0.95`, …). With several
/// targets, each column name ends in the target's name. `fold` and then `unseen_reads`, `distance` and
/// `unlike` come last.
///
/// # Errors
/// A prediction is not finite.
pub fn tsv(
    targets: &[TargetColumn<'_>],
    samples: &[PredictedSample<'_>],
) -> Result<String, RunError> {
    let mut lines = tsv_writer();
    let broken = |error: csv::Error| RunError::Usage(format!("predictions.tsv: {error}"));
    let header = header(targets, samples.first());
    lines.write_record(&header).map_err(broken)?;
    for sample in samples {
        check(targets, sample)?;
        let mut cells = vec![sample.id.to_owned()];
        for (t, (target, prediction)) in targets.iter().zip(sample.predictions).enumerate() {
            let actual = sample.actual.as_ref().map(|values| values[t]);
            let spread = sample.spread.map(|deviations| deviations[t]);
            let further = sample.further.iter().map(|(_, targets)| &targets[t]);
            let levels: Vec<&TargetPrediction> =
                std::iter::once(prediction).chain(further).collect();
            fill(&mut cells, target.classes, &levels, actual, spread);
        }
        if sample.abstains {
            cells[1..].fill(String::new());
        }
        cells.extend(sample.fold.map(str::to_owned));
        if let Some(likeness) = sample.likeness {
            let unlike = if likeness.unlike { "yes" } else { "no" };
            cells.extend([number(likeness.unseen_reads), number(likeness.distance)]);
            cells.push(unlike.to_owned());
        }
        lines.write_record(&cells).map_err(broken)?;
    }
    let bytes = lines
        .into_inner()
        .map_err(|error| RunError::Usage(format!("predictions.tsv: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Rejects non-finite predictions. The bounds of an interval may be infinite, because a few held-out
/// samples may not bound it.
fn check(targets: &[TargetColumn<'_>], sample: &PredictedSample<'_>) -> Result<(), RunError> {
    let is_number = |value: f64| (value as f32).is_finite();
    for (target, prediction) in targets.iter().zip(sample.predictions) {
        let wrong = match prediction {
            TargetPrediction::Number {
                value,
                interval: Some((low, high)),
            } if is_number(*value) => [*low, *high].into_iter().find(|end| end.is_nan()),
            TargetPrediction::Number { value, .. } => Some(*value).filter(|v| !is_number(*v)),
            TargetPrediction::Classes { probabilities, .. } => {
                probabilities.iter().copied().find(|p| !is_number(*p))
            }
        };
        if let Some(value) = wrong {
            return Err(RunError::NotFinite {
                target: target.name.to_owned(),
                sample: sample.id.to_owned(),
                value,
            });
        }
    }
    Ok(())
}

fn header(targets: &[TargetColumn<'_>], first: Option<&PredictedSample<'_>>) -> Vec<String> {
    let mut header = vec!["sample-id".to_owned()];
    for (t, target) in targets.iter().enumerate() {
        let ending = match targets.len() {
            1 => String::new(),
            _ => format!(" {}", target.name),
        };
        let mut names = vec!["prediction".to_owned()];
        if first.is_some_and(|sample| sample.actual.is_some()) {
            names.push("actual".to_owned());
        }
        if first.is_some_and(|sample| sample.spread.is_some()) {
            names.push("spread".to_owned());
        }
        if let Some(sample) = first {
            let further = sample.further.iter();
            let further = further.map(|(level, targets)| (format!("_{level}"), &targets[t]));
            let own = (String::new(), &sample.predictions[t]);
            for (level, prediction) in std::iter::once(own).chain(further) {
                let columns = regions(prediction);
                names.extend(columns.iter().map(|column| format!("{column}{level}")));
            }
        }
        let classes = target.classes.unwrap_or_default().iter();
        names.extend(classes.map(|class| format!("probability {class}")));
        header.extend(names.into_iter().map(|name| format!("{name}{ending}")));
    }
    if first.is_some_and(|sample| sample.fold.is_some()) {
        header.push("fold".to_owned());
    }
    if first.is_some_and(|sample| sample.likeness.is_some()) {
        header.extend(["unseen_reads", "distance", "unlike"].map(str::to_owned));
    }
    let mut seen = HashSet::new();
    debug_assert!(header.iter().all(|name| seen.insert(name.clone())));
    header
}

/// The columns of the interval or set that the prediction has.
fn regions(prediction: &TargetPrediction) -> &'static [&'static str] {
    match prediction {
        TargetPrediction::Number {
            interval: Some(_), ..
        } => &["lower", "upper"],
        TargetPrediction::Classes { set: Some(_), .. } => &["prediction_set"],
        _ => &[],
    }
}

/// Appends the cells of a target; `levels` differ only in intervals and sets.
fn fill(
    cells: &mut Vec<String>,
    classes: Option<&[String]>,
    levels: &[&TargetPrediction],
    actual: Option<f64>,
    spread: Option<f64>,
) {
    let name = |class: usize| match classes {
        Some(classes) => classes[class].clone(),
        None => class.to_string(),
    };
    let Some(first) = levels.first() else {
        return;
    };
    match first {
        TargetPrediction::Classes { probabilities, .. } => {
            cells.push(name(argmax(probabilities)));
            cells.extend(actual.map(|class| name(class as usize)));
        }
        TargetPrediction::Number { value, .. } => {
            cells.push(number(*value));
            cells.extend(actual.map(|value| value.to_string()));
        }
    }
    cells.extend(spread.map(number));
    for prediction in levels {
        match prediction {
            TargetPrediction::Number { interval, .. } => {
                let ends = interval.iter().flat_map(|(low, high)| [*low, *high]);
                cells.extend(ends.map(number));
            }
            TargetPrediction::Classes { set, .. } => {
                let names = |set: &Vec<usize>| {
                    let names = set.iter().map(|&class| name(class).replace('|', "\\|"));
                    names.collect::<Vec<_>>().join("|")
                };
                cells.extend(set.as_ref().map(names));
            }
        }
    }
    if let TargetPrediction::Classes { probabilities, .. } = first {
        cells.extend(probabilities.iter().map(|p| number(*p)));
    }
}

/// Seven digits, the precision of the model's `f32`.
fn number(value: f64) -> String {
    (value as f32).to_string()
}

/// Reads the predictions of a file that [`tsv`] wrote for the same targets, with the id of each
/// sample; prediction sets and further levels are not read.
///
/// # Errors
/// The file is damaged.
pub fn read(
    path: &Path,
    targets: &[TargetColumn<'_>],
) -> Result<Vec<(String, Vec<TargetPrediction>)>, RunError> {
    let damaged = |what: String| {
        DataError::in_file(path, what).help("remove the folder of the run to repeat it")
    };
    let mut lines = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_path(path)
        .map_err(|error| damaged(error.to_string()))?;
    let header = lines
        .headers()
        .map_err(|error| damaged(error.to_string()))?;
    let place = |name: String| header.iter().position(|cell| cell == name);
    let columns: Vec<Columns> = targets
        .iter()
        .map(|target| {
            let ending = match targets.len() {
                1 => String::new(),
                _ => format!(" {}", target.name),
            };
            let place = |name: &str| place(format!("{name}{ending}"));
            let missing = || damaged(format!("lacks columns of '{}'", target.name));
            Ok(match target.classes {
                Some(classes) => {
                    let places = classes
                        .iter()
                        .map(|class| place(&format!("probability {class}")));
                    Columns::Classes(places.collect::<Option<_>>().ok_or_else(missing)?)
                }
                None => Columns::Number {
                    value: place("prediction").ok_or_else(missing)?,
                    interval: place("lower").zip(place("upper")),
                },
            })
        })
        .collect::<Result<_, DataError>>()?;
    let mut samples = Vec::new();
    for line in lines.records() {
        let line = line.map_err(|error| damaged(error.to_string()))?;
        let cell = |place: usize| -> Result<f64, DataError> {
            let text = line.get(place).unwrap_or_default();
            text.parse()
                .map_err(|_| damaged(format!("'{text}' is not a number")))
        };
        let predictions = columns.iter().map(|columns| match columns {
            Columns::Classes(places) => {
                let probabilities = places.iter().map(|place| cell(*place));
                Ok(TargetPrediction::classes(
                    probabilities.collect::<Result<_, _>>()?,
                ))
            }
            Columns::Number { value, interval } => Ok(TargetPrediction::Number {
                value: cell(*value)?,
                interval: match interval {
                    Some((low, high)) => Some((cell(*low)?, cell(*high)?)),
                    None => None,
                },
            }),
        });
        let predictions = predictions.collect::<Result<_, DataError>>()?;
        samples.push((line.get(0).unwrap_or_default().to_owned(), predictions));
    }
    Ok(samples)
}

/// Positions of the columns of a target.
enum Columns {
    Classes(Vec<usize>),
    Number {
        value: usize,
        interval: Option<(usize, usize)>,
    },
}

#[cfg(test)]
mod tests;
