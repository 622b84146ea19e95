//! Layers and tensors with known values, for the tests of components.

use aam_api::{Categories, CategoryColumn, CategorySchema, Choice, Kind, Registry, SampleTable};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use serde_json::Value;

/// The error with which the component `name` rejects `options`.
pub(crate) fn refused<K: Kind>(name: &str, options: Value) -> String {
    let options = serde_json::from_value(options).expect("a table");
    let choice = Choice {
        name: name.to_owned(),
        options,
    };
    let resolved = Registry::<K>::load().and_then(|registry| registry.resolve(&choice));
    resolved.expect_err("out of range").to_string()
}

pub(crate) fn device() -> Device {
    Device::default()
}

pub(crate) fn matrix<const R: usize, const C: usize>(rows: [[f32; C]; R]) -> Tensor<2> {
    Tensor::from_floats(rows, &device())
}

/// A linear layer with these weights, one row per input.
pub(crate) fn linear<const I: usize, const O: usize>(
    weight: [[f32; O]; I],
    bias: [f32; O],
) -> Linear {
    Linear {
        weight: Param::from_tensor(matrix(weight)),
        bias: Some(Param::from_tensor(Tensor::from_floats(bias, &device()))),
    }
}

/// A linear layer that returns its input.
pub(crate) fn identity(width: usize) -> Linear {
    scaled_identity(width, 1.0)
}

/// A linear layer that multiplies its input by `factor`.
pub(crate) fn scaled_identity(width: usize, factor: f32) -> Linear {
    Linear {
        weight: Param::from_tensor(Tensor::eye(width, &device()).mul_scalar(factor)),
        bias: Some(Param::from_tensor(Tensor::zeros([width], &device()))),
    }
}

/// Two columns of one value each, `location` and `season`, for one sample.
pub(crate) fn categories(location: f32, season: f32) -> Categories {
    Categories::new(
        Tensor::<2, Int>::from_ints([[1, 1]], &device()),
        vec![matrix([[location]]), matrix([[season]])],
        matrix([[location, season]]),
    )
}

pub(crate) fn schema() -> CategorySchema {
    let column = |name: &str| CategoryColumn::new(name, 3, 1);
    CategorySchema::new(vec![column("location"), column("season")])
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

/// A table of counts.
#[derive(Debug)]
pub(crate) struct Counts {
    ids: Vec<String>,
    asvs: usize,
    rows: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Counts {
    /// Samples with these counts, one per ASV.
    pub(crate) fn new(rows: &[&[u32]]) -> Self {
        let sparse = |row: &&[u32]| {
            (0..)
                .zip(row.iter().copied())
                .filter(|(_, n)| *n > 0)
                .unzip()
        };
        Self {
            ids: (0..rows.len()).map(|i| format!("s{i}")).collect(),
            asvs: rows.first().map_or(0, |row| row.len()),
            rows: rows.iter().map(sparse).collect(),
        }
    }
}

impl SampleTable for Counts {
    fn sample_ids(&self) -> &[String] {
        &self.ids
    }

    fn asvs(&self) -> usize {
        self.asvs
    }

    fn row(&self, sample: usize) -> (&[u32], &[u32]) {
        let (asvs, counts) = &self.rows[sample];
        (asvs, counts)
    }
}

/// Predictions for which the metrics are known.
pub(crate) mod metric {
    use aam_api::metric::{MetricConfig, MetricContext, Sample};

    /// Predicted and actual numbers.
    pub(crate) const NUMBERS: [(f64, f64); 4] = [(1.0, 1.0), (2.0, 4.0), (4.0, 4.0), (3.0, 5.0)];

    pub(crate) fn of_numbers<C: MetricConfig>(config: &C, pairs: &[(f64, f64)]) -> f64 {
        let samples = pairs
            .iter()
            .map(|(p, actual)| Sample::number(*p, None, *actual));
        config.of(&MetricContext::new(0), samples)
    }

    /// The metric of intervals of widths 1, 3 and 1, the last of which misses the actual value.
    pub(crate) fn of_intervals<C: MetricConfig>(config: &C) -> f64 {
        let samples = [
            Sample::number(1.5, Some((1.0, 2.0)), 1.0),
            Sample::number(2.0, Some((1.0, 4.0)), 2.0),
            Sample::number(3.0, Some((2.5, 3.5)), 4.0),
        ];
        config.of(&MetricContext::new(0), samples)
    }

    /// The metric of three samples from two of three classes, the last of which is misclassified.
    pub(crate) fn of_classes<C: MetricConfig>(config: &C) -> f64 {
        let samples = [
            ([0.8, 0.1, 0.1], 0),
            ([0.6, 0.3, 0.1], 0),
            ([0.5, 0.4, 0.1], 1),
        ];
        of_these_classes(config, &samples)
    }

    pub(crate) fn of_these_classes<C: MetricConfig>(
        config: &C,
        samples: &[([f64; 3], usize)],
    ) -> f64 {
        let samples = samples.iter().map(|(p, actual)| Sample::class(p, *actual));
        config.of(&MetricContext::new(3), samples)
    }

    /// The metric of sets of 1, 1 and 3 classes, the second of which lacks the actual class.
    pub(crate) fn of_sets<C: MetricConfig>(config: &C) -> f64 {
        let sets: [(&[usize], usize); 3] = [(&[0], 0), (&[2], 0), (&[1, 0, 2], 1)];
        let samples =
            sets.map(|(set, actual)| Sample::class(&[0.5, 0.25, 0.25], actual).with_set(set));
        config.of(&MetricContext::new(3), samples)
    }

    #[track_caller]
    pub(crate) fn assert_close(found: f64, expected: f64) {
        let close = (found - expected).abs() < 1e-12;
        assert!(close, "found {found}, expected {expected}");
    }
}
