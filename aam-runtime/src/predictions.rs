//! `predictions.tsv`: one line a sample, in a form that QIIME 2 reads as metadata.

use std::collections::HashSet;
use std::path::Path;

use crate::checkpoint::manifest::TargetManifest;
use crate::data::DataError;
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
    /// Name of the fold that held the sample out.
    pub fold: Option<&'a str>,
}

/// A target, as the columns of the file need it.
#[derive(Clone, Copy, Debug)]
pub struct TargetColumn<'a> {
    /// Name of the metadata column.
    pub name: &'a str,
    /// Names of the classes, if it has classes.
    pub classes: Option<&'a [String]>,
}

impl TargetColumn<'_> {
    /// Those of a model.
    pub fn of(targets: &[TargetManifest]) -> Vec<TargetColumn<'_>> {
        let columns = targets.iter().map(|target| TargetColumn {
            name: &target.column,
            classes: target.values.classes(),
        });
        columns.collect()
    }
}

/// The text of the file.
///
/// Columns: `sample-id`, `prediction` (and `actual`, `spread`, `lower`, `upper`, `probability CLASS` where
/// there are such); of several targets each column ends in the target's name. `fold` comes last.
///
/// # Errors
/// Never in practice: the text is made in memory.
pub fn tsv(
    targets: &[TargetColumn<'_>],
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
            fill(&mut cells, target.classes, prediction, actual, spread);
        }
        cells.extend(sample.fold.map(str::to_owned));
        lines.write_record(&cells).map_err(broken)?;
    }
    let bytes = lines
        .into_inner()
        .map_err(|error| RunError::Usage(format!("predictions.tsv: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        match (target.classes, first.map(|sample| &sample.predictions[t])) {
            (Some(classes), _) => {
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
    if first.is_some_and(|sample| sample.fold.is_some()) {
        header.push("fold".to_owned());
    }
    let mut seen = HashSet::new();
    debug_assert!(header.iter().all(|name| seen.insert(name.clone())));
    header
}

fn fill(
    cells: &mut Vec<String>,
    classes: Option<&[String]>,
    prediction: &TargetPrediction,
    actual: Option<f64>,
    spread: Option<f64>,
) {
    match (classes, prediction) {
        (Some(classes), TargetPrediction::Classes(probabilities)) => {
            cells.push(classes[argmax(probabilities)].clone());
            cells.extend(actual.map(|class| classes[class as usize].clone()));
            cells.extend(spread.map(number));
            cells.extend(probabilities.iter().map(|p| number(*p)));
        }
        (_, TargetPrediction::Number { value, interval }) => {
            cells.push(number(*value));
            cells.extend(actual.map(|value| value.to_string()));
            cells.extend(spread.map(number));
            if let Some((low, high)) = interval {
                cells.extend([number(*low), number(*high)]);
            }
        }
        (None, TargetPrediction::Classes(_)) => {
            unreachable!("numbers are predicted as numbers")
        }
    }
}

/// Seven digits are what the model's `f32` holds.
fn number(value: f64) -> String {
    (value as f32).to_string()
}

/// Reads the predictions of a file that [`tsv`] made for the same targets, with the id of each
/// sample.
///
/// # Errors
/// A file that is damaged.
pub fn read(
    path: &Path,
    targets: &[TargetColumn<'_>],
) -> Result<Vec<(String, Vec<TargetPrediction>)>, RunError> {
    let damaged = |what: String| {
        DataError::in_file(path, what)
            .help("remove the folder of the run, which is then done again")
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
                .map_err(|_| damaged(format!("`{text}` is no number")))
        };
        let predictions = columns.iter().map(|columns| match columns {
            Columns::Classes(places) => {
                let probabilities = places.iter().map(|place| cell(*place));
                Ok(TargetPrediction::Classes(
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

/// Where the predictions of a target are.
enum Columns {
    Classes(Vec<usize>),
    Number {
        value: usize,
        interval: Option<(usize, usize)>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let classes = ["a b".to_owned(), "c".to_owned()];
        let targets = [
            TargetColumn {
                name: "age",
                classes: None,
            },
            TargetColumn {
                name: "site",
                classes: Some(&classes),
            },
        ];
        let predictions = vec![
            TargetPrediction::Number {
                value: -1.25,
                interval: Some((-2.0, 0.5)),
            },
            TargetPrediction::Classes(vec![1e-7, 0.75]),
        ];
        let sample = PredictedSample {
            id: "10.1",
            predictions: &predictions,
            actual: Some(vec![2.0, 1.0]),
            spread: None,
            fold: Some("3"),
        };
        let text = tsv(&targets, &[sample]).unwrap();
        assert!(text.lines().next().unwrap().ends_with("\tfold"), "{text}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.tsv");
        std::fs::write(&path, &text).unwrap();
        let read_back = read(&path, &targets).unwrap();
        assert_eq!(read_back, [("10.1".to_owned(), predictions)]);
        std::fs::write(&path, text.replace("-1.25", "x")).unwrap();
        assert!(read(&path, &targets).is_err());
    }
}
