//! Permutation importance: how much worse predictions get if the reads of related ASVs are shuffled
//! among samples (Breiman, *Random forests*, Machine Learning 2001). Related ASVs are shuffled
//! together, because each can replace the others (Strobl et al., BMC Bioinformatics 2008).

use aam_core::random::stream;
use aam_data::Table;
use aam_evaluation::results::{HeldOut, RawColumn};
use aam_evaluation::scores::Scorer;
use aam_run::RunError;
use rand::seq::SliceRandom;

use super::changed::ChangedSamples;
use super::labels::Labels;
use super::methods::Methods;

/// Minimum number of samples to shuffle.
pub const FEWEST: usize = 10;

/// The result of shuffling groups of ASVs.
pub struct Shuffled {
    /// The metric: `r2` (higher is better) or `log_loss` (lower is better). The log loss differs
    /// even between samples that are all classified correctly.
    pub metric: &'static str,
    /// The metric for the original samples.
    pub whole: f64,
    /// The number of shuffled samples.
    pub samples: usize,
    /// The loss of performance for each shuffled group.
    pub worse: Vec<Worse>,
}

/// The loss of performance of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worse {
    /// The mean loss over all repeats.
    pub mean: f64,
    /// The standard deviation over the repeats.
    pub deviation: f64,
}

impl Worse {
    /// The mean and the standard deviation of `repeats`.
    pub fn of(repeats: &[f64]) -> Self {
        let number = repeats.len() as f64;
        let mean = repeats.iter().sum::<f64>() / number;
        let squares: f64 = repeats.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (squares / (number - 1.0).max(1.0)).sqrt(),
        }
    }

    /// Whether the loss is more than two standard deviations above 0.
    pub fn is_stable(&self) -> bool {
        self.mean > 2.0 * self.deviation
    }
}

/// The settings of a permutation test.
pub struct Shuffling<'a> {
    /// The methods that make the predictions.
    pub methods: &'a Methods<'a>,
    /// The samples.
    pub table: &'a Table,
    /// The true values.
    pub labels: &'a Labels,
    /// The index of the target.
    pub target: usize,
    /// The number of repeats.
    pub repeats: usize,
    /// The maximum number of perturbed samples to predict.
    pub evaluations: u64,
    /// Random seed.
    pub seed: u64,
}

impl Shuffling<'_> {
    /// Shuffles each of `groups` of columns. `None` if too few samples have a value. `progress` is
    /// called with the number of completed groups.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn of(
        &self,
        groups: &[Vec<u32>],
        mut progress: impl FnMut(usize) -> Result<(), RunError>,
    ) -> Result<Option<Shuffled>, RunError> {
        let rows = self.rows(groups.len());
        if rows.len() < FEWEST || groups.is_empty() {
            return Ok(None);
        }
        let judge = Judge::new(self.labels, &rows, self.target);
        let mut as_they_are = ChangedSamples::default();
        for &row in &rows {
            as_they_are.push(row, reads(self.table, row));
        }
        let known = self.methods.predict(&as_they_are)?.combined;
        let Some(whole) = judge.of(&known)?.filter(|whole| whole.is_finite()) else {
            return Ok(None);
        };
        let mut worse = vec![Vec::with_capacity(self.repeats); groups.len()];
        for repeat in 0..self.repeats {
            let mut donors: Vec<usize> = (0..rows.len()).collect();
            donors.shuffle(&mut stream(self.seed, &format!("shuffle {repeat}")));
            for (group, (columns, worse)) in groups.iter().zip(&mut worse).enumerate() {
                let shuffled = self.shuffled(columns, &rows, &donors, &known)?;
                worse.push(judge.sign * (judge.of(&shuffled)?.unwrap_or(whole) - whole));
                progress(repeat * groups.len() + group + 1)?;
            }
        }
        Ok(Some(Shuffled {
            metric: judge.metric,
            whole,
            samples: rows.len(),
            worse: worse.iter().map(|repeats| Worse::of(repeats)).collect(),
        }))
    }

    /// The samples to shuffle: all that have a value, or as many as the evaluations allow.
    fn rows(&self, groups: usize) -> Vec<usize> {
        let each = (groups * self.repeats).max(1) as u64;
        let most = usize::try_from(self.evaluations / each).unwrap_or(usize::MAX);
        let mut rows = self.labels.rows.clone();
        if rows.len() > most.max(FEWEST) {
            rows.shuffle(&mut stream(self.seed, "samples to shuffle"));
            rows.truncate(most.max(FEWEST));
            rows.sort_unstable();
        }
        rows
    }

    /// The predictions for the samples at `rows`, each with its donor's reads of the ASVs in
    /// `columns`. `known` are the predictions for the original samples.
    fn shuffled(
        &self,
        columns: &[u32],
        rows: &[usize],
        donors: &[usize],
        known: &[HeldOut],
    ) -> Result<Vec<HeldOut>, RunError> {
        let is_moved = |column: u32| columns.binary_search(&column).is_ok();
        let own = |row: usize, moved: bool| -> Vec<(u32, u32)> {
            let reads = reads(self.table, row).into_iter();
            reads
                .filter(|(column, _)| is_moved(*column) == moved)
                .collect()
        };
        let (mut changed, mut places) = (ChangedSamples::default(), Vec::new());
        for (place, (&row, &donor)) in rows.iter().zip(donors).enumerate() {
            let given = own(rows[donor], true);
            if given != own(row, true) {
                let mut all = own(row, false);
                all.extend(given);
                all.sort_unstable();
                changed.push(row, all);
                places.push(place);
            }
        }
        let mut samples = known.to_vec();
        if changed.len() > 0 {
            let predicted = self.methods.predict(&changed)?.combined;
            for (place, predicted) in places.into_iter().zip(predicted) {
                samples[place].predictions = predicted.predictions;
            }
        }
        Ok(samples)
    }
}

/// A metric of the target.
pub struct Judge {
    targets: [RawColumn; 1],
    target: usize,
    /// The name of the metric: `r2` or `log_loss`.
    pub metric: &'static str,
    /// The sign of a change that is a loss.
    pub sign: f64,
}

impl Judge {
    /// The metric of the target at index `target` for the samples at `rows` with these `labels`.
    pub fn new(labels: &Labels, rows: &[usize], target: usize) -> Self {
        let values = rows.iter().map(|&row| labels.column.values[row]);
        let column = RawColumn {
            values: values.collect(),
            ..labels.column.clone()
        };
        let (metric, sign) = match column.classes {
            None => ("r2", -1.0),
            Some(_) => ("log_loss", 1.0),
        };
        Self {
            targets: [column],
            target,
            metric,
            sign,
        }
    }

    /// The metric of predictions for these samples, numbered from 0. `None` if it is not defined.
    ///
    /// # Errors
    /// A metric that is registered twice.
    pub fn of(&self, samples: &[HeldOut]) -> Result<Option<f64>, RunError> {
        let samples = samples.iter().map(|sample| HeldOut {
            row: sample.row,
            predictions: vec![sample.predictions[self.target].clone()],
        });
        let samples: Vec<HeldOut> = samples.collect();
        let metrics = Scorer::new(&self.targets)?.scores(&samples);
        let found = metrics.iter().find(|found| found.name == self.metric);
        Ok(found.map(|found| found.value))
    }
}

/// The reads of the sample at `row`.
pub fn reads(table: &Table, row: usize) -> Vec<(u32, u32)> {
    let (columns, counts) = table.row(row);
    columns
        .iter()
        .copied()
        .zip(counts.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_more_than_it_matters_is_not_stable() {
        let worse = Worse::of(&[0.1, 0.3]);
        assert!((worse.mean - 0.2).abs() < 1e-12);
        assert!((worse.deviation - 0.02f64.sqrt()).abs() < 1e-12);
        assert!(!worse.is_stable() && Worse::of(&[0.2, 0.21]).is_stable());
        assert!(!Worse::of(&[0.0, 0.0]).is_stable());
    }
}
