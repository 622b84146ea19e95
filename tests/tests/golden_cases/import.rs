//! Reading the reference's files: both formats, both vocabularies, the shape of the model, and the
//! errors for files that do not fit.

use std::fs;
use std::path::Path;

use aam_runtime::data::tokens::{AMBIGUOUS, PAD};
use aam_runtime::model::{
    Base, Compatibility, ModelConfig, Predictor, PredictorConfig, PredictorParts,
};
use aam_runtime::train::checkpoint::import_reference::ReferenceWeights;
use burn::tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::support::{Case, fusion, head, in_samples, schema};

const PRETRAINING: &str = "case4_pretrain_mae";

/// Checks the embeddings of the ASVs and the logits of their nucleotides against the case.
fn check_base(case: &Case, base: &Base) {
    let tokens = case.tokens(false);
    let encoded = base.predict_nucleotides(tokens.rows.clone()).unwrap();
    let input = case.input(&tokens, &[]);
    let (asvs, _) = in_samples(base, encoded.embeddings, &input);
    case.check("outputs_unmasked/sample_embeddings", asvs);
    let logits = encoded.logits;
    let [unique, length, _] = logits.dims();
    let known = logits.slice([0..unique, 0..length, 0..7]);
    case.check_rows("outputs_unmasked/nuc_predictions", known, &tokens);
}

#[test]
fn a_training_checkpoint_is_read_like_the_weights_alone() {
    let case = Case::new(PRETRAINING);
    let base = Base::init(&case.model_config(), &Device::flex()).unwrap();
    let (base, report) = case.weights("checkpoint.pt").load_base(base).unwrap();
    assert!(report.missing.is_empty() && report.unused.is_empty());
    check_base(&case, &base);
}

#[test]
fn ambiguous_bases_are_padding_to_a_model_that_has_no_token_for_them() {
    let case = Case::new(PRETRAINING);
    let weights = case.weights("weights.safetensors");
    let base = Base::init(&weights.model_config(4).unwrap(), &Device::flex()).unwrap();
    let (base, _) = weights.load_base(base).unwrap();
    let mut tokens = case.tokens(false);
    let padding = tokens.rows.clone().equal_elem(PAD);
    assert!(padding.clone().any().into_scalar::<bool>());
    tokens.rows = tokens.rows.mask_fill(padding, AMBIGUOUS);
    let encoded = base.encode_asvs(std::slice::from_ref(&tokens.rows));
    let input = case.input(&tokens, &[]);
    let (asvs, _) = in_samples(&base, encoded, &input);
    case.check("outputs_unmasked/sample_embeddings", asvs);
}

#[test]
fn the_shape_of_a_model_is_found() {
    for name in [
        PRETRAINING,
        "case1_concat_condscale",
        "case2_crossattn_quantile",
    ] {
        let case = Case::new(name);
        let weights = case.weights("weights.safetensors");
        let expected = case.model_config();
        let found = weights.model_config(4).unwrap();
        let expected = ModelConfig {
            // Written explicitly; dropout and training modes leave no trace.
            feed_forward: Some(4 * expected.dim),
            vocabulary: 8,
            dropout: 0.1,
            category_dropout: 0.1,
            compatibility: Compatibility {
                sample_positions: true,
                ambiguous_is_padding: true,
                ..Compatibility::default()
            },
            ..expected
        };
        assert_eq!(found, expected, "{name}");
        assert_eq!(weights.is_predictor(), name != PRETRAINING);
    }
    let weights = Case::new("case1_concat_condscale").weights("weights.safetensors");
    let config = weights.predictor_config();
    assert!(config.count_branch && config.target_norm && config.output.learnable_scale);
    let columns = [("location".to_owned(), 3, 6), ("season".to_owned(), 4, 6)];
    assert_eq!(weights.categories(), columns);
    let error = weights.model_config(5).unwrap_err().to_string();
    assert!(
        error.contains("'attention-heads'") && error.contains("divisor"),
        "{error}"
    );
}

#[test]
fn the_components_of_a_predictor_are_found() {
    let json = serde_json::json!({
        "case1_concat_condscale": ["concat", {}, "mlp", {"hidden": [16, 8]}, 1],
        "case2_crossattn_quantile":
            ["cross-attention", {"single-key": true}, "residual", {"hidden": [16]}, 3],
        "case5_perceiver_multi":
            ["perceiver", {"attend-padding": true, "latents": 5, "layers": 2}, "linear", {}, 2],
    });
    for (name, expected) in json.as_object().unwrap() {
        let weights = Case::new(name).weights("weights.safetensors");
        let found = weights.components().unwrap();
        let found = serde_json::json!([
            found.fusion.name,
            found.fusion.options,
            found.head.name,
            found.head.options,
            found.outputs
        ]);
        assert_eq!(&found, expected, "{name}");
    }
    let weights = Case::new(PRETRAINING).weights("weights.safetensors");
    assert!(weights.components().is_none());
}

#[test]
fn models_of_seven_and_of_six_tokens_become_models_of_eight() {
    let case = Case::new(PRETRAINING);
    let weights = case.weights("weights.safetensors");
    let base = Base::init(&weights.model_config(4).unwrap(), &Device::flex()).unwrap();
    check_base(&case, &weights.load_base(base).unwrap().0);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("six.safetensors");
    write_with_six_tokens(&case.path("weights.safetensors"), &path);
    let weights = ReferenceWeights::read(&path).unwrap();
    let base = Base::init(&weights.model_config(4).unwrap(), &Device::flex()).unwrap();
    let (base, report) = weights.load_base(base).unwrap();
    assert!(report.missing.is_empty() && report.unused.is_empty());
    let tokens = case.tokens(false);
    let encoded = base.encode_asvs(std::slice::from_ref(&tokens.rows));
    let input = case.input(&tokens, &[]);
    let (asvs, _) = in_samples(&base, encoded, &input);
    case.check("outputs_unmasked/sample_embeddings", asvs);
}

/// Removes the last token from the embedding and the nucleotide head.
fn write_with_six_tokens(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().map(|(name, view)| {
        let mut shape = view.shape().to_vec();
        let mut data = view.data();
        if name.contains("token_embedding") || name.contains("nucleotide_head") {
            data = &data[..data.len() / 7 * 6];
            shape[0] = 6;
        }
        (name, TensorView::new(view.dtype(), shape, data).unwrap())
    });
    let bytes = safetensors::serialize(tensors.collect::<Vec<_>>(), None).unwrap();
    fs::write(to, bytes).unwrap();
}

#[test]
fn a_pretrained_encoder_goes_into_the_base_of_a_predictor() {
    let case = Case::new(PRETRAINING);
    let parts = PredictorParts {
        model: &case.model_config(),
        predictor: &PredictorConfig::default(),
        fusion: &fusion("none", serde_json::json!({})),
        head: &head("linear", serde_json::json!({})),
        categories: &schema(&[]),
        parents: &[],
        outputs_per_target: 1,
        values: &[true],
    };
    let predictor = Predictor::init(&parts, &Device::flex()).unwrap();
    let weights = case.weights("weights.safetensors");
    let (predictor, report) = weights.load_predictor(predictor, &[]).unwrap();
    assert!(report.unused.is_empty());
    assert!(report.missing.iter().all(|name| !name.starts_with("base.")));
    check_base(&case, &predictor.base);
}

#[test]
fn files_that_do_not_fit_are_refused_with_a_reason() {
    let case = Case::new(PRETRAINING);
    let wider = ModelConfig {
        dim: 64,
        ..case.model_config()
    };
    let base = Base::init(&wider, &Device::flex()).unwrap();
    let error = case
        .weights("weights.safetensors")
        .load_base(base)
        .unwrap_err();
    let error = error.to_string();
    assert!(error.contains("weights.safetensors"), "{error}");
    assert!(
        error.contains("tokens.weight") && error.contains("other sizes"),
        "{error}"
    );

    let directory = tempfile::tempdir().unwrap();
    for (name, content, expected) in [
        (
            "a.safetensors",
            &b"\xff\xff\xff\xff\xff\xff\xff\xffgarbage"[..],
            "safetensors",
        ),
        (
            "b.safetensors",
            &b"\x02\x00\x00\x00\x00\x00\x00\x00{}"[..],
            "token_embedding",
        ),
        ("c.pt", &b"PK\x03\x04 not really"[..], "PyTorch"),
        ("d.pt", &b""[..], "PyTorch"),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        let error = ReferenceWeights::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }
    let checkpoint = fs::read(case.path("checkpoint.pt")).unwrap();
    for part in [10, 1000, checkpoint.len() / 2, checkpoint.len() - 1] {
        let path = directory.path().join("cut.pt");
        fs::write(&path, &checkpoint[..part]).unwrap();
        assert!(ReferenceWeights::read(&path).is_err(), "{part} bytes");
    }
    assert!(ReferenceWeights::read(&directory.path().join("none.pt")).is_err());
}
