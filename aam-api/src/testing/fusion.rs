//! Fusions.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, DIM, categories, ensure, plugin};
use crate::{
    BoxedFusion, CategorySchema, FusedAsvs, FusionContext, FusionKind, Observation, Plugin,
};

/// Number of ASVs of each sample; the remaining slots are padding.
const ASVS: [usize; 5] = [6, 3, 1, 4, 5];
const SLOTS: usize = 6;

impl Conformance for FusionKind {
    fn check(plugin: &Plugin<FusionKind>, options: &Map<String, Value>) -> Check {
        let mut built = 0;
        for with_categories in [false, true] {
            let context = FusionContext::new(DIM).with_categories(match with_categories {
                true => categories::schema(),
                false => CategorySchema::default(),
            });
            built += usize::from(check_in(plugin, options, &context)?);
        }
        ensure!(built > 0, "refuses every run, with and without categories");
        Ok(())
    }
}

crate::register_suite!(FusionKind);

/// Checks the fusion in one run; returns false if the fusion says that the run lacks something.
fn check_in(
    plugin: &Plugin<FusionKind>,
    options: &Map<String, Value>,
    context: &FusionContext,
) -> Result<bool, String> {
    let Some(fusion) = plugin::build(plugin, options, context)? else {
        return Ok(false);
    };
    let batch = ASVS.len();
    let mut numbers = Numbers::new(2);
    let batches = (0..2)
        .map(|_| {
            let mut inputs = vec![numbers.array([batch, SLOTS, DIM])];
            if !context.categories.is_empty() {
                inputs.extend(categories::inputs(batch, &mut numbers));
            }
            inputs
        })
        .collect();
    let run = |fusion: &BoxedFusion, inputs: &[Tensor<3>]| apply(fusion, inputs, &ASVS, 0);
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
    check_samples_and_padding(&subject)?;
    check_profiles(&subject)?;

    // A batch without categories must pass through a fusion that was built for some.
    let asvs = subject.batches[0][0].tensor(&Device::default());
    apply(&fusion, &[asvs], &ASVS, 0)?;

    if let Some(options) = plugin::with_dropout(plugin, options, 0.5) {
        let subject = Subject {
            build: &|_| build(&options),
            ..subject
        };
        subject.check_dropout()?;
    }
    Ok(true)
}

/// The outputs to compare: the fused ASVs without padding, unless the fusion replaces pooling, and the
/// fused samples.
fn apply(
    fusion: &BoxedFusion,
    inputs: &[Tensor<3>],
    asvs: &[usize],
    first: usize,
) -> Result<Vec<Tensor<3>>, String> {
    let [batch, slots, _] = inputs[0].dims();
    let categories = categories::categories(&inputs[1..], first);
    let present = mask(asvs, slots, &inputs[0].device());
    let fused = fusion.fuse_asvs(inputs[0].clone(), present.clone(), categories.as_ref());
    let replaces = matches!(fused, FusedAsvs::Pooled(..));
    ensure!(
        replaces == fusion.replaces_pooling(),
        "replaces_pooling contradicts what fuse_asvs returns"
    );
    let mut outputs = Vec::new();
    let pooled = match fused {
        FusedAsvs::Pooled(pooled, observations) => {
            check_observations(&observations, batch)?;
            pooled
        }
        FusedAsvs::Asvs(fused, observations) => {
            check_observations(&observations, batch)?;
            ensure!(
                fused.dims() == [batch, slots, DIM],
                "fused ASVs have the shape {:?}, expected [batch, asvs, dim] = {:?}",
                fused.dims(),
                [batch, slots, DIM]
            );
            let kept = present.float().unsqueeze_dim::<3>(2);
            let fused = fused * kept;
            outputs.push(fused.clone());
            fused.sum_dim(1).squeeze_dim::<2>(1)
        }
    };
    let before = pooled.clone();
    let fused = fusion.fuse_pooled(pooled, categories.as_ref());
    check_observations(&fused.observations, batch)?;
    let change: f32 = (fused.pooled.clone() - before).abs().max().into_scalar();
    ensure!(
        change == 0.0 || !fusion.changes_nothing(),
        "changes_nothing contradicts what fuse_pooled returns"
    );
    ensure!(
        fused.pooled.dims() == [batch, DIM],
        "fused samples have the shape {:?}, expected [batch, dim] = {:?}",
        fused.pooled.dims(),
        [batch, DIM]
    );
    outputs.push(fused.pooled.unsqueeze_dim(1));
    Ok(outputs)
}

/// Checks a model in which a sample is one vector, using the first ASV of each sample.
fn check_profiles(subject: &Subject<'_, BoxedFusion>) -> Check {
    let batches = subject.batches.iter().map(|inputs| {
        let mut inputs = inputs.clone();
        inputs[0] = inputs[0].rows(1);
        inputs
    });
    let profiles = Subject {
        build: subject.build,
        run: &|fusion, inputs| apply_to_profiles(fusion, inputs, 0),
        batches: batches.collect(),
    };
    profiles
        .check()
        .map_err(|problem| format!("of profiles: {problem}"))?;
    let fusion = profiles.component()?;
    let inputs = &profiles.batches[0];
    let together = &profiles.outputs(&fusion, inputs)?[0];
    for sample in 0..ASVS.len() {
        let alone = inputs.iter().map(|input| input.sample(sample));
        let alone: Vec<Tensor<3>> = alone
            .map(|input| input.tensor(&Device::default()))
            .collect();
        let alone = Array::read(&apply_to_profiles(&fusion, &alone, sample)?[0])?;
        let what = format!("the profile of sample {sample} among others and alone");
        together.sample(sample).check_close(&alone, &what)?;
    }
    Ok(())
}

fn apply_to_profiles(
    fusion: &BoxedFusion,
    inputs: &[Tensor<3>],
    first: usize,
) -> Result<Vec<Tensor<3>>, String> {
    let [batch, _, _] = inputs[0].dims();
    let categories = categories::categories(&inputs[1..], first);
    let fused = fusion.fuse_profile(inputs[0].clone().squeeze_dim(1), categories.as_ref());
    check_observations(&fused.observations, batch)?;
    let fused = fusion.fuse_pooled(fused.pooled, categories.as_ref());
    check_observations(&fused.observations, batch)?;
    ensure!(
        fused.pooled.dims() == [batch, DIM],
        "fused profiles have the shape {:?}, expected [batch, dim] = {:?}",
        fused.pooled.dims(),
        [batch, DIM]
    );
    Ok(vec![fused.pooled.unsqueeze_dim(1)])
}

fn check_observations(observations: &[Observation], batch: usize) -> Check {
    for observation in observations {
        ensure!(
            observation.values.dims()[0] == batch,
            "the observation '{}' does not start with the batch",
            observation.name
        );
    }
    Ok(())
}

fn mask(asvs: &[usize], slots: usize, device: &Device) -> Tensor<2, Bool> {
    let present: Vec<bool> = asvs
        .iter()
        .flat_map(|&count| (0..slots).map(move |slot| slot < count))
        .collect();
    Tensor::from_data(TensorData::new(present, [asvs.len(), slots]), device)
}

/// Samples do not influence each other, and neither the content nor the amount of padding matters.
fn check_samples_and_padding(subject: &Subject<'_, BoxedFusion>) -> Check {
    let fusion = subject.component()?;
    let device = Device::default();
    let inputs = &subject.batches[0];
    let together = subject.outputs(&fusion, inputs)?;

    let mut filled = inputs.clone();
    for (sample, &count) in ASVS.iter().enumerate() {
        let start = (sample * SLOTS + count) * DIM;
        let end = (sample + 1) * SLOTS * DIM;
        filled[0].values[start..end].fill(37.0);
    }
    let other = subject.outputs(&fusion, &filled)?;
    for (a, b) in together.iter().zip(&other) {
        a.check_close(b, "zeros and other values in padding")?;
    }

    for (sample, &count) in ASVS.iter().enumerate() {
        let mut alone: Vec<Array> = inputs.iter().map(|input| input.sample(sample)).collect();
        alone[0] = alone[0].rows(count);
        let alone: Vec<Tensor<3>> = alone.iter().map(|input| input.tensor(&device)).collect();
        let alone = apply(&fusion, &alone, &[count], sample)?;
        for (together, alone) in together.iter().zip(&alone) {
            let alone = Array::read(alone)?;
            let [_, rows, _] = alone.shape;
            let what = format!("sample {sample} among others, padded, and alone");
            together
                .sample(sample)
                .rows(rows)
                .check_close(&alone, &what)?;
        }
    }
    Ok(())
}
