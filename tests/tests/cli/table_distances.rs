//! Bray–Curtis and Jaccard as pre-training targets, from the table alone.

use aam_tests::{Aam, LARGER_STUDY, aam};

const PRETRAIN: &str = "pretrain --table study/table.biom --max-bp 30 --embedding-dim 16 \
                        --nucleotide-steps 0";

fn study() -> Aam {
    aam!().with(LARGER_STUDY)
}

#[test]
fn distances_are_learnt_without_a_tree() {
    let aam = study();
    for (metric, name) in [("bray-curtis", "bray_curtis"), ("Jaccard", "jaccard")] {
        aam.ok(&format!(
            "{PRETRAIN} --max-steps 100 --unifrac-metric {metric} --output-dir {name}"
        ))
        .says(&["distances from the table, per batch", &format!("{name}_r2")]);
        assert!(!aam.read(&format!("{name}/metrics.tsv")).contains("unifrac"));
        assert!(aam.last(name, &format!("{name}_pearson")) > 0.5);
        // The same seed gives the same metrics, whichever thread computes distances.
        aam.ok(&format!(
            "{PRETRAIN} --max-steps 100 --unifrac-metric {metric} --output-dir again-{name}"
        ));
        assert_eq!(
            aam.read(&format!("{name}/metrics.tsv")),
            aam.read(&format!("again-{name}/metrics.tsv"))
        );
    }
    aam.ok(
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --max-bp 30 --epochs 2 --unifrac-weight 1 --unifrac-metric bray_curtis \
         --no-freeze-base --pretrained-encoder bray_curtis/checkpoints/best --output-dir trained",
    );
    assert!(aam.last("trained", "train_bray_curtis_loss") > 0.0);
    aam.ok("predict --model trained/checkpoints/best --table study/table.biom --output p.tsv");
}

#[test]
fn a_tree_or_a_matrix_beside_them_is_refused() {
    let aam = study();
    for (flag, file) in [("tree", "tree.nwk"), ("unifrac-matrix", "unifrac.tsv")] {
        aam.refuses(&format!(
            "{PRETRAIN} --unifrac-metric jaccard --{flag} study/{file} --output-dir a"
        ))
        .says(&["--unifrac-metric jaccard", &format!("takes no --{flag}")]);
    }
    aam.refuses(&format!("{PRETRAIN} --output-dir a"))
        .says(&["--tree or --unifrac-matrix", "bray-curtis or jaccard"]);
    aam.refuses(&format!(
        "{PRETRAIN} --unifrac-metric bray --tree study/tree.nwk --output-dir a"
    ))
    .says(&["there is no UniFrac metric `bray`", "bray-curtis"]);
    aam.refuses(&format!("{PRETRAIN} --objective bray --output-dir a"))
        .says(&["unknown objective 'bray'", "did you mean 'bray-curtis'?"]);
    aam.refuses(&format!(
        "{PRETRAIN} --objective jaccard --unifrac-metric weighted --output-dir a"
    ))
    .says(&["contradict"]);
}

#[test]
fn an_objective_is_the_metric_of_its_name() {
    let aam = study();
    let run = |flags: &str, name: &str| {
        aam.ok(&format!(
            "{PRETRAIN} {flags} --max-steps 2 --output-dir {name}"
        ));
        aam.read(&format!("{name}/metrics.tsv"))
    };
    assert_eq!(
        run("--objective jaccard", "a"),
        run("--unifrac-metric jaccard", "b")
    );
    let tree = "--tree study/tree.nwk";
    assert_eq!(
        run(
            &format!("{tree} --objective unifrac --objective.metric weighted-normalized"),
            "c"
        ),
        run(&format!("{tree} --unifrac-metric weighted-normalized"), "d")
    );
    // A run started under the older name can resume.
    aam.ok("pretrain --output-dir b --resume --max-steps 3");
}
