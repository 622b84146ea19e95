//! Attention in double precision, forward and backward, computed value by value.

use rand::RngExt;
use rand_distr::StandardNormal;

use aam_core::random::stream;

/// Queries, keys and values of some sequences, which positions are visible, and the gradient with
/// respect to the output.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// `[sequences, heads, length, width]`.
    pub shape: [usize; 4],
    pub query: Vec<f32>,
    pub key: Vec<f32>,
    pub value: Vec<f32>,
    /// Whether a position is visible, `[sequences, length]`.
    pub visible: Option<Vec<bool>>,
    /// The gradient with respect to the output; zero for sequences in which all positions are
    /// masked.
    pub gradient: Vec<f32>,
}

/// The output, and the gradients with respect to queries, keys and values.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub output: Vec<f64>,
    pub query: Vec<f64>,
    pub key: Vec<f64>,
    pub value: Vec<f64>,
}

impl Problem {
    /// Creates random inputs. With a mask, sequences have different lengths, the first one has a
    /// gap, and the last one is empty, like the padding of a batch.
    pub fn new(shape: [usize; 4], masked: bool) -> Self {
        let mut random = stream(0, "attention check");
        let [sequences, heads, length, width] = shape;
        let size = heads * length * width;
        let mut draw = |scale: f32| -> Vec<f32> {
            (0..sequences * size)
                .map(|_| scale * random.sample::<f32, _>(StandardNormal))
                .collect()
        };
        let (query, key, value, mut gradient) = (draw(1.5), draw(1.0), draw(1.0), draw(1.0));
        let visible = masked.then(|| {
            let mut visible = vec![false; sequences * length];
            for (sequence, row) in visible.chunks_exact_mut(length).enumerate() {
                let end = match sequence + 1 == sequences {
                    true => 0,
                    false => length - sequence * length / (2 * sequences) - length / 5,
                };
                row[..end].fill(true);
            }
            visible[length / 3] = false;
            visible
        });
        if masked {
            gradient[(sequences - 1) * size..].fill(0.0);
        }
        Self {
            shape,
            query,
            key,
            value,
            visible,
            gradient,
        }
    }

    /// The number of output values that count, which excludes those of an empty last sequence.
    pub fn counted(&self) -> usize {
        let [sequences, heads, length, width] = self.shape;
        let counted = sequences - usize::from(self.visible.is_some());
        counted * heads * length * width
    }

    /// Computes the solution, which is zero for an empty sequence.
    pub fn solve(&self) -> Solution {
        let [sequences, heads, length, width] = self.shape;
        let zeros = || vec![0.0; sequences * heads * length * width];
        let mut solution = Solution {
            output: zeros(),
            query: zeros(),
            key: zeros(),
            value: zeros(),
        };
        let scale = 1.0 / (width as f64).sqrt();
        for sequence in 0..sequences {
            let keys: Vec<usize> = (0..length)
                .filter(|key| {
                    let visible = self.visible.as_ref();
                    visible.is_none_or(|visible| visible[sequence * length + key])
                })
                .collect();
            for head in 0..heads {
                let start = (sequence * heads + head) * length;
                for place in start..start + length {
                    self.attend(place, start, &keys, scale, &mut solution);
                }
            }
        }
        solution
    }

    fn attend(
        &self,
        place: usize,
        start: usize,
        keys: &[usize],
        scale: f64,
        solution: &mut Solution,
    ) {
        let width = self.shape[3];
        let row = |values: &[f32], place: usize| -> Vec<f64> {
            let row = &values[place * width..(place + 1) * width];
            row.iter().copied().map(f64::from).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (query, gradient) = (row(&self.query, place), row(&self.gradient, place));
        let scores: Vec<f64> = keys
            .iter()
            .map(|key| scale * dot(&query, &row(&self.key, start + key)))
            .collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let at_weights: Vec<f64> = keys
            .iter()
            .map(|key| dot(&gradient, &row(&self.value, start + key)))
            .collect();
        let mean = dot(&weights, &at_weights);
        for ((key, weight), at_weight) in keys.iter().zip(&weights).zip(&at_weights) {
            let other = start + key;
            let at_score = scale * weight * (at_weight - mean);
            let (key, value) = (row(&self.key, other), row(&self.value, other));
            for i in 0..width {
                solution.output[place * width + i] += weight * value[i];
                solution.query[place * width + i] += at_score * key[i];
                solution.key[other * width + i] += at_score * query[i];
                solution.value[other * width + i] += weight * gradient[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_the_output() {
        let problem = Problem::new([3, 2, 6, 4], true);
        let loss = |problem: &Problem| -> f64 {
            let output = problem.solve().output;
            let pairs = output.iter().zip(&problem.gradient);
            pairs
                .map(|(value, weight)| value * f64::from(*weight))
                .sum()
        };
        let solution = problem.solve();
        let step = 1.0 / 512.0;
        for at in [0, 3, 17, 60, 95] {
            for (numbers, gradient) in [
                (
                    (|problem| &mut problem.query) as fn(&mut Problem) -> &mut Vec<f32>,
                    &solution.query,
                ),
                (|problem| &mut problem.key, &solution.key),
                (|problem| &mut problem.value, &solution.value),
            ] {
                let moved = |by: f32| {
                    let mut problem = problem.clone();
                    numbers(&mut problem)[at] += by;
                    loss(&problem)
                };
                let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                assert!(
                    (slope - gradient[at]).abs() < 1e-4,
                    "{slope} {}",
                    gradient[at]
                );
            }
        }
    }

    #[test]
    fn what_is_masked_has_no_gradient() {
        let problem = Problem::new([2, 1, 6, 3], true);
        let solution = problem.solve();
        let masked = 2 * 3..3 * 3;
        assert!(!problem.visible.as_ref().unwrap()[2]);
        assert!(solution.key[masked.clone()].iter().all(|&v| v == 0.0));
        assert!(solution.value[masked].iter().all(|&v| v == 0.0));
        assert!(solution.query.iter().any(|&v| v != 0.0));
    }
}
