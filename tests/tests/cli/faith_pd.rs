//! Faith's PD as the pre-training target, from a tree and from a file of values.

use std::collections::HashMap;

use aam_runtime::data::newick::NewickOptions;
use aam_runtime::data::{read_table, read_tree};
use aam_runtime::unifrac::faith_pd;
use aam_tests::{Aam, LARGER_STUDY, aam};
use npyz::WriterBuilder;

const PRETRAIN: &str = "pretrain --table study/table.biom --max-bp 30 --embedding-dim 16 \
                        --nucleotide-steps 0 --max-steps 150 --unifrac-metric faith-pd";
const TRAIN: &str = "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv \
                     --metadata-column ph --max-bp 30 --epochs 2 --unifrac-weight 1 \
                     --tree study/tree.nwk --unifrac-metric faith_pd";

/// A study with its diversities as files in several formats.
fn study() -> Aam {
    let aam = aam!().with(LARGER_STUDY);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let tree = read_tree(aam.path("study/tree.nwk"), &NewickOptions::default()).expect("a tree");
    let values = faith_pd(&tree, &table).expect("diversities");
    let lines = table.sample_ids().iter().zip(&values);
    let mut lines: Vec<String> = lines
        .map(|(id, value)| format!("{id}\t{value}\n"))
        .collect();
    aam.write(
        "pd.tsv",
        &format!("#SampleID\tfaith_pd\n{}", lines.concat()),
    );
    let ids: String = table
        .sample_ids()
        .iter()
        .map(|id| format!("{id}\n"))
        .collect();
    lines.truncate(50);
    aam.write("fewer.tsv", &lines.concat());
    let mut bytes = Vec::new();
    let mut npy = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[values.len() as u64])
        .writer(&mut bytes)
        .begin_nd()
        .expect("an array");
    npy.extend(values.iter().copied()).expect("values");
    npy.finish().expect("an array");
    std::fs::write(aam.path("pd.npy"), bytes).expect("a file");
    aam.write("pd.npy.ids.txt", &ids);
    aam
}

#[test]
fn diversity_is_learned_and_its_source_does_not_matter() {
    let aam = study();
    aam.ok(&format!(
        "{PRETRAIN} --tree study/tree.nwk --output-dir tree"
    ))
    .says(&["Faith's PD from the tree", "faith_pd_r2"]);
    let metrics = aam.read("tree/metrics.tsv");
    assert!(!metrics.contains("unifrac"), "{metrics}");
    assert!(aam.last("tree", "faith_pd_pearson") > 0.5);
    assert!(aam.last("tree", "train_faith_pd_loss") < 0.2);
    // Metrics are in the unit of the diversities: R² is 1 − (RMSE / standard deviation)².
    let pd = aam.read("pd.tsv");
    let values: HashMap<&str, f64> = pd
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter_map(|(id, value)| Some((id, value.parse().ok()?)))
        .collect();
    let held_out = aam.read("tree/samples_val.txt");
    let held_out: Vec<f64> = held_out.lines().map(|id| values[id]).collect();
    let mean = held_out.iter().sum::<f64>() / held_out.len() as f64;
    let squares = held_out.iter().map(|value| (value - mean).powi(2));
    let variance = squares.sum::<f64>() / held_out.len() as f64;
    let unexplained = aam.last("tree", "faith_pd_rmse").powi(2) / variance;
    assert!((aam.last("tree", "faith_pd_r2") - (1.0 - unexplained)).abs() < 1e-9);
    for file in ["pd.tsv", "pd.npy"] {
        aam.ok(&format!(
            "{PRETRAIN} --unifrac-matrix {file} --output-dir {file}.run"
        ));
        assert_eq!(aam.read(&format!("{file}.run/metrics.tsv")), metrics);
    }
    // The encoder works in a predictor like any other.
    aam.ok(
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --max-bp 30 --epochs 1 --pretrained-encoder tree/checkpoints/best --output-dir trained",
    );
    aam.ok("predict --model trained/checkpoints/best --table study/table.biom --output p.tsv");
}

#[test]
fn samples_without_a_value_are_left_out() {
    let aam = study();
    aam.ok(&format!(
        "{PRETRAIN} --unifrac-matrix fewer.tsv --output-dir fewer"
    ))
    .says(&["50 samples found, 10 of the table are not in the file of values"]);
    let one: String = aam
        .read("pd.tsv")
        .lines()
        .skip(1)
        .filter_map(|line| Some(format!("{}\t2\n", line.split('\t').next()?)))
        .collect();
    aam.write("same.tsv", &one);
    aam.run(&format!(
        "{PRETRAIN} --unifrac-matrix same.tsv --output-dir same"
    ))
    .ends_with_code(3)
    .says(&["every training sample has a Faith's PD of 2"]);
    aam.run(&format!(
        "{PRETRAIN} --unifrac-matrix study/unifrac.tsv --output-dir wrong"
    ))
    .ends_with_code(3)
    .says(&[
        "study/unifrac.tsv",
        "one value per sample",
        "distance matrix",
    ]);
    aam.refuses(&format!("{PRETRAIN} --output-dir none"))
        .says(&["--tree is missing: name it, or --unifrac-matrix, to learn Faith's PD"]);
}

#[test]
fn training_can_continue_to_learn_diversity() {
    let aam = study();
    aam.ok(
        "pretrain --table study/table.biom --tree study/tree.nwk --max-bp 30 --embedding-dim 16 \
         --nucleotide-steps 0 --max-steps 2 --output-dir pretrained",
    );
    // The encoder was pre-trained on distances and gets a new readout.
    aam.ok(&format!(
        "{TRAIN} --no-freeze-base --pretrained-encoder pretrained/checkpoints/best --output-dir a"
    ));
    assert!(aam.last("a", "train_faith_pd_loss") > 0.0);
    aam.ok("predict --model a/checkpoints/last --table study/table.biom --output p.tsv");
    aam.ok(&format!("{TRAIN} --embedding-dim 16 --output-dir b"))
        .says(&["--unifrac-weight has no effect", "--no-freeze-base"]);
    aam.ok(&format!(
        "{TRAIN} --embedding-dim 16 --no-freeze-base --pooling attention --output-dir c"
    ));
    assert!(aam.last("c", "train_faith_pd_loss") > 0.0);
}
