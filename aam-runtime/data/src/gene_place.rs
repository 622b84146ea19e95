//! Position and orientation of a sequence on the 16S gene, found by stretches that nearly all 16S genes
//! share.
//!
//! The stretches are the sites of common primers and other conserved sites (Baker et al. 2003,
//! Klindworth et al. 2013), located, as usual, on the gene of *Escherichia coli* (J01859, 1542 bases).
//! The bounds of the variable regions are those of Chakravorty et al. 2007.

/// A conserved stretch: its start in *E. coli*, counted from 1, and its letters.
const STRETCHES: [(u32, &str); 21] = [
    (8, "AGAGTTTGATYMTGGCTCAG"),
    (32, "AACGCTGGCGGCRKGCYTWA"),
    (48, "CTAACACATGCAAGTCGA"),
    (102, "GTGGCGGACGGGTGAGTAA"),
    (265, "GGCYYACCAAGGCDACGATS"),
    (312, "CACACTGGRACTGAGAYACGG"),
    (337, "GACTCCTACGGGAGGCAGCAG"),
    (359, "GGGGAATMTTGSRCAATGG"),
    (385, "CCTGAYSCAGCRAYGCCGCG"),
    (515, "GTGYCAGCMGCCGCGGTAA"),
    (559, "AWTYAYTGGGYRTAAAGSG"),
    (683, "GTGTAGMGGTGAAATKCGTAGA"),
    (721, "GGTGGCGAAGGCGGC"),
    (787, "ATTAGAWACCCBDGTAGTCC"),
    (907, "AAACTYAAAKGAATTGACGG"),
    (967, "CAACGCGAAGAACCTTACC"),
    (1099, "GYAACGAGCGCAACCC"),
    (1177, "GGAAGGTGGGGATGACGTC"),
    (1220, "GGGCTACACACGTGCTACAATGG"),
    (1391, "TGTACACACCGCCCGTC"),
    (1492, "AAGTCGTAACAAGGTARCCGTA"),
];

/// Allowed mismatches with a stretch.
const OTHERWISE: usize = 2;

/// First and last base of each variable region.
const REGIONS: [(u32, u32); 9] = [
    (69, 99),
    (137, 242),
    (433, 497),
    (576, 682),
    (822, 879),
    (986, 1043),
    (1117, 1173),
    (1243, 1294),
    (1435, 1465),
];

/// Position of a sequence on the gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenePlace {
    /// Position of its first base in *E. coli*'s gene, counted from 1; for a reversed sequence,
    /// that of its reverse complement. Below 1 if it begins before the gene.
    pub start: i64,
    /// Position of its last base, assuming no insertions or deletions.
    pub end: i64,
    /// Whether it is the reverse complement of the gene.
    pub reversed: bool,
}

/// The position of `sequence`, if it contains a conserved stretch of 16S genes.
pub fn gene_place(sequence: &str) -> Option<GenePlace> {
    let forwards: Vec<u8> = sequence.bytes().map(bases).collect();
    let backwards: Vec<u8> = forwards
        .iter()
        .rev()
        .map(|&base| complement(base))
        .collect();
    let [there, back] = [&forwards, &backwards].map(|letters| starts(letters));
    let reversed = back.len() > there.len();
    let mut starts = if reversed { back } else { there };
    starts.sort_unstable();
    let start = *starts.get(starts.len() / 2)?;
    Some(GenePlace {
        start,
        end: start + sequence.len() as i64 - 1,
        reversed,
    })
}

/// Name of the region from `start` to `end` of the gene, such as `V4` or `V3–V4`; `None` if it
/// contains less than a quarter of any variable region.
pub fn gene_region(start: i64, end: i64) -> Option<String> {
    let held = |&(first, last): &(u32, u32)| {
        let (first, last) = (i64::from(first), i64::from(last));
        let within = (end.min(last) - start.max(first) + 1).max(0);
        4 * within > last - first
    };
    let first = REGIONS.iter().position(held)? + 1;
    let last = REGIONS.iter().rposition(held)? + 1;
    Some(match first == last {
        true => format!("V{first}"),
        false => format!("V{first}–V{last}"),
    })
}

/// The position on the gene of the sequence's first base, according to each stretch it contains.
fn starts(letters: &[u8]) -> Vec<i64> {
    let found = STRETCHES.iter().filter_map(|&(place, stretch)| {
        let stretch = stretch.as_bytes();
        let mut windows = letters.windows(stretch.len());
        let at = windows.position(|window| agrees(window, stretch))?;
        Some(i64::from(place) - at as i64)
    });
    found.collect()
}

fn agrees(window: &[u8], stretch: &[u8]) -> bool {
    let mut others = 0;
    std::iter::zip(window, stretch).all(|(&letter, &wanted)| {
        others += usize::from(letter & bases(wanted) == 0);
        others <= OTHERWISE
    })
}

/// The bases that an IUPAC letter stands for, one bit each; none for other letters.
pub(crate) fn bases(letter: u8) -> u8 {
    match letter.to_ascii_uppercase() {
        b'A' => 1,
        b'C' => 2,
        b'G' => 4,
        b'T' | b'U' => 8,
        b'R' => 1 | 4,
        b'Y' => 2 | 8,
        b'S' => 2 | 4,
        b'W' => 1 | 8,
        b'K' => 4 | 8,
        b'M' => 1 | 2,
        b'B' => 2 | 4 | 8,
        b'D' => 1 | 4 | 8,
        b'H' => 1 | 2 | 8,
        b'V' => 1 | 2 | 4,
        b'N' => 15,
        _ => 0,
    }
}

fn complement(bases: u8) -> u8 {
    // The bits for A, C, G, T, from low to high, are reversed by complementing to T, G, C, A.
    bases.reverse_bits() >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bases 534 to 625 of *E. coli*, between the primers 515F and 806R.
    const V4: &str = "TACGGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCACGCAGGCGGTTTGTTAAGTCAGATGT\
                      GAAATCCCCGGGCTCAACCT";

    fn reverse_complement(sequence: &str) -> String {
        let turned = sequence.chars().rev().map(|base| match base {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            _ => 'A',
        });
        turned.collect()
    }

    #[test]
    fn a_sequence_is_placed_in_either_orientation() {
        let place = gene_place(V4).unwrap();
        assert_eq!((place.start, place.end, place.reversed), (534, 625, false));
        let turned = gene_place(&reverse_complement(V4)).unwrap();
        assert_eq!((turned.start, turned.reversed), (534, true));
        // With other letters, and with two of a stretch's bases changed.
        let lower = V4.to_lowercase().replace('t', "u");
        assert_eq!(gene_place(&lower), Some(place));
        assert_eq!(gene_place(&V4.replace("CTGGGCG", "CAGGCCG")), Some(place));
        assert_eq!(gene_place(&V4.replace("CTGGGCG", "CAGCCCG")), None);
        assert_eq!(gene_place(&"ACGT".repeat(60)), None);
        assert_eq!(gene_place("not a sequence at all"), None);
        assert_eq!(gene_place(""), None);
    }

    #[test]
    fn the_end_of_v2_is_placed() {
        let v2 = "GGCTCACCTAGGCGACGATCCCTAGCTGGTCTGAGAGGATGACCAGCCACACTGGAACTGAGACACGGTCCA";
        let place = gene_place(v2).unwrap();
        assert_eq!((place.start, place.end, place.reversed), (265, 336, false));
        let turned = gene_place(&reverse_complement(v2)).unwrap();
        assert_eq!((turned.start, turned.reversed), (265, true));
    }

    #[test]
    fn regions_count_if_a_quarter_is_covered() {
        let named = |start, end| gene_region(start, end).unwrap_or_default();
        assert_eq!(named(534, 786), "V4");
        assert_eq!(named(534, 623), "V4");
        assert_eq!(named(341, 805), "V3–V4");
        assert_eq!(named(28, 337), "V1–V2");
        assert_eq!(named(-3, 1560), "V1–V9");
        assert_eq!(named(534, 600), "");
        assert_eq!(named(243, 432), "");
    }
}
