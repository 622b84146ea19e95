//! How much memory a training takes, by phase: of a real run up to its second update.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use aam_core::memory::{peak, reset_peak, resident};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::inference::FineTuned;
use aam_train::objective::Objective;
use aam_train::parallel::Replica;
use aam_train::trainer::trial_updates::TrialEvent;

use crate::options::TrainOptions;
use crate::stages::{
    DividedStudy, MatchedStudy, PreparedTraining, TrainingSettings, TrainingSetup,
};

/// Updates that are measured: the second finds the state of the optimizer that the first made.
const UPDATES: usize = 2;

/// A phase of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// What is done in it.
    pub name: String,
    /// The most bytes in memory.
    pub peak: u64,
    /// Bytes in memory when it was over.
    pub after: u64,
}

/// How much memory a run takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMemory {
    /// Samples of a batch, which are no more than there are.
    pub batch_size: usize,
    /// The phases, in their order.
    pub phases: Vec<Phase>,
}

impl StepMemory {
    /// The most bytes of all phases.
    pub fn peak(&self) -> u64 {
        self.phases
            .iter()
            .map(|phase| phase.peak)
            .max()
            .unwrap_or(0)
    }
}

/// Begins the run that `options` describe, and measures until its second update and a validation.
///
/// # Errors
/// Those of [`train`](crate::training::train), and a system that does not report how much memory is taken.
pub fn step_memory(options: &TrainOptions, interrupt: &AtomicBool) -> Result<StepMemory, RunError> {
    let observer: &mut dyn Observer = &mut |_: &Event<'_>| {};
    let mut meter = Meter::default();
    meter.begin("reading the study, making the model");
    let setup = TrainingSetup::for_trial(TrainingSettings::of_run(options)?, observer)?;
    let study = MatchedStudy::of(&setup, observer)?;
    let divided = DividedStudy::new(&setup, &study, observer)?;
    let prepared = PreparedTraining::new(&divided, observer)?;
    if prepared.encodes_first() {
        meter.begin("encoding ASVs");
    }
    let ready = prepared.ready(observer)?;
    let batch_size = setup.plan.batch_size.min(divided.split.train.len());
    meter.begin(GRADIENTS);
    let mut watcher = |_: &FineTuned, _: &mut dyn Observer, event| {
        match event {
            TrialEvent::Gradients { .. } => meter.begin(UPDATE),
            TrialEvent::Updated => meter.begin(GRADIENTS),
        }
        Ok(true)
    };
    let mut rates = std::iter::repeat_n(setup.plan.lr, UPDATES);
    let model = ready.try_updates(&mut rates, &mut watcher, observer, interrupt)?;
    // What began after the last update ended before it did anything.
    meter.phases.pop();
    meter.begin("validation");
    ready.objective.validate(&model, Replica::ALONE)?;
    meter.end();
    let measured = StepMemory {
        batch_size,
        phases: meter.summed(),
    };
    match measured.peak() {
        0 => Err(RunError::setting(
            options.memory.first(),
            "this system does not report how much memory a process takes; give --batch-size",
        )),
        _ => Ok(measured),
    }
}

/// Measures phases.
#[derive(Default)]
struct Meter {
    phases: Vec<Phase>,
}

impl Meter {
    /// Ends the phase before and begins another, or goes on with one that there was.
    fn begin(&mut self, name: &str) {
        self.end();
        reset_peak();
        self.phases.push(Phase {
            name: name.to_owned(),
            peak: 0,
            after: 0,
        });
    }

    fn end(&mut self) {
        if let Some(phase) = self.phases.last_mut() {
            phase.peak = peak().unwrap_or(0);
            phase.after = resident(None).unwrap_or(0);
        }
    }

    /// One phase for each name, in the order in which they came first.
    fn summed(self) -> Vec<Phase> {
        let mut all: Vec<Phase> = Vec::new();
        for phase in self.phases {
            match all.iter_mut().find(|known| known.name == phase.name) {
                Some(known) => {
                    known.peak = known.peak.max(phase.peak);
                    known.after = phase.after;
                }
                None => all.push(phase),
            }
        }
        all
    }
}

const GRADIENTS: &str = "gradients of a batch";
const UPDATE: &str = "optimizer and update";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_one_name_are_one() {
        let phase = |name: &str, peak, after| Phase {
            name: name.to_owned(),
            peak,
            after,
        };
        let meter = Meter {
            phases: vec![
                phase(GRADIENTS, 5, 3),
                phase(UPDATE, 4, 4),
                phase(GRADIENTS, 7, 4),
            ],
        };
        let phases = meter.summed();
        assert_eq!(phases, [phase(GRADIENTS, 7, 4), phase(UPDATE, 4, 4)]);
        let memory = StepMemory {
            batch_size: 2,
            phases,
        };
        assert_eq!(memory.peak(), 7);
    }
}
