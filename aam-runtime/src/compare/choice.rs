//! Selection of the best row of a comparison, and an unbiased estimate of its performance.
//!
//! The best of many looks better than it is, because it was selected on the scores of the same
//! folds. The selection is therefore repeated without each fold in turn, and evaluated on that fold
//! (without further training; Tsamardinos, Greasidou & Borboudakis 2018 compare such corrections).

use aam_api::metric::{Better, Headline, MetricName, MetricOf, leading};
use aam_core::text::cell;
use aam_train::options::TrainOptions;

use super::table::{
    BestOfSeveral, ChosenBy, ChosenWithout, CombinationResults, Comparison, Spread,
};

/// The metric by which rows are judged.
pub(super) struct Judge {
    /// The name of the metric.
    pub name: String,
    better: Better,
}

impl Judge {
    /// Uses the requested metric, or the leading metric of the task.
    pub fn new(train: &TrainOptions) -> Self {
        let of = match train.classifier {
            true => MetricOf::Classes,
            false => MetricOf::Numbers,
        };
        // Different losses are not comparable.
        let default = || leading(of, Headline::BestEpoch).map_or("loss", |metric| metric.name);
        let asked = train.optimization.best_metric.as_deref();
        let name = asked.unwrap_or_else(default);
        Self {
            name: name.to_owned(),
            better: MetricName::read(name).map_or(Better::Neither, |read| read.metric.better),
        }
    }

    /// The mean of the metric over the completed folds (numbered from 1) for which `counts` holds,
    /// and over targets that each have their own.
    fn value(&self, row: &CombinationResults, counts: impl Fn(usize) -> bool) -> Option<f64> {
        let mut row = row.clone();
        row.results.retain(|result| counts(result.fold));
        let metrics = &row.results.first()?.metrics;
        let suffix = format!(":{}", self.name);
        let names = metrics.iter().map(|metric| &metric.name);
        let names = names.filter(|name| **name == self.name || name.ends_with(&suffix));
        let means: Option<Vec<f64>> = names
            .map(|name| row.metric(name).map(|spread| spread.mean))
            .collect();
        let means = means.filter(|means| !means.is_empty())?;
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        Some(mean).filter(|mean| mean.is_finite())
    }

    /// The metric on a scale where higher is better.
    pub fn score(&self, row: &CombinationResults, counts: impl Fn(usize) -> bool) -> Option<f64> {
        self.better.score(self.value(row, counts)?)
    }

    /// The rows that did not fail and have all folds for which `counts` holds, best first.
    pub fn ranking(&self, comparison: &Comparison, counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let asked = (1..=comparison.folds).filter(|&fold| counts(fold)).count();
        let has_all = |row: &CombinationResults| {
            let own = row.results.iter().filter(|result| counts(result.fold));
            row.failure.is_none() && own.count() == asked
        };
        let rows = comparison.rows.iter().enumerate();
        let mut scored: Vec<(usize, f64)> = rows
            .filter(|(_, row)| has_all(row))
            .filter_map(|(place, row)| Some((place, self.score(row, &counts)?)))
            .collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored.into_iter().map(|(place, _)| place).collect()
    }

    /// The best row of `comparison`. `None` if there is no choice, or no fold to evaluate it on.
    pub fn best(&self, comparison: &Comparison, by: ChosenBy) -> Option<BestOfSeveral> {
        let ranking = self.ranking(comparison, |_| true);
        let without = |fold: usize| {
            let seen = |other: usize| match by {
                ChosenBy::OtherFolds => other != fold,
                ChosenBy::EarlierFolds => other < fold,
            };
            if !(1..=comparison.folds).any(seen) {
                return None;
            }
            let row = *self.ranking(comparison, seen).first()?;
            let value = self.value(&comparison.rows[row], |other| other == fold)?;
            Some(ChosenWithout { fold, row, value })
        };
        let folds: Vec<ChosenWithout> = (1..=comparison.folds).filter_map(without).collect();
        let trained = comparison.rows.iter().filter(|row| row.failure.is_none());
        let is_choice = trained.count() > 1 && !folds.is_empty();
        let row = *ranking.first().filter(|_| is_choice)?;
        let of_folds = (1..=comparison.folds)
            .filter_map(|fold| self.value(&comparison.rows[row], |other| other == fold));
        Some(BestOfSeveral {
            metric: self.name.clone(),
            row,
            seen: Spread::of(&of_folds.collect::<Vec<f64>>())?,
            by,
            folds,
        })
    }
}

impl BestOfSeveral {
    /// The text of `choice.tsv`: a line per fold, then `mean` and `sd`.
    pub(super) fn tsv(&self, comparison: &Comparison) -> String {
        let mut text = format!("fold\tchosen\t{}\n", cell(&self.metric));
        for ChosenWithout { fold, row, value } in &self.folds {
            let chosen = comparison.rows[*row].combination.label();
            text.push_str(&format!("{fold}\t{chosen}\t{value}\n"));
        }
        if let Some(Spread { mean, sd }) = self.unseen() {
            text.push_str(&format!("mean\t\t{mean}\n"));
            let sd = sd.map_or_else(String::new, |sd| sd.to_string());
            text.push_str(&format!("sd\t\t{sd}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use aam_api::Choice;
    use aam_evaluation::metrics::Metric;
    use aam_run::events::Outcome;

    use super::*;
    use crate::compare::{Combination, FoldResult};

    /// Rows with their R² in each fold.
    fn comparison(rows: &[&[f64]], folds: usize) -> Comparison {
        let heads = (0..rows.len()).map(|row| Choice::named(format!("h{row}")));
        let combinations = Combination::grid(&[("head".to_owned(), heads.collect())]);
        let rows = combinations.into_iter().zip(rows);
        let rows = rows.map(|(combination, values)| CombinationResults {
            results: (1..)
                .zip(*values)
                .map(|(fold, &value)| FoldResult {
                    fold,
                    epochs: 1,
                    seconds: 1.0,
                    parameters: (1, 1),
                    metrics: vec![Metric {
                        name: "r2".to_owned(),
                        value,
                    }],
                    others: Vec::new(),
                })
                .collect(),
            ..CombinationResults::new(combination)
        });
        Comparison {
            folds,
            rows: rows.collect(),
            outcome: Outcome::Finished,
            metric: None,
            best: None,
        }
    }

    fn judge() -> Judge {
        Judge {
            name: "r2".to_owned(),
            better: Better::Higher,
        }
    }

    #[test]
    fn a_fold_is_scored_by_the_choice_of_the_others() {
        let comparison = comparison(&[&[0.75, 0.25, 0.25], &[0.25, 0.5, 0.375]], 3);
        let best = judge().best(&comparison, ChosenBy::OtherFolds).unwrap();
        // Without the first fold the second row leads; without any other fold the first one does.
        let chosen: Vec<(usize, f64)> = best.folds.iter().map(|f| (f.row, f.value)).collect();
        assert_eq!(chosen, [(1, 0.25), (0, 0.25), (0, 0.25)]);
        assert_eq!((best.row, best.seen.mean), (0, 1.25 / 3.0));
        assert_eq!(best.unseen().unwrap().mean, 0.25);
        let tsv = "fold\tchosen\tr2\n1\thead h1\t0.25\n2\thead h0\t0.25\n3\thead h0\t0.25\n\
                   mean\t\t0.25\nsd\t\t0\n";
        assert_eq!(best.tsv(&comparison), tsv);
    }

    #[test]
    fn the_leader_of_a_search_is_scored_on_the_next_fold() {
        let comparison = comparison(&[&[0.5, 0.25], &[0.75, 0.5, 0.125], &[0.25]], 3);
        let best = judge().best(&comparison, ChosenBy::EarlierFolds).unwrap();
        let chosen: Vec<(usize, usize, f64)> = best
            .folds
            .iter()
            .map(|chosen| (chosen.fold, chosen.row, chosen.value))
            .collect();
        assert_eq!(chosen, [(2, 1, 0.5), (3, 1, 0.125)]);
        assert_eq!((best.row, best.unseen().unwrap().mean), (1, 0.3125));
    }

    #[test]
    fn without_alternatives_or_a_spare_fold_there_is_no_estimate() {
        let by = ChosenBy::OtherFolds;
        assert_eq!(judge().best(&comparison(&[&[0.5, 0.75]], 2), by), None);
        assert_eq!(judge().best(&comparison(&[&[0.5], &[0.75]], 1), by), None);
        // A smaller error is better, and failed rows are not selected.
        let judge = Judge {
            name: "r2".to_owned(),
            better: Better::Lower,
        };
        let mut of_three = comparison(&[&[0.5, 0.5], &[0.25, 0.25], &[0.0, 0.0]], 2);
        of_three.rows[2].failure = Some("no".to_owned());
        assert_eq!(judge.best(&of_three, by).unwrap().row, 1);
        of_three.rows[0].failure = Some("no".to_owned());
        assert_eq!(judge.best(&of_three, by), None);
    }
}
