//! Visitors and mappers of the parameters of a module.

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor, TensorData};

use super::numbers::Numbers;
use super::{Check, ensure};

/// A float parameter and its gradient.
pub(super) struct Parameter {
    /// Its path, such as `layers.0.weight`.
    pub(super) path: String,
    /// Number of its values.
    pub(super) size: usize,
    /// Whether it is trainable; some are drawn or measured.
    pub(super) learns: bool,
    /// The gradient; `None` if backpropagation did not reach it.
    pub(super) gradient: Option<Vec<f32>>,
}

/// The float parameters of `module` with their gradients.
pub(super) fn parameters<M: Module>(module: &M, gradients: &Gradients) -> Vec<Parameter> {
    let mut visitor = Collect {
        gradients,
        path: Vec::new(),
        found: Vec::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

struct Collect<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: Vec<Parameter>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients);
        self.found.push(Parameter {
            path: self.path.join("."),
            size: param.shape().num_elements(),
            learns: param.is_require_grad(),
            gradient: gradient.and_then(|tensor| tensor.into_data().try_to_vec().ok()),
        });
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// The gradients of the float parameters of `module`, with the parameters' paths.
pub(super) fn gradients_of<M: Module>(
    module: &M,
    gradients: &GradientsParams,
) -> Vec<(String, Option<Vec<f32>>)> {
    struct Find<'a> {
        gradients: &'a GradientsParams,
        path: Vec<String>,
        found: Vec<(String, Option<Vec<f32>>)>,
    }
    impl ModuleVisitor for Find<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.gradients.get::<D>(param.id);
            let values = gradient.and_then(|tensor| tensor.into_data().try_to_vec().ok());
            self.found.push((self.path.join("."), values));
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut visitor = Find {
        gradients,
        path: Vec::new(),
        found: Vec::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

/// Checks that gradients of the same parameters agree up to rounding.
pub(super) fn check_same_gradients(
    expected: &[(String, Option<Vec<f32>>)],
    found: &[(String, Option<Vec<f32>>)],
    what: &str,
) -> Check {
    let length = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
    for ((path, expected), (_, found)) in expected.iter().zip(found) {
        let expected = expected.as_deref().unwrap_or_default();
        // No gradient is equivalent to zeros.
        let found = match found.as_deref() {
            Some(found) => found.to_vec(),
            None => vec![0.0; expected.len()],
        };
        let expected = match expected.is_empty() {
            true => vec![0.0; found.len()],
            false => expected.to_vec(),
        };
        ensure!(
            expected.len() == found.len(),
            "gradients {what}: {path} has {} and {} values",
            expected.len(),
            found.len()
        );
        let apart: Vec<f32> = expected.iter().zip(&found).map(|(a, b)| a - b).collect();
        ensure!(
            length(&apart) <= 1e-4 + 1e-3 * length(&expected),
            "gradients {what}: those of the parameter {path} differ by {}, and their norm is {}",
            length(&apart),
            length(&expected)
        );
    }
    Ok(())
}

/// Perturbs every parameter of `module`, which is on a device without gradients, so that values that
/// start at zero hide nothing.
pub(super) fn jitter<M: Module>(module: M, seed: u64) -> M {
    let mut numbers = Numbers::new(seed);
    let mut mapper = Add(move |_, size| {
        let moved = numbers.normals(size).into_iter().map(|value| 0.05 * value);
        Some(moved.collect())
    });
    module.map(&mut Counted::new(&mut mapper))
}

/// Adds `change` to float parameter number `index` of `module`, which is on a device without
/// gradients.
pub(super) fn moved<M: Module>(module: M, index: usize, change: &[f32]) -> M {
    let mut mapper = Add(|number, _| (number == index).then(|| change.to_vec()));
    module.map(&mut Counted::new(&mut mapper))
}

/// Switches off every flag of `module`, so that dropout does nothing.
pub(super) fn without_flags<M: Module>(module: M) -> M {
    struct Off;
    impl ModuleMapper for Off {
        fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
            flag.with_value(false)
        }
    }
    module.map(&mut Off)
}

/// Returns what to add to a parameter, given its number and size.
struct Add<F>(F);

struct Counted<'a, F> {
    add: &'a mut Add<F>,
    number: usize,
}

impl<'a, F> Counted<'a, F> {
    fn new(add: &'a mut Add<F>) -> Self {
        Self { add, number: 0 }
    }
}

impl<F: FnMut(usize, usize) -> Option<Vec<f32>>> ModuleMapper for Counted<'_, F> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let number = self.number;
        self.number += 1;
        let shape = param.shape();
        match (self.add.0)(number, shape.num_elements()) {
            None => param,
            Some(change) => param.map(|tensor| {
                let change = TensorData::new(change, shape);
                let change = Tensor::from_data(change, &tensor.device());
                tensor + change
            }),
        }
    }
}
