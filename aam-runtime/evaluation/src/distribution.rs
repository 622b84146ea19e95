//! Distributions of numbers: quartiles and histograms.

use std::fmt;

use serde::Serialize;

/// Maximum number of bars of a histogram.
const MOST_BARS: usize = 30;

/// The distribution of some numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Number of values.
    pub count: usize,
    /// Minimum.
    pub min: f64,
    /// First quartile.
    pub lower_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub upper_quartile: f64,
    /// Maximum.
    pub max: f64,
    /// The histogram of the values.
    pub histogram: Histogram,
}

/// Counts of values in equal-width bins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower bound of the first bin.
    pub low: f64,
    /// Upper bound of the last bin.
    pub high: f64,
    /// Number of values in each bin.
    pub counts: Vec<usize>,
}

impl Distribution {
    /// The distribution of `values`; `None` if none of them is finite.
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

    /// The distribution of integers.
    pub fn of_counts(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        Self::of(values.into_iter().map(|value| value as f64))
    }
}

/// The range, the median and the middle half of the values.
impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.min == self.max {
            true => write!(f, "all {}", number(self.min)),
            false => write!(
                f,
                "{} to {}, median {}, middle half {} to {}",
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
    /// One bin per integer if there are few; otherwise bins of equal width.
    fn of(values: &[f64], min: f64, max: f64) -> Self {
        let whole = values.iter().all(|value| value.fract() == 0.0);
        let (low, high, bars) = match whole && max - min < MOST_BARS as f64 {
            true => (min - 0.5, max + 0.5, (max - min) as usize + 1),
            // Rounding can make fractions of a tiny range empty.
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

/// Formats a number without superfluous digits.
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

/// The quantile at `share` of the `sorted` values, interpolated linearly.
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
    fn few_integers_have_a_bin_each() {
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
    fn every_number_is_in_a_bin() {
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
