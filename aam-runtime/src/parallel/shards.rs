//! The pieces of parameters that one rank updates.

use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::layout::{Layout, Row};

/// The pieces, as an optimizer sees them.
#[derive(Module, Debug)]
pub struct Pieces {
    tensors: Vec<Param<Tensor<1>>>,
}

/// The pieces of the parameters that a rank updates, each under its parameter's id.
#[derive(Debug)]
pub struct Shards {
    /// In the order of their parameters.
    pub pieces: Pieces,
    /// Where each piece is in its parameter.
    ranges: Vec<(ParamId, Range<usize>)>,
    /// Which pieces are of each row.
    rows: Vec<Range<usize>>,
}

impl Shards {
    /// None yet.
    pub fn new() -> Self {
        Self {
            pieces: Pieces {
                tensors: Vec::new(),
            },
            ranges: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds the next `row`, whose parameters are `values` and of which this rank updates `own`.
    pub fn add(&mut self, row: &Row, values: &[f32], own: Range<usize>, device: &Device) {
        let first = self.ranges.len();
        for place in &row.places {
            let start = place.start.max(own.start);
            let end = (place.start + place.len()).min(own.end);
            if start < end {
                let piece = Tensor::<1>::from_floats(&values[start..end], device);
                let piece = Param::initialized(place.id, piece.require_grad());
                self.pieces.tensors.push(piece);
                let range = start - place.start..end - place.start;
                self.ranges.push((place.id, range));
            }
        }
        self.rows.push(first..self.ranges.len());
    }

    /// Where each piece is in its parameter.
    pub fn ranges(&self) -> &[(ParamId, Range<usize>)] {
        &self.ranges
    }

    /// The pieces of the row number `row`.
    pub fn values(&self, row: usize) -> Vec<f32> {
        let pieces = &self.pieces.tensors[self.rows[row].clone()];
        pieces
            .iter()
            .flat_map(|piece| piece.val().into_data().iter::<f32>().collect::<Vec<_>>())
            .collect()
    }

    /// Adds the gradients of the pieces of the row number `row`, laid end to end in `values`, to
    /// `gradients`, but for parameters without any.
    pub fn put(
        &self,
        (row, layout): (usize, &Layout),
        mut values: &[f32],
        present: &[f64],
        gradients: &mut GradientsParams,
    ) {
        let mut places = layout.rows[row].places.iter().zip(present);
        for piece in &self.pieces.tensors[self.rows[row].clone()] {
            let (own, rest) = values.split_at(piece.lazy_shape().num_elements());
            values = rest;
            let place = places.find(|(place, _)| place.id == piece.id);
            if place.is_some_and(|(_, present)| *present > 0.0) {
                let device = piece.lazy_device().inner();
                gradients.register(piece.id, Tensor::<1>::from_floats(own, &device));
            }
        }
    }
}

/// The device of the parameters of `model` that learn.
pub fn device_of<M: Module>(model: &M) -> Device {
    let mut first = FirstDevice(None);
    model.visit(&mut first);
    first.0.unwrap_or_else(|| Device::flex().autodiff())
}

struct FirstDevice(Option<Device>);

impl ModuleVisitor for FirstDevice {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() && self.0.is_none() {
            self.0 = Some(param.lazy_device());
        }
    }
}
