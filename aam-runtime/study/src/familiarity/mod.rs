//! How familiar samples are to a model: what it keeps of its training samples to say so.
//!
//! Of the ASVs it keeps a hash each, and the stretches that most of them have; of the samples, the
//! shares of their most abundant ASVs. That is 8 bytes an ASV and 2 kB a sample at most, for
//! 250 000 ASVs and 1000 samples at most. Whether a new sample is unlike them is judged by how unlike
//! one another they are: each was compared with those of other groups.

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

/// Name of its file in a checkpoint.
pub const FILE: &str = "familiarity.safetensors";

/// Most ASVs that are remembered: those with most reads.
const MOST_ASVS: usize = 250_000;
/// Most values that are kept of a distribution.
const MOST_VALUES: usize = 1000;
/// Part of the training samples that are no further from the others than the limit.
const USUAL: f64 = 0.99;
/// Part of its reads in ASVs that training never saw up to which a sample is not unlike.
const FEW_UNSEEN: f32 = 0.1;
/// What a rounded sum may be off by.
const ROUNDING: f32 = 1e-5;

/// What is kept of the training samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiarity {
    /// Names of the ASVs, ascending.
    asvs: Vec<u64>,
    /// Bases of the shortest, the median and the longest ASV.
    lengths: [u32; 3],
    /// Stretches that many ASVs have.
    kmers: Kmers,
    /// Samples to compare with.
    references: References,
    /// How far these are from the nearest one of another group, ascending.
    distances: Vec<f32>,
    /// Part of the reads of each sample in ASVs that no sample of another group has, ascending.
    unseen: Vec<f32>,
}

/// How a table compares with the training samples.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Of each sample.
    pub samples: Vec<Likeness>,
    /// In a line.
    pub summary: String,
    /// What may be wrong with the table as a whole.
    pub warnings: Vec<String>,
}

impl Familiarity {
    /// What is to be kept of the samples at `train` of `table`; `groups` says which samples belong
    /// together, where that is known.
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

    /// Compares the samples of `table` with them.
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

/// Who has an ASV.
struct Holder {
    reads: u64,
    group: usize,
    /// Whether several groups have it.
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

/// The names of the ASVs to remember, ascending.
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

/// Part of the reads of the sample at `row` in ASVs, by their columns, that are not known.
fn unseen_part(table: &Table, row: usize, is_known: impl Fn(usize) -> bool) -> f32 {
    let (columns, counts) = table.row(row);
    let reads: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let cells = columns.iter().zip(counts);
    let unseen = cells.filter(|(column, _)| !is_known(**column as usize));
    let unseen: u64 = unseen.map(|(_, &count)| u64::from(count)).sum();
    (unseen as f64 / reads.max(1) as f64) as f32
}

/// A column of each of the ASVs `asvs`, in the order of their names.
fn first_columns(names: &[u64], asvs: &[u64]) -> Vec<usize> {
    let mut columns: Vec<(u64, usize)> = names.iter().copied().zip(0..).collect();
    columns.retain(|(name, _)| asvs.binary_search(name).is_ok());
    columns.sort_unstable();
    columns.dedup_by_key(|(name, _)| *name);
    columns.into_iter().map(|(_, column)| column).collect()
}

/// As many of `columns` as stretches are taken from, spread evenly.
fn spread(columns: &[usize]) -> impl Iterator<Item = usize> {
    let kept = columns.len().min(kmers::MOST_ASVS);
    (0..kept).map(move |i| columns[i * columns.len() / kept])
}

/// Bases of the shortest, the median and the longest of `sequences`.
fn lengths<'a>(sequences: impl Iterator<Item = &'a str>) -> [u32; 3] {
    let mut lengths: Vec<u32> = sequences.map(|sequence| sequence.len() as u32).collect();
    lengths.sort_unstable();
    match lengths.as_slice() {
        [] => [0; 3],
        [first, .., last] => [*first, lengths[lengths.len() / 2], *last],
        [only] => [*only; 3],
    }
}

/// `values` in ascending order, thinned out evenly.
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

/// The value that [`USUAL`] of new ones do not exceed, where they are like the ascending `values`.
fn limit(values: &[f32]) -> f32 {
    let rank = (USUAL * (values.len() + 1) as f64).ceil() as usize;
    let place = rank.min(values.len()).saturating_sub(1);
    values.get(place).copied().unwrap_or(1.0)
}

/// A number for each ASV of `table`, the same for the same sequence on every machine.
fn names(table: &Table) -> Vec<u64> {
    table.feature_ids().iter().map(name).collect()
}

/// The hash of Fowler, Noll and Vo (1a) of a sequence, mixed so that all bits count.
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
