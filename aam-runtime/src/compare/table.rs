//! The results of a comparison.

use serde::Serialize;

use super::combination::Combination;
use aam_api::metric::{Headline, leads};
use aam_core::text;
use aam_evaluation::metrics::Metric;
use aam_run::events::Outcome;

/// The results of a comparison so far.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The number of folds on which every combination is trained.
    pub folds: usize,
    /// One row per combination, in the requested order.
    pub rows: Vec<CombinationResults>,
    /// Whether every run is complete.
    pub outcome: Outcome,
    /// The metric requested with `best-metric`.
    pub metric: Option<String>,
    /// The best row, once all runs are complete.
    pub best: Option<BestOfSeveral>,
}

/// The results of a combination.
#[derive(Clone, Debug)]
pub struct CombinationResults {
    /// The components.
    pub combination: Combination,
    /// The completed folds, in order.
    pub results: Vec<FoldResult>,
    /// Why one of its runs failed, as a single line.
    pub failure: Option<String>,
}

/// The result of a completed run.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldResult {
    /// The fold, from 1.
    pub fold: usize,
    /// The number of epochs.
    pub epochs: usize,
    /// The time of the epochs including validation, in seconds.
    pub seconds: f64,
    /// The number of trainable parameters, and of all parameters.
    pub parameters: (usize, usize),
    /// The validation metrics after the last epoch.
    pub metrics: Vec<Metric>,
    /// Metrics of other methods on the same samples, named `method:metric`, if they were computed.
    pub others: Vec<Metric>,
}

/// The mean and standard deviation of a metric over folds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The population standard deviation (divisor: number of folds). `None` for a single fold.
    pub sd: Option<f64>,
}

/// The folds on which a row is selected before it is evaluated on another fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// All other folds.
    OtherFolds,
    /// The folds before it: in a successive-halving search, these decided which trials continued.
    EarlierFolds,
}

/// The best of several rows, and its performance on folds not used to select it.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOfSeveral {
    /// The metric used for selection.
    pub metric: String,
    /// The row with the best mean over its folds.
    pub row: usize,
    /// The performance of this row on these folds.
    pub seen: Spread,
    /// The folds used for selection, for each of `folds`.
    pub by: ChosenBy,
    /// The folds not used for selection.
    pub folds: Vec<ChosenWithout>,
}

/// The row selected without a fold, and its performance on that fold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChosenWithout {
    /// The fold, from 1.
    pub fold: usize,
    /// The selected row.
    pub row: usize,
    /// The metric of this row on the fold.
    pub value: f64,
}

impl BestOfSeveral {
    /// The performance on folds not used for selection.
    pub fn unseen(&self) -> Option<Spread> {
        let values: Vec<f64> = self.folds.iter().map(|fold| fold.value).collect();
        Spread::of(&values)
    }
}

impl Spread {
    /// The spread of `values`. `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (!values.is_empty()).then(|| Self {
            mean,
            sd: (values.len() > 1).then(|| (squares / count).sqrt()),
        })
    }
}

impl CombinationResults {
    /// The row of a combination without completed runs.
    pub fn new(combination: Combination) -> Self {
        Self {
            combination,
            results: Vec::new(),
            failure: None,
        }
    }

    /// A metric over the completed folds.
    pub fn metric(&self, name: &str) -> Option<Spread> {
        let values: Option<Vec<f64>> = self
            .results
            .iter()
            .map(|result| {
                let metric = result.metrics.iter().find(|metric| metric.name == name);
                metric.map(|metric| metric.value)
            })
            .collect();
        Spread::of(&values?)
    }

    /// The median run time over the folds, in seconds.
    pub fn seconds(&self) -> Option<f64> {
        let mut seconds: Vec<f64> = self.results.iter().map(|result| result.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let middle = seconds.len() / 2;
        match seconds.len() % 2 {
            _ if seconds.is_empty() => None,
            1 => Some(seconds[middle]),
            _ => Some((seconds[middle - 1] + seconds[middle]) / 2.0),
        }
    }

    /// The number of trainable parameters, and of all parameters.
    pub fn parameters(&self) -> Option<(usize, usize)> {
        self.results.first().map(|result| result.parameters)
    }

    fn status(&self, folds: usize) -> &'static str {
        match &self.failure {
            Some(_) => "failed",
            None if self.results.len() < folds => "unfinished",
            None => "finished",
        }
    }
}

impl Comparison {
    /// The kinds of the components, and the varied settings.
    pub fn kinds(&self) -> Vec<&str> {
        let first = self.rows.first().into_iter();
        let axes = first.flat_map(|row| row.combination.axes());
        axes.map(|(axis, _)| axis).collect()
    }

    /// The places among [`Comparison::kinds`] in which rows differ, or all places if there are none.
    pub fn varying_kinds(&self) -> Vec<usize> {
        let all: Vec<Vec<String>> = self.rows.iter().map(names).collect();
        let places = 0..self.kinds().len();
        let varies = |place: &usize| all.iter().any(|row| row[*place] != all[0][*place]);
        let varying: Vec<usize> = places.clone().filter(varies).collect();
        match varying.is_empty() {
            true => places.collect(),
            false => varying,
        }
    }

    /// The components and settings of a row in those places, for example `head mlp, lr 0.01`.
    pub fn varying_label(&self, row: usize) -> String {
        let axes: Vec<_> = self.rows[row].combination.axes().collect();
        let parts = self.varying_kinds().into_iter();
        let parts = parts.map(|place| format!("{} {}", axes[place].0, axes[place].1));
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The names of all metrics, in the order of the runs.
    pub fn metrics(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let results = self.rows.iter().flat_map(|row| &row.results);
        for metric in results.flat_map(|result| &result.metrics) {
            if !names.contains(&metric.name.as_str()) {
                names.push(&metric.name);
            }
        }
        names
    }

    /// The metrics that are comparable between losses, after the requested one.
    pub fn main_metrics(&self) -> Vec<&str> {
        let all = self.metrics();
        let asked = |name: &str| self.metric.as_deref() == Some(name);
        let is_main = |name: &str| leads(name, Headline::Comparison) && !asked(name);
        let first = all.iter().filter(|name| asked(name));
        let rest = all.iter().filter(|name| is_main(name));
        first.chain(rest).copied().collect()
    }

    /// The metric `name` of another method, over the folds in which a row computed it.
    pub fn of_method(&self, method: &str, name: &str) -> Option<Spread> {
        let name = format!("{method}:{name}");
        let of_fold = |fold: usize| {
            let results = self.rows.iter().flat_map(|row| &row.results);
            let mut others = results
                .filter(|result| result.fold == fold)
                .flat_map(|result| &result.others);
            others.find(|metric| metric.name == name)
        };
        let values = (1..=self.folds).filter_map(of_fold);
        Spread::of(&values.map(|metric| metric.value).collect::<Vec<f64>>())
    }

    /// The column name of a metric, which must differ from that of a kind: loss is both a component
    /// and a metric.
    fn column(&self, metric: &str) -> String {
        match self.kinds().contains(&metric) {
            true => format!("validation_{metric}"),
            false => metric.to_owned(),
        }
    }

    /// The number of failed combinations.
    pub fn failures(&self) -> usize {
        let failed = self.rows.iter().filter(|row| row.failure.is_some());
        failed.count()
    }

    /// The text of `comparison.tsv`: a line per combination.
    pub fn tsv(&self) -> String {
        let (kinds, metrics) = (self.kinds(), self.metrics());
        let mut header: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        header.extend(["status", "folds"].map(str::to_owned));
        header.extend(
            metrics
                .iter()
                .map(|name| self.column(name))
                .flat_map(|name| [name.clone(), format!("{name}_sd")])
                .map(|name| text::cell(&name).into_owned()),
        );
        header.extend(["seconds", "parameters", "all_parameters", "problem"].map(str::to_owned));
        let mut lines = header.join("\t") + "\n";
        for row in &self.rows {
            let mut cells = names(row);
            cells.push(row.status(self.folds).to_owned());
            cells.push(row.results.len().to_string());
            for name in &metrics {
                let spread = row.metric(name);
                cells.push(cell(spread.map(|spread| spread.mean)));
                cells.push(cell(spread.and_then(|spread| spread.sd)));
            }
            cells.push(cell(row.seconds()));
            cells.push(cell(row.parameters().map(|(learn, _)| learn)));
            cells.push(cell(row.parameters().map(|(_, all)| all)));
            cells.push(text::cell(row.failure.as_deref().unwrap_or_default()).into_owned());
            lines.push_str(&(cells.join("\t") + "\n"));
        }
        lines
    }

    /// The text of `comparison-folds.tsv`: a line per completed run.
    pub fn folds_tsv(&self) -> String {
        let (kinds, metrics) = (self.kinds(), self.metrics());
        let mut header: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        header.extend(["fold", "epochs"].map(str::to_owned));
        let columns = metrics.iter().map(|name| self.column(name));
        header.extend(columns.map(|name| text::cell(&name).into_owned()));
        header.push("seconds".to_owned());
        let mut lines = header.join("\t") + "\n";
        for row in &self.rows {
            for result in &row.results {
                let mut cells = names(row);
                cells.extend([result.fold.to_string(), result.epochs.to_string()]);
                cells.extend(metrics.iter().map(|name| {
                    let metric = result.metrics.iter().find(|metric| metric.name == *name);
                    cell(metric.map(|metric| metric.value))
                }));
                cells.push(result.seconds.to_string());
                lines.push_str(&(cells.join("\t") + "\n"));
            }
        }
        lines
    }
}

fn names(row: &CombinationResults) -> Vec<String> {
    let axes = row.combination.axes();
    axes.map(|(_, label)| label.to_owned()).collect()
}

fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use aam_api::Choice;

    use super::*;

    fn comparison() -> Comparison {
        let losses = ["a", "b"].map(Choice::named).to_vec();
        let mut combinations = Combination::grid(&[("loss".to_owned(), losses)]).into_iter();
        let result = |fold, r2, seconds| FoldResult {
            fold,
            epochs: 3,
            seconds,
            parameters: (10, 30),
            metrics: [("loss", 0.5), ("r2", r2), ("pearson", 1.0)]
                .map(|(name, value)| Metric {
                    name: name.to_owned(),
                    value,
                })
                .into(),
            others: vec![Metric {
                name: "trivial:r2".to_owned(),
                value: -r2,
            }],
        };
        let mut row = |results, failure| CombinationResults {
            combination: combinations.next().unwrap(),
            results,
            failure,
        };
        Comparison {
            folds: 2,
            rows: vec![
                row(vec![result(1, 0.25, 2.0), result(2, 0.75, 4.0)], None),
                row(vec![], Some("b needs more".to_owned())),
            ],
            outcome: Outcome::Finished,
            metric: Some("pearson".to_owned()),
            best: None,
        }
    }

    #[test]
    fn metrics_are_those_of_the_folds() {
        let comparison = comparison();
        let row = &comparison.rows[0];
        let spread = Spread {
            mean: 0.5,
            sd: Some(0.25),
        };
        assert_eq!(row.metric("r2"), Some(spread));
        assert_eq!((row.metric("mae"), row.seconds()), (None, Some(3.0)));
        assert_eq!(comparison.main_metrics(), ["pearson", "r2"]);
        assert_eq!(comparison.failures(), 1);
        assert_eq!(comparison.rows[1].metric("r2"), None);
        let trivial = comparison.of_method("trivial", "r2").unwrap();
        assert_eq!((trivial.mean, trivial.sd), (-0.5, Some(0.25)));
        assert_eq!(comparison.of_method("random_forest", "r2"), None);
    }

    #[test]
    fn the_file_has_a_line_per_combination() {
        let expected = "loss\tstatus\tfolds\tvalidation_loss\tvalidation_loss_sd\tr2\tr2_sd\tpearson\tpearson_sd\tseconds\tparameters\tall_parameters\tproblem\n\
                        a\tfinished\t2\t0.5\t0\t0.5\t0.25\t1\t0\t3\t10\t30\t\n\
                        b\tfailed\t0\t\t\t\t\t\t\t\t\t\tb needs more\n";
        assert_eq!(comparison().tsv(), expected);
        assert_eq!(comparison().folds_tsv().lines().count(), 3);
    }
}
