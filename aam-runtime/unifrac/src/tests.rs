mod properties;

use std::path::Path;

use rand::RngExt;
use rand::seq::SliceRandom;

use super::*;
use aam_core::random::stream;
use aam_data::newick::{NewickOptions, parse};

const METRICS: [Metric; 10] = [
    Metric::Unweighted,
    Metric::UnweightedUnnormalized,
    Metric::Weighted,
    Metric::WeightedNormalized,
    Metric::Generalized { alpha: 0.5 },
    Metric::Generalized { alpha: 0.3 },
    Metric::VarianceAdjusted(Adjusted::Unweighted),
    Metric::VarianceAdjusted(Adjusted::Weighted),
    Metric::VarianceAdjusted(Adjusted::WeightedNormalized),
    Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 0.5 }),
];

/// Whether distances are in units of branch length.
fn has_units(metric: Metric) -> bool {
    use Metric::*;
    matches!(
        metric,
        UnweightedUnnormalized | Weighted | VarianceAdjusted(Adjusted::Weighted)
    )
}

/// Tolerance for rounding: variance-adjusted sums are further below the largest possible sum, which
/// determines the grid.
fn slack(metric: Metric) -> f64 {
    match metric {
        Metric::VarianceAdjusted(_) => 1e-11,
        _ => 1e-12,
    }
}

fn tree(text: &str) -> Tree {
    parse(text.as_bytes(), &NewickOptions::default()).unwrap()
}

/// A table of ASVs `t0`, `t1`, … from dense rows.
fn table(rows: &[&[u32]]) -> Table {
    let mut triplets = Vec::new();
    for (s, row) in rows.iter().enumerate() {
        triplets.extend(
            row.iter()
                .enumerate()
                .map(|(f, &c)| (s as u32, f as u32, c)),
        );
    }
    let samples = (0..rows.len()).map(|s| format!("s{s}")).collect();
    let features = (0..rows.first().map_or(0, |r| r.len()))
        .map(|f| format!("t{f}"))
        .collect();
    Table::from_triplets(samples, features, &triplets).unwrap()
}

/// A random tree with `tips` tips and a table of `samples` samples that each contain a third of the
/// ASVs.
fn random_study(seed: u64, tips: usize, samples: usize) -> (Tree, Table) {
    study_with(seed, tips, samples, 3)
}

/// Like [`random_study`], with samples that contain one in `one_in` ASVs.
fn study_with(seed: u64, tips: usize, samples: usize, one_in: u32) -> (Tree, Table) {
    let mut rng = stream(seed, "unifrac test");
    let mut nodes: Vec<String> = (0..tips).map(|t| format!("t{t}")).collect();
    while nodes.len() > 1 {
        let children = if nodes.len() > 4 {
            rng.random_range(1..4)
        } else {
            2
        };
        let below: Vec<String> = (0..children.min(nodes.len()))
            .map(|_| {
                let node = nodes.swap_remove(rng.random_range(0..nodes.len()));
                format!("{node}:{}", rng.random::<f64>())
            })
            .collect();
        nodes.push(format!("({})", below.join(",")));
    }
    let rows: Vec<Vec<u32>> = (0..samples)
        .map(|_| {
            let some = |rng: &mut rand_chacha::ChaCha8Rng| match rng.random_range(0..one_in) {
                0 => rng.random_range(1..1000),
                _ => 0,
            };
            (0..tips).map(|_| some(&mut rng)).collect()
        })
        .collect();
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    (tree(&format!("{};", nodes[0])), table(&rows))
}

/// The formulas of the module docs, for one pair of samples.
fn by_formula(tree: &Tree, table: &Table, metric: Metric, i: usize, j: usize) -> f64 {
    let fractions = |row: usize| {
        let mut below = vec![0.0; tree.len()];
        for (&f, &c) in table.row(row).0.iter().zip(table.row(row).1) {
            let mut node = tree.tip(&table.feature_ids()[f as usize]);
            while let Some(n) = node {
                below[n] += f64::from(c) / table.depth(row) as f64;
                node = tree.parent(n);
            }
        }
        below
    };
    let (u, v) = (fractions(i), fractions(j));
    let depths = [i, j].map(|row| table.depth(row) as f64);
    let (mut part, mut whole) = (0.0, 0.0);
    for node in 0..tree.root() {
        let (b, u, v) = (tree.length(node), u[node], v[node]);
        let reads = (u * depths[0]).round() + (v * depths[1]).round();
        let deviation = (reads * (depths[0] + depths[1] - reads)).sqrt();
        let one = f64::from((u > 0.0) != (v > 0.0));
        let general = |alpha: f64, by: f64| {
            let w = b * ((u + v) / by).powf(alpha);
            (w * (u - v).abs() / (u + v), w)
        };
        let (p, w) = match metric {
            _ if u + v == 0.0 => (0.0, 0.0),
            Metric::Unweighted | Metric::UnweightedUnnormalized => (b * one, b),
            Metric::Weighted | Metric::WeightedNormalized => (b * (u - v).abs(), b * (u + v)),
            Metric::Generalized { alpha } => general(alpha, 1.0),
            Metric::VarianceAdjusted(_) if deviation == 0.0 => (0.0, 0.0),
            Metric::VarianceAdjusted(Adjusted::Unweighted) => (b * one / deviation, b / deviation),
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha }) => general(alpha, deviation),
            Metric::VarianceAdjusted(_) => (b * (u - v).abs() / deviation, b * (u + v) / deviation),
        };
        part += p;
        whole += w;
    }
    if has_units(metric) {
        part
    } else {
        part / whole
    }
}

#[test]
fn agrees_with_the_formulas() {
    for (seed, tips, samples) in [(1, 5, 3), (2, 40, 9), (3, 400, 17)] {
        let (tree, table) = random_study(seed, tips, samples);
        for metric in METRICS {
            let matrix = unifrac(&tree, &table, metric).unwrap();
            for i in 0..samples {
                for j in 0..i {
                    let expected = by_formula(&tree, &table, metric, i, j);
                    let found = matrix.get(i, j);
                    let error = (found - expected).abs();
                    assert!(error < slack(metric), "{metric}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn any_choice_of_rows_gives_the_same_bits() {
    let (tree, table) = random_study(4, 600, 21);
    for metric in METRICS {
        let engine = UniFrac::new(&tree, &table, metric).unwrap();
        let all: Vec<usize> = (0..21).collect();
        let whole = engine.distances(&all);
        let mut rows = all.clone();
        rows.shuffle(&mut stream(1, "rows"));
        rows.truncate(10);
        let some = engine.distances(&rows);
        for (a, &i) in rows.iter().enumerate() {
            for (b, &j) in rows.iter().enumerate() {
                assert_eq!(some[a * 10 + b].to_bits(), whole[i * 21 + j].to_bits());
            }
        }
        assert!(engine.distances(&[]).is_empty());
        assert_eq!(engine.distances(&[3]), [0.0]);
        assert_eq!(engine.distances(&[3, 3]), [0.0; 4]);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (tree, table) = random_study(5, 300, 30);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| unifrac(&tree, &table, Metric::Weighted).unwrap())
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn symmetric_hollow_and_within_range() {
    let (tree, table) = random_study(6, 200, 25);
    for metric in METRICS {
        let values = UniFrac::new(&tree, &table, metric)
            .unwrap()
            .distances(&(0..25).collect::<Vec<_>>());
        for i in 0..25 {
            assert_eq!(values[i * 26], 0.0);
            for j in 0..25 {
                let d = values[i * 25 + j];
                assert_eq!(d, values[j * 25 + i]);
                assert!(d >= 0.0 && (has_units(metric) || d <= 1.0));
                assert!(i == j || d > 0.0);
            }
        }
    }
}

#[test]
fn identical_samples_have_distance_zero_and_disjoint_ones_the_maximum() {
    let tree = tree("((t0:1,t1:2):0,(t2:3,t3:0.1):0);");
    let table = table(&[&[3, 1, 0, 0], &[6, 2, 0, 0], &[0, 0, 7, 9]]);
    for metric in METRICS {
        let matrix = unifrac(&tree, &table, metric).unwrap();
        assert_eq!(matrix.get(0, 1), 0.0, "{metric}");
        if !has_units(metric) {
            assert!((matrix.get(0, 2) - 1.0).abs() < 1e-14, "{metric}");
        }
    }
}

#[test]
fn reordering_branches_changes_nothing() {
    let one = tree("(((t0:1,t1:2):0.5,t2:3):1,(t3:0.1,t4:0.7):2);");
    let other = tree("((t4:0.7,t3:0.1):2,(t2:3,(t1:2,t0:1):0.5):1);");
    let table = table(&[&[3, 1, 0, 0, 2], &[6, 0, 4, 1, 0], &[0, 0, 7, 9, 1]]);
    for metric in METRICS {
        let (a, b) = (
            unifrac(&one, &table, metric).unwrap(),
            unifrac(&other, &table, metric).unwrap(),
        );
        for (a, b) in a.values().iter().zip(b.values()) {
            assert!((a - b).abs() < 1e-14, "{metric}");
        }
    }
}

#[test]
fn longer_branches_scale_weighted_and_leave_the_others() {
    let (once, table) = random_study(7, 60, 8);
    let parent: Vec<u32> = (0..once.root())
        .map(|n| once.parent(n).unwrap() as u32)
        .collect();
    let length = (0..once.len()).map(|n| 4.0 * once.length(n)).collect();
    let name = (0..once.len()).map(|n| once.name(n).into()).collect();
    let fourfold = Tree::new(&parent, length, name).unwrap();
    for metric in METRICS {
        let factor = if has_units(metric) { 4.0 } else { 1.0 };
        let (a, b) = (
            unifrac(&once, &table, metric).unwrap(),
            unifrac(&fourfold, &table, metric).unwrap(),
        );
        for (a, b) in a.values().iter().zip(b.values()) {
            assert!((factor * a - b).abs() < slack(metric), "{metric}");
        }
    }
}

#[test]
fn extra_tips_change_nothing_and_empty_samples_are_defined() {
    let small = tree("((t0:1,t1:2):0.5,t2:3);");
    let large = tree("(((t0:1,t1:2):0.5,(x:1,y:1):4):0,(t2:2,z:8):1);");
    let table = table(&[&[3, 1, 0], &[0, 5, 5], &[0, 0, 0], &[0, 0, 0]]);
    for metric in METRICS {
        let a = unifrac(&small, &table, metric).unwrap();
        let b = unifrac(&large, &table, metric).unwrap();
        for (a, b) in a.values().iter().zip(b.values()) {
            assert!((a - b).abs() < 1e-14, "{metric}");
        }
        assert_eq!(a.get(2, 3), 0.0);
        if !has_units(metric) {
            assert_eq!(a.get(0, 2), 1.0);
        }
    }
}

#[test]
fn asvs_missing_from_the_tree_are_named_or_dropped() {
    let tree = tree("((t0:1,t1:2):0.5,t5:3);");
    let table = table(&[&[3, 1, 6, 0], &[0, 8, 1, 1], &[0, 0, 0, 5]]);
    let error = unifrac(&tree, &table, Metric::Unweighted)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("2 of the table's 4 ASVs, with 52.00 % of its reads"),
        "{error}"
    );
    assert!(error.contains("'t2', 't3'"), "{error}");
    let (kept, missing) = drop_missing(&tree, &table).unwrap();
    assert_eq!(kept.feature_ids(), ["t0", "t1"]);
    assert_eq!(kept.num_samples(), 3);
    assert_eq!(missing.ids, ["t2", "t3"]);
    assert!((missing.read_fraction - 0.52).abs() < 1e-12);
    assert!(unifrac(&tree, &kept, Metric::Unweighted).is_ok());
    let other = parse(b"(a:1,b:1);", &NewickOptions::default()).unwrap();
    let error = drop_missing(&other, &table)
        .unwrap_err()
        .file(Path::new("x.nwk"))
        .to_string();
    assert!(
        error.contains("100.00 %") && error.contains("tips such as 'a', 'b'"),
        "{error}"
    );
}

#[test]
fn the_whole_matrix_has_the_bits_of_its_batches_however_it_is_cut() {
    // Enough samples for branches over few of them and for partially filled tiles.
    let (tree, table) = random_study(8, 150, 75);
    let all: Vec<usize> = (0..75).collect();
    for metric in METRICS {
        let engine = UniFrac::new(&tree, &table, metric).unwrap();
        let batch = engine.distances(&all);
        for memory in [1, 64 * 96 * 8 * 2, 1 << 30] {
            let mut compared = 0;
            let quiet = &mut |_, _| Ok::<(), ()>(());
            let mut take = |band: &Band<'_, f64>| {
                for i in band.rows() {
                    for j in band.rows().start..75 {
                        assert_eq!(band.get(i, j).to_bits(), batch[i * 75 + j].to_bits());
                        compared += 1 + usize::from(j >= band.rows().end);
                    }
                }
                Ok(())
            };
            engine.bands(memory, quiet, &mut take).unwrap();
            assert_eq!(compared, 75 * 75, "{metric}");
        }
    }
}
