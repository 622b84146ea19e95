//! Layers and tensors of known values, for the tests of the components.

use aam_api::{Categories, CategoryColumn, CategorySchema};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

pub(crate) fn device() -> Device {
    Device::default()
}

pub(crate) fn matrix<const R: usize, const C: usize>(rows: [[f32; C]; R]) -> Tensor<2> {
    Tensor::from_floats(rows, &device())
}

/// A linear layer with these weights, one row for each input.
pub(crate) fn linear<const I: usize, const O: usize>(
    weight: [[f32; O]; I],
    bias: [f32; O],
) -> Linear {
    Linear {
        weight: Param::from_tensor(matrix(weight)),
        bias: Some(Param::from_tensor(Tensor::from_floats(bias, &device()))),
    }
}

/// A linear layer that changes nothing.
pub(crate) fn identity(width: usize) -> Linear {
    scaled_identity(width, 1.0)
}

/// A linear layer that multiplies by `factor`.
pub(crate) fn scaled_identity(width: usize, factor: f32) -> Linear {
    Linear {
        weight: Param::from_tensor(Tensor::eye(width, &device()).mul_scalar(factor)),
        bias: Some(Param::from_tensor(Tensor::zeros([width], &device()))),
    }
}

/// Two columns of one value each, `location` and `season`, for one sample.
pub(crate) fn categories(location: f32, season: f32) -> Categories {
    Categories {
        ids: Tensor::<2, Int>::from_ints([[1, 1]], &device()),
        columns: vec![matrix([[location]]), matrix([[season]])],
        joined: matrix([[location, season]]),
    }
}

pub(crate) fn schema() -> CategorySchema {
    let column = |name: &str| CategoryColumn {
        name: name.to_owned(),
        levels: 3,
        width: 1,
    };
    CategorySchema {
        columns: vec![column("location"), column("season")],
    }
}

/// ASVs of one sample, all present.
pub(crate) fn asvs<const S: usize, const D: usize>(rows: [[f32; D]; S]) -> Tensor<3> {
    Tensor::from_floats([rows], &device())
}

/// Which slots of one sample hold an ASV.
pub(crate) fn mask<const S: usize>(present: [bool; S]) -> Tensor<2, Bool> {
    Tensor::from_data(TensorData::new(present.to_vec(), [1, S]), &device())
}

#[track_caller]
pub(crate) fn assert_close<const D: usize>(tensor: Tensor<D>, expected: &[f32]) {
    let found: Vec<f32> = tensor.into_data().try_to_vec().expect("f32 values");
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found_one, expected_one) in found.iter().zip(expected) {
        let tolerance = 1e-6 + 1e-5 * expected_one.abs();
        assert!(
            (found_one - expected_one).abs() <= tolerance,
            "found {found:?}, expected {expected:?}"
        );
    }
}
