//! UniFrac and Faith's PD against known answers: small cases computed in exact fractions
//! (`fixtures/unifrac`), and results of QIIME and unifrac-binaries if `AAM_DATA` contains them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use aam_runtime::data::newick::{NewickOptions, Rooting, parse};
use aam_runtime::data::{DistanceMatrix, Table, Tree, read_sample_values, read_table, read_tree};
use aam_runtime::unifrac::{Adjusted, Metric, Real, UniFrac, drop_missing, faith_pd, unifrac};
use serde_json::Value;

/// Test data may contain trees rooted at a polytomy.
const AS_WRITTEN: NewickOptions = NewickOptions {
    missing_length: None,
    root: Some(Rooting::AsWritten),
};

type Outcome = Result<(), Box<dyn Error>>;

/// The folder named by `AAM_DATA`, if set.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("AAM_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: AAM_DATA is not set");
    }
    folder
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list");
    list.iter()
        .map(|v| v.as_str().expect("a text").to_owned())
        .collect()
}

fn numbers(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).expect("rows of numbers")
}

#[test]
fn small_cases_agree_with_exact_fractions() -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/unifrac");
    let mut cases = 0;
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        let case: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let tree = parse(
            case["tree"].as_str().expect("a tree").as_bytes(),
            &NewickOptions::default(),
        )?;
        let mut triplets = Vec::new();
        for (s, row) in numbers(&case["counts"]).iter().enumerate() {
            triplets.extend(
                row.iter()
                    .enumerate()
                    .map(|(f, &c)| (s as u32, f as u32, c as u32)),
            );
        }
        let (samples, features) = (strings(&case["samples"]), strings(&case["features"]));
        let table = Table::from_triplets(samples, features, &triplets)?;
        for (metric, expected) in case["expected"].as_object().expect("metrics") {
            let found = unifrac(&tree, &table, metric.parse()?)?;
            for (i, row) in numbers(expected).iter().enumerate() {
                for (j, expected) in row.iter().enumerate() {
                    let found = found.get(i, j);
                    assert!(
                        (found - expected).abs() < 1e-14,
                        "{}: {metric} {i} {j}: {found}, expected {expected}",
                        file.display()
                    );
                }
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 20);
    Ok(())
}

/// The largest difference between `found` and the matrix in the text file at `path`, over the
/// samples that both contain.
fn largest_difference(found: &DistanceMatrix, path: &Path) -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let rows: HashMap<&str, usize> = found.index();
    let (mut largest, mut compared) = (0.0f64, 0);
    for line in lines {
        let mut cells = line.split_whitespace();
        let Some(&i) = cells.next().and_then(|id| rows.get(id)) else {
            continue;
        };
        for (id, value) in header.iter().zip(cells) {
            if let Some(&j) = rows.get(id) {
                largest = largest.max((found.get(i, j) - value.parse::<f64>()?).abs());
                compared += 1;
            }
        }
    }
    assert_eq!(compared, found.len() * found.len(), "{}", path.display());
    Ok(largest)
}

/// The whole matrix, assembled from bands of as many rows as fit `memory` bytes.
fn banded<T: Real>(unifrac: &UniFrac, samples: usize, memory: u64) -> Vec<f64> {
    let mut matrix = vec![f64::NAN; samples * samples];
    let quiet = &mut |_, _| Ok::<(), Infallible>(());
    let Ok(()) = unifrac.bands::<T, _>(memory, quiet, &mut |band| {
        for i in band.rows() {
            for j in band.rows().start..band.samples() {
                let distance = band.get(i, j).wide();
                matrix[i * samples + j] = distance;
                matrix[j * samples + i] = distance;
            }
        }
        Ok(())
    });
    matrix
}

/// The metric of the file `expected-NAME.tsv` or `ssu-NAME.tsv`, if we support it.
fn metric_of(file: &str) -> Option<Metric> {
    let name = file
        .strip_prefix("expected-")
        .or_else(|| file.strip_prefix("ssu-"))?;
    match name.rsplit_once('.')?.0 {
        "generalized-alpha0" => Some(Metric::Generalized { alpha: 0.0 }),
        "generalized-alpha0.5" => Some(Metric::Generalized { alpha: 0.5 }),
        name => name.parse().ok(),
    }
}

#[test]
fn reference_cases_agree() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    let mut compared = 0;
    for folder in fs::read_dir(data.join("unifrac-reference"))? {
        let folder = folder?.path();
        if !folder.is_dir() {
            continue;
        }
        let tree = read_tree(folder.join("tree.nwk"), &AS_WRITTEN)?;
        let table = read_table(folder.join("table.biom"))?;
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(metric) = metric_of(&name) else {
                continue;
            };
            let found = unifrac(&tree, &table, metric)?;
            let difference = largest_difference(&found, &path)?;
            println!("{}: {difference:.1e}", path.display());
            // Text files written by `ssu` have only six digits.
            let slack = if name.ends_with(".dm") { 2e-6 } else { 1e-6 };
            assert!(difference < slack, "{}: {difference:.2e}", path.display());
            compared += 1;
            let engine = UniFrac::new(&tree, &table, metric)?;
            let samples = table.num_samples();
            let double = banded::<f64>(&engine, samples, 1);
            assert_eq!(double, found.values(), "{}", path.display());
            let single = banded::<f32>(&engine, samples, 1 << 30);
            let single = double
                .iter()
                .zip(&single)
                .map(|(a, b)| (a - b).abs() / a.max(1.0));
            let worst = single.fold(0.0, f64::max);
            println!("    in single precision {worst:.1e}");
            assert!(worst < 1e-5, "{}: {worst:.2e}", path.display());
        }
    }
    assert!(compared >= 30, "only {compared} files were found");
    Ok(())
}

#[test]
fn diversities_agree_with_qiime_and_unifrac_binaries() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    for (case, samples) in [("crawford", 9), ("qiime191-tt", 8)] {
        let folder = data.join("unifrac-reference").join(case);
        let (tree, table) = study(&folder)?;
        let found = faith_pd(&tree, &table)?;
        let expected = read_sample_values(folder.join("expected-faith-pd.txt"))?.by_id()?;
        let mut compared = 0;
        for (id, found) in table.sample_ids().iter().zip(&found) {
            let difference = (found - expected[id]).abs();
            assert!(difference < 1e-6, "{case} {id}: {found}, {difference:.1e}");
            compared += 1;
        }
        assert_eq!(compared, samples, "{case}");
    }
    Ok(())
}

/// A study's tree and table.
fn study(folder: &Path) -> Result<(Tree, Table), Box<dyn Error>> {
    let tree = read_tree(folder.join("tree.nwk"), &AS_WRITTEN)?;
    Ok((tree, read_table(folder.join("table.biom"))?))
}

#[test]
fn real_studies_agree_with_their_single_precision_matrices() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    for name in [
        "moving-pictures-34",
        "glen-canyon-small",
        "sleep-apnea-mice",
    ] {
        let folder = data.join(name);
        let (tree, table) = study(&folder)?;
        let rows = table.sample_index();
        let ids = fs::read_to_string(folder.join("unifrac-sample-ids.txt"))?;
        let rows: Vec<usize> = ids.lines().map(|id| rows[id]).collect();
        for (metric, file) in [
            (Metric::Unweighted, "unifrac-unweighted.npy"),
            (
                Metric::WeightedNormalized,
                "unifrac-weighted-normalized.npy",
            ),
        ] {
            let found = UniFrac::new(&tree, &table, metric)?.distances(&rows);
            let bytes = fs::read(folder.join(file))?;
            let expected: Vec<f32> = npyz::NpyFile::new(&bytes[..])?.into_vec()?;
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - f64::from(*expected)).abs() < 1e-5,
                    "{name} {metric}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_batch_of_a_real_study_has_the_bits_of_the_whole() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    let (tree, table) = study(&data.join("glen-canyon-small"))?;
    let (_, missing) = drop_missing(&tree, &table)?;
    assert!(missing.ids.is_empty());
    let samples = table.num_samples();
    for metric in [
        Metric::Unweighted,
        Metric::WeightedNormalized,
        Metric::VarianceAdjusted(Adjusted::WeightedNormalized),
    ] {
        let engine = UniFrac::new(&tree, &table, metric)?;
        let whole = engine.distances(&(0..samples).collect::<Vec<_>>());
        let batch: Vec<usize> = (0..16).map(|i| (i * 37 + 5) % samples).collect();
        let part = engine.distances(&batch);
        for (a, &i) in batch.iter().enumerate() {
            for (b, &j) in batch.iter().enumerate() {
                assert_eq!(part[a * 16 + b].to_bits(), whole[i * samples + j].to_bits());
            }
        }
    }
    Ok(())
}
