//! Memory use of a training run by phase, measured on a real run up to its second update.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use aam_core::memory::{peak, reset_peak, resident};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::plan::Plan;
use serde::de::DeserializeOwned;

use crate::options::{MemoryOptions, OptimizationOptions, PretrainOptions, TrainOptions};
use crate::stages::{
    DividedPretraining, DividedStudy, MatchedStudy, PreparedPretraining, PreparedTraining,
    PretrainingSettings, PretrainingSetup, TrainingSettings, TrainingSetup, Trial, measure_base,
    unlabelled,
};

const READING: &str = "reading the study, making the model";

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

/// The options of a run whose memory use can be measured.
pub trait Measurable: Clone + Serialize + DeserializeOwned {
    /// The name of its command.
    const COMMAND: &'static str;

    /// The memory limits.
    fn memory(&mut self) -> &mut MemoryOptions;

    /// How it trains.
    fn optimization(&mut self) -> &mut OptimizationOptions;

    /// Reduces it to a single training on one split.
    fn make_single(&mut self) {}

    /// Starts the run on all ranks of this process, and measures it up to the second update of
    /// each stage and a validation.
    ///
    /// # Errors
    /// Those of the run, and a system that does not report memory use.
    fn measure(&self, interrupt: &AtomicBool) -> Result<StepMemory, RunError>;
}

impl Measurable for TrainOptions {
    const COMMAND: &'static str = "train";

    fn memory(&mut self) -> &mut MemoryOptions {
        &mut self.memory
    }

    fn optimization(&mut self) -> &mut OptimizationOptions {
        &mut self.optimization
    }

    fn make_single(&mut self) {
        self.split.folds = None;
        self.split.leave_one_group_out = false;
    }

    fn measure(&self, interrupt: &AtomicBool) -> Result<StepMemory, RunError> {
        let observer: &mut dyn Observer = &mut |_: &Event<'_>| {};
        let mut meter = Meter::default();
        meter.begin(READING);
        let setup = TrainingSetup::new(TrainingSettings::of_run(self)?, observer)?;
        let study = MatchedStudy::of(&setup, observer)?;
        let divided = DividedStudy::new(&setup, &study, observer)?;
        let prepared = PreparedTraining::new(&divided, observer)?;
        if prepared.encodes_first() {
            meter.begin("encoding ASVs");
        }
        let ready = prepared.ready(observer)?;
        let trial = Trial {
            options: &self.optimization,
            components: &self.components,
            plan: setup.plan,
            ranks: &setup.ranks,
            interrupt,
        };
        let (sampling, model) = (ready.sampling(), ready.model.clone());
        let mut begin = |name: &str| meter.begin(name);
        trial.run(&ready.objective, model, &sampling, &mut begin)?;
        meter.of_batches(setup.plan.batch_size.min(divided.split.train.len()))
    }
}

impl Measurable for PretrainOptions {
    const COMMAND: &'static str = "pretrain";

    fn memory(&mut self) -> &mut MemoryOptions {
        &mut self.memory
    }

    fn optimization(&mut self) -> &mut OptimizationOptions {
        &mut self.optimization
    }

    fn measure(&self, interrupt: &AtomicBool) -> Result<StepMemory, RunError> {
        let observer: &mut dyn Observer = &mut |_: &Event<'_>| {};
        let mut meter = Meter::default();
        meter.begin(READING);
        let setup = PretrainingSetup::new(PretrainingSettings::of_run(self)?, observer)?;
        let study = unlabelled(&setup, observer)?;
        let divided = DividedPretraining::new(&setup, &study, observer)?;
        let prepared = PreparedPretraining::new(&divided)?;
        let plan = Plan::distances(setup.settings.staged, &self.optimization);
        measure_base(prepared, &mut |name: &str| meter.begin(name), interrupt)?;
        meter.of_batches(plan.batch_size.min(divided.split.train.len()))
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

    /// Ends the measurement of a run with batches of `batch_size`.
    fn of_batches(mut self, batch_size: usize) -> Result<StepMemory, RunError> {
        self.end();
        let measured = StepMemory {
            batch_size,
            phases: self.summed(),
        };
        match measured.peak() {
            0 => Err(RunError::setting(
                "memory-profile",
                "this system does not report how much memory a process takes; give --batch-size, and no flag that asks for a measurement",
            )),
            _ => Ok(measured),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_of_the_same_name_are_merged() {
        let phase = |name: &str, peak, after| Phase {
            name: name.to_owned(),
            peak,
            after,
        };
        let meter = Meter {
            phases: vec![
                phase("gradients", 5, 3),
                phase("update", 4, 4),
                phase("gradients", 7, 4),
            ],
        };
        let phases = meter.summed();
        assert_eq!(phases, [phase("gradients", 7, 4), phase("update", 4, 4)]);
        let memory = StepMemory {
            batch_size: 2,
            phases,
        };
        assert_eq!(memory.peak(), 7);
    }
}
