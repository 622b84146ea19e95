//! `aam pretrain` reads the files that `aam unifrac` writes, including condensed ones.

use std::fs;

use aam_tests::{Aam, STUDY, aam};
use npyz::WriterBuilder;

const PRETRAIN: &str = "pretrain --table study/table.biom --max-bp 30 --embedding-dim 16 \
                        --nucleotide-steps 0 --max-steps 3 --overwrite --output-dir run";

/// A study with a file of its distances.
fn study(file: &str) -> Aam {
    aam!().with(STUDY).with(&format!(
        "unifrac --table study/table.biom --tree study/tree.nwk --output {file}"
    ))
}

fn metrics(aam: &Aam, flags: &str) -> String {
    aam.ok(&format!("{PRETRAIN} {flags}"));
    aam.read("run/metrics.tsv")
}

#[test]
fn every_written_format_is_read() {
    let expected = metrics(&study("d.tsv"), "--unifrac-matrix d.tsv");
    for file in ["d.h5", "d.npy", "d.condensed.npy"] {
        let aam = study(file);
        let flags = format!("--unifrac-matrix {file}");
        assert_eq!(metrics(&aam, &flags), expected, "{file}");
        if file == "d.h5" {
            continue;
        }
        // The ids next to the file are used, as are explicitly given ones.
        let beside = format!("{file}.ids.txt");
        let ids = aam.read(&beside);
        let reversed: String = ids.lines().rev().map(|id| format!("{id}\n")).collect();
        aam.write(&beside, &reversed);
        assert_ne!(metrics(&aam, &flags), expected, "{file}");
        aam.write("ids.txt", &ids);
        let named = format!("{flags} --unifrac-ids ids.txt");
        assert_eq!(metrics(&aam, &named), expected, "{file}");
        fs::remove_file(aam.path(&beside)).expect("ids");
        // Without ids, the samples of the distances are unknown.
        aam.run(&format!("{PRETRAIN} {flags}"))
            .ends_with_code(3)
            .says(&[
                &format!("{file}: holds distances of 24 samples"),
                "--unifrac-ids",
            ]);
    }
}

#[test]
fn ids_or_values_of_another_number() {
    let aam = study("d.condensed.npy");
    let refused = |words: &[&str]| {
        aam.run(&format!("{PRETRAIN} --unifrac-matrix d.condensed.npy"))
            .ends_with_code(3)
            .says(words);
    };
    let beside = "d.condensed.npy.ids.txt";
    let ids = aam.read(beside);
    aam.write(beside, &format!("{ids}another\n"));
    refused(&[
        "d.condensed.npy: holds distances of 24 samples, but 25 ids were given for them",
        "the ids are those in d.condensed.npy.ids.txt",
    ]);
    aam.write(beside, &ids);
    let mut bytes = Vec::new();
    let mut npy = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[275])
        .writer(&mut bytes)
        .begin_nd()
        .expect("an array");
    npy.extend([0.5; 275]).expect("values");
    npy.finish().expect("an array");
    fs::write(aam.path("d.condensed.npy"), bytes).expect("a file");
    refused(&[
        "d.condensed.npy: ",
        "one row of 275 values",
        "N (N − 1) / 2",
    ]);
}
