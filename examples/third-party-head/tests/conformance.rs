//! The head keeps what every head promises.

use aam_api::{CategorySchema, Head, HeadConfig, HeadContext, HeadInput};
use aam_head_cosine::CosineHeadConfig;
use burn::tensor::{Device, Tensor};

#[test]
fn conforms() {
    aam_api::testing::head(&CosineHeadConfig::default());
    aam_api::testing::head(&CosineHeadConfig { scale: 0.5 });
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
    let context = HeadContext {
        dim: 3,
        targets: 1,
        outputs_per_target: 2,
        categories: CategorySchema::default(),
    };
    let head = CosineHeadConfig::default()
        .init(&context, &device)
        .expect("the default is in range");
    let pooled = Tensor::<2>::from_floats([[1.0, 2.0, -3.0], [10.0, 20.0, -30.0]], &device);
    let output = head.forward(HeadInput {
        pooled,
        categories: None,
    });
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
    let context = HeadContext {
        dim: 3,
        targets: 1,
        outputs_per_target: 1,
        categories: CategorySchema::default(),
    };
    let error = CosineHeadConfig { scale: 0.0 }
        .init(&context, &Device::default())
        .expect_err("out of range");
    assert_eq!(
        error.to_string(),
        "head 'cosine', option 'scale': expected a number above 0, found 0.0"
    );
}
