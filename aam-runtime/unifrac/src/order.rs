//! The order in which branches are visited.
//!
//! The reads below a branch are kept until its parent is visited. If the child with the most tips
//! is visited first at every node, reads wait only at nodes entered from another child, which has
//! at most half of the node's tips. So they wait at no more than log₂(tips) nodes at once, whatever
//! the shape of the tree and the order of children in the file.

/// Nodes in such an order: children before parents, the root last. Among children with equally many
/// tips, the first comes first. `parent` lists every node before its parent and the root last,
/// which is its own parent.
pub(super) fn heaviest_first(parent: &[u32]) -> Vec<u32> {
    let root = parent.len() - 1;
    let mut tips = vec![0u32; parent.len()];
    // Children as linked lists: for each node, its last child; for each child, the previous one.
    const NONE: u32 = u32::MAX;
    let mut last = vec![NONE; parent.len()];
    let mut heaviest = vec![NONE; parent.len()];
    let mut before = vec![NONE; parent.len()];
    for node in 0..root {
        tips[node] = tips[node].max(1);
        let above = parent[node] as usize;
        tips[above] += tips[node];
        let best = heaviest[above];
        if best == NONE || tips[node] > tips[best as usize] {
            heaviest[above] = node as u32;
        }
        before[node] = last[above];
        last[above] = node as u32;
    }
    // In reverse from the root: each node before its children, the heaviest child last.
    let mut order = Vec::with_capacity(parent.len());
    let mut stack = vec![root as u32];
    while let Some(node) = stack.pop() {
        order.push(node);
        let first = heaviest[node as usize];
        if first == NONE {
            continue;
        }
        stack.push(first);
        let start = stack.len();
        let mut child = last[node as usize];
        while child != NONE {
            if child != first {
                stack.push(child);
            }
            child = before[child as usize];
        }
        stack[start..].reverse();
    }
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest number of nodes at which reads wait at the same time.
    fn waiting(parent: &[u32], order: &[u32]) -> usize {
        let mut waits = vec![false; parent.len()];
        let (mut now, mut most) = (0, 0);
        for &node in order {
            now -= usize::from(waits[node as usize]);
            let above = parent[node as usize] as usize;
            if above != node as usize && !waits[above] {
                waits[above] = true;
                now += 1;
            }
            most = most.max(now);
        }
        most
    }

    fn is_sound(parent: &[u32], order: &[u32]) -> bool {
        let mut place = vec![usize::MAX; parent.len()];
        for (at, &node) in order.iter().enumerate() {
            place[node as usize] = at;
        }
        let up = |node: usize| place[node] < place[parent[node] as usize];
        order.len() == parent.len() && (0..parent.len() - 1).all(up)
    }

    #[test]
    fn few_wait_in_a_caterpillar_from_either_end() {
        const LEVELS: u32 = 1000;
        // Tips and forks alternate, from the deep end: 0 and 1 meet in 2, 2 and 3 in 4, and so on.
        let mut first: Vec<u32> = (0..LEVELS).flat_map(|i| [2 * i + 2; 2]).collect();
        first.push(2 * LEVELS);
        // All tips from the root down, then the forks upwards; the deep end comes last.
        let mut last: Vec<u32> = (0..LEVELS).map(|i| 2 * LEVELS - i).collect();
        last.push(LEVELS + 1);
        last.extend((LEVELS + 1..2 * LEVELS).map(|fork| fork + 1));
        last.push(2 * LEVELS);
        for parent in [first, last] {
            let order = heaviest_first(&parent);
            assert!(is_sound(&parent, &order));
            assert_eq!(waiting(&parent, &order), 1);
        }
    }

    #[test]
    fn no_more_wait_in_a_balanced_tree_than_it_has_levels() {
        // Numbered like a heap in reverse: the root is 1022, which is 0 of the heap.
        let parent: Vec<u32> = (0..1022u32).map(|n| 1022 - (1022 - n - 1) / 2).collect();
        let parent: Vec<u32> = parent.into_iter().chain([1022]).collect();
        let order = heaviest_first(&parent);
        assert!(is_sound(&parent, &order));
        assert!(waiting(&parent, &order) <= 10);
    }

    #[test]
    fn a_tip_alone_and_a_chain_are_trees() {
        assert_eq!(heaviest_first(&[0]), [0]);
        assert_eq!(heaviest_first(&[1, 2, 2]), [0, 1, 2]);
        assert_eq!(heaviest_first(&[4, 4, 3, 4, 4]), [0, 1, 2, 3, 4]);
    }
}
