//! What changes from step to step: the model, its optimizer and schedule, and where the run stands.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};

use super::epoch::Place;
use super::metrics::Metric;
use super::objective::{Objective, OwnRate};
use super::optimizer::split;
use super::plan::Plan;
use super::resume::Resumed;
use super::saving::Moment;
use super::schedule::Schedule;
use super::state::{Best, Done};
use crate::error::RunError;

/// Where a run stands.
pub(super) struct Progress<M> {
    /// What was done before the stage.
    pub before: Done,
    /// What is done in all.
    pub done: Done,
    /// How far the epoch at hand has come.
    pub place: Place,
    /// The best epoch of the stage and its model.
    pub best: Option<(Best, M)>,
    /// Epochs since then.
    pub since_best: usize,
    /// Metrics of the last epoch done.
    pub metrics: Vec<Metric>,
}

impl<M: Module> Progress<M> {
    pub fn new(before: Done) -> Self {
        Self {
            before,
            done: before,
            place: Place::default(),
            best: None,
            since_best: 0,
            metrics: Vec::new(),
        }
    }

    /// That of a run that goes on; `model` gives the shape of the best one.
    pub fn of(resumed: &Resumed, model: &M) -> Result<Self, RunError> {
        let state = &resumed.state;
        let best = resumed.best(model)?;
        Ok(Self {
            before: state.before,
            done: state.done,
            place: state.place.clone(),
            best: state.best.clone().zip(best),
            since_best: state.since_best,
            metrics: resumed.manifest.metrics.clone(),
        })
    }

    /// Updates of the stage.
    pub fn step(&self) -> usize {
        self.done.steps - self.before.steps
    }

    /// Updates of the stage in all; an epoch of which some rows are done has as many left as
    /// `left` says.
    pub fn updates(&self, plan: &Plan, left: impl Fn(usize) -> usize) -> usize {
        let epochs = self.done.epochs - self.before.epochs;
        let (begun, here) = match self.place.rows {
            0 => (0, 0),
            rows => (1, left(rows)),
        };
        let further = plan.epochs.saturating_sub(epochs + begun);
        let all = self.step() + here;
        let all = all.saturating_add(further.saturating_mul(left(0)));
        all.min(plan.max_steps)
    }
}

/// A model in training, and what changes with it.
pub(super) struct Learner<M> {
    pub model: M,
    pub optimizer: ModuleOptimizer,
    pub schedule: Schedule,
    /// Parameters with a learning rate of their own.
    pub own_rate: Option<OwnRate>,
    pub progress: Progress<M>,
}

impl<M: Module> Learner<M> {
    /// With the state of a run that goes on.
    ///
    /// # Errors
    /// A checkpoint without the optimizer's state.
    pub fn go_on(mut self, resumed: &Resumed) -> Result<Self, RunError> {
        self.schedule.go_on(resumed.state.plateau.clone());
        self.optimizer = resumed.optimizer(self.optimizer)?;
        Ok(self)
    }

    /// What is saved of it.
    pub fn moment<'a, O: Objective<Model = M>>(&'a self, objective: &'a O) -> Moment<'a, O> {
        Moment {
            objective,
            model: &self.model,
            optimizer: &self.optimizer,
            schedule: &self.schedule,
            progress: &self.progress,
        }
    }

    /// After one update.
    pub fn updated(mut self, gradients: GradientsParams) -> Self {
        let rate = self.schedule.rate(self.progress.step());
        let optimizer = &mut self.optimizer;
        self.model = match &self.own_rate {
            None => optimizer.step(rate, self.model, gradients),
            Some(own) => {
                let (inside, outside) = split(&self.model, gradients, &own.parameters);
                let model = optimizer.step(rate, self.model, outside);
                optimizer.step(rate * own.factor, model, inside)
            }
        };
        self.progress.done.steps += 1;
        self
    }
}
