//! Time of the model's parts at the reference's size: the encoder of ASVs without and with
//! gradients, the transformer over the ASVs of samples, and a whole update of pre-training.
//!
//! `cargo bench -p aam-benches --bench encoder`. All are on the CPU, with a thread per core.

use std::hint::black_box;

use aam_runtime::batch::Batcher;
use aam_runtime::data::{AsvSampling, TokenOptions, TokenizedSequences};
use aam_runtime::model::{Asv, Base, ModelConfig, SamplePooling, TransformerConfig, unifrac_loss};
use aam_runtime::random::stream;
use aam_runtime::simulate::{SimulateOptions, Study, simulate};
use aam_runtime::train::encoding::{Chunk, Encoding};
use burn::optim::{AdamWConfig, GradientsAccumulator, GradientsParams};
use burn::tensor::{Bool, Device, Distribution, Tensor};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

const DIM: usize = 128;
/// ASVs that are encoded.
const ASVS: usize = 64;
/// Samples of a batch, and the most ASVs of each.
const BATCH: usize = 8;
const PLACES: usize = 128;

fn config() -> ModelConfig {
    ModelConfig {
        dim: DIM,
        heads: 4,
        asv_layers: 4,
        sample_layers: 4,
        encoder_layers: 4,
        pooling: SamplePooling::Attention,
        ..ModelConfig::default()
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
    let fused = base.fused_encoder(&device).expect("the CPU has one");
    let study = study();
    let sequences = tokens(&study);
    let rows: Vec<Vec<u8>> = (0..ASVS).map(|asv| sequences.get(asv).collect()).collect();
    let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let gradient = vec![0.01; ASVS * DIM];
    let masks: Vec<Vec<bool>> = rows
        .iter()
        .map(|row| (0..row.len()).map(|place| place % 7 == 3).collect())
        .collect();
    let mut group = criterion.benchmark_group("encoder of 64 ASVs");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(ASVS as u64));
    group.bench_function("embeddings", |bencher| {
        bencher.iter(|| black_box(fused.embed(&rows, 1)));
    });
    for (name, with_embeddings, with_guesses) in [
        ("gradients of embeddings", true, false),
        ("gradients of nucleotides", false, true),
        ("gradients of both", true, true),
    ] {
        let asvs: Vec<Asv<'_>> = (0..ASVS)
            .map(|asv| Asv {
                tokens: rows[asv],
                gradient: with_embeddings.then(|| &gradient[asv * DIM..][..DIM]),
                guess: with_guesses.then(|| (rows[asv], masks[asv].as_slice())),
            })
            .collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(fused.learn(&asvs, 0.01, 1)));
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
    // From a quarter of the places to all of them.
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
    let chunks = Chunk::of(&batch.groups, &sequences);
    let truth = Tensor::<2>::ones([BATCH, BATCH], &device);
    let mut optimizer = AdamWConfig::new().init();
    let mut group = criterion.benchmark_group("update of pre-training");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("8 samples", |bencher| {
        bencher.iter(|| {
            let encoding = Encoding::new(&base, &chunks, 1, &device);
            let input = batch.input(None, None, &device);
            let samples = base.embed_samples(encoding.embeddings.clone(), &input);
            let loss = unifrac_loss(base.distances(samples), truth.clone());
            let mut backward = loss.backward();
            let gradient = encoding.embeddings.grad_remove(&mut backward);
            let gradient = gradient.expect("samples depend on ASVs");
            let mut gradients = GradientsAccumulator::new();
            gradients.accumulate(&base, GradientsParams::from_grads(backward, &base));
            encoding.replay(&base, &base, &gradient, &mut gradients);
            base = optimizer.step(1e-4, base.clone(), gradients.grads());
        });
    });
    group.finish();
}

criterion_group!(benches, encoder, samples, update);
criterion_main!(benches);
