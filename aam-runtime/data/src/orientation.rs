//! Which way the sequences of a table run, and turning those that run the other way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gene_place::{GenePlace, gene_place, gene_region};
use super::{Ids, IdsBuilder, TokenOptions, TokenizedSequences};

/// Most ASVs that are looked at to see which way a table runs.
const LOOKED_AT: usize = 2000;
/// Share of the placed ASVs from which on a strand is no exception.
pub const NO_EXCEPTION: f64 = 0.05;
/// Fewer placed ASVs prove nothing.
const FEWEST: usize = 5;

/// What happens to sequences that are reverse complements of the 16S gene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Orient {
    /// They are turned where that is plain; reads of what is one ASV then are added up.
    Auto,
    /// They stay.
    #[default]
    AsIs,
}

impl Orient {
    /// Whether sequences stay.
    pub fn is_as_is(&self) -> bool {
        *self == Self::AsIs
    }
}

/// Where on the gene, and which way, most ASVs of a table lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The variable regions, such as `V4`.
    pub region: Option<String>,
    /// First base in *E. coli*.
    pub start: i64,
    /// Last base in *E. coli*.
    pub end: i64,
    /// ASVs that run as the gene.
    pub forwards: usize,
    /// ASVs that are reverse complements of it.
    pub reversed: usize,
    /// Other ASVs that were looked at.
    pub unplaced: usize,
}

impl Lie {
    /// Of `sequences`; nothing where most of them are nowhere on the gene.
    pub fn of<'a>(sequences: impl Iterator<Item = &'a str>) -> Option<Self> {
        let found: Vec<Option<GenePlace>> = sequences.map(gene_place).collect();
        let places: Vec<GenePlace> = found.iter().flatten().copied().collect();
        // One among many may be placed by chance.
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

/// What [`Orient::Auto`] makes of the ASVs of a table.
#[derive(Clone, Debug)]
pub struct Oriented {
    /// Their sequences in upper case, all running as the gene does; none where nothing changes.
    pub changed: Option<Ids>,
    /// How many are turned.
    pub turned: usize,
    /// Where they lie, where most are on the gene.
    pub lie: Option<Lie>,
}

/// The ASVs `ids` as [`Orient::Auto`] has them; nothing where they are no sequences. Where nearly all
/// that are on the gene are reverse complements, all are turned; where some are, they alone.
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

/// The reverse complement of a sequence, IUPAC letters included.
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

    /// Bases 534 to 625 of *E. coli*, with a base of its own behind them for each.
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
    fn reversed_tables_are_turned_and_mixed_ones_in_part() {
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
    fn what_is_no_16s_gene_stays() {
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
