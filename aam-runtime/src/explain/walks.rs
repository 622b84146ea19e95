//! Shapley values by permutation sampling from the baseline to a sample.
//!
//! A walk starts at the baseline and sets one ASV after the other to its reads in the sample, in
//! random order. The contribution of an ASV is the change of the prediction in its step, so that
//! the contributions of a walk always add up to the difference between the predictions for the
//! sample and the baseline. Their means over all orders are the Shapley values (Shapley, *A value
//! for n-person games*, 1953; by sampling: Castro et al., Computers & Operations Research 2009).
//! Every second order is the reverse of the previous one, which cancels pairwise interactions
//! (antithetic sampling: Mitchell et al., JMLR 2022). The method requires only predictions of a
//! model.

use aam_core::random::stream;
use aam_data::Table;
use aam_run::RunError;
use ndarray::{Array2, Array3, ArrayView3, Axis, s};
use rand::seq::SliceRandom;

use super::changed::ChangedSamples;
use super::methods::{Methods, TOGETHER};
use super::relatives::Relatives;

/// Minimum number of groups into which the ASVs of a sample are divided.
const FEWEST_GROUPS: usize = 8;

/// The attributions of a sample.
#[derive(Clone, Debug)]
pub struct Attributed {
    /// The row of the sample in the table.
    pub row: usize,
    /// The ASVs in which it differs from the baseline, as ascending columns of the table.
    pub asvs: Vec<u32>,
    /// The reads of each ASV in the sample and in the baseline.
    pub reads: Vec<(u32, u32)>,
    /// The contribution of each ASV, `[methods, outputs, ASVs]`.
    pub values: Array3<f64>,
    /// The prediction for the sample, `[methods, outputs]`.
    pub prediction: Array2<f64>,
    /// The prediction for the baseline, `[methods, outputs]`.
    pub baseline: Array2<f64>,
    /// How much the contributions depend on which other ASVs have been added: the mean difference
    /// between an order and its reverse, as a fraction of the mean absolute contribution, for the
    /// first method.
    pub interplay: f64,
}

/// The settings of the walks.
pub struct Walks<'a> {
    /// The methods that make the predictions.
    pub methods: &'a Methods<'a>,
    /// The samples.
    pub table: &'a Table,
    /// The reads of each ASV in the baseline.
    pub baseline: Vec<u32>,
    /// The relationships by which ASVs are grouped if there are too many.
    pub relatives: &'a Relatives,
    /// The number of orders per sample.
    pub orders: usize,
    /// The approximate number of perturbed samples to predict.
    pub evaluations: u64,
    /// Random seed of the orders.
    pub seed: u64,
}

impl Walks<'_> {
    /// The maximum number of ASV groups per sample for which walks to `samples` fit the
    /// evaluations.
    pub fn most_groups(&self, samples: usize) -> usize {
        let walks = (samples * self.orders).max(1) as u64;
        usize::try_from(self.evaluations / walks)
            .unwrap_or(usize::MAX)
            .max(FEWEST_GROUPS)
    }

    /// The number of samples at `rows` that differ from the baseline in more ASVs than this
    /// maximum.
    pub fn grouped(&self, rows: &[usize]) -> usize {
        let most = self.most_groups(rows.len());
        let differing = rows.iter().map(|&row| {
            let places = placed(self.table, row, &self.baseline);
            places
                .iter()
                .filter(|place| place.own != place.base)
                .count()
        });
        differing.filter(|number| *number > most).count()
    }

    /// Walks to the samples at `rows`. `progress` is called with the number of completed samples.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn attribute(
        &self,
        rows: &[usize],
        mut progress: impl FnMut(usize) -> Result<(), RunError>,
    ) -> Result<Vec<Attributed>, RunError> {
        let most = self.most_groups(rows.len());
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut room = 0;
        for &row in rows {
            let states = self.walk(row, most).states();
            match parts.last_mut().filter(|_| states <= room) {
                Some(part) => part.push(row),
                None => {
                    room = TOGETHER;
                    parts.push(vec![row]);
                }
            }
            room = room.saturating_sub(states);
        }
        let mut attributed = Vec::with_capacity(rows.len());
        for part in parts {
            attributed.extend(self.part(&part, most)?);
            progress(attributed.len())?;
        }
        Ok(attributed)
    }

    /// Walks to samples whose perturbed samples are predicted together.
    fn part(&self, rows: &[usize], most: usize) -> Result<Vec<Attributed>, RunError> {
        let walks: Vec<Walk> = rows.iter().map(|&row| self.walk(row, most)).collect();
        let mut changed = ChangedSamples::default();
        walks.iter().for_each(|walk| walk.push(&mut changed));
        let predicted = self.methods.predict(&changed)?.values;
        let mut first = 0;
        let attributed = walks.into_iter().map(|walk| {
            let end = first + walk.states();
            let found = walk.attributed(predicted.slice(s![.., first..end, ..]));
            first = end;
            found
        });
        Ok(attributed.collect())
    }

    fn walk(&self, row: usize, most: usize) -> Walk {
        let places = placed(self.table, row, &self.baseline);
        let moving: Vec<usize> = (0..places.len())
            .filter(|&place| places[place].own != places[place].base)
            .collect();
        let asvs: Vec<u32> = moving.iter().map(|&place| places[place].column).collect();
        let groups = self.relatives.groups(&asvs, most);
        let name = format!("orders of {}", self.table.sample_ids()[row]);
        let mut random = stream(self.seed, &name);
        let mut orders: Vec<Vec<usize>> = Vec::with_capacity(self.orders);
        for number in 0..self.orders {
            let order = match orders.last() {
                Some(before) if number % 2 == 1 => before.iter().rev().copied().collect(),
                _ => {
                    let mut order: Vec<usize> = (0..groups.len()).collect();
                    order.shuffle(&mut random);
                    order
                }
            };
            orders.push(order);
        }
        Walk {
            row,
            places,
            moving,
            groups,
            orders,
        }
    }
}

/// An ASV that is present in a sample or the baseline.
#[derive(Clone, Copy, Debug)]
struct Placed {
    column: u32,
    /// Reads in the sample.
    own: u32,
    /// Reads in the baseline.
    base: u32,
}

/// The ASVs that are present in the sample at `row` or in the baseline, ascending.
fn placed(table: &Table, row: usize, baseline: &[u32]) -> Vec<Placed> {
    let (columns, counts) = table.row(row);
    let own = columns.iter().zip(counts).map(|(&column, &own)| Placed {
        column,
        own,
        base: baseline[column as usize],
    });
    let mut places: Vec<Placed> = own.collect();
    let has = |column: usize| columns.binary_search(&(column as u32)).is_ok();
    let others = baseline.iter().enumerate();
    let others = others.filter(|(column, base)| **base > 0 && !has(*column));
    places.extend(others.map(|(column, &base)| Placed {
        column: column as u32,
        own: 0,
        base,
    }));
    places.sort_unstable_by_key(|place| place.column);
    places
}

/// The walks to a sample.
struct Walk {
    row: usize,
    places: Vec<Placed>,
    /// The ASVs that differ between the sample and the baseline.
    moving: Vec<usize>,
    /// Groups of these ASVs that are added together, as indices into `moving`.
    groups: Vec<Vec<usize>>,
    /// The groups in the order of each walk.
    orders: Vec<Vec<usize>>,
}

impl Walk {
    /// The number of perturbed samples: the sample, the baseline, and those in between.
    fn states(&self) -> usize {
        2 + self.orders.len() * self.between()
    }

    /// The number of perturbed samples of a walk between the baseline and the sample.
    fn between(&self) -> usize {
        self.groups.len().saturating_sub(1)
    }

    fn push(&self, changed: &mut ChangedSamples) {
        let state = |is_own: &dyn Fn(usize) -> bool| -> Vec<(u32, u32)> {
            let places = self.places.iter().enumerate();
            let reads = places.map(|(place, at)| match is_own(place) {
                true => (at.column, at.own),
                false => (at.column, at.base),
            });
            reads.collect()
        };
        changed.push(self.row, state(&|_| true));
        changed.push(self.row, state(&|_| false));
        for order in &self.orders {
            let mut is_own = vec![false; self.places.len()];
            for &group in order.iter().take(self.between()) {
                for &member in &self.groups[group] {
                    is_own[self.moving[member]] = true;
                }
                changed.push(self.row, state(&|place| is_own[place]));
            }
        }
    }

    /// The contribution of each ASV, from the predictions `predicted` for the perturbed samples,
    /// `[methods, states, outputs]`.
    fn attributed(self, predicted: ArrayView3<'_, f64>) -> Attributed {
        let (methods, _, outputs) = predicted.dim();
        let of_state = |state: usize| predicted.index_axis(Axis(1), state).to_owned();
        let (prediction, baseline) = (of_state(0), of_state(1));
        let mut walks: Vec<Array3<f64>> = Vec::with_capacity(self.orders.len());
        for (number, order) in self.orders.iter().enumerate() {
            let mut values = Array3::zeros((methods, outputs, self.moving.len()));
            let mut before = baseline.clone();
            for (step, &group) in order.iter().enumerate() {
                let after = match step < self.between() {
                    true => of_state(2 + number * self.between() + step),
                    false => prediction.clone(),
                };
                let change = &after - &before;
                for (&member, share) in self.groups[group].iter().zip(self.shares(group)) {
                    let mut value = values.index_axis_mut(Axis(2), member);
                    value.assign(&(&change * share));
                }
                before = after;
            }
            walks.push(values);
        }
        let sum = walks
            .iter()
            .fold(Array3::zeros(walks[0].dim()), |sum, walk| sum + walk);
        let values = sum / walks.len() as f64;
        let reads = self.moving.iter().map(|&place| {
            let at = self.places[place];
            (at.own, at.base)
        });
        let asvs = self.moving.iter().map(|&place| self.places[place].column);
        Attributed {
            row: self.row,
            asvs: asvs.collect(),
            reads: reads.collect(),
            interplay: interplay(&walks, &values),
            values,
            prediction,
            baseline,
        }
    }

    /// The fractions of a group's contribution given to its ASVs: proportional to the change in the
    /// logarithm of their reads.
    fn shares(&self, group: usize) -> Vec<f64> {
        let sizes = self.groups[group].iter().map(|&member| {
            let at = self.places[self.moving[member]];
            (f64::from(at.own).ln_1p() - f64::from(at.base).ln_1p()).abs()
        });
        let sizes: Vec<f64> = sizes.collect();
        let all: f64 = sizes.iter().sum();
        sizes.iter().map(|size| size / all).collect()
    }
}

/// The mean difference between a walk and the next one, as a fraction of the mean absolute
/// `values`, for the first method.
fn interplay(walks: &[Array3<f64>], values: &Array3<f64>) -> f64 {
    let size = |values: &Array3<f64>| values.index_axis(Axis(0), 0).mapv(f64::abs).sum();
    let pairs = walks.windows(2).map(|pair| size(&(&pair[0] - &pair[1])));
    let differences: f64 = pairs.sum();
    let all = size(values) * walks.len().saturating_sub(1) as f64;
    match all > 0.0 {
        true => differences / all,
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(orders: Vec<Vec<usize>>) -> Walk {
        let at = |column, own, base| Placed { column, own, base };
        Walk {
            row: 0,
            places: vec![at(0, 4, 0), at(2, 3, 3), at(5, 0, 7), at(6, 9, 1)],
            moving: vec![0, 2, 3],
            groups: vec![vec![0], vec![1, 2]],
            orders,
        }
    }

    /// A model with an interaction: `2a + b · c` of the logarithms of the reads of three ASVs.
    fn predicted(changed: &ChangedSamples) -> Array3<f64> {
        let ids = |number: u32| (0..number).map(|id| id.to_string()).collect();
        let cells: Vec<(u32, u32, u32)> = (0..7).map(|asv| (0, asv, 1)).collect();
        let table = Table::from_triplets(ids(1), ids(7), &cells).unwrap();
        let table = changed.table(&table).unwrap();
        Array3::from_shape_fn((1, changed.len(), 1), |(_, state, _)| {
            let (columns, counts) = table.row(state);
            let reads = |column: u32| match columns.binary_search(&column) {
                Ok(place) => f64::from(counts[place]).ln_1p(),
                Err(_) => 0.0,
            };
            2.0 * reads(0) + reads(5) * reads(2) + reads(6) * reads(0)
        })
    }

    #[test]
    fn contributions_sum_to_the_prediction_minus_the_baseline() {
        for orders in [vec![vec![0, 1]], vec![vec![1, 0], vec![0, 1]]] {
            let walk = walk(orders);
            let mut changed = ChangedSamples::default();
            walk.push(&mut changed);
            assert_eq!(changed.len(), walk.states());
            let found = walk.attributed(predicted(&changed).view());
            let sum: f64 = found.values.sum();
            assert!((sum - (found.prediction.sum() - found.baseline.sum())).abs() < 1e-12);
            assert_eq!(found.asvs, [0, 5, 6]);
            assert_eq!(found.reads, [(4, 0), (0, 7), (9, 1)]);
        }
    }

    #[test]
    fn an_order_and_its_reverse_are_exact_for_pairwise_interactions() {
        let mut single = walk(vec![vec![2, 0, 1], vec![1, 0, 2]]);
        single.groups = vec![vec![0], vec![1], vec![2]];
        let mut changed = ChangedSamples::default();
        single.push(&mut changed);
        let found = single.attributed(predicted(&changed).view());
        let [a, c] = [5f64.ln(), 4f64.ln()];
        // Half of the joint effect of the two: ln 5 · ln 10, minus zero at the baseline.
        let (low, high) = (2f64.ln(), 10f64.ln());
        let exact = [
            2.0 * a + a * (low + high) / 2.0,
            -8f64.ln() * c,
            (high - low) * a / 2.0,
        ];
        for (found, exact) in found.values.iter().zip(exact) {
            assert!((found - exact).abs() < 1e-12, "{found} {exact}");
        }
        assert!(found.interplay > 0.0);
    }
}
