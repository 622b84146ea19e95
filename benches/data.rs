//! Benchmarks of the steps before the model: reading a table, tokenising sequences, making batches.
//!
//! `cargo bench -p aam-benches --bench data`: 2000 samples with about 300 of 30 000 ASVs each.

use std::hint::black_box;

use aam_runtime::data::{
    AsvSampling, TokenOptions, TokenizedSequences, rarefy, read_table, write_biom,
};
use aam_runtime::model::batch::Batcher;
use aam_runtime::random::stream;
use aam_runtime::simulate::{SimulateOptions, simulate};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

fn data(criterion: &mut Criterion) {
    let options = SimulateOptions {
        samples: 2_000,
        asvs: 30_000,
        richness: 300.0,
        depth: 10_000.0,
        ..SimulateOptions::default()
    };
    let study = simulate(&options).expect("options in range");
    let table = &study.table;
    let path = std::env::temp_dir().join(format!("aam-bench-{}.biom", std::process::id()));
    write_biom(&path, table).expect("a temporary file");
    let mut group = criterion.benchmark_group("2000 samples");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("read a BIOM table", |bencher| {
        bencher.iter(|| black_box(read_table(&path).expect("what was written")));
    });
    std::fs::remove_file(&path).expect("the temporary file");
    let ids = table.feature_ids();
    let tokenise = || {
        let pairs = ids.iter().map(|id| (id, id));
        TokenizedSequences::new(pairs, &TokenOptions::default()).expect("simulated sequences")
    };
    group.bench_function("tokenise all ASVs", |bencher| {
        bencher.iter(|| black_box(tokenise()));
    });
    group.bench_function("rarefy to 1000 reads", |bencher| {
        bencher.iter(|| black_box(rarefy(table, 1_000, 1)));
    });
    let sequences = tokenise();
    let batcher = Batcher {
        table,
        sequences: &sequences,
        limit: 256,
        sampling: AsvSampling::Random,
        chunk: 64,
    };
    let rows: Vec<usize> = (0..32).map(|i| i * 61).collect();
    group.bench_function("a batch of 32", |bencher| {
        let mut rng = stream(1, "bench");
        bencher.iter(|| black_box(batcher.batch(&rows, &mut rng)));
    });
    group.finish();
}

criterion_group!(benches, data);
criterion_main!(benches);
