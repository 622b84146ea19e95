//! Grown trees: their predictions and their serialised form.

use serde::{Deserialize, Serialize};

/// A decision tree that compares columns with thresholds and has values at its leaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// The root comes first; the two children of a node are adjacent and come after it.
    pub(super) nodes: Vec<Node>,
    /// Values, `[leaves, outputs]`.
    pub(super) values: Vec<f32>,
}

/// An inner node or a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// The column that is compared; at a leaf, the number of the leaf.
    pub(super) column: u32,
    /// The largest value that goes to the first child.
    pub(super) threshold: f32,
    /// The first of the two children; 0 at a leaf.
    pub(super) children: u32,
}

impl Tree {
    /// The values for a sample with these columns.
    pub(super) fn values(&self, columns: &[f32], outputs: usize) -> &[f32] {
        let mut node = self.nodes[0];
        while node.children > 0 {
            let second = u32::from(columns[node.column as usize] > node.threshold);
            node = self.nodes[(node.children + second) as usize];
        }
        let leaf = node.column as usize;
        &self.values[leaf * outputs..(leaf + 1) * outputs]
    }

    /// Rejects a tree that uses columns beyond `width`, has invalid children, or does not have `outputs`
    /// values per leaf.
    pub(super) fn check(&self, width: usize, outputs: usize) -> Result<(), String> {
        let leaves = self.values.len() / outputs.max(1);
        if self.nodes.is_empty() || self.values.len() != leaves * outputs {
            return Err("a tree has no root or the wrong number of values".to_owned());
        }
        for (place, node) in self.nodes.iter().enumerate() {
            let children = node.children as usize;
            let fits = match children {
                0 => (node.column as usize) < leaves,
                _ => {
                    children > place
                        && children + 1 < self.nodes.len()
                        && (node.column as usize) < width
                        && !node.threshold.is_nan()
                }
            };
            if !fits {
                return Err(format!("node {place} of a tree is invalid"));
            }
        }
        super::scaling::finite(self.values.iter(), "the value of a leaf")
    }
}

/// Checks several trees with [`Tree::check`].
pub(super) fn check_all<'a>(
    trees: impl IntoIterator<Item = &'a Tree>,
    width: usize,
    outputs: usize,
) -> Result<(), String> {
    let mut trees = trees.into_iter();
    trees.try_for_each(|tree| tree.check(width, outputs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(column: u32, threshold: f32, children: u32) -> Node {
        Node {
            column,
            threshold,
            children,
        }
    }

    fn tree() -> Tree {
        Tree {
            nodes: vec![
                node(1, 0.5, 1),
                node(0, 0.0, 0),
                node(0, 2.0, 3),
                node(1, 0.0, 0),
                node(2, 0.0, 0),
            ],
            values: vec![1.0, 2.0, 3.0],
        }
    }

    #[test]
    fn samples_go_to_their_leaves() {
        let tree = tree();
        assert!(tree.check(2, 1).is_ok());
        for (columns, value) in [([9.0, 0.5], 1.0), ([2.0, 0.6], 2.0), ([3.0, 0.6], 3.0)] {
            assert_eq!(tree.values(&columns, 1), [value]);
        }
    }

    #[test]
    fn damaged_trees_are_refused() {
        assert!(tree().check(1, 1).is_err(), "a column too many");
        assert!(tree().check(2, 2).is_err(), "other outputs");
        assert!(Tree::default().check(2, 1).is_err());
        for (place, damaged) in [
            (2, node(0, 2.0, 1)),
            (2, node(0, 2.0, 4)),
            (3, node(7, 0.0, 0)),
            (0, node(0, f32::NAN, 1)),
        ] {
            let mut tree = tree();
            tree.nodes[place] = damaged;
            assert!(tree.check(2, 1).is_err(), "{damaged:?}");
        }
    }
}
