//! Heads.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, DIM, attention, categories, ensure, plugin};
use crate::{BoxedHead, CategorySchema, HeadContext, HeadInput, HeadKind, HeadOutput, Plugin};

const BATCH: usize = 8;

impl Conformance for HeadKind {
    fn check(plugin: &Plugin<HeadKind>, options: &Map<String, Value>) -> Check {
        let (mut built, mut published) = (0, false);
        for (targets, outputs_per_target) in [(1, 1), (2, 3)] {
            for with_categories in [false, true] {
                let context = HeadContext::new(DIM, targets, outputs_per_target);
                let context = context.with_categories(match with_categories {
                    true => categories::schema(),
                    false => CategorySchema::default(),
                });
                if let Some(head) = plugin::build(plugin, options, &context)? {
                    published |= check_attention(&head, &context)?;
                }
                built += usize::from(check_in(plugin, options, &context)?);
            }
        }
        ensure!(built > 0, "refuses every run, with and without categories");
        attention::check_declared(plugin.publishes_attention, published)
    }
}

crate::register_suite!(HeadKind);

/// Checks the attention weights that the head publishes; returns whether there are any.
fn check_attention(head: &BoxedHead, context: &HeadContext) -> Result<bool, String> {
    let device = burn::tensor::Device::default();
    let inputs = inputs(context, &mut Numbers::new(3));
    let inputs: Vec<Tensor<3>> = inputs.iter().map(|input| input.tensor(&device)).collect();
    let seen = apply(head, &inputs, context, 0)?.observations;
    let columns = context.categories.columns.len();
    attention::check(&seen, (&[1; BATCH], 1), columns)
}

/// Checks the head in one run; returns false if the head says that the run lacks something.
fn check_in(
    plugin: &Plugin<HeadKind>,
    options: &Map<String, Value>,
    context: &HeadContext,
) -> Result<bool, String> {
    if plugin::build(plugin, options, context)?.is_none() {
        return Ok(false);
    }
    let mut numbers = Numbers::new(1);
    let batches = (0..4).map(|_| inputs(context, &mut numbers)).collect();
    let run = |head: &BoxedHead, inputs: &[Tensor<3>]| {
        let output = apply(head, inputs, context, 0)?;
        let penalty = output.penalty.map(|penalty| penalty.reshape([1, 1, 1]));
        Ok(std::iter::once(output.values).chain(penalty).collect())
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
    check_samples(&subject, context)?;
    if let Some(options) = plugin::with_dropout(plugin, options, 0.5) {
        let subject = Subject {
            build: &|_| build(&options),
            ..subject
        };
        subject.check_dropout()?;
    }
    Ok(true)
}

fn inputs(context: &HeadContext, numbers: &mut Numbers) -> Vec<Array> {
    let mut inputs = vec![numbers.array([BATCH, 1, DIM])];
    if !context.categories.is_empty() {
        inputs.extend(categories::inputs(BATCH, numbers));
    }
    inputs
}

/// Applies the head to samples whose category ids start at `first`, and checks the shapes.
fn apply(
    head: &BoxedHead,
    inputs: &[Tensor<3>],
    context: &HeadContext,
    first: usize,
) -> Result<HeadOutput, String> {
    let [batch, _, _] = inputs[0].dims();
    let output = head.forward(HeadInput::new(
        inputs[0].clone().squeeze_dim(1),
        categories::categories(&inputs[1..], first),
    ));
    let expected = [batch, context.targets, context.outputs_per_target];
    ensure!(
        output.values.dims() == expected,
        "values have the shape {:?}, expected [batch, targets, outputs per target] = {expected:?}",
        output.values.dims()
    );
    if head.outputs_ascend() {
        let values = Array::read(&output.values)?.values;
        let mut targets = values.chunks(context.outputs_per_target);
        ensure!(
            targets.all(|outputs| outputs.is_sorted()),
            "outputs_ascend contradicts the values: outputs of a target are not in ascending order"
        );
    }
    for observation in &output.observations {
        ensure!(
            observation.values.dims()[0] == batch,
            "the observation '{}' does not start with the batch",
            observation.name
        );
    }
    Ok(output)
}

/// Every sample alone gives the same as among others.
fn check_samples(subject: &Subject<'_, BoxedHead>, context: &HeadContext) -> Check {
    let head = subject.component()?;
    let device = burn::tensor::Device::default();
    let inputs = &subject.batches[0];
    let together = &subject.outputs(&head, inputs)?[0];
    for sample in 0..BATCH {
        let alone: Vec<Tensor<3>> = inputs
            .iter()
            .map(|input| input.sample(sample).tensor(&device))
            .collect();
        let alone = Array::read(&apply(&head, &alone, context, sample)?.values)?;
        let what = format!("sample {sample} among others and alone");
        together.sample(sample).check_close(&alone, &what)?;
    }
    Ok(())
}
