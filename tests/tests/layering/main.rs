//! Crates depend only on permitted crates, and the modules of a crate form no cycles.
//!
//! `cargo test --release --test layering -- --nocapture` prints the dependencies.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates of the project that each of them depends on, without development dependencies.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().expect("a list");
            let used = all.iter().filter(|dependency| dependency["kind"] != "dev");
            let names = used.map(name).filter(|name| own.contains(name));
            (name(package), names.collect())
        })
        .collect()
}

#[test]
fn every_crate_uses_only_permitted_crates() {
    let dependencies = dependencies();
    // The layers of the runtime, each of which may depend on those before it.
    let layers = [
        "aam-regression",
        "aam-core",
        "aam-data",
        "aam-unifrac",
        "aam-features",
        "aam-evaluation",
        "aam-run",
        "aam-study",
        "aam-report",
        "aam-model",
        "aam-train",
        "aam-reference",
        "aam-runtime",
    ];
    let without_burn = 4;
    let mut allowed: BTreeMap<&str, Vec<&str>> = BTreeMap::from([
        ("aam-api", vec![]),
        ("aam-plugins", vec!["aam-api", "aam-regression"]),
        ("aam-cli", vec!["aam-api", "aam-plugins", "aam-runtime"]),
    ]);
    for (place, layer) in layers.into_iter().enumerate() {
        let mut below = layers[..place].to_vec();
        if place >= without_burn {
            below.push("aam-api");
        }
        allowed.insert(layer, below);
    }
    for (name, allowed) in allowed {
        let found = &dependencies[name];
        let forbidden: Vec<&String> = found
            .iter()
            .filter(|other| !allowed.contains(&other.as_str()))
            .collect();
        assert!(
            forbidden.is_empty(),
            "{name} must not depend on {forbidden:?}; it may depend on {allowed:?}"
        );
    }
}

#[test]
fn the_modules_of_a_crate_form_no_cycle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let layers = std::fs::read_dir(root.join("aam-runtime")).expect("the layers of the runtime");
    let mut crates: Vec<_> = layers.flatten().map(|entry| entry.path()).collect();
    crates.extend(["aam-api", "aam-plugins", "aam-runtime", "aam-cli"].map(|name| root.join(name)));
    crates.sort();
    for folder in crates {
        let source = folder.join("src");
        if !source.join("lib.rs").is_file() {
            continue;
        }
        let graph = modules::graph(&source);
        println!("{}", folder.file_name().unwrap_or_default().display());
        for (module, others) in &graph {
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            println!("    {module} -> {}", others.join(", "));
        }
        if let Some(cycle) = modules::cycle(&graph) {
            panic!(
                "{}: modules use each other: {}",
                folder.display(),
                cycle.join(" -> ")
            );
        }
    }
}
