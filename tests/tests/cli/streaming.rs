//! Tables with counts on disk give the same results and leave no files behind.

use aam_tests::{Aam, LARGER_STUDY, aam};

const RUN: &str = "--table study/table.biom --max-bp 30 --embedding-dim 16";

fn study() -> Aam {
    aam!().with(LARGER_STUDY)
}

fn names(aam: &Aam) -> Vec<String> {
    let entries = std::fs::read_dir(aam.path(".")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn a_table_on_disk_gives_the_same_numbers() {
    let aam = study();
    for (name, streaming) in [("memory", ""), ("disk", "--streaming")] {
        for (base, distances) in [
            ("table", "--unifrac-metric bray-curtis --rarefy-depth 100"),
            ("tree", "--tree study/tree.nwk"),
        ] {
            aam.ok(&format!(
                "pretrain {RUN} {distances} --nucleotide-steps 5 --max-steps 20 {streaming} \
                 --output-dir {base}-{name}"
            ));
        }
        aam.ok(&format!(
            "train --test-size 0.2 --members network {RUN} --metadata study/metadata.tsv --metadata-column ph --epochs 3 \
             --rarefy-depth 100 {streaming} --output-dir train-{name}"
        ));
        aam.ok(&format!(
            "predict --model train-{name}/checkpoints/best --table study/table.biom \
             --output {name}.tsv {streaming}"
        ));
    }
    for run in ["table", "tree", "train"] {
        let metrics = |name: &str| aam.read(&format!("{run}-{name}/metrics.tsv"));
        assert_eq!(metrics("memory"), metrics("disk"), "{run}");
    }
    assert_eq!(aam.read("memory.tsv"), aam.read("disk.tsv"));
    assert!(
        aam.read("train-disk/config.toml")
            .contains("streaming = true")
    );
    let expected = "disk.tsv memory.tsv study table-disk table-memory train-disk train-memory \
                    tree-disk tree-memory";
    assert_eq!(names(&aam).join(" "), expected);
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left() {
    let aam = study();
    let before = names(&aam);
    aam.run_on_full_disk(
        1,
        &format!("pretrain {RUN} --unifrac-metric bray-curtis --streaming --output-dir a"),
    )
    .ends_with_code(3)
    .says(&[
        "the table cannot be kept in this directory",
        "--streaming needs 8 bytes",
    ]);
    assert_eq!(names(&aam), before);
}
