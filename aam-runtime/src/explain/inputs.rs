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
use super::costs::{Costs, FEWEST, Judge, Losses, Worse, reads, spread};
use super::methods::{Inputs, Methods, PredictedSamples};

/// An input of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The categorical column of this name.
    Category(String),
    /// The categories by which the target is scaled, by the names of their columns.
    Scale(String),
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
    /// The metric, its value for the original samples, and whether every sample is predicted by a model
    /// that did not see it; if the target is known.
    pub metric: Option<(&'static str, f64, bool)>,
    /// The number of samples.
    pub samples: usize,
    /// The inputs, the most important first.
    pub inputs: Vec<InputFound>,
}

/// The inputs of the model `parts`, whose predictions `methods` make, for the target at index `target`.
pub fn inputs(methods: &Methods<'_>, parts: &PredictorManifest, target: usize) -> Vec<Input> {
    let columns = parts.categories.columns.iter();
    let categories = columns.map(|column| Input::Category(column.column.clone()));
    let mut inputs: Vec<Input> = categories.collect();
    let scales = methods.inputs().scales.columns(target);
    if !scales.is_empty() {
        inputs.push(Input::Scale(scales.join(" and ")));
    }
    inputs.push(Input::Reads);
    inputs
}

/// Which samples exchange their inputs.
pub struct Exchange<'a> {
    table: &'a Table,
    inputs: &'a [Input],
    target: usize,
    /// The samples, as ascending rows of the table.
    rows: Vec<usize>,
    /// In each repeat, the row that gives its input to the sample at the same place of `rows`.
    donors: Vec<Vec<usize>>,
    seed: u64,
}

/// The predictions of a model with exchanged inputs.
pub struct Exchanged {
    /// The mean absolute change of the predictions by input, repeat and method.
    sizes: Vec<Vec<Vec<f64>>>,
    /// The losses, if the target is known.
    pub losses: Option<Losses>,
}

impl<'a> Exchange<'a> {
    /// Exchanges each of `inputs` among the samples at `rows`, or among as many of them as need at most
    /// `evaluations` predictions in all `repeats`.
    pub fn new(
        table: &'a Table,
        (inputs, target): (&'a [Input], usize),
        mut rows: Vec<usize>,
        (repeats, evaluations): (usize, u64),
        seed: u64,
    ) -> Self {
        let each = (inputs.len() * repeats).max(1) as u64;
        let most = usize::try_from(evaluations / each).unwrap_or(usize::MAX);
        if rows.len() > most.max(FEWEST) {
            rows.shuffle(&mut stream(seed, "samples whose inputs are exchanged"));
            rows.truncate(most.max(FEWEST));
            rows.sort_unstable();
        }
        let donors = (0..repeats).map(|repeat| {
            let mut donors = rows.clone();
            donors.shuffle(&mut stream(seed, &format!("inputs {repeat}")));
            donors
        });
        Self {
            table,
            inputs,
            target,
            donors: donors.collect(),
            rows,
            seed,
        }
    }

    /// The samples whose inputs are exchanged, as ascending rows of the table.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The predictions of the model `parts` by `methods` for those of the samples that are at `own` rows of the
    /// table. `None` if none of them is.
    ///
    /// # Errors
    /// Predictions that are not finite.
    pub fn of(
        &self,
        (methods, parts): (&Methods<'_>, &PredictorManifest),
        judge: Option<&Judge<'_>>,
        own: &[usize],
    ) -> Result<Option<Exchanged>, RunError> {
        let places = 0..self.rows.len();
        let places = places.filter(|&place| own.binary_search(&self.rows[place]).is_ok());
        let places: Vec<usize> = places.collect();
        if places.is_empty() {
            return Ok(None);
        }
        let rows: Vec<usize> = places.iter().map(|&place| self.rows[place]).collect();
        let mut as_they_are = ChangedSamples::default();
        for &row in &rows {
            as_they_are.push(row, reads(self.table, row));
        }
        let known = methods.predict(&as_they_are)?;
        let whole = judge.map(|judge| judge.loss(&rows, &known.combined));
        let mut sizes = vec![Vec::with_capacity(self.donors.len()); self.inputs.len()];
        let mut more = sizes.iter().map(|_| Vec::new()).collect::<Vec<_>>();
        for (input, (sizes, more)) in self.inputs.iter().zip(sizes.iter_mut().zip(&mut more)) {
            for (repeat, donors) in self.donors.iter().enumerate() {
                let donors: Vec<usize> = places.iter().map(|&place| donors[place]).collect();
                let exchanged = Exchangeable {
                    input,
                    parts,
                    rows: &rows,
                    donors: &donors,
                    repeat,
                };
                let predicted = self.exchanged(methods, &exchanged, &as_they_are)?;
                sizes.push(changes(&known.values, &predicted.values));
                if let (Some(judge), Some(whole)) = (judge, whole) {
                    more.push(judge.loss(&rows, &predicted.combined) - whole);
                }
            }
        }
        Ok(Some(Exchanged {
            sizes,
            losses: whole.map(|whole| Losses {
                samples: rows.len(),
                whole,
                more,
            }),
        }))
    }

    /// The predictions for samples, each with the input of its donor.
    fn exchanged(
        &self,
        methods: &Methods<'_>,
        of: &Exchangeable<'_>,
        as_they_are: &ChangedSamples,
    ) -> Result<PredictedSamples, RunError> {
        let own = methods.inputs();
        match of.input {
            Input::Category(name) => {
                let mut columns = of.parts.categories.columns.iter();
                let categories = match columns.position(|column| column.column == *name) {
                    Some(column) => own.categories.exchanged(column, of.rows, of.donors),
                    None => own.categories.clone(),
                };
                let categories = &categories;
                methods.predict_with(as_they_are, Inputs { categories, ..own })
            }
            Input::Scale(_) => {
                let scales = own.scales.exchanged(self.target, of.rows, of.donors);
                let scales = &scales;
                methods.predict_with(as_they_are, Inputs { scales, ..own })
            }
            Input::Reads => {
                let mut changed = ChangedSamples::default();
                for &row in of.rows {
                    let (columns, counts) = self.table.row(row);
                    let mut counts = counts.to_vec();
                    let id = &self.table.sample_ids()[row];
                    let name = format!("reads {} of {id}", of.repeat);
                    counts.shuffle(&mut stream(self.seed, &name));
                    changed.push(row, columns.iter().copied().zip(counts));
                }
                methods.predict(&changed)
            }
        }
    }

    /// The importance of the inputs, from the predictions of the explained model and the costs.
    pub fn found(&self, exchanged: Option<&Exchanged>, costs: Option<&Costs>) -> InputsFound {
        let sizes = exchanged.into_iter().flat_map(|exchanged| &exchanged.sizes);
        let inputs = self.inputs.iter().zip(sizes).enumerate();
        let inputs = inputs.map(|(place, (input, sizes))| {
            let methods = sizes.first().map_or(0, Vec::len);
            let of_method = |method: usize| -> (f64, f64) {
                let repeats: Vec<f64> = sizes.iter().map(|sizes| sizes[method]).collect();
                spread(&repeats)
            };
            let (name, kind) = match input {
                Input::Category(column) => (column.as_str(), "category"),
                Input::Scale(columns) => (columns.as_str(), "scale of the target"),
                Input::Reads => ("reads", "numbers of reads"),
            };
            InputFound {
                name: name.to_owned(),
                kind,
                sizes: (0..methods).map(|method| of_method(method).0).collect(),
                deviation: of_method(0).1,
                worse: costs.map(|costs| costs.worse[place]),
            }
        });
        let mut inputs: Vec<InputFound> = inputs.collect();
        inputs.sort_by(|a, b| b.sizes[0].total_cmp(&a.sizes[0]).then(a.name.cmp(&b.name)));
        InputsFound {
            metric: costs.map(|costs| (costs.metric, costs.whole, costs.held_out)),
            samples: self.rows.len(),
            inputs,
        }
    }
}

/// An input of a model and the samples that exchange it.
struct Exchangeable<'a> {
    input: &'a Input,
    parts: &'a PredictorManifest,
    rows: &'a [usize],
    donors: &'a [usize],
    repeat: usize,
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
