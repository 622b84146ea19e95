//! Sample encoders.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, DIM, attention, ensure, plugin};
use crate::{
    BoxedSampleEncoder, CountEmbeddingKind, FittingAsvs, MixedPrecision, ModelSizes, Plugin,
    Registry, Resolved, SampleAsvs, SampleEncoderContext, SampleEncoderKind, SampleView, ViewShape,
};

/// Distinct ASVs in a batch.
const DISTINCT: usize = 7;
/// Number of ASVs of each sample; the remaining slots are padding.
const ASVS: [usize; 4] = [6, 3, 1, 4];
const SLOTS: usize = 6;
const EXACT: MixedPrecision = MixedPrecision::None;

impl Conformance for SampleEncoderKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let context = SampleEncoderContext::new(ModelSizes::new(DIM), count_embedding()?);
        let build = |options: &Map<String, Value>| {
            plugin::build(plugin, options, &context)?
                .ok_or_else(|| "refuses a model of ordinary sizes".to_owned())
        };
        let mut numbers = Numbers::new(4);
        let batches: Vec<Vec<Array>> = (0..2)
            .map(|_| vec![numbers.array([1, DISTINCT, DIM])])
            .collect();
        let samples = Samples::new(&mut numbers);
        let run = |encoder: &BoxedSampleEncoder, inputs: &[Tensor<3>]| {
            apply(encoder, inputs[0].clone(), &samples)
        };
        let subject = Subject {
            build: &|_| build(options),
            run: &run,
            batches,
        };
        subject.check()?;
        let encoder = subject.component()?;
        check_samples(&encoder, &subject.batches[0][0], &samples)?;
        check_fit(&subject, &samples)?;
        check_attention(plugin, &encoder, &subject.batches[0][0], &samples)?;
        if let Some(options) = plugin::with_dropout(plugin, options, 0.5) {
            let subject = Subject {
                build: &|_| build(&options),
                ..subject
            };
            subject.check_dropout()?;
        }
        Ok(())
    }
}

crate::register_suite!(SampleEncoderKind);

/// A linked count embedding: `add`, or another one.
fn count_embedding() -> Result<Resolved, String> {
    let registry = Registry::<CountEmbeddingKind>::load().map_err(|error| error.to_string())?;
    let name = match registry.find("add") {
        Ok(_) => "add",
        Err(_) => registry.iter().next().map_or("add", |plugin| plugin.name),
    };
    Ok(Resolved::built_in(name))
}

/// Samples on the host: the numbers and counts of the ASVs of each.
#[derive(Clone)]
struct Samples {
    slots: usize,
    asvs: Vec<Vec<(usize, f32)>>,
    /// The ASV number at padding.
    padding: usize,
}

impl Samples {
    fn new(numbers: &mut Numbers) -> Self {
        let sample = |count: &usize| {
            let first = numbers.below(DISTINCT);
            let asvs = (0..*count).map(|i| (first + i) % DISTINCT);
            let asvs: Vec<usize> = asvs.collect();
            let asvs = asvs.into_iter();
            asvs.map(|asv| (asv, (1 + numbers.below(30)) as f32))
                .collect()
        };
        Self {
            slots: SLOTS,
            asvs: ASVS.iter().map(sample).collect(),
            padding: 0,
        }
    }

    fn on(&self, device: &Device) -> SampleAsvs {
        let shape = [self.asvs.len(), self.slots];
        type OfSlot<'a> = &'a dyn Fn(Option<&(usize, f32)>) -> f32;
        let slots = |of: OfSlot<'_>| -> Vec<f32> {
            let samples = self.asvs.iter();
            samples
                .flat_map(|asvs| (0..self.slots).map(|slot| of(asvs.get(slot))))
                .collect()
        };
        let index = slots(&|asv| asv.map_or(self.padding, |(asv, _)| *asv) as f32);
        let index: Vec<i32> = index.into_iter().map(|asv| asv as i32).collect();
        let counts = slots(&|asv| asv.map_or(0.0, |(_, count)| *count));
        let mask: Vec<bool> = counts.iter().map(|count| *count > 0.0).collect();
        SampleAsvs {
            index: Tensor::<2, Int>::from_data(TensorData::new(index, shape), device),
            mask: Tensor::<2, Bool>::from_data(TensorData::new(mask, shape), device),
            counts: Tensor::from_data(TensorData::new(counts, shape), device),
        }
    }
}

/// The view and the embeddings of `samples`, from embeddings `[1, distinct, dim]`.
fn apply(
    encoder: &BoxedSampleEncoder,
    asvs: Tensor<3>,
    samples: &Samples,
) -> Result<Vec<Tensor<3>>, String> {
    let device = asvs.device();
    let asvs: Tensor<2> = asvs.squeeze_dim(0);
    let on_device = samples.on(&device);
    let batch = samples.asvs.len();
    let view = encoder.view(asvs.clone(), &on_device, EXACT);
    let (seen, shape, expected) = match (&view, encoder.view_shape()) {
        (SampleView::Profiles(profiles), ViewShape::Profiles { width }) => {
            let seen: Tensor<3> = profiles.clone().unsqueeze_dim(1);
            (seen.clone(), seen.dims(), [batch, 1, width])
        }
        (SampleView::Asvs(seen), ViewShape::Asvs) => {
            (seen.clone(), seen.dims(), [batch, samples.slots, DIM])
        }
        _ => return Err("view_shape contradicts what view returns".to_owned()),
    };
    ensure!(
        shape == expected,
        "the view has the shape {shape:?}, expected {expected:?}"
    );
    if let SampleView::Asvs(_) = view {
        let beyond: Tensor<3> = seen.clone() * (on_device.present() * -1.0 + 1.0);
        let furthest: f32 = beyond.abs().max().into_scalar();
        ensure!(furthest == 0.0, "the view is not zero at padding");
    }
    if let Some(viewer) = encoder.viewer(asvs.clone()) {
        let all: Vec<i32> = (0..DISTINCT as i32).collect();
        let again = match viewer(Tensor::from_data(all.as_slice(), &device), &on_device) {
            SampleView::Profiles(profiles) => profiles.unsqueeze_dim(1),
            SampleView::Asvs(again) => again,
        };
        Array::read(&seen)?.check_close(&Array::read(&again)?, "view and viewer")?;
    }
    let embedded = encoder.embed(asvs.clone(), &on_device, EXACT);
    ensure!(
        embedded.dims() == [batch, DIM],
        "embeddings of samples have the shape {:?}, expected [batch, dim] = {:?}",
        embedded.dims(),
        [batch, DIM]
    );
    let again = encoder.embed_view(view, asvs, &on_device, EXACT);
    let again = Array::read(&again.unsqueeze_dim(1))?;
    let embedded = embedded.unsqueeze_dim(1);
    Array::read(&embedded)?.check_close(&again, "embed and embed_view")?;
    Ok(vec![seen, embedded])
}

/// A sample's outputs on the host: its view (without padding), and its embedding.
fn outputs(
    encoder: &BoxedSampleEncoder,
    asvs: &Array,
    samples: &Samples,
    sample: usize,
) -> Result<(Vec<Vec<f32>>, Array), String> {
    let found = apply(encoder, asvs.tensor(&Device::default()), samples)?;
    let [seen, embedded] = [Array::read(&found[0])?, Array::read(&found[1])?];
    let rows = match encoder.view_shape() {
        ViewShape::Profiles { .. } => 1,
        ViewShape::Asvs => samples.asvs[sample].len(),
    };
    let seen = seen.sample(sample).rows(rows);
    let [_, _, width] = seen.shape;
    let rows = seen.values.chunks(width).map(<[f32]>::to_vec).collect();
    Ok((rows, embedded.sample(sample)))
}

/// Samples do not influence each other, and neither the content nor the amount of padding nor the order
/// of a sample's ASVs matters.
fn check_samples(encoder: &BoxedSampleEncoder, asvs: &Array, samples: &Samples) -> Check {
    for (sample, own) in samples.asvs.iter().enumerate() {
        let (seen, embedded) = outputs(encoder, asvs, samples, sample)?;
        let compare = |others: &Samples, at: usize, turned: bool, what: &str| -> Check {
            let (mut other, embedding) = outputs(encoder, asvs, others, at)?;
            if turned && encoder.view_shape() == ViewShape::Asvs {
                other.reverse();
            }
            let flat = |rows: &[Vec<f32>]| Array {
                shape: [1, rows.len(), rows[0].len()],
                values: rows.concat(),
            };
            let what = format!("sample {sample} {what}");
            flat(&seen).check_close(&flat(&other), &format!("the view of {what}"))?;
            embedded.check_close(&embedding, &format!("the embedding of {what}"))
        };
        let alone = Samples {
            slots: own.len(),
            asvs: vec![own.clone()],
            padding: 0,
        };
        compare(&alone, 0, false, "among others, padded, and alone")?;
        let mut others = samples.clone();
        others.padding = DISTINCT - 1;
        others.slots += 2;
        compare(&others, sample, false, "with other and more padding")?;
        let mut turned = samples.clone();
        turned.asvs[sample].reverse();
        compare(&turned, sample, true, "with its ASVs in another order")?;
    }
    Ok(())
}

/// An encoder that declares attention either publishes its weights, or leaves pooling to the model.
fn check_attention(
    plugin: &Plugin<SampleEncoderKind>,
    encoder: &BoxedSampleEncoder,
    asvs: &Array,
    samples: &Samples,
) -> Check {
    let device = Device::default();
    let asvs: Tensor<2> = asvs.tensor(&device).squeeze_dim(0);
    let seen = encoder.attention(asvs, &samples.on(&device), EXACT);
    let published = attention::check(&seen, (&ASVS, samples.slots), 0)?;
    match encoder.view_shape() {
        ViewShape::Asvs if !published => Ok(()),
        _ => attention::check_declared(plugin.publishes_attention, published),
    }
}

/// Fitted statistics are saved, and the fitted encoder still conforms.
fn check_fit(subject: &Subject<'_, BoxedSampleEncoder>, samples: &Samples) -> Check {
    let encoder = subject.component()?;
    let device = Device::default();
    let asvs: Vec<Tensor<2>> = subject
        .batches
        .iter()
        .map(|inputs| inputs[0].tensor(&device).squeeze_dim(0))
        .collect();
    let mut batches = asvs.iter().map(|asvs| (asvs.clone(), samples.on(&device)));
    let study = FittingAsvs::new(Tensor::cat(asvs.clone(), 0), None);
    let fitted = encoder.fitted(study, &mut batches);
    ensure!(
        fitted.is_some() == encoder.is_fitted(),
        "is_fitted contradicts what fitted returns"
    );
    let Some(fitted) = fitted else {
        return Ok(());
    };
    let inputs = &subject.batches[0];
    for output in subject.outputs(&fitted, inputs)? {
        output.check_finite("outputs after fitting")?;
    }
    ensure!(
        subject.outputs(&fitted, inputs)? != subject.outputs(&encoder, inputs)?,
        "fitting changes nothing"
    );
    subject.check_saving(&fitted)?;
    check_samples(&fitted, &inputs[0], samples)
}
