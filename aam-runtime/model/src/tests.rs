//! Properties of the model that hold for any weights.

use aam_api::{AsvEncoderConfig, Resolved, SampleAsvs, SampleEncoderConfig};
use aam_plugins as _;
use burn::module::Module;
use burn::tensor::{Bool, Device, Int, Tensor};

use super::*;

fn device() -> Device {
    Device::flex()
}

fn config() -> ModelConfig {
    ModelConfig {
        dim: 8,
        heads: 2,
        max_bp: 12,
        ..ModelConfig::default().with_transformer()
    }
}

fn tokens(rows: &[&[i32]]) -> Tensor<2, Int> {
    let data = burn::tensor::TensorData::new(rows.concat(), [rows.len(), rows[0].len()]);
    Tensor::from_data(data, &device())
}

/// Three samples over five ASVs of two lengths.
fn input() -> ModelInput {
    let long = tokens(&[
        &[5, 1, 2, 3, 4, 1, 7],
        &[5, 4, 4, 2, 1, 1, 2],
        &[5, 1, 1, 1, 1, 1, 1],
    ]);
    let short = tokens(&[&[5, 3, 3, 2], &[5, 2, 1, 3]]);
    ModelInput {
        groups: vec![long, short],
        samples: SampleAsvs {
            index: Tensor::from_data([[0, 1, 3], [4, 0, 0], [2, 3, 0]], &device()),
            mask: Tensor::from_data(
                [
                    [true, true, true],
                    [true, false, false],
                    [true, true, false],
                ],
                &device(),
            ),
            counts: Tensor::from_data(
                [[5.0, 1.0, 9.0], [3.0, 0.0, 0.0], [2.0, 7.0, 0.0]],
                &device(),
            ),
        },
        categories: None,
    }
}

/// The batch with other counts.
fn with_counts(input: &ModelInput, change: impl Fn(Tensor<2>) -> Tensor<2>) -> ModelInput {
    let mut input = input.clone();
    input.samples.counts = change(input.samples.counts);
    input
}

fn sample_encoders() -> [Resolved; 2] {
    [AttentionConfig::NAME, AbundanceConfig::NAME].map(Resolved::built_in)
}

fn embed(base: &Base, input: &ModelInput) -> Tensor<2> {
    base.embed_samples(base.encode_asvs(&input.groups), &input.samples)
}

fn furthest<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    (a - b).abs().max().into_scalar()
}

#[test]
fn samples_do_not_depend_on_order_padding_or_neighbours() {
    let base = Base::init(&config(), &device()).unwrap();
    let all = input();
    let expected = embed(&base, &all);
    // The first sample alone, with its ASVs in another order and more padding.
    let alone = ModelInput {
        samples: SampleAsvs {
            index: Tensor::from_data([[3, 0, 1, 2, 2]], &device()),
            mask: Tensor::from_data([[true, true, true, false, false]], &device()),
            counts: Tensor::from_data([[9.0, 5.0, 1.0, 0.0, 0.0]], &device()),
        },
        ..all
    };
    assert!(furthest(embed(&base, &alone), expected.slice(0..1)) < 1e-5);
}

#[test]
fn counts_matter_by_default() {
    for (count_embedding, matters) in [
        ("none", false),
        ("add", true),
        ("concat", true),
        ("film", true),
    ] {
        let config = ModelConfig {
            count_embedding: Resolved::built_in(count_embedding),
            sample_encoder: Resolved::built_in(AttentionConfig::NAME),
            ..config()
        };
        let base = Base::init(&config, &device()).unwrap();
        let all = input();
        let other = with_counts(&all, |counts| counts * 3.0);
        let changed = furthest(embed(&base, &all), embed(&base, &other)) > 1e-4;
        assert_eq!(changed, matters, "{count_embedding}");
    }
}

#[test]
fn relative_abundance_ignores_depth() {
    for sample_encoder in sample_encoders() {
        let config = ModelConfig {
            count_scale: CountScale::Relative,
            sample_encoder,
            ..config()
        };
        let base = Base::init(&config, &device()).unwrap();
        let all = input();
        let deeper = with_counts(&all, |counts| counts * 3.0);
        assert!(furthest(embed(&base, &all), embed(&base, &deeper)) < 1e-5);
        let shifted = with_counts(&all, |counts| counts.powf_scalar(2.0));
        assert!(furthest(embed(&base, &all), embed(&base, &shifted)) > 1e-4);
    }
}

#[test]
fn a_sample_without_asvs_stays_finite() {
    for sample_encoder in sample_encoders() {
        let config = ModelConfig {
            sample_encoder,
            ..config()
        };
        let base = Base::init(&config, &device()).unwrap();
        let mut empty = with_counts(&input(), |counts| counts.zeros_like());
        empty.samples.mask = Tensor::<2, Bool>::zeros([3, 3], &device());
        let embedded = embed(&base, &empty);
        assert!(!embedded.clone().is_nan().any().into_scalar::<bool>());
        assert!(furthest(embedded.clone().slice(0..1), embedded.slice(1..2)) < 1e-6);
    }
}

#[test]
fn layers_start_with_different_weights_by_default() {
    for identical_layers in [false, true] {
        let stack = TransformerConfig {
            dim: 8,
            heads: 2,
            layers: 2,
            feed_forward: 16,
            dropout: 0.0,
            identical_layers,
        };
        let stack = stack.init(&device());
        let weights: Vec<Tensor<2>> = linear_weights(&stack);
        let per_layer = weights.len() / 2;
        let same = furthest(weights[0].clone(), weights[per_layer].clone()) == 0.0;
        assert_eq!(same, identical_layers);
        let ids = burn::module::list_param_ids(&stack);
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len());
    }
}

fn linear_weights<M: Module>(module: &M) -> Vec<Tensor<2>> {
    struct Collect(Vec<Tensor<2>>);
    impl burn::module::ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
            if D == 2 {
                let value = param.val();
                let dims = value.dims();
                self.0.push(value.reshape([dims[0], dims[D - 1]]));
            }
        }
    }
    let mut collect = Collect(Vec::new());
    module.visit(&mut collect);
    collect.0
}

#[test]
fn distances_are_hollow_symmetric_and_have_a_finite_gradient_at_coincident_samples() {
    for distance_scale in [
        DistanceScale::Relative,
        DistanceScale::Learnable,
        DistanceScale::Fixed,
    ] {
        let config = ModelConfig {
            distance_scale,
            ..config()
        };
        let head = UnifracHead::new(&config, &device()).train();
        let rows = Tensor::<2>::from_data([[1.0f32; 8], [1.0; 8], [-1.0; 8]], &device());
        let rows = rows.autodiff().require_grad();
        let distances = head.forward(rows.clone());
        let transposed = distances.clone().transpose();
        assert!(furthest(distances.clone(), transposed) < 1e-6);
        let values = distances.clone().into_data().try_into_vec::<f32>().unwrap();
        assert_eq!((values[0], values[4], values[8]), (0.0, 0.0, 0.0));
        assert!(values[1] < 1e-3 && values[2] > 0.5 && values[2] < 1.0);
        let loss = unifrac_loss(distances.clone(), distances.zeros_like() + 0.3);
        let gradient = rows.grad(&loss.backward()).unwrap();
        assert!(!gradient.is_nan().any().into_scalar::<bool>());
    }
}

#[test]
fn options_out_of_range_are_named() {
    let wrong = [
        ModelConfig { dim: 0, ..config() },
        ModelConfig {
            heads: 3,
            ..config()
        },
        ModelConfig {
            dropout: 1.0,
            ..config()
        },
        ModelConfig {
            vocabulary: 4,
            ..config()
        },
    ];
    let names = ["dim", "attention-heads", "dropout", "vocabulary"];
    for (config, name) in wrong.iter().zip(names) {
        let error = Base::init(config, &device()).unwrap_err().to_string();
        assert!(error.contains(&format!("'{name}'")), "{error}");
    }
    for preset in [Preset::Tiny, Preset::Small, Preset::Base] {
        ModelConfig::preset(preset).validate().unwrap();
    }
}

/// Nucleotides are predicted in half precision with either sample encoder. Embeddings that a fitted
/// sample encoder whitens are not computed in it.
#[test]
fn half_precision_changes_little_and_embeddings_only_where_they_are_not_whitened() {
    for sample_encoder in sample_encoders() {
        let is_fitted = sample_encoder.name == AbundanceConfig::NAME;
        let config = ModelConfig {
            sample_encoder,
            ..config()
        };
        let base = Base::init(&config, &device()).unwrap();
        let input = input();
        let group = &input.groups[0];
        let guess = |base: &Base| base.predict_nucleotides(group.clone()).unwrap().logits;
        for precision in [MixedPrecision::Bf16, MixedPrecision::Fp16] {
            let mixed = base.clone().with_precision(precision).valid();
            let changed = |apart: f32| assert!(apart > 1e-5 && apart < 0.1, "{apart}");
            changed(furthest(guess(&base), guess(&mixed)));
            assert!(!mixed.nucleotide_encoder(&device()).has_own_way());
            changed(furthest(embed(&base, &input), embed(&mixed, &input)));
            let asvs = [&base, &mixed].map(|base| base.encode_asvs(&input.groups));
            let [single, half] = asvs;
            assert_eq!(mixed.embedding_encoder(&device()).has_own_way(), is_fitted);
            match is_fitted {
                true => assert_eq!(furthest(single, half), 0.0),
                false => changed(furthest(single, half)),
            }
        }
    }
}

/// Words in old manifests are read and written unchanged; all other choices are written as a table.
#[test]
fn manifests_keep_the_form_of_earlier_versions() {
    let written = |config: &ModelConfig| serde_json::to_value(config).unwrap();
    let config = config();
    let mut text = written(&config);
    assert_eq!(
        (&text["pooling"], &text["count-embedding"]),
        (&"abundance".into(), &"add".into())
    );
    assert!(text.get("asv-encoder").is_none());
    text["pooling"] = "attention".into();
    text["count-embedding"] = "none".into();
    let read: ModelConfig = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(
        (&*read.sample_encoder.name, &*read.count_embedding.name),
        ("attention", "none")
    );
    assert_eq!(written(&read), text);
    let mut other = config;
    let choice = aam_api::Choice {
        name: AsvTransformerConfig::NAME.to_owned(),
        options: serde_json::Map::from_iter([("layers".to_owned(), 1.into())]),
    };
    let components = aam_api::Components::default().with::<aam_api::AsvEncoderKind>(choice);
    choose::<aam_api::AsvEncoderKind>(&mut other.asv_encoder, &components).unwrap();
    let text = written(&other);
    assert_eq!(text["asv-encoder"]["options"]["layers"], 1);
    assert_eq!(serde_json::from_value::<ModelConfig>(text).unwrap(), other);
}
