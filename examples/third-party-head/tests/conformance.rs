//! The head keeps what every head promises.

use aam_api::{Choice, Head, HeadConfig, HeadContext, HeadInput, HeadKind, Registry};
use aam_head_cosine::CosineHeadConfig;
use aam_head_cosine::adamax::AdamaxConfig;
use burn::tensor::{Device, Tensor};

#[test]
fn conforms() {
    aam_api::testing::head(&CosineHeadConfig::default());
    aam_api::testing::head(&CosineHeadConfig { scale: 0.5 });
}

#[test]
fn the_encoder_and_the_objective_conform() {
    use aam_head_cosine::kmer::KmerEncoderConfig;
    use aam_head_cosine::shannon::ShannonObjectiveConfig;
    aam_api::testing::asv_encoder(&KmerEncoderConfig::default());
    aam_api::testing::asv_encoder(&KmerEncoderConfig { k: 1 });
    aam_api::testing::objective(&ShannonObjectiveConfig::default());
    aam_api::testing::objective(&ShannonObjectiveConfig { base: 10.0 });
}

#[test]
fn the_metric_conforms() {
    aam_api::testing::metric(&aam_head_cosine::metric::MedianErrorConfig::default());
}

#[test]
fn the_optimizer_conforms() {
    aam_api::testing::optimizer(&AdamaxConfig::default());
    aam_api::testing::optimizer(&AdamaxConfig {
        beta1: 0.5,
        beta2: 0.9,
    });
}

#[test]
fn the_learner_and_the_transform_conform() {
    use aam_head_cosine::asinh::AsinhConfig;
    use aam_head_cosine::neighbours::NeighboursConfig;
    aam_api::testing::learner(&NeighboursConfig::default());
    aam_api::testing::learner(&NeighboursConfig { number: 3 });
    aam_api::testing::transform(&AsinhConfig::default());
    aam_api::testing::transform(&AsinhConfig { cofactor: 50.0 });
}

#[test]
fn is_registered() {
    let heads = aam_api::Registry::<aam_api::HeadKind>::load().expect("no duplicates");
    let cosine = heads.find("cosine").expect("it is linked");
    assert_eq!(cosine.provider, "aam-head-cosine");
}

#[test]
fn the_length_of_an_embedding_does_not_matter() {
    let device = Device::default();
    let context = HeadContext::new(3, 1, 2);
    let head = CosineHeadConfig::default()
        .init(&context, &device)
        .expect("the default is in range");
    let pooled = Tensor::<2>::from_floats([[1.0, 2.0, -3.0], [10.0, 20.0, -30.0]], &device);
    let output = head.forward(HeadInput::new(pooled, None));
    let values: Vec<f32> = output.values.into_data().try_to_vec().expect("f32 values");
    assert!(values.iter().all(|value| value.abs() <= 3.0));
    for output in 0..2 {
        assert!(
            (values[output] - values[2 + output]).abs() < 1e-5,
            "{values:?}"
        );
    }
}

#[test]
fn a_scale_of_zero_is_refused() {
    let mut choice = Choice::named("cosine");
    choice.options.insert("scale".to_owned(), 0.0.into());
    let heads = Registry::<HeadKind>::load().expect("one head of this name");
    let error = heads.resolve(&choice).expect_err("out of range");
    assert_eq!(
        error.to_string(),
        "head 'cosine', option 'scale': expected a number above 0, found 0.0"
    );
}
