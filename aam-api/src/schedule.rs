//! Schedules: the learning rate of each update.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::{PluginError, Stage};

/// What a schedule is built from.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleContext {
    /// The highest learning rate.
    pub peak: f64,
    /// Updates of the run, at least 1. A resumed run may have a different number than it began with.
    pub total: usize,
}

impl ScheduleContext {
    /// A run of `total` updates with a highest learning rate of `peak`.
    pub fn new(peak: f64, total: usize) -> Self {
        Self {
            peak,
            total: total.max(1),
        }
    }
}

/// A schedule: the learning rate as a function of the update and, if it has a state, of the scores of
/// the epochs so far.
pub trait Schedule: Debug + Send {
    /// Returns the learning rate of an update, counted from 0; between 0 and the highest rate. Updates
    /// beyond the expected last one are possible.
    fn rate(&self, update: usize) -> f64;

    /// Passes the schedule the score of an epoch on the validation samples; higher is better.
    fn after_epoch(&mut self, score: f64) {
        let _ = score;
    }

    /// Returns the schedule's state after the epochs so far, for a checkpoint; JSON null if the rate
    /// depends on the update alone. Use [`exact`](crate::exact) for numbers that may be infinite.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Resumes from a state of this schedule; its highest rate and its length may have been different.
    ///
    /// # Errors
    /// The value is not a state of this schedule ([`PluginError::bad_state`]).
    fn resume(&mut self, state: &Value) -> Result<(), PluginError> {
        let _ = state;
        Ok(())
    }
}

crate::define_kind! {
    /// The kind of [`Schedule`]s.
    pub struct ScheduleKind: Kind<Context = ScheduleContext> {
        const NAME: &'static str = "schedule";
        const ALIASES: &'static [&'static str] = &["scheduler"];
        const SUMMARY: &'static str = "How the learning rate changes over a run";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 72;
        const MAY_CHANGE: bool = true;

        fn default_component(_: &Map<String, Value>) -> Option<&'static str> {
            Some("warmup-cosine")
        }
    }

    /// The options of a schedule and how to build it.
    ///
    /// By convention, an option `warmup` is the number of updates over which the rate rises initially,
    /// or, below 1, a fraction of the run.
    pub trait ScheduleConfig {
        /// The schedule at the start of a run.
        type Schedule: Schedule;
    }

    /// A schedule of any type.
    pub type BoxedSchedule = boxed;
}
