//! Benchmarks every linked component with its default options, for each kind in [`TIMED`]. For
//! modules, the forward pass alone and together with the backward pass, and the number of parameters;
//! for strategies, the communication of one update between ranks in threads; for optimizers, the
//! update.
//!
//! `cargo bench -p aam-benches` runs all benchmarks, and `cargo bench -p aam-benches -- head/mlp`
//! those whose name contains this. With `--save-baseline before` and later `--baseline before`, either
//! compares two states of the code. The first run compiles Burn again, with the features that
//! criterion needs. The sizes are those of a typical batch: 64 samples of 150 ASVs, embeddings of
//! width 128, two categorical columns of width 16, one target; for strategies and optimizers, a
//! million parameters.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use aam_api::kind::kinds;
use aam_api::{
    BoxedFusion, BoxedHead, BoxedLoss, BoxedStrategy, Categories, CategoryColumn, CategorySchema,
    Choice, Communicator, FusedAsvs, FusionContext, FusionKind, HeadContext, HeadInput, HeadKind,
    InProcess, Kind, LossContext, LossKind, OptimizerContext, OptimizerKind, ParallelStrategy,
    PluginError, Registry, StrategyContext, StrategyKind,
};
use aam_plugins as _;
use burn::module::Module;
use burn::nn::LinearConfig;
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Distribution, Int, Tensor};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BATCH: usize = 64;
const ASVS: usize = 150;
const DIM: usize = 128;
const CLASSES: usize = 8;
/// Number of parameters that ranks exchange.
const ROW: usize = 1 << 20;
const RANKS: usize = 4;

/// Benchmarks the components of a kind.
type Time = fn(&mut Criterion) -> Result<(), PluginError>;

/// The kinds with benchmarks.
const TIMED: [(&str, Time); 5] = [
    (HeadKind::NAME, all::<HeadKind>),
    (FusionKind::NAME, all::<FusionKind>),
    (LossKind::NAME, all::<LossKind>),
    (StrategyKind::NAME, strategies),
    (OptimizerKind::NAME, optimizers),
];

/// A kind whose components are modules.
trait TimedModule: Kind {
    /// Contexts to build a component for; the first that it accepts is used.
    fn contexts() -> Vec<Self::Context>;

    /// Benchmarks a component built for `context`.
    fn time(
        criterion: &mut Criterion,
        name: &str,
        component: Self::Component,
        context: &Self::Context,
    );
}

fn all<K: TimedModule>(criterion: &mut Criterion) -> Result<(), PluginError> {
    let registry = Registry::<K>::load()?;
    let contexts = K::contexts();
    for plugin in registry.iter() {
        let resolved = registry.resolve(&Choice::named(plugin.name))?;
        let name = format!("{}/{}", K::NAME, plugin.name);
        for context in &contexts {
            match registry.build(&resolved, context, &Device::default()) {
                Err(PluginError::Needs { .. }) => continue,
                built => K::time(criterion, &name, built?, context),
            }
            break;
        }
    }
    Ok(())
}

fn every_kind(criterion: &mut Criterion) {
    for kind in kinds().expect("no duplicates") {
        match TIMED.iter().find(|(name, _)| *name == kind.name) {
            Some((_, time)) => time(criterion).expect("the defaults fit the contexts"),
            None => println!("components of the kind '{}' are not timed", kind.name),
        }
    }
}

fn schema() -> CategorySchema {
    let column = |name: &str| CategoryColumn::new(name, 10, 16);
    CategorySchema::new(vec![column("location"), column("season")])
}

fn normal<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
}

fn categories(device: &Device) -> Categories {
    let columns: Vec<Tensor<2>> = schema()
        .columns
        .iter()
        .map(|column| normal([BATCH, column.width], device))
        .collect();
    let joined = Tensor::cat(columns.clone(), 1);
    Categories::new(
        Tensor::<2, Int>::ones([BATCH, columns.len()], device),
        columns,
        joined,
    )
}

/// Benchmarks `run`, which reduces a component's output to a scalar, given the device of its
/// inputs.
fn measure<M: Module>(
    criterion: &mut Criterion,
    name: &str,
    component: M,
    run: impl Fn(&M, &Device) -> Tensor<1>,
) {
    let device = Device::default();
    let parameters = component.num_params();
    let mut group = criterion.benchmark_group(format!("{name} ({parameters} parameters)"));
    let valid = component.valid();
    group.bench_function("forward", |bencher| {
        bencher.iter(|| black_box(run(&valid, &device).into_data()));
    });
    let device = device.autodiff();
    let trained = valid.train();
    if run(&trained, &device).is_tracked() {
        group.bench_function("forward and backward", |bencher| {
            bencher.iter(|| black_box(run(&trained, &device).backward()));
        });
    }
    group.finish();
}

impl TimedModule for HeadKind {
    fn contexts() -> Vec<HeadContext> {
        vec![HeadContext::new(DIM, 1, 3).with_categories(schema())]
    }

    fn time(criterion: &mut Criterion, name: &str, head: BoxedHead, _: &HeadContext) {
        let pooled = normal([BATCH, DIM], &Device::default());
        let beside = categories(&Device::default());
        measure(criterion, name, head, |head, device| {
            let categories = categories_on(&beside, device);
            let input = HeadInput::new(on(&pooled, device), Some(categories));
            head.forward(input).values.sum()
        });
    }
}

impl TimedModule for FusionKind {
    fn contexts() -> Vec<FusionContext> {
        vec![FusionContext::new(DIM).with_categories(schema())]
    }

    fn time(criterion: &mut Criterion, name: &str, fusion: BoxedFusion, _: &FusionContext) {
        let asvs = normal([BATCH, ASVS, DIM], &Device::default());
        let beside = categories(&Device::default());
        measure(criterion, name, fusion, |fusion, device| {
            let mask = Tensor::<2, Bool>::full([BATCH, ASVS], true, device);
            let categories = categories_on(&beside, device);
            let fused = fusion.fuse_asvs(on(&asvs, device), mask, Some(&categories));
            let pooled = match fused {
                FusedAsvs::Pooled(pooled, _) => pooled,
                FusedAsvs::Asvs(asvs, _) => asvs.mean_dim(1).squeeze_dim(1),
            };
            fusion.fuse_pooled(pooled, Some(&categories)).pooled.sum()
        });
    }
}

impl TimedModule for LossKind {
    fn contexts() -> Vec<LossContext> {
        let classes = (0..CLASSES).map(|class| class.to_string());
        vec![
            LossContext::number(),
            LossContext::new(Some(classes.collect())),
        ]
    }

    fn time(criterion: &mut Criterion, name: &str, loss: BoxedLoss, context: &LossContext) {
        let values = normal([BATCH, 1, loss.outputs_per_target()], &Device::default());
        let target = match context.classes {
            None => normal([BATCH, 1], &Device::default()),
            Some(_) => Tensor::ones([BATCH, 1], &Device::default()),
        };
        measure(criterion, name, loss, |loss, device| {
            let values = match device.is_autodiff() {
                true => on(&values, device).require_grad(),
                false => values.clone(),
            };
            loss.forward(values, on(&target, device)).sum()
        });
    }
}

/// Benchmarks the communication of each strategy for one update: summed gradients and shared
/// parameters.
fn strategies(criterion: &mut Criterion) -> Result<(), PluginError> {
    let registry = Registry::<StrategyKind>::load()?;
    let device = Device::default();
    for plugin in registry.iter() {
        let resolved = registry.resolve(&Choice::named(plugin.name))?;
        let build = |communicator: Arc<dyn Communicator>| {
            let context = StrategyContext::new(vec![device.clone()], communicator);
            registry.build(&resolved, &context, &device)
        };
        let mut group = criterion.benchmark_group(format!("strategy/{}", plugin.name));
        group.throughput(Throughput::Elements(ROW as u64));
        for size in [1, RANKS] {
            let ranks = InProcess::ranks(size).into_iter();
            let ranks: Result<Vec<BoxedStrategy>, _> =
                ranks.map(|rank| build(Arc::new(rank))).collect();
            let ranks = match ranks {
                // A strategy for a single rank.
                Err(PluginError::Needs { .. }) => continue,
                ranks => ranks?,
            };
            group.bench_function(
                BenchmarkId::new("reduce and share, ranks", size),
                |bencher| {
                    bencher.iter(|| update(&ranks));
                },
            );
        }
        group.finish();
    }
    Ok(())
}

/// One update of a row by all `ranks`.
fn update(ranks: &[BoxedStrategy]) {
    let exchanged = |rank: &dyn ParallelStrategy| {
        let updated = rank.reduce_gradients(Tensor::ones([ROW], &Device::flex()))?;
        rank.gather_parameters(updated, ROW)
    };
    thread::scope(|scope| {
        let threads = ranks.iter().map(|rank| scope.spawn(|| exchanged(&**rank)));
        let threads: Vec<_> = threads.collect();
        for thread in threads {
            let shared = thread.join().expect("no panic");
            black_box(shared.expect("no rank fails"));
        }
    });
}

/// Benchmarks an update of a square matrix by each optimizer.
fn optimizers(criterion: &mut Criterion) -> Result<(), PluginError> {
    let registry = Registry::<OptimizerKind>::load()?;
    let device = Device::default().autodiff();
    let side = ROW.isqrt();
    let model = LinearConfig::new(side, side).init(&device);
    let gradients = || {
        let loss = model.forward(Tensor::<2>::ones([1, side], &device)).sum();
        GradientsParams::from_grads(loss.backward(), &model)
    };
    for plugin in registry.iter() {
        let resolved = registry.resolve(&Choice::named(plugin.name))?;
        let context = OptimizerContext::new(0.01, false);
        let optimizer = registry.build(&resolved, &context, &device)?;
        let mut optimizer = optimizer.for_module(&model);
        let mut group = criterion.benchmark_group(format!("optimizer/{}", plugin.name));
        group.throughput(Throughput::Elements(ROW as u64));
        group.bench_function("update", |bencher| {
            let update = |gradients| {
                let updated = optimizer.step(1e-3, model.clone(), gradients);
                black_box(updated.weight.val().into_data())
            };
            bencher.iter_batched(gradients, update, BatchSize::LargeInput);
        });
        group.finish();
    }
    Ok(())
}

fn on<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    match device.is_autodiff() {
        true => Tensor::from_inner(tensor.clone()),
        false => tensor.clone(),
    }
}

fn categories_on(categories: &Categories, device: &Device) -> Categories {
    let columns: Vec<Tensor<2>> = categories.columns.iter().map(|c| on(c, device)).collect();
    let joined = Tensor::cat(columns.clone(), 1);
    Categories::new(
        Tensor::<2, Int>::ones([BATCH, columns.len()], device),
        columns,
        joined,
    )
}

criterion_group!(components_of_all_kinds, every_kind);
criterion_main!(components_of_all_kinds);
