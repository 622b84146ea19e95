//! `aam check` finds the problems of a study's files, and reports all of them at once.

mod columns;
mod files;
mod groups;

use std::fmt::Write;

use aam_tests::{Aam, Ran, aam};
use serde_json::Value;

/// Sequences of the V4 region, between the primers 515F and 806R.
const SEQUENCES: [&str; 4] = [
    "TACGGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCACGCAGGCGGTTTGTTAAGTCAGATGTGAAATCCCCGGGCTCAACCT",
    "TACGTAGGTGGCAAGCGTTATCCGGAATTATTGGGCGTAAAGCGCGCGTAGGCGGTTTTTTAAGTCTGATGTGAAAGCCCACGGCTCAACCG",
    "TACGGAGGATCCGAGCGTTATCCGGATTTATTGGGTTTAAAGGGAGCGTAGATGGATGTTTAAGTCAGTTGTGAAAGTTTGCGGCTCAACCG",
    "TACAGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCGCGTAGGTGGTTTGTTAAGTTGGATGTGAAAGCCCTGGGCTCAACCT",
];

/// Metadata of 24 samples from twelve subjects, two each.
fn metadata() -> String {
    let mut text = String::from(
        "sample-id\thost_subject_id\tdisease\tdisease_kind\tage\tage_months\tseq_run\tdiet\tnote\n",
    );
    for sample in 0..24 {
        let subject = sample / 2;
        let ill = subject % 2 == 0;
        let disease = if ill { "ill" } else { "well" };
        let kind = match (ill, subject % 4) {
            (true, 0) => "early",
            (true, _) => "late",
            _ => "none",
        };
        // Ill samples are mostly from one sequencing run.
        let run = if ill == (sample % 8 != 0) { "A" } else { "B" };
        let age = 20 + subject * 3;
        let diet = if sample == 5 {
            "unknown"
        } else {
            ["meat", "plants"][sample % 2]
        };
        writeln!(
            text,
            "s{sample}\tP{subject}\t{disease}\t{kind}\t{age}\t{}\t{run}\t{diet}\tn{sample}",
            12 * age
        )
        .unwrap();
    }
    text
}

/// Reads of 24 samples, for the ASVs `names`.
fn table(names: &[&str]) -> String {
    let ids: Vec<String> = (0..24).map(|sample| format!("s{sample}")).collect();
    let mut text = format!("#OTU ID\t{}\n", ids.join("\t"));
    for (asv, name) in names.iter().enumerate() {
        let counts =
            (0..24).map(|sample| (1000 + 13 * ((sample * 37 + asv * 53) % 101)).to_string());
        let counts: Vec<String> = counts.collect();
        writeln!(text, "{name}\t{}", counts.join("\t")).unwrap();
    }
    text
}

/// A folder whose file names reveal nothing about the files.
fn study() -> Aam {
    let aam = aam!();
    std::fs::create_dir(aam.path("study")).unwrap();
    aam.write("study/1.txt", &table(&["a1", "a2", "a3", "a4"]));
    aam.write("study/2.txt", &metadata());
    aam.write("study/3.txt", "((a1:1,a2:2):0.5,(a3:3,a4:6):1.5);\n");
    let fasta = std::iter::zip(["a1", "a2", "a3", "a4"], SEQUENCES);
    let fasta: String = fasta.map(|(id, s)| format!(">{id}\n{s}\n")).collect();
    aam.write("study/4.txt", &fasta);
    aam.write("study/notes.txt", "Nothing of use.\n");
    aam
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).expect("JSON on standard output")
}

#[track_caller]
fn problems(report: &Value) -> String {
    report["problems"].to_string()
}
