//! Outputs: what is rejected, what is replaced and what is not, and a full disk.

use aam_tests::{Aam, aam};

const STUDY: &str = "simulate --samples 24 --asvs 40 --sequence-length 30 --richness 12 \
                     --depth 300 --output-dir";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --epochs 1 --output-dir";
const PREDICT: &str = "predict --model run/checkpoints/best --table study/table.biom --output";

fn study() -> Aam {
    let aam = aam!();
    aam.ok(&format!("{STUDY} study"));
    aam
}

/// Names in a folder, including hidden ones.
fn names(aam: &Aam, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(aam.path(folder)).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn the_best_checkpoint_says_what_chose_it() {
    let aam = study();
    aam.ok(&format!("{TRAIN} run"));
    let manifest = aam.read("run/checkpoints/best/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let best = &manifest["best"];
    assert_eq!(
        (&best["metric"]["name"], &best["better"]),
        (&"r2".into(), &"higher".into())
    );
    assert_eq!(best["epoch"], manifest["epoch"]);
    let metrics = manifest["metrics"].as_array().expect("metrics");
    assert!(metrics.contains(&best["metric"]), "{manifest}");
}

#[test]
fn the_ffn_ratio_is_in_widths_of_the_embeddings() {
    let aam = study();
    let flags = "--ffn-ratio 2.5 --asv-encoder transformer";
    aam.ok(&format!("{TRAIN} run {flags}"));
    let manifest = aam.read("run/checkpoints/best/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["model"]["feed-forward"], 40, "{manifest}");
    aam.ok("pretrain --ffn-ratio 2 --print-config")
        .prints(&["ffn-ratio = 2.0"]);
}

#[test]
fn a_run_is_replaced_only_when_asked_to_and_nothing_else_ever() {
    let aam = study();
    aam.ok(&format!("{TRAIN} run"));
    // Rejected before anything is read.
    let blind = "train --test-size 0.2 --members network --table none.biom --metadata none.tsv --metadata-column ph --output-dir run";
    aam.refuses(blind).says(&[
        "--output-dir run: there is a run in this directory",
        "--overwrite",
    ]);
    std::fs::write(aam.path("run/notes.txt"), "mine").expect("a file");
    aam.ok(&format!("{TRAIN} run --overwrite"));
    assert_eq!(aam.read("run/notes.txt"), "mine");
    assert!(aam.path("run/checkpoints/best/manifest.json").is_file());

    let study_files = names(&aam, "study");
    aam.refuses(&format!("{TRAIN} study"))
        .says(&["--output-dir study: the directory exists and is not empty"]);
    aam.refuses(&format!("{TRAIN} study --overwrite")).says(&[
        "--output-dir study: the directory contains files that do not belong to a run of aam",
    ]);
    assert_eq!(names(&aam, "study"), study_files);
    aam.refuses(&format!("{TRAIN} study/tree.nwk --overwrite"))
        .says(&["--output-dir study/tree.nwk: this is a file"]);
    // Settings of another program.
    std::fs::create_dir(aam.path("site")).expect("a folder");
    aam.write("site/config.toml", "title = \"my site\"\n");
    aam.refuses(&format!("{TRAIN} site --overwrite"))
        .says(&["do not belong to a run of aam"]);
    assert_eq!(names(&aam, "site"), ["config.toml"]);
    aam.refuses("train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv")
        .says(&["--output-dir is missing"]);
}

#[test]
fn a_study_is_replaced_only_by_a_study() {
    let aam = study();
    let before = aam.read("study/metadata.tsv");
    aam.refuses(&format!("{STUDY} study")).says(&[
        "--output-dir: study: already exists and contains a study",
        "--overwrite",
    ]);
    aam.write("study/notes.txt", "mine");
    aam.ok(&format!("{STUDY} study --overwrite --seed 7"));
    assert_ne!(aam.read("study/metadata.tsv"), before);
    assert_eq!(aam.read("study/notes.txt"), "mine");
    aam.ok(&format!("{TRAIN} run"));
    aam.refuses(&format!("{STUDY} run --overwrite"))
        .says(&["other than a simulated study"]);
    assert!(aam.path("run/metrics.tsv").is_file());
}

#[test]
fn predictions_are_replaced_only_when_asked_to() {
    let aam = study();
    aam.ok(&format!("{TRAIN} run"));
    aam.write("p.tsv", "mine");
    aam.refuses(&format!("{PREDICT} p.tsv"))
        .says(&["--output p.tsv: the file exists", "--overwrite"]);
    assert_eq!(aam.read("p.tsv"), "mine");
    aam.ok(&format!("{PREDICT} p.tsv --overwrite"));
    assert!(aam.read("p.tsv").starts_with("sample-id\t"));
    aam.refuses(&format!("{PREDICT} study --overwrite"))
        .says(&["--output study: this is a directory"]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let aam = study();
    aam.run_on_full_disk(8, &format!("{STUDY} other"))
        .ends_with_code(1)
        .says(&["other/table.biom: cannot be written"]);
    let written = aam
        .run_on_full_disk(0, &format!("{TRAIN} none"))
        .ends_with_code(1);
    written.says(&["none/config.toml: cannot be written: file too large"]);
    assert!(!aam.path("none").exists());
    aam.run_on_full_disk(12, &format!("{TRAIN} cut --no-tensorboard"))
        .ends_with_code(1)
        .says(&["cut/checkpoints/last/model.safetensors: cannot be written"]);
    assert_eq!(names(&aam, "cut/checkpoints"), [""; 0]);

    aam.ok(&format!("{TRAIN} run"));
    aam.write("p.tsv", "mine");
    aam.run_on_full_disk(0, &format!("{PREDICT} p.tsv --overwrite"))
        .ends_with_code(1)
        .says(&["p.tsv: cannot be written: file too large"]);
    assert_eq!(aam.read("p.tsv"), "mine");
    assert_eq!(
        names(&aam, "."),
        ["cut", "p.tsv", "run", "study"],
        "no temporary file is left"
    );
}
