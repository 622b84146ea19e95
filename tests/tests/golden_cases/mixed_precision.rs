//! The numbers of the reference in half precision: equal within its rounding errors, but not to
//! 32-bit precision.

use aam_runtime::model::{Base, MixedPrecision, unifrac_loss};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::support::{Case, in_samples, norm};

/// Outputs, losses and gradient norm.
struct Found {
    outputs: Vec<(&'static str, Vec<f64>)>,
    losses: [f64; 2],
    gradient: f64,
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn computed(precision: MixedPrecision) -> Found {
    let case = Case::new("case4_pretrain_mae");
    let base = Base::init(&case.model_config(), &Device::flex()).unwrap();
    let (base, _) = case.weights("weights.safetensors").load_base(base).unwrap();
    let base = base.with_precision(precision).train();
    let (clean, tokens) = (case.tokens(false), case.tokens(true));
    let input = case.input(&tokens, &[]);
    let encoded = base.predict_nucleotides(tokens.rows.clone()).unwrap();
    let logits = encoded.logits;
    let (asvs, samples) = in_samples(&base, encoded.embeddings, &input);
    let distances = base.distances(0, samples.clone()).unwrap();
    let outputs = vec![
        ("sample_embeddings", numbers(asvs)),
        ("embeddings", numbers(samples)),
        ("pairwise_distances", numbers(distances.clone())),
    ];
    let unifrac = unifrac_loss(distances, case.tensor("targets/base_target"));
    let nucleotides = case.nucleotides(logits, &clean, Some("inputs/mask_indices"));
    let value = |term: &Tensor<1>| f64::from(term.clone().into_scalar::<f32>());
    let losses = [value(&unifrac), value(&nucleotides)];
    let gradients = (unifrac + nucleotides).backward();
    Found {
        outputs,
        losses,
        gradient: norm(&base, &gradients),
    }
}

/// Root mean squared difference, relative to the root mean square.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).powi(2));
    let squares: f64 = expected.iter().map(|value| value * value).sum();
    (differences.sum::<f64>() / squares).sqrt()
}

#[test]
fn outputs_losses_and_gradient_in_half_precision() {
    let case = Case::new("case4_pretrain_mae");
    let single = computed(MixedPrecision::None);
    // A unit in the last place is 2⁻⁸ or 2⁻¹¹, and rounding errors accumulate over layers.
    for (precision, allowed) in [(MixedPrecision::Bf16, 5e-3), (MixedPrecision::Fp16, 7e-4)] {
        let found = computed(precision);
        for ((name, numbers), (_, before)) in found.outputs.iter().zip(&single.outputs) {
            let (_, expected) = case.array(&format!("outputs/{name}"));
            let off = apart(numbers, &expected);
            println!("{precision:?} {name}: off by {off:.1e}");
            assert!(off < allowed, "{precision:?} {name}: off by {off}");
            assert!(apart(numbers, before) > allowed / 100.0, "{name}");
        }
        let terms = ["unifrac_loss", "nuc_loss"];
        for ((term, loss), before) in terms.iter().zip(found.losses).zip(single.losses) {
            let expected = case.expected("train_f64", term);
            println!("{precision:?} {term}: {loss} expected {expected}");
            assert!((loss / expected - 1.0).abs() < allowed);
            assert_ne!(loss, before);
        }
        let expected = case.expected("train_f64", "grad_norm");
        println!(
            "{precision:?} gradient: {} expected {expected}",
            found.gradient
        );
        assert!((found.gradient / expected - 1.0).abs() < 2.0 * allowed);
        assert_ne!(found.gradient, single.gradient);
    }
}
