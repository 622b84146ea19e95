//! A head from a crate of its own: it is built, listed, trained with and loaded again by a program
//! that links it, and a program without it says which crate is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --max-steps 1 \
                     --head cosine --head.scale 2 --output-dir trained";

/// Builds the example beside the program under test, where its dependencies are built already.
fn build_example() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_aam-for-tests"));
    let profile = beside.parent().expect("the folder of a profile");
    let target = profile.parent().expect("the target folder");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/third-party-head");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline"]).arg("--target-dir");
    build.arg(target).current_dir(&example);
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "the example builds");
    profile.join(format!("aam-with-cosine{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn a_head_from_another_crate_works_like_a_built_in_one() {
    let aam = Aam::new(build_example());
    aam.ok("plugins list head").prints(&[
        "cosine    aam-head-cosine 0.1.0",
        "mlp       aam-plugins 0.",
    ]);
    aam.ok("plugins describe head cosine").prints(&[
        "Scaled cosine similarity to a learned prototype",
        "--head.scale  (number; default 3.0)",
    ]);

    aam.ok(STUDY);
    aam.ok(TRAIN);
    aam.ok("predict --model trained/checkpoints/last --table study/table.biom --output p.tsv");
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 24);

    let plain = aam!();
    let refusal = plain.run(&format!(
        "predict --model {} --table {} --output p.tsv",
        aam.path("trained/checkpoints/last").display(),
        aam.path("study/table.biom").display()
    ));
    assert!(!matches!(refusal.code, Some(0) | Some(101) | None));
    refusal.says(&[
        "the head 'cosine' comes from the crate aam-head-cosine 0.1.0",
        "`use aam_head_cosine as _;`",
    ]);
    plain
        .refuses("train --head cosine --table t --metadata m --metadata-column c --output-dir o")
        .says(&["unknown head 'cosine'", "available: film, linear"]);
}
