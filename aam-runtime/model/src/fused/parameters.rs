//! Conversion between the parameters of a Burn module and flat vectors of values and gradients.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

/// All parameters of `module`, in the order in which Burn visits them. `None` if they are not
/// 32-bit floats.
pub(super) fn values<M: Module>(module: &M) -> Option<Vec<f32>> {
    let mut values = Values(Some(Vec::new()));
    module.visit(&mut values);
    values.0
}

/// Assigns `gradients`, in the same order, to the parameters of `module`. Frozen parameters are
/// skipped.
pub(super) fn gradients<M: Module>(module: &M, gradients: &[f32]) -> GradientsParams {
    let mut found = Gradients {
        values: gradients,
        found: GradientsParams::new(),
    };
    module.visit(&mut found);
    found.found
}

struct Values(Option<Vec<f32>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        match (data.as_slice::<f32>(), &mut self.0) {
            (Ok(values), Some(all)) => all.extend_from_slice(values),
            _ => self.0 = None,
        }
    }
}

struct Gradients<'a> {
    values: &'a [f32],
    found: GradientsParams,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let (values, rest) = self.values.split_at(tensor.shape().num_elements());
        self.values = rest;
        if param.is_require_grad() {
            let data = TensorData::new(values.to_vec(), tensor.shape());
            let device = tensor.device().inner();
            self.found
                .register(param.id, Tensor::<D>::from_data(data, &device));
        }
    }
}
