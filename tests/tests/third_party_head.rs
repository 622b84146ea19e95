//! Components from a separate crate: a head is built, listed, trained and loaded again by a program
//! that links it, and a program without it names the missing crate. A metric appears wherever the
//! built-in ones do.

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --max-steps 1 \
                     --head cosine --head.scale 2 --output-dir trained";

fn with_example() -> Aam {
    Aam::new(env!("CARGO_BIN_EXE_aam-with-example"))
}

#[test]
fn an_encoder_and_an_objective_from_another_crate_work_like_built_in_ones() {
    let aam = with_example();
    aam.ok("plugins list asv-encoder").prints(&[
        "kmer-counts",
        "aam-head-cosine 0.1.0",
        "transformer",
    ]);
    aam.ok("plugins list objective")
        .prints(&["shannon", "aam-head-cosine 0.1.0", "unifrac"]);
    aam.ok(STUDY);
    let model = "--embedding-dim 16 --asv-encoder kmer-counts --asv-encoder.k 2";
    let pretrain = format!(
        "pretrain --table study/table.biom --max-bp 30 {model} --objective shannon --objective.base 10"
    );
    aam.refuses(&format!("{pretrain} --output-dir refused"))
        .says(&[
            "asv-encoder 'kmer-counts'",
            "masked nucleotides",
            "--nucleotide-weight 0",
        ]);
    assert!(!aam.path("refused").exists());
    let pretrain = format!("{pretrain} --nucleotide-weight 0 --output-dir pretrained");
    aam.ok(&format!("{pretrain} --max-steps 2"))
        .says(&["Shannon diversity from the table", "shannon_r2"]);
    aam.ok("pretrain --output-dir pretrained --resume --max-steps 4");
    let train = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
                 --max-bp 30 --epochs 2 --baseline-trees 0";
    let learning = "--no-freeze-base --unifrac-weight 1 --objective shannon";
    aam.ok(&format!(
        "{train} {learning} --pretrained-encoder pretrained/checkpoints/best --output-dir trained"
    ));
    assert!(aam.last("trained", "train_shannon_loss") > 0.0);
    aam.ok("train --output-dir trained --resume --epochs 3");
    aam.ok("predict --model trained/checkpoints/last --table study/table.biom --output p.tsv");
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 24);
    // The encoder trains through graphs in chunks, whose size does not matter.
    for chunk in [1, 64] {
        aam.ok(&format!(
            "{train} {model} --no-freeze-base --asv-chunk-size {chunk} --output-dir chunk-{chunk}"
        ));
    }
    let [one, all] = ["chunk-1", "chunk-64"].map(|run| aam.last(run, "train_loss"));
    assert!((one - all).abs() < 1e-3 * all, "{one} {all}");

    aam!()
        .run(&format!(
            "predict --model {} --table {} --output p.tsv",
            aam.path("trained/checkpoints/last").display(),
            aam.path("study/table.biom").display()
        ))
        .says(&["the asv-encoder 'kmer-counts' comes from the crate aam-head-cosine 0.1.0"]);
}

#[test]
fn a_head_from_another_crate_works_like_a_built_in_one() {
    let aam = with_example();
    aam.ok("plugins list head").prints(&[
        "cosine    aam-head-cosine 0.1.0",
        "mlp       aam-plugins 0.",
    ]);
    aam.ok("plugins describe head cosine").prints(&[
        "Scaled cosine similarity to a learned prototype",
        "--head.scale  (number above 0; default 3.0)",
    ]);

    aam.ok(STUDY);
    aam.ok(TRAIN);
    let adamax = "--optimizer adamax --optimizer.beta2 0.99 --overwrite";
    aam.ok(&format!("{TRAIN} {adamax}"));
    aam.ok("train --output-dir trained --resume --max-steps 2");
    aam.ok("predict --model trained/checkpoints/last --table study/table.biom --output p.tsv");
    assert_eq!(aam.read("p.tsv").lines().count(), 1 + 24);

    let plain = aam!();
    let refusal = plain.run(&format!(
        "predict --model {} --table {} --output p.tsv",
        aam.path("trained/checkpoints/last").display(),
        aam.path("study/table.biom").display()
    ));
    assert!(!matches!(refusal.code, Some(0) | Some(101) | None));
    refusal.says(&[
        "the head 'cosine' comes from the crate aam-head-cosine 0.1.0",
        "`use aam_head_cosine as _;`",
    ]);
    plain
        .refuses("train --head cosine --table t --metadata m --metadata-column c --output-dir o")
        .says(&["unknown head 'cosine'", "available: film, linear"]);
}

#[test]
fn a_learner_and_a_transform_from_another_crate_work_like_built_in_ones() {
    let aam = with_example();
    aam.ok("plugins describe learner neighbours").prints(&[
        "number  (integer of at least 1; default 5)",
        "--members network,neighbours:number=5",
    ]);
    aam.ok(STUDY);
    aam.ok(
        "train --table study/table.biom --metadata study/metadata.tsv --metadata-column ph --max-bp 30 \
         --members network,neighbours:number=3,kernel:widths=[1,4] --target-transform asinh \
         --target-transform.cofactor 5 --epochs 2 --folds 3 --baseline-trees 0 --output-dir run",
    );
    assert_eq!(
        aam.column("run/predictions_neighbours.tsv", "prediction")
            .len(),
        24
    );
    aam.ok("predict --model run --table study/table.biom --output p.tsv");
    aam.refuses("train --table study/table.biom --metadata study/metadata.tsv --metadata-column ph --members neighbours:number=0 --output-dir no")
        .says(&["expected an integer of at least 1, found '0'"]);

    // Without the crate, it is not the checkpoint that is at fault.
    let without = aam!().run(&format!(
        "predict --model {} --table {} --output p.tsv",
        aam.path("run").display(),
        aam.path("study/table.biom").display()
    ));
    assert!(!without.stderr.contains("damaged"), "{}", without.stderr);
    without.says(&["the target-transform 'asinh' comes from the crate aam-head-cosine 0.1.0"]);
}

#[test]
fn a_metric_from_another_crate_appears_wherever_built_in_ones_do() {
    let aam = with_example();
    aam.ok(STUDY);
    let train = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                 --metadata-column ph --max-bp 30 --embedding-dim 16 --baseline-trees 0";
    aam.ok(&format!(
        "{train} --epochs 6 --best-metric median_error --tensorboard --output-dir run"
    ));
    // In files, it comes after the built-in ones, and lower is better.
    let names = |file: &str| -> Vec<String> {
        let text = aam.read(file);
        let header = text.lines().next().expect("a header").split('\t');
        header.map(str::to_owned).collect()
    };
    let header = names("run/metrics.tsv");
    assert_eq!(header.last().map(String::as_str), Some("median_error"));
    let errors = aam.column("run/metrics.tsv", "median_error");
    let best = aam.column("run/metrics.tsv", "best");
    let last = best.iter().rposition(|best| *best == 1.0).expect("a best");
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(errors[last], least, "{errors:?} {best:?}");
    let evaluation = aam.read("run/evaluation.tsv");
    let line = evaluation.lines().last().expect("a line");
    assert!(line.starts_with("median_error\t"), "{evaluation}");
    // Users see its label: as a card, in the table and on a curve.
    let report = aam.read("run/report.html");
    assert!(report.matches("median absolute error").count() >= 3);
    let events = std::fs::read_dir(aam.path("run/tensorboard")).expect("event files");
    let mut events = events.flatten().map(|entry| std::fs::read(entry.path()));
    let tag = b"val/median_error";
    assert!(events.any(|bytes| {
        let bytes = bytes.expect("it is readable");
        bytes.windows(tag.len()).any(|window| window == tag)
    }));
    aam.ok("runs . --json")
        .prints(&["\"name\": \"median_error\""]);

    let folds = train.replace("--test-size 0.2", "--folds 2");
    let folds = aam.ok(&format!("{folds} --epochs 1 --output-dir folds"));
    folds.prints(&["median error"]);
    assert!(names("folds/folds.tsv").contains(&"median_error".to_owned()));
    // For pairs of samples it is not computed, because it keeps every one of them.
    aam.ok(
        "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
            --embedding-dim 16 --nucleotide-steps 2 --max-steps 2 --output-dir base",
    );
    let header = names("base/metrics.tsv");
    assert!(header.contains(&"unifrac_r2".to_owned()));
    assert!(!header.iter().any(|name| name.contains("median_error")));
}
