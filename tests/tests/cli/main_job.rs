//! The main workflow through the program: simulate, pre-train, train, predict; repeated, and
//! interrupted.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use aam_tests::{Aam, STUDY, aam};

const PRETRAIN: &str = "pretrain --table study/table.biom --tree study/tree.nwk --epochs 2 --nucleotide-steps 20 \
                        --embedding-dim 16 --max-bp 30 --output-dir";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --epochs 2 \
                     --output-dir";

fn study() -> Aam {
    let aam = aam!();
    aam.ok(STUDY).prints(&["wrote study: 24 samples with "]);
    aam
}

/// Cells of a table in the folder, without its header.
fn rows(aam: &Aam, name: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    aam.read(name).lines().skip(1).map(cells).collect()
}

#[test]
fn from_files_to_predictions_reproducibly() {
    let aam = study();
    let pretrained = aam.ok(&format!("{PRETRAIN} pretrained"));
    let mut results = pretrained.stdout.lines();
    assert!(
        results.all(|line| line.starts_with("best epoch ") || line.starts_with("wrote ")),
        "progress is not a result: {}",
        pretrained.stdout
    );
    let train = format!(
        "{TRAIN} trained --metadata-column ph --pretrained-encoder pretrained/checkpoints/best \
         --max-bp 30 --head mlp --head.hidden 8 --max-grad-norm none"
    );
    aam.ok(&train).says(&["epoch 2/2"]).prints(&["wrote "]);
    aam.ok("predict --model trained/checkpoints/best --table study/table.biom --output p.tsv");
    let predictions = rows(&aam, "p.tsv");
    assert_eq!(predictions.len(), 24);
    for row in &predictions {
        let value: f64 = row[1].parse().expect("a number");
        assert!((0.0..14.0).contains(&value), "{row:?} is not a pH");
    }
    // The recorded settings of a run repeat it to the last digit.
    aam.ok("pretrain --config pretrained/config.toml --output-dir pretrained-2");
    aam.ok("train --config trained/config.toml --output-dir trained-2");
    for file in ["metrics.tsv", "samples_train.txt", "samples_val.txt"] {
        for run in ["pretrained", "trained"] {
            let (first, second) = (format!("{run}/{file}"), format!("{run}-2/{file}"));
            assert_eq!(aam.read(&first), aam.read(&second), "{second}");
        }
    }
    assert_eq!(
        aam.read("trained/predictions.tsv"),
        aam.read("trained-2/predictions.tsv")
    );
    assert!(
        aam.read("trained-2/config.toml")
            .contains("max-grad-norm = \"none\"")
    );
}

#[test]
fn classes_with_a_categorical_column() {
    let aam = study();
    let flags = "--max-bp 30 --embedding-dim 16 --metadata-column habitat --classifier";
    aam.ok(&format!("{TRAIN} trained {flags}"));
    aam.ok("predict --model trained/checkpoints/last --table study/table.biom --output p.tsv");
    assert_eq!(rows(&aam, "p.tsv").len(), 24);
    assert!(aam.read("p.tsv").starts_with("sample-id\tprediction\t"));
    let numbers = "--max-bp 30 --embedding-dim 16 --metadata-column ph,gradient \
                   --categorical-columns habitat";
    aam.ok(&format!("{TRAIN} two {numbers}"));
    let predict = "predict --model two/checkpoints/best --table study/table.biom --output q.tsv";
    aam.ok(&format!("{predict} --metadata study/metadata.tsv"));
    assert_eq!(rows(&aam, "q.tsv").len(), 24);
}

#[test]
fn failures_have_their_own_exit_codes() {
    let aam = study();
    aam.refuses(STUDY).says(&["study", "exists"]);
    aam.refuses("simulate --samples 1 --output-dir s")
        .says(&["samples", "found '1'"]);
    aam.refuses("train --metadata m.tsv --output-dir t")
        .says(&["--table is missing"]);
    aam.write("broken.biom", "this is no table");
    let train = "train --test-size 0.2 --members network --table broken.biom --metadata study/metadata.tsv --metadata-column ph \
                 --output-dir t";
    aam.run(train).ends_with_code(3).says(&["broken.biom"]);
    aam.run("predict --model study --table study/table.biom --output p.tsv")
        .ends_with_code(4)
        .says(&["study"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_says_so() {
    let aam = study();
    let mut child = aam
        .command(&format!("{PRETRAIN} long --epochs 100000").replace("--epochs 2 ", ""))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let started = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.starts_with("epoch "));
    assert!(started, "an epoch was done");
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(killed.success());
    let said: Vec<String> = lines.map_while(Result::ok).collect();
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(5), "{said:?}");
    assert!(
        said.iter().any(|line| line.starts_with("interrupted")),
        "{said:?}"
    );
    assert!(aam.path("long/checkpoints/last/manifest.json").is_file());
}

#[test]
fn either_part_of_pretraining_can_be_left_out() {
    let aam = study();
    aam.ok(
        &format!("{PRETRAIN} distances").replace("--nucleotide-steps 20", "--nucleotide-steps 0")
    );
    assert!(!aam.read("distances/metrics.tsv").contains("nucleotide"));
    aam.ok(&format!("{PRETRAIN} nucleotides --unifrac-weight 0"));
    assert!(!aam.read("nucleotides/metrics.tsv").contains("unifrac"));
    aam.refuses(&format!(
        "{PRETRAIN} nothing --unifrac-weight 0 --nucleotide-weight 0"
    ))
    .says(&["nothing to pre-train on"]);
}

#[test]
fn behaviours_of_the_reference_can_be_enabled() {
    let aam = study();
    aam.ok(&format!(
        "{PRETRAIN} pretrained --pooling attention --distance-scale fixed --compatibility reference"
    ));
    // Unmasked, every base of ASVs with a start token is predicted, most of them untrained.
    let header = aam.read("pretrained/metrics.tsv");
    assert!(header.contains("nucleotide_accuracy"), "{header}");
    let config = aam.read("pretrained/config.toml");
    assert!(
        config.contains("compatibility = [\"reference\"]"),
        "{config}"
    );
    aam.ok(&format!(
        "{TRAIN} trained --metadata-column ph --max-bp 30 --freeze-base --count-weight 1 \
         --unifrac-weight 1 --tree study/tree.nwk \
         --pretrained-encoder pretrained/checkpoints/best"
    ));
    let header = aam.read("trained/metrics.tsv");
    for loss in ["train_count_loss", "train_unifrac_loss"] {
        assert!(header.contains(loss), "{header}");
    }
    aam.refuses(&format!(
        "{TRAIN} none --metadata-column ph --max-bp 30 --count-weight 1"
    ))
    .says(&["--count-weight", "--sample-encoder attention"]);
}
