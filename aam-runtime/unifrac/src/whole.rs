//! The matrix of all samples, in bands of rows that fit into memory.

use super::block::Sums;
use super::kernel::TILE;
use super::real::Real;
use super::sweep::UniFrac;

/// A band of rows of the matrix: the distances of `lead` samples, from row `start` on, to the
/// samples after them.
pub struct Band<'a, T> {
    unifrac: &'a UniFrac,
    sums: Sums<T>,
    start: usize,
}

impl UniFrac {
    /// Computes the whole matrix band by band: as many rows at once as have sums that fit `memory`
    /// bytes, and at least 32. `report` receives the progress, `take` receives the bands in order.
    ///
    /// # Errors
    /// Those of `report` and `take`.
    pub fn bands<T: Real, E>(
        &self,
        memory: u64,
        report: &mut dyn FnMut(usize, usize) -> Result<(), E>,
        take: &mut dyn FnMut(&Band<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let samples = self.num_samples();
        let rows: Vec<usize> = (0..samples).collect();
        let bands = self.plan(memory, T::BYTES);
        for (band, &(start, lead)) in bands.iter().enumerate() {
            let report = &mut |done, of| report(band * of + done, bands.len() * of);
            let sums = self.sums::<T, E>(&rows[start..], lead, report)?;
            let unifrac = self;
            take(&Band {
                unifrac,
                sums,
                start,
            })?;
        }
        Ok(())
    }

    /// First row and number of rows of each band.
    fn plan(&self, memory: u64, bytes: usize) -> Vec<(usize, usize)> {
        let samples = self.num_samples();
        let mut bands = Vec::new();
        let mut start = 0;
        while start < samples {
            let left = samples - start;
            let row = (left.next_multiple_of(TILE) * bytes * self.sums_per_pair()) as u64;
            let fit = usize::try_from(memory / row).unwrap_or(left) / TILE * TILE;
            let lead = fit.clamp(TILE, left.max(TILE)).min(left);
            bands.push((start, lead));
            start += lead;
        }
        bands
    }
}

impl<T: Real> Band<'_, T> {
    /// The samples in this band.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.sums.lead
    }

    /// Number of samples in the matrix.
    pub fn samples(&self) -> usize {
        self.start + self.sums.samples
    }

    /// The distance of sample `i` of [`rows`](Self::rows) to sample `j`, which is also one of them
    /// or comes after them.
    pub fn get(&self, i: usize, j: usize) -> T {
        let (i, j) = (i - self.start, j - self.start);
        match i == j {
            true => T::default(),
            false => T::of(self.unifrac.distance(&self.sums, i.min(j), i.max(j))),
        }
    }
}
