//! The features of samples in a graph of ONNX.

use std::collections::HashMap;

use aam_api::export::{Element, Graph, Value};

use crate::FeatureSpace;
use crate::space::PSEUDO_COUNT;

impl FeatureSpace {
    /// Adds [`of`](Self::of) to `graph`: from the reads of samples, 32-bit numbers
    /// `[samples, asvs]` of the ASVs called `ids`, to shares and log-ratios,
    /// `[samples, asvs + clades]`. ASVs without a column of `reads` have none. `None` if clades
    /// overlap, which never happens in training.
    pub fn export<'a>(
        &self,
        graph: &mut Graph,
        reads: &Value,
        ids: impl Iterator<Item = &'a str>,
    ) -> Option<(Value, Value)> {
        let own = self.own_reads(graph, reads, ids);
        let of_clades = self.clade_reads(graph, &own)?;
        let all = match &of_clades {
            Some(of_clades) => graph.concat(&[own.clone(), of_clades.clone()], 1),
            None => own.clone(),
        };
        let shares = shares(graph, &all, reads);
        if self.asvs().is_empty() {
            return Some((shares.clone(), shares));
        }
        let mut log_ratios = vec![centred_logarithms(graph, &own)];
        log_ratios.extend(of_clades.map(|reads| centred_logarithms(graph, &reads)));
        let log_ratios = graph.concat(&log_ratios, 1);
        Some((shares, log_ratios))
    }

    /// The reads of the ASVs of the space, `[samples, asvs]`.
    fn own_reads<'a>(
        &self,
        graph: &mut Graph,
        reads: &Value,
        ids: impl Iterator<Item = &'a str>,
    ) -> Value {
        let places: HashMap<&str, usize> = ids.enumerate().map(|(place, id)| (id, place)).collect();
        let known = |asv: &String| places.get(asv.as_str()).copied();
        let own = self.asvs().iter();
        if let Some(own) = own.clone().map(known).collect::<Option<Vec<usize>>>() {
            return graph.columns_at(reads, &own);
        }
        // A column of zeros for the others.
        let first = graph.columns(reads, 0, 1);
        let zero = graph.scalar(0f32);
        let none = graph.mul(&first, &zero);
        let with_none = graph.concat(&[reads.clone(), none], 1);
        let own: Vec<usize> = own.map(|asv| known(asv).unwrap_or(places.len())).collect();
        graph.columns_at(&with_none, &own)
    }

    /// The reads of the clades, `[samples, clades]`, if there are any, given those of the ASVs. With the ASVs
    /// in the order of the tree, those of a clade are adjacent, so its reads are a difference of running
    /// sums.
    fn clade_reads(&self, graph: &mut Graph, own: &Value) -> Option<Option<Value>> {
        if self.clades().is_empty() {
            return Some(None);
        }
        let stretches = Stretches::of(self.asvs().len(), self.clades())?;
        let ordered = graph.columns_at(own, &stretches.order);
        let ordered = graph.cast(&ordered, Element::Double);
        let sums = graph.running_sum_of_rows(&ordered);
        let first = graph.columns(&ordered, 0, 1);
        let none = graph.sub(&first, &first);
        let sums = graph.concat(&[none, sums], 1);
        let (starts, ends): (Vec<usize>, Vec<usize>) = stretches.clades.into_iter().unzip();
        let before = graph.columns_at(&sums, &starts);
        let up_to = graph.columns_at(&sums, &ends);
        let reads = graph.sub(&up_to, &before);
        Some(Some(graph.cast(&reads, Element::Float)))
    }
}

/// Shares of all reads of a sample.
fn shares(graph: &mut Graph, own: &Value, reads: &Value) -> Value {
    let reads = graph.cast(reads, Element::Double);
    let depth = graph.sum_of_rows(&reads);
    let least = graph.scalar(1f64);
    let depth = graph.apply("Max", &[&depth, &least], vec![]);
    let depth = graph.cast(&depth, Element::Float);
    graph.div(own, &depth)
}

fn centred_logarithms(graph: &mut Graph, reads: &Value) -> Value {
    let pseudo_count = graph.scalar(PSEUDO_COUNT);
    let more = graph.add(reads, &pseudo_count);
    let logarithms = graph.map("Log", &more);
    let exact = graph.cast(&logarithms, Element::Double);
    let mean = graph.mean_of_rows(&exact);
    let mean = graph.cast(&mean, Element::Float);
    graph.sub(&logarithms, &mean)
}

/// ASVs in an order in which those of each clade are adjacent.
#[derive(Debug, PartialEq)]
struct Stretches {
    /// The ASVs.
    order: Vec<usize>,
    /// Where the ASVs of each clade start, and where they end.
    clades: Vec<(usize, usize)>,
}

impl Stretches {
    /// `None` if an ASV or clade belongs to more than one larger clade, or repeatedly to one.
    fn of(asvs: usize, clades: &[Vec<u32>]) -> Option<Self> {
        let mut is_part = vec![false; asvs + clades.len()];
        for &member in clades.iter().flatten() {
            let taken = std::mem::replace(is_part.get_mut(member as usize)?, true);
            if taken {
                return None;
            }
        }
        let mut stretches = Self {
            order: Vec::with_capacity(asvs),
            clades: vec![(0, 0); clades.len()],
        };
        let whole = (0..is_part.len()).filter(|&group| !is_part[group]);
        let mut left: Vec<Step> = whole.rev().map(Step::Enter).collect();
        while let Some(step) = left.pop() {
            match step {
                Step::Enter(asv) if asv < asvs => stretches.order.push(asv),
                Step::Enter(group) => {
                    let clade = group - asvs;
                    stretches.clades[clade].0 = stretches.order.len();
                    left.push(Step::Leave(clade));
                    let members = clades[clade].iter().rev();
                    left.extend(members.map(|&member| Step::Enter(member as usize)));
                }
                Step::Leave(clade) => stretches.clades[clade].1 = stretches.order.len(),
            }
        }
        Some(stretches)
    }
}

/// A step of the traversal of clades.
enum Step {
    /// An ASV, or a clade, whose number follows those of the ASVs.
    Enter(usize),
    /// The end of a clade.
    Leave(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asvs_of_a_clade_are_adjacent() {
        // ASVs 0 to 4; clades 5 = {1, 3}, 6 = {0, 5}, 7 = {4, 6}; ASV 2 is in none.
        let clades = [vec![1, 3], vec![0, 5], vec![4, 6]];
        let found = Stretches::of(5, &clades).expect("no overlap");
        let of = |clade: usize| {
            let (start, end) = found.clades[clade];
            let mut asvs = found.order[start..end].to_vec();
            asvs.sort_unstable();
            asvs
        };
        assert_eq!([of(0), of(1)], [vec![1, 3], vec![0, 1, 3]]);
        assert_eq!(of(2), [0, 1, 3, 4]);
        assert_eq!(found.order.len(), 5);
    }

    #[test]
    fn clades_that_overlap_have_no_such_order() {
        assert_eq!(Stretches::of(3, &[vec![0, 1], vec![1, 2]]), None);
        assert_eq!(Stretches::of(2, &[vec![0, 0]]), None);
        assert_eq!(Stretches::of(1, &[vec![7]]), None);
    }

    #[test]
    fn a_chain_of_many_clades_needs_no_deep_stack() {
        let asvs = 20_000u32;
        let clades: Vec<Vec<u32>> = (0..asvs - 1)
            .map(|clade| match clade {
                0 => vec![0, 1],
                clade => vec![clade + 1, asvs + clade - 1],
            })
            .collect();
        let found = Stretches::of(asvs as usize, &clades).expect("no overlap");
        let last = found.clades[asvs as usize - 2];
        assert_eq!(last, (0, asvs as usize));
    }
}
