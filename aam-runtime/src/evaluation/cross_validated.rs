//! The figures of every fold of a cross-validation, and what they come to.

use super::report::{aligned, number};
use crate::train::metrics::Metric;

/// Figures that lead a table.
const MAIN: [&str; 4] = ["r2", "mae", "accuracy", "auc"];

/// The figures of a fold.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldScores {
    /// Number of the fold, or the group that it holds out.
    pub name: String,
    /// Samples held out.
    pub samples: usize,
    /// Figures of them, those of other methods called `method:figure`.
    pub metrics: Vec<Metric>,
}

/// A cross-validation, as far as it got.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidated {
    /// The folds that are done.
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

    /// Mean and standard deviation (with the number of folds as divisor) of a figure over the folds
    /// that determine it.
    pub fn spread(&self, name: &str) -> (f64, f64) {
        let values = self.folds.iter().filter_map(|fold| value(fold, name));
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (mean, (squares / count).sqrt())
    }

    /// `folds.tsv`: a line per fold, then `mean` and `sd`.
    pub fn tsv(&self) -> String {
        let names = self.names();
        let mut text = format!("fold\tsamples\t{}\n", names.join("\t"));
        let cell = |value: f64| match value.is_nan() {
            true => String::new(),
            false => value.to_string(),
        };
        let mut line = |name: &str, samples: String, values: Vec<f64>| {
            let values: Vec<String> = values.into_iter().map(cell).collect();
            let name = name.replace('\t', " ");
            text.push_str(&format!("{name}\t{samples}\t{}\n", values.join("\t")));
        };
        for fold in &self.folds {
            let values = names
                .iter()
                .map(|name| value(fold, name).unwrap_or(f64::NAN));
            line(&fold.name, fold.samples.to_string(), values.collect());
        }
        let spreads: Vec<(f64, f64)> = names.iter().map(|name| self.spread(name)).collect();
        line("mean", String::new(), spreads.iter().map(|s| s.0).collect());
        line("sd", String::new(), spreads.iter().map(|s| s.1).collect());
        text
    }

    /// The main figures in aligned columns, for people.
    pub fn text(&self) -> String {
        let is_main = |name: &&str| MAIN.contains(&name.rsplit(':').next().unwrap_or(name));
        let names: Vec<&str> = self.names().into_iter().filter(is_main).collect();
        let mut header = vec!["fold".to_owned(), "samples".to_owned()];
        header.extend(names.iter().map(|name| name.replace('_', " ")));
        let mut rows = vec![header];
        for fold in &self.folds {
            let mut row = vec![fold.name.clone(), fold.samples.to_string()];
            let values = names.iter().map(|name| value(fold, name));
            row.extend(values.map(|value| number(value.unwrap_or(f64::NAN))));
            rows.push(row);
        }
        let spreads: Vec<(f64, f64)> = names.iter().map(|name| self.spread(name)).collect();
        let mut mean = vec!["mean".to_owned(), String::new()];
        mean.extend(spreads.iter().map(|spread| number(spread.0)));
        let mut sd = vec!["sd".to_owned(), String::new()];
        sd.extend(spreads.iter().map(|spread| number(spread.1)));
        rows.extend([mean, sd]);
        aligned(&rows)
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
    fn a_line_per_fold_and_what_they_come_to() {
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
