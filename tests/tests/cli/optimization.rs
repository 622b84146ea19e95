//! Optimizers, learning-rate schedules and separate learning rates, through the program.

use aam_tests::{Aam, STUDY, aam};

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --categorical-columns habitat --epochs 8 --max-bp 30 \
                     --embedding-dim 16 --overwrite --output-dir run";

fn study() -> Aam {
    aam!().with(STUDY)
}

#[test]
fn every_optimizer_learns() {
    let aam = study();
    for flags in [
        "adamw",
        "adam",
        "sgd --lr 0.03",
        "lion --lr 0.001",
        "muon",
        "adamw --decay-all",
    ] {
        aam.ok(&format!("{TRAIN} --optimizer {flags}"));
        let loss = aam.column("run/metrics.tsv", "train_loss");
        assert!(loss[7] < 0.9 * loss[0], "{flags}: {loss:?}");
    }
}

#[test]
fn every_schedule_sets_the_rate() {
    let aam = study();
    let rates = |flags: &str| {
        aam.ok(&format!("{TRAIN} --lr 0.001 --scheduler {flags}"));
        aam.column("run/metrics.tsv", "learning_rate")
    };
    let peak = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let warm = rates("warmup_cosine --warmup 2");
    assert!(warm[0] < warm[1] && warm[7] < warm[3], "{warm:?}");
    let cosine = rates("cosine --scheduler-eta-min 0.0005");
    assert_eq!(peak(&cosine), cosine[0]);
    assert!(cosine.iter().all(|&rate| rate >= 0.0005), "{cosine:?}");
    let restarts = rates("cosine_restarts --scheduler-t0 4 --scheduler-t-mult 1");
    assert_eq!(restarts[0], restarts[4]);
    let cycle = rates("onecycle");
    assert!(cycle[0] < cycle[2] && cycle[7] < cycle[2], "{cycle:?}");
    let constant = rates("constant --warmup 1");
    assert!(
        constant[0] < constant[1] && constant[1] == constant[7],
        "{constant:?}"
    );
    // With a negligible learning rate, all epochs are alike.
    aam.ok(&format!(
        "{TRAIN} --lr 1e-12 --scheduler plateau --scheduler-patience 1 --scheduler-factor 0.5 \
         --scheduler-min-lr 2e-13"
    ));
    let plateau = aam.column("run/metrics.tsv", "learning_rate");
    let halved = [1e-12, 1e-12, 1e-12, 5e-13, 5e-13, 2.5e-13, 2.5e-13, 2e-13];
    assert_eq!(plateau, halved);
}

#[test]
fn categories_can_have_their_own_rate() {
    let aam = study();
    let run = |flags: &str| {
        aam.ok(&format!("{TRAIN} {flags}"));
        aam.column("run/metrics.tsv", "train_loss")
    };
    let plain = run("");
    assert_eq!(
        plain,
        run("--categorical-lr 0.003"),
        "the rate of everything"
    );
    assert_ne!(plain, run("--categorical-lr 0.03"));
}

#[test]
fn averaged_weights_are_evaluated_and_saved() {
    let aam = study();
    let run = |flags: &str| {
        aam.ok(&format!("{TRAIN} {flags}"));
        let [trained, judged] =
            ["train_loss", "r2"].map(|name| aam.column("run/metrics.tsv", name));
        (trained, judged)
    };
    let (plain, averaged) = (run(""), run("--ema-decay 0.9"));
    assert_eq!(plain.0, averaged.0, "what is trained is the same");
    assert_ne!(plain.1, averaged.1, "what is judged is not");
    aam.ok(
        "predict --model run/checkpoints/last --table study/table.biom \
         --metadata study/metadata.tsv --output again.tsv",
    );
    assert_same_predictions(&aam, "again.tsv");
}

/// Checks that the file `name` contains the run's predictions for the held-out samples.
fn assert_same_predictions(aam: &Aam, name: &str) {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let lines = text.lines().skip(1).map(|line| line.split('\t'));
        let pairs = lines.filter_map(|mut cells| Some((cells.next()?, cells.next()?)));
        pairs
            .map(|(id, value)| (id.to_owned(), value.to_owned()))
            .collect()
    };
    let again = pairs(&aam.read(name));
    let held_out = pairs(&aam.read("run/predictions.tsv"));
    assert!(held_out.len() > 3);
    for pair in held_out {
        assert!(again.contains(&pair), "{pair:?}");
    }
}

#[test]
fn the_base_can_have_its_own_rates() {
    let aam = study();
    let run = |flags: &str| {
        aam.ok(&format!("{TRAIN} --no-freeze-base {flags}"));
        aam.column("run/metrics.tsv", "train_loss")
    };
    let plain = run("");
    assert_eq!(plain, run("--base-lr 0.003"), "the rate of everything");
    assert_eq!(plain, run("--layer-lr-decay 1"));
    assert_ne!(plain, run("--base-lr 0.00003"));
    assert_ne!(plain, run("--layer-lr-decay 0.5"));
}

#[test]
fn adapters_are_merged_into_the_checkpoint() {
    let aam = study();
    aam.ok(
        "pretrain --table study/table.biom --unifrac-weight 0 --nucleotide-steps 5 --max-bp 30 \
         --embedding-dim 16 --output-dir pretrained",
    );
    let lora = "--pretrained-encoder pretrained/checkpoints/best --lora-rank 2 --lora-alpha 4";
    let train = TRAIN.replace("--embedding-dim 16", "");
    aam.ok(&format!("{train} {lora}")).says(&["parameters"]);
    let loss = aam.column("run/metrics.tsv", "train_loss");
    assert!(loss[7] < loss[0], "{loss:?}");
    let rank_3 = lora.replace("rank 2", "rank 3");
    aam.ok(
        "predict --model run/checkpoints/last --table study/table.biom \
         --metadata study/metadata.tsv --output again.tsv",
    );
    assert_same_predictions(&aam, "again.tsv");
    aam.ok(&format!("{train} {rank_3}"));
    assert_ne!(loss, aam.column("run/metrics.tsv", "train_loss"));
    aam.refuses(&format!("{train} --lora-rank 2"))
        .says(&["without --pretrained-encoder"]);
    aam.refuses(&format!("{train} {lora} --freeze-base"))
        .says(&["leave out one of the two"]);
    aam.refuses(&format!("{train} {}", lora.replace("rank 2", "rank 99")))
        .says(&["from 1 to 16", "found 99"]);
    aam.refuses(&format!("{train} --lora-alpha 2"))
        .says(&["does nothing without --lora-rank"]);
}

#[test]
fn categories_can_be_sampled_equally_often() {
    let aam = study();
    aam.ok(&format!("{TRAIN} --balance habitat"))
        .says(&["equally many samples from each of", "habitat="]);
    aam.ok(
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column habitat \
         --classifier --balance class --epochs 2 --max-bp 30 --embedding-dim 16 --output-dir classes",
    )
    .says(&["equally many samples from each of"]);
    aam.refuses(&format!("{TRAIN} --balance class"))
        .says(&["the target holds numbers"]);
    aam.run(&format!("{TRAIN} --balance habitatt"))
        .ends_with_code(3)
        .says(&["habitatt", "habitat"]);
}

#[test]
fn conflicting_settings() {
    let aam = study();
    let refused = |flags: &str, words: &[&str]| {
        aam.refuses(&format!("{TRAIN} {flags}")).says(words);
    };
    refused("--optimizer adamx", &["did you mean 'adam'?"]);
    refused("--scheduler-t0 3", &["belongs to schedule cosine-restarts"]);
    refused(
        "--scheduler plateau --scheduler-factor 2",
        &["number between 0 and 1, found '2'"],
    );
    refused("--categorical-lr 0", &["number above 0 or none, found '0'"]);
    refused("--ema-decay 1", &["from 0 to below 1 or none, found '1'"]);
    refused("--base-lr 0.1", &["add --no-freeze-base"]);
    refused(
        "--layer-lr-decay 2 --no-freeze-base",
        &["at most 1 or none, found '2'"],
    );
    aam.refuses(
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --categorical-lr 0.1 --output-dir run",
    )
    .says(&["the run has no categories"]);
}

#[test]
fn a_trainable_encoder_still_predicts_nucleotides() {
    let aam = study();
    aam.ok(&format!(
        "{TRAIN} --no-freeze-base --nucleotide-weight 0.5 --tree study/tree.nwk \
         --unifrac-weight 0.5"
    ));
    let (total, target) = (
        aam.column("run/metrics.tsv", "train_loss"),
        aam.column("run/metrics.tsv", "train_target_loss"),
    );
    let guessed = aam.column("run/metrics.tsv", "train_nucleotide_loss");
    let distances = aam.column("run/metrics.tsv", "train_unifrac_loss");
    for epoch in 0..8 {
        let sum = target[epoch] + 0.5 * (guessed[epoch] + distances[epoch]);
        assert!((total[epoch] - sum).abs() < 1e-4 * sum, "epoch {epoch}");
    }
    assert!(guessed[7] < guessed[0], "{guessed:?}");
    assert!(aam.column("run/metrics.tsv", "nucleotide_accuracy")[7] > 0.2);
    aam.refuses(&format!("{TRAIN} --nuc-penalty 1"))
        .says(&["add --no-freeze-base"]);
}

#[test]
fn the_rate_of_categories_alone_is_called_so() {
    let aam = study();
    let steps = |flags: &str| {
        let told = aam.ok(&format!(
            "{TRAIN} --json --no-freeze-base --lr 0.001 {flags}"
        ));
        let lines = told.stderr.lines().map(serde_json::from_str);
        let lines: Vec<serde_json::Value> = lines.map(Result::unwrap).collect();
        let steps = lines.iter().filter(|line| line["event"] == "step");
        let ratio = |step: &serde_json::Value| {
            Some(step["categorical_learning_rate"].as_f64()? / step["learning_rate"].as_f64()?)
        };
        steps.map(ratio).collect::<Vec<_>>()
    };
    let of_base = steps("--base-lr 0.0005");
    assert!(of_base.len() == 8 && of_base.iter().all(Option::is_none));
    let of_categories = steps("--base-lr 0.0005 --categorical-lr 0.002");
    assert!(
        of_categories
            .iter()
            .all(|ratio| ratio.is_some_and(|ratio| (ratio - 2.0).abs() < 1e-9))
    );
}
