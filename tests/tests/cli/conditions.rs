//! Selection of samples by metadata conditions, and checks of columns before the table is read.

use aam_tests::{Aam, STUDY, aam};

/// Half of the samples of a study are from mothers, half from children, at two body sites.
fn study() -> Aam {
    let aam = aam!().with(STUDY);
    let text = aam.read("study/metadata.tsv");
    let mut lines = text.lines();
    let mut metadata = format!("{}\tmom_child\tbody site\tsubject\n", lines.next().unwrap());
    for (row, line) in lines.filter(|line| !line.starts_with('#')).enumerate() {
        let kind = ["C", "M"][row % 2];
        let site = ["gut", "left palm", ""][row % 3];
        metadata.push_str(&format!("{line}\t{kind}\t{site}\th{}\n", row % 4));
    }
    aam.write("m.tsv", &metadata);
    aam
}

const SMALL: &str = "--table study/table.biom --embedding-dim 16 --epochs 1 --baseline-trees 0";
const TRAIN: &str = "--metadata m.tsv --metadata-column ph --test-size 0.25 --members network";

/// Number of ids in the sample lists of a run.
fn samples(aam: &Aam, run: &str) -> usize {
    let lists = ["samples_train.txt", "samples_val.txt"];
    let lists = lists.map(|list| aam.read(&format!("{run}/{list}")).lines().count());
    lists.iter().sum()
}

#[test]
fn every_command_takes_the_samples_that_meet_conditions() {
    let aam = study();
    let told = "m.tsv: 12 of 24 samples meet mom_child = C";
    aam.ok(&format!(
        "train {SMALL} {TRAIN} --where mom_child=C --output-dir trained"
    ))
    .says(&[told]);
    assert_eq!(samples(&aam, "trained"), 12);
    assert!(
        aam.read("trained/config.toml")
            .contains("where = \"mom_child=C\"")
    );
    let record = aam.read("trained/run.json");
    assert!(record.contains(told) && record.contains("\"where\": \"mom_child=C\""));
    // Conditions of two flags are combined.
    aam.ok(
        "rf-baseline --table study/table.biom --metadata m.tsv --metadata-column ph --trees 5 \
         --folds 2 --where mom_child=C --where subject!=h2 --output-dir forest",
    )
    .says(&["m.tsv: 6 of 24 samples meet mom_child = C and subject != h2"]);
    assert_eq!(aam.read("forest/predictions.tsv").lines().count(), 1 + 6);
    aam.ok(&format!(
        "train {SMALL} --metadata m.tsv --metadata-column ph --folds 2 --members network \
         --where mom_child=C --output-dir folds"
    ))
    .says(&[told]);
    assert_eq!(aam.read("folds/predictions.tsv").lines().count(), 1 + 12);
    aam.ok(&format!(
        "compare {SMALL} --metadata m.tsv --metadata-column ph --folds 2 --head linear,mlp \
         --where mom_child=C --output-dir compared"
    ))
    .says(&[told, "12 samples"]);
    let pretrain = "pretrain --table study/table.biom --tree study/tree.nwk --embedding-dim 16 \
                    --epochs 1 --nucleotide-steps 2";
    aam.ok(&format!(
        "{pretrain} --metadata m.tsv --where mom_child=C --output-dir pretrained"
    ))
    .says(&[told]);
    assert_eq!(samples(&aam, "pretrained"), 12);
    aam.ok(
        "unifrac --table study/table.biom --tree study/tree.nwk --metadata m.tsv \
         --where mom_child=C --output d.tsv",
    )
    .says(&[told]);
    assert_eq!(aam.read("d.tsv").lines().count(), 1 + 12);
    // The directory of a run stands for its best checkpoint.
    aam.ok(
        "predict --model trained --table study/table.biom --metadata m.tsv --where mom_child=M \
         --output p.tsv",
    )
    .says(&[
        "model: trained/checkpoints/best",
        "m.tsv: 12 of 24 samples meet mom_child = M",
    ]);
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 12);
}

#[test]
fn lists_and_quoted_conditions_can_be_combined() {
    let aam = study();
    let ids: String = (1..=12).map(|i| format!("S{i:03}\n")).collect();
    aam.write("list.txt", &ids);
    let mut command = aam.command(
        "unifrac --table study/table.biom --tree study/tree.nwk --metadata m.tsv \
         --samples list.txt --output d.tsv",
    );
    command.args(["--where", "'body site' in (gut, \"left palm\")"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(
            "8 of 12 samples meet 'body site' in (gut, 'left palm'); 4 have no value of 'body site'"
        ),
        "{said}"
    );
    assert_eq!(aam.read("d.tsv").lines().count(), 1 + 8);
}

#[test]
fn a_run_keeps_its_conditions() {
    let aam = study();
    let run = format!("train {SMALL} {TRAIN} --output-dir run");
    aam.ok(&format!("{run} --where mom_child=C"));
    aam.ok("train --output-dir run --resume --epochs 2");
    assert_eq!(samples(&aam, "run"), 12);
    aam.refuses("train --output-dir run --resume --epochs 3 --where mom_child=M")
        .says(&["--where", "mom_child=C and cannot resume with mom_child=M"]);
    let text = aam.read("m.tsv");
    aam.write(
        "m.tsv",
        &text.replace("\tC\t", "\tM\t").replacen("\tM\t", "\tC\t", 4),
    );
    aam.run("train --output-dir run --resume --epochs 3")
        .ends_with_code(3)
        .says(&["which the run uses, is no longer common to all files"]);
}

#[test]
fn text_that_is_not_a_condition_is_refused_before_a_file_is_read() {
    let aam = aam!();
    for command in [
        "pretrain --tree no.nwk --output-dir run",
        "train --metadata-column ph --output-dir run",
        "compare --metadata-column ph --output-dir run",
        "tune --metadata-column ph --output-dir run",
        "lr-find --metadata-column ph --output-dir run",
        "rf-baseline --metadata-column ph --output-dir run",
        "unifrac --tree no.nwk --output d.tsv",
        "predict --model no --output p.tsv",
    ] {
        let command = format!("{command} --table no.biom");
        aam.refuses(&format!("{command} --metadata no.tsv --where mom_child"))
            .says(&[
                "error: --where mom_child: expected one of =, !=, <, <=, >, >=, in after 'mom_child'",
                "help: ",
            ]);
        aam.refuses(&format!("{command} --metadata no.tsv --where ph<high"))
            .says(&["expected a number after '<', found 'high'"]);
        aam.refuses(&format!("{command} --where mom_child=C"))
            .says(&["--metadata is missing"]);
    }
    for command in [
        "pretrain --tree no.nwk --output-dir run",
        "unifrac --tree no.nwk --output d.tsv",
    ] {
        aam.refuses(&format!("{command} --table no.biom --metadata no.tsv"))
            .says(&["--metadata no.tsv: it only serves --where here"]);
    }
}

/// The table does not exist, so anything that needs it reports this.
#[test]
fn columns_and_values_are_checked_before_the_table() {
    let aam = study();
    let training = |command: &str, flags: &str| {
        format!(
            "{command} --table no.biom --metadata m.tsv --metadata-column ph {flags} --output-dir run"
        )
    };
    for (flags, words) in [
        ("--where mom_chld=C", "has no column 'mom_chld'"),
        (
            "--where mom_child=c",
            "column 'mom_child': no sample has the value 'c'",
        ),
        ("--where mom_child=X", "the column holds 'C' (12), 'M' (12)"),
        ("--where mom_child<3", "'mom_child < 3' compares numbers"),
        ("--group-column subjct", "did you mean 'subject'?"),
    ] {
        for command in ["train", "compare", "tune", "lr-find", "rf-baseline"] {
            aam.run(&training(command, flags))
                .ends_with_code(3)
                .says(&["m.tsv: ", words]);
        }
    }
    for (flags, words) in [
        ("--categorical-columns moms", "has no column 'moms'"),
        ("--balance classs", "has no column 'classs'"),
        (
            "--target-transform zscore-category --normalize-by where",
            "has no column 'where'",
        ),
        (
            "--categorical-loss-weights auto --categorical-loss-weight-column kind",
            "has no column 'kind'",
        ),
    ] {
        aam.run(&training("train", flags))
            .ends_with_code(3)
            .says(&["m.tsv: ", words]);
    }
    let words =
        training("train", "").replace("--metadata-column ph", "--metadata-column mom_child");
    aam.run(&words)
        .ends_with_code(3)
        .says(&["24 of 24 samples have non-numeric values", "--classifier"]);
    for command in ["pretrain --output-dir run", "unifrac --output d.tsv"] {
        aam.run(&format!(
            "{command} --table no.biom --tree no.nwk --metadata m.tsv --where mom_child=X"
        ))
        .ends_with_code(3)
        .says(&["no sample has the value 'X'"]);
    }
    let nothing = "--table study/table.biom --metadata m.tsv --where ph>6 --where ph<6";
    aam.run(&format!(
        "unifrac {nothing} --tree study/tree.nwk --output d.tsv"
    ))
    .ends_with_code(3)
    .says(&[
        "none of the 24 samples meets all conditions",
        "'ph > 6' holds for",
    ]);
    assert!(!aam.path("run").exists());
}

#[test]
fn a_prediction_checks_columns_before_the_table_and_transposes_tables() {
    let aam = study();
    aam.ok(&format!(
        "train {SMALL} {TRAIN} --categorical-columns mom_child --output-dir run"
    ));
    let predict = "predict --model run --table no.biom --output p.tsv";
    aam.refuses(predict)
        .says(&["--metadata is missing: the model uses the metadata column 'mom_child'"]);
    let text = aam.read("m.tsv");
    aam.write("renamed.tsv", &text.replace("mom_child", "kind"));
    aam.run(&format!("{predict} --metadata renamed.tsv"))
        .ends_with_code(3)
        .says(&["renamed.tsv: has no column 'mom_child'"]);
    aam.write("turned.tsv", "id\tACGTACGTACGTACGTACGTACGTACGTAC\tTTTTACGTACGTACGTACGTACGTACGTAC\nS001\t3\t4\nS002\t0\t7\n");
    for flag in ["", "--transpose"] {
        aam.ok(&format!(
            "predict --model run --table turned.tsv {flag} --metadata m.tsv --overwrite --output p.tsv"
        ));
        let predicted = aam.read("p.tsv");
        assert!(
            predicted.lines().any(|line| line.starts_with("S002\t")),
            "{predicted}"
        );
    }
    aam.ok("rf-baseline --help").prints(&["--transpose"]);
}
