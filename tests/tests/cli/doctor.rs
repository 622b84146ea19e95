//! `aam doctor`, and the messages about devices that cannot be used.

use aam_tests::{STUDY, aam};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/golden");

#[test]
fn the_cpu_is_correct() {
    let aam = aam!();
    let ran = aam.ok(&format!("doctor --device cpu --json --golden {GOLDEN}"));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["problems"], Value::Array(Vec::new()));
    assert!(report["machine"]["threads"].as_u64().unwrap() > 0);
    let names: Vec<&str> = report["backends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|backend| backend["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["cuda", "rocm", "vulkan"]);
    let device = &report["devices"][0];
    assert_eq!(device["name"], "cpu");
    assert!(device["products"][0]["gflops"].as_f64().unwrap() > 0.1);
    let attention = device["attention"].as_array().unwrap();
    assert_eq!(attention.len(), 4);
    for found in attention {
        for way in ["forward", "backward"] {
            let difference = found[way].as_f64().unwrap();
            assert!(difference > 0.0 && difference < 1e-5, "{found}");
        }
    }
    let golden = device["golden"].as_array().unwrap();
    assert!(golden.len() > 12, "{}", golden.len());
    for case in golden {
        assert!(case["difference"].as_f64().unwrap() < 1e-4, "{case}");
    }
}

#[test]
fn the_verdict_is_readable() {
    let ran = aam!().ok("doctor --device cpu --quiet");
    for part in [
        "threads",
        "fused masked",
        "Gflop/s",
        "All results are correct",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_wrong_number_is_found() {
    let aam = aam!();
    let case = aam.path("cases/case4");
    copy(format!("{GOLDEN}/case4_pretrain_mae"), &case);
    // The last value of the distances.
    let file = case.join("outputs_unmasked/pairwise_distances.npy");
    let mut bytes = std::fs::read(&file).unwrap();
    let length = bytes.len();
    bytes[length - 16..].fill(0x40);
    std::fs::write(&file, bytes).unwrap();
    let ran = aam.run("doctor --device cpu --golden cases");
    ran.ends_with_code(1);
    let ran = aam.run("doctor --device cpu --golden cases");
    assert!(ran.stdout.contains("WRONG"), "{}", ran.stdout);
    assert!(ran.stderr.contains("distances of case4"), "{}", ran.stderr);

    std::fs::remove_dir_all(case.join("outputs_unmasked")).unwrap();
    std::fs::remove_dir_all(case.join("outputs")).unwrap();
    let ran = aam.run("doctor --device cpu --golden cases");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("no outputs to compare with"),
        "{}",
        ran.stderr
    );

    let ran = aam.run("doctor --device cpu --golden nowhere");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}

fn copy(from: impl AsRef<std::path::Path>, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(entry.path(), &target),
            false => {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

#[test]
fn devices_that_cannot_be_used_say_why() {
    let aam = aam!();
    for name in ["gpu", "cpu:0", "cuda:first"] {
        let ran = aam.refuses(&format!("doctor --device {name}"));
        assert!(
            ran.stderr.contains("rocm[:N] or vulkan[:N]"),
            "{}",
            ran.stderr
        );
    }
    for name in ["cuda", "rocm:1", "vulkan:99"] {
        let ran = aam.run(&format!("doctor --device {name}"));
        assert!(matches!(ran.code, Some(1 | 2)), "{:?}", ran.code);
        assert!(ran.stderr.contains("--device"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("bug"), "{}", ran.stderr);
    }
}

#[test]
fn a_run_accepts_the_choices_of_attention() {
    let aam = aam!().with(STUDY);
    let run = "pretrain --table study/table.biom --tree study/tree.nwk --preset small \
               --nucleotide-steps 1 --epochs 1 --output-dir run --overwrite";
    aam.ok(&format!("{run} --attn-implementation math"));
    assert!(
        aam.read("run/config.toml")
            .contains("attn-implementation = \"math\"")
    );
    aam.ok(&format!("{run} --attn-implementation mem_efficient"));
    assert!(
        aam.read("run/config.toml")
            .contains("attn-implementation = \"auto\"")
    );
    let ran = aam.refuses(&format!("{run} --attn-implementation fast"));
    assert!(ran.stderr.contains("flash"), "{}", ran.stderr);
}
