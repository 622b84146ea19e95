//! Files given with each other's flags: the error names the kind of file and the right flag.

use aam_tests::{Aam, aam};

const STUDY: &str = "simulate --samples 12 --asvs 30 --sequence-length 30 --richness 10 \
                     --depth 300 --output-dir study";

/// Files, their kind, and the flag that takes them.
const FILES: [(&str, &str, &str); 7] = [
    ("study/table.biom", "a BIOM table", "--table"),
    ("table.tsv", "a feature table as text", "--table"),
    ("study/tree.nwk", "a Newick tree", "--tree"),
    ("study/metadata.tsv", "sample metadata", "--metadata"),
    (
        "study/unifrac.tsv",
        "a distance matrix as text",
        "--unifrac-matrix",
    ),
    ("study/unifrac.npy", "a NumPy array", "--unifrac-matrix"),
    ("rep-seqs.fasta", "a FASTA file", "--sequences"),
];

fn study() -> Aam {
    let aam = aam!();
    aam.ok(STUDY);
    aam.write("table.tsv", "#OTU ID\tS001\tS002\nACGT\t1\t2\n");
    aam.write("rep-seqs.fasta", ">a\nACGT\n");
    aam
}

/// A command that is correct except for `file`, given with `flag`.
fn command(flag: &str, file: &str) -> String {
    let right = |own: &str, path: &str| match own == flag {
        true => format!(" {own} {file}"),
        false => format!(" {own} {path}"),
    };
    let table = right("--table", "study/table.biom");
    let rest = "--max-bp 30 --output-dir run";
    match flag {
        "--tree" | "--unifrac-matrix" => format!("pretrain{table} {flag} {file} {rest}"),
        "--sequences" => format!("pretrain{table} --tree study/tree.nwk {flag} {file} {rest}"),
        _ => {
            let metadata = right("--metadata", "study/metadata.tsv");
            format!("train{table}{metadata} --metadata-column ph {rest}")
        }
    }
}

#[test]
fn every_file_with_every_other_flag() {
    let aam = study();
    for flag in [
        "--table",
        "--metadata",
        "--tree",
        "--unifrac-matrix",
        "--sequences",
    ] {
        for (file, looks, right) in FILES.iter().filter(|(.., right)| *right != flag) {
            let ran = aam.run(&command(flag, file)).ends_with_code(3);
            ran.says(&[
                &format!("error: {file}: expected "),
                &format!("help: this looks like {looks}; pass it with {right}"),
            ]);
        }
    }
    assert!(!aam.path("run").exists());
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let aam = study();
    aam.write("notes.txt", "These are my notes.\nNothing else.\n");
    aam.write("empty.tsv", "");
    aam.write(
        "page.html",
        "<!DOCTYPE html><html><body>Sign in</body></html>\n",
    );
    for (file, looks) in [
        ("notes.txt", "a text file of some other kind"),
        ("empty.tsv", "an empty file"),
        ("page.html", "a web page"),
    ] {
        for flag in ["--table", "--tree", "--unifrac-matrix", "--sequences"] {
            let ran = aam.run(&command(flag, file)).ends_with_code(3);
            let said = ran.stderr.clone();
            ran.says(&[&format!("error: {file}: ")]);
            assert!(said.contains(looks) || said.contains("line "), "{said}");
        }
    }
    for flag in ["--table", "--metadata", "--tree", "--unifrac-matrix"] {
        aam.run(&command(flag, "study"))
            .ends_with_code(3)
            .says(&["error: study: ", "directory"]);
        aam.run(&command(flag, "nowhere"))
            .ends_with_code(3)
            .says(&["error: nowhere: no such file"]);
    }
}

#[test]
fn models_and_tables_are_distinguished() {
    let aam = study();
    let predict = |model: &str| {
        aam.run(&format!(
            "predict --model {model} --table study/table.biom --output p.tsv"
        ))
        .ends_with_code(4)
    };
    predict("study/table.biom").says(&["study/table.biom: this is a file", "`aam import`"]);
    predict("study").says(&["study: this is not a checkpoint of aam"]);
    predict("nowhere").says(&["nowhere: there is no such directory"]);
    let small = "--max-bp 30 --embedding-dim 16 --epochs 1";
    aam.ok(&format!(
        "pretrain --table study/table.biom --tree study/tree.nwk {small} --nucleotide-steps 5 \
         --output-dir run"
    ));
    for model in ["run", "run/checkpoints", "run/checkpoints/best"] {
        predict(model).says(&[
            "run/checkpoints/best: this is a pre-trained encoder",
            "`aam train --pretrained-encoder`",
        ]);
    }
    let train = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph";
    aam.run(&format!(
        "{train} {small} --pretrained-encoder study/tree.nwk --output-dir t"
    ))
    .ends_with_code(4)
    .says(&["study/tree.nwk: this is a file"]);
    assert!(!aam.path("p.tsv").exists() && !aam.path("t").exists());
}
