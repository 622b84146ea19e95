//! Samples as vectors, whose squared distances are those between samples.

/// The vectors of samples, one per sample.
pub trait Vectors: Sync {
    /// Number of samples.
    fn samples(&self) -> usize;

    /// The sum of the vectors of some samples, each times its weight, `[width]`.
    fn combined(&self, weights: impl Iterator<Item = (usize, f64)>) -> Vec<f64>;

    /// The product of the vector of every sample with `other`, `[width]`.
    fn products(&self, other: &[f64]) -> Vec<f64>;

    /// The squared length of the vector of `sample`.
    fn square(&self, sample: usize) -> f64;
}

impl<const WIDTH: usize> Vectors for [[f64; WIDTH]] {
    fn samples(&self) -> usize {
        self.len()
    }

    fn combined(&self, weights: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut sum = vec![0.0; WIDTH];
        for (sample, weight) in weights {
            add(&mut sum, weight, &self[sample]);
        }
        sum
    }

    fn products(&self, other: &[f64]) -> Vec<f64> {
        self.iter().map(|own| dot(own, other)).collect()
    }

    fn square(&self, sample: usize) -> f64 {
        dot(&self[sample], &self[sample])
    }
}

/// The product of two vectors.
pub fn dot(ours: &[f64], theirs: &[f64]) -> f64 {
    ours.iter().zip(theirs).map(|(a, b)| a * b).sum()
}

/// Adds a vector times its weight.
pub fn add(sum: &mut [f64], weight: f64, vector: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += weight * value;
    }
}
