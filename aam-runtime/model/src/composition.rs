//! The composition of a sample as a vector: which ASVs it has and how much of each, with related ASVs
//! close to each other.
//!
//! ```text
//! c_a = Σ_b s_b (√2 cos(z_a S_b w_b + φ_b) − mean_b)     codes of the ASV a, of its whitened embedding z_a
//! u   = Σ_a ln(1 + 2 n_a) c_a − center                   sums over the ASVs of a sample
//! x   = cos u, sin u                                     what a predictor sees
//! ```
//!
//! At a high frequency `w` the codes of two ASVs have nothing in common unless they are the same; at
//! lower ones relatives are alike. As codes have a mean of 0 over the ASVs, adding a constant to the
//! logarithms of all of them changes nothing, which makes them centred log-ratios (with half a read for
//! none: `ln(n + ½) = ln(1 + 2n) − ln 2`). Each sum has codes of its own, so that products of `x`
//! approximate a Gaussian kernel between log-ratios however many ASVs there are (Rahimi and Recht,
//! *Random features for large-scale kernel machines*, NIPS 2007; that cosine and sine together are more
//! accurate than cosines with random phases: Sutherland and Schneider, *On the error of random Fourier
//! features*, UAI 2015). Nothing is learned by gradient: signs and phases are drawn, means and scales are
//! measured on the training samples.

use std::f32::consts::SQRT_2;
use std::ops::Range;

use aam_api::export::{Graph, Value};
use aam_api::{SampleAsvs, SampleView, SampleViewer};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::abundance_pooling::{FeatureMoments, constant, fixed, over_distinct, stored};
use super::random_features::RandomFeatures;

/// Codes of ASVs at one frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Codes {
    name: &'static str,
    frequency: f64,
    /// The length of their sums relative to that of the other codes.
    length: f64,
}

/// From codes that distinguish any two ASVs to those that relatives share.
const CODES: [Codes; 3] = [
    Codes {
        name: "codes of ASVs",
        frequency: 60.0,
        length: 1.0,
    },
    Codes {
        name: "codes of close relatives",
        frequency: 3.0,
        length: 0.7,
    },
    Codes {
        name: "codes of relatives",
        frequency: 0.7,
        length: 0.5,
    },
];
/// Root mean square of what a predictor sees. An update of Adam moves all weights by at most the
/// learning rate; with features of size 1, it would move predictions far beyond their spread.
pub(crate) const SIZE: f64 = 0.0625;
/// The number of ASVs whose codes are computed at once, 48 kB each by default.
const ASVS: usize = 256;
/// The number of such parts that are computed in parallel.
const PARTS: usize = 8;
/// The number of ASVs over which the mean of codes is measured.
const MEASURED: usize = 1024;

/// Sums of codes over the ASVs of a sample, and features of them.
#[derive(burn::module::Module, Debug)]
pub struct Composition {
    /// The mean of each code, one frequency after the other.
    mean: Param<Tensor<1>>,
    /// The factor of the codes of each frequency.
    scale: Param<Tensor<1>>,
    /// The mean of each scaled sum.
    center: Param<Tensor<1>>,
    /// The number of sums.
    number: usize,
}

impl Composition {
    /// A composition of this `number` of sums, not fitted to samples yet.
    pub fn new(number: usize, device: &Device) -> Self {
        let filled = |length: usize, value: f64| {
            constant(Param::from_tensor(Tensor::full([length], value, device)))
        };
        Self {
            mean: filled(CODES.len() * number, 0.0),
            scale: filled(CODES.len(), (CODES.len() as f64).powf(-0.5)),
            center: filled(number, 0.0),
            number,
        }
    }

    /// The number of features that a predictor sees.
    pub fn features(&self) -> usize {
        2 * self.number
    }

    /// With codes that have a mean of 0 over the whitened embeddings `z`, `[ASVs, dim]`; over some of them
    /// if there are many.
    pub fn with_mean_of(self, z: Tensor<2>) -> Self {
        let device = self.mean.lazy_device();
        let [number, _] = z.dims();
        let every = number.div_ceil(MEASURED).max(1);
        let measured = Tensor::arange_step(0..number as i64, every, &device);
        let mean = self.waves(&z).of(z.select(0, measured)).mean_dim(0);
        let mean = mean.reshape([self.all_codes()]).into_data();
        Self {
            mean: stored(self.mean, mean, &device),
            ..self
        }
    }

    /// With sums of the lengths that they are to have over samples whose [`sums`](Self::sums) have these
    /// `moments`, and a mean squared length of 1 together.
    pub fn scaled(self, moments: &FeatureMoments) -> Self {
        let device = self.mean.lazy_device();
        let (means, variances) = moments.mean_and_variance();
        let all: f64 = CODES.iter().map(|codes| codes.length.powi(2)).sum();
        let mut center = vec![0.0; self.number];
        let mut scales = Vec::with_capacity(CODES.len());
        for (place, codes) in CODES.iter().enumerate() {
            let own = place * self.number..(place + 1) * self.number;
            let variance = variances[own.clone()].iter().sum::<f64>() / self.number as f64;
            let scale = codes.length / (all * variance.max(f64::from(f32::EPSILON))).sqrt();
            let sums = center.iter_mut().zip(&means[own]);
            sums.for_each(|(center, mean)| *center += scale * mean);
            scales.push(scale);
        }
        let data = |values: Vec<f64>| {
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            let shape = [values.len()];
            TensorData::new(values, shape)
        };
        Self {
            scale: stored(self.scale, data(scales), &device),
            center: stored(self.center, data(center), &device),
            ..self
        }
    }

    /// The number of codes of an ASV.
    fn all_codes(&self) -> usize {
        CODES.len() * self.number
    }

    /// The codes of ASVs of whitened embeddings such as `z` before their mean is subtracted,
    /// `[ASVs, frequencies × sums]`. The lengths of embeddings grow with the root of their width.
    fn waves(&self, z: &Tensor<2>) -> RandomFeatures {
        let [_, dim] = z.dims();
        let length = (dim as f64).sqrt();
        let waves = CODES.iter().map(|codes| {
            let frequency = codes.frequency / length;
            RandomFeatures::new(codes.name, self.number, frequency, dim, &z.device())
        });
        RandomFeatures::joined(waves.collect())
    }

    /// What gives the codes of ASVs of whitened embeddings such as `z`, `[ASVs, frequencies × sums]`.
    fn codes(&self, z: &Tensor<2>) -> impl Fn(Tensor<2>) -> Tensor<2> + Sync + use<> {
        let (waves, mean) = (self.waves(z), fixed(&self.mean).unsqueeze_dim(0));
        move |z| waves.of(z) - mean.clone()
    }

    /// What gives their scaled codes of all frequencies together, `[ASVs, sums]`.
    fn scaled_codes(&self, z: &Tensor<2>) -> impl Fn(Tensor<2>) -> Tensor<2> + Sync + use<> {
        let (codes, number) = (self.codes(z), self.number);
        let scale = fixed(&self.scale).reshape([1, CODES.len(), 1]);
        move |z| {
            let [asvs, _] = z.dims();
            let codes = codes(z).reshape([asvs, CODES.len(), number]);
            (codes * scale.clone()).sum_dim(1).reshape([asvs, number])
        }
    }

    /// The sums of codes over the ASVs of samples, `[batch, frequencies × sums]`, from the whitened
    /// embeddings `z`, `[unique, dim]`, of the ASVs.
    pub fn sums(&self, z: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        over_asvs(&z, samples, self.all_codes(), self.codes(&z))
    }

    /// [`forward`](Self::forward) for any number of samples that have ASVs of the whitened embeddings `z`,
    /// `[ASVs, dim]`, whose codes are computed once.
    pub fn viewer(&self, z: Tensor<2>) -> SampleViewer {
        let ([asvs, _], of) = (z.dims(), self.scaled_codes(&z));
        let codes = chunks(asvs).map(|rows| of(z.clone().slice(rows)));
        let codes = Tensor::cat(codes.collect(), 0);
        let center = fixed(&self.center).unsqueeze_dim(0);
        Box::new(move |rows, samples| {
            let [unique] = rows.dims();
            let sums = logarithms(samples, unique).matmul(codes.clone().select(0, rows));
            SampleView::Profiles(seen(sums - center.clone()))
        })
    }

    /// What a predictor sees, `[batch, features]`, each of a root mean square of [`SIZE`]. They are not
    /// centred: what they have in common is how shares of classes are learned in a few updates.
    pub fn forward(&self, z: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let sums = over_asvs(&z, samples, self.number, self.scaled_codes(&z));
        seen(sums - fixed(&self.center).unsqueeze_dim(0))
    }

    /// The same in `graph`, from the whitened embeddings `z`, `[ASVs, dim]`, of all ASVs, and the reads of
    /// samples, `[samples, ASVs]`.
    pub fn export(&self, graph: &mut Graph, z: Tensor<2>, reads: &Value) -> Value {
        let codes = graph.tensor(&self.scaled_codes(&z)(z));
        let [one, two] = [1f32, 2.0].map(|value| graph.scalar(value));
        let doubled = graph.mul(reads, &two);
        let more = graph.add(&doubled, &one);
        let logarithms = graph.map("Log", &more);
        let sums = graph.matmul(&logarithms, &codes);
        let center = graph.tensor(&fixed(&self.center));
        let sums = graph.sub(&sums, &center);
        let waves = ["Cos", "Sin"].map(|wave| graph.map(wave, &sums));
        let waves = graph.concat(&waves, 1);
        let size = graph.scalar(SQRT_2 * SIZE as f32);
        graph.mul(&waves, &size)
    }
}

/// What a predictor sees of sums.
fn seen(sums: Tensor<2>) -> Tensor<2> {
    Tensor::cat(vec![sums.clone().cos(), sums.sin()], 1) * (f64::from(SQRT_2) * SIZE)
}

/// `ln(1 + 2n)` of the reads of each of the `unique` ASVs of a batch in each sample, `[batch, unique]`.
fn logarithms(samples: &SampleAsvs, unique: usize) -> Tensor<2> {
    over_distinct((samples.counts.clone() * 2.0).log1p(), samples, unique)
}

/// The sums over ASVs of their `codes`, `[batch, width]`, weighted by [`logarithms`].
fn over_asvs(
    z: &Tensor<2>,
    samples: &SampleAsvs,
    width: usize,
    codes: impl Fn(Tensor<2>) -> Tensor<2> + Sync,
) -> Tensor<2> {
    let [unique, _] = z.dims();
    let logarithms = logarithms(samples, unique);
    let [batch, _] = logarithms.dims();
    let device = z.device();
    let parts: Vec<Range<usize>> = chunks(unique).collect();
    // Only a CPU leaves it to us to use its cores.
    let least = match device.clone().inner() == Device::flex() {
        true => 1,
        false => PARTS,
    };
    let mut sums = Tensor::zeros([batch, width], &device);
    for parts in parts.chunks(PARTS) {
        let part = |rows: &Range<usize>| {
            let own = logarithms.clone().slice([0..batch, rows.clone()]);
            own.matmul(codes(z.clone().slice(rows.clone())))
        };
        let parts: Vec<Tensor<2>> = parts.par_iter().with_min_len(least).map(part).collect();
        for part in parts {
            sums = sums + part;
        }
    }
    sums
}

/// Ranges that cover this number of ASVs, of [`ASVS`] at most each.
fn chunks(number: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..number).step_by(ASVS);
    starts.map(move |start| start..number.min(start + ASVS))
}

#[cfg(test)]
mod tests;
