//! Division of samples into cross-validation folds.

use std::collections::HashMap;

use aam_core::text::counted;
use rand::seq::SliceRandom;

use crate::deal::{Balance, Order, deal};
use crate::groups::Groups;
use aam_core::DataError;
use aam_core::random::stream;
use aam_data::Split;

/// Splits `samples` samples into `folds` folds. Each split has one fold for validation and all
/// others for training. Every sample is in one fold; fold sizes differ by at most one.
///
/// With class `labels`, the samples of a class are dealt out to the folds in turn, so that their
/// numbers differ by at most one.
///
/// # Errors
/// Fewer than two folds, or more folds than samples.
pub fn folds(
    samples: usize,
    labels: Option<&[usize]>,
    folds: usize,
    seed: u64,
) -> Result<Vec<Split>, DataError> {
    if folds < 2 || folds > samples {
        return Err(DataError::new(format!(
            "{} cannot be divided into {}",
            counted(samples, "sample"),
            counted(folds, "fold")
        ))
        .help("choose at least 2 folds and at most as many as there are samples"));
    }
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut stream(seed, "folds"));
    if let Some(labels) = labels {
        // The sort is stable: the order within a class stays random.
        order.sort_by_key(|&sample| labels[sample]);
    }
    let mut fold_of = vec![0; samples];
    for (place, sample) in order.into_iter().enumerate() {
        fold_of[sample] = place % folds;
    }
    let split = |fold| {
        let (validation, train) = (0..samples).partition(|&sample| fold_of[sample] == fold);
        Split { train, validation }
    };
    Ok((0..folds).map(split).collect())
}

/// The inner fold, from 0, of each of the samples at `rows`, with which a method chooses its
/// settings. `groups` are kept whole, and the classes of `labels`, which has one entry per row of
/// the table, are spread evenly. At most `most` folds; a single one if the samples cannot be
/// divided.
pub fn inner_folds(
    rows: &[usize],
    groups: Option<&Groups>,
    labels: Option<&[usize]>,
    most: usize,
    seed: u64,
) -> Vec<usize> {
    let mut units = HashMap::new();
    let of = rows.iter().enumerate().map(|(place, &row)| {
        let unit = groups.map_or(place, |groups| groups.of[row]);
        let next = units.len();
        *units.entry(unit).or_insert(next)
    });
    let of: Vec<usize> = of.collect();
    let units = units.len();
    let folds = most.min(units).max(1);
    let labels = labels.map(|labels| rows.iter().map(|&row| labels[row]).collect::<Vec<_>>());
    let rng = &mut stream(seed, "inner folds");
    let shares = vec![1.0 / folds as f64; folds];
    // Parts of uneven size cost a choice of settings little.
    let by = (Order::Largest, Balance::Classes);
    let parts = deal(&of, units, labels.as_deref(), &shares, by, rng);
    of.into_iter().map(|unit| parts[unit]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_held_out_once() {
        let splits = folds(23, None, 5, 7).unwrap();
        let mut held_out: Vec<usize> = splits.iter().flat_map(|s| s.validation.clone()).collect();
        held_out.sort_unstable();
        assert_eq!(held_out, (0..23).collect::<Vec<_>>());
        for split in &splits {
            assert!((4..=5).contains(&split.validation.len()));
            let mut all = [split.train.clone(), split.validation.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..23).collect::<Vec<_>>());
        }
        assert_eq!(splits, folds(23, None, 5, 7).unwrap());
        assert_ne!(splits, folds(23, None, 5, 8).unwrap());
    }

    #[test]
    fn classes_are_dealt_out_evenly() {
        let labels: Vec<usize> = (0..41).map(|i| usize::from(i % 4 == 0)).collect();
        for split in folds(41, Some(&labels), 5, 1).unwrap() {
            let ones = split.validation.iter().filter(|&&s| labels[s] == 1).count();
            assert!((2..=3).contains(&ones), "{ones} of 11");
            assert!((8..=9).contains(&split.validation.len()));
        }
    }

    #[test]
    fn inner_folds_keep_groups_whole() {
        let groups = Groups {
            names: (0..6).map(|group| group.to_string()).collect(),
            of: (0..24).map(|row| row / 4).collect(),
            missing: 0,
        };
        let rows: Vec<usize> = (4..24).collect();
        let folds = inner_folds(&rows, Some(&groups), None, 3, 1);
        for (place, &row) in rows.iter().enumerate() {
            let first = rows.iter().position(|r| groups.of[*r] == groups.of[row]);
            assert_eq!(folds[place], folds[first.unwrap()]);
        }
        assert_eq!(folds.iter().max(), Some(&2));
        assert_eq!(inner_folds(&rows[..1], None, None, 3, 1), [0]);
    }

    #[test]
    fn invalid_numbers_of_folds_are_refused() {
        for wrong in [0, 1, 5] {
            assert!(folds(4, None, wrong, 1).is_err(), "{wrong}");
        }
        assert_eq!(folds(4, None, 4, 1).unwrap().len(), 4);
    }
}
