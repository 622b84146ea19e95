//! The progress of a run.

use burn::module::Module;

use super::epoch::EpochProgress;
use super::plan::Plan;
use super::resume::Resumed;
use super::state::{Best, Done};
use aam_evaluation::metrics::Metric;
use aam_run::RunError;

/// The progress of a run.
pub(super) struct Progress<M> {
    /// The progress before the stage.
    pub before: Done,
    /// The total progress.
    pub done: Done,
    /// The progress of the current epoch.
    pub place: EpochProgress,
    /// The best epoch of the stage, and its model.
    pub best: Option<(Best, M)>,
    /// The number of epochs since then.
    pub since_best: usize,
    /// The metrics of the last completed epoch.
    pub metrics: Vec<Metric>,
}

impl<M: Module> Progress<M> {
    pub fn new(before: Done) -> Self {
        Self {
            before,
            done: before,
            place: EpochProgress::default(),
            best: None,
            since_best: 0,
            metrics: Vec::new(),
        }
    }

    /// The metric that selects the best epoch, if there are validation samples.
    pub fn chosen_by(&self) -> Option<&str> {
        self.best.as_ref()?.0.metric.as_deref()
    }

    /// The progress of a resumed run. `model` gives the shape of the best one.
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

    /// The number of updates in the stage.
    pub fn step(&self) -> usize {
        self.done.steps - self.before.steps
    }

    /// The total number of updates of the stage. For an epoch of which some rows are complete,
    /// `left` gives the remaining ones.
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
