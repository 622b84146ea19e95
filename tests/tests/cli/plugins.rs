//! `aam plugins`: linked components, for people and for programs.

use aam_tests::aam;
use serde_json::Value;

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("an array of JSON")
}

#[test]
fn components_are_listed_with_where_they_come_from() {
    let aam = aam!();
    let listed = aam.ok("plugins list").stdout;
    let columns = |line: &str| -> Vec<String> {
        let words = line.split_whitespace().take(2);
        words.map(str::to_owned).collect()
    };
    let listed: Vec<Vec<String>> = listed.lines().map(columns).collect();
    for component in [
        ["head", "linear"],
        ["fusion", "concat"],
        ["loss", "huber"],
        ["target-transform", "zscore"],
        ["optimizer", "adamw"],
        ["schedule", "plateau"],
    ] {
        assert!(
            listed.iter().any(|line| line == &component),
            "{component:?}"
        );
    }
    let heads = aam.ok("plugins list head").stdout;
    assert!(
        heads.lines().all(|line| line.starts_with("head ")),
        "{heads}"
    );
    assert!(heads.contains("aam-plugins 0."), "{heads}");
}

#[test]
fn the_list_is_an_array_of_objects() {
    let components = json(&aam!().ok("plugins list --json").stdout);
    assert!(components.len() > 8);
    for component in &components {
        for key in ["kind", "name", "provider", "version", "summary"] {
            let text = component[key].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{key} of {component}");
        }
        for option in component["options"].as_array().expect("options") {
            let keys: Vec<&String> = option.as_object().expect("an object").keys().collect();
            assert_eq!(
                keys,
                ["name", "type", "default", "description"],
                "{component}"
            );
            assert_ne!(option["description"], "", "{component}");
        }
    }
}

#[test]
fn a_description_has_the_documentation_and_every_option() {
    let aam = aam!();
    aam.ok("plugins describe head mlp").prints(&[
        "head 'mlp', from aam-plugins 0.",
        "Multi-layer perceptron",
        "--head.hidden  (list of integers from 1 to 65536; default [64])",
        "[head]\nname = \"mlp\"\nhidden = [64]",
    ]);
    aam.ok("plugins describe head linear")
        .prints(&["It has no options."]);
    let described = json(&aam.ok("plugins describe head mlp --json").stdout);
    assert_eq!(described.len(), 1);
    assert_eq!(described[0]["name"], "mlp");
    assert_eq!(
        described[0]["options"][0]["default"],
        serde_json::json!([64])
    );
}

#[test]
fn unknown_names_are_answered_with_known_ones() {
    let aam = aam!();
    aam.refuses("plugins describe head mpl").says(&[
        "unknown head 'mpl' (did you mean 'mlp'?)",
        "available: ",
        "linear",
    ]);
    aam.refuses("plugins describe hat mlp")
        .says(&["'hat'", "head, fusion, loss, strategy"]);
    aam.refuses("plugins describe head").says(&["NAME"]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    use std::process::Stdio;
    let mut child = aam!()
        .command("plugins list --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
