//! Metrics of every fold of a cross-validation, and their summary.

use aam_api::metric::{Headline, leads};
use aam_core::text::cell;

use super::evaluation::{RANDOM_FOREST, aligned, number};
use crate::metrics::Metric;

/// The metrics of a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldScores {
    /// Number of the fold, or name of the group it holds out.
    pub name: String,
    /// Number of held-out samples.
    pub samples: usize,
    /// Their metrics; those of other methods are named `method:metric`.
    pub metrics: Vec<Metric>,
}

/// The results of a cross-validation so far.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// The finished folds.
    pub folds: Vec<FoldScores>,
}

impl CrossValidated {
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for metric in self.folds.iter().flat_map(|fold| &fold.metrics) {
            if !names.contains(&metric.name.as_str()) {
                names.push(&metric.name);
            }
        }
        names
    }

    /// Mean and standard deviation (with the number of folds as divisor) of a metric over the folds
    /// in which it is defined.
    pub fn spread(&self, name: &str) -> (f64, f64) {
        let values = self.folds.iter().filter_map(|fold| value(fold, name));
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, (squares / count).sqrt())
    }

    /// The main metrics of a table: those of the model, and the first of them for other methods.
    pub fn main_names(&self) -> Vec<&str> {
        let is_main = |name: &&str| leads(name, Headline::Folds);
        let names: Vec<&str> = self.names().into_iter().filter(is_main).collect();
        let metric = |name: &str| name.rsplit(':').next().map(str::to_owned);
        let Some(first) = names.first().copied() else {
            return names;
        };
        // The name of another method precedes that of the metric.
        let is_own = |name: &str| name.matches(':').count() == first.matches(':').count();
        let leading = names.into_iter();
        leading
            .filter(|name| is_own(name) || metric(name) == metric(first))
            .collect()
    }

    /// The metrics `names` of every fold, then their `mean` and `sd`.
    pub fn rows(&self, names: &[&str]) -> Vec<FoldRow> {
        let folds = self.folds.iter().map(|fold| {
            let values = names.iter().map(|name| value(fold, name));
            FoldRow {
                name: fold.name.replace('\t', " "),
                samples: Some(fold.samples),
                values: values.map(|value| value.unwrap_or(f64::NAN)).collect(),
            }
        });
        let (means, deviations) = names.iter().map(|name| self.spread(name)).unzip();
        let spreads = [("mean", means), ("sd", deviations)];
        let spreads = spreads.map(|(name, values)| FoldRow {
            name: name.to_owned(),
            samples: None,
            values,
        });
        folds.chain(spreads).collect()
    }

    /// `folds.tsv`: one line per fold, then `mean` and `sd`.
    pub fn tsv(&self) -> String {
        let names = self.names();
        let header: Vec<_> = names.iter().map(|name| cell(name)).collect();
        let mut text = format!("fold\tsamples\t{}\n", header.join("\t"));
        let number = |value: &f64| match value.is_nan() {
            true => String::new(),
            false => value.to_string(),
        };
        for row in self.rows(&names) {
            let values: Vec<String> = row.values.iter().map(number).collect();
            let cells = [
                cell(&row.name).into_owned(),
                row.samples(),
                values.join("\t"),
            ];
            text.push_str(&(cells.join("\t") + "\n"));
        }
        text
    }

    /// The main metrics in aligned columns, for display.
    pub fn text(&self) -> String {
        let names = self.main_names();
        let mut header = vec!["fold".to_owned(), "samples".to_owned()];
        // The name of a column stays as it is.
        let in_words = |name: &&str| match name.rsplit_once(':') {
            None => name.replace('_', " "),
            Some((of, metric)) => {
                let of = of.replace(RANDOM_FOREST, "random forest");
                format!("{of}:{}", metric.replace('_', " "))
            }
        };
        header.extend(names.iter().map(in_words));
        let rows = self.rows(&names).into_iter().map(|row| {
            let mut cells = vec![row.name.clone(), row.samples()];
            cells.extend(row.values.into_iter().map(number));
            cells
        });
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        aligned(&rows)
    }
}

/// A row of a table of folds.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldRow {
    /// The fold, `mean` or `sd`.
    pub name: String,
    /// Number of samples held out in the fold.
    pub samples: Option<usize>,
    /// The metrics; NaN if undefined.
    pub values: Vec<f64>,
}

impl FoldRow {
    /// The number of samples as text; empty for a row that is not a fold.
    pub fn samples(&self) -> String {
        self.samples.map_or_else(String::new, |n| n.to_string())
    }
}

fn value(fold: &FoldScores, name: &str) -> Option<f64> {
    let metric = fold.metrics.iter().find(|metric| metric.name == name);
    metric.map(|metric| metric.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_fold_and_a_summary() {
        let fold = |name: &str, r2: f64, loss: f64| FoldScores {
            name: name.to_owned(),
            samples: 10,
            metrics: [("loss", loss), ("r2", r2), ("trivial:r2", -r2)]
                .map(|(name, value)| Metric {
                    name: name.to_owned(),
                    value,
                })
                .into(),
        };
        let all = CrossValidated {
            folds: vec![fold("1", 0.25, 1.0), fold("2", 0.75, f64::NAN)],
        };
        let tsv = "fold\tsamples\tloss\tr2\ttrivial:r2\n1\t10\t1\t0.25\t-0.25\n\
                   2\t10\t\t0.75\t-0.75\nmean\t\t1\t0.5\t-0.5\nsd\t\t0\t0.25\t0.25\n";
        assert_eq!(all.tsv(), tsv);
        let text = "fold  samples     r2  trivial:r2\n\
                    1          10  0.250      -0.250\n\
                    2          10  0.750      -0.750\n\
                    mean           0.500      -0.500\n\
                    sd             0.250       0.250";
        assert_eq!(all.text(), text);
    }
}
