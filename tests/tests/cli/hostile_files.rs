//! Files that do not arise by accident: bombs, devices, pipes, cells of megabytes. Each quickly ends
//! in a short error.

use std::io::Write;
use std::time::{Duration, Instant};

use aam_tests::{Aam, Ran, STUDY, aam};
use flate2::Compression;
use flate2::write::GzEncoder;

const TRAIN: &str = "train --test-size 0.2 --members network --epochs 1 --baseline-trees 0 \
                     --output-dir run";

/// Runs a command that must be rejected quickly and with a short message.
#[track_caller]
fn refused(aam: &Aam, arguments: &str) -> Ran {
    let begun = Instant::now();
    let ran = aam.run(arguments);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(40), "{arguments}: {took:?}");
    assert!(
        matches!(ran.code, Some(1..=4)),
        "{arguments}: {}",
        ran.stderr
    );
    let said = ran.stderr.len();
    assert!(said < 8000, "{arguments}: {said} bytes");
    assert!(!aam.path("run").exists());
    ran
}

/// The training command, with one of the study's files replaced.
fn train(setting: &str, file: &str) -> String {
    let files = [
        ("table", "study/table.biom"),
        ("metadata", "study/metadata.tsv"),
    ];
    let own = files.iter().filter(|(name, _)| *name != setting);
    let own: String = own
        .map(|(name, file)| format!(" --{name} {file}"))
        .collect();
    // Distances are only read if they are learned.
    let learned = match setting {
        "tree" | "unifrac-matrix" => " --unifrac-weight 0.1",
        _ => "",
    };
    format!("{TRAIN}{own} --metadata-column ph --{setting} {file}{learned}")
}

const READ: [&str; 9] = [
    "table",
    "metadata",
    "tree",
    "sequences",
    "samples",
    "config",
    "pretrained-encoder",
    "loss-config",
    "unifrac-matrix",
];

/// A gzip file of repetitions of `pattern`, a thousandth of its `size`.
fn bomb(aam: &Aam, name: &str, begin: &str, pattern: &[u8], size: usize) {
    let file = std::fs::File::create(aam.path(name)).expect("a file");
    let mut packed = GzEncoder::new(file, Compression::best());
    packed.write_all(begin.as_bytes()).expect("bytes");
    let block = pattern.repeat((1 << 20) / pattern.len());
    for _ in 0..size / block.len() {
        packed.write_all(&block).expect("bytes");
    }
    packed.finish().expect("bytes");
}

#[test]
fn small_files_that_unpack_to_far_too_much() {
    let aam = aam!().with(STUDY);
    let size = 256 << 20;
    bomb(&aam, "lines.gz", "#OTU ID\ts1\n", b"A\t1\n", size);
    bomb(&aam, "wide.gz", "#OTU ID", b"\ts", size);
    bomb(&aam, "ids.gz", "sample-id\tph\n", b"\n", size);
    bomb(&aam, "tree.gz", "", b"(", size);
    bomb(&aam, "fasta.gz", ">a\n", b"ACGT", size);
    bomb(&aam, "distances.gz", "\ts1\ts2\n", b"s1\t0\t0\n", size);
    bomb(&aam, "zeros.gz", "", &[0], size);
    for (setting, files) in [
        ("table", &["lines", "wide", "zeros"][..]),
        ("metadata", &["lines", "wide", "ids"]),
        ("samples", &["lines", "ids", "zeros"]),
        ("tree", &["tree", "zeros"]),
        ("sequences", &["fasta"]),
        ("unifrac-matrix", &["distances", "lines"]),
        ("config", &["ids"]),
        ("loss-config", &["ids"]),
    ] {
        for file in files {
            refused(&aam, &train(setting, &format!("{file}.gz")));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn devices_and_pipes_in_place_of_files() {
    let aam = aam!().with(STUDY);
    let made = std::process::Command::new("mkfifo")
        .arg(aam.path("pipe"))
        .status();
    assert!(made.expect("mkfifo").success());
    for setting in READ {
        let said = ["a device", "a directory", "no checkpoint", "expected"];
        // Where a pipe may be read, its writer is waited for.
        let waits = ["metadata", "tree", "sequences", "samples", "unifrac-matrix"];
        for (file, words) in [
            ("/dev/zero", &said[..]),
            ("pipe", &["pipe", "no checkpoint"]),
        ] {
            if file == "pipe" && waits.contains(&setting) {
                continue;
            }
            let ran = refused(&aam, &train(setting, file));
            let known = words.iter().any(|words| ran.stderr.contains(words));
            assert!(known, "--{setting} {file}: {}", ran.stderr);
        }
    }
    std::fs::create_dir(aam.path("model")).expect("a folder");
    for name in ["manifest.json", "model.safetensors"] {
        let link = aam.path("model").join(name);
        std::os::unix::fs::symlink("/dev/zero", link).expect("a link");
    }
    let predict = "predict --table study/table.biom --output p.tsv --model model";
    refused(&aam, predict).says(&["a device, expected a file"]);
    refused(&aam, "import pipe --output out").says(&["a pipe, expected a file"]);
    refused(&aam, "import /dev/zero --output out").says(&["a device"]);
    // A pipe with a writer works like a file.
    let line = train("samples", "/dev/stdin");
    let mut command = aam.command(&line);
    let ids = aam.read("study/metadata.tsv");
    let ids: String = ids
        .lines()
        .skip(2)
        .take(15)
        .map(|line| format!("{line}\n"))
        .collect();
    let child = command.stdin(std::process::Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(ids.as_bytes()).expect("it is read");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn cells_of_megabytes_are_not_repeated() {
    let aam = aam!().with(STUDY);
    let long = "x".repeat(10 << 20);
    for (setting, text) in [
        ("table", format!("#OTU ID\ts1\ts2\nA\t1\t{long}\nB\t1\t1\n")),
        ("table", format!("#OTU ID\t{long}\t{long}\nA\t1\t2\n")),
        ("table", format!("{{\"id\": \"{long}\"")),
        ("metadata", format!("sample-id\tph\n{long}\t1\n{long}\t2\n")),
        ("metadata", format!("sample-id\t{long}\ns1\t1\n")),
        ("metadata", format!("sample-id\tph\ns1\t\"{long}\n")),
        ("metadata", format!("{long}\tph\ns1\t1\n")),
        ("tree", format!("(({long}:1,B:1):1,{long}:1);")),
        ("tree", format!("((A:{long},B:1):1,C:1);")),
        ("samples", format!("{long}\n{long}\n")),
        ("sequences", format!(">{long}\n{long}\n>{long}\nAC\n")),
        ("unifrac-matrix", format!("\t{long}\nS1\t{long}\n")),
        ("config", format!("lr = \"{long}\"\n")),
        ("config", format!("{long} = 1\n")),
        ("loss-config", format!("{{\"{long}\": \"{long}\"}}")),
    ] {
        let name = match setting {
            "loss-config" => "long.json",
            _ => "long",
        };
        aam.write(name, &text);
        refused(&aam, &train(setting, name));
    }
}

/// Anything quadratic in the length of a name would take hours.
#[test]
fn names_of_a_megabyte_are_handled_quickly() {
    let aam = aam!().with(STUDY);
    let begun = Instant::now();
    let id = |letter: &str| letter.repeat(1 << 20);
    let rows: String = (0..20)
        .map(|i| format!("{}{i}\t{i}\n", id(if i % 2 == 0 { "ab" } else { "ba" })))
        .collect();
    aam.write("ids.tsv", &format!("sample-id\t{}\n{rows}", id("p")));
    refused(&aam, &train("metadata", "ids.tsv"));
    let column = "q".repeat(100_000);
    let line = train("metadata", "ids.tsv").replace(" ph ", &format!(" {column} "));
    refused(&aam, &line);
    aam.write("config.toml", &format!("{} = 1\n", id("lr")));
    refused(&aam, &train("config", "config.toml"));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn lengths_whose_sum_overflows() {
    let aam = aam!().with(STUDY);
    let tree = aam.read("study/tree.nwk");
    let first = tree.find(':').expect("a length") + 1;
    let end = first + tree[first..].find([',', ')']).expect("its end");
    for length in ["1e308", "1e31"] {
        aam.write(
            "tree.nwk",
            &format!("{}{length}{}", &tree[..first], &tree[end..]),
        );
        let unifrac = "unifrac --table study/table.biom --tree tree.nwk --output d.tsv";
        aam.run(unifrac).ends_with_code(3).says(&[
            "tree.nwk: ",
            "add up to more than 1e30",
            length,
        ]);
        assert!(!aam.path("d.tsv").exists());
    }
}

#[test]
#[cfg(unix)]
fn a_limit_on_the_size_of_files_is_reported() {
    let aam = aam!().with(STUDY);
    for (command, output) in [
        (train("table", "study/table.biom"), "run"),
        (
            "unifrac --table study/table.biom --tree study/tree.nwk --output d.tsv".to_owned(),
            "d.tsv",
        ),
        (
            "unifrac --table study/table.biom --tree study/tree.nwk --output d.h5".to_owned(),
            "d.h5",
        ),
        (
            "unifrac --table study/table.biom --tree study/tree.nwk --output d.npy".to_owned(),
            "d.npy",
        ),
        (
            STUDY.replace("--output-dir study", "--output-dir other"),
            "other",
        ),
    ] {
        let line = format!("ulimit -f 1; exec \"$@\" {command}");
        let ran = aam.run_in_shell(&line);
        assert_eq!(ran.code, Some(1), "{command}: {}", ran.stderr);
        ran.says(&[output, "cannot be written"]);
    }
}
