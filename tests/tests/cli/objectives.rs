//! Several pre-training objectives at once: `--objective unifrac,taxonomy:weight=0.5`.

use aam_tests::{Aam, LARGER_STUDY, aam};

use crate::table_distances::write_taxonomy;

const PRETRAIN: &str = "pretrain --table study/table.biom --max-bp 30 --embedding-dim 16 \
                        --nucleotide-steps 0";
/// The objectives, and the files that they need.
const UNIFRAC_AND_TAXA: &str = "--objective unifrac,taxonomy:weight=0.5 --tree study/tree.nwk \
                                --taxonomy taxonomy.tsv";

fn study() -> Aam {
    let aam = aam!().with(LARGER_STUDY);
    write_taxonomy(&aam);
    aam
}

fn close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-5 * one.abs(), "{one} {other}");
}

#[test]
fn the_weighted_sum_is_trained_and_each_is_reported() {
    let aam = study();
    aam.ok(&format!(
        "{PRETRAIN} {UNIFRAC_AND_TAXA} --max-steps 150 --output-dir both"
    ))
    .says(&[
        "unweighted UniFrac from the tree",
        "taxonomic distances at all named ranks",
        "UniFrac distances, taxonomic distances: training",
    ]);
    let last = |metric: &str| aam.last("both", metric);
    close(
        last("train_loss"),
        last("train_unifrac_loss") + 0.5 * last("train_taxonomy_loss"),
    );
    close(
        last("loss"),
        last("unifrac_rmse").powi(2) + 0.5 * last("taxonomy_rmse").powi(2),
    );
    for metric in ["unifrac_pearson", "taxonomy_pearson"] {
        assert!(last(metric) > 0.2, "{metric}: {}", last(metric));
    }
    // Each on its own scale: taxonomic distances are smaller, and are predicted to be.
    for metric in ["unifrac_r2", "taxonomy_r2"] {
        assert!(last(metric) > -0.5, "{metric}: {}", last(metric));
    }
    aam.ok("pretrain --config both/config.toml --output-dir again");
    let again = aam.read("again/metrics.tsv");
    assert_eq!(aam.read("both/metrics.tsv"), again);
    aam.ok("embed --model both/checkpoints/best --table study/table.biom --output e.tsv");
}

#[test]
fn distances_and_values_are_learned_together_by_every_encoder() {
    let aam = study();
    let objectives = "--objective faith-pd:weight=0.1,unifrac --tree study/tree.nwk";
    aam.ok(&format!(
        "{PRETRAIN} {objectives} --pooling attention --attention-heads 2 --attention-layers 1 \
         --nucleotide-weight 0.1 --epochs 2 --output-dir both"
    ));
    let last = |metric: &str| aam.last("both", metric);
    close(
        last("train_loss"),
        0.1 * last("train_faith_pd_loss")
            + last("train_unifrac_loss")
            + 0.1 * last("train_nucleotide_loss"),
    );
    aam.ok("pretrain --resume --epochs 3 --output-dir both");
    aam.refuses("pretrain --resume --objective unifrac --epochs 9 --output-dir both")
        .says(&["objective", "faith-pd:weight=0.1,unifrac"]);
}

#[test]
fn one_of_a_list_is_the_objective_alone() {
    let aam = study();
    let run = |flags: &str, name: &str| {
        let taxa = "--taxonomy taxonomy.tsv --max-steps 4";
        aam.ok(&format!("{PRETRAIN} {taxa} {flags} --output-dir {name}"));
        aam.read(&format!("{name}/metrics.tsv"))
    };
    let alone = run("--objective taxonomy --objective.ranks genus", "alone");
    let listed = run("--objective taxonomy:ranks=genus", "listed");
    assert_eq!(alone, listed);
    // An option outside the list is for those that have it.
    let tree = "--objective unifrac,taxonomy --tree study/tree.nwk";
    let outside = run(&format!("{tree} --objective.ranks genus"), "outside");
    let inside = "--objective unifrac,taxonomy:ranks=genus --tree study/tree.nwk";
    assert_eq!(outside, run(inside, "inside"));
}

#[test]
fn training_learns_them_alongside_the_target() {
    let aam = study();
    aam.ok(&format!(
        "{PRETRAIN} --objective bray-curtis --max-steps 20 --output-dir base"
    ));
    aam.ok(&format!(
        "train --test-size 0.2 --members network --table study/table.biom --max-bp 30 --epochs 2 \
         --metadata study/metadata.tsv --metadata-column ph --no-freeze-base --unifrac-weight 1 \
         {UNIFRAC_AND_TAXA} --pretrained-encoder base/checkpoints/best --output-dir trained"
    ));
    for metric in ["train_unifrac_loss", "train_taxonomy_loss"] {
        assert!(aam.last("trained", metric) > 0.0, "{metric}");
    }
    aam.ok("predict --model trained --table study/table.biom --output p.tsv");
}

#[test]
fn what_cannot_be_combined_is_refused_before_files_are_read() {
    let aam = aam!();
    for (flags, said) in [
        (
            "unifrac,unifrac:metric=weighted --tree t",
            "two of them are reported as unifrac_r2",
        ),
        (
            "unifrac,taxonomy --tree t",
            "--taxonomy is missing: name the file with the lineages of the ASVs to learn taxonomic distances",
        ),
        (
            "unifrac,taxonomy --taxonomy t",
            "--tree is missing: name it, or --unifrac-matrix, to learn UniFrac distances",
        ),
        (
            "taxonomy,jaccard --taxonomy t --tree t",
            "--tree: none of the objectives 'taxonomy,jaccard' reads it",
        ),
        (
            "unifrac,faith-pd --unifrac-matrix m",
            "UniFrac distances and Faith's PD could be read from it",
        ),
        (
            "unifrac,taxonomy --taxonomy t --tree t --unifrac-matrix m",
            "--tree is given, too",
        ),
        ("unifrac,taxon --tree t", "unknown objective 'taxon'"),
        ("unifrac,jaccard:weight=0 --tree t", "weight: expected"),
        (
            "unifrac,jaccard:heavy=1 --tree t",
            "jaccard has no option 'heavy'; it has weight",
        ),
        ("unifrac,jaccard:weight --tree t", "expected OPTION=VALUE"),
        (
            "unifrac,jaccard --objective.ranks genus --tree t",
            "option 'ranks'",
        ),
        (
            "unifrac,jaccard --unifrac-metric faith-pd --tree t",
            "contradicts",
        ),
    ] {
        aam.refuses(&format!(
            "pretrain --table none.biom --output-dir a --objective {flags}"
        ))
        .says(&[said]);
    }
}
