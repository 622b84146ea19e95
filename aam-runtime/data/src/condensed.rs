//! Distances in condensed form: the upper triangle of their matrix, row by row and without the
//! diagonal, as in `scipy.spatial.distance.squareform`.

/// The number of samples with `pairs` pairs, if there is one.
pub(super) fn samples(pairs: u64) -> Option<usize> {
    // N (N − 1) is between (N − 1)² and N².
    let samples = pairs.checked_mul(2)?.isqrt().checked_add(1)?;
    let fits = samples.checked_mul(samples - 1)? / 2 == pairs;
    fits.then(|| usize::try_from(samples).ok()).flatten()
}

/// The square matrix with the upper triangle `pairs` for `samples` samples, row by row.
pub(super) fn square(pairs: &[f64], samples: usize) -> Vec<f64> {
    let mut values = vec![0.0; samples * samples];
    let mut pairs = pairs.iter();
    for i in 0..samples {
        for (j, &distance) in (i + 1..samples).zip(&mut pairs) {
            values[i * samples + j] = distance;
            values[j * samples + i] = distance;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangular_numbers_are_recognised() {
        let known = [
            (0, 1),
            (1, 2),
            (3, 3),
            (6, 4),
            (10, 5),
            (45, 10),
            (4950, 100),
        ];
        for pairs in 0..5000 {
            let expected = (1..200).find(|&n| n * (n - 1) / 2 == pairs);
            assert_eq!(samples(pairs), expected.map(|n| n as usize), "{pairs}");
        }
        for (pairs, expected) in known {
            assert_eq!(samples(pairs), Some(expected));
        }
        assert_eq!(samples(u64::MAX), None);
        let large = 3_000_000_000u64;
        assert_eq!(samples(large * (large - 1) / 2), Some(large as usize));
        assert_eq!(samples(large * (large - 1) / 2 + 1), None);
    }

    #[test]
    fn rows_of_the_triangle_are_placed_correctly() {
        assert_eq!(
            square(&[1.0, 2.0, 3.0], 3),
            [0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 2.0, 3.0, 0.0]
        );
        assert_eq!(square(&[], 1), [0.0]);
    }
}
