//! The ASV encoder for one ASV, forward and backward: tokens, layers, norm, pooling and
//! nucleotides.

use std::ops::Range;

use aam_api::{Asv, Guesses};

use super::dropout::Dropout;
use super::pooling::{PoolingPlaces, PoolingRoom};
use super::shape::{Places, StackShape};
use super::stack::{Room, Stack};
use super::vector::{
    add_columns, add_normalize_gradient, add_scaled, dot, exp, largest, normalize,
};

/// Epsilon of the norm after the last layer.
const EPSILON: f32 = 1e-6;

/// The shape of an ASV encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderShape {
    /// The number of tokens.
    pub vocabulary: usize,
    /// The maximum number of positions of an ASV.
    pub positions: usize,
    /// The layers.
    pub stack: StackShape,
}

/// The offsets of the parameters outside the stack.
#[derive(Clone, Debug)]
struct EncoderPlaces {
    tokens: Range<usize>,
    positions: Range<usize>,
    gamma: Range<usize>,
    beta: Range<usize>,
    pooling: PoolingPlaces,
    /// `[dim, vocabulary]`.
    nucleotides: Range<usize>,
    nucleotide_bias: Range<usize>,
    end: usize,
}

/// An ASV encoder whose parameters are stored in one flat vector.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    shape: EncoderShape,
    places: EncoderPlaces,
    stack: Stack,
    parameters: Vec<f32>,
    /// `[vocabulary, dim]`.
    nucleotides: Vec<f32>,
}

/// Scratch memory for one ASV.
pub(super) struct EncoderRoom {
    stack: Room,
    x: Vec<f32>,
    normed: Vec<f32>,
    scales: Vec<f32>,
    gradient: Vec<f32>,
    pooling: PoolingRoom,
    logits: Vec<f32>,
}

impl Encoder {
    /// Creates the encoder from `parameters` in the order in which Burn visits them. `None` if
    /// their number does not match the shape.
    pub(super) fn new(shape: EncoderShape, parameters: Vec<f32>) -> Option<Self> {
        let dim = shape.stack.dim;
        let mut next = Places(0);
        let tokens = next.next(shape.vocabulary * dim);
        let positions = next.next(shape.positions * dim);
        let in_stack = next.0;
        shape.stack.layers(&mut next);
        let places = EncoderPlaces {
            tokens,
            positions,
            gamma: next.next(dim),
            beta: next.next(dim),
            pooling: PoolingPlaces::new(dim, &mut next),
            nucleotides: next.next(dim * shape.vocabulary),
            nucleotide_bias: next.next(shape.vocabulary),
            end: next.0,
        };
        if parameters.len() != places.end {
            return None;
        }
        let weight = &parameters[places.nucleotides.clone()];
        let nucleotides = (0..shape.vocabulary)
            .flat_map(|token| weight.iter().skip(token).step_by(shape.vocabulary).copied())
            .collect();
        Some(Self {
            stack: Stack::new(shape.stack, &parameters, &mut Places(in_stack)),
            shape,
            places,
            parameters,
            nucleotides,
        })
    }

    /// The width of the embeddings.
    pub(super) fn dim(&self) -> usize {
        self.shape.stack.dim
    }

    /// The number of parameters.
    pub(super) fn parameters(&self) -> usize {
        self.parameters.len()
    }

    /// Allocates scratch memory for ASVs of up to `length` tokens; for the backward pass, too, if
    /// `back`.
    pub(super) fn room(&self, length: usize, back: bool) -> EncoderRoom {
        let dim = self.dim();
        let zeros = |width: usize| vec![0.0; width];
        EncoderRoom {
            stack: self.stack.room(length, back),
            x: zeros(length * dim),
            normed: zeros(length * dim),
            scales: zeros(length),
            gradient: zeros(if back { length * dim } else { 0 }),
            pooling: PoolingRoom::new(dim, length),
            logits: zeros(self.shape.vocabulary),
        }
    }

    /// Computes the vectors of the positions of an ASV, `[length, dim]`, in `room.x`.
    #[inline(always)]
    fn positions<const KEEP: bool>(
        &self,
        tokens: &[u8],
        room: &mut EncoderRoom,
        dropout: Option<Dropout>,
    ) {
        let dim = self.dim();
        let x = &mut room.x[..tokens.len() * dim];
        let table = &self.parameters[self.places.tokens.clone()];
        let positions = &self.parameters[self.places.positions.clone()];
        let rows = x.chunks_exact_mut(dim).zip(positions.chunks_exact(dim));
        for ((x, position), &token) in rows.zip(tokens) {
            let token = &table[usize::from(token) * dim..][..dim];
            for ((x, token), position) in x.iter_mut().zip(token).zip(position) {
                *x = token + position;
            }
        }
        self.stack.forward::<KEEP>(x, &mut room.stack, dropout);
        let normed = &mut room.normed[..x.len()];
        normalize(x, normed, &mut room.scales[..tokens.len()], EPSILON);
        let gamma = &self.parameters[self.places.gamma.clone()];
        let beta = &self.parameters[self.places.beta.clone()];
        let rows = x.chunks_exact_mut(dim).zip(normed.chunks_exact(dim));
        for (x, normed) in rows {
            for (i, (x, normed)) in x.iter_mut().zip(normed).enumerate() {
                *x = gamma[i] * normed + beta[i];
            }
        }
    }

    /// Writes the embedding of the ASV `tokens`.
    #[inline(always)]
    pub(super) fn embed(
        &self,
        tokens: &[u8],
        room: &mut EncoderRoom,
        dropout: Option<Dropout>,
        embedding: &mut [f32],
    ) {
        self.positions::<false>(tokens, room, dropout);
        let x = &room.x[..tokens.len() * self.dim()];
        let pooling = &self.places.pooling;
        pooling.forward(&self.parameters, x, &mut room.pooling, embedding);
    }

    /// Evaluates the nucleotide predictions of `asv`.
    #[inline(always)]
    pub(super) fn guess(&self, asv: Asv<'_>, room: &mut EncoderRoom) -> Guesses {
        self.positions::<false>(asv.tokens, room, None);
        self.guesses(asv, room, |_, _, _| {})
    }

    /// Predicts nucleotides from the positions in `room.x`. `learn` is called with each position,
    /// its vector and the gradient with respect to its logits.
    #[inline(always)]
    fn guesses(
        &self,
        asv: Asv<'_>,
        room: &mut EncoderRoom,
        mut learn: impl FnMut(usize, &[f32], &[f32]),
    ) -> Guesses {
        let mut guesses = Guesses::default();
        let Some((truth, wanted)) = asv.masked else {
            return guesses;
        };
        let dim = self.dim();
        let bias = &self.parameters[self.places.nucleotide_bias.clone()];
        let places = wanted.iter().enumerate().filter(|(_, wanted)| **wanted);
        for (place, _) in places {
            let x = &room.x[place * dim..][..dim];
            let weights = self.nucleotides.chunks_exact(dim);
            for ((logit, weights), bias) in room.logits.iter_mut().zip(weights).zip(bias) {
                *logit = dot(x, weights) + bias;
            }
            let right = usize::from(truth[place]);
            let highest = largest(&room.logits);
            let first = room.logits.iter().position(|logit| *logit == highest);
            guesses.right += usize::from(first == Some(right));
            let margin = room.logits[right] - highest;
            room.logits.iter_mut().for_each(|v| *v = exp(*v - highest));
            let sum: f32 = room.logits.iter().sum();
            guesses.loss += f64::from(sum.ln() - margin);
            room.logits.iter_mut().for_each(|logit| *logit /= sum);
            room.logits[right] -= 1.0;
            learn(place, x, &room.logits);
        }
        guesses
    }

    /// Adds the gradients of the losses of `asv` to `gradients`, which have the layout of the
    /// parameters but belong to the folded stack. The loss of each nucleotide has the weight
    /// `nucleotide_weight`.
    #[inline(always)]
    pub(super) fn learn(
        &self,
        asv: Asv<'_>,
        nucleotide_weight: f32,
        room: &mut EncoderRoom,
        dropout: Option<Dropout>,
        gradients: &mut [f32],
    ) -> Guesses {
        let (dim, length) = (self.dim(), asv.tokens.len());
        self.positions::<true>(asv.tokens, room, dropout);
        let mut dx = std::mem::take(&mut room.gradient);
        let at_x = &mut dx[..length * dim];
        at_x.fill(0.0);
        if let Some(gradient) = asv.gradient {
            let (parameters, x) = (&self.parameters, &room.x[..length * dim]);
            let pooling = &self.places.pooling;
            pooling.backward(parameters, x, gradient, &mut room.pooling, at_x, gradients);
        }
        let places = &self.places;
        let vocabulary = self.shape.vocabulary;
        let guesses = self.guesses(asv, room, |place, x, at_logits| {
            let at_x = &mut at_x[place * dim..][..dim];
            for (token, at_logit) in at_logits.iter().enumerate() {
                let at_logit = nucleotide_weight * at_logit;
                gradients[places.nucleotide_bias.start + token] += at_logit;
                let weights = &self.nucleotides[token * dim..][..dim];
                add_scaled(at_x, weights, at_logit);
                let target = &mut gradients[places.nucleotides.clone()][token..];
                for (target, x) in target.iter_mut().step_by(vocabulary).zip(x) {
                    *target += at_logit * x;
                }
            }
        });
        self.positions_gradient(asv.tokens, room, at_x, dropout, gradients);
        room.gradient = dx;
        guesses
    }

    /// Propagates the gradient at the positions to tokens, positions and layers.
    #[inline(always)]
    fn positions_gradient(
        &self,
        tokens: &[u8],
        room: &mut EncoderRoom,
        at_x: &mut [f32],
        dropout: Option<Dropout>,
        gradients: &mut [f32],
    ) {
        let dim = self.dim();
        let places = &self.places;
        let normed = &room.normed[..at_x.len()];
        let gamma = &self.parameters[places.gamma.clone()];
        add_columns(&mut gradients[places.beta.clone()], at_x);
        for (at_x, normed) in at_x.chunks_exact_mut(dim).zip(normed.chunks_exact(dim)) {
            let at_gamma = &mut gradients[places.gamma.clone()];
            for (i, (at_x, normed)) in at_x.iter_mut().zip(normed).enumerate() {
                at_gamma[i] += *at_x * normed;
                *at_x *= gamma[i];
            }
        }
        let before = &mut room.x[..at_x.len()];
        before.fill(0.0);
        add_normalize_gradient(before, at_x, normed, &room.scales[..tokens.len()]);
        self.stack
            .backward(before, &mut room.stack, dropout, gradients);
        for (place, (before, &token)) in before.chunks_exact(dim).zip(tokens).enumerate() {
            let token = places.tokens.start + usize::from(token) * dim;
            add_scaled(&mut gradients[token..token + dim], before, 1.0);
            let position = places.positions.start + place * dim;
            add_scaled(&mut gradients[position..position + dim], before, 1.0);
        }
    }

    /// Converts the gradients of the folded stack to those of the parameters, in place.
    pub(super) fn unfold(&self, gradients: &mut [f32]) {
        self.stack.unfold(&self.parameters, gradients);
    }
}
