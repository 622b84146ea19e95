//! Bray–Curtis and Jaccard as pre-training targets, from the table alone, and distances of taxa.

use aam_tests::{Aam, LARGER_STUDY, aam, cells};

const PRETRAIN: &str = "pretrain --table study/table.biom --max-bp 30 --embedding-dim 16 \
                        --nucleotide-steps 0";

fn study() -> Aam {
    aam!().with(LARGER_STUDY)
}

#[test]
fn distances_are_learned_without_a_tree() {
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
fn an_additional_tree_or_matrix_is_refused() {
    let aam = study();
    for (flag, file) in [("tree", "tree.nwk"), ("unifrac-matrix", "unifrac.tsv")] {
        aam.refuses(&format!(
            "{PRETRAIN} --unifrac-metric jaccard --{flag} study/{file} --output-dir a"
        ))
        .says(&[&format!(
            "--{flag}: the objective 'jaccard' is computed from the table alone: leave it out"
        )]);
    }
    aam.refuses(&format!("{PRETRAIN} --output-dir a")).says(&[
        "--tree is missing: name it, or --unifrac-matrix, to learn UniFrac distances",
        "give --objective bray-curtis or jaccard",
    ]);
    aam.refuses(&format!(
        "{PRETRAIN} --unifrac-metric bray --tree study/tree.nwk --output-dir a"
    ))
    .says(&["there is no UniFrac metric 'bray'", "bray-curtis"]);
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

/// Writes a taxonomy in which ASVs of similar slopes are of one genus, and two genera of one family.
pub(crate) fn write_taxonomy(aam: &Aam) {
    let truth = aam.read("study/truth-asvs.tsv");
    let mut asvs: Vec<(f64, &str)> = cells(&truth, "slope")
        .into_iter()
        .map(|(asv, slope)| (slope.parse().expect("a slope"), asv))
        .collect();
    asvs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let lines = asvs.iter().enumerate().map(|(place, (_, asv))| {
        let genus = place / 8;
        let family = genus / 2;
        format!("{asv}\tk__Bacteria; p__P; c__C; o__O; f__F{family}; g__G{genus}\n")
    });
    let text: String = lines.collect();
    aam.write("taxonomy.tsv", &format!("Feature ID\tTaxon\n{text}"));
}

#[test]
fn distances_of_taxa_are_learned_from_a_taxonomy() {
    let aam = study();
    write_taxonomy(&aam);
    let run = |flags: &str, name: &str| {
        aam.ok(&format!(
            "{PRETRAIN} --objective taxonomy --taxonomy taxonomy.tsv {flags} --max-steps 100 \
             --output-dir {name}"
        ))
    };
    run("", "all").says(&[
        "taxonomy.tsv: taxonomic distances at all named ranks, per batch; lineages of",
        "taxonomy_r2",
    ]);
    assert!(aam.last("all", "taxonomy_pearson") > 0.2);
    run("", "again");
    assert_eq!(aam.read("all/metrics.tsv"), aam.read("again/metrics.tsv"));
    run("--objective.ranks genus", "genus").says(&["taxonomic distances at genus, per batch"]);
    assert_ne!(aam.read("all/metrics.tsv"), aam.read("genus/metrics.tsv"));
}

#[test]
fn a_missing_or_unused_taxonomy_is_refused() {
    let aam = study();
    write_taxonomy(&aam);
    let taxonomy = format!("{PRETRAIN} --objective taxonomy --output-dir a");
    aam.refuses(&taxonomy).says(&[
        "--taxonomy is missing: name the file",
        "to learn taxonomic distances",
    ]);
    aam.refuses(
        "train --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --objective taxonomy --unifrac-weight 1 --output-dir a",
    )
    .says(&["--taxonomy is missing: name the file"]);
    aam.refuses(&format!(
        "{taxonomy} --taxonomy taxonomy.tsv --tree study/tree.nwk"
    ))
    .says(&["--tree: the objective 'taxonomy' does not read it"]);
    aam.refuses(&format!(
        "{taxonomy} --taxonomy taxonomy.tsv --objective.ranks tribe"
    ))
    .says(&["'ranks'", "domain, phylum", "tribe"]);
    aam.refuses(&format!(
        "{PRETRAIN} --tree study/tree.nwk --taxonomy taxonomy.tsv --output-dir a"
    ))
    .says(&["--taxonomy: the objective 'unifrac' does not read it"]);
    aam.run(&format!(
        "{taxonomy} --taxonomy taxonomy.tsv --objective.ranks species"
    ))
    .ends_with_code(3)
    .says(&["taxonomy.tsv", "no ASV of the table has a species"]);
    aam.write("others.tsv", "Feature ID\tTaxon\nabc\tk__Bacteria\n");
    aam.run(&format!("{taxonomy} --taxonomy others.tsv"))
        .ends_with_code(3)
        .says(&["others.tsv", "none of the table's ASVs", "'abc'"]);
}
