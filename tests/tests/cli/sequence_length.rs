//! How much of each sequence is read: all, unless requested otherwise or the encoder supports less.

use aam_tests::{Aam, aam};

/// A table of sequences with `bases` bases, with metadata.
fn study(aam: &Aam, bases: usize) {
    let mut table = String::from("#OTU ID");
    let mut metadata = String::from("sample-id\tph\n");
    for sample in 0..12 {
        table.push_str(&format!("\tS{sample}"));
        metadata.push_str(&format!("S{sample}\t{}\n", 5.0 + 0.1 * f64::from(sample)));
    }
    for asv in 0..8_usize {
        let letter = |place: usize| {
            let digit = asv >> (2 * (place % 2));
            ["A", "C", "G", "T"][(digit + place / 2) % 4]
        };
        table.push('\n');
        table.extend((0..bases).map(letter));
        for sample in 0..12 {
            table.push_str(&format!("\t{}", (asv * 7 + sample * 5) % 11));
        }
    }
    aam.write("table.tsv", &(table + "\n"));
    aam.write("m.tsv", &metadata);
}

fn max_bp(aam: &Aam, run: &str) -> (u64, u64) {
    let text = aam.read(&format!("{run}/checkpoints/best/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = |part: &str, key: &str| manifest[part][key].as_u64().unwrap();
    (number("model", "max-bp"), number("data", "max_bp"))
}

#[test]
fn a_model_reads_whole_sequences_unless_truncation_is_requested() {
    let aam = aam!();
    study(&aam, 44);
    let train = "train --table table.tsv --metadata m.tsv --metadata-column ph --test-size 0.25 \
         --members network --embedding-dim 16 --epochs 1 --baseline-trees 0 --output-dir";
    let ran = aam.ok(&format!("{train} whole"));
    assert!(!ran.stderr.contains("truncated"), "{}", ran.stderr);
    assert_eq!(max_bp(&aam, "whole"), (44, 44));
    aam.ok(&format!("{train} short --max-bp 40"))
        .says(&["8 ASVs are longer than 40 bases and were truncated"]);
    assert_eq!(max_bp(&aam, "short"), (40, 40));
    aam.run(&format!("{train} refused --max-bp 40 --no-truncate"))
        .ends_with_code(3)
        .says(&["the sequence has 44 bases, more than the 40 allowed"]);
    // The recorded settings give the same model again, and the run can resume.
    aam.ok("train --config whole/config.toml --output-dir again");
    assert_eq!(max_bp(&aam, "again"), (44, 44));
    aam.ok("train --output-dir whole --resume --epochs 2");
    assert_eq!(max_bp(&aam, "whole"), (44, 44));
}

#[test]
fn sequences_too_long_for_an_encoder_are_truncated_with_a_warning() {
    let aam = aam!();
    study(&aam, 36);
    aam.ok(
        "pretrain --table table.tsv --unifrac-metric bray-curtis --nucleotide-steps 2 \
         --embedding-dim 16 --epochs 1 --output-dir pretrained",
    );
    assert_eq!(max_bp(&aam, "pretrained"), (36, 36));
    let train = "train --table table.tsv --metadata m.tsv --metadata-column ph --test-size 0.25 \
         --members network --epochs 1 --baseline-trees 0 --pretrained-encoder pretrained --output-dir";
    let warning =
        "warning: the encoder knows sequences of up to 36 bases, but the longest sequence has 44";
    let ran = aam.ok(&format!("{train} same"));
    assert!(
        !ran.stderr.contains("warning: the encoder"),
        "{}",
        ran.stderr
    );
    ran.says(&["pre-trained encoder: pretrained/checkpoints/best"]);
    study(&aam, 44);
    aam.ok(&format!("{train} longer")).says(&[
        warning,
        "8 ASVs are longer than 36 bases and were truncated",
    ]);
    assert_eq!(max_bp(&aam, "longer"), (36, 36));
    aam.ok(&train
        .replace("--test-size 0.25", "--folds 2")
        .replace("--output-dir", "--output-dir folds"))
        .says(&[warning]);
    aam.refuses(&format!("{train} refused --max-bp 40")).says(&[
        "the pre-trained encoder reads at most 36 bases",
        "or leave it out",
    ]);
    aam.run(&format!("{train} refused --no-truncate"))
        .ends_with_code(3)
        .says(&["more than the 36 allowed"]);
    assert!(!aam.path("refused").exists());
    aam.ok("predict --model same --table table.tsv --output p.tsv")
        .says(&[
            "warning: the model was trained on sequences of up to 36 bases, and the longest one here has 44",
            "8 ASVs are longer than 36 bases and were truncated",
        ]);
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 12);
}
