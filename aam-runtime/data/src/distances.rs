//! Distances between samples.

use std::collections::HashMap;

use super::DataError;
use super::table::check_ids;

/// A square matrix of distances between samples: symmetric, zero on the diagonal, finite.
#[derive(Clone, Debug, PartialEq)]
pub struct DistanceMatrix {
    ids: Vec<String>,
    values: Vec<f64>,
}

impl DistanceMatrix {
    /// Maximum difference between `d(i, j)` and `d(j, i)`, or between a diagonal entry and zero,
    /// relative to the larger of the two and one. It allows for single precision.
    pub const TOLERANCE: f64 = 1e-5;

    /// Creates a matrix from the ids of its rows and its `ids.len()²` values, row by row.
    ///
    /// Values within [`Self::TOLERANCE`] of a symmetric matrix with zero diagonal are made exactly
    /// so (the mean of both halves, zero).
    ///
    /// # Errors
    /// Ids are empty or repeated, the matrix is not square, or a pair is not finite, negative, not
    /// symmetric or not zero on the diagonal; the message names the first such pair.
    pub fn new(ids: Vec<String>, mut values: Vec<f64>) -> Result<Self, DataError> {
        check_ids(&ids, "sample")?;
        let n = ids.len();
        if n.checked_mul(n) != Some(values.len()) {
            return Err(DataError::new(format!(
                "{n} samples need {n} × {n} distances, found {} values",
                values.len()
            )));
        }
        let pair = |i: usize, j: usize| format!("samples '{}' and '{}'", ids[i], ids[j]);
        for i in 0..n {
            for j in 0..=i {
                let (lower, upper) = (values[i * n + j], values[j * n + i]);
                for value in [lower, upper] {
                    if !value.is_finite() {
                        return Err(DataError::new(format!("the distance is {value}"))
                            .at(pair(j, i))
                            .help("remove the sample from the matrix, or recompute it"));
                    }
                }
                let slack = Self::TOLERANCE * lower.abs().max(upper.abs()).max(1.0);
                if i == j {
                    if lower.abs() > slack {
                        return Err(DataError::new(format!(
                            "the distance of a sample to itself must be 0, found {lower}"
                        ))
                        .at(format!("sample '{}'", ids[i]))
                        .help("is this a matrix of similarities?"));
                    }
                    values[i * n + i] = 0.0;
                    continue;
                }
                if (lower - upper).abs() > slack {
                    return Err(DataError::new(format!(
                        "the matrix is not symmetric: {upper} one way, {lower} the other"
                    ))
                    .at(pair(j, i)));
                }
                let mean = lower / 2.0 + upper / 2.0;
                if mean < -slack {
                    return Err(
                        DataError::new(format!("the distance is negative, {mean}")).at(pair(j, i))
                    );
                }
                let mean = mean.max(0.0);
                values[i * n + j] = mean;
                values[j * n + i] = mean;
            }
        }
        Ok(Self { ids, values })
    }

    /// Ids of the samples, in the order of rows and columns.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Number of samples in the matrix.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether the matrix has no samples.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The distance between the samples at rows `i` and `j`.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.ids.len() + j]
    }

    /// The distances of the sample at row `i` to all samples.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.ids.len()..(i + 1) * self.ids.len()]
    }

    /// All `len()²` values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The row of each sample id.
    pub fn index(&self) -> HashMap<&str, usize> {
        self.ids
            .iter()
            .enumerate()
            .map(|(i, id)| (id.as_str(), i))
            .collect()
    }

    /// The submatrix of the samples at `rows`, in that order; `rows` must be distinct and in range.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows
            .iter()
            .flat_map(|&i| rows.iter().map(move |&j| self.get(i, j)))
            .collect();
        Self {
            ids: rows.iter().map(|&i| self.ids[i].clone()).collect(),
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn selection_follows_the_order_asked_for() {
        let values = vec![0.0, 0.1, 0.2, 0.1, 0.0, 0.3, 0.2, 0.3, 0.0];
        let matrix = DistanceMatrix::new(ids(&["a", "b", "c"]), values).unwrap();
        let part = matrix.select(&[2, 0]);
        assert_eq!(part.ids(), ids(&["c", "a"]));
        assert_eq!(part.values(), [0.0, 0.2, 0.2, 0.0]);
        assert_eq!(matrix.row(1), [0.1, 0.0, 0.3]);
    }

    #[test]
    fn single_precision_noise_is_averaged_out() {
        let matrix =
            DistanceMatrix::new(ids(&["a", "b"]), vec![1e-9, 0.5, 0.5 + 1e-7, 0.0]).unwrap();
        assert_eq!(matrix.get(0, 0), 0.0);
        assert_eq!(matrix.get(0, 1), matrix.get(1, 0));
    }

    #[test]
    fn the_first_offending_pair_is_named() {
        for (values, message) in [
            (
                vec![0.0, f64::NAN, 0.1, 0.0],
                "samples 'a' and 'b': the distance is NaN",
            ),
            (
                vec![0.0, 0.2, 0.1, 0.0],
                "samples 'a' and 'b': the matrix is not symmetric",
            ),
            (
                vec![0.0, -0.2, -0.2, 0.0],
                "samples 'a' and 'b': the distance is negative",
            ),
            (
                vec![0.0, 0.2, 0.2, 1.0],
                "sample 'b': the distance of a sample to itself",
            ),
            (vec![0.0, 0.2], "2 samples need 2 × 2 distances, found 2"),
        ] {
            let error = DistanceMatrix::new(ids(&["a", "b"]), values)
                .unwrap_err()
                .to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
