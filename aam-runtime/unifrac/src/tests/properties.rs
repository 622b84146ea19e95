//! Properties of every metric in both precisions, on random trees and tables: with branches over
//! few and many samples, polytomies, single children, empty samples and identical ones.

use super::*;

/// Tolerance of single-precision distances to a different order of addition.
const SINGLE: f64 = 2e-5;

/// The whole matrix, assembled from bands with as many rows as fit `memory` bytes.
fn matrix<T: Real>(tree: &Tree, table: &Table, metric: Metric, memory: u64) -> Vec<f64> {
    let unifrac = UniFrac::new(tree, table, metric).unwrap();
    let samples = table.num_samples();
    let mut matrix = vec![f64::NAN; samples * samples];
    let quiet = &mut |_, _| Ok::<(), ()>(());
    let take = &mut |band: &Band<'_, T>| {
        for i in band.rows() {
            for j in band.rows().start..samples {
                matrix[i * samples + j] = band.get(i, j).wide();
                matrix[j * samples + i] = band.get(i, j).wide();
            }
        }
        Ok(())
    };
    unifrac.bands(memory, quiet, take).unwrap();
    matrix
}

/// In double and in single precision, with the tolerance that each needs.
type Computed = fn(&Tree, &Table, Metric, u64) -> Vec<f64>;
const PRECISIONS: [(Computed, f64); 2] = [(matrix::<f64>, 1e-11), (matrix::<f32>, SINGLE)];

/// Rows of a table.
fn rows_of(table: &Table) -> Vec<Vec<u32>> {
    (0..table.num_samples())
        .map(|row| {
            let mut reads = vec![0; table.num_features()];
            for (&asv, &count) in table.row(row).0.iter().zip(table.row(row).1) {
                reads[asv as usize] = count;
            }
            reads
        })
        .collect()
}

fn table_of(rows: &[Vec<u32>]) -> Table {
    table(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Various studies in which the first and last samples are identical and the second is empty.
fn studies() -> Vec<(Tree, Table)> {
    let of = |(seed, tips, samples, one_in)| {
        let (tree, table) = study_with(seed, tips, samples, one_in);
        let mut rows = rows_of(&table);
        rows[1].fill(0);
        rows[0][0] += 1;
        rows[samples - 1] = rows[0].clone();
        (tree, table_of(&rows))
    };
    [
        (11, 2, 4, 2),
        (12, 30, 7, 2),
        (13, 200, 40, 4),
        (14, 300, 70, 30),
        (15, 60, 33, 100),
        (16, 500, 20, 3),
    ]
    .map(of)
    .into()
}

/// The largest distance, or 1.
fn scale(matrix: &[f64]) -> f64 {
    matrix.iter().copied().fold(1.0, f64::max)
}

#[track_caller]
fn agree(found: &[f64], expected: &[f64], slack: f64, what: impl std::fmt::Display) {
    assert_eq!(found.len(), expected.len());
    let slack = slack * scale(expected);
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= slack, "{what}: {a} {b}");
    }
}

#[test]
fn distances_are_hollow_within_range_and_the_same_in_both_precisions() {
    for (tree, table) in studies() {
        let samples = table.num_samples();
        for metric in METRICS {
            let double = matrix::<f64>(&tree, &table, metric, 1 << 30);
            for (computed, slack) in PRECISIONS {
                let found = computed(&tree, &table, metric, 1);
                for i in 0..samples {
                    assert_eq!(found[i * samples + i], 0.0);
                }
                let most = if has_units(metric) { f64::MAX } else { 1.0 };
                assert!(found.iter().all(|d| (0.0..=most).contains(d)), "{metric}");
                agree(&found, &double, slack, metric);
            }
        }
    }
}

#[test]
fn the_order_of_samples_changes_nothing() {
    for (tree, table) in studies() {
        let samples = table.num_samples();
        let mut order: Vec<usize> = (0..samples).collect();
        order.shuffle(&mut stream(2, "order of samples"));
        let rows = rows_of(&table);
        let other: Vec<Vec<u32>> = order.iter().map(|&i| rows[i].clone()).collect();
        let other = table_of(&other);
        for metric in METRICS {
            for (computed, slack) in PRECISIONS {
                let found = computed(&tree, &other, metric, 1 << 30);
                let all = computed(&tree, &table, metric, 1 << 30);
                let expected: Vec<f64> = order
                    .iter()
                    .flat_map(|&i| order.iter().map(move |&j| i * samples + j))
                    .map(|at| all[at])
                    .collect();
                let slack = if slack < SINGLE { 0.0 } else { slack };
                agree(&found, &expected, slack, metric);
            }
        }
    }
}

/// The same tree with its nodes, and thus the children of each, in random order.
fn turned(tree: &Tree, seed: u64) -> Tree {
    let mut rng = stream(seed, "turned tree");
    let mut children = vec![0usize; tree.len()];
    for node in 0..tree.root() {
        children[tree.parent(node).unwrap()] += 1;
    }
    let mut ready: Vec<usize> = (0..tree.len()).filter(|&n| children[n] == 0).collect();
    let mut order = Vec::new();
    while !ready.is_empty() {
        let node = ready.swap_remove(rng.random_range(0..ready.len()));
        order.push(node);
        if let Some(above) = tree.parent(node) {
            children[above] -= 1;
            if children[above] == 0 {
                ready.push(above);
            }
        }
    }
    let mut place = vec![0; tree.len()];
    for (at, &node) in order.iter().enumerate() {
        place[node] = at as u32;
    }
    let above = |&node: &usize| tree.parent(node).map(|parent| place[parent]);
    let parent: Vec<u32> = order.iter().filter_map(above).collect();
    let length = order.iter().map(|&node| tree.length(node)).collect();
    let name = order.iter().map(|&node| tree.name(node).into()).collect();
    Tree::new(&parent, length, name).unwrap()
}

#[test]
fn the_order_of_children_changes_nothing() {
    for (tree, table) in studies() {
        let other = turned(&tree, 3);
        for metric in METRICS {
            for (computed, slack) in PRECISIONS {
                let found = computed(&other, &table, metric, 1 << 30);
                let expected = computed(&tree, &table, metric, 1 << 30);
                agree(&found, &expected, slack, metric);
            }
        }
    }
}

#[test]
fn the_unit_of_lengths_changes_nothing_but_the_unit_of_distances() {
    for (tree, table) in studies() {
        for factor in [0.3, 1e-9, 64.0] {
            let parent: Vec<u32> = (0..tree.root())
                .map(|n| tree.parent(n).unwrap() as u32)
                .collect();
            let length = (0..tree.len()).map(|n| factor * tree.length(n)).collect();
            let name = (0..tree.len()).map(|n| tree.name(n).into()).collect();
            let other = Tree::new(&parent, length, name).unwrap();
            for metric in METRICS {
                let unit = if has_units(metric) { factor } else { 1.0 };
                for (computed, slack) in PRECISIONS {
                    let found = computed(&other, &table, metric, 1 << 30);
                    let found: Vec<f64> = found.iter().map(|d| d / unit).collect();
                    let expected = computed(&tree, &table, metric, 1 << 30);
                    agree(&found, &expected, slack, format_args!("{metric} {factor}"));
                }
            }
        }
    }
}

#[test]
fn equal_samples_are_one() {
    for (tree, table) in studies() {
        let samples = table.num_samples();
        let last = samples - 1;
        for metric in METRICS {
            for (computed, slack) in PRECISIONS {
                let found = computed(&tree, &table, metric, 1);
                let slack = if slack < SINGLE { 0.0 } else { slack };
                agree(&[found[last]], &[0.0], slack * scale(&found), metric);
                // Distances to all other samples except each other.
                let (one, other) = (&found[1..last], &found[last * samples + 1..][..last - 1]);
                agree(one, other, slack, metric);
            }
        }
    }
}

#[test]
fn reads_counted_twice_change_nothing_but_what_is_adjusted_for_variance() {
    for (tree, table) in studies() {
        let samples = table.num_samples();
        let mut rows = rows_of(&table);
        rows[0].iter_mut().for_each(|reads| *reads *= 2);
        let twice = table_of(&rows);
        for metric in METRICS {
            if matches!(metric, Metric::VarianceAdjusted(_)) {
                continue;
            }
            for (computed, slack) in PRECISIONS {
                let found = computed(&tree, &twice, metric, 1 << 30);
                let expected = computed(&tree, &table, metric, 1 << 30);
                agree(&found, &expected, slack, metric);
                let exact = if slack < SINGLE { 0.0 } else { slack };
                agree(&[found[samples - 1]], &[0.0], exact, metric);
            }
        }
    }
}

#[test]
fn generalized_with_alpha_one_is_weighted() {
    let (tree, table) = random_study(17, 80, 12);
    let pairs = [
        (
            Metric::Generalized { alpha: 1.0 },
            Metric::WeightedNormalized,
        ),
        (
            Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 1.0 }),
            Metric::VarianceAdjusted(Adjusted::WeightedNormalized),
        ),
    ];
    for (general, weighted) in pairs {
        let found = matrix::<f64>(&tree, &table, general, 1 << 30);
        assert_eq!(found, matrix::<f64>(&tree, &table, weighted, 1 << 30));
        let near = by_formula(&tree, &table, general, 3, 7);
        assert!((found[3 * 12 + 7] - near).abs() < 1e-12);
    }
}

#[test]
fn alpha_zero_counts_branches_alike() {
    let (tree, table) = random_study(18, 80, 12);
    for metric in [
        Metric::Generalized { alpha: 0.0 },
        Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 0.0 }),
        Metric::VarianceAdjusted(Adjusted::Generalized { alpha: 0.7 }),
    ] {
        let found = matrix::<f64>(&tree, &table, metric, 1 << 30);
        for (i, j) in [(0, 1), (3, 7), (4, 11)] {
            let expected = by_formula(&tree, &table, metric, i, j);
            assert!((found[i * 12 + j] - expected).abs() < 1e-12, "{metric}");
        }
    }
}
