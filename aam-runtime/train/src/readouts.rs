//! Readouts of a network whose view of a sample does not change: solved, not trained.
//!
//! What gradient descent would reach in hundreds of updates, ridge regression reaches in closed
//! form for numbers, and logistic regression in a few steps for classes. The penalty is the one
//! with the smallest loss on held-back training samples; groups are kept whole. Fusion and head
//! then learn what the readout leaves. With augmentation, it is solved for several draws of each
//! sample.

mod views;

use std::collections::HashSet;

use aam_core::random::stream;
use aam_model::Readout;
use aam_regression::least_squares::{self, Strength};
use aam_regression::{Dual, Judged, MOST_LEARNED, PENALTIES, drawn, gram, logistic, means, part};
use ndarray::{Array2, Axis};

use crate::finetuning::Finetuning;
use crate::inference::FineTuned;
use aam_run::RunError;
use views::Views;

/// What the outputs of a target are solved for.
struct Solved {
    /// Numbers on the scale of training, or 1 at the class of a sample, `[samples, outputs]`.
    truth: Array2<f64>,
    is_classes: bool,
    /// Classes are followed in full.
    strength: Strength,
}

/// Readouts of the training samples, and of parts of them.
pub struct Readouts {
    rows: Vec<usize>,
    /// Views of the samples, with a mean squared length of 1, `[samples, width]`.
    views: Array2<f64>,
    /// What views are divided by.
    length: f64,
    /// Products of all pairs of samples.
    products: Array2<f64>,
    /// For each target, if its loss is on numbers or on log-odds.
    targets: Vec<Option<Solved>>,
}

impl Readouts {
    /// Readouts of the samples at `rows`, or of 5000 drawn from them if there are more; `folds` has
    /// the parts by which penalties are chosen. `None` if views change from update to update, if
    /// outputs are transformed afterwards, if samples differ in weight, or for losses on other
    /// outputs.
    ///
    /// # Errors
    /// An augmentation that leaves something that is not a sample.
    pub fn new(
        objective: &Finetuning<'_>,
        model: &FineTuned,
        rows: &[usize],
        folds: &[usize],
    ) -> Result<Option<Self>, RunError> {
        let is_plain = model.predictor.plain_readout().is_some();
        let Some(profiles) = objective.profiles.as_ref().filter(|_| is_plain) else {
            return Ok(None);
        };
        let weights = objective.weights.as_ref();
        let differ = weights.is_some_and(|weights| {
            let mut of_samples = rows.iter().map(|row| weights[*row]);
            let first = of_samples.next();
            of_samples.any(|weight| Some(weight) != first)
        });
        if differ || objective.target_weight <= 0.0 {
            return Ok(None);
        }
        let places = drawn(
            rows.len(),
            MOST_LEARNED,
            &mut stream(objective.seed, "readout"),
        );
        let folds: Vec<usize> = places.iter().map(|place| folds[*place]).collect();
        let rows: Vec<usize> = places.iter().map(|place| rows[*place]).collect();
        let seen = match &objective.augmenting {
            None => Views::of_samples(objective, profiles, rows, folds),
            Some(augmenting) => Views::augmented(objective, model, augmenting, &rows, &folds)?,
        };
        let width = seen.values.len() / seen.rows.len().max(1);
        let shape = (seen.rows.len(), width);
        let Ok(mut views) = Array2::from_shape_vec(shape, seen.values) else {
            return Ok(None);
        };
        let square = views.iter().map(|value| value * value).sum::<f64>() / views.nrows() as f64;
        let length = square.sqrt();
        if !(length > 0.0 && length.is_finite()) {
            return Ok(None);
        }
        views /= length;
        let products = gram(views.view());
        let targets = solved(objective, model, &seen.targets, &seen.folds, &products);
        Ok(targets.iter().any(Option::is_some).then_some(Self {
            rows: seen.rows,
            views,
            length,
            products,
            targets,
        }))
    }

    /// `model` with the readout of all samples but those at the rows `without`.
    pub fn into(&self, model: FineTuned, without: &[usize]) -> FineTuned {
        let Some(readout) = model.predictor.plain_readout().cloned() else {
            return model;
        };
        let predictor = model.predictor.with_readout(self.readout(readout, without));
        FineTuned { predictor, ..model }
    }

    fn readout(&self, readout: Readout, without: &[usize]) -> Readout {
        let without: HashSet<usize> = without.iter().copied().collect();
        let rows = (0..self.rows.len()).filter(|place| !without.contains(&self.rows[*place]));
        let rows: Vec<usize> = rows.collect();
        let products = part(&self.products, &rows, &rows);
        let views = self.views.select(Axis(0), &rows);
        let [width, outputs] = readout.shape();
        let per_target = outputs / self.targets.len();
        let (mut weights, mut biases) = (vec![0.0; width * outputs], vec![0.0; outputs]);
        for (target, dual) in self.fitted(&products, &rows) {
            let own = views.t().dot(&dual.coefficients) / self.length;
            for ((entry, output), weight) in own.indexed_iter() {
                weights[entry * outputs + target * per_target + output] = *weight as f32;
            }
            for (output, intercept) in dual.intercepts.iter().enumerate() {
                biases[target * per_target + output] = *intercept as f32;
            }
        }
        readout.with(weights, biases)
    }

    /// The fits to the samples at the places `rows`, each with its target. Numbers of one penalty are
    /// fitted together, as they share its factors.
    fn fitted(&self, products: &Array2<f64>, rows: &[usize]) -> Vec<(usize, Dual)> {
        let solved = self.targets.iter().enumerate();
        let solved = solved.filter_map(|(target, solved)| Some((target, solved.as_ref()?)));
        let (classes, numbers): (Vec<_>, Vec<_>) =
            solved.partition(|(_, solved)| solved.is_classes);
        let truth = |solved: &Solved| solved.truth.select(Axis(0), rows);
        let mut fitted: Vec<(usize, Dual)> = classes
            .into_iter()
            .map(|(target, one)| {
                let dual = logistic::fit(products, &truth(one), one.strength.penalty);
                (target, dual)
            })
            .collect();
        for penalty in PENALTIES {
            let together = numbers
                .iter()
                .filter(|(_, one)| one.strength.penalty == penalty);
            let together: Vec<&(usize, &Solved)> = together.collect();
            if together.is_empty() {
                continue;
            }
            let truth: Vec<Array2<f64>> = together.iter().map(|(_, one)| truth(one)).collect();
            let dual = least_squares::fit(products, &beside(&truth), penalty);
            let outputs = together.iter().enumerate();
            fitted.extend(outputs.map(|(output, (target, one))| {
                let mean = means(truth[output].view())[0];
                (*target, dual.output(output).shrunk(mean, one.strength.part))
            }));
        }
        fitted
    }
}

/// What is solved for each target, with the penalty that suits it, given the targets of each sample.
fn solved(
    objective: &Finetuning<'_>,
    model: &FineTuned,
    of_samples: &[Vec<f64>],
    folds: &[usize],
    products: &Array2<f64>,
) -> Vec<Option<Solved>> {
    let targets = 0..objective.targets.len();
    let truths: Vec<Option<(Array2<f64>, bool)>> = targets
        .map(|target| truth(model, target, of_samples))
        .collect();
    let judged = |truth: &Array2<f64>| {
        let judged = Judged::of(folds, truth, &mut stream(objective.seed, "readout judged"));
        let own = part(products, &judged.rows, &judged.rows);
        (own, judged)
    };
    let numbers = truths
        .iter()
        .flatten()
        .filter(|(_, is_classes)| !is_classes);
    let numbers: Vec<Array2<f64>> = numbers.map(|(truth, _)| truth.clone()).collect();
    let mut of_numbers = Vec::new().into_iter();
    if !numbers.is_empty() {
        let (own, judged) = judged(&beside(&numbers));
        let chosen = least_squares::choose_each(&own, &PENALTIES, &judged);
        of_numbers = chosen.unwrap_or_default().into_iter();
    }
    let mut with_penalty = |(truth, is_classes): (Array2<f64>, bool)| {
        let strength = if is_classes {
            let (own, judged) = judged(&truth);
            let penalty = logistic::choose(&own, &PENALTIES, &judged);
            penalty.map(|penalty| Strength { penalty, part: 1.0 })
        } else {
            of_numbers.next()
        };
        Some(Solved {
            truth,
            is_classes,
            strength: strength?,
        })
    };
    let truths = truths.into_iter();
    truths.map(|truth| with_penalty(truth?)).collect()
}

/// What is to be solved for a target of the samples with the targets `of_samples`, and whether that is
/// its class.
fn truth(model: &FineTuned, target: usize, of_samples: &[Vec<f64>]) -> Option<(Array2<f64>, bool)> {
    let loss = &model.losses[target];
    let (is_classes, outputs) = match loss.outputs_per_target() {
        outputs if loss.outputs_are_log_odds() => (true, outputs),
        1 if loss.outputs_are_values() => (false, 1),
        _ => return None,
    };
    let mut truth = Array2::zeros((of_samples.len(), outputs));
    for (place, targets) in of_samples.iter().enumerate() {
        match is_classes {
            true => truth[[place, targets[target] as usize]] = 1.0,
            false => truth[[place, 0]] = targets[target],
        }
    }
    Some((truth, is_classes))
}

/// The columns of all of `parts`, which have the same samples.
fn beside(parts: &[Array2<f64>]) -> Array2<f64> {
    let samples = parts.first().map_or(0, Array2::nrows);
    let columns = parts.iter().flat_map(|part| part.columns());
    let columns: Vec<_> = columns.collect();
    Array2::from_shape_fn((samples, columns.len()), |(row, column)| {
        columns[column][row]
    })
}
