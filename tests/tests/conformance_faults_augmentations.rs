//! The conformance suite detects faults: augmentations with one fault at a time.

use std::sync::atomic::{AtomicU32, Ordering};

use aam_api::tokens::START;
use aam_api::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationDraw, AugmentationKind,
    AugmentedSample, Kind, PluginError, testing,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    ChangesNothing,
    LeavesNothing,
    ForgetsReads,
    ReversesAsvs,
    InventsAsvs,
    TakesTooMuch,
    ChangesClasses,
    ExaggeratesNumbers,
    DropsTargets,
    DrawsAfresh,
    ChangesStarts,
    HidesErrors,
    RefusesAll,
}

/// Leaves out the last ASV of a sample in every other draw, and may have a fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyConfig {
    /// The fault.
    fault: Fault,
}

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    changes: AtomicU32,
}

impl AugmentationConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type Augmentation = Faulty;

    fn init(&self, _: &AugmentationContext) -> Result<Faulty, PluginError> {
        match self.fault {
            Fault::RefusesAll => {
                let what = "another run";
                Err(PluginError::needs(AugmentationKind::NAME, Self::NAME, what))
            }
            fault => Ok(Faulty {
                fault,
                changes: AtomicU32::new(0),
            }),
        }
    }
}

impl Augmentation for Faulty {
    fn augment(&self, mut sample: AugmentedSample, draw: &AugmentationDraw<'_>) -> AugmentedSample {
        let is_class = draw.pool.are_classes().first().copied();
        if self.fault == Fault::ChangesNothing {
            return sample;
        }
        if draw.seed.is_multiple_of(2) && sample.asvs.len() > 1 {
            sample.asvs.pop();
            sample.reads.pop();
        }
        match self.fault {
            Fault::LeavesNothing => {
                sample.asvs.clear();
                sample.reads.clear();
            }
            Fault::ForgetsReads => drop(sample.reads.pop()),
            Fault::ReversesAsvs => sample.asvs.reverse(),
            Fault::InventsAsvs => {
                sample.asvs.push(1000);
                sample.reads.push(1.0);
            }
            Fault::TakesTooMuch => sample.reads[0] -= 50.5,
            Fault::DropsTargets => sample.targets.clear(),
            Fault::ChangesClasses if is_class == Some(true) => sample.targets[0] = 9.0,
            Fault::ExaggeratesNumbers if is_class == Some(false) => sample.targets[0] *= 10.0,
            Fault::DrawsAfresh => {
                let change = self.changes.fetch_add(1, Ordering::Relaxed);
                sample.reads[0] += change as f32;
            }
            _ => {}
        }
        sample
    }

    fn changes_sequences(&self) -> bool {
        self.fault == Fault::ChangesStarts
    }

    fn mutate(&self, tokens: &mut [u8], _: u64) {
        match self.fault {
            Fault::ChangesStarts => tokens[0] = START + 1,
            Fault::HidesErrors => tokens[1] = 4,
            _ => {}
        }
    }
}

#[test]
fn every_fault_of_an_augmentation_is_named() {
    for (fault, expected) in [
        (Fault::None, "conforms"),
        (
            Fault::ChangesNothing,
            "it changes neither samples nor sequences",
        ),
        (Fault::LeavesNothing, "a sample has no ASV left"),
        (Fault::ForgetsReads, "but reads of"),
        (Fault::ReversesAsvs, "are not in ascending order"),
        (
            Fault::InventsAsvs,
            "the ASV Some(1000) is in no training sample",
        ),
        (Fault::TakesTooMuch, "an ASV has Some(-"),
        (
            Fault::ChangesClasses,
            "samples with a class: a sample of class",
        ),
        (
            Fault::ExaggeratesNumbers,
            "samples with a number: a number becomes",
        ),
        (Fault::DropsTargets, "targets has 0 afterwards"),
        (
            Fault::DrawsAfresh,
            "the same seed gives another change of the same sample",
        ),
        (Fault::ChangesStarts, "the token 5 becomes 6"),
        (Fault::HidesErrors, "it says false about changing sequences"),
        (Fault::RefusesAll, "refuses every run"),
    ] {
        let config = FaultyConfig { fault };
        let checked = std::panic::catch_unwind(|| testing::augmentation(&config));
        let verdict = match checked {
            Ok(()) => "conforms".to_owned(),
            Err(panic) => *panic.downcast::<String>().expect("a message"),
        };
        assert!(verdict.contains(expected), "{fault:?}: {verdict}");
    }
}
