//! Updates of parameters that several ranks make together.
//!
//! A strategy sees parameters and gradients as rows of numbers: those that learn, in the order in
//! which Burn visits them. Where each rank updates a part, the optimizer gets a module of
//! [`Shards`], pieces of the parameters under their own ids, and so keeps its state for them alone.

use aam_api::{Communicator, ParallelStrategy, Updates};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::error::RunError;
use crate::train::optimizer::{norm, scale};

/// How gradients change a module; it must do the same to each number, whatever tensor it is in.
pub trait UpdateRule {
    /// The module after the update.
    fn apply<M: Module>(&mut self, module: M, gradients: GradientsParams) -> M;
}

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 0.
    pub number: usize,
    /// Number of parts.
    pub of: usize,
}

/// Makes the updates of this rank.
#[derive(Debug)]
pub struct Updater<'a> {
    strategy: &'a dyn ParallelStrategy,
    layout: Layout,
    /// What this rank updates, where it is not everything.
    shards: Option<Shards>,
}

impl<'a> Updater<'a> {
    /// The updater of `model`, and the model with the parameters of rank 0.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn new<M: Module>(
        strategy: &'a dyn ParallelStrategy,
        mut model: M,
    ) -> Result<(Self, M), RunError> {
        let communicator = strategy.communicator();
        let layout = Layout::of(&model);
        let mut shards = None;
        if communicator.size() > 1 {
            let mut values = layout.values(&model);
            values.resize(
                if communicator.rank() == 0 {
                    values.len()
                } else {
                    0
                },
                0.0,
            );
            let values = communicator.all_gather_values(&values)?;
            if let Updates::InParts(parts) = strategy.updates(layout.count) {
                let own = parts[communicator.rank()].clone();
                shards = Some(Shards::new(&layout, &values, own, &device_of(&model)));
            }
            model = filled(model, &values);
        }
        let updater = Self {
            strategy,
            layout,
            shards,
        };
        Ok((updater, model))
    }

    /// What connects the ranks.
    pub fn communicator(&self) -> &dyn Communicator {
        self.strategy.communicator()
    }

    /// The part of the optimizer's state that this rank has.
    pub fn part(&self) -> Part {
        let communicator = self.strategy.communicator();
        match self.shards {
            None => Part { number: 0, of: 1 },
            Some(_) => Part {
                number: communicator.rank(),
                of: communicator.size(),
            },
        }
    }

    /// The parts that there are of something, from this rank's `own`; on every rank.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn gathered(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, RunError> {
        match self.shards {
            None => Ok(vec![own]),
            Some(_) => Ok(self.strategy.communicator().all_gather(own)?),
        }
    }

    /// The model after an update by `rule` with the sums over the ranks of `gradients`, times
    /// `factor`, and no longer than `longest` altogether; and how long they were, if that is known.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn update<M: Module>(
        &mut self,
        model: M,
        gradients: GradientsParams,
        factor: f64,
        longest: Option<f64>,
        rule: &mut impl UpdateRule,
    ) -> Result<(M, Option<f64>), RunError> {
        let communicator = self.strategy.communicator();
        if communicator.size() == 1 {
            let length = longest.map(|_| norm(&model, &gradients));
            let gradients = limited(&model, gradients, factor, longest, length);
            let model = rule.apply(model, gradients);
            return Ok((model, length.map(|length| length * factor)));
        }
        let (values, present) = self.layout.gradients(&model, gradients);
        let present = communicator.sum(&present)?;
        let values = self.strategy.reduce(values)?;
        let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
        match self.shards.take() {
            None => {
                let length = squares.sqrt();
                let gradients = registered(&model, &values, &present);
                let gradients = limited(&model, gradients, factor, longest, Some(length));
                Ok((rule.apply(model, gradients), Some(length * factor)))
            }
            Some(shards) => {
                let length = communicator.sum(&[squares])?[0].sqrt();
                let gradients = shards.gradients(&self.layout, &values, &present);
                let gradients = limited(&shards, gradients, factor, longest, Some(length));
                // While the optimizer works, the parts are all there is.
                let model = emptied(model);
                let shards = rule.apply(shards, gradients);
                let all = self.strategy.share(shards.values(), self.layout.count)?;
                self.shards = Some(shards);
                Ok((filled_as(model, &all, &self.layout), Some(length * factor)))
            }
        }
    }
}

/// `gradients` times `factor`, or less if their `length`, times `factor`, is beyond the longest.
fn limited<M: Module>(
    module: &M,
    gradients: GradientsParams,
    mut factor: f64,
    longest: Option<f64>,
    length: Option<f64>,
) -> GradientsParams {
    if let (Some(longest), Some(length)) = (longest, length) {
        factor *= (longest / (length * factor).max(f64::MIN_POSITIVE)).min(1.0);
    }
    match factor == 1.0 {
        true => gradients,
        false => scale(module, gradients, factor),
    }
}

/// Where each parameter that learns is in the row of all.
#[derive(Clone, Debug, Default)]
struct Layout {
    places: Vec<Place>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Place {
    id: ParamId,
    start: usize,
    shape: Vec<usize>,
}

impl Place {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl ModuleVisitor for Layout {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            let place = Place {
                id: param.id,
                start: self.count,
                shape: param.lazy_shape().to_vec(),
            };
            self.count += place.len();
            self.places.push(place);
        }
    }
}

impl Layout {
    fn of<M: Module>(model: &M) -> Self {
        let mut layout = Self::default();
        model.visit(&mut layout);
        layout
    }

    fn values<M: Module>(&self, model: &M) -> Vec<f32> {
        let mut row = Values(Vec::with_capacity(self.count));
        model.visit(&mut row);
        row.0
    }

    /// The gradients in a row, 0 where there is none, and for each parameter 1 if there is one.
    fn gradients<M: Module>(&self, model: &M, gradients: GradientsParams) -> (Vec<f32>, Vec<f64>) {
        let mut row = Gradients {
            gradients,
            values: Vec::with_capacity(self.count),
            present: Vec::with_capacity(self.places.len()),
        };
        model.visit(&mut row);
        (row.values, row.present)
    }
}

struct Values(Vec<f32>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0.extend(param.val().into_data().iter::<f32>());
        }
    }
}

struct Gradients {
    gradients: GradientsParams,
    values: Vec<f32>,
    present: Vec<f64>,
}

impl ModuleVisitor for Gradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let gradient = self.gradients.remove::<D>(param.id);
        self.present.push(f64::from(u8::from(gradient.is_some())));
        match gradient {
            Some(gradient) => self.values.extend(gradient.into_data().iter::<f32>()),
            None => {
                let count = param.lazy_shape().num_elements();
                self.values.resize(self.values.len() + count, 0.0);
            }
        }
    }
}

/// A row of gradients by parameter, without those that no rank has.
fn registered<M: Module>(model: &M, values: &[f32], present: &[f64]) -> GradientsParams {
    let mut register = Register {
        values,
        present,
        found: GradientsParams::new(),
    };
    model.visit(&mut register);
    register.found
}

struct Register<'a> {
    values: &'a [f32],
    present: &'a [f64],
    found: GradientsParams,
}

impl ModuleVisitor for Register<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let shape = param.lazy_shape();
        let (values, rest) = self.values.split_at(shape.num_elements());
        self.values = rest;
        let (present, rest) = self.present.split_at(1);
        self.present = rest;
        if present[0] > 0.0 {
            let data = TensorData::new(values.to_vec(), shape);
            let device = param.lazy_device().inner();
            self.found
                .register(param.id, Tensor::<D>::from_data(data, &device));
        }
    }
}

/// `model` with the parameters in `values`.
fn filled<M: Module>(model: M, values: &[f32]) -> M {
    let layout = Layout::of(&model);
    filled_as(model, values, &layout)
}

/// `model`, whose parameters may be empty, with those in `values`.
fn filled_as<M: Module>(model: M, values: &[f32], layout: &Layout) -> M {
    model.map(&mut Fill {
        values,
        places: layout.places.iter(),
    })
}

struct Fill<'a> {
    values: &'a [f32],
    places: std::slice::Iter<'a, Place>,
}

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        let Some(place) = self.places.next() else {
            return param;
        };
        let values = self.values[place.start..][..place.len()].to_vec();
        let data = TensorData::new(values, place.shape.clone());
        param.map(|old| Tensor::from_data(data, &old.device()).require_grad())
    }
}

/// `model` with a single 0 in place of each parameter that learns.
fn emptied<M: Module>(model: M) -> M {
    model.map(&mut Empty)
}

struct Empty;

impl ModuleMapper for Empty {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match param.is_require_grad() {
            true => param.map(|old| Tensor::zeros([1; D], &old.device()).require_grad()),
            false => param,
        }
    }
}

fn device_of<M: Module>(model: &M) -> Device {
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

/// The pieces of parameters that a rank updates, each under its parameter's id.
#[derive(Module, Debug)]
struct Shards {
    pieces: Vec<Param<Tensor<1>>>,
}

impl Shards {
    fn new(layout: &Layout, values: &[f32], own: std::ops::Range<usize>, device: &Device) -> Self {
        let pieces = layout.places.iter().filter_map(|place| {
            let start = place.start.max(own.start);
            let end = (place.start + place.len()).min(own.end);
            (start < end).then(|| {
                let piece = Tensor::<1>::from_floats(&values[start..end], device);
                Param::initialized(place.id, piece.require_grad())
            })
        });
        Self {
            pieces: pieces.collect(),
        }
    }

    fn values(&self) -> Vec<f32> {
        let pieces = self.pieces.iter();
        pieces
            .flat_map(|piece| piece.val().into_data().iter::<f32>().collect::<Vec<_>>())
            .collect()
    }

    /// The gradients of the pieces, laid end to end in `values`, but for parameters without any.
    fn gradients(&self, layout: &Layout, mut values: &[f32], present: &[f64]) -> GradientsParams {
        let mut found = GradientsParams::new();
        let mut places = layout.places.iter().zip(present);
        for piece in &self.pieces {
            let (own, rest) = values.split_at(piece.lazy_shape().num_elements());
            values = rest;
            let place = places.find(|(place, _)| place.id == piece.id);
            if place.is_some_and(|(_, present)| *present > 0.0) {
                let device = piece.lazy_device().inner();
                found.register(piece.id, Tensor::<1>::from_floats(own, &device));
            }
        }
        found
    }
}
