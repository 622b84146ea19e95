//! The composition of a sample as a vector: which ASVs it has and how much of each, with related ASVs
//! close to each other.
//!
//! ```text
//! c_a = √2 cos(z_a S w + φ) − mean             codes of the ASV a, of the whitened embedding z_a
//! u   = Σ_a f(n_a) c_a                         for f(n) = ln(1 + 2n), and for f(n) = [n > 0]
//! x   = √2 cos(S' (u − center) s + φ')         what a predictor sees
//! ```
//!
//! At a high frequency `w` the codes of two ASVs have nothing in common unless they are the same,
//! so that `u` is a sketch of the log-abundances of all ASVs; at lower ones relatives are alike. As
//! codes have a mean of 0 over the ASVs, adding a constant to the logarithms of all of them changes
//! nothing, which makes them centred log-ratios (with half a read for none:
//! `ln(n + ½) = ln(1 + 2n) − ln 2`). The last step makes linear what is a Gaussian kernel between
//! compositions. Nothing is learned by gradient: signs and phases are drawn, means and scales are
//! measured on the training samples.

use std::f32::consts::SQRT_2;

use aam_api::export::{Element, Graph, Value};
use aam_api::{SampleAsvs, SampleView, SampleViewer};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use super::abundance_pooling::{FeatureMoments, constant, fixed, over_distinct, stored};
use super::random_features::RandomFeatures;

/// How the reads of an ASV count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighting {
    /// `ln(1 + 2n)`.
    Logarithm,
    /// 1 where there are any.
    Presence,
}

const WEIGHTINGS: [Weighting; 2] = [Weighting::Logarithm, Weighting::Presence];

impl Weighting {
    /// The weight of each of the `unique` ASVs of a batch in each sample, `[batch, unique]`.
    fn over_distinct(self, samples: &SampleAsvs, unique: usize) -> Tensor<2> {
        let counts = samples.counts.clone();
        let weights = match self {
            Self::Logarithm => (counts * 2.0).log1p(),
            Self::Presence => counts.greater_elem(0.0).float(),
        };
        over_distinct(weights, samples, unique)
    }
}

/// A part of the vector.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Block {
    /// Place of its codes in [`CODES`].
    codes: usize,
    weighting: Weighting,
    /// Its length in the whole.
    length: f64,
}

/// Codes of ASVs, from those that distinguish any two to those that relatives share.
const CODES: [RandomFeatures; 3] = [
    RandomFeatures {
        name: "codes of ASVs",
        number: 4096,
        frequency: 60.0,
    },
    RandomFeatures {
        name: "codes of close relatives",
        number: 1024,
        frequency: 3.0,
    },
    RandomFeatures {
        name: "codes of relatives",
        number: 512,
        frequency: 0.7,
    },
];
/// Root mean square of what a predictor sees. An update of Adam moves all weights by at most the
/// learning rate; with features of size 1, it would move predictions far beyond their spread.
pub(crate) const SIZE: f64 = 0.125;
/// The parts of the vector, one after the other.
const BLOCKS: [Block; 4] = [
    Block {
        codes: 0,
        weighting: Weighting::Logarithm,
        length: 1.0,
    },
    Block {
        codes: 0,
        weighting: Weighting::Presence,
        length: 0.5,
    },
    Block {
        codes: 1,
        weighting: Weighting::Logarithm,
        length: 0.7,
    },
    Block {
        codes: 2,
        weighting: Weighting::Logarithm,
        length: 0.5,
    },
];

/// Sums of codes over the ASVs of a sample, and features of them.
#[derive(burn::module::Module, Debug)]
pub struct Composition {
    mean: Param<Tensor<1>>,
    center: Param<Tensor<1>>,
    scale: Param<Tensor<1>>,
    features: usize,
}

impl Composition {
    /// A composition that a predictor sees as this number of `features`, not fitted to samples yet.
    pub fn new(features: usize, device: &Device) -> Self {
        let (codes, sums) = (all_codes(), all_sums());
        let zeros = |length: usize| Param::from_tensor(Tensor::zeros([length], device));
        Self {
            mean: constant(zeros(codes)),
            center: constant(zeros(sums)),
            scale: constant(Param::from_tensor(Tensor::full(
                [sums],
                (sums as f64).powf(-0.5),
                device,
            ))),
            features,
        }
    }

    /// Features that a predictor sees.
    pub fn features(&self) -> usize {
        self.features
    }

    /// With codes that have a mean of 0 over the whitened embeddings `z`, `[ASVs, dim]`.
    pub fn with_mean_of(self, z: Tensor<2>) -> Self {
        let device = self.mean.lazy_device();
        let codes = CODES.iter().map(|codes| of_asvs(codes, z.clone()));
        let mean = Tensor::cat(codes.collect(), 1).mean_dim(0);
        let mean = mean.reshape([all_codes()]).into_data();
        Self {
            mean: stored(self.mean, mean, &device),
            ..self
        }
    }

    /// With blocks of the lengths that they are to have over samples whose sums have these `moments`.
    pub fn scaled(self, moments: &FeatureMoments) -> Self {
        let device = self.mean.lazy_device();
        let (means, scales) = center_and_scale(moments);
        let shape = [means.len()];
        Self {
            center: stored(self.center, TensorData::new(means, shape), &device),
            scale: stored(self.scale, TensorData::new(scales, shape), &device),
            ..self
        }
    }

    /// The codes of ASVs, `[ASVs, number]` for each of [`CODES`].
    fn codes(&self, z: Tensor<2>) -> Vec<Tensor<2>> {
        let mean = fixed(&self.mean).unsqueeze_dim::<2>(0);
        let mut first = 0;
        let codes = CODES.iter().map(|codes| {
            let own = first..first + codes.number;
            first = own.end;
            of_asvs(codes, z.clone()) - mean.clone().slice([0..1, own])
        });
        codes.collect()
    }

    /// The sums `u`, `[batch, sums]`, from the whitened embeddings `z`, `[unique, dim]`, of the ASVs.
    pub fn sums(&self, z: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let [unique, _] = z.dims();
        let codes = self.codes(z);
        let [logarithms, presence] =
            WEIGHTINGS.map(|weighting| weighting.over_distinct(samples, unique));
        let sums = BLOCKS.iter().map(|block| {
            let weights = match block.weighting {
                Weighting::Logarithm => &logarithms,
                Weighting::Presence => &presence,
            };
            weights.clone().matmul(codes[block.codes].clone())
        });
        Tensor::cat(sums.collect(), 1)
    }

    /// [`forward`](Self::forward) for any number of samples that have ASVs of the whitened embeddings `z`,
    /// `[ASVs, dim]`. As `f(n) c S'` is linear, `c S'` is computed once for each ASV.
    pub fn viewer(&self, z: Tensor<2>) -> SampleViewer {
        let (device, kernel, features) = (z.device(), self.kernel(), self.features);
        let scale = fixed(&self.scale).unsqueeze_dim::<2>(1) * kernel.frequency;
        let signs = kernel.signs(all_sums(), &device) * scale;
        let center = fixed(&self.center).unsqueeze_dim::<2>(0);
        let phases = kernel.phases(&device) - center.matmul(signs.clone());
        let codes = self.codes(z);
        let turned = WEIGHTINGS.map(|weighting| {
            let mut first = 0;
            let blocks = BLOCKS.iter().filter_map(|block| {
                let codes = codes[block.codes].clone();
                let rows = first..first + CODES[block.codes].number;
                first = rows.end;
                let own = || codes.matmul(signs.clone().slice([rows, 0..features]));
                (block.weighting == weighting).then(own)
            });
            blocks.reduce(|sum, block| sum + block)
        });
        Box::new(move |rows, samples| {
            let [unique] = rows.dims();
            let mut sum = phases.clone();
            for (weighting, turned) in WEIGHTINGS.iter().zip(&turned) {
                if let Some(turned) = turned {
                    let weights = weighting.over_distinct(samples, unique);
                    sum = weights.matmul(turned.clone().select(0, rows.clone())) + sum;
                }
            }
            SampleView::Profiles(sum.cos() * (f64::from(SQRT_2) * SIZE))
        })
    }

    /// What a predictor sees, `[batch, features]`, each of a root mean square of [`SIZE`]. They are not
    /// centred: what they have in common is how shares of classes are learned in a few updates.
    pub fn forward(&self, z: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let center = fixed(&self.center).unsqueeze_dim(0);
        let scale = fixed(&self.scale).unsqueeze_dim(0);
        self.kernel().of((self.sums(z, samples) - center) * scale) * SIZE
    }

    fn kernel(&self) -> RandomFeatures {
        RandomFeatures {
            name: "features of compositions",
            number: self.features,
            frequency: 1.0,
        }
    }

    /// The same in `graph`, from the whitened embeddings `z`, `[ASVs, dim]`, of all ASVs, and the reads of
    /// samples, `[samples, ASVs]`.
    pub fn export(&self, graph: &mut Graph, z: Tensor<2>, reads: &Value) -> Value {
        let codes = self.codes(z);
        let codes: Vec<Value> = codes.iter().map(|codes| graph.tensor(codes)).collect();
        let [one, two, none] = [1f32, 2.0, 0.0].map(|value| graph.scalar(value));
        let doubled = graph.mul(reads, &two);
        let more = graph.add(&doubled, &one);
        let logarithms = graph.map("Log", &more);
        let present = graph.apply("Greater", &[reads, &none], vec![]);
        let presence = graph.cast(&present, Element::Float);
        let sums = BLOCKS.iter().map(|block| {
            let weights = match block.weighting {
                Weighting::Logarithm => &logarithms,
                Weighting::Presence => &presence,
            };
            graph.matmul(weights, &codes[block.codes])
        });
        let sums: Vec<Value> = sums.collect();
        let sums = graph.concat(&sums, 1);
        let center = graph.tensor(&fixed(&self.center));
        let scale = graph.tensor(&fixed(&self.scale));
        let centred = graph.sub(&sums, &center);
        let scaled = graph.mul(&centred, &scale);
        self.kernel()
            .export(graph, &scaled, all_sums(), SIZE as f32)
    }
}

/// Means of sums that have these `moments`, and what they are multiplied by so that each block has its
/// length, and all together a mean squared one of 1.
fn center_and_scale(moments: &FeatureMoments) -> (Vec<f32>, Vec<f32>) {
    let (means, variances) = moments.mean_and_variance();
    let all: f64 = BLOCKS.iter().map(|block| block.length.powi(2)).sum();
    let mut scales = Vec::with_capacity(means.len());
    for block in BLOCKS {
        let next = scales.len() + CODES[block.codes].number;
        let spread: f64 = variances[scales.len()..next].iter().sum();
        let scale = block.length / (all * spread.max(f64::from(f32::EPSILON))).sqrt();
        scales.resize(next, scale as f32);
    }
    (means.into_iter().map(|mean| mean as f32).collect(), scales)
}

/// Codes of ASVs of the whitened embeddings `z`, whose lengths grow with the root of their width.
fn of_asvs(codes: &RandomFeatures, z: Tensor<2>) -> Tensor<2> {
    let [_, dim] = z.dims();
    codes.of(z / (dim as f64).sqrt())
}

fn all_codes() -> usize {
    CODES.iter().map(|codes| codes.number).sum()
}

fn all_sums() -> usize {
    BLOCKS.iter().map(|block| CODES[block.codes].number).sum()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bool, Int};

    use super::*;

    /// Four ASVs in a space of two dimensions.
    fn z(device: &Device) -> Tensor<2> {
        let values = [[1.0, 0.2], [-0.5, 1.0], [0.3, -1.2], [-0.9, -0.4]];
        Tensor::from_data(values, device)
    }

    /// Samples in which all four occur.
    fn samples(counts: [[f32; 4]; 2], device: &Device) -> SampleAsvs {
        SampleAsvs {
            index: Tensor::<2, Int>::from_data([[0, 1, 2, 3], [3, 2, 1, 0]], device),
            mask: Tensor::<2, Bool>::from_data([[true; 4]; 2], device),
            counts: Tensor::from_data(counts, device),
        }
    }

    #[test]
    fn adding_a_constant_to_all_logarithms_changes_nothing() {
        let device = Device::flex();
        let composition = Composition::new(8, &device).with_mean_of(z(&device));
        let counts = [[6.0, 3.0, 1.0, 9.0], [5.0, 15.0, 2.0, 1.0]];
        // ln(1 + 2 (3n + 1)) = ln(1 + 2n) + ln 3
        let more = counts.map(|row| row.map(|count| 3.0 * count + 1.0));
        let of = |counts| composition.sums(z(&device), &samples(counts, &device));
        let largest: f32 = of(counts).abs().max().into_scalar();
        let difference: f32 = (of(counts) - of(more)).abs().max().into_scalar();
        assert!(
            largest > 1.0 && difference < 1e-4 * largest,
            "{largest} {difference}"
        );
    }

    #[test]
    fn only_the_same_asv_has_the_same_codes() {
        let device = Device::flex();
        let row =
            |shift: f32| (0..16).map(move |i| (i as f32).sin() + shift * (3.0 * i as f32).cos());
        let rows: Vec<f32> = row(0.0).chain(row(0.1)).chain(row(0.0)).collect();
        let near = Tensor::from_data(TensorData::new(rows, [3, 16]), &device);
        let product = |codes: &RandomFeatures, a: usize, b: usize| -> f32 {
            let all = of_asvs(codes, near.clone());
            let row = |i: usize| all.clone().slice([i..i + 1, 0..codes.number]);
            (row(a) * row(b)).mean().into_scalar()
        };
        assert!(product(&CODES[0], 0, 1).abs() < 0.2);
        assert!(product(&CODES[0], 0, 2) > 0.9);
        assert!(product(&CODES[2], 0, 1) > 0.9);
    }

    #[test]
    fn blocks_have_their_lengths_over_the_training_samples() {
        let device = Device::flex();
        let composition = Composition::new(8, &device).with_mean_of(z(&device));
        let counts = [[6.0, 3.0, 1.0, 0.0], [5.0, 15.0, 2.0, 0.0]];
        let sums = composition.sums(z(&device), &samples(counts, &device));
        let mut moments = FeatureMoments::default();
        moments.add(sums.clone());
        let fitted = composition.scaled(&moments);
        let center = fixed(&fitted.center).unsqueeze_dim(0);
        let vector = (sums - center) * fixed(&fitted.scale).unsqueeze_dim(0);
        let length: f32 = vector.clone().square().sum_dim(1).mean().into_scalar();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
        let first = vector.slice([0..2, 0..CODES[0].number]);
        let first: f32 = first.square().sum_dim(1).mean().into_scalar();
        let all: f64 = BLOCKS.iter().map(|block| block.length.powi(2)).sum();
        assert!((f64::from(first) - 1.0 / all).abs() < 1e-3, "{first}");
    }
}
