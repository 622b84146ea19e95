//! The crates know only those that they may: the runtime and the plugins meet in the program alone.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates of the project that each of them depends on, development dependencies aside.
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
fn every_crate_knows_only_those_it_may() {
    let dependencies = dependencies();
    let allowed: [(&str, &[&str]); 4] = [
        ("aam-api", &[]),
        ("aam-plugins", &["aam-api"]),
        ("aam-runtime", &["aam-api"]),
        ("aam-cli", &["aam-api", "aam-plugins", "aam-runtime"]),
    ];
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
