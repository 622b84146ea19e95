//! Where on the 16S gene a sequence lies, and which way it runs, by stretches that nearly all 16S
//! genes have.
//!
//! The stretches are the sites of common primers and others as conserved (Baker et al. 2003,
//! Klindworth et al. 2013), placed by the gene of *Escherichia coli* (J01859, 1542 bases), as is usual.
//! The bounds of the variable regions are those of Chakravorty et al. 2007.

/// A conserved stretch: where it begins in *E. coli*, counted from 1, and its letters.
const STRETCHES: [(u32, &str); 19] = [
    (8, "AGAGTTTGATYMTGGCTCAG"),
    (32, "AACGCTGGCGGCRKGCYTWA"),
    (48, "CTAACACATGCAAGTCGA"),
    (102, "GTGGCGGACGGGTGAGTAA"),
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

/// The letters of a stretch that a sequence may have otherwise.
const OTHERWISE: usize = 2;

/// The variable regions, first and last base of each.
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

/// Where a sequence lies on the gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenePlace {
    /// The base of *E. coli*'s gene that its first base is at, counted from 1; of a reversed one,
    /// that of its reverse complement. Lower than 1 where it begins before the gene.
    pub start: i64,
    /// The same of its last base, as if nothing were inserted or lacking.
    pub end: i64,
    /// Whether it is the reverse complement of the gene.
    pub reversed: bool,
}

/// Where `sequence` lies, if it holds a stretch that 16S genes have.
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

/// What the bases from `start` to `end` of the gene are called: `V4`, `V3–V4`; nothing where they
/// hold less than a quarter of any variable region.
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

/// Where the gene's base would be that the sequence begins with, by each stretch that it holds.
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

/// The bases that an IUPAC letter stands for, a bit each; none for anything else.
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
    // A, C, G, T are bits from low to high, and T, G, C, A their complements.
    bases.reverse_bits() >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bases 534 to 625 of *E. coli*, as the primers 515F and 806R give them.
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
    fn a_sequence_is_placed_whichever_way_it_runs() {
        let place = gene_place(V4).unwrap();
        assert_eq!((place.start, place.end, place.reversed), (534, 625, false));
        let turned = gene_place(&reverse_complement(V4)).unwrap();
        assert_eq!((turned.start, turned.reversed), (534, true));
        // In other letters, and with two of a stretch's bases changed.
        let lower = V4.to_lowercase().replace('t', "u");
        assert_eq!(gene_place(&lower), Some(place));
        assert_eq!(gene_place(&V4.replace("CTGGGCG", "CAGGCCG")), Some(place));
        assert_eq!(gene_place(&V4.replace("CTGGGCG", "CAGCCCG")), None);
        assert_eq!(gene_place(&"ACGT".repeat(60)), None);
        assert_eq!(gene_place("not a sequence at all"), None);
        assert_eq!(gene_place(""), None);
    }

    #[test]
    fn regions_are_those_that_are_there_for_a_quarter() {
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
