//! Components are chosen by name, and errors about wrong names or options explain how to fix them.

use aam_api::{
    Choice, FusionKind, HeadKind, Kind, LossContext, LossKind, MetricKind, PluginError, Registry,
    Resolved, StrategyKind,
};
use aam_plugins as _;
use burn::tensor::Device;
use serde_json::{Map, Value, json};

fn registry<K: Kind>() -> Registry<K> {
    Registry::load().expect("no duplicates")
}

fn choice(name: &str, options: Value) -> Choice {
    Choice {
        name: name.to_owned(),
        options: options.as_object().cloned().unwrap_or_default(),
    }
}

fn refused(name: &str, options: Value) -> String {
    let error = registry::<HeadKind>()
        .resolve(&choice(name, options))
        .expect_err("wrong");
    error.to_string()
}

fn names<K: Kind>() -> Vec<&'static str> {
    registry::<K>().iter().map(|plugin| plugin.name).collect()
}

#[test]
fn what_is_built_in() {
    let has = |names: Vec<&str>, wanted: &[&str]| {
        for name in wanted {
            assert!(names.contains(name), "{name} is not among {names:?}");
        }
    };
    has(
        names::<HeadKind>(),
        &["film", "linear", "mlp", "moe", "quantile", "residual"],
    );
    has(
        names::<FusionKind>(),
        &[
            "add",
            "concat",
            "cross-attention",
            "film",
            "gmu",
            "none",
            "perceiver",
        ],
    );
    has(
        names::<LossKind>(),
        &[
            "asymmetric",
            "cross-entropy",
            "gaussian-nll",
            "huber",
            "mae",
            "mse",
            "ordinal",
            "quantile",
        ],
    );
    has(
        names::<MetricKind>(),
        &["accuracy", "auc", "interval_width", "mae", "r2", "spearman"],
    );
    has(names::<StrategyKind>(), &["single"]);
    let heads = registry::<HeadKind>();
    let mlp = heads.find("mlp").expect("it is built in");
    assert_eq!(mlp.provider, "aam-plugins");
    assert_eq!(mlp.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(
        mlp.summary(),
        "Multi-layer perceptron: `Linear → ReLU → Dropout` for each hidden width, then `Linear`."
    );
    let options: Vec<_> = mlp
        .options()
        .into_iter()
        .map(|option| (option.name, option.type_name, option.default))
        .collect();
    assert_eq!(
        options,
        [
            (
                "hidden".to_owned(),
                "list of integers".to_owned(),
                json!([64])
            ),
            ("dropout".to_owned(), "number".to_owned(), json!(0.0)),
        ]
    );
}

#[test]
fn an_unknown_name_lists_the_nearest_and_all() {
    let error = refused("lineer", json!({}));
    assert!(
        error
            .starts_with("unknown head 'lineer' (did you mean 'linear'?); available: film, linear"),
        "{error}"
    );
    let error = refused("transformer-xl", json!({}));
    assert!(
        error.starts_with("unknown head 'transformer-xl'; available: "),
        "{error}"
    );
}

#[test]
fn an_unknown_option_names_the_nearest_and_the_components_own() {
    assert_eq!(
        refused("mlp", json!({"hiden": [4]})),
        "head 'mlp' has no option 'hiden' (did you mean 'hidden'?); its options: hidden, dropout"
    );
}

#[test]
fn an_option_of_another_component_says_whose_it_is() {
    let error = refused("linear", json!({"hidden": [4]}));
    assert!(
        error.starts_with("head 'linear' has no option 'hidden' (it belongs to head film, mlp"),
        "{error}"
    );
    assert!(error.ends_with("; its options: none"), "{error}");
}

#[test]
fn a_value_of_the_wrong_type_says_what_is_expected() {
    let cases = [
        (
            json!({"hidden": 64}),
            "'hidden': expected a list of integers from 1 to 65536, found 64",
        ),
        (
            json!({"hidden": [1.5]}),
            "'hidden': expected a list of integers from 1 to 65536, found [1.5]",
        ),
        (
            json!({"hidden": [-3]}),
            "'hidden': expected a list of integers from 1 to 65536, found [-3]",
        ),
        (
            json!({"dropout": "much"}),
            "'dropout': expected a number from 0 to below 1, found 'much'",
        ),
        (
            json!({"dropout": null}),
            "'dropout': expected a number from 0 to below 1, found null",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(
            refused("mlp", options),
            format!("head 'mlp', option {expected}")
        );
    }
}

#[test]
fn resolving_fills_in_defaults_and_keeps_what_is_given() {
    let heads = registry::<HeadKind>();
    let resolved = heads
        .resolve(&choice("mlp", json!({"hidden": [8, 4]})))
        .expect("valid");
    assert_eq!(resolved.provider, "aam-plugins");
    assert_eq!(
        json!(resolved.options),
        json!({"hidden": [8, 4], "dropout": 0.0})
    );
    let text = serde_json::to_string(&resolved).expect("it serialises");
    let read: Resolved = serde_json::from_str(&text).expect("it deserialises");
    assert_eq!(read, resolved);
}

#[test]
fn a_flag_becomes_the_value_that_its_option_means() {
    let heads = registry::<HeadKind>();
    let options = heads.find("mlp").expect("it is built in").options();
    let parse = |name: &str, text: &str| {
        let option = options.iter().find(|option| option.name == name);
        option.expect("it has the option").parse(text)
    };
    assert_eq!(parse("hidden", "64,32"), Ok(json!([64, 32])));
    assert_eq!(parse("hidden", " 8 , 4 "), Ok(json!([8, 4])));
    assert_eq!(
        parse("hidden", "64;32"),
        Err("a list of integers from 1 to 65536".to_owned())
    );
    assert_eq!(parse("dropout", "0.25"), Ok(json!(0.25)));
    assert_eq!(
        parse("dropout", "nan"),
        Err("a number from 0 to below 1".to_owned())
    );
}

#[test]
fn an_unlinked_component_of_a_checkpoint_names_its_supplier() {
    let resolved = Resolved {
        name: "cosine".to_owned(),
        provider: "aam-head-cosine".to_owned(),
        version: "0.3.1".to_owned(),
        options: Map::new(),
    };
    let context = LossContext::number();
    let error = registry::<LossKind>()
        .build(&resolved, &context, &Device::default())
        .expect_err("nobody links it");
    assert_eq!(
        error.to_string(),
        "the loss 'cosine' comes from the crate aam-head-cosine 0.3.1, which this program was \
         built without; build one with it (add the crate to its dependencies and \
         `use aam_head_cosine as _;` to its main.rs)"
    );
}

#[test]
fn a_value_out_of_range_is_refused_also_when_building() {
    let losses = registry::<LossKind>();
    let error = losses.resolve(&choice("huber", json!({"delta": -1})));
    assert!(
        matches!(error, Err(PluginError::BadOption { .. })),
        "{error:?}"
    );
    let mut resolved = losses.resolve(&choice("huber", json!({}))).expect("valid");
    resolved.options.insert("delta".to_owned(), json!(-1));
    let context = LossContext::number();
    let error = losses
        .build(&resolved, &context, &Device::default())
        .expect_err("below 0");
    assert!(matches!(error, PluginError::BadOption { .. }), "{error}");
}
