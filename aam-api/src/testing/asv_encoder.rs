//! ASV encoders.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::parameters::{check_same_gradients, gradients_of};
use super::subject::Subject;
use super::{Check, Conformance, DIM, ensure, plugin};
use crate::recomputation::Recomputation;
use crate::tokens::{FIRST_BASE, LAST_BASE, MASK, START, VOCABULARY};
use crate::{
    AsvChunk, AsvEncoderContext, AsvEncoderKind, BoxedAsvEncoder, MaskedChunk, MixedPrecision,
    ModelSizes, Plugin,
};

const ASVS: usize = 5;
/// Tokens per ASV in each of the batches.
const LENGTHS: [usize; 2] = [13, 9];
const EXACT: MixedPrecision = MixedPrecision::None;

impl Conformance for AsvEncoderKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let context = AsvEncoderContext::new(ModelSizes::new(DIM), 20);
        let build = |options: &Map<String, Value>| {
            plugin::build(plugin, options, &context)?
                .ok_or_else(|| "refuses a model of ordinary sizes".to_owned())
        };
        let mut numbers = Numbers::new(5);
        let batches = LENGTHS.map(|length| vec![tokens(length, &mut numbers)]);
        let subject = Subject {
            build: &|_| build(options),
            run: &run,
            batches: batches.to_vec(),
        };
        subject.check()?;
        for inputs in &subject.batches {
            check_alone(&subject, &inputs[0])?;
        }
        let chunks: Vec<AsvChunk> = subject
            .batches
            .iter()
            .map(|inputs| chunk(&inputs[0]))
            .collect();
        check_recomputation(&subject.component()?, &chunks)?;
        check_masked(&subject.component()?, &chunks)?;
        if let Some(options) = plugin::with_dropout(plugin, options, 0.5) {
            let subject = Subject {
                build: &|_| build(&options),
                ..subject
            };
            subject.check_dropout()?;
            check_seeds(&subject.component()?, &chunks)?;
        }
        Ok(())
    }
}

crate::register_suite!(AsvEncoderKind);

/// ASVs of a start token and pseudo-random bases.
fn tokens(length: usize, numbers: &mut Numbers) -> Array {
    let bases = usize::from(LAST_BASE - FIRST_BASE) + 1;
    let token = |place: usize| match place % length {
        0 => START,
        _ => FIRST_BASE + numbers.below(bases) as u8,
    };
    Array {
        shape: [ASVS, length, 1],
        values: (0..ASVS * length).map(token).map(f32::from).collect(),
    }
}

fn chunk(tokens: &Array) -> AsvChunk {
    AsvChunk {
        tokens: tokens.values.iter().map(|&token| token as u8).collect(),
        length: tokens.shape[1],
    }
}

/// Embeddings and, where the encoder predicts nucleotides, their logits.
fn run(encoder: &BoxedAsvEncoder, inputs: &[Tensor<3>]) -> Result<Vec<Tensor<3>>, String> {
    let [asvs, length, _] = inputs[0].dims();
    // The suite perturbs inputs slightly.
    let tokens = inputs[0].clone().detach().add_scalar(0.5).int();
    let tokens = tokens.reshape([asvs, length]);
    let embeddings = encoder.forward(tokens.clone(), EXACT);
    ensure!(
        embeddings.dims() == [asvs, DIM],
        "embeddings have the shape {:?}, expected [ASVs, dim] = {:?}",
        embeddings.dims(),
        [asvs, DIM]
    );
    let embeddings = embeddings.unsqueeze_dim(1);
    let Some(predictor) = encoder.nucleotide_predictor() else {
        return Ok(vec![embeddings]);
    };
    let output = predictor.predict(tokens, EXACT);
    let expected = [asvs, length, VOCABULARY];
    ensure!(
        output.logits.dims() == expected,
        "logits have the shape {:?}, expected [ASVs, length, vocabulary] = {expected:?}",
        output.logits.dims()
    );
    // In training, the two passes draw different dropout.
    if !embeddings.is_autodiff() {
        let again = Array::read(&output.embeddings.unsqueeze_dim(1))?;
        let what = "the embeddings with and without predicted nucleotides";
        Array::read(&embeddings)?.check_close(&again, what)?;
    }
    Ok(vec![embeddings, output.logits])
}

/// Every ASV alone gives the same as among others, in any order.
fn check_alone(subject: &Subject<'_, BoxedAsvEncoder>, tokens: &Array) -> Check {
    let encoder = subject.component()?;
    let together = subject.outputs(&encoder, std::slice::from_ref(tokens))?;
    for asv in 0..ASVS {
        let alone = subject.outputs(&encoder, &[tokens.sample(asv)])?;
        for (together, alone) in together.iter().zip(&alone) {
            let what = format!("ASV {asv} among others and alone");
            together.sample(asv).check_close(alone, &what)?;
        }
    }
    Ok(())
}

/// Embeddings and gradients computed chunk by chunk equal those of the whole, by either method.
fn check_recomputation(encoder: &BoxedAsvEncoder, chunks: &[AsvChunk]) -> Check {
    let device = Device::default().autodiff();
    let encoder = encoder.clone().train();
    let whole: Vec<Tensor<2>> = chunks
        .iter()
        .map(|chunk| encoder.forward(chunk.tensor(&device), EXACT))
        .collect();
    let whole = Tensor::cat(whole, 0);
    let at = Numbers::new(8).array([ASVS * chunks.len(), 1, DIM]);
    let at: Tensor<2> = at.tensor(&Device::default()).squeeze_dim(1);
    let loss = (whole.clone() * Tensor::from_inner(at.clone())).sum();
    let expected = GradientsParams::from_grads(loss.backward(), &encoder);
    let expected = gradients_of(&encoder, &expected);
    let whole = Array::read(&whole.inner().unsqueeze_dim(1))?;
    // Split the first chunk in two.
    let single = AsvChunk::part(chunks, 0..1);
    let rest = AsvChunk::part(chunks, 1..ASVS * chunks.len());
    let parts = [single, rest].concat();
    for (way, recomputation) in ways(&encoder, &device) {
        let found = recomputation.embed(&parts, 0).unsqueeze_dim(1);
        let what = format!("embeddings of the whole, and of chunks {way}");
        whole.check_close(&Array::read(&found)?, &what)?;
        let mut sum = GradientsAccumulator::new();
        recomputation.backward(&parts, &at, 0, &mut |part| sum.accumulate(&encoder, part));
        let found = gradients_of(&encoder, &sum.grads());
        check_same_gradients(
            &expected,
            &found,
            &format!("of the whole, and of chunks {way}"),
        )?;
    }
    Ok(())
}

/// The available methods of recomputation.
fn ways<'a>(
    encoder: &'a BoxedAsvEncoder,
    device: &Device,
) -> Vec<(&'static str, Recomputation<'a>)> {
    let own = Recomputation::new(encoder, EXACT, device);
    let mut ways = vec![(
        "through graphs",
        Recomputation::through_graphs(encoder, EXACT, device),
    )];
    if own.has_own_way() {
        ways.push(("by the encoder's own method", own));
    }
    ways
}

/// Losses and gradients of masked nucleotides are the same by either method.
fn check_masked(encoder: &BoxedAsvEncoder, chunks: &[AsvChunk]) -> Check {
    if encoder.nucleotide_predictor().is_none() {
        return Ok(());
    }
    let device = Device::default().autodiff();
    let trained = encoder.clone().train();
    let masked: Vec<MaskedChunk> = chunks.iter().map(masked).collect();
    let mut first = None;
    for (way, recomputation) in ways(&trained, &device) {
        let mut sum = GradientsAccumulator::new();
        let loss = recomputation
            .backward_masked(&masked, None, 0.5, 0, &mut |part| {
                sum.accumulate(&trained, part);
            })
            .map_err(|error| error.to_string())?;
        let found = (loss, gradients_of(&trained, &sum.grads()));
        let Some((expected, gradients)) = &first else {
            first = Some(found);
            continue;
        };
        let what = format!("of masked nucleotides through graphs and {way}");
        let (near, far) = (found.0, *expected);
        ensure!(
            (near - far).abs() < 1e-4 * far.abs().max(1.0),
            "losses {what}: {far} and {near}"
        );
        check_same_gradients(gradients, &found.1, &what)?;
    }
    let plain = Device::default();
    let guesses = ways(encoder, &plain)
        .into_iter()
        .map(|(_, recomputation)| recomputation.guess(&masked));
    let guesses: Vec<_> = guesses
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    ensure!(
        guesses.iter().all(|guess| guess.right == guesses[0].right),
        "the number of correct nucleotides differs between methods: {guesses:?}"
    );
    Ok(())
}

/// The chunk with every third base masked.
fn masked(chunk: &AsvChunk) -> MaskedChunk {
    let mask: Vec<bool> = (0..chunk.tokens.len())
        .map(|place| place % chunk.length % 3 == 1)
        .collect();
    let tokens = chunk.tokens.iter().zip(&mask);
    MaskedChunk {
        original: chunk.clone(),
        masked: AsvChunk {
            tokens: tokens
                .map(|(&token, masked)| if *masked { MASK } else { token })
                .collect(),
            length: chunk.length,
        },
        mask,
    }
}

/// In training a seed determines the dropout, so that encoding again drops the same values.
fn check_seeds(encoder: &BoxedAsvEncoder, chunks: &[AsvChunk]) -> Check {
    let device = Device::default().autodiff();
    let trained = encoder.clone().train();
    for (way, recomputation) in ways(&trained, &device) {
        let embed = |seed| Array::read(&recomputation.embed(chunks, seed).unsqueeze_dim(1));
        ensure!(
            embed(1)? == embed(1)?,
            "{way}, dropout differs from pass to pass with the same seed; \
             draw it from the device's generator"
        );
        ensure!(
            embed(1)? != embed(2)?,
            "{way}, dropout is the same whatever the seed"
        );
    }
    Ok(())
}
