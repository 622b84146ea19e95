//! Tables and metadata that a trained model cannot predict from: messages and exit codes.

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --epochs 1 --output-dir \
                     run";

fn trained(flags: &str) -> Aam {
    let aam = aam!();
    aam.ok(STUDY);
    aam.ok(&format!("{TRAIN} {flags}"));
    aam
}

fn predict(flags: &str) -> String {
    format!("predict --model run/checkpoints/best --output p.tsv {flags}")
}

#[test]
fn sequences_and_reads_that_the_model_does_not_take() {
    let aam = trained("--rarefy-depth 100");
    let sequence = "ACGT".repeat(10);
    aam.write(
        "long.tsv",
        &format!("#OTU ID\tS1\tS2\n{sequence}\t100\t3\n"),
    );
    aam.ok(&predict("--table long.tsv --overwrite")).says(&[
        "1 has fewer reads and is dropped, such as S2 (3)",
        "warning: the model was trained on sequences of up to 30 bases",
        "the longest one here has 40",
    ]);
    std::fs::remove_file(aam.path("p.tsv")).unwrap();
    aam.write("few.tsv", "#OTU ID\tS1\tS2\nACGTACGTACGTACGTACGTA\t10\t3\n");
    aam.run(&predict("--table few.tsv"))
        .ends_with_code(3)
        .says(&[
            "few.tsv: no sample has 100 reads to rarefy to; the largest has 10",
            "the model was trained on samples of 100 reads each",
        ]);
    aam.write("list.txt", "S001.new\nS002.new\n");
    aam.run(&predict("--table study/table.biom --samples list.txt"))
        .ends_with_code(3)
        .says(&[
            "list.txt: no sample of the table is in the list: the table has 'S001', ",
            "the list has 'S001.new', 'S002.new'",
            "the suffix '.new'",
        ]);
    aam.ok(&predict(
        "--table study/table.biom --samples study/metadata.tsv",
    ));
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 24);
}

#[test]
fn metadata_that_lacks_what_the_model_uses() {
    let aam = trained("--categorical-columns habitat");
    let table = "--table study/table.biom";
    aam.refuses(&predict(table))
        .says(&["--metadata is missing: the model uses the metadata column 'habitat'"]);
    let text = aam.read("study/metadata.tsv");
    aam.write("renamed.tsv", &text.replace("habitat", "place"));
    aam.run(&predict(&format!("{table} --metadata renamed.tsv")))
        .ends_with_code(3)
        .says(&[
            "renamed.tsv: has no column 'habitat'",
            "columns: gradient, ph, place",
        ]);
    aam.write("other.tsv", &text.replace("\nS0", "\nX0"));
    aam.run(&predict(&format!("{table} --metadata other.tsv")))
        .ends_with_code(3)
        .says(&["other.tsv: no sample of the table is in the metadata"]);
    assert!(!aam.path("p.tsv").exists());
    aam.write("some.tsv", &text.replace("\nS00", "\nX00"));
    aam.ok(&predict(&format!("{table} --metadata some.tsv")))
        .says(&["some.tsv: 9 samples of the table have no row, such as S001"]);
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 24);
}

#[test]
fn errors_of_sample_lists_name_the_sample() {
    let aam = trained("");
    let train = TRAIN
        .replace(" run", " other")
        .replace("--test-size 0.2 ", "");
    aam.write("train.txt", "S001\nS002\nS003\nS999\n");
    aam.write("validation.txt", "S004\nS005\n");
    let lists = "--train-samples train.txt --validation-samples validation.txt";
    aam.run(&format!("{train} {lists}"))
        .ends_with_code(3)
        .says(&["train.txt: the list of training samples names 'S999', which is not among the 24"]);
    aam.write("train.txt", "S001\nS002\nS003\nS004\n");
    aam.run(&format!("{train} {lists}"))
        .ends_with_code(3)
        .says(&[
            "validation.txt: the list of validation samples names 'S004', which is already listed",
        ]);
    aam.refuses(&format!("{train} --train-samples train.txt"))
        .says(&["--train-samples: it needs --validation-samples"]);
}
