//! Linear maps, with the preceding norm folded in.
//!
//! A norm's gain and offset are linear, too: `(γ x + β) W + b = x (γ W) + (β W + b)`, where x has
//! mean 0 and variance 1. The pass over the sequence therefore only needs x, and the gradients of
//! γ, β and W follow from `xᵀ dy` and the column sums of `dy` at the end.

use super::product::{Matrix, Write, product};
use super::shape::{LinearPlaces, NormedPlaces};
use super::vector::{add_columns, repeat};

/// `x W + b`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    from: usize,
    to: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
    places: LinearPlaces,
}

impl Linear {
    pub(super) fn new(parameters: &[f32], places: &LinearPlaces) -> Self {
        let to = places.bias.len();
        Self {
            from: places.weight.len() / to,
            to,
            weight: parameters[places.weight.clone()].to_vec(),
            bias: parameters[places.bias.clone()].to_vec(),
            places: places.clone(),
        }
    }

    fn weights(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, self.from, self.to, self.to)
    }

    fn rows<'a>(values: &'a [f32], width: usize) -> Matrix<'a> {
        Matrix::new(values, values.len() / width, width, width)
    }

    /// Applies the map to the rows of `x`, and writes the results to `y`.
    #[inline(always)]
    pub(super) fn forward(&self, x: &[f32], y: &mut [f32]) {
        repeat(y, &self.bias);
        product(
            Self::rows(x, self.from),
            self.weights(),
            y,
            self.to,
            Write::Onto,
        );
    }

    /// Writes the gradient with respect to `x`, given that with respect to `y`.
    #[inline(always)]
    pub(super) fn backward(&self, dy: &[f32], dx: &mut [f32]) {
        let weights = self.weights().transposed();
        product(Self::rows(dy, self.to), weights, dx, self.from, Write::Over);
    }

    /// Adds the gradients of weight and bias at their offsets in `gradients`.
    #[inline(always)]
    pub(super) fn add_gradients(&self, x: &[f32], dy: &[f32], gradients: &mut [f32]) {
        let x = Self::rows(x, self.from).transposed();
        let weight = &mut gradients[self.places.weight.clone()];
        product(x, Self::rows(dy, self.to), weight, self.to, Write::Onto);
        add_columns(&mut gradients[self.places.bias.clone()], dy);
    }
}

/// A linear map of normalised rows, with the norm folded in.
#[derive(Clone, Debug)]
pub(super) struct NormedLinear {
    pub(super) folded: Linear,
    places: NormedPlaces,
    /// The number of leading columns that are scaled, and the factor.
    scale: (usize, f32),
}

impl NormedLinear {
    pub(super) fn new(parameters: &[f32], places: &NormedPlaces, scale: (usize, f32)) -> Self {
        let mut folded = Linear::new(parameters, &places.linear);
        let gamma = &parameters[places.gamma.clone()];
        let beta = &parameters[places.beta.clone()];
        for (i, row) in folded.weight.chunks_exact_mut(folded.to).enumerate() {
            for (bias, weight) in folded.bias.iter_mut().zip(row) {
                *bias += beta[i] * *weight;
                *weight *= gamma[i];
            }
        }
        for row in folded.weight.chunks_exact_mut(folded.to) {
            row[..scale.0]
                .iter_mut()
                .for_each(|weight| *weight *= scale.1);
        }
        folded.bias[..scale.0]
            .iter_mut()
            .for_each(|bias| *bias *= scale.1);
        Self {
            folded,
            places: places.clone(),
            scale,
        }
    }

    /// Converts the gradients of the folded map to those of norm and map, in place.
    pub(super) fn unfold(&self, parameters: &[f32], gradients: &mut [f32]) {
        let (to, places) = (self.folded.to, &self.places);
        let sums = &mut gradients[places.linear.bias.clone()];
        sums[..self.scale.0]
            .iter_mut()
            .for_each(|sum| *sum *= self.scale.1);
        let sums = sums.to_vec();
        let gamma = &parameters[places.gamma.clone()];
        let beta = &parameters[places.beta.clone()];
        let weight = &parameters[places.linear.weight.clone()];
        for (i, weight) in weight.chunks_exact(to).enumerate() {
            let start = places.linear.weight.start + i * to;
            let (mut at_gamma, mut at_beta) = (0.0, 0.0);
            for (j, gradient) in gradients[start..start + to].iter_mut().enumerate() {
                let scale = if j < self.scale.0 { self.scale.1 } else { 1.0 };
                let product = *gradient * scale;
                at_gamma += weight[j] * product;
                at_beta += weight[j] * sums[j];
                *gradient = gamma[i] * product + beta[i] * sums[j];
            }
            gradients[places.gamma.start + i] = at_gamma;
            gradients[places.beta.start + i] = at_beta;
        }
    }
}
