//! K-mers shared by the training ASVs, used to recognise other sequences of the same region and
//! orientation.

use std::collections::HashMap;

use aam_data::kmers;

/// K-mer length: short enough for conserved k-mers to be common, and long enough for chance matches
/// to be rare (16 million are possible, [`MOST_KEPT`] are kept).
const LENGTH: usize = 12;
/// Upper bound of the k-mer codes.
pub(super) const CODES: u32 = 1 << (2 * LENGTH);
/// Maximum number of k-mers that are kept: those in most ASVs.
const MOST_KEPT: usize = 4096;
/// Maximum number of ASVs that are examined.
pub(super) const MOST_ASVS: usize = 5000;
/// Minimum fraction of the typically shared k-mers that a sequence must share to be considered
/// similar.
const LIKE: f32 = 0.1;

/// The common k-mers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kmers {
    /// The k-mer codes, ascending.
    pub codes: Vec<u32>,
    /// The fraction of common k-mers in the median training ASV; 0 if there are none.
    pub typical: f32,
}

/// The resemblance of a sequence to the training ASVs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resemblance {
    Alike,
    Reversed,
    Unlike,
    /// The sequence is too short.
    Unknown,
}

impl Kmers {
    /// The common k-mers of `sequences`.
    pub fn of<'a>(sequences: impl Iterator<Item = &'a str>) -> Self {
        let all: Vec<Vec<u32>> = sequences.map(|sequence| kmers(sequence, LENGTH)).collect();
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for codes in &all {
            for code in distinct(codes.clone()) {
                *counts.entry(code).or_default() += 1;
            }
        }
        let mut counts: Vec<(u32, u32)> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|&(code, count)| (std::cmp::Reverse(count), code));
        counts.truncate(MOST_KEPT);
        let mut kmers = Self {
            codes: counts.into_iter().map(|(code, _)| code).collect(),
            typical: 0.0,
        };
        kmers.codes.sort_unstable();
        let shares = all.iter().filter(|codes| !codes.is_empty());
        let mut shares: Vec<f32> = shares.map(|codes| kmers.share(codes)).collect();
        shares.sort_unstable_by(f32::total_cmp);
        kmers.typical = shares.get(shares.len() / 2).copied().unwrap_or(0.0);
        kmers
    }

    /// The resemblance of `sequence` to the training ASVs.
    pub fn resemblance(&self, sequence: &str) -> Resemblance {
        let forwards = kmers(sequence, LENGTH);
        if forwards.is_empty() || self.typical <= 0.0 {
            return Resemblance::Unknown;
        }
        let least = LIKE * self.typical;
        let backwards: Vec<u32> = forwards.iter().map(|&code| reverse(code)).collect();
        let (forwards, backwards) = (self.share(&forwards), self.share(&backwards));
        if backwards >= least && backwards > 2.0 * forwards {
            Resemblance::Reversed
        } else if forwards >= least {
            Resemblance::Alike
        } else {
            Resemblance::Unlike
        }
    }

    fn share(&self, codes: &[u32]) -> f32 {
        let known = codes
            .iter()
            .filter(|code| self.codes.binary_search(code).is_ok());
        known.count() as f32 / codes.len().max(1) as f32
    }
}

fn distinct(mut codes: Vec<u32>) -> Vec<u32> {
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// The code of the reverse complement.
fn reverse(code: u32) -> u32 {
    (0..LENGTH).fold(0, |reversed, place| {
        (reversed << 2) | (3 - ((code >> (2 * place)) & 3))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: &str = "ACGGTTACCAGTAGGCTAATCCGGATTACA";
    const REVERSED: &str = "TGTAATCCGGATTAGCCTACTGGTAACCGT";

    #[test]
    fn reverse_complements_are_distinguished() {
        let kmers = Kmers::of([SEQUENCE].into_iter());
        assert_eq!((kmers.codes.len(), kmers.typical), (19, 1.0));
        let of = |sequence: &str| kmers.resemblance(sequence);
        assert_eq!(of(SEQUENCE), Resemblance::Alike);
        assert_eq!(of(&SEQUENCE.to_lowercase()), Resemblance::Alike);
        assert_eq!(of(&SEQUENCE.replace('T', "U")), Resemblance::Alike);
        assert_eq!(of(&SEQUENCE[3..25]), Resemblance::Alike);
        assert_eq!(of(REVERSED), Resemblance::Reversed);
        assert_eq!(of(&SEQUENCE.replace('A', "G")), Resemblance::Unlike);
        assert_eq!(of("ACGT"), Resemblance::Unknown);
        assert_eq!(of(&"N".repeat(30)), Resemblance::Unknown);
        assert_eq!(Kmers::default().resemblance(SEQUENCE), Resemblance::Unknown);
    }

    #[test]
    fn most_common_stretches_are_kept() {
        let mut state = 1u64;
        let mut random = |length: usize| -> String {
            let letter = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                char::from(b"ACGT"[(state >> 62) as usize])
            };
            (0..length).map(letter).collect()
        };
        let conserved = random(30);
        let asvs: Vec<String> = (0..200)
            .map(|_| random(60) + &conserved + &random(60))
            .collect();
        let common = Kmers::of(asvs.iter().map(String::as_str));
        assert_eq!(common.codes.len(), MOST_KEPT);
        let kept = |code| common.codes.contains(code);
        assert!(kmers(&conserved, LENGTH).iter().all(kept));
        let new = random(60) + &conserved + &random(60);
        assert_eq!(common.resemblance(&new), Resemblance::Alike);
        assert_eq!(common.resemblance(&random(150)), Resemblance::Unlike);
    }
}
