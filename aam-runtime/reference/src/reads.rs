//! Reads of amplicons, as sequencers give them.

use aam_api::tokens::{AMBIGUOUS, FIRST_BASE, LAST_BASE, START};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, RngExt};

use crate::genes::Gene;

/// The lengths of reads.
const LENGTHS: std::ops::RangeInclusive<usize> = 90..=500;
/// Reads have up to this share of wrong bases.
const MOST_ERRORS: f64 = 0.01;

/// Bases of a gene that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub start: usize,
    /// The one behind the last.
    pub end: usize,
}

impl Window {
    /// A read of an amplicon of `gene` from either end, or all of it.
    pub fn draw(gene: &Gene, random: &mut impl Rng) -> Self {
        let amplicons: Vec<(u32, u32)> = gene.amplicons.iter().flatten().copied().collect();
        let (start, end) = amplicons[random.random_range(0..amplicons.len())];
        let (start, end) = (start as usize, end as usize);
        let length = random.random_range(LENGTHS).min(end - start);
        match random.random::<bool>() {
            true => Self {
                start,
                end: start + length,
            },
            false => Self {
                start: end - length,
                end,
            },
        }
    }

    /// The bases `length` in front of the end, or behind the start, of amplicon number `amplicon`.
    pub fn of(gene: &Gene, amplicon: usize, length: usize, from_start: bool) -> Option<Self> {
        let (start, end) = gene.amplicons[amplicon]?;
        let (start, end) = (start as usize, end as usize);
        let length = length.min(end - start);
        Some(match from_start {
            true => Self {
                start,
                end: start + length,
            },
            false => Self {
                start: end - length,
                end,
            },
        })
    }

    /// The read as it is in the gene.
    pub fn read(self, gene: &Gene) -> Vec<u8> {
        gene.tokens[self.start..self.end].to_vec()
    }

    /// The read with errors, of either strand.
    pub fn sequenced(self, gene: &Gene, random: &mut impl Rng) -> Vec<u8> {
        let mut read = self.read(gene);
        let rate = MOST_ERRORS * random.random::<f64>();
        let errors = (rate * read.len() as f64 + random.random::<f64>()) as usize;
        for _ in 0..errors {
            let at = random.random_range(0..read.len());
            read[at] = random.random_range(FIRST_BASE..=LAST_BASE);
        }
        match random.random::<bool>() {
            true => read,
            false => reverse_complement(&read),
        }
    }
}

fn reverse_complement(read: &[u8]) -> Vec<u8> {
    let complement = |&token: &u8| match token {
        FIRST_BASE..=LAST_BASE => FIRST_BASE + LAST_BASE - token,
        other => other,
    };
    read.iter().rev().map(complement).collect()
}

/// `reads` as tokens with a start, `[reads, longest + 1]`; behind shorter ones are ambiguous bases.
pub fn batch(reads: &[Vec<u8>], device: &Device) -> Tensor<2, Int> {
    let width = 1 + reads.iter().map(Vec::len).max().unwrap_or(0);
    let mut tokens = Vec::with_capacity(width * reads.len());
    for read in reads {
        let end = tokens.len() + width;
        tokens.push(i32::from(START));
        tokens.extend(read.iter().map(|&token| i32::from(token)));
        tokens.resize(end, i32::from(AMBIGUOUS));
    }
    Tensor::from_data(TensorData::new(tokens, [reads.len(), width]), device)
}
