//! Every size has a range, on flags and in checkpoints, and a model that exceeds the memory is
//! rejected before it is created.

use std::time::{Duration, Instant};

use aam_api::kind::kinds;
use aam_api::options::OptionInfo;
use aam_cli::jobs;
use aam_plugins as _;
use aam_runtime::model::ModelConfig;
use aam_tests::{STUDY, aam};
use serde_json::{Value, json};

/// Options that are not sizes: any number is valid.
const NO_SIZES: [&str; 1] = ["seed"];

/// Whether the option, or an item of its list, may be any integer.
fn is_open(option: &OptionInfo) -> bool {
    let may_be = |value: Value| option.check(&value).is_ok();
    let is_open =
        |may_be: &dyn Fn(Value) -> bool| may_be(json!(u64::MAX)) && !may_be(json!(1e6 + 0.5));
    is_open(&|value| may_be(value)) || is_open(&|value| may_be(json!([value])))
}

#[test]
fn every_size_has_an_upper_limit() {
    let mut open: Vec<String> = Vec::new();
    for job in jobs::all().expect("the commands") {
        let options = job.options().filter(|option| is_open(option));
        open.extend(options.map(|option| format!("aam {}: {}", job.name, option.name)));
    }
    for kind in kinds().expect("the kinds") {
        for component in kind.list().expect("its components") {
            let options = component.options.iter().filter(|option| is_open(option));
            let name = component.name;
            open.extend(options.map(|option| format!("{} {name}: {}", kind.name, option.name)));
        }
    }
    for option in aam_api::options::of::<ModelConfig>() {
        open.extend(is_open(&option).then(|| format!("model: {}", option.name)));
    }
    open.retain(|option| {
        !NO_SIZES
            .iter()
            .any(|name| option.ends_with(&format!(": {name}")))
    });
    assert!(open.is_empty(), "without an upper end: {open:#?}");
}

#[test]
fn enormous_sizes_are_refused_immediately() {
    let aam = aam!().with(STUDY);
    let train = "train --test-size 0.2 --members network --table study/table.biom --metadata \
                 study/metadata.tsv --metadata-column ph --max-bp 30 --output-dir run";
    let huge = u64::MAX / 2 + 1;
    for (flags, said) in [
        (format!("--embedding-dim {huge}"), "--embedding-dim"),
        ("--embedding-dim 100000".to_owned(), "from 1 to 16384"),
        (format!("--attention-heads {huge}"), "--attention-heads"),
        (format!("--attention-layers {huge}"), "--attention-layers"),
        ("--max-bp 1000000000".to_owned(), "from 1 to 10000"),
        (format!("--token-limit {huge}"), "--token-limit"),
        (format!("--batch-size {huge}"), "--batch-size"),
        (format!("--epochs {huge}"), "--epochs"),
        (format!("--max-steps {huge}"), "--max-steps"),
        (format!("--patience {huge}"), "--patience"),
        (format!("--folds {huge}"), "--folds"),
        (format!("--baseline-trees {huge}"), "--baseline-trees"),
        (
            format!("--head moe --head.experts {huge}"),
            "--head.experts",
        ),
        (format!("--head mlp --head.hidden {huge}"), "--head.hidden"),
        (
            format!("--strategy ddp --strategy.ranks {huge}"),
            "--strategy.ranks",
        ),
        (format!("--lora-rank {huge}"), "--lora-rank"),
    ] {
        let line = train.replace("--max-bp 30 ", "");
        let line = match flags.contains("--folds") {
            true => line.replace("--test-size 0.2 ", ""),
            false => line,
        };
        let begun = Instant::now();
        let ran = aam.run(&format!("{line} {flags}")).ends_with_code(2);
        ran.says(&[said, "expected"]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{flags}");
    }
    aam.run("simulate --samples 1000000 --asvs 1000 --output-dir large")
        .ends_with_code(2)
        .says(&["--samples 1000000: the study requires 16000.0 GB"]);
    aam.run("rf-baseline --table study/table.biom --metadata study/metadata.tsv --metadata-column ph --trees 99999999999 --output-dir run")
        .ends_with_code(2)
        .says(&["--trees"]);
}

#[test]
fn a_model_larger_than_the_memory_is_refused_before_files_are_read() {
    let aam = aam!();
    for command in [
        "train --metadata metadata.tsv --metadata-column ph",
        "pretrain --nucleotide-weight 0 --tree tree.nwk",
    ] {
        let line = format!(
            "{command} --table missing.biom --embedding-dim 16384 --attention-layers 1000 --asv-encoder transformer --output-dir run"
        );
        let ran = aam.run(&line).ends_with_code(1);
        ran.says(&[
            "parameters, which need 4",
            "GB of memory are free",
            "--embedding-dim",
        ]);
        assert!(!aam.path("run").exists());
    }
}
