//! Products of samples and the solution of symmetric systems.
//!
//! Work is divided into blocks independently of the number of threads, so that results do not
//! depend on it. The factorisation is blocked, too, so that nearly all of its work is matrix
//! products; that of `nalgebra` works column by column, which is ten times slower at 2000 samples.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

/// Number of rows or columns of a block.
const BLOCK: usize = 64;

/// `a bᵀ`, `[rows of a, rows of b]`.
pub fn products(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let starts: Vec<usize> = (0..a.nrows()).step_by(BLOCK).collect();
    let blocks: Vec<Array2<f64>> = starts
        .into_par_iter()
        .map(|start| {
            let end = (start + BLOCK).min(a.nrows());
            a.slice(s![start..end, ..]).dot(&b.t())
        })
        .collect();
    joined(&blocks, b.nrows())
}

/// `a aᵀ`, exactly symmetric.
pub fn gram(a: ArrayView2<'_, f64>) -> Array2<f64> {
    let starts: Vec<usize> = (0..a.nrows()).step_by(BLOCK).collect();
    let blocks: Vec<Array2<f64>> = starts
        .into_par_iter()
        .map(|start| {
            let end = (start + BLOCK).min(a.nrows());
            let mut block = Array2::zeros((end - start, a.nrows()));
            let rows = a.slice(s![start..end, ..]);
            let lower = rows.dot(&a.slice(s![..end, ..]).t());
            block.slice_mut(s![.., ..end]).assign(&lower);
            block
        })
        .collect();
    let mut gram = joined(&blocks, a.nrows());
    for row in 0..a.nrows() {
        for column in row + 1..a.nrows() {
            gram[[row, column]] = gram[[column, row]];
        }
    }
    gram
}

fn joined(blocks: &[Array2<f64>], width: usize) -> Array2<f64> {
    let rows = blocks.iter().map(Array2::nrows).sum();
    let mut all = Array2::zeros((rows, width));
    let mut start = 0;
    for block in blocks {
        let end = start + block.nrows();
        all.slice_mut(s![start..end, ..]).assign(block);
        start = end;
    }
    all
}

/// The submatrix of `a` with the given rows and columns.
pub fn part(a: &Array2<f64>, rows: &[usize], columns: &[usize]) -> Array2<f64> {
    a.select(Axis(0), rows).select(Axis(1), columns)
}

/// The lower triangular Cholesky factor `L` of a symmetric positive definite matrix `L Lᵀ`.
pub(crate) struct Cholesky(Array2<f64>);

impl Cholesky {
    /// Factors `a`, reading only its lower triangle. `None` if `a` is not positive definite.
    pub(crate) fn of(mut a: Array2<f64>) -> Option<Self> {
        let size = a.nrows();
        for start in (0..size).step_by(BLOCK) {
            let end = (start + BLOCK).min(size);
            factor_block(&mut a, start, end)?;
            let (_, right) = a.view_mut().split_at(Axis(1), start);
            let (panel, mut rest) = right.split_at(Axis(1), end - start);
            for from in (end..size).step_by(BLOCK) {
                let to = (from + BLOCK).min(size);
                let mut part = rest.slice_mut(s![from.., from - end..to - end]);
                let (left, above) = (panel.slice(s![from.., ..]), panel.slice(s![from..to, ..]));
                general_mat_mul(-1.0, &left, &above.t(), 1.0, &mut part);
            }
        }
        Some(Self(a))
    }

    /// Solves `a x = b` for each column of `b`.
    pub(crate) fn solve(&self, b: ArrayView2<'_, f64>) -> Array2<f64> {
        // One column at a time; its elements are contiguous, like those of a row of the triangle.
        let mut columns = b.t().as_standard_layout().into_owned();
        for mut x in columns.rows_mut() {
            for (row, factors) in self.0.rows().into_iter().enumerate() {
                let known = factors.slice(s![..row]).dot(&x.slice(s![..row]));
                x[row] = (x[row] - known) / factors[row];
            }
            for (row, factors) in self.0.rows().into_iter().enumerate().rev() {
                x[row] /= factors[row];
                let (own, factors) = (x[row], factors.slice(s![..row]));
                x.slice_mut(s![..row]).scaled_add(-own, &factors);
            }
        }
        columns.reversed_axes().as_standard_layout().into_owned()
    }
}

/// Factors the diagonal block from `start` to `end`, and the columns below it.
fn factor_block(a: &mut Array2<f64>, start: usize, end: usize) -> Option<()> {
    for row in start..a.nrows() {
        for column in start..end.min(row + 1) {
            let [own, above] = [row, column].map(|row| a.slice(s![row, start..column]));
            let value = a[[row, column]] - own.dot(&above);
            a[[row, column]] = match row == column {
                false => value / a[[column, column]],
                true if value > 0.0 && value.is_finite() => value.sqrt(),
                true => return None,
            };
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 37 + j * 101) as f64).sin())
    }

    #[test]
    fn products_are_those_of_all_pairs_of_rows() {
        let a = numbers(150, 40);
        let b = numbers(70, 40);
        let difference = products(a.view(), b.view()) - a.dot(&b.t());
        assert!(difference.iter().all(|value| value.abs() < 1e-12));
        let own = gram(a.view());
        assert_eq!(own, own.t());
        assert!(
            (own - a.dot(&a.t()))
                .iter()
                .all(|value| value.abs() < 1e-12)
        );
    }

    #[test]
    fn systems_of_all_sizes_are_solved() {
        for size in [0, 1, 2, 63, 64, 65, 200] {
            let mut a = gram(numbers(size, size + 3).view());
            a.diag_mut().mapv_inplace(|value| value + 0.1);
            let x = numbers(size, 2);
            let solved = Cholesky::of(a.clone())
                .expect("definite")
                .solve(a.dot(&x).view());
            let far = (solved - x).iter().fold(0f64, |a, b| a.max(b.abs()));
            assert!(far < 1e-9, "{size}: {far}");
        }
    }

    #[test]
    fn indefinite_matrices_have_no_factors() {
        assert!(Cholesky::of(ndarray::array![[1.0, 2.0], [2.0, 1.0]]).is_none());
        assert!(Cholesky::of(ndarray::array![[f64::NAN]]).is_none());
    }
}
