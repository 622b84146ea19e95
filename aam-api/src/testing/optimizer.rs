//! Optimizers, on a model with a parameter of every role. The loss is half the squared distance of the
//! parameters from known values.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::nn::{Embedding, EmbeddingConfig};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, ensure, plugin};
use crate::{GroupedOptimizer, OptimizerContext, OptimizerKind, Plugin};

/// Learning rates, at least one of which must work.
const RATES: [f64; 5] = [0.1, 0.03, 0.01, 0.003, 0.001];
/// Updates within which the distance must halve.
const UPDATES: usize = 300;
/// Names of the parameters, in order.
const PARAMETERS: [&str; 5] = ["matrix", "row", "cube", "bias", "embedding"];
/// How many of them, counted from the first, are weights.
const WEIGHTS: usize = 3;

#[derive(Module, Debug)]
struct Model {
    matrix: Param<Tensor<2>>,
    row: Param<Tensor<2>>,
    cube: Param<Tensor<3>>,
    bias: Param<Tensor<1>>,
    embedding: Embedding,
}

/// Slices of flattened parameters, under the ids of the whole ones.
#[derive(Module, Debug)]
struct Pieces {
    pieces: Vec<Param<Tensor<1>>>,
}

impl Conformance for OptimizerKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let build = |decay, everything| {
            let context = OptimizerContext::new(decay, everything);
            let built = plugin::build(plugin, options, &context)?;
            built.ok_or_else(|| "refuses a model with parameters of every role".to_owned())
        };
        let plain = build(0.0, false)?;
        check_learning(&plain)?;
        check_decay(&build(0.1, false)?, WEIGHTS)?;
        check_decay(&build(0.1, true)?, PARAMETERS.len())?;
        let decaying = build(0.01, false)?;
        check_standing_still(&decaying)?;
        check_state(&decaying)?;
        match decaying.is_elementwise() {
            true => check_pieces(&decaying),
            false => Ok(()),
        }
    }
}

crate::register_suite!(OptimizerKind);

fn device() -> Device {
    Device::default().autodiff()
}

fn param<const D: usize>(numbers: &mut Numbers, shape: [usize; D]) -> Param<Tensor<D>> {
    let values = TensorData::new(numbers.normals(shape.iter().product()), shape);
    let tensor = Tensor::from_data(values, &device()).require_grad();
    Param::initialized(ParamId::new(), tensor)
}

/// The same model in every run, except for the ids of its parameters.
fn model() -> Model {
    let mut numbers = Numbers::new(11);
    let mut embedding = EmbeddingConfig::new(5, 2).init(&device());
    embedding.weight = param(&mut numbers, [5, 2]);
    Model {
        matrix: param(&mut numbers, [3, 4]),
        row: param(&mut numbers, [1, 4]),
        cube: param(&mut numbers, [2, 2, 3]),
        bias: param(&mut numbers, [4]),
        embedding,
    }
}

/// The target values of the parameters of `module`.
fn targets(module: &impl Module) -> Vec<Vec<f32>> {
    let mut numbers = Numbers::new(12);
    let parameters = values(module).into_iter();
    let near = |value: f32, change: f32| value + 0.5 * change;
    parameters
        .map(|own| {
            let changes = numbers.normals(own.len());
            own.into_iter()
                .zip(changes)
                .map(|(v, c)| near(v, c))
                .collect()
        })
        .collect()
}

struct Values(Vec<Vec<f32>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data().convert::<f32>();
        self.0.push(data.try_to_vec().unwrap_or_default());
    }
}

/// The values of each parameter.
fn values(module: &impl Module) -> Vec<Vec<f32>> {
    let mut found = Values(Vec::new());
    module.visit(&mut found);
    found.0
}

struct Distances<'a> {
    targets: std::slice::Iter<'a, Vec<f32>>,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Distances<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(target) = self.targets.next() else {
            return;
        };
        let target = TensorData::new(target.clone(), param.shape());
        let difference = param.val() - Tensor::from_data(target, &device());
        let distance = difference.square().sum().mul_scalar(0.5);
        self.sum = Some(match self.sum.take() {
            None => distance,
            Some(sum) => sum + distance,
        });
    }
}

/// `module` after updates with its distance from `targets`, times `factor`, as the loss.
fn updated<M: Module>(
    mut module: M,
    optimizer: &mut ModuleOptimizer,
    targets: &[Vec<f32>],
    (rate, factor, count): (f64, f64, usize),
) -> M {
    for _ in 0..count {
        let mut distances = Distances {
            targets: targets.iter(),
            sum: None,
        };
        module.visit(&mut distances);
        let Some(loss) = distances.sum else { break };
        let gradients = loss.mul_scalar(factor).backward();
        let gradients = GradientsParams::from_grads(gradients, &module);
        module = optimizer.step(rate, module, gradients);
    }
    module
}

fn check_learning(built: &GroupedOptimizer) -> Check {
    let start = model();
    let targets = targets(&start);
    let distance = |values: &[f32], target: &[f32]| -> f32 {
        let pairs = values.iter().zip(target);
        pairs.map(|(a, b)| (a - b).powi(2)).sum()
    };
    let before = values(&start);
    let mut lagging = String::new();
    for rate in RATES {
        let mut optimizer = built.for_module(&start);
        let after = updated(
            start.clone(),
            &mut optimizer,
            &targets,
            (rate, 1.0, UPDATES),
        );
        let after = values(&after);
        // Not written as a comparison with >, so that NaN counts as not learned.
        let learned =
            |i: usize| distance(&after[i], &targets[i]) < 0.5 * distance(&before[i], &targets[i]);
        match (0..PARAMETERS.len()).find(|&i| !learned(i)) {
            None => return Ok(()),
            Some(i) => lagging = format!("{} at a rate of {rate}", PARAMETERS[i]),
        }
    }
    Err(format!(
        "{UPDATES} updates do not halve the squared distance of a parameter from its target at any \
         of the rates {RATES:?}: {lagging}"
    ))
}

/// Without gradients only decay changes parameters: here the first `decayed` ones.
fn check_decay(built: &GroupedOptimizer, decayed: usize) -> Check {
    let start = model();
    let mut optimizer = built.for_module(&start);
    let after = updated(
        start.clone(),
        &mut optimizer,
        &targets(&start),
        (1e-3, 0.0, 3),
    );
    let length = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>();
    let pairs = values(&start).into_iter().zip(values(&after));
    for (i, (before, after)) in pairs.enumerate() {
        let name = PARAMETERS[i];
        match i < decayed {
            true => ensure!(
                length(&after) < length(&before),
                "weight decay does not shrink {name}"
            ),
            false => ensure!(
                before == after,
                "{name} changes without a gradient, though it has no weight decay"
            ),
        }
    }
    Ok(())
}

fn check_standing_still(built: &GroupedOptimizer) -> Check {
    let start = model();
    let mut optimizer = built.for_module(&start);
    let after = updated(
        start.clone(),
        &mut optimizer,
        &targets(&start),
        (0.0, 1.0, 2),
    );
    ensure!(
        values(&start) == values(&after),
        "parameters change at a learning rate of 0"
    );
    Ok(())
}

/// A state that was saved and loaded continues as if it had not been.
fn check_state(built: &GroupedOptimizer) -> Check {
    let start = model();
    let targets = targets(&start);
    let mut optimizer = built.for_module(&start);
    let halfway = updated(start, &mut optimizer, &targets, (0.01, 1.0, 3));
    let failed = |error: &dyn std::fmt::Display| format!("its state cannot be saved: {error}");
    let bytes = optimizer.into_bytes().map_err(|error| failed(&error))?;
    let mut again = built.for_module(&halfway);
    again = again.from_bytes(bytes).map_err(|error| failed(&error))?;
    let unbroken = updated(halfway.clone(), &mut optimizer, &targets, (0.01, 1.0, 3));
    let resumed = updated(halfway, &mut again, &targets, (0.01, 1.0, 3));
    let pairs = values(&unbroken).into_iter().zip(values(&resumed));
    for (name, (unbroken, resumed)) in PARAMETERS.iter().zip(pairs) {
        ensure!(
            unbroken == resumed,
            "{name} develops differently after the state was saved and loaded; is all of it in the \
             `RecordState`, and is none of it in the optimizer itself?"
        );
    }
    Ok(())
}

/// Slices of parameters that are updated separately equal the updated whole.
fn check_pieces(built: &GroupedOptimizer) -> Check {
    for group in built.groups() {
        let shapes = group.state_shapes(7);
        ensure!(
            shapes.iter().all(|shape| shape == &[7]),
            "it is elementwise, but its state of 7 numbers has tensors of the shapes {shapes:?}"
        );
    }
    let start = model();
    let all = targets(&start);
    let ids = burn::module::list_param_ids(&start);
    let run = (0.01, 1.0, 4);
    let whole = values(&updated(
        start.clone(),
        &mut built.for_module(&start),
        &all,
        run,
    ));
    let before = values(&start);
    for (is_first, end) in [(true, "first"), (false, "second")] {
        let part = |values: &[f32]| match values.split_at(values.len() / 3) {
            (first, _) if is_first => first.to_vec(),
            (_, second) => second.to_vec(),
        };
        let piece = |(id, values): (&ParamId, &Vec<f32>)| {
            let values = part(values);
            let data = TensorData::new(values.clone(), [values.len()]);
            Param::initialized(*id, Tensor::from_data(data, &device()).require_grad())
        };
        let pieces = Pieces {
            pieces: ids.iter().zip(&before).map(piece).collect(),
        };
        let targets: Vec<Vec<f32>> = all.iter().map(|values| part(values)).collect();
        let pieces = values(&updated(
            pieces,
            &mut built.for_module(&start),
            &targets,
            run,
        ));
        for ((name, whole), piece) in PARAMETERS.iter().zip(&whole).zip(pieces) {
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 + 1e-5 * a.abs();
            ensure!(
                part(whole).iter().zip(&piece).all(close),
                "it is elementwise, but the {end} part of {name} becomes {piece:?} when it is \
                 updated by itself, and {:?} as part of the whole",
                part(whole)
            );
        }
    }
    Ok(())
}
