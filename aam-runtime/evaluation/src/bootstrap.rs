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

/// The metrics of each bootstrap draw.
pub struct Drawn(Vec<Vec<f64>>);

/// Draws samples, or whole groups if samples are grouped, with replacement, as many as there are, and
/// computes the metrics of `scorer`. `None` if there are fewer than two samples or groups. The draws
/// depend only on `seed` and on the order of `samples`, so those of two methods are paired.
pub fn drawn(
    scorer: &Scorer<'_>,
    samples: &[HeldOut],
    groups: Option<&Groups>,
    seed: u64,
) -> Option<Drawn> {
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
        return None;
    }
    let draws = match samples.len() > MANY {
        true => FEW_DRAWS,
        false => DRAWS,
    };
    let draws = (0..draws).into_par_iter().map(|draw| {
        let mut rng = stream(seed, &format!("bootstrap {draw}"));
        let units = (0..units.len()).map(|_| &units[rng.random_range(0..units.len())]);
        let metrics = scorer.scores(units.flatten().copied()).into_iter();
        metrics.map(|metric| metric.value).collect()
    });
    Some(Drawn(draws.collect()))
}

impl Drawn {
    /// The 95 % percentile interval (Efron 1979) of the metric at place `metric`. `None` if fewer than
    /// nine in ten draws determine it.
    pub fn interval(&self, metric: usize) -> Option<(f64, f64)> {
        percentiles(self.0.iter().map(|draw| draw[metric]), self.0.len())
    }

    /// The same interval of the difference from another method in the same draws; the metric is at the first
    /// of the places here and at the second in the other.
    pub fn difference(&self, other: &Self, (own, same): (usize, usize)) -> Option<(f64, f64)> {
        let pairs = self.0.iter().zip(&other.0);
        percentiles(
            pairs.map(|(draw, of_other)| draw[own] - of_other[same]),
            self.0.len(),
        )
    }
}

fn percentiles(values: impl Iterator<Item = f64>, draws: usize) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let enough = values.len() * 10 >= draws * 9;
    enough.then(|| (quantile(&values, TAIL), quantile(&values, 1.0 - TAIL)))
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
        let drawn = drawn(&scorer, &samples, None, 1).unwrap();
        // The second metric is the mean absolute error: 1 ± 1.96 · 0.5 / 20.
        let (low, high) = drawn.interval(1).unwrap();
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
        let drawn = drawn(&scorer, &samples, Some(&groups), 1).unwrap();
        assert_eq!(drawn.interval(1), Some((0.5, 1.5)));
    }

    #[test]
    fn differences_are_paired() {
        let (column, samples) = study(100);
        let scorer = Scorer::new(std::slice::from_ref(&column)).unwrap();
        // Every error is larger by 1, whichever samples are drawn.
        let mut worse = samples.clone();
        for sample in &mut worse {
            if let TargetPrediction::Number { value, .. } = &mut sample.predictions[0] {
                *value += if sample.row % 2 == 0 { 1.0 } else { -1.0 };
            }
        }
        let [own, other] = [&samples, &worse].map(|of| drawn(&scorer, of, None, 1).unwrap());
        let (low, high) = own.difference(&other, (1, 1)).unwrap();
        assert!(
            (low + 1.0).abs() < 1e-9 && (high + 1.0).abs() < 1e-9,
            "{low} {high}"
        );
        assert!(drawn(&scorer, &samples[..1], None, 1).is_none());
    }
}
