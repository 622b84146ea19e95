//! Attention pooling of the positions of a sequence, forward and backward.

use std::ops::Range;

use super::shape::Places;
use super::vector::{
    add_normalize_gradient, add_scaled, dot, normalize, softmax, softmax_gradient,
};

/// Epsilon of the norm of the mean.
const EPSILON: f32 = 1e-5;

/// The offsets of the pooling parameters.
#[derive(Clone, Debug)]
pub(super) struct PoolingPlaces {
    query: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
}

/// Scratch memory for one sequence.
#[derive(Clone, Debug)]
pub(super) struct PoolingRoom {
    weights: Vec<f32>,
    at_weights: Vec<f32>,
    mean: Vec<f32>,
    normed: Vec<f32>,
    scale: [f32; 1],
    at_normed: Vec<f32>,
    at_mean: Vec<f32>,
}

impl PoolingRoom {
    /// Allocates scratch memory for sequences of up to `length`.
    pub(super) fn new(dim: usize, length: usize) -> Self {
        Self {
            weights: vec![0.0; length],
            at_weights: vec![0.0; length],
            mean: vec![0.0; dim],
            normed: vec![0.0; dim],
            scale: [0.0],
            at_normed: vec![0.0; dim],
            at_mean: vec![0.0; dim],
        }
    }
}

impl PoolingPlaces {
    /// Allocates the next offsets.
    pub(super) fn new(dim: usize, next: &mut Places) -> Self {
        Self {
            query: next.next(dim),
            gamma: next.next(dim),
            beta: next.next(dim),
        }
    }

    /// Computes the weighted mean of the rows of `x`, `[length, dim]`, and its norm, in `room`.
    #[inline(always)]
    fn pool(&self, parameters: &[f32], x: &[f32], room: &mut PoolingRoom) {
        let query = &parameters[self.query.clone()];
        let dim = query.len();
        let rows = x.chunks_exact(dim);
        let weights = &mut room.weights[..rows.len()];
        for (weight, x) in weights.iter_mut().zip(rows.clone()) {
            *weight = dot(x, query) / (dim as f32).sqrt();
        }
        softmax(weights);
        room.mean.fill(0.0);
        for (&weight, x) in weights.iter().zip(rows) {
            add_scaled(&mut room.mean, x, weight);
        }
        normalize(&room.mean, &mut room.normed, &mut room.scale, EPSILON);
    }

    /// Writes the pooled vector of the rows of `x`, `[dim]`.
    #[inline(always)]
    pub(super) fn forward(
        &self,
        parameters: &[f32],
        x: &[f32],
        room: &mut PoolingRoom,
        pooled: &mut [f32],
    ) {
        self.pool(parameters, x, room);
        let gamma = &parameters[self.gamma.clone()];
        let beta = &parameters[self.beta.clone()];
        for (i, (value, normed)) in pooled.iter_mut().zip(&room.normed).enumerate() {
            *value = gamma[i] * normed + beta[i];
        }
    }

    /// Adds the gradient with respect to `x` to `at_x`, given that with respect to the pooled
    /// vector, and the gradients of the parameters at their offsets in `gradients`.
    #[inline(always)]
    pub(super) fn backward(
        &self,
        parameters: &[f32],
        x: &[f32],
        gradient: &[f32],
        room: &mut PoolingRoom,
        at_x: &mut [f32],
        gradients: &mut [f32],
    ) {
        self.pool(parameters, x, room);
        let gamma = &parameters[self.gamma.clone()];
        for (i, (at_normed, normed)) in room.at_normed.iter_mut().zip(&room.normed).enumerate() {
            gradients[self.gamma.start + i] += gradient[i] * normed;
            gradients[self.beta.start + i] += gradient[i];
            *at_normed = gradient[i] * gamma[i];
        }
        room.at_mean.fill(0.0);
        let at_mean = &mut room.at_mean;
        add_normalize_gradient(at_mean, &room.at_normed, &room.normed, &room.scale);
        let query = &parameters[self.query.clone()];
        let dim = query.len();
        let rows = x.chunks_exact(dim);
        let weights = &room.weights[..rows.len()];
        let scores = &mut room.at_weights[..rows.len()];
        for (score, x) in scores.iter_mut().zip(rows.clone()) {
            *score = dot(x, at_mean);
        }
        softmax_gradient(weights, scores);
        let scale = 1.0 / (dim as f32).sqrt();
        let at_rows = at_x.chunks_exact_mut(dim);
        for (((at_x, x), &weight), &score) in at_rows.zip(rows).zip(weights).zip(&*scores) {
            add_scaled(at_x, at_mean, weight);
            add_scaled(at_x, query, scale * score);
            add_scaled(&mut gradients[self.query.clone()], x, scale * score);
        }
    }
}
