//! `--resume` through the program: what may and may not change, and which errors end a run.

use std::fs;
use std::path::Path;

use aam_tests::{Aam, STUDY, aam};
use serde_json::Value;

const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --embedding-dim 16 --attention-layers 1 \
                     --batch-size 8 --baseline-trees 5 --output-dir run";
const RESUME: &str = "train --output-dir run --resume";

fn study() -> Aam {
    aam!().with(STUDY)
}

/// A run of four epochs.
fn trained() -> Aam {
    study().with(&format!("{TRAIN} --epochs 4"))
}

fn state(aam: &Aam, run: &str) -> Value {
    let text = aam.read(&format!("{run}/checkpoints/last/trainer.json"));
    serde_json::from_str(&text).expect("JSON")
}

fn epochs(aam: &Aam) -> usize {
    aam.read("run/metrics.tsv").lines().count() - 1
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn a_finished_run_says_so_until_it_is_extended() {
    let aam = trained();
    let before = aam.read("run/evaluation.tsv");
    aam.ok(RESUME).says(&["run: the run is complete"]);
    // The same command as at first has the same effect.
    aam.ok(&format!("{TRAIN} --epochs 4 --resume"))
        .says(&["the run is complete"]);
    assert_eq!(aam.read("run/evaluation.tsv"), before);
    aam.ok(&format!("{RESUME} --epochs 6 --lr 0.001 --batch-size 5"))
        .says(&[
            "changed: epochs 4 → 6\n",
            "changed: lr 0.003 → 0.001\n",
            "changed: batch-size 8 → 5\n",
            "resuming after epoch 4",
        ]);
    assert_eq!(epochs(&aam), 6);
    let rates = aam.column("run/metrics.tsv", "learning_rate");
    assert!(rates[4] < 0.001 && rates[1] > 0.001, "{rates:?}");
    let settings = aam.read("run/config.toml");
    assert!(settings.contains("epochs = 6\n") && settings.contains("resume = false\n"));
    aam.ok(RESUME).says(&["the run is complete"]);
    // Missing reports of a trained run are written.
    fs::remove_file(aam.path("run/evaluation.tsv")).expect("a file");
    aam.ok(RESUME);
    assert!(aam.path("run/evaluation.tsv").is_file());
    // One limit replaces the other.
    aam.ok(&format!("{RESUME} --max-steps 30"))
        .says(&["changed: max-steps none → 30", "changed: epochs 6 → none"]);
}

#[test]
fn settings_that_define_a_run_cannot_change() {
    let aam = trained();
    for (flags, said) in [
        ("--embedding-dim 32", "--embedding-dim: the run has 16"),
        (
            "--head mlp",
            "--head: the run has linear and cannot resume with mlp",
        ),
        ("--loss.delta 3", "--loss.delta: the run has "),
        (
            "--metadata-column gradient",
            "--metadata-column: the run has ph",
        ),
        (
            "--seed 1",
            "--seed: the run has 42 and cannot resume with 1",
        ),
        ("--optimizer sgd", "--optimizer: the run has adamw"),
        ("--best-metric mae", "--best-metric: the run has none"),
        ("--overwrite", "--overwrite: it contradicts --resume"),
    ] {
        aam.refuses(&format!("{RESUME} {flags}")).says(&[said]);
    }
    aam.refuses("pretrain --output-dir run --resume")
        .says(&["for `aam train`"]);
    aam.refuses("train --resume")
        .says(&["--output-dir is missing"]);
    aam.refuses("train --output-dir study --resume").says(&[
        "--output-dir study: there is no run to resume in this directory",
        "help: `aam runs .` lists the runs below a folder",
    ]);
    for command in ["train", "pretrain", "compare", "tune", "train-encoder"] {
        aam.refuses(&format!("{command} --output-dir nowhere --resume"))
            .says(&["--output-dir nowhere: there is no such directory, and so no run to resume"]);
    }
    assert!(!aam.path("nowhere").exists());
    assert_eq!(epochs(&aam), 4);
}

#[test]
fn the_reference_spelling_names_the_run_or_a_checkpoint_in_it() {
    let aam = trained();
    aam.ok("train --resume-from run").says(&["is complete"]);
    aam.ok("train --resume-from run/checkpoints/last --epochs 5");
    assert_eq!(epochs(&aam), 5);
    aam.refuses("train --resume-from run/checkpoints/best_model.pt")
        .says(&["aam import"]);
}

#[test]
fn changed_data_are_noticed() {
    let aam = trained();
    let longer = format!("{RESUME} --epochs 6");
    let metadata = aam.read("study/metadata.tsv");
    // An additional column and other files with the same contents do not matter.
    let mut lines = metadata.lines().map(str::to_owned);
    let mut more = lines.next().expect("a header") + "\tmore\n";
    for line in lines {
        more.push_str(&line);
        more.push_str(if line.starts_with('#') {
            "\tnumeric\n"
        } else {
            "\t1\n"
        });
    }
    aam.write("study/metadata.tsv", &more);
    fs::copy(aam.path("study/table.biom"), aam.path("moved.biom")).expect("a copy");
    aam.ok(&format!("{RESUME} --epochs 5 --table moved.biom"))
        .says(&["changed: table study/table.biom → moved.biom"]);

    let row = |text: &str| text.lines().nth(3).expect("a sample").to_owned();
    let sample = row(&metadata);
    let id = sample.split('\t').next().expect("an id");
    let cells: Vec<&str> = sample.split('\t').collect();
    let header: Vec<&str> = metadata
        .lines()
        .next()
        .expect("a header")
        .split('\t')
        .collect();
    let ph = header
        .iter()
        .position(|&name| name == "ph")
        .expect("a column");
    let mut other = cells.clone();
    other[ph] = "5.4321";
    aam.write(
        "study/metadata.tsv",
        &metadata.replace(&sample, &other.join("\t")),
    );
    aam.run(&longer).ends_with_code(3).says(&[
        "--metadata study/metadata.tsv: column 'ph' has changed since the run started",
        "another --output-dir",
    ]);
    aam.write(
        "study/metadata.tsv",
        &metadata.replace(&format!("{sample}\n"), ""),
    );
    aam.run(&longer)
        .ends_with_code(3)
        .says(&[&format!("the sample '{id}'")]);
    aam.write("study/metadata.tsv", &metadata);

    aam.ok(&STUDY.replace("--output-dir study", "--seed 9 --output-dir other"));
    aam.run(&format!("{longer} --table other/table.biom"))
        .ends_with_code(3)
        .says(&["--table other/table.biom: the counts or ASVs of the samples have changed"]);
    assert_eq!(epochs(&aam), 5);
    aam.ok(&format!("{longer} --table study/table.biom"));
}

#[test]
fn a_changed_tree_is_noticed() {
    let aam = study();
    let pretrain = "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 \
                    --embedding-dim 16 --nucleotide-steps 3 --epochs 2 --output-dir run";
    aam.ok(pretrain);
    aam.ok("pretrain --output-dir run --resume")
        .says(&["is complete"]);
    let tree = aam.read("study/tree.nwk");
    aam.write("study/tree.nwk", &tree.replacen(":0.", ":0.9", 1));
    aam.run("pretrain --output-dir run --resume --epochs 3")
        .ends_with_code(3)
        .says(&["--tree study/tree.nwk: the file has changed"]);
    aam.write("study/tree.nwk", &tree);
    aam.ok("pretrain --output-dir run --resume --epochs 3");
    assert_eq!(state(&aam, "run")["stage"], 1);
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let aam = trained();
    for file in ["model.safetensors", "optimizer.bpk", "trainer.json"] {
        let path = aam.path("run/checkpoints/last").join(file);
        let whole = fs::read(&path).expect("a file");
        fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
        aam.run(&format!("{RESUME} --epochs 5"))
            .ends_with_code(4)
            .says(&[
                &format!("run/checkpoints/last/{file}: "),
                "SHA-256 mismatch",
            ]);
        fs::write(&path, whole).expect("a file");
    }
    // The best checkpoint is also needed if it is not the last one.
    let manifest = aam.path("run/checkpoints/best/manifest.json");
    let whole = fs::read(&manifest).expect("a file");
    fs::write(&manifest, &whole[..9]).expect("a file");
    let best = state(&aam, "run")["best"]["epoch"].as_u64();
    let ran = aam.run(&format!("{RESUME} --epochs 5"));
    match best {
        Some(4) => assert_eq!(ran.code, Some(0)),
        _ => drop(
            ran.ends_with_code(4)
                .says(&["checkpoints/best/manifest.json"]),
        ),
    }
}

#[test]
fn a_run_without_a_checkpoint_starts_over() {
    let aam = trained();
    let metrics = aam.read("run/metrics.tsv");
    fs::remove_dir_all(aam.path("run/checkpoints")).expect("checkpoints");
    aam.ok(RESUME).says(&["no checkpoint yet"]);
    assert_eq!(aam.read("run/metrics.tsv"), metrics);
    // What a killed process may leave before that.
    fs::remove_dir_all(aam.path("run")).expect("a run");
    fs::create_dir(aam.path("run")).expect("a folder");
    aam.write("run/.config.toml.12345", "half");
    aam.ok(&format!("{TRAIN} --epochs 4 --resume"));
    assert_eq!(aam.read("run/metrics.tsv"), metrics);
    assert!(!aam.path("run/.config.toml.12345").exists());
}

#[test]
fn checkpoints_of_the_last_epochs_are_kept() {
    let aam = study().with(&format!("{TRAIN} --epochs 5 --keep-checkpoints 2"));
    let checkpoints = aam.path("run/checkpoints");
    assert_eq!(
        names(&checkpoints),
        ["best", "epoch-0004", "epoch-0005", "last"]
    );
    aam.ok("predict --model run/checkpoints/epoch-0004 --table study/table.biom --output p.tsv");
    aam.ok(&format!("{RESUME} --epochs 6 --keep-checkpoints 1"));
    assert_eq!(names(&checkpoints), ["best", "epoch-0006", "last"]);
    aam.ok(&format!("{TRAIN} --epochs 1 --overwrite"));
    assert_eq!(names(&checkpoints), ["best", "last"]);
}

#[test]
fn an_interrupted_fold_resumes() {
    let aam = study();
    let command = format!("{TRAIN} --epochs 4").replace("--test-size 0.2", "--folds 2");
    let command = command.replace(" run", " whole");
    aam.ok(&command);
    let command = command.replace(" whole", " run");
    // The second fold stopped after three of four epochs, as after a kill.
    aam.ok(&command);
    let fold = aam.path("run/fold-2");
    fs::remove_file(fold.join("result.json")).expect("a file");
    let metrics = aam.path("run/fold-2/metrics.tsv");
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let last = time(&fold.join("checkpoints/last/manifest.json"));
    fs::write(&metrics, "").expect("a file");
    aam.ok("train --output-dir run --resume")
        .says(&["1 already completed"]);
    // It was fully trained, so nothing is trained again.
    assert_eq!(time(&fold.join("checkpoints/last/manifest.json")), last);
    for file in ["predictions.tsv", "evaluation.tsv", "folds.tsv"] {
        assert_eq!(
            aam.read(&format!("run/{file}")),
            aam.read(&format!("whole/{file}"))
        );
    }
    aam.refuses("train --output-dir run --resume --epochs 9")
        .says(&["--epochs was 4 and is now 9"]);
}

#[test]
fn a_loss_that_is_not_finite_names_its_samples() {
    let aam = study();
    let ran = aam.run(&format!(
        "{TRAIN} --epochs 50 --optimizer sgd --lr 1e30 --max-grad-norm none --loss mse"
    ));
    let ran = ran.ends_with_code(1);
    ran.clone().says(&[
        "the loss of batch ",
        "the batch contains S",
        "--resume --lr",
    ]);
    assert!(ran.stderr.len() < 3000, "{}", ran.stderr);
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn start(aam: &Aam, command: &str) -> (Child, impl Iterator<Item = String> + use<>) {
        let mut child = aam
            .command(command)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"))
            .lines()
            .map_while(Result::ok);
        assert!(
            lines.any(|line| line.starts_with("epoch ")),
            "an epoch was done"
        );
        (child, lines)
    }

    fn signal(child: &Child, name: &str) {
        let kill = Command::new("kill")
            .args([&format!("-{name}"), &child.id().to_string()])
            .status();
        assert!(kill.expect("kill").success());
    }

    #[test]
    fn every_signal_that_ends_a_job_saves_first() {
        let aam = study();
        for name in ["INT", "TERM", "HUP", "USR1"] {
            let (mut child, lines) = start(&aam, &format!("{TRAIN} --epochs 100000 --overwrite"));
            signal(&child, name);
            let said: Vec<String> = lines.collect();
            assert_eq!(
                child.wait().expect("an end").code(),
                Some(5),
                "{name}: {said:?}"
            );
            let told = |start: &str| said.iter().any(|line| line.starts_with(start));
            assert!(told("interrupted") && told("stopped and saved"), "{said:?}");
            assert!(!aam.path("run/evaluation.tsv").exists());
            assert_eq!(state(&aam, "run")["finished"], false);
        }
    }

    #[test]
    fn a_directory_that_is_gone_ends_the_run() {
        let aam = study();
        let (mut child, lines) = start(&aam, &format!("{TRAIN} --epochs 100000"));
        fs::rename(aam.path("run"), aam.path("renamed")).expect("a folder");
        let said: Vec<String> = lines.collect();
        assert_eq!(child.wait().expect("an end").code(), Some(1), "{said:?}");
        let told = said
            .iter()
            .any(|line| line.contains("run: the directory of the run was removed"));
        assert!(told, "{said:?}");
        aam.ok("train --output-dir renamed --resume --epochs 1");
    }
}
