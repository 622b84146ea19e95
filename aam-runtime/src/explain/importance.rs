//! The importance of ASVs, genera and clades over all samples, its direction, and its uncertainty.

use aam_core::random::stream;
use aam_data::Table;
use aam_evaluation::distribution::quantile;
use ndarray::{Array2, s};
use rand::RngExt;
use rayon::prelude::*;

use super::walks::Attributed;

/// Number of bootstrap resamples of the samples.
const RESAMPLES: usize = 200;
/// Number of groups that count as the most important.
pub const MOST_IMPORTANT: usize = 20;
/// Fraction of the resamples that must agree on a direction.
const AGREED: f64 = 0.95;
/// Minimum number of samples with a contribution for an ASV's direction to be called stable.
const FEWEST: usize = 5;

/// The importance of a group of ASVs over all samples. A single ASV is a group, too.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Mean absolute contribution to a sample, by method; for several classes, the mean over
    /// classes.
    pub sizes: Vec<f64>,
    /// The 95 % bootstrap interval of the mean absolute contribution, for the first method.
    pub interval: (f64, f64),
    /// Mean contribution by output, for the first method.
    pub means: Vec<f64>,
    /// The output with the largest contribution.
    pub output: usize,
    /// The contribution to that output per unit of ln(1 + reads) above the baseline, by least
    /// squares through the baseline.
    pub slope: f64,
    /// The fraction of the contributions, weighted by size, that has the sign of the slope.
    pub agreement: f64,
    /// Whether all members with a nonzero slope agree with the sign of the combined prediction.
    pub members_agree: bool,
    /// Fraction of the resamples in which the group is among the twenty most important.
    pub among_first: f64,
    /// Whether at least 95 % of the resamples, at least 5 samples and all members agree on the
    /// sign.
    pub stable: bool,
}

/// The contributions of groups of ASVs to each sample.
pub struct Totals<'a> {
    samples: &'a [Attributed],
    /// The samples in which each column contributes, with its index among the ASVs of the sample.
    of_column: Vec<Vec<(u32, u32)>>,
    methods: usize,
    outputs: usize,
    /// How often each sample is drawn, `[resamples, samples]`.
    resamples: Array2<f32>,
}

/// The contribution of a group to a sample.
#[derive(Clone, Debug)]
pub struct Total {
    /// The index of the sample.
    pub sample: usize,
    /// The contribution, `[methods, outputs]`.
    pub values: Array2<f64>,
    /// The difference in ln(1 + n) of the group's reads n between the sample and the baseline.
    pub change: f64,
}

impl<'a> Totals<'a> {
    /// The contributions to `samples` of `table`. `seed` determines the resamples.
    pub fn new(samples: &'a [Attributed], table: &Table, seed: u64) -> Self {
        let mut of_column = vec![Vec::new(); table.num_features()];
        for (sample, of) in (0..).zip(samples) {
            for (place, &column) in (0..).zip(&of.asvs) {
                of_column[column as usize].push((sample, place));
            }
        }
        let (methods, outputs) = samples.first().map_or((0, 0), |of| of.prediction.dim());
        let mut random = stream(seed, "resamples");
        let mut resamples = Array2::zeros((RESAMPLES, samples.len()));
        for mut resample in resamples.rows_mut() {
            for _ in 0..samples.len() {
                resample[random.random_range(0..samples.len())] += 1.0;
            }
        }
        Self {
            samples,
            of_column,
            methods,
            outputs,
            resamples,
        }
    }

    /// The joint contribution of the ASVs in `columns` to each sample where it is not empty.
    pub fn of(&self, columns: &[u32]) -> Vec<Total> {
        let mut places: Vec<(u32, u32)> = columns
            .iter()
            .flat_map(|&column| self.of_column[column as usize].iter().copied())
            .collect();
        places.sort_unstable();
        let samples = places.chunk_by(|a, b| a.0 == b.0);
        samples
            .map(|places| {
                let sample = places[0].0 as usize;
                let of = &self.samples[sample];
                let mut values = Array2::zeros((self.methods, self.outputs));
                let (mut own, mut base) = (0.0, 0.0);
                for &(_, place) in places {
                    values += &of.values.slice(s![.., .., place as usize]);
                    own += f64::from(of.reads[place as usize].0);
                    base += f64::from(of.reads[place as usize].1);
                }
                Total {
                    sample,
                    values,
                    change: own.ln_1p() - base.ln_1p(),
                }
            })
            .collect()
    }

    /// The importance of each of `groups` of columns.
    pub fn importance(&self, groups: &[Vec<u32>]) -> Vec<Importance> {
        let found: Vec<(Importance, Vec<f64>)> = groups
            .par_iter()
            .map(|columns| self.of_group(&self.of(columns)))
            .collect();
        let firsts = (0..RESAMPLES).map(|resample| {
            let mut sizes: Vec<f64> = found.iter().map(|(_, sizes)| sizes[resample]).collect();
            sizes.sort_unstable_by(|a, b| b.total_cmp(a));
            // A group without contribution is never among the most important.
            let least = sizes.get(MOST_IMPORTANT - 1).or(sizes.last());
            least.copied().unwrap_or(0.0).max(f64::MIN_POSITIVE)
        });
        let firsts: Vec<f64> = firsts.collect();
        let all = found.into_iter().map(|(mut importance, sizes)| {
            let among = sizes
                .iter()
                .zip(&firsts)
                .filter(|(size, least)| size >= least);
            importance.among_first = among.count() as f64 / RESAMPLES as f64;
            importance
        });
        all.collect()
    }

    /// The importance of a group, except for its rank, and its size in each resample.
    fn of_group(&self, totals: &[Total]) -> (Importance, Vec<f64>) {
        let samples = self.samples.len().max(1) as f64;
        let (mut sizes, mut means) = (
            Array2::<f64>::zeros((self.methods, self.outputs)),
            vec![0.0; self.outputs],
        );
        for total in totals {
            sizes += &total.values.mapv(f64::abs);
            for (mean, value) in means.iter_mut().zip(total.values.row(0)) {
                *mean += value / samples;
            }
        }
        sizes /= samples;
        let output = (0..self.outputs)
            .max_by(|&a, &b| sizes[[0, a]].total_cmp(&sizes[[0, b]]).then(b.cmp(&a)))
            .unwrap_or(0);
        let product = |of: &Total, method: usize| of.values[[method, output]] * of.change;
        let products = totals.iter().map(|of| product(of, 0));
        let squares: f64 = totals.iter().map(|of| of.change * of.change).sum();
        let slope = match squares > 0.0 {
            true => products.clone().sum::<f64>() / squares,
            false => 0.0,
        };
        let (with, all) =
            products
                .clone()
                .zip(totals)
                .fold((0.0, 0.0), |(with, all), (product, of)| {
                    let size = of.values[[0, output]].abs();
                    (
                        if product * slope > 0.0 {
                            with + size
                        } else {
                            with
                        },
                        all + size,
                    )
                });
        let products: Vec<f64> = products.collect();
        let members_agree = (1..self.methods).all(|method| {
            let own: f64 = totals.iter().map(|of| product(of, method)).sum();
            own * slope >= 0.0
        });
        let mean_sizes: Vec<f64> = totals
            .iter()
            .map(|of| of.values.row(0).mapv(f64::abs).sum() / self.outputs.max(1) as f64)
            .collect();
        let (mut resampled, mut agreeing) = (Vec::with_capacity(RESAMPLES), 0usize);
        for weights in self.resamples.rows() {
            let (mut size, mut direction) = (0.0, 0.0);
            for ((total, mean_size), product) in totals.iter().zip(&mean_sizes).zip(&products) {
                let weight = f64::from(weights[total.sample]);
                size += weight * mean_size;
                direction += weight * product;
            }
            agreeing += usize::from(direction * slope > 0.0);
            resampled.push(size / samples);
        }
        let mut sorted = resampled.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let importance = Importance {
            sizes: sizes
                .rows()
                .into_iter()
                .map(|row| row.sum() / self.outputs.max(1) as f64)
                .collect(),
            interval: (quantile(&sorted, 0.025), quantile(&sorted, 0.975)),
            means,
            output,
            slope,
            agreement: if all > 0.0 { with / all } else { 0.0 },
            members_agree,
            among_first: 0.0,
            stable: members_agree
                && totals.len() >= FEWEST
                && agreeing as f64 >= AGREED * RESAMPLES as f64,
        };
        (importance, resampled)
    }
}

/// The indices of `all`, most important first. Ties keep their order.
pub fn order(all: &[Importance]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    let size = |place: usize| all[place].sizes.first().copied().unwrap_or(0.0);
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr2};

    /// Samples with three ASVs: the contribution of the first equals its reads, that of the second
    /// is the negative of its reads, and that of the third is random.
    fn samples() -> Vec<Attributed> {
        let sample = |row: usize| {
            let change = f64::from(row as u32 % 7) - 3.0;
            let of_chance = if row.is_multiple_of(2) { 0.5 } else { -0.5 };
            let values = [change, -2.0 * change, of_chance];
            Attributed {
                row,
                asvs: vec![0, 1, 2],
                reads: vec![(row as u32 % 7 + 1, 4), (row as u32 % 7 + 1, 4), (9, 1)],
                values: Array3::from_shape_fn((1, 1, 3), |(_, _, asv)| values[asv]),
                prediction: arr2(&[[values.iter().sum()]]),
                baseline: arr2(&[[0.0]]),
                interplay: 0.0,
            }
        };
        (0..40).map(sample).collect()
    }

    fn table() -> Table {
        let ids = |number: u32| (0..number).map(|id| id.to_string()).collect();
        let cells: Vec<(u32, u32, u32)> = (0..40)
            .flat_map(|row| (0..3).map(move |asv| (row, asv, 1)))
            .collect();
        Table::from_triplets(ids(40), ids(3), &cells).unwrap()
    }

    #[test]
    fn directions_are_found_and_chance_is_not_stable() {
        let samples = samples();
        let totals = Totals::new(&samples, &table(), 3);
        let found = totals.importance(&[vec![0], vec![1], vec![2]]);
        assert!(found[0].slope > 0.0 && found[1].slope < 0.0);
        assert!(found[0].stable && found[1].stable && !found[2].stable);
        assert_eq!(found[0].agreement, 1.0);
        assert!((found[1].sizes[0] - 2.0 * found[0].sizes[0]).abs() < 1e-12);
        assert!(found[1].interval.0 < found[1].sizes[0] && found[1].sizes[0] < found[1].interval.1);
        assert_eq!(order(&found)[0], 1);
        assert!(found.iter().all(|of| of.among_first == 1.0));
    }

    #[test]
    fn a_direction_that_members_do_not_share_is_not_stable() {
        let with_members = |signs: [f64; 3]| -> Vec<Attributed> {
            let samples = samples().into_iter();
            let more = samples.map(|of| Attributed {
                values: Array3::from_shape_fn((3, 1, 3), |(method, output, asv)| {
                    signs[method] * of.values[[0, output, asv]]
                }),
                prediction: Array2::zeros((3, 1)),
                baseline: Array2::zeros((3, 1)),
                ..of
            });
            more.collect()
        };
        for (signs, agree) in [
            ([1.0, 0.5, 2.0], true),
            ([1.0, 0.0, 2.0], true),
            ([1.0, 3.0, -1.0], false),
        ] {
            let samples = with_members(signs);
            let found = &Totals::new(&samples, &table(), 3).importance(&[vec![0]])[0];
            assert_eq!(
                (found.members_agree, found.stable),
                (agree, agree),
                "{signs:?}"
            );
        }
    }

    #[test]
    fn contributions_that_cancel_have_no_joint_importance() {
        let samples = samples();
        let totals = Totals::new(&samples, &table(), 3);
        let together = totals.importance(&[vec![0, 1], vec![0]]);
        assert!((together[0].sizes[0] - together[1].sizes[0]).abs() < 1e-12);
        assert!(together[0].slope < 0.0);
    }
}
