//! Time of every linked head, fusion and loss with its default options, forward alone and forward
//! with backward, and the number of its parameters.
//!
//! `cargo bench -p aam-benches` runs all, `cargo bench -p aam-benches -- head/mlp` those with this
//! in their name, and either of them with `--save-baseline before`, then `--baseline before`,
//! compares two states of the code. The first run compiles Burn again, with the features that
//! criterion needs. The sizes are those of an ordinary batch: 64 samples of 150 ASVs, embeddings of
//! width 128, two categorical columns of width 16, one target.

use std::hint::black_box;

use aam_api::{
    Categories, CategoryColumn, CategorySchema, Choice, FusedAsvs, FusionContext, FusionKind,
    HeadContext, HeadInput, HeadKind, Kind, LossContext, LossKind, PluginError, Registry,
};
use aam_plugins as _;
use burn::module::Module;
use burn::tensor::{Bool, Device, Distribution, Int, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};

const BATCH: usize = 64;
const ASVS: usize = 150;
const DIM: usize = 128;
const CLASSES: usize = 8;

/// The components of a kind, each built for the first of `contexts` that it accepts.
fn components<K: Kind>(
    contexts: &[K::Context],
    device: &Device,
) -> Vec<(&'static str, K::Component, usize)> {
    let registry = Registry::<K>::load().expect("no duplicates");
    registry
        .iter()
        .map(|plugin| {
            let resolved = registry
                .resolve(&Choice::named(plugin.name))
                .expect("the defaults are valid");
            let built = contexts
                .iter()
                .map(|context| registry.build(&resolved, context, device))
                .enumerate()
                .find(|(_, built)| !matches!(built, Err(PluginError::Needs { .. })));
            let (index, built) = built.expect("some context has all it needs");
            let built = built.expect("the defaults fit the context");
            (plugin.name, built, index)
        })
        .collect()
}

fn schema() -> CategorySchema {
    let column = |name: &str| CategoryColumn {
        name: name.to_owned(),
        levels: 10,
        width: 16,
    };
    CategorySchema {
        columns: vec![column("location"), column("season")],
    }
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
    Categories {
        ids: Tensor::<2, Int>::ones([BATCH, columns.len()], device),
        joined: Tensor::cat(columns.clone(), 1),
        columns,
    }
}

/// Measures `run`, which turns a component and the device of its inputs into a scalar.
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

fn heads(criterion: &mut Criterion) {
    let context = |categories: CategorySchema| HeadContext {
        dim: DIM,
        targets: 1,
        outputs_per_target: 3,
        categories,
    };
    let contexts = [context(schema())];
    for (name, head, _) in components::<HeadKind>(&contexts, &Device::default()) {
        let pooled = normal([BATCH, DIM], &Device::default());
        let beside = categories(&Device::default());
        measure(criterion, &format!("head/{name}"), head, |head, device| {
            let output = head.forward(HeadInput {
                pooled: on(&pooled, device),
                categories: Some(categories_on(&beside, device)),
            });
            output.values.sum()
        });
    }
}

fn fusions(criterion: &mut Criterion) {
    let contexts = [FusionContext {
        dim: DIM,
        categories: schema(),
    }];
    for (name, fusion, _) in components::<FusionKind>(&contexts, &Device::default()) {
        let asvs = normal([BATCH, ASVS, DIM], &Device::default());
        let beside = categories(&Device::default());
        measure(
            criterion,
            &format!("fusion/{name}"),
            fusion,
            |fusion, device| {
                let mask = Tensor::<2, Bool>::full([BATCH, ASVS], true, device);
                let categories = categories_on(&beside, device);
                let fused = fusion.fuse_asvs(on(&asvs, device), mask, Some(&categories));
                let pooled = match fused {
                    FusedAsvs::Pooled(pooled, _) => pooled,
                    FusedAsvs::Asvs(asvs, _) => asvs.mean_dim(1).squeeze_dim(1),
                };
                fusion.fuse_pooled(pooled, Some(&categories)).pooled.sum()
            },
        );
    }
}

fn losses(criterion: &mut Criterion) {
    let contexts = [
        LossContext { classes: None },
        LossContext {
            classes: Some((0..CLASSES).map(|class| class.to_string()).collect()),
        },
    ];
    for (name, loss, context) in components::<LossKind>(&contexts, &Device::default()) {
        let values = normal([BATCH, 1, loss.outputs_per_target()], &Device::default());
        let target = match contexts[context].classes {
            None => normal([BATCH, 1], &Device::default()),
            Some(_) => Tensor::ones([BATCH, 1], &Device::default()),
        };
        measure(criterion, &format!("loss/{name}"), loss, |loss, device| {
            let values = match device.is_autodiff() {
                true => on(&values, device).require_grad(),
                false => values.clone(),
            };
            loss.forward(values, on(&target, device)).sum()
        });
    }
}

fn on<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    match device.is_autodiff() {
        true => Tensor::from_inner(tensor.clone()),
        false => tensor.clone(),
    }
}

fn categories_on(categories: &Categories, device: &Device) -> Categories {
    let columns: Vec<Tensor<2>> = categories.columns.iter().map(|c| on(c, device)).collect();
    Categories {
        ids: Tensor::<2, Int>::ones([BATCH, columns.len()], device),
        joined: Tensor::cat(columns.clone(), 1),
        columns,
    }
}

criterion_group!(components_of_all_kinds, heads, fusions, losses);
criterion_main!(components_of_all_kinds);
