//! The layout of the parameters of a stack of layers in a flat vector, in the order in which Burn
//! visits them.

use std::ops::Range;

/// The shape of a stack of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackShape {
    /// Width of the sequence.
    pub dim: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the feed-forward layers.
    pub feed_forward: usize,
    /// Number of layers.
    pub layers: usize,
}

/// The offsets of a norm and the following linear map.
#[derive(Clone, Debug)]
pub(super) struct NormedPlaces {
    pub(super) gamma: Range<usize>,
    pub(super) beta: Range<usize>,
    pub(super) linear: LinearPlaces,
}

/// The offsets of a linear map.
#[derive(Clone, Debug)]
pub(super) struct LinearPlaces {
    /// `[from, to]`.
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

/// The offsets of the parameters of a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerPlaces {
    pub(super) qkv: NormedPlaces,
    pub(super) output: LinearPlaces,
    pub(super) expand: NormedPlaces,
    pub(super) contract: LinearPlaces,
}

/// Allocates consecutive ranges.
pub(super) struct Places(pub(super) usize);

impl Places {
    pub(super) fn next(&mut self, numbers: usize) -> Range<usize> {
        let start = self.0;
        self.0 += numbers;
        start..self.0
    }

    fn linear(&mut self, from: usize, to: usize) -> LinearPlaces {
        LinearPlaces {
            weight: self.next(from * to),
            bias: self.next(to),
        }
    }

    fn normed(&mut self, from: usize, to: usize) -> NormedPlaces {
        NormedPlaces {
            gamma: self.next(from),
            beta: self.next(from),
            linear: self.linear(from, to),
        }
    }
}

impl StackShape {
    /// The offsets of the parameters of each layer.
    pub(super) fn layers(&self, places: &mut Places) -> Vec<LayerPlaces> {
        let (dim, wide) = (self.dim, self.feed_forward);
        (0..self.layers)
            .map(|_| LayerPlaces {
                qkv: places.normed(dim, 3 * dim),
                output: places.linear(dim, dim),
                expand: places.normed(dim, wide),
                contract: places.linear(wide, dim),
            })
            .collect()
    }

    /// The length of a row of attention weights, rounded up to whole vectors.
    pub(super) fn row(length: usize) -> usize {
        length.next_multiple_of(super::vector::LANES)
    }
}
