//! `aam explain`: attention weights, what categories and reads are worth, and the bases of ASVs.

use std::collections::{BTreeMap, BTreeSet};

use aam_runtime::data::read_table;
use aam_tests::{Aam, LARGER_STUDY, STUDY, aam, cells};

const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv \
                     --embedding-dim 16 --epochs 2";
const EXPLAIN: &str = "explain --table study/table.biom --metadata study/metadata.tsv \
                       --evaluations 400";

/// The columns of `attention.tsv` that name a head of a sample, with its keys and weights.
type Heads = BTreeMap<[String; 3], Vec<(String, f64)>>;

fn heads(aam: &Aam, file: &str) -> Heads {
    let mut heads = Heads::new();
    for line in aam.read(file).lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [sample, part, head, key, weight] = cells[..] else {
            panic!("{line}");
        };
        let weight: f64 = weight.parse().expect("a number");
        assert!((0.0..=1.0 + 1e-5).contains(&weight), "{line}");
        let of = heads.entry([sample, part, head].map(str::to_owned));
        of.or_default().push((key.to_owned(), weight));
    }
    heads
}

fn assert_sums(heads: &Heads) {
    assert!(!heads.is_empty());
    for (head, weights) in heads {
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{head:?}: {sum}");
    }
}

#[test]
fn attention_is_over_the_asvs_and_the_categories_of_each_sample() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network --pooling attention --attention-heads 2 \
         --attention-layers 1 --fusion cross-attention --fusion.heads 4 \
         --categorical-columns habitat --output-dir run"
    ));
    let explain = format!("{EXPLAIN} --model run --attention");
    aam.ok(&format!("{explain} --output-dir e --threads 1"));
    aam.ok(&format!("{explain} --output-dir again --threads 3"));
    for name in [
        "attention.tsv",
        "attention-map.tsv",
        "attention-1.svg",
        "explain.html",
    ] {
        assert!(
            aam.read(&format!("e/{name}")) == aam.read(&format!("again/{name}")),
            "{name}"
        );
    }
    let arrays = |folder: &str| std::fs::read(aam.path(&format!("{folder}/attention.npz")));
    assert!(arrays("e").unwrap().starts_with(b"PK"));
    assert_eq!(arrays("e").unwrap(), arrays("again").unwrap());

    let heads = heads(&aam, "e/attention.tsv");
    assert_sums(&heads);
    let table = read_table(aam.path("study/table.biom")).unwrap();
    let ids: Vec<&str> = table.feature_ids().iter().collect();
    for (row, sample) in table.sample_ids().iter().enumerate() {
        let of = |part: &str, head: &str| -> BTreeSet<&str> {
            let head = [sample.as_str(), part, head].map(str::to_owned);
            heads[&head].iter().map(|(key, _)| key.as_str()).collect()
        };
        let asvs: BTreeSet<&str> = table
            .row(row)
            .0
            .iter()
            .map(|&asv| ids[asv as usize])
            .collect();
        assert_eq!(of("pooling", "1"), asvs, "{sample}");
        let categories = of("fusion cross-attention", "4");
        assert_eq!(categories.len(), 2, "{categories:?}");
        assert!(categories.contains("(no category)"), "{categories:?}");
        assert!(categories.iter().any(|key| key.starts_with("habitat=")));
    }
    assert_eq!(heads.len(), 5 * table.num_samples());
    let page = aam.read("e/explain.html");
    assert!(page.contains("not an importance") && page.contains("fusion cross-attention"));
    // An explanation without it removes the files.
    aam.ok(&format!("{EXPLAIN} --model run --output-dir e --overwrite"));
    assert!(!aam.path("e/attention.tsv").exists() && !aam.path("e/attention.npz").exists());
}

#[test]
fn latents_attend_to_the_asvs_and_to_all_categories_together() {
    let aam = aam!().with(STUDY);
    let perceiver = "--fusion perceiver --fusion.latents 3 --fusion.heads 2 --fusion.layers 1 \
                     --categorical-columns habitat";
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network --pooling attention --attention-heads 2 \
         --attention-layers 1 {perceiver} --output-dir asvs"
    ));
    aam.ok(&format!(
        "{EXPLAIN} --model asvs --attention --output-dir a"
    ));
    let found = heads(&aam, "a/attention.tsv");
    assert_sums(&found);
    let table = read_table(aam.path("study/table.biom")).unwrap();
    for ([sample, part, _], weights) in &found {
        assert_eq!(part, "fusion perceiver");
        let row = table.sample_ids().iter().position(|id| id == sample);
        let asvs = table.row(row.expect("a sample")).0.len();
        assert_eq!(weights.len(), asvs + 1);
        let of_categories = |(key, _): &&(String, f64)| key.starts_with("habitat=");
        assert_eq!(weights.iter().filter(of_categories).count(), 1);
    }
    // With the default pooling, a sample is a single profile.
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network {perceiver} --output-dir profile"
    ));
    aam.ok(&format!(
        "{EXPLAIN} --model profile --attention --output-dir p"
    ));
    let found = heads(&aam, "p/attention.tsv");
    assert_sums(&found);
    assert!(found.values().all(|weights| weights.len() == 2));
    assert!(found.values().flatten().any(|(key, _)| key == "(profile)"));
}

#[test]
fn models_without_attention_say_which_have_it() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network --output-dir run"
    ));
    aam.refuses(&format!("{EXPLAIN} --model run --attention --output-dir e"))
        .says(&[
            "--attention",
            "--pooling attention",
            "--fusion cross-attention",
            "--fusion perceiver",
        ]);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members forest --output-dir forest"
    ));
    for flag in ["--attention", "--bases 1"] {
        aam.refuses(&format!("{EXPLAIN} --model forest {flag} --output-dir e"))
            .says(&[flag.split(' ').next().expect("a flag"), "--members network"]);
    }
    assert!(!aam.path("e").exists());
}

#[test]
fn a_column_that_determines_the_target_matters_and_the_numbers_of_reads_do_not() {
    let aam = aam!().with(LARGER_STUDY);
    let metadata = aam.read("study/metadata.tsv");
    let ids = metadata
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1);
    let rows = ids.enumerate().map(|(row, line)| {
        let id = line.split('\t').next().expect("an id");
        // The batch is independent of the reads.
        let (batch, value) = [("A", 10.0), ("B", 0.0)][(row * 7 / 3) % 2];
        format!("{id}\t{batch}\t{}\n", value + 0.1 * (row % 5) as f64)
    });
    let text = format!("sample-id\tbatch\tvalue\n{}", rows.collect::<String>());
    aam.write("batches.tsv", &text);
    aam.ok(
        "train --table study/table.biom --metadata batches.tsv --metadata-column value \
         --members forest --categorical-columns batch --embedding-dim 16 --epochs 2 \
         --output-dir run",
    );
    aam.ok(
        "explain --table study/table.biom --metadata batches.tsv --model run --output-dir e \
         --evaluations 8000 --repeats 2",
    );
    let text = aam.read("e/inputs.tsv");
    let importance = cells(&text, "importance");
    let names: Vec<&str> = importance.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["batch", "reads"]);
    let sizes = aam.column("e/inputs.tsv", "importance");
    assert!(sizes[0] > 2.0 * sizes[1], "{sizes:?}");
    assert_eq!(cells(&text, "kind")[0].1, "category");
    assert_eq!(cells(&text, "stable")[0].1, "yes");
    let worse = aam.column("e/inputs.tsv", "r2 worse by");
    assert!(worse[0] > 0.2 && worse[0] > worse[1], "{worse:?}");
    assert!(aam.read("e/explain.html").contains("Categories and reads"));
    assert!(aam.read("e/inputs.svg").starts_with("<svg xmlns="));
}

#[test]
fn bases_are_replaced_one_window_after_the_other() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column ph --members network,linear --output-dir run"
    ));
    let explain = format!("{EXPLAIN} --model run");
    aam.ok(&format!(
        "{explain} --bases 2 --base-window 7 --output-dir e"
    ))
    .says(&["only the network reads the bases of ASVs; the other members (linear)"]);
    let text = aam.read("e/bases.tsv");
    let bases = cells(&text, "bases");
    let mut sequences: BTreeMap<&str, String> = BTreeMap::new();
    for (asv, bases) in &bases {
        sequences.entry(asv).or_default().push_str(bases);
    }
    // 30 bases are four windows of 7 and one of 2.
    assert_eq!((sequences.len(), bases.len()), (2, 10));
    let important = aam.read("e/importance.tsv");
    for (asv, _) in cells(&important, "importance").iter().take(2) {
        assert_eq!(sequences[asv], *asv);
    }
    let sizes = aam.column("e/bases.tsv", "size");
    let effects = aam.column("e/bases.tsv", "effect");
    let bounded = sizes
        .iter()
        .zip(&effects)
        .all(|(size, effect)| effect.abs() <= size + 1e-9);
    assert!(
        bounded && sizes.iter().any(|size| *size > 0.0),
        "{sizes:?} {effects:?}"
    );
    assert!(aam.path("e/bases-2.svg").exists() && !aam.path("e/bases-3.svg").exists());
    let asv = bases[0].0;
    aam.ok(&format!("{explain} --bases {asv} --output-dir one"));
    assert_eq!(aam.read("one/bases.tsv").lines().count(), 31);
    aam.refuses(&format!("{explain} --bases ACGT --output-dir none"))
        .says(&["--bases ACGT", "no ASV of the samples has this id"]);
    aam.refuses(&format!("{explain} --bases 0 --output-dir none"))
        .says(&["--bases 0"]);
}

#[test]
fn components_say_whether_they_publish_attention() {
    let aam = aam!();
    for component in [
        "fusion perceiver",
        "fusion cross-attention",
        "sample-encoder attention",
    ] {
        aam.ok(&format!("plugins describe {component}"))
            .prints(&["Publishes attention weights", "aam explain --attention"]);
    }
    let linear = aam.ok("plugins describe head linear").stdout;
    assert!(!linear.contains("attention weights"), "{linear}");
    let described = aam.ok("plugins describe fusion perceiver --json").stdout;
    assert!(
        described.contains("\"publishes_attention\": true"),
        "{described}"
    );
}
