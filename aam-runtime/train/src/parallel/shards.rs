//! The pieces of parameters that one rank updates.

use std::ops::Range;

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::layout::{Layout, Row};

/// The pieces as a module for an optimizer.
#[derive(Module, Debug)]
pub struct Pieces {
    tensors: Vec<Param<Tensor<1>>>,
}

/// The pieces of the parameters that a rank updates, each with its parameter's id.
#[derive(Debug)]
pub struct Shards {
    /// The pieces in the order of their parameters.
    pub pieces: Pieces,
    /// The range of each piece in its parameter.
    ranges: Vec<(ParamId, Range<usize>)>,
    /// The pieces of each row.
    rows: Vec<Range<usize>>,
    /// Their device, without gradients.
    device: Device,
}

impl Shards {
    /// Creates an empty set on `device`.
    pub fn new(device: Device) -> Self {
        Self {
            pieces: Pieces {
                tensors: Vec::new(),
            },
            ranges: Vec::new(),
            rows: Vec::new(),
            device,
        }
    }

    /// Adds the next `row`, whose parameters are `values`, `[count]`. This rank updates the range
    /// `own`.
    pub fn add(&mut self, row: &Row, values: &Tensor<1>, own: Range<usize>) {
        let first = self.ranges.len();
        for place in &row.places {
            let start = place.start.max(own.start);
            let end = (place.start + place.len()).min(own.end);
            if start < end {
                // A copy, which does not keep the entire row in memory.
                let piece = values.clone().slice(start..end).into_data();
                let piece = Tensor::<1>::from_data(piece, &self.device).autodiff();
                let piece = Param::initialized(place.id, piece.require_grad());
                self.pieces.tensors.push(piece);
                let range = start - place.start..end - place.start;
                self.ranges.push((place.id, range));
            }
        }
        self.rows.push(first..self.ranges.len());
    }

    /// The range of each piece in its parameter.
    pub fn ranges(&self) -> &[(ParamId, Range<usize>)] {
        &self.ranges
    }

    /// The concatenated pieces of row number `row`; may be empty.
    pub fn values(&self, row: usize) -> Tensor<1> {
        let pieces = &self.pieces.tensors[self.rows[row].clone()];
        match pieces {
            [] => Tensor::zeros([0], &self.device),
            pieces => Tensor::cat(pieces.iter().map(|piece| piece.val().inner()).collect(), 0),
        }
    }

    /// Adds the gradients of the pieces of row number `row`, concatenated in `values`, to
    /// `gradients`, except for parameters without gradients.
    pub fn put(
        &self,
        (row, layout): (usize, &Layout),
        values: &Tensor<1>,
        present: &[f64],
        gradients: &mut GradientsParams,
    ) {
        let mut places = layout.rows[row].places.iter().zip(present);
        let mut start = 0;
        for piece in &self.pieces.tensors[self.rows[row].clone()] {
            let end = start + piece.lazy_shape().num_elements();
            let place = places.find(|(place, _)| place.id == piece.id);
            if place.is_some_and(|(_, present)| *present > 0.0) {
                gradients.register(piece.id, values.clone().slice(start..end));
            }
            start = end;
        }
    }
}
