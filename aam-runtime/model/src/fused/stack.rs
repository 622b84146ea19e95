//! A stack of pre-norm transformer layers over one sequence, forward and backward.
//!
//! It computes the same as `super::super::transformer`, with all intermediate results of a sequence
//! in the cache of the core that works on it. [`Stack::backward`] requires the results stored by
//! [`Stack::forward`].

use super::dropout::Dropout;
use super::linear::{Linear, NormedLinear};
use super::product::{Matrix, Write, product};
use super::shape::{LayerPlaces, Places, StackShape};
use super::vector::{add_normalize_gradient, gelu, normalize, softmax, softmax_gradient};

/// Epsilon of the norms within layers.
const EPSILON: f32 = 1e-5;

/// A stack of layers, without the final norm.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    shape: StackShape,
    layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
struct Layer {
    qkv: NormedLinear,
    output: Linear,
    expand: NormedLinear,
    contract: Linear,
}

/// The intermediate results of a layer that its backward pass needs, for one sequence.
#[derive(Clone, Debug)]
struct Kept {
    normed: Vec<f32>,
    scales: Vec<f32>,
    qkv: Vec<f32>,
    /// Attention weights before dropout, head by head.
    weights: Vec<f32>,
    attended: Vec<f32>,
    normed_again: Vec<f32>,
    scales_again: Vec<f32>,
    /// The values after activation and dropout, and the slope of both.
    hidden: Vec<f32>,
    slope: Vec<f32>,
}

/// Scratch memory for one sequence.
#[derive(Clone, Debug)]
pub(super) struct Room {
    kept: Vec<Kept>,
    scores: Vec<f32>,
    wide: Vec<f32>,
    dim: Vec<f32>,
    dim_again: Vec<f32>,
}

impl Room {
    /// Allocates memory for sequences of up to `length`, including stored results of `layers`
    /// layers.
    fn new(shape: &StackShape, length: usize, layers: usize) -> Self {
        let (dim, wide) = (shape.dim, shape.feed_forward);
        let zeros = |width: usize| vec![0.0; length * width];
        let kept = Kept {
            normed: zeros(dim),
            scales: zeros(1),
            qkv: zeros(3 * dim),
            weights: zeros(shape.heads * StackShape::row(length)),
            attended: zeros(dim),
            normed_again: zeros(dim),
            scales_again: zeros(1),
            hidden: zeros(wide),
            slope: zeros(wide),
        };
        Self {
            kept: vec![kept; layers.max(1)],
            scores: zeros(StackShape::row(length)),
            wide: zeros(wide.max(3 * dim)),
            dim: zeros(dim),
            dim_again: zeros(dim),
        }
    }
}

impl Stack {
    /// Creates the stack from its parameters at `places`.
    pub(super) fn new(shape: StackShape, parameters: &[f32], places: &mut Places) -> Self {
        let scale = 1.0 / ((shape.dim / shape.heads) as f32).sqrt();
        let layer = |places: &LayerPlaces| Layer {
            qkv: NormedLinear::new(parameters, &places.qkv, (shape.dim, scale)),
            output: Linear::new(parameters, &places.output),
            expand: NormedLinear::new(parameters, &places.expand, (0, 1.0)),
            contract: Linear::new(parameters, &places.contract),
        };
        Self {
            layers: shape.layers(places).iter().map(layer).collect(),
            shape,
        }
    }

    /// Allocates scratch memory for sequences of up to `length`; for the backward pass, too, if
    /// `back`.
    pub(super) fn room(&self, length: usize, back: bool) -> Room {
        let layers = if back { self.layers.len() } else { 1 };
        Room::new(&self.shape, length, layers)
    }

    /// Applies all layers to the sequence `x`, `[length, dim]`. With `KEEP`, stores the results
    /// that [`backward`](Self::backward) requires.
    #[inline(always)]
    pub(super) fn forward<const KEEP: bool>(
        &self,
        x: &mut [f32],
        room: &mut Room,
        dropout: Option<Dropout>,
    ) {
        for (i, layer) in self.layers.iter().enumerate() {
            let dropout = dropout.map(|dropout| dropout.at(i));
            layer.forward::<KEEP>(&self.shape, i, x, room, dropout);
        }
    }

    /// Propagates the gradient `dx` at the output, `[length, dim]`, to the input, and adds the
    /// gradients of the folded parameters to `gradients`.
    #[inline(always)]
    pub(super) fn backward(
        &self,
        dx: &mut [f32],
        room: &mut Room,
        dropout: Option<Dropout>,
        gradients: &mut [f32],
    ) {
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let dropout = dropout.map(|dropout| dropout.at(i));
            layer.backward(&self.shape, i, dx, room, dropout, gradients);
        }
    }

    /// Converts the gradients of folded parameters to those of `parameters`, in place.
    pub(super) fn unfold(&self, parameters: &[f32], gradients: &mut [f32]) {
        for layer in &self.layers {
            layer.qkv.unfold(parameters, gradients);
            layer.expand.unfold(parameters, gradients);
        }
    }
}

/// The indices of the dropouts in a layer; those of the heads follow.
const OUTPUT: usize = 0;
const HIDDEN: usize = 1;
const CONTRACTED: usize = 2;
const HEADS: usize = 3;

/// The queries, keys or values of one head.
fn part<'a>(qkv: &'a [f32], shape: &StackShape, which: usize, head: usize) -> Matrix<'a> {
    let (dim, width) = (shape.dim, shape.dim / shape.heads);
    let start = which * dim + head * width;
    Matrix::new(&qkv[start..], qkv.len() / (3 * dim), width, 3 * dim)
}

impl Layer {
    #[inline(always)]
    fn forward<const KEEP: bool>(
        &self,
        shape: &StackShape,
        number: usize,
        x: &mut [f32],
        room: &mut Room,
        dropout: Option<Dropout>,
    ) {
        let (dim, length) = (shape.dim, x.len() / shape.dim);
        let (row, width) = (StackShape::row(length), dim / shape.heads);
        let kept = &mut room.kept[if KEEP { number } else { 0 }];
        let normed = &mut kept.normed[..x.len()];
        normalize(x, normed, &mut kept.scales[..length], EPSILON);
        let qkv = &mut kept.qkv[..3 * x.len()];
        self.qkv.folded.forward(normed, qkv);
        let attended = &mut kept.attended[..x.len()];
        for head in 0..shape.heads {
            let place = if KEEP { head } else { 0 };
            let weights = &mut kept.weights[place * length * row..][..length * row];
            let keys = part(qkv, shape, 1, head).transposed();
            product(part(qkv, shape, 0, head), keys, weights, row, Write::Over);
            for weights in weights.chunks_exact_mut(row) {
                weights[length..].fill(f32::NEG_INFINITY);
                softmax(weights);
                weights[length..].fill(0.0);
            }
            let used = match dropout {
                None => &*weights,
                Some(dropout) => {
                    let dropped = &mut room.scores[..length * row];
                    dropped.copy_from_slice(weights);
                    dropout.at(HEADS + head).apply(dropped);
                    &*dropped
                }
            };
            let used = Matrix::new(used, length, length, row);
            let target = &mut attended[head * width..];
            product(used, part(qkv, shape, 2, head), target, dim, Write::Over);
        }
        let added = &mut room.dim[..x.len()];
        self.output.forward(attended, added);
        add(x, added, dropout.map(|dropout| dropout.at(OUTPUT)));

        let normed = &mut kept.normed_again[..x.len()];
        normalize(x, normed, &mut kept.scales_again[..length], EPSILON);
        let hidden = &mut kept.hidden[..length * shape.feed_forward];
        self.expand.folded.forward(normed, hidden);
        let slope = &mut kept.slope[..length * shape.feed_forward];
        for (hidden, slope) in hidden.iter_mut().zip(slope.iter_mut()) {
            (*hidden, *slope) = gelu(*hidden);
        }
        if let Some(dropout) = dropout {
            dropout.at(HIDDEN).apply(hidden);
            if KEEP {
                dropout.at(HIDDEN).apply(slope);
            }
        }
        self.contract.forward(hidden, added);
        add(x, added, dropout.map(|dropout| dropout.at(CONTRACTED)));
    }

    #[inline(always)]
    fn backward(
        &self,
        shape: &StackShape,
        number: usize,
        dx: &mut [f32],
        room: &mut Room,
        dropout: Option<Dropout>,
        gradients: &mut [f32],
    ) {
        let (dim, length) = (shape.dim, dx.len() / shape.dim);
        let (row, width) = (StackShape::row(length), dim / shape.heads);
        let kept = &mut room.kept[number];
        let after = &mut room.dim[..dx.len()];
        let before = &mut room.dim_again[..dx.len()];

        let dy = dropped(dx, after, dropout.map(|dropout| dropout.at(CONTRACTED)));
        let hidden = &kept.hidden[..length * shape.feed_forward];
        self.contract.add_gradients(hidden, dy, gradients);
        let wide = &mut room.wide[..length * shape.feed_forward];
        self.contract.backward(dy, wide);
        for (gradient, slope) in wide.iter_mut().zip(&kept.slope) {
            *gradient *= slope;
        }
        let normed = &kept.normed_again[..dx.len()];
        self.expand.folded.add_gradients(normed, wide, gradients);
        self.expand.folded.backward(wide, before);
        add_normalize_gradient(dx, before, normed, &kept.scales_again[..length]);

        let dy = dropped(dx, after, dropout.map(|dropout| dropout.at(OUTPUT)));
        self.output
            .add_gradients(&kept.attended[..dx.len()], dy, gradients);
        self.output.backward(dy, before);
        let qkv = &kept.qkv[..3 * dx.len()];
        let dqkv = &mut room.wide[..3 * dx.len()];
        for head in 0..shape.heads {
            let weights = &kept.weights[head * length * row..][..length * row];
            let scores = &mut room.scores[..length * row];
            let used = match dropout {
                None => weights,
                Some(dropout) => {
                    scores.copy_from_slice(weights);
                    dropout.at(HEADS + head).apply(scores);
                    &*scores
                }
            };
            let at_head = Matrix::new(&before[head * width..], length, width, dim);
            let used = Matrix::new(used, length, length, row).transposed();
            let at_values = &mut dqkv[2 * dim + head * width..];
            product(used, at_head, at_values, 3 * dim, Write::Over);

            let values = part(qkv, shape, 2, head).transposed();
            product(at_head, values, scores, row, Write::Over);
            if let Some(dropout) = dropout {
                dropout.at(HEADS + head).apply(scores);
            }
            let rows = weights.chunks_exact(row).zip(scores.chunks_exact_mut(row));
            for (weights, gradient) in rows {
                gradient[length..].fill(0.0);
                softmax_gradient(weights, gradient);
            }
            let scores = Matrix::new(scores, length, length, row);
            let keys = part(qkv, shape, 1, head);
            product(
                scores,
                keys,
                &mut dqkv[head * width..],
                3 * dim,
                Write::Over,
            );
            let queries = part(qkv, shape, 0, head);
            let at_keys = &mut dqkv[dim + head * width..];
            product(scores.transposed(), queries, at_keys, 3 * dim, Write::Over);
        }
        let normed = &kept.normed[..dx.len()];
        self.qkv.folded.add_gradients(normed, dqkv, gradients);
        self.qkv.folded.backward(dqkv, before);
        add_normalize_gradient(dx, before, normed, &kept.scales[..length]);
    }
}

/// Adds `added` to `x` after dropout.
#[inline(always)]
fn add(x: &mut [f32], added: &mut [f32], dropout: Option<Dropout>) {
    if let Some(dropout) = dropout {
        dropout.apply(added);
    }
    for (x, added) in x.iter_mut().zip(&*added) {
        *x += added;
    }
}

/// The `values` after dropout: unchanged, or a copy in `room`.
#[inline(always)]
fn dropped<'a>(values: &'a [f32], room: &'a mut [f32], dropout: Option<Dropout>) -> &'a [f32] {
    match dropout {
        None => values,
        Some(dropout) => {
            room.copy_from_slice(values);
            dropout.apply(room);
            room
        }
    }
}
