//! Reference genes with their amplicons, taxa and tips of the tree.

use std::collections::{BTreeMap, BTreeSet};

use aam_core::random::stream;
use aam_data::{AMPLICONS, RANK_NAMES as RANKS, Sequences, Taxonomy, Tree, amplicons_of};
use aam_run::RunError;
use rand::RngExt;
use rayon::prelude::*;

/// The ranks that are learned, as indices into a lineage: phylum, class, order, family, genus.
pub const LEARNED_RANKS: [usize; 5] = [1, 2, 3, 4, 5];
/// Index of the family in a lineage.
pub const FAMILY: usize = 4;
/// Index of the genus in a lineage.
pub const GENUS: usize = 5;
/// The fraction of families, and of the genera of other families, that are held out.
const HELD_OUT: [(usize, f64); 2] = [(FAMILY, 0.05), (GENUS, 0.1)];

/// A reference gene.
#[derive(Clone, Debug)]
pub struct Gene {
    /// The sequence in upper case.
    pub sequence: String,
    /// Start and end of each of [`AMPLICONS`] that the gene has.
    pub amplicons: [Option<(u32, u32)>; AMPLICONS.len()],
    /// Its tip of the tree.
    pub tip: usize,
    /// Its taxa by rank, numbered over all genes.
    pub taxa: [Option<u32>; RANKS.len()],
}

/// Training genes, and genes of held-out taxa.
#[derive(Clone, Debug)]
pub struct Genes {
    /// The training genes.
    pub training: Vec<Gene>,
    /// Genes of families that are held out as a whole.
    pub held_out_families: Vec<Gene>,
    /// Genes of genera that are held out as a whole, from other families.
    pub held_out_genera: Vec<Gene>,
    /// The number of taxa at each rank.
    pub taxa: [usize; RANKS.len()],
    /// The number of genes skipped for lack of an amplicon, tip or lineage.
    pub left_out: usize,
    /// The tree of the tips.
    pub tree: Tree,
}

impl Genes {
    /// The genes among `sequences` that have an amplicon, a tip of `tree` and a lineage.
    ///
    /// # Errors
    /// There are none.
    pub fn new(
        sequences: &Sequences,
        taxonomy: &Taxonomy,
        tree: Tree,
        seed: u64,
    ) -> Result<Self, RunError> {
        let pairs: Vec<(&str, &str)> = sequences.ids().zip(sequences.iter()).collect();
        let amplicons: Vec<_> = pairs
            .par_iter()
            .map(|(_, gene)| amplicons_of(gene).filter(|all| all.iter().flatten().count() > 1))
            .collect();
        let mut numbers: [BTreeMap<String, u32>; RANKS.len()] = Default::default();
        let mut genes = Vec::new();
        for ((id, gene), amplicons) in pairs.iter().zip(amplicons) {
            let (tip, lineage) = (tree.tip(id), taxonomy.get(id));
            let (Some(amplicons), Some(tip), Some(lineage)) = (amplicons, tip, lineage) else {
                continue;
            };
            let mut path = String::new();
            let taxa = std::array::from_fn(|rank| {
                // Greengenes puts contested names in brackets.
                let name = lineage.rank(rank).map(|name| name.trim_matches(['[', ']']));
                path.push(';');
                path.push_str(name.unwrap_or_default());
                let next = numbers[rank].len() as u32;
                name.map(|_| *numbers[rank].entry(path.clone()).or_insert(next))
            });
            genes.push(Gene {
                sequence: (*gene).to_owned(),
                amplicons,
                tip,
                taxa,
            });
        }
        if genes.is_empty() {
            return Err(RunError::Usage(
                "no sequence is a 16S gene with a tip of the tree and a lineage; \
                 the three files must use the same ids"
                    .to_owned(),
            ));
        }
        let left_out = sequences.len() - genes.len();
        let taxa = numbers.map(|numbers| numbers.len());
        let [families, genera] =
            HELD_OUT.map(|(rank, share)| held_out(rank, taxa[rank], share, seed));
        let is_in = |gene: &Gene, rank: usize, held: &BTreeSet<u32>| {
            gene.taxa[rank].is_some_and(|taxon| held.contains(&taxon))
        };
        let (held_out_families, genes): (Vec<_>, Vec<_>) = genes
            .into_iter()
            .partition(|gene| is_in(gene, FAMILY, &families));
        let (held_out_genera, training): (Vec<_>, Vec<_>) = genes
            .into_iter()
            .partition(|gene| is_in(gene, GENUS, &genera));
        Ok(Self {
            training,
            held_out_families,
            held_out_genera,
            taxa,
            left_out,
            tree,
        })
    }
}

fn held_out(rank: usize, taxa: usize, share: f64, seed: u64) -> BTreeSet<u32> {
    let mut random = stream(seed, &format!("held-out {}", RANKS[rank]));
    (0..taxa as u32)
        .filter(|_| random.random::<f64>() < share)
        .collect()
}
