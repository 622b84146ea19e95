//! The targets of a run: read from the metadata, validated, and converted to the scale of training.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::checkpoint::manifest::TargetValues;
use crate::classes;
use crate::options::TrainOptions;
use crate::target_scales::Scaling;
use aam_core::DataError;
use aam_core::text::{agreeing, counted};
use aam_data::Metadata;
use aam_evaluation::results::RawColumn;
use aam_run::RunError;
use aam_study::Notes;

/// The square of larger numbers exceeds the range of `f32`.
const LARGEST: f64 = 1e18;

/// The target columns of some samples, before anything is fitted.
#[derive(Clone, Debug)]
pub struct RawTargets {
    /// The columns.
    pub columns: Vec<RawColumn>,
}

/// Reads the target columns of `samples`. The returned rows are those without missing values.
///
/// # Errors
/// A missing column, text where numbers are expected, a constant column, or a single class.
pub fn read(
    options: &TrainOptions,
    metadata: &Metadata,
    samples: &[String],
    notes: &mut Notes<'_>,
) -> Result<(RawTargets, Vec<usize>), RunError> {
    if options.metadata_column.is_empty() {
        let needed = "name the column to predict";
        return Err(RunError::missing("metadata-column", needed));
    }
    let names: Vec<&str> = options
        .metadata_column
        .iter()
        .map(|name| name.trim())
        .collect();
    let twice = (1..names.len()).find(|place| names[..*place].contains(&names[*place]));
    if let Some(place) = twice {
        let problem = "the column is named twice; leave one out";
        return Err(RunError::value("metadata-column", names[place], problem));
    }
    let mut rows: Vec<usize> = (0..samples.len()).collect();
    let mut read = Vec::new();
    for name in &options.metadata_column {
        let column = match options.classifier {
            true => Column::Classes(metadata.texts_keeping(name, samples, &options.keep_class)?),
            false => Column::Numbers(numbers(metadata, name, samples)?),
        };
        let written = metadata.texts_as_written(name, samples)?;
        let is_known = |row| column.has(row);
        classes::tell_missing(name, &written, is_known, options.classifier, notes)?;
        rows.retain(|&row| column.has(row));
        read.push((name.trim().to_owned(), column));
    }
    let lost = samples.len() - rows.len();
    if lost > 0 {
        notes(format!(
            "{} without a target {} dropped, {} {} kept",
            counted(lost, "sample"),
            agreeing(lost, "is", "are"),
            rows.len(),
            agreeing(rows.len(), "is", "are")
        ))?;
    }
    if rows.len() < 4 {
        return Err(DataError::in_file(
            metadata.file(),
            format!(
                "only {} {} a target; at least 4 are needed",
                counted(rows.len(), "sample"),
                agreeing(rows.len(), "has", "have")
            ),
        )
        .help("check the column and how missing values are written")
        .into());
    }
    let columns = read
        .into_iter()
        .map(|(name, column)| {
            column
                .select(name, &rows)
                .map_err(|e| e.file(metadata.file()))
        })
        .collect::<Result<_, DataError>>()?;
    Ok((RawTargets { columns }, rows))
}

/// Rejects columns that contain only words where numbers are to be predicted, for any samples.
///
/// # Errors
/// The first such column, or one that does not exist.
pub fn check_kinds(options: &TrainOptions, metadata: &Metadata) -> Result<(), DataError> {
    if options.classifier {
        return Ok(());
    }
    for name in &options.metadata_column {
        let column = metadata.column(name)?;
        if !column.has_numbers() && column.known().next().is_some() {
            numbers(metadata, name, metadata.ids())?;
        }
    }
    Ok(())
}

fn numbers(
    metadata: &Metadata,
    name: &str,
    samples: &[String],
) -> Result<Vec<Option<f64>>, DataError> {
    metadata.numbers(name, samples).map_err(|mut error| {
        let classes = "to predict classes, add --classifier";
        error.help = Some(match error.help.take() {
            Some(help) => format!("{help}; {classes}"),
            None => classes.to_owned(),
        });
        error
    })
}

enum Column<'a> {
    Numbers(Vec<Option<f64>>),
    Classes(Vec<Option<&'a str>>),
}

impl Column<'_> {
    fn has(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values[row].is_some(),
            Self::Classes(values) => values[row].is_some(),
        }
    }

    fn select(self, name: String, rows: &[usize]) -> Result<RawColumn, DataError> {
        match self {
            Self::Numbers(all) => {
                let values: Vec<f64> = rows.iter().filter_map(|&row| all[row]).collect();
                if let Some(value) = values.iter().find(|value| value.abs() > LARGEST) {
                    return Err(DataError::new(format!(
                        "column '{name}': a value is {value:e}, but values beyond {LARGEST:e} cannot be learned"
                    ))
                    .help("check the column's unit, and how missing values are written"));
                }
                match values.iter().all(|value| *value == values[0]) {
                    true => Err(DataError::new(format!(
                        "column '{name}': every sample has the value {}, so there is nothing to learn",
                        values[0]
                    ))
                    .help("choose a column that varies between these samples")),
                    false => Ok(RawColumn {
                        name,
                        classes: None,
                        values,
                    }),
                }
            }
            Self::Classes(all) => {
                let texts: Vec<&str> = rows.iter().filter_map(|&row| all[row]).collect();
                let mut classes: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
                classes.sort_unstable();
                classes.dedup();
                sort_by_value(&mut classes);
                if classes.len() < 2 {
                    return Err(DataError::new(format!(
                        "column '{name}': every sample has the class '{}', so there is nothing to learn",
                        classes[0]
                    ))
                    .help("choose a column with at least two classes among these samples"));
                }
                if classes.len() * 2 > texts.len() {
                    return Err(DataError::new(format!(
                        "column '{name}': {} among {}",
                        counted(classes.len(), "class"),
                        counted(texts.len(), "sample")
                    ))
                    .help("if these are numbers, leave out --classifier; if not, choose a column with fewer classes"));
                }
                let classes_and_indices = classes.iter().map(String::as_str).zip(0..);
                let indices: HashMap<&str, u32> = classes_and_indices.collect();
                let values = texts.iter().map(|text| f64::from(indices[text])).collect();
                Ok(RawColumn {
                    name,
                    classes: Some(classes),
                    values,
                })
            }
        }
    }
}

/// Sorts classes by value if all names are numbers.
fn sort_by_value(classes: &mut [String]) {
    let value = |class: &String| class.trim().parse().ok().filter(|v: &f64| v.is_finite());
    if classes.iter().all(|class| value(class).is_some()) {
        classes.sort_by(|a, b| value(a).partial_cmp(&value(b)).unwrap_or(Ordering::Equal));
    }
}

/// The values of `column`, with statistics of the training samples at `rows`.
///
/// # Errors
/// A transform that does not fit the values; `metadata` and `samples` are used in the message.
pub fn fit(
    column: &RawColumn,
    scaling: &Scaling,
    rows: &[usize],
    metadata: &Metadata,
    samples: &[String],
) -> Result<TargetValues, RunError> {
    if let Some(classes) = &column.classes {
        return Ok(TargetValues::Classes(classes.clone()));
    }
    check_values(column, scaling, samples).map_err(|error| error.file(metadata.file()))?;
    let values: Vec<f64> = rows.iter().map(|&row| column.values[row]).collect();
    Ok(TargetValues::Numbers(scaling.fit(&values, rows)?))
}

/// Checks that all values, including those of validation samples, are in the domain of the
/// transform.
fn check_values(
    column: &RawColumn,
    scaling: &Scaling,
    samples: &[String],
) -> Result<(), DataError> {
    let values = samples.iter().zip(&column.values);
    let mut refused = values.filter_map(|(sample, &y)| {
        let reason = scaling.check(y).err()?;
        Some((sample, y, reason))
    });
    let Some((sample, y, reason)) = refused.next() else {
        return Ok(());
    };
    let more = match refused.count() {
        0 => String::new(),
        more => format!(" ({more} more are invalid, too)"),
    };
    Err(DataError::new(format!(
        "column '{}': sample {sample} has {y}{more}, which --target-transform {} cannot take: {reason}",
        column.name,
        scaling.name()
    ))
    .help("choose another transform (`aam plugins list target-transform`)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undefined_logarithm_is_refused_with_the_sample() {
        let column = RawColumn {
            name: "ph".to_owned(),
            classes: None,
            values: vec![1.0, -2.0, -0.5, -1.0],
        };
        let ids = ["a", "b", "c", "d"].map(str::to_owned);
        let scaling = Scaling::by("log-zscore");
        let error = check_values(&column, &scaling, &ids).unwrap_err();
        let expected = "column 'ph': sample b has -2 (1 more are invalid, too), which \
                        --target-transform log-zscore cannot take: ln(y + 1) exists only above -1";
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(check_values(&column, &scaling, &ids[..1]).is_ok());
        assert!(check_values(&column, &Scaling::by("zscore"), &ids).is_ok());
    }

    #[test]
    fn numbered_classes_are_in_the_order_of_the_numbers() {
        let sorted = |classes: &[&str]| {
            let mut classes: Vec<String> = classes.iter().map(|&c| c.to_owned()).collect();
            sort_by_value(&mut classes);
            classes
        };
        assert_eq!(sorted(&["-1.5", "10", "2", "9"]), ["-1.5", "2", "9", "10"]);
        assert_eq!(sorted(&["10", "2", "none"]), ["10", "2", "none"]);
    }
}
