//! A component as a function, and the checks that apply to every kind.

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{Device, Tensor};

use super::numbers::Array;
use super::parameters::jitter;
use super::{Check, ensure, gradient};

/// Applies a component to its inputs.
type Run<'a, M> = &'a dyn Fn(&M, &[Tensor<3>]) -> Result<Vec<Tensor<3>>, String>;

/// A component as a function from arrays to arrays.
pub(super) struct Subject<'a, M> {
    /// Builds the component on a device.
    pub(super) build: &'a dyn Fn(&Device) -> Result<M, String>,
    /// Applies the component.
    pub(super) run: Run<'a, M>,
    /// Inputs of several batches.
    pub(super) batches: Vec<Vec<Array>>,
}

impl<M: Module> Subject<'_, M> {
    /// The component on a device without gradients, with its parameters perturbed.
    pub(super) fn component(&self) -> Result<M, String> {
        Ok(jitter((self.build)(&Device::default())?, 7))
    }

    /// The outputs of `component`, which is on a device without gradients.
    pub(super) fn outputs(&self, component: &M, inputs: &[Array]) -> Result<Vec<Array>, String> {
        let device = Device::default();
        let inputs: Vec<_> = inputs.iter().map(|input| input.tensor(&device)).collect();
        let outputs = (self.run)(component, &inputs)?;
        outputs.iter().map(Array::read).collect()
    }

    /// Runs the checks that apply to every kind.
    pub(super) fn check(&self) -> Check {
        let component = self.component()?;
        for inputs in &self.batches {
            let outputs = self.outputs(&component, inputs)?;
            for output in &outputs {
                output.check_finite("outputs")?;
            }
            ensure!(
                outputs == self.outputs(&component, inputs)?,
                "the same input gives different outputs outside training"
            );
        }
        gradient::check(self)?;
        self.check_saving(&component)
    }

    pub(super) fn check_saving(&self, component: &M) -> Check {
        if component.num_params() == 0 {
            return Ok(());
        }
        let failed = |error: &dyn std::fmt::Display| format!("cannot be saved and loaded: {error}");
        let mut store = SafetensorsStore::from_bytes(None);
        component.save_into(&mut store).map_err(|e| failed(&e))?;
        let bytes = store.get_bytes().map_err(|e| failed(&e))?;
        let mut store = SafetensorsStore::from_bytes(Some(bytes));
        let mut loaded = (self.build)(&Device::default())?;
        loaded.load_from(&mut store).map_err(|e| failed(&e))?;
        for inputs in &self.batches {
            ensure!(
                self.outputs(component, inputs)? == self.outputs(&loaded, inputs)?,
                "outputs differ after saving and loading; \
                 is something that training changes not a parameter?"
            );
        }
        Ok(())
    }

    /// Checks that randomness acts only in training; for a component built with a high dropout.
    pub(super) fn check_dropout(&self) -> Check {
        let trained = self.component()?.train();
        let device = Device::default().autodiff();
        let Some(inputs) = self.batches.first() else {
            return Ok(());
        };
        let run = |component: &M| -> Result<Vec<Array>, String> {
            let inputs: Vec<_> = inputs.iter().map(|input| input.tensor(&device)).collect();
            let outputs = (self.run)(component, &inputs)?;
            outputs.iter().map(Array::read).collect()
        };
        ensure!(
            run(&trained)? != run(&trained)?,
            "a dropout of 0.5 changes nothing in training; is the `Dropout` a field of the module?"
        );
        let valid = trained.valid();
        ensure!(
            self.outputs(&valid, inputs)? == self.outputs(&valid, inputs)?,
            "dropout acts outside training; use Burn's `Dropout`, which `valid` switches off"
        );
        Ok(())
    }
}
