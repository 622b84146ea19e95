//! How often what is predicted with a probability is true.

/// Bins of equal width that probabilities are sorted into.
const BINS: usize = 10;

/// Predictions whose probabilities are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The smallest probability that is sorted into it.
    pub from: f64,
    /// Where the next one begins.
    pub to: f64,
    /// How many there are.
    pub count: f64,
    /// Sum of their probabilities.
    probabilities: f64,
    /// How many came true.
    pub hits: f64,
}

impl Bin {
    /// Mean of the probabilities.
    pub fn predicted(&self) -> f64 {
        self.probabilities / self.count
    }

    /// Share that came true.
    pub fn observed(&self) -> f64 {
        self.hits / self.count
    }
}

/// Predicted probabilities, and what came true of them, in ten bins of equal width.
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
    /// Adds the probability of something that `is` or is not so.
    pub fn add(&mut self, probability: f64, is: bool) {
        let place = (probability * BINS as f64) as usize;
        let bin = &mut self.bins[place.min(BINS - 1)];
        bin.count += 1.0;
        bin.probabilities += probability;
        bin.hits += f64::from(u8::from(is));
    }

    /// Adds the probabilities of the classes of a sample: of two classes that of the second, which says
    /// all there is; of more those of every class against the others.
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

    /// The bins that hold a prediction, by their probabilities.
    pub fn bins(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|bin| bin.count > 0.0)
    }

    /// Expected calibration error (Naeini, Cooper & Hauskrecht 2015): the mean over the predictions of
    /// the distance, in their bin, between mean probability and share that came true. Not a number
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
        // Three of 0.75, of which two are so; one of 1, which is not.
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
    fn two_classes_are_counted_once_and_more_each() {
        let counts = |probabilities: &[f64]| {
            let mut reliability = Reliability::default();
            reliability.add_classes(probabilities, 1);
            reliability.bins().map(|bin| bin.count).sum::<f64>()
        };
        assert_eq!(counts(&[0.5, 0.5]), 1.0);
        assert_eq!(counts(&[0.5, 0.25, 0.25]), 3.0);
    }
}
