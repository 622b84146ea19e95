//! Errors name the problem, its place and the nearest valid alternative.

use aam_tests::aam;

#[test]
fn unknown_flags() {
    let aam = aam!();
    aam.refuses("train --tabel x").says(&[
        "`aam train` has no flag '--tabel' (did you mean '--table'?)",
        "aam train --help",
    ]);
    aam.refuses("pretrain --metadata-column x").says(&[
        "`aam pretrain` has no flag '--metadata-column', but `aam check`, `aam train`, `aam compare`, `aam tune`, `aam lr-find` and `aam rf-baseline` have",
    ]);
    aam.refuses("pretrain --folds 3")
        .says(&["`aam pretrain` has no flag '--folds', but"]);
    aam.refuses("").says(&["Usage: aam"]);
}

#[test]
fn lines_that_cannot_be_parsed() {
    let aam = aam!();
    for (line, words) in [
        (
            "tran",
            "`aam` has no command 'tran' (did you mean 'train'?)",
        ),
        ("--tabel x", "`aam` has no flag '--tabel'"),
        ("train -x", "`aam train` has no flag '-x'"),
        (
            "train table.biom",
            "`aam train` takes no argument 'table.biom'",
        ),
        ("train --thread 2", "(did you mean '--threads'?)"),
        ("train --epochs", "--epochs: expected a value, found none"),
        (
            "train --epochs 1 --epochs 2",
            "--epochs is given twice, expected one value",
        ),
        (
            "train --quiet --verbose",
            "contradict each other: leave out one of the two",
        ),
        (
            "train --threads 0",
            "--threads: expected an integer from 1 to 65535, found '0'",
        ),
        (
            "runs . --compare a",
            "--compare: expected 2 values, found 1",
        ),
        ("import w.pt", "`aam import`: --output is missing"),
        (
            "plugins lst",
            "`aam plugins` has no command 'lst' (did you mean 'list'?)",
        ),
        ("plugins list haed", "KIND: expected one of head,"),
        ("plugins list haed", "found 'haed' (did you mean 'head'?)"),
        ("completions bsh", "SHELL: expected one of bash,"),
    ] {
        let ran = aam.refuses(line).says(&[words, "help: `aam"]);
        // One voice, not also that of the parser.
        for other in ["Usage:", "tip:", "For more information", "error: error"] {
            assert!(!ran.stderr.contains(other), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn options_of_components_in_a_list() {
    let aam = aam!();
    for (flags, words) in [
        (
            "--augmentation.depth 100",
            "--augmentation rarefaction:depth=100",
        ),
        (
            "--augmentation.depth=100",
            "--augmentation rarefaction:depth=100",
        ),
        (
            "--augmentation rarefaction,mixup --augmentation.alpha 1",
            "--augmentation mixup:alpha=1",
        ),
        ("--members.trees 3", "--members forest:trees=3"),
        ("--learner.trees 3", "--members forest:trees=3"),
        ("--augmentation.x 3", "--augmentation NAME:OPTION=VALUE"),
    ] {
        aam.refuses(&format!("train {flags}"))
            .says(&["`aam train` has no flag '--", words]);
    }
    aam.refuses(
        "train --table t --metadata m --metadata-column c --output-dir o --augmentation rarefacton",
    )
    .says(&["no such augmentation (did you mean 'rarefaction'?)"]);
}

#[test]
fn a_component_in_place_of_its_kind() {
    let aam = aam!();
    for command in ["list", "describe"] {
        aam.refuses(&format!("plugins {command} mlp")).says(&[
            "KIND: 'mlp' is the name of a head",
            "`aam plugins describe head mlp` shows its options",
        ]);
    }
    aam.refuses("plugins describe head")
        .says(&["`aam plugins describe`: NAME is missing"]);
    // Two kinds have it.
    aam.refuses("plugins describe quantile").says(&[
        "'quantile' is the name of a head and of a loss",
        "`aam plugins describe loss quantile`",
    ]);
}

/// The text of the operating system has a code and its own words.
#[test]
fn files_that_cannot_be_opened() {
    let aam = aam!();
    std::fs::create_dir(aam.path("folder")).expect("a folder");
    let data = "--metadata m.tsv --metadata-column ph --output-dir run";
    for (line, words) in [
        (
            format!("train --table no.biom {data}"),
            "m.tsv: no such file",
        ),
        ("check nowhere".to_owned(), "nowhere: no such folder"),
        ("train --config no.toml".to_owned(), "no.toml: no such file"),
        (
            "train --config folder".to_owned(),
            "folder: it is a directory",
        ),
        ("import no.pt --output o".to_owned(), "no.pt: no such file"),
        (
            "predict --model no --table t --output p".to_owned(),
            "no: there is no such directory",
        ),
        (
            "predict --model folder --table t --output p".to_owned(),
            "it has no manifest.json",
        ),
        ("runs nowhere".to_owned(), "nowhere"),
    ] {
        let ran = aam.run(&line).says(&[words]);
        assert_ne!(ran.code, Some(0), "{line}");
        for code in ["os error", "No such file"] {
            assert!(!ran.stderr.contains(code), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn bad_values_of_flags() {
    let aam = aam!();
    aam.refuses("train --epochs many")
        .says(&["--epochs: expected an integer", "found 'many'"]);
    aam.refuses("train --batch-size 0")
        .says(&["--batch-size: expected an integer from 1 to 1000000 or none, found '0'"]);
    aam.refuses("train --rarefy-depth 99999999999")
        .says(&["--rarefy-depth: expected an integer"]);
    aam.refuses("train --lr nan")
        .says(&["--lr: expected a number above 0 or none, found 'nan'"]);
    aam.refuses("train --preset tin")
        .says(&["--preset: expected one of tiny, small, base, found 'tin' (did you mean 'tiny'?)"]);
}

#[test]
fn components() {
    let aam = aam!();
    aam.refuses("train --head mpl").says(&[
        "--head: unknown head 'mpl' (did you mean 'mlp'?); available: ",
        "help: `aam plugins list head`",
    ]);
    aam.refuses("train --head mlp --head.hiden 3").says(&[
        "--head.hiden: head 'mlp' has no option 'hiden' (did you mean 'hidden'?)",
        "help: `aam plugins describe head mlp`",
    ]);
    aam.refuses("train --head linear --head.hidden 3").says(&[
        "head 'linear' has no option 'hidden'",
        "it belongs to head film, mlp",
    ]);
    aam.refuses("train --head mlp --head.hidden 3,x").says(&[
        "--head.hidden: head 'mlp', option 'hidden': expected a list of integers",
        "'3,x'",
    ]);
    aam.refuses("train --head mlp --head.hiden")
        .says(&["no option 'hiden'"]);
}

#[test]
fn configuration_files() {
    let aam = aam!();
    let cases: [(&str, &[&str]); 11] = [
        (
            "epoch = 3",
            &["run.toml: `aam train` has no key 'epoch' (did you mean 'epochs'?)"],
        ),
        (
            "nucleotide-steps = 3",
            &["no key 'nucleotide-steps', but `aam pretrain` has"],
        ),
        (
            "epochs = \"three\"",
            &[
                "run.toml: key 'epochs': expected an integer",
                "found 'three'",
            ],
        ),
        (
            "lr = nan",
            &["run.toml: key 'lr': expected a finite number"],
        ),
        (
            "preset = \"tin\"",
            &["key 'preset': expected one of", "did you mean 'tiny'?"],
        ),
        ("epochs = ", &["run.toml: TOML parse error at line 1"]),
        (
            "command = \"pretrain\"",
            &["the file is for `aam pretrain`, not for `aam train`"],
        ),
        (
            "head = 3",
            &["run.toml: key 'head': expected a table or the name of a head, found 3"],
        ),
        (
            "[head]\nname = \"mpl\"",
            &["run.toml: [head]: unknown head 'mpl'"],
        ),
        (
            "[head]\nname = \"mlp\"\nhiden = [3]",
            &["run.toml: [head]: head 'mlp' has no option 'hiden' (did you mean 'hidden'?)"],
        ),
        (
            "[head]\nname = \"mlp\"\nhidden = \"3\"",
            &["run.toml: [head]: head 'mlp', option 'hidden': expected a list of integers"],
        ),
    ];
    for (text, words) in cases {
        aam.write("run.toml", text);
        aam.refuses("train --config run.toml").says(words);
    }
    aam.refuses("train --config none.toml")
        .says(&["none.toml: no such file"]);
}

#[test]
fn a_setting_is_named_as_it_was_given() {
    let aam = aam!();
    let train = "train --test-size 0.2 --members network --table t.biom --metadata m.tsv --metadata-column ph --output-dir run";
    let frozen = "a frozen base does not learn from nucleotides";
    for (flag, told) in [
        ("--nucleotide-weight 1", "error: --nucleotide-weight: "),
        ("--nuc-penalty 1", "error: --nuc-penalty: "),
    ] {
        aam.refuses(&format!("{train} {flag}"))
            .says(&[&format!("{told}{frozen}")]);
    }
    aam.write("run.toml", "nucleotide-weight = 1.0\n");
    aam.refuses(&format!("{train} --config run.toml"))
        .says(&[&format!(
            "error: run.toml: key 'nucleotide-weight': {frozen}"
        )]);
    aam.write(
        "run.toml",
        "pooling = \"attention\"\ntarget-transform = \"zscore-category\"\n",
    );
    aam.refuses(&format!("{train} --config run.toml")).says(&[
        "run.toml: [target-transform], key 'name' = zscore-category: it needs --normalize-by",
    ]);
    aam.refuses(&format!(
        "{train} --log-transform-targets --normalize-targets-by site"
    ))
    .says(&["error: --normalize-targets-by site: the chosen --target-transform"]);
    aam.refuses(&format!(
        "{train} --normalize-targets --normalize-targets-by site"
    ))
    .says(&["error: --normalize-targets-by site: the chosen --target-transform"]);
    aam.refuses(&format!("{train} --bounded-targets --unbounded-targets"))
        .says(&["--bounded-targets and --unbounded-targets contradict each other"]);
    aam.refuses(&format!("{train} --nuc-penalty -1"))
        .says(&["error: --nuc-penalty: expected a number of at least 0, found '-1'"]);
}

#[test]
fn errors_are_plain_text_outside_a_terminal() {
    let ran = aam!().refuses("train --head mpl");
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\x1b'), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}
