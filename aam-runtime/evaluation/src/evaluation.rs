//! The evaluation of the held-out samples: metrics with intervals, alongside those of simpler
//! methods.

use std::borrow::Cow;

use aam_api::PluginError;
use aam_api::metric::{Headline, MetricOf, leading};
use aam_core::text::{cell, visible_line};

use super::bootstrap::{Drawn, drawn};
use super::differences::{Difference, differences};
use super::groups::Groups;
use super::scores::Scorer;
use crate::metrics::Metric;
use crate::out_of_fold::AtLevel;
use crate::results::HeldOut;
use crate::results::RawColumn;
use crate::sample_reads::SampleReads;

/// Name of the Random Forest in files.
pub const RANDOM_FOREST: &str = "random_forest";
/// Name of the forest among the members.
pub const FOREST: &str = "forest";
/// Name in files of the method that predicts the mean or the class frequencies.
pub const TRIVIAL: &str = "trivial";
/// Methods that a model should be better than.
const SIMPLE: [&str; 3] = [TRIVIAL, FOREST, RANDOM_FOREST];
/// Name of the network among other members.
pub const NETWORK: &str = "network";

/// A metric of the held-out samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name, for example `r2`.
    pub name: String,
    /// The model's value.
    pub value: f64,
    /// 95 % bootstrap interval.
    pub interval: Option<(f64, f64)>,
    /// Values of the other methods.
    pub others: Vec<Option<f64>>,
}

impl Figure {
    /// The metric with the model's value.
    pub fn metric(&self) -> Metric {
        Metric {
            name: self.name.clone(),
            value: self.value,
        }
    }
}

/// All metrics of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The evaluated method.
    pub method: &'static str,
    /// The other methods.
    pub others: Vec<&'static str>,
    /// Number of held-out samples.
    pub samples: usize,
    /// All metrics.
    pub figures: Vec<Figure>,
    /// How far the leading metric of each target is from that of simpler methods.
    pub differences: Vec<Difference>,
}

/// Another method evaluated on the same samples.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its name.
    pub name: &'static str,
    /// Its predictions for the same samples.
    pub samples: Vec<HeldOut>,
}

/// All predictions for the held-out samples.
#[derive(Clone, Copy, Debug)]
pub struct Predicted<'a> {
    /// Data about the samples.
    pub reported: Reported<'a>,
    /// The predictions of the evaluated method.
    pub samples: &'a [HeldOut],
    /// The predictions of other methods.
    pub others: &'a [Other],
}

/// Data about the reported samples.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// Targets of all samples of the table.
    pub targets: &'a [RawColumn],
    /// Ids of all samples of the table.
    pub ids: &'a [String],
    /// Groups of the samples, if any.
    pub groups: Option<&'a Groups>,
    /// The fold in which each sample of the table was held out.
    pub folds: Option<&'a [String]>,
    /// The reads of all samples of the table; empty if they are not known.
    pub reads: &'a [SampleReads],
    /// The predictions with intervals and sets at the requested levels; the first level is the one
    /// evaluated. Empty if there are no intervals or sets.
    pub levels: &'a [AtLevel],
    /// Seed of the run.
    pub seed: u64,
}

impl Reported<'_> {
    /// The metrics of `samples`, with intervals if requested.
    ///
    /// # Errors
    /// Those of [`Scorer::new`].
    pub fn evaluate(
        &self,
        method: &'static str,
        samples: &[HeldOut],
        others: &[Other],
        with_intervals: bool,
    ) -> Result<Evaluation, PluginError> {
        let scorer = Scorer::new(self.targets)?;
        let metrics = scorer.scores(samples);
        let draw = |samples: &[HeldOut]| -> Option<Drawn> {
            let drawn = || drawn(&scorer, samples, self.groups, self.seed);
            with_intervals.then(drawn).flatten()
        };
        let draws = draw(samples);
        let intervals: Vec<Option<(f64, f64)>> = (0..metrics.len())
            .map(|place| draws.as_ref()?.interval(place))
            .collect();
        let of_others = others.iter().map(|other| {
            let mut metrics = scorer.scores(&other.samples);
            if other.name == TRIVIAL {
                unset_undefined(&scorer, &other.samples, &mut metrics);
            }
            metrics
        });
        let of_others: Vec<Vec<Metric>> = of_others.collect();
        let simple = others.iter().zip(&of_others);
        let simple = simple.filter(|(other, _)| SIMPLE.contains(&other.name));
        let mut all_differences = Vec::new();
        for (other, of_other) in simple {
            // Classes are judged by their order, and a guess has none.
            let is_flat =
                other.name == TRIVIAL && self.targets.iter().all(|of| of.classes.is_some());
            let flat = is_flat.then(|| constant(&other.samples));
            let samples = flat.as_deref().unwrap_or(&other.samples);
            let Some(pair) = draws.as_ref().zip(draw(samples)) else {
                continue;
            };
            let interval = |places| pair.0.difference(&pair.1, places);
            let lists = (metrics.as_slice(), of_other.as_slice());
            all_differences.extend(differences(self.targets, other.name, lists, interval));
        }
        let figures = metrics.into_iter().zip(intervals);
        let figures = figures.map(|(metric, interval)| Figure {
            others: of_others
                .iter()
                .map(|metrics| {
                    let same = metrics.iter().find(|other| other.name == metric.name);
                    same.map(|other| other.value)
                })
                .collect(),
            name: metric.name,
            value: metric.value,
            interval,
        });
        Ok(Evaluation {
            method,
            others: others.iter().map(|other| other.name).collect(),
            samples: samples.len(),
            figures: figures.collect(),
            differences: all_differences,
        })
    }
}

/// Sets metrics of order to those of a constant: correlations to NaN, the AUC to 1/2. A trivial guess is one
/// constant per fold, and differs between folds only because the mean of the training samples does:
/// taken together, the folds would seem to have a rank correlation, a strongly negative one.
fn unset_undefined(scorer: &Scorer<'_>, samples: &[HeldOut], metrics: &mut [Metric]) {
    let of_constant = scorer.scores(&constant(samples));
    let of_order = leading(MetricOf::Classes, Headline::Verdict).map(|metric| metric.name);
    for (metric, of_constant) in metrics.iter_mut().zip(of_constant) {
        let name = metric.name.rsplit(':').next();
        if of_constant.value.is_nan() || name == of_order {
            metric.value = of_constant.value;
        }
    }
}

/// All of `samples` with the prediction of the first.
fn constant(samples: &[HeldOut]) -> Vec<HeldOut> {
    let Some(first) = samples.first() else {
        return Vec::new();
    };
    let same = samples.iter().map(|sample| HeldOut {
        row: sample.row,
        predictions: first.predictions.clone(),
    });
    same.collect()
}

impl Evaluation {
    /// `evaluation.tsv`: one line per metric.
    pub fn tsv(&self) -> String {
        let mut text = format!("metric\t{}\tlower\tupper", self.method);
        for other in &self.others {
            text.push_str(&format!("\t{other}"));
        }
        text.push('\n');
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for figure in &self.figures {
            let (low, high) = figure.interval.unzip();
            let mut cells = vec![cell(&figure.name).into_owned(), figure.value.to_string()];
            cells.extend([number(low), number(high)]);
            cells.extend(figure.others.iter().map(|value| number(*value)));
            text.push_str(&(cells.join("\t") + "\n"));
        }
        text
    }

    /// The same in aligned columns, for display.
    pub fn text(&self) -> String {
        let spoken = |name: &str| name.replace('_', " ");
        let mut header = vec!["held out".to_owned(), spoken(self.method)];
        header.push("95 % interval".to_owned());
        header.extend(self.others.iter().map(|name| spoken(name)));
        let mut rows = vec![header];
        for figure in &self.figures {
            let mut row = vec![figure.name.clone(), number(figure.value)];
            row.push(figure.interval.map_or_else(String::new, |(low, high)| {
                format!("{} to {}", number(low), number(high))
            }));
            let others = figure.others.iter();
            row.extend(others.map(|value| value.map_or_else(String::new, number)));
            rows.push(row);
        }
        if self.figures.iter().all(|figure| figure.interval.is_none()) {
            for row in &mut rows {
                row.remove(2);
            }
        }
        aligned(&rows)
    }

    /// The metrics of the other methods, named `method:metric`.
    pub fn of_others(&self) -> impl Iterator<Item = Metric> + '_ {
        self.others.iter().enumerate().flat_map(move |(i, other)| {
            self.figures.iter().filter_map(move |figure| {
                Some(Metric {
                    name: format!("{other}:{}", figure.name),
                    value: figure.others[i]?,
                })
            })
        })
    }
}

/// Formats rows as columns, the first left-aligned and the others right-aligned.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible_line(cell)).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<Cow<'_, str>>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<width$}", width = width(column)),
            _ => format!("{cell:>width$}", width = width(column)),
        });
        let cells: Vec<String> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Formats a number with decimals that suit its size.
pub fn number(value: f64) -> String {
    // No "-0.000".
    let value = if value.abs() < 0.0005 { 0.0 } else { value };
    match value.abs() {
        size if !size.is_finite() => "-".to_owned(),
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        size if size < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::TargetPrediction;

    #[test]
    fn a_guess_that_differs_between_folds_has_no_rank_correlation() {
        let column = RawColumn {
            name: "age".to_owned(),
            classes: None,
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let targets = [column];
        let ids = ["a", "b", "c", "d"].map(str::to_owned);
        let reported = Reported {
            targets: &targets,
            ids: &ids,
            groups: None,
            folds: None,
            reads: &[],
            levels: &[],
            seed: 1,
        };
        let of = |values: [f64; 4]| -> Vec<HeldOut> {
            let values = values.into_iter().enumerate();
            let held_out = values.map(|(row, value)| HeldOut {
                row,
                predictions: vec![TargetPrediction::Number {
                    value,
                    interval: None,
                }],
            });
            held_out.collect()
        };
        let guessed = [3.5, 3.5, 1.5, 1.5];
        let others = [TRIVIAL, RANDOM_FOREST].map(|name| Other {
            name,
            samples: of(guessed),
        });
        let evaluation = reported.evaluate("model", &of([1.0, 2.0, 3.0, 4.0]), &others, false);
        let evaluation = evaluation.unwrap();
        let of_others = |name: &str| -> Vec<f64> {
            let mut figures = evaluation.figures.iter();
            let figure = figures.find(|figure| figure.name == name).unwrap();
            figure.others.iter().map(|value| value.unwrap()).collect()
        };
        let spearman = of_others("spearman");
        assert!(spearman[0].is_nan() && spearman[1] < -0.8, "{spearman:?}");
        let r2 = of_others("r2");
        assert!(r2[0] < 0.0 && r2[0] == r2[1], "{r2:?}");
    }

    #[test]
    fn metrics_are_listed_with_those_of_others() {
        let evaluation = Evaluation {
            method: "model",
            others: vec![RANDOM_FOREST, TRIVIAL],
            samples: 9,
            figures: vec![
                Figure {
                    name: "r2".to_owned(),
                    value: 0.5,
                    interval: Some((0.25, 0.75)),
                    others: vec![Some(0.625), Some(-0.125)],
                },
                Figure {
                    name: "interval_width".to_owned(),
                    value: 20.0,
                    interval: None,
                    others: vec![None, None],
                },
            ],
            differences: Vec::new(),
        };
        let tsv = "metric\tmodel\tlower\tupper\trandom_forest\ttrivial\n\
                   r2\t0.5\t0.25\t0.75\t0.625\t-0.125\ninterval_width\t20\t\t\t\t\n";
        assert_eq!(evaluation.tsv(), tsv);
        let text = "held out        model   95 % interval  random forest  trivial\n\
                    r2              0.500  0.250 to 0.750          0.625   -0.125\n\
                    interval_width  20.00";
        assert_eq!(evaluation.text(), text);
        let others: Vec<String> = evaluation.of_others().map(|metric| metric.name).collect();
        assert_eq!(others, ["random_forest:r2", "trivial:r2"]);
    }
}
