//! Every linked component passes the conformance suite, with its default options and in its other
//! modes.

use aam_api::{FusionContext, FusionKind, Registry, testing};
use aam_plugins as _;
use burn::tensor::Device;
use serde_json::{Map, Value, json};

/// Checks the component `name` of the kind `kind` with `options`.
fn check(kind: &str, name: &str, options: Value) -> Result<(), String> {
    let mut suites = testing::suites().into_iter();
    let suite = suites.find(|suite| suite.kind == kind);
    let options = options.as_object().cloned().expect("a table");
    suite.expect("the kind has a suite").check(name, &options)
}

#[test]
fn every_kind_has_a_suite() {
    let without = testing::kinds_without_suite().expect("no duplicates");
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn every_component_conforms_with_its_default_options() {
    let problems = testing::all_linked().expect("no duplicates");
    assert!(problems.is_empty(), "not conforming: {problems:#?}");
}

#[test]
fn other_options_of_components_conform() {
    let cases = [
        ("head", "mlp", json!({"hidden": [8, 6], "dropout": 0.2})),
        (
            "head",
            "residual",
            json!({"hidden": [8, 6], "dropout": 0.2}),
        ),
        (
            "head",
            "quantile",
            json!({"hidden": [8, 6], "dropout": 0.2}),
        ),
        ("head", "film", json!({"hidden": [8, 6], "dropout": 0.2})),
        ("head", "film", json!({"columns": ["season"]})),
        (
            "head",
            "moe",
            json!({"routing": "location", "balance": 0.0}),
        ),
        (
            "head",
            "moe",
            json!({"top-k": 2, "hidden": [8], "balance": 1.0}),
        ),
        (
            "head",
            "moe",
            json!({"top-k": 1, "experts": 2, "dropout": 0.2}),
        ),
        ("fusion", "cross-attention", json!({"heads": 1})),
        ("fusion", "cross-attention", json!({"single-key": true})),
        ("fusion", "gmu", json!({"convex": true})),
        (
            "fusion",
            "perceiver",
            json!({"latents": 3, "layers": 0, "heads": 2}),
        ),
        ("loss", "huber", json!({"delta": 0.3})),
        (
            "loss",
            "asymmetric",
            json!({"over-penalty": 3.0, "under-penalty": 0.5}),
        ),
        ("loss", "gaussian-nll", json!({"coverage": 0.95})),
        ("loss", "quantile", json!({"levels": [0.5]})),
        (
            "loss",
            "quantile",
            json!({"levels": [0.05, 0.25, 0.6, 0.99]}),
        ),
        ("loss", "cross-entropy", json!({"label-smoothing": 0.1})),
        (
            "optimizer",
            "adamw",
            json!({"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6}),
        ),
        ("optimizer", "sgd", json!({"momentum": 0.0})),
        (
            "schedule",
            "warmup-cosine",
            json!({"warmup": 3, "eta-min": 1e-5}),
        ),
        ("schedule", "cosine-restarts", json!({"t0": 3, "t-mult": 1})),
        (
            "schedule",
            "plateau",
            json!({"patience": 0, "factor": 0.5, "min-lr": 1e-5}),
        ),
    ];
    all_conform(cases);
}

#[test]
fn other_options_of_learners_conform() {
    all_conform([
        ("learner", "linear", json!({"penalties": [0.5]})),
        (
            "learner",
            "kernel",
            json!({"widths": [2.0], "penalties": [0.1, 1.0]}),
        ),
        (
            "learner",
            "forest",
            json!({"trees": 50, "divisions": "best", "max-features": 3}),
        ),
        (
            "learner",
            "boosting",
            json!({"columns": 1.0, "samples": 1.0, "min-samples-leaf": 3}),
        ),
    ]);
}

#[test]
fn other_options_of_augmentations_conform() {
    all_conform([
        ("augmentation", "rarefaction", json!({"depth": 20})),
        ("augmentation", "rarefaction", json!({"share": 0.1})),
        ("augmentation", "asv-dropout", json!({"share": 0.9})),
        (
            "augmentation",
            "mixup",
            json!({"alpha": 5.0, "neighbours": 1}),
        ),
        ("augmentation", "mutation", json!({"rate": 1.0})),
    ]);
}

#[track_caller]
fn all_conform<const N: usize>(cases: [(&str, &str, serde_json::Value); N]) {
    let checked = cases.map(|(kind, name, options)| check(kind, name, options));
    let problems: Vec<String> = checked.into_iter().filter_map(Result::err).collect();
    assert!(problems.is_empty(), "not conforming: {problems:#?}");
}

#[test]
fn fusions_of_categories_require_them() {
    let context = FusionContext::new(8);
    let registry = Registry::<FusionKind>::load().expect("no duplicates");
    let mut asking = Vec::new();
    for plugin in registry.iter() {
        let options = plugin.resolve(&Map::new()).expect("defaults");
        if let Err(error) = plugin.build(&options, &context, &Device::default()) {
            let expected = format!(
                "fusion '{}' needs categorical columns; name some with --categorical-columns",
                plugin.name
            );
            assert_eq!(error.to_string(), expected);
            asking.push(plugin.name);
        }
    }
    asking.sort_unstable();
    assert_eq!(asking, ["add", "concat", "cross-attention", "film", "gmu"]);
}

#[test]
fn a_fusion_that_reads_padding_is_caught() {
    let problem = check("fusion", "perceiver", json!({"attend-padding": true}));
    let problem = problem.expect_err("padding is read");
    assert!(problem.contains("padding"), "{problem}");
}
