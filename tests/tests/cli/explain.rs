//! `aam explain`: contributions of ASVs are additive, important ASVs are found, and the files report
//! both.

use std::collections::HashMap;

use aam_runtime::data::{Table, read_table, write_biom};
use aam_tests::{Aam, LARGER_STUDY, STUDY, aam, cells};

pub const TRAIN: &str = "train --table study/table.biom --metadata study/metadata.tsv \
                     --embedding-dim 16 --epochs 4";
pub const EXPLAIN: &str = "explain --table study/table.biom";
const EVERY_MEMBER: &str = "--members network,forest,kernel,linear,boosting:rounds=20";

/// A study with a strong signal of the target.
pub const CLEAR_STUDY: &str = "simulate --samples 120 --asvs 80 --sequence-length 60 --richness 30 \
                           --depth 2000 --habitats 2 --output-dir study";

/// Values of a column, summed for each sample.
fn sums(aam: &Aam, file: &str, column: &str) -> HashMap<String, f64> {
    let text = aam.read(file);
    let mut sums = HashMap::new();
    for (sample, cell) in cells(&text, column) {
        *sums.entry(sample.to_owned()).or_insert(0.0) += cell.parse::<f64>().expect("a number");
    }
    sums
}

/// Writes the table `from` to the file `to` with its values exchanged among the samples.
pub fn shuffle_values(aam: &Aam, from: &str, to: &str) {
    let metadata = aam.read(from);
    let (head, rows): (Vec<&str>, Vec<&str>) = metadata
        .lines()
        .partition(|line| line.starts_with('#') || line.starts_with("sample-id"));
    let shuffled = rows.iter().enumerate().map(|(row, line)| {
        let id = line.split('\t').next().expect("an id");
        let other = rows[(row * 53 + 7) % rows.len()];
        format!("{id}\t{}", other.split_once('\t').expect("cells").1)
    });
    let shuffled: Vec<String> = shuffled.collect();
    aam.write(
        to,
        &format!("{}\n{}\n", head.join("\n"), shuffled.join("\n")),
    );
}

/// The truth of the simulation: the slope of each ASV along the gradient relative to the mean of all.
fn slopes(aam: &Aam) -> HashMap<String, f64> {
    let mut slopes = sums(aam, "study/truth-asvs.tsv", "slope");
    let mean = slopes.values().sum::<f64>() / slopes.len() as f64;
    slopes.values_mut().for_each(|slope| *slope -= mean);
    slopes
}

/// The first `number` ASVs of a table, with one of its columns.
fn first(aam: &Aam, file: &str, column: &str, number: usize) -> Vec<(String, String)> {
    let text = aam.read(file);
    let rows = cells(&text, column).into_iter().take(number);
    rows.map(|(id, cell)| (id.to_owned(), cell.to_owned()))
        .collect()
}

#[test]
fn attributions_sum_to_the_prediction_for_every_member_and_baseline() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} {EVERY_MEMBER} --metadata-column ph --output-dir run"
    ));
    aam.ok("predict --model run --table study/table.biom --output p.tsv");
    let predicted = sums(&aam, "p.tsv", "prediction");
    for flags in ["", "--baseline empty", "--evaluations 400 --orders 3"] {
        aam.ok(&format!(
            "{EXPLAIN} --model run --output-dir e --overwrite {flags}"
        ));
        for member in ["", " network", " forest", " kernel", " linear", " boosting"] {
            let added = sums(&aam, "e/attributions.tsv", &format!("attribution{member}"));
            let whole = sums(&aam, "e/samples.tsv", &format!("prediction{member}"));
            let baseline = sums(&aam, "e/samples.tsv", &format!("baseline{member}"));
            for (sample, added) in added {
                let difference = whole[&sample] - baseline[&sample];
                assert!(
                    (added - difference).abs() < 1e-9,
                    "{member} {sample}: {added} {difference}"
                );
            }
            if member.is_empty() {
                let off = |(sample, value): (&String, &f64)| (predicted[sample] - value).abs();
                assert!(whole.iter().map(off).fold(0.0, f64::max) < 1e-4, "{flags}");
            }
        }
    }
}

#[test]
fn probabilities_of_classes_are_explained_as_predict_gives_them() {
    let aam = aam!().with(LARGER_STUDY);
    aam.ok(&format!(
        "{TRAIN} --metadata-column habitat --classifier --output-dir run"
    ));
    aam.ok("predict --model run --table study/table.biom --output p.tsv");
    aam.ok(&format!(
        "{EXPLAIN} --model run --metadata study/metadata.tsv --output-dir e --evaluations 8000"
    ));
    let predictions = aam.read("p.tsv");
    let text = aam.read("e/samples.tsv");
    let classes: Vec<&str> = cells(&text, "explained")
        .iter()
        .map(|cell| cell.1)
        .collect();
    let classes: std::collections::BTreeSet<&str> = classes.into_iter().collect();
    assert!(classes.len() >= 3, "{classes:?}");
    let explained = cells(&text, "explained");
    for class in classes {
        let given: HashMap<&str, &str> = cells(&predictions, &format!("probability {class}"))
            .into_iter()
            .collect();
        let whole = cells(&text, "prediction").into_iter().zip(&explained);
        for ((sample, value), _) in whole.filter(|(_, of)| of.1 == class) {
            let [value, given]: [f64; 2] =
                [value, given[sample]].map(|n| n.parse().expect("a number"));
            assert!(
                (value - given).abs() < 1e-4,
                "{class} {sample}: {value} {given}"
            );
        }
        assert!(
            aam.read("e/importance.tsv")
                .contains(&format!("abundance {class}"))
        );
    }
    let worse = aam.column("e/shuffled.tsv", "log_loss worse by");
    assert!(
        worse.iter().any(|worse| *worse > 0.0) && worse.iter().all(|worse| worse.is_finite()),
        "{worse:?}"
    );
}

#[test]
fn asvs_that_follow_the_target_are_found_with_their_direction_and_chance_is_small() {
    let aam = aam!().with(CLEAR_STUDY);
    let slopes = slopes(&aam);
    aam.ok(&format!(
        "{TRAIN} --metadata-column gradient --output-dir run"
    ));
    aam.ok(&format!(
        "{EXPLAIN} --model run --metadata study/metadata.tsv --tree study/tree.nwk --output-dir e \
         --evaluations 40000"
    ));
    let mut sizes: Vec<f64> = slopes.values().map(|slope| slope.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let median = sizes[sizes.len() / 2];
    let top = first(&aam, "e/importance.tsv", "slope", 10);
    let strong = top
        .iter()
        .filter(|(id, _)| slopes[id].abs() > median)
        .count();
    assert!(strong >= 8, "{strong} of 10");
    let agree = top
        .iter()
        .filter(|(id, slope)| slope.parse::<f64>().expect("a number") * slopes[id] > 0.0);
    assert!(agree.count() >= 9, "{top:?}");
    let stable = first(&aam, "e/importance.tsv", "stable", 5);
    assert!(
        stable.iter().all(|(_, stable)| stable == "yes"),
        "{stable:?}"
    );
    // A model of shuffled values has nothing to explain.
    shuffle_values(&aam, "study/metadata.tsv", "shuffled.tsv");
    let train = TRAIN.replace("study/metadata.tsv", "shuffled.tsv");
    aam.ok(&format!(
        "{train} --metadata-column gradient --output-dir by-chance"
    ));
    aam.ok(&format!(
        "{EXPLAIN} --model by-chance --output-dir c --evaluations 40000"
    ));
    let all = |file: &str| aam.column(file, "importance").iter().sum::<f64>();
    let (real, chance) = (all("e/importance.tsv"), all("c/importance.tsv"));
    assert!(chance < 0.5 * real, "{chance} {real}");
}

#[test]
fn two_asvs_with_the_same_reads_share_the_contribution() {
    let aam = aam!().with(CLEAR_STUDY);
    let table = read_table(aam.path("study/table.biom")).unwrap();
    let train = |flags: &str| {
        aam.ok(&format!("train --metadata study/metadata.tsv --metadata-column gradient --max-bp 60 --members kernel {flags}"))
    };
    train("--table study/table.biom --output-dir one");
    aam.ok(&format!(
        "{EXPLAIN} --model one --output-dir e1 --evaluations 40000"
    ));
    let (id, alone) = first(&aam, "e1/importance.tsv", "importance", 1).remove(0);
    // The same ASV again, except for its last base.
    let (start, last) = id.split_at(id.len() - 1);
    let copy = format!("{start}{}", if last == "A" { "C" } else { "A" });
    let columns = table
        .feature_ids()
        .iter()
        .map(str::to_owned)
        .chain([copy.clone()]);
    let columns: Vec<String> = columns.collect();
    let own = table.feature_index()[id.as_str()] as u32;
    let mut reads = Vec::new();
    for row in 0..table.num_samples() {
        let (asvs, counts) = table.row(row);
        for (&asv, &count) in asvs.iter().zip(counts) {
            reads.push((row as u32, asv, count));
            if asv == own {
                reads.push((row as u32, table.num_features() as u32, count));
            }
        }
    }
    let doubled = Table::from_triplets(table.sample_ids().to_vec(), columns, &reads).unwrap();
    write_biom(aam.path("doubled.biom"), &doubled).unwrap();
    train("--table doubled.biom --output-dir two");
    aam.ok("explain --table doubled.biom --model two --output-dir e2 --evaluations 40000");
    let both = sums(&aam, "e2/importance.tsv", "importance");
    let alone: f64 = alone.parse().expect("a number");
    let (a, b) = (both[&id], both[&copy]);
    assert!((a - b).abs() < 0.1 * (a + b), "{a} {b}");
    assert!(a < 0.8 * alone && a + b > 0.7 * alone, "{a} {b} {alone}");
}

#[test]
fn files_suit_other_programs_and_do_not_depend_on_threads() {
    let aam = aam!().with(LARGER_STUDY);
    aam.ok(&format!("{TRAIN} --metadata-column ph --output-dir run"));
    let table = read_table(aam.path("study/table.biom")).unwrap();
    let lines = table.feature_ids().iter().enumerate().map(|(place, id)| {
        format!(
            "{id}\tk__Bacteria; p__P; c__C; o__O; f__F; g__Genus{}\n",
            place % 4
        )
    });
    aam.write(
        "taxonomy.tsv",
        &format!("Feature ID\tTaxon\n{}", lines.collect::<String>()),
    );
    let explain = format!(
        "{EXPLAIN} --model run --metadata study/metadata.tsv --taxonomy taxonomy.tsv \
         --where ph>0 --evaluations 8000"
    );
    aam.ok(&format!("{explain} --output-dir e --threads 1"))
        .says(&["costs of shuffling are on held-out samples"]);
    aam.ok(&format!("{explain} --output-dir again --threads 3"));
    for name in [
        "importance.tsv",
        "attributions.tsv",
        "samples.tsv",
        "genera.tsv",
        "clades.tsv",
        "shuffled.tsv",
        "dependence.tsv",
        "empress.tsv",
        "itol-importance.txt",
        "itol-direction.txt",
        "importance.svg",
        "samples.svg",
        "genera.svg",
        "dependence-1.svg",
        "explain.html",
    ] {
        assert!(
            aam.read(&format!("e/{name}")) == aam.read(&format!("again/{name}")),
            "{name}"
        );
    }
    assert_eq!(aam.read("e/genera.tsv").lines().count(), 5);
    assert!(aam.read("e/importance.tsv").contains("Genus1 · "));
    let page = aam.read("e/explain.html");
    for text in [
        "Genus1",
        "What matters most",
        "Genera",
        "Cost of shuffling",
        "R² worse by",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<script") && !page.contains("<link"));
    let picture = aam.read("e/importance.svg");
    assert!(picture.starts_with("<svg xmlns=") && !picture.contains("var(--"));
    let bytes = std::fs::read(aam.path("e/importance.qza")).unwrap();
    assert!(bytes.starts_with(b"PK"));
    assert_eq!(
        bytes,
        std::fs::read(aam.path("again/importance.qza")).unwrap()
    );
    // Prevalences, tests and directions are present, and the bar file has a line for each ASV.
    let bars = aam.read("e/itol-importance.txt");
    let asvs = aam.read("e/importance.tsv").lines().count() - 1;
    assert_eq!(
        bars.split_once("DATA\n").expect("data").1.lines().count(),
        asvs
    );
    let q = aam.read("e/importance.tsv");
    let q = cells(&q, "q").into_iter().filter(|(_, q)| !q.is_empty());
    assert!(
        q.map(|(_, q)| q.parse::<f64>().expect("a number"))
            .all(|q| (0.0..=1.0).contains(&q))
    );
}

#[test]
fn errors_name_the_flag_or_file() {
    let aam = aam!().with(STUDY);
    aam.ok(&format!(
        "{TRAIN} --members forest --metadata-column ph --output-dir run"
    ));
    let explain = format!("{EXPLAIN} --model run");
    aam.refuses(&explain).says(&["--output-dir"]);
    aam.refuses("explain --model run --output-dir e")
        .says(&["--table"]);
    aam.refuses(&format!("{explain} --output-dir run"))
        .says(&["--output-dir", "other than an explanation"]);
    aam.refuses(&format!("{explain} --output-dir e --orders 0"))
        .says(&["--orders"]);
    aam.refuses(&format!("{explain} --output-dir e --baseline mean"))
        .says(&["--baseline"]);
    aam.refuses(&format!("{explain} --output-dir e --target age"))
        .says(&["--target age", "it predicts ph"]);
    aam.write("taxonomy.tsv", "Feature ID\tTaxon\nabc\tk__Bacteria\n");
    aam.run(&format!("{explain} --output-dir e --taxonomy taxonomy.tsv"))
        .ends_with_code(3)
        .says(&["taxonomy.tsv", "'abc'"]);
    aam.run(&format!(
        "{explain} --output-dir e --taxonomy study/metadata.tsv"
    ))
    .ends_with_code(3)
    .says(&["'Taxon'", "habitat"]);
    aam.write("tree.nwk", "((a:1,b:1):1,c:1);\n");
    aam.run(&format!("{explain} --output-dir e --tree tree.nwk"))
        .ends_with_code(3)
        .says(&["tree.nwk", "no two of the table's ASVs"]);
    assert!(!aam.path("e").exists());
    aam.ok(&format!("{explain} --output-dir e --evaluations 1000"));
    aam.refuses(&format!("{explain} --output-dir e"))
        .says(&["--overwrite"]);
    aam.ok(&format!(
        "{explain} --output-dir e --evaluations 1000 --overwrite"
    ));
}
