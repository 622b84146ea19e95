//! Distances between samples by the ASVs they hold, whatever a tree says of these.
//!
//! Write `u` and `v` for the fractions of two samples' reads that an ASV has, and sum over all
//! ASVs:
//!
//! | metric | distance |
//! |---|---|
//! | `bray-curtis` | Σ \|u − v\| / Σ (u + v) |
//! | `jaccard` | ASVs of one sample only / ASVs of either |
//!
//! Bray–Curtis is one of fractions, so that samples of different depth can be compared; of samples
//! rarefied to one depth it is the same of counts. Both lie between 0 and 1, and two samples
//! without reads have distance 0.
//!
//! References: Bray and Curtis 1957, Jaccard 1912; as in scikit-bio and SciPy, there of a table of
//! fractions and of a table of presence.

use crate::data::Table;

/// Which distance; the [module docs](self) hold the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableMetric {
    /// By abundance.
    BrayCurtis,
    /// By presence.
    Jaccard,
}

impl TableMetric {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BrayCurtis, Self::Jaccard];

    /// The metric called `name`: `bray-curtis` or `jaccard`, also with an underscore.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().replace('_', "-").as_str() {
            "bray-curtis" | "braycurtis" => Some(Self::BrayCurtis),
            "jaccard" => Some(Self::Jaccard),
            _ => None,
        }
    }

    /// Its name, as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrayCurtis => "bray-curtis",
            Self::Jaccard => "jaccard",
        }
    }
}

/// Distances between any samples of a table, whose counts it shares.
#[derive(Clone, Debug)]
pub struct TableDistances {
    metric: TableMetric,
    table: Table,
}

/// How much of an ASV a sample has.
struct Entry {
    feature: u32,
    /// Place in the list of samples asked for.
    sample: u32,
    amount: f64,
}

impl TableDistances {
    /// Prepares distances between the samples of `table`.
    pub fn new(table: &Table, metric: TableMetric) -> Self {
        Self {
            metric,
            table: table.clone(),
        }
    }

    /// The metric.
    pub fn metric(&self) -> TableMetric {
        self.metric
    }

    /// Distances between the samples at `rows` (table rows, in range), `rows.len()²` values row
    /// by row.
    ///
    /// Looks at these samples' ASVs only, and takes as many steps as there are pairs of samples
    /// that share an ASV, over all ASVs. Each value is the same, to the last bit, whatever other
    /// rows are asked for with it.
    pub fn distances(&self, rows: &[usize]) -> Vec<f64> {
        let samples = rows.len();
        // What two samples share, and what each has by itself, added up in the same order: the
        // difference of samples that are alike is then exactly zero.
        let mut shared = vec![0.0; samples * samples];
        let mut totals = vec![0.0; samples];
        let entries = self.entries(rows);
        for holders in entries.chunk_by(|a, b| a.feature == b.feature) {
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
                let whole = match self.metric {
                    TableMetric::BrayCurtis => totals[i] + totals[j],
                    TableMetric::Jaccard => totals[i] + totals[j] - common,
                };
                let distance = if whole > 0.0 { different / whole } else { 0.0 };
                shared[i * samples + j] = distance;
                shared[j * samples + i] = distance;
            }
        }
        shared
    }

    /// What the samples at `rows` hold, by ASV and, within one, by place in `rows`.
    fn entries(&self, rows: &[usize]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (sample, &row) in rows.iter().enumerate() {
            let depth = self.table.depth(row) as f64;
            let (features, counts) = self.table.row(row);
            for (&feature, &count) in features.iter().zip(counts) {
                entries.push(Entry {
                    feature,
                    sample: sample as u32,
                    amount: match self.metric {
                        TableMetric::BrayCurtis => f64::from(count) / depth,
                        TableMetric::Jaccard => 1.0,
                    },
                });
            }
        }
        entries.sort_unstable_by_key(|entry| (entry.feature, entry.sample));
        entries
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    const METRICS: [TableMetric; 2] = [TableMetric::BrayCurtis, TableMetric::Jaccard];

    fn table(rows: &[&[u32]]) -> Table {
        let entries: Vec<(u32, u32, u32)> = (0..)
            .zip(rows)
            .flat_map(|(i, row)| (0..).zip(row.iter()).map(move |(j, &n)| (i, j, n)))
            .filter(|&(.., count)| count > 0)
            .collect();
        let names = |letter: &str, count| (0..count).map(|i| format!("{letter}{i}")).collect();
        let (samples, asvs) = (names("s", rows.len()), names("a", rows[0].len()));
        Table::from_triplets(samples, asvs, &entries).unwrap()
    }

    fn distance(metric: TableMetric, a: &[u32], b: &[u32]) -> f64 {
        TableDistances::new(&table(&[a, b]), metric).distances(&[0, 1])[1]
    }

    #[test]
    fn distances_are_those_of_the_formulas() {
        // Fractions 1/2, 1/4, 1/4, 0 and 0, 1/8, 3/8, 1/2: they differ by 5/4 of 2.
        let (a, b) = ([8, 4, 4, 0], [0, 1, 3, 4]);
        assert_eq!(distance(TableMetric::BrayCurtis, &a, &b), 0.625);
        assert_eq!(distance(TableMetric::Jaccard, &a, &b), 0.5);
        // Of two samples of one depth, of counts: |6−3| + |0−5| + |4−2| of 20.
        let (a, b) = ([6, 0, 4], [3, 5, 2]);
        assert!((distance(TableMetric::BrayCurtis, &a, &b) - 0.5).abs() < 1e-15);
        assert!((distance(TableMetric::Jaccard, &a, &b) - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn what_is_alike_or_apart_or_empty_has_the_ends_of_the_range() {
        for metric in METRICS {
            let alike = distance(metric, &[7, 1, 3, 2], &[70, 10, 30, 20]);
            assert!(alike.abs() < 1e-15, "{metric:?}: {alike}");
            assert_eq!(distance(metric, &[7, 1, 3], &[7, 1, 3]), 0.0);
            assert_eq!(distance(metric, &[7, 3, 0, 0], &[0, 0, 1, 9]), 1.0);
            assert_eq!(distance(metric, &[1, 0], &[0, 0]), 1.0);
            assert_eq!(distance(metric, &[0, 0], &[0, 0]), 0.0);
        }
    }

    /// The formula as it stands, ASV by ASV.
    fn direct(metric: TableMetric, a: &[u32], b: &[u32]) -> f64 {
        let depth = |row: &[u32]| f64::from(row.iter().sum::<u32>());
        let (mut part, mut whole) = (0.0, 0.0);
        for (&x, &y) in a.iter().zip(b) {
            let (u, v) = match metric {
                TableMetric::BrayCurtis => (f64::from(x) / depth(a), f64::from(y) / depth(b)),
                TableMetric::Jaccard => (f64::from(x.min(1)), f64::from(y.min(1))),
            };
            part += (u - v).abs();
            whole += match metric {
                TableMetric::BrayCurtis => u + v,
                TableMetric::Jaccard => u.max(v),
            };
        }
        part / whole
    }

    #[test]
    fn a_distance_is_that_of_the_formula_whatever_else_is_asked_for() {
        let rng = &mut crate::random::stream(3, "tables");
        let rows: Vec<Vec<u32>> = (0..12)
            .map(|_| {
                let row = (0..40).map(|_| rng.random_range(0..3u32) * rng.random_range(0..50));
                row.collect()
            })
            .collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        let table = table(&rows);
        for metric in METRICS {
            let prepared = TableDistances::new(&table, metric);
            let all: Vec<usize> = (0..12).collect();
            let whole = prepared.distances(&all);
            for (i, a) in rows.iter().enumerate() {
                for (j, b) in rows.iter().enumerate() {
                    assert!((whole[i * 12 + j] - direct(metric, a, b)).abs() < 1e-14);
                }
            }
            let some = [9, 2, 2, 5];
            let part = prepared.distances(&some);
            for (i, &a) in some.iter().enumerate() {
                for (j, &b) in some.iter().enumerate() {
                    let expected = if i == j { 0.0 } else { whole[a * 12 + b] };
                    assert_eq!(part[i * 4 + j], expected, "{metric:?}");
                    assert_eq!(part[i * 4 + j], part[j * 4 + i]);
                }
            }
            assert!(whole.iter().all(|d| (0.0..=1.0).contains(d)));
        }
    }
}
