//! The importance of what a model knows besides single ASVs: categories of the samples, the
//! categories by which the target is scaled, and the numbers of reads. Each is exchanged among the
//! samples (permutation importance: Breiman, *Random forests*, Machine Learning 2001).

use aam_core::random::stream;
use aam_data::Table;
use aam_run::RunError;
use aam_train::checkpoint::manifest::PredictorManifest;
use ndarray::{Array3, Axis};
use rand::seq::SliceRandom;

use super::changed::ChangedSamples;
use super::labels::Labels;
use super::methods::{Inputs, Methods, PredictedSamples};
use super::shuffled::{FEWEST, Judge, Worse, reads};

/// An input of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Input {
    /// The categorical column at this index.
    Category(usize),
    /// The categories by which the target is scaled.
    Scale,
    /// The numbers of reads of the ASVs of a sample.
    Reads,
}

/// The importance of an input.
#[derive(Clone, Debug)]
pub struct InputFound {
    /// Its name: the metadata column, or `reads`.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// Mean absolute change of the prediction, by method; for several classes, the mean over classes.
    pub sizes: Vec<f64>,
    /// The standard deviation of the first of these over the repeats.
    pub deviation: f64,
    /// The loss of performance, if the target is known.
    pub worse: Option<Worse>,
}

/// The importance of all inputs.
#[derive(Clone, Debug)]
pub struct InputsFound {
    /// The metric, and its value for the original samples, if the target is known.
    pub metric: Option<(&'static str, f64)>,
    /// The number of samples.
    pub samples: usize,
    /// The inputs, the most important first.
    pub inputs: Vec<InputFound>,
}

/// The settings of the permutations.
pub struct Exchange<'a> {
    /// The methods that make the predictions.
    pub methods: &'a Methods<'a>,
    /// The samples.
    pub table: &'a Table,
    /// The model.
    pub parts: &'a PredictorManifest,
    /// The true values, if known.
    pub labels: Option<&'a Labels>,
    /// The index of the target.
    pub target: usize,
    /// The number of repeats.
    pub repeats: usize,
    /// The maximum number of samples to predict.
    pub evaluations: u64,
    /// Random seed.
    pub seed: u64,
}

impl Exchange<'_> {
    /// The importance of every input.
    ///
    /// # Errors
    /// Predictions that are not finite.
    pub fn of(&self) -> Result<InputsFound, RunError> {
        let inputs = self.inputs();
        let labels = self.labels.filter(|labels| labels.rows.len() >= FEWEST);
        let rows = self.rows(labels, inputs.len());
        let mut whole = ChangedSamples::default();
        for &row in &rows {
            whole.push(row, reads(self.table, row));
        }
        let known = self.methods.predict(&whole)?;
        let judge = labels.map(|labels| Judge::new(labels, &rows, self.target));
        let value = match &judge {
            Some(judge) => judge.of(&known.combined)?,
            None => None,
        };
        let value = value.filter(|value| value.is_finite());
        let mut found = Vec::with_capacity(inputs.len());
        for input in &inputs {
            let (mut sizes, mut worse) = (Vec::new(), Vec::new());
            for repeat in 0..self.repeats {
                let mut donors = rows.clone();
                donors.shuffle(&mut stream(self.seed, &format!("inputs {repeat}")));
                let predicted = self.exchanged(input, &rows, &donors, &whole, repeat)?;
                sizes.push(changes(&known.values, &predicted.values));
                if let (Some(judge), Some(value)) = (&judge, value) {
                    let changed = judge.of(&predicted.combined)?.unwrap_or(value);
                    worse.push(judge.sign * (changed - value));
                }
            }
            found.push(self.found(input, &sizes, &worse));
        }
        found.sort_by(|a, b| b.sizes[0].total_cmp(&a.sizes[0]).then(a.name.cmp(&b.name)));
        Ok(InputsFound {
            metric: judge
                .as_ref()
                .zip(value)
                .map(|(judge, value)| (judge.metric, value)),
            samples: rows.len(),
            inputs: found,
        })
    }

    fn inputs(&self) -> Vec<Input> {
        let categories = 0..self.parts.categories.columns.len();
        let mut inputs: Vec<Input> = categories.map(Input::Category).collect();
        if !self.methods.inputs().scales.columns(self.target).is_empty() {
            inputs.push(Input::Scale);
        }
        inputs.push(Input::Reads);
        inputs
    }

    /// The samples to use: those with a value if enough are known, as many as the evaluations allow.
    fn rows(&self, labels: Option<&Labels>, inputs: usize) -> Vec<usize> {
        let mut rows = match labels {
            Some(labels) => labels.rows.clone(),
            None => (0..self.table.num_samples()).collect(),
        };
        let each = (inputs * self.repeats).max(1) as u64;
        let most = usize::try_from(self.evaluations / each).unwrap_or(usize::MAX);
        if rows.len() > most.max(FEWEST) {
            rows.shuffle(&mut stream(self.seed, "samples whose inputs are exchanged"));
            rows.truncate(most.max(FEWEST));
            rows.sort_unstable();
        }
        rows
    }

    /// The predictions for the samples at `rows`, each with the `input` of its donor.
    fn exchanged(
        &self,
        input: &Input,
        rows: &[usize],
        donors: &[usize],
        whole: &ChangedSamples,
        repeat: usize,
    ) -> Result<PredictedSamples, RunError> {
        let own = self.methods.inputs();
        match input {
            Input::Category(column) => {
                let categories = own.categories.exchanged(*column, rows, donors);
                let categories = &categories;
                self.methods
                    .predict_with(whole, Inputs { categories, ..own })
            }
            Input::Scale => {
                let scales = own.scales.exchanged(self.target, rows, donors);
                let scales = &scales;
                self.methods.predict_with(whole, Inputs { scales, ..own })
            }
            Input::Reads => {
                let mut changed = ChangedSamples::default();
                for &row in rows {
                    let (columns, counts) = self.table.row(row);
                    let mut counts = counts.to_vec();
                    let id = &self.table.sample_ids()[row];
                    counts.shuffle(&mut stream(self.seed, &format!("reads {repeat} of {id}")));
                    changed.push(row, columns.iter().copied().zip(counts));
                }
                self.methods.predict(&changed)
            }
        }
    }

    fn found(&self, input: &Input, sizes: &[Vec<f64>], worse: &[f64]) -> InputFound {
        let methods = sizes.first().map_or(0, Vec::len);
        let of_method =
            |method: usize| -> Vec<f64> { sizes.iter().map(|sizes| sizes[method]).collect() };
        let (name, kind) = match input {
            Input::Category(column) => {
                let column = &self.parts.categories.columns[*column];
                (column.column.clone(), "category")
            }
            Input::Scale => {
                let columns = self.methods.inputs().scales.columns(self.target);
                (columns.join(" and "), "scale of the target")
            }
            Input::Reads => ("reads".to_owned(), "numbers of reads"),
        };
        InputFound {
            name,
            kind,
            sizes: (0..methods)
                .map(|method| Worse::of(&of_method(method)).mean)
                .collect(),
            deviation: Worse::of(&of_method(0)).deviation,
            worse: (!worse.is_empty()).then(|| Worse::of(worse)),
        }
    }
}

/// The mean absolute difference of predictions `[methods, samples, outputs]`, by method.
fn changes(known: &Array3<f64>, changed: &Array3<f64>) -> Vec<f64> {
    let differences = (changed - known).mapv(f64::abs);
    let methods = differences.axis_iter(Axis(0));
    methods.map(|of| of.mean().unwrap_or(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_means_over_samples_and_outputs() {
        let known = Array3::zeros((2, 2, 2));
        let mut changed = known.clone();
        changed[[0, 0, 1]] = -2.0;
        changed[[0, 1, 0]] = 1.0;
        changed[[1, 1, 1]] = 0.5;
        assert_eq!(changes(&known, &changed), [0.75, 0.125]);
    }
}
