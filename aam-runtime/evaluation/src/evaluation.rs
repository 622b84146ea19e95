//! What a run says of its held-out samples: figures with their uncertainty, beside those of simpler
//! methods.

use std::borrow::Cow;

use aam_api::PluginError;
use aam_core::text::{cell, visible_line};

use super::bootstrap::intervals;
use super::groups::Groups;
use super::scores::Scorer;
use crate::metrics::Metric;
use crate::out_of_fold::AtLevel;
use crate::results::HeldOut;
use crate::results::RawColumn;

/// What the Random Forest is called in files.
pub const RANDOM_FOREST: &str = "random_forest";
/// What predicting the mean or the shares of the classes is called in files.
pub const TRIVIAL: &str = "trivial";
/// What the network is called beside other members.
pub const NETWORK: &str = "network";

/// A figure of the held-out samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name, for example `r2`.
    pub name: String,
    /// Value of the model.
    pub value: f64,
    /// 95 % bootstrap interval.
    pub interval: Option<(f64, f64)>,
    /// Values of the other methods.
    pub others: Vec<Option<f64>>,
}

impl Figure {
    /// The model's value.
    pub fn metric(&self) -> Metric {
        Metric {
            name: self.name.clone(),
            value: self.value,
        }
    }
}

/// The figures of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What was judged.
    pub method: &'static str,
    /// The other methods.
    pub others: Vec<&'static str>,
    /// Samples that were held out.
    pub samples: usize,
    /// All figures.
    pub figures: Vec<Figure>,
}

/// Another method on the same samples.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its name.
    pub name: &'static str,
    /// What it predicts of the same samples.
    pub samples: Vec<HeldOut>,
}

/// All that is predicted of the held-out samples.
#[derive(Clone, Copy, Debug)]
pub struct Predicted<'a> {
    /// The samples.
    pub reported: Reported<'a>,
    /// What is predicted of them by the method that is judged.
    pub samples: &'a [HeldOut],
    /// What others predict.
    pub others: &'a [Other],
}

/// The samples that are told of.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// Targets of all samples of the table.
    pub targets: &'a [RawColumn],
    /// Ids of all samples of the table.
    pub ids: &'a [String],
    /// What samples belong to, if that was said.
    pub groups: Option<&'a Groups>,
    /// Fold in which each sample of the table was held out.
    pub folds: Option<&'a [String]>,
    /// The predictions with intervals and sets at the levels asked for, the first of which are those
    /// judged; none where nothing is promised.
    pub levels: &'a [AtLevel],
    /// Seed of the run.
    pub seed: u64,
}

impl Reported<'_> {
    /// The figures of `samples`, with intervals if they are wanted.
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
        let intervals = match with_intervals {
            true => intervals(&scorer, samples, self.groups, self.seed),
            false => vec![None; metrics.len()],
        };
        let of_others = others.iter().map(|other| scorer.scores(&other.samples));
        let of_others: Vec<Vec<Metric>> = of_others.collect();
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
        })
    }
}

impl Evaluation {
    /// `evaluation.tsv`: a line per figure.
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

    /// The same in aligned columns, for people.
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

    /// Figures of the other methods, called `method:figure`.
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

/// Rows in columns, the first to the left and the others to the right.
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

/// As many decimals as the size asks for.
pub fn number(value: f64) -> String {
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

    #[test]
    fn figures_are_told_beside_those_of_others() {
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
