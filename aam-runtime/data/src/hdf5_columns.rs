//! One-dimensional datasets read sequentially, one block at a time.

use std::ops::Range;

use hdf5_reader::Dataset;

use super::DataError;
use super::hdf5_file::H5;

/// Numbers per block if the chunks of the file are not larger.
const BLOCK: usize = 1 << 20;

/// Reads the numbers in a range of a dataset.
type Read<'a, T> = fn(&H5<'a>, &Dataset, Range<usize>) -> Result<Vec<T>, DataError>;

/// The numbers of a dataset, read from its beginning.
pub struct Numbers<'a, T> {
    h5: &'a H5<'a>,
    dataset: &'a Dataset,
    read: Read<'a, T>,
    /// Block size, a multiple of the file's chunk size so that no chunk is decompressed twice.
    block: usize,
    length: usize,
    /// Start of the next block.
    next: usize,
    values: Vec<T>,
    /// Number of `values` already taken.
    taken: usize,
}

impl<'a, T: Copy> Numbers<'a, T> {
    /// Reads `dataset` with `read`, block by block.
    ///
    /// # Errors
    /// The dataset declares more than the file can contain.
    pub fn new(h5: &'a H5<'a>, dataset: &'a Dataset, read: Read<'a, T>) -> Result<Self, DataError> {
        let chunks = dataset.chunks().unwrap_or_default();
        let chunk = chunks.first().map_or(1, |&chunk| (chunk as usize).max(1));
        let length = h5.len(dataset)?;
        h5.refuse_overlong(dataset)?;
        let block = match dataset.ndim() {
            1 => BLOCK.div_ceil(chunk).saturating_mul(chunk),
            _ => length.max(1),
        };
        Ok(Self {
            h5,
            dataset,
            read,
            block,
            length,
            next: 0,
            values: Vec::new(),
            taken: 0,
        })
    }

    /// Replaces the contents of `into` by the next `count` numbers, or as many as there are.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn take(&mut self, count: usize, into: &mut Vec<T>) -> Result<(), DataError> {
        into.clear();
        while into.len() < count {
            if self.taken == self.values.len() {
                if self.next >= self.length {
                    break;
                }
                let end = self.length.min(self.next.saturating_add(self.block));
                self.values = Vec::new();
                self.values = (self.read)(self.h5, self.dataset, self.next..end)?;
                if self.values.is_empty() {
                    break;
                }
                (self.next, self.taken) = (end, 0);
            }
            let wanted = (count - into.len()).min(self.values.len() - self.taken);
            into.extend_from_slice(&self.values[self.taken..self.taken + wanted]);
            self.taken += wanted;
        }
        Ok(())
    }
}
