//! How often predictions of a given probability come true.

/// Number of bins of equal width for probabilities.
const BINS: usize = 10;

/// A bin of predictions with similar probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The smallest probability of the bin.
    pub from: f64,
    /// The smallest probability of the next bin.
    pub to: f64,
    /// Number of predictions.
    pub count: f64,
    /// Sum of their probabilities.
    probabilities: f64,
    /// Number of predictions that came true.
    pub hits: f64,
}

impl Bin {
    /// Mean predicted probability.
    pub fn predicted(&self) -> f64 {
        self.probabilities / self.count
    }

    /// Fraction of predictions that came true.
    pub fn observed(&self) -> f64 {
        self.hits / self.count
    }
}

/// Predicted probabilities and their outcomes, in ten bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    bins: [Bin; BINS],
}

impl Default for Reliability {
    fn default() -> Self {
        let edge = |place: usize| place as f64 / BINS as f64;
        Self {
            bins: std::array::from_fn(|place| Bin {
                from: edge(place),
                to: edge(place + 1),
                count: 0.0,
                probabilities: 0.0,
                hits: 0.0,
            }),
        }
    }
}

impl Reliability {
    /// Adds the predicted probability of something, and whether it `is` true.
    pub fn add(&mut self, probability: f64, is: bool) {
        let place = (probability * BINS as f64) as usize;
        let bin = &mut self.bins[place.min(BINS - 1)];
        bin.count += 1.0;
        bin.probabilities += probability;
        bin.hits += f64::from(u8::from(is));
    }

    /// Adds the class probabilities of a sample: for two classes, only that of the second, which implies
    /// the other; for more, that of every class against the rest.
    pub fn add_classes(&mut self, probabilities: &[f64], actual: usize) {
        let first = usize::from(probabilities.len() == 2);
        for (class, probability) in probabilities.iter().enumerate().skip(first) {
            self.add(*probability, class == actual);
        }
    }

    /// Adds the predictions of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.bins.iter_mut().zip(&other.bins) {
            own.count += other.count;
            own.probabilities += other.probabilities;
            own.hits += other.hits;
        }
    }

    /// The non-empty bins, sorted by probability.
    pub fn bins(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|bin| bin.count > 0.0)
    }

    /// Expected calibration error (Naeini, Cooper & Hauskrecht 2015): the mean over predictions of the
    /// distance, within their bin, between the mean probability and the fraction that came true. NaN
    /// without predictions.
    pub fn error(&self) -> f64 {
        let count: f64 = self.bins().map(|bin| bin.count).sum();
        let distances = self.bins().map(|bin| (bin.probabilities - bin.hits).abs());
        distances.sum::<f64>() / count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_mean_distance_in_the_bins() {
        let mut reliability = Reliability::default();
        assert!(reliability.error().is_nan());
        // Three predictions of 0.75, of which two come true, and one of 1 that does not.
        for is in [true, true, false] {
            reliability.add(0.75, is);
        }
        reliability.add(1.0, false);
        let bins: Vec<(f64, f64)> = reliability
            .bins()
            .map(|bin| (bin.predicted(), bin.count))
            .collect();
        assert_eq!(bins, [(0.75, 3.0), (1.0, 1.0)]);
        assert!((reliability.error() - (0.25 + 1.0) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn two_classes_are_counted_once_and_more_classes_each() {
        let counts = |probabilities: &[f64]| {
            let mut reliability = Reliability::default();
            reliability.add_classes(probabilities, 1);
            reliability.bins().map(|bin| bin.count).sum::<f64>()
        };
        assert_eq!(counts(&[0.5, 0.5]), 1.0);
        assert_eq!(counts(&[0.5, 0.25, 0.25]), 3.0);
    }
}
