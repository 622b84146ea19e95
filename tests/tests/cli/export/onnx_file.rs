//! An exported model, read back and run by ONNX Runtime.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use aam_api::export::{Dimension, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use aam_runtime::data::Table;
use aam_tests::Aam;
use serde_json::{Value, json};

/// A Python with the packages `onnxruntime` and `numpy`.
pub(super) fn python() -> Option<PathBuf> {
    let named = std::env::var_os("AAM_ONNX_PYTHON").map(PathBuf::from);
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let has = Command::new(&python)
        .args(["-c", "import onnxruntime, numpy"])
        .output();
    match has.is_ok_and(|output| output.status.success()) {
        true => Some(python),
        false if named.is_some() => panic!("AAM_ONNX_PYTHON has no package onnxruntime or numpy"),
        false => {
            println!("skipped: python3 has no package onnxruntime, and AAM_ONNX_PYTHON is not set");
            None
        }
    }
}

/// An exported model with its description.
pub(super) struct Exported {
    pub(super) graph: GraphProto,
    pub(super) description: Value,
}

impl Exported {
    /// That in the folder `exported`, whose graph can be evaluated: a value comes before it is used.
    pub(super) fn read(aam: &Aam) -> Self {
        let bytes = std::fs::read(aam.path("exported/model.onnx")).expect("a model");
        let model = ModelProto::read(&bytes).expect("a message");
        let domains = model.opset_import.iter();
        let domains = domains.map(|set| (set.domain.as_deref().unwrap_or("none"), set.version));
        let domains: Vec<_> = domains.collect();
        assert_eq!(domains, [("", Some(17)), ("ai.onnx.ml", Some(3))]);
        let graph = model.graph.expect("a graph");
        let mut known: HashSet<&str> = graph.input.iter().filter_map(name).collect();
        for constant in &graph.initializer {
            let name = constant.name.as_deref().expect("a name");
            assert!(known.insert(name), "{name} is there twice");
            let elements: i64 = constant.dims.iter().product();
            let bytes = constant.raw_data.as_ref().expect("values").len() as i64;
            let size = match constant.data_type {
                Some(3) => 1,
                Some(1) => 4,
                Some(7 | 11) => 8,
                other => panic!("{name} has the type {other:?}"),
            };
            assert_eq!(bytes, size * elements, "{name}");
        }
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(input.as_str()), "{input} is used too early");
            }
            for output in &node.output {
                assert!(known.insert(output), "{output} is there twice");
            }
        }
        for output in &graph.output {
            assert!(name(output).is_some_and(|name| known.contains(name)));
        }
        let description = aam.read("exported/model.json");
        let description = serde_json::from_str(&description).expect("JSON");
        Self { graph, description }
    }

    pub(super) fn asvs(&self) -> Vec<String> {
        let asvs = self.description["inputs"]["counts"]["asvs"].as_array();
        let asvs = asvs.expect("a list").iter();
        asvs.map(|asv| asv.as_str().expect("a name").to_owned())
            .collect()
    }

    pub(super) fn outputs(&self) -> Vec<&str> {
        self.graph.output.iter().filter_map(name).collect()
    }

    pub(super) fn nodes(&self, operator: &str) -> Vec<&NodeProto> {
        let nodes = self.graph.node.iter();
        let is_it = |node: &&NodeProto| node.op_type.as_deref() == Some(operator);
        nodes.filter(is_it).collect()
    }

    /// The inputs for the samples of `table`, with the levels of their categories, if the model has any.
    pub(super) fn inputs(&self, table: &Table, categories: Option<Vec<Vec<String>>>) -> Value {
        let asvs = self.asvs();
        let place = |asv: &str| asvs.iter().position(|known| known == asv);
        let places: Vec<_> = table.feature_ids().iter().map(place).collect();
        let counts = (0..table.num_samples()).map(|row| {
            let mut counts = vec![0; asvs.len()];
            let (features, reads) = table.row(row);
            for (&feature, &reads) in features.iter().zip(reads) {
                if let Some(place) = places[feature as usize] {
                    counts[place] = reads;
                }
            }
            counts
        });
        let counts: Vec<_> = counts.collect();
        match categories {
            Some(levels) => json!({"counts": counts, "categories": levels}),
            None => json!({"counts": counts}),
        }
    }
}

pub(super) fn name(info: &ValueInfoProto) -> Option<&str> {
    info.name.as_deref()
}

/// The lengths of the axes of an input or output; of those that are not fixed, their names.
pub(super) fn shape(info: &ValueInfoProto) -> Vec<Value> {
    let tensor = info
        .r#type
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let axes = shape.expect("a shape").dim.iter();
    axes.map(|axis| match &axis.value {
        Some(Dimension::Value(length)) => json!(length),
        Some(Dimension::Param(name)) => json!(name),
        None => Value::Null,
    })
    .collect()
}

/// All outputs of the exported model for `inputs`, as ONNX Runtime computes them.
pub(super) fn run(aam: &Aam, python: &Path, inputs: &Value) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/run_onnx.py");
    let inputs = aam.write("inputs.json", &inputs.to_string());
    let output = Command::new(python)
        .arg(script)
        .args([aam.path("exported"), inputs])
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}
