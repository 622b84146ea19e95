//! Distances between samples based on the ASVs they contain, without a tree.

use std::sync::Arc;

use aam_api::{PairDistances, SampleTable};

/// The measure of an ASV's amount in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// Its fraction of the reads.
    Fraction,
    /// 1 if it has any reads.
    Presence,
}

/// Distances between samples of a table: the amounts that two samples do not share, divided by the sum of
/// both (for fractions) or by what either has (for presence). They lie between 0 and 1.
#[derive(Debug)]
pub(super) struct TableDistances {
    table: Arc<dyn SampleTable>,
    amount: Amount,
    /// The group of each ASV, whose amounts are added; each ASV is one of its own without it.
    groups: Option<Vec<u32>>,
}

/// The amount of an ASV in a sample.
struct Entry {
    /// The ASV, or its group.
    asv: u32,
    /// Position in the list of requested samples.
    sample: u32,
    amount: f64,
}

impl TableDistances {
    /// Prepares distances between the samples of `table`.
    pub(super) fn new(table: Arc<dyn SampleTable>, amount: Amount) -> Self {
        Self {
            table,
            amount,
            groups: None,
        }
    }

    /// Adds the amounts of ASVs of the same group, by ASV.
    pub(super) fn of_groups(self, groups: Vec<u32>) -> Self {
        Self {
            groups: Some(groups),
            ..self
        }
    }

    /// The amounts in the samples at `rows`, sorted by ASV and then by position in `rows`.
    fn entries(&self, rows: &[usize]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (sample, &row) in rows.iter().enumerate() {
            let depth = self.table.depth(row) as f64;
            let (asvs, counts) = self.table.row(row);
            for (&asv, &count) in asvs.iter().zip(counts) {
                entries.push(Entry {
                    asv: self
                        .groups
                        .as_ref()
                        .map_or(asv, |groups| groups[asv as usize]),
                    sample: sample as u32,
                    amount: match self.amount {
                        Amount::Fraction => f64::from(count) / depth,
                        Amount::Presence => 1.0,
                    },
                });
            }
        }
        // Stable: the ASVs of a group are added in the same order, whatever other rows there are.
        entries.sort_by_key(|entry| (entry.asv, entry.sample));
        entries.dedup_by(|next, kept| {
            let same = (next.asv, next.sample) == (kept.asv, kept.sample);
            if same {
                kept.amount += next.amount;
            }
            same
        });
        entries
    }
}

impl PairDistances for TableDistances {
    /// Visits only these samples' ASVs, with one step per ASV and pair of samples that share it.
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        let samples = rows.len();
        // Shared amounts and totals are summed in the same order, so that the difference is exactly zero
        // for equal samples.
        let mut shared = vec![0.0; samples * samples];
        let mut totals = vec![0.0; samples];
        let entries = self.entries(rows);
        for holders in entries.chunk_by(|a, b| a.asv == b.asv) {
            for (i, a) in holders.iter().enumerate() {
                totals[a.sample as usize] += a.amount;
                let pairs = &mut shared[a.sample as usize * samples..][..samples];
                for b in &holders[i + 1..] {
                    pairs[b.sample as usize] += a.amount.min(b.amount);
                }
            }
        }
        for i in 0..samples {
            shared[i * samples + i] = 0.0;
            for j in i + 1..samples {
                let common = shared[i * samples + j];
                let different = (totals[i] + totals[j] - 2.0 * common).max(0.0);
                let whole = match self.amount {
                    Amount::Fraction => totals[i] + totals[j],
                    Amount::Presence => totals[i] + totals[j] - common,
                };
                let distance = if whole > 0.0 { different / whole } else { 0.0 };
                shared[i * samples + j] = distance;
                shared[j * samples + i] = distance;
            }
        }
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::Counts;

    const AMOUNTS: [Amount; 2] = [Amount::Fraction, Amount::Presence];

    fn prepared(amount: Amount, rows: &[&[u32]]) -> TableDistances {
        TableDistances::new(Arc::new(Counts::new(rows)), amount)
    }

    fn distance(amount: Amount, a: &[u32], b: &[u32]) -> f64 {
        prepared(amount, &[a, b]).between(&[0, 1])[1]
    }

    #[test]
    fn distances_follow_the_formulas() {
        // Fractions 1/2, 1/4, 1/4, 0 and 0, 1/8, 3/8, 1/2: they differ by 5/4 of 2.
        let (a, b) = ([8, 4, 4, 0], [0, 1, 3, 4]);
        assert_eq!(distance(Amount::Fraction, &a, &b), 0.625);
        assert_eq!(distance(Amount::Presence, &a, &b), 0.5);
        // For two samples of equal depth, in counts: |6−3| + |0−5| + |4−2| of 20.
        let (a, b) = ([6, 0, 4], [3, 5, 2]);
        assert!((distance(Amount::Fraction, &a, &b) - 0.5).abs() < 1e-15);
        assert!((distance(Amount::Presence, &a, &b) - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn identical_disjoint_and_empty_samples_have_extreme_distances() {
        for amount in AMOUNTS {
            let alike = distance(amount, &[7, 1, 3, 2], &[70, 10, 30, 20]);
            assert!(alike.abs() < 1e-15, "{amount:?}: {alike}");
            assert_eq!(distance(amount, &[7, 1, 3], &[7, 1, 3]), 0.0);
            assert_eq!(distance(amount, &[7, 3, 0, 0], &[0, 0, 1, 9]), 1.0);
            assert_eq!(distance(amount, &[1, 0], &[0, 0]), 1.0);
            assert_eq!(distance(amount, &[0, 0], &[0, 0]), 0.0);
        }
    }

    /// The formula as written, ASV by ASV.
    fn direct(amount: Amount, a: &[u32], b: &[u32]) -> f64 {
        let depth = |row: &[u32]| f64::from(row.iter().sum::<u32>());
        let (mut part, mut whole) = (0.0, 0.0);
        for (&x, &y) in a.iter().zip(b) {
            let (u, v) = match amount {
                Amount::Fraction => (f64::from(x) / depth(a), f64::from(y) / depth(b)),
                Amount::Presence => (f64::from(x.min(1)), f64::from(y.min(1))),
            };
            part += (u - v).abs();
            whole += match amount {
                Amount::Fraction => u + v,
                Amount::Presence => u.max(v),
            };
        }
        part / whole
    }

    #[test]
    fn distances_follow_the_formula_whatever_else_is_requested() {
        // Pseudo-random numbers, two thirds of them above 0.
        let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) % 3 * ((i * i) % 50);
        let rows: Vec<Vec<u32>> = (0..12)
            .map(|row| (0..40).map(|asv| number(1 + 40 * row + asv)).collect())
            .collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        for amount in AMOUNTS {
            let prepared = prepared(amount, &rows);
            let all: Vec<usize> = (0..12).collect();
            let whole = prepared.between(&all);
            for (i, a) in rows.iter().enumerate() {
                for (j, b) in rows.iter().enumerate() {
                    assert!((whole[i * 12 + j] - direct(amount, a, b)).abs() < 1e-14);
                }
            }
            let some = [9, 2, 2, 5];
            let part = prepared.between(&some);
            for (i, &a) in some.iter().enumerate() {
                for (j, &b) in some.iter().enumerate() {
                    let expected = if i == j { 0.0 } else { whole[a * 12 + b] };
                    assert_eq!(part[i * 4 + j], expected, "{amount:?}");
                    assert_eq!(part[i * 4 + j], part[j * 4 + i]);
                }
            }
            assert!(whole.iter().all(|d| (0.0..=1.0).contains(d)));
        }
    }
}
