//! Branches over few samples, added only for pairs among these samples.
//!
//! If one sample of a pair is absent from a branch, the other contributes the same amount no matter
//! which sample is absent. The sum over branches of a pair is therefore the sum of what both
//! contribute alone on all branches, which is kept per sample, plus a correction for branches where
//! both are present.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block::Sums;
use super::kernel::dispatch;
use super::real::Real;

/// Number of entries collected before they are added.
const ENTRIES: usize = 1 << 20;
/// Samples processed at once.
const WIDTH: usize = 8;

/// Branches over few samples.
pub(super) struct Scattered<T> {
    branches: Vec<Branch<T>>,
    samples: Vec<u32>,
    /// The value of each sample on the branch.
    numbers: Vec<T>,
    /// Its contribution if the other sample is absent.
    alone: Vec<T>,
}

#[derive(Clone, Copy)]
struct Branch<T> {
    /// End of its entries.
    end: u32,
    length: T,
}

impl<T: Real> Scattered<T> {
    pub(super) fn new() -> Self {
        Self {
            branches: Vec::new(),
            samples: Vec::new(),
            numbers: Vec::new(),
            alone: Vec::new(),
        }
    }

    /// Sets the value of `sample` on the current branch, and its contribution if alone; samples
    /// come in order.
    pub(super) fn set(&mut self, sample: usize, number: T, alone: T) {
        self.samples.push(sample as u32);
        self.numbers.push(number);
        self.alone.push(alone);
    }

    /// Ends the current branch.
    pub(super) fn end(&mut self, length: T) {
        let end = self.samples.len() as u32;
        self.branches.push(Branch { end, length });
    }

    pub(super) fn is_full(&self) -> bool {
        self.samples.len() >= ENTRIES
    }

    /// Adds the smaller value of each pair of samples on each branch to its sum, and clears the
    /// collection.
    pub(super) fn add_smaller(&mut self, sums: &mut Sums<T>) {
        self.for_each_sample(sums, |entries, row| {
            for &(at, branch) in entries {
                let mine = self.numbers[at as usize];
                let others = self.others(at, branch);
                let samples = &self.samples[others.clone()];
                for (&other, &theirs) in samples.iter().zip(&self.numbers[others]) {
                    row[other as usize] += if theirs < mine { theirs } else { mine };
                }
            }
        });
        self.clear();
    }

    /// For each branch, adds the two values of `terms(mine, theirs, length)`, minus what both
    /// samples have alone, to the two sums of each pair, and clears the collection.
    pub(super) fn add_terms(
        &mut self,
        sums: &mut Sums<T>,
        terms: &(impl Fn(T, T, T) -> [T; 2] + Sync),
    ) {
        let stride = sums.stride;
        self.for_each_sample(sums, |entries, row| {
            let (first, second) = row.split_at_mut(stride);
            dispatch(Row {
                scattered: self,
                entries,
                first,
                second,
                terms,
            });
        });
        self.clear();
    }

    fn others(&self, at: u32, branch: u32) -> std::ops::Range<usize> {
        at as usize + 1..self.branches[branch as usize].end as usize
    }

    fn clear(&mut self) {
        self.branches.clear();
        self.samples.clear();
        self.numbers.clear();
        self.alone.clear();
    }

    /// Calls `each` with the entries of every sample that leads pairs, and the sums of those pairs.
    fn for_each_sample(&self, sums: &mut Sums<T>, each: impl Fn(&[(u32, u32)], &mut [T]) + Sync) {
        if self.samples.is_empty() {
            return;
        }
        let (offsets, entries) = self.by_sample(sums.lead);
        sums.values
            .par_chunks_mut(sums.width * sums.stride)
            .take(sums.lead)
            .enumerate()
            .for_each(|(sample, row)| {
                each(&entries[offsets[sample]..offsets[sample + 1]], row);
            });
    }

    /// The entries of each of the first `lead` samples: their positions and branches.
    fn by_sample(&self, lead: usize) -> (Vec<usize>, Vec<(u32, u32)>) {
        let mut offsets = vec![0usize; lead + 1];
        for &sample in self.samples.iter().filter(|&&s| (s as usize) < lead) {
            offsets[sample as usize + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0); offsets[lead]];
        let mut start = 0;
        for (number, branch) in self.branches.iter().enumerate() {
            for at in start..branch.end {
                let sample = self.samples[at as usize] as usize;
                if sample < lead {
                    entries[next[sample]] = (at, number as u32);
                    next[sample] += 1;
                }
            }
            start = branch.end;
        }
        (offsets, entries)
    }
}

/// The sums of the pairs led by one sample, and what to add to them.
struct Row<'a, T, F> {
    scattered: &'a Scattered<T>,
    entries: &'a [(u32, u32)],
    first: &'a mut [T],
    second: &'a mut [T],
    terms: &'a F,
}

impl<T: Real, F: Fn(T, T, T) -> [T; 2]> WithSimd for Row<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let all = self.scattered;
        for &(at, branch) in self.entries {
            let (mine, alone) = (all.numbers[at as usize], all.alone[at as usize]);
            let length = all.branches[branch as usize].length;
            let others = all.others(at, branch);
            let samples = all.samples[others.clone()].chunks(WIDTH);
            let theirs = all.numbers[others.clone()].chunks(WIDTH);
            let theirs_alone = all.alone[others].chunks(WIDTH);
            for ((samples, theirs), theirs_alone) in samples.zip(theirs).zip(theirs_alone) {
                let (theirs, theirs_alone) = (filled(theirs), filled(theirs_alone));
                let (mut x, mut y) = ([T::default(); WIDTH], [T::default(); WIDTH]);
                for k in 0..WIDTH {
                    let [part, whole] = (self.terms)(mine, theirs[k], length);
                    let apart = alone + theirs_alone[k];
                    x[k] = part - apart;
                    y[k] = whole - apart;
                }
                for ((&sample, x), y) in samples.iter().zip(x).zip(y) {
                    self.first[sample as usize] += x;
                    self.second[sample as usize] += y;
                }
            }
        }
    }
}

/// A full vector of values, padded with zeros.
#[inline(always)]
fn filled<T: Real>(numbers: &[T]) -> [T; WIDTH] {
    match numbers.first_chunk() {
        Some(all) => *all,
        None => {
            let mut all = [T::default(); WIDTH];
            all[..numbers.len()].copy_from_slice(numbers);
            all
        }
    }
}
