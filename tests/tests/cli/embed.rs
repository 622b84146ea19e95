//! `aam embed`: embeddings of ASVs and samples, from both kinds of checkpoint.

use aam_runtime::data::{read_ids, read_table};
use aam_tests::{Aam, STUDY, aam};

fn trained() -> Aam {
    let aam = aam!().with(STUDY);
    aam.ok(
        "train --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
            --test-size 0.2 --members network --max-steps 3 --output-dir run",
    );
    aam
}

/// Ids and rows of numbers of a text file.
fn rows(text: &str) -> (Vec<String>, Vec<Vec<f32>>) {
    let row = |line: &str| {
        let mut cells = line.split('\t');
        let id = cells.next().expect("an id").to_owned();
        let numbers = cells.map(|cell| cell.parse().expect("a number"));
        (id, numbers.collect())
    };
    text.lines().skip(1).map(row).unzip()
}

#[test]
fn text_and_array_hold_the_same_embeddings() {
    let aam = trained();
    let table = read_table(aam.path("study/table.biom")).unwrap();
    let asvs: Vec<String> = table.feature_ids().iter().map(str::to_owned).collect();
    for (of, ids) in [("asvs", asvs), ("samples", table.sample_ids().to_vec())] {
        let embed = format!("embed --model run --table study/table.biom --of {of}");
        aam.ok(&format!("{embed} --output {of}.tsv"));
        aam.ok(&format!("{embed} --output {of}.npy --threads 1"));
        let (found, values) = rows(&aam.read(&format!("{of}.tsv")));
        assert_eq!(found, ids);
        assert_eq!(
            read_ids(aam.path(&format!("{of}.npy.ids.txt"))).unwrap(),
            ids
        );
        let bytes = std::fs::read(aam.path(&format!("{of}.npy"))).unwrap();
        let array = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(array.shape(), [ids.len() as u64, values[0].len() as u64]);
        let array: Vec<f32> = array.into_vec().unwrap();
        assert_eq!(array, values.concat());
    }
}

#[test]
fn an_asv_has_one_embedding_in_every_table() {
    let aam = trained();
    let table = read_table(aam.path("study/table.biom")).unwrap();
    let some = table.sample_ids()[3..8].join("\n");
    aam.write("some.txt", &some);
    aam.ok("embed --model run --table study/table.biom --output all.tsv");
    aam.ok("embed --model run --table study/table.biom --samples some.txt --output some.tsv");
    let all = rows(&aam.read("all.tsv"));
    let (ids, values) = rows(&aam.read("some.tsv"));
    assert!(!ids.is_empty() && ids.len() < all.0.len());
    for (id, value) in ids.iter().zip(&values) {
        let place = all
            .0
            .iter()
            .position(|other| other == id)
            .expect("it is in all");
        for (a, b) in value.iter().zip(&all.1[place]) {
            assert!((a - b).abs() < 1e-5, "{id}: {a} {b}");
        }
    }
}

#[test]
fn an_encoder_that_was_only_pretrained_embeds() {
    let aam = aam!().with(STUDY);
    aam.ok(
        "pretrain --table study/table.biom --tree study/tree.nwk --max-steps 2 \
            --nucleotide-steps 2 --output-dir pre",
    );
    aam.ok("embed --model pre --table study/table.biom --of samples --output samples.tsv");
    assert_eq!(rows(&aam.read("samples.tsv")).0.len(), 24);
}

#[test]
fn a_model_of_rarefied_samples_embeds_every_asv() {
    let aam = aam!().with(STUDY);
    aam.ok(
        "train --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
            --test-size 0.2 --members network --max-steps 2 --rarefy-depth 50 --output-dir run",
    );
    let table = read_table(aam.path("study/table.biom")).unwrap();
    aam.ok("embed --model run --table study/table.biom --output asvs.tsv");
    let (found, _) = rows(&aam.read("asvs.tsv"));
    let ids: Vec<String> = table.feature_ids().iter().map(str::to_owned).collect();
    assert_eq!(found, ids);
}

#[test]
fn samples_are_chosen_by_conditions() {
    let aam = trained();
    let embed = "embed --model run --of samples --metadata study/metadata.tsv";
    aam.ok(&format!(
        "{embed} --table study/table.biom --where ph<6 --output some.tsv"
    ));
    let some = rows(&aam.read("some.tsv")).0;
    let below = aam.column("study/metadata.tsv", "ph");
    let below = below.iter().filter(|ph| **ph < 6.0).count();
    assert!(below > 0 && some.len() == below, "{below}: {some:?}");
    // Before the table is read.
    aam.run(&format!(
        "{embed} --table nowhere.biom --where color=red --output e.tsv"
    ))
    .ends_with_code(3)
    .says(&["has no column 'color'"]);
}

#[test]
fn unwritable_outputs_are_refused_first() {
    let aam = aam!();
    for (flags, said) in [
        ("--output embeddings.csv", "ends in .npy or .tsv"),
        ("", "--output"),
        ("--of genes --output e.npy", "asvs"),
    ] {
        aam.run(&format!("embed --model none --table none.biom {flags}"))
            .ends_with_code(2)
            .says(&[said]);
    }
}
