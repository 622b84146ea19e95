//! Similarity of sequences by shared k-mers.

use aam_data::kmers;
use rayon::prelude::*;

/// Length of a k-mer.
const K: usize = 5;
/// Number of possible k-mers.
const WORDS: usize = 1 << (2 * K);
/// Shortest id taken for a sequence.
const SHORTEST: usize = 20;
/// IUPAC nucleotide codes, including ambiguity codes.
const LETTERS: &[u8] = b"ACGTURYSWKMBDHVN";

/// The distinct k-mers of `id` in ascending order, if it is a sequence.
pub(crate) fn words(id: &str) -> Option<Vec<u32>> {
    let is_letter = |letter: u8| LETTERS.contains(&letter.to_ascii_uppercase());
    if id.len() < SHORTEST || !id.bytes().all(is_letter) {
        return None;
    }
    let mut words = kmers(id, K);
    words.sort_unstable();
    words.dedup();
    match words.is_empty() {
        true => None,
        false => Some(words),
    }
}

/// K-mer distances between sequences, `[sequences × sequences]`, row by row: the share of the
/// k-mers of the sequence with fewer k-mers that the other lacks (Edgar, *MUSCLE*, Nucleic Acids
/// Research 2004, with each k-mer counted once).
pub(crate) fn distances(sequences: &[Vec<u32>]) -> Vec<f32> {
    let number = sequences.len();
    let mut holders = vec![Vec::new(); WORDS];
    for (sequence, words) in sequences.iter().enumerate() {
        for &word in words {
            holders[word as usize].push(sequence as u32);
        }
    }
    let mut distances = vec![0f32; number * number];
    if number == 0 {
        return distances;
    }
    let rows = distances.par_chunks_mut(number).zip(sequences).enumerate();
    rows.for_each(|(own, (row, words))| {
        for &word in words {
            for &other in &holders[word as usize] {
                row[other as usize] += 1.0;
            }
        }
        for (shared, other) in row.iter_mut().zip(sequences) {
            *shared = 1.0 - *shared / words.len().min(other.len()) as f32;
        }
        row[own] = 0.0;
    });
    distances
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sequences_have_kmers() {
        assert!(words("4439353").is_none());
        assert!(words("ACGTACGT").is_none(), "too short");
        assert!(words(&"N".repeat(40)).is_none());
        assert!(words("d41d8cd98f00b204e9800998ecf8427e").is_none());
        assert_eq!(words(&"A".repeat(30)), Some(vec![0]));
        assert_eq!(words(&"acgu".repeat(8)), words(&"ACGT".repeat(8)));
    }

    #[test]
    fn distances_are_the_share_of_kmers_that_differ() {
        let a = "ACGTTGCATTAGGCATCAGGATCCATT";
        let changed = "ACGTTGCATTAGGCATCAGGATCCATA";
        let other = "GGGGGGGGGGGGGGGGGGGGGGGGGGG";
        let all = [a, a, changed, other].map(|id| words(id).expect("a sequence"));
        let distances = distances(&all);
        let between = |i: usize, j: usize| distances[i * 4 + j];
        assert_eq!(between(0, 1), 0.0);
        assert!((between(0, 2) - 1.0 / 23.0).abs() < 1e-6);
        assert_eq!(between(0, 3), 1.0);
        assert_eq!(between(2, 0), between(0, 2));
    }
}
