//! A linear readout of a sample's features in addition to the head. It is solved in closed form,
//! not trained.

use aam_api::export::{Graph, Value};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::abundance_pooling::{constant, fixed, stored};

/// A linear map from the view of a sample to the outputs of all targets, which is added to the
/// head's output. It is zero until it is solved.
#[derive(Module, Debug)]
pub struct Readout {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    targets: usize,
}

impl Readout {
    /// Creates a readout from views of width `width` to `per_target` outputs for each target.
    pub(crate) fn new(width: usize, targets: usize, per_target: usize, device: &Device) -> Self {
        let outputs = targets * per_target;
        Self {
            weight: constant(Param::from_tensor(Tensor::zeros([width, outputs], device))),
            bias: constant(Param::from_tensor(Tensor::zeros([outputs], device))),
            targets,
        }
    }

    /// The shape `[width, outputs]`, where the outputs of a target are adjacent.
    pub fn shape(&self) -> [usize; 2] {
        self.weight.lazy_shape().dims()
    }

    /// Sets the weights, in row-major order of the [shape](Self::shape), and the biases, one per
    /// output.
    #[must_use]
    pub fn with(self, weights: Vec<f32>, biases: Vec<f32>) -> Self {
        let device = self.weight.lazy_device();
        let (shape, outputs) = (self.shape(), biases.len());
        Self {
            weight: stored(self.weight, TensorData::new(weights, shape), &device),
            bias: stored(self.bias, TensorData::new(biases, [outputs]), &device),
            ..self
        }
    }

    /// Maps views `[batch, width]` to values `[batch, targets, outputs per target]`.
    pub(crate) fn forward(&self, views: Tensor<2>) -> Tensor<3> {
        let [batch, _] = views.dims();
        let [_, outputs] = self.shape();
        let values = views.matmul(fixed(&self.weight)) + fixed(&self.bias).unsqueeze_dim(0);
        values.reshape([batch, self.targets, outputs / self.targets])
    }

    /// The same in `graph`, to `[batch, outputs]`.
    pub(crate) fn export(&self, graph: &mut Graph, views: &Value) -> Value {
        let weight = graph.tensor(&fixed(&self.weight));
        let bias = graph.tensor(&fixed(&self.bias));
        let product = graph.matmul(views, &weight);
        graph.add(&product, &bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_a_target_are_adjacent() {
        let device = Device::flex();
        let readout = Readout::new(2, 2, 2, &device);
        let weights = vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, -1.0];
        let readout = readout.with(weights, vec![0.0, 0.0, 0.5, 0.0]);
        let values = readout.forward(Tensor::from_data([[3.0, 4.0]], &device));
        assert_eq!(values.dims(), [1, 2, 2]);
        let values: Vec<f32> = values.into_data().iter::<f32>().collect();
        assert_eq!(values, [3.0, 4.0, 6.5, -4.0]);
    }
}
