//! Bootstrap intervals of metrics of a whole set of samples.

use rand::RngExt;
use rayon::prelude::*;

use super::distribution::quantile;
use super::groups::Groups;
use super::scores::Scorer;
use crate::results::HeldOut;
use aam_core::random::stream;

/// Number of bootstrap draws.
const DRAWS: usize = 1000;
/// Number of draws for more samples than [`MANY`], where the draws hardly differ.
const FEW_DRAWS: usize = 200;
const MANY: usize = 5000;
/// Share of the draws below the lower and above the upper bound.
const TAIL: f64 = 0.025;

/// The 95 % percentile interval (Efron 1979) of each of the metrics of `scorer`. Samples, or whole
/// groups if samples are grouped, are drawn with replacement, as many as there are. `None` if fewer
/// than nine in ten draws determine the metric.
pub fn intervals(
    scorer: &Scorer<'_>,
    samples: &[HeldOut],
    groups: Option<&Groups>,
    seed: u64,
) -> Vec<Option<(f64, f64)>> {
    let units: Vec<Vec<&HeldOut>> = match groups {
        None => samples.iter().map(|sample| vec![sample]).collect(),
        Some(groups) => {
            let mut units = vec![Vec::new(); groups.names.len()];
            for sample in samples {
                units[groups.of[sample.row]].push(sample);
            }
            units.retain(|unit| !unit.is_empty());
            units
        }
    };
    if units.len() < 2 {
        return vec![None; scorer.scores(samples).len()];
    }
    let draws = match samples.len() > MANY {
        true => FEW_DRAWS,
        false => DRAWS,
    };
    let drawn: Vec<Vec<f64>> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let mut rng = stream(seed, &format!("bootstrap {draw}"));
            let units = (0..units.len()).map(|_| &units[rng.random_range(0..units.len())]);
            let metrics = scorer.scores(units.flatten().copied()).into_iter();
            metrics.map(|metric| metric.value).collect()
        })
        .collect();
    let figures = drawn.first().map_or(0, Vec::len);
    let interval = |figure: usize| {
        let values = drawn.iter().map(|draw| draw[figure]);
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let enough = values.len() * 10 >= draws * 9;
        enough.then(|| (quantile(&values, TAIL), quantile(&values, 1.0 - TAIL)))
    };
    (0..figures).map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{RawColumn, TargetPrediction};

    fn study(rows: usize) -> (RawColumn, Vec<HeldOut>) {
        let column = RawColumn {
            name: "x".to_owned(),
            classes: None,
            values: (0..rows).map(|row| row as f64).collect(),
        };
        // Errors alternate between 1/2 and 3/2: mean 1, standard deviation 1/2.
        let samples = (0..rows).map(|row| HeldOut {
            row,
            predictions: vec![TargetPrediction::Number {
                value: row as f64 + if row % 2 == 0 { 0.5 } else { -1.5 },
                interval: None,
            }],
        });
        (column, samples.collect())
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_its_standard_error() {
        let (column, samples) = study(400);
        let scorer = Scorer::new(std::slice::from_ref(&column)).unwrap();
        let intervals = intervals(&scorer, &samples, None, 1);
        // The second metric is the mean absolute error: 1 ± 1.96 · 0.5 / 20.
        let (low, high) = intervals[1].unwrap();
        assert!(
            (low - 0.951).abs() < 0.008 && (high - 1.049).abs() < 0.008,
            "{low} {high}"
        );
    }

    #[test]
    fn whole_groups_are_drawn() {
        let (column, samples) = study(400);
        let groups = Groups {
            names: ["even", "odd"].map(str::to_owned).to_vec(),
            of: (0..400).map(|row| row % 2).collect(),
            missing: 0,
        };
        let scorer = Scorer::new(std::slice::from_ref(&column)).unwrap();
        let intervals = intervals(&scorer, &samples, Some(&groups), 1);
        assert_eq!(intervals[1], Some((0.5, 1.5)));
    }
}
