//! Distances in a tree.

use aam_data::Tree;

/// Distances between the tips of a tree, as the sum of branch lengths on the path.
#[derive(Debug)]
pub(crate) struct TreeDistances {
    parents: Vec<u32>,
    /// The distance of each node from the root.
    depths: Vec<f32>,
}

impl TreeDistances {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut parents = vec![0; tree.len()];
        let mut depths = vec![0.0; tree.len()];
        // Parents have higher numbers than their children.
        for node in (0..tree.len()).rev() {
            let parent = tree.parent(node);
            parents[node] = parent.unwrap_or(node) as u32;
            depths[node] = parent.map_or(0.0, |parent| depths[parent] + tree.length(node) as f32);
        }
        Self { parents, depths }
    }

    /// The distance between two tips.
    pub(crate) fn between(&self, a: usize, b: usize) -> f32 {
        let (mut x, mut y) = (a, b);
        while x != y {
            match x < y {
                true => x = self.parents[x] as usize,
                false => y = self.parents[y] as usize,
            }
        }
        self.depths[a] + self.depths[b] - 2.0 * self.depths[x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_branches_between_two_tips() {
        let text = b"((a:1,b:2):0.5,(c:3,(d:1,e:1):1):2);";
        let tree = aam_data::newick::parse(text, &Default::default()).unwrap();
        let distances = TreeDistances::of(&tree);
        let between = |a, b| distances.between(tree.tip(a).unwrap(), tree.tip(b).unwrap());
        assert_eq!(between("a", "b"), 3.0);
        assert_eq!(between("a", "d"), 1.0 + 0.5 + 2.0 + 1.0 + 1.0);
        assert_eq!(between("c", "e"), 5.0);
        assert_eq!(between("c", "c"), 0.0);
    }
}
