//! A compact summary of the training samples, used to assess how familiar new samples are to a
//! model.
//!
//! It holds a hash of each ASV, the k-mers shared by most ASVs, and profiles of the most abundant
//! ASVs of the samples: 8 bytes per ASV and at most 2 kB per sample, for at most 250 000 ASVs and
//! 1000 samples. A new sample is compared with the distribution of distances among the training
//! samples, each of which was compared with those of other groups.

mod file;
mod kmers;
mod references;
mod remarks;

use std::collections::HashMap;

use rayon::prelude::*;

use aam_data::Table;
use aam_run::predictions::Likeness;

use kmers::Kmers;
use references::{Nearest, References, chosen, profile};

/// The name of the file in a checkpoint.
pub const FILE: &str = "familiarity.safetensors";

/// Maximum number of ASVs that are stored: those with the most reads.
const MOST_ASVS: usize = 250_000;
/// Maximum number of values that are stored of a distribution.
const MOST_VALUES: usize = 1000;
/// Quantile of the distances between training samples that defines the limit.
const USUAL: f64 = 0.99;
/// Fraction of reads in ASVs not seen in training up to which a sample is considered similar.
const FEW_UNSEEN: f32 = 0.1;
/// Tolerance for rounding errors of sums.
const ROUNDING: f32 = 1e-5;

/// The summary of the training samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiarity {
    /// The hashes of the ASVs, ascending.
    asvs: Vec<u64>,
    /// Lengths of the shortest, the median and the longest ASV in bases.
    lengths: [u32; 3],
    /// K-mers shared by many ASVs.
    kmers: Kmers,
    /// The reference samples for comparisons.
    references: References,
    /// The distances of the references from the nearest one of another group, ascending.
    distances: Vec<f32>,
    /// The fraction of each sample's reads in ASVs that occur in no sample of another group,
    /// ascending.
    unseen: Vec<f32>,
}

/// The comparison of a table with the training samples.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The likeness of each sample.
    pub samples: Vec<Likeness>,
    /// A summary as a single line.
    pub summary: String,
    /// Possible problems of the entire table.
    pub warnings: Vec<String>,
}

impl Familiarity {
    /// Summarises the samples at `train` of `table`. `groups` are the groups of the samples, if
    /// known.
    pub fn of(table: &Table, train: &[usize], groups: Option<&[usize]>) -> Self {
        let names = names(table);
        let group = |row: usize| groups.map_or(row, |groups| groups[row]);
        let holders = holders(table, &names, train, group);
        let asvs = kept(&holders);
        let rows = chosen(train);
        let references = References::of(table, &names, &rows, &asvs);
        let nearest = Nearest::new(&references, &asvs);
        let several = rows.iter().any(|&row| group(row) != group(rows[0]));
        let distances: Vec<f32> = match several {
            false => Vec::new(),
            true => rows
                .par_iter()
                .map(|&row| {
                    let other = |sample: usize| group(rows[sample]) != group(row);
                    nearest.distance(&profile(table, &names, row), other)
                })
                .collect(),
        };
        let unseen = train.iter().map(|&row| {
            unseen_part(table, row, |column| {
                let name = names[column];
                let shared = holders.get(&name).is_some_and(|holder| holder.shared);
                shared && asvs.binary_search(&name).is_ok()
            })
        });
        let unseen = if several {
            unseen.collect()
        } else {
            Vec::new()
        };
        let columns = first_columns(&names, &asvs);
        let sequences = spread(&columns).map(|column| &table.feature_ids()[column]);
        Self {
            lengths: lengths(columns.iter().map(|&column| &table.feature_ids()[column])),
            kmers: Kmers::of(sequences),
            references,
            distances: distribution(distances),
            unseen: distribution(unseen),
            asvs,
        }
    }

    /// Compares the samples of `table` with the training samples.
    pub fn compare(&self, table: &Table) -> Comparison {
        let names = names(table);
        let is_known: Vec<bool> = names
            .iter()
            .map(|name| self.asvs.binary_search(name).is_ok())
            .collect();
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let nearest = Nearest::new(&self.references, &self.asvs);
        let distances = nearest.distances(table, &names, &rows);
        let (furthest, strangest) = (limit(&self.distances), limit(&self.unseen).max(FEW_UNSEEN));
        let samples: Vec<Likeness> = rows
            .iter()
            .zip(distances)
            .map(|(&row, distance)| {
                let unseen = unseen_part(table, row, |column| is_known[column]);
                Likeness {
                    unseen_reads: f64::from(unseen),
                    distance: f64::from(distance),
                    unlike: unseen >= 1.0
                        || unseen > strangest + ROUNDING
                        || distance > furthest + ROUNDING,
                }
            })
            .collect();
        Comparison {
            summary: remarks::summary(&samples),
            warnings: self.warnings(table, &is_known, &samples),
            samples,
        }
    }
}

/// The groups in which an ASV occurs.
struct Holder {
    reads: u64,
    group: usize,
    /// Whether it occurs in several groups.
    shared: bool,
}

fn holders(
    table: &Table,
    names: &[u64],
    train: &[usize],
    group: impl Fn(usize) -> usize,
) -> HashMap<u64, Holder> {
    let mut holders: HashMap<u64, Holder> = HashMap::new();
    for &row in train {
        let (columns, counts) = table.row(row);
        for (&column, &count) in columns.iter().zip(counts) {
            let holder = holders.entry(names[column as usize]).or_insert(Holder {
                reads: 0,
                group: group(row),
                shared: false,
            });
            holder.reads += u64::from(count);
            holder.shared |= holder.group != group(row);
        }
    }
    holders
}

/// The hashes of the ASVs to store, ascending.
fn kept(holders: &HashMap<u64, Holder>) -> Vec<u64> {
    let mut kept: Vec<u64> = holders.keys().copied().collect();
    if kept.len() > MOST_ASVS {
        let reads = |name: &u64| holders.get(name).map_or(0, |holder| holder.reads);
        kept.sort_unstable_by_key(|name| (std::cmp::Reverse(reads(name)), *name));
        kept.truncate(MOST_ASVS);
    }
    kept.sort_unstable();
    kept
}

/// The fraction of the reads of the sample at `row` in unknown ASVs. `is_known` takes the column of
/// an ASV.
fn unseen_part(table: &Table, row: usize, is_known: impl Fn(usize) -> bool) -> f32 {
    let (columns, counts) = table.row(row);
    let reads: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let cells = columns.iter().zip(counts);
    let unseen = cells.filter(|(column, _)| !is_known(**column as usize));
    let unseen: u64 = unseen.map(|(_, &count)| u64::from(count)).sum();
    (unseen as f64 / reads.max(1) as f64) as f32
}

/// A column for each of the hashes `asvs`, sorted by hash.
fn first_columns(names: &[u64], asvs: &[u64]) -> Vec<usize> {
    let mut columns: Vec<(u64, usize)> = names.iter().copied().zip(0..).collect();
    columns.retain(|(name, _)| asvs.binary_search(name).is_ok());
    columns.sort_unstable();
    columns.dedup_by_key(|(name, _)| *name);
    columns.into_iter().map(|(_, column)| column).collect()
}

/// A subset of `columns` for extracting k-mers, evenly spaced.
fn spread(columns: &[usize]) -> impl Iterator<Item = usize> {
    let kept = columns.len().min(kmers::MOST_ASVS);
    (0..kept).map(move |i| columns[i * columns.len() / kept])
}

/// Lengths of the shortest, the median and the longest of `sequences` in bases.
fn lengths<'a>(sequences: impl Iterator<Item = &'a str>) -> [u32; 3] {
    let mut lengths: Vec<u32> = sequences.map(|sequence| sequence.len() as u32).collect();
    lengths.sort_unstable();
    match lengths.as_slice() {
        [] => [0; 3],
        [first, .., last] => [*first, lengths[lengths.len() / 2], *last],
        [only] => [*only; 3],
    }
}

/// Sorts `values`, and thins them out evenly.
fn distribution(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    match values.len() > MOST_VALUES {
        true => (0..MOST_VALUES)
            .map(|i| values[i * last / (MOST_VALUES - 1)])
            .collect(),
        false => values,
    }
}

/// The limit that similar new values exceed with probability 1 − [`USUAL`], given the ascending
/// `values`.
fn limit(values: &[f32]) -> f32 {
    let rank = (USUAL * (values.len() + 1) as f64).ceil() as usize;
    let place = rank.min(values.len()).saturating_sub(1);
    values.get(place).copied().unwrap_or(1.0)
}

/// A hash of each ASV of `table`, which depends only on its sequence and not on the machine.
fn names(table: &Table) -> Vec<u64> {
    table.feature_ids().iter().map(name).collect()
}

/// The FNV-1a hash (Fowler, Noll and Vo) of a sequence, mixed so that all bits matter.
fn name(sequence: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for letter in sequence.bytes() {
        let letter = match letter.to_ascii_uppercase() {
            b'U' => b'T',
            letter => letter,
        };
        hash = (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests;
