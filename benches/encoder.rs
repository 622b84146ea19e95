//! Benchmarks of the model's parts at the size of the reference implementation: the ASV encoder
//! with and without gradients, the transformer over the ASVs of samples, and a complete
//! pre-training update.
//!
//! `cargo bench -p aam-benches --bench encoder`. All run on the CPU, with one thread per core.

use std::hint::black_box;

use aam_api::{AsvChunk, MaskedChunk, Resolved};
use aam_plugins as _;
use aam_runtime::data::tokens::START;
use aam_runtime::data::{AsvSampling, TokenOptions, TokenizedSequences};
use aam_runtime::model::batch::Batcher;
use aam_runtime::model::{Base, ModelConfig, TransformerConfig, unifrac_loss};
use aam_runtime::random::stream;
use aam_runtime::simulate::{SimulateOptions, Study, simulate};
use aam_runtime::train::draws::AsvSeeds;
use aam_runtime::train::encoding::Encoding;
use aam_runtime::train::parallel::Replica;
use burn::optim::{AdamWConfig, GradientsAccumulator, GradientsParams};
use burn::tensor::{Bool, Device, Distribution, Tensor};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const DIM: usize = 128;
/// Number of ASVs to encode.
const ASVS: usize = 64;
/// Number of samples per batch, and the maximum number of ASVs of each.
const BATCH: usize = 8;
const PLACES: usize = 128;

fn config() -> ModelConfig {
    ModelConfig {
        dim: DIM,
        heads: 4,
        asv_layers: 4,
        sample_layers: 4,
        encoder_layers: 4,
        sample_encoder: Resolved::built_in("attention"),
        ..ModelConfig::default().with_transformer()
    }
}

fn study() -> Study {
    let options = SimulateOptions {
        samples: BATCH,
        asvs: 400,
        richness: 60.0,
        ..SimulateOptions::default()
    };
    simulate(&options).expect("options in range")
}

fn encoder(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let base = Base::init(&config(), &device).expect("a valid model");
    let encoder = base.embedding_encoder(&device);
    assert!(encoder.has_own_way(), "the CPU has one");
    let study = study();
    let sequences = tokens(&study);
    let tokens: Vec<u8> = (0..ASVS)
        .flat_map(|asv| std::iter::once(START).chain(sequences.get(asv)))
        .collect();
    let chunk = AsvChunk {
        length: tokens.len() / ASVS,
        tokens,
    };
    let masked = [MaskedChunk {
        original: chunk.clone(),
        masked: chunk.clone(),
        mask: (0..chunk.tokens.len())
            .map(|place| place % chunk.length % 7 == 3)
            .collect(),
    }];
    let chunks = [chunk];
    let gradient = Tensor::<2>::full([ASVS, DIM], 0.01, &Device::flex());
    let mut group = criterion.benchmark_group("encoder of 64 ASVs");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(ASVS as u64));
    group.bench_function("embeddings", |bencher| {
        bencher.iter(|| black_box(encoder.embed(&chunks, 1)));
    });
    group.bench_function("gradients of embeddings", |bencher| {
        bencher
            .iter(|| encoder.backward(&chunks, &gradient, 1, &mut |found| drop(black_box(found))));
    });
    for (name, gradient) in [
        ("gradients of nucleotides", None),
        ("gradients of both", Some(&gradient)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                encoder
                    .backward_masked(&masked, gradient, 0.01, 1, &mut |found| {
                        drop(black_box(found));
                    })
                    .expect("it predicts nucleotides")
            });
        });
    }
    group.finish();
}

fn samples(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let transformer = TransformerConfig {
        dim: DIM,
        heads: 4,
        layers: 4,
        feed_forward: 4 * DIM,
        dropout: 0.0,
        identical_layers: false,
    }
    .init(&device);
    let shape = [BATCH, PLACES, DIM];
    let x = Tensor::<3>::random(shape, Distribution::Default, &device).require_grad();
    // From a quarter of the positions to all of them.
    let mask = Tensor::<1>::from_floats(
        (0..BATCH * PLACES)
            .map(|i| {
                let (sample, place) = (i / PLACES, i % PLACES);
                f32::from(u8::from(place < PLACES * (sample + 3) / (BATCH + 2)))
            })
            .collect::<Vec<_>>()
            .as_slice(),
        &device,
    );
    let mask: Tensor<2, Bool> = mask.reshape([BATCH, PLACES]).greater_elem(0.5);
    let mut group = criterion.benchmark_group("transformer over 8 samples");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("there", |bencher| {
        bencher.iter(|| {
            black_box(
                transformer
                    .forward(x.clone(), Some(mask.clone()))
                    .into_data(),
            )
        });
    });
    group.bench_function("there and back", |bencher| {
        bencher.iter(|| {
            let y = transformer.forward(x.clone(), Some(mask.clone()));
            black_box(y.sum().backward())
        });
    });
    group.finish();
}

fn tokens(study: &Study) -> TokenizedSequences {
    let ids = study.table.feature_ids();
    let pairs = ids.iter().map(|id| (id, id));
    TokenizedSequences::new(pairs, &TokenOptions::default()).expect("simulated sequences")
}

fn update(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let mut base = Base::init(&config(), &device).expect("a valid model");
    let study = study();
    let sequences = tokens(&study);
    let batcher = Batcher {
        table: &study.table,
        sequences: &sequences,
        limit: PLACES,
        sampling: AsvSampling::First,
        chunk: ASVS,
    };
    let rows: Vec<usize> = (0..BATCH).collect();
    let batch = batcher.batch(&rows, &mut stream(1, "bench"));
    let chunks = batch.groups.chunks(&sequences);
    let truth = Tensor::<2>::ones([BATCH, BATCH], &device);
    let mut optimizer = AdamWConfig::new().init();
    let mut group = criterion.benchmark_group("update of pre-training");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("8 samples", |bencher| {
        bencher.iter(|| {
            let encoding = Encoding::new(
                &base,
                &chunks,
                AsvSeeds::of_one_replica(1),
                &device,
                Replica::ALONE,
            );
            let encoding = encoding.expect("one replica cannot fail another");
            let input = batch.input(None, None, &device);
            let samples = base.embed_samples(encoding.embeddings.clone(), &input.samples);
            let distances = base.distances(0, samples);
            let distances = distances.expect("every base predicts one kind");
            let loss = unifrac_loss(distances, truth.clone());
            let mut backward = loss.backward();
            let gradient = encoding.gradient(&mut backward);
            let gradient = gradient.expect("one replica cannot fail another");
            let mut gradients = GradientsAccumulator::new();
            gradients.accumulate(&base, GradientsParams::from_grads(backward, &base));
            encoding.replay(&base, &gradient, &mut gradients);
            drop(encoding);
            base = optimizer.step(1e-4, base.clone(), gradients.grads());
        });
    });
    group.finish();
}

criterion_group!(benches, encoder, samples, update);
criterion_main!(benches);
