//! What a page shows of a run that is in none of its files: gathered while it goes on.

use aam_evaluation::compared::{Compared, Of};
use aam_evaluation::coverage::{self, Coverage};
use aam_evaluation::cross_validated::CrossValidated;
use aam_evaluation::evaluation::{NETWORK, Predicted, TRIVIAL};
use aam_evaluation::results::TargetPrediction;
use aam_run::events::Event;

/// What was gathered.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Distances (or diversity) predicted by the best model.
    pub base: Vec<Compared>,
    /// Of the epoch at hand.
    latest: Vec<Compared>,
    /// Held-out samples by target.
    pub targets: Vec<HeldOutTarget>,
    /// How often intervals and prediction sets hold what is true, where that is promised.
    pub coverage: Vec<Coverage>,
    /// The metrics of every fold, where there are folds.
    pub folds: Option<CrossValidated>,
}

/// A target and the held-out samples.
#[derive(Clone, Debug)]
pub struct HeldOutTarget {
    /// Its column.
    pub name: String,
    /// Its classes, if it has classes.
    pub classes: Option<Vec<String>>,
    /// The samples.
    pub samples: Vec<HeldOutSample>,
    /// The method that the page compares with: the first that is neither the network nor a guess.
    pub reference: Option<&'static str>,
}

/// A held-out sample and what is predicted of one target.
#[derive(Clone, Debug)]
pub struct HeldOutSample {
    /// Its id.
    pub id: String,
    /// A number, or the index of a class.
    pub actual: f64,
    /// What is predicted.
    pub predicted: TargetPrediction,
    /// What the method to compare with predicts.
    pub reference: Option<TargetPrediction>,
    /// Name of its fold.
    pub fold: Option<String>,
}

impl Gathered {
    /// Takes note of an event.
    pub fn observe(&mut self, event: &Event<'_>) {
        match *event {
            Event::Compared(compared) => {
                let base = compared.iter().filter(|compared| compared.of == Of::Base);
                self.latest = base.cloned().collect();
            }
            Event::Epoch { best: true, .. } => self.base = std::mem::take(&mut self.latest),
            Event::CrossValidated(folds) => self.folds = Some(folds.clone()),
            Event::Predicted(predicted) => {
                self.targets = targets(predicted);
                self.coverage = coverage::of(&predicted.reported);
            }
            _ => {}
        }
    }
}

fn targets(predicted: &Predicted<'_>) -> Vec<HeldOutTarget> {
    let reported = &predicted.reported;
    let mut others = predicted.others.iter();
    let reference = others.find(|other| ![NETWORK, TRIVIAL].contains(&other.name));
    let columns = reported.targets.iter().enumerate();
    let targets = columns.map(|(target, column)| {
        let samples = predicted.samples.iter().enumerate();
        let samples = samples.map(|(place, sample)| HeldOutSample {
            id: reported.ids[sample.row].clone(),
            actual: column.values[sample.row],
            predicted: sample.predictions[target].clone(),
            reference: reference
                .and_then(|reference| {
                    // Of the same samples, as a rule in the same order.
                    let same = reference.samples.get(place);
                    let same = same.filter(|other| other.row == sample.row);
                    same.or_else(|| reference.samples.iter().find(|o| o.row == sample.row))
                })
                .map(|other| other.predictions[target].clone()),
            fold: reported.folds.map(|folds| folds[sample.row].clone()),
        });
        HeldOutTarget {
            name: column.name.clone(),
            classes: column.classes.clone(),
            samples: samples.collect(),
            reference: reference.map(|reference| reference.name),
        }
    });
    targets.collect()
}

impl HeldOutTarget {
    /// Predicted less actual, of a number; of classes 1 less the probability of the right one.
    pub fn error(&self, sample: &HeldOutSample) -> f64 {
        match &sample.predicted {
            TargetPrediction::Number { value, .. } => value - sample.actual,
            TargetPrediction::Classes { probabilities, .. } => {
                1.0 - probabilities.get(sample.actual as usize).unwrap_or(&0.0)
            }
        }
    }
}
