//! How much memory a training takes, by phase: of a real run up to its second update.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use aam_api::Alone;
use serde::{Deserialize, Serialize};

use super::finetuning::Finetuning;
use super::inference::FineTuned;
use super::objective::Objective;
use super::run_finetuning::{Rehearsal, rehearse};
use super::sampling::Sampling;
use super::trainer::Trainer;
use super::trainer::rehearsed::Moment;
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::memory::{peak, reset_peak, resident};
use crate::options::TrainOptions;
use crate::run_directory::RunDirectory;

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
/// Those of [`train`](super::train), and a system that does not tell how much memory is taken.
pub fn step_memory(
    options: &TrainOptions,
    interrupt: &AtomicBool,
) -> Result<Option<StepMemory>, RunError> {
    let mut meter = Meter::default();
    meter.begin("reading the study, making the model");
    let meter = Mutex::new(meter);
    let mut test = StepTest {
        meter: &meter,
        measured: None,
    };
    let mut listener = |event: &Event<'_>| {
        // ASVs are encoded once the study is read and the model there.
        if let Event::Progress { done, .. } = event {
            let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
            if *done > 0 && meter.phases.len() == 1 {
                meter.begin("encoding ASVs");
            }
        }
    };
    rehearse(options, &mut test, &mut listener, interrupt)?;
    let measured = test.measured;
    match &measured {
        Some(measured) if measured.peak() == 0 => Err(RunError::Usage(
            "this system does not tell how much memory a process takes; give --batch-size without --auto-batch-size and --memory-profile".to_owned(),
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

struct StepTest<'a> {
    meter: &'a Mutex<Meter>,
    measured: Option<StepMemory>,
}

const GRADIENTS: &str = "gradients of a batch";
const UPDATE: &str = "optimizer and update";

impl Rehearsal for StepTest<'_> {
    fn rehearse(
        &mut self,
        trainer: Trainer<'_>,
        objective: &Finetuning<'_>,
        model: FineTuned,
        sampling: &Sampling<'_>,
        _: &RunDirectory,
    ) -> Result<Outcome, RunError> {
        let batch_size = trainer.plan.batch_size.min(sampling.rows.len());
        let meter = self.meter.lock();
        let mut meter = std::mem::take(&mut *meter.unwrap_or_else(PoisonError::into_inner));
        meter.begin(GRADIENTS);
        let mut watcher = |_: &mut dyn Observer, moment| {
            match moment {
                Moment::Gradients { .. } => meter.begin(UPDATE),
                Moment::Updated => meter.begin(GRADIENTS),
            }
            Ok(true)
        };
        let mut rates = std::iter::repeat_n(trainer.plan.lr, UPDATES);
        let model = trainer.rehearsed(objective, &model, sampling, &mut rates, &mut watcher)?;
        // What began after the last update ended before it did anything.
        meter.phases.pop();
        meter.begin("validation");
        objective.validate(&model, &Alone)?;
        meter.end();
        self.measured = Some(StepMemory {
            batch_size,
            phases: meter.summed(),
        });
        Ok(Outcome::Finished)
    }
}

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
