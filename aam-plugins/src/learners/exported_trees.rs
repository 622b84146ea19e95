//! Trees as an operator of ONNX, `TreeEnsembleRegressor`.

use aam_api::export::{Attribute, Element, Graph, Value};

use super::tree::Tree;

/// The nodes of trees as lists, an entry for each node.
#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    places: Vec<i64>,
    columns: Vec<i64>,
    modes: Vec<String>,
    thresholds: Vec<f32>,
    first: Vec<i64>,
    second: Vec<i64>,
}

/// The values at leaves as lists, an entry for each value.
#[derive(Default)]
struct Leaves {
    trees: Vec<i64>,
    places: Vec<i64>,
    outputs: Vec<i64>,
    values: Vec<f32>,
}

/// The sums over `trees`, 64-bit numbers `[samples, outputs]`, given columns `[samples, columns]`. Each
/// tree has `per_leaf` values at a leaf, of which the first belongs to the output `first(tree)`.
pub(super) fn sums(
    graph: &mut Graph,
    columns: &Value,
    trees: &[Tree],
    (outputs, per_leaf): (usize, usize),
    first: impl Fn(usize) -> usize,
) -> Value {
    let (mut nodes, mut leaves) = (Nodes::default(), Leaves::default());
    for (number, tree) in trees.iter().enumerate() {
        nodes.add(number, tree);
        leaves.add(number, tree, per_leaf, first(number));
    }
    let ints = Attribute::Ints;
    let attributes = vec![
        ("nodes_treeids", ints(nodes.trees)),
        ("nodes_nodeids", ints(nodes.places)),
        ("nodes_featureids", ints(nodes.columns)),
        ("nodes_modes", Attribute::Texts(nodes.modes)),
        ("nodes_values", Attribute::Floats(nodes.thresholds)),
        ("nodes_truenodeids", ints(nodes.first)),
        ("nodes_falsenodeids", ints(nodes.second)),
        ("target_treeids", ints(leaves.trees)),
        ("target_nodeids", ints(leaves.places)),
        ("target_ids", ints(leaves.outputs)),
        ("target_weights", Attribute::Floats(leaves.values)),
        ("n_targets", Attribute::Int(outputs as i64)),
        ("aggregate_function", Attribute::Text("SUM".to_owned())),
        ("post_transform", Attribute::Text("NONE".to_owned())),
    ];
    let sums = graph.apply_learning("TreeEnsembleRegressor", &[columns], attributes);
    graph.cast(&sums, Element::Double)
}

impl Nodes {
    fn add(&mut self, number: usize, tree: &Tree) {
        for (place, node) in tree.nodes.iter().enumerate() {
            self.trees.push(number as i64);
            self.places.push(place as i64);
            let children = i64::from(node.children);
            let (mode, column, threshold, [first, second]) = match node.children {
                0 => ("LEAF", 0, 0.0, [0, 0]),
                _ => (
                    "BRANCH_LEQ",
                    i64::from(node.column),
                    node.threshold,
                    [children, children + 1],
                ),
            };
            self.modes.push(mode.to_owned());
            self.columns.push(column);
            self.thresholds.push(threshold);
            self.first.push(first);
            self.second.push(second);
        }
    }
}

impl Leaves {
    fn add(&mut self, number: usize, tree: &Tree, per_leaf: usize, first: usize) {
        for (place, node) in tree.nodes.iter().enumerate() {
            if node.children > 0 {
                continue;
            }
            let leaf = node.column as usize;
            let values = &tree.values[leaf * per_leaf..(leaf + 1) * per_leaf];
            for (output, value) in (first..).zip(values) {
                self.trees.push(number as i64);
                self.places.push(place as i64);
                self.outputs.push(output as i64);
                self.values.push(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aam_api::export::Axis;

    use super::super::tree::Node;
    use super::*;

    #[test]
    fn leaves_have_their_values_and_nodes_their_children() {
        let node = |column, threshold, children| Node {
            column,
            threshold,
            children,
        };
        let tree = Tree {
            nodes: vec![node(4, 0.5, 1), node(1, 0.0, 0), node(0, 0.0, 0)],
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let mut graph = Graph::new();
        let shape = [Axis::Samples, Axis::Fixed(5)];
        let columns = graph.input("x", Element::Float, &shape, "");
        sums(&mut graph, &columns, &[tree.clone(), tree], (2, 2), |_| 0);
        let graph = graph.into_model("", "").graph.expect("a graph");
        let node = &graph.node[0];
        let attribute = |name: &str| {
            let mut all = node.attribute.iter();
            all.find(|one| one.name.as_deref() == Some(name))
                .unwrap_or_else(|| panic!("no {name}"))
        };
        assert_eq!(attribute("nodes_treeids").ints, [0, 0, 0, 1, 1, 1]);
        assert_eq!(attribute("nodes_featureids").ints, [4, 0, 0, 4, 0, 0]);
        assert_eq!(attribute("nodes_truenodeids").ints, [1, 0, 0, 1, 0, 0]);
        assert_eq!(attribute("nodes_falsenodeids").ints, [2, 0, 0, 2, 0, 0]);
        assert_eq!(attribute("target_nodeids").ints, [1, 1, 2, 2, 1, 1, 2, 2]);
        assert_eq!(attribute("target_ids").ints, [0, 1, 0, 1, 0, 1, 0, 1]);
        let values = &attribute("target_weights").floats;
        assert_eq!(values[..4], [3.0, 4.0, 1.0, 2.0]);
    }
}
