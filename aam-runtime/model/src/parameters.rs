//! Sets of parameters of a module.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// The ids of all parameters of a module.
pub fn parameter_ids<M: Module>(module: &M) -> HashSet<ParamId> {
    let mut ids = Ids::default();
    module.visit(&mut ids);
    ids.0
}

/// The ids of the parameters of a module, grouped by the last transformer layer that they belong to
/// or follow, from the input up. The first set contains those before the first layer.
pub fn parameters_by_depth<M: Module>(module: &M) -> Vec<HashSet<ParamId>> {
    let mut depths = Depths::default();
    module.visit(&mut depths);
    depths.sets
}

/// Visits parameters in the order of a module's fields, which is that of the computation.
#[derive(Default)]
struct Depths {
    sets: Vec<HashSet<ParamId>>,
    /// Names and types on the path to a parameter.
    path: Vec<(String, String)>,
    /// The most recent layer.
    layer: Option<String>,
}

impl ModuleVisitor for Depths {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut path = self.path.iter();
        let layer = path.position(|(_, container)| container.ends_with(":Layer"));
        let layer = layer.map(|place| {
            let names: Vec<&str> = self.path[..place].iter().map(|(name, _)| &**name).collect();
            names.join(".")
        });
        if self.sets.is_empty() || (layer.is_some() && layer != self.layer) {
            self.sets.push(HashSet::new());
            // A module that starts with a layer has nothing before it.
            if self.sets.len() == 1 && layer.is_some() {
                self.sets.push(HashSet::new());
            }
        }
        if layer.is_some() {
            self.layer = layer;
        }
        if let Some(set) = self.sets.last_mut() {
            set.insert(param.id);
        }
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

#[derive(Default)]
struct Ids(HashSet<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id);
    }
}

/// The number of trainable parameters, and of all parameters.
pub fn parameter_counts<M: Module>(model: &M) -> (usize, usize) {
    let mut counts = Counts::default();
    model.visit(&mut counts);
    (counts.learning, counts.all)
}

#[derive(Default)]
struct Counts {
    learning: usize,
    all: usize,
}

impl ModuleVisitor for Counts {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let size = param.lazy_shape().num_elements();
        self.all += size;
        if param.is_require_grad() {
            self.learning += size;
        }
    }
}
