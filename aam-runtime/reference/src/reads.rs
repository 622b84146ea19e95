//! Simulated amplicon reads.

use aam_api::tokens::{AMBIGUOUS, START};
use aam_data::reverse_complement;
use aam_data::tokens::token_of;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{Rng, RngExt};

use crate::genes::Gene;

/// The range of read lengths.
const LENGTHS: std::ops::RangeInclusive<usize> = 90..=500;
/// Maximum fraction of wrong bases in a read.
const MOST_ERRORS: f64 = 0.01;

/// A read of an amplicon of `gene` from either end, or the entire amplicon, without errors.
pub fn drawn<'g>(gene: &'g Gene, random: &mut impl Rng) -> &'g str {
    let numbers = 0..gene.amplicons.len();
    let known: Vec<usize> = numbers
        .filter(|&number| gene.amplicons[number].is_some())
        .collect();
    let amplicon = known[random.random_range(0..known.len())];
    let (length, from_start) = (random.random_range(LENGTHS), random.random());
    read(gene, amplicon, length, from_start).unwrap_or_default()
}

/// A read with errors, from either strand.
pub fn sequenced(gene: &Gene, random: &mut impl Rng) -> String {
    let mut read = drawn(gene, random).as_bytes().to_vec();
    let rate = MOST_ERRORS * random.random::<f64>();
    let errors = (rate * read.len() as f64 + random.random::<f64>()) as usize;
    for _ in 0..errors {
        let at = random.random_range(0..read.len());
        read[at] = b"ACGT"[usize::from(random.random_range(0..=3u8))];
    }
    let read = String::from_utf8_lossy(&read);
    match random.random::<bool>() {
        true => read.into_owned(),
        false => reverse_complement(&read),
    }
}

/// The first or last `length` bases of amplicon number `amplicon` of `gene`; the entire amplicon if
/// it is shorter, and `None` if the gene does not have it.
pub fn read(gene: &Gene, amplicon: usize, length: usize, from_start: bool) -> Option<&str> {
    let (start, end) = gene.amplicons[amplicon]?;
    let amplicon = gene.sequence.get(start as usize..end as usize)?;
    let length = length.min(amplicon.len());
    match from_start {
        true => amplicon.get(..length),
        false => amplicon.get(amplicon.len() - length..),
    }
}

/// Tokenises `reads` with a start token, `[reads, longest + 1]`. Shorter reads are padded with
/// ambiguous bases.
pub fn batch(reads: &[impl AsRef<str>], device: &Device) -> Tensor<2, Int> {
    let lengths = reads.iter().map(|read| read.as_ref().len());
    let width = 1 + lengths.max().unwrap_or(0);
    let mut tokens = Vec::with_capacity(width * reads.len());
    for read in reads {
        let end = tokens.len() + width;
        tokens.push(i32::from(START));
        tokens.extend(
            read.as_ref()
                .bytes()
                .map(|letter| i32::from(token_of(letter))),
        );
        tokens.resize(end, i32::from(AMBIGUOUS));
    }
    Tensor::from_data(TensorData::new(tokens, [reads.len(), width]), device)
}
