//! The layers of a transformer over a batch of sequences, as a single operation of the CPU backend
//! with its own gradient.
//!
//! Sequences keep their actual lengths: nothing is computed for padding, and no mask is needed. The
//! graph only stores the inputs; the backward pass recomputes the rest, sequence by sequence.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

use super::dropout::Dropout;
use super::parts::in_order;
use super::shape::{Places, StackShape};
use super::stack::{Room, Stack};

/// Number of sequences per work item.
const PART: usize = 4;

/// The parameters of the operation.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The layers.
    pub shape: StackShape,
    /// The number of valid positions of each sequence, which come first.
    pub lengths: Vec<usize>,
    /// The number of positions of each sequence.
    pub places: usize,
    /// The dropout probability and seed.
    pub dropout: (f64, u64),
    /// The number of the first sequence in the whole batch, for its dropout.
    pub first: usize,
}

/// Applies all layers to `x`, `[batch, places, dim]`. The output is zero at invalid positions.
/// `parameters` are those of all layers in the order in which Burn visits them.
pub fn layers(x: Tensor<3>, parameters: Tensor<1>, plan: Plan) -> Tensor<3> {
    let (x, parameters) = (x.into_dispatch(), parameters.into_dispatch());
    Tensor::from_dispatch(Dispatch::fused_layers(x, parameters, plan))
}

#[backend_extension(Flex, Autodiff)]
trait FusedLayers: Backend {
    fn fused_layers(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

impl FusedLayers for Flex {
    fn fused_layers(x: FlexTensor, parameters: FlexTensor, plan: Plan) -> FlexTensor {
        tensor(plan.forward(&numbers(x), &numbers(parameters)), &plan)
    }
}

impl<C: CheckpointStrategy> FusedLayers for Autodiff<Flex, C> {
    fn fused_layers(
        x: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let operation = Layers.prepare::<C>([x.node(), parameters.node()]);
        let (x, parameters) = (x.into_primitive(), parameters.into_primitive());
        let output = Flex::fused_layers(x.clone(), parameters.clone(), plan.clone());
        match operation.compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((x, parameters, plan), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }
}

#[derive(Debug)]
struct Layers;

impl Backward<Flex, 2> for Layers {
    type State = (FlexTensor, FlexTensor, Plan);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, parameters, plan) = ops.state;
        let at_output = grads.consume::<Flex>(&ops.node);
        let (at_x, at_parameters) =
            plan.backward(&numbers(x), &numbers(parameters), &numbers(at_output));
        let [x, parameters] = ops.parents;
        if let Some(node) = x {
            grads.register::<Flex>(node.id, tensor(at_x, &plan));
        }
        if let Some(node) = parameters {
            let shape = [at_parameters.len()];
            let gradient = FlexTensor::from_data(TensorData::new(at_parameters, shape));
            grads.register::<Flex>(node.id, gradient);
        }
    }
}

fn numbers(tensor: FlexTensor) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn tensor(values: Vec<f32>, plan: &Plan) -> FlexTensor {
    let shape = [plan.lengths.len(), plan.places, plan.shape.dim];
    FlexTensor::from_data(TensorData::new(values, shape))
}

impl Plan {
    fn stack(&self, parameters: &[f32]) -> Stack {
        Stack::new(self.shape, parameters, &mut Places(0))
    }

    fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0).max(1)
    }

    fn dropout(&self, sequence: usize) -> Option<Dropout> {
        Some(Dropout::new(self.dropout.0, self.dropout.1)?.at(self.first + sequence))
    }

    /// The sequences of a work item, and the range of their values in a tensor.
    fn part(&self, part: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let (dim, places) = (self.shape.dim, self.places);
        let lengths = self.lengths.iter().enumerate().skip(part * PART).take(PART);
        lengths
            .filter(|(_, length)| **length > 0)
            .map(move |(sequence, length)| {
                let start = sequence * places * dim;
                (sequence, start..start + length * dim)
            })
    }

    fn forward(&self, x: &[f32], parameters: &[f32]) -> Vec<f32> {
        let stack = self.stack(parameters);
        let mut y = vec![0.0; x.len()];
        in_order(
            self.lengths.len().div_ceil(PART),
            || (stack.room(self.longest(), false), Vec::new()),
            |part, (room, found)| {
                found.clear();
                for (sequence, range) in self.part(part) {
                    let start = found.len();
                    found.extend_from_slice(&x[range]);
                    Arch::new().dispatch(Forward {
                        stack: &stack,
                        x: &mut found[start..],
                        room,
                        dropout: self.dropout(sequence),
                    });
                }
            },
            |part, (_, found)| self.place(part, found, &mut y),
        );
        y
    }

    /// Copies the results for the sequences of a work item to their positions.
    fn place(&self, part: usize, found: &[f32], target: &mut [f32]) {
        let mut start = 0;
        for (_, range) in self.part(part) {
            let end = start + range.len();
            target[range].copy_from_slice(&found[start..end]);
            start = end;
        }
    }

    /// The gradients with respect to `x` and `parameters`, given that with respect to the output.
    fn backward(&self, x: &[f32], parameters: &[f32], at_y: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let stack = self.stack(parameters);
        let mut at_x = vec![0.0; x.len()];
        let mut at_parameters = vec![0.0; parameters.len()];
        in_order(
            self.lengths.len().div_ceil(PART),
            || {
                let gradients = vec![0.0; parameters.len()];
                let room = stack.room(self.longest(), true);
                (room, Vec::new(), Vec::new(), gradients)
            },
            |part, (room, copy, found, gradients)| {
                found.clear();
                gradients.fill(0.0);
                for (sequence, range) in self.part(part) {
                    copy.clear();
                    copy.extend_from_slice(&x[range.clone()]);
                    let start = found.len();
                    found.extend_from_slice(&at_y[range]);
                    Arch::new().dispatch(ThereAndBack {
                        stack: &stack,
                        x: copy,
                        gradient: &mut found[start..],
                        room,
                        dropout: self.dropout(sequence),
                        gradients,
                    });
                }
            },
            |part, (_, _, found, gradients)| {
                self.place(part, found, &mut at_x);
                for (sum, gradient) in at_parameters.iter_mut().zip(gradients) {
                    *sum += *gradient;
                }
            },
        );
        stack.unfold(parameters, &mut at_parameters);
        (at_x, at_parameters)
    }
}

struct Forward<'a> {
    stack: &'a Stack,
    x: &'a mut [f32],
    room: &'a mut Room,
    dropout: Option<Dropout>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.stack.forward::<false>(self.x, self.room, self.dropout);
    }
}

struct ThereAndBack<'a> {
    stack: &'a Stack,
    x: &'a mut [f32],
    gradient: &'a mut [f32],
    room: &'a mut Room,
    dropout: Option<Dropout>,
    gradients: &'a mut [f32],
}

impl WithSimd for ThereAndBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.stack.forward::<true>(self.x, self.room, self.dropout);
        self.stack
            .backward(self.gradient, self.room, self.dropout, self.gradients);
    }
}
