//! Tests that the fused encoder agrees with Burn.

use aam_api::{
    AsvChunk, AsvEncoder, AsvEncoderConfig, AsvEncoderContext, ModelSizes, nucleotide_accuracy,
    nucleotide_loss,
};
use burn::module::{Module, Param};
use burn::tensor::{Bool, Distribution, Int, Tensor, TensorData};
use rand::RngExt;

use super::*;
use crate::asv_encoder::AsvTransformerConfig;
use crate::{ModelConfig, Transformer};
use aam_core::random::stream;

fn config(dropout: f64) -> ModelConfig {
    ModelConfig {
        dim: 24,
        heads: 3,
        asv_layers: 2,
        dropout,
        max_bp: 40,
        ..ModelConfig::default().with_transformer()
    }
}

/// Shifts every parameter, so that none has a special value.
struct Shift;

impl burn::module::ModuleMapper for Shift {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let noise = Distribution::Normal(0.0, 0.1);
            let noise = Tensor::random(tensor.shape(), noise, &tensor.device());
            (tensor + noise).detach().require_grad()
        })
    }
}

fn encoder(dropout: f64, device: &Device) -> AsvTransformer {
    device.seed(5);
    let context = config(dropout).asv_context();
    let encoder = AsvTransformerConfig::default().init(&context, device);
    encoder.unwrap().map(&mut Shift)
}

fn on_device(tokens: &[u8], length: usize, device: &Device) -> Tensor<2, Int> {
    let tokens = tokens.to_vec();
    AsvChunk { tokens, length }.tensor(device)
}

/// Compares the gradients of all parameters of `module`, and returns their number.
fn compare<M: Module>(
    module: &M,
    found: &mut GradientsParams,
    expected: &mut GradientsParams,
) -> usize {
    struct Compare<'a>(&'a mut GradientsParams, &'a mut GradientsParams, usize);

    impl burn::module::ModuleVisitor for Compare<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let found = self.0.remove::<D>(param.id).unwrap().into_data();
            let expected = self.1.remove::<D>(param.id).unwrap().into_data();
            let name = format!("gradient {} of shape {}", self.2, param.val().shape());
            close(
                found.as_slice().unwrap(),
                expected.as_slice().unwrap(),
                &name,
            );
            self.2 += 1;
        }
    }

    let mut compare = Compare(found, expected, 0);
    module.visit(&mut compare);
    compare.2
}

/// Tokens of ASVs of equal length, and which are masked.
fn asvs(number: usize, length: usize) -> (Vec<u8>, Vec<bool>) {
    let mut rng = stream(3, "test");
    let tokens = (0..number * length)
        .map(|_| rng.random_range(1..=6))
        .collect();
    let masked = (0..number * length).map(|_| rng.random_bool(0.2)).collect();
    (tokens, masked)
}

fn close(found: &[f32], expected: &[f32], name: &str) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / largest;
        assert!(error < 1e-5, "{name}: {found} for {expected}");
    }
}

fn learned<'a>(
    tokens: &'a [u8],
    masked: &'a [bool],
    gradient: &'a [f32],
    length: usize,
) -> Vec<Asv<'a>> {
    let rows = tokens.chunks(length).zip(masked.chunks(length));
    rows.zip(gradient.chunks(24))
        .map(|((tokens, masked), gradient)| Asv {
            tokens,
            gradient: Some(gradient),
            masked: Some((tokens, masked)),
        })
        .collect()
}

#[test]
fn embeddings_predictions_and_gradients_match_burn() {
    let device = Device::flex().autodiff();
    let module = encoder(0.0, &device);
    let fused = FusedEncoder::new(&module, MixedPrecision::None, &device).unwrap();
    // A multiple of neither the number of lanes nor the size of work items.
    for (number, length) in [(9, 37), (1, 2), (5, 16)] {
        let (tokens, masked) = asvs(number, length);
        let rows: Vec<&[u8]> = tokens.chunks(length).collect();
        let tokens_on_device = on_device(&tokens, length, &device);
        let output = module.forward_by(tokens_on_device, Transformer::forward_through_burn);
        let embeddings = output.embeddings.clone().into_data();
        close(
            &fused.embed(&rows, 1),
            embeddings.as_slice().unwrap(),
            "embedding",
        );

        let weights = Tensor::<2>::random([number, 24], Distribution::Default, &device);
        let truth: Tensor<2, Int> = on_device(&tokens, length, &device);
        let selected = TensorData::new(masked.clone(), [number, length]);
        let selected = Tensor::<2, Bool>::from_data(selected, &device);
        let logits = module.logits(output.positions);
        let right = nucleotide_accuracy(logits.clone(), truth.clone(), selected.clone());
        let (loss, _) = nucleotide_loss(logits, truth, selected);
        let total = (output.embeddings * weights.clone()).sum() + loss.clone().mul_scalar(0.3);
        let mut expected = GradientsParams::from_grads(total.backward(), &module);

        let weights = weights.into_data();
        let learned = learned(&tokens, &masked, weights.as_slice().unwrap(), length);
        let (mut found, guesses) = fused.learn(&learned, 0.3, 1);
        assert_eq!(guesses, fused.guess(&learned));
        assert_eq!(guesses.right as f32, right.into_scalar::<f32>());
        close(&[guesses.loss as f32], &[loss.into_scalar()], "loss");

        let compared = compare(&module, &mut found, &mut expected);
        assert_eq!(compared, 2 + 2 * 12 + 2 + 3 + 2);
    }
}

#[test]
fn sequences_of_several_lengths_match_burn() {
    let device = Device::flex().autodiff();
    device.seed(6);
    let transformer = config(0.0).transformer(2).init(&device).map(&mut Shift);
    let (batch, places) = (6, 19);
    let lengths = [19, 3, 1, 16, 8, 17];
    let mask: Vec<bool> = lengths
        .iter()
        .flat_map(|&length| (0..places).map(move |place| place < length))
        .collect();
    let mask = TensorData::new(mask, [batch, places]);
    let mask = Tensor::<2, Bool>::from_data(mask, &device);
    let random = || Tensor::<3>::random([batch, places, 24], Distribution::Default, &device);
    let (x, weights) = (random().require_grad(), random());
    let weights = weights * mask.clone().float().unsqueeze_dim(2);
    let by = |forward: fn(&Transformer, Tensor<3>, Option<Tensor<2, Bool>>) -> Tensor<3>| {
        let y = forward(&transformer, x.clone(), Some(mask.clone())) * weights.clone();
        let mut gradients = y.clone().sum().backward();
        let at_x = x.grad_remove(&mut gradients).unwrap().into_data();
        let gradients = GradientsParams::from_grads(gradients, &transformer);
        (y.into_data(), at_x, gradients)
    };
    let (y, at_x, mut found) = by(Transformer::forward);
    let (expected, expected_at_x, mut gradients) = by(Transformer::forward_through_burn);
    close(
        y.as_slice().unwrap(),
        expected.as_slice().unwrap(),
        "output",
    );
    close(
        at_x.as_slice().unwrap(),
        expected_at_x.as_slice().unwrap(),
        "x",
    );
    assert_eq!(
        compare(&transformer, &mut found, &mut gradients),
        2 * 12 + 2
    );
}

#[test]
fn a_sequence_without_any_place_is_nothing() {
    let device = Device::flex();
    let transformer = config(0.0).transformer(1).init(&device);
    let x = Tensor::<3>::random([2, 3, 24], Distribution::Default, &device);
    let mask = Tensor::<2, Bool>::from_data([[true, true, false], [false; 3]], &device);
    let y: Vec<f32> = transformer
        .forward(x, Some(mask))
        .into_data()
        .iter()
        .collect();
    assert!(y[..48].iter().any(|value| *value != 0.0));
    assert!(y.iter().all(|value| value.is_finite()));
}

#[test]
fn gradients_use_the_same_dropout_as_embeddings() {
    let device = Device::flex().autodiff();
    let module = encoder(0.3, &device);
    let fused = FusedEncoder::new(&module, MixedPrecision::None, &device).unwrap();
    let (tokens, masked) = asvs(3, 20);
    let rows: Vec<&[u8]> = tokens.chunks(20).collect();
    let weights = vec![1.0; 3 * 24];
    let weights: Vec<f32> = weights
        .iter()
        .enumerate()
        .map(|(i, v)| v * (i % 5) as f32)
        .collect();
    let mut learned = learned(&tokens, &masked, &weights, 20);
    learned.iter_mut().for_each(|asv| asv.masked = None);
    let (gradients, _) = fused.learn_row(&learned, 0.0, 7);
    let value = |encoder: &FusedEncoder<'_>| -> f64 {
        let embeddings = encoder.embed(&rows, 7);
        let pairs = embeddings.iter().zip(&weights);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let without = FusedEncoder {
        dropout: 0.0,
        ..fused.clone()
    };
    let plain = without.embed(&rows, 7);
    let apart = plain.iter().zip(fused.embed(&rows, 7));
    let apart = apart.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(apart > 0.05, "{apart}");
    // Along the gradient, the value grows by the squared norm of the gradient.
    let moved = |step: f32| {
        let values = parameters::values(&module).unwrap();
        let pairs = values.iter().zip(&gradients);
        let values = pairs
            .map(|(value, gradient)| value + step * gradient)
            .collect();
        let encoder = Encoder::new(module.fused_shape().unwrap(), values).unwrap();
        value(&FusedEncoder {
            encoder,
            ..fused.clone()
        })
    };
    let square: f64 = gradients.iter().map(|v| f64::from(*v).powi(2)).sum();
    let step = 0.02 / square as f32;
    let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
    assert!((slope / square - 1.0).abs() < 0.01, "{slope} for {square}");
}

#[test]
fn results_do_not_depend_on_threads() {
    let device = Device::flex().autodiff();
    let module = encoder(0.1, &device);
    let fused = FusedEncoder::new(&module, MixedPrecision::None, &device).unwrap();
    let (tokens, masked) = asvs(30, 20);
    let gradient = vec![0.5; 30 * 24];
    let learned = learned(&tokens, &masked, &gradient, 20);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| fused.learn_row(&learned, 1.0, 3).0)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn models_that_mask_positions_use_burn() {
    let device = Device::flex();
    for ambiguous_is_padding in [false, true] {
        let mut context = AsvEncoderContext::new(ModelSizes::new(24), 41);
        context.ambiguous_is_padding = ambiguous_is_padding;
        let encoder = AsvTransformerConfig::default().init(&context, &device);
        let encoder = encoder.unwrap();
        let fused = encoder.recomputing(MixedPrecision::None, &device);
        assert_eq!(fused.is_none(), ambiguous_is_padding);
    }
}

/// The adapters of the fused encoder have the same gradients as in Burn, and frozen parameters have
/// none.
#[test]
fn adapter_gradients_match_burn() {
    let device = Device::flex().autodiff();
    let config = config(0.0);
    device.seed(7);
    let base = crate::Base::init(&config, &device).unwrap();
    let base = base.with_adapters(3, 6.0);
    struct Adapters;
    impl burn::module::ModuleMapper for Adapters {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            // B is zero, which would leave A without a gradient.
            let noise = Distribution::Normal(0.0, 0.1);
            match param.is_require_grad() {
                true => param.map(|tensor| {
                    let noise = Tensor::random(tensor.shape(), noise, &tensor.device());
                    (tensor + noise).detach().require_grad()
                }),
                false => param,
            }
        }
    }
    let base = base.map(&mut Adapters);
    let (tokens, _) = asvs(5, 11);
    let chunks = [AsvChunk {
        tokens: tokens.clone(),
        length: 11,
    }];
    let fused = base.embedding_encoder(&device);
    assert!(fused.has_own_way());
    let through_burn = base.encode_asvs(&[chunks[0].tensor(&device)]);
    close(
        fused.embed(&chunks, 0).into_data().as_slice().unwrap(),
        through_burn.clone().into_data().as_slice().unwrap(),
        "embeddings",
    );
    let dim = config.dim;
    let at: Vec<f32> = (0..5 * dim).map(|i| (i as f32 * 0.7).sin()).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(at, [5, dim]), &device);
    let mut expected =
        GradientsParams::from_grads((through_burn * weights.clone()).sum().backward(), &base);
    let mut found = GradientsParams::new();
    fused.backward(&chunks, &weights.inner(), 0, &mut |gradients| {
        found = gradients
    });
    assert_eq!((found.len(), expected.len()), (16, 16));
    struct Learning(GradientsParams, GradientsParams, usize);
    impl burn::module::ModuleVisitor for Learning {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                let found = self.0.remove::<D>(param.id).unwrap().into_data();
                let expected = self.1.remove::<D>(param.id).unwrap().into_data();
                let name = format!("adapter {}", self.2);
                close(
                    found.as_slice().unwrap(),
                    expected.as_slice().unwrap(),
                    &name,
                );
                self.2 += 1;
            }
        }
    }
    let mut learning = Learning(std::mem::take(&mut found), std::mem::take(&mut expected), 0);
    base.visit(&mut learning);
    assert_eq!(learning.2, 16);
}
