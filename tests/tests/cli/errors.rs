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
    aam.refuses("tran").says(&["'tran'", "train"]);
    aam.refuses("").says(&["Usage: aam"]);
    aam.refuses("train --epochs").says(&["--epochs", "value"]);
    aam.refuses("train --epochs 1 --epochs 2")
        .says(&["--epochs", "multiple"]);
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
    aam.refuses("train --threads 0").says(&["--threads"]);
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
                "found \"three\"",
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
fn a_setting_is_told_as_it_was_given() {
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
fn errors_are_plain_text_off_a_terminal() {
    let ran = aam!().refuses("train --head mpl");
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\x1b'), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}
