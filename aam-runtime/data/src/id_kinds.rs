//! What the ids of a table are: sequences, lineages or names.

use super::Ids;
use super::taxonomy::rank_of;

/// Shortest id with gaps that is considered an aligned sequence.
const SHORTEST_ALIGNED: usize = 20;

/// What the ids of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdsAre {
    /// Sequences, possibly with a few faulty ones.
    Sequences,
    /// Lineages, such as `k__Bacteria;p__Firmicutes` or `k__Bacteria|p__Firmicutes`.
    Lineages,
    /// Any other names: hashes, numbers of OTUs or genomes, genera.
    Names,
}

impl IdsAre {
    /// What most of `ids` are.
    pub fn of(ids: &Ids) -> Self {
        let most = |is: fn(&str) -> bool| 2 * ids.iter().filter(|id| is(id)).count() >= ids.len();
        if most(is_sequence) {
            Self::Sequences
        } else if most(is_lineage) {
            Self::Lineages
        } else {
            Self::Names
        }
    }
}

fn is_sequence(id: &str) -> bool {
    let letter = |letter: u8| b"ACGTURYSWKMBDHVN".contains(&letter.to_ascii_uppercase());
    let gap = |letter: u8| matches!(letter, b'-' | b'.') && id.len() >= SHORTEST_ALIGNED;
    !id.is_empty() && id.bytes().all(|byte| letter(byte) || gap(byte))
}

/// Whether `id` lists taxa from the domain down.
pub(super) fn is_lineage(id: &str) -> bool {
    let ranks = ranks(id);
    let highest = id.split_once("__").map(|(prefix, _)| prefix.trim());
    match highest.and_then(rank_of) {
        Some(rank) => rank == 0 && ranks.len() > 1,
        None => id.contains(';') && ranks.len() > 2,
    }
}

/// The names of a lineage from the domain to the lowest known rank.
pub(super) fn ranks(lineage: &str) -> Vec<&str> {
    let separator = if lineage.contains(';') { ';' } else { '|' };
    let mut ranks: Vec<&str> = lineage.split(separator).map(str::trim).collect();
    let says = |part: &str| {
        !part
            .split_once("__")
            .map_or(part, |(_, name)| name)
            .is_empty()
    };
    while ranks.last().is_some_and(|part| !says(part)) {
        ranks.pop();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_decides_the_kind_of_ids() {
        let of = |ids: &[&str]| IdsAre::of(&ids.iter().collect());
        let aligned = "ACGT--ACGTACGTACGTACGT";
        for ids in [&["ACGT", "acgun", "otu1"][..], &[aligned], &[]] {
            assert_eq!(of(ids), IdsAre::Sequences, "{ids:?}");
        }
        for id in [
            "k__Bacteria|p__Firmicutes",
            "d__Bacteria; p__Firmicutes;c__",
            "D_0__Bacteria;D_1__Firmicutes",
            "Bacteria;Firmicutes;Clostridia",
        ] {
            assert_eq!(of(&[id]), IdsAre::Lineages, "{id}");
        }
        for id in [
            "4439353",
            "d41d8cd98f00b204e9800998ecf8427e",
            "G000006925",
            "Blautia",
            "otu1;size=12;",
            "k__Bacteria;p__",
        ] {
            assert_eq!(of(&[id]), IdsAre::Names, "{id}");
        }
    }

    #[test]
    fn ranks_end_with_the_lowest_known_one() {
        assert_eq!(ranks("k__A; p__B;c__;o__"), ["k__A", "p__B"]);
        assert_eq!(ranks("k__A|p__B|c__|o__D"), ["k__A", "p__B", "c__", "o__D"]);
    }
}
