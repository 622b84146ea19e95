//! Regions of 16S genes amplified by common primers.
//!
//! Positions refer, as usual, to the gene of *Escherichia coli* (J01859).

use super::gene_place::{bases, gene_place};

/// A primer on the strand of the gene, and its position.
#[derive(Clone, Copy, Debug)]
struct Site {
    /// Position of its first base in *E. coli*, counted from 1.
    place: i64,
    letters: &'static str,
}

/// An amplicon: the region between two primers.
#[derive(Clone, Copy, Debug)]
pub struct Amplicon {
    /// The variable regions, such as `V4`.
    pub name: &'static str,
    /// The primers before its first and after its last base.
    forward: Site,
    reverse: Site,
}

const fn site(place: i64, letters: &'static str) -> Site {
    Site { place, letters }
}

const F27: Site = site(8, "AGAGTTTGATCMTGGCTCAG");
const F341: Site = site(341, "CCTACGGGNGGCWGCAG");
const F515: Site = site(515, "GTGYCAGCMGCCGCGGTAA");
const F784: Site = site(784, "AGGATTAGATACCCTGGTA");
const F969: Site = site(969, "ACGCGHNRAACCTTACC");
const R338: Site = site(338, "ACTCCTACGGGAGGCAGC");
const R534: Site = site(518, "CCAGCAGCCGCGGTAAT");
const R805: Site = site(785, "GGATTAGATACCCBDGTAGTC");
const R806: Site = site(787, "ATTAGAWACCCBNGTAGTCC");
const R926: Site = site(907, "AAACTYAAAKGAATTGACGG");
const R1061: Site = site(1045, "GTCGTCAGCTCGTGYYG");
const R1406: Site = site(1390, "TTGYACWCACYGCCCGT");

const fn amplicon(name: &'static str, forward: Site, reverse: Site) -> Amplicon {
    Amplicon {
        name,
        forward,
        reverse,
    }
}

/// The amplicons of common primer pairs.
pub const AMPLICONS: [Amplicon; 8] = [
    amplicon("V1–V2", F27, R338),
    amplicon("V1–V3", F27, R534),
    amplicon("V3–V4", F341, R805),
    amplicon("V3–V5", F341, R926),
    amplicon("V4", F515, R806),
    amplicon("V4–V5", F515, R926),
    amplicon("V5–V6", F784, R1061),
    amplicon("V6–V8", F969, R1406),
];

/// Bases searched on either side of a primer's expected position.
const AROUND: i64 = 60;
/// Allowed mismatches between a gene and a primer.
const OTHERWISE: usize = 4;
/// Minimum number of bases of an amplicon.
const SHORTEST: usize = 90;

/// Position of each of [`AMPLICONS`] in `gene`; `None` for those of which it contains less than 90
/// bases. `None` overall if `gene` is not a 16S gene or is reversed.
pub fn amplicons_of(gene: &str) -> Option<[Option<(u32, u32)>; AMPLICONS.len()]> {
    let place = gene_place(gene).filter(|place| !place.reversed)?;
    let letters = gene.as_bytes();
    Some(AMPLICONS.map(|amplicon| {
        let begin = match found(letters, amplicon.forward, place.start) {
            Some(at) => at + amplicon.forward.letters.len(),
            None => {
                let behind = amplicon.forward.place + amplicon.forward.letters.len() as i64;
                (behind - place.start).max(0) as usize
            }
        };
        let end = found(letters, amplicon.reverse, place.start)
            .unwrap_or((amplicon.reverse.place - place.start).max(0) as usize)
            .min(letters.len());
        (begin + SHORTEST <= end).then_some((begin as u32, end as u32))
    }))
}

/// Position of `site` in a gene whose first base is at `start` of *E. coli*'s.
fn found(letters: &[u8], site: Site, start: i64) -> Option<usize> {
    let wanted = site.letters.as_bytes();
    let expected = site.place - start;
    let last = letters.len() as i64 - wanted.len() as i64;
    let places = (expected - AROUND).max(0)..=(expected + AROUND).min(last);
    let others = |at: i64| {
        let window = &letters[at as usize..at as usize + wanted.len()];
        let pairs = window.iter().zip(wanted);
        pairs.filter(|&(&a, &b)| bases(a) & bases(b) == 0).count()
    };
    let (fewest, at) = places.map(|at| (others(at), at)).min()?;
    (fewest <= OTHERWISE).then_some(at as usize)
}
