//! Members of a training run: out-of-fold predictions of every sample, a model of all samples, and
//! valid intervals and probabilities.

use aam_tests::{Aam, LARGER_STUDY, STUDY, aam, cells};

const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv --max-bp 30 \
                     --embedding-dim 16 --epochs 4 --output-dir run";

const ALL: &str = "--members network,forest,boosting,linear,kernel";

fn numbers(aam: &Aam, file: &str, column: &str) -> Vec<f64> {
    aam.column(file, column)
}

#[test]
fn every_sample_is_predicted_by_models_that_did_not_see_it() {
    let aam = aam!().with(LARGER_STUDY);
    let ran = aam.ok(&format!("{TRAIN} --metadata-column gradient"));
    ran.prints(&[
        "all 60 samples, each predicted by models that did not see it",
        "wrote run/checkpoints/best\n",
        "gradient: R² ",
        ", better than guessing by ",
    ])
    .says(&[
        "next: aam predict --model run --table NEW.biom --output predictions.tsv",
        "aam explain --model run --table study/table.biom --output-dir explained",
    ]);
    let report = aam.read("run/report.html");
    let verdict = report.find("better than guessing by").expect("a verdict");
    assert!(
        verdict < report.find("<table").expect("a table"),
        "the verdict comes first"
    );
    let evaluation = aam.read("run/evaluation.tsv");
    let header = evaluation.lines().next().unwrap_or_default();
    let methods: Vec<&str> = header.split('\t').skip(4).collect();
    let expected = ["network", "forest", "kernel", "trivial"];
    assert_eq!(methods, expected);
    // The prediction is the mean of those of the members.
    let members = expected[..3].iter();
    let members: Vec<Vec<f64>> = members
        .map(|name| numbers(&aam, &format!("run/predictions_{name}.tsv"), "prediction"))
        .collect();
    let together = numbers(&aam, "run/predictions.tsv", "prediction");
    assert_eq!(together.len(), 60);
    for (sample, value) in together.iter().enumerate() {
        let mean = members.iter().map(|member| member[sample]).sum::<f64>() / 3.0;
        assert!((value - mean).abs() < 1e-4 * mean.abs().max(1.0));
    }
    let folds = aam.read("run/predictions.tsv");
    let folds = cells(&folds, "fold");
    let of_first = folds.iter().filter(|(_, fold)| *fold == "1").count();
    assert_eq!(of_first, 12);
    // The model of all samples predicts using only its checkpoint.
    let predict = "predict --model run/checkpoints/best --table study/table.biom --output";
    aam.ok(&format!("{predict} p.tsv"));
    let (low, high) = (
        numbers(&aam, "p.tsv", "lower"),
        numbers(&aam, "p.tsv", "upper"),
    );
    let values = numbers(&aam, "p.tsv", "prediction");
    assert_eq!(values.len(), 60);
    let width = high[0] - low[0];
    for sample in 0..60 {
        assert!(low[sample] < values[sample] && values[sample] < high[sample]);
        assert!((high[sample] - low[sample] - width).abs() < 1e-3 * width);
    }
    aam.ok(&format!("{predict} q.tsv --interval 0.5"));
    let narrow = numbers(&aam, "q.tsv", "upper")[0] - numbers(&aam, "q.tsv", "lower")[0];
    assert!(narrow < width, "{narrow} {width}");
}

#[test]
fn every_member_sees_the_categories() {
    let aam = aam!().with(LARGER_STUDY);
    let text = aam.read("study/metadata.tsv");
    let ids = text.lines().skip(1).filter(|line| !line.starts_with('#'));
    let ids: Vec<&str> = ids.filter_map(|line| line.split('\t').next()).collect();
    // Predictable only from the category.
    let rows = ids.iter().enumerate().map(|(row, id)| {
        let side = row * 7919 % 61 % 2;
        format!("{id}\t{}\tside{side}\n", side * 10 + row % 3)
    });
    aam.write(
        "sides.tsv",
        &format!("sample-id\tvalue\tside\n{}", rows.collect::<String>()),
    );
    let train = TRAIN.replace("study/metadata.tsv", "sides.tsv");
    aam.ok(&format!(
        "{train} --metadata-column value --categorical-columns side {ALL}"
    ));
    let evaluation = aam.read("run/evaluation.tsv");
    for method in ["forest", "boosting", "linear", "kernel"] {
        let found = cells(&evaluation, method);
        let r2 = found.iter().find(|(metric, _)| *metric == "r2");
        let r2: f64 = r2.and_then(|(_, value)| value.parse().ok()).unwrap();
        assert!(r2 > 0.5, "{method} explains {r2} of what the side tells");
    }
    // The saved model requires the column and uses it.
    let predict = "predict --model run/checkpoints/best --table study/table.biom";
    aam.run(&format!("{predict} --output p.tsv"))
        .ends_with_code(2)
        .says(&["side"]);
    aam.ok(&format!("{predict} --metadata sides.tsv --output q.tsv"));
    let predicted = numbers(&aam, "q.tsv", "prediction");
    let (mut low, mut high) = (0.0, 0.0);
    for (row, value) in predicted.iter().enumerate() {
        match row * 7919 % 61 % 2 {
            0 => low += value,
            _ => high += value,
        }
    }
    assert!(high > 2.0 * low, "{high} {low}");
}

#[test]
fn noise_is_not_predicted() {
    let aam = aam!().with(LARGER_STUDY);
    let text = aam.read("study/metadata.tsv");
    let ids = text.lines().skip(1).filter(|line| !line.starts_with('#'));
    let ids = ids.filter_map(|line| line.split('\t').next());
    // A value that cannot be predicted, but that a model could memorise for samples it has seen.
    let noise = |row: usize| (row * 7919 + 13) % 61;
    let rows = ids
        .enumerate()
        .map(|(row, id)| format!("{id}\t{}\n", noise(row)));
    aam.write(
        "noise.tsv",
        &format!("sample-id\tnoise\n{}", rows.collect::<String>()),
    );
    let train = TRAIN.replace("study/metadata.tsv", "noise.tsv");
    aam.ok(&format!("{train} --metadata-column noise {ALL}"));
    let evaluation = aam.read("run/evaluation.tsv");
    for method in ["model", "forest", "boosting", "linear", "kernel"] {
        let found = cells(&evaluation, method);
        let r2 = found.iter().find(|(metric, _)| *metric == "r2");
        let r2: f64 = r2.and_then(|(_, value)| value.parse().ok()).unwrap();
        assert!(r2 < 0.3, "{method} explains {r2} of noise");
    }
    // Wide enough to contain the value nevertheless.
    let coverage = cells(&evaluation, "model");
    let coverage = coverage
        .iter()
        .find(|(metric, _)| *metric == "interval_coverage");
    let coverage: f64 = coverage.and_then(|(_, value)| value.parse().ok()).unwrap();
    assert!((0.65..=0.95).contains(&coverage), "{coverage}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let aam = aam!().with(STUDY);
    let train = TRAIN.replace("--output-dir run", "--metadata-column habitat --classifier");
    aam.ok(&format!("{train} --threads 1 --output-dir one"));
    aam.ok(&format!("{train} --threads 3 --output-dir three"));
    for file in [
        "predictions.tsv",
        "evaluation.tsv",
        "checkpoints/best/manifest.json",
    ] {
        let (one, three) = (format!("one/{file}"), format!("three/{file}"));
        assert_eq!(aam.read(&one), aam.read(&three), "{file}");
    }
    let predict = "predict --table study/table.biom --output p.tsv --model one/checkpoints/best";
    aam.ok(predict);
    let text = aam.read("p.tsv");
    let header = text.lines().next().unwrap_or_default();
    let classes = header.matches("probability").count();
    let first = header
        .split('\t')
        .position(|name| name.starts_with("probability"));
    let first = first.unwrap();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let sum: f64 = cells[first..first + classes]
            .iter()
            .map(|p| p.parse::<f64>().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line}");
    }
}

#[test]
fn members_are_chosen_by_name() {
    let aam = aam!().with(STUDY);
    aam.refuses(&format!(
        "{TRAIN} --metadata-column ph --members network,forrest"
    ))
    .says(&["--members", "forrest", "boosting", "linear"]);
    for (members, words) in [
        ("forest,forest:trees=3", "twice"),
        ("forest:trees", "OPTION=VALUE"),
        ("forest:tree=3", "no option 'tree'; it has trees"),
        ("forest:trees=0", "trees: expected"),
    ] {
        aam.refuses(&format!("{TRAIN} --metadata-column ph --members {members}"))
            .says(&["--members", words]);
    }
    assert!(
        !aam.path("run").exists(),
        "refused before there is a directory"
    );
    aam.ok(&format!("{TRAIN} --metadata-column ph --members linear"));
    let evaluation = aam.read("run/evaluation.tsv");
    // The network's own metrics remain visible if it is not a member.
    assert!(evaluation.starts_with("metric\tmodel\tlower\tupper\tnetwork\tlinear\ttrivial\n"));
    let (model, linear) = (cells(&evaluation, "model"), cells(&evaluation, "linear"));
    let of = |cells: &[(&str, &str)]| {
        let found = cells.iter().find(|(metric, _)| *metric == "r2");
        found.map(|(_, value)| (*value).to_owned())
    };
    assert_eq!(of(&model), of(&linear));
}

#[test]
fn nothing_is_held_out_on_request() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network --test-size 0"
    ))
    .says(&["all 24 samples for training"]);
    assert!(!aam.path("run/predictions.tsv").exists());
    aam.ok("predict --model run/checkpoints/best --table study/table.biom --output p.tsv");
    assert_eq!(numbers(&aam, "p.tsv", "prediction").len(), 24);
    aam.refuses("predict --model run/checkpoints/best --table study/table.biom --output q.tsv --interval 0.9")
        .says(&["--interval", "no errors of held-out samples"]);
    aam.ok("train --resume --epochs 6 --output-dir run");
    aam.refuses(
        "pretrain --table study/table.biom --tree study/tree.nwk --test-size 0 --output-dir p",
    )
    .says(&["--test-size"]);
}

#[test]
fn a_list_restricts_the_samples() {
    let aam = aam!().with(STUDY);
    let ids = aam.read("study/metadata.tsv");
    let ids = ids.lines().skip(1).filter(|line| !line.starts_with('#'));
    let ids: Vec<&str> = ids.filter_map(|line| line.split('\t').next()).collect();
    aam.write("some.txt", &ids[..16].join("\n"));
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network,linear --samples some.txt --folds 4"
    ));
    assert_eq!(numbers(&aam, "run/predictions.tsv", "prediction").len(), 16);
}

#[test]
fn damaged_members_are_an_error() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network,linear,forest"
    ));
    let file = aam.path("run/checkpoints/best/members.bin");
    let bytes = std::fs::read(&file).unwrap();
    let predict = "predict --model run/checkpoints/best --table study/table.biom --output p.tsv";
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    aam.run(predict).ends_with_code(4).says(&["members.bin"]);
    std::fs::remove_file(&file).unwrap();
    aam.run(predict).ends_with_code(4).says(&["members.bin"]);
}
