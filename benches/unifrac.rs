//! Benchmarks of UniFrac: whole matrices, the distances of a batch, and reading a tree.
//!
//! `cargo bench -p aam-benches --bench unifrac` measures 1000 samples with 30 000 ASVs on their
//! tree. The variable `AAM_BENCH_SAMPLES=1000,4000,10000` selects other sizes, which takes long.
//! `benches/unifrac.sh` measures the whole program.

use std::convert::Infallible;
use std::hint::black_box;

use aam_runtime::data::Table;
use aam_runtime::data::newick::{NewickOptions, parse, write};
use aam_runtime::simulate::{SimulateOptions, Study, simulate};
use aam_runtime::unifrac::{Metric, Real, UniFrac};
use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};

/// Numbers of samples in a pre-training batch.
const BATCHES: [usize; 2] = [32, 128];

fn sizes() -> Vec<usize> {
    let asked = std::env::var("AAM_BENCH_SAMPLES").unwrap_or_else(|_| "1000".to_owned());
    let size = |text: &str| text.trim().parse().expect("numbers of samples with commas");
    asked.split(',').map(size).collect()
}

fn study(samples: usize) -> Study {
    let options = SimulateOptions {
        samples,
        asvs: 30_000,
        sequence_length: 20,
        richness: 300.0,
        depth: 10_000.0,
        ..SimulateOptions::default()
    };
    simulate(&options).expect("options in range")
}

fn metrics() -> [Metric; 4] {
    [
        "unweighted",
        "weighted-normalized",
        "generalized:0.5",
        "weighted-normalized-vaw",
    ]
    .map(|name| name.parse().expect("a metric"))
}

/// The whole matrix, as computed by `aam unifrac`, with 4 GiB for the sums.
fn whole<T: Real>(unifrac: &UniFrac) -> f64 {
    let mut sum = 0.0;
    let Ok(()) = unifrac.bands::<T, Infallible>(4 << 30, &mut |_, _| Ok(()), &mut |band| {
        for i in band.rows() {
            for j in i + 1..band.samples() {
                sum += band.get(i, j).wide();
            }
        }
        Ok(())
    });
    sum
}

fn prepared(study: &Study, metric: Metric) -> UniFrac {
    UniFrac::new(&study.tree, &study.table, metric).expect("all ASVs are on the tree")
}

fn matrices(criterion: &mut Criterion, study: &Study) {
    let samples = study.table.num_samples();
    let mut group = criterion.benchmark_group(format!("matrix of {samples}"));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for metric in metrics() {
        let unifrac = prepared(study, metric);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            let name = |precision| {
                BenchmarkId::new(
                    format!("{metric} {precision}"),
                    format!("{threads} threads"),
                )
            };
            group.bench_function(name("f64"), |bencher| {
                bencher.iter(|| pool.install(|| black_box(whole::<f64>(&unifrac))));
            });
            group.bench_function(name("f32"), |bencher| {
                bencher.iter(|| pool.install(|| black_box(whole::<f32>(&unifrac))));
            });
        }
    }
    group.finish();
}

fn batches(criterion: &mut Criterion, study: &Study) {
    let samples = study.table.num_samples();
    let mut group = criterion.benchmark_group(format!("batch from {samples}"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    let pool = pool.build().expect("a thread");
    for metric in metrics() {
        let unifrac = prepared(study, metric);
        for size in BATCHES {
            let rows: Vec<usize> = (0..size).map(|i| (i * 37 + 5) % samples).collect();
            group.bench_function(BenchmarkId::new(metric.to_string(), size), |bencher| {
                bencher.iter(|| pool.install(|| black_box(unifrac.distances(&rows))));
            });
        }
    }
    group.finish();
}

fn trees(criterion: &mut Criterion, study: &Study) {
    let text = write(&study.tree);
    let options = NewickOptions::default();
    let tips = study.tree.tips().len();
    let mut group = criterion.benchmark_group(format!("tree of {tips} tips"));
    group.bench_function("read Newick", |bencher| {
        bencher.iter(|| black_box(parse(text.as_bytes(), &options).expect("a tree")));
    });
    let asvs = study.table.feature_ids();
    let half: Vec<usize> = (0..asvs.len()).step_by(2).collect();
    let names: Vec<&str> = half.iter().map(|&asv| &asvs[asv]).collect();
    group.bench_function("keep half of the tips", |bencher| {
        bencher.iter(|| black_box(study.tree.shear(names.iter().copied()).expect("tips")));
    });
    let table: &Table = &study.table;
    group.bench_function("make ready for distances", |bencher| {
        let metric = Metric::Unweighted;
        bencher.iter(|| black_box(UniFrac::new(&study.tree, table, metric).expect("all ASVs")));
    });
    group.finish();
}

fn all(criterion: &mut Criterion) {
    for (at, samples) in sizes().into_iter().enumerate() {
        let study = study(samples);
        if at == 0 {
            trees(criterion, &study);
        }
        batches(criterion, &study);
        matrices(criterion, &study);
    }
}

criterion_group!(unifrac, all);
criterion_main!(unifrac);
