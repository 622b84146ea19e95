//! The mutable state of a training run: the model, its optimizer and schedule, and their progress.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};

use super::averaging::Average;
use super::loss_scale::LossScale;
use super::objective::Objective;
use super::progress::Progress;
use super::rates::{OwnRate, updated};
use super::resume::Resumed;
use super::saving::Snapshot;
use super::schedule::ChosenSchedule;
use crate::parallel::update::{UpdateRule, Updater};
use aam_run::RunError;

/// A model in training, with its mutable state.
pub(super) struct Learner<M> {
    pub model: M,
    pub optimizer: ModuleOptimizer,
    pub schedule: ChosenSchedule,
    /// Parameters with their own learning rates.
    pub own_rates: Vec<OwnRate>,
    /// The average of the weights, which is evaluated instead of them, if used.
    pub average: Option<Average<M>>,
    /// The loss scale, in half precision.
    pub loss_scale: Option<LossScale>,
    pub progress: Progress<M>,
}

impl<M: Module> Learner<M> {
    /// Restores the state of a resumed run.
    ///
    /// # Errors
    /// A checkpoint without the state of the optimizer, or with one of another schedule.
    pub fn go_on(mut self, resumed: &Resumed, updater: &Updater<'_>) -> Result<Self, RunError> {
        let state = &resumed.state;
        self.schedule
            .go_on(state.schedule.as_deref(), &state.schedule_state)?;
        if let (Some(scale), Some(before)) = (&mut self.loss_scale, &resumed.state.loss_scale) {
            scale.clone_from(before);
        }
        self.optimizer = resumed.optimizer(self.optimizer, updater)?;
        if let Some(average) = &mut self.average {
            let model = resumed.average(&self.model)?;
            *average = Average::resumed(model, average.decay(), self.progress.step());
        }
        Ok(self)
    }

    /// The model that is evaluated, saved as the best one and returned in the end.
    pub fn judged(&self) -> &M {
        self.average.as_ref().map_or(&self.model, Average::model)
    }

    /// The learning rate of the category-specific parameters, if it differs from `rate`.
    pub fn categorical_rate(&self, rate: f64) -> Option<f64> {
        let mut own = self.own_rates.iter();
        own.find(|own| own.of_categories)
            .map(|own| rate * own.factor)
    }

    /// A snapshot for saving, with the weights as a file and the state of the optimizer, whole or
    /// in parts.
    pub fn snapshot<'a, O: Objective<Model = M>>(
        &'a self,
        objective: &'a O,
        weights: Vec<u8>,
        optimizer: Vec<Vec<u8>>,
    ) -> Snapshot<'a, O> {
        Snapshot {
            objective,
            model: &self.model,
            average: self.average.as_ref().map(Average::model),
            weights,
            optimizer,
            schedule: &self.schedule,
            loss_scale: self.loss_scale.as_ref(),
            progress: &self.progress,
        }
    }

    /// The factor by which the loss is multiplied before the backward pass.
    pub fn scale(&self) -> f64 {
        self.loss_scale.as_ref().map_or(1.0, LossScale::factor)
    }

    /// Performs one update with the sums over the ranks of `gradients`, which are of the loss times
    /// [`scale`](Self::scale), times `factor`, clipped to the norm `longest`. Returns their norm,
    /// if known. If they exceed the range of half precision, the update is counted but changes
    /// nothing.
    ///
    /// # Errors
    /// A rank that failed, or gradients that are not finite at any scale.
    pub fn updated(
        mut self,
        updater: &mut Updater<'_>,
        gradients: GradientsParams,
        factor: f64,
        longest: Option<f64>,
    ) -> Result<(Self, Option<f64>), RunError> {
        let factor = factor / self.scale();
        let accepted = match &mut self.loss_scale {
            None => true,
            Some(scale) => scale.accepts(&self.model, &gradients, updater.communicator())?,
        };
        let mut rule = AtRate {
            rate: self.schedule.rate(self.progress.step()),
            optimizer: &mut self.optimizer,
            own: &self.own_rates,
        };
        let mut length = None;
        if accepted {
            (self.model, length) =
                updater.update(self.model, gradients, factor, longest, &mut rule)?;
        }
        if let Some(average) = &mut self.average {
            average.update(&self.model);
        }
        self.progress.done.steps += 1;
        Ok((self, length))
    }
}

/// An update by the optimizer.
pub(super) struct AtRate<'a> {
    pub optimizer: &'a mut ModuleOptimizer,
    pub rate: f64,
    pub own: &'a [OwnRate],
}

impl UpdateRule for AtRate<'_> {
    fn apply<M: Module>(&mut self, module: M, gradients: GradientsParams) -> M {
        updated(module, self.optimizer, gradients, self.rate, self.own)
    }
}
