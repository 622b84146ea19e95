//! Memory use of a training by phase, measured on a real run up to its second update.

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

/// Number of updates to measure. The second one includes the optimizer state created by the first.
const UPDATES: usize = 2;

/// A phase of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Name of the phase.
    pub name: String,
    /// Peak memory in bytes.
    pub peak: u64,
    /// Memory in bytes at the end of the phase.
    pub after: u64,
}

/// The memory use of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMemory {
    /// Samples per batch, at most the number of samples.
    pub batch_size: usize,
    /// The phases in order.
    pub phases: Vec<Phase>,
}

impl StepMemory {
    /// The peak memory over all phases, in bytes.
    pub fn peak(&self) -> u64 {
        self.phases
            .iter()
            .map(|phase| phase.peak)
            .max()
            .unwrap_or(0)
    }
}

/// Starts the run described by `options`, and measures it up to the second update and a validation.
///
/// # Errors
/// Those of [`train`](crate::training::train), and a system that does not report memory use.
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
    // The phase that began after the last update ended before doing anything.
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

/// Measures the memory of phases.
#[derive(Default)]
struct Meter {
    phases: Vec<Phase>,
}

impl Meter {
    /// Ends the current phase and begins another, or resumes an earlier one of that name.
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

    /// Merges phases of the same name, in order of first occurrence.
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
