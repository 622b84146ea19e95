//! `aam unifrac`: the same distances in every format, even if the matrix does not fit into memory.

use std::fs;

use aam_runtime::data::DistanceMatrix;
use aam_runtime::data::newick::NewickOptions;
use aam_runtime::data::{read_distances, read_ids, read_table, read_tree};
use aam_runtime::unifrac::unifrac;
use aam_tests::{Aam, aam};

const STUDY: &str = "simulate --samples 70 --asvs 60 --sequence-length 30 --richness 15 \
                     --depth 300 --output-dir study";
const UNIFRAC: &str = "unifrac --table study/table.biom --tree study/tree.nwk";

fn expected(aam: &Aam, metric: &str) -> DistanceMatrix {
    let tree = read_tree(aam.path("study/tree.nwk"), &NewickOptions::default()).unwrap();
    let table = read_table(aam.path("study/table.biom")).unwrap();
    unifrac(&tree, &table, metric.parse().unwrap()).unwrap()
}

#[test]
fn every_format_holds_the_same_distances() {
    let aam = aam!();
    aam.ok(STUDY);
    for metric in ["unweighted", "weighted-normalized", "generalized-vaw:0.5"] {
        let expected = expected(&aam, metric);
        // Memory for all rows at once, and for the minimum number.
        for memory in ["4", "0.000001"] {
            for (precision, slack) in [("f64", 0.0), ("f32", 1e-5)] {
                let run = |output: &str| {
                    aam.ok(&format!(
                        "{UNIFRAC} --metric {metric} --precision {precision} --memory {memory} \
                         --overwrite --output {output}"
                    ));
                    aam.path(output)
                };
                let ids = expected.ids();
                let near = |found: &[f64]| {
                    let pairs = found.iter().zip(expected.values());
                    let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(worst <= slack, "{metric} {precision} {memory}: {worst}");
                };
                for output in ["d.h5", "d.tsv"] {
                    let matrix = read_distances(run(output)).unwrap().into_matrix().unwrap();
                    assert_eq!(matrix.ids(), ids);
                    near(matrix.values());
                }
                let file = read_distances(run("d.npy")).unwrap();
                assert_eq!(read_ids(aam.path("d.npy.ids.txt")).unwrap(), ids);
                near(
                    file.with_ids(ids.to_vec())
                        .unwrap()
                        .into_matrix()
                        .unwrap()
                        .values(),
                );

                let bytes = fs::read(run("d.condensed.npy")).unwrap();
                assert_eq!(read_ids(aam.path("d.condensed.npy.ids.txt")).unwrap(), ids);
                let file = npyz::NpyFile::new(&bytes[..]).unwrap();
                let upper: Vec<f64> = match precision {
                    "f32" => file
                        .into_vec::<f32>()
                        .unwrap()
                        .into_iter()
                        .map(f64::from)
                        .collect(),
                    _ => file.into_vec().unwrap(),
                };
                let mut upper = upper.into_iter();
                let mut square = vec![0.0; ids.len() * ids.len()];
                for i in 0..ids.len() {
                    for j in i + 1..ids.len() {
                        let distance = upper.next().unwrap();
                        square[i * ids.len() + j] = distance;
                        square[j * ids.len() + i] = distance;
                    }
                }
                assert_eq!(upper.next(), None);
                near(&square);
            }
        }
    }
}

#[test]
fn impossible_requests_are_refused_and_leave_nothing() {
    let aam = aam!();
    aam.ok(STUDY);
    aam.refuses(&format!("{UNIFRAC} --output d.csv"))
        .says(&["--output d.csv", ".condensed.npy"]);
    aam.refuses(&format!("{UNIFRAC} --metric bray --output d.h5"))
        .says(&["bray"]);
    aam.refuses(&format!("{UNIFRAC} --memory 0 --output d.h5"))
        .says(&["--memory"]);
    aam.refuses("unifrac --table study/table.biom --output d.h5")
        .says(&["--tree"]);
    aam.write("d.tsv", "mine");
    aam.refuses(&format!("{UNIFRAC} --output d.tsv"))
        .says(&["d.tsv", "--overwrite"]);
    assert_eq!(fs::read_to_string(aam.path("d.tsv")).unwrap(), "mine");
    aam.write("other.nwk", "(a:1,b:2);");
    let wrong = "unifrac --table study/table.biom --tree other.nwk --output d.h5";
    assert_ne!(aam.run(wrong).code, Some(0));
    let left = fs::read_dir(aam.path(".")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let aam = aam!();
    aam.ok(STUDY);
    // The disk is full at once, in the middle of the values, or in the middle of the text made from
    // them.
    for (output, blocks) in [
        ("d.npy", 0),
        ("d.npy", 24),
        ("d.condensed.npy", 12),
        ("d.h5", 0),
        ("d.h5", 4),
        ("d.h5", 24),
        ("d.tsv", 24),
        ("d.tsv", 80),
    ] {
        aam.write(output, "mine");
        // All at once, and in parts.
        for memory in ["4", "0.000001"] {
            aam.run_on_full_disk(
                blocks,
                &format!("{UNIFRAC} --memory {memory} --overwrite --output {output}"),
            )
            .ends_with_code(1)
            .says(&[&format!(
                "error: {output}: cannot be written: file too large"
            )]);
        }
        assert_eq!(fs::read_to_string(aam.path(output)).unwrap(), "mine");
        fs::remove_file(aam.path(output)).unwrap();
        let left = fs::read_dir(aam.path(".")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["study"], "{output} {blocks}");
    }
}
