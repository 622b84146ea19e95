//! Fusions.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, DIM, attention, categories, ensure, plugin};
use crate::export::{Axis, Element, ExportedCategories, Graph};
use crate::{
    BoxedFusion, CategorySchema, FusedAsvs, FusionContext, FusionKind, Observation, Plugin,
};

/// Number of ASVs of each sample; the remaining slots are padding.
const ASVS: [usize; 5] = [6, 3, 1, 4, 5];
const SLOTS: usize = 6;

impl Conformance for FusionKind {
    fn check(plugin: &Plugin<FusionKind>, options: &Map<String, Value>) -> Check {
        let (mut built, mut published) = (0, false);
        for with_categories in [false, true] {
            let context = FusionContext::new(DIM).with_categories(match with_categories {
                true => categories::schema(),
                false => CategorySchema::default(),
            });
            check_in(plugin, options, &context)?;
            if let Some(fusion) = plugin::build(plugin, options, &context)? {
                built += 1;
                published |= check_attention(&fusion, &context)?;
            }
        }
        ensure!(built > 0, "refuses every run, with and without categories");
        attention::check_declared(plugin.publishes_attention, published)
    }
}

crate::register_suite!(FusionKind);

/// Checks the attention weights that the fusion publishes for ASVs and for profiles; returns whether
/// there are any.
fn check_attention(fusion: &BoxedFusion, context: &FusionContext) -> Result<bool, String> {
    let (batch, columns) = (ASVS.len(), context.categories.columns.len());
    let mut numbers = Numbers::new(3);
    let device = Device::default();
    let mut inputs = Vec::new();
    if columns > 0 {
        inputs.extend(categories::inputs(batch, &mut numbers));
    }
    let inputs: Vec<Tensor<3>> = inputs.iter().map(|input| input.tensor(&device)).collect();
    let categories = categories::categories(&inputs, 0);
    let asvs = numbers.array([batch, SLOTS, DIM]).tensor(&device);
    let profiles = asvs.clone().narrow(1, 0, 1).squeeze_dim(1);
    let (pooled, mut of_asvs) =
        match fusion.fuse_asvs(asvs, mask(&ASVS, SLOTS, &device), categories.as_ref()) {
            FusedAsvs::Pooled(pooled, observations) => (pooled, observations),
            FusedAsvs::Asvs(fused, observations) => {
                (fused.mean_dim(1).squeeze_dim(1), observations)
            }
        };
    let after = fusion.fuse_pooled(pooled, categories.as_ref());
    of_asvs.extend(after.observations);
    let of_profiles = fusion.fuse_profile(profiles, categories.as_ref());
    let with_asvs = attention::check(&of_asvs, (&ASVS, SLOTS), columns)?;
    let one = [1; ASVS.len()];
    let with_profiles = attention::check(&of_profiles.observations, (&one, 1), columns)?;
    Ok(with_asvs || with_profiles)
}

/// Checks the fusion in one run, unless the fusion says that the run lacks something.
fn check_in(
    plugin: &Plugin<FusionKind>,
    options: &Map<String, Value>,
    context: &FusionContext,
) -> Check {
    let Some(fusion) = plugin::build(plugin, options, context)? else {
        return Ok(());
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
    Ok(())
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
    check_exported(fusion, categories.is_some(), change > 0.0)?;
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

/// Checks that a fusion that can be exported exports what it does after pooling, if it `changes` anything there.
fn check_exported(fusion: &BoxedFusion, with_categories: bool, changes: bool) -> Check {
    let mut graph = Graph::new();
    let axes = [Axis::Samples, Axis::Fixed(DIM)];
    let embedding = graph.input("embedding", Element::Float, &axes, "");
    let categories = with_categories.then(|| {
        let schema = categories::schema();
        let axes = [Axis::Samples, Axis::Fixed(schema.columns.len())];
        let ids = graph.input("ids", Element::Int64, &axes, "");
        let columns = schema.columns.iter().enumerate().map(|(place, column)| {
            let axes = [Axis::Samples, Axis::Fixed(column.width)];
            graph.input(&format!("column {place}"), Element::Float, &axes, "")
        });
        let columns = columns.collect();
        ExportedCategories::new(&mut graph, ids, columns)
    });
    let categories = categories.as_ref();
    if fusion
        .export_profile(&mut graph, &embedding, categories)
        .is_none()
    {
        return Ok(());
    }
    let pooled = fusion.export_pooled(&mut graph, &embedding, categories);
    ensure!(
        !changes || pooled != Some(embedding),
        "export_pooled leaves out what fuse_pooled does"
    );
    Ok(())
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
