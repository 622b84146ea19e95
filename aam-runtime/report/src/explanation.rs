//! What drives the predictions of a model, as shown in the page and the images.

use crate::chart::{Bar, Bars, Curve, Curves, Heat, Ink, Phylogram, Swarm, SwarmPoint, SwarmRow};
use aam_evaluation::distribution::number;

/// The result of `aam explain`.
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
    /// The explained models, the combination first if there are several members.
    pub methods: Vec<String>,
    /// Number of samples explained.
    pub samples: usize,
    /// Number of ASVs in the samples.
    pub asvs: usize,
    /// How many of them have a stable direction.
    pub stable: usize,
    /// Share of the ASVs' contributions that depends on which other ASVs are present.
    pub interplay: f64,
    /// The most important ASVs, in decreasing order.
    pub drivers: Vec<Driver>,
    /// The most important genera.
    pub genera: Vec<Driver>,
    /// The most important ASVs on the tree, if one is given.
    pub tree: Option<Phylogram>,
    /// The effect of shuffling groups of ASVs.
    pub shuffled: Option<ShuffledGroups>,
    /// How the prediction depends on the most important ASVs.
    pub dependences: Vec<DependenceFound>,
    /// Contributions for the samples with the largest errors.
    pub pushed: Vec<Pushed>,
    /// The importance of inputs besides single ASVs.
    pub inputs: InputsShown,
    /// Attention weights, if requested, one map for each part of the model.
    pub attention: Vec<AttentionShown>,
    /// The effects of the bases of ASVs, if requested.
    pub bases: Vec<BasesShown>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// An ASV or a group of ASVs.
#[derive(Clone, Debug)]
pub struct Driver {
    /// Display name.
    pub label: String,
    /// Name in files.
    pub id: String,
    /// Mean absolute contribution, by model.
    pub sizes: Vec<f64>,
    /// Interval of the first of these.
    pub interval: (f64, f64),
    /// What more reads of it do, in words.
    pub direction: String,
    /// Whether more reads of it raise the prediction.
    pub rises: bool,
    /// Whether most resamples and all members agree on that direction.
    pub stable: bool,
    /// Share of the resamples in which it is among the most important.
    pub among_first: f64,
    /// Share of the samples that contain it.
    pub prevalence: f64,
    /// Effect and q-value of the univariate test.
    pub test: Option<(f64, f64)>,
    /// Contributions to individual samples.
    pub points: Vec<Added>,
}

/// The contribution of an ASV to a sample.
#[derive(Clone, Debug)]
pub struct Added {
    /// The sample.
    pub sample: String,
    /// The contribution.
    pub value: f64,
    /// Whether the sample contains more of it than the baseline.
    pub more: bool,
}

/// The effect of shuffling ASVs, genera and clades among the samples.
#[derive(Clone, Debug)]
pub struct ShuffledGroups {
    /// Name of the metric.
    pub metric: String,
    /// The metric of the unshuffled samples.
    pub whole: f64,
    /// Number of samples.
    pub samples: usize,
    /// Number of repeats.
    pub repeats: usize,
    /// Whether each sample is predicted by a model that did not see it.
    pub held_out: bool,
    /// Number of models that predict the samples.
    pub models: usize,
    /// The groups, the most costly first.
    pub groups: Vec<ShuffledShown>,
}

/// ASVs that are shuffled together.
#[derive(Clone, Debug)]
pub struct ShuffledShown {
    /// What they are: `ASV`, `genus` or `clade`.
    pub kind: String,
    /// Display name.
    pub name: String,
    /// Number of ASVs.
    pub asvs: usize,
    /// What shuffling them costs.
    pub cost: Cost,
}

/// The loss of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The mean.
    pub mean: f64,
    /// The standard deviation over the repeats.
    pub repeats: f64,
    /// The standard deviation over the folds, if there are several.
    pub folds: Option<f64>,
    /// Whether it is above what these deviations allow.
    pub stable: bool,
}

/// How the prediction depends on an ASV.
#[derive(Clone, Debug)]
pub struct DependenceFound {
    /// Display name of the ASV.
    pub label: String,
    /// What is predicted.
    pub output: String,
    /// For each model, its name and the mean prediction at shares of the reads in per cent.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// A sample with a large error, and what drove its prediction.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The sample.
    pub sample: String,
    /// Its actual value.
    pub actual: String,
    /// Its predicted value.
    pub predicted: f64,
    /// The prediction for the baseline.
    pub baseline: f64,
    /// What is predicted: the target, or the probability of a class.
    pub output: String,
    /// ASVs with their reads in the sample and in the baseline, and their contributions.
    pub by: Vec<(String, u32, u32, f64)>,
}

/// The importance of inputs besides single ASVs.
#[derive(Clone, Debug)]
pub struct InputsShown {
    /// The metric, its value for the original samples, and whether each is predicted by a model that did not
    /// see it; if the target is known.
    pub metric: Option<(String, f64, bool)>,
    /// Number of samples.
    pub samples: usize,
    /// The inputs, the most important first.
    pub inputs: Vec<InputShown>,
}

/// An input of a model.
#[derive(Clone, Debug)]
pub struct InputShown {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Mean absolute change of the prediction if it is exchanged, by model.
    pub sizes: Vec<f64>,
    /// Standard deviation of the first of these over the repeats.
    pub deviation: f64,
    /// The loss of the metric.
    pub worse: Option<Cost>,
}

/// The attention weights of a part of a model.
#[derive(Clone, Debug)]
pub struct AttentionShown {
    /// The part.
    pub part: String,
    /// Number of its heads.
    pub heads: usize,
    /// Number of ASVs or columns that it attends to in all samples.
    pub rows: usize,
    /// Number of all samples.
    pub samples: usize,
    /// The mean weights over heads, of what gets most and of some samples.
    pub map: Heat,
}

/// The effects of the bases of an ASV.
#[derive(Clone, Debug)]
pub struct BasesShown {
    /// Display name of the ASV.
    pub label: String,
    /// What is predicted.
    pub output: String,
    /// Number of samples with the ASV that were predicted.
    pub samples: usize,
    /// The position of each window of bases, and the mean change of the prediction.
    pub effects: Vec<(f64, f64)>,
    /// The mean absolute change.
    pub sizes: Vec<(f64, f64)>,
}

impl BasesShown {
    /// The effects along the sequence.
    pub fn chart(&self) -> Curves {
        let curve = |name: &str, ink: Ink, points: &[(f64, f64)]| Curve {
            name: name.to_owned(),
            ink,
            points: points.to_vec(),
        };
        Curves {
            name: self.label.clone(),
            across: "position in the sequence".to_owned(),
            up: "change of the prediction".to_owned(),
            curves: vec![
                curve("mean change", Ink::First, &self.effects),
                curve("mean absolute change", Ink::Second, &self.sizes),
            ],
            best: None,
            may_be_logarithmic: false,
        }
    }
}

/// Colour of a member's curve; the combination comes first.
fn ink_of(place: usize) -> Ink {
    Ink::series(place)
}

impl Explanation {
    /// The most important ASVs as bars.
    pub fn bars(&self) -> Bars {
        bars_of(
            &self.drivers,
            &format!("mean absolute change of {}", self.unit()),
        )
    }

    /// The most important genera as bars.
    pub fn genus_bars(&self) -> Bars {
        bars_of(
            &self.genera,
            &format!("mean absolute change of {}", self.unit()),
        )
    }

    /// Inputs besides single ASVs as bars.
    pub fn input_bars(&self) -> Bars {
        let rows = self.inputs.inputs.iter().map(|input| {
            let size = input.sizes.first().copied().unwrap_or(0.0);
            let interval = (
                (size - 2.0 * input.deviation).max(0.0),
                size + 2.0 * input.deviation,
            );
            Bar {
                label: input.name.clone(),
                value: size,
                interval: Some(interval),
                ink: Ink::First,
                pale: input.worse.is_some_and(|cost| !cost.stable),
                text: format!("{} ({}): {}", input.name, input.kind, number(size)),
            }
        });
        Bars {
            name: format!("mean absolute change of {}", self.unit()),
            rows: rows.collect(),
        }
    }

    /// Contributions to individual samples as points.
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

    /// Name of the explained output, for the scales of charts.
    fn unit(&self) -> String {
        match self.outputs.as_slice() {
            [one] => one.clone(),
            _ => "the probabilities".to_owned(),
        }
    }
}

impl DependenceFound {
    /// The curves as a chart.
    pub fn chart(&self) -> Curves {
        let curves = self.curves.iter().enumerate();
        Curves {
            name: self.label.clone(),
            across: "% of the reads".to_owned(),
            up: "mean prediction".to_owned(),
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
