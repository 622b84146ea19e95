//! A stored checkpoint of every format version still gives the same predictions.

use std::path::{Path, PathBuf};

use aam_runtime::train::checkpoint::manifest::{FIRST_FORMAT, FORMAT};
use aam_runtime::train::checkpoint::{directory, sealed};
use aam_tests::aam;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/checkpoints");

/// Ids and predictions.
fn predictions(text: &str) -> Vec<(String, f64)> {
    let lines = text.lines().skip(1).map(|line| {
        let (id, value) = line.split_once('\t').expect("two cells");
        (id.to_owned(), value.parse().expect("a number"))
    });
    lines.collect()
}

#[test]
fn checkpoints_of_every_format_predict_what_they_did() {
    for format in FIRST_FORMAT..=FORMAT {
        let aam = aam!();
        let manifest = std::fs::read_to_string(format!("{FIXTURES}/format-{format}/manifest.json"));
        let written = format!("\"format\": {format},");
        assert!(manifest.expect("a manifest").contains(&written), "{format}");
        aam.ok(&format!(
            "predict --model {FIXTURES}/format-{format} --table {FIXTURES}/table.tsv --output p.tsv"
        ));
        let expected = std::fs::read_to_string(format!("{FIXTURES}/predictions-{format}.tsv"));
        let expected = predictions(&expected.expect("predictions"));
        let found = predictions(&aam.read("p.tsv"));
        assert_eq!(found.len(), 12);
        for ((id, found), (other, expected)) in found.iter().zip(&expected) {
            assert_eq!(id, other);
            // CPUs add in different orders.
            assert!(
                (found - expected).abs() < 1e-3,
                "format {format}: {id} is {found}, was {expected}"
            );
        }
    }
}

/// This program writes the stored checkpoint of the current format byte for byte. With
/// `AAM_UPDATE`, its manifest is rewritten; the weights are kept.
#[test]
fn the_stored_checkpoint_of_the_current_format_is_written_the_same() {
    let stored = PathBuf::from(format!("{FIXTURES}/format-{FORMAT}"));
    let at = stored.join("manifest.json");
    if std::env::var_os("AAM_UPDATE").is_some() {
        let text = std::fs::read(&at).expect("a manifest");
        let manifest = sealed(serde_json::from_slice(&text).expect("JSON"));
        let text = serde_json::to_vec_pretty(&manifest).expect("JSON");
        std::fs::write(&at, text).expect("it is written");
    }
    let (manifest, files) = directory::load(&stored).expect("a checkpoint");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy");
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), &b[..])).collect();
    directory::save(&copy, &manifest, &files).expect("it is saved");
    let text = |path: &Path| std::fs::read_to_string(path).expect("a manifest");
    assert_eq!(text(&copy.join("manifest.json")), text(&at));
}

#[test]
fn a_run_can_start_from_every_format_but_not_resume_from_the_first() {
    let aam = aam!();
    aam.write(
        "metadata.tsv",
        "sample-id\tph\nS00\t4\nS01\t5\nS02\t6\nS03\t7\nS04\t8\nS05\t9\n",
    );
    let train = format!(
        "train --test-size 0.2 --members network --table {FIXTURES}/table.tsv --metadata metadata.tsv --metadata-column ph \
         --max-bp 20 --token-limit 16 --epochs 1 --baseline-trees 0"
    );
    for format in FIRST_FORMAT..=FORMAT {
        aam.ok(&format!(
            "{train} --pretrained-encoder {FIXTURES}/format-{format} --output-dir run-{format}"
        ));
    }
    let last = aam.path("run-1/checkpoints/last");
    for name in ["manifest.json", "model.safetensors"] {
        let from = format!("{FIXTURES}/format-1/{name}");
        std::fs::copy(from, last.join(name)).expect("a copy");
    }
    std::fs::remove_file(last.join("trainer.json")).expect("the state");
    aam.run("train --output-dir run-1 --resume")
        .ends_with_code(4)
        .says(&["has no state to resume from", "--pretrained-encoder"]);
}
