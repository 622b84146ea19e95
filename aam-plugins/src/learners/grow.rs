//! How trees are grown: each node is split where its two children differ most.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::columns::Column;
use super::cuts::{Bins, Cut, Found, Pulls, Rules, Search, Total, better};
use super::tree::{Node, Tree};

/// A node that can be split.
struct Open {
    node: usize,
    depth: usize,
    /// The range of its samples in `order`.
    start: usize,
    end: usize,
    /// Columns that are not known to be constant.
    active: Vec<u32>,
    cut: Cut,
}

/// A node whose differences are below this fraction of the root's counts as homogeneous.
const ALIKE: f64 = 1e-9;
/// Number of columns that one thread searches at a time.
const TOGETHER: usize = 64;

/// Grows a tree on `samples`, using the columns `active`.
pub(super) fn grow(
    columns: &[Column],
    samples: Vec<u32>,
    active: Vec<u32>,
    pulls: Pulls<'_>,
    rules: Rules,
    rng: &mut ChaCha8Rng,
) -> Tree {
    let search = Search {
        columns,
        pulls,
        rules,
    };
    let mut grower = Grower {
        search,
        rng,
        alike: 0.0,
        order: samples,
        nodes: Vec::new(),
        totals: Vec::new(),
        open: Vec::new(),
    };
    let all = grower.order.len();
    grower.alike = ALIKE * grower.differences(0, all, &grower.total(0, all));
    grower.add(0, 0, all, active);
    let mut leaves = 1;
    while leaves < rules.leaves {
        let Some(open) = grower.next() else { break };
        grower.divide(open);
        leaves += 1;
    }
    grower.finish()
}

struct Grower<'a> {
    search: Search<'a>,
    rng: &'a mut ChaCha8Rng,
    /// Differences below this count as none.
    alike: f64,
    /// The samples, grouped by node.
    order: Vec<u32>,
    nodes: Vec<Node>,
    totals: Vec<Total>,
    open: Vec<Open>,
}

impl Grower<'_> {
    fn total(&self, start: usize, end: usize) -> Total {
        let mut total = Total::none(self.search.pulls.outputs);
        for &sample in &self.order[start..end] {
            total.add(&self.search.pulls, sample as usize);
        }
        total
    }

    /// How much the samples differ from the value of a leaf of them.
    fn differences(&self, start: usize, end: usize, total: &Total) -> f64 {
        let outputs = self.search.pulls.outputs;
        let own = self.order[start..end].iter().map(|&sample| {
            let sample = sample as usize;
            let pulls = &self.search.pulls.sums[sample * outputs..(sample + 1) * outputs];
            let squares: f64 = pulls.iter().map(|pull| pull * pull).sum();
            squares / self.search.pulls.weights[sample].max(1e-12)
        });
        own.sum::<f64>() - total.explains(0.0)
    }

    /// Adds a node of the samples from `start` to `end`.
    fn add(&mut self, depth: usize, start: usize, end: usize, mut active: Vec<u32>) {
        let total = self.total(start, end);
        let node = self.nodes.len();
        self.nodes.push(Node {
            column: 0,
            threshold: 0.0,
            children: 0,
        });
        let may = depth < self.search.rules.depth
            && end - start >= 2 * self.search.rules.least
            && self.differences(start, end, &total) > self.alike;
        let cut = may
            .then(|| self.cut(start, end, &total, &mut active))
            .flatten();
        self.totals.push(total);
        if let Some(cut) = cut {
            self.open.push(Open {
                node,
                depth,
                start,
                end,
                active,
                cut,
            });
        }
    }

    /// The node to split next: the last one if all are split, which keeps few open, or else the best.
    fn next(&mut self) -> Option<Open> {
        if self.search.rules.leaves == usize::MAX {
            return self.open.pop();
        }
        let places = 0..self.open.len();
        let best = places.max_by(|&a, &b| {
            let (a, b) = (&self.open[a], &self.open[b]);
            a.cut.gain.total_cmp(&b.cut.gain).then(b.node.cmp(&a.node))
        });
        best.map(|place| self.open.swap_remove(place))
    }

    fn divide(&mut self, open: Open) {
        let column = &self.search.columns[open.cut.column as usize];
        let own = &mut self.order[open.start..open.end];
        let (first, second): (Vec<u32>, Vec<u32>) = own
            .iter()
            .partition(|&&sample| column.values[sample as usize] <= open.cut.threshold);
        if first.is_empty() || second.is_empty() {
            // A column without an order, such as one that contains NaN.
            return;
        }
        let middle = open.start + first.len();
        own[..first.len()].copy_from_slice(&first);
        own[first.len()..].copy_from_slice(&second);
        self.nodes[open.node] = Node {
            column: open.cut.column,
            threshold: open.cut.threshold,
            children: self.nodes.len() as u32,
        };
        self.add(open.depth + 1, open.start, middle, open.active.clone());
        self.add(open.depth + 1, middle, open.end, open.active);
    }

    /// The best split of a node; removes columns that are constant there from `active`.
    fn cut(
        &mut self,
        start: usize,
        end: usize,
        total: &Total,
        active: &mut Vec<u32>,
    ) -> Option<Cut> {
        if self.search.rules.tried >= active.len() && !self.search.rules.random {
            return self.best_of_all(start, end, total, active);
        }
        let search = self.search;
        let mut best: Option<Cut> = None;
        let mut bins = Bins::default();
        let (mut left, mut tried) = (active.len(), 0);
        while left > 0 && tried < self.search.rules.tried {
            let place = self.rng.random_range(0..left);
            left -= 1;
            active.swap(place, left);
            let samples = &self.order[start..end];
            let column = active[left];
            let found = match self.search.rules.random {
                true => search.random_cut(samples, total, column, self.rng),
                false => search.best_cut(samples, total, column, &mut bins),
            };
            match found {
                Found::Constant => {
                    active.swap_remove(left);
                }
                Found::Cut(cut) => {
                    tried += 1;
                    best = better(best, cut);
                }
            }
        }
        best
    }

    /// The best split over all active columns, searched in parallel.
    fn best_of_all(&self, start: usize, end: usize, total: &Total, active: &[u32]) -> Option<Cut> {
        let samples = &self.order[start..end];
        let search = self.search;
        let parts: Vec<Option<Cut>> = active
            .par_chunks(TOGETHER)
            .map(|part| {
                let mut bins = Bins::default();
                part.iter().fold(None, |best, &column| {
                    match search.best_cut(samples, total, column, &mut bins) {
                        Found::Constant => best,
                        Found::Cut(cut) => better(best, cut),
                    }
                })
            })
            .collect();
        parts.into_iter().fold(None, better)
    }

    /// Returns the tree; every node without children is a leaf.
    fn finish(mut self) -> Tree {
        let penalty = self.search.rules.penalty;
        let mut values = Vec::new();
        let mut leaves = 0;
        for (node, total) in self.nodes.iter_mut().zip(&self.totals) {
            if node.children == 0 {
                node.column = leaves;
                leaves += 1;
                let (weight, pulls) = total.sums.split_last().unwrap_or((&0.0, &[]));
                let weight = (weight + penalty).max(1e-12);
                values.extend(pulls.iter().map(|pull| (pull / weight) as f32));
            }
        }
        Tree {
            nodes: self.nodes,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::learners::columns::columns;
    use crate::learners::draws::stream;
    use crate::learners::known::{RULES, value};

    fn tree(rules: Rules) -> (Tree, Array2<f32>, Vec<f64>) {
        let values = Array2::from_shape_fn((90, 6), |(i, j)| value(i * 97 + j * 31));
        let truth: Vec<f64> = (0..90)
            .map(|i| {
                f64::from(u8::from(values[[i, 2]] > 500.0)) * 4.0
                    + f64::from(values[[i, 4]]) / 1009.0
            })
            .collect();
        let pulls = Pulls {
            sums: &truth,
            weights: &[1.0; 90],
            outputs: 1,
        };
        let mut rng = stream(1, "grow", 0);
        let all = (0..90).collect();
        let tree = grow(
            &columns(&values, 255),
            all,
            (0..6).collect(),
            pulls,
            rules,
            &mut rng,
        );
        tree.check(6, 1).expect("a tree");
        (tree, values, truth)
    }

    #[test]
    fn a_tree_without_limits_fits_every_sample() {
        for (random, tried) in [(false, 6), (false, 2), (true, 6), (true, 1)] {
            let (tree, values, truth) = tree(Rules {
                random,
                tried,
                ..RULES
            });
            for (row, truth) in values.rows().into_iter().zip(&truth) {
                let said = f64::from(tree.values(&row.to_vec(), 1)[0]);
                assert!((said - truth).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn the_first_split_is_where_samples_differ_most() {
        let (tree, ..) = tree(Rules { leaves: 2, ..RULES });
        assert_eq!((tree.nodes.len(), tree.nodes[0].column), (3, 2));
        assert!((tree.nodes[0].threshold - 500.0).abs() < 15.0);
    }

    #[test]
    fn limits_are_respected() {
        let (flat, ..) = tree(Rules { depth: 2, ..RULES });
        assert_eq!(flat.nodes.len(), 7);
        let (few, ..) = tree(Rules { leaves: 5, ..RULES });
        assert_eq!(few.values.len(), 5);
        let (large, values, _) = tree(Rules { least: 20, ..RULES });
        let leaf = |row: Vec<f32>| large.values(&row, 1)[0].to_bits();
        let mut leaves: Vec<u32> = values
            .rows()
            .into_iter()
            .map(|row| leaf(row.to_vec()))
            .collect();
        leaves.sort_unstable();
        assert!(leaves.chunk_by(|a, b| a == b).all(|leaf| leaf.len() >= 20));
    }
}
