//! Reference samples from the training, and their Bray–Curtis distances from other samples.

use rayon::prelude::*;

use aam_data::Table;

/// Maximum number of reference samples.
const MOST_SAMPLES: usize = 1000;
/// Maximum number of ASVs per sample that are stored and compared: the most abundant ones.
const MOST_ASVS: usize = 256;

/// The relative abundances of a sample's most abundant ASVs, sorted by hash.
pub(super) type Profile = Vec<(u64, f32)>;

/// The concatenated profiles of the reference samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct References {
    /// The start of each profile, and the end of the last one.
    pub starts: Vec<u32>,
    /// The ASVs, as indices into the list of all hashes.
    pub asvs: Vec<u32>,
    /// The relative abundances.
    pub shares: Vec<f32>,
}

/// An evenly spaced subset of `train` to use as references.
pub(super) fn chosen(train: &[usize]) -> Vec<usize> {
    let kept = train.len().min(MOST_SAMPLES);
    (0..kept).map(|i| train[i * train.len() / kept]).collect()
}

/// The profile of the sample at `row`, whose ASVs have the hashes `names`.
pub(super) fn profile(table: &Table, names: &[u64], row: usize) -> Profile {
    let (columns, counts) = table.row(row);
    let reads: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let cells = columns.iter().zip(counts);
    let mut all: Vec<(u64, u64)> = cells
        .map(|(&column, &count)| (names[column as usize], u64::from(count)))
        .collect();
    all.sort_unstable();
    // The same sequence may occur in upper and lower case.
    all.dedup_by(|next, first| {
        let is_same = next.0 == first.0;
        first.1 += if is_same { next.1 } else { 0 };
        is_same
    });
    if all.len() > MOST_ASVS {
        all.sort_unstable_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
        all.truncate(MOST_ASVS);
        all.sort_unstable();
    }
    let share = |(name, count)| (name, (count as f64 / reads) as f32);
    all.into_iter().map(share).collect()
}

impl References {
    /// The profiles of the samples at `rows`, for the ASVs in `known` (ascending).
    pub fn of(table: &Table, names: &[u64], rows: &[usize], known: &[u64]) -> Self {
        let mut references = Self {
            starts: vec![0],
            ..Self::default()
        };
        for &row in rows {
            for (name, share) in profile(table, names, row) {
                if let Ok(place) = known.binary_search(&name) {
                    references.asvs.push(place as u32);
                    references.shares.push(share);
                }
            }
            references.starts.push(references.asvs.len() as u32);
        }
        references
    }

    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// An index of the references by ASV, for comparing samples with all of them at once.
pub(super) struct Nearest<'a> {
    known: &'a [u64],
    /// The start of the samples of each ASV in `samples`.
    starts: Vec<u32>,
    /// Samples, with the relative abundance of the ASV.
    samples: Vec<(u32, f32)>,
    /// The sum of the stored relative abundances of each sample.
    totals: Vec<f32>,
}

impl<'a> Nearest<'a> {
    pub fn new(references: &References, known: &'a [u64]) -> Self {
        let mut starts = vec![0u32; known.len() + 1];
        for &asv in &references.asvs {
            starts[asv as usize + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut next = starts.clone();
        let mut samples = vec![(0, 0.0); references.asvs.len()];
        let mut totals = Vec::with_capacity(references.len());
        for (sample, range) in (0u32..).zip(references.starts.windows(2)) {
            let mut total = 0.0;
            for cell in range[0] as usize..range[1] as usize {
                let (asv, share) = (references.asvs[cell] as usize, references.shares[cell]);
                samples[next[asv] as usize] = (sample, share);
                next[asv] += 1;
                total += share;
            }
            totals.push(total);
        }
        Self {
            known,
            starts,
            samples,
            totals,
        }
    }

    /// The Bray–Curtis distance of a sample from the nearest reference for which `counts` holds; 1
    /// if there is none.
    pub fn distance(&self, profile: &[(u64, f32)], counts: impl Fn(usize) -> bool) -> f32 {
        let mut common = vec![0.0f32; self.totals.len()];
        for (name, share) in profile {
            let Ok(asv) = self.known.binary_search(name) else {
                continue;
            };
            let range = self.starts[asv] as usize..self.starts[asv + 1] as usize;
            for &(sample, other) in &self.samples[range] {
                common[sample as usize] += share.min(other);
            }
        }
        let own: f32 = profile.iter().map(|(_, share)| share).sum();
        let compared = (0..common.len()).filter(|&sample| counts(sample));
        let distance = |sample: usize| 1.0 - 2.0 * common[sample] / (own + self.totals[sample]);
        compared.map(distance).fold(1.0, f32::min).max(0.0)
    }

    /// The distances of the samples at `rows` of `table`.
    pub fn distances(&self, table: &Table, names: &[u64], rows: &[usize]) -> Vec<f32> {
        let rows = rows.par_iter();
        rows.map(|&row| self.distance(&profile(table, names, row), |_| true))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(samples: usize, asvs: usize, reads: impl Fn(usize, usize) -> u32) -> Table {
        let ids =
            |prefix: &str, number: usize| (0..number).map(|i| format!("{prefix}{i}")).collect();
        let cells = (0..samples).flat_map(|s| (0..asvs).map(move |a| (s, a)));
        let cells: Vec<(u32, u32, u32)> = cells
            .map(|(s, a)| (s as u32, a as u32, reads(s, a)))
            .collect();
        Table::from_triplets(ids("s", samples), ids("a", asvs), &cells).unwrap()
    }

    #[test]
    fn distances_follow_the_formula() {
        let table = table(3, 4, |s, a| {
            [[1, 3, 0, 0], [1, 1, 2, 0], [0, 0, 0, 5]][s][a]
        });
        let names: Vec<u64> = (10..14).collect();
        let references = References::of(&table, &names, &[0, 1], &names);
        let nearest = Nearest::new(&references, &names);
        let distance = |row, other: usize| {
            nearest.distance(&profile(&table, &names, row), |sample| sample == other)
        };
        assert_eq!((distance(0, 0), distance(1, 1)), (0.0, 0.0));
        assert_eq!((distance(0, 1), distance(1, 0)), (0.5, 0.5));
        assert_eq!((distance(2, 0), distance(2, 7)), (1.0, 1.0));
        assert_eq!(nearest.distances(&table, &names, &[1, 2]), [0.0, 1.0]);
    }

    #[test]
    fn large_samples_and_studies_are_cut() {
        let table = table(2, 700, |s, a| (1 + a % 7 + s) as u32);
        let names: Vec<u64> = (0..700).collect();
        let first = profile(&table, &names, 0);
        assert_eq!(first.len(), MOST_ASVS);
        assert!(first.is_sorted_by_key(|(name, _)| *name));
        assert!(first.iter().take(100).all(|(name, _)| name % 7 >= 4));
        let rows: Vec<usize> = (0..2500).collect();
        let rows = chosen(&rows);
        assert_eq!(
            (rows.len(), rows[0], rows[1], rows[999]),
            (1000, 0, 2, 2497)
        );
        assert_eq!(chosen(&[]), Vec::<usize>::new());
    }

    #[test]
    fn one_sequence_in_two_spellings_counts_once() {
        let table = table(1, 3, |_, a| [1, 2, 1][a]);
        assert_eq!(profile(&table, &[7, 5, 7], 0), [(5, 0.5), (7, 0.5)]);
    }
}
