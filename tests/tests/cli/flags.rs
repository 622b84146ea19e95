//! Flags: the set of flags, their precedence, and the spellings of the reference implementation.

use aam_tests::{Aam, aam};

/// The flags in a command's help text, without those of components.
fn flags(aam: &Aam, command: &str) -> Vec<String> {
    let help = aam.ok(&format!("{command} --help")).stdout;
    let mut flags: Vec<String> = help
        .lines()
        .take_while(|line| !line.starts_with("Examples:"))
        .map(str::trim_start)
        .filter_map(|line| {
            line.strip_prefix("-h, --")
                .or(line.strip_prefix("-q, --"))
                .or(line.strip_prefix("-v, --"))
                .or(line.strip_prefix("--"))
        })
        .map(|line| {
            line.split([' ', '[', '='])
                .next()
                .unwrap_or(line)
                .to_owned()
        })
        .filter(|flag| !flag.contains('.'))
        .collect();
    flags.sort();
    flags
}

/// A new setting belongs to a component, where only users who choose that component see it. Extend
/// this list only if that is impossible.
#[test]
fn the_flags_of_train_are_frozen() {
    let expected = "
        asv-chunk-size asv-encoder asv-sampling attention-heads attention-layers
        attn-implementation augmentation auto-batch-size balance base-lr baseline-trees batch-column batch-size
        best-metric
        cache cache-dir categorical-columns categorical-dropout categorical-embed-dim categorical-embed-dims
        categorical-hierarchy categorical-loss-weight-beta categorical-loss-weight-column
        categorical-loss-weights categorical-lr classifier compatibility conditional-output-scaling
        config count-embedding count-scale count-weight decay-all device distance-scale
        drop-missing dropout ema-decay embedding-dim epochs ffn-ratio folds freeze-base fusion
        gradient-accumulation-steps group-column head help interval json keep-checkpoints
        keep-class layer-lr-decay learnable-output-scale leave-group-out leave-one-group-out
        lora-alpha lora-rank loss loss-config lr max-bp max-grad-norm max-memory-fraction
        max-memory-gb max-steps members memory-profile metadata metadata-column min-category-count
        missing-length mixed-precision normalize-by nuc-mask-ratio nuc-mask-strategy
        nucleotide-weight objective optimizer orient output-activation output-dir overwrite patience
        positive-class preset pretrained-encoder print-config quiet rarefy-depth report resume root sample-encoder
        samples save-every schedule seed sequences strategy stratify streaming table
        target-effective-batch-size target-layer-norm target-transform target-weight taxonomy tensorboard
        test-size threads token-limit train-samples transpose tree truncate unifrac-ids
        unifrac-matrix unifrac-metric unifrac-weight unit val-prediction-passes
        validation-plot-samples validation-samples
        verbose weight-decay where";
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(flags(&aam!(), "train"), expected);
}

#[test]
fn compare_has_the_flags_of_train() {
    let aam = aam!();
    assert_eq!(flags(&aam, "compare"), flags(&aam, "train"));
}

#[test]
fn the_flags_of_pretrain_are_frozen() {
    let expected = "
        asv-chunk-size asv-encoder asv-sampling attention-heads attention-layers
        attn-implementation augmentation auto-batch-size batch-size best-metric compatibility config
        count-embedding count-scale
        decay-all device distance-scale drop-missing dropout ema-decay embedding-dim epochs
        ffn-ratio gradient-accumulation-steps help json keep-checkpoints lr max-bp max-grad-norm
        max-memory-fraction max-memory-gb max-steps
        memory-profile metadata missing-length mixed-precision nuc-mask-ratio nuc-mask-strategy nucleotide-batch-size
        nucleotide-steps nucleotide-weight objective optimizer orient output-dir overwrite patience preset
        print-config quiet rarefy-depth report resume root sample-encoder samples save-every
        schedule seed sequences strategy streaming table target-effective-batch-size taxonomy tensorboard
        test-size threads token-limit
        train-samples transpose tree truncate unifrac-ids unifrac-matrix unifrac-metric
        unifrac-weight validation-plot-samples validation-samples verbose weight-decay where";
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(flags(&aam!(), "pretrain"), expected);
}

#[test]
fn every_flag_is_documented() {
    let aam = aam!();
    for command in [
        "pretrain", "train", "compare", "predict", "export", "unifrac", "simulate", "import",
        "demo",
    ] {
        let help = aam.ok(&format!("{command} --help")).stdout;
        let lines: Vec<&str> = help.lines().map(str::trim).collect();
        for pair in lines.windows(2) {
            let is_flag = pair[0].starts_with("--");
            let on_its_line = pair[0].contains("  ");
            assert!(
                !is_flag || on_its_line || !pair[1].is_empty(),
                "aam {command}: {}",
                pair[0]
            );
        }
    }
}

#[test]
fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
    let aam = aam!();
    aam.write(
        "run.toml",
        "epochs = 7\nlr = 0.5\n[head]\nname = \"mlp\"\nhidden = [32, 16]\ndropout = 0.5\n",
    );
    aam.ok("train --config run.toml --epochs 9 --head.dropout 0.25 --print-config")
        .prints(&[
            "epochs = 9\n",
            "lr = 0.5\n",
            "token-limit = 1024\n",
            "[head]\nname = \"mlp\"\nhidden = [32, 16]\ndropout = 0.25\n",
        ]);
}

#[test]
fn a_component_named_by_a_flag_does_not_take_the_options_of_the_files_component() {
    let aam = aam!();
    aam.write("run.toml", "[head]\nname = \"mlp\"\nhidden = [32, 16]\n");
    aam.ok("train --config run.toml --head linear --print-config")
        .says(&["[head] sets options of 'mlp', which do not apply to 'linear'"])
        .prints(&["[head]\nname = \"linear\"\n"]);
}

#[test]
fn printed_settings_read_back_as_they_are() {
    let aam = aam!();
    let flags = "train --table t.biom --metadata-column a,b --categorical-columns site --head mlp \
                 --head.hidden 8,4 --max-grad-norm none --freeze-base --count-embedding film \
                 --loss-config {\"a\":{\"name\":\"huber\",\"delta\":2}} --categorical-loss-weights auto";
    let first = aam.ok(&format!("{flags} --print-config")).stdout;
    aam.write("run.toml", &first);
    let second = aam.ok("train --config run.toml --print-config").stdout;
    assert_eq!(first, second);
    assert!(first.contains("max-grad-norm = \"none\"\n"), "{first}");
    assert!(
        first.contains("metadata-column = [\"a\", \"b\"]\n"),
        "{first}"
    );
    assert!(first.contains("freeze-base = true\n"), "{first}");
}

#[test]
fn a_file_may_use_the_former_names_of_encoders() {
    let aam = aam!();
    aam.write(
        "run.toml",
        "pooling = \"attention\"\ncount-embedding = \"film\"\n",
    );
    let older = aam.ok("train --config run.toml --print-config").stdout;
    let flags = "--sample-encoder attention --count-embedding film";
    assert_eq!(
        older,
        aam.ok(&format!("train {flags} --print-config")).stdout
    );
    assert!(
        older.contains("[sample-encoder]\nname = \"attention\"\n"),
        "{older}"
    );
    // Settings that are not given are left to the preset, or to the encoder that a run starts from.
    assert!(
        !aam.ok("train --print-config")
            .stdout
            .contains("sample-encoder")
    );
}

#[test]
fn components_are_chosen_that_fit_the_target() {
    let aam = aam!();
    let numbers = "[fusion]\nname = \"none\"\n";
    aam.ok("train --print-config")
        .prints(&["[loss]\nname = \"huber\"\n", numbers]);
    aam.ok("train --classifier --categorical-columns site --print-config")
        .prints(&[
            "[loss]\nname = \"cross-entropy\"\n",
            "[fusion]\nname = \"concat\"\n",
        ]);
}

#[test]
fn switches_can_be_switched_off_again() {
    let aam = aam!();
    aam.write("run.toml", "freeze-base = true\n");
    let off = ["freeze-base = false\n"];
    aam.ok("train --config run.toml --no-freeze-base --print-config")
        .prints(&off);
    aam.ok("train --config run.toml --freeze-base=false --print-config")
        .prints(&off);
    aam.ok("train --freeze-base --print-config")
        .prints(&["freeze-base = true\n"]);
    aam.refuses("train --freeze-base --no-freeze-base");
}

/// The same settings follow from both spellings.
#[track_caller]
fn assert_same(aam: &Aam, theirs: &str, ours: &str) {
    let printed = |flags: &str| aam.ok(&format!("train {flags} --print-config")).stdout;
    assert_eq!(printed(theirs), printed(ours), "{theirs}");
}

#[test]
fn outputs_and_objectives_have_other_spellings() {
    let aam = aam!();
    let same = |theirs: &str, ours: &str| assert_same(&aam, theirs, ours);
    same("--skip-nuc-predictions", "--nucleotide-weight 0");
    same(
        "--no-freeze-base --keep-nuc-predictions",
        "--no-freeze-base --nucleotide-weight 1",
    );
    same("--encoder-type bray-curtis", "--objective bray-curtis");
    same("--root as_written", "--root as-written");
    same("--bounded-targets", "--output-activation sigmoid");
    same("--unbounded-targets", "--output-activation none");
    same(
        "--target-transform zscore --normalize-targets",
        "--target-transform zscore",
    );
}

#[test]
fn spellings_of_the_reference_mean_the_same_choice() {
    let aam = aam!();
    let same = |theirs: &str, ours: &str| assert_same(&aam, theirs, ours);
    same(
        "--regressor-hidden-dims 64,32",
        "--head mlp --head.hidden 64,32",
    );
    same(
        "--regressor-hidden-dims 64,32 --regressor-dropout 0.1 --residual-regression-head",
        "--head residual --head.hidden 64,32 --head.dropout 0.1",
    );
    same(
        "--regressor-hidden-dims 32 --film-conditioning habitat --categorical-columns habitat",
        "--head film --head.hidden 32 --head.columns habitat --categorical-columns habitat",
    );
    same(
        "--moe-routing habitat --categorical-columns habitat",
        "--head moe --head.routing habitat --categorical-columns habitat",
    );
    same("--categorical-fusion concat", "--fusion concat");
    same("--categorical-fusion gmu", "--fusion gmu");
    same(
        "--over-penalty 2 --under-penalty 0.5",
        "--loss asymmetric --loss.over-penalty 2 --loss.under-penalty 0.5",
    );
    same("--loss-type mae", "--loss mae");
    same(
        "--penalty 0.5 --count-penalty 2 --nuc-penalty 1",
        "--unifrac-weight 0.5 --count-weight 2 --nucleotide-weight 1",
    );
    same("--target-penalty 3 --nuc-penalty 0", "--target-weight 3");
    same(
        "--warmup-steps 100 --count-embedding",
        "--warmup 100 --count-embedding add",
    );
    same(
        "--no-count-embedding --no-count-prediction",
        "--count-embedding none",
    );
    same("--optimizer adamw --scheduler warmup_cosine", "");
    same("--scheduler cosine_restarts", "--schedule cosine-restarts");
    same(
        "--scheduler cosine_restarts --scheduler-t0 9 --scheduler-t-mult 3 --scheduler-eta-min 0.1",
        "--schedule cosine-restarts --schedule.t0 9 --schedule.t-mult 3 --schedule.eta-min 0.1",
    );
    same(
        "--scheduler plateau --scheduler-patience 2 --scheduler-factor 0.1 --scheduler-min-lr 0.2",
        "--schedule plateau --schedule.patience 2 --schedule.factor 0.1 --schedule.min-lr 0.2",
    );
    same(
        "--warmup 7 --scheduler.eta-min 0.1",
        "--schedule.warmup 7 --schedule.eta-min 0.1",
    );
    same("--normalize-targets", "--target-transform minmax");
    same("--no-normalize-targets", "--target-transform none");
    same("--unifrac-metric unifrac", "");
    same("--pooling attention", "--sample-encoder attention");
    same("--count-embedding-method film", "--count-embedding film");
    same("--unifrac-metric faith_pd", "--unifrac-metric faith-pd");
    same("--log-transform-targets", "--target-transform log-minmax");
    same(
        "--normalize-targets-by site,depth",
        "--normalize-by site,depth",
    );
    let pretrained = aam.ok("pretrain --nuc-penalty 0.25 --print-config");
    pretrained.prints(&["nucleotide-weight = 0.25\n"]);
}

#[test]
fn flags_of_the_reference_without_a_counterpart_are_explained() {
    let aam = aam!();
    aam.ok("train --num-workers 4 --print-config")
        .says(&["--num-workers has no effect here"]);
    aam.refuses("pretrain --categorical-help")
        .says(&["--categorical-help is not supported"]);
    aam.refuses("train --loss-type mae --loss mse")
        .says(&["--loss-type", "--loss", "contradict"]);
}

#[test]
fn short_help_has_what_most_users_need() {
    let aam = aam!();
    for command in ["train", "compare", "tune", "pretrain"] {
        let brief = aam.ok(&format!("{command} -h")).stdout;
        let hint = format!("All flags: aam {command} --help");
        assert!(
            brief.contains(&hint) && brief.contains("--output-dir"),
            "{brief}"
        );
        let flags = brief
            .lines()
            .filter(|line| line.trim_start().starts_with('-'));
        assert!((8..=30).contains(&flags.count()), "{command}: {brief}");
        assert!(!brief.contains("--ema-decay"), "{brief}");
        let all = aam.ok(&format!("{command} --help")).stdout;
        assert!(all.contains("--ema-decay") && !all.contains(&hint), "{all}");
    }
    // Commands with few flags show all of them.
    assert_eq!(aam.ok("predict -h").stdout, aam.ok("predict --help").stdout);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let aam = aam!();
    let version = aam.ok("--version").stdout;
    assert_eq!(version, format!("aam {}\n", env!("CARGO_PKG_VERSION")));
    aam.ok("--help")
        .prints(&["Exit codes:", "Examples:", "pretrain", "plugins"])
        .prints(&aam_cli::Exit::ALL.map(|(_, meaning)| meaning));
    aam.ok("train --help").prints(&[
        "--head.hidden",
        "film, mlp, quantile: Widths of the hidden layers",
    ]);
    aam.ok("completions bash")
        .prints(&["_aam()", "--head.hidden"]);
}
