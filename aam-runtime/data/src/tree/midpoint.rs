//! Rooting of a tree at the midpoint of the longest path between two tips. The result depends only
//! on the tree and not on how its file was rooted.

use super::Tree;
use crate::DataError;

/// An unrooted tree: its branches, from either end.
struct Branches {
    /// For each node, its neighbours and the lengths of the branches to them.
    of: Vec<Vec<(u32, f64)>>,
}

impl Branches {
    /// The branches of `tree` below a stem that its root may have.
    fn of(tree: &Tree) -> Self {
        let mut children = vec![0u32; tree.len()];
        for node in 0..tree.root() {
            children[tree.parent[node] as usize] += 1;
        }
        // All other nodes are below the stem, and a node has a higher number than those below it.
        let mut fork = tree.root();
        while children[fork] == 1 {
            fork -= 1;
        }
        let mut of = vec![Vec::new(); fork + 1];
        for node in 0..fork {
            let (above, length) = (tree.parent[node], tree.length[node]);
            of[node].push((above, length));
            of[above as usize].push((node as u32, length));
        }
        Self { of }
    }

    /// Nodes in an order in which each except the first comes after the one it was reached from,
    /// with that node and the path length from the first.
    fn walk(&self, from: usize) -> Vec<(usize, usize, f64)> {
        let mut order = vec![(from, from, 0.0)];
        let mut next = 0;
        while next < order.len() {
            let (node, above, way) = order[next];
            let joined = self.of[node].iter().map(|&(n, l)| (n as usize, l));
            order.extend(
                joined
                    .filter(|(other, _)| *other != above)
                    .map(|(other, length)| (other, node, way + length)),
            );
            next += 1;
        }
        order
    }

    /// The node farthest from `from`, with the path lengths of all nodes and the nodes they were
    /// reached from.
    fn farthest(&self, from: usize) -> (usize, Vec<(usize, f64)>) {
        let mut found = vec![(from, 0.0); self.of.len()];
        let mut far = (from, 0.0);
        for (node, above, way) in self.walk(from) {
            found[node] = (above, way);
            if way > far.1 {
                far = (node, way);
            }
        }
        (far.0, found)
    }
}

impl Tree {
    /// The same tree, rooted at the midpoint of the longest path between two tips.
    ///
    /// # Errors
    /// All branches have length 0, so there is no midpoint.
    pub fn rooted_at_midpoint(&self) -> Result<Self, DataError> {
        let branches = Branches::of(self);
        let (one, _) = branches.farthest(0);
        let (other, found) = branches.farthest(one);
        let whole = found[other].1;
        if whole <= 0.0 || !whole.is_finite() {
            return Err(DataError::new(format!(
                "the longest path between two tips of the tree has length {whole}: it has no midpoint"
            ))
            .help("give a tree with branch lengths, or keep its root with --root as-written"));
        }
        // Back from one end to the branch that contains the midpoint.
        let mut below = other;
        while found[found[below].0].1 > whole / 2.0 {
            below = found[below].0;
        }
        let above = found[below].0;
        let down = found[below].1 - whole / 2.0;
        let up = whole / 2.0 - found[above].1;
        self.hung_at(branches, (below, down), (above, up))
    }

    /// The tree rooted at a point of the branch between two nodes, at the given distances from
    /// each.
    fn hung_at(
        &self,
        mut branches: Branches,
        (below, down): (usize, f64),
        (above, up): (usize, f64),
    ) -> Result<Self, DataError> {
        let mut root = above;
        if up > 0.0 {
            for (node, other) in [(below, above), (above, below)] {
                branches.of[node].retain(|(joined, _)| *joined as usize != other);
            }
            root = branches.of.len();
            let ends = [(below as u32, down), (above as u32, up)];
            for (node, length) in ends {
                branches.of[node as usize].push((root as u32, length));
            }
            branches.of.push(ends.to_vec());
        }
        let order = branches.walk(root);
        let mut number = vec![0; branches.of.len()];
        for (place, (node, ..)) in order.iter().rev().enumerate() {
            number[*node] = place;
        }
        let last = order.len() - 1;
        let (mut parent, mut length, mut name) = (vec![0; last], vec![0.0; last + 1], Vec::new());
        for (place, &(node, above, _)) in order.iter().rev().enumerate() {
            if place < last {
                parent[place] = number[above] as u32;
                let joined = branches.of[node].iter();
                let branch = joined.clone().find(|(n, _)| *n as usize == above);
                length[place] = branch.map_or(0.0, |(_, length)| *length);
            }
            name.push(self.name.get(node).cloned().unwrap_or_default());
        }
        Self::new(&parent, length, name)
    }
}

#[cfg(test)]
mod tests {
    use crate::newick::{NewickOptions, Rooting, parse, write};
    use crate::tree::Tree;

    fn rooted(text: &str) -> Tree {
        let options = NewickOptions {
            root: Some(Rooting::Midpoint),
            ..Default::default()
        };
        parse(text.as_bytes(), &options).unwrap()
    }

    /// The path lengths from the root to all tips, by name.
    fn ways(tree: &Tree) -> Vec<(String, f64)> {
        let way = |tip: usize| {
            let above = std::iter::successors(Some(tip), |&node| tree.parent(node));
            above
                .filter(|&n| n != tree.root())
                .map(|n| tree.length(n))
                .sum()
        };
        tree.tips()
            .map(|tip| (tree.name(tip).to_owned(), way(tip)))
            .collect()
    }

    #[test]
    fn the_root_does_not_depend_on_how_a_tree_is_written() {
        let forms = [
            "(A:1,B:2,(C:3,D:6):2):0.0;",
            "((A:1,B:2):2,C:3,D:6);",
            "((C:3,D:6):1.5,(A:1,B:2):0.5);",
            "(((A:1,B:2):2,C:3):1,D:5);",
            "((A:1,B:2,(C:3,D:6):2):4);",
        ];
        for form in forms {
            let tree = rooted(form);
            let expected = [("A", 4.0), ("B", 5.0), ("C", 4.0), ("D", 5.0)];
            let expected = expected.map(|(name, way)| (name.to_owned(), way));
            assert_eq!(ways(&tree), expected, "{form}: {}", write(&tree));
        }
    }

    #[test]
    fn a_midpoint_at_a_node_becomes_the_root() {
        let tree = rooted("(A:1,(B:1,C:2):1);");
        let expected = [("A", 2.0), ("B", 1.0), ("C", 2.0)];
        assert_eq!(
            ways(&tree),
            expected.map(|(name, way)| (name.to_owned(), way))
        );
    }

    #[test]
    fn a_tree_without_lengths_has_no_midpoint() {
        let options = NewickOptions {
            root: Some(Rooting::Midpoint),
            missing_length: Some(0.0),
        };
        let error = parse(b"(A,B,C);", &options).unwrap_err();
        assert!(error.problem.contains("no midpoint"), "{}", error.problem);
    }
}
