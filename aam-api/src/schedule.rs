//! Schedules: the learning rate of each update.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::{PluginError, Stage};

/// What a schedule is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleContext {
    /// The highest rate.
    pub peak: f64,
    /// Updates of the run, at least 1. A run that goes on may have others than when it began.
    pub total: usize,
}

impl ScheduleContext {
    /// A run of `total` updates with a highest rate of `peak`.
    pub fn new(peak: f64, total: usize) -> Self {
        Self {
            peak,
            total: total.max(1),
        }
    }
}

/// A schedule: the learning rate as a function of the update and, where it has a state, of the
/// scores of the epochs so far.
pub trait Schedule: Debug + Send {
    /// The rate of an update, from 0; not negative and at most the highest. Updates may come after
    /// the last that was expected.
    fn rate(&self, update: usize) -> f64;

    /// Tells the schedule the score of an epoch on the validation samples, of which more is better.
    fn after_epoch(&mut self, score: f64) {
        let _ = score;
    }

    /// What the epochs so far make of the rate, as a checkpoint keeps it; JSON's null if the rate
    /// depends on the update alone. Numbers may be infinite with [`exact`](crate::exact).
    fn state(&self) -> Value {
        Value::Null
    }

    /// Goes on from a state of this schedule; its highest rate and its length may have been others.
    ///
    /// # Errors
    /// A value that is no such state ([`PluginError::bad_state`]).
    fn resume(&mut self, state: &Value) -> Result<(), PluginError> {
        let _ = state;
        Ok(())
    }
}

crate::define_kind! {
    /// The kind of [`Schedule`].
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
    /// By convention an option `warmup` is the number of updates over which the rate rises at first,
    /// or, below 1, a fraction of the run.
    pub trait ScheduleConfig {
        /// The schedule of a run that begins.
        type Schedule: Schedule;
    }

    /// A schedule of any type.
    pub type BoxedSchedule = boxed;
}
