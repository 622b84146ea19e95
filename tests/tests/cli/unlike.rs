//! Samples unlike those a model was trained on: warnings, and `--abstain`.

use aam_runtime::train::checkpoint::sealed;
use aam_tests::{Aam, aam, cells};

const SMALL: &str = "--max-bp 60 --embedding-dim 16 --epochs 1 --baseline-trees 0";
const PREDICT: &str = "predict --model run/checkpoints/best --overwrite --output p.tsv --table";

/// A sequence of 60 bases that depends on `seed`.
fn asv(seed: u64) -> String {
    let mut state = seed + 1;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ACGT"[(state >> 62) as usize])
    };
    (0..60).map(letter).collect()
}

fn reverse_complement(sequence: &str) -> String {
    let complement = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    };
    sequence.chars().rev().map(complement).collect()
}

/// Writes a table of 24 samples, of which the last `changed` have other ASVs than the first ones.
fn table(aam: &Aam, name: &str, changed: usize, change: impl Fn(u64) -> String) {
    let ids: Vec<String> = (1..=24).map(|sample| format!("S{sample:03}")).collect();
    let mut text = format!("#OTU ID\t{}\n", ids.join("\t"));
    for i in 0..30usize {
        let reads = |sample: usize| (7 * sample + 5 * i) % 13;
        let line = |is_first: bool| {
            let cells = (0..24).map(|sample| match (sample < 24 - changed) == is_first {
                true => format!("\t{}", reads(sample)),
                false => "\t0".to_owned(),
            });
            cells.collect::<String>()
        };
        if changed < 24 {
            text.push_str(&format!("{}{}\n", asv(i as u64), line(true)));
        }
        if changed > 0 {
            text.push_str(&format!("{}{}\n", change(i as u64), line(false)));
        }
    }
    aam.write(name, &text);
}

fn trained() -> Aam {
    let aam = aam!();
    aam.ok(aam_tests::STUDY);
    table(&aam, "table.tsv", 0, asv);
    aam.ok(&format!(
        "train --test-size 0.2 --members network --table table.tsv --metadata study/metadata.tsv --metadata-column ph {SMALL} \
         --output-dir run"
    ));
    aam
}

#[test]
fn samples_of_the_training_are_familiar() {
    let aam = trained();
    let ran = aam.ok(&format!("{PREDICT} table.tsv"));
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    let text = aam.read("p.tsv");
    let header = "sample-id\tprediction\tunseen_reads\tdistance\tunlike\n";
    assert!(text.starts_with(header), "{text}");
    assert!(cells(&text, "unlike").iter().all(|(_, cell)| *cell == "no"));
    let distances = aam.column("p.tsv", "distance");
    let known = aam.read("run/samples_train.txt");
    for (distance, (sample, _)) in distances.iter().zip(cells(&text, "distance")) {
        assert!(*distance == 0.0 || !known.contains(sample), "{sample}");
    }
    // Lower-case letters are the same sequences.
    table(&aam, "lower.tsv", 24, |seed| asv(seed).to_lowercase());
    aam.ok(&format!("{PREDICT} lower.tsv"));
    assert_eq!(aam.column("p.tsv", "distance"), distances);
}

#[test]
fn reverse_complements_and_other_regions_are_reported() {
    let aam = trained();
    table(&aam, "rc.tsv", 24, |seed| reverse_complement(&asv(seed)));
    aam.ok(&format!("{PREDICT} rc.tsv")).says(&[
        "warning: 100 % of the table's reads",
        "reverse complements",
        "24 of 24 samples are unlike",
        "--abstain leaves",
    ]);
    table(&aam, "other.tsv", 24, |seed| asv(1000 + seed));
    aam.ok(&format!("{PREDICT} other.tsv")).says(&[
        "warning: the table shares no ASV with the training samples",
        "another region",
        "have 60 bases, the table's 60 bases",
    ]);
    table(&aam, "cut.tsv", 24, |seed| asv(seed)[..50].to_owned());
    aam.ok(&format!("{PREDICT} cut.tsv")).says(&[
        "shares no ASV",
        "trimmed or denoised differently",
        "the table's 50 bases",
    ]);
}

/// 16S genes from base 534 on, after 515F, that differ beyond it.
fn gene(seed: u64) -> String {
    format!("TACGGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCG{}", asv(seed))
}

#[test]
fn reverse_complements_of_the_gene_are_reoriented() {
    let aam = aam!();
    aam.ok(aam_tests::STUDY);
    table(&aam, "forward.tsv", 24, gene);
    table(&aam, "rc.tsv", 24, |seed| reverse_complement(&gene(seed)));
    let train = "train --test-size 0.2 --members network,forest --metadata study/metadata.tsv --metadata-column ph \
                 --embedding-dim 16 --epochs 1 --baseline-trees 0 --overwrite --output-dir run --table";
    aam.ok(&format!("{train} forward.tsv"))
        .says(&["104 bases, V4, forward"]);
    aam.ok(&format!("{PREDICT} forward.tsv"));
    let forward = aam.read("p.tsv");
    aam.ok(&format!("{PREDICT} rc.tsv")).says(&[
        "104 bases, V4, reverse",
        "30 of 30 ASVs are reverse complements of the 16S gene and are reoriented",
    ]);
    assert_eq!(aam.read("p.tsv"), forward);
    aam.ok(&format!("{train} forward.tsv --orient as-is"));
    aam.ok(&format!("{PREDICT} rc.tsv"))
        .says(&["look like reverse complements of the training ASVs"]);
}

#[test]
fn predictions_of_unlike_samples_can_be_left_empty() {
    let aam = trained();
    table(&aam, "mixed.tsv", 5, |seed| asv(1000 + seed));
    aam.ok(&format!("{PREDICT} mixed.tsv --abstain"))
        .says(&["5 of 24 samples are unlike", "are left empty"]);
    let text = aam.read("p.tsv");
    for (place, (sample, prediction)) in cells(&text, "prediction").into_iter().enumerate() {
        assert_eq!(prediction.is_empty(), place >= 19, "{sample}: {prediction}");
    }
    let unseen = aam.column("p.tsv", "unseen_reads");
    assert!(unseen[..19].iter().all(|part| *part == 0.0) && unseen[19..] == [1.0; 5]);
    aam.ok(&format!("{PREDICT} mixed.tsv"));
    let text = aam.read("p.tsv");
    assert!(
        cells(&text, "prediction")
            .iter()
            .all(|(_, cell)| !cell.is_empty())
    );
}

#[test]
fn older_checkpoints_predict_and_damaged_ones_are_refused() {
    let aam = trained();
    let best = aam.path("run/checkpoints/best");
    let manifest = aam.read("run/checkpoints/best/manifest.json");
    let mut value: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let files = value["files"].as_object_mut().expect("files");
    files.remove("familiarity.safetensors").expect("its hash");
    std::fs::write(best.join("manifest.json"), sealed(value).to_string()).expect("a file");
    aam.ok(&format!("{PREDICT} table.tsv")).says(&["older aam"]);
    assert!(aam.read("p.tsv").starts_with("sample-id\tprediction\nS001"));
    aam.refuses(&format!("{PREDICT} table.tsv --abstain"))
        .says(&["--abstain: ", "train again"]);
    std::fs::write(best.join("manifest.json"), manifest).expect("a file");
    let file = best.join("familiarity.safetensors");
    let bytes = std::fs::read(&file).expect("a file");
    std::fs::write(&file, &bytes[..bytes.len() - 8]).expect("a file");
    aam.run(&format!("{PREDICT} table.tsv"))
        .ends_with_code(4)
        .says(&["familiarity.safetensors", "SHA-256 mismatch"]);
}
