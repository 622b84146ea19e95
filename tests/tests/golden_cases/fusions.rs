//! Fusions of the reference that no case records: weights under the reference's names give the
//! results of its formulas, derived from the weights of the concatenation.

use std::collections::BTreeMap;
use std::fs;

use aam_api::{Choice, FusionKind, HeadKind, Registry};
use aam_runtime::model::{Predictor, PredictorOutput, PredictorParts, Wants};
use aam_runtime::train::checkpoint::import_reference::ReferenceWeights;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::support::{Case, schema};

const CASE: &str = "case1_concat_condscale";
const COLUMNS: [(&str, usize); 2] = [("location", 3), ("season", 4)];
const DIM: usize = 32;
const WIDTH: usize = 12;

/// Shape and values of each tensor of a file.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn tensors() -> Tensors {
    let bytes = fs::read(Case::new(CASE).path("weights.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    file.iter()
        .map(|(name, view)| {
            let values = view.data().chunks(4).map(float).collect();
            (name.to_owned(), (view.shape().to_vec(), values))
        })
        .collect()
}

/// The last `WIDTH` columns of `[DIM, DIM + WIDTH]`, which multiply the categories.
fn of_categories(matrix: &[f32]) -> Vec<f32> {
    let rows = matrix.chunks(DIM + WIDTH);
    rows.flat_map(|row| row[DIM..].to_vec()).collect()
}

/// Writes the tensors, loads them as weights, and applies the resulting predictor to the samples of
/// the case. Also returns the name of its fusion.
fn apply(tensors: &Tensors) -> (String, PredictorOutput) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weights.safetensors");
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (name, shape, bytes.collect())
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
        (name.as_str(), view)
    });
    let file = safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap();
    fs::write(&path, file).unwrap();

    let case = Case::new(CASE);
    let weights = ReferenceWeights::read(&path).unwrap();
    let found = weights.components().unwrap();
    let head = Registry::<HeadKind>::load().unwrap();
    let fusion = Registry::<FusionKind>::load().unwrap();
    let parts = PredictorParts {
        model: &case.model_config(),
        predictor: &weights.predictor_config(),
        fusion: &fusion.resolve(&found.fusion).unwrap(),
        head: &head.resolve(&found.head).unwrap(),
        categories: &schema(&COLUMNS),
        parents: &[],
        outputs_per_target: 1,
        values: &[true],
    };
    let predictor = Predictor::init(&parts, &Device::flex()).unwrap();
    let (predictor, report) = weights.load_predictor(predictor, &[]).unwrap();
    assert_eq!(report.missing, Vec::<String>::new());
    let scaling = ["output_scales.", "output_biases."];
    let known = |name: &String| scaling.iter().any(|start| name.starts_with(start));
    assert!(report.unused.iter().all(known), "{:?}", report.unused);
    let input = case.input(&case.tokens(false), &COLUMNS.map(|(name, _)| name));
    let Choice { name, .. } = found.fusion;
    let output = predictor.valid().forward(&input, Wants::default());
    (name, output)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let allowed = 1e-4 * expected.abs().max(0.1);
        assert!((found - expected).abs() < allowed, "{found}, {expected}");
    }
}

#[test]
fn adding_is_concatenation_that_leaves_the_asvs_as_they_are() {
    let mut concatenating = tensors();
    let matrix = concatenating["categorical_projection.weight"].1.clone();
    let mut kept = matrix.clone();
    for (row, values) in kept.chunks_mut(DIM + WIDTH).enumerate() {
        values[..DIM].fill(0.0);
        values[row] = 1.0;
    }
    let weight = "categorical_projection.weight".to_owned();
    concatenating.insert(weight.clone(), (vec![DIM, DIM + WIDTH], kept));
    let mut adding = concatenating.clone();
    adding.insert(weight, (vec![DIM, WIDTH], of_categories(&matrix)));

    let (name, expected) = apply(&concatenating);
    assert_eq!(name, "concat");
    let (name, found) = apply(&adding);
    assert_eq!(name, "add");
    assert_close(&values(found.values), &values(expected.values.clone()));
    let pooled = values(expected.pooled);
    assert_close(&values(found.pooled), &pooled);
}

#[test]
fn a_gate_adds_categories_to_the_pooled_embedding() {
    let mut without = tensors();
    let (shape, gate) = without.remove("categorical_projection.weight").unwrap();
    let bias = without.remove("categorical_projection.bias").unwrap();
    let category = of_categories(&gate);
    let mut gated = without.clone();
    gated.insert("gmu.gate.weight".to_owned(), (shape, gate.clone()));
    gated.insert("gmu.gate.bias".to_owned(), bias.clone());
    let transform = "gmu.cat_transform".to_owned();
    gated.insert(
        format!("{transform}.weight"),
        (vec![DIM, WIDTH], category.clone()),
    );
    gated.insert(format!("{transform}.bias"), bias.clone());

    let (name, before) = apply(&without);
    assert_eq!(name, "none");
    let (name, after) = apply(&gated);
    assert_eq!(name, "gmu");

    let case = Case::new(CASE);
    let embedded = COLUMNS.map(|(column, _)| {
        let (_, table) = &without[&format!("categorical_embedder.embeddings.{column}.weight")];
        let ids = values(case.column(&format!("inputs/categorical_ids.{column}")));
        let rows = ids.into_iter().map(|id| &table[id as usize * 6..][..6]);
        rows.map(<[f32]>::to_vec).collect::<Vec<_>>()
    });
    let product = |row: &[f32], x: &[f64]| -> f64 {
        let terms = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
        terms.sum()
    };
    let mut expected = Vec::new();
    for (sample, pooled) in values(before.pooled).chunks(DIM).enumerate() {
        let categories = embedded.iter().flat_map(|column| column[sample].clone());
        let categories: Vec<f64> = categories.map(f64::from).collect();
        let both = [pooled, &categories].concat();
        for (i, h) in pooled.iter().enumerate() {
            let b = f64::from(bias.1[i]);
            let z = product(&gate[i * (DIM + WIDTH)..][..DIM + WIDTH], &both) + b;
            let t = product(&category[i * WIDTH..][..WIDTH], &categories) + b;
            expected.push(h + t.tanh() / (1.0 + (-z).exp()));
        }
    }
    assert_close(&values(after.pooled), &expected);
}
