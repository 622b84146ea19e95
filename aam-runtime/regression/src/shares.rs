//! Class frequencies and probabilities.

use ndarray::{Array2, ArrayView2};

/// The relative frequency of each class, with half a pseudo-count per class.
pub fn shares(truth: ArrayView2<'_, f64>) -> Vec<f64> {
    let all = truth.nrows() as f64 + 0.5 * truth.ncols() as f64;
    let columns = truth.columns().into_iter();
    columns.map(|column| (column.sum() + 0.5) / all).collect()
}

/// The mean of each column; 0 without rows.
pub fn means(values: ArrayView2<'_, f64>) -> Vec<f64> {
    let rows = values.nrows().max(1) as f64;
    let columns = values.columns().into_iter();
    columns.map(|column| column.sum() / rows).collect()
}

/// Applies the softmax to each row.
pub fn softmax(values: &mut Array2<f64>) {
    for mut row in values.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        row.mapv_inplace(|value| (value - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|value| value / sum);
    }
}

/// The sum over the samples of `-ln` of the probability of their class.
pub fn log_loss(probabilities: &Array2<f64>, truth: ArrayView2<'_, f64>) -> f64 {
    let pairs = probabilities.iter().zip(truth);
    pairs
        .filter(|(_, truth)| **truth > 0.0)
        .map(|(probability, _)| -probability.max(1e-12).ln())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_those_of_their_logarithms_and_add_up_to_one() {
        let mut values = ndarray::array![[0.0, 3f64.ln()], [1000.0, -1000.0]];
        softmax(&mut values);
        assert!((values[[0, 1]] - 0.75).abs() < 1e-12);
        assert_eq!(values.row(1).to_vec(), [1.0, 0.0]);
        let truth = ndarray::array![[0.0, 1.0], [1.0, 0.0]];
        assert!((log_loss(&values, truth.view()) + 0.75f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_class_without_samples_has_a_small_share() {
        let truth = ndarray::array![[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let shares = shares(truth.view());
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[2] - 0.5 / 4.5).abs() < 1e-12);
    }
}
