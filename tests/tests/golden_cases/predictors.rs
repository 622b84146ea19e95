//! Fine-tuning models reproduce the reference implementation: outputs, each term of the loss,
//! gradients.

use aam_api::{BoxedLoss, CategorySchema, Resolved};
use aam_runtime::model::{
    Activation, OutputConfig, Predictor, PredictorConfig, PredictorParts, Wants, count_loss,
    target_loss, unifrac_loss,
};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde_json::json;

use crate::support::{Case, Tokens, check_gradients, fusion, head, loss, norm, schema};

const GRADIENTS: &str = "grads_train.safetensors";

/// What differs between the cases.
struct Setup {
    name: &'static str,
    head: Resolved,
    fusion: Resolved,
    /// One loss per target.
    losses: Vec<BoxedLoss>,
    categories: CategorySchema,
    predictor: PredictorConfig,
    /// Weights of target, counts, UniFrac and nucleotides; the last only if requested.
    weights: [f64; 3],
    nucleotides: Option<f64>,
    /// The file with the attention weights of the fusion.
    attention: Option<&'static str>,
}

fn run(setup: &Setup) {
    let case = Case::new(setup.name);
    let outputs_per_target = setup.losses[0].outputs_per_target();
    let values: Vec<bool> = setup
        .losses
        .iter()
        .map(|loss| loss.outputs_are_values())
        .collect();
    let conditional = &setup.predictor.output.conditional_scaling;
    let model = case.model_config();
    let parts = PredictorParts {
        model: &model,
        predictor: &setup.predictor,
        fusion: &setup.fusion,
        head: &setup.head,
        categories: &setup.categories,
        parents: &[],
        outputs_per_target,
        values: &values,
    };
    let predictor = loaded(setup, &case, &parts);

    for (mode, predictor) in [
        ("train_f64", predictor.clone().train()),
        ("eval_f64", predictor.valid()),
    ] {
        let tokens = case.tokens(false);
        let names: Vec<&str> = setup.categories.columns.iter().map(|c| &*c.name).collect();
        let input = case.input(&tokens, &names);
        let encoded = predictor.base.predict_nucleotides(tokens.rows.clone());
        let encoded = encoded.unwrap();
        let wants = Wants {
            samples: true,
            counts: true,
        };
        let output = predictor.forward_asvs(encoded.embeddings, &input, wants);
        case.check("outputs/base_embeddings", output.asvs.unwrap());
        let samples = output.samples.unwrap();
        case.check("outputs/embeddings", samples.clone());
        let distances = predictor.base.distances(0, samples).unwrap();
        case.check("outputs/pairwise_distances", distances.clone());
        case.check("outputs/target_prediction", output.values.clone());
        if let Some(file) = setup.attention {
            let seen = output
                .observations
                .into_iter()
                .find(|seen| seen.name == "attention");
            case.check(&format!("outputs/{file}"), seen.unwrap().values);
        }

        let target_loss = loss_of_targets(setup, &case, &output.values);
        case.check_loss(mode, "target_loss", target_loss.clone());
        let unifrac = unifrac_loss(distances, case.tensor("targets/base_target"));
        case.check_loss(mode, "unifrac_loss", unifrac.clone());
        let [of_target, of_counts, of_unifrac] = setup.weights;
        let mut total = target_loss * of_target + unifrac * of_unifrac;
        if let Some(counts) = output.counts {
            case.check_rows("outputs/count_prediction", pick(&counts, &tokens), &tokens);
            let reads = case.tensor::<3>("targets/counts").squeeze_dim(2);
            let counts = count_loss(counts, reads, input.samples.mask.clone());
            case.check_loss(mode, "count_loss", counts.clone());
            total = total + counts * of_counts;
        }
        if let Some(of_nucleotides) = setup.nucleotides {
            let logits = encoded.logits;
            case.check_rows("outputs/nuc_predictions", logits.clone(), &tokens);
            let nucleotides = case.nucleotides(logits, &tokens, None);
            case.check_loss(mode, "nuc_loss", nucleotides.clone());
            total = total + nucleotides * of_nucleotides;
        }
        case.check_loss(mode, "total_loss", total.clone());
        if mode == "train_f64" {
            check_backward(&case, &predictor, total, conditional);
        }
    }
}

/// Compares the gradients of the `total` loss.
fn check_backward(case: &Case, predictor: &Predictor, total: Tensor<1>, conditional: &[String]) {
    let gradients = total.backward();
    case.check_gradient("train_f64", predictor, &gradients);
    if case.path(GRADIENTS).exists() {
        let (expected, _) = case
            .weights(GRADIENTS)
            .load_predictor(predictor.clone(), conditional)
            .unwrap();
        check_gradients(predictor, &gradients, &expected);
    }
}

/// The predictor with the weights of the case.
fn loaded(setup: &Setup, case: &Case, parts: &PredictorParts<'_>) -> Predictor {
    let conditional = &setup.predictor.output.conditional_scaling;
    let predictor = Predictor::init(parts, &Device::flex()).unwrap();
    let (predictor, report) = case
        .weights("weights.safetensors")
        .load_predictor(predictor, conditional)
        .unwrap();
    assert_eq!(report.missing, Vec::<String>::new());
    let unused: Vec<&String> = report
        .unused
        .iter()
        // Allocated in the reference but never used with the perceiver.
        .filter(|name| {
            let replaced = name.starts_with("target_encoder") || name.starts_with("target_pooling");
            !(setup.fusion.name == "perceiver" && replaced)
        })
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
    predictor
}

/// The loss of the targets for the outputs `values`, `[1]`.
fn loss_of_targets(setup: &Setup, case: &Case, values: &Tensor<3>) -> Tensor<1> {
    let target = case.column("targets/target");
    let [batch, targets] = target.dims();
    let losses: Vec<Tensor<2>> = (0..targets)
        .map(|i| {
            let values = values.clone().slice([0..batch, i..i + 1]);
            let loss = &setup.losses[i];
            loss.forward(values, target.clone().slice([0..batch, i..i + 1]))
        })
        .collect();
    let weights = case
        .path("targets/sample_weights.npy")
        .exists()
        .then(|| case.tensor::<1>("targets/sample_weights"));
    target_loss(Tensor::cat(losses, 1), weights)
}

/// The slots of `[batch, asvs]` that contain an ASV.
fn pick(counts: &Tensor<2>, tokens: &Tokens) -> Tensor<1> {
    let slots: Vec<i32> = (0..)
        .zip(&tokens.filled)
        .filter(|(_, f)| **f)
        .map(|(i, _)| i)
        .collect();
    let slots = Tensor::from_data(slots.as_slice(), &counts.device());
    counts
        .clone()
        .reshape([tokens.filled.len()])
        .select(0, slots)
}

#[test]
fn concatenation_with_conditional_scaling_and_sample_weights() {
    run(&Setup {
        name: "case1_concat_condscale",
        head: head("mlp", json!({"hidden": [16, 8], "dropout": 0.0})),
        fusion: fusion("concat", json!({})),
        losses: vec![loss("huber", json!({"delta": 1.0}))],
        categories: schema(&[("location", 3), ("season", 4)]),
        predictor: PredictorConfig {
            count_branch: true,
            target_norm: true,
            output: OutputConfig {
                conditional_scaling: vec!["location".to_owned()],
                learnable_scale: true,
                activation: Activation::Softplus,
            },
        },
        weights: [2.0, 0.25, 1.0],
        nucleotides: Some(0.5),
        attention: None,
    });
}

#[test]
fn cross_attention_with_quantiles() {
    run(&Setup {
        name: "case2_crossattn_quantile",
        head: head("residual", json!({"hidden": [16], "dropout": 0.0})),
        fusion: fusion(
            "cross-attention",
            json!({"heads": 8, "dropout": 0.0, "single-key": true}),
        ),
        losses: vec![loss("quantile", json!({"levels": [0.1, 0.5, 0.9]}))],
        categories: schema(&[("location", 3), ("season", 4)]),
        predictor: PredictorConfig {
            count_branch: true,
            ..PredictorConfig::default()
        },
        weights: [1.0, 1.0, 0.7],
        nucleotides: Some(1.0),
        attention: Some("cross_attn_weights"),
    });
}

#[test]
fn perceiver_with_two_bounded_targets() {
    run(&Setup {
        name: "case5_perceiver_multi",
        head: head("linear", json!({})),
        fusion: fusion(
            "perceiver",
            json!({"latents": 5, "layers": 2, "heads": 4, "dropout": 0.0, "attend-padding": true}),
        ),
        losses: vec![loss("mse", json!({})), loss("mae", json!({}))],
        categories: schema(&[("season", 4)]),
        predictor: PredictorConfig {
            target_norm: false,
            output: OutputConfig {
                activation: Activation::Sigmoid,
                ..OutputConfig::default()
            },
            ..PredictorConfig::default()
        },
        weights: [1.0, 0.0, 0.0],
        nucleotides: None,
        attention: Some("perceiver_attn_weights"),
    });
}

#[test]
fn a_frozen_base_has_neither_gradient_nor_dropout() {
    let case = Case::new("case4_pretrain_mae");
    for frozen_base_dropout in [false, true] {
        let mut model = case.model_config();
        model.dropout = 0.5;
        model.target_layers = 1;
        model.compatibility.frozen_base_dropout = frozen_base_dropout;
        let parts = PredictorParts {
            model: &model,
            predictor: &PredictorConfig::default(),
            fusion: &fusion("none", json!({})),
            head: &head("linear", json!({})),
            categories: &schema(&[]),
            parents: &[],
            outputs_per_target: 1,
            values: &[true],
        };
        let predictor = Predictor::init(&parts, &Device::flex()).unwrap();
        let predictor = predictor.freeze_base().train();
        let input = case.input(&case.tokens(false), &[]);
        let run = || predictor.forward(&input, Wants::default());
        let (first, second) = (run(), run());
        let furthest = |a: Tensor<3>, b: Tensor<3>| -> f32 { (a - b).abs().max().into_scalar() };
        let noise = furthest(first.asvs.unwrap(), second.asvs.unwrap());
        assert_eq!(noise > 0.0, frozen_base_dropout);
        assert!(furthest(first.values.clone(), second.values) > 0.0);
        let gradients = first.values.sum().backward();
        assert_eq!(norm(&predictor.base, &gradients), 0.0);
        assert!(norm(&predictor, &gradients) > 0.0);
    }
}
