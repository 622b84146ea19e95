use std::collections::HashSet;

use super::*;
use aam_data::newick;
use aam_data::newick::NewickOptions;
use aam_data::{read_metadata, read_table, read_tree};
use aam_unifrac::Metric;

/// R² of the mean over the `k` nearest neighbours of each sample.
fn nearest_neighbour_r2(distances: &DistanceMatrix, values: &[f64], k: usize) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut residual, mut total) = (0.0, 0.0);
    for (i, &value) in values.iter().enumerate() {
        let guess: f64 = nearest(distances, i, k).map(|j| values[j]).sum::<f64>() / k as f64;
        residual += (value - guess).powi(2);
        total += (value - mean).powi(2);
    }
    1.0 - residual / total
}

fn nearest(distances: &DistanceMatrix, i: usize, k: usize) -> impl Iterator<Item = usize> {
    let mut others: Vec<usize> = (0..distances.len()).filter(|&j| j != i).collect();
    others.sort_by(|&a, &b| distances.get(i, a).total_cmp(&distances.get(i, b)));
    others.into_iter().take(k)
}

/// The fraction of samples whose habitat is the most frequent one among their `k` nearest
/// neighbours.
fn nearest_neighbour_accuracy(distances: &DistanceMatrix, classes: &[usize], k: usize) -> f64 {
    let right = (0..classes.len()).filter(|&i| {
        let mut votes = [0; 6];
        nearest(distances, i, k).for_each(|j| votes[classes[j]] += 1);
        (0..6).max_by_key(|&c| votes[c]) == Some(classes[i])
    });
    right.count() as f64 / classes.len() as f64
}

#[test]
fn nearest_neighbours_reveal_the_environment_in_part() {
    for seed in [42, 1, 2] {
        for metric in [Metric::Unweighted, Metric::WeightedNormalized] {
            let options = SimulateOptions {
                seed,
                metric,
                ..SimulateOptions::default()
            };
            let study = simulate(&options).unwrap();
            let r2 = nearest_neighbour_r2(&study.unifrac, &study.truth.gradient, 7);
            let accuracy = nearest_neighbour_accuracy(&study.unifrac, &study.truth.habitat, 7);
            println!("{metric} {seed}: R² {r2:.3}, accuracy {accuracy:.3}");
            assert!((0.4..0.95).contains(&r2), "{metric} {seed}: {r2}");
            assert!(
                (0.6..0.99).contains(&accuracy),
                "{metric} {seed}: {accuracy}"
            );
        }
    }
}

#[test]
fn without_effects_there_is_nothing_to_learn() {
    let options = SimulateOptions {
        gradient_effect: 0.0,
        habitat_effect: 0.0,
        ..SimulateOptions::default()
    };
    let study = simulate(&options).unwrap();
    assert!(nearest_neighbour_r2(&study.unifrac, &study.truth.gradient, 7) < 0.15);
    assert!(nearest_neighbour_accuracy(&study.unifrac, &study.truth.habitat, 7) < 0.5);
}

#[test]
fn a_study_looks_like_one() {
    let options = SimulateOptions::default();
    let study = simulate(&options).unwrap();
    let table = &study.table;
    assert_eq!(table.num_samples(), 160);
    assert!(table.num_features() > 300);
    assert_eq!(study.tree.tips().len(), 400);
    for sequence in table.feature_ids().iter() {
        assert_eq!(sequence.len(), 150);
        assert!(sequence.bytes().all(|b| b"ACGT".contains(&b)));
        assert!(study.tree.tip(sequence).is_some());
    }
    let distinct: HashSet<&str> = table.feature_ids().iter().collect();
    assert_eq!(distinct.len(), table.num_features());
    let richness = table.num_nonzero() as f64 / 160.0;
    assert!((40.0..80.0).contains(&richness), "{richness}");
    let mut depths: Vec<u64> = (0..160).map(|s| table.depth(s)).collect();
    depths.sort_unstable();
    assert!((4000..6000).contains(&depths[80]), "{}", depths[80]);
    assert_eq!(study.unifrac.ids(), table.sample_ids());
    assert_eq!(study.truth.slope.len(), table.num_features());
    assert_eq!(study.truth.effect[0].len(), 3);
    assert!(study.metadata.ph.iter().all(Option::is_some));
    // New samples of the same ASVs, and other samples than those of the study.
    let new = &study.new;
    assert_eq!((new.num_samples(), &new.sample_ids()[0][..]), (16, "N001"));
    let tips = new
        .feature_ids()
        .iter()
        .filter(|id| study.tree.tip(id).is_some());
    assert_eq!(tips.count(), new.num_features());
    let known = new.feature_ids().iter().filter(|id| distinct.contains(id));
    assert!(known.count() * 10 > 9 * new.num_features());
    assert!((0..16).all(|s| new.depth(s) >= 10 && new.row(s).1 != table.row(s).1));
}

#[test]
fn equal_options_give_equal_studies_and_another_seed_another() {
    let small = SimulateOptions {
        samples: 20,
        asvs: 50,
        richness: 15.0,
        ..SimulateOptions::default()
    };
    let study = simulate(&small).unwrap();
    assert_eq!(study, simulate(&small).unwrap());
    let other = SimulateOptions { seed: 1, ..small };
    assert_ne!(study.table, simulate(&other).unwrap().table);
}

#[test]
fn close_relatives_respond_alike_and_look_alike() {
    let study = simulate(&SimulateOptions::default()).unwrap();
    let sequences = study.table.feature_ids();
    let slopes = &study.truth.slope;
    let mismatches = |a: &str, b: &str| a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for i in 0..sequences.len() {
        for j in 0..i {
            let difference = (slopes[i] - slopes[j]).abs();
            match mismatches(&sequences[i], &sequences[j]) {
                0..=6 => near.push(difference),
                30.. => far.push(difference),
                _ => {}
            }
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(
        near.len() > 50 && far.len() > 1000,
        "{} {}",
        near.len(),
        far.len()
    );
    assert!(
        mean(&near) < 0.7 * mean(&far),
        "{} {}",
        mean(&near),
        mean(&far)
    );
}

#[test]
fn some_metadata_can_be_missing() {
    let options = SimulateOptions {
        missing: 0.3,
        ..SimulateOptions::default()
    };
    let metadata = simulate(&options).unwrap().metadata;
    let missing = metadata.ph.iter().filter(|v| v.is_none()).count();
    assert!((25..75).contains(&missing), "{missing}");
    assert!(metadata.habitat.iter().any(Option::is_none));
}

#[test]
fn options_out_of_range_are_named() {
    type Change = fn(&mut SimulateOptions);
    let cases: [(&str, Change); 5] = [
        ("samples", |o| o.samples = 1),
        ("habitats", |o| o.habitats = 7),
        ("richness", |o| o.richness = 400.0),
        ("noise", |o| o.noise = f64::NAN),
        ("missing", |o| o.missing = 1.0),
    ];
    for (name, change) in cases {
        let mut options = SimulateOptions::default();
        change(&mut options);
        let error = simulate(&options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--{name}")), "{error}");
    }
}

#[test]
fn a_study_is_written_whole_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = SimulateOptions {
        samples: 12,
        asvs: 40,
        richness: 12.0,
        missing: 0.2,
        ..SimulateOptions::default()
    };
    let study = simulate(&options).unwrap();
    let target = folder.path().join("new/study");
    study.write(&target, false).unwrap();
    assert_eq!(read_table(target.join("table.biom")).unwrap(), study.table);
    assert_eq!(read_table(target.join("new.biom")).unwrap(), study.new);
    let tree = read_tree(target.join("tree.nwk"), &NewickOptions::default()).unwrap();
    assert_eq!(newick::write(&tree), newick::write(&study.tree));
    let again = unifrac(&tree, &study.table, options.metric).unwrap();
    for (again, made) in again.values().iter().zip(study.unifrac.values()) {
        assert!((again - made).abs() < 1e-12);
    }
    let metadata = read_metadata(target.join("metadata.tsv")).unwrap();
    let ph = metadata.numbers("ph", study.table.sample_ids()).unwrap();
    for (read, made) in ph.iter().zip(&study.metadata.ph) {
        assert_eq!(read.is_some(), made.is_some());
        assert!((read.unwrap_or(0.0) - made.unwrap_or(0.0)).abs() < 1e-3);
    }
    let error = study.write(&target, false).unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path().join("new"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 1);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    study.write(folder.path().join("empty"), false).unwrap();
}

#[test]
fn a_study_replaces_a_study_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("study");
    let make = |seed| {
        let small = SimulateOptions {
            samples: 6,
            asvs: 20,
            richness: 8.0,
            seed,
            ..SimulateOptions::default()
        };
        simulate(&small).unwrap()
    };
    make(1).write(&target, true).unwrap();
    std::fs::write(target.join("notes.txt"), "mine").unwrap();
    make(2).write(&target, true).unwrap();
    assert_eq!(
        read_table(target.join("table.biom")).unwrap(),
        make(2).table
    );
    assert!(target.join("notes.txt").exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    std::fs::remove_file(target.join("README.md")).unwrap();
    let error = make(3).write(&target, true).unwrap_err().to_string();
    assert!(error.contains("other than a simulated study"), "{error}");
}
