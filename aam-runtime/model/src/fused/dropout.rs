//! Dropout whose masks are computed from a seed and a position, so that none has to be stored for
//! the backward pass.

/// Dropout of the values of one sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dropout {
    /// In units of 2^-24.
    threshold: u32,
    kept: f32,
    seed: u64,
}

impl Dropout {
    /// Drops values with `probability`, and scales the rest to keep the mean. `None` if nothing is
    /// dropped.
    pub(super) fn new(probability: f64, seed: u64) -> Option<Self> {
        (probability > 0.0).then(|| Self {
            threshold: (probability * f64::from(1 << 24)) as u32,
            kept: (1.0 / (1.0 - probability)) as f32,
            seed,
        })
    }

    /// The same dropout with another mask, for another `place`.
    pub(super) fn at(self, place: usize) -> Self {
        // SplitMix64.
        let mut z = (self.seed ^ place as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self {
            seed: z ^ (z >> 31),
            ..self
        }
    }

    /// Multiplies each value by 0 or by the factor that keeps the mean; reproducible for each
    /// position.
    #[inline(always)]
    pub(super) fn apply(self, values: &mut [f32]) {
        let (start, step) = (self.seed as u32, (self.seed >> 32) as u32 | 1);
        for (i, value) in values.iter_mut().enumerate() {
            // The finalizer of MurmurHash3.
            let mut h = (i as u32).wrapping_mul(step) ^ start;
            h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
            h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
            h ^= h >> 16;
            *value *= if h >> 8 < self.threshold {
                0.0
            } else {
                self.kept
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(dropout: Dropout) -> Vec<f32> {
        let mut values = vec![1.0; 200_000];
        dropout.apply(&mut values);
        values
    }

    #[test]
    fn the_right_fraction_is_dropped_and_masks_of_other_places_differ() {
        assert!(Dropout::new(0.0, 1).is_none());
        let dropout = Dropout::new(0.1, 1).unwrap();
        let values = mask(dropout);
        let dropped = values.iter().filter(|&&v| v == 0.0).count() as f64 / 2e5;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 2e5;
        assert!((dropped - 0.1).abs() < 3e-3 && (mean - 1.0).abs() < 4e-3);
        assert_eq!(values, mask(dropout));
        let other = mask(dropout.at(3));
        let both = values.iter().zip(&other).filter(|(a, b)| **a + **b == 0.0);
        let share = both.count() as f64 / 2e5;
        assert!((share - 0.01).abs() < 2e-3, "{share}");
    }
}
