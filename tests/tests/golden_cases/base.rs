//! The pre-training model reproduces the reference implementation: outputs, losses, gradients, and
//! the weights after ten steps of AdamW.

use aam_runtime::model::{Base, unifrac_loss};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};

use crate::support::{Case, in_samples, norm};

const NAME: &str = "case4_pretrain_mae";
const MASK: &str = "inputs/mask_indices";

fn load(case: &Case, file: &str) -> Base {
    let base = Base::init(&case.model_config(), &Device::flex()).unwrap();
    let (base, report) = case.weights(file).load_base(base).unwrap();
    assert_eq!(report.missing, Vec::<String>::new());
    assert_eq!(report.unused, Vec::<String>::new());
    base
}

/// UniFrac loss and nucleotide loss; compares the outputs with `outputs`, if given.
fn losses(case: &Case, base: &Base, masked: bool, outputs: Option<&str>) -> [Tensor<1>; 2] {
    let (clean, tokens) = (case.tokens(false), case.tokens(masked));
    let input = case.input(&tokens, &[]);
    let encoded = base.predict_nucleotides(tokens.rows.clone()).unwrap();
    let logits = encoded.logits;
    let (asvs, samples) = in_samples(base, encoded.embeddings, &input);
    let distances = base.distances(0, samples.clone()).unwrap();
    if let Some(outputs) = outputs {
        case.check(&format!("{outputs}/sample_embeddings"), asvs);
        case.check(&format!("{outputs}/embeddings"), samples);
        case.check(&format!("{outputs}/pairwise_distances"), distances.clone());
        case.check_rows(
            &format!("{outputs}/nuc_predictions"),
            logits.clone(),
            &tokens,
        );
    }
    let unifrac = unifrac_loss(distances, case.tensor("targets/base_target"));
    let nucleotides = case.nucleotides(logits, &clean, masked.then_some(MASK));
    [unifrac, nucleotides]
}

#[test]
fn outputs_losses_and_gradient() {
    let case = Case::new(NAME);
    for (mode, masked, outputs) in [
        ("train_f64", true, "outputs"),
        ("eval_f64", false, "outputs_unmasked"),
    ] {
        let base = load(&case, "weights.safetensors").train();
        let [unifrac, nucleotides] = losses(&case, &base, masked, Some(outputs));
        case.check_loss(mode, "unifrac_loss", unifrac.clone());
        case.check_loss(mode, "nuc_loss", nucleotides.clone());
        let total = unifrac + nucleotides;
        case.check_loss(mode, "total_loss", total.clone());
        case.check_gradient(mode, &base, &total.backward());
    }
}

#[test]
fn ten_steps_of_adamw() {
    let case = Case::new(NAME);
    let trajectory = case.json("trajectory.json");
    let mut base = load(&case, "weights.safetensors").train();
    let mut optimizer = AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(0.01)
        .init();
    for step in trajectory["steps"].as_array().unwrap() {
        let expected = |name: &str| step[name].as_f64().unwrap();
        let [unifrac, nucleotides] = losses(&case, &base, true, None);
        for (name, term) in [("unifrac_loss", &unifrac), ("nuc_loss", &nucleotides)] {
            let found = f64::from(term.clone().into_scalar::<f32>());
            let expected = expected(name);
            println!("{name} {found} expected {expected}");
            assert!(
                (found - expected).abs() < 1e-4,
                "{name} {found}, expected {expected}"
            );
        }
        let total = unifrac + nucleotides;
        let length = norm(&base, &total.backward());
        let expected_length = expected("grad_norm_before_clip");
        assert!(
            (length / expected_length - 1.0).abs() < 1e-3,
            "{length}, {expected_length}"
        );
        // Scaling the loss scales the gradient, which tests clipping to a norm of 1.
        let [unifrac, nucleotides] = losses(&case, &base, true, None);
        let clipped = (unifrac + nucleotides) * (1.0 / (length + 1e-6)).min(1.0);
        let gradients = GradientsParams::from_grads(clipped.backward(), &base);
        base = optimizer.step(expected("lr"), base, gradients);
    }
    let expected = flat(&load(&case, "weights_after_trajectory.safetensors"));
    let start = flat(&load(&case, "weights.safetensors"));
    let distance = |a: &[f64], b: &[f64]| {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let (error, way) = (
        distance(&flat(&base), &expected),
        distance(&start, &expected),
    );
    println!("off by {error} after a way of {way}");
    assert!(error < 1e-2 * way, "off by {error} after a way of {way}");
}

/// All parameters, concatenated.
fn flat(base: &Base) -> Vec<f64> {
    struct Collect(Vec<f64>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().iter::<f64>());
        }
    }
    let mut collect = Collect(Vec::new());
    base.visit(&mut collect);
    collect.0
}
