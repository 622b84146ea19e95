//! Content of a page that none of the run's files contains, collected during the run.

use aam_evaluation::compared::{Compared, Of};
use aam_evaluation::coverage::{self, Coverage};
use aam_evaluation::cross_validated::CrossValidated;
use aam_evaluation::evaluation::{NETWORK, Predicted, TRIVIAL};
use aam_evaluation::ordination::Ordination;
use aam_evaluation::results::TargetPrediction;
use aam_evaluation::sample_reads::SampleReads;
use aam_run::events::Event;

/// The collected content.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Distances (or diversity) predicted by the best model.
    pub base: Vec<Compared>,
    /// The predictions of the current epoch.
    latest: Vec<Compared>,
    /// Held-out samples by target.
    pub targets: Vec<HeldOutTarget>,
    /// What else is known about the held-out samples, in the order of the samples of every target.
    pub about: Vec<AboutSample>,
    /// Coverage of intervals and prediction sets, if a level is promised.
    pub coverage: Vec<Coverage>,
    /// The samples in a plane.
    pub ordination: Option<Ordination>,
    /// The metrics of every fold, where there are folds.
    pub folds: Option<CrossValidated>,
}

/// What else is known about a held-out sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct AboutSample {
    /// Its reads.
    pub reads: Option<SampleReads>,
    /// The index of its group.
    pub group: Option<usize>,
}

/// A target and its held-out samples.
#[derive(Clone, Debug)]
pub struct HeldOutTarget {
    /// Its column.
    pub name: String,
    /// Its classes, for a classification target.
    pub classes: Option<Vec<String>>,
    /// The samples.
    pub samples: Vec<HeldOutSample>,
    /// The method shown for comparison: the first that is neither the network nor a trivial guess.
    pub reference: Option<&'static str>,
}

/// A held-out sample and its prediction for one target.
#[derive(Clone, Debug)]
pub struct HeldOutSample {
    /// Its id.
    pub id: String,
    /// The actual value: a number or the index of a class.
    pub actual: f64,
    /// The prediction.
    pub predicted: TargetPrediction,
    /// The prediction of the reference method.
    pub reference: Option<TargetPrediction>,
    /// Name of its fold.
    pub fold: Option<String>,
}

impl Gathered {
    /// Records an event.
    pub fn observe(&mut self, event: &Event<'_>) {
        match *event {
            Event::Compared(compared) => {
                let base = compared.iter().filter(|compared| compared.of == Of::Base);
                self.latest = base.cloned().collect();
            }
            Event::Epoch { best: true, .. } => self.base = std::mem::take(&mut self.latest),
            Event::Ordinated(samples) => self.ordination = Some(samples.clone()),
            Event::CrossValidated(folds) => self.folds = Some(folds.clone()),
            Event::Predicted(predicted) => {
                self.targets = targets(predicted);
                let reported = &predicted.reported;
                let about = predicted.samples.iter().map(|sample| AboutSample {
                    reads: reported.reads.get(sample.row).copied(),
                    group: reported.groups.map(|groups| groups.of[sample.row]),
                });
                self.about = about.collect();
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
                    // The samples are the same, usually in the same order.
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
    /// The error: predicted minus actual for numbers, 1 minus the probability of the actual class
    /// for classes.
    pub fn error(&self, sample: &HeldOutSample) -> f64 {
        match &sample.predicted {
            TargetPrediction::Number { value, .. } => value - sample.actual,
            TargetPrediction::Classes { probabilities, .. } => {
                1.0 - probabilities.get(sample.actual as usize).unwrap_or(&0.0)
            }
        }
    }
}
