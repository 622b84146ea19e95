//! Every component that is linked passes the conformance suite, with its default options and with
//! the other ways of working that it has.

use aam_api::{
    CategorySchema, FusionContext, FusionKind, HeadKind, Kind, LossKind, Plugin, Registry,
    StrategyKind, testing,
};
use aam_plugins as _;
use burn::tensor::Device;
use serde_json::{Map, Value, json};

/// Runs `check` on every plugin of a kind, by default and with the options in `cases`.
fn check_all<K: Kind>(check: fn(&Plugin<K>, &Map<String, Value>), cases: &[(&str, Value)]) {
    let registry = Registry::<K>::load().expect("no duplicates");
    let mut failed = Vec::new();
    for plugin in registry.iter() {
        let own = cases.iter().filter(|(name, _)| *name == plugin.name);
        let given = own.filter_map(|(_, options)| options.as_object().cloned());
        for options in std::iter::once(Map::new()).chain(given) {
            if std::panic::catch_unwind(|| check(plugin, &options)).is_err() {
                failed.push(format!("{} {options:?}", plugin.name));
            }
        }
    }
    assert!(failed.is_empty(), "not conforming (see above): {failed:#?}");
}

#[test]
fn heads() {
    let cases = [
        ("mlp", json!({"hidden": [8, 6], "dropout": 0.2})),
        ("residual", json!({"hidden": [8, 6], "dropout": 0.2})),
        ("quantile", json!({"hidden": [8, 6], "dropout": 0.2})),
        ("film", json!({"hidden": [8, 6], "dropout": 0.2})),
        ("film", json!({"columns": ["season"]})),
        ("moe", json!({"routing": "location", "balance": 0.0})),
        ("moe", json!({"top-k": 2, "hidden": [8], "balance": 1.0})),
        ("moe", json!({"top-k": 1, "experts": 2, "dropout": 0.2})),
    ];
    check_all::<HeadKind>(testing::head_plugin, &cases);
}

#[test]
fn fusions() {
    let cases = [
        ("cross-attention", json!({"heads": 1})),
        ("cross-attention", json!({"single-key": true})),
        ("gmu", json!({"convex": true})),
        ("perceiver", json!({"latents": 3, "layers": 0, "heads": 2})),
    ];
    check_all::<FusionKind>(testing::fusion_plugin, &cases);
}

#[test]
fn losses() {
    let cases = [
        ("huber", json!({"delta": 0.3})),
        (
            "asymmetric",
            json!({"over-penalty": 3.0, "under-penalty": 0.5}),
        ),
        ("gaussian-nll", json!({"coverage": 0.95})),
        ("quantile", json!({"levels": [0.5]})),
        ("quantile", json!({"levels": [0.05, 0.25, 0.6, 0.99]})),
        ("cross-entropy", json!({"label-smoothing": 0.1})),
    ];
    check_all::<LossKind>(testing::loss_plugin, &cases);
}

#[test]
fn strategies() {
    check_all::<StrategyKind>(testing::strategy_plugin, &[]);
}

#[test]
fn fusions_of_categories_ask_for_them() {
    let context = FusionContext {
        dim: 8,
        categories: CategorySchema::default(),
    };
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
#[should_panic(expected = "padding")]
fn a_fusion_that_reads_padding_is_caught() {
    let registry = Registry::<FusionKind>::load().expect("no duplicates");
    let perceiver = registry.find("perceiver").expect("it is built in");
    let options = Map::from_iter([("attend-padding".to_owned(), json!(true))]);
    testing::fusion_plugin(perceiver, &options);
}
