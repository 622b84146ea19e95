//! Evaluation of an encoder on taxa that it has not seen.

use std::fmt;

use aam_api::metric::Moments;
use aam_api::{BoxedAsvEncoder, MixedPrecision};
use aam_core::random::stream;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rayon::prelude::*;

use crate::genes::{FAMILY, GENUS, Gene, Genes};
use crate::losses::unit;
use crate::reads::{batch, read};
use crate::tree_distances::TreeDistances;

/// Number of reference reads that are searched for nearest neighbours.
const REFERENCES: usize = 20_000;
/// Number of query reads.
const QUERIES: usize = 2_000;
/// Number of pairs of reads whose distances are compared.
const PAIRS: usize = 100_000;
/// Read length in bases.
const BASES: usize = 150;
/// Number of reads encoded at once.
const CHUNK: usize = 512;

/// A region: the number of an amplicon, and which end of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The name of the region.
    pub name: &'static str,
    amplicon: usize,
    from_start: bool,
}

const fn region(name: &'static str, amplicon: usize, from_start: bool) -> Region {
    Region {
        name,
        amplicon,
        from_start,
    }
}

impl Region {
    fn read(self, gene: &Gene) -> Option<&str> {
        read(gene, self.amplicon, BASES, self.from_start)
    }
}

/// The 150 bases upstream of 338R.
pub const V2: Region = region("V2", 0, false);
/// The 150 bases downstream of 515F.
pub const V4: Region = region("V4", 4, true);
/// The evaluated pairs of regions: of the query reads and of the references.
pub const PAIRS_OF_REGIONS: [(Region, Region); 8] = [
    (V4, V4),
    (V2, V2),
    (region("V3", 2, true), region("V3", 2, true)),
    (region("V5", 6, true), region("V5", 6, true)),
    (region("V6", 7, true), region("V6", 7, true)),
    (V2, V4),
    (region("V3", 2, true), V4),
    (region("V6", 7, true), V4),
];

/// A row of the evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Region of the query reads.
    pub query: &'static str,
    /// Region of the references.
    pub reference: &'static str,
    /// The fraction of reads of held-out genera whose nearest reference from another genus is of
    /// the same family.
    pub family: f64,
    /// The fraction whose nearest reference among other organisms of all genera is of the same
    /// genus.
    pub genus: f64,
    /// Correlation of embedding distances with tree distances for pairs of held-out genera.
    pub r_genera: f64,
    /// The same for held-out families.
    pub r_families: f64,
}

impl fmt::Display for Judged {
    /// Formats a row of `evaluation.tsv`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{:.4}\t{:.4}\t{:.4}\t{:.4}",
            self.query, self.reference, self.family, self.genus, self.r_genera, self.r_families
        )
    }
}

/// Computes embeddings of reads with unit norm.
pub type Embed<'a> = dyn Fn(&[&str]) -> Tensor<2> + 'a;

/// An embedding function for `encoder`, on a device without gradients.
pub fn embedding<'a>(
    encoder: &'a BoxedAsvEncoder,
    device: &'a Device,
) -> impl Fn(&[&str]) -> Tensor<2> + 'a {
    move |reads| {
        let chunks = reads.chunks(CHUNK).map(|reads| {
            let tokens = batch(reads, device);
            unit(encoder.forward(tokens, MixedPrecision::None))
        });
        Tensor::cat(chunks.collect(), 0)
    }
}

/// Unit-norm bags of 6-mers, as a baseline embedding: the cosine measures the fraction of shared
/// 6-mers.
pub fn kmers(reads: &[&str]) -> Tensor<2> {
    const K: usize = 6;
    const ALL: usize = 1 << (2 * K);
    let mut counts = vec![0f32; reads.len() * ALL];
    for (row, read) in counts.chunks_mut(ALL).zip(reads) {
        for kmer in aam_data::kmers(read, K) {
            row[kmer as usize] += 1.0;
        }
    }
    let counts = TensorData::new(counts, [reads.len(), ALL]);
    unit(Tensor::from_data(counts, &Device::flex()))
}

/// Evaluates `embed` on each of [`PAIRS_OF_REGIONS`].
pub fn judge(genes: &Genes, embed: &Embed<'_>, seed: u64) -> Vec<Judged> {
    let judge = Judge {
        genes,
        embed,
        distances: TreeDistances::of(&genes.tree),
        seed,
    };
    let pairs = PAIRS_OF_REGIONS.iter().map(|&regions| Judged {
        query: regions.0.name,
        reference: regions.1.name,
        family: judge.nearest(FAMILY, regions),
        genus: judge.nearest(GENUS, regions),
        r_genera: judge.correlation(&genes.held_out_genera, regions),
        r_families: judge.correlation(&genes.held_out_families, regions),
    });
    pairs.collect()
}

struct Judge<'a> {
    genes: &'a Genes,
    embed: &'a Embed<'a>,
    distances: TreeDistances,
    seed: u64,
}

impl Judge<'_> {
    /// The embeddings of reads of `genes`.
    fn embedded(&self, genes: &[&Gene], region: Region) -> Tensor<2> {
        let reads = genes.iter().filter_map(|gene| region.read(gene));
        (self.embed)(&reads.collect::<Vec<&str>>())
    }

    /// The fraction of reads of held-out genera whose nearest reference has the same taxon at
    /// `rank`. For the genus, all reads of held-out genera are among the references.
    fn nearest(&self, rank: usize, (query, reference): (Region, Region)) -> f64 {
        let mut random = stream(self.seed, "references");
        let known = |genes: &'_ [Gene], region: Region| -> Vec<usize> {
            let is_known = |gene: &Gene| gene.taxa[rank].is_some() && region.read(gene).is_some();
            (0..genes.len())
                .filter(|&gene| is_known(&genes[gene]))
                .collect()
        };
        let (held_out, training) = (&self.genes.held_out_genera, &self.genes.training);
        let queries = known(held_out, query);
        let queries: Vec<&Gene> = queries
            .sample(&mut random, QUERIES)
            .map(|&gene| &held_out[gene])
            .collect();
        let references = known(training, reference);
        let mut references: Vec<&Gene> = references
            .sample(&mut random, REFERENCES)
            .map(|&gene| &training[gene])
            .collect();
        if rank == GENUS {
            let others = known(held_out, reference).into_iter();
            references.extend(others.map(|gene| &held_out[gene]));
        }
        let known = self.embedded(&references, reference).transpose();
        let similar = self.embedded(&queries, query).matmul(known).into_data();
        let similar: Vec<f32> = similar.iter::<f32>().collect();
        let rows = similar.par_chunks(references.len().max(1));
        let right = queries.par_iter().zip(rows).filter(|(gene, row)| {
            let others = references.iter().zip(*row);
            let others = others.filter(|(other, _)| !std::ptr::eq(**other, **gene));
            let best = others.max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.is_some_and(|(best, _)| best.taxa[rank] == gene.taxa[rank])
        });
        right.count() as f64 / queries.len().max(1) as f64
    }

    /// Correlation of embedding distances between reads of two regions with tree distances, over
    /// pairs of different genes.
    fn correlation(&self, genes: &[Gene], (a, b): (Region, Region)) -> f64 {
        let both = |gene: &&Gene| a.read(gene).is_some() && b.read(gene).is_some();
        let genes: Vec<&Gene> = genes.iter().filter(both).collect();
        if genes.len() < 2 {
            return f64::NAN;
        }
        let rows = |region| -> Vec<f32> {
            let values = self.embedded(&genes, region).into_data();
            values.iter::<f32>().collect()
        };
        let (a, b) = (rows(a), rows(b));
        let dim = a.len() / genes.len();
        let mut random = stream(self.seed, "pairs");
        let mut moments = Moments::default();
        for _ in 0..PAIRS {
            let first = random.random_range(0..genes.len());
            let second = (first + random.random_range(1..genes.len())) % genes.len();
            let pairs = std::iter::zip(&a[first * dim..][..dim], &b[second * dim..][..dim]);
            let squares = pairs.map(|(a, b)| f64::from(a - b).powi(2));
            let along = self.distances.between(genes[first].tip, genes[second].tip);
            moments.add(squares.sum::<f64>().sqrt(), f64::from(along));
        }
        moments.correlation()
    }
}
