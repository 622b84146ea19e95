//! Single-threaded matrix products.

use gemm::Parallelism;

/// A strided matrix in memory: the distances between consecutive rows, and between consecutive
/// columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix whose rows are `stride` apart.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            values,
            rows,
            columns,
            row_stride: stride,
            column_stride: 1,
        }
    }

    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn end(&self) -> usize {
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
    }
}

/// How a product is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Overwrites the target.
    Over,
    /// Adds to the target.
    Onto,
}

/// Writes `left` × `right` to `target`, whose rows are `stride` apart.
pub(super) fn product(
    left: Matrix<'_>,
    right: Matrix<'_>,
    target: &mut [f32],
    stride: usize,
    write: Write,
) {
    let (rows, inner, columns) = (left.rows, left.columns, right.columns);
    assert!(rows > 0 && inner > 0 && columns > 0 && columns <= stride);
    assert_eq!(inner, right.rows);
    assert!(left.end() <= left.values.len() && right.end() <= right.values.len());
    assert!((rows - 1) * stride + columns <= target.len());
    // SAFETY: by the assertions, all reads and writes are within their slices; the target is
    // borrowed exclusively, so it overlaps with neither factor.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            target.as_mut_ptr(),
            1,
            stride as isize,
            write == Write::Onto,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_parts_and_of_transposed_matrices() {
        // Rows of 3 numbers, of which only the first 2 are used.
        let left = [1.0, 2.0, 9.0, 3.0, 4.0, 9.0];
        let right = [5.0, 6.0, 7.0, 8.0];
        let left = Matrix::new(&left, 2, 2, 3);
        let right = Matrix::new(&right, 2, 2, 2);
        let mut target = [1.0; 6];
        product(left, right, &mut target, 3, Write::Over);
        assert_eq!(target, [19.0, 22.0, 1.0, 43.0, 50.0, 1.0]);
        product(left.transposed(), right, &mut target, 3, Write::Onto);
        assert_eq!(target, [45.0, 52.0, 1.0, 81.0, 94.0, 1.0]);
    }
}
