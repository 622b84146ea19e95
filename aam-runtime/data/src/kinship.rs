//! How features without sequences are related: by a tree, by their lineages, or not at all.
//!
//! A feature is placed in a rooted tree, and its embedding is the sum over the branches between it and
//! the root of `√length · v`, where `v` holds `±1/√dim`, drawn by a hash of the branch. The vectors of
//! different branches are nearly orthogonal, so the squared distance between two embeddings is the
//! length of the path between the features, up to a relative error of `√(2 / dim)` (a random projection;
//! Achlioptas, *Database-friendly random projections*, JCSS 2003). A branch of a phylogeny is identified
//! by the set of tips below it, and a branch of a taxonomy by the names from the domain down, so a clade
//! has the same vector in every study.

mod branch;

use serde::{Deserialize, Serialize};

use super::id_kinds::{is_lineage, ranks};
use super::{Ids, Taxonomy, Tree};
use branch::{add_branch, feature, taxon};

/// Largest number of ids that are kept although the table does not have them, so that a model can place
/// them in other tables.
const MOST_OTHERS: usize = 100_000;
/// Length of a branch between two ranks: a lineage down to the species is about as deep as a phylogeny,
/// whose mean depth is 1.
const RANK: f32 = 1.0 / 7.0;
/// Length of the branch of an unrelated feature.
const ALONE: f32 = 1.0;
/// Steps per unit of an encoded number.
pub const STEPS: f32 = 8192.0;
/// The code of zero.
pub const ZERO: f32 = 32768.0;

/// What relates features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KinshipFrom {
    /// A phylogenetic tree.
    Tree,
    /// A file of lineages.
    Taxonomy,
    /// The ids, which are lineages.
    Ids,
    /// Nothing.
    Nothing,
}

/// A rooted tree with the places of features.
///
/// Nodes are numbered in preorder: a node comes after its parent and directly before its descendants. The
/// root is node 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Kinship {
    from: KinshipFrom,
    nodes: Nodes,
    /// The ids of the features, ascending.
    ids: Vec<String>,
    /// The node of each of them.
    places: Vec<u32>,
}

/// The nodes of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
struct Nodes {
    parents: Vec<u32>,
    /// The hash that identifies the branch above each node.
    keys: Vec<u64>,
    /// Lengths of these branches.
    lengths: Vec<f32>,
    /// Distances of the nodes from the root.
    depths: Vec<f32>,
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Parts {
    from: KinshipFrom,
    parents: Vec<u32>,
    keys: Vec<u64>,
    lengths: Vec<f32>,
    ids: Vec<String>,
    places: Vec<u32>,
}

impl From<Kinship> for Parts {
    fn from(kinship: Kinship) -> Self {
        Self {
            from: kinship.from,
            parents: kinship.nodes.parents,
            keys: kinship.nodes.keys,
            lengths: kinship.nodes.lengths,
            ids: kinship.ids,
            places: kinship.places,
        }
    }
}

impl TryFrom<Parts> for Kinship {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let nodes = parts.parents.len();
        if nodes == 0 || parts.keys.len() != nodes || parts.lengths.len() != nodes {
            return Err("a tree without a root, or with nodes that lack something".to_owned());
        }
        let mut tree = Nodes::root();
        for node in 1..nodes {
            let (parent, length) = (parts.parents[node], parts.lengths[node]);
            if parent as usize >= node || !(length.is_finite() && length >= 0.0) {
                return Err(format!(
                    "node {node} has the parent {parent} and the length {length}"
                ));
            }
            tree.push(parent, parts.keys[node], length);
        }
        let is_node = |place: &u32| (*place as usize) < nodes;
        if parts.ids.len() != parts.places.len() || !parts.places.iter().all(is_node) {
            return Err("a feature without a node".to_owned());
        }
        if !parts.ids.is_sorted_by(|one, next| one < next) {
            return Err("the ids are not in order".to_owned());
        }
        Ok(Self {
            from: parts.from,
            nodes: tree,
            ids: parts.ids,
            places: parts.places,
        })
    }
}

impl Nodes {
    fn root() -> Self {
        Self {
            parents: vec![0],
            keys: vec![0],
            lengths: vec![0.0],
            depths: vec![0.0],
        }
    }

    fn push(&mut self, parent: u32, key: u64, length: f32) -> u32 {
        self.depths.push(self.depths[parent as usize] + length);
        self.parents.push(parent);
        self.keys.push(key);
        self.lengths.push(length);
        self.parents.len() as u32 - 1
    }

    /// The depth of the last common ancestor of `one` and a later node, `other`.
    fn shared(&self, one: u32, other: u32) -> f32 {
        let mut node = other;
        // The first ancestor of `other` that does not come after `one` is also an ancestor of `one`,
        // because descendants directly follow their ancestor.
        while node > one {
            node = self.parents[node as usize];
        }
        self.depths[node as usize]
    }
}

impl Kinship {
    /// Unrelated features.
    pub fn nothing() -> Self {
        Self::new(KinshipFrom::Nothing, Nodes::root(), Vec::new())
    }

    fn new(from: KinshipFrom, nodes: Nodes, mut named: Vec<(String, u32)>) -> Self {
        named.sort_unstable();
        let (ids, places) = named.into_iter().unzip();
        Self {
            from,
            nodes,
            ids,
            places,
        }
    }

    /// The relations of the tips of `tree`: of all tips, or, of a tree with more than 100 000, of those in
    /// `ids`. Lengths are relative to the mean depth of these tips.
    pub fn of_tree(tree: &Tree, ids: &Ids) -> Self {
        let tips: Vec<usize> = match tree.tips().len() <= MOST_OTHERS {
            true => tree.tips().collect(),
            false => ids.iter().filter_map(|id| tree.tip(id)).collect(),
        };
        let (keys, is_kept) = branches(tree, &tips);
        let lengths = relative_lengths(tree, &tips);
        let (starts, children) = tree.children();
        let mut nodes = Nodes::root();
        let mut named = Vec::with_capacity(tips.len());
        // The node, the new number of its parent, and the length of nodes in between with a single child,
        // which are left out because they have the same tips.
        let mut stack = vec![(tree.root(), 0u32, 0f32)];
        while let Some((node, parent, before)) = stack.pop() {
            let below = &children[starts[node]..starts[node + 1]];
            let length = before + lengths[node];
            let (place, carried) = match (node == tree.root(), below.len()) {
                (true, 1..) => (parent, 0.0),
                (false, 1) => (parent, length),
                _ => (nodes.push(parent, keys[node], length), 0.0),
            };
            if below.is_empty() {
                named.push((tree.name(node).to_owned(), place));
            }
            let kept = below.iter().rev().map(|&child| child as usize);
            stack.extend(
                kept.filter(|&child| is_kept[child])
                    .map(|child| (child, place, carried)),
            );
        }
        Self::new(KinshipFrom::Tree, nodes, named)
    }

    /// The relations by shared ranks of the features in `taxonomy`: of all, or, if it has more than
    /// 100 000, of those in `ids`. Features without any known rank are unrelated.
    pub fn of_taxonomy(taxonomy: &Taxonomy, ids: &Ids) -> Self {
        let known: Vec<&str> = match taxonomy.len() <= MOST_OTHERS {
            true => taxonomy.ids().collect(),
            false => ids.iter().collect(),
        };
        let lineages = known.into_iter().filter_map(|id| {
            let lineage = taxonomy.get(id)?;
            lineage.name()?;
            Some((id, lineage.written()))
        });
        Self::of_lineages(KinshipFrom::Taxonomy, lineages)
    }

    /// The relations by shared ranks of those `ids` that are lineages.
    pub fn of_ids(ids: &Ids) -> Self {
        let lineages = ids.iter().filter(|id| is_lineage(id));
        Self::of_lineages(KinshipFrom::Ids, lineages.map(|id| (id, id)))
    }

    fn of_lineages<'a>(
        from: KinshipFrom,
        lineages: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut all: Vec<(Vec<&str>, &str)> =
            lineages.map(|(id, text)| (ranks(text), id)).collect();
        // In order, so that features that share ranks follow one another.
        all.sort_unstable();
        let mut nodes = Nodes::root();
        let mut named = Vec::with_capacity(all.len());
        let mut path: Vec<(&str, u32)> = Vec::new();
        for (names, id) in all {
            let mut same = path.iter().zip(&names);
            let shared = same.position(|((known, _), name)| known != name);
            path.truncate(shared.unwrap_or(path.len().min(names.len())));
            for (rank, name) in names.iter().enumerate().skip(path.len()) {
                let parent = path.last().map_or(0, |&(_, node)| node);
                path.push((*name, nodes.push(parent, taxon(&names[..=rank]), RANK)));
            }
            let parent = path.last().map_or(0, |&(_, node)| node);
            named.push((id.to_owned(), nodes.push(parent, feature(id), RANK)));
        }
        Self::new(from, nodes, named)
    }

    /// What relates the features.
    pub fn related_by(&self) -> KinshipFrom {
        self.from
    }

    /// The node of the feature `id`, if its relations are known.
    pub fn place(&self, id: &str) -> Option<u32> {
        let find = |id: &str| {
            let found = self.ids.binary_search_by(|known| known.as_str().cmp(id));
            found.ok().map(|found| self.places[found])
        };
        let spaced = self.from == KinshipFrom::Tree && id.contains(' ');
        find(id).or_else(|| spaced.then(|| find(&id.replace(' ', "_"))).flatten())
    }

    /// Whether the relations of the feature `id` are known, or follow from an id that is a lineage.
    pub fn relates(&self, id: &str) -> bool {
        self.place(id).is_some() || self.reads_lineages() && is_lineage(id)
    }

    fn reads_lineages(&self) -> bool {
        matches!(self.from, KinshipFrom::Ids | KinshipFrom::Taxonomy)
    }

    /// The embedding of the feature `id`, `[dim]`. One whose relations are unknown is at the end of a branch
    /// of its own.
    pub fn embedding(&self, id: &str, dim: usize) -> Vec<f32> {
        let mut sum = vec![0f32; dim];
        if let Some(place) = self.place(id) {
            let mut node = place as usize;
            while node > 0 {
                add_branch(&mut sum, self.nodes.keys[node], self.nodes.lengths[node]);
                node = self.nodes.parents[node] as usize;
            }
        } else if self.relates(id) {
            let names = ranks(id);
            add_branch(&mut sum, feature(id), RANK);
            for rank in (0..names.len()).rev() {
                add_branch(&mut sum, taxon(&names[..=rank]), RANK);
            }
        } else {
            add_branch(&mut sum, feature(id), ALONE);
        }
        sum
    }

    /// The embedding of the feature `id` as `2 · dim` bytes, two for each number, the higher one first:
    /// [`STEPS`] times the number plus [`ZERO`].
    pub fn code(&self, id: &str, dim: usize) -> impl Iterator<Item = u8> {
        let numbers = self.embedding(id, dim).into_iter();
        numbers.flat_map(|number| {
            let steps = (number * STEPS).round() + ZERO;
            (steps.clamp(0.0, f32::from(u16::MAX)) as u16).to_be_bytes()
        })
    }

    /// Lengths of the paths between the features at `places`, `[places × places]`, row by row.
    pub fn distances(&self, places: &[u32]) -> Vec<f32> {
        let number = places.len();
        let mut order: Vec<usize> = (0..number).collect();
        order.sort_by_key(|&feature| places[feature]);
        let neighbours = order.windows(2);
        let shared = neighbours.map(|pair| self.nodes.shared(places[pair[0]], places[pair[1]]));
        let shared: Vec<f32> = shared.collect();
        let depth = |feature: usize| self.nodes.depths[places[feature] as usize];
        let mut distances = vec![0f32; number * number];
        for first in 0..number {
            let mut common = f32::INFINITY;
            for second in first + 1..number {
                common = common.min(shared[second - 1]);
                let (one, other) = (order[first], order[second]);
                let apart = (depth(one) + depth(other) - 2.0 * common).max(0.0);
                distances[one * number + other] = apart;
                distances[other * number + one] = apart;
            }
        }
        distances
    }
}

/// The hash of the tips below each node of `tree`, and whether any of `tips` is below it.
fn branches(tree: &Tree, tips: &[usize]) -> (Vec<u64>, Vec<bool>) {
    let (mut keys, mut is_kept) = (vec![0u64; tree.len()], vec![false; tree.len()]);
    for tip in tree.tips() {
        keys[tip] = feature(tree.name(tip));
    }
    for &tip in tips {
        is_kept[tip] = true;
    }
    // Children come before their parents.
    for node in 0..tree.len() {
        if let Some(parent) = tree.parent(node) {
            keys[parent] = keys[parent].wrapping_add(keys[node]);
            is_kept[parent] |= is_kept[node];
        }
    }
    (keys, is_kept)
}

/// The length of the branch above each node of `tree` relative to the mean depth of `tips`. If all lengths
/// are 0, the branches are equally long.
fn relative_lengths(tree: &Tree, tips: &[usize]) -> Vec<f32> {
    let relative = |length: &dyn Fn(usize) -> f64| {
        let mut depths = vec![0f64; tree.len()];
        for node in (0..tree.len()).rev() {
            if let Some(parent) = tree.parent(node) {
                depths[node] = depths[parent] + length(node);
            }
        }
        let sum: f64 = tips.iter().map(|&tip| depths[tip]).sum();
        let mean = sum / tips.len().max(1) as f64;
        (mean > 0.0).then(|| {
            let lengths = (0..tree.len()).map(|node| match tree.parent(node) {
                Some(_) => (length(node) / mean) as f32,
                None => 0.0,
            });
            lengths.collect::<Vec<f32>>()
        })
    };
    let found = relative(&|node| tree.length(node)).or_else(|| relative(&|_| 1.0));
    found.unwrap_or_else(|| vec![ALONE; tree.len()])
}

#[cfg(test)]
mod tests;
