//! The files of a checkpoint with matching digests, which a deliberate attacker would also provide.

use std::path::Path;

use aam_api::learner::learner;
use aam_api::{LearnerKind, LearnerTarget, Registry, SampleFeatures, TrainingSamples};
use aam_plugins as _;
use aam_runtime::data::Table;
use aam_runtime::model::device::device;
use aam_runtime::study::familiarity::Familiarity;
use aam_runtime::train::checkpoint::directory::{load_weights, manifest_of, weights};
use aam_runtime::train::checkpoint::import_reference::ReferenceWeights;
use aam_runtime::train::checkpoint::sealed;
use aam_runtime::train::inference::FineTuned;
use burn::nn::LinearConfig;
use ndarray::Array2;

use super::{Target, as_file};

pub const MANIFEST: Target = Target {
    name: "manifest",
    seeds: || {
        vec![
            include_bytes!("../fixtures/checkpoints/format-1/manifest.json").to_vec(),
            include_bytes!("../fixtures/checkpoints/format-2/manifest.json").to_vec(),
            include_bytes!("../fixtures/checkpoints/format-3/manifest.json").to_vec(),
        ]
    },
    run: |bytes| {
        let as_it_is = manifest_of(bytes).is_ok();
        let Ok(value) = serde_json::from_slice(bytes) else {
            return as_it_is;
        };
        let text = serde_json::to_vec(&sealed(value)).expect("JSON");
        let Ok(manifest) = manifest_of(&text) else {
            return as_it_is;
        };
        // Weights that cannot be in a file are rejected before a model is created.
        if manifest.model.fewest_parameters() > 1e5 {
            return as_it_is;
        }
        let cpu = device("cpu").expect("every machine has one");
        FineTuned::init(&manifest, &cpu).is_ok()
    },
};

pub const WEIGHTS: Target = Target {
    name: "weights",
    seeds: || {
        let cpu = device("cpu").expect("every machine has one");
        let module = LinearConfig::new(3, 2).init(&cpu);
        vec![weights(&module).expect("bytes in memory")]
    },
    run: |bytes| {
        let cpu = device("cpu").expect("every machine has one");
        let module = LinearConfig::new(3, 2).init(&cpu);
        load_weights(module, bytes.to_vec(), false, Path::new("weights")).is_ok()
    },
};

pub const REFERENCE: Target = Target {
    name: "reference",
    seeds: || {
        let names = [
            "asv_encoder.token_embedding.weight",
            "sample_encoder.x.bias",
        ];
        let view = |values: &'static [u8], shape| {
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, values);
            view.expect("bytes of this shape")
        };
        let tensors = [view(&[0; 48], vec![6, 2]), view(&[1; 8], vec![2])];
        let named = names.into_iter().zip(tensors);
        vec![safetensors::serialize(named, None).expect("bytes in memory")]
    },
    run: |bytes| {
        ["", ".safetensors"].iter().any(|ending| {
            as_file(bytes, ending, |path| {
                let Ok(weights) = ReferenceWeights::read(path) else {
                    return false;
                };
                weights.components();
                weights.categories();
                let _ = weights.model_config(2);
                true
            })
        })
    },
};

pub const FAMILIARITY: Target = Target {
    name: "familiarity",
    seeds: || {
        let known = Familiarity::of(&table(), &[0, 1, 2], None);
        vec![known.to_bytes().expect("bytes in memory")]
    },
    run: |bytes| {
        let Ok(known) = Familiarity::from_bytes(bytes) else {
            return false;
        };
        known.compare(&table());
        true
    },
};

fn table() -> Table {
    let samples = ["s1", "s2", "s3"].map(str::to_owned).to_vec();
    let asvs = ["ACGTACGTACGTACGTACGTAC", "CCGTACGTACTTACGTACGTAA"].map(str::to_owned);
    let counts = [(0, 0, 3), (0, 1, 5), (1, 1, 7), (2, 0, 1)];
    Table::from_triplets(samples, asvs.to_vec(), &counts).expect("a table")
}

/// A learner's number and its state.
pub const LEARNERS: Target = Target {
    name: "learners",
    seeds: || {
        let features = features();
        let folds: Vec<usize> = (0..features.samples()).map(|row| row % 2).collect();
        let values: Vec<f64> = (0..features.samples()).map(|row| row as f64).collect();
        let of: Vec<usize> = (0..features.samples()).map(|row| row % 3).collect();
        let classes = LearnerTarget::Classes { of: &of, number: 3 };
        let mut seeds = Vec::new();
        for (number, name) in LearnerKind::BY_DEFAULT.iter().enumerate() {
            for target in [LearnerTarget::Numbers(&values), classes] {
                let samples = TrainingSamples::new(&features, target, &folds, 1);
                let fitted = named(name).fit(&samples).expect("it is fitted");
                seeds.push([vec![number as u8], fitted.state()].concat());
            }
        }
        seeds
    },
    run: |bytes| {
        let Some((number, state)) = bytes.split_first() else {
            return false;
        };
        let names = LearnerKind::BY_DEFAULT;
        let name = names[usize::from(*number) % names.len()];
        let Ok(fitted) = named(name).read(state) else {
            return false;
        };
        let features = features();
        let mut known = false;
        for outputs in [1, 3] {
            if fitted.check(features.widths(), outputs).is_ok() {
                let predicted = fitted.predict(&features);
                assert_eq!(predicted.dim(), (features.samples(), outputs));
                known = true;
            }
        }
        known
    },
};

fn named(name: &str) -> aam_api::BoxedLearner {
    let few = match name {
        "forest" => serde_json::json!({"name": name, "trees": 2}),
        "boosting" => serde_json::json!({"name": name, "rounds": 2}),
        _ => serde_json::json!({"name": name}),
    };
    let choice = serde_json::from_value(few).expect("a choice");
    let registry = Registry::<LearnerKind>::load().expect("the learners");
    learner(&registry.resolve(&choice).expect("a learner")).expect("it is linked")
}

fn features() -> SampleFeatures {
    let value = |(row, column): (usize, usize)| ((row * 7 + column * 3) % 11) as f32 / 11.0;
    let shares = Array2::from_shape_fn((12, 4), value);
    let ratios = shares.mapv(|share| (share + 0.1).ln());
    SampleFeatures::new(shares, ratios, 3)
}
