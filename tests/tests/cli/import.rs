//! From weights of the reference implementation to predictions, through the program.

use std::path::PathBuf;

use aam_tests::{Aam, aam};

/// Ends of sequences, one per ASV.
const ENDS: [&str; 6] = ["AAAA", "ACGT", "CCCC", "GTGT", "TTTT", "GGGA"];
const FLAGS: &str = "--metadata m.tsv --metadata-column ph --epochs 2 --token-limit 8 --max-bp 20";

fn weights() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("fixtures/golden/case4_pretrain_mae/checkpoint.pt")
}

/// A table of 12 samples; `tail` is the end of every ASV's sequence.
fn table(aam: &Aam, name: &str, tail: &str) {
    let ids: Vec<String> = (0..12).map(|sample| format!("S{sample}")).collect();
    let mut text = format!("#OTU ID\t{}\n", ids.join("\t"));
    for (i, end) in ENDS.iter().enumerate() {
        text.push_str(&format!("ACGTACGTAC{end}{tail}"));
        for sample in 0..12 {
            text.push_str(&format!("\t{}", (5 * sample + 3 * i) % 11));
        }
        text.push('\n');
    }
    aam.write(name, &text);
}

fn study() -> Aam {
    let aam = aam!();
    table(&aam, "sharp.tsv", "");
    table(&aam, "ambiguous.tsv", "NNR");
    table(&aam, "other.tsv", "ACG");
    let mut metadata = "sample-id\tph\n".to_owned();
    (0..12).for_each(|sample| metadata.push_str(&format!("S{sample}\t{}\n", sample % 7)));
    aam.write("m.tsv", &metadata);
    aam
}

/// Predictions of the model in `run` for a table.
fn predictions(aam: &Aam, run: &str, table: &str) -> Vec<f64> {
    aam.ok(&format!(
        "predict --model {run}/checkpoints/best --table {table} --output p.tsv --overwrite"
    ));
    let text = aam.read("p.tsv");
    let value = |line: &str| line.split('\t').nth(1)?.parse().ok();
    text.lines()
        .skip(1)
        .map(|line| value(line).expect("a number"))
        .collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!((a.len(), b.len()), (12, 12));
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn an_imported_encoder_is_trained_on_and_predicts() {
    let aam = study();
    let import = format!("import {} --output imported", weights().display());
    aam.ok(&import).prints(&["wrote imported"]);
    aam.refuses(&import)
        .says(&["--output imported: already exists"]);
    let train = format!(
        "train --test-size 0.2 --members network --table ambiguous.tsv {FLAGS} --pretrained-encoder imported"
    );
    aam.ok(&format!("{train} --output-dir run"));
    // Such a model treats ambiguous bases as padding, so predictions with and without them are
    // equal.
    let ambiguous = predictions(&aam, "run", "ambiguous.tsv");
    let sharp = predictions(&aam, "run", "sharp.tsv");
    let other = predictions(&aam, "run", "other.tsv");
    let same = largest_difference(&ambiguous, &sharp);
    assert!(same < 1e-5, "{same}");
    let different = largest_difference(&ambiguous, &other);
    assert!(different > 1e-4, "{different}");
    // A model of this program has a token for them.
    aam.ok(&format!(
        "train --test-size 0.2 --members network --table ambiguous.tsv {FLAGS} --embedding-dim 16 --asv-encoder transformer --output-dir own"
    ));
    let ambiguous = predictions(&aam, "own", "ambiguous.tsv");
    let different = largest_difference(&ambiguous, &predictions(&aam, "own", "sharp.tsv"));
    assert!(different > 1e-4, "{different}");
}

#[test]
fn limits_of_an_imported_encoder_are_reported_with_the_flag_that_helps() {
    let aam = study();
    aam.ok(&format!("import {} --output imported", weights().display()));
    let train = format!(
        "train --test-size 0.2 --members network --table sharp.tsv {FLAGS} --pretrained-encoder imported"
    );
    aam.refuses(&format!(
        "{} --output-dir run",
        train.replace(" --max-bp 20", " --max-bp 150")
    ))
    .says(&["--max-bp 150", "give --max-bp 20"]);
    aam.refuses(&format!(
        "{} --output-dir run",
        train.replace(" --token-limit 8", "")
    ))
    .says(&["--token-limit 1024", "give --token-limit 8"]);
    aam.refuses(&format!("{train} --embedding-dim 64 --output-dir run"))
        .says(&["its embeddings have width 32", "leave out those for"]);
    assert!(!aam.path("run").exists());
    aam.run("import m.tsv --output other")
        .ends_with_code(4)
        .says(&["m.tsv: expected a PyTorch checkpoint"]);
    aam.run("import none.pt --output other")
        .ends_with_code(4)
        .says(&["none.pt: "]);
    let heads = format!(
        "import {} --attention-heads 5 --output other",
        weights().display()
    );
    aam.run(&heads).ends_with_code(4).says(&[
        "'attention-heads'",
        "a divisor of the width of embeddings, 32, found 5",
    ]);
    assert!(!aam.path("other").exists());
}
