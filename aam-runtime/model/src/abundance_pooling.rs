//! Abundance pooling: the sample profile used to predict distances, as a sum over the sample's ASVs
//! weighted by abundance.
//!
//! The embedding e of an ASV is whitened, so that differences between close relatives count as much
//! as those between phyla, and mapped to sparse features:
//!
//! ```text
//! z = (e − μ) V / √w                with the eigenvectors V and eigenvalues w of the covariance
//! v = relu(z W + b)                 W ~ N(0, 1/dim), b ~ N(−1, 0.1²)
//! u = Σ_a f(p_a) v_a                for f(p) = ln(1 + 10⁴ p), 20 √p and 4 [p > 0]
//! ```
//!
//! where p_a is the relative abundance. Each feature is nonzero for about one ASV in six, so it
//! detects a group of related ASVs, and the sum measures how much of the group is present; a
//! weighted mean, as in attention pooling, would blur hundreds of ASVs into one. The features are
//! then standardised over the training samples. Nothing here is learned by gradient descent: W and
//! b are drawn once (random features, Rahimi and Recht 2007), and the rest is estimated from data.

use aam_api::SampleAsvs;
use burn::module::{Initializer, Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Device, IndexingUpdateOp, Tensor, TensorData};
use nalgebra::{DMatrix, Dyn, SymmetricEigen};

/// The number of abundance weightings: logarithm, square root and presence.
pub const WEIGHTINGS: usize = 3;
/// Lower bound of the eigenvalues, as a fraction of the largest.
const LEAST_EIGENVALUE: f64 = 1e-4;
/// Added to the standard deviation of each feature, as a fraction of the mean standard deviation.
const LEAST_DEVIATION: f64 = 1e-3;

/// Weighted sums over the ASVs of a sample.
#[derive(Module, Debug)]
pub struct AbundancePooling {
    mean: Param<Tensor<1>>,
    whitening: Param<Tensor<2>>,
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    center: Param<Tensor<1>>,
    deviation: Param<Tensor<1>>,
    features: usize,
}

/// Running means and variances of features over batches of samples.
#[derive(Debug, Default)]
pub struct FeatureMoments {
    samples: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl FeatureMoments {
    /// Adds samples. `sums`, `[batch, features]`, are those of [`AbundancePooling::sums`].
    pub fn add(&mut self, sums: Tensor<2>) {
        let [batch, features] = sums.dims();
        self.sums.resize(features, 0.0);
        self.squares.resize(features, 0.0);
        self.samples += batch as f64;
        for (i, value) in sums.into_data().iter::<f64>().enumerate() {
            self.sums[i % features] += value;
            self.squares[i % features] += value * value;
        }
    }

    /// The mean and variance of each feature.
    pub(crate) fn mean_and_variance(&self) -> (Vec<f64>, Vec<f64>) {
        let samples = self.samples.max(1.0);
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / samples).collect();
        let moments = self.squares.iter().zip(&means);
        let variances = moments
            .map(|(square, mean)| (square / samples - mean * mean).max(0.0))
            .collect();
        (means, variances)
    }

    fn mean_and_deviation(&self) -> (Vec<f32>, Vec<f32>) {
        let (means, variances) = self.mean_and_variance();
        let deviations: Vec<f64> = variances.into_iter().map(f64::sqrt).collect();
        let least = LEAST_DEVIATION * deviations.iter().sum::<f64>() / deviations.len() as f64;
        (
            means.into_iter().map(|mean| mean as f32).collect(),
            deviations
                .into_iter()
                .map(|deviation| (deviation + least).max(f64::from(f32::EPSILON)) as f32)
                .collect(),
        )
    }
}

impl AbundancePooling {
    /// Creates a pooling of embeddings of width `dim` to `features` features per weighting, without
    /// whitening and standardisation.
    pub fn new(dim: usize, features: usize, device: &Device) -> Self {
        let normal = |mean: f64, std: f64| Initializer::Normal { mean, std };
        let spread = 1.0 / (dim as f64).sqrt();
        Self {
            mean: constant(Initializer::Zeros.init([dim], device)),
            whitening: constant(Param::from_tensor(Tensor::eye(dim, device))),
            weight: constant(normal(0.0, spread).init([dim, features], device)),
            bias: constant(normal(-1.0, 0.1).init([features], device)),
            center: constant(Initializer::Zeros.init([WEIGHTINGS * features], device)),
            deviation: constant(Initializer::Ones.init([WEIGHTINGS * features], device)),
            features,
        }
    }

    /// The number of features per weighting.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Sets the whitening from the ASVs' `embeddings`, `[ASVs, dim]`.
    pub fn whitened(self, embeddings: Tensor<2>) -> Self {
        let [_, dim] = embeddings.dims();
        let device = self.mean.lazy_device();
        let (mean, eigen) = spread(embeddings);
        let least = LEAST_EIGENVALUE * eigen.eigenvalues.max();
        let mut matrix = eigen.eigenvectors;
        for (mut column, value) in matrix.column_iter_mut().zip(&eigen.eigenvalues) {
            column /= value.max(least).max(f64::EPSILON).sqrt();
        }
        let matrix: Vec<f32> = matrix
            .transpose()
            .iter()
            .map(|&value| value as f32)
            .collect();
        Self {
            mean: stored(self.mean, mean.reshape([dim]).into_data(), &device),
            whitening: stored(self.whitening, TensorData::new(matrix, [dim, dim]), &device),
            ..self
        }
    }

    /// Sets the standardisation of the features from `moments`.
    pub fn standardised(self, moments: &FeatureMoments) -> Self {
        let device = self.mean.lazy_device();
        let (means, deviations) = moments.mean_and_deviation();
        let shape = [means.len()];
        Self {
            center: stored(self.center, TensorData::new(means, shape), &device),
            deviation: stored(self.deviation, TensorData::new(deviations, shape), &device),
            ..self
        }
    }

    /// The whitened embeddings of ASVs, `[unique, dim]`.
    pub(crate) fn whiten(&self, asvs: Tensor<2>) -> Tensor<2> {
        (asvs - fixed(&self.mean).unsqueeze_dim(0)).matmul(fixed(&self.whitening))
    }

    /// The raw sums, `[batch, weightings × features]`, from the ASV embeddings `[unique, dim]`.
    pub fn sums(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let [unique, _] = asvs.dims();
        let z = self.whiten(asvs);
        let values = relu(z.matmul(fixed(&self.weight)) + fixed(&self.bias).unsqueeze_dim(0));
        let reads = samples.counts.clone().sum_dim(1).clamp_min(1.0);
        let share = samples.counts.clone() / reads;
        let sums = (0..WEIGHTINGS).map(|weighting| {
            let weights = match weighting {
                0 => (share.clone() * 1e4).log1p(),
                1 => share.clone().sqrt() * 20.0,
                _ => share.clone().greater_elem(0.0).float() * 4.0,
            };
            over_distinct(weights, samples, unique).matmul(values.clone())
        });
        Tensor::cat(sums.collect(), 1)
    }

    /// The standardised sums, `[batch, weightings × features]`, with a norm of about 1.
    pub fn forward(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let width = (WEIGHTINGS * self.features) as f64;
        let center = fixed(&self.center).unsqueeze_dim(0);
        let deviation = fixed(&self.deviation).unsqueeze_dim(0);
        (self.sums(asvs, samples) - center) / (deviation * width.sqrt())
    }
}

/// The mean of `rows`, `[1, dim]`, and the eigenvectors and eigenvalues of their covariance,
/// `[dim, dim]`.
pub fn spread(rows: Tensor<2>) -> (Tensor<2>, SymmetricEigen<f64, Dyn>) {
    let [number, dim] = rows.dims();
    let mean = rows.clone().mean_dim(0);
    let centered = rows - mean.clone();
    let covariance = centered.clone().transpose().matmul(centered) / number as f64;
    let values: Vec<f64> = covariance.into_data().iter::<f64>().collect();
    let eigen = SymmetricEigen::new(DMatrix::from_row_slice(dim, dim, &values));
    (mean, eigen)
}

/// Converts `weights` of the samples' ASVs, `[batch, asvs]`, to weights of the `unique` distinct
/// ASVs, `[batch, unique]`. Padding has weight zero, so its indices are arbitrary.
pub(crate) fn over_distinct(weights: Tensor<2>, samples: &SampleAsvs, unique: usize) -> Tensor<2> {
    let [batch, _] = weights.dims();
    Tensor::zeros([batch, unique], &weights.device()).scatter(
        1,
        samples.index.clone(),
        weights,
        IndexingUpdateOp::Add,
    )
}

/// Converts a parameter to one that is not trained.
pub(crate) fn constant<const D: usize>(parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
    parameter.set_require_grad(false)
}

/// The value of a parameter, without gradients.
pub(crate) fn fixed<const D: usize>(parameter: &Param<Tensor<D>>) -> Tensor<D> {
    parameter.val().detach()
}

/// Replaces the values of `parameter`.
pub(crate) fn stored<const D: usize>(
    parameter: Param<Tensor<D>>,
    values: TensorData,
    device: &Device,
) -> Param<Tensor<D>> {
    constant(parameter.map(|_| Tensor::from_data(values, device)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bool, Int};

    use super::*;

    fn pooling(device: &Device) -> AbundancePooling {
        AbundancePooling::new(3, 16, device)
    }

    fn embeddings(device: &Device) -> Tensor<2> {
        let values = [
            [1.0, 2.0, 0.5],
            [2.0, 1.0, -0.5],
            [0.0, 1.5, 3.0],
            [-1.0, 4.0, 1.0],
            [2.5, -3.0, 0.0],
        ];
        Tensor::from_data(values, device)
    }

    fn samples(counts: [[f32; 3]; 2], device: &Device) -> SampleAsvs {
        SampleAsvs {
            index: Tensor::<2, Int>::from_data([[0, 1, 3], [4, 2, 0]], device),
            mask: Tensor::<2, Bool>::from_data([[true, true, true], [true, true, false]], device),
            counts: Tensor::from_data(counts, device),
        }
    }

    #[test]
    fn whitened_embeddings_have_unit_covariance() {
        let device = Device::flex();
        let asvs = embeddings(&device);
        let pooling = pooling(&device).whitened(asvs.clone());
        let z = (asvs - pooling.mean.val().unsqueeze_dim(0)).matmul(pooling.whitening.val());
        let covariance = z.clone().transpose().matmul(z) / 5.0;
        let error = (covariance - Tensor::eye(3, &device)).abs().max();
        assert!(error.into_scalar::<f32>() < 1e-4);
    }

    #[test]
    fn sums_follow_the_formula() {
        let device = Device::flex();
        let asvs = embeddings(&device);
        let pooling = pooling(&device);
        let counts = [[6.0, 3.0, 1.0], [5.0, 15.0, 0.0]];
        let sums = pooling.sums(asvs.clone(), &samples(counts, &device));
        let values = relu(asvs.matmul(pooling.weight.val()) + pooling.bias.val().unsqueeze_dim(0));
        let row = |asv: usize| values.clone().slice(asv..asv + 1);
        // The second sample: a quarter of ASV 4, three quarters of ASV 2.
        let expected = [
            row(4) * 2501f64.ln() + row(2) * 7501f64.ln(),
            (row(4) * 0.25f64.sqrt() + row(2) * 0.75f64.sqrt()) * 20.0,
            (row(4) + row(2)) * 4.0,
        ];
        let error = sums.slice(1..2) - Tensor::cat(expected.to_vec(), 1);
        assert!(error.abs().max().into_scalar::<f32>() < 1e-4);
    }

    #[test]
    fn depth_does_not_matter_and_standardised_features_have_mean_0_and_length_1() {
        let device = Device::flex();
        let asvs = embeddings(&device);
        let pooling = pooling(&device).whitened(asvs.clone());
        let counts = [[6.0, 3.0, 1.0], [5.0, 15.0, 0.0]];
        let deep = counts.map(|row| row.map(|count: f32| count * 10.0));
        let mut moments = FeatureMoments::default();
        for counts in [counts, deep] {
            moments.add(pooling.sums(asvs.clone(), &samples(counts, &device)));
        }
        let pooling = pooling.standardised(&moments);
        let profile = |counts| pooling.forward(asvs.clone(), &samples(counts, &device));
        let difference = (profile(counts) - profile(deep)).abs().max();
        assert!(difference.into_scalar::<f32>() < 1e-5);
        let mean = profile(counts).mean_dim(0).abs().max();
        assert!(mean.into_scalar::<f32>() < 1e-5);
        let length = profile(counts).square().sum_dim(1).sqrt();
        let length: f32 = length.mean().into_scalar();
        assert!(length > 0.5 && length < 1.1, "{length}");
    }
}
