//! The contents of the table: samples, their reads and ASVs, and a suggested rarefaction depth.

use std::collections::HashMap;

use aam_core::DataError;
use aam_data::{Table, mismatch};
use aam_evaluation::distribution::Distribution;
use aam_report::check::{Rarefaction, SamplesFound};

use super::files::Study;
use super::{Findings, examples};

/// Fractions of the samples that a rarefaction depth may keep, best first.
const KEPT: [f64; 4] = [1.0, 0.95, 0.9, 0.8];
/// Number of reads that is informative about a sample.
const ENOUGH_READS: f64 = 1000.0;
/// Minimum rarefaction depth as a fraction of the median number of reads.
const PART_OF_MEDIAN: f64 = 0.1;
/// Fewer reads carry almost no information.
const FEW_READS: u64 = 100;
/// Samples with fewer ASVs may be identical by chance.
const ASVS_TO_COMPARE: usize = 5;

/// Describes the table, and reports its problems.
pub fn section(study: &Study, found: &mut Findings) -> Option<SamplesFound> {
    let (path, table) = study.table.as_ref()?;
    let depths: Vec<u64> = (0..table.num_samples())
        .map(|row| table.depth(row))
        .collect();
    let full: Vec<usize> = (0..depths.len()).filter(|&row| depths[row] > 0).collect();
    let ids = table.sample_ids();
    let empty = (0..depths.len()).filter(|&row| depths[row] == 0);
    let empty = examples(empty.map(|row| ids[row].as_str()));
    if full.is_empty() {
        found.stop(DataError::in_file(path, "no sample has any reads"));
    }
    let (asvs, asvs_of_one_sample) = occurrences(table);
    let reads: u64 = depths.iter().sum();
    let depth = Distribution::of_counts(full.iter().map(|&row| depths[row]));
    let few = |&&row: &&usize| {
        let below = |median: f64| (depths[row] as f64) < PART_OF_MEDIAN * median;
        depths[row] < FEW_READS && depth.as_ref().is_some_and(|depth| below(depth.median))
    };
    let few = examples(full.iter().filter(few).map(|&row| ids[row].as_str()));
    if few.count > 0 {
        let problem = format!(
            "samples with fewer than {FEW_READS} reads: {}, such as {}",
            few.count,
            few.examples.join(", ")
        );
        found.warn(DataError::in_file(path, problem).help(
            "so few reads are hardly informative: --rarefy-depth drops samples with fewer reads",
        ));
    }
    let same_reads = same_reads(table, &full);
    if let Some(first) = same_reads.first() {
        let samples: usize = same_reads.iter().map(Vec::len).sum();
        let problem = format!(
            "samples whose reads are identical to those of another sample: {samples}, such as {}",
            mismatch::three(first.iter().map(String::as_str))
        );
        found.warn(
            DataError::in_file(path, problem)
                .help("keep one of each, or held-out samples are also used for training"),
        );
    }
    Some(SamplesFound {
        samples: full.len(),
        empty,
        asvs,
        asvs_of_one_sample,
        reads,
        rarefaction: rarefaction(full.iter().map(|&row| depths[row]).collect()),
        depth,
        richness: Distribution::of_counts(full.iter().map(|&row| table.row(row).0.len() as u64)),
        same_reads,
    })
}

/// The number of ASVs with reads, and of those in a single sample.
fn occurrences(table: &Table) -> (usize, usize) {
    let mut samples = vec![0u32; table.num_features()];
    for row in 0..table.num_samples() {
        for &column in table.row(row).0 {
            samples[column as usize] += 1;
        }
    }
    let with = |wanted: fn(u32) -> bool| samples.iter().filter(|&&count| wanted(count)).count();
    (with(|count| count > 0), with(|count| count == 1))
}

/// Groups of samples in `rows` that have identical reads.
fn same_reads(table: &Table, rows: &[usize]) -> Vec<Vec<String>> {
    let mut alike: HashMap<(&[u32], &[u32]), Vec<usize>> = HashMap::new();
    for &row in rows {
        let cells = table.row(row);
        if cells.0.len() >= ASVS_TO_COMPARE {
            alike.entry(cells).or_default().push(row);
        }
    }
    let mut alike: Vec<Vec<usize>> = alike.into_values().filter(|rows| rows.len() > 1).collect();
    alike.sort_unstable();
    let ids = |rows: Vec<usize>| {
        let ids = rows.into_iter().map(|row| table.sample_ids()[row].clone());
        ids.collect()
    };
    alike.into_iter().map(ids).collect()
}

/// A rarefaction depth that keeps most samples and most of their information: that of the
/// shallowest sample if it is deep enough, otherwise one that drops 5 %, 10 % or 20 % of the
/// samples.
fn rarefaction(mut depths: Vec<u64>) -> Option<Rarefaction> {
    depths.sort_unstable();
    let median = *depths.get(depths.len() / 2)? as f64;
    let all: u64 = depths.iter().sum();
    let with = |share: f64| {
        let lost = ((1.0 - share) * depths.len() as f64) as usize;
        round_down(depths[lost.min(depths.len() - 1)])
    };
    let enough = |depth: u64| depth as f64 >= ENOUGH_READS.min(median).max(PART_OF_MEDIAN * median);
    let depth = KEPT
        .into_iter()
        .map(with)
        .find(|&depth| enough(depth))
        .unwrap_or_else(|| with(KEPT[2]));
    let kept = depths.iter().filter(|&&other| other >= depth).count();
    (depth > 0).then(|| Rarefaction {
        depth,
        kept,
        of: depths.len(),
        reads: (depth * kept as u64) as f64 / all.max(1) as f64,
    })
}

/// Rounds a number down to two significant digits.
fn round_down(depth: u64) -> u64 {
    let mut step = 1;
    while depth / step >= 100 {
        step *= 10;
    }
    depth / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_keeps_most_samples() {
        let rarefied = |depths: &[u64]| {
            let found = rarefaction(depths.to_vec()).unwrap();
            (found.depth, found.kept)
        };
        // Every sample is deep enough.
        assert_eq!(rarefied(&[12_345, 20_000, 30_000]), (12_000, 3));
        // One in twenty is not.
        let mut depths = vec![20_000; 19];
        depths.push(7);
        assert_eq!(rarefied(&depths), (20_000, 19));
        // Shallow tables do not have a thousand reads per sample.
        assert_eq!(rarefied(&[90, 95, 101]), (90, 3));
        assert!(rarefaction(Vec::new()).is_none());
        assert_eq!(
            [0, 99, 100, 129, 45_678].map(round_down),
            [0, 99, 100, 120, 45_000]
        );
    }

    #[test]
    fn samples_with_the_same_reads_are_found() {
        let ids =
            |prefix: &str, number: usize| (0..number).map(|i| format!("{prefix}{i}")).collect();
        let mut cells = Vec::new();
        for asv in 0..6 {
            cells.extend([(0, asv, 1 + asv), (1, asv, 2 + asv), (2, asv, 1 + asv)]);
        }
        // Two samples of one read are identical by chance.
        cells.extend([(3, 0, 1), (4, 0, 1)]);
        let table = Table::from_triplets(ids("s", 5), ids("a", 6), &cells).unwrap();
        assert_eq!(same_reads(&table, &[0, 1, 2, 3, 4]), [["s0", "s2"]]);
        assert_eq!(occurrences(&table), (6, 0));
    }
}
