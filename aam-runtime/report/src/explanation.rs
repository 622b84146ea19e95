//! What drives the predictions of a model, as the page and the pictures show it.

use crate::chart::{Bar, Bars, Curve, Curves, Ink, Swarm, SwarmPoint, SwarmRow};
use aam_evaluation::distribution::number;

/// What `aam explain` found.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Version of the program.
    pub aam: String,
    /// The table's file.
    pub table: String,
    /// Name of the target.
    pub target: String,
    /// What is explained: the target, or the probability of each of these classes.
    pub outputs: Vec<String>,
    /// What samples are compared with, in words.
    pub baseline: String,
    /// What predicts: the combination first, where there are several members.
    pub methods: Vec<String>,
    /// How many samples are explained.
    pub samples: usize,
    /// How many ASVs the samples have.
    pub asvs: usize,
    /// How many of these have a stable direction.
    pub stable: usize,
    /// How much of what ASVs add depends on which others are there.
    pub interplay: f64,
    /// The most important ASVs, the first first.
    pub drivers: Vec<Driver>,
    /// The most important genera.
    pub genera: Vec<Driver>,
    /// What happened where groups were shuffled.
    pub shuffled: Option<ShuffledGroups>,
    /// How the prediction depends on the first ASVs.
    pub dependences: Vec<DependenceFound>,
    /// What pushed the samples that are furthest off.
    pub pushed: Vec<Pushed>,
    /// What may be wrong.
    pub warnings: Vec<String>,
}

/// An ASV or a group of ASVs.
#[derive(Clone, Debug)]
pub struct Driver {
    /// What it is called.
    pub label: String,
    /// What it is called in files.
    pub id: String,
    /// Mean size of what it adds, by method.
    pub sizes: Vec<f64>,
    /// The ends of the interval of the first.
    pub interval: (f64, f64),
    /// What more reads of it do, in words.
    pub direction: String,
    /// Whether they raise what is predicted.
    pub rises: bool,
    /// Whether most resamples and all members agree on that.
    pub stable: bool,
    /// Share of the resamples in which it is among the most important.
    pub among_first: f64,
    /// Share of the samples that have it.
    pub prevalence: f64,
    /// The effect of the plain test, and its q-value.
    pub test: Option<(f64, f64)>,
    /// What it adds to single samples.
    pub points: Vec<Added>,
}

/// What an ASV adds to a sample.
#[derive(Clone, Debug)]
pub struct Added {
    /// The sample.
    pub sample: String,
    /// What it adds.
    pub value: f64,
    /// Whether the sample has more of it than the baseline.
    pub more: bool,
}

/// What happened where groups of related ASVs were shuffled among the samples.
#[derive(Clone, Debug)]
pub struct ShuffledGroups {
    /// What the metric is called.
    pub metric: String,
    /// What it is of the samples as they are.
    pub whole: f64,
    /// How many samples were shuffled.
    pub samples: usize,
    /// How often.
    pub repeats: usize,
    /// How many of the samples that are explained were learnt from.
    pub seen: usize,
    /// The groups: what each is called, how many ASVs it has, how much worse the metric is and its
    /// standard deviation, and whether that is stable.
    pub groups: Vec<(String, usize, f64, f64, bool)>,
}

/// How the prediction depends on an ASV.
#[derive(Clone, Debug)]
pub struct DependenceFound {
    /// What the ASV is called.
    pub label: String,
    /// What is predicted.
    pub output: String,
    /// For each method its name and the mean prediction at shares of the reads in per cent.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// A sample that is far off, and what pushed its prediction.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The sample.
    pub sample: String,
    /// What is true of it.
    pub actual: String,
    /// What is predicted of it.
    pub predicted: f64,
    /// What is predicted of the baseline.
    pub baseline: f64,
    /// What is predicted: the target, or the probability of a class.
    pub output: String,
    /// ASVs with their reads in the sample and in the baseline, and what they add.
    pub by: Vec<(String, u32, u32, f64)>,
}

/// Curves of members, the combination first.
fn ink_of(place: usize) -> Ink {
    Ink::series(place)
}

impl Explanation {
    /// The most important ASVs as bars.
    pub fn bars(&self) -> Bars {
        bars_of(&self.drivers, &format!("mean change of {}", self.unit()))
    }

    /// The most important genera as bars.
    pub fn genus_bars(&self) -> Bars {
        bars_of(&self.genera, &format!("mean change of {}", self.unit()))
    }

    /// What they add to single samples.
    pub fn swarm(&self) -> Swarm {
        let rows = self.drivers.iter().map(|driver| SwarmRow {
            label: driver.label.clone(),
            points: driver
                .points
                .iter()
                .map(|added| SwarmPoint {
                    value: added.value,
                    ink: if added.more { Ink::Second } else { Ink::First },
                    text: format!("{}: {}", added.sample, number(added.value)),
                })
                .collect(),
        });
        Swarm {
            name: format!("change of {}", self.unit()),
            rows: rows.collect(),
        }
    }

    /// What is changed, for the scales of charts.
    fn unit(&self) -> String {
        match self.outputs.as_slice() {
            [one] => one.clone(),
            _ => "the probabilities".to_owned(),
        }
    }
}

impl DependenceFound {
    /// Its curves.
    pub fn chart(&self) -> Curves {
        let curves = self.curves.iter().enumerate();
        Curves {
            name: self.label.clone(),
            across: "% of the reads".to_owned(),
            curves: curves
                .map(|(place, (name, points))| Curve {
                    name: name.clone(),
                    ink: ink_of(place),
                    points: points.clone(),
                })
                .collect(),
            best: None,
            may_be_logarithmic: false,
        }
    }
}

fn bars_of(drivers: &[Driver], name: &str) -> Bars {
    let rows = drivers.iter().map(|driver| Bar {
        label: driver.label.clone(),
        value: driver.sizes.first().copied().unwrap_or(0.0),
        interval: Some(driver.interval),
        ink: if driver.rises {
            Ink::Second
        } else {
            Ink::First
        },
        pale: !driver.stable,
        text: format!(
            "{}: {} ({} to {}), {}",
            driver.label,
            number(driver.sizes.first().copied().unwrap_or(0.0)),
            number(driver.interval.0),
            number(driver.interval.1),
            driver.direction
        ),
    });
    Bars {
        name: name.to_owned(),
        rows: rows.collect(),
    }
}
