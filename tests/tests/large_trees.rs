//! Very large and deep trees: reading, writing, pruning, distances and dropping use no recursion,
//! and about as much memory as the file.
//!
//! Run with `--nocapture` for times and memory.

use std::error::Error;
use std::time::Instant;

use aam_runtime::data::newick::{NewickOptions, parse, write};
use aam_runtime::data::{Table, Tree};
use aam_runtime::unifrac::{Metric, UniFrac, faith_pd};

type Outcome = Result<(), Box<dyn Error>>;

/// Peak memory of this process in MiB, if the system reports it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{} MiB", kib / 1024))
}

/// Runs `work` and prints its duration.
fn timed<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let started = Instant::now();
    let result = work();
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {seconds:.2} s, peak memory {}", peak());
    result
}

/// A table of samples that contain every `step`-th of `asvs`, each from its own offset.
fn table(asvs: Vec<String>, samples: u32, step: usize) -> Table {
    let count = asvs.len() as u32;
    let entries: Vec<(u32, u32, u32)> = (0..samples)
        .flat_map(|sample| {
            let held = (sample..count).step_by(step);
            held.map(move |asv| (sample, asv, 1 + asv % 9))
        })
        .collect();
    let names = (0..samples).map(|i| format!("s{i}")).collect();
    Table::from_triplets(names, asvs, &entries).expect("a table")
}

/// Distances of some samples on `tree`, after checking their range.
fn distances(tree: &Tree, table: &Table, metric: Metric) -> Result<Vec<f64>, Box<dyn Error>> {
    let prepared = timed("prepare", || UniFrac::new(tree, table, metric))?;
    let rows: Vec<usize> = (0..table.num_samples()).collect();
    let found = timed("distances", || prepared.distances(&rows));
    assert!(found.iter().all(|d| (0.0..=1.0).contains(d)));
    Ok(found)
}

/// A balanced tree of `tips` tips (a power of two) with branches of length 1, using all Newick
/// features.
fn balanced(tips: usize) -> String {
    let mut text = String::from("[&R][four hundred thousand tips]\n");
    for tip in 0..tips {
        text.push_str(if tip == 0 { "" } else { "," });
        let closed = tip.trailing_zeros().min(tips.trailing_zeros());
        text.push_str(&"(".repeat(match tip {
            0 => tips.trailing_zeros(),
            _ => closed,
        } as usize));
        match tip % 3 {
            0 => text.push_str(&format!("'ASV {tip}, ''x'''[quoted]:1")),
            1 => text.push_str(&format!("ASV_{tip}:1.0e0")),
            _ => text.push_str(&format!("ASV{tip}[a [nested] comment]\n :1")),
        }
        let closing = (tip + 1).trailing_zeros().min(tips.trailing_zeros());
        text.push_str(&")0.98:1".repeat(closing as usize));
    }
    text.push(';');
    text
}

fn name_in_balanced(tip: usize) -> String {
    match tip % 3 {
        0 => format!("ASV {tip}, 'x'"),
        1 => format!("ASV_{tip}"),
        _ => format!("ASV{tip}"),
    }
}

#[test]
fn half_a_million_tips() -> Outcome {
    const TIPS: usize = 1 << 19;
    let text = balanced(TIPS);
    println!("{} tips, {} bytes", TIPS, text.len());
    let tree = timed("parse", || {
        parse(text.as_bytes(), &NewickOptions::default())
    })?;
    assert_eq!((tree.len(), tree.tips().len()), (2 * TIPS - 1, TIPS));
    let again = timed("write and parse", || {
        parse(write(&tree).as_bytes(), &NewickOptions::default())
    })?;
    assert!(again == tree);
    drop(again);
    // A table of some of the tips, so that the others are pruned.
    let some = table(
        (0..TIPS).step_by(16).map(name_in_balanced).collect(),
        32,
        64,
    );
    distances(&tree, &some, Metric::Unweighted)?;
    // A sample with all tips spans all branches except the root's; two tips span two paths to the
    // root.
    let all: Vec<String> = (0..TIPS).map(name_in_balanced).collect();
    let mut entries: Vec<(u32, u32, u32)> = (0..TIPS as u32).map(|asv| (0, asv, 1)).collect();
    entries.extend([(1, 0, 5), (1, TIPS as u32 - 1, 5)]);
    let names = vec!["all".to_owned(), "two".to_owned()];
    let all = Table::from_triplets(names, all, &entries)?;
    let spanned = timed("Faith's PD", || faith_pd(&tree, &all))?;
    assert_eq!(spanned, [2.0 * TIPS as f64 - 2.0, 38.0]);
    timed("drop", move || drop(tree));
    Ok(())
}

#[test]
fn caterpillars_of_two_hundred_thousand_levels() -> Outcome {
    const LEVELS: usize = 200_000;
    // Once with the deep end first, once last: the order of children has no effect.
    let mut first = format!("{}t0:1", "(".repeat(LEVELS));
    let mut last = String::new();
    for level in 1..=LEVELS {
        let stem = if level == LEVELS { "" } else { ":1" };
        first.push_str(&format!(",t{level}:1){stem}"));
        last.push_str(&format!("(t{}:1,", LEVELS + 1 - level));
    }
    first.push(';');
    last.push_str("t0:1");
    last.push_str(&"):1".repeat(LEVELS - 1));
    last.push_str(");");
    let names: Vec<String> = (0..=LEVELS).map(|tip| format!("t{tip}")).collect();
    let sparse = table(names.clone(), 32, 640);
    let mut found = Vec::new();
    for (end, text) in [("deep end first", &first), ("deep end last", &last)] {
        println!("{end}:");
        let tree = timed("parse", || {
            parse(text.as_bytes(), &NewickOptions::default())
        })?;
        assert_eq!(
            (tree.len(), tree.tips().len()),
            (2 * LEVELS + 1, LEVELS + 1)
        );
        assert_eq!(write(&tree).len(), text.len() + ":0\n".len());
        let (tip, pair) = (names[0].as_str(), ["t0", "t100000"]);
        let pruned = tree.shear(pair)?;
        assert_eq!(pruned.len(), 3 + 1, "two tips, their fork and the root");
        let deepest = Table::from_triplets(vec!["s".into()], vec![tip.into()], &[(0, 0, 1)])?;
        assert_eq!(faith_pd(&tree, &deepest)?, [LEVELS as f64]);
        found.push(distances(&tree, &sparse, Metric::WeightedNormalized)?);
        timed("drop", move || drop(tree));
    }
    let pairs = found[0].iter().zip(&found[1]);
    assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-9));
    assert!(pairs.map(|(a, _)| *a).sum::<f64>() > 0.0);
    Ok(())
}

#[test]
fn one_fork_of_four_hundred_thousand_and_chains_of_single_children() -> Outcome {
    const TIPS: usize = 400_000;
    let tips: Vec<String> = (0..TIPS).map(|tip| format!("(t{tip}:1):1")).collect();
    let star = format!("({});", tips.join(","));
    let error = parse(star.as_bytes(), &NewickOptions::default()).expect_err("no root");
    assert!(error.problem.contains("400000 branches meet at its root"));
    assert!(error.help.unwrap_or_default().contains("midpoint-root"));
    let rooted = format!("[&R]{star}");
    let tree = timed("parse", || {
        parse(rooted.as_bytes(), &NewickOptions::default())
    })?;
    assert_eq!(tree.tips().len(), TIPS);
    let names = (0..TIPS).step_by(10).map(|tip| format!("t{tip}")).collect();
    let table = table(names, 2, 2);
    // The two samples contain different tips, all at the same distance from the root.
    let found = distances(&tree, &table, Metric::Unweighted)?;
    assert_eq!(found, [0.0, 1.0, 1.0, 0.0]);
    Ok(())
}
