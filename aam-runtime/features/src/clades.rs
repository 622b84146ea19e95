//! Hierarchical clustering of ASVs by mean pairwise distance (UPGMA; Sokal & Michener 1958).

/// A merge of two groups. Groups below the number of leaves are leaves; the others are merges,
/// numbered in order from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Join {
    /// The merged groups.
    pub(crate) of: [u32; 2],
    /// The mean distance between their leaves.
    pub(crate) height: f32,
}

/// All merges of `number` leaves, in order of increasing distance. `distances` holds the distances
/// of all pairs, row by row, and is consumed.
///
/// Uses the nearest-neighbour chain algorithm (Murtagh, *A survey of recent advances in
/// hierarchical clustering algorithms*, The Computer Journal 1983), in quadratic time.
pub(crate) fn joins(mut distances: Vec<f32>, number: usize) -> Vec<Join> {
    let mut sizes = vec![1f32; number];
    let mut alive: Vec<usize> = (0..number).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut found: Vec<([usize; 2], f32)> = Vec::with_capacity(number);
    while alive.len() > 1 {
        let tip = *chain.last().unwrap_or(&alive[0]);
        if chain.is_empty() {
            chain.push(tip);
        }
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        let (nearest, height) = nearest(&distances, number, &alive, tip, before);
        if before != Some(nearest) {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (kept, gone) = (tip.min(nearest), tip.max(nearest));
        found.push(([kept, gone], height));
        alive.retain(|&group| group != gone);
        let (a, b) = (sizes[kept], sizes[gone]);
        for &other in alive.iter().filter(|&&other| other != kept) {
            let mean = |place: usize| distances[place * number + other];
            let mean = (a * mean(kept) + b * mean(gone)) / (a + b);
            distances[kept * number + other] = mean;
            distances[other * number + kept] = mean;
        }
        sizes[kept] += b;
    }
    in_order(found, number)
}

/// The group nearest to `tip` and its distance; ties are resolved in favour of `before`.
fn nearest(
    distances: &[f32],
    number: usize,
    alive: &[usize],
    tip: usize,
    before: Option<usize>,
) -> (usize, f32) {
    let row = &distances[tip * number..(tip + 1) * number];
    let mut best = before.map_or((usize::MAX, f32::INFINITY), |group| (group, row[group]));
    for &group in alive {
        if group != tip && row[group] < best.1 {
            best = (group, row[group]);
        }
    }
    best
}

/// Merges sorted by height, with the groups they merge; `found` names one leaf of each group.
fn in_order(mut found: Vec<([usize; 2], f32)>, number: usize) -> Vec<Join> {
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut parent: Vec<usize> = (0..number).collect();
    let mut group: Vec<u32> = (0..number as u32).collect();
    let mut joins = Vec::with_capacity(found.len());
    for (place, (leaves, height)) in found.into_iter().enumerate() {
        let roots = leaves.map(|leaf| root(&mut parent, leaf));
        let mut of = roots.map(|root| group[root]);
        of.sort_unstable();
        joins.push(Join { of, height });
        parent[roots[1]] = roots[0];
        group[roots[0]] = (number + place) as u32;
    }
    joins
}

fn root(parent: &mut [usize], mut leaf: usize) -> usize {
    while parent[leaf] != leaf {
        parent[leaf] = parent[parent[leaf]];
        leaf = parent[leaf];
    }
    leaf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_merged_first_and_heights_are_means_over_all_pairs() {
        // Points on a line at 0, 1, 4, 10 and 12.
        let places = [0f32, 1.0, 4.0, 10.0, 12.0];
        let pairs = places.iter().flat_map(|a| places.map(|b| (a - b).abs()));
        let joins = joins(pairs.collect(), 5);
        let of: Vec<[u32; 2]> = joins.iter().map(|join| join.of).collect();
        assert_eq!(of, [[0, 1], [3, 4], [2, 5], [6, 7]]);
        let heights: Vec<f32> = joins.iter().map(|join| join.height).collect();
        let mean = (10.0 + 12.0 + 9.0 + 11.0 + 6.0 + 8.0) / 6.0;
        for (height, expected) in heights.iter().zip([1.0, 2.0, 3.5, mean]) {
            assert!((height - expected).abs() < 1e-5, "{heights:?}");
        }
    }

    #[test]
    fn equal_distances_and_few_leaves_terminate() {
        assert!(joins(Vec::new(), 0).is_empty());
        assert!(joins(vec![0.0], 1).is_empty());
        assert_eq!(joins(vec![1.0; 36], 6).len(), 5);
    }
}
