//! Learners, fitted to easy and to degenerate studies.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ndarray::{Array2, Axis};
use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, ensure, plugin};
use crate::{
    BoxedLearner, FittedLearnerObject, LearnerKind, LearnerTarget, Plugin, SampleFeatures,
    TrainingSamples,
};

/// Numbers of training samples and of predicted samples.
const SAMPLES: (usize, usize) = (80, 40);
/// Columns of ASVs and of clades.
const COLUMNS: (usize, usize) = (4, 2);

impl Conformance for LearnerKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let built = plugin::build(plugin, options, &())?;
        let learner = built.ok_or_else(|| "refuses every run".to_owned())?;
        for classes in [1, 2, 3] {
            let study = Study::easy(classes);
            check_easy(&learner, &study)
                .map_err(|problem| format!("samples with {}: {problem}", described(classes)))?;
        }
        for (name, study) in odd() {
            check_odd(&learner, &study).map_err(|problem| format!("{name}: {problem}"))?;
        }
        Ok(())
    }
}

crate::register_suite!(LearnerKind);

fn described(classes: usize) -> String {
    match classes {
        1 => "a number".to_owned(),
        classes => format!("{classes} classes"),
    }
}

/// Samples and their target values; the first ones are the training samples.
struct Study {
    features: SampleFeatures,
    numbers: Vec<f64>,
    /// The class of each sample, if the target is categorical.
    of: Vec<usize>,
    /// 1 for a numeric target.
    classes: usize,
    learned: usize,
}

impl Study {
    /// A study whose target is nearly determined by the first ASV.
    fn easy(classes: usize) -> Self {
        let mut numbers = Numbers::new(47);
        let all = SAMPLES.0 + SAMPLES.1;
        let width = COLUMNS.0 + COLUMNS.1;
        let spread = |column: usize| if column == 0 { 1.5 } else { 0.3 };
        let log_ratios = Array2::from_shape_fn((all, width), |(_, column)| {
            numbers.normal() * spread(column)
        });
        let mut shares = log_ratios.mapv(f32::exp);
        for mut row in shares.rows_mut() {
            let sum: f32 = row.iter().take(COLUMNS.0).sum();
            row.mapv_inplace(|share| share / sum);
        }
        let level = Array2::from_shape_fn((all, 2), |(row, level)| f32::from(row % 2 == level));
        let signal: Vec<f64> = log_ratios.column(0).iter().map(|v| f64::from(*v)).collect();
        let class = |value: &f64| match classes {
            3 => usize::from(*value > -0.7) + usize::from(*value > 0.7),
            _ => usize::from(*value > 0.0),
        };
        Self {
            of: signal.iter().map(class).collect(),
            numbers: signal.iter().map(|value| 10.0 + 3.0 * value).collect(),
            features: SampleFeatures::new(shares, log_ratios, COLUMNS.0).with_categories(level),
            classes,
            learned: SAMPLES.0,
        }
    }

    /// Uses the first `learned` samples for training and applies `change`.
    fn changed(mut self, learned: usize, change: impl FnOnce(&mut Self)) -> Self {
        self.learned = learned;
        change(&mut self);
        self
    }

    fn fit(&self, learner: &BoxedLearner) -> Result<Arc<dyn FittedLearnerObject>, String> {
        let rows: Vec<usize> = (0..self.learned).collect();
        let features = self.features.select(&rows);
        let folds: Vec<usize> = rows.iter().map(|row| row % 4.min(self.learned)).collect();
        let target = match self.classes {
            1 => LearnerTarget::Numbers(&self.numbers[..self.learned]),
            number => LearnerTarget::Classes {
                of: &self.of[..self.learned],
                number,
            },
        };
        let fitted = learner.fit(&TrainingSamples::new(&features, target, &folds, 5));
        fitted.map_err(|error| format!("cannot be fitted: {error}"))
    }

    /// The features of the samples not used for training.
    fn others(&self) -> SampleFeatures {
        let rows: Vec<usize> = (self.learned..self.features.samples()).collect();
        self.features.select(&rows)
    }
}

/// Studies from which little or nothing can be learned.
fn odd() -> Vec<(&'static str, Study)> {
    let constant = |study: &mut Study| {
        study.features.shares.fill(0.1);
        study.features.log_ratios.fill(0.0);
    };
    let narrow = |width: usize| {
        move |study: &mut Study| {
            let columns: Vec<usize> = (0..width).collect();
            let select = |values: &Array2<f32>| values.select(Axis(1), &columns);
            let shares = select(&study.features.shares);
            let log_ratios = select(&study.features.log_ratios);
            study.features = SampleFeatures::new(shares, log_ratios, width);
        }
    };
    let one_class = |study: &mut Study| study.of.fill(0);
    let one_value = |study: &mut Study| study.numbers.fill(7.5);
    vec![
        ("two samples", Study::easy(1).changed(2, |_| {})),
        (
            "two samples of 3 classes",
            Study::easy(3).changed(2, |_| {}),
        ),
        (
            "a class without samples",
            Study::easy(3).changed(40, |study| {
                study
                    .of
                    .iter_mut()
                    .for_each(|class| *class = (*class).min(1));
            }),
        ),
        (
            "samples of one class",
            Study::easy(2).changed(40, one_class),
        ),
        (
            "samples of one value",
            Study::easy(1).changed(40, one_value),
        ),
        ("constant columns", Study::easy(1).changed(40, constant)),
        (
            "constant columns, 2 classes",
            Study::easy(2).changed(40, constant),
        ),
        ("one column", Study::easy(2).changed(40, narrow(1))),
        ("no column", Study::easy(1).changed(40, narrow(0))),
        (
            "no column, 3 classes",
            Study::easy(3).changed(40, narrow(0)),
        ),
    ]
}

fn check_easy(learner: &BoxedLearner, study: &Study) -> Check {
    let fitted = study.fit(learner)?;
    let others = study.others();
    let predicted = fitted.predict(&others);
    check_values(&predicted, others.samples(), study.classes)?;
    check_learned(&predicted, study)?;
    ensure!(
        study.fit(learner)?.predict(&others) == predicted,
        "a second fit to the same samples predicts something else"
    );
    check_widths(fitted.as_ref(), study)?;
    check_independence(fitted.as_ref(), &others, &predicted)?;
    check_saving(learner, fitted.as_ref(), &others, &predicted)?;
    check_damage(learner, fitted.as_ref(), study)
}

fn check_odd(learner: &BoxedLearner, study: &Study) -> Check {
    let fitted = study.fit(learner)?;
    fitted.check(study.features.widths(), study.classes)?;
    let others = study.others();
    let predicted = fitted.predict(&others);
    check_values(&predicted, others.samples(), study.classes)?;
    let nothing = study.features.shares.iter().all(|share| *share == 0.1);
    if study.classes == 1 && nothing {
        let learned = &study.numbers[..study.learned];
        let mean = learned.iter().sum::<f64>() / learned.len() as f64;
        let far = predicted.iter().find(|value| (**value - mean).abs() > 1.5);
        ensure!(
            far.is_none(),
            "for samples that are all alike it predicts {far:?}, but their mean is {mean}"
        );
    }
    Ok(())
}

/// Numbers are finite; probabilities are valid and sum to 1.
fn check_values(predicted: &Array2<f64>, samples: usize, outputs: usize) -> Check {
    ensure!(
        predicted.dim() == (samples, outputs),
        "the prediction for {samples} samples with {outputs} outputs has the shape {:?}",
        predicted.dim()
    );
    let value = predicted.iter().find(|value| !value.is_finite());
    ensure!(value.is_none(), "it predicts {value:?}");
    for row in predicted.rows().into_iter().filter(|_| outputs > 1) {
        ensure!(
            row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.sum() - 1.0).abs() < 1e-6,
            "the probabilities {row} are invalid or do not sum to 1"
        );
    }
    Ok(())
}

/// Samples not used for training are predicted far better than by chance.
fn check_learned(predicted: &Array2<f64>, study: &Study) -> Check {
    if study.classes == 1 {
        let truth = &study.numbers[study.learned..];
        let mean = truth.iter().sum::<f64>() / truth.len() as f64;
        let squares = |differences: Vec<f64>| differences.iter().map(|d| d * d).sum::<f64>();
        let errors = predicted.iter().zip(truth).map(|(a, b)| a - b).collect();
        let explained =
            1.0 - squares(errors) / squares(truth.iter().map(|value| value - mean).collect());
        ensure!(
            explained > 0.5,
            "for an easy target it explains {explained:.2} of the variance"
        );
        return Ok(());
    }
    let truth = &study.of[study.learned..];
    let rows = predicted.rows().into_iter().zip(truth);
    let right = rows.filter(|(row, class)| row.iter().all(|p| *p <= row[**class]));
    let right = right.count() as f64 / truth.len() as f64;
    ensure!(right > 0.7, "for easy classes its accuracy is {right:.2}");
    Ok(())
}

fn check_widths(fitted: &dyn FittedLearnerObject, study: &Study) -> Check {
    let (abundances, categories) = study.features.widths();
    let own = fitted.check((abundances, categories), study.classes);
    ensure!(own.is_ok(), "it refuses its own state: {own:?}");
    for (widths, outputs) in [
        ((abundances + 1, categories), study.classes),
        ((abundances, categories + 1), study.classes),
        ((abundances, categories), study.classes + 1),
    ] {
        ensure!(
            fitted.check(widths, outputs).is_err(),
            "fitted to {abundances} abundances, {categories} categories and {} outputs, it accepts {widths:?} and {outputs}",
            study.classes
        );
    }
    Ok(())
}

/// A sample gets the same prediction alone and among others.
fn check_independence(
    fitted: &dyn FittedLearnerObject,
    others: &SampleFeatures,
    predicted: &Array2<f64>,
) -> Check {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 + 1e-6 * a.abs().max(b.abs());
    let turned: Vec<usize> = (0..others.samples()).rev().collect();
    for rows in [turned, vec![0], vec![3, 1]] {
        let again = fitted.predict(&others.select(&rows));
        let expected = predicted.select(Axis(0), &rows);
        ensure!(
            again.iter().zip(&expected).all(|(a, b)| close(*a, *b)),
            "the prediction for a sample depends on the other samples or on their order"
        );
    }
    let none = fitted.predict(&others.select(&[]));
    ensure!(
        none.dim() == (0, predicted.ncols()),
        "the prediction for no samples has the shape {:?}",
        none.dim()
    );
    Ok(())
}

/// A learner that was saved and read back predicts bitwise the same.
fn check_saving(
    learner: &BoxedLearner,
    fitted: &dyn FittedLearnerObject,
    others: &SampleFeatures,
    predicted: &Array2<f64>,
) -> Check {
    let read = learner.read(&fitted.state());
    let read = read.map_err(|error| format!("cannot be saved: {error}"))?;
    read.check(others.widths(), predicted.ncols())?;
    let same = catch_unwind(AssertUnwindSafe(|| read.predict(others) == predicted));
    ensure!(
        same.unwrap_or(false),
        "it predicts something else after its state was saved and read"
    );
    Ok(())
}

/// A truncated state is rejected; one with changed bytes is rejected or usable.
fn check_damage(learner: &BoxedLearner, fitted: &dyn FittedLearnerObject, study: &Study) -> Check {
    let state = fitted.state();
    let steps = (0..state.len()).step_by((state.len() / 50).max(1));
    for end in steps {
        let whole = attempt(learner, &state[..end], study)?;
        ensure!(
            !whole,
            "the first {end} of the {} bytes of its state are accepted as a whole state",
            state.len()
        );
    }
    let mut numbers = Numbers::new(53);
    for _ in 0..200 {
        let mut damaged = state.clone();
        let place = numbers.below(damaged.len().max(1));
        let changed = 1 + numbers.below(255) as u8;
        if let Some(byte) = damaged.get_mut(place) {
            *byte ^= changed;
        }
        attempt(learner, &damaged, study)?;
    }
    Ok(())
}

/// Whether a state is accepted; an accepted state is used.
fn attempt(learner: &BoxedLearner, state: &[u8], study: &Study) -> Result<bool, String> {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let Ok(read) = learner.read(state) else {
            return false;
        };
        let fits = read.check(study.features.widths(), study.classes).is_ok();
        if fits {
            let _ = read.predict(&study.others());
        }
        fits
    }));
    tried.map_err(|_| "a damaged state makes it panic".to_owned())
}
