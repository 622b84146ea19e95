//! Rarefaction: subsampling every sample to the same number of reads without replacement.

use aam_core::text::counted;
use rand::seq::index;

use super::{DataError, Table};
use aam_core::random::stream;

/// A rarefied table and the samples that had too few reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Rarefied {
    /// Samples with exactly the requested depth, in their original order; ASVs left without reads
    /// are dropped.
    pub table: Table,
    /// Ids and reads of the samples that were dropped.
    pub dropped: Vec<(String, u64)>,
}

/// Draws `depth` reads from every sample of `table`.
///
/// The draw of a sample depends only on `seed`, its id, and its own counts and their order, so the
/// same sample gets the same reads in a subset of the table.
///
/// # Errors
/// `depth` is 0, or no sample has that many reads.
pub fn rarefy(table: &Table, depth: u32, seed: u64) -> Result<Rarefied, DataError> {
    if depth == 0 {
        return Err(DataError::new("the rarefaction depth is 0")
            .help("give the number of reads to keep per sample, or 'none' to keep all"));
    }
    let mut dropped = Vec::new();
    let mut kept = Vec::new();
    for (row, id) in table.sample_ids().iter().enumerate() {
        match table.depth(row) {
            reads if reads < u64::from(depth) => dropped.push((id.clone(), reads)),
            reads => kept.push((row, reads)),
        }
    }
    if kept.is_empty() {
        let most = dropped.iter().map(|(_, reads)| *reads).max().unwrap_or(0);
        return Err(DataError::new(format!(
            "no sample has {} to rarefy to; the largest has {most}",
            counted(depth as usize, "read")
        ))
        .help("choose a smaller --rarefy-depth, or 'none'"));
    }
    let ids = kept.iter().map(|&(row, _)| table.sample_ids()[row].clone());
    let mut rarefied = table.beside(ids.collect(), table.feature_ids().clone())?;
    let (mut features, mut counts) = (Vec::new(), Vec::new());
    for (row, reads) in kept {
        let id = &table.sample_ids()[row];
        features.clear();
        counts.clear();
        let mut rng = stream(seed, &format!("rarefy {id}"));
        let (columns, available) = table.row(row);
        let drawn = draw(available, reads as usize, depth as usize, &mut rng);
        for (&column, count) in columns.iter().zip(drawn).filter(|(_, count)| *count > 0) {
            features.push(column);
            counts.push(count);
        }
        rarefied.push(&features, &counts)?;
    }
    Ok(Rarefied {
        table: rarefied.finish()?.drop_empty_features()?,
        dropped,
    })
}

/// The number of `depth` reads, drawn from `total`, that belong to each ASV.
fn draw(available: &[u32], total: usize, depth: usize, rng: &mut impl rand::Rng) -> Vec<u32> {
    let mut reads = index::sample(rng, total, depth).into_vec();
    reads.sort_unstable();
    let mut reads = reads.into_iter().peekable();
    let mut end = 0;
    available
        .iter()
        .map(|&count| {
            end += count as usize;
            let mut drawn = 0;
            while reads.next_if(|&read| read < end).is_some() {
                drawn += 1;
            }
            drawn
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut triplets = vec![(0, 0, 3), (0, 2, 1)];
        triplets.extend((0..50).map(|f| (1, f, 1 + f % 7)));
        triplets.extend([(2, 1, 4_000_000), (2, 5, 1_000_000), (2, 7, 1)]);
        Table::from_triplets(
            vec!["few".into(), "many".into(), "deep".into()],
            (0..60).map(|f| format!("f{f}")).collect(),
            &triplets,
        )
        .unwrap()
    }

    #[test]
    fn keeps_exactly_the_depth_and_reports_dropped_samples() {
        let full = table();
        let result = rarefy(&full, 100, 1).unwrap();
        assert_eq!(result.dropped, [("few".to_owned(), 4)]);
        assert_eq!(result.table.sample_ids(), ["many", "deep"]);
        let columns = full.feature_index();
        for row in 0..2 {
            assert_eq!(result.table.depth(row), 100);
            let (features, counts) = result.table.row(row);
            for (&f, &count) in features.iter().zip(counts) {
                let column = columns[&result.table.feature_ids()[f as usize]] as u32;
                let (all, available) = full.row(row + 1);
                let i = all.binary_search(&column).unwrap();
                assert!(count <= available[i]);
            }
        }
        assert!(result.table.num_features() < 60);
        assert_eq!(rarefy(&full, 4, 1).unwrap().table.row(0).1, [3, 1]);
    }

    #[test]
    fn a_draw_is_independent_of_the_other_samples() {
        let full = table();
        let all = rarefy(&full, 60, 9).unwrap().table;
        let alone = rarefy(&full.select_samples(&[2]), 60, 9).unwrap().table;
        assert_eq!(all.row(1).1, alone.row(0).1);
        assert_eq!(all, rarefy(&full, 60, 9).unwrap().table);
        assert_ne!(all, rarefy(&full, 60, 10).unwrap().table);
    }

    #[test]
    fn reads_are_drawn_in_proportion() {
        let (mut kept, draws) = ([0u32; 3], 400);
        for seed in 0..draws {
            let mut rng = stream(seed, "test");
            for (sum, count) in kept.iter_mut().zip(draw(&[10, 30, 60], 100, 50, &mut rng)) {
                *sum += count;
            }
        }
        // Each mean is half the reads, with a standard error below 0.13.
        for (sum, expected) in kept.iter().zip([5.0, 15.0, 30.0]) {
            assert!((f64::from(*sum) / draws as f64 - expected).abs() < 0.6);
        }
    }

    #[test]
    fn impossible_depths_are_errors() {
        assert!(rarefy(&table(), 0, 1).is_err());
        let error = rarefy(&table(), 6_000_000, 1).unwrap_err().to_string();
        assert!(error.contains("the largest has 5000001"), "{error}");
    }
}
