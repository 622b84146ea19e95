//! What an encoder knows of taxa that it never saw.

use std::fmt;

use aam_api::tokens::{FIRST_BASE, LAST_BASE};
use aam_api::{BoxedAsvEncoder, MixedPrecision};
use aam_core::random::stream;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rayon::prelude::*;

use crate::genes::{FAMILY, GENUS, Gene, Genes};
use crate::losses::unit;
use crate::reads::{Window, batch};
use crate::tree_distances::TreeDistances;

/// Reference reads that the nearest is looked for in.
const REFERENCES: usize = 20_000;
/// Reads that are looked up.
const QUERIES: usize = 2_000;
/// Pairs of reads whose distances are compared.
const PAIRS: usize = 100_000;
/// Bases of a read.
const BASES: usize = 150;
/// Reads encoded at once.
const CHUNK: usize = 512;

/// Reads of a region: an amplicon's number, and which end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it is called.
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

/// The 150 bases in front of 338R.
pub const V2: Region = region("V2", 0, false);
/// The 150 bases behind 515F.
pub const V4: Region = region("V4", 4, true);
/// The pairs of regions that are judged: of the reads that are looked up and of the references.
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
    /// Region of the reads that are looked up.
    pub query: &'static str,
    /// Region of the references.
    pub reference: &'static str,
    /// The share of reads of held-out genera whose nearest reference, of another genus, is of their family.
    pub family: f64,
    /// The share whose nearest reference among other organisms of all genera is of their genus.
    pub genus: f64,
    /// Correlation of the embeddings' distances with those along the tree, of pairs of held-out genera.
    pub r_genera: f64,
    /// The same of held-out families.
    pub r_families: f64,
}

impl fmt::Display for Judged {
    /// As a row of `evaluation.tsv`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{:.4}\t{:.4}\t{:.4}\t{:.4}",
            self.query, self.reference, self.family, self.genus, self.r_genera, self.r_families
        )
    }
}

/// Embeddings of reads, 1 long.
pub type Embed<'a> = dyn Fn(&[Vec<u8>]) -> Tensor<2> + 'a;

/// `encoder`, on a device without gradients, as what is judged.
pub fn embedding<'a>(
    encoder: &'a BoxedAsvEncoder,
    device: &'a Device,
) -> impl Fn(&[Vec<u8>]) -> Tensor<2> + 'a {
    move |reads| {
        let chunks = reads.chunks(CHUNK).map(|reads| {
            let tokens = batch(reads, device);
            unit(encoder.forward(tokens, MixedPrecision::None))
        });
        Tensor::cat(chunks.collect(), 0)
    }
}

/// Bags of 6-mers, 1 long, as embeddings to compare with: the share of 6-mers that two reads have in
/// common.
pub fn kmers(reads: &[Vec<u8>]) -> Tensor<2> {
    const K: usize = 6;
    const ALL: usize = 1 << (2 * K);
    let mut counts = vec![0f32; reads.len() * ALL];
    for (row, read) in counts.chunks_mut(ALL).zip(reads) {
        for kmer in read.windows(K) {
            if kmer
                .iter()
                .all(|base| (FIRST_BASE..=LAST_BASE).contains(base))
            {
                let digits = kmer.iter().map(|base| usize::from(base - FIRST_BASE));
                row[digits.fold(0, |number, digit| 4 * number + digit)] += 1.0;
            }
        }
    }
    let counts = TensorData::new(counts, [reads.len(), ALL]);
    unit(Tensor::from_data(counts, &Device::flex()))
}

/// Judges `embed` by each of [`PAIRS_OF_REGIONS`].
pub fn judge(genes: &Genes, embed: &Embed<'_>, seed: u64) -> Vec<Judged> {
    let distances = TreeDistances::of(&genes.tree);
    let pairs = PAIRS_OF_REGIONS.iter();
    pairs
        .map(|&(query, reference)| {
            let correlation =
                |of: &[Gene]| correlation(of, (query, reference), embed, &distances, seed);
            Judged {
                query: query.name,
                reference: reference.name,
                family: nearest(genes, FAMILY, (query, reference), embed, seed),
                genus: nearest(genes, GENUS, (query, reference), embed, seed),
                r_genera: correlation(&genes.held_out_genera),
                r_families: correlation(&genes.held_out_families),
            }
        })
        .collect()
}

fn read(gene: &Gene, region: Region) -> Option<Vec<u8>> {
    let window = Window::of(gene, region.amplicon, BASES, region.from_start)?;
    Some(window.read(gene))
}

/// The share of reads of held-out genera whose nearest reference is of their taxon at `rank`.
fn nearest(
    genes: &Genes,
    rank: usize,
    (query, reference): (Region, Region),
    embed: &Embed<'_>,
    seed: u64,
) -> f64 {
    let mut random = stream(seed, "references");
    let with_read =
        |gene: &&Gene, region| gene.taxa[rank].is_some() && read(gene, region).is_some();
    let held_out: Vec<&Gene> = genes
        .held_out_genera
        .iter()
        .filter(|gene| with_read(gene, query))
        .collect();
    let queries: Vec<&Gene> = held_out.sample(&mut random, QUERIES).copied().collect();
    let mut pool: Vec<&Gene> = genes.training.iter().collect();
    if rank == GENUS {
        pool.extend(&genes.held_out_genera);
    }
    let pool: Vec<&Gene> = pool
        .into_iter()
        .filter(|gene| with_read(gene, reference))
        .collect();
    let mut references: Vec<&Gene> = pool.sample(&mut random, REFERENCES).copied().collect();
    if rank == GENUS {
        // All others of the genera that are looked up.
        references.retain(|gene| !held_out.iter().any(|other| std::ptr::eq(*other, *gene)));
        references.extend(
            genes
                .held_out_genera
                .iter()
                .filter(|gene| with_read(gene, reference)),
        );
    }
    let reads = |of: &[&Gene], region| -> Vec<Vec<u8>> {
        of.iter().filter_map(|gene| read(gene, region)).collect()
    };
    let (a, b) = (
        embed(&reads(&queries, query)),
        embed(&reads(&references, reference)),
    );
    let similar: Vec<f32> = a.matmul(b.transpose()).into_data().iter::<f32>().collect();
    let right = queries
        .par_iter()
        .zip(similar.par_chunks(references.len()))
        .filter(|(gene, row)| {
            let others = references
                .iter()
                .zip(*row)
                .filter(|(other, _)| !std::ptr::eq(**other, **gene));
            let best = others.max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.is_some_and(|(best, _)| best.taxa[rank] == gene.taxa[rank])
        });
    right.count() as f64 / queries.len().max(1) as f64
}

fn correlation(
    of: &[Gene],
    (a, b): (Region, Region),
    embed: &Embed<'_>,
    distances: &TreeDistances,
    seed: u64,
) -> f64 {
    let genes: Vec<&Gene> = of
        .iter()
        .filter(|gene| read(gene, a).is_some() && read(gene, b).is_some())
        .collect();
    if genes.len() < 3 {
        return f64::NAN;
    }
    let mut random = stream(seed, "pairs");
    let reads =
        |region| -> Vec<Vec<u8>> { genes.iter().filter_map(|gene| read(gene, region)).collect() };
    let rows = |region| -> Vec<Vec<f32>> {
        let z = embed(&reads(region));
        let [_, dim] = z.dims();
        let values: Vec<f32> = z.into_data().iter::<f32>().collect();
        values.chunks(dim).map(<[f32]>::to_vec).collect()
    };
    let (a, b) = (rows(a), rows(b));
    let (mut x, mut y) = (Vec::new(), Vec::new());
    while x.len() < PAIRS {
        let (i, j) = (
            random.random_range(0..genes.len()),
            random.random_range(0..genes.len()),
        );
        if i == j {
            continue;
        }
        let squares = a[i]
            .iter()
            .zip(&b[j])
            .map(|(a, b)| f64::from(a - b).powi(2));
        x.push(squares.sum::<f64>().sqrt());
        y.push(f64::from(distances.between(genes[i].tip, genes[j].tip)));
    }
    pearson(&x, &y)
}

fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    let product: f64 = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let square = |v: &[f64], m: f64| v.iter().map(|v| (v - m).powi(2)).sum::<f64>();
    product / (square(x, mx) * square(y, my)).sqrt()
}
