//! How numbers are distributed: their quartiles, and how many are in each part of their range.

use std::fmt;

use serde::Serialize;

/// Most bars of a histogram.
const MOST_BARS: usize = 30;

/// The distribution of some numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// How many there are.
    pub count: usize,
    /// The smallest.
    pub min: f64,
    /// A quarter of them is below it.
    pub lower_quartile: f64,
    /// Half of them are below it.
    pub median: f64,
    /// Three quarters of them are below it.
    pub upper_quartile: f64,
    /// The largest.
    pub max: f64,
    /// How many are in each part of the range.
    pub histogram: Histogram,
}

/// How many numbers are in each of the equal parts of a range.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Where the first part begins.
    pub low: f64,
    /// Where the last one ends.
    pub high: f64,
    /// How many numbers are in each part.
    pub counts: Vec<usize>,
}

impl Distribution {
    /// That of `values`; `None` where none of them is finite.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let mut values: Vec<f64> = finite.collect();
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let [lower_quartile, median, upper_quartile] =
            [0.25, 0.5, 0.75].map(|share| quantile(&values, share));
        Some(Self {
            count: values.len(),
            min,
            lower_quartile,
            median,
            upper_quartile,
            max,
            histogram: Histogram::of(&values, min, max),
        })
    }

    /// That of whole numbers.
    pub fn of_counts(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        Self::of(values.into_iter().map(|value| value as f64))
    }
}

/// The range, and the half of the numbers in its middle.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.min == self.max {
            true => write!(f, "all {}", number(self.min)),
            false => write!(
                f,
                "{} to {}, median {}, half of them {} to {}",
                number(self.min),
                number(self.max),
                number(self.median),
                number(self.lower_quartile),
                number(self.upper_quartile)
            ),
        }
    }
}

impl Histogram {
    /// A bar for each whole number, where they are few; bars of equal width elsewhere.
    fn of(values: &[f64], min: f64, max: f64) -> Self {
        let whole = values.iter().all(|value| value.fract() == 0.0);
        let (low, high, bars) = match whole && max - min < MOST_BARS as f64 {
            true => (min - 0.5, max + 0.5, (max - min) as usize + 1),
            // Of numbers that hardly differ, halves of the range may be no range at all.
            false if max - min <= f64::EPSILON * max.abs() => (min - 0.5, max + 0.5, 1),
            false => (min, max, MOST_BARS),
        };
        let mut counts = vec![0; bars];
        for value in values {
            let part = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
            let bar = (part * bars as f64) as usize;
            counts[bar.min(bars - 1)] += 1;
        }
        Self { low, high, counts }
    }
}

/// A number without needless digits.
pub fn number(value: f64) -> String {
    let text = match value.abs() {
        size if value.fract() == 0.0 && size < 1e15 => format!("{value}"),
        size if !(1e-3..1e6).contains(&size) => format!("{value:.3e}"),
        size if size >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    };
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The value below which a share of the sorted `values` is, between neighbours in proportion.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len().saturating_sub(1)) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
    match part > 0.0 {
        true => (at(low) + part * (at(low + 1) - at(low))).min(at(low + 1)),
        false => at(low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(quantile(&sorted, 0.5), 2.5);
        assert_eq!(quantile(&sorted, 1.0), 4.0);
        assert_eq!(quantile(&[7.0], 0.25), 7.0);
    }

    #[test]
    fn few_whole_numbers_have_a_bar_each() {
        let lengths = Distribution::of_counts([150, 152, 150, 151]).unwrap();
        assert_eq!(
            (lengths.min, lengths.median, lengths.max),
            (150.0, 150.5, 152.0)
        );
        assert_eq!(
            (lengths.histogram.low, lengths.histogram.high),
            (149.5, 152.5)
        );
        assert_eq!(lengths.histogram.counts, [2, 1, 1]);
    }

    #[test]
    fn numbers_have_no_needless_digits() {
        let shown = [0.0, 897.0, 6.0926, 6.5, 1234.56, 0.00012, -3.25, 2.5e9].map(number);
        assert_eq!(
            shown,
            [
                "0",
                "897",
                "6.093",
                "6.5",
                "1234.6",
                "1.200e-4",
                "-3.25",
                "2500000000"
            ]
        );
    }

    #[test]
    fn every_number_is_in_a_bar() {
        for values in [
            vec![0.1, 0.2, 0.30001, 900.0],
            vec![5.0],
            vec![-1e308, 1e308, 0.5],
            vec![0.1, 0.1 + 1e-17],
            (0..1000).map(f64::from).collect(),
        ] {
            let count = values.len();
            let all = Distribution::of(values).unwrap();
            assert_eq!(all.histogram.counts.iter().sum::<usize>(), count);
        }
        assert_eq!(Distribution::of([f64::NAN, f64::INFINITY]), None);
    }
}
