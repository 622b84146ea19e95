//! The held-out samples with the largest errors, explained by the models that did not see them: a model
//! hardly errs on its own training samples.

use aam_data::Table;
use aam_run::RunError;

use super::Explanation;
use super::changed::ChangedSamples;
use super::costs::reads;
use super::labels::Labels;
use super::methods::Methods;
use super::relatives::Relatives;
use super::walks::Attributed;

/// Number of samples.
const WORST: usize = 8;

/// A sample with a large error.
pub struct Worst {
    /// What contributes to its prediction.
    pub of: Attributed,
    /// The output whose error is large.
    pub output: usize,
    error: f64,
}

impl Explanation<'_> {
    /// The samples among those at `rows` with the largest errors of `methods`, which did not see them.
    ///
    /// # Errors
    /// Predictions that are not finite.
    pub(super) fn worst_of(
        &self,
        methods: &Methods<'_>,
        labels: &Labels,
        relatives: &Relatives,
        rows: &[usize],
    ) -> Result<Vec<Worst>, RunError> {
        let errors = errors(methods, labels, (&self.samples.table, rows))?;
        let rows: Vec<usize> = errors.iter().map(|(row, ..)| *row).collect();
        let walks = self.walks(methods, relatives, rows.len());
        let attributed = walks.attribute(&rows, |_| Ok(()))?.into_iter();
        let worst = attributed.zip(errors);
        Ok(worst
            .map(|(of, (_, error, output))| Worst { of, output, error })
            .collect())
    }
}

/// The samples of all models with the largest errors, largest first.
pub fn worst(mut all: Vec<Worst>) -> Vec<Worst> {
    all.sort_by(|a, b| b.error.total_cmp(&a.error).then(a.of.row.cmp(&b.of.row)));
    all.truncate(WORST);
    all
}

/// The samples among those at `rows` with the largest errors of the first of `methods`: their rows, errors and
/// the outputs that the errors are of.
fn errors(
    methods: &Methods<'_>,
    labels: &Labels,
    (table, rows): (&Table, &[usize]),
) -> Result<Vec<(usize, f64, usize)>, RunError> {
    let mut samples = ChangedSamples::default();
    for &row in rows {
        samples.push(row, reads(table, row));
    }
    let predicted = methods.predict(&samples)?.values;
    let errors = rows.iter().enumerate().filter_map(|(place, &row)| {
        let predicted = |output: usize| predicted[[0, place, output]];
        let (error, output) = error(labels, methods.classes(), row, predicted)?;
        Some((row, error, output))
    });
    let mut errors: Vec<_> = errors.collect();
    errors.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    errors.truncate(WORST);
    Ok(errors)
}

/// The error of the sample at `row`, and the output it refers to. `None` if its true value is unknown.
fn error(
    labels: &Labels,
    of_classes: &[usize],
    row: usize,
    predicted: impl Fn(usize) -> f64,
) -> Option<(f64, usize)> {
    let value = labels.of(row)?;
    if labels.column.classes.is_none() {
        return Some(((predicted(0) - value).abs(), 0));
    }
    let mut classes = of_classes.iter();
    Some(match classes.position(|&class| class == value as usize) {
        Some(output) => (1.0 - predicted(output), output),
        // The other one of two classes.
        None => (predicted(0), 0),
    })
}
