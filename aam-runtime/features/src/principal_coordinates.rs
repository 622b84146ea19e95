//! Principal coordinates of samples: the plane in which their distances are shown best.
//!
//! They are the leading eigenvectors of the products of the centred vectors of the samples (Gower,
//! *Some distance properties of latent root and vector methods used in multivariate analysis*,
//! Biometrika 1966), found by Lanczos' method with full orthogonalisation: neither the products of all
//! pairs of samples nor vectors without their zeros are ever held.

use aam_core::random::stream;
use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;

use crate::vectors::{Vectors, add, dot};

/// Number of axes.
const AXES: usize = 2;
/// Maximum number of iterations; with fewer samples it is exact.
const MOST_STEPS: usize = 200;
/// Number of steps between checks for convergence.
const LOOK_EVERY: usize = 10;
/// Relative error of an eigenvalue below which it has converged.
const ERROR: f64 = 1e-8;
/// Length, as a share of the largest, at which a vector is 0 except for rounding.
const NOTHING: f64 = 1e-10;

/// The samples in a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalCoordinates {
    /// The place of each sample.
    pub places: Vec<[f64; AXES]>,
    /// The share of the sum of the squared distances along each axis.
    pub shares: [f64; AXES],
}

/// The first two principal coordinates; `None` for fewer than three samples or if all are alike. Signs
/// are such that the sample farthest out on an axis is on its positive side.
pub fn principal_coordinates(vectors: &(impl Vectors + ?Sized)) -> Option<PrincipalCoordinates> {
    let samples = vectors.samples();
    if samples <= AXES {
        return None;
    }
    let each = 1.0 / samples as f64;
    let center = vectors.combined((0..samples).map(|sample| (sample, each)));
    let squares: f64 = (0..samples).map(|sample| vectors.square(sample)).sum();
    let total = squares - samples as f64 * dot(&center, &center);
    if total <= NOTHING * squares {
        return None;
    }
    // The products of the centred vectors, times `of`.
    let image = |of: &[f64]| {
        let mut sum = vectors.combined(of.iter().copied().enumerate());
        add(&mut sum, -of.iter().sum::<f64>(), &center);
        let mut products = vectors.products(&sum);
        let usual = dot(&center, &sum);
        products.iter_mut().for_each(|product| *product -= usual);
        products
    };
    let mut places = vec![[0.0; AXES]; samples];
    let mut shares = [0.0; AXES];
    for (axis, (value, vector)) in leading(samples, image).into_iter().enumerate() {
        let farthest = vector
            .iter()
            .copied()
            .max_by(|a, b| a.abs().total_cmp(&b.abs()));
        let scale = value.max(0.0).sqrt().copysign(farthest.unwrap_or(1.0));
        for (place, value) in places.iter_mut().zip(&vector) {
            place[axis] = scale * value;
        }
        shares[axis] = (value / total).clamp(0.0, 1.0);
    }
    Some(PrincipalCoordinates { places, shares })
}

/// The largest eigenvalues with their eigenvectors of the symmetric matrix with this `image`.
fn leading(size: usize, image: impl Fn(&[f64]) -> Vec<f64>) -> Vec<(f64, Vec<f64>)> {
    let mut random = stream(0, "ordination");
    let mut drawn = || -> Vec<f64> { (0..size).map(|_| random.random_range(-1.0..1.0)).collect() };
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut off_diagonal) = (Vec::new(), Vec::new());
    let mut largest = 0.0f64;
    let mut next = drawn();
    normalised(&mut next);
    loop {
        let mut rest = image(&next);
        diagonal.push(dot(&rest, &next));
        basis.push(next);
        largest = largest.max(dot(&rest, &rest).sqrt());
        let mut left = orthogonal(&mut rest, &basis);
        let steps = basis.len();
        if steps == size.min(MOST_STEPS) {
            break;
        }
        if left <= NOTHING * largest {
            // These directions are closed: others may hold more, so the iteration continues with a
            // new one.
            left = 0.0;
            rest = drawn();
            orthogonal(&mut rest, &basis);
        } else if steps.is_multiple_of(LOOK_EVERY) && has_converged(&diagonal, &off_diagonal, left)
        {
            break;
        }
        off_diagonal.push(left);
        normalised(&mut rest);
        next = rest;
    }
    let found = tridiagonal(&diagonal, &off_diagonal);
    found
        .into_iter()
        .map(|(value, weights)| {
            let mut vector = vec![0.0; size];
            for (weight, direction) in weights.iter().zip(&basis) {
                add(&mut vector, *weight, direction);
            }
            (value, vector)
        })
        .collect()
}

/// Removes from `vector` what lies along `basis`, twice because of rounding; returns the remaining
/// length.
fn orthogonal(vector: &mut [f64], basis: &[Vec<f64>]) -> f64 {
    for direction in basis.iter().chain(basis) {
        let along = dot(vector, direction);
        add(vector, -along, direction);
    }
    dot(vector, vector).sqrt()
}

fn normalised(vector: &mut [f64]) {
    let length = dot(vector, vector).sqrt().max(f64::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= length);
}

/// Whether the leading eigenvalues are known, given the length `left` outside of the directions so far.
fn has_converged(diagonal: &[f64], off_diagonal: &[f64], left: f64) -> bool {
    let found = tridiagonal(diagonal, off_diagonal);
    found.iter().all(|(value, weights)| {
        let error = weights.last().map_or(0.0, |last| left * last.abs());
        error <= ERROR * value.abs()
    })
}

/// The largest eigenvalues with their eigenvectors of a symmetric matrix with this `diagonal` and these
/// values next to it, `off_diagonal`.
fn tridiagonal(diagonal: &[f64], off_diagonal: &[f64]) -> Vec<(f64, Vec<f64>)> {
    let size = diagonal.len();
    let matrix = DMatrix::from_fn(size, size, |row, column| match row.abs_diff(column) {
        0 => diagonal[row],
        1 => off_diagonal[row.min(column)],
        _ => 0.0,
    });
    let eigen = SymmetricEigen::new(matrix);
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let leading = order.into_iter().take(AXES);
    leading
        .map(|place| {
            let vector = eigen.eigenvectors.column(place);
            (eigen.eigenvalues[place], vector.iter().copied().collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(of: &PrincipalCoordinates, one: usize, other: usize) -> f64 {
        let [a, b] = [of.places[one], of.places[other]];
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn samples_in_a_plane_keep_their_distances() {
        let samples = [
            [0.0, 0.0, 5.0],
            [3.0, 4.0, 5.0],
            [6.0, 8.0, 5.0],
            [4.0, -3.0, 5.0],
        ];
        let found = principal_coordinates(samples.as_slice()).unwrap();
        for (one, other, expected) in [(0, 1, 5.0), (0, 2, 10.0), (0, 3, 5.0), (1, 3, 50f64.sqrt())]
        {
            assert!((distance(&found, one, other) - expected).abs() < 1e-9);
        }
        assert!((found.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(found.shares[0] > found.shares[1]);
        let farthest = found.places.iter().map(|place| place[0]);
        assert!(farthest.clone().fold(0.0, f64::max) >= -farthest.fold(0.0, f64::min));
    }

    #[test]
    fn samples_that_are_equally_far_from_each_other_fill_the_plane() {
        let samples = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let found = principal_coordinates(samples.as_slice()).unwrap();
        for share in found.shares {
            assert!((share - 0.5).abs() < 1e-9, "{share}");
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            assert!((distance(&found, one, other) - 2f64.sqrt()).abs() < 1e-9);
        }
    }

    #[test]
    fn many_samples_agree_with_the_eigenvalues_of_all_their_products() {
        let mut random = stream(1, "test");
        let samples: Vec<[f64; 5]> = (0..400)
            .map(|_| [9.0, 8.5, 2.0, 1.0, 0.5].map(|size| size * random.random_range(-1.0..1.0)))
            .collect();
        let found = principal_coordinates(samples.as_slice()).unwrap();
        let mean: Vec<f64> = (0..5)
            .map(|j| samples.iter().map(|s| s[j]).sum::<f64>() / 400.0)
            .collect();
        let centred = DMatrix::from_fn(400, 5, |i, j| samples[i][j] - mean[j]);
        let values = (centred.transpose() * &centred).symmetric_eigenvalues();
        let mut values: Vec<f64> = values.iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        let total: f64 = values.iter().sum();
        for (axis, value) in values.iter().take(2).enumerate() {
            assert!((found.shares[axis] - value / total).abs() < 1e-9);
            let squares: f64 = found.places.iter().map(|place| place[axis].powi(2)).sum();
            assert!((squares / value - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn too_few_or_equal_samples_have_no_plane() {
        assert_eq!(principal_coordinates([[1.0], [2.0]].as_slice()), None);
        assert_eq!(principal_coordinates([[0.1, 0.7]; 9].as_slice()), None);
        let line = principal_coordinates([[1.0], [2.0], [4.0]].as_slice()).unwrap();
        assert!((line.shares[0] - 1.0).abs() < 1e-9 && line.shares[1] < 1e-9);
    }
}
