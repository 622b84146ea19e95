//! Losses.

use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, ensure, plugin};
use crate::{BoxedLoss, LossContext, LossKind, Plugin};

const BATCH: usize = 6;
const TARGETS: usize = 2;

impl Conformance for LossKind {
    fn check(plugin: &Plugin<LossKind>, options: &Map<String, Value>) -> Check {
        let mut built = 0;
        for classes in [None, Some(2), Some(4)] {
            let names = |classes| (0..classes).map(|class| format!("class {class}"));
            let context = LossContext::new(classes.map(|classes| names(classes).collect()));
            built += usize::from(check_in(plugin, options, &context)?);
        }
        ensure!(built > 0, "refuses every target, numbers and classes");
        Ok(())
    }
}

crate::register_suite!(LossKind);

/// Checks the loss for one type of target; returns false if the loss refuses it.
fn check_in(
    plugin: &Plugin<LossKind>,
    options: &Map<String, Value>,
    context: &LossContext,
) -> Result<bool, String> {
    let Some(loss) = plugin::build(plugin, options, context)? else {
        return Ok(false);
    };
    let outputs = loss.outputs_per_target();
    ensure!(outputs > 0, "asks for no outputs");

    let mut numbers = Numbers::new(3);
    let batches: Vec<Vec<Array>> = (0..3)
        .map(|_| vec![numbers.array([BATCH, TARGETS, outputs])])
        .collect();
    let target = target(context, &mut numbers);
    let run = |loss: &BoxedLoss, inputs: &[Tensor<3>]| {
        let losses = apply(loss, inputs[0].clone(), &target)?;
        Ok(vec![losses.unsqueeze_dim(2)])
    };
    let build = |options: &Map<String, Value>| {
        plugin::build(plugin, options, context)?
            .ok_or_else(|| "refuses a run it accepted".to_owned())
    };
    let subject = Subject {
        build: &|_| build(options),
        run: &run,
        batches,
    };
    subject.check()?;
    check_alone(&subject, &target)?;
    for inputs in &subject.batches {
        check_prediction(&subject.component()?, &inputs[0], context)?;
    }
    Ok(true)
}

/// Targets `[batch, targets, 1]`: numbers, or every class in turn.
fn target(context: &LossContext, numbers: &mut Numbers) -> Array {
    let mut target = numbers.array([BATCH, TARGETS, 1]);
    if let Some(classes) = &context.classes {
        for (index, value) in target.values.iter_mut().enumerate() {
            *value = (index % classes.len()) as f32;
        }
    }
    target
}

fn apply(loss: &BoxedLoss, values: Tensor<3>, target: &Array) -> Result<Tensor<2>, String> {
    let [batch, targets, _] = target.shape;
    let data = TensorData::new(target.values.clone(), [batch, targets]);
    let target = Tensor::<2>::from_data(data, &values.device());
    let losses = loss.forward(values, target);
    ensure!(
        losses.dims() == [batch, targets],
        "losses have the shape {:?}, expected [batch, targets] = {:?}",
        losses.dims(),
        [batch, targets]
    );
    Ok(losses)
}

/// Every sample and target alone gives the same as among others, so that the runtime can weight
/// samples and give each target its own loss.
fn check_alone(subject: &Subject<'_, BoxedLoss>, target: &Array) -> Check {
    let loss = subject.component()?;
    let inputs = &subject.batches[0];
    let [_, _, outputs] = inputs[0].shape;
    let together = &subject.outputs(&loss, inputs)?[0];
    for index in 0..BATCH * TARGETS {
        let values = Array {
            shape: [1, 1, outputs],
            values: inputs[0].values[index * outputs..(index + 1) * outputs].to_vec(),
        };
        let target = Array {
            shape: [1, 1, 1],
            values: vec![target.values[index]],
        };
        let alone = apply(&loss, values.tensor(&Device::default()), &target)?;
        let alone = Array::read(&alone.unsqueeze_dim(2))?;
        let among = Array {
            shape: [1, 1, 1],
            values: vec![together.values[index]],
        };
        let (sample, target) = (index / TARGETS, index % TARGETS);
        let what = format!("loss of sample {sample} and target {target} among others and alone");
        among.check_close(&alone, &what)?;
    }
    Ok(())
}

fn check_prediction(loss: &BoxedLoss, values: &Array, context: &LossContext) -> Check {
    let prediction = loss.predict(values.tensor(&Device::default()));
    let read = |tensor: Tensor<2>, what: &str| -> Result<Vec<f32>, String> {
        ensure!(
            tensor.dims() == [BATCH, TARGETS],
            "{what} has the shape {:?}, expected [batch, targets] = {:?}",
            tensor.dims(),
            [BATCH, TARGETS]
        );
        let array = Array::read(&tensor.unsqueeze_dim(2))?;
        array.check_finite(what)?;
        Ok(array.values)
    };
    let point = read(prediction.point, "the predicted value")?;
    ensure!(
        prediction.interval.is_some() == loss.predicts_interval(),
        "predicts_interval contradicts what is predicted"
    );
    if let Some((lower, upper)) = prediction.interval {
        let lower = read(lower, "the lower bound of the interval")?;
        let upper = read(upper, "the upper bound of the interval")?;
        let ordered = lower
            .iter()
            .zip(&upper)
            .all(|(lower, upper)| lower <= upper);
        ensure!(
            ordered,
            "the upper bound of an interval is below its lower bound"
        );
    }
    let Some(classes) = context.classes.as_ref().map(Vec::len) else {
        return Ok(());
    };
    let is_class = |value: &f32| value.fract() == 0.0 && (0.0..classes as f32).contains(value);
    ensure!(
        point.iter().all(is_class),
        "a predicted value is not the index of a class: {point:?}"
    );
    let Some(probabilities) = prediction.probabilities else {
        return Err("predicts no probabilities of the classes".to_owned());
    };
    ensure!(
        probabilities.dims() == [BATCH, TARGETS, classes],
        "probabilities have the shape {:?}, expected [batch, targets, classes]",
        probabilities.dims()
    );
    let probabilities = Array::read(&probabilities)?;
    probabilities.check_finite("probabilities")?;
    for shares in probabilities.values.chunks(classes) {
        let sum: f32 = shares.iter().sum();
        ensure!(
            shares.iter().all(|share| *share >= 0.0) && (sum - 1.0).abs() < 1e-4,
            "probabilities {shares:?} are not a distribution"
        );
    }
    Ok(())
}
