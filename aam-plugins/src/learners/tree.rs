//! Grown trees: what they predict, and how they are kept.

use serde::{Deserialize, Serialize};

/// A tree of questions whether a column is at most a threshold, with values at its leaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// The root first; children stand after their parent, two together.
    pub(super) nodes: Vec<Node>,
    /// `[leaves, outputs]`.
    pub(super) values: Vec<f32>,
}

/// A question, or a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// The column asked for; at a leaf, which leaf it is.
    pub(super) column: u32,
    /// The largest value that goes to the first child.
    pub(super) threshold: f32,
    /// The first of the two children; 0 at a leaf.
    pub(super) children: u32,
}

impl Tree {
    /// The values of a sample with these columns.
    pub(super) fn values(&self, columns: &[f32], outputs: usize) -> &[f32] {
        let mut node = self.nodes[0];
        while node.children > 0 {
            let second = u32::from(columns[node.column as usize] > node.threshold);
            node = self.nodes[(node.children + second) as usize];
        }
        let leaf = node.column as usize;
        &self.values[leaf * outputs..(leaf + 1) * outputs]
    }

    /// Refuses a tree that asks for columns from `width` on, ends nowhere, or has other values than
    /// `outputs` a leaf.
    pub(super) fn check(&self, width: usize, outputs: usize) -> Result<(), String> {
        let leaves = self.values.len() / outputs.max(1);
        if self.nodes.is_empty() || self.values.len() != leaves * outputs {
            return Err("a tree has no root, or a leaf other values than are needed".to_owned());
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
                return Err(format!("node {place} of a tree is none"));
            }
        }
        super::scaling::finite(self.values.iter(), "the value of a leaf")
    }
}

/// Refuses several trees, as [`Tree::check`] does one.
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
