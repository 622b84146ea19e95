//! Parameters of a module as a set.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// Ids of all parameters of a module.
pub fn parameter_ids<M: Module>(module: &M) -> HashSet<ParamId> {
    let mut ids = Ids::default();
    module.visit(&mut ids);
    ids.0
}

#[derive(Default)]
struct Ids(HashSet<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id);
    }
}
