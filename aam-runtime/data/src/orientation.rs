//! Orientation of the sequences of a table, and reversal of those in the wrong orientation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gene_place::{GenePlace, gene_place, gene_region};
use super::{Ids, IdsBuilder, TokenOptions, TokenizedSequences};

/// Maximum number of ASVs examined to find the orientation of a table.
const LOOKED_AT: usize = 2000;
/// Share of the placed ASVs from which an orientation is not an exception.
pub const NO_EXCEPTION: f64 = 0.05;
/// Minimum number of placed ASVs for a conclusion.
const FEWEST: usize = 5;

/// What to do with sequences that are reverse complements of the 16S gene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Orient {
    /// Reverse-complement them if that is clear; the reads of ASVs that become identical are
    /// summed.
    Auto,
    /// Keep them.
    #[default]
    AsIs,
}

impl Orient {
    /// Whether sequences are kept as they are.
    pub fn is_as_is(&self) -> bool {
        *self == Self::AsIs
    }
}

/// Position on the gene and orientation of most ASVs of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The variable regions, such as `V4`.
    pub region: Option<String>,
    /// Position of the first base in *E. coli*.
    pub start: i64,
    /// Position of the last base in *E. coli*.
    pub end: i64,
    /// ASVs in the orientation of the gene.
    pub forwards: usize,
    /// ASVs that are reverse complements.
    pub reversed: usize,
    /// Other ASVs examined.
    pub unplaced: usize,
}

impl Lie {
    /// The position of `sequences`; `None` if most of them cannot be placed on the gene.
    pub fn of<'a>(sequences: impl Iterator<Item = &'a str>) -> Option<Self> {
        let found: Vec<Option<GenePlace>> = sequences.map(gene_place).collect();
        let places: Vec<GenePlace> = found.iter().flatten().copied().collect();
        // A few among many may be placed by chance.
        if 2 * places.len() <= found.len() {
            return None;
        }
        let median = |of: fn(&GenePlace) -> i64| {
            let mut all: Vec<i64> = places.iter().map(of).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        let (start, end) = (median(|place| place.start), median(|place| place.end));
        let reversed = places.iter().filter(|place| place.reversed).count();
        Some(Self {
            region: gene_region(start, end),
            start,
            end,
            forwards: places.len() - reversed,
            reversed,
            unplaced: found.len() - places.len(),
        })
    }

    /// The share of placed ASVs that are reverse complements.
    pub fn share_reversed(&self) -> f64 {
        self.reversed as f64 / (self.forwards + self.reversed).max(1) as f64
    }
}

/// The result of [`Orient::Auto`] for the ASVs of a table.
#[derive(Clone, Debug)]
pub struct Oriented {
    /// The sequences in upper case, all in the orientation of the gene; `None` if nothing changes.
    pub changed: Option<Ids>,
    /// Number of reversed sequences.
    pub turned: usize,
    /// Their position, if most are on the gene.
    pub lie: Option<Lie>,
}

/// Applies [`Orient::Auto`] to the ASVs `ids`; `None` if they are not sequences. If nearly all that
/// are on the gene are reverse complements, all are reversed; if some are, only those.
pub fn oriented(ids: &Ids) -> Option<Oriented> {
    let longest = ids.iter().map(str::len).max()?;
    let options = TokenOptions {
        max_bp: longest,
        truncate: false,
    };
    TokenizedSequences::of(ids, &options).ok()?;
    let step = ids.len().div_ceil(LOOKED_AT);
    let lie = Lie::of(ids.iter().step_by(step));
    let proven = lie.as_ref().filter(|lie| lie.reversed >= FEWEST);
    let share = proven.map_or(0.0, Lie::share_reversed);
    let lower = |id: &str| id.bytes().any(|letter| letter.is_ascii_lowercase());
    let mut found = Oriented {
        changed: None,
        turned: 0,
        lie,
    };
    if share < NO_EXCEPTION && !ids.iter().any(lower) {
        return Some(found);
    }
    let is_turned = |id: &str| match share {
        share if share < NO_EXCEPTION => false,
        share if share > 1.0 - NO_EXCEPTION => true,
        _ => gene_place(id).is_some_and(|place| place.reversed),
    };
    let mut sequences = IdsBuilder::default();
    for id in ids.iter() {
        let upper = id.to_ascii_uppercase();
        match is_turned(id) {
            true => {
                found.turned += 1;
                sequences.push(&reverse_complement(&upper));
            }
            false => sequences.push(&upper),
        }
    }
    found.changed = Some(sequences.finish());
    Some(found)
}

/// The reverse complement of a sequence of IUPAC letters.
pub fn reverse_complement(sequence: &str) -> String {
    let turned = sequence.chars().rev().map(|letter| {
        let other = match letter.to_ascii_uppercase() {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            'T' | 'U' => 'A',
            'R' => 'Y',
            'Y' => 'R',
            'K' => 'M',
            'M' => 'K',
            'B' => 'V',
            'V' => 'B',
            'D' => 'H',
            'H' => 'D',
            same => same,
        };
        match letter.is_ascii_lowercase() {
            true => other.to_ascii_lowercase(),
            false => other,
        }
    });
    turned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bases 534 to 625 of *E. coli*, followed by different bases for each number.
    fn v4(number: usize) -> String {
        let tail = ["A", "C", "G", "T"][number % 4].repeat(1 + number / 4);
        format!(
            "TACGGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCACGCAGGCGGTTTGTTAAGTCAGATGT\
             GAAATCCCCGGGCTCAACCT{tail}"
        )
    }

    fn ids(of: impl Iterator<Item = String>) -> Ids {
        let mut ids = IdsBuilder::default();
        of.for_each(|id| ids.push(&id));
        ids.finish()
    }

    #[test]
    fn reversed_tables_are_reoriented_and_mixed_ones_in_part() {
        let forwards = ids((0..20).map(v4));
        let as_gene = oriented(&forwards).unwrap();
        assert_eq!((as_gene.turned, as_gene.changed), (0, None));
        assert_eq!(as_gene.lie.unwrap().region.as_deref(), Some("V4"));
        let turn = |i: usize, of: &str| match i % 2 {
            0 => reverse_complement(of),
            _ => of.to_owned(),
        };
        let all = ids(forwards.iter().map(reverse_complement));
        let some = ids(forwards.iter().enumerate().map(|(i, id)| turn(i, id)));
        for (reversed, turned) in [(all, 20), (some, 10)] {
            let again = oriented(&reversed).unwrap();
            assert_eq!(
                (again.turned, again.changed),
                (turned, Some(forwards.clone()))
            );
        }
    }

    #[test]
    fn other_genes_are_unchanged() {
        let others = ids((1..9).map(|i| "ACGTTGCAAC".repeat(i)));
        let found = oriented(&others).unwrap();
        assert_eq!((found.turned, found.lie, found.changed), (0, None, None));
        assert!(oriented(&ids(["OTU 1".to_owned()].into_iter())).is_none());
        let lower = oriented(&ids(["acgn".to_owned()].into_iter())).unwrap();
        assert_eq!(&lower.changed.unwrap()[0], "ACGN");
    }

    #[test]
    fn the_complement_of_the_complement_is_the_sequence() {
        let letters = "ACGTRYSWKMBDHVNacgt";
        assert_eq!(reverse_complement(&reverse_complement(letters)), letters);
        assert_eq!(reverse_complement("AACGR"), "YCGTT");
    }
}
