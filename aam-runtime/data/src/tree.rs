//! The phylogenetic tree used by UniFrac: rooted, with a length on every branch and ASVs at the
//! tips.
//!
//! [`newick`](super::newick) reads and writes tree files. Nodes are numbered so that every node
//! comes before its parent and the root is last. Iterating over `0..len()` therefore visits
//! children first, and no operation needs recursion, however deep the tree.

mod midpoint;

use std::collections::HashSet;

use super::DataError;
use aam_core::text::one_line;

/// A rooted tree with branch lengths and named tips.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Parent of each node; the root is its own parent.
    parent: Vec<u32>,
    length: Vec<f64>,
    name: Vec<Box<str>>,
    /// Tips, sorted by name.
    tips: Vec<u32>,
}

impl Tree {
    /// Creates a tree from its nodes, each numbered below its parent, with the root last.
    ///
    /// `parent` has one entry for every node except the root. `length` (of the branch above a node;
    /// unused for the root) and `name` (empty for unnamed inner nodes) have one for every node.
    ///
    /// # Errors
    /// The numbering is not as described, a length is negative or not finite, or a tip has no name
    /// or that of another tip.
    pub fn new(parent: &[u32], length: Vec<f64>, name: Vec<Box<str>>) -> Result<Self, DataError> {
        let nodes = parent.len() + 1;
        if length.len() != nodes || name.len() != nodes {
            return Err(DataError::new(format!(
                "a tree of {nodes} nodes has {} lengths and {} names",
                length.len(),
                name.len()
            )));
        }
        for (node, &above) in parent.iter().enumerate() {
            if above as usize <= node || above as usize >= nodes {
                return Err(DataError::new(format!(
                    "node {node} of a tree has the parent {above}; parents come after their children"
                )));
            }
        }
        if let Some(node) = length.iter().position(|&l| !l.is_finite() || l < 0.0) {
            return Err(DataError::new(format!(
                "the branch above node {node} of a tree has the length {}",
                length[node]
            )));
        }
        Self::index(parent.to_vec(), length, name).map_err(|fault| match fault {
            TipFault::Unnamed(node) => {
                DataError::new(format!("node {node} of a tree is a tip without a name"))
            }
            TipFault::Duplicate(_, name) => {
                DataError::new(format!("two tips of a tree are named '{}'", shorten(&name)))
            }
        })
    }

    /// Completes validated parts: finds the tips and sorts them by name.
    pub(super) fn index(
        mut parent: Vec<u32>,
        length: Vec<f64>,
        name: Vec<Box<str>>,
    ) -> Result<Self, TipFault> {
        let root = parent.len() as u32;
        parent.push(root);
        let mut inner = vec![false; parent.len()];
        for &above in &parent[..root as usize] {
            inner[above as usize] = true;
        }
        let mut tips: Vec<u32> = (0..=root).filter(|&n| !inner[n as usize]).collect();
        if let Some(&node) = tips.iter().find(|&&n| name[n as usize].is_empty()) {
            return Err(TipFault::Unnamed(node as usize));
        }
        tips.sort_by_key(|&n| (&name[n as usize], n));
        for pair in tips.windows(2) {
            let (first, second) = (pair[0] as usize, pair[1] as usize);
            if name[first] == name[second] {
                return Err(TipFault::Duplicate(second, name[second].clone()));
            }
        }
        Ok(Self {
            parent,
            length,
            name,
            tips,
        })
    }

    /// Number of nodes, tips included.
    #[allow(clippy::len_without_is_empty)] // A tree has at least one node.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// The root: the last node.
    pub fn root(&self) -> usize {
        self.len() - 1
    }

    /// The parent of `node`; `None` for the root.
    pub fn parent(&self, node: usize) -> Option<usize> {
        (node != self.root()).then(|| self.parent[node] as usize)
    }

    /// Length of the branch above `node`.
    pub fn length(&self, node: usize) -> f64 {
        self.length[node]
    }

    /// Name of `node`; empty for unnamed inner nodes.
    pub fn name(&self, node: usize) -> &str {
        &self.name[node]
    }

    /// The tips as nodes, sorted by name.
    pub fn tips(&self) -> impl ExactSizeIterator<Item = usize> {
        self.tips.iter().map(|&n| n as usize)
    }

    /// The tip named `name`.
    ///
    /// Newick files may contain underscores for spaces, so a name with spaces that is not in the
    /// tree is also looked up with underscores.
    pub fn tip(&self, name: &str) -> Option<usize> {
        let find = |name: &str| {
            self.tips
                .binary_search_by(|&n| (*self.name[n as usize]).cmp(name))
                .ok()
                .map(|i| self.tips[i] as usize)
        };
        find(name).or_else(|| {
            name.contains(' ')
                .then(|| find(&name.replace(' ', "_")))
                .flatten()
        })
    }

    /// The tree with its tips renamed; tips for which `name` returns nothing keep their names.
    ///
    /// # Errors
    /// Two tips get the same name.
    pub fn with_tips_renamed<'a>(
        mut self,
        mut name: impl FnMut(&str) -> Option<&'a str>,
    ) -> Result<Self, DataError> {
        for &tip in &self.tips {
            let known = &mut self.name[tip as usize];
            if let Some(new) = name(known) {
                *known = new.into();
            }
        }
        let parent = &self.parent[..self.parent.len() - 1];
        Self::new(parent, self.length, self.name)
    }

    /// Children of every node, in order: those of node `n` are `.1[.0[n]...0[n + 1]]`.
    pub(super) fn children(&self) -> (Vec<usize>, Vec<u32>) {
        let mut offsets = vec![0; self.len() + 1];
        for node in 0..self.root() {
            offsets[self.parent[node] as usize + 1] += 1;
        }
        for i in 1..offsets.len() {
            offsets[i] += offsets[i - 1];
        }
        let mut next = offsets.clone();
        let mut children = vec![0; self.root()];
        for node in 0..self.root() {
            let slot = &mut next[self.parent[node] as usize];
            children[*slot] = node as u32;
            *slot += 1;
        }
        (offsets, children)
    }

    /// The tree restricted to the tips named in `keep`.
    ///
    /// Inner nodes left with one child are merged with it, and their lengths are added. The root is
    /// kept, so that every kept tip keeps its distance from it.
    ///
    /// # Errors
    /// None of the names is a tip.
    pub fn shear<'a>(&self, keep: impl IntoIterator<Item = &'a str>) -> Result<Self, DataError> {
        let keep: HashSet<usize> = keep.into_iter().filter_map(|name| self.tip(name)).collect();
        if keep.is_empty() {
            return Err(DataError::new("none of the ids is a tip of the tree")
                .help("check that the tree and the table belong to the same study"));
        }
        let root = self.root();
        let mut kept_children = vec![0u32; self.len()];
        let is_kept =
            |node: usize, kept_children: &[u32]| keep.contains(&node) || kept_children[node] > 0;
        for node in 0..root {
            if is_kept(node, &kept_children) {
                kept_children[self.parent[node] as usize] += 1;
            }
        }
        let merged = |node: usize| node != root && kept_children[node] == 1;
        let mut renumbered = vec![u32::MAX; self.len()];
        let mut nodes = 0u32;
        for (node, new) in renumbered.iter_mut().enumerate() {
            if is_kept(node, &kept_children) && !merged(node) {
                *new = nodes;
                nodes += 1;
            }
        }
        // From the root down: the node that the child of a merged node is attached to, and the
        // added length.
        let mut anchor: Vec<(u32, f64)> = vec![(u32::MAX, 0.0); self.len()];
        let mut parent = vec![u32::MAX; nodes as usize - 1];
        let mut length = vec![0.0; nodes as usize];
        let mut name = vec![Box::from(""); nodes as usize];
        length[nodes as usize - 1] = self.length[root];
        name[nodes as usize - 1] = self.name[root].clone();
        for node in (0..root).rev() {
            if !is_kept(node, &kept_children) {
                continue;
            }
            let above = self.parent[node] as usize;
            let (hangs_on, added) = if merged(above) {
                anchor[above]
            } else {
                (renumbered[above], 0.0)
            };
            let total = self.length[node] + added;
            if merged(node) {
                anchor[node] = (hangs_on, total);
            } else {
                let new = renumbered[node] as usize;
                parent[new] = hangs_on;
                length[new] = total;
                name[new] = self.name[node].clone();
            }
        }
        Self::new(&parent, length, name)
    }
}

/// A fault in the tips of a tree: the node, and its name.
pub(super) enum TipFault {
    Unnamed(usize),
    Duplicate(usize, Box<str>),
}

/// Shortens `text` for a message to one line of at most 40 characters.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", one_line(&text[..end])),
        None => one_line(text).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::newick::{NewickOptions, parse, write};

    fn tree(text: &str) -> Tree {
        parse(text.as_bytes(), &NewickOptions::default()).unwrap()
    }

    #[test]
    fn shearing_merges_single_children_and_keeps_root_distances() {
        let full = tree("(((A:1,B:2):3,C:4):5,(D:6,E:7):8)r;");
        let part = full.shear(["A", "D", "E", "not there"]).unwrap();
        assert_eq!(write(&part), "(A:9,(D:6,E:7):8)r:0;\n");
        let one = full.shear(["B"]).unwrap();
        assert_eq!(write(&one), "(B:10)r:0;\n");
        assert_eq!(full.shear(["A", "B", "C", "D", "E"]).unwrap(), full);
        assert!(full.shear(["Z"]).is_err());
    }

    #[test]
    fn tips_are_found_by_name_even_with_spaces_for_underscores() {
        let tree = tree("(A_1:1,'B 2':1);");
        assert_eq!(tree.tip("A_1"), Some(0));
        assert_eq!(tree.tip("A 1"), Some(0));
        assert_eq!(tree.tip("B 2"), Some(1));
        assert_eq!(tree.tip("B_2"), None);
        assert_eq!(tree.parent(0), Some(2));
        assert_eq!(tree.parent(2), None);
    }

    #[test]
    fn tips_are_renamed_where_a_name_is_given() {
        let full = tree("((c:1,b:2)x:3,a:4)r;");
        let sequence = |tip: &str| match tip {
            "a" => Some("GG"),
            "b" | "x" => Some("AC"),
            _ => None,
        };
        let renamed = full.clone().with_tips_renamed(sequence).unwrap();
        assert_eq!(write(&renamed), "((c:1,AC:2)x:3,GG:4)r:0;\n");
        assert_eq!(renamed.tip("GG"), full.tip("a"));
        assert!(full.with_tips_renamed(|_| Some("A")).is_err());
    }

    #[test]
    fn parts_out_of_order_are_refused() {
        let names = || vec![Box::from("A"), Box::from("B"), Box::from("")];
        assert!(Tree::new(&[2, 2], vec![1.0, 1.0, 0.0], names()).is_ok());
        assert!(Tree::new(&[2, 1], vec![1.0, 1.0, 0.0], names()).is_err());
        assert!(Tree::new(&[2, 2], vec![1.0, f64::NAN, 0.0], names()).is_err());
        assert!(Tree::new(&[2, 2], vec![1.0, 1.0], names()).is_err());
        let twice = vec![Box::from("A"), Box::from("A"), Box::from("")];
        assert!(Tree::new(&[2, 2], vec![1.0, 1.0, 0.0], twice).is_err());
    }
}
